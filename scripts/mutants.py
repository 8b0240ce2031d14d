#!/usr/bin/env python3
"""Change the statistics one place at a time, and see whether `overread selfcheck` notices.

    python scripts/mutants.py [MODULE ...] [--out mutants.csv]

Each change (a plus for a minus, a bound made strict, a number moved by one, ...) makes a mutant; it is killed where a
check misses its reference or fails, or where it hangs. Survivors are listed with their line, for a person to say why.
Mutants of the compiled loops run as plain Python, some seconds each; all others take a fraction of a second.
"""

from __future__ import annotations

import argparse
import ast
import copy
import csv
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

STATS = Path(__file__).parents[1] / "src" / "overread" / "stats"
SECONDS = 60
COMPILED = ("_kernels", "_strata_kernels")
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "left": "right", "right": "left"}


@dataclass(frozen=True)
class Mutant:
    """A module with one place changed."""

    module: str
    line: int
    function: str
    change: str
    tree: ast.Module


def mutants(path: Path) -> Iterator[Mutant]:
    """Return every mutant of a module; annotations, docstrings, refusals and messages are left alone."""
    tree = ast.parse(path.read_text("utf-8"))
    places = [(node, function) for node, function in walked(tree, "")]
    for place, (node, function) in enumerate(places):
        for change, apply in changes(node):
            mutated = copy.deepcopy(tree)
            apply([each for each, _ in walked(mutated, "")][place])
            yield Mutant(path.stem, getattr(node, "lineno", 0), function, change, ast.fix_missing_locations(mutated))


def walked(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, str]]:
    """Return the nodes that compute, each with the function it is in."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or name in ("annotation", "returns", "decorator_list"):
                continue
            if isinstance(child, (ast.Raise, ast.JoinedStr)) or is_docstring(child):
                continue
            inside = child.name if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else function
            if isinstance(
                child, (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Attribute)
            ):
                yield child, inside
            yield from walked(child, inside)


def is_docstring(node: ast.AST) -> bool:
    """Say whether a statement is a bare string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """Return what can be changed at a node, and how."""
    if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
        new = SWAPS[type(node.op)]
        yield f"{type(node.op).__name__} -> {new.__name__}", lambda at: setattr(at, "op", new())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        other = SWAPS[type(node.ops[0])]
        yield f"{type(node.ops[0]).__name__} -> {other.__name__}", lambda at: setattr(at, "ops", [other()])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "- -> +", lambda at: setattr(at, "op", ast.UAdd())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not -> not not", lambda at: setattr(at, "operand", ast.UnaryOp(ast.Not(), at.operand))  # type: ignore[attr-defined]
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        moved = node.value + 1
        yield f"{node.value!r} -> {moved!r}", lambda at: setattr(at, "value", moved)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in NAMES:
        side = NAMES[node.value]
        yield f"{node.value} -> {side}", lambda at: setattr(at, "value", side)
    if isinstance(node, ast.Name) and node.id in NAMES and node.id in ("min", "max"):
        yield f"{node.id} -> {NAMES[node.id]}", lambda at: setattr(at, "id", NAMES[node.id])
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield f"{node.attr} -> {NAMES[node.attr]}", lambda at: setattr(at, "attr", NAMES[node.attr])


class Changed(MetaPathFinder, Loader):
    """Gives the mutated module where its name is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.name, self.code = f"overread.stats.{mutant.module}", compile(mutant.tree, mutant.module, "exec")

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Find the one module."""
        return spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run its code."""
        exec(self.code, module.__dict__)


def noticed(mutant: Mutant) -> bool:
    """Run the checks on a mutant, in this process, until one of them notices."""
    sys.meta_path.insert(0, Changed(mutant))
    if mutant.module in COMPILED:
        import numba

        setattr(numba.config, "DISABLE_JIT", True)  # noqa: B010 (the attribute is made at run time)
        for name in COMPILED:
            sys.modules.pop(f"overread.stats.{name}", None)
    try:
        from overread.selfcheck.material import references
        from overread.selfcheck.verdict import CHECKS, held

        for check in CHECKS:
            if not all(held(check, each).agrees for each in references() if each.name == check.name):
                return True
    except BaseException:
        return True
    return False


def try_all(made: list[Mutant], processes: int) -> list[bool]:
    """Try every mutant in a process of its own, so many at a time."""
    verdicts = [False] * len(made)
    running: dict[int, int] = {}
    for place, mutant in enumerate(made):
        if len(running) == processes:
            collect(running, verdicts)
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            out = os.open(os.devnull, os.O_WRONLY)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os._exit(1 if noticed(mutant) else 0)
        running[child] = place
    while running:
        collect(running, verdicts)
    return verdicts


def collect(running: dict[int, int], verdicts: list[bool]) -> None:
    """Wait for one process."""
    child, status = os.wait()
    verdicts[running.pop(child)] = status != 0


def main() -> None:
    """Make the mutants, try them, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    # Loaded once, before the processes part. Nothing that is under test may be, but for the compiled loops, which are
    # slow to load and are loaded anew for their own mutants.
    import scipy.optimize
    import scipy.special  # noqa: F401

    import overread.stats._strata_kernels  # noqa: F401

    paths = [path for path in sorted(STATS.glob("*.py")) if not wanted.modules or path.stem in wanted.modules]
    made = [mutant for path in paths for mutant in mutants(path)]
    verdicts = try_all(made, wanted.processes)
    rows = [
        (mutant.module, mutant.line, mutant.function, mutant.change, "killed" if dead else "survived")
        for mutant, dead in zip(made, verdicts, strict=True)
    ]
    for module in sorted({row[0] for row in rows}):
        of = [row for row in rows if row[0] == module]
        print(f"{module}: {sum(row[-1] == 'killed' for row in of)} of {len(of)} killed")
    print(f"all: {sum(verdicts)} of {len(made)} killed")
    if wanted.out:
        with wanted.out.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("module", "line", "function", "change", "verdict"), *rows])


if __name__ == "__main__":
    main()
