"""Heat maps of one reader: a number in every cell, in seven steps of colour around the value that says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians, sin
from typing import Any

import polars as pl

from overread.report.figures.axes import SMALL, mark
from overread.report.figures.scales import Band
from overread.report.figures.svg import Drawing, Value, cut, element, group, width_of, words
from overread.report.figures.theme import STEPS

CELL, CELL_HEIGHT, GAP, NAME, TURN = 41, 27, 1.5, 190, 40
SWATCH, SWATCH_ROW, KEY = 14, 22, 84
RATIO_EDGES = (0.25, 0.8, 1.25, 2.0, 4.0, 8.0)
RATIO_BANDS = ("under 0.25", "0.25 to 0.8", "0.8 to 1.25", "1.25 to 2", "2 to 4", "4 to 8", "8 or more")
AUROC_EDGES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
AUROC_BANDS = ("under 0.4", "0.4 to 0.5", "0.5 to 0.6", "0.6 to 0.7", "0.7 to 0.8", "0.8 to 0.9", "0.9 or more")
STRONG = (0, 5, 6)  # steps on which dark letters could not be read


def draw_activations(cells: pl.DataFrame, *, order: Sequence[str]) -> Drawing:
    """Draw Table 4 as the ratio of each mean activation to the output's base activation.

    `cells` has the columns row (the true finding), column (the output), value (the ratio), text, sentence, clear
    (written in bold). The cells where an output meets its own finding are framed.
    """
    key = "Times the output's mean over all images"
    return heat_map(cells, RATIO_EDGES, RATIO_BANDS, order, titles=("only finding on the image", "output →"), key=key)


def draw_differential(cells: pl.DataFrame, *, order: Sequence[str]) -> Drawing:
    """Draw the AUROC of each finding's output (row) against images that carry only another finding (column).

    `cells` has the columns row, column, value, text, sentence, and clear: whether the interval lies on one side of 0.5,
    which is written in bold.
    """
    titles = "output, on images with only its finding", "against images with only →"
    return heat_map(cells, AUROC_EDGES, AUROC_BANDS, order, titles=titles, key="AUROC between the two")


def heat_map(
    cells: pl.DataFrame,
    edges: Sequence[float],
    bands: Sequence[str],
    order: Sequence[str],
    *,
    titles: tuple[str, str],
    key: str,
) -> Drawing:
    """Draw cells in steps of colour with their numbers, and the steps below."""
    names = [cut(name, NAME) for name in order]
    widths = [*map(width_of, names)]
    left = max([width_of(titles[1], SMALL) + 14, *(width + 34 for width in widths)])
    top = max(widths, default=0) * sin(radians(TURN)) + 16
    across, down = Band(order, CELL, left), Band(order, CELL_HEIGHT, top)
    ends = (across.centre(place) + 8 + width * cos(radians(TURN)) for place, width in enumerate(widths))
    width = max([left + len(bands) * KEY, *ends])
    drawn = [cell(row, edges, across, down) for row in cells.iter_rows(named=True)]
    parts = [heads(names, across, down, titles), *drawn, steps(bands, key, left, down.end + 16)]
    return Drawing(width, down.end + 16 + 2 * SWATCH_ROW + 6, "".join(parts))


def cell(row: Mapping[str, Any], edges: Sequence[float], across: Band, down: Band) -> str:
    """Return one cell: the colour of its value's step, its number, a frame on the diagonal, dots where it is empty."""
    x, y = across.edge(across.places[row["column"]]), down.edge(down.places[row["row"]])
    size: dict[str, Value] = {"x": x + GAP / 2, "y": y + GAP / 2, "width": CELL - GAP, "height": CELL_HEIGHT - GAP}
    known = row["value"] is not None
    step = sum(row["value"] >= edge for edge in edges) if known else 0
    fill = STEPS[step] if known else "none"
    own = known and row["row"] == row["column"]
    stroke = "var(--ink)" if own else None if known else "var(--axis)"
    look: dict[str, Value] = {
        "fill": fill,
        "stroke": stroke,
        "stroke_width": 1.6 if own else None,
        "stroke_dasharray": None if known else "2 3",
    }
    ink = "var(--muted)" if not known else "var(--on-strong)" if step in STRONG else "var(--on-pale)"
    weight = "bold" if row["clear"] else None
    place = x + CELL / 2, y + CELL_HEIGHT / 2 + 4
    number = words(row["text"], *place, text_anchor="middle", font_size=SMALL, font_weight=weight, fill=ink)
    return element("rect", **size, **look, **mark(row["sentence"])) + number


def heads(names: Sequence[str], across: Band, down: Band, titles: tuple[str, str]) -> str:
    """Return the names of rows and columns, the latter leaning, and what they stand for."""
    parts = []
    for place, name in enumerate(names):
        parts.append(words(name, across.start - 8, down.centre(place) + 4, text_anchor="end"))
        turned = f"translate({across.centre(place) + 3:.1f},{down.start - 8:.1f}) rotate(-{TURN})"
        parts.append(words(name, 0, 0, transform=turned))
    middle = f"translate(12,{(down.start + down.end) / 2:.1f}) rotate(-90)"
    parts.append(words(titles[0], 0, 0, text_anchor="middle", fill="var(--muted)", transform=middle))
    corner: dict[str, Value] = {"text_anchor": "end", "fill": "var(--muted)", "font_size": SMALL}
    parts.append(words(titles[1], across.start - 8, down.start - 8, **corner))
    return group(parts)


def steps(bands: Sequence[str], key: str, x: float, y: float) -> str:
    """Return the steps of colour with their values."""
    parts = [words(key, x, y + 10, fill="var(--muted)")]
    for place, (band, colour) in enumerate(zip(bands, STEPS, strict=True)):
        left, top = x + place * KEY, y + SWATCH_ROW
        swatch: dict[str, Value] = {
            "width": SWATCH,
            "height": SWATCH,
            "fill": colour,
            "stroke": "var(--axis)",
            "stroke_width": 0.5,
        }
        parts += [element("rect", x=left, y=top, **swatch), words(band, left + SWATCH + 6, top + 11, font_size=SMALL)]
    return group(parts, class_="legend")
