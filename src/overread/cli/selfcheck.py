"""`overread selfcheck`: the statistics held against values that other software gave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli.choices import refuse_existing
from overread.cli.options import ForceTable


def selfcheck(
    out: Annotated[
        Path | None,
        typer.Option(help="Table to write besides, one row per value: .csv, .csv.gz or .parquet.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--every", help="Print every check, not only their number.")] = False,
    force: ForceTable = False,
) -> None:
    """Recompute every statistic on a small cohort that ships inside, and hold it against R, scikit-learn and others.

    The expected values came from other software, whose versions and lines of code are in the table. Exit code 1 where
    one of them is missed: then do not trust this installation.

    Example:

        overread selfcheck --out selfcheck.csv
    """
    from overread.selfcheck.verdict import selfcheck as checked

    if out is not None:
        refuse_existing(out, force)
    results = checked()
    missed = [result for result in results if not result.agrees]
    for result in results if every else missed:
        typer.echo(result.sentence)
    if out is not None:
        from overread.records.writing import write_rows

        write_rows([row for result in results for row in result.rows], out)
        typer.echo(f"Wrote {out}.")
    software = sorted({result.reference.named for result in results if not result.reference.printed}, key=str.lower)
    against = f"{', '.join(software)}, and printed examples"
    typer.echo(f"{len(results) - len(missed)} of {len(results)} checks agree with {against}.")
    if missed:
        typer.echo("overread: a statistic is not what it should be: do not trust this installation.", err=True)
        raise typer.Exit(1)
