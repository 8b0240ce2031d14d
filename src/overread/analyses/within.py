"""The AUROC among pairs of one bin: what is left of an order when bins, or folds, may not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from overread.stats.ranking import Ranking, Task
from overread.stats.resampling import PatientBootstrap, observed

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bin:
    """Images of one bin of a column of scores: their rows, and which of them are positive."""

    column: int
    rows: NDArray[np.int64]
    positive: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Within:
    """The AUROC of each column among pairs within its bins, and the number of those pairs; each (R, columns)."""

    auroc: Floats
    pairs: Floats


def within(
    bins: Sequence[Bin], scores: Floats, patients: NDArray[np.int64], bootstrap: PatientBootstrap | None = None
) -> Within:
    """Return the share of pairs within bins in the right order: as observed (R = 1), or in a bootstrap's replicates.

    `scores` is (n, columns), `patients` (n,). The share is the mean of the AUROCs of the bins, weighted by their pairs;
    a pair counts as often as both its patients were drawn.
    """
    # Every image counts as called, so that tp and fp are the numbers of positives and negatives.
    tasks = [Task(b.rows, b.positive, scores[b.rows, b.column], np.ones(len(b.rows), np.bool_)) for b in bins]
    ranking = Ranking.tasks(tasks, patients)
    ranked = observed(ranking) if bootstrap is None else bootstrap.ranked(ranking)
    pairs = ranked.tp * ranked.fp
    right = np.nan_to_num(ranked.auroc) * pairs
    belongs = np.array([[b.column == column for column in range(scores.shape[1])] for b in bins], np.float64)
    n_pairs = pairs @ belongs
    return Within(np.divide(right @ belongs, n_pairs, out=np.full(n_pairs.shape, nan), where=n_pairs > 0), n_pairs)
