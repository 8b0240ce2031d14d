"""The AUROC among pairs of one bin: what is left of an order when bins, or folds, may not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from overread.stats.own_pairs import own_pairs, squared_sums
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
    bins: Sequence[Bin],
    scores: Floats,
    patients: NDArray[np.int64],
    bootstrap: PatientBootstrap | None = None,
    *,
    apart: bool = False,
) -> Within:
    """Return the share of pairs within bins in the right order: as observed (R = 1), or in a bootstrap's replicates.

    `scores` is (n, columns), `patients` (n,). The share is the mean of the AUROCs of the bins, weighted by their pairs;
    a pair counts as often as both its patients were drawn. With `apart` only pairs of images of two patients count.
    """
    # Every image counts as called, so that tp and fp are the numbers of positives and negatives.
    tasks = [Task(b.rows, b.positive, scores[b.rows, b.column], np.ones(len(b.rows), np.bool_)) for b in bins]
    ranking = Ranking.tasks(tasks, patients)
    ranked = observed(ranking) if bootstrap is None else bootstrap.ranked(ranking)
    pairs = ranked.tp * ranked.fp
    right = np.nan_to_num(ranked.auroc) * pairs
    columns = np.array([b.column for b in bins], np.int64)
    belongs = (columns[:, None] == np.arange(scores.shape[1])).astype(np.float64)
    n_right, n_pairs = right @ belongs, pairs @ belongs
    if apart:
        own = own_of(bins, scores, patients)
        taken = own.sum(axis=0)[None] if bootstrap is None else squared_sums(bootstrap, own)
        n_right, n_pairs = n_right - taken[:, : scores.shape[1]], n_pairs - taken[:, scores.shape[1] :]
    return Within(np.divide(n_right, n_pairs, out=np.full(n_pairs.shape, nan), where=n_pairs > 0), n_pairs)


def own_of(bins: Sequence[Bin], scores: Floats, patients: NDArray[np.int64]) -> Floats:
    """Return each patient's own pairs within bins, (n_patients, 2 columns): those in the right order, then all."""
    n_columns, n_patients = scores.shape[1], int(patients.max()) + 1
    own = np.zeros((n_patients, 2 * n_columns))
    for b in bins:
        right, pairs = own_pairs(b.positive, scores[b.rows, b.column], patients[b.rows], n_patients)
        own[:, b.column] += right
        own[:, n_columns + b.column] += pairs
    return own


@dataclass(frozen=True, eq=False)
class Apart:
    """The AUROC among all pairs of two patients, and among those of them that lie within bins."""

    whole: Within
    binned: Within

    @classmethod
    def of(
        cls, bins: Sequence[Bin], scores: Floats, patients: NDArray[np.int64], drawn: PatientBootstrap | None
    ) -> Apart:
        """Compare pairs within bins with all pairs of the same images; as `within`."""
        columns = sorted({b.column for b in bins})
        together = [[b for b in bins if b.column == column] for column in columns]
        whole = [
            Bin(column, np.concatenate([b.rows for b in own]), np.concatenate([b.positive for b in own]))
            for column, own in zip(columns, together, strict=True)
        ]
        return cls(*(within(parts, scores, patients, drawn, apart=True) for parts in (whole, bins)))
