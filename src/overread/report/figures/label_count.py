"""Table 3 as a plot: mean loss by number of labels with its line, and the losses of which it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from overread.report.figures.axes import bottom_axis, left_axis, legend, mark, symbol
from overread.report.figures.scales import Linear, round_up
from overread.report.figures.svg import Drawing, group, line, path, words
from overread.report.figures.theme import Readers

WIDTH, HEIGHT, LEFT, TITLE, AXIS_HEIGHT = 190, 200, 50, 24, 44
APART, TOGETHER = 0.17, 0.7  # of a step: between two readers at the same number of labels, and for all of them


def draw_label_count(losses: pl.DataFrame, lines: pl.DataFrame, readers: Readers, *, panels: Sequence[str]) -> Drawing:
    """Draw one plot per kind of loss, each with an axis of its own.

    `losses` has the columns panel, reading, n_labels, value, low, high, sentence; `lines` has reading, n_labels, value,
    sentence: the ends of the line fitted to the first panel.
    """
    most = max(losses["n_labels"], default=0)
    key, top = legend(readers, LEFT, len(panels) * (WIDTH + LEFT) - LEFT, lines=True)
    plots = []
    for place, panel in enumerate(panels):
        own = losses.filter(pl.col("panel") == panel, pl.col("value").is_not_null())
        fitted = lines if place == 0 else lines.clear()
        plots.append(group([draw_panel(own, fitted, readers, panel, most)], LEFT + place * (WIDTH + LEFT), top + TITLE))
    return Drawing(len(panels) * (WIDTH + LEFT) + 8, top + TITLE + HEIGHT + AXIS_HEIGHT, key + "".join(plots))


def draw_panel(losses: pl.DataFrame, lines: pl.DataFrame, readers: Readers, title: str, most: int) -> str:
    """Return one kind of loss; readers stand a little apart so that their intervals do not hide one another."""
    highest = max((v for name in ("value", "high") for v in losses[name].drop_nulls()), default=1.0)
    across, up = Linear((-0.5, most + 0.5), (0, WIDTH)), Linear((0, round_up(highest)), (HEIGHT, 0))
    parts = [
        words(title, 0, -9, font_weight="bold"),
        bottom_axis(across, HEIGHT, ticks=range(most + 1), title="findings on the image"),
        left_axis(up, 0, ticks=up.ticks(), title="mean loss (nats)", right=WIDTH, away=36),
    ]
    for (name,), ends in lines.partition_by("reading", as_dict=True).items():
        look = readers.look(str(name))
        way = [(across(k), up(value)) for k, value in ends.select("n_labels", "value").iter_rows()]
        said = mark(ends["sentence"][0])
        parts.append(path(way, stroke=look.colour, stroke_width=1.3, stroke_dasharray=look.dash, **said))
    parts += [point(row, readers, across, up) for row in losses.iter_rows(named=True)]
    return "".join(parts)


def point(row: Mapping[str, Any], readers: Readers, across: Linear, up: Linear) -> str:
    """Return the loss of one reader on images with some number of labels, with its interval."""
    names, look = readers.everyone, readers.look(row["reading"])
    x = across(
        row["n_labels"] + (names.index(row["reading"]) - (len(names) - 1) / 2) * min(APART, TOGETHER / len(names))
    )
    bar = ""
    if row["low"] is not None and row["high"] is not None:
        bar = line(x, up(row["low"]), x, up(row["high"]), stroke=look.colour, stroke_width=1.4)
    return bar + symbol(look, x, up(row["value"]), row["sentence"])
