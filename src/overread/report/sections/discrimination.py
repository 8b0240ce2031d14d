"""Table 1: can the reader put images with a finding above images without it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals, lower_end
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

METHODS = {"bootstrap": "patient bootstrap", "obuchowski": "Obuchowski", "delong": "DeLong (images as independent)"}


def section(second: SecondReading) -> Section:
    """Return Table 1 as a plot and as a table."""
    blocks = (figure(second), table(second), closed_forms(second))
    return Section("auroc", "Telling ill from healthy: AUROC (Table 1)", tuple(lead(second)), blocks, GUIDE)


def lead(second: SecondReading) -> list[str]:
    """Say what an AUROC is, each reader's mean and ends, and where its interval overlaps the floor's."""
    rows = lookup.estimates(second, "auroc")
    of = lookup.by_key(rows, "reading", "finding")
    sentences = [
        "AUROC is the chance that a random image with the finding has a higher score than a random image without it: "
        "0.5 is guessing, 1 is perfect order."
    ]
    for name in second.readings:
        mean = lookup.said(of.get((name, "mean")), second.options.level, "auroc")
        ends = lookup.extremes(of[name, finding] for finding in second.study.findings)
        between = ""
        if ends and ends[0]["value"] != ends[1]["value"]:
            low, high = (f"{numbers.decimal(row['value'])} for {display(row['finding'])}" for row in ends)
            between = f", from {low} to {high}"
        undefined = mean.startswith(lookup.NOT_COMPUTED)
        sentences.append(f"{name}: mean AUROC {mean}." if undefined else f"{name} has a mean AUROC of {mean}{between}.")
    return [*sentences, *above_floor(second, of)]


def above_floor(second: SecondReading, of: dict[tuple[str, ...], lookup.Row]) -> list[str]:
    """Say for each reader for which findings its interval overlaps that of the floor."""
    floor = second.floor
    if floor is None or floor in second.readings:
        return []
    mean = lookup.said(of.get((floor, "mean")), second.options.level, "auroc")
    undefined = mean.startswith(lookup.NOT_COMPUTED)
    sentences = [f"The floor, a reader that sees no image{': ' if undefined else ', reaches '}{mean}."]
    for name in second.readings:
        names = [
            display(finding)
            for finding in second.study.findings
            if not_above(of[name, finding]["low"], of[floor, finding]["high"])
        ]
        if names:
            sentences.append(
                f"For {numbers.listing(names)} the interval of {name} is not wholly above that of the blind reader."
            )
    return sentences


def not_above(low: float | None, high: float | None) -> bool:
    """Return whether an interval that begins at `low` is not wholly above one that ends at `high`."""
    return low is not None and high is not None and low <= high


def figure(second: SecondReading) -> Figure:
    """Return the dot plot, findings in falling order of the readers' mean AUROC."""
    rows = drawn_rows(second, "auroc")
    lows = rows["low"]
    drawing = draw_intervals(
        rows,
        lookup.readers(second),
        order=falling_order(second),
        apart=[lookup.mean_name(second)],
        title="AUROC",
        domain=(lower_end(lows), 1.0),
        rules=[0.5],
    )
    level = numbers.level(second.options.level)
    floor = " The grey bar is the blind reader, the floor." if second.floor not in (None, *second.readings) else ""
    caption = f"AUROC by finding with {level} intervals (patients resampled). The dashed line is guessing.{floor}"
    return Figure("auroc", "AUROC by finding", drawing, caption)


def drawn_rows(second: SecondReading, metric: str) -> pl.DataFrame:
    """Return the estimates of a metric by finding and for the mean, as a dot plot takes them."""
    mean, level = lookup.mean_name(second), second.options.level
    rows = lookup.estimates(second, metric).filter(pl.col("finding").is_in([*second.study.findings, "mean"]))
    names = [mean if name == "mean" else display(name) for name in rows["finding"]]
    sentences = [
        lookup.sentence(row, metric, level, name) for row, name in zip(rows.iter_rows(named=True), names, strict=True)
    ]
    return rows.with_columns(
        pl.Series("row", names, dtype=pl.String), pl.Series("sentence", sentences, dtype=pl.String)
    )


def falling_order(second: SecondReading) -> list[str]:
    """Return the names of the findings in falling order of the readers' mean AUROC; what has none comes last."""
    rows = lookup.estimates(second, "auroc").filter(pl.col("reading").is_in(second.readings))
    means = dict(rows.group_by("finding").agg(pl.col("value").mean()).iter_rows())
    place = {finding: k for k, finding in enumerate(second.study.findings)}
    known = [finding for finding in second.study.findings if means.get(finding) is not None]
    known.sort(key=lambda finding: (-means[finding], place[finding]))
    return [display(finding) for finding in (*known, *(f for f in second.study.findings if f not in known))]


def table(second: SecondReading) -> Sheet:
    """Return AUROC and average precision of every reader, and the floor's AUROC."""
    auroc, precision = (
        lookup.by_key(lookup.estimates(second, metric), "reading", "finding")
        for metric in ("auroc", "average_precision")
    )
    floor = () if second.floor is None or second.floor in second.readings else (second.floor,)
    level = numbers.level(second.options.level)
    columns = [Column("Finding", numeric=False), Column("Positive")]
    for name in second.readings:
        columns += [Column(f"AUROC ({level} interval)", name), Column(f"Average precision ({level} interval)", name)]
    columns += [Column(f"AUROC ({level} interval)", f"{name} (floor)") for name in floor]
    rows = []
    for finding, title in (*((f, display(f)) for f in second.study.findings), *AVERAGES.items()):
        positives = auroc[second.readings[0], finding]["n_positive"] if finding not in AVERAGES else None
        cells = [Cell(title), Cell(numbers.count(positives) if positives is not None else "")]
        for name in second.readings:
            cells += [lookup.cell(auroc.get((name, finding))), lookup.cell(precision.get((name, finding)))]
        cells += [lookup.cell(auroc.get((name, finding))) for name in floor]
        rows.append(tuple(cells))
    return Sheet("table-1", "Table 1: AUROC and average precision by finding", tuple(columns), tuple(rows), shown=True)


AVERAGES = {"mean": "Mean over findings", "weighted": "Mean weighted by positives"}


def closed_forms(second: SecondReading) -> Sheet:
    """Return each AUROC with its three intervals side by side."""
    of = {method: lookup.by_key(lookup.estimates(second, "auroc", method), "reading", "finding") for method in METHODS}
    everyone = lookup.readers(second).everyone
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False), Column("AUROC")]
    columns += [Column(title) for title in METHODS.values()]
    rows = []
    for finding in second.study.findings:
        for name in everyone:
            row = of["bootstrap"].get((name, finding))
            value = Cell(numbers.DASH) if row is None else Cell(numbers.decimal(row["value"]), row["note"] or "")
            bounds = [bounds_cell(of[method].get((name, finding))) for method in METHODS]
            rows.append((Cell(display(finding)), Cell(name), value, *bounds))
    title = f"Three {numbers.level(second.options.level)} intervals of each AUROC"
    return Sheet("auroc-intervals", title, tuple(columns), tuple(rows))


def bounds_cell(row: lookup.Row | None) -> Cell:
    """Return the bounds of an estimate alone."""
    if row is None or not numbers.defined(row["low"]):
        return Cell(numbers.DASH)
    return Cell(f"{numbers.decimal(row['low'])} to {numbers.decimal(row['high'])}")


GUIDE = (
    (
        "Each mark is one reader on one finding, the bar through it its interval. Marks further to the right order the "
        "images better."
    ),
    (
        "Overlapping intervals of two readers do not show that they are equal: both read the same images, and a paired "
        "comparison is sharper than two separate intervals."
    ),
    (
        "An AUROC says nothing about any threshold, about how many calls are right, or about all findings together; "
        "the sections below do."
    ),
    (
        "The mean over findings counts a rare finding as much as a frequent one; the weighted mean counts each by its "
        "positives."
    ),
)
