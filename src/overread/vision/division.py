"""Which rows a model learns from, and which choose its best epoch: never a row that is tested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.errors import InputError


@dataclass(frozen=True, eq=False)
class Division:
    """Row numbers of a cohort: `train` is learnt from, `val` chooses the epoch and later thresholds."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    warnings: tuple[str, ...] = ()

    def table(self, cohort: Cohort) -> pl.DataFrame:
        """Return image, patient (where known) and split of all rows that are used, in the order of the cohort."""
        split = np.full(cohort.n_images, "", dtype=object)
        split[self.train], split[self.val] = "train", "val"
        columns = [name for name in ("image", "patient") if name in cohort.table.columns]
        rows = np.sort(np.concatenate([self.train, self.val]))
        return cohort.table.select(columns)[rows].with_columns(pl.Series("split", split[rows].tolist(), pl.String))


def used_rows(cohort: Cohort) -> NDArray[np.int64]:
    """Return the rows whose split is train or val, in their order; refuse a cohort without training rows."""
    if cohort.split is None or not (cohort.split == "train").any():
        what = "it has no column split" if cohort.split is None else "no row has the split train"
        raise InputError(
            cohort.name,
            f"{what}, so that there is nothing to learn from",
            "rows whose split is train, and rows whose split is test that no model sees",
            "Add a column split, divided by patient.",
        )
    return np.flatnonzero(cohort.split.is_in(["train", "val"]).fill_null(False).to_numpy())


def division(cohort: Cohort, *, share: float, seed: int) -> Division:
    """Divide a cohort's rows: its own val rows, or as many of its training patients as make up a share.

    Patients are drawn from their sorted names, so that the order of the rows changes nothing. A patient with several
    images is wholly on one side. Where patients are unknown, images are drawn, and a warning says so.
    """
    split = pl.Series(np.full(cohort.n_images, None)) if cohort.split is None else cohort.split
    training, own = ((split == part).fill_null(False).to_numpy() for part in ("train", "val"))
    if own.any():
        return Division(np.flatnonzero(training), np.flatnonzero(own))
    people = cohort.images if cohort.patients is None else cohort.patients
    names = people.gather(np.flatnonzero(training)).unique().sort()
    if len(names) < 2:
        what = f"its training rows are of {len(names)} patient{'s' if len(names) != 1 else ''}"
        raise InputError(cohort.name, what, "two or more: some are set aside to choose the best epoch")
    n_chosen = min(len(names) - 1, max(1, round(share * len(names))))
    chosen = np.random.default_rng(seed).choice(len(names), n_chosen, replace=False)
    aside = people.is_in(names.gather(np.sort(chosen)).to_list()).to_numpy()
    unknown = "Patients are unknown: the validation part was drawn by image, and may share patients with the rest."
    warnings = (unknown,) if cohort.patients is None else ()
    return Division(np.flatnonzero(training & ~aside), np.flatnonzero(training & aside), warnings)
