"""`overread explain`: where a trained model looks, and whether that is where the finding is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from overread.cli import choices
from overread.cli.options import CohortArgument, Images, Level, Replicates, Seed
from overread.cli.prepare import bar
from overread.cli.progress import progress
from overread.records.errors import InputError, counted, listed, located, quoted

if TYPE_CHECKING:
    from overread.records.box_table import BoxTable
    from overread.records.cohort import Cohort
    from overread.records.heatmaps import HeatMaps
    from overread.vision.heatmaps.explaining import OperatingPoints
    from overread.vision.heatmaps.looking import Model
    from overread.vision.pixels import PixelSource
    from overread.vision.runs import Run
    from overread.vision.score_parts import OnDisk


class Method(StrEnum):
    """How heat is found."""

    gradcam = "gradcam"
    cam = "cam"
    gradcam_plus_plus = "gradcam++"
    occlusion = "occlusion"


def explain(
    run: Annotated[Path, typer.Argument(help="Folder that overread train wrote.", show_default=False)],
    cohort: CohortArgument,
    out: Annotated[Path, typer.Option(help="Folder to write maps, pictures and tables into.", show_default=False)],
    images: Images = None,
    split: Annotated[str, typer.Option(help="Rows to explain: test, val, train, or all.")] = "test",
    method: Annotated[
        Method, typer.Option(help="gradcam, cam, gradcam++, or occlusion, which takes 200 passes an image.")
    ] = Method.gradcam,
    finding: Annotated[
        str | None, typer.Option(help="Explain these findings only: A,B,...", show_default=False)
    ] = None,
    operating_point: Annotated[
        str,
        typer.Option(
            help="A rule for the run's validation rows (youden, sensitivity=0.90, specificity=0.90), fixed=0.5, or a "
            "table with the columns finding and threshold."
        ),
    ] = "youden",
    choose: Annotated[
        int,
        typer.Option(
            min=0, help="How many pictures with the highest scores, and with the lowest, for each finding and outcome."
        ),
    ] = 1,
    confounder_boxes: Annotated[
        Path | None,
        typer.Option(
            help="Table of boxes, image, x, y, width, height, of what the model should not lean on, such as drains.",
            show_default=False,
        ),
    ] = None,
    without_confounder: Annotated[
        Path | None,
        typer.Option(
            help="Folder or store of the same images without it; by default its boxes are painted over.",
            show_default=False,
        ),
    ] = None,
    sanity: Annotated[
        int,
        typer.Option(
            min=0,
            help="Images on which to check whether maps follow the model (layers made random) and the image (moved).",
        ),
    ] = 0,
    present_only: Annotated[bool, typer.Option("--present-only", help="Leave out images that are not there.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Images in a batch.")] = 32,
    replicates: Replicates = 2000,
    seed: Seed = 0,
    level: Level = 0.95,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier explanation in the same folder.")] = False,
) -> None:
    """Map where a model looks, for every finding at once, and measure it against drawn boxes.

    An interrupted run goes on where it was when the same command is given again.

    Example:

        overread explain standard CXR8 --images store --out maps --sanity 32
    """
    from overread.analyses.localisation import boxes_on, localisation, unused
    from overread.records.box_table import read_box_table
    from overread.records.cohort import read_cohort
    from overread.records.heatmaps import DOCUMENT, OVERLAYS, files_of
    from overread.report.writer import write_files
    from overread.vision.heatmaps import explaining
    from overread.vision.heatmaps.looking import Model, placed_boxes
    from overread.vision.pixels import open_pixels
    from overread.vision.runs import read_run
    from overread.vision.score_parts import OnDisk

    place = check_place(out, force=force)
    rule = choices.operating_point(operating_point)
    trained = read_run(run)
    keep = kept_findings(trained.findings, finding)
    labels = read_cohort(cohort)
    where = choices.images_folder(cohort, images)
    marks = read_box_table(confounder_boxes) if confounder_boxes is not None else None
    if without_confounder is not None and marks is None:
        raise InputError("--without-confounder", "nothing says where the confounder was", "--confounder-boxes too")
    source = open_pixels(where, size=trained.preprocessing.size, fit=trained.preprocessing.fit)
    counterparts = None
    if without_confounder is not None:
        counterparts = open_pixels(without_confounder, size=source.size, fit=source.fit)
    rows = explaining.rows_to_explain(labels, trained, source, where, split=split, present_only=present_only)
    model = Model.of(trained)
    points, notes = operating_points(model, trained, labels, rows, source, rule, batch)
    work = explaining.facts(trained, rows, source, where, method=method.value)
    kept = place.with_name(f"{place.name}.parts")
    had = kept.exists()
    parts = OnDisk.begun(kept, work)
    if before := parts.done():
        typer.echo(f"overread: going on after {counted(before, 'piece')} of the maps that were made before", err=True)
    elif had:
        typer.echo(f"overread: {located(kept)} held maps of another run, other images or another method", err=True)
    with going_on(parts), bar("explaining") as show:
        found = explaining.looked(model, source, rows, method=method.value, batch=batch, done=show, parts=parts)
    maps = explaining.heat_maps(model, trained, rows, found, points, method=method.value, split=split, fit=source.fit)
    boxes = labels.boxes
    if boxes is not None:
        maps = replace(maps, boxes=placed_boxes(labels, boxes, source))
        notes += unused(maps)
    maps = explaining.only(replace(maps, warnings=(*maps.warnings, *notes)), keep)
    drawn: dict[str, Any] = {"replicates": replicates, "seed": seed, "level": level}
    tables = localisation(maps, **drawn)
    placed = None if marks is None else placed_boxes(labels, marks, source)
    with going_on(parts):
        if placed is not None:
            tables["confounder"] = leaned_on(model, rows, maps, placed, source, counterparts, keep, batch, drawn)
        if sanity:
            tables["sanity"] = checked(model, rows, maps, source, sanity, keep, drawn)
    pictures, listing = explaining.pictures(maps, source, choose, boxes_on(maps), placed)
    files = files_of(maps, tables)
    document = {DOCUMENT: files.pop(DOCUMENT)}  # written last: a folder that has it is whole
    write_files(files | {OVERLAYS: listing} | pictures | document, place, out)
    parts.delete()
    for warning in maps.warnings:
        typer.echo(f"overread: {warning}", err=True)
    n = counted(len(maps.images), "image")
    typer.echo(f"Wrote {out}: maps of {n} and {len(maps.findings)} findings, {counted(len(pictures), 'picture')}.")
    typer.echo(f"For the page: overread report READING --cohort COHORT --heatmaps {out}")


@contextmanager
def going_on(parts: OnDisk) -> Iterator[None]:
    """Say of an interruption that what is done is kept; leave nothing where a refusal came before anything was done."""
    try:
        yield
    except InputError:
        if not parts.done():
            parts.delete()
        raise
    except KeyboardInterrupt:
        typer.echo("overread: interrupted; the same command goes on where it stopped", err=True)
        raise typer.Exit(130) from None


def kept_findings(known: tuple[str, ...], text: str | None) -> list[int]:
    """Return the places of the findings that `--finding` names, all by default."""
    from overread.records.findings import key

    wanted = choices.names(text or "")
    by_key = {key(name): place for place, name in enumerate(known)}
    unknown = [name for name in wanted if key(name) not in by_key]
    if unknown:
        raise InputError(
            "--finding", f"the model does not know {quoted(unknown[0])}", f"one of {listed(known, most=20)}"
        )
    return [by_key[key(name)] for name in wanted] if wanted else list(range(len(known)))


def operating_points(
    model: Model,
    run: Run,
    cohort: Cohort,
    rows: Cohort,
    source: PixelSource,
    rule: str | dict[str, float],
    batch: int,
) -> tuple[OperatingPoints, list[str]]:
    """Return a threshold per finding: given, or chosen on the run's validation rows; never on the rows explained."""
    from overread.analyses.evaluation import GIVEN, TUNING
    from overread.analyses.localisation import chosen_thresholds, fixed_thresholds
    from overread.stats.operating_points import parse_rule
    from overread.vision.heatmaps import explaining

    if not isinstance(rule, str):
        return explaining.OperatingPoints(fixed_thresholds(rule, run.findings), "table", GIVEN), []
    parsed = parse_rule(rule)
    if parsed.kind == "fixed":
        fixed = fixed_thresholds(dict.fromkeys(run.findings, parsed.value), run.findings)
        return explaining.OperatingPoints(fixed, rule, GIVEN), []
    tuning = explaining.tuning_rows(cohort, run, rows, source)
    if tuning is None:
        said = "No operating point: none of the run's validation rows is in the cohort with its image, apart from rows "
        do = "that are explained. Give --operating-point fixed=0.5 or a table."
        return explaining.OperatingPoints(fixed_thresholds({}, run.findings), rule, ""), [said + do]
    with bar("validation rows") as show:
        scores = explaining.looked(model, source, tuning, batch=batch, done=show).scores
    values = chosen_thresholds(rule, explaining.labels_of(tuning, run.findings), scores)
    return explaining.OperatingPoints(values, rule, TUNING), []


def leaned_on(
    model: Model,
    rows: Cohort,
    maps: HeatMaps,
    boxes: BoxTable,
    source: PixelSource,
    counterparts: PixelSource | None,
    keep: list[int],
    batch: int,
    drawn: dict[str, Any],
) -> BoxTable:
    """Score the images that carry the confounder without it, and return what heat and scores say of it."""
    from overread.analyses.confounder import EXACT, PAINTED, Without, confounder
    from overread.vision.heatmaps import explaining

    places = explaining.carrying(rows, boxes)
    if not len(places):
        typer.echo("overread: no explained image has a box of the confounder: it is not measured", err=True)
        return confounder(maps, boxes.clear(), Without(maps.scores, ""), **drawn)
    if counterparts is not None:
        scores = explaining.scores_of_counterparts(model, rows, places, counterparts, batch=batch)
        return confounder(maps, boxes, Without(scores[:, keep], EXACT), **drawn)
    scores, control = (
        explaining.scores_painted_over(model, rows, places, boxes, source, batch=batch, mirrored=side)
        for side in (False, True)
    )
    return confounder(maps, boxes, Without(scores[:, keep], PAINTED, control[:, keep]), **drawn)


def checked(
    model: Model,
    rows: Cohort,
    maps: HeatMaps,
    source: PixelSource,
    n: int,
    keep: list[int],
    drawn: dict[str, Any],
) -> BoxTable:
    """Return how much the maps of n images change with the model, and whether they follow the image."""
    from overread.analyses.map_checks import sanity
    from overread.vision.heatmaps import explaining

    with progress() as show:
        seed = drawn["seed"]
        changed = explaining.changed_maps(model, rows, maps, source, n, keep, seed=seed, progress=show)
    return sanity(
        maps.reading,
        changed.maps,
        changed.patients,
        randomised=changed.randomised,
        moved=changed.moved,
        **drawn,
    )


def check_place(out: Path, *, force: bool) -> Path:
    """Return where to write, or refuse a place that is taken by something else."""
    place = Path(out).absolute()
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return place
    if not place.is_dir():
        raise InputError(located(out), "this is a file", "a folder for the maps", "Choose another place with --out.")
    if not written_by_us(place):
        what = "the folder exists and was not written by overread explain"
        raise InputError(located(out), what, "", "Choose another place with --out; it will not be replaced.")
    if not force:
        raise InputError(located(out), "the folder exists", "", "Give --force to replace it, or choose another place.")
    return place


def written_by_us(place: Path) -> bool:
    """Return whether a folder holds heat maps and nothing else."""
    from overread.records.heatmaps import BOXES, DOCUMENT, FORMAT, INDEX, MAPS, OVERLAYS, TABLES

    try:
        said = json.loads((place / DOCUMENT).read_bytes())
    except (OSError, ValueError):
        return False
    own = {DOCUMENT, MAPS, INDEX, BOXES, OVERLAYS, "overlays", *(f"{name}.csv" for name in TABLES)}
    strangers = {path.name for path in place.iterdir()} - own
    return isinstance(said, dict) and said.get("format") == FORMAT and not strangers
