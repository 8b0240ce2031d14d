"""In another clinic: sentences and cells are those of the tables, and what cannot be relied on is not said."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.analyses.transport import ASSUMED, CHECKS, DOUBT, FAILS, METRICS, TABLE
from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import transport

ALL = (*METRICS, "mean_score", "calibration_intercept")
VALUES = {"ppv": (0.2, 0.4), "alarm_rate": (0.25, 0.3)}  # there, here


def table_row(reading: str, finding: str, kind: str, metric: str, note: str = "") -> dict[str, object]:
    value, here = VALUES.get(metric, (0.5, 0.5))
    estimated = kind != "prevalence"
    return {
        "reading": reading,
        "finding": finding,
        "clinic": kind,
        "prevalence": 0.02,
        "prevalence_low": 0.01 if estimated else None,
        "prevalence_high": 0.03 if estimated else None,
        "metric": metric,
        "value": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "level": 0.95,
        "here": here,
        "prevalence_here": 0.05,
        "effective_n": 900.0,
        "note": "; ".join(part for part in (note, ASSUMED[kind]) if part),
    }


def check_row(reading: str, finding: str, kind: str, **more: object) -> dict[str, object]:
    row = dict.fromkeys(CHECKS) | {"reading": reading, "finding": finding, "clinic": kind, "check": "", "note": ""}
    return row | {"value": 900.0, "n_here": 1000} | more


@pytest.fixture
def carried(second: SimpleNamespace) -> SimpleNamespace:
    """Return a second reading with all three ways to a clinic; the first reader's Mass fails, Edema is in doubt."""
    rows, checks = [], []
    for reading in second.readings:
        for kind, findings in {
            "prevalence": ["Edema"],
            "mix": ["Mass", "Edema"],
            "scores": ["Mass", "Edema", "Fibrosis"],
        }.items():
            for finding in findings:
                first = kind == "scores" and reading == second.readings[0]
                note = {"Mass": FAILS, "Edema": DOUBT}.get(finding, "") if first else ""
                rows += [table_row(reading, finding, kind, metric, note) for metric in ALL]
                holds = {FAILS: False, DOUBT: None}.get(note, True)
                tested = {"p": 0.02, "p_adjusted": 0.06, "holds": holds} if kind == "scores" else {}
                checks.append(check_row(reading, finding, kind, **tested))
    second.tables["transport"] = pl.DataFrame(rows, schema=TABLE)
    second.tables["transport_check"] = pl.DataFrame(checks, schema=CHECKS)
    return second


def text(section: Section | None) -> str:
    assert section is not None
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def sheet(section: Section | None, name: str) -> Sheet:
    assert section is not None
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name == name)


def test_there_is_no_section_where_nothing_was_said(second: SimpleNamespace) -> None:
    assert transport.section(second) is None
    second.tables["transport"] = pl.DataFrame(schema=TABLE)
    assert transport.section(second) is None


def test_the_lead_says_what_changes_for_1000_people(carried: SimpleNamespace) -> None:
    said = text(transport.section(carried))
    assert (
        "zech: Edema, at a prevalence of 2.0 % there and 5.0 % here. Of 1,000 people 250.0 are called for it there "
        "(300.0 here), and of the called 20.0 % (95 % interval 10.0 to 30.0 %) have it there (40.0 % here)." in said
    )
    assert (
        "zech: PPV is lower there for 2 of 2 findings; it changes most for Mass, at a prevalence of 2.0 % (1.0 to "
        "3.0 %)" in said
    )
    assert "1,000 images here count as much as 900 of equal weight" in said


def test_what_fails_or_is_in_doubt_is_named_and_not_relied_on(carried: SimpleNamespace) -> None:
    said = text(transport.section(carried)).split("unlabelled scores, assuming")[1]
    assert "zech: Fibrosis, at a prevalence" not in said  # of the same images as Mass
    assert said.count("PPV is lower there") == 1
    assert "zech: the assumption fails for 1 of 3 findings (Mass)" in said
    assert "zech: the assumption is in doubt for Edema," in said
    assert "do not contradict the assumption for any of 3 findings" in said  # the other reader
    rows = sheet(transport.section(carried), "transport-scores-table").rows
    verdicts = {row[0].text: row[-1].text.replace(numbers.SPACE, " ") for row in rows if row[1].text == "zech"}
    assert verdicts == {
        "Mass": "fails (p = 0.060)",
        "Edema": "in doubt (p = 0.060)",
        "Fibrosis": "no contradiction (p = 0.060)",
    }


def test_a_finding_whose_check_fails_has_no_mark_there(carried: SimpleNamespace) -> None:
    figures = {figure.name: figure for figure in transport.section(carried).figures}
    body, caption = figures["transport-scores"].drawing.body, figures["transport-scores"].caption
    assert "Edema, zech: PPV 0.200" in body
    assert "Mass, zech: PPV 0.200" not in body
    assert "Where the assumption fails there is no mark." in caption
    assert "no mark" not in figures["transport-mix"].caption


def test_cells_are_the_table_s_and_notes_leave_out_the_assumption(carried: SimpleNamespace) -> None:
    found = sheet(transport.section(carried), "transport-mix-table")
    cells = [cell.text.replace(numbers.SPACE, " ") for cell in found.rows[0]]
    assert cells[:8] == [
        "Mass",
        "zech",
        "5.0 %",
        "2.0 % (1.0 to 3.0 %)",
        "0.400",
        "0.200 (0.100 to 0.300)",
        "0.500",
        "0.500 (0.400 to 0.600)",
    ]
    assert cells[8:10] == ["300.0", "250.0 (150.0 to 350.0)"]
    assert cells[-1] == "900"
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert not found.notes
    assert found.foot == (
        "Every number assumes that within each stratum images there are labelled and scored as here.",
    )


def test_a_clinic_that_cannot_be_spoken_of_says_so(carried: SimpleNamespace) -> None:
    table = (
        carried.tables["transport"]
        .filter(clinic="mix")
        .with_columns(value=None, low=None, high=None, note=pl.lit("lacking"))
    )
    carried.tables["transport"] = table.cast(TABLE)
    note = f"{ASSUMED['mix']}; 5.0% of that clinic is of a kind that this cohort has no image of (view LL)"
    checks = [check_row("zech", "Mass", "mix", value=0.0, holds=False, note=note)]
    carried.tables["transport_check"] = pl.DataFrame(checks, schema=CHECKS)
    said = text(transport.section(carried))
    assert "zech: nothing can be computed" in said
    assert "Not all of that clinic can be spoken of: 5.0% of that clinic is of a kind" in said


def test_names_that_contain_html_stay_text(carried: SimpleNamespace, evil: SimpleNamespace) -> None:
    section = transport.section(carried)
    assert section is not None
    assert len(section.figures) == 3
    for figure in section.figures:
        assert evil.reading not in figure.drawing.body
