"""Decision curves: net benefits per 1,000 people as in the tables; the warning that scores are taken as they are."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.report import numbers
from overread.report.section import Sheet
from overread.report.sections import comparison, decision_curves


def text(second: SimpleNamespace) -> str:
    return " ".join(decision_curves.section(second).lead).replace(numbers.SPACE, " ")


def test_a_cell_is_the_table_s_number_times_a_thousand(second: SimpleNamespace) -> None:
    section = decision_curves.section(second)
    sheet = next(block for block in section.blocks if isinstance(block, Sheet) and block.name == "net-benefit")
    assert sheet.rows[0][0].text == "Atelectasis"
    assert sheet.rows[0][5].text == "90.00 (80.00 to 100.00)"
    assert sheet.rows[3][1].text == "treat all"
    assert sheet.rows[3][5].text == "0.00"
    assert len(sheet.rows) == 13 * 4


def test_the_lead_warns_and_counts(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    said = text(second)
    assert "It takes scores for probabilities" in said
    assert "At a threshold probability of 10 % acting on zech has a higher net benefit" in said
    assert "for 13 of 13 findings." in said
    assert f"zech against {evil.reading} at the same threshold: zech has the higher net benefit for Atelectasis" in said
    assert "not adjusted for the number of findings" in said


def test_no_difference_is_said_where_every_interval_holds_zero(second: SimpleNamespace) -> None:
    table = second.tables["decision_difference"]
    second.tables["decision_difference"] = table.with_columns(low=pl.lit(-1.0), high=pl.lit(1.0))
    assert "for none of 13 findings does the 95 % interval of the difference" in text(second)


def test_one_reading_has_curves_and_no_differences(second: SimpleNamespace) -> None:
    second.readings = ("zech",)
    section = decision_curves.section(second)
    assert [block.name for block in section.blocks] == ["net-benefit", "net-benefit"]


def test_there_is_no_section_where_no_finding_has_a_curve(second: SimpleNamespace) -> None:
    second.tables["decision_curve"] = second.tables["decision_curve"].clear()
    assert decision_curves.section(second) is None


def test_the_threshold_of_the_exchange_rate_is_one_over_one_plus_rate(second: SimpleNamespace) -> None:
    pair = comparison.pairs(second)[0]
    rates = dict(
        second.tables["exchange"].filter(prevalence_source="this cohort").select("finding", "rate").iter_rows()
    )
    thresholds = decision_curves.thresholds(second, pair)
    assert thresholds["Atelectasis"] == pytest.approx(1 / (1 + rates["Atelectasis"]))
    assert "Effusion" not in thresholds


def test_the_floor_is_drawn_only_where_it_has_curves(second: SimpleNamespace) -> None:
    assert decision_curves.readers(second).everyone[-1] == second.floor
    second.tables["decision_curve"] = second.tables["decision_curve"].filter(pl.col("reading") != second.floor)
    assert decision_curves.readers(second).everyone == second.readings
    assert len(decision_curves.sheet(second).rows) == 13 * 3
