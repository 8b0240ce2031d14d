"""The flow of images and patients into the study, who they are by split, and each test beside its truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.cohort_summary import parts
from overread.records.cohort import MISSING
from overread.records.common_images import rows_of_split
from overread.records.study import Study

FLOW = {"step": pl.String, "n_images": pl.Int64, "n_patients": pl.Int64, "what": pl.String}
DEMOGRAPHICS = {
    "split": pl.String,
    "characteristic": pl.String,
    "level": pl.String,
    "n_images": pl.Int64,
    "n_patients": pl.Int64,
    "share": pl.Float64,
    "mean": pl.Float64,
    "sd": pl.Float64,
    "median": pl.Float64,
    "q1": pl.Float64,
    "q3": pl.Float64,
}
CROSS = {
    "reading": pl.String,
    "finding": pl.String,
    "n_images": pl.Int64,
    "not_assessed": pl.Int64,
    "ill": pl.Int64,
    "healthy": pl.Int64,
    "tp": pl.Int64,
    "fn": pl.Int64,
    "fp": pl.Int64,
    "tn": pl.Int64,
}
COHORT, OTHER_SPLITS, ASKED_FOR, NOT_SCORED, REPORTED = (
    "cohort",
    "in other splits",
    "asked for",
    "not scored by all",
    "reported",
)
MOST_LEVELS = 8
Row = dict[str, Any]


def flow(study: Study) -> pl.DataFrame:
    """Return how many images and patients there are at each step, and how many are left out between.

    Images add up: those of the cohort less those left out are those reported. Patients do not, as one may have images
    on both sides; they are counted anew at each step, and are empty where they are not known.
    """
    wanted = rows_of_split(study.cohort, study.split)
    reported = np.zeros(study.cohort.n_images, bool)
    reported[study.rows] = True
    every = np.ones(study.cohort.n_images, bool)
    steps = (
        (COHORT, every, "all images of the cohort"),
        (OTHER_SPLITS, ~wanted, f"left out: not of the part asked for ({study.split})"),
        (ASKED_FOR, wanted, f"of the part asked for ({study.split})"),
        (NOT_SCORED, wanted & ~reported, "left out: without a score from every reading"),
        (REPORTED, reported, "reported"),
    )
    rows = [(step, int(rows.sum()), n_patients(study, rows), what) for step, rows, what in steps]
    return pl.DataFrame(rows, schema=FLOW, orient="row")


def n_patients(study: Study, rows: NDArray[Any]) -> int | None:
    """Return the number of patients of some rows, None where patients are not known."""
    patients = study.cohort.patients
    if patients is None:
        return None
    return (patients.filter(rows) if rows.dtype == bool else patients.gather(rows)).n_unique()


def cross_tabulation(study: Study, thresholds: pl.DataFrame) -> pl.DataFrame:
    """Return the calls of each reading beside the truth, by finding, over the folds of its thresholds."""
    counts = ("tp", "fn", "fp", "tn")
    summed = thresholds.group_by("reading", "finding", maintain_order=True).agg(
        *(pl.col(name).sum() for name in counts), pl.col("tp").null_count().alias("unknown")
    )
    rows = []
    for row in summed.iter_rows(named=True):
        labels = study.labels[:, study.findings.index(row["finding"])]
        known = {name: None if row["unknown"] else row[name] for name in counts}
        numbers = len(labels), *(int((labels == value).sum()) for value in (MISSING, 1, 0))
        rows.append(dict(zip(CROSS, (row["reading"], row["finding"], *numbers), strict=False)) | known)
    return pl.DataFrame(rows, schema=CROSS)


def demographics(study: Study) -> pl.DataFrame:
    """Return who is in each part: images, patients, age, gender, view, and other attributes of few levels.

    Shares are of images. What is not known is a level of its own, with an empty name. Age is in years, over images.
    """
    rows = [row | {"split": name} for name, members in parts(study) for row in of_part(study, members)]
    return pl.DataFrame(rows, schema=DEMOGRAPHICS)


def of_part(study: Study, members: NDArray[np.int64]) -> Iterator[Row]:
    """Yield the rows of one part."""
    table = study.cohort.table[members]
    yield {
        "characteristic": "all",
        "level": "",
        "n_images": len(members),
        "n_patients": n_patients(study, members),
        "share": 1.0,
    }
    for name in study.cohort.attributes:
        kind = study.cohort.table[name].dtype
        if name == "age" and kind.is_numeric():
            yield from of_number(name, table)
        elif kind == pl.String and study.cohort.table[name].n_unique() <= MOST_LEVELS + 1:
            yield from of_levels(name, table)


def of_number(name: str, table: pl.DataFrame) -> Iterator[Row]:
    """Yield mean, spread and quartiles of a number, and how many do not have it."""
    values = table[name].cast(pl.Float64).drop_nulls()
    known = table.filter(pl.col(name).is_not_null())
    quantities: Row = {
        "mean": values.mean(),
        "sd": values.std(),
        "median": values.median(),
        "q1": values.quantile(0.25, "linear"),
        "q3": values.quantile(0.75, "linear"),
    }
    yield counted(name, "known", known, table) | quantities
    if len(known) < len(table):
        yield counted(name, "", table.filter(pl.col(name).is_null()), table)


def of_levels(name: str, table: pl.DataFrame) -> Iterator[Row]:
    """Yield the images of each value, the most frequent first, and of those without one."""
    values = table[name].fill_null("")
    by_size = values.value_counts(sort=True).sort("count", name, descending=[True, False])[name].to_list()
    for level in sorted(by_size, key=lambda value: value == ""):
        yield counted(name, level, table.filter(values == level), table)


def counted(name: str, level: str, rows: pl.DataFrame, whole: pl.DataFrame) -> Row:
    """Return the counts of some rows of a part."""
    return {
        "characteristic": name,
        "level": level,
        "n_images": len(rows),
        "n_patients": rows["patient"].n_unique() if "patient" in rows.columns else None,
        "share": len(rows) / len(whole) if len(whole) else None,
    }
