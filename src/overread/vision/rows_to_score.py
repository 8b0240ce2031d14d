"""Which rows of a cohort a run scores, and what each of them was to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.common_images import rows_of_split
from overread.records.errors import InputError, counted, listed, plain
from overread.vision.metadata import CODES
from overread.vision.runs import Run


@dataclass(frozen=True, eq=False)
class RowsToScore:
    """The rows, sorted, what each was to the run (train, val, test or null), and what whoever asks should know."""

    rows: NDArray[np.int64]
    split: pl.Series
    warnings: tuple[str, ...]


def rows_to_score(cohort: Cohort, run: Run, *, split: str = "test", tuning_rows: bool = True) -> RowsToScore:
    """Return the rows of a split, and with them the run's tuning rows, on which thresholds are chosen.

    The run's tuning rows are the images that it was validated on (its best epoch was chosen by them), which most
    cohorts know only as training rows; images that the cohort calls test are none. A row that the run was trained
    on is named so, and reports leave it out.

    Raises `InputError` where rows that count as tested are asked for and the run was trained on all of them.
    """
    of_run = cohort.images.to_frame().join(
        run.split.select("image", "split"), on="image", how="left", maintain_order="left"
    )
    trained, tuned = ((of_run["split"] == part).fill_null(False).to_numpy() for part in ("train", "val"))
    tests = np.ones(cohort.n_images, np.bool_)
    if cohort.split is not None:
        tests = (cohort.split == "test").fill_null(False).to_numpy()
        tuned = tuned & ~tests
    asked = tuned.copy() if split == "val" and tuned.any() else rows_of_split(cohort, split)
    if split == "test" and cohort.split is None:
        asked = asked & ~tuned
    if split in ("test", "val") and asked.any() and not (asked & ~trained).any():
        what = f"the run was trained on every image of its {split} split ({counted(int(asked.sum()), 'image')})"
        do = "Score images that it has not seen, or all of them with --split all."
        raise InputError(plain(cohort.name), what, "images that are new to the run", do)
    rows = np.flatnonzero(asked | tuned if tuning_rows else asked)
    part = np.where(trained, "train", np.where(tuned, "val", np.where(tests, "test", "")))
    named = pl.Series("split", [word or None for word in part[rows].tolist()], dtype=pl.String)
    return RowsToScore(rows, named, (*seen(cohort, run, asked, trained, split), *without_tuning(tuned, tuning_rows)))


def seen(cohort: Cohort, run: Run, asked: NDArray[np.bool_], trained: NDArray[np.bool_], split: str) -> list[str]:
    """Say how many of the rows asked for the run was trained on, and how many are of patients it was trained on."""
    name, warnings = plain(run.name), []
    if split == "train":
        return []
    if (asked & trained).any():
        images = cohort.images.filter(pl.Series(asked & trained)).sort().to_list()
        said = f"{name} was trained on {counted(len(images), 'image')} of those asked for ({listed(images)})"
        warnings.append(f"{said}: named train in the reading's column split, and no report counts them as tested.")
    if cohort.patients is not None and "patient" in run.split.columns:
        people = run.split.filter(pl.col("split") == "train")["patient"].unique().to_list()
        known = asked & ~trained & cohort.patients.is_in(people).to_numpy()
        if known.any():
            said = (
                f"{name} was trained on other images of the patients of {counted(int(known.sum()), 'image')} asked for"
            )
            warnings.append(f"{said}: figures on them may flatter.")
    return warnings


def without_tuning(tuned: NDArray[np.bool_], wanted: bool) -> list[str]:
    """Say so where the reading will have no tuning rows though they were wanted."""
    if not wanted or tuned.any():
        return []
    return ["The cohort has none of the images that the run was validated on: reports cross-fit the thresholds."]


def missing_metadata(run: Run, cohort: Cohort) -> list[str]:
    """Say on how many images an attribute that the run takes is missing, and what it is given instead.

    Raises `InputError` where the cohort has no such column.
    """
    run.metadata.encode(cohort.table.head(0), name=plain(cohort.name))
    warnings = []
    for attribute in run.metadata.attributes:
        known = cohort.table[attribute].cast(pl.String)
        coded = next(column.values for column in run.metadata.columns if column.attribute == attribute)
        lacking = (
            known.is_null() if coded is None or attribute not in CODES else ~known.is_in(list(coded)).fill_null(False)
        )
        if lacking.any():
            images = f"{int(lacking.sum()):,} of {counted(cohort.n_images, 'image')}"
            warnings.append(f"{plain(attribute)} is not known on {images}: the mean of the training rows stands in.")
    return warnings
