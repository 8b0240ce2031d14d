"""Own values with intervals above what others have published: full marks on the same images, hollow ones on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from overread.report.figures.axes import LEGEND_GAP, LEGEND_ROW, bottom_axis, legend, mark
from overread.report.figures.dots import AXIS_HEIGHT, EDGE, NAME, READER_STEP, lacking, row_names
from overread.report.figures.dots import interval as own_mark
from overread.report.figures.scales import Band, Linear
from overread.report.figures.svg import Drawing, Value, cut, element, group, width_of, words
from overread.report.figures.theme import Readers

LANE, ROOM, ROW_GAP = 10, 10.5, 10
SHAPES = (
    "M0,-5L1.3,-1.6L4.8,-1.6L2,0.6L3,4L0,2L-3,4L-2,0.6L-4.8,-1.6L-1.3,-1.6Z",
    "M3.2,0A3.2,3.2,0,1,1,-3.2,0A3.2,3.2,0,1,1,3.2,0Z",
    "M-2.9,-2.9H2.9V2.9H-2.9Z",
    "M0,-4L4,3H-4Z",
    "M0,-4.3L4.3,0L0,4.3L-4.3,0Z",
    "M0,4L4,-3H-4Z",
)


def draw_literature(
    own: pl.DataFrame,
    published: pl.DataFrame,
    readers: Readers,
    *,
    splits: Mapping[str, bool],
    order: Sequence[str],
    apart: Sequence[str] = (),
    title: str,
    domain: tuple[float, float],
    width: float = 540,
) -> Drawing:
    """Draw one row per name: a mark with its interval for each reader, below them the published values.

    `own` has the columns reading, row, value, low, high, sentence, note; `published` has row, value, split,
    sentence. The shape of a published value is that of its split, by place in `splits`; it is full where `splits` calls
    it comparable, and hollow and grey where not. Values that would cover one another go to lanes of their own.
    """
    names = [*order, *apart]
    left = max((width_of(cut(name, NAME)) for name in names), default=0) + 12
    scale = Linear(domain, (left, left + width))
    lanes = {name: in_lanes(published.filter(pl.col("row") == name), scale) for name in names}
    deep = max((len(lane) for lane in lanes.values()), default=0)
    key, top = keys(readers, splits, left, width)
    band = Band(names, READER_STEP * len(readers.everyone) + LANE * deep + ROW_GAP, top)
    shift = band.step * 0.35 if apart else 0.0
    centres = {name: band.centre(k) + (shift if k >= len(order) else 0) for name, k in band.places.items()}
    bottom = band.end + shift
    parts = [key, row_names(centres, left, width, NAME, band, len(order))]
    parts.append(bottom_axis(scale, bottom, ticks=scale.ticks(6), title=title, top=top))
    for name, centre in centres.items():
        middle = centre - LANE * deep / 2
        mine = own.filter(pl.col("row") == name)
        parts += [own_mark(row, readers, scale, middle) for row in mine.iter_rows(named=True)]
        parts.append(lacking(name, mine, left, middle))
        first = centre + READER_STEP * len(readers.everyone) / 2 - LANE * (deep - 1) / 2
        for k, lane in enumerate(lanes[name]):
            parts += [published_mark(row, splits, scale(row["value"]), first + k * LANE) for row in lane]
    return Drawing(left + width + EDGE, bottom + AXIS_HEIGHT, "".join(parts))


def in_lanes(rows: pl.DataFrame, scale: Linear) -> list[list[Mapping[str, Any]]]:
    """Deal values into as few lanes as keep the marks of each apart, from left to right."""
    lanes: list[list[Mapping[str, Any]]] = []
    for row in rows.sort("value", "split").iter_rows(named=True):
        free = next((lane for lane in lanes if scale(row["value"]) - scale(lane[-1]["value"]) >= ROOM), None)
        if free is None:
            lanes.append(free := [])
        free.append(row)
    return lanes


def published_mark(row: Mapping[str, Any], splits: Mapping[str, bool], x: float, y: float) -> str:
    """Return the mark of a published value with its sentence."""
    split = row["split"]
    return shape(list(splits).index(split), x, y, comparable=splits[split], said=row["sentence"])


def shape(place: int, x: float, y: float, *, comparable: bool, said: str | None = None) -> str:
    """Return the shape of a split, full in ink where its values are comparable, hollow and grey where not."""
    look: dict[str, Value] = {"fill": "var(--ink)", "stroke": "var(--ink)", "stroke_width": 1}
    if not comparable:
        look = {"fill": "var(--paper)", "stroke": "var(--axis)", "stroke_width": 1.2}
    at = f"translate({x:.2f},{y:.2f})"
    return element("path", d=SHAPES[place % len(SHAPES)], transform=at, **look, **mark(said))


def keys(readers: Readers, splits: Mapping[str, bool], left: float, width: float) -> tuple[str, float]:
    """Return the legends of readers and of splits, and how high they are together."""
    own, top = legend(readers, left, width)
    parts, x, y = [], left, top
    for place, (split, comparable) in enumerate(splits.items()):
        text = cut(f"{split}{': same images' if comparable else ''}", width - 20)
        wide = 16 + width_of(text)
        if x > left and x + wide > left + width:
            x, y = left, y + LEGEND_ROW
        parts.append(shape(place, x + 6, y + 6, comparable=comparable))
        fill = "var(--ink)" if comparable else "var(--muted)"
        parts.append(words(text, x + 16, y + 10, fill=fill))
        x += wide + LEGEND_GAP
    return group([own, *parts]), y + LEGEND_ROW + 4
