"""Imports point one way: cli -> vision, report -> analyses -> records, stats: a checked list of what each may use."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import overread

ROOT = Path(overread.__file__).parent
PARTS = {  # part: (parts of overread it may import, libraries it may import)
    "records": ({"records"}, {"numpy", "polars", "narwhals"}),
    "stats": ({"stats"}, {"numpy", "scipy", "numba"}),
    "selfcheck": ({"selfcheck", "stats"}, {"numpy"}),
    "analyses": ({"analyses", "records", "stats"}, {"numpy", "polars", "scipy", "sklearn", "threadpoolctl"}),
    "report": ({"report", "analyses", "records"}, {"polars", "jinja2", "markupsafe", "numpy", "pptx", "resvg_py"}),
    "vision": (
        {"vision", "records"},
        {
            "numpy",
            "polars",
            "torch",
            "monai",
            "lightning",
            "pydicom",
            "highdicom",
            "gdcm",
            "cv2",
            "safetensors",
            "onnx",
            "onnxruntime",
            "openvino",
        },
    ),
    "cli": ({"cli", "report", "vision", "selfcheck", "analyses", "records", "stats"}, {"typer", "rich"}),
}
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_part_imports_only_what_it_may(path: Path) -> None:
    parts, libraries = PARTS[path.relative_to(ROOT).parts[0]]
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "overread":
            if rest:  # `import overread` alone is the package's version
                assert rest.split(".")[0] in parts, f"{path} imports {name}"
        else:
            assert top in libraries or top in sys.stdlib_module_names, f"{path} imports {name}"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        ".".join(("overread", *path.relative_to(ROOT).with_suffix("").parts)): {
            name for name in imports(path) if name.startswith("overread.")
        }
        for path in MODULES
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"circle: {' -> '.join((*trail, module))}"
        if module in done:
            return
        for imported in graph.get(module, ()):
            visit(imported, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())
