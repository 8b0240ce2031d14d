"""A study: readings of one cohort on the same images, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.common_findings import common_findings, findings_on_one_side, refuse_unusable, settled
from overread.records.common_images import (
    Placed,
    by_name,
    common_rows,
    images_on_one_side,
    placed,
    rows_of_split,
    training_rows,
)
from overread.records.errors import InputError, counted, listed, plain, quoted
from overread.records.own_parts import own_tuning_rows, own_words, seen_rows
from overread.records.reading import Reading
from overread.records.tables import Source

SPLITS = ("test", "val", "train", "all")


@dataclass(frozen=True, eq=False)
class Tuning:
    """The rows on which thresholds are chosen: never rows, nor patients, that are reported. Laid out as a study's.

    `own` is empty where all readings share these rows. Where they do not (two models that cut different validation
    parts out of the training rows), it says by the name of a reading which of the rows are its own, and its scores on
    the others are nan: no reading is tuned on rows that are not its own. A reading that it does not name uses all.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int8]
    patients: NDArray[np.int64]
    scores: dict[str, NDArray[np.float64]]
    own: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def of(self, reading: str) -> Tuning:
        """Return the tuning rows of one reading."""
        if reading not in self.own:
            return self
        own = self.own[reading]
        patients = np.unique(self.patients[own], return_inverse=True)[1]
        return Tuning(self.rows[own], self.labels[own], patients, {reading: self.scores[reading][own]})


@dataclass(frozen=True, eq=False)
class Study:
    """Readings of one cohort on the same images; rows are sorted by image name, so input order never matters.

    `rows` are row numbers of the cohort; `labels` is (images, findings): 1, 0 or `MISSING`; `patients` are codes from
    0, numbered by sorted patient, or the images themselves where patients are not known; `scores` is (images,
    findings) by the name of the reading, in the order given. `tuning` is `None` where thresholds have to be
    cross-fitted.
    """

    cohort: Cohort
    findings: tuple[str, ...]
    rows: NDArray[np.int64]
    labels: NDArray[np.int8]
    patients: NDArray[np.int64]
    n_patients: int
    patients_known: bool
    scores: dict[str, NDArray[np.float64]]
    tuning: Tuning | None
    split: str
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]

    @property
    def n_images(self) -> int:
        """Return the number of images that are reported."""
        return len(self.rows)

    def attribute(self, name: str) -> pl.Series:
        """Return an attribute of the images that are reported.

        Raises `InputError` when the cohort has no such attribute.
        """
        if name not in self.cohort.attributes:
            known = listed(self.cohort.attributes, most=12)
            what = f"the cohort has no attribute {plain(name)}"
            raise InputError(plain(self.cohort.name), what, f"one of {known}" if known else "a column of that name")
        return self.cohort.table[name][self.rows]


def study(cohort: Cohort, readings: Sequence[Reading], *, split: str = "test") -> Study:
    """Match readings to a cohort by image and by finding.

    `split` says which images are reported: `test`, `val`, `train`, or `all` that the readings have. A cohort without
    splits is all test. Images and findings that only some have are left out, and a warning says which; so are images
    that a reading, by its own column `split`, has seen, where those that are reported count as tested.

    Raises `InputError` when two readings share a name, or no image or no finding is common to all.

    >>> from overread.records.cohort import cohort_from_frame
    >>> from overread.records.reading import reading_from_frame
    >>> cohort = cohort_from_frame({"image": ["b.png", "a.png"], "Mass": [0, 1], "patient": [7, 8]})
    >>> found = study(cohort, [reading_from_frame({"image": ["a.png", "b.png"], "Mass": [0.9, 0.2]}, name="model")])
    >>> found.labels.tolist(), found.scores["model"].tolist(), found.patients.tolist()
    ([[1], [0]], [[0.9], [0.2]], [1, 0])
    """
    check_call(readings, split)
    refuse_unusable(cohort, readings)
    cohort, notes = settled(cohort, readings)
    findings = common_findings(cohort, readings)
    wanted = rows_of_split(cohort, split)
    found = [placed(cohort, reading) for reading in readings]
    rows = common_rows(cohort, found, wanted & ~seen_rows(cohort, found, wanted, split), split)
    patients, n_patients = patient_codes(cohort, rows)
    tuning, of_tuning = tuning_rows(cohort, found, findings, rows) if split == "test" else (None, [])
    warnings = (
        *cohort.warnings,
        *(warning for reading in readings for warning in reading.warnings),
        *notes,
        *findings_on_one_side(cohort, readings),
        *images_on_one_side(cohort, found, wanted, split),
        *training_rows(cohort, rows),
        *own_words(cohort, found, wanted, rows, split),
        *of_tuning,
        *without_patients(cohort),
    )
    return Study(
        cohort=cohort,
        findings=findings,
        rows=rows,
        labels=labels_of(cohort, rows, findings),
        patients=patients,
        n_patients=n_patients,
        patients_known=cohort.patients is not None,
        scores={each.reading.name: each.scores(rows, findings) for each in found},
        tuning=tuning,
        split=split,
        sources=(*cohort.sources, *(source for reading in readings for source in reading.sources)),
        warnings=warnings,
    )


def check_call(readings: Sequence[Reading], split: str) -> None:
    """Refuse no reading, two readings of one name, and a split that is none."""
    if split not in SPLITS:
        raise InputError("split", f"{quoted(split)} is not a part of a cohort", f"one of {', '.join(SPLITS)}")
    if not readings:
        raise InputError("readings", "there is none", "at least one")
    names = [reading.name for reading in readings]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        do = "Name them as NAME=PATH, for example standard=PATH modified=PATH."
        raise InputError("readings", f"more than one is named {listed(twice)}", "each name once", do)


def labels_of(cohort: Cohort, rows: NDArray[np.int64], findings: Sequence[str]) -> NDArray[np.int8]:
    """Return the labels (rows, findings) of some rows of the cohort."""
    return cohort.labels[rows][:, [cohort.findings.index(finding) for finding in findings]]


def patient_codes(cohort: Cohort, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return a code per row, numbered by sorted patient; the images themselves where patients are not known."""
    if cohort.patients is None:
        return np.arange(len(rows)), len(rows)
    codes = cohort.patients[rows].rank("dense").cast(pl.Int64).to_numpy() - 1
    return codes, int(codes.max()) + 1


def without_patients(cohort: Cohort) -> Iterable[str]:
    """Say that images are taken for independent where patients are not known."""
    if cohort.patients is None:
        yield (
            "The cohort does not say whom an image is of: images are resampled in place of patients, and intervals are "
            "too narrow where a patient has several."
        )


def tuning_rows(
    cohort: Cohort, readings: Sequence[Placed], findings: Sequence[str], reported: NDArray[np.int64]
) -> tuple[Tuning | None, list[str]]:
    """Return the readings' tuning rows, without patients that are reported, and what is to be said.

    They are the `val` rows that every reading scores. Where a reading says by its own column `split` that its tuning
    rows are others than the next one's, each keeps its own.
    """
    masks = {each.reading.name: own_tuning_rows(cohort, each) for each in readings}
    differ = apart(readings, masks)
    common = np.logical_and.reduce(list(masks.values()))
    some = [name for name, mask in masks.items() if mask.any()]
    if not (len(some) == len(masks) if differ else common.any()):
        what = "has tuning rows" if differ else "scores the val split"
        return None, [f"Only {listed(some)} {what}; thresholds are cross-fitted for every reading."] if some else []
    rows = np.flatnonzero(np.logical_or.reduce(list(masks.values())) if differ else common)
    rows, warnings = of_others(cohort, rows, reported)
    left = {name: masks[name][rows] for name in masks}
    if not all(own.any() for own in left.values()):
        who = "" if not differ else f" for {listed([name for name, own in left.items() if not own.any()])}"
        return None, [*warnings, f"No image of the val split is left{who}: thresholds are cross-fitted."]
    rows = by_name(cohort, rows)
    own = {name: mask[rows] for name, mask in masks.items()} if differ else {}
    scores = {each.reading.name: each.scores(rows, findings) for each in readings}
    for name, mask in own.items():
        scores[name][~mask] = np.nan
    tuning = Tuning(rows, labels_of(cohort, rows, findings), patient_codes(cohort, rows)[0], scores, own)
    return tuning, [*warnings, *each_its_own(own)]


def apart(readings: Sequence[Placed], masks: Mapping[str, NDArray[np.bool_]]) -> bool:
    """Return whether readings that say which rows are their tuning rows do not mean the same ones."""
    first = next(iter(masks.values()))
    said = any(each.reading.split is not None for each in readings)
    return said and any((mask != first).any() for mask in masks.values())


def of_others(
    cohort: Cohort, rows: NDArray[np.int64], reported: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the tuning rows whose patients are not reported, and what is to be said of the rest."""
    if cohort.patients is None:
        return rows, []
    known = cohort.patients[rows].is_in(cohort.patients[reported].to_list()).to_numpy()
    if not known.any():
        return rows, []
    images = counted(int(known.sum()), "image")
    return rows[~known], [f"On patients who are reported: {images} of the val split; not used for thresholds."]


def each_its_own(own: Mapping[str, NDArray[np.bool_]]) -> Iterable[str]:
    """Say that readings are tuned on different rows, as each says by its own column `split`."""
    if own:
        rows = ", ".join(f"{plain(name)} {counted(int(mask.sum()), 'image')}" for name, mask in own.items())
        yield (
            f"Tuning rows differ between the readings ({rows}): each one's thresholds are chosen on its own, so that "
            "differences at the operating points hold those of the tuning rows too."
        )
