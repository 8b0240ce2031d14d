"""Decision curves: one small plot per finding, net benefit against the threshold probability, with bands by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from overread.report import numbers
from overread.report.figures.axes import SMALL, bottom_axis, left_axis, legend, mark
from overread.report.figures.exchange import threshold_text
from overread.report.figures.scales import Linear, Log, round_step
from overread.report.figures.svg import Drawing, cut, element, group, line, path, pixels, width_of, words
from overread.report.figures.theme import Readers

COLUMNS, SIDE, HEIGHT = 4, 150, 118
LEFT, GAP, TITLE, ROW = 56, 36, 24, 60
TICKS = (0.005, 0.02, 0.1, 0.5)
ACROSS = Log((0.005, 0.5), (0, SIDE))
PEOPLE = 1000


def draw_net_benefit(
    curves: pl.DataFrame, readers: Readers, *, order: Sequence[str], exchanges: Mapping[str, float]
) -> Drawing:
    """Draw the net benefit of each reader, of treating all and of treating none.

    `curves` has the columns reading, finding, threshold_probability, net_benefit, low, high, treat_all, sentence, all
    per 1,000 people. `exchanges` holds the threshold of the exchange rate of findings that have one.
    """
    width = LEFT + min(COLUMNS, len(order)) * (SIDE + GAP)
    key, top = legend(readers, LEFT, width - LEFT, lines=True)
    references, below = reference_legend(LEFT, top, all_too=True, dotted=bool(exchanges))
    own = curves.partition_by("finding", as_dict=True)
    plots: list[str] = []
    for finding in order:
        points = own[finding,]
        most = max([1e-9, *points["net_benefit"].drop_nulls(), *points["high"].drop_nulls()])
        up = Linear((-0.25 * most, most), (HEIGHT, 0))
        parts = [frame(finding, up, first=len(plots) % COLUMNS == 0, title="net benefit per 1,000")]
        parts += treat_all(points, up)
        parts += [curve for name in reversed(readers.everyone) for curve in reader_curve(points, name, readers, up)]
        plots.append("".join((*parts, exchange_line(exchanges.get(finding)))))
    return laid_out(plots, width, below, key + references)


def draw_net_benefit_differences(
    curves: pl.DataFrame, *, order: Sequence[str], exchanges: Mapping[str, float], title: str
) -> Drawing:
    """Draw the difference in net benefit of a pair with its band.

    `curves` has the columns finding, threshold_probability, difference, low, high, sentence, per 1,000 people.
    """
    width = LEFT + min(COLUMNS, len(order)) * (SIDE + GAP)
    key, below = reference_legend(LEFT, 0, all_too=False, dotted=bool(exchanges))
    own = curves.partition_by("finding", as_dict=True)
    plots: list[str] = []
    for finding in order:
        points = own[finding,]
        reach = max([1e-9, *(abs(v) for name in ("difference", "low", "high") for v in points[name].drop_nulls())])
        up = Linear((-reach, reach), (HEIGHT, 0))
        parts = [frame(finding, up, first=len(plots) % COLUMNS == 0, title=title, signed=True)]
        parts += [line(0, up(0), SIDE, up(0), stroke="var(--ink)"), band(points, up, "var(--ink)", 0.14)]
        way = [(ACROSS(t), up(v)) for t, v in points.select("threshold_probability", "difference").drop_nulls().rows()]
        parts.append(path(way, stroke="var(--ink)", stroke_width=1.7, **mark(points["sentence"][0])))
        plots.append("".join((*parts, exchange_line(exchanges.get(finding)))))
    return laid_out(plots, width, below, key)


def laid_out(plots: Sequence[str], width: float, top: float, key: str) -> Drawing:
    """Return plots in rows below a legend."""
    placed = []
    for place, plot in enumerate(plots):
        row, column = divmod(place, COLUMNS)
        placed.append(group([plot], LEFT + column * (SIDE + GAP), top + TITLE + row * (TITLE + HEIGHT + ROW)))
    rows = -(-len(plots) // COLUMNS)
    return Drawing(width, top + rows * (TITLE + HEIGHT + ROW) - 8, key + "".join(placed))


def frame(finding: str, up: Linear, *, first: bool, title: str, signed: bool = False) -> str:
    """Return name, axes and grid of one plot."""
    low, high = up.domain
    step = round_step((high - low) / 6)
    digits = next(d for d in range(7) if abs(step - round(step, d)) < 1e-9 or d == 6)
    write = (lambda v: numbers.signed(v, digits)) if signed else (lambda v: numbers.decimal(v, digits))
    name = words(cut(finding, SIDE + GAP - 6), 0, -9, font_weight="bold")
    below = bottom_axis(ACROSS, HEIGHT, ticks=TICKS, title="threshold probability", top=0, write=threshold_text)
    shown = title if first else ""
    return name + below + left_axis(up, 0, ticks=up.ticks(6), title=shown, right=SIDE, away=44, write=write)


def reader_curve(points: pl.DataFrame, name: str, readers: Readers, up: Linear) -> list[str]:
    """Return the curve of one reader, and its band unless it is the floor; nothing where it has none."""
    own = points.filter(pl.col("reading") == name)
    if own.is_empty():
        return []
    look = readers.look(name)
    way = inside([(t, v) for t, v in own.select("threshold_probability", "net_benefit").drop_nulls().rows()], up)
    drawn = [] if name == readers.floor and name not in readers.names else [band(own, up, look.colour, 0.13)]
    said = mark(own["sentence"][0])
    return [*drawn, path(way, stroke=look.colour, stroke_width=1.6, stroke_dasharray=look.dash, **said)]


def treat_all(points: pl.DataFrame, up: Linear) -> list[str]:
    """Return the line of treating all, as far as it lies in the plot, and that of treating none at zero."""
    one = points.filter(pl.col("reading") == points["reading"][0])
    way = inside(one.select("threshold_probability", "treat_all").drop_nulls().rows(), up)
    said = mark(f"{points['finding'][0]}: treating all")
    drawn = path(way, stroke="var(--axis)", stroke_width=1.4, **said) if len(way) > 1 else ""
    return [line(0, up(0), SIDE, up(0), stroke="var(--ink)"), drawn]


def inside(points: Sequence[tuple[float, float]], up: Linear) -> list[tuple[float, float]]:
    """Return the way of a curve that starts within the plot and ends where it falls out of it."""
    low = up.domain[0]
    kept: list[tuple[float, float]] = []
    for (t, value), (_, before) in zip(points, (points[0], *points[:-1]) if points else (), strict=True):
        if value < low and before < low:
            break
        kept.append((ACROSS(t), up(value)))
    return kept


def band(points: pl.DataFrame, up: Linear, colour: str, opacity: float) -> str:
    """Return the band between the bounds of a curve."""
    known = points.select("threshold_probability", "low", "high").drop_nulls().rows()
    if len(known) < 2:
        return ""
    upper = [(ACROSS(t), up(high)) for t, _, high in known]
    lower = [(ACROSS(t), up(low)) for t, low, _ in reversed(known)]
    d = "M" + "L".join(f"{pixels(x)},{pixels(y)}" for x, y in (*upper, *lower)) + "Z"
    return element("path", d=d, fill=colour, fill_opacity=opacity)


def exchange_line(threshold: float | None) -> str:
    """Return the line at the threshold of the exchange rate, where that lies within the plot."""
    if threshold is None or not ACROSS.domain[0] <= threshold <= ACROSS.domain[1]:
        return ""
    x = ACROSS(threshold)
    said = mark(f"Exchange rate of the two operating points: threshold probability {numbers.percent(threshold)}")
    return line(x, 0, x, HEIGHT, stroke="var(--ink)", stroke_width=1.4, stroke_dasharray="1.5 3", **said)


def reference_legend(x: float, top: float, *, all_too: bool, dotted: bool) -> tuple[str, float]:
    """Return what the lines stand for that are of no reader, and where the legend ends."""
    ink, grey = "var(--ink)", "var(--axis)"
    entries: list[tuple[str, str, str | None]] = [("no difference", ink, None)]
    if all_too:
        entries = [("treating all", grey, None), ("treating none", ink, None)]
    entries += [("exchange rate of the two operating points", ink, "1.5 3")] if dotted else []
    parts, left = [], x
    for text, colour, dash in entries:
        parts.append(line(left, top + 8, left + 24, top + 8, stroke=colour, stroke_width=1.4, stroke_dasharray=dash))
        parts.append(words(text, left + 30, top + 12, font_size=SMALL, fill="var(--muted)"))
        left += 30 + width_of(text, SMALL) + 18
    return group(parts, class_="legend"), top + 24
