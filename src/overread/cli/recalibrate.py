"""`overread recalibrate`: the same reading with scores that mean what they say, as far as the tuning rows tell."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from overread.cli import choices
from overread.cli.options import CohortOption, ForceTable, ScoresOut
from overread.cli.progress import progress


class Method(StrEnum):
    """How scores are recalibrated."""

    platt = "platt"
    isotonic = "isotonic"
    temperature = "temperature"


def recalibrate(
    reading: Annotated[str, typer.Argument(help="Table of scores, as PATH or NAME=PATH.", show_default=False)],
    cohort: CohortOption,
    out: ScoresOut,
    method: Annotated[
        Method,
        typer.Option(help="platt moves and stretches the logits, temperature only stretches, isotonic takes steps."),
    ] = Method.platt,
    force: ForceTable = False,
) -> None:
    """Recalibrate every finding on the reading's val rows, and write new scores for all its rows.

    Example:

        overread recalibrate scores.csv --cohort truth.csv --out recalibrated.csv
    """
    from overread.analyses.recalibrated_reading import recalibrated_reading
    from overread.records.cohort import read_cohort
    from overread.records.reading import read_reading, write_reading

    choices.refuse_existing(out, force)
    with progress() as show:
        show("reading the tables")
        given, labels = read_reading(reading), read_cohort(cohort)
        show("recalibrating")
        made = recalibrated_reading(labels, given, method=method.value)
        write_reading(made.reading, out)
    for warning in (*given.warnings, *made.warnings):
        typer.echo(f"overread: {warning}", err=True)
    n_maps = sum(not found.note for found in made.maps.values())
    n_images, of = f"{len(given.images):,} images", f"{n_maps} of {len(made.maps)} findings"
    typer.echo(f"Wrote {out}: {n_images}, {of} recalibrated ({method.value}).")
    typer.echo(f"Fitted on {len(made.fitted_on):,} val rows: report the others, never these.")
