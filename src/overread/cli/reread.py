"""`overread reread`: a second reading of a table that a paper prints, without its predictions."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overread.cli import choices
from overread.cli.options import Force, Level
from overread.cli.progress import progress

if TYPE_CHECKING:
    from overread.analyses.reread import Reread


class Rounding(StrEnum):
    """How a paper shortens its numbers."""

    nearest = "nearest"
    down = "down"
    either = "either"


def reread(
    table: Annotated[
        Path,
        typer.Argument(help="The printed table as .csv, each number with the digits it has.", show_default=False),
    ],
    prevalence: Annotated[
        str | None,
        typer.Option(help="Prevalences to count people at: 0.01,0.05, or Finding=0.02,...", show_default=False),
    ] = None,
    n_images: Annotated[
        int | None, typer.Option(min=1, help="Number of images, where the table prints none.", show_default=False)
    ] = None,
    cohort: Annotated[
        str | None,
        typer.Option(
            help="Take numbers of images from a cohort: NIH's folder, a table of labels, or the word chestxray14.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="The part of that cohort.")] = "test",
    rounding: Annotated[Rounding, typer.Option(help="How the paper shortens numbers.")] = Rounding.nearest,
    level: Level = 0.95,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the page and the tables into.", show_default=False)
    ] = None,
    force: Force = False,
) -> None:
    """Read a paper's table a second time: can its numbers belong together, and what follows from them?

    The table has a row per model and finding, and a column per number that is printed: n_images, n_positive,
    n_negative, tp, fp, fn, tn, sensitivity, specificity, accuracy, balanced_accuracy, ppv, npv, f1, prevalence, auroc,
    dor, lr_positive, lr_negative. Or a row per number, with the columns metric and value. Digits count: 0.80 is
    anything that rounds to it. Percent signs are read, 0.7..0.8 is a number known no better, and an empty cell is not
    printed.

    Example:

        model,finding,n_images,n_positive,sensitivity,specificity,dor

        A,Effusion,1000,90,0.81,74.2%,12.3

        B,Effusion,1000,90,0.79,76.0%,11.9

    typed into table.csv, and then

        overread reread table.csv --prevalence 0.02,0.1 --out reread
    """
    from overread.analyses.reread import cohort_counts
    from overread.analyses.reread import reread as read_again
    from overread.records.cohort import read_cohort
    from overread.records.printed import read_printed
    from overread.report.reread_page import write_reread
    from overread.report.writer import check_output

    if out is not None:
        check_output(out, force=force)
    asked = choices.prevalences(prevalence)
    with progress() as show:
        show("reading the table")
        printed = read_printed(table, rounding=rounding.value)
        counts = None if cohort is None else cohort_counts(read_cohort(cohort), split)
        show("working out what follows")
        result = read_again(
            printed,
            prevalence=asked,
            n_images=n_images,
            counts=counts,
            level=level,
            rounding=rounding.value,
        )
    show_result(result)
    if out is not None:
        page = write_reread(result, out, force=force)
        typer.echo(f"Wrote {out / page.name} with its tables beside it.")


def show_result(result: Reread) -> None:
    """Print what follows: a table of quantities for each row, then the sentences."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from overread.report.reread_page import HEADS, quantity_rows

    console = Console(width=None if typer.get_text_stream("stdout").isatty() else 120, highlight=False)
    for title, rows in quantity_rows(result):
        drawn = Table(title=escape(title) or None, title_justify="left", title_style="bold")
        for place, head in enumerate(HEADS):
            drawn.add_column(head, justify="right" if place in (1, 2) else "left")
        for row in rows:
            drawn.add_row(*map(escape, row))
        console.print(drawn)
    for claim in result.tables["statements"].iter_rows(named=True):
        console.print(f"- {escape(claim['kind'])}: {escape(claim['statement'])}", soft_wrap=True)
