"""How frequent is each finding, for whom, and beside which others?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.attributes import DEFAULT, Partition, partition
from overread.analyses.audit_people import parts
from overread.analyses.audit_point import Point
from overread.analyses.tables import interval
from overread.records.cohort import MISSING, Cohort
from overread.records.findings import display
from overread.stats.clustered_shares import observed_to_expected, share_by_patient, share_difference
from overread.stats.multiplicity import holm

PREVALENCE = {
    "finding": pl.String,
    "attribute": pl.String,
    "subgroup": pl.String,
    "n_images": pl.Int64,
    "n_patients": pl.Int64,
    "n_positive": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "note": pl.String,
}
DIFFERENCES = {
    "finding": pl.String,
    "split": pl.String,
    "against": pl.String,
    "prevalence": pl.Float64,
    "prevalence_against": pl.Float64,
    "ratio": pl.Float64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "note": pl.String,
}
TOGETHER = {
    "finding": pl.String,
    "other": pl.String,
    "n_images": pl.Int64,
    "n_finding": pl.Int64,
    "n_other": pl.Int64,
    "n_both": pl.Int64,
    "expected": pl.Float64,
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "note": pl.String,
}
LABELS = {"n_labels": pl.Int64, "n_images": pl.Int64, "share": pl.Float64}
FEW_VALUES = 8
WORTH_SAYING = 1.25
"""How many times as frequent a finding must be in one split as in another for the difference to be raised."""


def codes(cohort: Cohort) -> NDArray[np.int64]:
    """Return a number for the patient of each image; for the image itself where patients are not known."""
    if cohort.patients is None:
        return np.arange(cohort.n_images)
    return cohort.patients.rank("dense").cast(pl.Int64).to_numpy() - 1


def partitions(cohort: Cohort) -> Iterator[Partition]:
    """Yield the images by gender, view, band of age and of follow-up number, and by every attribute of few values."""
    first = [name for name in (*DEFAULT, "follow_up") if name in cohort.attributes]
    for name in (*first, *(other for other in cohort.attributes if other not in first)):
        values = cohort.table[name]
        few = values.drop_nulls().n_unique() <= FEW_VALUES
        if not values.dtype.is_nested() and (few or (name in first and values.dtype.is_numeric())):
            found = partition(name, values)
            if len(found.subgroups) > 1:
                yield found


def prevalence(cohort: Cohort, patients: NDArray[np.int64], *, level: float) -> pl.DataFrame:
    """Return the prevalence of each finding in all images, by split and by attribute, with intervals by patient.

    An empty `finding` is any finding; an empty `attribute` is all images. `n_images` counts the images on which the
    finding was assessed.
    """
    rows: list[dict[str, object]] = []
    for name, members in parts(cohort):
        rows += prevalence_rows(cohort, patients, members, ("split" if name else "", name), level)
    for each in partitions(cohort):
        for place, name in enumerate(each.subgroups):
            members = np.flatnonzero(each.members(place))
            rows += prevalence_rows(cohort, patients, members, (each.attribute, name), level)
    return pl.DataFrame(rows, schema=PREVALENCE)


def prevalence_rows(
    cohort: Cohort, patients: NDArray[np.int64], members: NDArray[np.int64], group: tuple[str, str], level: float
) -> Iterator[dict[str, object]]:
    """Yield the row of any finding, then one per finding, of one group of images."""
    labels, people = cohort.labels[members], patients[members]
    n_people = len(np.unique(people))
    anything = np.where((labels == 1).any(axis=1), 1, np.where((labels == MISSING).any(axis=1), MISSING, 0))
    for finding, of in (("", anything), *zip(cohort.findings, labels.T, strict=True)):
        assessed = of != MISSING
        every = bool(assessed.all())
        known = people if every else people[assessed]
        estimate = share_by_patient(of[assessed] == 1, known, level=level)
        yield {
            "finding": finding,
            "attribute": group[0],
            "subgroup": group[1],
            "n_images": int(assessed.sum()),
            "n_patients": None if cohort.patients is None else n_people if every else len(np.unique(known)),
            "n_positive": int((of == 1).sum()),
            "level": level,
            "method": estimate.method,
        } | interval(estimate)


# --- splits against each other ---------------------------------------------------------------------------------------


def split_differences(cohort: Cohort, patients: NDArray[np.int64], *, level: float) -> pl.DataFrame:
    """Compare the prevalence of each finding between any two splits; p-values adjusted by Holm over all of them."""
    known = {name: rows for name, rows in parts(cohort) if name in ("train", "val", "test")}
    rows = []
    for against, split in combinations(known, 2):
        here, there = (np.isin(np.arange(cohort.n_images), known[name]) for name in (split, against))
        for finding, labels in zip(cohort.findings, cohort.labels.T, strict=True):
            assessed = labels != MISSING
            positive, one, other = labels[assessed] == 1, here[assessed], there[assessed]
            estimate, p = share_difference(positive, one, other, patients[assessed], level=level)
            a, b = (float(positive[part].mean()) if part.any() else None for part in (one, other))
            cells = interval(estimate)
            cells["difference"] = cells.pop("value")
            rows.append(
                {"finding": finding, "split": split, "against": against, "prevalence": a, "prevalence_against": b}
                | {"ratio": a / b if a is not None and b else None, "level": level, "p": p, "p_adjusted": p}
                | cells
            )
    table = pl.DataFrame(rows, schema=DIFFERENCES)
    adjusted = pl.Series(holm(table["p"].fill_null(float("nan")).to_numpy()), dtype=pl.Float64).fill_nan(None)
    return table.with_columns(adjusted.alias("p_adjusted"), pl.col("p").fill_nan(None))


def worth_saying(table: pl.DataFrame) -> pl.DataFrame:
    """Return the differences between splits that chance does not explain and that are large, the largest first."""
    apart = (pl.col("ratio") >= WORTH_SAYING) | (pl.col("ratio") <= 1 / WORTH_SAYING)
    size = pl.col("ratio").log().abs()
    return table.filter(apart, pl.col("p_adjusted") < 0.05).sort(size, descending=True, maintain_order=True)


def split_points(table: pl.DataFrame, n_findings: int) -> Iterator[Point]:
    """Raise, for any two splits, the findings that are more frequent in one of them."""
    for (split, against), own in (
        worth_saying(table).partition_by("split", "against", as_dict=True, maintain_order=True).items()
    ):
        first = own.row(0, named=True)
        yield Point(
            "prevalence differs between splits", "caution", "split", 0,
            f"{len(own)} of {n_findings} findings {'differs' if len(own) == 1 else 'differ'} in prevalence between "
            f"{split} and {against} by a factor of {WORTH_SAYING:g} or more. The largest: {difference_said(first)}.",
            f"PPV, NPV and calibration of the {split} split do not carry over to {against}, nor to a clinic: state the "
            "prevalence (--prevalence), and recalibrate.",
        )  # fmt: skip


def difference_said(row: dict[str, object]) -> str:
    """Say a difference between two splits."""
    here, there, times = (float(str(row[name])) for name in ("prevalence", "prevalence_against", "ratio"))
    shares = f"{100 * here:.3g} % in {row['split']} against {100 * there:.3g} % in {row['against']}"
    return f"{display(str(row['finding']))}, {shares} ({times:.3g} times)"


# --- findings beside each other --------------------------------------------------------------------------------------


def label_counts(cohort: Cohort) -> pl.DataFrame:
    """Count the images by the number of findings on them."""
    n_labels, n_images = np.unique((cohort.labels == 1).sum(axis=1), return_counts=True)
    return pl.DataFrame([n_labels, n_images, n_images / cohort.n_images], schema=LABELS)


def together(cohort: Cohort, patients: NDArray[np.int64], *, level: float) -> pl.DataFrame:
    """Count the images that show two findings, and compare with what independence would lead to expect.

    Each pair once, in the order of the cohort; `ratio` is observed to expected, with its interval by patient.
    """
    rows = []
    for place, finding in enumerate(cohort.findings[:-1]):
        pairs = observed_to_expected(cohort.labels[:, place], cohort.labels[:, place + 1 :], patients, level=level)
        for other, ((n, a, b, both), estimate) in zip(cohort.findings[place + 1 :], pairs, strict=True):
            cells = interval(estimate)
            cells["ratio"] = cells.pop("value")
            counts = {"n_images": int(n), "n_finding": int(a), "n_other": int(b), "n_both": int(both)}
            expected = {"expected": int(a) * int(b) / int(n) if n else None}
            named = {"finding": finding, "other": other, "level": level, "method": estimate.method}
            rows.append(named | counts | expected | cells)
    return pl.DataFrame(rows, schema=TOGETHER)


def absent_points(cohort: Cohort) -> Iterator[Point]:
    """Raise the findings of which a part has no positive or no negative image."""
    for name, rows in parts(cohort):
        labels = cohort.labels[rows]
        for value, word in ((1, "positive"), (0, "negative")):
            lacking = [f for f, of in zip(cohort.findings, labels.T, strict=True) if not (of == value).any()]
            if lacking and (name or cohort.split is None):
                where = f"the split {name}" if name else "the cohort"
                yield Point(
                    f"no {word} image", "caution", name, len(rows),
                    f"In {where} there is no {word} image of {', '.join(display(finding) for finding in lacking)}.",
                    "No AUROC, sensitivity or specificity can be had there; choose another split or leave it out.",
                )  # fmt: skip
