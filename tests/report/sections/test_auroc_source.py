"""Where the AUROC comes from: the view first, parts that are the table's, and the sentence of the largest move."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.report import numbers
from overread.report.page import Page
from overread.report.section import Section, Sheet
from overread.report.sections import auroc_source


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def sheet(section: Section, name: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name == name)


@pytest.mark.parametrize("name", ["auroc_balanced", "auroc_parts"])
def test_there_is_no_section_without_rows(second: SimpleNamespace, name: str) -> None:
    second.tables[name] = second.tables[name].clear()
    assert auroc_source.section(second) is None


def test_the_view_comes_first(second: SimpleNamespace) -> None:
    section = auroc_source.section(second)
    assert [figure.title.rsplit(": ", 1)[1] for figure in section.figures] == ["view", "gender", "age"]


def test_the_lead_says_what_balancing_moves_most(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    said = text(auroc_source.section(second))
    assert (
        f"zech, balancing for view moves {evil.finding} most: its 0.813 is 0.800 within AP; 25 % of its pairs set an "
        "ill AP image against a healthy PA one, at 0.950; balanced for view it is 0.800."
    ) in said
    assert "balanced for view 0.800 (95 % interval 0.780 to 0.820), for gender 0.800" in said
    assert "It does not show that a reader used it" in said


def test_the_parts_of_two_strata_are_drawn_and_written_in_full(second: SimpleNamespace) -> None:
    section = auroc_source.section(second)
    rows = auroc_source.drawn_parts(second, "view").filter(pl.col("row") == "Mass", pl.col("reading") == "zech")
    assert rows["part"].to_list()[1] == "ill AP, healthy PA"
    assert rows["share"].sum() == pytest.approx(1)
    cells = [cell.text for cell in sheet(section, "auroc-parts-1").rows[1]]
    assert cells[1:4] == ["AP", "PA", "25.0\N{NO-BREAK SPACE}%"]
    assert cells[4] == "0.950 (0.930 to 0.970)"


def test_more_strata_are_drawn_as_within_and_across_and_still_add_up(second: SimpleNamespace) -> None:
    rows = auroc_source.drawn_parts(second, "age").filter(pl.col("row") == "Mass", pl.col("reading") == "zech")
    assert rows["part"].to_list() == [auroc_source.SAME, auroc_source.ACROSS]
    parts = second.tables["auroc_parts"].filter(reading="zech", finding="Mass", attribute="age")
    total = parts["contribution"].sum()
    assert (rows["share"] * rows["auroc"]).sum() == pytest.approx(total)
    assert not [block for block in auroc_source.section(second).blocks if block.name == "auroc-parts-3"]


def test_a_finding_without_pairs_has_dashes_and_a_note(second: SimpleNamespace) -> None:
    row = next(
        row
        for row in sheet(auroc_source.section(second), "auroc-balanced-1").rows
        if row[0].text == "Pleural Thickening"
    )
    assert {cell.text for cell in row[2:]} == {numbers.DASH}
    assert row[4].note == "no pair within a stratum"


def test_the_view_is_shown_and_other_attributes_are_folded(second: SimpleNamespace, made: Page) -> None:
    figures = auroc_source.section(second).figures
    assert [figure.folded for figure in figures] == [False, *(True for _ in figures[1:])]
    folded = '<details class="sheet" id="fold-auroc-source-2">\n<summary>Where the AUROC comes from: gender</summary>'
    assert folded in made.html
    assert "fold-auroc-source-1" not in made.html
