"""What `overread explain` needs of the images: which rows, their maps and scores, what becomes of them changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread import __version__
from overread.records.cohort import MISSING, Cohort
from overread.records.common_images import rows_of_split
from overread.records.errors import InputError, counted, listed, quoted
from overread.records.findings import key
from overread.records.heatmaps import BOX_COLUMNS, OVERLAY_COLUMNS, HeatMaps
from overread.vision.heatmaps.looking import Looked, Model, look, moved_maps, painted_out, randomised_maps
from overread.vision.heatmaps.overlays import Boxes, chosen, encoded, full_colour, picture
from overread.vision.pixels import PixelSource, present
from overread.vision.runs import RUN, Run
from overread.vision.score_parts import InMemory, Parts, Piece, pieces

Floats = NDArray[np.float64]
Done = Callable[[int, int], None]


# --- rows ------------------------------------------------------------------------------------------------------------


def rows_to_explain(
    cohort: Cohort, run: Run, source: PixelSource, where: Path, *, split: str, present_only: bool
) -> Cohort:
    """Return the rows that are asked for: a part of the cohort, or what the run trained or chose its best epoch on."""
    if split not in ("test", "val", "train", "all"):
        raise InputError("--split", f"{quoted(split)} is not a part of a cohort", "one of test, val, train, all")
    if split in ("val", "train"):
        wanted = cohort.images.is_in(named(run, split)).to_numpy()
        if not wanted.any():
            what = f"the cohort has none of the run's {split} rows"
            raise InputError("--split", what, "another cohort, or --split all")
    else:
        wanted = rows_of_split(cohort, split)
    return present(cohort.take(np.flatnonzero(wanted)), source, where, present_only=present_only)


def named(run: Run, split: str) -> list[str]:
    """Return the images of a part of a run."""
    return run.split.filter(pl.col("split") == split)["image"].to_list()


def tuning_rows(cohort: Cohort, run: Run, rows: Cohort, source: PixelSource) -> Cohort | None:
    """Return the run's validation rows whose images are there, without rows and patients that are explained."""
    names = source.names
    val = cohort.images.is_in(named(run, "val")) & ~cohort.images.is_in(rows.images.to_list())
    if cohort.patients is not None and rows.patients is not None:
        val &= ~cohort.patients.is_in(rows.patients.drop_nulls().to_list()).fill_null(False)
    there = np.fromiter((image in names for image in cohort.images), bool, cohort.n_images)
    wanted = val.to_numpy() & there
    return cohort.take(np.flatnonzero(wanted)) if wanted.any() else None


def labels_of(rows: Cohort, findings: Sequence[str]) -> NDArray[np.int8]:
    """Return the labels of a model's findings, missing where the cohort does not have one."""
    by_key = {key(name): place for place, name in enumerate(rows.findings)}
    labels = np.full((rows.n_images, len(findings)), MISSING, np.int8)
    for place, name in enumerate(findings):
        if key(name) in by_key:
            labels[:, place] = rows.labels[:, by_key[key(name)]]
    return labels


# --- maps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """A threshold per finding of the model, nan where there is none, the rule, and the rows it was chosen on."""

    values: Floats
    rule: str
    chosen_on: str


def heat_maps(
    model: Model, run: Run, rows: Cohort, found: Looked, points: OperatingPoints, *, method: str, split: str, fit: str
) -> HeatMaps:
    """Return the maps of rows with their scores, labels and operating points."""
    used = [image for part in ("train", "val") for image in named(run, part)]
    seen = int(rows.images.is_in(used).sum())
    warned = seen and split not in ("val", "train")
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
        thresholds=points.values,
        rule=points.rule,
        chosen_on=points.chosen_on,
        size=model.preprocessing.size,
        area=model.area,
        boxes=pl.DataFrame(schema=BOX_COLUMNS),
        facts={
            "overread": __version__,
            "run": hashlib.sha256((run.folder / RUN).read_bytes()).hexdigest(),
            "cohort": rows.name,
            "preprocessing": run.preprocessing.as_json(),
            "fit": fit,
        },
        warnings=(
            *rows.warnings,
            *([f"Images that the model was trained or tuned on are explained too: {seen:,}."] if warned else []),
        ),
    )


def looked(
    model: Model,
    source: PixelSource,
    rows: Cohort,
    *,
    method: str = "gradcam",
    batch: int = 32,
    done: Done,
    parts: Parts | None = None,
) -> Looked:
    """Pass over some rows, those of them left out that `parts` has from before."""
    kept, cut = parts or InMemory(), pieces(rows.n_images)
    for number, piece in enumerate(cut):
        if not kept.has(number):
            table = rows.table[piece]

            def told(n: int, begin: int = piece.start) -> None:
                done(begin + n, rows.n_images)

            new = look(model, source.batch, table, method=method, batch=batch, progress=told)
            kept.put(number, Piece(new.scores, maps=new.maps))
    if not cut:
        return look(model, source.batch, rows.table)
    found = [kept.get(number) for number in range(len(cut))]
    return Looked(
        np.concatenate([piece.scores for piece in found]),
        np.concatenate([piece.maps for piece in found if piece.maps is not None]),
    )


def facts(run: Run, rows: Cohort, source: PixelSource, where: Path, *, method: str) -> list[object]:
    """Return all that the maps of rows depend on."""
    told = [name for name in run.metadata.attributes if name in rows.table.columns]
    attributes = rows.table.select("image", *told).write_csv()
    return [(run.folder / RUN).read_text("utf-8"), attributes, str(where.resolve()), source.size, source.fit, method]


def only(maps: HeatMaps, keep: Sequence[int]) -> HeatMaps:
    """Return the maps of some findings."""
    if list(keep) == list(range(len(maps.findings))):
        return maps
    return replace(
        maps,
        findings=tuple(maps.findings[place] for place in keep),
        maps=maps.maps[:, list(keep)],
        scores=maps.scores[:, list(keep)],
        labels=maps.labels[:, list(keep)],
        thresholds=maps.thresholds[list(keep)],
    )


# --- without the confounder ------------------------------------------------------------------------------------------


def carrying(rows: Cohort, boxes: pl.DataFrame) -> NDArray[np.int64]:
    """Return the rows that have a box with an area."""
    marked = boxes.filter((pl.col("width") > 0) & (pl.col("height") > 0))["image"].unique()
    return np.flatnonzero(rows.images.is_in(marked.to_list()).to_numpy())


def scores_of_counterparts(
    model: Model, rows: Cohort, places: NDArray[np.int64], counterparts: PixelSource, *, batch: int
) -> Floats:
    """Return the scores (rows, findings) of the same images without the confounder; nan on the other rows."""
    held = rows.take(places)
    lacking = [image for image in held.images if image not in counterparts.names]
    if lacking:
        what = f"it lacks {counted(len(lacking), 'image')} that carry the confounder ({listed(lacking)})"
        raise InputError("--without-confounder", what, "every image that --confounder-boxes names")
    return laid(look(model, counterparts.batch, held.table, batch=batch).scores, rows, places)


def scores_painted_over(
    model: Model,
    rows: Cohort,
    places: NDArray[np.int64],
    boxes: pl.DataFrame,
    source: PixelSource,
    *,
    batch: int,
    mirrored: bool = False,
) -> Floats:
    """Return the scores with the boxes painted over; `mirrored`: the boxes on the other side of the image instead."""
    by_image: dict[str, list[list[float]]] = {}
    for image, *box in boxes.select("image", "x", "y", "width", "height").iter_rows():
        if mirrored:
            box[0] = source.size - box[0] - box[2]
        by_image.setdefault(image, []).append(box)

    def squares(images: Sequence[str]) -> NDArray[np.uint8]:
        return np.stack([painted_out(source.pixels(image), by_image[image]) for image in images])

    return laid(look(model, squares, rows.take(places).table, batch=batch).scores, rows, places)


def laid(scores: Floats, rows: Cohort, places: NDArray[np.int64]) -> Floats:
    """Return scores at their rows, nan elsewhere."""
    whole = np.full((rows.n_images, scores.shape[1]), np.nan)
    whole[places] = scores
    return whole


# --- checks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Changed:
    """The maps of some images, and of the same images after the model or they were changed."""

    maps: NDArray[Any]
    patients: tuple[str, ...]
    randomised: dict[str, NDArray[np.float32]]
    moved: dict[str, NDArray[np.float32]]


def changed_maps(
    model: Model,
    rows: Cohort,
    maps: HeatMaps,
    source: PixelSource,
    n: int,
    keep: Sequence[int],
    *,
    seed: int,
    progress: Callable[[str], None],
) -> Changed:
    """Make layers random and move images, on n images evenly spread over the rows."""
    some = np.unique(np.linspace(0, rows.n_images - 1, min(n, rows.n_images)).round().astype(np.int64))
    table = rows.take(some).table
    random = randomised_maps(model, source.batch, table, method=maps.method, seed=seed, progress=progress)
    progress("moving images")
    moved = moved_maps(model, source.batch, table, method=maps.method, cells=maps.maps.shape[2])
    of = {name: each[:, list(keep)] for name, each in random.items()}
    moves = {name: each[:, list(keep)] for name, each in moved.items()}
    return Changed(maps.maps[some], tuple(maps.patients[row] for row in some), of, moves)


# --- pictures --------------------------------------------------------------------------------------------------------


def pictures(
    maps: HeatMaps,
    source: PixelSource,
    n: int,
    detected: Callable[[Floats], Floats],
    marks: pl.DataFrame | None = None,
) -> tuple[dict[str, bytes], bytes]:
    """Return the pictures of chosen images by file name, and the table that lists them.

    `detected` makes boxes (n, 4) of left, top, right, lower edge of a map; `marks` are the boxes of a confounder.
    """
    files, rows = {}, []
    full = [full_colour(maps, finding) for finding in range(len(maps.findings))]
    for number, choice in enumerate(chosen(maps, n) if n else ()):
        image, finding = maps.images[choice.image], maps.findings[choice.finding]
        heat = maps.heat(choice.image, choice.finding)
        edges = detected(heat)
        boxes = Boxes(
            of_image(maps.boxes.filter(pl.col("finding") == finding), image),
            np.column_stack([edges[:, :2], edges[:, 2:] - edges[:, :2]]),
            of_image(marks, image) if marks is not None else np.empty((0, 4)),
        )
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
        rows.append((file, image, finding, choice.outcome, *cells, f"{choice.why}; {said[2]}"))
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
    own = boxes.filter((pl.col("image") == image) & (pl.col("width") > 0) & (pl.col("height") > 0))
    return own.select("x", "y", "width", "height").to_numpy().reshape(-1, 4)
