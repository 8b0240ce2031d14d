"""What was each row to the reader? Rows that it was trained on, its tuning rows, and where it contradicts the cohort.

A model may cut its validation part out of the rows that the cohort calls `train`, or may have been trained on rows that
the cohort calls `test`. Only the reading can say so, by its own column `split`; a reading without one is taken to have
followed the cohort.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.common_images import Placed
from overread.records.errors import InputError, counted, listed, plain

TESTED = ("test", "val")
"""The parts of a cohort that are reported as rows which the reader has not been trained on."""


def part_of_cohort(cohort: Cohort, part: str) -> NDArray[np.bool_]:
    """Return which rows the cohort calls so; none where it has no parts."""
    if cohort.split is None:
        return np.zeros(cohort.n_images, np.bool_)
    return (cohort.split == part).fill_null(False).to_numpy()


def own_tuning_rows(cohort: Cohort, reading: Placed) -> NDArray[np.bool_]:
    """Return which rows of the cohort are a reading's tuning rows: those that it or the cohort calls `val`.

    Not those that the cohort calls test, whatever the reading says, nor those that the reading was trained on.
    """
    by_cohort = part_of_cohort(cohort, "val") & reading.scored & ~reading.called("train")
    return by_cohort | (reading.called("val") & ~part_of_cohort(cohort, "test"))


def seen_rows(cohort: Cohort, readings: Sequence[Placed], wanted: NDArray[np.bool_], split: str) -> NDArray[np.bool_]:
    """Return which of the rows asked for some reading has seen, so that they cannot be reported as tested.

    These are the rows that a reading was trained on, and its tuning rows where the cohort has no parts of its own.
    None are where `train` or `all` rows are asked for: those are reported as what they are.

    Raises `InputError` when a reading has seen every row that is asked for.
    """
    seen = np.zeros(cohort.n_images, np.bool_)
    if split not in TESTED:
        return seen
    for each in readings:
        own = wanted & seen_by(cohort, each)
        if own.any() and not (wanted & each.scored & ~own).any():
            what = (
                f"it was trained or tuned, by its own column split, on every image of the {split} split that it scores"
            )
            do = "Score images that the model has not seen, or report what it has with --split all."
            raise InputError(plain(each.reading.name), what, f"scores of images that are new to it ({split})", do)
        seen |= own
    return seen


def seen_by(cohort: Cohort, reading: Placed) -> NDArray[np.bool_]:
    """Return which rows a reading has seen by its own word: trained on, or tuned on in a cohort without parts."""
    return reading.called("train") | (reading.called("val") if cohort.split is None else False)


def own_words(
    cohort: Cohort, readings: Sequence[Placed], wanted: NDArray[np.bool_], reported: NDArray[np.int64], split: str
) -> Iterable[str]:
    """Say which rows a reading has seen by its own word, and what became of them."""
    is_reported = np.zeros(cohort.n_images, np.bool_)
    is_reported[reported] = True
    for each in readings:
        name, trained, tuned = plain(each.reading.name), each.called("train"), each.called("val")
        of_split = "" if cohort.split is None else f" of the {split} split"
        if split in TESTED:
            if (wanted & trained).any():
                yield f"{name} was trained on {images(cohort, wanted & trained)}{of_split} by its own word; left out."
            if cohort.split is None and tuned.any():
                yield f"{name} calls {images(cohort, tuned)} its tuning rows (val); not reported."
        elif (is_reported & trained).any():
            n = int((is_reported & trained).sum())
            yield f"{name} was trained on {n:,} of the {len(reported):,} images reported by its own word."
        if cohort.split is not None and (is_reported & tuned).any() and split == "test":
            said = f"{name} calls {images(cohort, is_reported & tuned)} val that the cohort calls test"
            yield f"{said}: reported, and no threshold is chosen on them; they flatter a model that was chosen on them."
        untested = part_of_cohort(cohort, "val") & trained
        if split == "test" and untested.any():
            said = f"{name} was trained on {images(cohort, untested)} that the cohort calls val"
            yield f"{said}; not used for thresholds."
        if split in TESTED:
            yield from known_patients(cohort, each, is_reported)


def known_patients(cohort: Cohort, reading: Placed, reported: NDArray[np.bool_]) -> Iterable[str]:
    """Say how many reported images are of patients whom the reading was trained on by its own word."""
    trained = reading.called("train")
    if cohort.patients is None or not trained.any():
        return
    known = reported & cohort.patients.is_in(cohort.patients.filter(pl.Series(trained)).unique().to_list()).to_numpy()
    if known.any():
        name = plain(reading.reading.name)
        yield f"{name} was trained on other images of the patients of {images(cohort, known)} reported."


def images(cohort: Cohort, rows: NDArray[np.bool_]) -> str:
    """Return how many images some rows are, and the first few of them."""
    return f"{counted(int(rows.sum()), 'image')} ({listed(cohort.images.filter(pl.Series(rows)).sort().to_list())})"
