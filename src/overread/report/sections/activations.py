"""Table 4 and Figure 2: which outputs light up when only one finding is present."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.heatmaps import draw_activations
from overread.report.figures.places import PLACES, draw_frequency, draw_places
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading


def matrix(second: SecondReading) -> Section:
    """Return Table 4: every output on images that carry one finding only."""
    names = lookup.file_names("activations", second.readings)
    blocks: list[Figure | Sheet] = []
    for reading, name in names.items():
        blocks += [heat_map(second, reading, name), sheet(second, reading, f"{name}-table")]
    title = "Which outputs light up? (Table 4)"
    return Section("activations", title, tuple(lead(second)), tuple(blocks), GUIDE)


def lead(second: SecondReading) -> list[str]:
    """Say for how many findings the own output is the highest, as it stands and against its base activation."""
    sentences = ["Only images with exactly one finding are looked at, and every output is averaged over them."]
    for name in second.readings:
        table = second.tables["activations"].filter(pl.col("reading") == name, pl.col("mean_activation").is_not_null())
        own = table.filter(pl.col("true_finding") == pl.col("output"))
        if own.is_empty():
            continue
        best = table.with_columns(pl.col("ratio").max().over("true_finding").alias("best"))
        by_ratio = best.filter(pl.col("true_finding") == pl.col("output"), pl.col("ratio") == pl.col("best")).height
        first = own.filter(pl.col("rank") == 1).height
        sentences.append(
            f"{name}: the output of the finding that is present has the highest mean for {first} of {own.height} "
            f"findings, and the highest mean relative to its own average over all images for {by_ratio} of "
            f"{own.height}."
        )
    return sentences


def heat_map(second: SecondReading, reading: str, name: str) -> Figure:
    """Return the matrix of one reader in colour."""
    table = second.tables["activations"].filter(pl.col("reading") == reading)
    level, n_outputs = second.options.level, len(second.study.findings)
    rows = [
        (
            display(row["true_finding"]),
            display(row["output"]),
            row["ratio"],
            ratio_text(row["ratio"]),
            activation_sentence(row, level, n_outputs),
            False,
        )
        for row in table.iter_rows(named=True)
    ]
    schema = {
        "row": pl.String,
        "column": pl.String,
        "value": pl.Float64,
        "text": pl.String,
        "sentence": pl.String,
        "clear": pl.Boolean,
    }
    drawing = draw_activations(pl.DataFrame(rows, schema=schema, orient="row"), order=lookup.findings(second))
    caption = (
        f"{reading}: mean of each output (columns) over images with one finding only (rows), divided by the output's "
        "mean over all images. Framed: the finding's own output."
    )
    return Figure(name, f"Outputs by finding, {reading}", drawing, caption)


def ratio_text(value: float | None) -> str:
    """Write a ratio so that it fits a cell: two decimals below 10, one below 100.

    >>> ratio_text(0.523), ratio_text(12.34), ratio_text(None)
    ('0.52', '12.3', '–')
    """
    if value is None:
        return numbers.DASH
    return numbers.decimal(value, 2 if value < 9.995 else 1 if value < 99.95 else 0)


def activation_sentence(row: lookup.Row, level: float, n_outputs: int) -> str:
    """Say one cell of Table 4."""
    start = (
        f"Only {display(row['true_finding'])} present ({numbers.plural(row['n_images'], 'image')}), output "
        f"{display(row['output'])}"
    )
    if not numbers.defined(row["mean_activation"]):
        return f"{start}: not computed ({row['note']})"
    mean = {"value": row["mean_activation"], "low": row["low"], "high": row["high"]}
    return (
        f"{start}: mean {lookup.said(mean, level)}, {ratio_text(row['ratio'])} times its mean over all images "
        f"({numbers.decimal(row['base_activation'])}), place {row['rank']} of {n_outputs}"
    )


def sheet(second: SecondReading, reading: str, name: str) -> Sheet:
    """Return Table 4 of one reader in numbers: mean activations, and in the last row each output's base."""
    table = second.tables["activations"].filter(pl.col("reading") == reading)
    of = lookup.by_key(table, "true_finding", "output")
    findings = second.study.findings
    columns = (
        Column("Only finding", numeric=False),
        Column("Images"),
        *(Column(display(output)) for output in findings),
    )
    rows = [
        (
            Cell(display(true)),
            Cell(numbers.count(of[true, true]["n_images"])),
            *(
                Cell(numbers.decimal(of[true, output]["mean_activation"]), of[true, output]["note"] or "")
                for output in findings
            ),
        )
        for true in findings
    ]
    base = (Cell(numbers.decimal(of[findings[0], output]["base_activation"])) for output in findings)
    rows.append((Cell("All images (base)"), Cell(numbers.count(second.study.n_images)), *base))
    return Sheet(name, f"Table 4, {reading}: mean activation of every output", columns, tuple(rows))


def top_three(second: SecondReading) -> Section:
    """Return Figure 2 and how it goes with the frequency of findings."""
    blocks: list[Figure | Sheet] = [places_figure(second)]
    if second.tables["frequency_points"]["n_positive"].max():
        blocks.append(frequency_figure(second))
    title = "Which outputs come first? (Figure 2)"
    return Section("top-three", title, tuple(top_lead(second)), (*blocks, places_sheet(second)), TOP_GUIDE)


def top_lead(second: SecondReading) -> list[str]:
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
            f"; the rank correlation of a finding's frequency with its places is {numbers.decimal(row['value'], 2)} (p "
            f"{numbers.p_value(row['p'])})"
            if row and numbers.defined(row["value"])
            else ""
        )
        sentences.append(f"{name}: of {total} places, most are held by {held}{rank}.")
    return sentences


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
        "Read along a row: on images whose only finding is the one at the left, how high is each output against its "
        "own average over all images? 1 is no higher than for any image, 2 is twice as high."
    ),
    (
        "The framed cell is the finding's own output. High cells beside it are findings that the reader takes for it, "
        "or that look alike."
    ),
    (
        "The table gives the mean scores themselves, as the paper does. They follow how frequent each finding is: the "
        "output of a frequent finding is high on every image."
    ),
)
TOP_GUIDE = (
    (
        "If outputs answered to what is on the image alone, each would come first for its own finding and rarely for "
        "others."
    ),
    (
        "Outputs of frequent findings are high on every image and so come first for findings that are not theirs. The "
        "rank correlation says how closely places follow frequency: 0 not at all, 1 wholly."
    ),
)
