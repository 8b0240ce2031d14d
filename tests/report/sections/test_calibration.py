"""Calibration: slopes below 1 are counted by their intervals, points and cells are the tables' numbers."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import calibration


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def sheet(section: Section, name: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name == name)


@pytest.mark.parametrize("name", ["calibration", "reliability"])
def test_there_is_no_section_without_rows(second: SimpleNamespace, name: str) -> None:
    second.tables[name] = second.tables[name].clear()
    assert calibration.section(second) is None


def test_the_lead_says_what_a_slope_means_and_where_it_is_below_1(second: SimpleNamespace) -> None:
    said = text(calibration.section(second))
    assert "below 1 they are too extreme" in said
    assert "zech: the mean slope is 0.800 (95 % interval 0.785 to 0.815); of 13 findings, the whole interval" in said
    assert "lies below 1 for 13 findings." in said
    assert "On average the scores of zech run too high for 13 findings" in said


def test_the_error_stands_with_its_bins_its_chance_and_what_recalibration_leaves(second: SimpleNamespace) -> None:
    said = text(calibration.section(second))
    assert "Score and frequency lie 0.0200 (95 % interval 0.0050 to 0.0350) apart on average (ECE over 10 bins" in said
    assert "a calibrated reader would show 0.0050 by chance. Recalibrated on the other half of the patients" in said
    assert "it is: Platt 0.0040." in said


def test_an_interval_that_holds_1_excludes_nothing(second: SimpleNamespace) -> None:
    wide = pl.when(pl.col("metric") == "calibration_slope").then(1.2).otherwise("high").alias("high")
    second.tables["estimates"] = second.tables["estimates"].with_columns(wide)
    assert "no interval excludes 1" in text(calibration.section(second))


def test_without_recalibration_there_is_no_table_before_and_after(second: SimpleNamespace) -> None:
    for name in ("calibration", "reliability"):
        second.tables[name] = second.tables[name].filter(pl.col("scores") == "as given")
    section = calibration.section(second)
    assert "Recalibrated" not in text(section)
    assert not [block for block in section.blocks if block.name == "recalibration"]


def test_each_reader_has_a_plot_with_all_its_bins(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    section = calibration.section(second)
    assert len(section.figures) == 2
    body = section.figures[0].drawing.body.replace(numbers.SPACE, " ")
    assert "Mass, zech, mean score 0.01000: 40 of 2,243 images ill, 2.0 % (95 % interval 1.0 to 4.0 %)" in body
    assert "Mass, zech, recalibrated (Platt): slope 1.000, ECE 0.0040" in body
    assert "Mass, zech: scores lie 0.0130 from the curve on average, 0.0310 or less for 9 of 10 images" in body
    assert "Mass, zech, score 0.00 to 0.05: " in body
    assert evil.finding not in body


def test_cells_are_the_tables_numbers(second: SimpleNamespace) -> None:
    section = calibration.section(second)
    rows = {
        (row[0].text, row[1].text): [cell.text for cell in row[2:]] for row in sheet(section, "calibration-table").rows
    }
    first = ["11.0\N{NO-BREAK SPACE}%", "0.100", "−0.100 (−0.115 to −0.085)", "0.800 (0.785 to 0.815)"]
    last = ["0.0200 (0.0050 to 0.0350)", "0.0050", "0.0130"]
    last += ["0.0800 (0.0650 to 0.0950)", "0.0020", "0.0150", "0.0930"]
    assert rows["Mass", "zech"] == first + last
    assert set(rows["Pleural Thickening", "zech"]) == {numbers.DASH}
    mean = rows["Mean of 14 findings", "zech"]
    assert mean[3] == "0.800 (0.785 to 0.815)"
    assert mean[0] == mean[-1] == ""
    again = next(row for row in sheet(section, "recalibration").rows if row[0].text == "Mass")
    assert [cell.text for cell in again[2:]] == ["0.800", "1.000", "0.0200", "0.0040", "0.0800", "0.0800"]
