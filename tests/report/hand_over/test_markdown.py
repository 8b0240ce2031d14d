"""Markdown tables: one line per row, nothing in a name is markup."""

from __future__ import annotations

from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.markdown import markdown
from overread.report.hand_over.paper_tables import paper_tables
from overread.report.section import Cell, Column, Sheet


def test_a_table_with_notes() -> None:
    columns = (Column("Finding", numeric=False), Column("a|b", "<i>"))
    sheet = Sheet("s", "A_title", columns, ((Cell("x_y\nz"), Cell("0.5", "few & rare")),), foot=("95 %",))
    assert markdown([sheet], "there").splitlines() == [
        r"## A\_title",
        "",
        r"| Finding | \<i\>: a\|b |",
        "| --- | --- |",
        r"| x\_y z | 0.5<sup>a</sup> |",
        "",
        "95 %",
        "",
        "<sup>a</sup> few & rare.",
        "",
        "Made by overread 0.1.0 from there.",
    ]


def test_every_row_of_a_report_has_its_cells(report: FinishedReport) -> None:
    sheets = paper_tables(report)
    lines = markdown(sheets, "there").splitlines()
    rows = [line.replace(r"\|", "").count("|") - 1 for line in lines if line.startswith("|")]
    assert rows == [len(sheet.columns) for sheet in sheets for _ in range(len(sheet.rows) + 2)]
