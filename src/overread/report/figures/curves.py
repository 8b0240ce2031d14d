"""ROC and precision-recall curves: one small plot per finding, a line per reader, a mark at the operating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from overread.report.figures.axes import bottom_axis, left_axis, legend, mark, symbol
from overread.report.figures.scales import Linear
from overread.report.figures.svg import Drawing, cut, group, line, path, words
from overread.report.figures.theme import Readers

COLUMNS, SIDE = 4, 150
LEFT, GAP, TITLE, ROW = 52, 30, 24, 62
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
ACROSS, UP = Linear((0, 1), (0, SIDE)), Linear((0, 1), (SIDE, 0))


def draw_roc(curves: pl.DataFrame, points: pl.DataFrame, readers: Readers, *, order: Sequence[str]) -> Drawing:
    """Draw sensitivity against 1 - specificity; the dashed line is chance.

    `curves` has the columns reading, finding, x, y, sentence; `points` the same, for the operating points.
    """
    chance = dict.fromkeys(order, (0.0, 1.0))
    return small_multiples(curves, points, readers, chance, titles=("1 − specificity", "sensitivity"))


def draw_precision_recall(
    curves: pl.DataFrame, points: pl.DataFrame, readers: Readers, *, prevalence: Mapping[str, float]
) -> Drawing:
    """Draw precision against recall; the dashed line is the prevalence, which a reader who guesses would have."""
    guess = {finding: (share, share) for finding, share in prevalence.items()}
    return small_multiples(curves, points, readers, guess, titles=("recall (sensitivity)", "precision (PPV)"))


def small_multiples(
    curves: pl.DataFrame,
    points: pl.DataFrame,
    readers: Readers,
    reference: Mapping[str, tuple[float, float]],
    *,
    titles: tuple[str, str],
) -> Drawing:
    """Draw one plot per finding; `reference` names them in order, with the ends of the dashed line of each."""
    columns = min(COLUMNS, len(reference))
    width = LEFT + columns * (SIDE + GAP)
    key, top = legend(readers, LEFT, width - LEFT, lines=True)
    own_curves, own_points = (frame.partition_by("finding", as_dict=True) for frame in (curves, points))
    plots = []
    for place, (finding, ends) in enumerate(reference.items()):
        row, column = divmod(place, columns)
        x, y = LEFT + column * (SIDE + GAP), top + TITLE + row * (TITLE + SIDE + ROW)
        parts = [
            frame(finding, titles, first=column == 0),
            line(0, UP(ends[0]), SIDE, UP(ends[1]), stroke_dasharray="4 3"),
        ]
        parts += lines(own_curves.get((finding,), curves.clear()), readers)
        parts += marks(own_points.get((finding,), points.clear()), readers)
        plots.append(group(parts, x, y, data_axes=f"{SIDE}|{titles[0]}|{titles[1]}"))
    rows = -(-len(reference) // columns)
    return Drawing(width, top + rows * (TITLE + SIDE + ROW) - 12, key + "".join(plots))


def frame(finding: str, titles: tuple[str, str], *, first: bool) -> str:
    """Return name, axes and grid of one plot; the title of the upright axis stands at the first of a row only."""
    name = words(cut(finding, SIDE + GAP - 6), 0, -9, font_weight="bold")
    left = left_axis(UP, 0, ticks=TICKS, title=titles[1] if first else "", right=SIDE, away=38)
    return name + bottom_axis(ACROSS, SIDE, ticks=TICKS, title=titles[0], top=0) + left


def lines(curves: pl.DataFrame, readers: Readers) -> list[str]:
    """Return the curve of each reader; the user's readers are drawn over the floor."""
    drawn = []
    own = curves.partition_by("reading", as_dict=True)
    for name in reversed(readers.everyone):
        if (name,) in own:
            look, curve = readers.look(name), own[name,]
            way = [(ACROSS(x), UP(y)) for x, y in curve.select("x", "y").iter_rows()]
            said = mark(curve["sentence"][0])
            drawn.append(path(way, stroke=look.colour, stroke_width=1.7, stroke_dasharray=look.dash, **said))
    return drawn


def marks(points: pl.DataFrame, readers: Readers) -> list[str]:
    """Return the operating point of each reader."""
    return [
        symbol(readers.look(row["reading"]), ACROSS(row["x"]), UP(row["y"]), row["sentence"])
        for row in points.iter_rows(named=True)
    ]
