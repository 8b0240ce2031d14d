"""`overread explain`: where a trained model looks, and whether that is where the finding is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overread.cli import choices
from overread.cli.prepare import bar
from overread.cli.progress import progress
from overread.records.errors import InputError, counted, listed, located, quoted

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from overread.analyses.confounder import Without
    from overread.records.cohort import Cohort
    from overread.records.heatmaps import HeatMaps
    from overread.vision.heatmaps.looking import Looked, Model
    from overread.vision.pixels import PixelSource
    from overread.vision.runs import Run


class Method(StrEnum):
    """How heat is found."""

    gradcam = "gradcam"
    cam = "cam"
    gradcam_plus_plus = "gradcam++"
    occlusion = "occlusion"


def explain(
    run: Annotated[Path, typer.Argument(help="Folder that overread train wrote.", show_default=False)],
    cohort: Annotated[
        str, typer.Argument(help="NIH's folder, a table of labels, or the word chestxray14.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder to write maps, pictures and tables into.", show_default=False)],
    images: Annotated[
        Path | None,
        typer.Option(help="A store, or a folder with image files; by default the cohort's folder.", show_default=False),
    ] = None,
    split: Annotated[str, typer.Option(help="Rows to explain: test, val, train, or all.")] = "test",
    method: Annotated[
        Method, typer.Option(help="gradcam, cam, gradcam++, or occlusion, which takes 200 passes an image.")
    ] = Method.gradcam,
    finding: Annotated[
        str | None, typer.Option(help="Explain these findings only: A,B,...", show_default=False)
    ] = None,
    operating_point: Annotated[
        str,
        typer.Option(help="A rule, applied to the run's validation rows, fixed=0.5, or a table finding,threshold."),
    ] = "youden",
    choose: Annotated[
        int, typer.Option(min=0, help="Pictures with the highest, and with the lowest, scores per finding and outcome.")
    ] = 1,
    confounder_boxes: Annotated[
        Path | None,
        typer.Option(help="Table image,x,y,width,height of what the model should not lean on.", show_default=False),
    ] = None,
    without_confounder: Annotated[
        Path | None,
        typer.Option(
            help="Folder or store of the same images without it; by default its boxes are painted over.",
            show_default=False,
        ),
    ] = None,
    sanity: Annotated[
        int, typer.Option(min=0, help="Images on which layers are made random and images moved; 0 leaves it out.")
    ] = 0,
    present_only: Annotated[bool, typer.Option("--present-only", help="Leave out images that are not there.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Images in a batch.")] = 32,
    replicates: Annotated[int, typer.Option(min=100, help="Bootstrap replicates, patients resampled.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random draw.")] = 0,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = 0.95,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier explanation in the same folder.")] = False,
) -> None:
    """Map where a model looks, for every finding at once, and measure it against drawn boxes.

    Example:

        overread explain runs/standard CXR8 --images store --out maps --sanity 32
    """
    from overread.analyses.localisation import localisation, unused
    from overread.records.box_table import read_box_table
    from overread.records.cohort import read_cohort
    from overread.records.heatmaps import files_of
    from overread.vision.heatmaps.looking import Model, placed_boxes
    from overread.vision.pixels import open_pixels
    from overread.vision.runs import read_run
    from overread.vision.store import is_store

    place = check_place(out, force=force)
    rule = choices.operating_point(operating_point)
    trained = read_run(run)
    keep = kept_findings(trained.findings, finding)
    labels = read_cohort(cohort)
    where = choices.images_folder(cohort, images)
    marks = read_box_table(confounder_boxes) if confounder_boxes is not None else None
    if without_confounder is not None and marks is None:
        raise InputError("--without-confounder", "nothing says where the confounder was", "--confounder-boxes too")
    source = open_pixels(where, size=trained.preprocessing.size)
    counterparts = None if without_confounder is None else open_pixels(without_confounder, size=source.size)
    rows = explained_rows(labels, trained, source, where, split=split, present_only=present_only)
    model = Model.of(trained)
    maps = explained(
        model, trained, labels, rows, source, rule=rule, split=split, method=method.value, batch=batch, seed=seed
    )
    maps = replace(maps, facts={**maps.facts, "images": "a store" if is_store(where) else "files", "seed": seed})
    boxes = labels.boxes
    if boxes is not None:
        maps = replace(maps, boxes=placed_boxes(labels, boxes, source))
    maps = replace(maps, warnings=(*maps.warnings, *(unused(maps) if boxes is not None else ())))
    maps = only(maps, keep)
    tables = localisation(maps, replicates=replicates, seed=seed, level=level)
    placed_marks = None if marks is None else placed_boxes(labels, marks, source)
    if placed_marks is not None:
        tables["confounder"] = leaned_on(
            model, rows, maps, placed_marks, source, counterparts, keep, batch, replicates, seed, level
        )
    if sanity:
        tables["sanity"] = checked(model, rows, maps, source, sanity, keep, replicates, seed, level)
    files = files_of(maps, tables)
    pictures, listing = drawn_pictures(maps, source, choose, placed_marks)
    document = files.pop("heatmaps.json")
    write(place, files | {"overlays.csv": listing} | pictures | {"heatmaps.json": document}, out)
    for warning in maps.warnings:
        typer.echo(f"overread: {warning}", err=True)
    n = counted(len(maps.images), "image")
    typer.echo(f"Wrote {out}: maps of {n} and {len(maps.findings)} findings, {counted(len(pictures), 'picture')}.")
    typer.echo(f"For the page: overread report READING --cohort COHORT --heatmaps {out}")


# --- what is explained -----------------------------------------------------------------------------------------------


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


def explained_rows(
    cohort: Cohort, run: Run, source: PixelSource, where: Path, *, split: str, present_only: bool
) -> Cohort:
    """Return the rows that are asked for: of a cohort's part, or those that the run used as validation rows."""
    import numpy as np

    from overread.records.common_images import rows_of_split
    from overread.vision.pixels import present

    if split not in ("test", "val", "train", "all"):
        raise InputError("--split", f"{quoted(split)} is not a part of a cohort", "one of test, val, train, all")
    if split in ("val", "train"):
        named = run.split.filter(run.split["split"] == split)["image"]
        wanted = cohort.images.is_in(named.to_list()).to_numpy()
        if not wanted.any():
            raise InputError(
                "--split", f"the cohort has none of the run's {split} rows", "another cohort, or --split all"
            )
    else:
        wanted = rows_of_split(cohort, split)
    return present(cohort.take(np.flatnonzero(wanted)), source, where, present_only=present_only)


def explained(
    model: Model,
    run: Run,
    cohort: Cohort,
    rows: Cohort,
    source: PixelSource,
    *,
    rule: str | dict[str, float],
    split: str,
    method: str,
    batch: int,
    seed: int,
) -> HeatMaps:
    """Return the maps of the rows with their scores, labels and operating points."""
    import polars as pl

    from overread import __version__
    from overread.records.heatmaps import BOX_COLUMNS, HeatMaps
    from overread.vision.runs import RUN

    thresholds, said, chosen_on, notes = operating_points(model, run, cohort, rows, source, rule, batch)
    found = looked(model, source, rows, method=method, batch=batch, step="explaining")
    used = run.split.filter(run.split["split"] != "test")["image"].to_list()
    seen = int(rows.images.is_in(used).sum())
    if seen and split not in ("val", "train"):
        notes.append(f"Images that the model was trained or tuned on are explained too: {seen:,}.")
    patients = rows.patients if rows.patients is not None else rows.images
    return HeatMaps(
        reading=run.name,
        method=method,
        findings=run.findings,
        images=tuple(rows.images),
        patients=tuple(patients.cast(pl.String).fill_null(rows.images)),
        split=split,
        maps=found.maps,
        scores=found.scores,
        labels=labels_of(rows, run.findings),
        thresholds=thresholds,
        rule=said,
        chosen_on=chosen_on,
        size=source.size,
        area=model.area,
        boxes=pl.DataFrame(schema=BOX_COLUMNS),
        facts={
            "overread": __version__,
            "run": hashlib.sha256((run.folder / RUN).read_bytes()).hexdigest(),
            "cohort": cohort.name,
            "preprocessing": run.preprocessing.as_json(),
            "fit": source.fit,
        },
        warnings=(*cohort.warnings, *notes),
    )


def looked(model: Model, source: PixelSource, rows: Cohort, *, method: str, batch: int, step: str) -> Looked:
    """Pass over some rows and show how far it is."""
    from overread.vision.heatmaps.looking import look

    with bar(step) as show:
        return look(
            model,
            source.batch,
            rows.table,
            method=method,
            batch=batch,
            progress=lambda done: show(done, rows.n_images),
        )


def labels_of(rows: Cohort, findings: tuple[str, ...]) -> NDArray[np.int8]:
    """Return the labels of the model's findings, missing where the cohort does not have one."""
    import numpy as np

    from overread.records.cohort import MISSING
    from overread.records.findings import key

    by_key = {key(name): place for place, name in enumerate(rows.findings)}
    labels = np.full((rows.n_images, len(findings)), MISSING, np.int8)
    for place, name in enumerate(findings):
        if key(name) in by_key:
            labels[:, place] = rows.labels[:, by_key[key(name)]]
    return labels


def operating_points(
    model: Model,
    run: Run,
    cohort: Cohort,
    rows: Cohort,
    source: PixelSource,
    rule: str | dict[str, float],
    batch: int,
) -> tuple[NDArray[np.float64], str, str, list[str]]:
    """Return a threshold per finding: given, or chosen on the run's validation rows; never on the rows explained."""
    import numpy as np

    from overread.analyses.evaluation import GIVEN, TUNING, column_thresholds
    from overread.records.findings import key
    from overread.stats.operating_points import parse_rule

    none = np.full(len(run.findings), np.nan)
    if not isinstance(rule, str):
        by_key = {key(name): value for name, value in rule.items()}
        return np.array([by_key.get(key(name), np.nan) for name in run.findings]), "table", GIVEN, []
    parsed = parse_rule(rule)
    if parsed.kind == "fixed":
        return np.full(len(run.findings), parsed.value), str(parsed), GIVEN, []
    named = run.split.filter(run.split["split"] == "val")["image"].to_list()
    names = source.names
    val = cohort.images.is_in(named).to_numpy() & ~cohort.images.is_in(rows.images.to_list()).to_numpy()
    if cohort.patients is not None and rows.patients is not None:
        val &= ~cohort.patients.is_in(rows.patients.drop_nulls().to_list()).fill_null(False).to_numpy()
    val &= np.fromiter((image in names for image in cohort.images), bool, cohort.n_images)
    if not val.any():
        said = "No operating point: none of the run's validation rows is in the cohort with its image, apart from rows "
        return none, str(parsed), "", [f"{said}that are explained. Give --operating-point fixed=0.5 or a table."]
    tuning = cohort.take(np.flatnonzero(val))
    scores = looked(model, source, tuning, method="gradcam", batch=batch, step="validation rows").scores
    return column_thresholds(parsed, labels_of(tuning, run.findings), scores), str(parsed), TUNING, []


def only(maps: HeatMaps, keep: list[int]) -> HeatMaps:
    """Return the maps of some findings."""
    if keep == list(range(len(maps.findings))):
        return maps
    return replace(
        maps,
        findings=tuple(maps.findings[place] for place in keep),
        maps=maps.maps[:, keep],
        scores=maps.scores[:, keep],
        labels=maps.labels[:, keep],
        thresholds=maps.thresholds[keep],
    )


# --- tables beside the localisation ----------------------------------------------------------------------------------


def leaned_on(
    model: Model,
    rows: Cohort,
    maps: HeatMaps,
    boxes: pl.DataFrame,
    source: PixelSource,
    counterparts: PixelSource | None,
    keep: list[int],
    batch: int,
    replicates: int,
    seed: int,
    level: float,
) -> pl.DataFrame:
    """Score the images that carry the confounder without it, and return what heat and scores say of it."""
    import numpy as np
    import polars as pl

    from overread.analyses.confounder import CONFOUNDER, confounder

    marked = boxes.filter((boxes["width"] > 0) & (boxes["height"] > 0))
    carrying = np.flatnonzero(rows.images.is_in(marked["image"].unique().to_list()).to_numpy())
    if not len(carrying):
        typer.echo("overread: no explained image has a box of the confounder: it is not measured", err=True)
        return pl.DataFrame(schema=CONFOUNDER)
    without = scored_without(model, rows.take(carrying), carrying, maps, marked, source, counterparts, batch)
    without = replace(without, scores=without.scores[:, keep])
    if without.control is not None:
        without = replace(without, control=without.control[:, keep])
    return confounder(maps, marked, without, replicates=replicates, seed=seed, level=level)


def scored_without(
    model: Model,
    carrying: Cohort,
    places: NDArray[np.int64],
    maps: HeatMaps,
    boxes: pl.DataFrame,
    source: PixelSource,
    counterparts: PixelSource | None,
    batch: int,
) -> Without:
    """Return the scores with the confounder taken out: left out exactly, or painted over, with a patch to compare."""
    import numpy as np

    from overread.analyses.confounder import EXACT, PAINTED, Without
    from overread.vision.heatmaps.looking import look, painted_out

    n_findings = len(model.network.findings)

    def laid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = np.full((len(maps.images), n_findings), np.nan)
        whole[places] = scores
        return whole

    if counterparts is not None:
        lacking = [image for image in carrying.images if image not in counterparts.names]
        if lacking:
            what = f"it lacks {counted(len(lacking), 'image')} that carry the confounder ({listed(lacking)})"
            raise InputError("--without-confounder", what, "every image that --confounder-boxes names")
        return Without(laid(look(model, counterparts.batch, carrying.table, batch=batch).scores), EXACT)
    by_image = {
        str(image[0]): own.select("x", "y", "width", "height").to_numpy()
        for image, own in boxes.group_by("image", maintain_order=True)
    }

    def squares(mirrored: bool) -> Callable[[Sequence[str]], NDArray[np.uint8]]:
        def of(images: Sequence[str]) -> NDArray[np.uint8]:
            made = []
            for image in images:
                own = by_image[image].copy()
                if mirrored:
                    own[:, 0] = source.size - own[:, 0] - own[:, 2]
                made.append(painted_out(source.pixels(image), own))
            return np.stack(made)

        return of

    scores, control = (look(model, squares(side), carrying.table, batch=batch).scores for side in (False, True))
    return Without(laid(scores), PAINTED, laid(control))


def checked(
    model: Model,
    rows: Cohort,
    maps: HeatMaps,
    source: PixelSource,
    n: int,
    keep: list[int],
    replicates: int,
    seed: int,
    level: float,
) -> pl.DataFrame:
    """Make layers random and move images, on n images evenly spread over the rows, and compare the maps."""
    import numpy as np

    from overread.analyses.map_checks import sanity
    from overread.vision.heatmaps.looking import moved_maps, randomised_maps

    some = np.unique(np.linspace(0, rows.n_images - 1, min(n, rows.n_images)).round().astype(np.int64))
    table, method = rows.take(some).table, maps.method
    with progress() as show:
        random = randomised_maps(model, source.batch, table, method=method, seed=seed, progress=show)
        show("moving images")
        moved = moved_maps(model, source.batch, table, method=method, cells=maps.maps.shape[2])
    return sanity(
        maps.reading,
        maps.maps[some],
        [maps.patients[row] for row in some],
        randomised={name: each[:, keep] for name, each in random.items()},
        moved={name: each[:, keep] for name, each in moved.items()},
        replicates=replicates,
        seed=seed,
        level=level,
    )


# --- pictures and files ----------------------------------------------------------------------------------------------


def drawn_pictures(
    maps: HeatMaps, source: PixelSource, n: int, marks: pl.DataFrame | None
) -> tuple[dict[str, bytes], bytes]:
    """Return the pictures of chosen images by file name, and the table that lists them."""
    import numpy as np
    import polars as pl

    from overread.analyses.localisation import grid_of
    from overread.records.heatmaps import OVERLAY_COLUMNS
    from overread.stats.localisation import boxes_of_map
    from overread.vision.heatmaps.overlays import Boxes, chosen, encoded, full_colour, picture

    grid, files, rows = grid_of(maps), {}, []
    full = [full_colour(maps, finding) for finding in range(len(maps.findings))]
    for number, choice in enumerate(chosen(maps, n) if n else ()):
        image, finding = maps.images[choice.image], maps.findings[choice.finding]
        heat = maps.heat(choice.image, choice.finding)
        edges = boxes_of_map(heat, grid)
        drawn = of_image(maps.boxes.filter(maps.boxes["finding"] == finding), image)
        detected = np.column_stack([edges[:, :2], edges[:, 2:] - edges[:, :2]])
        boxes = Boxes(drawn, detected, of_image(marks, image) if marks is not None else np.empty((0, 4)))
        score, threshold = float(maps.scores[choice.image, choice.finding]), float(maps.thresholds[choice.finding])
        at = "no operating point" if np.isnan(threshold) else f"operating point {threshold:.3f}"
        said = [
            f"{finding}: {choice.outcome}, {choice.why}",
            f"{image}   score {score:.3f}, {at}",
            heat_said(float(heat.max()), full[choice.finding]),
        ]
        file = f"{number:04d}.webp"
        drawing = picture(source.pixels(image), heat, maps.area, boxes, full=full[choice.finding], said=said)
        files[f"overlays/{file}"] = encoded(drawing)
        cells = (score, None if np.isnan(threshold) else threshold, float(heat.max()), full[choice.finding])
        rows.append((file, image, finding, choice.outcome, *cells, f"{choice.why}. {said[2]}"))
    return files, pl.DataFrame(rows, schema=OVERLAY_COLUMNS, orient="row").write_csv().encode()


def heat_said(peak: float, full: float) -> str:
    """Say how much heat a map has.

    >>> heat_said(0, 0.5)
    'no heat: nothing in this image raises the score'
    >>> heat_said(0.05, 0.5)
    'hottest cell 0.05 logit, 10 % of the full colour'
    """
    if peak <= 0 or full <= 0:
        return "no heat: nothing in this image raises the score"
    return f"hottest cell {peak:.2g} logit, {100 * peak / full:.0f} % of the full colour"


def of_image(boxes: pl.DataFrame, image: str) -> NDArray[np.float64]:
    """Return the boxes of an image that have an area: (n, 4) of x, y, width, height."""
    own = boxes.filter((boxes["image"] == image) & (boxes["width"] > 0) & (boxes["height"] > 0))
    return own.select("x", "y", "width", "height").to_numpy().reshape(-1, 4)


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


def write(place: Path, files: dict[str, bytes], out: Path) -> None:
    """Write the folder beside its place, and move it there when it is whole."""
    from overread.report.writer import write_files

    write_files(files, place, out)
