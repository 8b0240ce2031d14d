"""How the documentation is built: `sphinx-build -W docs site`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import overread

project = "overread"
author = "the overread contributors"
copyright = "the overread contributors"
release = overread.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "tables_in_pages"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_title = "overread"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_extra_path: list[str] = []
myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "colon_fence"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"ArrayLike": "ArrayLike", "NDArray": "NDArray"}
python_use_unqualified_type_names = True
nitpicky = False
