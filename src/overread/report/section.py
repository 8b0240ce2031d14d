"""What a section of the page is made of: sentences, figures and sheets, all decided before a template sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from string import ascii_lowercase
from typing import Any

from overread.report.figures.svg import Drawing

MOST_OPEN = 20
"""A table with more rows than this is better folded, where a figure and sentences say the most of it."""


@dataclass(frozen=True)
class Figure:
    """A drawing with the name of its file and the caption under it; a `folded` one opens on demand."""

    name: str
    title: str
    drawing: Drawing
    caption: str = ""
    folded: bool = False


MARKS = {"primary": "◆", "planned": "◇", "deviating": "△"}
"""The sign of a number by what the plan says of it; an exploratory one has none."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, the note that belongs to it, and its mark (one of `MARKS`)."""

    text: str
    note: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a sheet; neighbours of one `group` stand under a common head."""

    title: str
    group: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Sheet:
    """A table as it is read on the page: its cells are written out, the first of each row is the row's head.

    Notes of cells are collected under the table, each with a letter. `shown` sheets are open from the start.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shown: bool = False
    foot: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """The upper heads with the number of columns each spans; empty where no column has one."""
        heads: list[tuple[str, int]] = []
        for column in self.columns:
            if heads and heads[-1][0] == column.group:
                heads[-1] = column.group, heads[-1][1] + 1
            else:
                heads.append((column.group, 1))
        return tuple(heads) if any(name for name, _ in heads) else ()

    @property
    def notes(self) -> dict[str, str]:
        """The notes of all cells, each with its letter, in the order in which they appear."""
        texts = dict.fromkeys(cell.note for row in self.rows for cell in row if cell.note)
        return {text: letter(place) for place, text in enumerate(texts)}

    @property
    def marks(self) -> dict[str, str]:
        """The marks of all cells, each with its meaning."""
        seen = {cell.mark for row in self.rows for cell in row}
        return {mark: meaning for meaning, mark in MARKS.items() if mark in seen}

    def with_shared_note(self) -> Sheet:
        """Return the sheet with a note that all of its values share said once, below, and not at each of them."""
        notes = {cell.note for row in self.rows for cell in row[1:]}
        if len(notes) != 1 or notes == {""}:
            return self
        rows = tuple((row[0], *(replace(cell, note="") for cell in row[1:])) for row in self.rows)
        return replace(self, rows=rows, foot=(*self.foot, f"All values: {notes.pop()}."))


@dataclass(frozen=True)
class Section:
    """A part of the page: a title, one or two sentences made from the numbers, blocks in order, and how to read them.

    `template` draws the section and gets `context` besides; a section with needs of its own brings its own template.
    """

    name: str
    title: str
    lead: tuple[str, ...] = ()
    blocks: tuple[Figure | Sheet, ...] = ()
    guide: tuple[str, ...] = ()
    template: str = "section.html"
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of the section."""
        return tuple(block for block in self.blocks if isinstance(block, Figure))


def letter(place: int) -> str:
    """Return a, b, ..., z, aa, ab, ...

    >>> letter(0), letter(25), letter(26)
    ('a', 'z', 'aa')
    """
    more, last = divmod(place, 26)
    return (letter(more - 1) if more else "") + ascii_lowercase[last]
