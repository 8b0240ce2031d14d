"""How good are the cohort's labels? Their agreement with a better truth, before any reading."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from overread.analyses.label_quality import SCHEMAS, label_quality
from overread.analyses.options import Options
from overread.records.adjudicated import JOINED, Adjudicated, answered
from overread.records.cohort import MISSING, Cohort
from overread.records.errors import counted
from overread.records.findings import display
from overread.records.study import Study, patient_codes

MAPPING, AGREEMENT = "label_mapping", "label_agreement"
OF_READINGS = "n_reported"


def truth_tables(cohort: Cohort, truth: Adjudicated | None, *, level: float, seed: int) -> dict[str, pl.DataFrame]:
    """Return what the labels of a better truth stand for, and how far the cohort's labels agree with it.

    The numbers are those of `label_quality`, on all images of the cohort that have both; no rows without a better
    truth. Raises `InputError` when the better truth has none of the cohort's images, or none of its findings.
    """
    tables = {name: pl.DataFrame(schema=SCHEMAS[name]) for name in (MAPPING, AGREEMENT)}
    if truth is not None:
        truth.mapping_to(cohort.findings)
        rows = np.flatnonzero((answered(truth, cohort.images) != MISSING).any(axis=1))
        options = Options(split="all", adjudicated=truth, level=level, seed=seed)
        judged = label_quality(unread(cohort, rows), (), (), options)
        tables = {name: judged[name] for name in tables}
    return tables | {MAPPING: tables[MAPPING].drop(OF_READINGS)}


def unread(cohort: Cohort, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Study:
    """Return some rows of a cohort as a study without readings."""
    patients, n_patients = patient_codes(cohort, rows)
    return Study(
        cohort=cohort,
        findings=cohort.findings,
        rows=rows,
        labels=cohort.labels[rows],
        patients=patients,
        n_patients=n_patients,
        patients_known=cohort.patients is not None,
        scores={},
        tuning=None,
        split="all",
        sources=(),
        warnings=(),
    )


def truth_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say how often each label of the cohort is right by the better truth."""
    for own in tables[AGREEMENT].partition_by("label", maintain_order=True):
        of = {row["metric"]: row for row in own.iter_rows(named=True)}
        first = of["sensitivity"]
        labels = " or ".join(display(finding) for finding in first["finding"].split(JOINED))
        patients = "" if first["n_patients"] is None else f" of {counted(first['n_patients'], 'patient')}"
        yield (
            f"{display(first['label'])}: of the images that are ill by the better truth, {percent(first)} carry the "
            f"cohort's label ({labels}), and of those that carry it {percent(of['ppv'])} are ill; kappa "
            f"{two(of['kappa'])}, on {counted(first['n_images'], 'image')}{patients} that have both."
        )


def percent(row: dict[str, float | None]) -> str:
    """Write a share as a percentage with its interval."""
    if row["value"] is None:
        return "an unknown share"
    share = f"{100 * row['value']:.1f} %"
    bounds = row["low"], row["high"]
    return share if None in bounds else f"{share} ({100 * (bounds[0] or 0):.1f} to {100 * (bounds[1] or 0):.1f} %)"


def two(row: dict[str, float | None]) -> str:
    """Write kappa with its interval, or that it has no value."""
    if row["value"] is None:
        return "not defined"
    bounds = row["low"], row["high"]
    return f"{row['value']:.2f}" + ("" if None in bounds else f" ({bounds[0]:.2f} to {bounds[1]:.2f})")
