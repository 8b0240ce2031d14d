"""Subgroups: the worst is named with its gap, small ones are said to be small, every cell is the table's number."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl

from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import subgroups


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def sheet(section: Section, name: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name == name)


def test_there_is_no_section_where_no_attribute_was_looked_at(second: SimpleNamespace) -> None:
    second.tables["subgroups"] = second.tables["subgroups"].clear()
    assert subgroups.section(second) is None
    del second.tables["subgroups"]
    assert subgroups.section(second) is None


def test_the_lead_names_the_worst_subgroup_of_each_reader(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    said = text(subgroups.section(second))
    gap = "0.800 against 0.840 in the rest, a gap of −0.040 (95 % interval −0.055 to −0.025), beyond chance"
    for name in ("zech", evil.reading):
        assert f"{name}: the mean AUROC falls furthest behind for AP (view): {gap}, adjusted p = 0.003." in said
    share = "20.0 % (95 % interval 18.0 to 22.0 %) of 500 ill images"
    assert f"most among AP (view), {share} against 16.0 % in the rest, beyond chance." in said


def test_a_small_subgroup_is_shown_and_not_judged(second: SimpleNamespace) -> None:
    section = subgroups.section(second)
    assert "Small, shown but not judged by the mean AUROC: <b>over 80</b> (age), 90 images." in text(section)
    body = section.figures[0].drawing.body
    assert "90 images, 0 of 14 findings" in body
    assert "&lt;b&gt;over 80&lt;/b&gt;" in body
    assert "<b>" not in body


def test_what_is_not_beyond_chance_is_not_called_a_gap_of_note(second: SimpleNamespace) -> None:
    second.tables["subgroups"] = second.tables["subgroups"].with_columns(p_adjusted=pl.lit(0.4))
    said = text(subgroups.section(second))
    assert "not shown to be beyond chance, adjusted p = 0.400" in said
    assert "Also behind the rest" not in said


def test_no_worst_where_none_can_be_judged(second: SimpleNamespace) -> None:
    second.tables["subgroups"] = second.tables["subgroups"].with_columns(worst=pl.lit(False))
    assert "no attribute has two subgroups large enough to be judged" in text(subgroups.section(second))


def test_cells_are_the_table_s_numbers(second: SimpleNamespace) -> None:
    section = subgroups.section(second)
    row = next(row for row in sheet(section, "subgroup-gaps").rows if row[0].text == "view: AP")
    assert [cell.text for cell in row[1:6]] == ["zech", "9,000", "0.800", "−0.040 (−0.055 to −0.025)", "0.003"]
    missed = next(row for row in sheet(section, "subgroup-underdiagnosis").rows if row[0].text == "view: PA")
    wanted = ["zech", "500", "0.200 (0.180 to 0.220)", "0.240", "−0.040 (−0.055 to −0.025)", "0.003"]
    assert [cell.text for cell in missed[1:]] == wanted


def test_each_attribute_has_a_table_by_finding(second: SimpleNamespace) -> None:
    section = subgroups.section(second)
    by_finding = sheet(section, "subgroups-2")
    assert by_finding.title == "By finding: AUROC by view"
    row = next(row for row in by_finding.rows if row[0].text == "Mass" and row[1].text == "PA")
    assert [cell.text for cell in row[4:7]] == ["0.800 (0.780 to 0.820)", "+0.040 (+0.025 to +0.055)", "0.003"]
    worst = next(row for row in by_finding.rows if row[0].text == "Mass" and row[1].text == "AP")
    assert worst[4].text == "0.800 (0.780 to 0.820) (worst)"
    assert not by_finding.shown


def test_each_attribute_has_a_table_of_the_operating_point_and_calibration(second: SimpleNamespace) -> None:
    table = sheet(subgroups.section(second), "subgroups-point-2")
    heads = ["Reader", "Sensitivity", "Specificity", "PPV", "Intercept", "Slope"]
    assert [column.title for column in table.columns[4:]] == heads
    row = next(row for row in table.rows if row[0].text == "Mass" and row[1].text == "PA")
    intervals = ("0.700 (0.680 to 0.720)", "0.750 (0.730 to 0.770)", "0.300 (0.280 to 0.320)")
    assert tuple(cell.text for cell in row[4:8]) == ("zech", *intervals)
    assert [cell.text for cell in row[8:]] == ["0.100 (0.080 to 0.120)", "0.900 (0.880 to 0.920)"]


def test_every_subgroup_has_its_marks(second: SimpleNamespace) -> None:
    body = subgroups.section(second).figures[0].drawing.body
    assert body.count('class="mark"') == 7 * 2 * 2
    assert "PA (view), Mean of 14 findings, zech: AUROC 0.800 (95\N{NO-BREAK SPACE}% interval 0.780 to 0.820)" in body


def test_the_words_claim_neither_cause_nor_verdict(second: SimpleNamespace) -> None:
    section = subgroups.section(second)
    assert "significant" not in text(section) + " ".join(section.guide)
    assert "A gap says where a reader fares worse, not why" in text(section)
