"""People of 1,000 as a field of signs: ill and found, ill and missed, healthy and referred, healthy and spared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

import polars as pl

from overread.report.figures.axes import mark, symbol
from overread.report.figures.svg import Drawing, cut, element, group, pixels, width_of, words
from overread.report.figures.theme import Readers

PEOPLE = ("found", "missed", "referred_healthy", "spared")
PEOPLE_NAMES = {
    "found": "ill and found",
    "missed": "ill and missed",
    "referred_healthy": "healthy and referred",
    "spared": "healthy and spared",
}
ACROSS, PITCH, SIGN = 40, 7, 5
FIELD_GAP, FIELD_TITLE, KEY, PER_ROW = 20, 24, 30, 3


def draw_people(rows: pl.DataFrame, readers: Readers) -> Drawing:
    """Draw 1,000 people for each row, a sign for each, the ill first; rows of one title stand side by side.

    `rows` has the columns reading, title, and for each of `PEOPLE` a whole number and its sentence in
    `sentence_<name>`. The four signs differ in form and not in colour alone.
    """
    side, deep = ACROSS * PITCH, FIELD_TITLE + 1000 / ACROSS * PITCH + 12
    fields: list[str] = []
    y, widest = float(KEY), 1
    for (title,), own in rows.partition_by("title", as_dict=True, maintain_order=True).items():
        fields.append(words(str(title), 2, y + 12, fill="var(--muted)"))
        y += 26
        for place, row in enumerate(own.iter_rows(named=True)):
            down, column = divmod(place, PER_ROW)
            fields.append(group([field(row, readers)], column * (side + FIELD_GAP) + 2, y + down * deep))
        widest = max(widest, min(PER_ROW, own.height))
        y += -(-own.height // PER_ROW) * deep + 10
    width = max(widest * (side + FIELD_GAP) - FIELD_GAP + 4, *(width_of(str(title)) for title in rows["title"]), 560)
    return Drawing(width, y, people_legend() + "".join(fields))


def field(row: Mapping[str, Any], readers: Readers) -> str:
    """Return the field of one reader under its name."""
    side = ACROSS * PITCH
    parts = [
        symbol(readers.look(row["reading"]), 6, 8),
        words(cut(row["reading"], side - 20), 18, 12, font_weight="bold"),
    ]
    so_far = 0
    for name in PEOPLE:
        if row[name]:
            parts.append(signs(name, so_far, so_far + row[name], FIELD_TITLE, row[f"sentence_{name}"]))
        so_far += row[name]
    return "".join(parts)


def signs(name: str, first: int, end: int, top: float, said: str | None) -> str:
    """Return the signs of the people from `first` to before `end`, one path in all; dashes make the signs of a row."""
    runs = []
    while first < end:
        row, column = divmod(first, ACROSS)
        stop = min(end, (row + 1) * ACROSS)
        runs.append((column * PITCH, top + row * PITCH + PITCH / 2, stop - first))
        first = stop
    if name == "missed":
        box = f"h{SIGN - 1}v{SIGN - 1}h-{SIGN - 1}Z"
        d = "".join(
            f"M{pixels(x + k * PITCH + 0.5)},{pixels(y - SIGN / 2 + 0.5)}{box}" for x, y, n in runs for k in range(n)
        )
        return element("path", d=d, fill="none", stroke="var(--reader-2)", stroke_width=1.2, **mark(said))
    length, thick, colour = SIGNS[name]
    inset = (SIGN - length) / 2
    d = "".join(f"M{pixels(x + inset)},{pixels(y)}h{pixels((n - 1) * PITCH + length)}" for x, y, n in runs)
    dash = f"{pixels(length)} {pixels(PITCH - length)}"
    return element("path", d=d, fill="none", stroke=colour, stroke_width=thick, stroke_dasharray=dash, **mark(said))


SIGNS = {
    "found": (SIGN, float(SIGN), "var(--reader-1)"),
    "referred_healthy": (SIGN, 1.8, "var(--reader-2)"),
    "spared": (1.6, 1.6, "var(--axis)"),
}
"""Length and height of a sign, and its colour. What went wrong has one colour, what went right another or none."""


def people_legend() -> str:
    """Return the four signs with their words."""
    parts, left = [], 2.0
    for name in PEOPLE:
        parts += [group([signs(name, 0, 1, 0, None)], left, 3), words(PEOPLE_NAMES[name], left + 12, 11)]
        left += 12 + width_of(PEOPLE_NAMES[name]) + 20
    return group(parts, class_="legend")


def whole_people(counts: Sequence[float], total: int = 1000) -> list[int]:
    """Round counts to whole people who still add up, by the largest remainders.

    >>> whole_people([39.87, 12.82, 217.01, 730.30])
    [40, 13, 217, 730]
    """
    whole = [floor(count) for count in counts]
    by_rest = sorted(range(len(counts)), key=lambda k: whole[k] - counts[k])
    for k in by_rest[: total - sum(whole)]:
        whole[k] += 1
    return whole
