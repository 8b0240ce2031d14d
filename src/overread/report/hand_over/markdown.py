"""Sheets as Markdown tables, for a supplement or a repository's README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from overread import __version__
from overread.report.reporting_markdown import escaped, table_lines
from overread.report.section import Sheet


def markdown(sheets: Sequence[Sheet], source: str) -> str:
    """Return tables, each under its title; `source` says what they were made from."""
    lines = [line for sheet in sheets for line in sheet_lines(sheet)]
    return "\n".join([*lines, f"Made by overread {__version__} from {escaped(source)}.", ""])


def sheet_lines(sheet: Sheet) -> Iterator[str]:
    """Yield one table with its notes below."""
    letters = sheet.notes
    yield from (f"## {escaped(sheet.title)}", "")
    heads = [f"{column.group}: {column.title}" if column.group else column.title for column in sheet.columns]
    rows = [
        [f"{escaped(cell.text)}{cell.mark}{f'<sup>{letters[cell.note]}</sup>' if cell.note else ''}" for cell in row]
        for row in sheet.rows
    ]
    yield from table_lines(heads, rows)
    for text in sheet.foot:
        yield from (escaped(text), "")
    for note, letter in letters.items():
        yield from (f"<sup>{letter}</sup> {escaped(note)}.", "")
