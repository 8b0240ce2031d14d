"""`overread blind`: the floor that every model must beat."""

from __future__ import annotations

from typing import Annotated

import typer

from overread.cli import choices
from overread.cli.options import CohortArgument, ForceTable, ScoresOut
from overread.cli.progress import progress


def blind(
    cohort: CohortArgument,
    out: ScoresOut,
    features: Annotated[str, typer.Option(help="Columns of the cohort that the reader may see.")] = "age,gender,view",
    force: ForceTable = False,
) -> None:
    """Fit a reader that never sees an image, on the training rows, and write its scores for every other row.

    Example:

        overread blind chestxray14 --out blind.csv --features age,gender,view
    """
    from overread.analyses.blind import blind_reading
    from overread.records.cohort import read_cohort
    from overread.records.reading import write_reading

    choices.refuse_existing(out, force)
    with progress() as show:
        show("reading the cohort")
        labels = read_cohort(cohort)
        show("fitting the blind reader")
        reading = blind_reading(labels, features=choices.names(features), name=out.name.split(".")[0])
        write_reading(reading, out)
    for warning in reading.warnings:
        typer.echo(f"overread: {warning}", err=True)
    typer.echo(f"Wrote {out}: {len(reading.images):,} images, {len(reading.findings)} findings.")
