"""Arguments and options that several commands have, each worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

COHORT = "NIH's folder, a table of labels, or the word chestxray14."

CohortArgument = Annotated[str, typer.Argument(help=COHORT, show_default=False)]
CohortOption = Annotated[str, typer.Option(help=COHORT, show_default=False)]
ScoresOut = Annotated[
    Path, typer.Option(help="Table of scores to write: .csv, .csv.gz or .parquet.", show_default=False)
]
Images = Annotated[
    Path | None,
    typer.Option(help="Store of overread prepare, or folder of images; by default the cohort's.", show_default=False),
]
Adjudicated = Annotated[
    Path | None,
    typer.Option(
        help="Table of a better truth for some images: a column per label, each cell YES, NO or HEDGE.",
        show_default=False,
    ),
]
AdjudicatedMap = Annotated[
    Path | None,
    typer.Option(
        help="Table with the columns label and finding: what each label of --adjudicated stands for.",
        show_default=False,
    ),
]
Level = Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")]
Replicates = Annotated[int, typer.Option(min=100, help="Bootstrap replicates, patients resampled.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every random draw; the same seed gives the same bytes.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier report in the same folder.")]
ForceTable = Annotated[bool, typer.Option("--force", help="Replace the table if it exists.")]
