"""Reliability: how often the finding was there against the score, a small plot for each finding with its scores."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

import polars as pl

from overread.report.figures.axes import SMALL, bottom_axis, left_axis, mark, symbol
from overread.report.figures.scales import Linear, round_up
from overread.report.figures.svg import Drawing, Value, cut, element, group, line, path, pixels, width_of, words
from overread.report.figures.theme import Look

SIDE, LEFT, BETWEEN, TITLE, KEY, EDGE = 150, 48, 24, 26, 28, 12
AXIS, STRIP, STRIP_AXIS, COLUMNS = 34, 26, 34, 4
DASHES = ("7 3", "2 2.5", "9 3 2 3", "12 4")


def draw_reliability(
    points: pl.DataFrame,
    curves: pl.DataFrame,
    lines: pl.DataFrame,
    histogram: pl.DataFrame,
    look: Look,
    *,
    order: Sequence[str],
    level: str,
) -> Drawing:
    """Draw the reliability of one reader, a plot for each finding, and under it how many images have which score.

    `points` has the columns row, mean_score, rate, low, high, sentence: the scores as they were given, in bins.
    `curves` has row, score, rate, low, high, sentence: the same without bins. `lines` has row, scores, mean_score,
    rate, sentence: the bins after each recalibration. `histogram` has row, score_from, score_to, n_positive,
    n_negative, sentence. `level` names the interval in the legend.
    """
    kinds = lines["scores"].unique(maintain_order=True).to_list()
    columns = min(COLUMNS, max(1, len(order)))
    wide, high = LEFT + SIDE + BETWEEN, TITLE + SIDE + AXIS + 2 * STRIP + STRIP_AXIS
    parts = [reliability_legend(kinds, look, level)]
    for k, name in enumerate(order):
        down, column = divmod(k, columns)
        own = [each.filter(pl.col("row") == name) for each in (points, curves, lines, histogram)]
        plot = draw_finding(name, own[0], own[1], own[2], own[3], look, kinds, first=column == 0)
        parts.append(group([plot], LEFT + column * wide, KEY + TITLE + down * high))
    rows = -(-len(order) // columns)
    return Drawing(columns * wide - BETWEEN + EDGE, KEY + rows * high, "".join(parts))


def draw_finding(
    name: str,
    points: pl.DataFrame,
    curve: pl.DataFrame,
    lines: pl.DataFrame,
    histogram: pl.DataFrame,
    look: Look,
    kinds: Sequence[str],
    *,
    first: bool,
) -> str:
    """Return the plot of one finding with an axis of its own, and the strip of its scores under it."""
    parts = [words(cut(name, SIDE + BETWEEN), 0, -9, font_weight="bold")]
    values = [v for column in ("mean_score", "rate", "high") for v in points[column].drop_nulls()]
    values += [v for column in ("mean_score", "rate") for v in lines[column].drop_nulls()]
    values += [v for column in ("score", "rate") for v in curve[column].drop_nulls()]
    if points.is_empty():
        return "".join([*parts, words("not computed", 0, 14, fill="var(--muted)", font_size=SMALL)])
    most = min(1.0, round_up(max(values), 3))
    across, up = Linear((0, most), (0, SIDE)), Linear((0, most), (SIDE, 0))
    ticks = across.ticks(3)
    parts.append(bottom_axis(across, SIDE, ticks=ticks, top=0))
    parts.append(left_axis(up, 0, ticks=ticks, title="share ill" if first else "", right=SIDE, away=36))
    parts.append(words("score", SIDE, SIDE + 29, text_anchor="end", fill="var(--muted)", font_size=SMALL))
    parts.append(line(0, SIDE, SIDE, 0, stroke="var(--axis)"))
    parts += [band(curve, across, up, look), *recalibrated_lines(lines, kinds, across, up)]
    way = [(across(x), up(y)) for x, y in curve.select("score", "rate").iter_rows()]
    if way:
        parts.append(path(way, stroke=look.colour, stroke_width=1.4, **mark(curve["sentence"][0])))
    for x, low, high in points.drop_nulls(["low", "high"]).select("mean_score", "low", "high").iter_rows():
        parts.append(line(across(x), up(low), across(x), up(high), stroke=look.colour, stroke_width=1))
    for x, y, said in points.select("mean_score", "rate", "sentence").iter_rows():
        parts.append(symbol(look, across(x), up(y), said))
    parts.append(group([strip(histogram, look)], 0, SIDE + AXIS))
    return "".join(parts)


def band(curve: pl.DataFrame, across: Linear, up: Linear, look: Look) -> str:
    """Return the band between the bounds of the curve."""
    known = curve.drop_nulls(["low", "high"]).select("score", "low", "high").rows()
    way = [(across(x), up(high)) for x, _, high in known] + [(across(x), up(low)) for x, low, _ in reversed(known)]
    d = "M" + "L".join(f"{pixels(x)},{pixels(y)}" for x, y in way) + "Z"
    return element("path", d=d, fill=look.colour, fill_opacity=0.18) if known else ""


def recalibrated_lines(lines: pl.DataFrame, kinds: Sequence[str], across: Linear, up: Linear) -> list[str]:
    """Return the curve of each recalibration as a thin line with its dashes."""
    drawn = []
    for (kind,), own in lines.partition_by("scores", as_dict=True, maintain_order=True).items():
        way = [(across(x), up(y)) for x, y in own.select("mean_score", "rate").iter_rows()]
        dash = DASHES[kinds.index(str(kind)) % len(DASHES)]
        said = mark(own["sentence"][0])
        drawn.append(path(way, stroke="var(--muted)", stroke_width=1.3, stroke_dasharray=dash, **said))
    return drawn


def strip(histogram: pl.DataFrame, look: Look) -> str:
    """Return how many images have which score: ill above the line, healthy below it, on a logarithmic scale."""
    across = Linear((0, 1), (0, SIDE))
    most = max([*histogram["n_positive"], *histogram["n_negative"]], default=0)
    tall = Linear((0, log10(most + 1) or 1), (0, STRIP))
    bars = []
    for row in histogram.iter_rows(named=True):
        ill, healthy = tall(log10(row["n_positive"] + 1)), tall(log10(row["n_negative"] + 1))
        if not ill + healthy:
            continue
        x, wide = across(row["score_from"]), across(row["score_to"]) - across(row["score_from"]) - 1
        box: dict[str, Value] = {"x": x, "y": STRIP - ill, "width": wide, "height": ill + healthy}
        bars.append(element("rect", **box, **mark(row["sentence"])))
    parts = [group(bars, fill=look.colour, fill_opacity=0.55), line(0, STRIP, SIDE, STRIP)]
    parts.append(words("ill", -7, STRIP - 6, text_anchor="end", font_size=SMALL, fill="var(--muted)"))
    parts.append(words("healthy", -7, STRIP + 16, text_anchor="end", font_size=SMALL, fill="var(--muted)"))
    parts.append(group([bottom_axis(across, 2 * STRIP, ticks=[0, 0.5, 1])]))
    return "".join(parts)


def reliability_legend(kinds: Sequence[str], look: Look, level: str) -> str:
    """Return what the lines are."""
    parts, left = [], float(LEFT)
    parts.append(element("rect", x=left, y=4, width=26, height=12, fill=look.colour, fill_opacity=0.18))
    parts.append(line(left, 10, left + 26, 10, stroke=look.colour, stroke_width=1.4))
    parts.append(symbol(look, left + 13, 10))
    entries = [(f"as given, without bins and in bins, {level}", "")]
    entries += [(kind, DASHES[k % len(DASHES)]) for k, kind in enumerate(kinds)]
    for text, dash in entries:
        if dash:
            parts.append(line(left, 10, left + 26, 10, stroke="var(--muted)", stroke_width=1.3, stroke_dasharray=dash))
        parts.append(words(text, left + 32, 14))
        left += 32 + width_of(text) + 18
    parts.append(line(left, 16, left + 26, 4, stroke="var(--axis)"))
    parts.append(words("calibrated", left + 32, 14))
    return group(parts, class_="legend")
