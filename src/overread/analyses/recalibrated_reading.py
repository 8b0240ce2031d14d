"""A reading whose scores are recalibrated, each finding by a map learnt on the tuning rows and on nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overread.records.cohort import MISSING, Cohort
from overread.records.common_images import placed
from overread.records.errors import InputError, counted, listed, plain
from overread.records.findings import display, key
from overread.records.own_parts import own_tuning_rows, part_of_cohort, seen_by
from overread.records.reading import Reading
from overread.records.study import Study, study
from overread.stats.recalibration import Recalibration, recalibration

TUNING_SPLIT, REPORTED_SPLIT = "val", "test"


@dataclass(frozen=True, eq=False)
class RecalibratedReading:
    """The recalibrated `reading`; `maps` by its findings, with a note where there is none and scores stay as given.

    `fitted_on` are the images that the maps were learnt from: what the scores say of these is not to be reported.
    `warnings` are sentences for the person who asked.
    """

    reading: Reading
    maps: dict[str, Recalibration]
    fitted_on: tuple[str, ...]
    warnings: tuple[str, ...]


def recalibrated_reading(cohort: Cohort, reading: Reading, *, method: str = "platt") -> RecalibratedReading:
    """Recalibrate all scores of a reading by maps (`platt`, `isotonic` or `temperature`) fitted on its `val` rows.

    `val` rows of patients who also have `test` rows in the reading are left out of the fit. A finding whose map cannot
    be fitted, or that the cohort does not label, keeps its scores, and a warning says why.

    Raises `InputError` where the reading has no `val` row, or no finding can be recalibrated.
    """
    tuning, warnings = tuning_of(cohort, reading)
    scores, maps, kept = reading.scores.copy(), {}, []
    columns = {key(finding): column for column, finding in enumerate(tuning.findings)}
    for place, finding in enumerate(reading.findings):
        column = columns.get(key(finding))
        found = Recalibration(method, note="the cohort has no such finding")
        if column is not None:
            assessed = tuning.labels[:, column] != MISSING
            found = recalibration(
                method, tuning.labels[assessed, column], tuning.scores[reading.name][assessed, column]
            )
        maps[finding] = found
        if found.note:
            kept.append(f"{display(finding)} keeps its scores as they are: {found.note}.")
        else:
            scores[:, place] = found.apply(reading.scores[:, place])
    if len(kept) == len(maps):
        raise InputError(
            plain(reading.name),
            f"no finding can be recalibrated. {kept[0].rstrip('.')}",
            f"{TUNING_SPLIT} rows with positives and negatives, scored higher where the finding is present",
            "See overread report READING for what is odd about the scores, or name another --method.",
        )
    return RecalibratedReading(
        replace(reading, scores=scores, sources=()),
        maps,
        tuple(tuning.cohort.images.gather(tuning.rows)),
        (*warnings, *kept),
    )


def tuning_of(cohort: Cohort, reading: Reading) -> tuple[Study, list[str]]:
    """Return the reading's tuning rows, without patients who have `test` rows in it, and what is to be said.

    They are the rows that the cohort calls `val`, and those that the reading does by its own column `split`.
    """
    found = placed(cohort, reading)
    if cohort.split is None and reading.split is None:
        raise nothing_to_fit_on(cohort, reading, "the cohort has no column split")
    val = own_tuning_rows(cohort, found)
    test = part_of_cohort(cohort, REPORTED_SPLIT) & found.scored
    if cohort.split is None:  # all of it is test, but for what the reading has seen
        test = found.scored & ~seen_by(cohort, found)
    if not val.any():
        raise nothing_to_fit_on(cohort, reading, f"none of its {counted(len(reading.images), 'image')} is a val row")
    reported = of_patients(cohort, val, test)
    fit = val & ~reported
    if not fit.any():
        raise nothing_to_fit_on(cohort, reading, "every patient of its val rows has test rows too")
    said = f"{counted(int(reported.sum()), 'val row')} of patients who have test rows too: left out of the fit."
    return study(cohort.take(np.flatnonzero(fit)), [reading], split="all"), [said] if reported.any() else []


def of_patients(cohort: Cohort, rows: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of some rows are of patients who have other rows too."""
    if cohort.patients is None:
        return np.zeros(cohort.n_images, np.bool_)
    return rows & cohort.patients.is_in(cohort.patients.filter(others).unique().to_list()).fill_null(False).to_numpy()


def nothing_to_fit_on(cohort: Cohort, reading: Reading, why: str) -> InputError:
    """Return the refusal of a reading without tuning rows."""
    parts = [] if cohort.split is None else sorted(cohort.split.drop_nulls().unique())
    has = f" (the parts of {plain(cohort.name)} are {listed(parts)})" if parts else ""
    return InputError(
        plain(reading.name),
        f"{why}{has}, so that there is nothing to fit a recalibration on",
        "rows whose split is val: never those that are reported",
        "Mark patients who are not reported as val in the column split of the cohort or of the reading, and score "
        "their images too.",
    )
