"""Every block of the documentation runs: `python` and `sh` blocks of a page in order, in an empty folder of its own.

What a page shows as `output` must have been printed by the block before it, line breaks aside. Blocks that are only
shown are fenced as `text`. Pages that train or read images need the extra `vision`.
"""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser

collect_ignore = ["conf.py", "tables_in_pages.py"]  # Sphinx runs them

HAND_OVER = ("highdicom", "pptx", "cv2", "gdcm")
VISION = ("from-radiographs", "train", "heat-maps", "own-model-vision")


def run_in_shell(example: Example) -> None:
    """Run a block as a person would in a terminal."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    example.namespace["printed"] = done.stdout


def run_in_python(example: Example) -> None:
    """Run a block in the page's one session of Python."""
    with redirect_stdout(io.StringIO()) as said:
        PythonEvaluator()(example)
    example.namespace["printed"] = said.getvalue()


def compare_with_printed(example: Example) -> None:
    """Hold what a page shows against what the block before it printed."""
    shown, printed = (" ".join(text.split()) for text in (example.parsed, example.namespace["printed"]))
    assert shown in printed, f"the page shows\n{shown}\nand the block before it printed\n{printed}"


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
    parsers=[
        CodeBlockParser("python", run_in_python),
        CodeBlockParser("sh", run_in_shell),
        CodeBlockParser("output", compare_with_printed),
    ],
    patterns=["*.md"],
    fixtures=["page_folder"],
).pytest()
