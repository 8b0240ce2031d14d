"""People of 1,000 and exchange rates: the numbers of the tables, with their denominators named."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl

from overread.records.findings import display
from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import comparison, consequences


def sheet(section: Section, start: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name.startswith(start))


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def test_people_are_those_of_the_table(second: SimpleNamespace) -> None:
    section = consequences.section(second)
    rows = sheet(section, "consequences-all").rows
    assert len(rows) == 15 * 3
    assert [cell.text for cell in rows[0][2:]] == [numbers.percent(0.1), "75.0", "25.0", "225.0", "675.0", "3.00"]
    parts = sheet(section, "consequences-parts").rows[0]
    assert [cell.text for cell in parts[2:]] == ["750.0", "250.0", "250.0", "750.0"]
    assert {column.group for column in sheet(section, "consequences-parts").columns[2:]} == {
        "Of 1,000 ill people",
        "Of 1,000 healthy people",
    }


def test_the_lead_names_prevalence_and_denominators(second: SimpleNamespace) -> None:
    said = text(consequences.section(second))
    assert "Of 1,000 people, averaged over findings, 100.0 are ill at the prevalence of this cohort, 10.0 %." in said
    assert "zech finds 75.0 of them, misses 25.0 and refers 225.0 of the 900.0 healthy" in said


def test_a_stated_prevalence_has_its_sentence_its_rows_and_its_field(
    second: SimpleNamespace, evil: SimpleNamespace
) -> None:
    table = second.tables["consequences"]
    own = table.filter(pl.col("finding") == evil.finding).with_columns(
        prevalence=pl.lit(0.01), prevalence_source=pl.lit("given")
    )
    second.tables["consequences"] = pl.concat([table, own])
    section = consequences.section(second)
    assert "at the prevalence that was stated, 1.0 %" in text(section)
    titles = [row[0].text for row in sheet(section, "consequences-all").rows]
    assert titles.count(f"{display(evil.finding)} (stated)") == 3
    assert consequences.people_figure(second).drawing.body.count('class="mark"') == 2 * 3 * 4


def test_one_reading_has_people_and_no_exchange(second: SimpleNamespace) -> None:
    second.readings = ("zech",)
    section = consequences.section(second)
    assert [block.name for block in section.blocks] == ["people", "consequences-all", "consequences-parts"]
    assert "Boone" not in text(section)
    assert not any("exchange rate" in sentence for sentence in section.guide)


def test_exchange_rates_are_those_of_the_table(second: SimpleNamespace) -> None:
    rows = {row[0].text: row for row in sheet(consequences.section(second), "exchange-").rows}
    row = second.tables["exchange"].filter(finding="Atelectasis", prevalence_source="this cohort").row(0, named=True)
    cells = rows["Atelectasis"]
    assert cells[1].text == numbers.percent(0.05)
    assert [cell.text for cell in cells[2:6]] == ["+30.0", "−20.0", "+1.5", "−19.0"]
    assert cells[6].text == "zech"
    assert cells[7].text == numbers.interval(row["rate"], row["low"], row["high"], numbers.ratio)
    assert cells[8].text == numbers.percent(row["threshold_probability"], 2)


def test_a_rate_without_bounds_says_so_and_no_rate_says_why(second: SimpleNamespace) -> None:
    rows = {row[0].text: row for row in sheet(consequences.section(second), "exchange-").rows}
    assert rows["Cardiomegaly"][7].note == "not bounded: the difference in ill people found may be zero"
    assert "(" not in rows["Cardiomegaly"][7].text
    assert rows["Effusion"][7].text == numbers.DASH
    assert rows["Effusion"][7].note == "zech finds more and refers fewer: nothing to exchange"
    drawn = consequences.rate_rows(second, comparison.pairs(second)[0])
    said = dict(drawn.select("row", "text").rows())
    assert said[f"Cardiomegaly ({numbers.percent(0.05)})"] == "not bounded"
    assert said[f"Effusion ({numbers.percent(0.05)})"] == "zech finds more and refers fewer: nothing to exchange"


def test_nothing_is_exchanged_where_one_finds_as_many_or_refers_as_many() -> None:
    pair = ("a", "b")
    row = {"extra_found_per_1000_ill": 0.0, "extra_spared_per_1000_healthy": 3.0}
    assert consequences.nothing(row, pair) == "both find as many of the ill: no rate"
    assert consequences.finder(row, pair) is None
    row = {"extra_found_per_1000_ill": -2.0, "extra_spared_per_1000_healthy": 0.0}
    assert consequences.nothing(row, pair) == "b finds more, and both refer as many healthy people"


def test_the_lead_gives_the_span_of_rates_and_counts_those_without_bounds(second: SimpleNamespace) -> None:
    said = text(consequences.section(second))
    assert "For 9 of 13 findings one of zech and" in said
    assert "For 5 of them it is not bounded" in said


def test_lines_over_prevalence_are_the_table_s(second: SimpleNamespace) -> None:
    lines, points = consequences.curve_rows(second, comparison.pairs(second)[0])
    own = lines.filter(row="Atelectasis")
    table = second.tables["exchange"].filter(finding="Atelectasis", prevalence_source="curve")
    assert own.select("prevalence", "rate").equals(table.select("prevalence", "rate"))
    assert points.filter(row="Atelectasis")["prevalence"].to_list() == [0.05]
    assert "Effusion" not in lines["row"].to_list()


def test_published_rates_never_stand_without_source_disease_and_prevalence(second: SimpleNamespace) -> None:
    section = consequences.section(second)
    said = text(section)
    assert (
        "Boone 2013, colorectal cancer: 2,250 false positives for each further cancer found at a prevalence of" in said
    )
    rows = sheet(section, "published-rates").rows
    assert [row[2].text.replace(numbers.SPACE, " ") for row in rows] == ["0.2 %", "25 %", "none was told"]
    assert rows[2][4].text == numbers.DASH
    assert "no place on the axis" in rows[2][4].note


def test_names_that_contain_html_stay_text(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    for figure in consequences.section(second).figures:
        assert evil.reading not in figure.drawing.body
        assert evil.finding not in figure.drawing.body
        assert "&lt;" in figure.drawing.body


def test_readings_that_do_the_same_exchange_nothing() -> None:
    row = dict.fromkeys(("extra_found_per_1000_all", "extra_spared_per_1000_all"), 0.0) | {"prevalence": 0.05}
    said = consequences.mean_exchange(row, ("a", "b"))
    assert said == "Averaged over findings, a and b find as many of the ill and refer as many of the healthy."
