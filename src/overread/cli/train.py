"""`overread train`: the paper's two models, and others by name."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from overread.cli.options import CohortArgument
from overread.cli.training_progress import training_progress
from overread.records.errors import InputError, listed, located

INTERRUPTED = 130
MAY_CHANGE = ("workers",)
"""Settings that a training may go on with others of: they change no weight."""


def option(text: str, default: str = "") -> Any:
    """Return an option whose value, unless given, is that of the configuration or of `Settings`."""
    return typer.Option(help=text, show_default=default or False)


def train(
    context: typer.Context,
    cohort: CohortArgument,
    out: Annotated[Path, typer.Option(help="Folder of the run to write.", show_default=False)],
    images: Annotated[str | None, option("Store of overread prepare, or folder of images.", "the cohort's")] = None,
    present_only: Annotated[bool | None, typer.Option("--present-only", help="Go on without absent images.")] = None,
    metadata: Annotated[
        str | None, option("Attributes that the last layer is told; gender,view in the paper.", "none")
    ] = None,
    findings: Annotated[str | None, option("Findings to learn.", "all")] = None,
    backbone: Annotated[
        str | None,
        option(
            "densenet121, densenet169, densenet201, resnet18, resnet34, resnet50, or densenet_small to try.",
            "densenet121",
        ),
    ] = None,
    weights: Annotated[str | None, option("What it begins from: imagenet, none, or a file.", "imagenet")] = None,
    size: Annotated[int | None, option("Side of the images in pixels.", "the store's, or 256")] = None,
    crop: Annotated[int | None, option("Side of the part that the network sees.", "7/8 of size")] = None,
    epochs: Annotated[int | None, option("Times that every image is seen.", "20")] = None,
    batch_size: Annotated[int | None, option("Images per step and device.", "32")] = None,
    learning_rate: Annotated[float | None, option("Highest learning rate.", "1e-4; 1e-3 from random weights")] = None,
    optimizer: Annotated[str | None, option("Optimiser: adamw or adam.", "adamw")] = None,
    weight_decay: Annotated[float | None, option("Decay of the weights.", "0.0001")] = None,
    schedule: Annotated[
        str | None, option("How the learning rate falls: cosine, plateau or constant.", "cosine")
    ] = None,
    warmup: Annotated[float | None, option("Epochs in which the learning rate rises.", "1.0")] = None,
    patience: Annotated[int | None, option("Epochs without gain before it stops; 0: never.", "0")] = None,
    choose_by: Annotated[
        str | None, option("What the best epoch is chosen by, in validation: auroc or loss.", "auroc")
    ] = None,
    precision: Annotated[str | None, option("Of the arithmetic: 32, or in mixed precision bf16 or 16.", "32")] = None,
    accumulate: Annotated[int | None, option("Batches per step of the optimiser.", "1")] = None,
    clip: Annotated[float | None, option("Largest norm of the gradient; 0: no limit.", "0.0")] = None,
    val_share: Annotated[float | None, option("Share of training patients to validate on.", "0.125")] = None,
    seed: Annotated[int | None, option("Seed of every draw.", "0")] = None,
    flip: Annotated[float | None, option("Chance that an image is mirrored.", "0.5")] = None,
    rotation: Annotated[float | None, option("Largest turn in degrees.", "7.0")] = None,
    translation: Annotated[float | None, option("Largest shift, as a share of the side.", "0.05")] = None,
    scale: Annotated[float | None, option("Largest change of scale.", "0.1")] = None,
    brightness: Annotated[float | None, option("Largest change of brightness.", "0.1")] = None,
    contrast: Annotated[float | None, option("Largest change of contrast.", "0.2")] = None,
    accelerator: Annotated[str | None, option("What to train on: auto, cpu or gpu.", "auto")] = None,
    devices: Annotated[int | None, option("Devices on each machine.", "1")] = None,
    nodes: Annotated[int | None, option("Machines.", "1")] = None,
    strategy: Annotated[str | None, option("Lightning's strategy, such as ddp.", "auto")] = None,
    workers: Annotated[int | None, option("Processes that read images.", "0 on a processor")] = None,
    config: Annotated[Path | None, option("TOML file of these options; flags count more.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in the folder.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the run if it exists.")] = False,
) -> None:
    """Train a network on the cohort's training rows; with --metadata it is the paper's modified model.

    Examples:

        overread train CXR8 --images store --out standard

        overread train CXR8 --images store --out modified --metadata gender,view

        overread train CXR8 --out standard --resume
    """
    from overread.records.cohort import read_cohort
    from overread.vision.settings import Settings, read_settings

    gc.enable()  # hours of work, unlike other commands
    names = set(Settings.__dataclass_fields__)
    flags = {name: value for name, value in context.params.items() if name in names and value is not None}
    given = ({} if config is None else read_settings(config)) | flags
    if resume and force:
        raise InputError("--resume", "it is given together with --force", "one of them")
    if resume and (out / "train.toml").is_file():
        given = as_begun(given, read_settings(out / "train.toml"), out)
    if "images" not in given and Path(cohort).is_dir():
        given["images"] = cohort
    settings = Settings.of(given)
    labels = read_cohort(cohort)

    from overread.vision.training import train as train_network

    def say(sentence: str) -> None:
        typer.echo(f"overread: {sentence}", err=True)

    try:
        with training_progress() as show:
            run = train_network(labels, out, settings, force=force, resume=resume, show=show, say=say)
    except KeyboardInterrupt:
        say(f"interrupted: go on with overread train {cohort} --out {out} --resume")
        raise typer.Exit(INTERRUPTED) from None
    if run is not None:
        typer.echo(f"Wrote {out}: epoch {run.metrics['epoch']} is the best, with {figures(run.metrics)} in validation.")
        where = "" if settings.images in (None, cohort) else f" --images {settings.images}"
        typer.echo(f"Score images with it: overread predict {out} {cohort}{where} --split test --out {out.name}.csv")


def as_begun(given: Mapping[str, Any], begun: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return the settings that a training began with, or refuse others for it."""
    from overread.vision.settings import Settings

    now, then = Settings.of(given), Settings.of(begun)
    other = [name for name in given if name not in MAY_CHANGE and getattr(now, name) != getattr(then, name)]
    if other:
        flags = [f"--{name.replace('_', '-')}" for name in other]
        expected = "the settings that it began with, which --resume takes from train.toml"
        raise InputError(located(out), f"the training there has another {listed(flags)}", expected)
    return {**begun, **{name: value for name, value in given.items() if name in MAY_CHANGE}}


def figures(metrics: Mapping[str, Any]) -> str:
    """Return the validation figures as a sentence has them."""
    area = metrics.get("val_auroc")
    return f"loss {metrics['val_loss']:.4f}" + ("" if area is None else f" and mean AUROC {area:.3f}")
