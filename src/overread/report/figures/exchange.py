"""The exchange rate of two readers, by finding and over prevalence, beside what others were ready to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any

import polars as pl

from overread.analyses.published_rates import PublishedRate
from overread.report import numbers
from overread.report.figures.axes import SMALL, bottom_axis, left_axis, mark, symbol
from overread.report.figures.scales import Band, Linear, Log
from overread.report.figures.svg import Drawing, cut, element, group, line, path, pixels, width_of, words
from overread.report.figures.theme import Readers

STEP, NAME, EDGE, HEAD, AXIS_HEIGHT = 22, 250, 26, 84, 46
WIDTH = 470
THRESHOLDS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
STAR = "M0,-6L1.8,-1.8L6,0L1.8,1.8L0,6L-1.8,1.8L-6,0L-1.8,-1.8Z"
LEAST, MOST = 0.05, 50_000.0


@dataclass(frozen=True)
class Label:
    """Words that want to stand at a height, and the line that leads to them."""

    text: str
    y: float
    colour: str = "var(--ink)"


def rate_of(threshold_probability: float) -> float:
    """Return the healthy people referred for one ill person found that a threshold probability stands for."""
    return (1 - threshold_probability) / threshold_probability


def threshold_text(value: float) -> str:
    """Write a threshold probability as a percentage without needless digits.

    >>> threshold_text(0.5).replace(numbers.SPACE, " "), threshold_text(0.002).replace(numbers.SPACE, " ")
    ('50 %', '0.2 %')
    """
    return f"{100 * value:.6g}{numbers.SPACE}%"


def decades(scale: Log) -> list[float]:
    """Return the powers of ten within a scale, or its ticks where there are fewer than two."""
    tens = [tick for tick in scale.ticks() if f"{tick:e}".startswith("1.0")]
    return tens if len(tens) > 1 else scale.ticks()


def rate_domain(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that holds rates, on round numbers."""
    held = [min(max(value, LEAST), MOST) for value in values] or [1.0]
    ends = Log((LEAST / 10, MOST * 10), (0, 1)).ticks()
    low = max(tick for tick in ends if tick <= min(held) / 1.3)
    high = min(tick for tick in ends if tick >= max(held) * 1.3)
    return low, high


def draw_rates(rows: pl.DataFrame, readers: Readers, published: Sequence[PublishedRate]) -> Drawing:
    """Draw the exchange rate of each row on a log axis, with the threshold probability on a second axis above.

    `rows` has the columns row, finder (the reading that finds more; None where nothing is exchanged), rate, low, high,
    text (what stands in a row without a rate, or behind one without bounds), sentence, apart (bold). Comparable
    published rates stand below, each with its disease and prevalence, and as a line through the plot.
    """
    cited = [
        (f"{each.source}: {each.disease}, {threshold_text(each.prevalence)}", each)
        for each in published
        if each.prevalence is not None
    ]
    names = [*rows["row"], *(name for name, _ in cited)]
    left = max((width_of(cut(name, NAME)) for name in names), default=0) + 12
    shown = [v for name in ("rate", "low", "high") for v in rows[name].drop_nulls() if v > 0]
    scale = Log(rate_domain([*shown, *(each.rate for _, each in cited)]), (left, left + WIDTH))
    band = Band(names, STEP, HEAD)
    shift = STEP * 0.4 if cited else 0.0
    bottom = band.end + shift
    parts = [finders(rows, readers, left), rate_axes(scale, HEAD, bottom)]
    parts += [
        line(scale(each.rate), HEAD, scale(each.rate), bottom, stroke_dasharray="4 3", stroke="var(--ink)")
        for _, each in cited
    ]
    for place, row in enumerate(rows.iter_rows(named=True)):
        y = band.centre(place)
        weight = "bold" if row["apart"] else None
        parts.append(words(cut(row["row"], NAME), left - 12, y + 4, text_anchor="end", font_weight=weight))
        parts.append(rate_mark(row, readers, scale, y))
    for place, (name, each) in enumerate(cited, rows.height):
        y = band.centre(place) + shift
        if place == rows.height:
            parts.append(line(0, y - STEP / 2, left + WIDTH, y - STEP / 2))
        parts.append(words(cut(name, NAME), left - 12, y + 4, text_anchor="end", font_style="italic"))
        parts.append(star(scale(each.rate), y, published_sentence(each)))
    return Drawing(left + WIDTH + EDGE, bottom + AXIS_HEIGHT, "".join(parts))


def finders(rows: pl.DataFrame, readers: Readers, x: float) -> str:
    """Return what the marks say: which reading finds more, and which are published."""
    known = set(rows["finder"].drop_nulls())
    parts, left = [], x
    for name in readers.names:
        if name in known:
            text = f"{cut(name, 130)} finds more"
            parts += [symbol(readers.look(name), left + 6, 10), words(text, left + 18, 14)]
            left += 18 + width_of(text) + 18
    parts += [star(left + 6, 10, None), words("published rate", left + 18, 14)]
    return group(parts, class_="legend")


def rate_axes(scale: Log, top: float, bottom: float) -> str:
    """Return the axis of rates below and that of threshold probabilities above."""
    start, end = scale.span
    title = "healthy people referred for each extra ill person found (log scale)"
    parts = [bottom_axis(scale, bottom, ticks=decades(scale), title=title, top=top)]
    first, last = scale.domain
    at = spaced([(scale(rate_of(p)), p) for p in THRESHOLDS if first <= rate_of(p) <= last], 38)
    above = [line(start, top, end, top)]
    above += [line(x, top - 4, x, top) for x, _ in at]
    above += [words(threshold_text(p), x, top - 8, text_anchor="middle", font_size=SMALL) for x, p in at]
    name = "the same as a threshold probability, 1 / (1 + rate)"
    above.append(words(name, (start + end) / 2, top - 28, text_anchor="middle", fill="var(--muted)"))
    return "".join((*parts, group(above, class_="axis")))


def spaced(at: Sequence[tuple[float, float]], apart: float) -> list[tuple[float, float]]:
    """Return the places that stand far enough apart to be labelled."""
    kept: list[tuple[float, float]] = []
    for place in at:
        if not kept or abs(place[0] - kept[-1][0]) >= apart:
            kept.append(place)
    return kept


def rate_mark(row: Mapping[str, Any], readers: Readers, scale: Log, y: float) -> str:
    """Return the mark of one rate with its interval and what is to be said behind it."""
    quiet: dict[str, Any] = {"fill": "var(--muted)", "font_size": SMALL}
    start, end = scale.span
    if row["rate"] is None or row["rate"] <= 0 or row["finder"] is None:
        return halo(cut(row["text"], end - start - 12, SMALL), start + 8, y + 4, **quiet)
    look, x = readers.look(row["finder"]), scale(held(row["rate"], scale))
    parts = []
    if row["low"] is not None and row["high"] is not None:
        low, high = scale(held(row["low"], scale)), scale(held(row["high"], scale))
        parts.append(line(low, y, high, y, stroke=look.colour, stroke_width=1.6))
        if row["low"] < scale.domain[0]:
            parts.append(element("path", d=f"M{low - 5:.1f},{y:.1f}l6,-4v8Z", fill=look.colour))
        if row["high"] > scale.domain[1]:
            parts.append(element("path", d=f"M{high + 5:.1f},{y:.1f}l-6,-4v8Z", fill=look.colour))
    parts.append(symbol(look, x, y, row["sentence"]))
    if row["text"]:
        wide = width_of(row["text"], SMALL)
        behind = x + 12 + wide < end
        where = x + 12 if behind else x - 12
        parts.append(halo(row["text"], where, y + 4, text_anchor=None if behind else "end", **quiet))
    return "".join(parts)


def held(rate: float, scale: Log) -> float:
    """Return a rate within the domain of a scale; a logarithm knows no zero."""
    return min(max(rate, scale.domain[0]), scale.domain[1])


def star(x: float, y: float, said: str | None) -> str:
    """Return the mark of a published rate."""
    return element("path", d=STAR, transform=f"translate({x:.2f},{y:.2f})", fill="var(--ink)", **mark(said))


def published_sentence(each: PublishedRate) -> str:
    """Say a published rate: how much, of what, at which prevalence, from whom."""
    at = f" at a prevalence of {threshold_text(each.prevalence)}" if each.prevalence is not None else ""
    least = "or more " if each.at_least else ""
    paid = f"{numbers.count(each.rate)} {least}false positives for each {each.per}"
    return f"{each.source}, {each.disease}: {paid}{at} ({each.asked})"


PLOT_WIDTH, PLOT_HEIGHT, PLOT_LEFT, PLOT_TOP, LABELS = 430, 340, 122, 34, 190
PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def draw_exchange_curves(
    curves: pl.DataFrame, points: pl.DataFrame, readers: Readers, published: Sequence[PublishedRate]
) -> Drawing:
    """Draw the exchange rate of each finding against the prevalence, both on log scales.

    `curves` has the columns row, finder, prevalence, rate, low, high (a band, where given), sentence, apart (a stronger
    line); `points` has row, finder, prevalence, rate, sentence: where the cohort is. Published rates are stars at their
    own prevalence, with a dashed line to the axis of rates.
    """
    rates = [*curves["rate"], *(each.rate for each in published)]
    across = Log((0.001, 0.5), (0, PLOT_WIDTH))
    up = Log(rate_domain(rates), (PLOT_HEIGHT, 0))
    parts = [curve_axes(across, up)]
    labels = []
    for (name,), own in curves.partition_by("row", as_dict=True, maintain_order=True).items():
        look = readers.look(own["finder"][0])
        strong = own["apart"][0]
        parts.append(rate_band(own, across, up, look.colour))
        way = [(across(p), up(held(r, up))) for p, r in own.select("prevalence", "rate").iter_rows()]
        width = 2.2 if strong else 1.1
        said = mark(own["sentence"][0])
        parts.append(path(way, stroke=look.colour, stroke_width=width, stroke_dasharray=look.dash, **said))
        labels.append(Label(str(name), way[-1][1], look.colour))
    for each in published:
        parts += reference(each, across, up)
    parts += [
        symbol(readers.look(row["finder"]), across(row["prevalence"]), up(held(row["rate"], up)), row["sentence"])
        for row in points.iter_rows(named=True)
        if 0.001 <= row["prevalence"] <= 0.5
    ]
    parts.append(side_labels(labels))
    drawn = finders(points, readers, PLOT_LEFT) + group(parts, PLOT_LEFT, PLOT_TOP)
    return Drawing(PLOT_LEFT + PLOT_WIDTH + LABELS, PLOT_HEIGHT + PLOT_TOP + AXIS_HEIGHT, drawn)


def curve_axes(across: Log, up: Log) -> str:
    """Return the axis of prevalence, that of rates, and beside it that of threshold probabilities."""
    parts = [
        bottom_axis(
            across,
            PLOT_HEIGHT,
            ticks=PREVALENCES,
            title="share of people who are ill (prevalence, log scale)",
            top=0,
            write=threshold_text,
        )
    ]
    tens, (first, last) = decades(up), up.domain
    title = "healthy people referred for each extra ill person found (log scale)"
    as_linear = Linear((0, 1), up.span)
    parts.append(left_axis(as_linear, 0, ticks=(), title=title, away=106))
    for rate in tens:
        y = up(rate)
        parts.append(line(0, y, PLOT_WIDTH, y, stroke="var(--grid)"))
        parts.append(line(-4, y, 0, y))
        parts.append(words(numbers.decimal(rate, 0 if rate >= 1 else 1), -7, y + 4, text_anchor="end", font_size=SMALL))
    at = spaced([(up(rate_of(p)), p) for p in THRESHOLDS if first <= rate_of(p) <= last], 15)
    quiet: dict[str, Any] = {"text_anchor": "end", "font_size": SMALL, "fill": "var(--muted)"}
    parts += [words(threshold_text(p), -52, y + 4, **quiet) for y, p in at]
    turned = f"translate(-92,{PLOT_HEIGHT / 2:.1f}) rotate(-90)"
    name = "and as a threshold probability"
    parts.append(words(name, 0, 0, text_anchor="middle", fill="var(--muted)", transform=turned, font_size=SMALL))
    return group(parts, class_="axis")


def rate_band(curve: pl.DataFrame, across: Log, up: Log, colour: str) -> str:
    """Return the band of a curve between its bounds, where it has both."""
    known = curve.filter(pl.col("low").is_not_null(), pl.col("high").is_not_null())
    if known.height < 2:
        return ""
    lower = [(across(p), up(held(v, up))) for p, v in known.select("prevalence", "low").iter_rows()]
    upper = [(across(p), up(held(v, up))) for p, v in known.select("prevalence", "high").iter_rows()]
    d = "M" + "L".join(f"{pixels(x)},{pixels(y)}" for x, y in (*upper, *reversed(lower))) + "Z"
    return element("path", d=d, fill=colour, fill_opacity=0.14)


def reference(each: PublishedRate, across: Log, up: Log) -> list[str]:
    """Return a published rate at its prevalence, with a line to the axis and its words."""
    if each.prevalence is None:
        return []
    x, y = across(each.prevalence), up(held(each.rate, up))
    text = f"{numbers.count(each.rate)} per {each.disease} at {threshold_text(each.prevalence)} ({each.source})"
    wide = width_of(text, SMALL)
    where = 6.0 if wide + 12 < x else x + 10  # on the line to the axis where that is long enough
    return [
        line(0, y, x, y, stroke="var(--ink)", stroke_dasharray="4 3"),
        star(x, y, published_sentence(each)),
        halo(text, where, y - 6, font_size=SMALL, font_style="italic"),
    ]


def halo(text: str, x: float, y: float, **attributes: Any) -> str:
    """Return words that stay readable over lines."""
    return words(
        text, x, y, stroke="var(--paper)", stroke_width=3, paint_order="stroke", stroke_linejoin="round", **attributes
    )


def side_labels(labels: Sequence[Label], apart: float = 13) -> str:
    """Return labels at the right of a plot, pushed apart until each can be read, with a line to where they belong."""
    ordered = sorted(labels, key=lambda each: each.y)
    heights = pushed_apart([each.y for each in ordered], apart, (0, PLOT_HEIGHT + 30))
    parts = []
    for each, y in zip(ordered, heights, strict=True):
        way = [(PLOT_WIDTH + 1, each.y), (PLOT_WIDTH + 12, y), (PLOT_WIDTH + 17, y)]
        parts.append(path(way, stroke=each.colour, stroke_width=0.8))
        parts.append(words(cut(each.text, LABELS - 24, SMALL), PLOT_WIDTH + 20, y + 4, font_size=SMALL))
    return "".join(parts)


def pushed_apart(heights: Sequence[float], apart: float, span: tuple[float, float] | None = None) -> list[float]:
    """Return rising heights at least so far apart, each group of neighbours centred on where it wants to be.

    None leaves the span, if there is one that can hold them all.

    >>> pushed_apart([0, 1, 50], 10)
    [-4.5, 5.5, 50.0]
    >>> pushed_apart([0, 1, 50], 10, (0, 60))
    [0.0, 10.0, 50.0]
    """
    low, high = span or (-inf, inf)

    def within(middle: float, n: int) -> tuple[float, int]:
        half = apart * (n - 1) / 2
        return max(min(middle, high - half), low + half), n

    groups = [within(float(height), 1) for height in heights]  # the middle of a group, and how many it holds
    while near := [k for k, two in enumerate(pairwise(groups)) if overlapping(*two, apart)]:
        (one, n), (other, m) = groups[near[0]], groups[near[0] + 1]
        groups[near[0] : near[0] + 2] = [within((one * n + other * m) / (n + m), n + m)]
    return [middle + apart * (k - (n - 1) / 2) for middle, n in groups for k in range(n)]


def overlapping(above: tuple[float, int], below: tuple[float, int], apart: float) -> bool:
    """Return whether two groups of labels, each the middle and the number of its labels, stand too close."""
    return below[0] - above[0] < apart * (above[1] + below[1]) / 2 - 1e-9
