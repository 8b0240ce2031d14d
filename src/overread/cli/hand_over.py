"""`overread hand-over`: a finished report in the forms in which it is passed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from overread.cli import choices
from overread.cli.options import Force
from overread.cli.progress import progress


def hand_over(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a report.", show_default=False)],
    to: Annotated[
        str | None,
        typer.Option(help="Some of pdf,slides,latex,markdown,model-index; all that can be made.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write the files into.")] = Path("hand-over"),
    published: Annotated[
        list[str] | None,
        typer.Option(
            help="A model of the report's published results to put beside Table 1; may be repeated.", show_default=False
        ),
    ] = None,
    browser: Annotated[
        str | None,
        typer.Option(help="Chromium, Chrome or Edge, where it is not found by itself.", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """Pass a finished report on: the page as PDF, slides, tables for a manuscript, a model card.

    Every number is taken from the report as it is; nothing is computed anew. A PDF needs Chromium, Chrome or Edge on
    this machine, slides need the extra hand-over; without --to, what cannot be made is left out and named.

    Example:

        overread hand-over second-reading --to slides,latex --out for-the-meeting
    """
    from overread.report.hand_over.finished import read_finished
    from overread.report.hand_over.writing import chosen_forms, free_place, handed_over, left_out, write_hand_over

    free_place(folder, out, force=force)
    asked = choices.names(to or "")
    forms, report = chosen_forms(asked), read_finished(folder)
    absent = left_out(forms, browser)
    if absent and asked:
        raise next(iter(absent.values()))
    for reason in absent.values():
        typer.echo(f"Left out: {reason}", err=True)
    forms = tuple(form for form in forms if form not in absent)
    with progress() as show:
        files = handed_over(report, forms, published=published or (), browser=browser, progress=show)
        write_hand_over(report, files, out, force=force)
    for name in sorted(files):
        typer.echo(f"Wrote {out / name}")
