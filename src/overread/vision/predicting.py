"""The scores of a run on a split of a cohort, in as many processes as asked for, resumed after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from overread.records.cohort import Cohort
from overread.records.errors import InputError, located
from overread.records.reading import Reading, write_reading
from overread.vision.pixels import PixelSource, attributes_from, open_pixels, present
from overread.vision.rows_to_score import missing_metadata, rows_to_score
from overread.vision.run_scorers import chosen_device, chosen_engine
from overread.vision.runs import MODEL, read_run
from overread.vision.score_parts import OnDisk, pieces
from overread.vision.scoring import assembled, read, score_share
from overread.vision.scoring_processes import Job, score_in_processes


@dataclass(frozen=True)
class Choices:
    """How to score: what `overread predict` is asked for, by the names of its options."""

    split: str = "test"
    tuning_rows: bool = True
    engine: str = "auto"
    device: str = "auto"
    devices: int = 1
    precision: str = "float32"
    flip: bool = False
    batch_size: int = 16
    workers: int | None = None
    present_only: bool = False
    skip_unreadable: bool = False


@dataclass(frozen=True)
class Effect:
    """How far scores in reduced precision lie from those in float32, on the first images."""

    images: int
    furthest: float
    mean: float


def predict(
    run: Path,
    cohort: Cohort,
    images: Path,
    out: Path,
    choices: Choices = Choices(),
    *,
    progress: Callable[[int, int], None] = lambda done, of: None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Reading:
    """Score a split with a run, and the run's tuning rows with it, and write the reading.

    Scores that are done lie in `OUT.parts` until the reading is written; the same call goes on from them. `progress` is
    told how many images of how many are done, `say` what the person who asked should know.
    """
    check(choices)
    found = read_run(run)
    rows = rows_to_score(cohort, found, split=choices.split, tuning_rows=choices.tuning_rows).rows
    pixels = open_pixels(images, size=found.preprocessing.size, fit=found.preprocessing.fit)
    there = attributes_from(pixels, present(cohort.take(rows), pixels, images, present_only=choices.present_only))
    chosen = rows_to_score(
        there, found, split=choices.split, tuning_rows=choices.tuning_rows
    )  # of those that are there
    wanted = replace(there.take(chosen.rows), refusals={})  # which matter where labels are judged
    for said in (*chosen.warnings, *missing_metadata(found, wanted)):
        say(said)
    engine = chosen_engine(
        choices.engine,
        device=choices.device,
        precision=choices.precision,
        images=wanted.n_images,
        exported=(run / MODEL).is_file(),
    )
    choices = replace(choices, engine=engine)
    place = out.with_name(f"{out.name}.parts")
    had = place.exists()
    parts = OnDisk.begun(place, facts(run, wanted, pixels, images, choices))
    if had and not parts.done():
        say(f"{located(place)} held scores of another run, other images or other options: all are scored anew.")
    job = Job(
        run,
        wanted,
        images,
        parts,
        engine=choices.engine,
        device=choices.device,
        precision=choices.precision,
        flip=choices.flip,
        batch_size=choices.batch_size,
        workers=choices.workers,
        skip_unreadable=choices.skip_unreadable,
        fit=found.preprocessing.fit,
    )
    try:
        do(job, choices.devices, pixels, progress, say)
        reading = assembled(parts, wanted, found.findings, name=found.name, split=chosen.split.to_list())
        write_reading(reading, out)
    except InputError:
        if not parts.done():
            parts.delete()
        raise
    parts.delete()
    return reading


def do(
    job: Job, devices: int, pixels: PixelSource, progress: Callable[[int, int], None], say: Callable[[str], None]
) -> None:
    """Score all pieces that are not done yet."""
    n, sizes = job.cohort.n_images, [piece.stop - piece.start for piece in pieces(job.cohort.n_images)]
    before = sum(size for number, size in enumerate(sizes) if job.parts.has(number))
    if before:
        say(f"Going on from {before:,} of {n:,} images that were scored before.")
    if job.precision != "float32" and before < n:
        found = effect(job, pixels)
        if found is not None:
            say(
                f"{job.precision} against float32 on the first {found.images} images: scores differ by up to "
                f"{found.furthest:.1e}, by {found.mean:.1e} on average."
            )
    done = before
    progress(done, n)

    def scored(images: int) -> None:
        nonlocal done
        done += images
        progress(done, n)

    if devices > 1:
        score_in_processes(job, devices, lambda number: progress(min(n, number * sizes[0]), n))
        return
    score_share(
        job.scorer(),
        job.cohort,
        pixels,
        job.parts,
        batch_size=job.batch_size,
        workers=job.workers,
        skip_unreadable=job.skip_unreadable,
        progress=scored,
    )


def effect(job: Job, pixels: PixelSource) -> Effect | None:
    """Score the first batch in float32 too, and compare; nothing where none of its images can be read."""
    rows = job.cohort.table.head(job.batch_size)
    squares, reasons = read(pixels, rows["image"].to_list(), job.skip_unreadable)
    rows = rows.filter(~pl.col("image").is_in(list(reasons)))
    if not len(rows):
        return None
    reduced, full = (each.scorer().scores(squares, rows) for each in (job, replace(job, precision="float32")))
    apart = np.abs(reduced - full)
    return Effect(len(rows), float(apart.max()), float(apart.mean()))


def facts(run: Path, cohort: Cohort, pixels: PixelSource, images: Path, choices: Choices) -> list[object]:
    """Return all that the scores depend on."""
    return [
        (run / "run.json").read_text(encoding="utf-8"),
        str(images.resolve()),
        pixels.size,
        pixels.fit,
        cohort.table.write_csv(),
        choices.engine,
        chosen_device(choices.device),
        choices.precision,
        choices.flip,
    ]


def check(choices: Choices) -> None:
    """Refuse numbers that are none of the kind."""
    for option, value in (
        ("--devices", choices.devices),
        ("--workers", choices.workers),
        ("--batch-size", choices.batch_size),
    ):
        if value is not None and value < 1:
            raise InputError(option, f"it is {value}", "1 or more")
    if chosen_device(choices.device) == "cuda":
        import torch

        if choices.devices > torch.cuda.device_count():
            there = torch.cuda.device_count()
            raise InputError(
                "--devices", f"it is {choices.devices}, and PyTorch finds {there} GPUs", f"{there} at most"
            )
