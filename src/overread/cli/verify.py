"""`overread verify`: does a report follow from its inputs?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli.progress import progress

DIFFERS = 1


def verify(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a report.", show_default=False)],
    cohort: Annotated[
        str | None, typer.Option(help="Where the cohort is now, if it has moved.", show_default=False)
    ] = None,
    reading: Annotated[
        list[str] | None,
        typer.Option(help="Where a reading is now, as NAME=PATH; once for each that has moved.", show_default=False),
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Where the plan is now, if it has moved.", show_default=False)
    ] = None,
) -> None:
    """Compute a report anew from its inputs and name what differs: an input, a version, a table, a file.

    Inputs are looked for where the report says they were, seen from the folder in which you are now. Exit code 0 when
    every file of the report is, byte for byte, what the inputs give; 1 when something differs. How far numbers lie
    apart is told: 1e-16 of their value is another library's rounding. That a report follows from its inputs and its
    plan does not show that nobody looked at the scores before the plan was written.

    Example:

        overread verify second-reading --cohort labels.csv --reading standard=scores/a.csv
    """
    from overread.cli.verification import Moved, verified
    from overread.records.reading import named_path

    moved = Moved(cohort, dict(map(named, map(named_path, reading or []), reading or [])), plan)
    with progress() as show:
        result = verified(folder, moved, context.find_root().command.commands, progress=show)  # type: ignore[attr-defined]
    for difference in result.differences:
        typer.echo(f"- {difference}")
    typer.echo(result.conclusion)
    if result.differences:
        raise typer.Exit(DIFFERS)


def named(split: tuple[str | None, str], given: str) -> tuple[str, str]:
    """Return the name and the new path of a reading, or refuse a path without a name."""
    from overread.records.errors import InputError, quoted

    name, path = split
    if name is None:
        raise InputError("--reading", f"{quoted(given)} does not say which reading it is", "NAME=PATH")
    return name, path
