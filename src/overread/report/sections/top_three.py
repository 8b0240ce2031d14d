"""The paper's Figure 2: which outputs come first, and whether the frequent findings do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.places import PLACES, draw_frequency, draw_places
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

STATISTICS = {
    "follows_base": "Others follow their averages (rank correlation)",
    "own_rank": "Place of the own output",
    "own_rank_relative": "Place, outputs divided by their averages",
}
"""The tests of `prevalence_following`, with their heads."""


def section(second: SecondReading) -> Section:
    """Return Figure 2 and how it goes with the frequency of findings."""
    blocks: list[Figure | Sheet] = [places_figure(second)]
    if second.tables["frequency_points"]["n_positive"].max():
        blocks.append(frequency_figure(second))
    blocks.append(places_sheet(second))
    if lookup.table(second, "prevalence_following") is not None:
        blocks.append(following_sheet(second))
    title = "Which outputs come first? (Figure 2)"
    return Section("top-three", title, (*lead(second), *following_lead(second)), tuple(blocks), GUIDE)


def lead(second: SecondReading) -> list[str]:
    """Say which outputs hold most places in the top three, and how that goes with frequency."""
    correlation = lookup.by_key(second.tables["frequency"].filter(pl.col("metric") == "spearman"), "reading")
    sentences = [
        "For each finding, the three outputs with the highest mean on images with only that finding are noted."
    ]
    for name in second.readings:
        points = second.tables["frequency_points"].filter(pl.col("reading") == name, pl.col("places") > 0)
        top = points.sort("places", descending=True, maintain_order=True).head(3)
        if top.is_empty():
            continue
        held = numbers.listing(
            [f"{display(finding)} {times}" for finding, times in top.select("finding", "places").iter_rows()]
        )
        total = numbers.count(int(points["places"].sum()))
        row = correlation.get((name,))
        rank = (
            f"; the rank correlation of a finding's frequency with its places is {numbers.decimal(row['value'], 2)} "
            f"({p_said(row)})"
            if row and numbers.defined(row["value"])
            else ""
        )
        sentences.append(f"{name}: of {total} places, most are held by {held}{rank}.")
    return sentences


def following_lead(second: SecondReading) -> Iterator[str]:
    """Say whether outputs keep one order whatever the finding, and whether they answer to their own finding."""
    table = lookup.table(second, "prevalence_following")
    if table is None:
        return
    of = lookup.by_key(table, "reading", "statistic")
    for name in second.readings:
        base, own, relative = (of[name, each] for each in STATISTICS)
        if not all(numbers.defined(row["value"]) for row in (base, own, relative)):
            yield f"{name}: whether its outputs follow their averages cannot be tested ({base['note']})."
            continue
        n = len(second.study.findings)
        yield (
            f"{name}: the outputs of findings that are absent come in the order of their averages over all other "
            f"images with a rank correlation of {numbers.decimal(base['value'], 2)} (1: one order whatever the "
            f"finding; {p_said(base)}). The output of the finding that is present stands at place "
            f"{numbers.decimal(own['value'], 1)} of {n} in the mean ({p_said(own)}), and at place "
            f"{numbers.decimal(relative['value'], 1)} once each output is divided by its average ({p_said(relative)})."
        )


def p_said(row: lookup.Row) -> str:
    """Say a p-value so that no line breaks within it."""
    return f"p {lookup.equal(row['p'])}".replace(" ", numbers.SPACE)


def following_sheet(second: SecondReading) -> Sheet:
    """Return the tests of Table 4 under permutation."""
    of = lookup.by_key(second.tables["prevalence_following"], "reading", "statistic")
    columns = [Column("Reader", numeric=False), Column("Findings")]
    columns += [Column(head, title) for title in STATISTICS.values() for head in ("Value", "p")]
    rows = []
    for name in second.readings:
        own = [of[name, statistic] for statistic in STATISTICS]
        values = (
            cell
            for row in own
            for cell in (
                Cell(numbers.decimal(row["value"], 2), row["note"] if row["value"] is None else ""),
                Cell(numbers.p_value(row["p"])),
            )
        )
        rows.append((Cell(name), Cell(numbers.count(own[0]["n_findings"])), *values))
    foot = (
        "From Table 4. p: the share of 9,999 random exchanges of the outputs with each other that give as strong a "
        "result; it speaks of these findings only.",
    )
    return Sheet("prevalence-following", "Do outputs follow their averages?", tuple(columns), tuple(rows), foot=foot)


def places_figure(second: SecondReading) -> Figure:
    """Return Figure 2, findings in falling order of frequency."""
    rows = [
        (
            row["reading"],
            display(row["output"]),
            place,
            row[place],
            f"{display(row['output'])}, {row['reading']}: {place} for {numbers.plural(row[place], 'true finding')}",
        )
        for row in second.tables["top_activations"].iter_rows(named=True)
        for place in PLACES
    ]
    schema = {"reading": pl.String, "output": pl.String, "place": pl.String, "number": pl.Int64, "sentence": pl.String}
    points = second.tables["frequency_points"].filter(pl.col("reading") == second.readings[0])
    order = [display(name) for name in points.sort("n_positive", descending=True, maintain_order=True)["finding"]]
    drawing = draw_places(pl.DataFrame(rows, schema=schema, orient="row"), order=order, readings=second.readings)
    caption = (
        "For how many true findings an output has the highest, second and third mean activation. Outputs in falling "
        "order of frequency."
    )
    return Figure("top-activations", "First, second and third places", drawing, caption)


def frequency_figure(second: SecondReading) -> Figure:
    """Return places against frequency."""
    points = second.tables["frequency_points"]
    labels = [display(finding) for finding in points["finding"]]
    sentences = [
        f"{label}, {row['reading']}: {numbers.plural(row['n_positive'], 'image')} with the finding, "
        f"{numbers.plural(row['places'], 'place')} in the top three"
        for label, row in zip(labels, points.iter_rows(named=True), strict=True)
    ]
    named = points.with_columns(
        pl.Series("label", labels, dtype=pl.String), pl.Series("sentence", sentences, dtype=pl.String)
    )
    drawing = draw_frequency(named, lookup.readers(second).without_floor())
    return Figure(
        "frequency",
        "Frequency and places in the top three",
        drawing,
        "Each point is a finding: how frequent it is, and how often its output is in the top three.",
    )


def places_sheet(second: SecondReading) -> Sheet:
    """Return Figure 2 in numbers."""
    of = lookup.by_key(second.tables["top_activations"], "reading", "output")
    positive = lookup.by_key(second.tables["frequency_points"], "reading", "finding")
    columns = [Column("Output", numeric=False), Column("Positive images")]
    for name in second.readings:
        columns += [Column(place.capitalize(), name) for place in PLACES]
    rows = tuple(
        (
            Cell(display(output)),
            Cell(numbers.count(positive[second.readings[0], output]["n_positive"])),
            *(Cell(numbers.count(of[name, output][place])) for name in second.readings for place in PLACES),
        )
        for output in second.study.findings
    )
    return Sheet("figure-2", "Figure 2 in numbers", tuple(columns), rows)


GUIDE = (
    (
        "If outputs answered to what is on the image alone, each would come first for its own finding and rarely for "
        "others."
    ),
    (
        "Outputs of frequent findings are high on every image and so come first for findings that are not theirs. The "
        "rank correlation says how closely places follow frequency: 0 not at all, 1 wholly."
    ),
    (
        "An output's average over all images is its base activation. A reader whose wrong outputs always come in the "
        "order of their base activations tells little by them; it may still answer to the finding that is present, "
        "which shows when each output is divided by its base."
    ),
)
