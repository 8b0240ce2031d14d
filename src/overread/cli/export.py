"""`overread export`: a trained run as one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli import choices
from overread.cli.progress import progress


def export(
    run: Annotated[Path, typer.Argument(help="Folder that overread train wrote.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; by default RUN/model.onnx, which predict looks for.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a run as ONNX, preprocessing included, and check its scores against the network's.

    It takes pixels: uint8 (images, size, size), and, where the run has any, metadata: float32 (images, inputs). It
    gives scores: float32 (images, findings). The file's properties say which findings and inputs these are.

    Example:

        overread export standard --out standard.onnx
    """
    from overread.records.writing import replace_file
    from overread.vision.export import export as make
    from overread.vision.runs import MODEL, read_run

    path = run / MODEL if out is None else out
    choices.refuse_existing(path, force)
    with progress() as show:
        show("exporting")
        data, difference = make(read_run(run))
        replace_file(path, data)
    typer.echo(f"Wrote {path}: {len(data):,} bytes. Its scores differ from the network's by {difference:.1e} at most.")
