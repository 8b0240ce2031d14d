"""`overread demo`: the main job on what ships inside."""

from __future__ import annotations

from pathlib import Path

import typer

from overread.cli import calls
from overread.cli.options import Force, Replicates, Seed
from overread.cli.progress import progress
from overread.cli.report import Out, tell


def demo(
    context: typer.Context,
    out: Out = Path("second-reading"),
    replicates: Replicates = 2000,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Compare two readers that never see an image, on the real ChestX-ray14 test split; no download, no images.

    Example:

        overread demo --out second-reading
    """
    from overread.analyses.demo import demo_reading
    from overread.analyses.options import Options
    from overread.report.writer import check_output, write_report

    check_output(out, force=force)
    with progress() as show:
        result = demo_reading(Options(replicates=replicates, seed=seed, floor=False), progress=show)
        show("writing the report")
        write_report(result, out, force=force, call=calls.words(context))
    tell(out)
