"""Beside the literature: own and published values are the table's, and nothing is ranked across splits."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree import ElementTree

import polars as pl

from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import literature


def sheet(section: Section, name: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name == name)


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def without_the_same_images(second: SimpleNamespace) -> None:
    where = "not comparable: the images of this report are a part of NIH's test list (5 of 9 images)"
    table = second.tables["literature"]
    second.tables["literature"] = table.with_columns(
        same_split=pl.lit(False), note=pl.when("same_split").then(pl.lit(where)).otherwise("note")
    )


def test_another_cohort_has_no_section(second: SimpleNamespace) -> None:
    second.tables["literature"] = second.tables["literature"].clear()
    assert literature.section(second) is None


def test_values_are_the_table_s_and_the_same_images_come_first(second: SimpleNamespace) -> None:
    values = sheet(literature.section(second), "literature")
    assert [column.title for column in values.columns][3:] == ["Wang 2017", "Yao (2018)"]
    assert [column.group for column in values.columns][3:] == [literature.SAME, literature.OTHER]
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in values.rows}
    assert rows["Cardiomegaly"] == ["0.820 (0.800 to 0.920)"] * 2 + ["0.760", "0.860"]
    assert rows["Mean of 14 findings"][2:] == ["0.850", "0.950"]
    assert len(rows) == 11


def test_sources_and_splits_are_named(second: SimpleNamespace) -> None:
    rows = [[cell.text for cell in row] for row in sheet(literature.section(second), "literature-sources").rows]
    assert rows == [
        ["Wang 2017", "2017", "official, by patient", "a paper", "same images: NIH's test list, all 25,596 images"],
        ["Yao", "2018", "own random", "another paper", "not comparable: reported on another split"],
    ]


def test_the_lead_says_what_may_be_set_side_by_side(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    said = text(literature.section(second))
    assert "9.15 images per patient" in said
    assert "up to 3.4 times the prevalence" in said
    assert "1 model read the same images: Wang 2017. What was reached on other images is drawn hollow." in said
    assert f"zech 0.910 (0.800 to 0.920) and {evil.reading} 0.910 (0.800 to 0.920)" in said
    assert "as published, without intervals: Wang 2017 0.850." in said
    assert "Yao 0.950" not in said


def test_without_the_same_images_nothing_is_set_beside_the_readings(second: SimpleNamespace) -> None:
    without_the_same_images(second)
    said = text(literature.section(second))
    assert "The images of this report are a part of NIH's test list (5 of 9 images). None of the published" in said
    assert "Mean AUROC over findings" not in said


def test_a_mark_is_full_on_the_same_images_and_hollow_on_others(second: SimpleNamespace) -> None:
    document = literature.figure(second).drawing.document("title")
    marks = [each for each in ElementTree.fromstring(document).iter() if each.get("class") == "mark"]
    fills = {each.get("aria-label"): each.get("fill") for each in marks}
    same = "Cardiomegaly, Wang 2017: AUROC 0.760, split official, by patient; the same images"
    other = "Cardiomegaly, Yao: AUROC 0.860, split own random; other images, not comparable"
    assert fills[same] == "#1c1f23"
    assert fills[other] == "#ffffff"
    assert len(marks) == 11 * 4


def test_an_own_value_that_could_not_be_computed_is_a_dash(second: SimpleNamespace) -> None:
    nothing = [pl.lit(None, dtype=pl.Float64).alias(f"own_{end}") for end in ("auroc", "low", "high")]
    second.tables["literature"] = second.tables["literature"].with_columns(nothing)
    section = literature.section(second)
    assert {cell.text for row in sheet(section, "literature").rows for cell in row[1:3]} == {numbers.DASH}
    assert "not computed" in section.figures[0].drawing.body
