"""Can the reader tell findings apart? One output, between images with one finding and images with another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.heatmaps import draw_differential
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

LEAST = 10  # pairs listed with their intervals


def section(second: SecondReading) -> Section:
    """Return the matrix of every reader and the pairs told apart least."""
    names = lookup.file_names("differential", second.readings)
    blocks: list[Figure | Sheet] = []
    for reading, name in names.items():
        blocks += [
            heat_map(second, reading, name),
            lowest(second, reading, f"{name}-lowest"),
            sheet(second, reading, f"{name}-table"),
        ]
    return Section("differential", "Telling findings apart", tuple(lead(second)), tuple(blocks), GUIDE)


def pairs(second: SecondReading, reading: str) -> pl.DataFrame:
    """Return the pairs of one reader that have an AUROC, lowest first."""
    table = second.tables["differential"].filter(pl.col("reading") == reading, pl.col("auroc").is_not_null())
    return table.sort("auroc", maintain_order=True)


def lead(second: SecondReading) -> list[str]:
    """Say for how many pairs an output is higher, unclear or lower where its own finding is, and name the lowest."""
    sentences = [
        "Between images with only one finding and images with only another, is the output of the first higher on the "
        "first?"
    ]
    for name in second.readings:
        known = pairs(second, name)
        if known.is_empty():
            continue
        above, below = known.filter(pl.col("low") > 0.5).height, known.filter(pl.col("high") < 0.5).height
        unclear = known.drop_nulls(["low", "high"]).height - above - below
        without, level = known.height - above - below - unclear, numbers.level(second.options.level)
        rest = f"; {without} {'has' if without == 1 else 'have'} no interval" if without else ""
        least = known.row(0, named=True)
        sentences.append(
            f"{name}: of {numbers.plural(known.height, 'ordered pair')}, the {level} interval lies above 0.5 for "
            f"{above}, holds 0.5 for {unclear} and lies below for {below}{rest}. Lowest: "
            f"{display(least['finding'])} against {display(least['against'])}, "
            f"{lookup.said({**least, 'value': least['auroc']}, second.options.level)}."
        )
    return sentences


def heat_map(second: SecondReading, reading: str, name: str) -> Figure:
    """Return the matrix of one reader in colour."""
    table = second.tables["differential"].filter(pl.col("reading") == reading)
    rows = [
        (
            display(row["finding"]),
            display(row["against"]),
            row["auroc"],
            numbers.decimal(row["auroc"], 2),
            pair_sentence(row, second.options.level),
            is_clear(row),
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
    drawing = draw_differential(pl.DataFrame(rows, schema=schema, orient="row"), order=lookup.findings(second))
    level = numbers.level(second.options.level)
    caption = (
        f"{reading}: AUROC of the output of the row's finding, between images with only that finding and images with "
        f"only the column's. Bold: the {level} interval lies on one side of 0.5."
    )
    return Figure(name, f"Findings told apart, {reading}", drawing, caption)


def is_clear(row: lookup.Row) -> bool:
    """Return whether the interval of a pair lies on one side of 0.5."""
    return numbers.defined(row["low"]) and numbers.defined(row["high"]) and (row["low"] > 0.5 or row["high"] < 0.5)


def pair_sentence(row: lookup.Row, level: float) -> str:
    """Say one pair."""
    finding, against = display(row["finding"]), display(row["against"])
    counts = f"{numbers.count(row['n_finding'])} against {numbers.count(row['n_against'])} images"
    return (
        f"Output {finding}, {finding} against {against} ({counts}): AUROC "
        f"{lookup.said({**row, 'value': row['auroc']}, level)}"
    )


def lowest(second: SecondReading, reading: str, name: str) -> Sheet:
    """Return the pairs that one reader tells apart least, with their intervals."""
    columns = (
        Column("Output of", numeric=False),
        Column("against images with only", numeric=False),
        *(Column(title) for title in ("Images with the first", "Images with the second")),
        Column(f"AUROC ({numbers.level(second.options.level)} interval)"),
    )
    rows = tuple(
        (
            *(Cell(display(row[column])) for column in ("finding", "against")),
            *(Cell(numbers.count(row[column])) for column in ("n_finding", "n_against")),
            Cell(numbers.interval(row["auroc"], row["low"], row["high"]), row["note"] or ""),
        )
        for row in pairs(second, reading).head(LEAST).iter_rows(named=True)
    )
    return Sheet(name, f"{reading}: the {len(rows)} pairs with the lowest AUROC", columns, rows)


def sheet(second: SecondReading, reading: str, name: str) -> Sheet:
    """Return the matrix of one reader in numbers."""
    of = lookup.by_key(second.tables["differential"].filter(pl.col("reading") == reading), "finding", "against")
    findings = second.study.findings
    columns = (
        Column("Output of", numeric=False),
        *(Column(display(against), "against images with only") for against in findings),
    )
    rows = []
    for finding in findings:
        cells = [Cell(display(finding))]
        for against in findings:
            row = of.get((finding, against))
            cells.append(Cell("") if row is None else Cell(numbers.decimal(row["auroc"]), row["note"] or ""))
        rows.append(tuple(cells))
    foot = ("Intervals of all pairs are in tables/differential.csv.",)
    return Sheet(name, f"{reading}: all pairs", columns, tuple(rows), foot=foot)


GUIDE = (
    (
        "Read along a row: the output of the row's finding, on images with only that finding, against images with only "
        "the column's. 1: always higher where its own finding is. 0.5: no difference. Below 0.5: higher where the "
        "other finding is."
    ),
    (
        "Both groups are ill, so this is harder than telling ill from healthy, and it is what a differential diagnosis "
        "asks."
    ),
    "How frequent the findings are cannot move these numbers, unlike the mean activations above.",
    "Small groups give wide intervals: point at a cell for its interval and its counts.",
)
