"""Table 4: which outputs light up when only one finding is present."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.heatmaps import draw_activations
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading


def section(second: SecondReading) -> Section:
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
            f"{name}: the output of the finding that is present has the highest mean for {first} of "
            f"{numbers.plural(own.height, 'finding')}, and the highest mean relative to its own average over all "
            f"images for {by_ratio} of {own.height}."
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
