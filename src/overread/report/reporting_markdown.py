"""The filled-in guidelines as Markdown, for the supplement of a paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl

from overread import __version__
from overread.analyses.reporting.listing import GUIDELINES
from overread.report.section import Sheet
from overread.report.sections.reporting import (
    NOT_A_JUDGEMENT,
    counted,
    cross_sheet,
    demographics_sheet,
    flow_sheet,
    form_sheet,
)

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

PAGE = "report.html"


def reporting_markdown(second: SecondReading) -> str:
    """Return every guideline that was asked for, the flow, who was imaged, calls beside the truth, and the methods."""
    return "\n".join(lines(second)) + "\n"


def lines(second: SecondReading) -> Iterator[str]:
    """Yield the lines."""
    table = second.tables["reporting"]
    yield from ("# Reporting", "", counted(table), "", NOT_A_JUDGEMENT, "")
    for key in table["guideline"].unique(maintain_order=True):
        yield from guideline_lines(key, table.filter(pl.col("guideline") == key))
    sheets = [flow_sheet(second), demographics_sheet(second), cross_sheet(second)]
    sheets += [form_sheet(second)] if len(second.tables["study_form"]) else []
    for sheet in sheets:
        yield from sheet_lines(sheet)
    yield from ("## Methods", "")
    for paragraph in second.methods:
        yield from (escaped(paragraph), "")
    yield f"Made with overread {__version__}."


def guideline_lines(key: str, rows: pl.DataFrame) -> Iterator[str]:
    """Yield one guideline."""
    of = GUIDELINES[key]
    yield from (f"## {of.title}", "", f"{of.citation} <{of.url}>", "", of.checked, "", counted(rows), "")
    numbered = any(rows["item"])
    head = (*(("Item",) if numbered else ()), "Asks for", "Status", "Value, or what is lacking", "Where")
    body = []
    for row in rows.iter_rows(named=True):
        places = " ".join(link(each) for each in row["where"].split())
        cells = [escaped(row[name]) for name in ("topic", "status", "value")] + [places]
        body.append([row["item"], *cells] if numbered else cells)
    yield from table_lines(head, body)


def link(place: str) -> str:
    """Write a place as a link.

    >>> link("#auroc"), link("tables/flow.csv")
    ('[auroc](report.html#auroc)', '[tables/flow.csv](tables/flow.csv)')
    """
    return f"[{place.removeprefix('#')}]({PAGE + place if place.startswith('#') else place})"


def sheet_lines(sheet: Sheet) -> Iterator[str]:
    """Yield a table of the page."""
    yield from (f"## {sheet.title}", "")
    heads = [f"{column.group}: {column.title}" if column.group else column.title for column in sheet.columns]
    yield from table_lines(heads, [[escaped(cell.text) for cell in row] for row in sheet.rows])
    for text in sheet.foot:
        yield from (text, "")


def table_lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table in Markdown."""
    yield f"| {' | '.join(map(escaped, head))} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    >>> print(escaped("a|b <c>\nd"))
    a\|b \<c\> d
    """
    for sign in ("\\", "|", "<", ">", "*", "_", "`", "[", "]", "#"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
