"""`overread study`: the empty form for what only a person can say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli import choices


def study(
    out: Annotated[Path, typer.Option(help="File to write the empty form into.")] = Path("study.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier form.")] = False,
) -> None:
    """Write the empty form of a study: what reporting guidelines ask and no table can answer.

    Fill in what you can; `overread report --study study.toml` then shows every item of the guidelines as reported,
    partly, missing or not applicable.

    Example:

        overread study --out study.toml
    """
    from overread.records.study_form import write_empty_form

    choices.refuse_existing(out, force)
    write_empty_form(out)
    typer.echo(f"Wrote {out}. Fill it in and give it to overread report --study {out}.")
