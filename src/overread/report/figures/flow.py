"""The flow of images into a study, as STARD draws it: who is left out at each step, and each test beside its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from overread.report.figures.svg import Drawing, cut, element, escaped, line, words

WIDTH, MAIN, SIDE, GAP, PAD = 780.0, 330.0, 330.0, 24.0, 12.0
LINE_HEIGHT, ROW = 17.0, 19.0
COLUMNS = (("", 170.0), ("not assessed", 100.0), ("with it", 80.0), ("called", 80.0), ("not called", 90.0))
SECOND = (("without it", 90.0), ("called", 80.0), ("not called", 90.0))


@dataclass(frozen=True)
class Box:
    """A step: what stands in its box, and what in the box of those left out after it; empty where nobody is."""

    lines: tuple[str, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tested:
    """The counts of one finding, written out: not assessed, with it, called, not called, without it, called, not."""

    finding: str
    counts: tuple[str, ...]


def draw_flow(boxes: Sequence[Box], tested: Sequence[Tested], reader: str) -> Drawing:
    """Draw the steps from the top, those left out to the right, and below them the calls of one reader by finding."""
    parts: list[str] = []
    y = 4.0
    for step in boxes:
        parts.append(box(step.lines, 2, y, MAIN))
        bottom = y + height(step.lines)
        deep = height(step.left_out) + GAP if step.left_out else GAP
        middle = 2 + MAIN / 2
        parts.append(line(middle, bottom, middle, bottom + deep))
        parts.append(arrow(middle, bottom + deep))
        if step.left_out:
            top = bottom + GAP / 2
            centre = top + height(step.left_out) / 2
            parts.append(line(middle, centre, WIDTH - SIDE - 2, centre))
            parts.append(box(step.left_out, WIDTH - SIDE - 2, top, SIDE))
        y = bottom + deep
    table, bottom = counts_table(tested, reader, y)
    return Drawing(WIDTH, bottom + 6, "".join([*parts, table]))


def height(text: Sequence[str]) -> float:
    """Return the height of a box of some lines."""
    return len(text) * LINE_HEIGHT + PAD


def box(text: Sequence[str], x: float, y: float, width: float) -> str:
    """Return a box with its lines, the first in bold."""
    frame = element("rect", x=x, y=y, width=width, height=height(text), fill="none", stroke="var(--axis)")
    written = [
        words(cut(each, width - 2 * PAD), x + PAD, y + PAD + 6 + k * LINE_HEIGHT, font_weight="bold" if not k else None)
        for k, each in enumerate(text)
    ]
    return frame + "".join(written)


def arrow(x: float, y: float) -> str:
    """Return the head of an arrow that points down to a place."""
    return element("path", d=f"M{x - 4:g},{y - 7:g}L{x + 4:g},{y - 7:g}L{x:g},{y:g}Z", fill="var(--axis)")


def counts_table(tested: Sequence[Tested], reader: str, top: float) -> tuple[str, float]:
    """Return the box of counts by finding, and where it ends."""
    columns = [*COLUMNS, *SECOND]
    bottom = top + PAD + 46 + len(tested) * ROW + 6
    parts = [element("rect", x=2, y=top, width=WIDTH - 4, height=bottom - top, fill="none", stroke="var(--axis)")]
    parts.append(
        words(cut(f"Images by finding, and the calls of {reader}", WIDTH - 30), 2 + PAD, top + 18, font_weight="bold")
    )
    y, edges, x = top + 38, [], 2 + PAD
    for title, width in columns:
        x += width - 5
        edges.append(x)
        if title:
            parts.append(right(title, x, y, fill="var(--muted)"))
    parts.append(line(2 + PAD, y + 6, WIDTH - PAD - 2, y + 6))
    for k, each in enumerate(tested):
        y = top + 58 + k * ROW
        parts.append(words(cut(each.finding, COLUMNS[0][1] - 10), 2 + PAD, y))
        parts += [right(count, edge, y) for count, edge in zip(each.counts, edges[1:], strict=True)]
    return "".join(parts), bottom


def right(text: str, x: float, y: float, fill: str = "var(--ink)") -> str:
    """Return text that ends at a place."""
    return element("text", escaped(text), x=x, y=y, fill=fill, text_anchor="end")
