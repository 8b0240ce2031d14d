"""Who is in the cohort? Images, patients and positives of each finding, by split and for the rows that are reported."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import MISSING
from overread.records.study import Study

REPORTED = "reported"
TABLE = {
    "split": pl.String,
    "finding": pl.String,
    "n_images": pl.Int64,
    "n_patients": pl.Int64,
    "n_positive": pl.Int64,
    "prevalence": pl.Float64,
}


def cohort_summary(study: Study) -> pl.DataFrame:
    """Count images, patients and positives by part of the cohort and finding.

    `finding` is empty for all images, where `n_positive` counts those with any.     `n_images` of a finding counts
    the images on which it was assessed. `n_patients` is empty where patients are not known.
    """
    rows = [row for split, members in parts(study) for row in part_rows(study, split, members)]
    return pl.DataFrame(rows, schema=TABLE, orient="row")


def parts(study: Study) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield the reported rows and each split of the cohort, with the row numbers of its images."""
    yield REPORTED, study.rows
    split = study.cohort.split
    if split is not None:
        for name in ("train", "val", "test"):
            rows = np.flatnonzero((split == name).fill_null(False).to_numpy())
            if len(rows):
                yield name, rows


def part_rows(study: Study, split: str, rows: NDArray[np.int64]) -> Iterator[tuple[object, ...]]:
    """Yield the row of all images of a part, then one per finding of the study."""
    cohort = study.cohort
    patients = None if cohort.patients is None else cohort.patients.gather(rows)
    columns = [cohort.findings.index(finding) for finding in study.findings]
    labels = cohort.labels[rows][:, columns]
    n_patients = None if patients is None else patients.n_unique()
    n_any = int((labels == 1).any(axis=1).sum())
    yield split, "", len(rows), n_patients, n_any, share(n_any, len(rows))
    for column, finding in enumerate(study.findings):
        assessed, positive = labels[:, column] != MISSING, int((labels[:, column] == 1).sum())
        n_assessed = int(assessed.sum())
        known = None if patients is None else patients.filter(pl.Series(assessed)).n_unique()
        yield split, finding, n_assessed, known, positive, share(positive, n_assessed)


def share(part: int, whole: int) -> float | None:
    """Return a share, or nothing of nothing."""
    return part / whole if whole else None
