"""`overread phantom`: a synthetic cohort with known truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overread.cli.choices import shares
from overread.cli.options import Seed
from overread.cli.progress import progress
from overread.records.errors import InputError, plain

if TYPE_CHECKING:
    from overread.vision.phantom.design import Drains


def phantom(
    folder: Annotated[Path, typer.Argument(help="Folder to write the cohort into.", show_default=False)],
    images: Annotated[int, typer.Option(help="Number of images.")] = 2000,
    shortcut: Annotated[
        str | None,
        typer.Option(
            help="drain=P: a pneumothorax carries a chest drain with probability P, any other image with 0.02.",
            show_default=False,
        ),
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(
            help="drain=P: as many drains as with --shortcut drain=P, dealt without regard to pneumothorax; the images "
            "are the same but for their drains.",
            show_default=False,
        ),
    ] = None,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Plant the shortcut in the training part; the test part is a control.")
    ] = False,
    without_drains: Annotated[
        bool, typer.Option("--without-drains", help="Leave every drain out of the same images, their noise included.")
    ] = False,
    size: Annotated[int, typer.Option(help="Side of the images, in pixels.")] = 256,
    prevalence_floor: Annotated[
        float, typer.Option(help="How frequent a finding is at least; 0 keeps the frequencies of ChestX-ray14.")
    ] = 0.04,
    prevalence: Annotated[
        str | None, typer.Option(help="Frequencies of findings, as Pneumothorax=0.2,...", show_default=False)
    ] = None,
    seed: Seed = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that draw; by default one for each core.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a phantom that is there.")] = False,
) -> None:
    """Write a synthetic cohort in NIH's layout: drawn radiographs, known truth, boxes, and if asked a planted drain.

    An interrupted run goes on where it was when the same command is given again.

    Example:

        overread phantom drawn --images 2000 --shortcut drain=0.9 --seed 1
    """
    try:
        from overread.vision.phantom.cohort import write_phantom
        from overread.vision.phantom.design import Design
    except ModuleNotFoundError as error:
        if error.name != "cv2":
            raise
        raise InputError(
            "overread phantom", "OpenCV is not installed", "", "Install it with: pip install 'overread[vision]'."
        ) from None
    design = Design(
        images=images,
        seed=seed,
        size=size,
        drains=drains(shortcut, control, train_only=train_only),
        without_drains=without_drains,
        floor=prevalence_floor,
        prevalence=shares("--prevalence", prevalence, "Pneumothorax=0.2"),
    )
    done = 0
    with progress() as show:

        def told(n: int, of: int) -> None:
            nonlocal done
            done = n
            show(f"drawing: {n:,} of {of:,} images")

        try:
            write_phantom(design, folder, workers=workers or cores(), force=force, progress=told)
        except KeyboardInterrupt:
            said = f"interrupted: {done:,} of {images:,} images are drawn; the same command goes on from there"
            typer.echo(f"overread: {said}", err=True)
            raise typer.Exit(130) from None
    typer.echo(f"Wrote {images:,} synthetic images to {folder}. Every one is a phantom: no person is shown.")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def drains(shortcut: str | None, control: str | None, *, train_only: bool) -> Drains | None:
    """Read `--shortcut` and `--control`.

    >>> drains("drain=0.9", None, train_only=False)
    Drains(kind='shortcut', probability=0.9, everywhere=True)
    """
    from overread.vision.phantom.design import Drains

    if shortcut is not None and control is not None:
        raise InputError(
            "--control", "--shortcut is given too", "one of the two", "Write two cohorts, with equal --seed."
        )
    if train_only and shortcut is None:
        raise InputError("--train-only", "there is no shortcut to plant", "--shortcut drain=P too")
    if shortcut is not None:
        return Drains("shortcut", probability("--shortcut", shortcut), everywhere=not train_only)
    return None if control is None else Drains("control", probability("--control", control))


def probability(option: str, text: str) -> float:
    """Read drain=P.

    >>> probability("--shortcut", "drain=0.9")
    0.9
    """
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if name.strip().lower() != "drain" or not 0 <= value <= 1:
        do = f"Write for example {option} drain=0.9."
        raise InputError(option, f"{plain(text)} is not understood", "drain=P with P from 0 to 1", do)
    return value
