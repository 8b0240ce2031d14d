"""`overread predict`: the scores of a trained run on a split of a cohort."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from overread.cli import choices
from overread.cli.options import CohortArgument, ForceTable, Images, ScoresOut
from overread.cli.prepare import bar


class Engine(StrEnum):
    """What computes the network."""

    auto = "auto"
    torch = "torch"
    onnx = "onnx"
    openvino = "openvino"


class Precision(StrEnum):
    """Of the convolutions."""

    float32 = "float32"
    bfloat16 = "bfloat16"


class Augmentation(StrEnum):
    """Further views of an image that are scored too."""

    flip = "flip"


def predict(
    run: Annotated[Path, typer.Argument(help="Folder that overread train wrote.", show_default=False)],
    cohort: CohortArgument,
    out: ScoresOut,
    images: Images = None,
    split: Annotated[str, typer.Option(help="Part of the cohort to score: test, val, train or all.")] = "test",
    tuning_rows: Annotated[
        bool,
        typer.Option(
            "--tuning-rows/--no-tuning-rows",
            help="Score the run's validation images too: reports choose thresholds on them.",
        ),
    ] = True,
    device: Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes: one to a GPU, or to a share of the cores.")] = 1,
    batch_size: Annotated[int, typer.Option(help="Images that are scored together.")] = 16,
    workers: Annotated[
        int | None, typer.Option(help="Threads that decode; by default one per core in use.", show_default=False)
    ] = None,
    tta: Annotated[
        Augmentation | None,
        typer.Option(help="flip: score each image mirrored too; the mean of both scores counts.", show_default=False),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="bfloat16 is faster where the device has it; what it changes is printed.")
    ] = Precision.float32,
    engine: Annotated[
        Engine,
        typer.Option(
            help="auto: ONNX Runtime, the fastest in float32 on a processor, where it is installed and RUN/model.onnx "
            "(overread export) is there or 1,000 images are to score; else torch. openvino is the fastest in bfloat16."
        ),
    ] = Engine.auto,
    present_only: Annotated[
        bool, typer.Option("--present-only", help="Score the images whose files are there, leave out the others.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Go on without images that cannot be read.")
    ] = False,
    force: ForceTable = False,
) -> None:
    """Score every image of a split once, and the run's own validation images for thresholds (column split: val).

    Interrupted, the same command goes on where it stopped.

    Examples:

        overread predict standard CXR8 --images store --split test --out standard.csv

        overread predict standard CXR8 --images store --out standard.csv --device cuda --devices 4
    """
    from overread.records.cohort import read_cohort
    from overread.records.errors import InputError
    from overread.records.study import SPLITS
    from overread.records.tables import suffix
    from overread.vision.predicting import Choices
    from overread.vision.predicting import predict as make

    gc.enable()  # hours of work, unlike other commands
    suffix(out)
    choices.refuse_existing(out, force)
    if split not in SPLITS:
        raise InputError("--split", f"{split!r} is not a part of a cohort", f"one of {', '.join(SPLITS)}")
    folder = choices.images_folder(cohort, images)
    asked = Choices(
        split=split,
        tuning_rows=tuning_rows,
        engine=engine.value,
        device=device,
        devices=devices,
        precision=precision.value,
        flip=tta is Augmentation.flip,
        batch_size=batch_size,
        workers=workers,
        present_only=present_only,
        skip_unreadable=skip_unreadable,
    )

    def say(sentence: str) -> None:
        typer.echo(f"overread: {sentence}", err=True)

    try:
        with bar("scoring") as show:
            reading = make(run, read_cohort(cohort), folder, out, asked, progress=show, say=say)
    except KeyboardInterrupt:
        say("interrupted; the same command goes on where it stopped")
        raise typer.Exit(130) from None
    for warning in reading.warnings:
        say(warning)
    tuning = 0 if reading.split is None else int((reading.split == "val").sum())
    with_tuning = f", {tuning:,} of them tuning rows (val)" if tuning else ""
    typer.echo(f"Wrote {out}: {len(reading.images):,} images{with_tuning}, {len(reading.findings)} findings.")
    typer.echo(f"Report it: overread report {out} --cohort {cohort}")
