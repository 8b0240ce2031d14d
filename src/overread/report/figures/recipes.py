"""How far runs of one recipe lie apart, beside what the choice of patients leaves open: two bars for each finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from overread.report.figures.axes import SMALL, bottom_axis, mark
from overread.report.figures.scales import Band, Linear, round_up
from overread.report.figures.svg import Drawing, Value, cut, element, group, line, width_of, words

BAR, STEP, NAME, PLOT, BETWEEN = 6, 22, 200, 260, 30
KEY, TITLE, AXIS_HEIGHT, EDGE, COLUMNS = 28, 24, 44, 14, 2
LOOKS: Mapping[str, Mapping[str, Value]] = {
    "runs": {"fill": "var(--reader-1)"},
    "patients": {"fill": "var(--paper)", "stroke": "var(--muted)", "stroke_width": 1.3},
}
"""The two spreads: one full, one hollow, so that they differ without colour."""


def draw_spreads(rows: pl.DataFrame, *, order: Sequence[str], apart: Sequence[str] = (), title: str) -> Drawing:
    """Draw for each recipe a plot with two bars in each row: the spread between runs and that by patient.

    `rows` has the columns recipe, row, runs and patients (lengths), said_runs and said_patients (the sentences), and
    note: why there is no spread between runs.
    """
    names = [*order, *apart]
    left = max((width_of(cut(name, NAME)) for name in names), default=0) + 12
    recipes = rows["recipe"].unique(maintain_order=True).to_list()
    longest = max([*rows["runs"].drop_nulls(), *rows["patients"].drop_nulls()], default=0.0)
    scale, band = Linear((0, round_up(longest or 0.01)), (0, PLOT)), Band(names, STEP, TITLE)
    deep = band.end + (STEP / 2 if apart else 0) + AXIS_HEIGHT
    columns = min(COLUMNS, len(recipes))
    parts = [spread_legend(left)]
    for k, recipe in enumerate(recipes):
        down, column = divmod(k, columns)
        own, top = rows.filter(pl.col("recipe") == recipe), KEY + down * deep
        parts.append(group([plot(own, str(recipe), scale, band, order, title)], left + column * (PLOT + BETWEEN), top))
        parts += [] if column else [group([spread_names(band, len(order), left)], 0, top)]
    width = left + columns * (PLOT + BETWEEN) - BETWEEN + EDGE
    return Drawing(max(width, 420), KEY + deep * -(-len(recipes) // columns), "".join(parts))


def centre_of(band: Band, place: int, n_together: int) -> float:
    """Return the middle of a row; those set apart stand half a step lower."""
    return band.centre(place) + (STEP / 2 if place >= n_together else 0)


def spread_names(band: Band, n_together: int, left: float) -> str:
    """Return the names at the left of a row of plots."""
    parts = []
    for place, name in enumerate(band.names):
        weight = "bold" if place >= n_together else None
        y = centre_of(band, place, n_together)
        parts.append(words(cut(name, NAME), left - 12, y + 4, text_anchor="end", font_weight=weight))
    return group(parts)


def plot(rows: pl.DataFrame, name: str, scale: Linear, band: Band, order: Sequence[str], title: str) -> str:
    """Return the plot of one recipe."""
    of = {row["row"]: row for row in rows.iter_rows(named=True)}
    n_together = len(order)
    bottom = centre_of(band, len(band.names) - 1, n_together) + STEP / 2
    alone = rows["note"][0] if rows["runs"].null_count() == rows.height else ""  # said once for all rows
    parts = [words(cut(name, PLOT - width_of(alone) - 8), 0, TITLE - 10, font_weight="bold")]
    parts.append(words(alone, PLOT, TITLE - 10, text_anchor="end", fill="var(--muted)") if alone else "")
    parts.append(bottom_axis(scale, bottom, ticks=scale.ticks(4), title=title, top=band.start))
    for place, each in enumerate(band.names):
        y = centre_of(band, place, n_together)
        if place == n_together:
            parts.append(line(0, y - STEP / 2, PLOT, y - STEP / 2))
        parts.append(bars(of[each], scale, y, said=not alone) if each in of else "")
    return "".join(parts)


def bars(row: Mapping[str, Any], scale: Linear, y: float, *, said: bool) -> str:
    """Return the two bars of one row; where runs have no spread, the note in its place if it is to be `said`."""
    parts = []
    for kind, top in (("runs", y - BAR - 1), ("patients", y + 1)):
        if row[kind] is None:
            continue
        size: dict[str, Value] = {"x": 0, "y": top, "width": max(scale(row[kind]), 0.8), "height": BAR}
        parts.append(element("rect", **size, **LOOKS[kind], **mark(row[f"said_{kind}"])))
    if row["runs"] is None and said:
        parts.append(words(row["note"], 6, y - 1, fill="var(--muted)", font_size=SMALL - 1))
    return "".join(parts)


def spread_legend(x: float) -> str:
    """Return what the two bars are."""
    parts, left = [], x
    for kind, text in (("runs", "between runs"), ("patients", "between patients")):
        parts.append(element("rect", x=left, y=6, width=22, height=BAR, **LOOKS[kind]))
        parts.append(words(text, left + 28, 14))
        left += 28 + width_of(text) + 20
    return group(parts, class_="legend")
