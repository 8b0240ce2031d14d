"""The history reader: what the previous exam's label tells of this one, without a look at any image.

A patient's findings come back, and a chest drain stays where it was: who knows the last report orders images better
than chance. It is a floor, as the blind reader is; but it knows the labels of earlier exams, where the blind reader
knows only whom and how the image was taken of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import MISSING, Cohort
from overread.records.errors import InputError
from overread.records.findings import key
from overread.records.reading import Reading

FOLLOW_UP = "follow_up"


@dataclass(frozen=True, eq=False)
class History:
    """What earlier exams of the same patient said, for every row of a cohort: both (n_images, n_findings).

    `previous` is the label of the last earlier exam at which the finding was assessed, `MISSING` where there is none;
    `ever` is whether any earlier exam carried it.
    """

    previous: NDArray[np.int8]
    ever: NDArray[np.bool_]


def why_no_history(cohort: Cohort) -> str:
    """Return what a cohort lacks to follow patients over time, empty where it lacks nothing."""
    if cohort.patients is None:
        return "the cohort does not say whom an image is of"
    if order_of(cohort) is None:
        return f"the cohort has no column {FOLLOW_UP} that holds numbers"
    return ""


def order_of(cohort: Cohort) -> pl.Series | None:
    """Return the number of each exam, or nothing where the cohort has none."""
    for name in cohort.attributes:
        if key(name) == key(FOLLOW_UP) and cohort.table[name].dtype.is_numeric():
            return cohort.table[name].cast(pl.Float64).fill_nan(None)
    return None


def history(cohort: Cohort) -> History:
    """Follow every patient from exam to exam, by the number in `follow_up`.

    Images of one patient with the same number are one exam: they do not tell of each other, and the exam carries what
    any of them carries. An image without a number has no history, and is in no other's.

    Raises `InputError` where the cohort has no patients or no `follow_up`.
    """
    order = order_of(cohort)
    if cohort.patients is None or order is None:
        raise InputError(cohort.name, why_no_history(cohort), "patients and the number of each of their exams")
    rows = np.flatnonzero(order.is_not_null().to_numpy())
    patient = cohort.patients[rows].rank("dense").to_numpy().astype(np.int64)
    number = order[rows].rank("dense").to_numpy().astype(np.int64)
    exam_keys, exam = np.unique(patient * (number.max(initial=0) + 1) + number, return_inverse=True)
    by_exam = np.argsort(exam, kind="stable")
    labels = np.zeros((0, len(cohort.findings)), np.int8)
    if len(rows):
        labels = np.maximum.reduceat(
            cohort.labels[rows][by_exam], np.searchsorted(exam[by_exam], range(len(exam_keys)))
        )
    whose = exam_keys // (number.max(initial=0) + 1)
    previous = np.full(cohort.labels.shape, MISSING, np.int8)
    ever = np.zeros(cohort.labels.shape, np.bool_)
    before, carried = earlier(labels, whose)
    previous[rows], ever[rows] = before[exam], carried[exam]
    return History(previous, ever)


def earlier(labels: NDArray[np.int8], whose: NDArray[np.int64]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Return the last known label before each exam, and whether any exam before carried the finding.

    Exams (n, findings) are in order, each patient's together.

    >>> before, ever = earlier(np.array([[1], [-1], [0], [0], [1]], np.int8), np.array([1, 1, 1, 1, 2]))
    >>> before.ravel(), ever.ravel()
    (array([-1,  1,  1,  0, -1], dtype=int8), array([False,  True,  True,  True, False]))
    """
    n = len(labels)
    start = np.searchsorted(whose, whose)[:, None]  # the first exam of the same patient
    known = np.where(labels == MISSING, -1, np.arange(n)[:, None])
    last = np.full(labels.shape, -1)  # the last exam before this one at which the finding was assessed
    last[1:] = np.maximum.accumulate(known, axis=0)[:-1]
    before = np.where(last >= start, np.take_along_axis(labels, np.maximum(last, 0), axis=0), MISSING).astype(np.int8)
    carried = np.zeros((n + 1, labels.shape[1]), np.int64)
    np.cumsum(labels == 1, axis=0, out=carried[1:])
    ever = carried[:-1] > np.take_along_axis(carried, np.broadcast_to(start, labels.shape), axis=0)
    return before, ever


def history_reading(cohort: Cohort, rows: NDArray[np.int64] | None = None, *, name: str = "history") -> Reading:
    """Read rows of a cohort, all of them unless told which, by carrying the previous exam's labels forward.

    The score is 1 where the previous exam carried the finding, and 0 where it did not or where there is none.

    Raises `InputError` as `history` does.
    """
    read = np.arange(cohort.n_images) if rows is None else np.asarray(rows, np.int64)
    scores = (history(cohort).previous[read] == 1).astype(np.float64)
    return Reading(name, cohort.images.gather(read), cohort.findings, scores)
