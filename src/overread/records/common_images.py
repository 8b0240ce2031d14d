"""Which images do a cohort and its readings have in common?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.errors import InputError, counted, listed, plain, quoted
from overread.records.findings import key
from overread.records.reading import Reading

ALL = "Report every row that the readings have with --split all."


@dataclass(frozen=True, eq=False)
class Placed:
    """A reading, and for each row of a cohort the reading's row of the same image, -1 where it has none."""

    reading: Reading
    rows: NDArray[np.int64]

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Return which rows of the cohort the reading scores."""
        return self.rows >= 0

    def called(self, part: str) -> NDArray[np.bool_]:
        """Return which rows of the cohort the reading itself calls `train`, `val` or `test`."""
        if self.reading.split is None:
            return np.zeros(len(self.rows), np.bool_)
        named = (self.reading.split == part).fill_null(False).to_numpy()
        return self.scored & named[self.rows]

    def scores(self, rows: NDArray[np.int64], findings: Sequence[str]) -> NDArray[np.float64]:
        """Return the scores (rows, findings) of some rows of the cohort."""
        column = {key(finding): place for place, finding in enumerate(self.reading.findings)}
        return self.reading.scores[self.rows[rows]][:, [column[key(finding)] for finding in findings]]


def placed(cohort: Cohort, reading: Reading) -> Placed:
    """Find the images of a cohort in a reading.

    Raises `InputError` when the two have none in common.
    """
    ours = pl.DataFrame({"image": cohort.images})
    theirs = pl.DataFrame({"image": reading.images, "row": np.arange(len(reading.images))})
    joined = ours.join(theirs, on="image", how="left", maintain_order="left")
    rows = joined["row"].fill_null(-1).to_numpy()
    if (rows < 0).all():
        what = (
            f"no image is common to the reading and the cohort {plain(cohort.name)}: the reading has for example "
            f"{quoted(reading.images[0])}, the cohort {quoted(cohort.images[0])}"
        )
        expected = "the same names on both sides, ending included (only the last part of a path counts)"
        raise InputError(plain(reading.name), what, expected)
    return Placed(reading, rows)


def rows_of_split(cohort: Cohort, split: str) -> NDArray[np.bool_]:
    """Return which rows of the cohort are asked for; a cohort without splits is all test.

    Raises `InputError` when there is none.
    """
    if split == "all" or (split == "test" and cohort.split is None):
        return np.ones(cohort.n_images, bool)
    if cohort.split is None:
        what = f"the cohort has no splits, and the {split} split is asked for"
        raise InputError(plain(cohort.name), what, "a column split, or --split all")
    wanted = (cohort.split == split).fill_null(False).to_numpy()
    if not wanted.any():
        raise InputError(plain(cohort.name), f"no image of the cohort is in the {split} split", "", ALL)
    return wanted


def common_rows(cohort: Cohort, readings: Sequence[Placed], wanted: NDArray[np.bool_], split: str) -> NDArray[np.int64]:
    """Return the rows that are asked for and that every reading scores, sorted by image name.

    Raises `InputError` when there is none.
    """
    for each in readings:
        if not (wanted & each.scored).any():
            n = len(each.reading.images)
            what = f"none of its images ({n:,}) is in the {split} split of the cohort {plain(cohort.name)}"
            raise InputError(plain(each.reading.name), what, f"scores of the {split} split", ALL)
    rows = np.flatnonzero(scored_by_all(readings) & wanted)
    if not len(rows):
        names = listed([each.reading.name for each in readings], most=5)
        raise InputError(names, "no image is common to all readings", "the same images in each", "Report them apart.")
    return by_name(cohort, rows)


def scored_by_all(readings: Sequence[Placed]) -> NDArray[np.bool_]:
    """Return which rows of the cohort every reading scores."""
    return np.logical_and.reduce([each.scored for each in readings])


def by_name(cohort: Cohort, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows of the cohort in the order of their image names."""
    return rows[cohort.images[rows].arg_sort().to_numpy()]


def images_on_one_side(
    cohort: Cohort, readings: Sequence[Placed], wanted: NDArray[np.bool_], split: str
) -> Iterable[str]:
    """Say how many images only a reading has, only the cohort has, and only some of the readings have."""
    common = scored_by_all(readings)
    for each in readings:
        name = plain(each.reading.name)
        known = np.zeros(len(each.reading.images), bool)
        known[each.rows[each.scored]] = True
        if not known.all():
            absent = each.reading.images.filter(pl.Series(~known)).sort()
            images = counted(len(absent), "image")
            yield f"{name} scores {images} that the cohort does not have ({listed(absent.to_list())}); left out."
        unscored = cohort.images.filter(pl.Series(wanted & ~each.scored)).sort()
        if len(unscored) and split != "all":
            part = "the cohort" if cohort.split is None else f"the {split} split"
            said = f"{name} has no score for {len(unscored):,} of the {int(wanted.sum()):,} images of {part}"
            yield f"{said} ({listed(unscored.to_list())}); all figures are of the others."
        lost = int((wanted & each.scored & ~common).sum())
        if lost:
            yield f"{counted(lost, 'image')} that {name} scores and another reading does not: left out."


def training_rows(cohort: Cohort, rows: NDArray[np.int64]) -> Iterable[str]:
    """Say how many of the reported rows lie in the training part."""
    n = 0 if cohort.split is None else int((cohort.split[rows] == "train").sum())
    if n:
        yield (
            f"{n:,} of the {len(rows):,} images reported lie in the training part of the cohort: "
            "a model that was trained on them has seen their labels."
        )
