"""Intervals of printed AUROCs: the published example, simulation, and the bound on the variance."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.auroc_from_counts import hanley_mcneil, hanley_mcneil_variance, largest_variance
from overread.stats.discrimination import auroc
from overread.stats.proportions import proportion


def test_the_example_of_hanley_and_mcneil() -> None:
    # Radiology 143:29-36, Table II: 51 abnormal and 58 normal CT images, area 0.893, standard error 0.032.
    assert hanley_mcneil_variance(0.893, 51, 58) ** 0.5 == pytest.approx(0.032, abs=0.0006)


@pytest.mark.parametrize("rate", [1.5, 4.0])
def test_the_variance_is_that_of_exponential_scores(rate: float) -> None:
    # With exponential scores the probabilities Q1 and Q2 are exact; the area is rate / (1 + rate).
    rng = np.random.default_rng(7)
    drawn = []
    labels = np.repeat([1, 0], [20, 30])
    for _ in range(3000):
        scores = np.concatenate([rng.exponential(rate, 20), rng.exponential(1.0, 30)])
        drawn.append(auroc(labels, scores))
    area = rate / (1 + rate)
    assert np.mean(drawn) == pytest.approx(area, abs=0.006)
    assert np.var(drawn) == pytest.approx(hanley_mcneil_variance(area, 20, 30), rel=0.08)


def test_no_scores_have_a_larger_variance_than_the_bound() -> None:
    # The worst case of Birnbaum and Klose: each healthy score is the same, and ill ones lie beside it.
    rng = np.random.default_rng(3)
    labels = np.repeat([1, 0], [10, 40])
    drawn = [
        auroc(labels, np.concatenate([rng.choice([-1.0, 1.0], 10, p=[0.2, 0.8]), np.zeros(40)])) for _ in range(4000)
    ]
    assert np.var(drawn) == pytest.approx(0.8 * 0.2 / 10, rel=0.08)


def test_the_bound_is_wilson_s_interval_for_the_smaller_class() -> None:
    found, wilson = largest_variance(0.8, 50, 400, level=0.9), proportion(40, 50, level=0.9)
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high))
    narrow = hanley_mcneil(0.8, 50, 400, level=0.9)
    assert found.low < narrow.low < narrow.high < found.high + 0.02


def test_ends_are_cut_off_and_nonsense_is_refused() -> None:
    assert hanley_mcneil(0.99, 5, 5).high == 1.0
    assert largest_variance(1.0, 5, 5).high == 1.0
    for call in ((1.2, 5, 5), (0.9, 0, 5)):
        with pytest.raises(ValueError, match=r"must lie between|must be a positive"):
            hanley_mcneil(*call)
