"""Every metric of an evaluation in one form: its value for each finding and over findings, observed and resampled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.stats import averages
from overread.stats.operating_points import METRICS, Counts

RANK_METRICS = ("auroc", "average_precision")
COUNT_METRICS = tuple(METRICS)
MEAN, WEIGHTED, POOLED = "mean", "weighted", "pooled"
OVER_FINDINGS = (MEAN, WEIGHTED, POOLED)


@dataclass(frozen=True, eq=False)
class Quantity:
    """One metric over all findings together: its name (`mean`, `weighted`, `pooled`), value, replicates and note."""

    finding: str
    value: float
    replicates: NDArray[np.float64]
    note: str


def by_finding(evaluation: Evaluation, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a metric's values (n_findings,) and replicates (replicates, n_findings)."""
    if metric in RANK_METRICS:
        # Without a negative every order has a precision of 1, which says nothing of the reader: as the AUROC, no value.
        told = (evaluation.n_positive > 0) & (evaluation.n_positive < evaluation.n_images)
        observed, replicates = (getattr(of, metric) for of in (evaluation.observed, evaluation.replicates))
        return np.where(told, observed[0], np.nan), np.where(told, replicates, np.nan)
    return METRICS[metric](evaluation.counts), METRICS[metric](evaluation.replicate_counts)


def over_findings(evaluation: Evaluation, metric: str) -> Iterator[Quantity]:
    """Yield the mean over findings, the mean weighted by positives and, for metrics of counts, the pooled value.

    Findings without a value take no part, and the note names them; ratios are averaged on the log scale, and the note
    says so. In each replicate the weights are the positives of that replicate.
    """
    values, replicates = by_finding(evaluation, metric)
    log = metric in averages.RATIOS
    resampled_positives = evaluation.replicates.tp + evaluation.replicates.fn
    for finding, weights, resampled_weights in (
        (MEAN, None, None),
        (WEIGHTED, evaluation.n_positive, resampled_positives),
    ):
        value, note = averages.mean_over_findings(values, findings=evaluation.findings, weights=weights, log=log)
        resampled = averages.mean_replicates(values, replicates, weights=resampled_weights, log=log)
        yield Quantity(finding, value, resampled, note)
    if metric in COUNT_METRICS:
        yield pooled(evaluation, metric)


def pooled(evaluation: Evaluation, metric: str) -> Quantity:
    """Return a metric of all decisions together: the counts summed over findings, then the metric."""
    over = evaluation.thresholds.defined
    value = METRICS[metric](averages.pooled(evaluation.counts, over=over))
    resampled = METRICS[metric](averages.pooled(evaluation.replicate_counts, over=over))
    notes = ("counts summed over findings", averages.coverage(over, evaluation.findings))
    return Quantity(POOLED, float(value), resampled, "; ".join(part for part in notes if part))


def cell(counts: Counts, column: int) -> Counts:
    """Return the four counts of one finding."""
    return Counts(*(float(cells[column]) for cells in counts.arrays()))
