"""All findings at once: what the whole panel of outputs does to one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals
from overread.report.glossary import FALSE_CALLS, PANEL
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading


def section(second: SecondReading) -> Section:
    """Return the section on all findings together."""
    return Section("panel", "All findings at once", tuple(lead(second)), (figure(second), sheet(second)), GUIDE)


def lead(second: SecondReading) -> list[str]:
    """Say for each reader what healthy and ill images meet."""
    of = lookup.by_key(second.tables["panel"], "reading", "metric")
    level = numbers.level(second.options.level)
    sentences = ["A specificity is about one finding; a person meets all of them at once."]
    for name in second.readings:
        any_call, calls = of[name, "any_false_call"], of[name, "false_calls_per_healthy_image"]
        if numbers.defined(any_call["value"]):
            sentences.append(
                f"Of {numbers.plural(any_call['n_images'], 'image')} with no finding, {name} calls at least one "
                f"finding on {lookup.share(any_call, level)}, with {numbers.decimal(calls['value'], 2)} false calls "
                "per image on average."
            )
        found = [of[name, metric] for metric in ("all_found", "some_found", "none_found")]
        if numbers.defined(found[0]["value"]):
            shares = [numbers.percent(row["value"]) for row in found]
            sentences.append(
                f"Of {numbers.plural(found[0]['n_images'], 'image')} with findings, {name} finds all of them on "
                f"{shares[0]}, some on {shares[1]} and none on {shares[2]}."
            )
    return sentences


def figure(second: SecondReading) -> Figure:
    """Return the shares of images as a dot plot."""
    of = lookup.by_key(second.tables["panel"], "reading", "metric")
    rows = [
        (
            name,
            title,
            row["value"],
            row["low"],
            row["high"],
            f"{title}, {name}: {lookup.share(row, numbers.level(second.options.level))} of images",
        )
        for (name, metric), row in of.items()
        if (title := PANEL.get(metric)) and numbers.defined(row["value"])
    ]
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    schema = {"reading": pl.String, "row": pl.String} | floats | {"sentence": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    readers = lookup.readers(second).without_floor()
    drawing = draw_intervals(
        frame, readers, order=list(PANEL.values()), title="share of images", width=390, name_width=340
    )
    caption = (
        "What happens to one image when all findings are called at their operating points, with "
        f"{numbers.level(second.options.level)} intervals."
    )
    return Figure("panel", "All findings together", drawing, caption)


def sheet(second: SecondReading) -> Sheet:
    """Return every quantity of the panel, a column per reader."""
    of = lookup.by_key(second.tables["panel"], "reading", "metric")
    metrics = {**PANEL, "false_calls_per_healthy_image": FALSE_CALLS}
    rows = []
    for metric, title in metrics.items():
        n = of[second.readings[0], metric]["n_images"]
        cells = (lookup.cell(of.get((name, metric)), metric) for name in second.readings)
        rows.append((Cell(title), Cell(numbers.count(n)), *cells))
    columns = (Column("Share of images", numeric=False), Column("Images"), *(Column(name) for name in second.readings))
    return Sheet("panel-table", "All findings together", columns, tuple(rows))


GUIDE = (
    (
        "Upper rows: images on which no finding is present. Every output is another chance of a false call, so the "
        "share with at least one is larger than any single false positive rate."
    ),
    (
        "The second row is what the first would be if false calls on different findings fell independently. Where the "
        "first is lower, false calls pile up on the same images."
    ),
    "Lower rows: images with one finding or more, and how many of their findings are called.",
)
