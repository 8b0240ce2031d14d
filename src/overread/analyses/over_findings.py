"""One row for all findings: the plain mean and the mean weighted by positives, with intervals by patient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.tables import Row, estimate_row
from overread.stats import averages
from overread.stats.resampling import percentile

MEAN, WEIGHTED, POOLED = "mean", "weighted", "pooled"


def average_rows(
    evaluation: Evaluation, metric: str, values: NDArray[np.float64], replicates: NDArray[np.float64]
) -> Iterator[Row]:
    """Yield the unweighted mean over findings, and the mean weighted by the number of positives.

    `values` is (n_findings,), `replicates` (replicates, n_findings). Findings without a value take no part, and the
    note names them; ratios are averaged on the log scale, and the note says so. In each replicate the weights are the
    positives of that replicate.
    """
    log = metric in averages.RATIOS
    resampled_positives = evaluation.replicates.tp + evaluation.replicates.fn
    n = len(evaluation.scores), int(evaluation.n_positive.sum())
    for finding, weights, resampled_weights in (
        (MEAN, None, None),
        (WEIGHTED, evaluation.n_positive, resampled_positives),
    ):
        value, note = averages.mean_over_findings(values, findings=evaluation.findings, weights=weights, log=log)
        resampled = averages.mean_replicates(values, replicates, weights=resampled_weights, log=log)
        estimate = percentile(value, resampled, level=evaluation.level, note=note)
        yield estimate_row(evaluation.reading, finding, metric, estimate, n)
