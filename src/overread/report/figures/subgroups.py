"""Values by subgroup: a row for each subgroup under the name of its attribute, plots side by side on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from overread.report.figures.axes import SMALL, Write, bottom_axis, legend, plain
from overread.report.figures.dots import READER_STEP, interval
from overread.report.figures.scales import Linear
from overread.report.figures.svg import Drawing, cut, line, width_of, words
from overread.report.figures.theme import Readers

NAME, REMARK, BETWEEN, ROW_GAP = 150, 240, 28, 9
HEAD, PANEL_TITLE, AXIS_HEIGHT, EDGE = 22, 22, 44, 14


@dataclass(frozen=True)
class Panel:
    """One plot: its name (`panel` in the rows), where its axis begins and ends, and how ticks are written."""

    name: str
    domain: tuple[float, float]
    title: str
    width: float
    rule: float | None = None
    write: Write = plain


def draw_subgroups(
    rows: pl.DataFrame, readers: Readers, *, groups: Mapping[str, Mapping[str, str]], panels: Sequence[Panel]
) -> Drawing:
    """Draw one row per subgroup, in it a mark with its interval for each reader, in every panel.

    `rows` has the columns panel, attribute, subgroup, reading, value, low, high, sentence. `groups` names the subgroups
    of each attribute in their order, each with a remark that stands beside its name, such as its size.
    """
    names = [name for subgroups in groups.values() for name in subgroups]
    remarks = [remark for subgroups in groups.values() for remark in subgroups.values()]
    name_width = max((width_of(cut(name, NAME)) for name in names), default=0) + 14
    left = name_width + max((width_of(cut(text, REMARK), SMALL) for text in remarks), default=0) + 12
    width = sum(panel.width for panel in panels) + BETWEEN * (len(panels) - 1)
    key, key_height = legend(readers, left, width)
    top = key_height + PANEL_TITLE
    step = READER_STEP * len(readers.everyone) + ROW_GAP
    centres, parts, y = {}, [key], top
    for attribute, subgroups in groups.items():
        parts.append(line(0, y, left + width, y))
        parts.append(words(cut(attribute, NAME), 0, y + 15, font_weight="bold"))
        y += HEAD
        for name, remark in subgroups.items():
            centres[attribute, name] = y + step / 2
            parts.append(words(cut(name, NAME), 10, y + step / 2 + 4))
            parts.append(words(cut(remark, REMARK), name_width, y + step / 2 + 4, fill="var(--muted)", font_size=SMALL))
            y += step
    start = left
    for panel in panels:
        parts.append(draw_panel(rows, readers, panel, centres, start, top, y))
        start += panel.width + BETWEEN
    return Drawing(left + width + EDGE, y + AXIS_HEIGHT, "".join(parts))


def draw_panel(
    rows: pl.DataFrame,
    readers: Readers,
    panel: Panel,
    centres: Mapping[tuple[str, str], float],
    start: float,
    top: float,
    bottom: float,
) -> str:
    """Return one plot with its axis."""
    scale = Linear(panel.domain, (start, start + panel.width))
    ticks = scale.ticks(max(2, int(panel.width / 55)))
    parts = [words(cut(panel.name, panel.width + BETWEEN), start, top - 8, font_weight="bold")]
    parts.append(bottom_axis(scale, bottom, ticks=ticks, title=panel.title, top=top, write=panel.write))
    if panel.rule is not None:
        parts.append(line(scale(panel.rule), top, scale(panel.rule), bottom, stroke="var(--ink)"))
    own = rows.filter(pl.col("panel") == panel.name)
    parts += [
        interval(row, readers, scale, centres[row["attribute"], row["subgroup"]]) for row in own.iter_rows(named=True)
    ]
    return "".join(parts)
