"""`overread plan`: what will be asked, written down before any score is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli import choices
from overread.cli.options import CohortOption, Level, Replicates, Seed


def plan(
    cohort: CohortOption,
    out: Annotated[Path, typer.Option(help="File to write the plan into.")] = Path("plan.toml"),
    primary: Annotated[
        str,
        typer.Option(help="The primary metric and where: METRIC=FINDING,... or METRIC=mean, such as auroc=Effusion."),
    ] = "auroc=mean",
    hypothesis: Annotated[
        str, typer.Option(help="difference, non-inferiority, equivalence, above=NUMBER, or estimate.")
    ] = "difference",
    multiplicity: Annotated[
        str, typer.Option(help="Of several primary tests: holm adjusts, all must be shown, or none adjusts nothing.")
    ] = "holm",
    secondary: Annotated[
        str | None,
        typer.Option(help="Metrics planned besides, such as sensitivity, joined by commas.", show_default=False),
    ] = None,
    findings: Annotated[
        str | None, typer.Option(help="Findings whose numbers are planned; all by default.", show_default=False)
    ] = None,
    readings: Annotated[
        str | None, typer.Option(help="Names of the readings, where they are known.", show_default=False)
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The reading that the others are held against.", show_default=False)
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(help="Differences that would not matter: metric=D,... such as auroc=0.01.", show_default=False),
    ] = None,
    operating_point: Annotated[
        str, typer.Option(help="youden, sensitivity=0.90, specificity=0.90, fixed=0.5, or a table of them.")
    ] = "youden",
    prevalence: Annotated[
        str | None, typer.Option(help="Shares of ill people in your clinic: Finding=P,...", show_default=False)
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Attributes whose subgroups are planned, such as gender,age.", show_default=False)
    ] = None,
    split: Annotated[str, typer.Option(help="Rows to report: test, val, train, or all.")] = "test",
    replicates: Replicates = 2000,
    seed: Seed = 0,
    level: Level = 0.95,
    rechoose: Annotated[
        bool, typer.Option("--rechoose-thresholds", help="Choose the thresholds anew in each replicate.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier plan.")] = False,
) -> None:
    """Write down what will be asked of the reported rows, before any of their scores is read.

    The plan holds the cohort by checksum, the primary hypothesis, and every option that a number depends on. `overread
    report --plan` keeps to it and marks each number as planned or exploratory. It cannot show that nobody looked at
    the scores first: deposit the file, or its checksum, where others can see the date.

    Example:

        overread plan --cohort chestxray14 --primary auroc=Effusion,Mass --margin auroc=0.01 --by gender --out plan.toml
    """
    from overread.analyses.options import Options
    from overread.analyses.plan_file import write_plan
    from overread.analyses.planning import plan_for, primary_of
    from overread.records.cohort import read_cohort

    choices.refuse_existing(out, force)
    options = Options(
        split=split,
        operating_point=choices.operating_point(operating_point),
        prevalence=choices.shares("--prevalence", prevalence, "Pneumothorax=0.02,Edema=0.01"),
        baseline=baseline,
        margins=choices.shares("--margin", margin, "auroc=0.01"),
        by=choices.names(by or ""),
        replicates=replicates,
        seed=seed,
        level=level,
        rechoose=rechoose,
    )
    made = plan_for(
        read_cohort(cohort),
        options,
        primary=primary_of(primary, hypothesis, multiplicity),
        secondary=choices.names(secondary or ""),
        findings=choices.names(findings or ""),
        readings=choices.names(readings or ""),
    )
    write_plan(made, out)
    typer.echo(f"Wrote {out}. No score was read. Its checksum is {made.checksum}:")
    typer.echo("deposit it where others can see the date; the file alone does not show that nobody looked first.")
