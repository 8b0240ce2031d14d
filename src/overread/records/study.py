"""A study: readings of one cohort on the same images, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.errors import InputError, counted, listed, plain, quoted
from overread.records.findings import key
from overread.records.headers import nih_name
from overread.records.reading import Reading
from overread.records.tables import Source

PARTS = ("test", "val", "train", "all")


@dataclass(frozen=True, eq=False)
class Tuning:
    """The rows on which thresholds are chosen: never the rows, nor the patients, that are reported."""

    rows: NDArray[np.int64]
    labels: NDArray[np.int8]
    patients: NDArray[np.int64]
    scores: dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Study:
    """Readings of one cohort on the same images; rows are sorted by image name, so input order never matters.

    `rows` are row numbers of the cohort; `labels` is (images, findings); `patients` are codes from 0, numbered by
    sorted patient, or the images themselves where patients are not known; `scores` is (images, findings) by the name
    of the reading, in the order given. `tuning` is `None` where thresholds have to be cross-fitted.
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
            what = f"the cohort has no attribute {plain(name)}"
            raise InputError(self.cohort.name, what, f"one of {listed(self.cohort.attributes, most=12) or 'none'}")
        return self.cohort.table[name][self.rows]


def study(cohort: Cohort, readings: Sequence[Reading], *, split: str = "test") -> Study:
    """Match readings to a cohort by image and by finding.

    `split` says which images are reported: `test`, `val`, `train`, or `all` that the readings have. A cohort without
    splits is all test. Images that only some readings have are left out, and a warning says how many.

    Raises `InputError` when two readings share a name, or no image or no finding is common to all.
    """
    check_call(readings, split)
    cohort, notes = settled(cohort, readings)
    findings, unmatched = common_findings(cohort, readings)
    wanted = part_of(cohort, split)
    placed = [rows_in_cohort(cohort, reading) for reading in readings]
    rows = common_rows(cohort, readings, placed, wanted, split)
    warnings = [
        *cohort.warnings,
        *(warning for reading in readings for warning in reading.warnings),
        *notes,
        *unmatched,
        *images_on_one_side(cohort, readings, placed, rows, wanted, split),
        *training_rows(cohort, rows, split),
    ]
    columns = [cohort.findings.index(finding) for finding in findings]
    patients, n_patients = patient_codes(cohort, rows)
    tuning, of_tuning = tuning_rows(cohort, readings, placed, findings, rows) if split == "test" else (None, [])
    return Study(
        cohort=cohort,
        findings=findings,
        rows=rows,
        labels=cohort.labels[rows][:, columns],
        patients=patients,
        n_patients=n_patients,
        patients_known=cohort.patients is not None,
        scores=scores_of(readings, placed, findings, rows),
        tuning=tuning,
        split=split,
        sources=(*cohort.sources, *(source for reading in readings for source in reading.sources)),
        warnings=(*warnings, *of_tuning, *without_patients(cohort)),
    )


def check_call(readings: Sequence[Reading], split: str) -> None:
    """Refuse no reading, two readings of one name, and a part that is none."""
    if split not in PARTS:
        raise InputError("--split", f"{quoted(split)} is not a part of a cohort", ", ".join(PARTS))
    if not readings:
        raise InputError("readings", "there is none", "at least one")
    names = [reading.name for reading in readings]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        do = f"Name them: first={twice[0]}.csv second={twice[0]}.csv (NAME=PATH)."
        raise InputError("readings", f"more than one is named {listed(twice)}", "each name once", do)


# --- findings --------------------------------------------------------------------------------------------------------


def settled(cohort: Cohort, readings: Sequence[Reading]) -> tuple[Cohort, list[str]]:
    """Decide which columns of 0 and 1 are findings: those that a reading scores, and those of NIH's names.

    Raises the refusal of a column that a reading and a cohort both have, and one of them cannot use.
    """
    scored = {key(finding) for reading in readings for finding in reading.findings}
    for reading in readings:
        for finding in reading.findings:
            if key(finding) in cohort.refusals:
                raise cohort.refusals[key(finding)]
        for finding in cohort.findings:
            if key(finding) in reading.refusals:
                raise reading.refusals[key(finding)]
    moved = [f for f in cohort.findings if f in cohort.assumed and key(f) not in scored and nih_name(f) is None]
    if not moved or len(moved) == len(cohort.findings):
        return cohort, []
    kept = [place for place, finding in enumerate(cohort.findings) if finding not in moved]
    columns = [pl.Series(f, cohort.labels[:, cohort.findings.index(f)]).replace(-1, None) for f in moved]
    many = len(moved) > 1
    said = (
        f"The cohort's column{'s' if many else ''} {listed(moved, most=5)} of 0 and 1 {'are' if many else 'is'} scored "
        f"by no reading, and {'are' if many else 'is'} taken as {'attributes' if many else 'an attribute'}, "
        f"not as {'findings' if many else 'a finding'}."
    )
    changed = replace(
        cohort,
        table=cohort.table.with_columns(columns),
        findings=tuple(cohort.findings[place] for place in kept),
        labels=np.ascontiguousarray(cohort.labels[:, kept]),
        assumed=cohort.assumed - set(moved),
    )
    return changed, [said]


def common_findings(cohort: Cohort, readings: Sequence[Reading]) -> tuple[tuple[str, ...], list[str]]:
    """Return the findings of the cohort that every reading scores, and say which only one side has."""
    warnings = []
    by_key = {key(finding): finding for finding in cohort.findings}
    common = list(cohort.findings)
    for reading in readings:
        keys = {key(finding) for finding in reading.findings}
        unscored = [finding for name, finding in by_key.items() if name not in keys]
        unknown = [finding for finding in reading.findings if key(finding) not in by_key]
        if len(unscored) == len(by_key):
            what = f"no finding is common to the reading {plain(reading.name)} and the cohort {plain(cohort.name)}"
            theirs = f"the reading has {listed(reading.findings, most=5)}, the cohort {listed(cohort.findings, most=5)}"
            do = "Name the score columns after the cohort's findings."
            raise InputError(plain(reading.name), f"{what}: {theirs}", "score columns <Finding> or prob_<Finding>", do)
        if unscored:
            warnings.append(
                f"{plain(reading.name)} does not score {listed(unscored, most=14)}, "
                f"which {'is' if len(unscored) == 1 else 'are'} in the cohort; left out."
            )
        if unknown:
            what = "which is no finding" if len(unknown) == 1 else "which are no findings"
            warnings.append(f"{plain(reading.name)} scores {listed(unknown, most=14)}, {what} of the cohort; left out.")
        common = [finding for finding in common if key(finding) in keys]
    if not common:
        what = "no finding is common to all readings"
        raise InputError(
            ", ".join(plain(reading.name) for reading in readings), what, "at least one", "Report them apart."
        )
    return tuple(common), warnings


# --- rows ------------------------------------------------------------------------------------------------------------


def part_of(cohort: Cohort, split: str) -> NDArray[np.bool_]:
    """Return which rows of the cohort are asked for."""
    if split == "all":
        return np.ones(cohort.n_images, bool)
    if cohort.split is None:
        if split == "test":
            return np.ones(cohort.n_images, bool)
        what = f"the cohort has no splits, and the {split} split was asked for"
        raise InputError(plain(cohort.name), what, "--split test or --split all")
    wanted = (cohort.split == split).fill_null(False).to_numpy()
    if not wanted.any():
        what = f"no image of the cohort is in the {split} split"
        raise InputError(plain(cohort.name), what, "", "Report every row that the readings have with --split all.")
    return wanted


def rows_in_cohort(cohort: Cohort, reading: Reading) -> NDArray[np.int64]:
    """Return, for each row of the cohort, the row of the reading with the same image, -1 where there is none."""
    ours = pl.DataFrame({"image": cohort.images})
    theirs = pl.DataFrame({"image": reading.images, "row": np.arange(len(reading.images))})
    joined = ours.join(theirs, on="image", how="left", maintain_order="left")
    return joined["row"].fill_null(-1).to_numpy()


def common_rows(
    cohort: Cohort,
    readings: Sequence[Reading],
    placed: Sequence[NDArray[np.int64]],
    wanted: NDArray[np.bool_],
    split: str,
) -> NDArray[np.int64]:
    """Return the rows of the cohort that are asked for and that every reading has, sorted by image name."""
    for reading, rows in zip(readings, placed, strict=True):
        if (rows < 0).all():
            what = (
                f"no image is common to the reading and the cohort {plain(cohort.name)}: the reading has for example "
                f"{quoted(reading.images[0])}, the cohort {quoted(cohort.images[0])}"
            )
            raise InputError(
                plain(reading.name), what, "the same image names on both sides (the last part of the path)"
            )
        if not (wanted & (rows >= 0)).any():
            what = (
                f"none of its {len(reading.images):,} images is in the {split} split of the cohort {plain(cohort.name)}"
            )
            do = "Report every row that the readings have with --split all."
            raise InputError(plain(reading.name), what, f"scores of the {split} split", do)
    everywhere = np.logical_and.reduce([wanted, *(rows >= 0 for rows in placed)])
    if not everywhere.any():
        names = ", ".join(plain(reading.name) for reading in readings)
        raise InputError(
            names, "no image is common to all readings", "readings of the same images", "Report them apart."
        )
    return sorted_rows(cohort, np.flatnonzero(everywhere))


def sorted_rows(cohort: Cohort, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows in the order of their image names."""
    return rows[cohort.images[rows].arg_sort().to_numpy()]


def images_on_one_side(
    cohort: Cohort,
    readings: Sequence[Reading],
    placed: Sequence[NDArray[np.int64]],
    rows: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    split: str,
) -> Iterable[str]:
    """Say how many images only the reading has, only the cohort has, and only some readings have."""
    for reading, place in zip(readings, placed, strict=True):
        name = plain(reading.name)
        known = np.zeros(len(reading.images), bool)
        known[place[place >= 0]] = True
        if not known.all():
            absent = reading.images.filter(~known)
            said = f"{name} scores {counted(len(absent), 'image')} that the cohort does not have"
            yield f"{said} ({listed(absent.sort().to_list())}); left out."
        unscored = np.flatnonzero(wanted & (place < 0))
        if len(unscored) and split != "all":
            part = "the cohort" if cohort.split is None else f"the {split} split"
            first = cohort.images[unscored].sort()
            said = f"{name} has no score for {len(unscored):,} of the {int(wanted.sum()):,} images of {part}"
            yield f"{said} ({listed(first.to_list())}); the figures are of the others."
        lost = int((wanted & (place >= 0)).sum()) - len(rows)
        if lost:
            yield f"{counted(lost, 'image')} that {name} scores are left out: not every reading scores them."


def training_rows(cohort: Cohort, rows: NDArray[np.int64], split: str) -> Iterable[str]:
    """Say how many of the reported rows lie in the training part."""
    if split in ("all", "train") and cohort.split is not None:
        n = int((cohort.split[rows] == "train").sum())
        if n:
            said = f"{n:,} of the {len(rows):,} images reported lie in the training part of the cohort"
            yield f"{said}: a model that was trained on them knows their labels."


def patient_codes(cohort: Cohort, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return a code per row, numbered by sorted patient; the images themselves where patients are not known."""
    if cohort.patients is None:
        return np.arange(len(rows)), len(rows)
    patients = cohort.patients[rows]
    codes = patients.rank("dense").cast(pl.Int64).to_numpy() - 1
    return codes, int(codes.max()) + 1


def without_patients(cohort: Cohort) -> Iterable[str]:
    """Say that images are taken for independent where patients are not known."""
    if cohort.patients is None:
        yield (
            "The cohort does not say whom an image is of: images are resampled in place of patients, and intervals are "
            "too narrow where a patient has several."
        )


def scores_of(
    readings: Sequence[Reading],
    placed: Sequence[NDArray[np.int64]],
    findings: Sequence[str],
    rows: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    """Return the scores of each reading for some rows of the cohort and the findings in their order."""
    scores = {}
    for reading, place in zip(readings, placed, strict=True):
        column = {key(finding): position for position, finding in enumerate(reading.findings)}
        scores[reading.name] = reading.scores[place[rows]][:, [column[key(finding)] for finding in findings]]
    return scores


def tuning_rows(
    cohort: Cohort,
    readings: Sequence[Reading],
    placed: Sequence[NDArray[np.int64]],
    findings: Sequence[str],
    reported: NDArray[np.int64],
) -> tuple[Tuning | None, list[str]]:
    """Return the `val` rows that every reading has, without patients that are reported, and what is to be said."""
    if cohort.split is None:
        return None, []
    val = (cohort.split == "val").fill_null(False).to_numpy()
    have = [val & (place >= 0) for place in placed]
    rows = np.flatnonzero(np.logical_and.reduce(have))
    if not len(rows):
        some = [plain(reading.name) for reading, mine in zip(readings, have, strict=True) if mine.any()]
        said = f"Only {', '.join(some)} scores images of the val split; thresholds are cross-fitted for every reading."
        return None, [said] if some else []
    warnings = []
    if cohort.patients is not None:
        seen = cohort.patients[rows].is_in(cohort.patients[reported].implode()).to_numpy()
        if seen.any():
            said = f"{counted(int(seen.sum()), 'image')} of the val split are of patients who are reported"
            warnings.append(f"{said}; thresholds are not chosen on them.")
            rows = rows[~seen]
    if not len(rows):
        return None, [*warnings, "No image of the val split is left; thresholds are cross-fitted."]
    rows = sorted_rows(cohort, rows)
    columns = [cohort.findings.index(finding) for finding in findings]
    labels = cohort.labels[rows][:, columns]
    return Tuning(rows, labels, patient_codes(cohort, rows)[0], scores_of(readings, placed, findings, rows)), warnings
