"""The section on the plan, and the marks of planned numbers in every table of the page."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import polars as pl
import pytest

from overread.analyses.plan import LOCKED, Plan, Primary
from overread.analyses.planned import DEPARTURES, PLAN
from overread.records.tables import Source
from overread.report.page import page
from overread.report.section import MARKS, Cell, Column, Sheet
from overread.report.sections import plan

COMMON = {"metric": "auroc", "hypothesis": "difference", "bound": None, "level": 0.95, "multiplicity": "holm"}


@pytest.fixture
def planned(second: SimpleNamespace, evil: SimpleNamespace) -> SimpleNamespace:
    options = {name: getattr(second.options, name) for name in LOCKED}
    held = Plan(
        "2026-01-02", "0.0.1", evil.reading, "cd" * 32, 22433, None, (Source("x", "ab" * 32, 1),),
        second.study.findings, (), Primary(findings=("Mass", "mean")), ("sensitivity",), options, "ef" * 32,
    )  # fmt: skip
    second.options = replace(second.options, plan=held)
    second.study.cohort.sources = second.study.sources
    values = {"value": 0.02, "low": 0.01, "high": 0.03, "p": 0.01, "p_adjusted": 0.02, "note": "", "planned": "primary"}
    rows = [
        COMMON | values | {"reading": "zech", "against": evil.reading, "finding": "Mass", "result": "shown"},
        COMMON | {"reading": "zech", "against": evil.reading, "finding": "mean", "result": "not computed",
                  "note": "no positive", "planned": "primary"},
    ]  # fmt: skip
    second.tables["plan"] = pl.DataFrame(rows, schema=PLAN)
    second.tables["plan_departures"] = pl.DataFrame(schema=DEPARTURES)
    marked = pl.when(pl.col("metric") == "auroc").then(pl.lit("planned")).otherwise(pl.lit("exploratory"))
    for name in ("estimates", "comparisons"):
        second.tables[name] = second.tables[name].with_columns(marked.alias("planned"))
    return second


def test_there_is_no_section_without_a_plan(second: SimpleNamespace) -> None:
    assert plan.section(second) is None
    html = page(second).html
    assert 'class="planned"' not in html


def test_the_primary_hypothesis_is_the_first_of_the_page(planned: SimpleNamespace) -> None:
    html = page(planned).html
    assert html.index('<section id="plan"') < html.index('<section id="answer"')


def test_the_lead_says_what_was_asked_what_came_and_what_it_does_not_show(planned: SimpleNamespace) -> None:
    found = plan.section(planned)
    assert found is not None
    said = " ".join(found.lead).replace("\N{NO-BREAK SPACE}", " ")
    assert "whether AUROC differs between readings, for Mass and the mean over findings" in said
    assert "difference in AUROC +0.020 (95 % interval +0.010 to +0.030, p = 0.020): a difference is shown." in said
    assert "not computed (no positive)" in said
    assert "Nothing departs from the plan." in said
    assert "written by overread 0.0.1" in said
    assert "cannot show that nobody looked at the scores first" in said


@pytest.mark.parametrize(
    ("results", "says"), [(("shown", "shown"), "it is shown"), (("shown", "not shown"), "it is not shown")]
)
def test_one_claim_of_several_tests_needs_all(planned: SimpleNamespace, results: tuple[str, str], says: str) -> None:
    held = planned.options.plan
    held = replace(held, primary=replace(held.primary, multiplicity="all"))
    planned.options = replace(planned.options, plan=held)
    values = {"value": 0.02, "low": 0.01, "high": 0.03}
    planned.tables["plan"] = planned.tables["plan"].with_columns(
        pl.Series("result", results), **{name: pl.lit(value) for name, value in values.items()}
    )
    found = plan.section(planned)
    assert found is not None
    assert any(f"for the one claim: {says}." in sentence for sentence in found.lead)


def test_departures_are_told_with_the_reason(planned: SimpleNamespace) -> None:
    planned.options = replace(planned.options, deviation="a slip.")
    planned.tables["plan_departures"] = pl.DataFrame([("seed", "0", "3", "a slip.")], schema=DEPARTURES, orient="row")
    found = plan.section(planned)
    assert found is not None
    assert any("departs from the plan in 1 point (seed): a slip. Numbers" in sentence for sentence in found.lead)
    assert [block.name for block in found.blocks] == ["plan-outcome", "plan-departures", "plan-all"]


def test_planned_cells_are_marked_and_the_marks_explained(planned: SimpleNamespace) -> None:
    html = page(planned).html
    table = html[html.index('id="sheet-table-1"') :]
    table = table[: table.index("</details>")]
    assert MARKS["planned"] in table
    assert "what has no mark is exploratory" in table


def test_marks_of_a_sheet() -> None:
    rows = ((Cell("Mass"), Cell("1", mark=MARKS["planned"])), (Cell("Edema"), Cell("2", mark=MARKS["primary"])))
    assert Sheet("s", "S", (Column("a"), Column("b")), rows).marks == {"◆": "primary", "◇": "planned"}
