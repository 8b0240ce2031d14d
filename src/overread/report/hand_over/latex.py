r"""Sheets as LaTeX tables with the rules of booktabs, to be taken into a manuscript by `\input`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from overread import __version__
from overread.report.figures.svg import width_of
from overread.report.section import Cell, Column, Sheet

SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\N{NO-BREAK SPACE}": "~",
    "−": r"\ensuremath{-}",
    "–": "--",
    "∞": r"\ensuremath{\infty}",
    "×": r"\ensuremath{\times}",
    "◆": r"\ensuremath{\bullet}",
    "◇": r"\ensuremath{\circ}",
    "△": r"\ensuremath{\triangle}",
}
"""What stands for a sign that LaTeX would take for a command, or that its fonts lack."""

TEXT_WIDTH, TYPE_SIZE, BETWEEN = 450.0, 6.8, 8.0
"""Points: the text of an A4 page with margins of 25 mm, letters of 8 points that are narrower than Arial, and the room
between columns."""

WIDEST_HEAD = 60.0
"""How wide the head of a column of numbers may be before its words go on in a further line."""


def latex(sheets: Sequence[Sheet], source: str) -> str:
    """Return a file of tables. `source` says what they were made from, and stands in a comment."""
    head = (
        f"% Made by overread {__version__} from {' '.join(source.split())}.",
        r"% Needs \usepackage{booktabs} and \usepackage[T1]{fontenc}.",
        "",
    )
    parts = [part for sheet in sheets for part in narrow(sheet)]
    return "\n".join([*head, *(line for part in parts for line in table(part))])


def narrow(sheet: Sheet) -> list[Sheet]:
    """Return a sheet in parts that fit the page, each with the columns that name the row and some of the others."""
    widths = [width(sheet, place) for place in range(len(sheet.columns))]
    kept = next((place for place in range(1, len(widths)) if not counts(sheet, place)), len(widths))
    parts: list[list[int]] = [list(range(kept))]
    for place in range(kept, len(widths)):
        if sum(widths[k] for k in (*parts[-1], place)) > TEXT_WIDTH and len(parts[-1]) > kept:
            parts.append(list(range(kept)))
        parts[-1].append(place)
    return [part_of(sheet, chosen, turn) for turn, chosen in enumerate(parts)]


def part_of(sheet: Sheet, chosen: Sequence[int], turn: int) -> Sheet:
    """Return some columns of a sheet; after the first part the title says that it goes on."""
    return replace(
        sheet,
        name=f"{sheet.name}-{turn + 1}" if turn else sheet.name,
        title=f"{sheet.title} (continued)" if turn else sheet.title,
        columns=tuple(sheet.columns[place] for place in chosen),
        rows=tuple(tuple(row[place] for place in chosen) for row in sheet.rows),
    )


def width(sheet: Sheet, place: int) -> float:
    """Estimate the width of a column in points."""
    head = min(width_of(sheet.columns[place].title, TYPE_SIZE), WIDEST_HEAD)
    return max(head, *(width_of(row[place].text, TYPE_SIZE) for row in sheet.rows)) + BETWEEN


def counts(sheet: Sheet, place: int) -> bool:
    """Return whether a column holds whole numbers only, which belong to the name of the row."""
    return all(row[place].text.replace(",", "").isdigit() or not row[place].text for row in sheet.rows)


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the lines of one table."""
    letters = sheet.notes
    yield r"\begin{table}[htbp]"
    yield r"  \centering\footnotesize"
    yield rf"  \caption{{{escaped(sheet.title)}}}"
    yield rf"  \label{{tab:{label(sheet.name)}}}"
    yield r"  \setlength{\tabcolsep}{4pt}"
    yield rf"  \begin{{tabular}}{{@{{}}{''.join('r' if column.numeric else 'l' for column in sheet.columns)}@{{}}}}"
    yield r"    \toprule"
    yield from heads(sheet)
    yield r"    \midrule"
    for row in sheet.rows:
        yield f"    {' & '.join(cell(each, letters) for each in row)} \\\\"
    yield r"    \bottomrule"
    yield r"  \end{tabular}"
    feet = [*(escaped(text) for text in sheet.foot)]
    feet += [rf"\textsuperscript{{{letter}}}~{escaped(note)}." for note, letter in letters.items()]
    if feet:
        yield r"  \par\smallskip"
        yield r"  \begin{minipage}{0.95\linewidth}\footnotesize"
        yield from (f"    {foot}\\par" for foot in feet)
        yield r"  \end{minipage}"
    yield r"\end{table}"
    yield ""


def heads(sheet: Sheet) -> Iterator[str]:
    """Yield the heads of the columns, common heads above them."""
    if sheet.groups:
        place, upper, rules = 1, [], []
        for name, span in sheet.groups:
            upper.append(rf"\multicolumn{{{span}}}{{c}}{{{escaped(name)}}}")
            if name:
                rules.append(rf"\cmidrule(lr){{{place}-{place + span - 1}}}")
            place += span
        yield f"    {' & '.join(upper)} \\\\"
        yield f"    {' '.join(rules)}"
    yield f"    {' & '.join(map(head, sheet.columns))} \\\\"


def head(column: Column) -> str:
    """Return the head of a column; over numbers it stands in the middle, in several lines where it is long."""
    if not column.numeric:
        return escaped(column.title)
    if width_of(column.title, TYPE_SIZE) <= WIDEST_HEAD:
        return rf"\multicolumn{{1}}{{c}}{{{escaped(column.title)}}}"
    return rf"\multicolumn{{1}}{{p{{{WIDEST_HEAD:g}pt}}}}{{\centering {escaped(column.title)}}}"


def cell(each: Cell, letters: dict[str, str]) -> str:
    """Return a cell with its mark and the letter of its note."""
    note = rf"\textsuperscript{{{letters[each.note]}}}" if each.note else ""
    return f"{escaped(each.text)}{escaped(each.mark)}{note}"


def label(name: str) -> str:
    """Return a name that a label may have.

    >>> label("activations-a_b%")
    'activations-a-b'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def escaped(text: str) -> str:
    r"""Return text that LaTeX sets as it is, on one line.

    >>> print(escaped("a_b & 5 %"), escaped("\\input{x}"))
    a\_b \& 5 \% \textbackslash{}input\{x\}
    """
    return " ".join("".join(SIGNS.get(sign, sign) for sign in text).split())
