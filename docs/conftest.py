"""Every block of the documentation runs: `python` and `sh` blocks of a page in order, in an empty folder of its own.

Blocks that are only shown are fenced as `text`. Pages that train or read images need the extra `vision`.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

collect_ignore = ["conf.py", "tables_in_pages.py"]  # Sphinx runs them

HAND_OVER = ("highdicom", "pptx", "cv2", "gdcm")
VISION = ("from-radiographs", "train", "heat-maps", "own-model-vision")


def run_in_shell(example: Example) -> None:
    """Run a block as a person would in a terminal."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def page_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Go to an empty folder for the time of one page, with this environment's `overread` first on the path."""
    page = Path(str(request.node.path)).stem
    if page in VISION and importlib.util.find_spec("torch") is None:
        pytest.skip("needs the extra vision")
    if page == "hand-over" and not all(map(importlib.util.find_spec, HAND_OVER)):
        pytest.skip("needs the extras hand-over and vision")
    folder, before = tmp_path_factory.mktemp(page), Path.cwd()
    os.chdir(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield folder
    os.chdir(before)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser("sh", run_in_shell)],
    patterns=["*.md"],
    fixtures=["page_folder"],
).pytest()
