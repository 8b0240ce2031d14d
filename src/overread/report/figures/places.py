"""The paper's Figure 2: which outputs come first, second and third, and whether frequent findings do."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from overread.report.figures.axes import SMALL, bottom_axis, left_axis, mark, symbol
from overread.report.figures.scales import Band, Linear, Log
from overread.report.figures.svg import Drawing, Value, cut, element, group, width_of, words
from overread.report.figures.theme import STEPS, Readers

PLACES = ("first", "second", "third")
SHADES = {"first": STEPS[6], "second": STEPS[4], "third": STEPS[3]}
INKS = {"first": "var(--on-strong)", "second": "var(--on-pale)", "third": "var(--on-pale)"}
BAR, BAR_STEP, PLOT, NAME, TITLE, KEY, AXIS_HEIGHT, BETWEEN = 18, 23, 270, 200, 24, 28, 44, 28
COLUMNS, SCATTER = 2, (330, 300)
SIDES = ("start", 8, 4), ("end", -8, 4), ("middle", 0, -9), ("middle", 0, 17), ("start", 7, -6), ("start", 7, 14)

Box = tuple[float, float, float, float]


def draw_places(places: pl.DataFrame, *, order: Sequence[str], readings: Sequence[str]) -> Drawing:
    """Draw stacked bars: for how many true findings an output has the highest, second and third mean activation.

    `places` has the columns reading, output, place, number, sentence; a number stands in every segment.
    """
    left = max((width_of(cut(name, NAME)) for name in order), default=0) + 12
    band = Band(order, BAR_STEP, TITLE)
    totals = places.group_by("reading", "output").agg(pl.col("number").sum())
    scale = Linear((0, max([*totals["number"], 1])), (0, PLOT))
    height = band.end + AXIS_HEIGHT
    columns = min(COLUMNS, len(readings))
    parts = [place_legend(left)]
    for k, reading in enumerate(readings):
        row, column = divmod(k, columns)
        top = KEY + row * height
        own = places.filter(pl.col("reading") == reading)
        parts.append(group([bars(own, reading, scale, band)], left + column * (PLOT + BETWEEN), top))
        parts += [] if column else [bar_names(order, band, left, top)]
    width = left + columns * (PLOT + BETWEEN) - BETWEEN + 10
    return Drawing(width, KEY + height * -(-len(readings) // columns), "".join(parts))


def bar_names(order: Sequence[str], band: Band, left: float, top: float) -> str:
    """Return the names of the outputs at the left of a row of plots."""
    right = {"text_anchor": "end"}
    names = (words(cut(name, NAME), left - 12, top + band.centre(k) + 4, **right) for k, name in enumerate(order))
    return group(names)


def bars(places: pl.DataFrame, reading: str, scale: Linear, band: Band) -> str:
    """Return the bars of one reader with their axis."""
    whole = [tick for tick in scale.ticks() if tick == int(tick)]
    axis = bottom_axis(scale, band.end, ticks=whole, title="number of true findings", top=band.start)
    drawn = [bar(places.filter(pl.col("output") == name), scale, band.edge(k)) for k, name in enumerate(band.names)]
    return words(cut(reading, PLOT), 0, TITLE - 10, font_weight="bold") + axis + "".join(drawn)


def bar(segments: pl.DataFrame, scale: Linear, y: float) -> str:
    """Return the bar of one output: its first, second and third places, each with its number."""
    parts, so_far, top = [], 0, y + (BAR_STEP - BAR) / 2
    for row in sorted(segments.iter_rows(named=True), key=lambda row: PLACES.index(row["place"])):
        if row["number"] == 0:
            continue
        start, end, place = scale(so_far), scale(so_far + row["number"]), row["place"]
        size: dict[str, Value] = {"x": start, "y": top, "width": end - start - 1, "height": BAR}
        parts.append(element("rect", **size, fill=SHADES[place], **mark(row["sentence"])))
        middle = (start + end - 1) / 2
        number: dict[str, Value] = {"text_anchor": "middle", "font_size": SMALL, "fill": INKS[place]}
        parts.append(words(str(row["number"]), middle, top + BAR / 2 + 4, **number))
        so_far += row["number"]
    return "".join(parts)


def place_legend(x: float) -> str:
    """Return the shades of first, second and third place."""
    parts = []
    for k, place in enumerate(PLACES):
        left = x + k * 84
        parts += [element("rect", x=left, y=2, width=14, height=14, fill=SHADES[place]), words(place, left + 20, 14)]
    return group(parts, class_="legend")


def draw_frequency(points: pl.DataFrame, readers: Readers) -> Drawing:
    """Draw a finding's places in the top three against its number of positives, one plot per reader, each point named.

    `points` has the columns reading, finding, n_positive, places, sentence, and label: the finding as it is read.
    """
    shown = points.filter(pl.col("n_positive") > 0)
    across = Log((min(shown["n_positive"]) / 1.6, max(shown["n_positive"]) * 1.6), (0, SCATTER[0]))
    highest = max(max(shown["places"]), 1) + 0.9
    up = Linear((-0.09 * highest, highest), (SCATTER[1], 0))  # room for names between the points at 0 and the axis
    left, columns = 44, min(COLUMNS, len(readers.names))
    wide, high = SCATTER[0] + left + 12, TITLE + SCATTER[1] + AXIS_HEIGHT
    plots = []
    for k, name in enumerate(readers.names):
        row, column = divmod(k, columns)
        own = named_points(shown.filter(pl.col("reading") == name), readers, across, up)
        plots.append(group([scatter_frame(name, across, up), *own], left + column * wide, TITLE + row * high))
    return Drawing(columns * wide, high * -(-len(readers.names) // columns), "".join(plots))


def scatter_frame(name: str, across: Log, up: Linear) -> str:
    """Return name and axes of one reader's plot."""
    whole = [tick for tick in up.ticks() if tick == int(tick) and tick >= 0]
    bottom = bottom_axis(across, SCATTER[1], ticks=spread(across), title="images with the finding (log scale)", top=0)
    left = left_axis(up, 0, ticks=whole, title="times in the top three", right=SCATTER[0])
    return words(cut(name, SCATTER[0]), 0, -10, font_weight="bold") + bottom + left


def spread(scale: Log, apart: float = 36) -> list[float]:
    """Return the ticks of a scale that stand far enough apart to be read."""
    kept: list[float] = []
    for tick in scale.ticks():
        if not kept or scale(tick) - scale(kept[-1]) >= apart:
            kept.append(tick)
    return kept


def named_points(points: pl.DataFrame, readers: Readers, across: Log, up: Linear) -> list[str]:
    """Return the points of one reader, each with its name where it hides no point and no other name.

    Greedy, in order of frequency: of the sides of a point, the first that covers least.
    """
    ordered = list(points.sort("n_positive", "finding", descending=[True, False]).iter_rows(named=True))
    centres = [(across(row["n_positive"]), up(row["places"])) for row in ordered]
    dots: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in centres]
    taken: list[Box] = [*dots]  # a point weighs twice: a name may touch a name sooner than hide a point
    parts = []
    for row, (x, y) in zip(ordered, centres, strict=True):
        label = cut(row["label"], 130, SMALL)
        boxes = {side: label_box(x, y, width_of(label, SMALL), *side) for side in SIDES}
        hidden = {side: sum(overlap(box, other) for other in (*taken, *dots)) for side, box in boxes.items()}
        cost = {side: hidden[side] + outside(box) for side, box in boxes.items()}
        anchor, dx, dy = best = min(SIDES, key=cost.__getitem__)
        taken.append(boxes[best])
        parts.append(symbol(readers.look(row["reading"]), x, y, row["sentence"]))
        parts.append(words(label, x + dx, y + dy, text_anchor=anchor, font_size=SMALL))
    return parts


def label_box(x: float, y: float, width: float, anchor: str, dx: float, dy: float) -> Box:
    """Return left, top, right and bottom of a name in pixels."""
    left = x + dx - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
    return left, y + dy - 8, left + width, y + dy + 2


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share.

    >>> overlap((0, 0, 10, 10), (5, 5, 20, 20))
    25
    """
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def outside(box: Box) -> float:
    """Return a cost for a name that leaves the plot."""
    beyond = max(0.0, -box[0]) + max(0.0, box[2] - SCATTER[0]) + max(0.0, -box[1]) + max(0.0, box[3] - SCATTER[1])
    return 12 * beyond
