"""The statistics agree with other software; a check that is broken, or that nothing holds, is noticed."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import overread.stats
from overread.cli.app import app
from overread.selfcheck import verdict
from overread.selfcheck.material import Check, cohort, references
from overread.selfcheck.verdict import CHECKS, held, selfcheck
from overread.stats import discrimination

STATS = Path(overread.stats.__file__).parent
NOT_CHECKED = {  # public functions of the statistics that no check reaches, and why
    "coverage": "a sentence",
    "parse_rule": "reads text",
    "constraints": "the slack of bounds, held against every table of counts in its own tests",
    "load_ahead": "loads a module",
    "score_shift": "resamples; tested by simulation",
    "tuned": "the arithmetic of cross_fitted on other rows",
}


@pytest.fixture(scope="module")
def results() -> tuple[verdict.Result, ...]:
    return selfcheck()


def test_every_value_agrees(results: tuple[verdict.Result, ...]) -> None:
    assert [result.sentence for result in results if not result.agrees] == []


def test_every_check_has_a_reference_and_every_reference_a_check() -> None:
    assert {check.name for check in CHECKS} == {reference.name for reference in references()}


def test_every_reference_says_what_made_it() -> None:
    for reference in references():
        assert reference.software
        assert reference.version
        assert reference.code
        assert reference.values


def test_a_wide_tolerance_has_a_reason() -> None:
    assert [check.name for check in CHECKS if check.tolerance > 1e-9 and not check.reason] == []


def test_a_check_that_returns_something_else_is_missed() -> None:
    check, reference = CHECKS[0], next(each for each in references() if each.name == CHECKS[0].name)
    off = replace(check, compute=lambda c: np.array(reference.values) * (1 + 1e-6))
    assert not held(off, reference).agrees
    short = held(replace(check, compute=lambda c: reference.values[:1]), reference)
    assert short.note == "1 values instead of 2"
    empty = held(replace(check, compute=lambda c: np.full(len(reference.values), np.nan)), reference)
    assert not empty.agrees


def test_a_statistic_that_fails_is_told_and_the_others_go_on() -> None:
    def fails(_: object) -> float:
        raise ZeroDivisionError("by nought")

    reference = references()[0]
    result = held(Check(reference.name, "nothing", fails), reference)
    assert not result.agrees
    assert "ZeroDivisionError: by nought" in result.sentence
    assert len(result.rows) == len(reference.values)


def test_the_command_tells_of_a_changed_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    right = discrimination.auroc
    monkeypatch.setattr(discrimination, "auroc", lambda labels, scores: right(labels, scores) + 1e-6)
    result = CliRunner().invoke(app, ["selfcheck"])
    assert result.exit_code == 1
    assert "MISSED auroc" in result.output
    assert "do not trust this installation" in result.output


def test_the_command_writes_what_it_found(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["selfcheck", "--every", "--out", str(tmp_path / "found.csv")])
    assert result.exit_code == 0, result.output
    table = pl.read_csv(tmp_path / "found.csv")
    assert set(table["result"]) == {"agrees"}
    assert table.filter(pl.col("check") == "auroc")["software"].unique().to_list() != []
    again = CliRunner().invoke(app, ["selfcheck", "--out", str(tmp_path / "found.csv")])
    assert again.exit_code != 0


def called(path: Path) -> set[str]:
    """Return every name that a module mentions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return names | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_every_public_function_of_the_statistics_is_checked_or_excused() -> None:
    within = {path.stem: called(path) for path in STATS.glob("*.py")}
    mentioned = set().union(*(called(path) for path in Path(verdict.__file__).parent.glob("*.py")))
    public = {
        node.name
        for path in STATS.glob("*.py")
        if not path.stem.startswith("_")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    reached = mentioned | {name for name in public if any(name in names for names in within.values())}
    assert public - reached - set(NOT_CHECKED) == set()


def test_the_cohort_is_what_the_scripts_read() -> None:
    assert cohort().patient.tolist() == sorted(cohort().patient.tolist())
    assert cohort().draws.sum(axis=0).tolist() == [120] * 4
