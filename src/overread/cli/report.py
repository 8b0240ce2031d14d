"""`overread report`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli import calls, choices
from overread.cli.options import Adjudicated, AdjudicatedMap, CohortOption, Force, Level, Replicates, Seed
from overread.cli.progress import progress

Out = Annotated[Path, typer.Option(help="Folder to write the report into.")]


def report(
    context: typer.Context,
    readings: Annotated[
        list[str],
        typer.Argument(metavar="READING...", help="Tables of scores, as PATH or NAME=PATH.", show_default=False),
    ],
    cohort: CohortOption,
    out: Out = Path("second-reading"),
    split: Annotated[
        str, typer.Option(help="Rows to report: test, val, train, or all that the readings have.")
    ] = "test",
    operating_point: Annotated[
        str,
        typer.Option(
            help="youden, sensitivity=0.90, specificity=0.90, fixed=0.5, or a table of finding and threshold."
        ),
    ] = "youden",
    prevalence: Annotated[
        str | None,
        typer.Option(
            help="Shares of ill people in your clinic, such as Mass=0.02, joined by commas.", show_default=False
        ),
    ] = None,
    clinic: Annotated[
        list[str] | None,
        typer.Option(
            help="Table of your clinic's mix (columns of attributes, and share), or of your model's scores there, "
            "without labels; may be repeated.",
            show_default=False,
        ),
    ] = None,
    adjudicated: Adjudicated = None,
    adjudicated_map: AdjudicatedMap = None,
    label_noise: Annotated[
        str | None,
        typer.Option(
            help="Sensitivity and specificity of the cohort's labels where they are known: Mass=0.8/0.97,...",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="Compare every reading with this one, instead of every pair.", show_default=False),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(help="Differences that would not matter: metric=D,... such as auroc=0.01.", show_default=False),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Attributes whose subgroups are looked at, such as gender,view,age or 'gender x view'.",
            show_default=False,
        ),
    ] = None,
    calls_of: Annotated[
        str | None,
        typer.Option(
            "--calls",
            help="Readings of people who answer yes or no (1 or 0): NAME,..., or none. By default those that hold "
            "nothing but 0 and 1, where another reading has scores.",
            show_default=False,
        ),
    ] = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Add calibration, shortcuts and subgroups by gender, view and age: a few seconds more.",
        ),
    ] = False,
    group: Annotated[
        list[str] | None,
        typer.Option(
            help="Readings that are runs of one recipe, such as the same training with other seeds: "
            "NAME=A,B,...; may be repeated.",
            show_default=False,
        ),
    ] = None,
    heatmaps: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder that overread explain wrote, to show its pictures and measures on the page; may be repeated.",
            show_default=False,
        ),
    ] = None,
    replicates: Replicates = 2000,
    seed: Seed = 0,
    level: Level = 0.95,
    rechoose: Annotated[
        bool,
        typer.Option(
            "--rechoose-thresholds",
            help="Choose the thresholds anew in each replicate; by default they are held as they are.",
        ),
    ] = False,
    floor: Annotated[
        bool,
        typer.Option("--floor/--no-floor", help="Put a reader that sees no image beside the readings, as the floor."),
    ] = True,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Plan that overread plan wrote: options are taken from it, numbers are marked as planned or not.",
            show_default=False,
        ),
    ] = None,
    deviate: Annotated[
        str | None, typer.Option(help="Why something departs from the plan; the page shows it.", show_default=False)
    ] = None,
    guidelines: Annotated[
        str | None,
        typer.Option(
            help="Reporting guidelines to fill in: all, or names such as claim-2024, joined by commas.",
            show_default=False,
        ),
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(
            help="The form that overread study wrote, filled in: what only a person can say of the study.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Evaluate readings of a cohort, compare them, and write the report: a page, tables, figures.

    Examples:

        overread report mymodel.csv --cohort chestxray14

        overread report standard.csv modified=scores/b.csv.gz --cohort labels.csv --by gender,view --out second-reading

        overread report mymodel.csv --cohort labels.csv --operating-point sensitivity=0.90 --prevalence Mass=0.02
    """
    from overread.analyses.options import Options
    from overread.analyses.recipes import parse_groups
    from overread.analyses.second_reading import second_reading, with_heat_maps
    from overread.records.clinic import read_clinic
    from overread.records.cohort import read_cohort
    from overread.records.heatmaps import read_heatmaps
    from overread.records.reading import read_reading
    from overread.report.writer import check_output, write_report
    from overread.stats.resampling import load_ahead

    check_output(out, force=force)
    options = Options(
        split=split,
        operating_point=choices.operating_point(operating_point),
        prevalence=choices.shares("--prevalence", prevalence, "Pneumothorax=0.02,Edema=0.01"),
        clinic=read_clinic(clinic or []),
        adjudicated=choices.adjudicated(adjudicated, adjudicated_map),
        label_noise=choices.label_noise(label_noise),
        baseline=baseline,
        by=choices.names(by or ""),
        thorough=thorough,
        groups=parse_groups(group or []),
        margins=choices.shares("--margin", margin, "auroc=0.01"),
        replicates=replicates,
        seed=seed,
        level=level,
        rechoose=rechoose,
        floor=floor,
        calls=choices.calls(calls_of),
        **choices.reporting(guidelines, study),
    )
    options = choices.under_plan(options, plan, calls.given(context), deviate)
    load_ahead()
    with progress() as show:
        show("reading the tables")
        labels = read_cohort(cohort)
        tables = [read_reading(reading) for reading in readings]
        explained = [read_heatmaps(folder) for folder in heatmaps or []]
        result = with_heat_maps(second_reading(labels, tables, options, progress=show), explained)
        show("writing the report")
        write_report(result, out, force=force, call=calls.words(context))
    tell(out)


def tell(out: Path) -> None:
    """Say where the report is."""
    typer.echo(f"Wrote {out / 'report.html'} with its tables and figures beside it.")
