"""Where an AUROC comes from: each finding's pairs as a stacked bar, and the AUROC before and after balancing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from overread.report.figures.axes import SMALL, bottom_axis, legend, mark
from overread.report.figures.scales import Band, Linear
from overread.report.figures.svg import Drawing, Value, cut, element, group, line, width_of, words
from overread.report.figures.theme import Look, Readers
from overread.report.numbers import decimal

NAME, BAR, PLOT, BETWEEN, EDGE = 180, 340, 260, 30, 16
LINE, GAP, AXIS_HEIGHT, PANEL_TITLE, KEY_ROW, ROOM = 12, 8, 44, 22, 20, 36
MOST_LINES = 4
"""So many readers have their AUROC written in the bars."""

FILLS = (  # of the parts in their order, and the ink on each
    ("var(--above-1)", "var(--on-pale)"),
    ("var(--above-4)", "var(--on-strong)"),
    ("var(--below-1)", "var(--on-pale)"),
    ("var(--above-3)", "var(--on-pale)"),
)


def draw_pairs(
    parts: pl.DataFrame,
    totals: pl.DataFrame,
    readers: Readers,
    *,
    order: Sequence[str],
    apart: Sequence[str] = (),
    domain: tuple[float, float],
) -> Drawing:
    """Draw for each finding its pairs, and beside them the AUROC of each reader with the balanced one.

    `parts` has the columns row, part, reading, share, auroc, sentence; the shares are those of the images and the same
    for all readers. `totals` has row, reading, auroc, balanced, low, high, sentence: the interval is that of the
    balanced AUROC. The rows named in `apart` stand below the others.
    """
    names = [*order, *apart]
    left = max((width_of(cut(name, NAME)) for name in names), default=0) + 12
    width = BAR + BETWEEN + PLOT
    key, top = keys(parts["part"].unique(maintain_order=True).to_list(), readers, left, width)
    top += PANEL_TITLE
    n_lines = max(1, min(MOST_LINES, len(readers.everyone)))
    band = Band(names, LINE * max(n_lines, len(readers.everyone)) + GAP, top)
    shift = band.step * 0.4 if apart else 0.0
    centres = {name: band.centre(k) + (shift if k >= len(order) else 0) for name, k in band.places.items()}
    bottom, plot = band.end + shift, left + BAR + BETWEEN
    shares, scale = Linear((0, 1), (left, left + BAR)), Linear(domain, (plot, plot + PLOT))
    drawn = [key, words("Pairs", left, top - 8, font_weight="bold")]
    drawn.append(words("AUROC: hollow of all pairs, full balanced", plot, top - 8, font_weight="bold", font_size=SMALL))
    drawn.append(bottom_axis(shares, bottom, ticks=[0, 0.25, 0.5, 0.75, 1], title="share of the pairs"))
    drawn.append(bottom_axis(scale, bottom, ticks=scale.ticks(5), title="AUROC", top=top))
    for name, centre in centres.items():
        weight = "bold" if name in apart else None
        drawn.append(words(cut(name, NAME), left - 12, centre + 4, text_anchor="end", font_weight=weight))
        drawn.append(bar(parts.filter(pl.col("row") == name), readers, shares, centre, band.step - GAP))
    drawn += [balanced(row, readers, scale, centres[row["row"]]) for row in totals.iter_rows(named=True)]
    return Drawing(left + width + EDGE, bottom + AXIS_HEIGHT, "".join(drawn))


def keys(parts: Sequence[str], readers: Readers, x: float, width: float) -> tuple[str, float]:
    """Return the legend of readers, and under it that of the parts in the order of the bar; and how high they are."""
    drawn, height = legend(readers, x, width)
    entries, left, top = [drawn], x, height
    for place, name in enumerate(parts):
        text = cut(name, width - 30)
        wide = 24 + width_of(text) + 18
        if left > x and left + wide > x + width:
            left, top = x, top + KEY_ROW
        size: dict[str, Value] = {"x": left, "y": top, "width": 18, "height": 12}
        entries.append(element("rect", **size, fill=fill(place)[0], stroke="var(--axis)"))
        entries.append(words(text, left + 24, top + 10))
        left += wide
    return group(entries, class_="legend"), top + (KEY_ROW if parts else 0)


def fill(place: int) -> tuple[str, str]:
    """Return the colour of a part and of the ink on it."""
    return FILLS[place % len(FILLS)]


def bar(rows: pl.DataFrame, readers: Readers, scale: Linear, centre: float, height: float) -> str:
    """Return the bar of one finding: a box for each part, in it the AUROC of each reader, one under the other."""
    drawn, start = [], 0.0
    written = readers.everyone[:MOST_LINES]
    places = {name: k for k, name in enumerate(rows["part"].unique(maintain_order=True))}
    for (part,), own in rows.partition_by("part", as_dict=True, maintain_order=True).items():
        share = own["share"][0]
        if not share:
            continue
        colour, ink = fill(places[part])
        x, wide, y = scale(start), scale(start + share) - scale(start), centre - height / 2
        box: dict[str, Value] = {"x": x, "y": y, "width": wide, "height": height}
        said = "; ".join(own["sentence"])
        drawn.append(element("rect", **box, fill=colour, stroke="var(--axis)", stroke_width=0.8, **mark(said)))
        of = {row["reading"]: row["auroc"] for row in own.iter_rows(named=True)}
        for k, name in enumerate(written if wide >= ROOM else ()):
            at = centre + (k - (len(written) - 1) / 2) * LINE + 4
            text = decimal(of.get(name))
            drawn.append(words(text, x + wide / 2, at, text_anchor="middle", fill=ink, font_size=SMALL))
        start += share
    return "".join(drawn)


def balanced(row: Mapping[str, Any], readers: Readers, scale: Linear, centre: float) -> str:
    """Return the AUROC of one reader as a hollow mark, joined to the balanced one, a full mark with its interval."""
    if row["auroc"] is None or row["balanced"] is None:
        return ""
    everyone, look = readers.everyone, readers.look(row["reading"])
    y = centre + (everyone.index(row["reading"]) - (len(everyone) - 1) / 2) * LINE
    drawn = [line(scale(row["auroc"]), y, scale(row["balanced"]), y, stroke=look.colour, stroke_dasharray="1.5 2")]
    if row["low"] is not None and row["high"] is not None:
        drawn.append(line(scale(row["low"]), y, scale(row["high"]), y, stroke=look.colour, stroke_width=1.6))
    drawn.append(shape(look, scale(row["auroc"]), y, "var(--paper)", None))
    drawn.append(shape(look, scale(row["balanced"]), y, look.colour, row["sentence"]))
    return "".join(drawn)


def shape(look: Look, x: float, y: float, colour: str, said: str | None) -> str:
    """Return the mark of a reader, full or hollow."""
    at = f"translate({x:.2f},{y:.2f})"
    return element("path", d=look.shape, transform=at, fill=colour, stroke=look.colour, stroke_width=1.2, **mark(said))
