"""A forest of differences between two readers: one row per finding, the means set apart, zero and the margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import polars as pl

from overread.report.figures.axes import SMALL, bottom_axis, mark, symbol
from overread.report.figures.scales import Band, Linear, round_up
from overread.report.figures.svg import Drawing, cut, element, line, width_of, words
from overread.report.figures.theme import Readers
from overread.report.numbers import signed

STEP, NAME, AXIS_HEIGHT, EDGE, HEAD = 21, 200, 44, 18, 46
HOLLOW = "M4.2,0A4.2,4.2,0,1,1,-4.2,0A4.2,4.2,0,1,1,4.2,0Z"
FAR = 4.0  # an interval this many times as long as the usual one leaves the plot, lest it flatten all others


def draw_differences(
    rows: pl.DataFrame,
    readers: Readers,
    *,
    pair: tuple[str, str],
    order: Sequence[str],
    apart: Sequence[str] = (),
    title: str,
    margin: float | None = None,
    width: float = 480,
) -> Drawing:
    """Draw the difference a - b of each row with its interval.

    `rows` has the columns row, value, low, high, sentence, note (why there is no value), beyond: whether it is beyond
    chance. Such a difference bears the mark of the reader that is higher, any other a hollow one. `apart` are the rows
    below the others. The stated margin is a band around zero.
    """
    names = [*order, *apart]
    left = max((width_of(cut(name, NAME)) for name in names), default=0) + 12
    band = Band(names, STEP, HEAD)
    far = farthest(rows, margin)
    scale = Linear((-far, far), (left, left + width))
    shift = STEP * 0.4 if apart else 0.0
    bottom = band.end + shift
    parts = [margin_band(margin, scale, bottom), directions(readers, pair, scale)]
    parts.append(bottom_axis(scale, bottom, ticks=scale.ticks(6), title=title, top=HEAD, write=tick(scale)))
    parts.append(line(scale(0), HEAD, scale(0), bottom, stroke="var(--ink)"))
    of = {row["row"]: row for row in rows.iter_rows(named=True)}
    for place, name in enumerate(names):
        below = place >= len(order)
        centre = band.centre(place) + (shift if below else 0)
        if place == len(order) and apart:
            parts.append(line(0, centre - STEP / 2, left + width, centre - STEP / 2))
        weight = "bold" if below else None
        parts.append(words(cut(name, NAME), left - 12, centre + 4, text_anchor="end", font_weight=weight))
        parts.append(difference(of[name], readers, pair, scale, centre))
    return Drawing(left + width + EDGE, bottom + AXIS_HEIGHT, "".join(parts))


def farthest(rows: pl.DataFrame, margin: float | None) -> float:
    """Return where the axis ends on both sides of zero."""
    reaches = [
        max(abs(value) for value in each if value is not None)
        for each in rows.select("value", "low", "high").iter_rows()
        if each[0] is not None
    ]
    values = [abs(value) for value in rows["value"].drop_nulls()]
    held = min(max(reaches, default=0.0), FAR * median(reaches) if reaches else 0.0)
    return round_up(1.02 * max([held, 1.2 * (margin or 0.0), *values], default=0.0) or 0.01, 4)


def tick(scale: Linear) -> Any:
    """Return how ticks are written: with a sign, and as many decimals as their step needs."""
    steps = scale.ticks(6)
    step = steps[1] - steps[0] if len(steps) > 1 else 1.0
    digits = next(d for d in range(7) if abs(step - round(step, d)) < 1e-9 or d == 6)
    return lambda value: signed(value, digits)


def margin_band(margin: float | None, scale: Linear, bottom: float) -> str:
    """Return the band between -margin and +margin."""
    if margin is None:
        return ""
    start, end = scale(-margin), scale(margin)
    size = {"x": start, "y": HEAD, "width": end - start, "height": bottom - HEAD}
    return element("rect", **size, fill="var(--above-2)", **mark(f"The stated margin: {margin:g} either way"))


def directions(readers: Readers, pair: tuple[str, str], scale: Linear) -> str:
    """Return on which side which reader is higher, with its mark, and what a hollow mark is."""
    a, b = pair
    (start, end), zero = scale.span, scale(0)
    most = (end - start) / 2 - 84
    names = [
        symbol(readers.look(b), zero - 18, 30),
        words(f"← {cut(b, most)} higher", zero - 30, 34, text_anchor="end"),
        symbol(readers.look(a), zero + 18, 30),
        words(f"{cut(a, most)} higher →", zero + 30, 34),
        element(
            "path", d=HOLLOW, transform=f"translate({start + 6:.2f},8)", fill="var(--paper)", stroke="var(--muted)"
        ),
        words("hollow: not shown to be beyond chance", start + 16, 12, font_size=SMALL, fill="var(--muted)"),
    ]
    return "".join(names)


def difference(row: Mapping[str, Any], readers: Readers, pair: tuple[str, str], scale: Linear, y: float) -> str:
    """Return the mark of one difference with its interval, an arrow where that leaves the plot."""
    if row["value"] is None:
        return words(row["note"] or "not computed", scale.span[0] + 8, y + 4, fill="var(--muted)", font_size=SMALL)
    look = readers.look(pair[0] if row["value"] > 0 else pair[1])
    colour = look.colour if row["beyond"] else "var(--muted)"
    parts = []
    if row["low"] is not None and row["high"] is not None:
        parts.append(line(scale(row["low"]), y, scale(row["high"]), y, stroke=colour, stroke_width=1.6))
        parts += [arrow(end, y, colour) for end in beyond_ends(row, scale)]
    at = scale(row["value"])
    if row["beyond"]:
        return "".join((*parts, symbol(look, at, y, row["sentence"])))
    place = f"translate({at:.2f},{y:.2f})"
    hollow = element(
        "path", d=HOLLOW, transform=place, fill="var(--paper)", stroke=colour, stroke_width=1.5, **mark(row["sentence"])
    )
    return "".join((*parts, hollow))


def beyond_ends(row: Mapping[str, Any], scale: Linear) -> list[tuple[float, int]]:
    """Return the ends of the plot that an interval passes, with the way in which it goes on."""
    first, last = scale.domain
    start, end = scale.span
    return [(start, -1)] * (row["low"] < first) + [(end, 1)] * (row["high"] > last)


def arrow(end: tuple[float, int], y: float, colour: str) -> str:
    """Return the head of an arrow at an end of the plot."""
    x, way = end
    return element("path", d=f"M{x + 5 * way:.1f},{y:.1f}l{-6 * way},-4v8Z", fill=colour)
