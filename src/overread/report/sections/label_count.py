"""Table 3: the loss by number of findings on an image, and what its line is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.report import lookup, numbers
from overread.report.figures.label_count import draw_label_count
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

LOSSES = {
    "All findings (Table 3)": ("mean_loss", "low", "high"),
    "Findings that are present": ("loss_present", "loss_present_low", "loss_present_high"),
    "Findings that are absent": ("loss_absent", "loss_absent_low", "loss_absent_high"),
}


def section(second: SecondReading) -> Section:
    """Return Table 3 with its line."""
    title = "Does the number of findings matter? (Table 3)"
    return Section("label-count", title, tuple(lead(second)), (figure(second), sheet(second)), GUIDE)


def lead(second: SecondReading) -> list[str]:
    """Say the slope of each reader's line, and the losses of present and absent findings behind it."""
    fits = lookup.by_key(second.tables["label_count_fit"], "reading")
    one = lookup.by_key(second.tables["label_count"].filter(pl.col("n_labels") == 1), "reading")
    sentences = ["The loss is large where a score is far from the truth."]
    for name in second.readings:
        fit, row = fits.get((name,)), one.get((name,))
        if fit is None or not numbers.defined(fit["slope"]):
            continue
        slope = numbers.interval(fit["slope"], fit["low"], fit["high"])
        paid = ""
        if row and numbers.defined(row["loss_present"]) and numbers.defined(row["loss_absent"]):
            present, absent = numbers.decimal(row["loss_present"], 2), numbers.decimal(row["loss_absent"], 2)
            paid = (
                f"; on images with one finding it is {present} for the present finding and {absent} for an absent one"
            )
        sentences.append(f"For {name} the mean loss changes by {slope} with each further finding on an image{paid}.")
    turn = "Each further finding puts the loss of a present one where that of an absent one was: that tilts the line."
    return [*sentences, turn] if len(sentences) > 1 else sentences


def figure(second: SecondReading) -> Figure:
    """Return the three losses by number of findings, the first with its line."""
    level = second.options.level
    table = second.tables["label_count"]
    rows = [
        (
            panel,
            row["reading"],
            row["n_labels"],
            row[value],
            row[low],
            row[high],
            loss_sentence(row, panel, (value, low, high), level),
        )
        for panel, (value, low, high) in LOSSES.items()
        for row in table.iter_rows(named=True)
    ]
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    schema = {"panel": pl.String, "reading": pl.String, "n_labels": pl.Int64} | floats | {"sentence": pl.String}
    losses = pl.DataFrame(rows, schema=schema, orient="row")
    drawing = draw_label_count(losses, lines(second), lookup.readers(second).without_floor(), panels=tuple(LOSSES))
    caption = (
        f"Mean binary cross-entropy by number of findings on the image, with {numbers.level(level)} intervals and the "
        "fitted line."
    )
    return Figure("label-count", "Loss by number of findings", drawing, caption)


def loss_sentence(row: lookup.Row, panel: str, columns: tuple[str, str, str], level: float) -> str:
    """Say the loss of one group of images."""
    value, low, high = (row[column] for column in columns)
    said = lookup.said({"value": value, "low": low, "high": high}, level)
    images = numbers.plural(row["n_images"], "image")
    return f"{row['reading']}, {images} with {numbers.plural(row['n_labels'], 'finding')}, {panel.lower()}: loss {said}"


def lines(second: SecondReading) -> pl.DataFrame:
    """Return both ends of each reader's fitted line, with the sentence that it stands for."""
    counts = second.tables["label_count"]["n_labels"]
    rows = []
    for fit in second.tables["label_count_fit"].iter_rows(named=True):
        if not numbers.defined(fit["slope"]) or not numbers.defined(fit["intercept"]):
            continue
        line = f"{numbers.decimal(fit['intercept'])} + {numbers.decimal(fit['slope'])} × findings"
        said = f"{fit['reading']}, fitted line: loss {line}, R² of the group means {numbers.decimal(fit['r_squared'])}"
        rows += [(fit["reading"], k, fit["intercept"] + fit["slope"] * k, said) for k in (counts.min(), counts.max())]
    schema = {"reading": pl.String, "n_labels": pl.Int64, "value": pl.Float64, "sentence": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def sheet(second: SecondReading) -> Sheet:
    """Return Table 3 with the losses of present and absent findings."""
    table = second.tables["label_count"]
    of = lookup.by_key(table, "reading", "n_labels")
    columns = [Column("Findings on the image"), Column("Images")]
    for name in second.readings:
        columns += [Column(title, name) for title in ("Mean loss", "Of present findings", "Of absent findings")]
    rows = []
    for k in sorted(table["n_labels"].unique()):
        cells = [Cell(numbers.count(k)), Cell(numbers.count(of[second.readings[0], k]["n_images"]))]
        for name in second.readings:
            row = of[name, k]
            for place, (value, low, high) in enumerate(LOSSES.values()):
                note = (row["note"] or "") if place == 0 else ""
                cells.append(Cell(numbers.interval(row[value], row[low], row[high]), note))
        rows.append(tuple(cells))
    return Sheet("table-3", "Table 3: mean loss by number of findings", tuple(columns), tuple(rows))


GUIDE = (
    (
        "Loss is binary cross-entropy in nats, averaged over findings and then over images. A score of 0.5 costs 0.69 "
        "whatever the truth."
    ),
    (
        "A rare finding has low scores even where it is present, so a present finding costs far more than an absent "
        "one. The line of the first plot rises for that reason alone; the other two plots show whether images with "
        "many findings are read differently."
    ),
    "The line is fitted by least squares over images; images with many findings are few and weigh little.",
)
