"""Spearman's rank correlation, and its replicates where patients are resampled."""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.resampling import PatientBootstrap

Floats = NDArray[np.float64]


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Return the correlation of the ranks, equals at their mean rank; nan where one of the two does not vary.

    Reference: Spearman (1904), Am J Psychol 15:72-101.

    >>> round(spearman([1, 2, 3, 4], [1, 3, 2, 4]), 3)
    0.8
    """
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"one and other must be two rows of the same length, got {a.shape} and {b.shape}")
    return float(weighted_spearman(a, b, np.ones((len(a), 1)))[0]) if len(a) else nan


def weighted_spearman(one: Floats, other: Floats, times: Floats) -> Floats:
    """Return Spearman's correlation (L,) of rows (n,) of which each is taken as often as `times` (n, L) says."""
    n = times.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ranks = [mean_ranks(values, times) for values in (one, other)]
        apart = [rank - (times * rank).sum(axis=0) / n for rank in ranks]
        length = np.sqrt(np.prod([(times * each**2).sum(axis=0) for each in apart], axis=0))
        return np.where(length > 1e-9, (times * apart[0] * apart[1]).sum(axis=0) / length, nan)


def mean_ranks(values: Floats, times: Floats) -> Floats:
    """Return the rank (n, L) of each value where it is repeated `times` (n, L), equals at their mean."""
    levels, at = np.unique(values, return_inverse=True)
    repeats = np.zeros((len(levels), times.shape[1]))
    np.add.at(repeats, at, times)
    return np.asarray((np.cumsum(repeats, axis=0) - (repeats - 1) / 2)[at])


def spearman_replicates(
    one: ArrayLike, other: ArrayLike, patients: NDArray[np.int64], boots: PatientBootstrap
) -> Floats:
    """Return Spearman's correlation in every replicate; `patients` (n,) are codes of the bootstrap's patients."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    blocks = (boots.weights(block)[patients].astype(np.float64) for block in range(boots.n_blocks))
    return np.concatenate([weighted_spearman(a, b, times) for times in blocks])[: boots.replicates]
