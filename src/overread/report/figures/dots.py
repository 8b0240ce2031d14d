"""Dot plots with intervals: values of several readers, side by side in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

import polars as pl

from overread.report.figures.axes import SMALL, bottom_axis, legend, symbol
from overread.report.figures.scales import Band, Linear
from overread.report.figures.svg import Drawing, cut, group, line, width_of, words
from overread.report.figures.theme import Readers

READER_STEP, ROW_GAP, BETWEEN, NAME = 11, 11, 26, 200
AXIS_HEIGHT, PANEL_TITLE, EDGE = 44, 22, 14


def draw_intervals(
    rows: pl.DataFrame,
    readers: Readers,
    *,
    order: Sequence[str],
    title: str,
    apart: Sequence[str] = (),
    panels: Sequence[str] = ("",),
    domain: tuple[float, float] = (0.0, 1.0),
    rules: Sequence[float] = (),
    width: float = 540,
    name_width: float = NAME,
) -> Drawing:
    """Draw one row per name, in it a mark with its interval for each reader.

    `rows` has the columns reading, row, value, low, high, sentence, note (why there is no value), and panel where
    `panels` names several plots to stand side by side on the same rows. The rows named in `apart` are set below the
    others with a space between. `width` is that of all plots together, without the names.
    """
    names = [*order, *apart]
    left = max((width_of(cut(name, name_width)) for name in names), default=0) + 12
    key, key_height = legend(readers, left, width)
    top = key_height + (PANEL_TITLE if any(panels) else 0)
    band = Band(names, READER_STEP * len(readers.everyone) + ROW_GAP, top)
    shift = band.step * 0.5 if apart else 0.0
    centres = {name: band.centre(k) + (shift if k >= len(order) else 0) for name, k in band.places.items()}
    bottom = band.end + shift
    side = (width - BETWEEN * (len(panels) - 1)) / len(panels)
    parts = [key, row_names(centres, left, width, name_width, band, len(order))]
    for place, panel in enumerate(panels):
        start = left + place * (side + BETWEEN)
        scale = Linear(domain, (start, start + side))
        own = rows.filter(pl.col("panel") == panel) if "panel" in rows.columns else rows
        parts.append(bottom_axis(scale, bottom, ticks=scale.ticks(6), title=title, top=top))
        parts += [line(scale(at), top, scale(at), bottom, stroke_dasharray="4 3") for at in rules]
        parts += [words(panel, start, key_height + 13, font_weight="bold")] if panel else []
        parts += marks(own, readers, scale, centres)
    return Drawing(left + width + EDGE, bottom + AXIS_HEIGHT, "".join(parts))


def marks(rows: pl.DataFrame, readers: Readers, scale: Linear, centres: Mapping[str, float]) -> list[str]:
    """Return the marks of one panel, and for a row in which no reader has a value the note that says why."""
    drawn = [interval(row, readers, scale, centres[row["row"]]) for row in rows.iter_rows(named=True)]
    return drawn + [lacking(name, rows, scale.span[0], centre) for name, centre in centres.items()]


def row_names(
    centres: Mapping[str, float], left: float, width: float, name_width: float, band: Band, n_together: int
) -> str:
    """Return the names of the rows with a line above each, and a stronger one above those set apart."""
    parts = []
    for place, (name, centre) in enumerate(centres.items()):
        y = centre - band.step / 2
        stroke = "var(--axis)" if place == n_together else "var(--grid)"
        weight = "bold" if place >= n_together else None
        parts.append(line(0, y, left + width, y, stroke=stroke))
        parts.append(words(cut(name, name_width), left - 12, centre + 4, text_anchor="end", font_weight=weight))
    return group(parts)


def lacking(name: str, rows: pl.DataFrame, start: float, centre: float) -> str:
    """Return, for a row in which no reader has a value, the note that says why."""
    own = rows.filter(pl.col("row") == name)
    if "note" not in own.columns or own["value"].null_count() < own.height or own.is_empty():
        return ""
    return words(own["note"][0] or "not computed", start + 8, centre + 4, fill="var(--muted)", font_size=SMALL)


def interval(row: Mapping[str, Any], readers: Readers, scale: Linear, centre: float) -> str:
    """Return the mark of one reader in a row with the bar of its interval; nothing where there is no value."""
    if row["value"] is None:
        return ""
    everyone = readers.everyone
    look, y = readers.look(row["reading"]), centre
    y += (everyone.index(row["reading"]) - (len(everyone) - 1) / 2) * READER_STEP
    bar = ""
    if row["low"] is not None and row["high"] is not None:
        bar = line(scale(row["low"]), y, scale(row["high"]), y, stroke=look.colour, stroke_width=1.6)
    return bar + symbol(look, scale(row["value"]), y, row["sentence"])


def lower_end(lows: pl.Series, *, step: float = 0.1, most: float = 0.5) -> float:
    """Return the round number at which an axis may begin so that every interval is seen.

    >>> lower_end(pl.Series([0.62, 0.41]))
    0.4
    """
    lowest = min(lows.drop_nulls(), default=most)
    return min(most, round(floor(lowest / step + 1e-9) * step, 9))
