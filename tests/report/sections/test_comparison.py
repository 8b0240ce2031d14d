"""The comparison of readings: its cells, sentences and marks are those of the tables, and one reading has none."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.records.findings import display
from overread.report import numbers
from overread.report.section import Figure, Section, Sheet
from overread.report.sections import comparison


def sheet(section: Section, start: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name.startswith(start))


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def with_third(second: SimpleNamespace, n: int) -> SimpleNamespace:
    """Return the second reading with further readings, every pair of which has the tests of the first."""
    names = (*second.readings, *(f"reader {k}" for k in range(n)))
    of_all = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    for name in ("comparisons", "equivalence", "exchange", "decision_difference"):
        table = second.tables[name]
        second.tables[name] = pl.concat(
            [table.with_columns(reading_a=pl.lit(a), reading_b=pl.lit(b)) for a, b in of_all]
        )
    second.readings = names
    return second


def test_one_reading_is_not_compared(second: SimpleNamespace) -> None:
    second.readings = ("zech",)
    assert comparison.section(second) is None
    assert comparison.pairs(second) == []


def test_every_cell_of_the_auroc_sheet_is_the_table_s_number(second: SimpleNamespace) -> None:
    section = comparison.section(second)
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in sheet(section, "comparison-auroc").rows}
    table = second.tables["comparisons"].filter(metric="auroc")
    for finding in second.study.findings:
        own = table.filter(finding=finding, method="obuchowski").row(0, named=True)
        plain = table.filter(finding=finding, method="delong").row(0, named=True)
        assert rows[display(finding)] == [
            numbers.count(own["n_positive"]),
            numbers.decimal(own["a"]),
            numbers.decimal(own["b"]),
            numbers.interval(own["difference"], own["low"], own["high"], numbers.signed),
            numbers.p_value(own["p"]),
            numbers.p_value(own["p_adjusted"]),
            numbers.p_value(plain["p"]),
            numbers.decimal(own["smallest_detectable"]),
        ]
    assert rows["Mean over findings"][3] == "+0.011 (+0.005 to +0.017)"
    assert [cell.replace(numbers.SPACE, " ") for cell in rows["Mean over findings"][5:7]] == ["< 0.001", ""]


def test_a_finding_without_a_test_has_dashes_and_the_reason(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    row = next(
        row for row in sheet(comparison.section(second), "comparison-auroc").rows if row[0].text == display(evil.empty)
    )
    assert {cell.text for cell in row[2:]} == {numbers.DASH}
    assert row[4].note == "no positive image"
    assert (
        comparison.drawn_rows(second, comparison.pairs(second)[0]).filter(row=display(evil.empty))["value"][0] is None
    )


def test_ratios_are_compared_as_ratios(second: SimpleNamespace) -> None:
    rows = {row[0].text: row for row in sheet(comparison.section(second), "comparison-means").rows}
    assert rows["Odds ratio"][3].text.startswith("zech / ")
    assert rows["Odds ratio"][4].text == "1.200 (1.100 to 1.300)"
    assert rows["Sensitivity"][4].text == "+0.011 (+0.005 to +0.017)"


def test_the_lead_names_who_is_higher_at_what_and_what_could_be_seen(
    second: SimpleNamespace, evil: SimpleNamespace
) -> None:
    said = text(comparison.section(second))
    assert f"zech against {evil.reading}: the mean AUROC is 0.824 against 0.813, a difference of +0.011" in said
    assert "(95 % interval +0.005 to +0.017), beyond chance (p < 0.001)" in said
    assert f"{evil.reading} has the higher AUROC beyond chance for Atelectasis (−0.019)" in said
    assert "the smallest difference that these patients would have shown 4 times in 5 is 0.012." in said
    assert "both are shown to be equivalent for 4 of 14 findings" in said
    assert "significant" not in said
    assert "better" not in said


def test_what_is_not_beyond_chance_is_not_called_the_same(second: SimpleNamespace) -> None:
    over = pl.col("finding") == "mean"
    table = second.tables["comparisons"]
    second.tables["comparisons"] = table.with_columns(p=pl.when(over).then(0.3).otherwise("p"), p_adjusted=pl.lit(0.5))
    said = text(comparison.section(second))
    p = "(p = 0.300, adjusted = 0.500)"
    assert f"not shown to be beyond chance {p}; a true difference of 0.008 would have been found 4 times" in said
    assert "no difference in AUROC is shown to be beyond chance" in said


def test_readings_of_the_same_scores_are_said_to_order_alike(second: SimpleNamespace) -> None:
    zero = [pl.lit(0.0).alias(name) for name in ("difference", "low", "high")]
    second.tables["comparisons"] = second.tables["comparisons"].with_columns(zero)
    said = text(comparison.section(second))
    assert "order the images alike: every AUROC is the same" in said
    assert "beyond chance for" not in said
    assert "sensitivity (among the ill) is not shown to differ on 13" in said


def test_the_figure_tells_beyond_chance_from_not_shown(second: SimpleNamespace) -> None:
    rows = comparison.drawn_rows(second, comparison.pairs(second)[0])
    adjusted = dict(
        second.tables["comparisons"].filter(metric="auroc", method="obuchowski").select("finding", "p_adjusted").rows()
    )
    beyond = dict(rows.select("row", "beyond").rows())
    for finding in second.study.findings:
        assert beyond[display(finding)] == (adjusted[finding] is not None and adjusted[finding] < 0.05)
    assert beyond["Mean of 14 findings"]


def test_margins_have_a_table_and_a_guide_only_where_they_were_stated(second: SimpleNamespace) -> None:
    with_margin = comparison.section(second)
    assert any("margin" in sentence for sentence in with_margin.guide)
    assert sheet(with_margin, "equivalence").rows[1][-1].text == "zech not worse"
    second.tables["equivalence"] = second.tables["equivalence"].clear()
    without = comparison.section(second)
    assert not any("margin" in sentence for sentence in without.guide)
    assert not [block for block in without.blocks if block.name.startswith("equivalence")]


@pytest.mark.parametrize(("more", "n_pairs"), [(0, 1), (1, 3), (2, 6)])
def test_the_first_pairs_are_shown_in_full_and_all_have_tables(
    second: SimpleNamespace, more: int, n_pairs: int
) -> None:
    section = comparison.section(with_third(second, more))
    figures = [block for block in section.blocks if isinstance(block, Figure)]
    tables = [block for block in section.blocks if block.name.startswith("comparison-auroc")]
    assert len(figures) == min(n_pairs, 3)
    assert len(tables) == n_pairs
    assert len({block.name for block in section.blocks}) == len(section.blocks)
    assert ("pairs are shown in full" in text(section)) == (n_pairs > 3)
