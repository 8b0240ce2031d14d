"""`overread audit`: the cohort before any model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli import choices
from overread.cli.options import Adjudicated, AdjudicatedMap, CohortArgument, Force, Level
from overread.cli.progress import progress


def audit(
    cohort: CohortArgument,
    out: Annotated[Path, typer.Option(help="Folder to write the audit into.")] = Path("audit"),
    reading: Annotated[
        list[str] | None,
        typer.Option(
            help="Table of scores, as PATH or NAME=PATH: says in which split its images lie; may be repeated.",
            show_default=False,
        ),
    ] = None,
    adjudicated: Adjudicated = None,
    adjudicated_map: AdjudicatedMap = None,
    level: Level = 0.95,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the two halves of patients, where there is no training part.")
    ] = 0,
    force: Force = False,
) -> None:
    """Look a cohort over before any model: counts, prevalence, splits, impossible values, labels, what attributes tell.

    Examples:

        overread audit chestxray14 --out audit

        overread audit cohort.csv --reading scores.csv --out audit
    """
    from overread.analyses.audit import audit as audited
    from overread.records.reading import read_reading
    from overread.records.repeated_rows import read_with_repeated
    from overread.report.audit_page import write_audit
    from overread.report.writer import check_output

    check_output(out, force=force)
    truth = choices.adjudicated(adjudicated, adjudicated_map)
    with progress() as show:
        show("reading the tables")
        labels, raw = read_with_repeated(cohort)
        readings = [read_reading(each) for each in reading or []]
        result = audited(labels, readings, raw=raw, adjudicated=truth, level=level, seed=seed, progress=show)
        show("writing the audit")
        page = write_audit(result, out, force=force)
    for sentence in result.summary:
        typer.echo(sentence)
    for point in result.tables["points"].iter_rows(named=True):
        typer.echo(f"- {point['severity']}: {point['message']}")
    typer.echo(f"Wrote {out / page.name} with its tables and figures beside it.")
