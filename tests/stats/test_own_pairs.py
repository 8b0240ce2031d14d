"""Pairs of one patient's images: against counting them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.own_pairs import own_pairs, squared_sums
from overread.stats.resampling import PatientBootstrap


def test_against_counting() -> None:
    rng = np.random.default_rng(0)
    patients, positive = rng.integers(0, 12, 90), rng.random(90) < 0.4
    scores = rng.integers(0, 6, 90) / 5
    right, pairs = own_pairs(positive, scores, patients, 13)
    for patient in range(13):
        ill, healthy = (scores[(patients == patient) & kind] for kind in (positive, ~positive))
        apart = ill[:, None] - healthy
        assert pairs[patient] == apart.size
        assert right[patient] == (apart > 0).sum() + 0.5 * (apart == 0).sum()


def test_a_patient_counts_by_the_square_of_its_draws() -> None:
    bootstrap = PatientBootstrap(np.arange(30), replicates=100, seed=4)
    values = np.random.default_rng(1).normal(size=(30, 2))
    values[::3] = 0
    drawn = np.concatenate([bootstrap.weights(block) for block in range(bootstrap.n_blocks)], axis=1)[:, :100]
    np.testing.assert_allclose(squared_sums(bootstrap, values), (drawn.astype(float) ** 2).T @ values)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="of one shape"):
        own_pairs([True], [0.1, 0.2], [0], 1)
    with pytest.raises(ValueError, match="a row for each of the 3 patients"):
        squared_sums(PatientBootstrap([0, 1, 2]), [[1.0]])
