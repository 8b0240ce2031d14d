"""Can the reader tell findings apart? One output, between images of one finding and images of another."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.activations import single_label
from overread.analyses.evaluation import Evaluation
from overread.stats.estimate import Estimate
from overread.stats.resampling import Ranking, observed, percentile

TABLE = {
    "reading": pl.String,
    "finding": pl.String,
    "against": pl.String,
    "n_finding": pl.Int64,
    "n_against": pl.Int64,
    "auroc": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "note": pl.String,
}


def differential(evaluation: Evaluation) -> pl.DataFrame:
    """Return, for each ordered pair of findings, how well the output of the first tells it from the second.

    That is its AUROC between images that carry only the one and images that carry only the other.

    Above 0.5 the output is higher where its own finding is; below, it is higher where the other is. Base rates, which
    rule mean activations (Table 4), cannot move it. Intervals by patient.
    """
    groups = single_label(evaluation.labels)
    members = [np.flatnonzero(groups == finding) for finding in range(len(evaluation.findings))]
    pairs = list(permutations(range(len(evaluation.findings)), 2))
    tasks = []
    for finding, against in pairs:
        rows = np.concatenate([members[finding], members[against]])
        positive = np.arange(len(rows)) < len(members[finding])
        tasks.append((rows, positive, evaluation.scores[rows, finding]))
    ranking = Ranking.tasks(tasks, evaluation.patients)
    values, replicates = observed(ranking).auroc[0], evaluation.bootstrap.ranked(ranking).auroc
    rows_ = []
    for task, (finding, against) in enumerate(pairs):
        n = len(members[finding]), len(members[against])
        estimate = pair_estimate(values[task], replicates[:, task], n, evaluation.level)
        names = evaluation.reading, evaluation.findings[finding], evaluation.findings[against]
        cells = (None if np.isnan(x) else float(x) for x in (estimate.value, estimate.low, estimate.high))
        rows_.append((*names, *n, *cells, evaluation.level, estimate.note))
    return pl.DataFrame(rows_, schema=TABLE, orient="row")


def pair_estimate(value: float, replicates: NDArray[np.float64], n: tuple[int, int], level: float) -> Estimate:
    """Return one pair's AUROC, or why there is none."""
    if 0 in n:
        lacking = "the one" if n[0] == 0 else "the other"
        return Estimate.undefined(f"no image carries only {lacking}", level=level, method="bootstrap")
    return percentile(float(value), replicates, level=level)
