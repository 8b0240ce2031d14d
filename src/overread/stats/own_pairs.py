"""Pairs of an ill and a healthy image of one patient: what they add to an AUROC, so that it can be taken off.

They are few among all pairs, and many among pairs that were chosen to be alike, because a patient is like itself. Where
two AUROCs are set against each other that hold different shares of such pairs, part of the difference is only that.
Resampled, they are too many as well: a patient drawn k times would be paired with itself k² times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.resampling import LANES, PatientBootstrap

Floats = NDArray[np.float64]


def own_pairs(positive: ArrayLike, scores: ArrayLike, patients: ArrayLike, n_patients: int) -> tuple[Floats, Floats]:
    """Return for each patient how many of its own pairs are in the right order (a tie is half), and how many there are.

    `positive`, `scores` and `patients` (codes from 0 to n_patients - 1) are (n,); both results are (n_patients,).

    >>> right, pairs = own_pairs([True, False, False, True], [0.9, 0.2, 0.9, 0.5], [0, 0, 0, 1], 2)
    >>> right.tolist(), pairs.tolist()
    ([1.5, 0.0], [2.0, 0.0])
    """
    ill, score, patient = np.asarray(positive, np.bool_), np.asarray(scores, np.float64), np.asarray(patients)
    if not ill.shape == score.shape == patient.shape or ill.ndim != 1:
        raise ValueError(f"positive, scores and patients must be of one shape (n,), got {ill.shape}, {score.shape}")
    healthy = np.flatnonzero(~ill)
    healthy = healthy[np.argsort(patient[healthy], kind="stable")]
    start, stop = (np.searchsorted(patient[healthy], patient[ill], side) for side in ("left", "right"))
    each = stop - start
    partner = healthy[np.arange(each.sum()) + np.repeat(start - np.append(0, np.cumsum(each)[:-1]), each)]
    above = np.repeat(score[ill], each) - score[partner]
    owner = np.repeat(patient[ill], each)
    right = np.bincount(owner, (above > 0) + 0.5 * (above == 0), minlength=n_patients)
    return right.astype(np.float64), np.bincount(owner, minlength=n_patients).astype(np.float64)


def squared_sums(bootstrap: PatientBootstrap, values: ArrayLike) -> Floats:
    """Return the sums of `values` (n_patients, K) in every replicate, each patient by the square of its draws: (R, K).

    >>> squared_sums(PatientBootstrap([0], replicates=2), [[3.0]])
    array([[3.],
           [3.]])
    """
    value = np.asarray(values, np.float64)
    if value.ndim != 2 or len(value) != bootstrap.n_patients:
        raise ValueError(f"values must have a row for each of the {bootstrap.n_patients} patients, got {value.shape}")
    some = np.flatnonzero(value.any(axis=1))
    out = np.empty((bootstrap.n_blocks, LANES, value.shape[1]))

    def work(block: int) -> None:
        drawn = bootstrap.weights(block)[some].astype(np.float64)
        out[block] = (drawn * drawn).T @ value[some]

    bootstrap.each_block(work)
    return out.reshape(-1, value.shape[1])[: bootstrap.replicates]
