"""`overread prepare`: images decoded once, so that every later pass over them reads and decodes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from overread.cli import choices
from overread.cli.options import CohortArgument


class Fit(StrEnum):
    """How an oblong image becomes square."""

    pad = "pad"
    stretch = "stretch"
    crop = "crop"


def prepare(
    cohort: CohortArgument,
    out: Annotated[Path, typer.Option(help="Folder of the store to write.", show_default=False)],
    images: Annotated[
        Path | None,
        typer.Option(help="Folder with the files anywhere below it; by default the cohort's.", show_default=False),
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the square images.")] = 256,
    fit: Annotated[
        Fit, typer.Option(help="Oblong images: pad with black, stretch the shorter side, or crop the longer.")
    ] = Fit.pad,
    workers: Annotated[
        int | None, typer.Option(help="Processes that decode; by default one per processor.", show_default=False)
    ] = None,
    present_only: Annotated[
        bool, typer.Option("--present-only", help="Take the images whose files are there, leave out the others.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Go on without images that cannot be read.")
    ] = False,
    most_pixels: Annotated[int, typer.Option(help="Refuse an image with more pixels than this.")] = 100_000_000,
    verify: Annotated[
        bool, typer.Option("--verify", help="Make nothing: compare the store at --out with its checksums.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the store if it exists.")] = False,
) -> None:
    """Decode every image of a cohort once, into a store of 8-bit squares that training and scoring read quickly.

    PNG, JPEG and DICOM are told by their content, and found by their names. Interrupted, the same command goes on
    where it stopped.

    Example:

        overread prepare chestxray14 --images CXR8 --size 256 --out store
    """
    from overread.records.cohort import read_cohort
    from overread.records.errors import InputError, counted
    from overread.vision.pixels import FolderPixels, present
    from overread.vision.preparing import check_place
    from overread.vision.preparing import prepare as make
    from overread.vision.store import UNREADABLE, is_store, open_store, refuse_damaged

    if verify:
        store = open_store(out)
        present(read_cohort(cohort), store, out, present_only=present_only)
        with bar("verifying") as show:
            refuse_damaged(store, progress=lambda done: show(done, len(store.names)))
        typer.echo(f"{out}: {counted(len(store.names), 'image')}, each with its checksum.")
        return
    check_place(out, force=force)
    labels = read_cohort(cohort)
    folder = choices.images_folder(cohort, images)
    if is_store(folder):
        raise InputError(str(folder), "this is a store already", "a folder with image files", "Check --images.")
    labels = present(labels, FolderPixels(folder, size), folder, present_only=present_only)
    try:
        with bar("decoding") as show:
            made = make(
                labels.images.to_list(),
                folder,
                out,
                size=size,
                fit=fit.value,
                workers=workers,
                skip_unreadable=skip_unreadable,
                force=force,
                most_pixels=most_pixels,
                progress=show,
            )
    except KeyboardInterrupt:
        typer.echo("overread: interrupted; the same command goes on where it stopped", err=True)
        raise typer.Exit(130) from None
    if made.unreadable:
        n = counted(len(made.unreadable), "image")
        left = "is" if len(made.unreadable) == 1 else "are"
        typer.echo(f"overread: {n} could not be read and {left} left out; see {out / UNREADABLE}", err=True)
    again = f", {made.resumed:,} of them from before" if made.resumed else ""
    typer.echo(f"Wrote {out}: {counted(made.images, 'image')} of {size} x {size} pixels{again}.")


class Rate(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        """Return the column."""
        return Text(f"{task.speed:,.0f} images/s" if task.speed else "")


@contextmanager
def bar(step: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many images are done, on standard error and only where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(step, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)
