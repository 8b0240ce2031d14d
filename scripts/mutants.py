#!/usr/bin/env python3
"""Change the statistics one place at a time, and see whether `overread selfcheck` notices.

    python scripts/mutants.py [MODULE ...] [--out mutants.csv]
    python scripts/mutants.py --tests --survivors-of mutants.csv --out survivors.csv

Each change (a plus for a minus, a bound made strict, a number moved by one, ...) makes a mutant; it is killed where a
check misses its reference or fails, or where it hangs. What survives is then, with `--tests`, held against its examples
and those tests of the statistics that import the module, simulations left out. Survivors are listed with their line,
for a person to say why. Mutants of the compiled loops run as plain Python, some seconds each, and only against the
checks; all others take a fraction of a second for the checks, and some seconds for the tests.
"""

from __future__ import annotations

import argparse
import ast
import csv
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from itertools import islice
from pathlib import Path
from types import CodeType, ModuleType

STATS = Path(__file__).parents[1] / "src" / "overread" / "stats"
TESTS = Path(__file__).parents[1] / "tests" / "stats"
SECONDS, SECONDS_WITH_TESTS = 60, 300
VERDICTS = {0: "survived", 1: "killed", 2: "killed by tests"}
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

    path: Path
    line: int
    function: str
    change: str
    place: int
    nth: int

    @property
    def module(self) -> str:
        """The module's name."""
        return self.path.stem

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Say what it is."""
        return self.module, str(self.line), self.function, self.change

    def code(self) -> CodeType:
        """Make it; thousands of trees at once would be slow to carry from process to process."""
        tree = ast.parse(self.path.read_text("utf-8"))
        node = next(islice(walked(tree, ""), self.place, None))[0]
        next(islice(changes(node), self.nth, None))[1](node)
        return compile(ast.fix_missing_locations(tree), self.module, "exec")


def mutants(path: Path) -> Iterator[Mutant]:
    """Return every mutant of a module; annotations, docstrings, refusals and messages are left alone."""
    for place, (node, function) in enumerate(walked(ast.parse(path.read_text("utf-8")), "")):
        for nth, (change, _) in enumerate(changes(node)):
            yield Mutant(path, getattr(node, "lineno", 0), function, change, place, nth)


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
        self.name, self.code = f"overread.stats.{mutant.module}", mutant.code()

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


def tests_notice(module: str) -> bool:
    """Run the tests of a mutated module, in this process, until one of them fails: its examples and its own first."""
    import doctest

    import pytest

    if doctest.testmod(sys.modules[f"overread.stats.{module}"]).failed:
        return True
    files = [path for path in sorted(TESTS.glob("test_*.py")) if f"stats.{module} " in path.read_text("utf-8")]
    files = [path for path in files if path.stem != "test_simulations"]
    files.sort(key=lambda path: path.stem != f"test_{module}")
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"]
    return bool(files) and pytest.main([*options, *map(str, files)]) != 0


def load_libraries(tests: bool) -> None:
    """Load once, before the processes part, what is not under test, and the compiled loops, which are slow to load.

    The loops are loaded anew for their own mutants.
    """
    from overread.selfcheck.verdict import selfcheck

    if tests:
        import pytest

        pytest.main(["--collect-only", "-qq", str(TESTS)])
    if missed := [result.sentence for result in selfcheck() if not result.agrees]:
        sys.exit("\n".join(["Nothing was changed, and yet:", *missed]))
    for name, module in list(sys.modules.items()):
        own = name.partition(".")[0] == "overread" and name.rpartition(".")[2] not in COMPILED
        if own or str(getattr(module, "__file__", "")).startswith(
            str(TESTS.parent)
        ):  # tests hold on to what they import
            del sys.modules[name]


def try_all(made: list[Mutant], processes: int, tests: bool, tell: Callable[[Mutant, str], None]) -> list[str]:
    """Try every mutant in a process of its own, so many at a time, and tell each verdict as it falls."""
    verdicts = [""] * len(made)
    running: dict[int, int] = {}

    def collect() -> None:
        child, status = os.wait()
        place = running.pop(child)
        verdicts[place] = VERDICTS[os.WEXITSTATUS(status)] if os.WIFEXITED(status) else "killed: it hung or crashed"
        tell(made[place], verdicts[place])

    for place, mutant in enumerate(made):
        if len(running) == processes:
            collect()
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            out = os.open(os.devnull, os.O_WRONLY)
            os.dup2(out, 1)
            os.dup2(out, 2)
            if noticed(mutant):
                os._exit(1)
            signal.alarm(SECONDS_WITH_TESTS)
            os._exit(2 if tests and mutant.module not in COMPILED and tests_notice(mutant.module) else 0)
        running[child] = place
    while running:
        collect()
    return verdicts


def main() -> None:
    """Make the mutants, try them, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--tests", action="store_true")
    parser.add_argument("--survivors-of", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    load_libraries(wanted.tests)
    paths = [path for path in sorted(STATS.glob("*.py")) if not wanted.modules or path.stem in wanted.modules]
    made = [mutant for path in paths for mutant in mutants(path)]
    if wanted.survivors_of:
        survived = Counter(map(tuple, csv.reader(wanted.survivors_of.open(encoding="utf-8"))))
        made = [mutant for mutant in made if survived[(*mutant.row, VERDICTS[0])]]
    with (wanted.out or Path(os.devnull)).open("w", encoding="utf-8", newline="", buffering=1) as file:
        table = csv.writer(file)
        table.writerow(("module", "line", "function", "change", "verdict"))

        def tell(mutant: Mutant, verdict: str) -> None:
            table.writerow((*mutant.row, verdict))

        verdicts = try_all(made, wanted.processes, wanted.tests, tell)
    for module in [*dict.fromkeys(mutant.module for mutant in made), "all"]:
        of = [said for mutant, said in zip(made, verdicts, strict=True) if module in (mutant.module, "all")]
        counts = ", ".join(f"{of.count(verdict)} {verdict}" for verdict in sorted(set(of)))
        print(f"{module}: {len(of)} mutants, {counts}")


if __name__ == "__main__":
    main()
