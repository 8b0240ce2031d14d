"""Shortcuts: skill above floors, the gap within the same patients before the raw one, and that it is a proxy."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl

from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import shortcuts


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def sheet(section: Section, name: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name == name)


def test_there_is_no_section_without_rows(second: SimpleNamespace) -> None:
    for name in ("floors", "floor_matched", "positives"):
        second.tables[name] = second.tables[name].clear()
    assert shortcuts.section(second) is None


def test_floors_alone_make_a_section_and_positives_alone_too(second: SimpleNamespace) -> None:
    kept = second.tables["positives"]
    second.tables["positives"] = kept.clear()
    assert [figure.name for figure in shortcuts.section(second).figures] == ["floors"]
    second.tables["positives"], second.tables["floors"] = kept, second.tables["floors"].clear()
    assert [figure.name for figure in shortcuts.section(second).figures] == ["positives-1", "positives-2"]


def test_the_lead_says_what_floors_reach_and_who_is_not_above_them(second: SimpleNamespace) -> None:
    said = text(shortcuts.section(second))
    assert "the blind reader, which knows age, gender and view, has a mean AUROC of 0.600." in said
    assert "the history reader, which carries the label of the patient's previous exam forward" in said
    assert "zech goes 50.0 % (95 % interval 45.0 to 55.0 %) of the way from there to 1" in said
    assert "zech is not shown to be above it for Nodule." in said


def test_the_gap_within_the_same_patients_comes_first_and_the_raw_one_is_explained(second: SimpleNamespace) -> None:
    said = text(shortcuts.section(second))
    within = said.index(
        "within the same patients: of 13 findings, later positives are found better beyond chance for Mass"
    )
    assert within < said.index("The gap over all positives says less")
    assert "That is composition" in said
    assert "Atelectasis: 0.950 later against 0.800 first, +0.150" in said
    assert "a proxy for leaning on them, and no more than that" in said
    assert "over all positives, and +0.012 within the same patients" in said


def test_the_figure_by_history_shows_only_the_gap_within_the_same_patients(second: SimpleNamespace) -> None:
    drawing = shortcuts.section(second).figures[2].drawing
    assert drawing.body.count('class="mark"') == 13 * 2
    assert "0.860 later against 0.800 first, +0.060, 95\N{NO-BREAK SPACE}% interval" in drawing.body
    assert "of all positives" not in drawing.body


def test_a_tag_is_named_as_text_and_its_flags_are_said(second: SimpleNamespace) -> None:
    section = shortcuts.section(second)
    said = text(section)
    assert "Positives with and without the tag chest <i>tube</i>" in said
    assert "zech finds tagged positives better beyond chance for Mass (AUROC of all positives: 0.950 with" in said
    assert "; also in AUROC within the same patients and sensitivity of all positives)." in said
    assert "<i>" not in section.figures[1].drawing.body
    second.tables["positives"] = second.tables["positives"].with_columns(flagged=pl.lit(False))
    unflagged = text(shortcuts.section(second))
    assert "no finding is found better with chest <i>tube</i> beyond chance" in unflagged
    assert "for none of 13 findings are later positives found better beyond chance" in unflagged


def test_what_is_left_among_images_alike_to_the_floor_is_said(second: SimpleNamespace) -> None:
    section = shortcuts.section(second)
    said = text(section)
    mean = "the mean AUROC of zech is 0.772 (95 % interval 0.752 to 0.792) instead of 0.800"
    assert (
        "images that the blind reader cannot tell apart (an ill and a healthy one of two patients, with like scores of "
        f"its own), {mean}" in said
    )
    assert "loses most: 0.800 falls to 0.774" in said
    table = sheet(section, "floor-matched-table")
    row = next(row for row in table.rows if row[0].text == "Effusion" and row[1].text == "zech")
    wanted = ["0.799", "0.800", "0.796 (0.776 to 0.816)", "+0.004 (+0.003 to +0.005)", "10.0 %", "0.600", "0.520"]
    assert [cell.text.replace(numbers.SPACE, " ") for cell in row[2:]] == wanted
    empty = next(row for row in table.rows if row[0].text == "Pleural Thickening")
    assert empty[4].note == "no pair within a bin"


def test_no_finding_is_said_to_lose_most_where_that_may_be_chance(second: SimpleNamespace) -> None:
    table = second.tables["floor_matched"]
    second.tables["floor_matched"] = table.with_columns(difference_low=pl.lit(-0.001))
    assert "loses most" not in text(shortcuts.section(second))


def test_few_patients_are_said(second: SimpleNamespace) -> None:
    second.tables["positives"] = second.tables["positives"].with_columns(p_adjusted=pl.lit(None, pl.Float64))
    assert "too few patients have positives of both kinds" in text(shortcuts.section(second))


def test_cells_are_the_table_s_numbers(second: SimpleNamespace) -> None:
    section = shortcuts.section(second)
    table = sheet(section, "positives-table-2")
    row = next(row for row in table.rows if row[0].text == "Mass")
    assert row[4].text == "40"
    assert [cell.text for cell in row[5:9]] == ["0.860", "0.800", "+0.060 (+0.040 to +0.080)", "0.004"]
    assert row[7].note == ""
    empty = next(row for row in table.rows if row[0].text == "Pleural Thickening")
    assert empty[7].note == "no positive image of one kind"
    skill = next(row for row in sheet(section, "floors-table").rows if row[0].text == "Mass")
    assert [cell.text for cell in skill[2:5]] == ["0.800", "0.600", "0.500 (0.450 to 0.550)"]
