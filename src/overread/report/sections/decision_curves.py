"""Is acting on the reader worth it? Net benefit over threshold probabilities, and its difference between readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.decision_curves import draw_net_benefit, draw_net_benefit_differences
from overread.report.figures.exchange import threshold_text
from overread.report.figures.theme import Readers
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.comparison import IN_FULL, Pair, file_names, of_pair, pairs
from overread.report.sections.consequences import at_cohort, trades
from overread.report.sections.curves import as_read

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

AT = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""The threshold probabilities of the tables and of the sentences of lines."""
SAID_AT = 0.1
PEOPLE = 1000
COUNTED = ("net_benefit", "difference", "low", "high", "treat_all")


def section(second: SecondReading) -> Section | None:
    """Return the decision curves, and the differences of each pair; nothing where no finding has a curve."""
    if second.tables["decision_curve"].is_empty():
        return None
    blocks: list[Figure | Sheet] = [figure(second), sheet(second)]
    for place, (pair, name) in enumerate(file_names("net-benefit-difference", pairs(second)).items()):
        if difference_table(second, pair).is_empty():
            continue
        blocks += [difference_figure(second, pair, name)] if place < IN_FULL else []
        blocks.append(difference_sheet(second, pair, name))
    title = "Worth acting on? Decision curves"
    return Section("decision-curves", title, tuple(lead(second)), tuple(blocks), GUIDE)


def in_people(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its net benefits per 1,000 people."""
    return frame.with_columns(pl.col(name) * PEOPLE for name in COUNTED if name in frame.columns)


def readers(second: SecondReading) -> Readers:
    """Return the readers of the figures, with the floor where it has curves."""
    known = lookup.readers(second)
    return known if known.floor in set(second.tables["decision_curve"]["reading"]) else known.without_floor()


def drawn(table: pl.DataFrame, second: SecondReading) -> list[str]:
    """Return the findings of a table, in the order of the cohort."""
    known = set(table["finding"])
    return [finding for finding in second.study.findings if finding in known]


# ---- sentences ----


def lead(second: SecondReading) -> Iterator[str]:
    """Warn of scores that are no probabilities; say where each reading is above treating all and none; "
    "differences."""
    yield (
        "Net benefit counts the ill people found and takes off the healthy people referred, weighed by the threshold "
        "probability: at 10 % nine false alarms weigh as much as one true finding. It takes scores for "
        "probabilities: a model that orders images well but whose scores are too high or too low is called at the "
        "wrong place here, and recalibrating it would change its curve."
    )
    table = second.tables["decision_curve"]
    n = len(drawn(table, second))
    for name in second.readings:
        at = {row["finding"]: row for row in near(table.filter(pl.col("reading") == name), SAID_AT)}
        above = [finding for finding in drawn(table, second) if finding in at and worth(at[finding])]
        others = [display(finding) for finding in drawn(table, second) if finding not in above]
        rest = f"; not for {numbers.listing(others)}" if others and len(others) <= 5 else ""
        share = f"{len(above)} of {numbers.plural(n, 'finding')}"
        yield (
            f"At a threshold probability of {threshold_text(SAID_AT)} acting on {name} has a higher net benefit than "
            f"treating everyone or no one for {share}{rest}."
        )
    for pair in pairs(second)[:IN_FULL]:
        yield from difference_sentences(second, pair)


def worth(row: lookup.Row) -> bool:
    """Return whether a net benefit is above that of treating all and of treating none."""
    known = [row["treat_all"], row["treat_none"]]
    return numbers.defined(row["net_benefit"]) and row["net_benefit"] > max(v for v in known if numbers.defined(v))


def difference_sentences(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say for which findings the band of the difference leaves zero at the threshold that sentences speak of."""
    table = difference_table(second, pair)
    at = [row for row in near(table, SAID_AT) if numbers.defined(row["low"])]
    if not at:
        return
    parts = []
    for name, own in (
        (pair[0], [row for row in at if row["low"] > 0]),
        (pair[1], [row for row in at if row["high"] < 0]),
    ):
        if own:
            parts.append(
                f"{name} has the higher net benefit for {numbers.listing([display(r['finding']) for r in own])}"
            )
    level = numbers.level(second.options.level)
    start = f"{pair[0]} against {pair[1]} at the same threshold:"
    if not parts:
        n = numbers.plural(len(at), "finding")
        yield f"{start} for none of {n} does the {level} interval of the difference in net benefit leave zero."
        return
    rest = sum(row["low"] <= 0 <= row["high"] for row in at)
    others = f"; for the other {rest} they do" if rest else ""
    yield (
        f"{start} {numbers.listing(parts)}, by {level} intervals that do not hold zero{others}. These intervals are "
        "not adjusted for the number of findings."
    )


def near(table: pl.DataFrame, threshold: float) -> Sequence[lookup.Row]:
    """Return the rows at one threshold probability."""
    return table.filter((pl.col("threshold_probability") - threshold).abs() < 1e-9).rows(named=True)


# ---- figures ----


def figure(second: SecondReading) -> Figure:
    """Return the decision curves."""
    table = in_people(second.tables["decision_curve"])
    curves = with_sentences(table, ("finding", "reading"), "net_benefit")
    of = pairs(second)
    exchanges = thresholds(second, of[0]) if len(of) == 1 else {}
    order = [display(finding) for finding in drawn(table, second)]
    drawing = draw_net_benefit(as_read(curves), readers(second), order=order, exchanges=exchanges)
    level = numbers.level(second.options.level)
    caption = (
        "Net benefit in ill people found per 1,000, after false alarms are taken off, by threshold probability (log "
        f"scale). Bands: {level}, by patient and at each threshold; most of their width is the prevalence, which all "
        "curves share."
    )
    return Figure("net-benefit", "Decision curves", drawing, caption)


def with_sentences(table: pl.DataFrame, by: tuple[str, ...], column: str) -> pl.DataFrame:
    """Return curves with the sentence of each, which gives its values at some thresholds."""
    frames = []
    for own in table.partition_by(*by, maintain_order=True):
        first = own.row(0, named=True)
        names = ", ".join(display(first[name]) if name == "finding" else first[name] for name in by)
        write = numbers.signed if column == "difference" else numbers.decimal
        said = ", ".join(
            f"{write(row[column], 2)} at {threshold_text(threshold)}"
            for threshold in AT
            for row in near(own, threshold)
            if numbers.defined(row[column])
        )
        what = "difference in net benefit" if column == "difference" else "net benefit"
        frames.append(own.with_columns(pl.lit(f"{names}: {what} per 1,000 people {said}").alias("sentence")))
    return pl.concat(frames)


def thresholds(second: SecondReading, pair: Pair) -> dict[str, float]:
    """Return the threshold probability of the exchange rate of each finding that has one."""
    return {
        display(row["finding"]): row["threshold_probability"]
        for row in at_cohort(second, pair)
        if trades(row) and row["finding"] != "mean"
    }


def difference_table(second: SecondReading, pair: Pair) -> pl.DataFrame:
    """Return the difference in net benefit of one pair."""
    return of_pair(second.tables["decision_difference"], pair)


def difference_figure(second: SecondReading, pair: Pair, name: str) -> Figure:
    """Return the difference in net benefit of one pair."""
    a, b = pair
    table = in_people(difference_table(second, pair))
    curves = with_sentences(table, ("finding", "reading_a", "reading_b"), "difference")
    order = [display(finding) for finding in drawn(table, second)]
    drawing = draw_net_benefit_differences(
        as_read(curves), order=order, exchanges=thresholds(second, pair), title="difference per 1,000"
    )
    caption = (
        f"Net benefit of {a} minus that of {b}, per 1,000 people; above the line {a} has the higher one. Band: "
        f"{numbers.level(second.options.level)}, by patient, at each threshold. Each plot has a scale of its own."
    )
    return Figure(name, f"Difference in net benefit, {a} minus {b}", drawing, caption)


# ---- tables ----


def sheet(second: SecondReading) -> Sheet:
    """Return the net benefit of each finding and reader at some thresholds, with that of treating all."""
    table = in_people(second.tables["decision_curve"])
    rows = []
    for finding in drawn(table, second):
        own = table.filter(pl.col("finding") == finding)
        for name in readers(second).everyone:
            of = own.filter(pl.col("reading") == name)
            if of.height:
                rows.append((Cell(display(finding)), Cell(name), *cells(of, "net_benefit")))
        one = own.filter(pl.col("reading") == own["reading"][0])
        rows.append((Cell(display(finding)), Cell("treat all"), *cells(one, "treat_all", bounds=False)))
    columns = (Column("Finding", numeric=False), Column("Reader", numeric=False), *threshold_columns(second))
    return Sheet("net-benefit", "Net benefit per 1,000 people", columns, tuple(rows), foot=(NONE_FOOT,))


def difference_sheet(second: SecondReading, pair: Pair, name: str) -> Sheet:
    """Return the difference in net benefit of one pair at some thresholds."""
    table = in_people(difference_table(second, pair))
    rows = [
        (Cell(display(finding)), *cells(table.filter(pl.col("finding") == finding), "difference"))
        for finding in drawn(table, second)
    ]
    columns = (Column("Finding", numeric=False), *threshold_columns(second))
    title = f"{pair[0]} minus {pair[1]}: difference in net benefit per 1,000 people"
    return Sheet(name, title, columns, tuple(rows))


def threshold_columns(second: SecondReading) -> Iterable[Column]:
    """Return a column for each threshold probability."""
    head = f"At a threshold probability of ({numbers.level(second.options.level)} interval)"
    return (Column(threshold_text(threshold), head) for threshold in AT)


def cells(curve: pl.DataFrame, column: str, *, bounds: bool = True) -> list[Cell]:
    """Return the values of one curve at the thresholds of the table."""
    write = (lambda v: numbers.signed(v, 2)) if column == "difference" else (lambda v: numbers.decimal(v, 2))
    made = []
    for threshold in AT:
        row = next(iter(near(curve, threshold)), None)
        low, high = (row["low"], row["high"]) if row and bounds else (None, None)
        made.append(Cell(numbers.interval(row[column], low, high, write) if row else numbers.DASH))
    return made


NONE_FOOT = "Treating no one has a net benefit of 0 at every threshold."

GUIDE = (
    (
        "The threshold probability is how likely a finding must be before you would act on it. Who acts at 5 % "
        "accepts 19 false alarms for one true finding. Choose yours first, then look which line is highest there."
    ),
    (
        "Grey: acting on everyone. Black: acting on no one, which is zero. A reader is worth asking only where its "
        "line is above both."
    ),
    (
        "Here an image is called when its score is at least the threshold probability, whatever the operating points "
        "of the rest of this page."
    ),
    (
        "The dotted line is the exchange rate of the two operating points, written as a threshold probability: to "
        "the left of it the operating point that finds more serves better, to the right the one that spares more."
    ),
    "Vickers and Elkin (2006), Medical Decision Making 26:565-574.",
)
