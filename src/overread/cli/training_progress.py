"""How far a training is: a bar where standard error is a terminal, else a line per epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from overread.vision.learning import Progress, Show


@contextmanager
def training_progress() -> Iterator[Show]:
    """Yield what shows the progress of a training."""
    if not sys.stderr.isatty():
        yield lambda progress: print_epoch(progress)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task, shown = bar.add_task("starting", total=None), [0.0]

        def show(progress: Progress) -> None:
            if progress.figures is not None:
                bar.console.print(line(progress), highlight=False)
            elif time.monotonic() - shown[0] > 0.2 or progress.step == progress.n_steps:
                shown[0] = time.monotonic()
                total, done = progress.n_epochs * progress.n_steps, (progress.epoch - 1) * progress.n_steps
                text = f"epoch {progress.epoch} of {progress.n_epochs}, loss {progress.loss:.4f}"
                bar.update(task, description=text, total=total, completed=done + progress.step)

        yield show


def print_epoch(progress: Progress) -> None:
    """Print the line of an epoch that has ended."""
    if progress.figures is not None:
        typer.echo(line(progress), err=True)


def line(progress: Progress) -> str:
    """Return the line of an epoch that has ended."""
    figures = progress.figures or {}
    area = figures["val_auroc"]
    return (
        f"epoch {progress.epoch} of {progress.n_epochs}: loss {figures['train_loss']:.4f}, "
        f"validation loss {figures['val_loss']:.4f}, "
        f"mean AUROC {'not known' if area != area else f'{area:.3f}'}, {figures['seconds']:.1f} s"
        f"{', the best so far' if progress.best else ''}"
    )
