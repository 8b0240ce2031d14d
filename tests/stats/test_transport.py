"""Rates carried elsewhere: by hand, against scikit-learn with sample weights; and the own place gives the own rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from overread.stats.calibration import calibration_in_the_large
from overread.stats.operating_points import METRICS as OF_COUNTS
from overread.stats.operating_points import Counts
from overread.stats.transport import (
    METRICS,
    at_prevalence,
    cell_edges,
    cells_of,
    effective_sample_size,
    estimated_prevalence,
    in_mix,
    reweighted_intercept,
    score_shift,
)

SHARED = ("ppv", "npv", "sensitivity", "specificity")
whole = st.integers(1, 500)


@given(whole, whole, whole, whole)
def test_the_own_prevalence_gives_back_the_own_numbers(tp: int, fp: int, fn: int, tn: int) -> None:
    counts = Counts(tp, fp, fn, tn)
    there = at_prevalence(counts, (tp + fn) / (tp + fp + fn + tn))
    for metric in SHARED:
        assert float(METRICS[metric](there)) == pytest.approx(float(OF_COUNTS[metric](counts)), abs=1e-12)
    assert float(METRICS["alarm_rate"](there)) == pytest.approx((tp + fp) / (tp + fp + fn + tn), abs=1e-12)


@given(st.lists(st.tuples(whole, whole, whole, whole), min_size=1, max_size=5))
def test_the_own_mix_gives_back_the_own_numbers(strata: list[tuple[int, int, int, int]]) -> None:
    cells = np.array(strata, float).T
    n = cells.sum(axis=0)
    there = in_mix(Counts(*cells), n / n.sum())
    for metric in SHARED:
        own = float(OF_COUNTS[metric](Counts(*cells.sum(axis=1))))
        assert float(METRICS[metric](there)) == pytest.approx(own, abs=1e-12)
    assert effective_sample_size(n, n / n.sum()) == pytest.approx(n.sum())


def test_bayes_by_hand() -> None:
    # Of 1,000 people 20 are ill; 80 % of them and 10 % of the other 980 are called: 16 and 98.
    there = at_prevalence(Counts(80, 90, 20, 810), 0.02)
    assert float(METRICS["ppv"](there)) == pytest.approx(16 / 114)
    assert float(METRICS["npv"](there)) == pytest.approx(882 / 886)
    assert float(METRICS["alarm_rate"](there)) == pytest.approx(0.114)
    assert float(METRICS["false_positives_per_true_positive"](there)) == pytest.approx(98 / 16)


def test_what_the_cohort_cannot_say_stays_undefined() -> None:
    assert np.isnan(METRICS["ppv"](at_prevalence(Counts(0, 5, 0, 5), 0.1)))
    two = Counts(np.array([3, 0]), np.array([1, 0]), np.array([1, 0]), np.array([5, 0]))
    assert np.isnan(METRICS["ppv"](in_mix(two, [0.5, 0.5])))
    assert float(METRICS["ppv"](in_mix(two, [1.0, 0.0]))) == pytest.approx(0.75)
    assert effective_sample_size([10, 0], [0.5, 0.5]) == 0
    assert METRICS["false_positives_per_true_positive"](Counts(0, 3, 1, 1)) == np.inf


@pytest.fixture(scope="module")
def images() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(5)
    strata = rng.integers(0, 3, 600)
    labels = (rng.random(600) < np.array([0.1, 0.3, 0.5])[strata]).astype(np.int64)
    scores = 1 / (1 + np.exp(-(1.2 * labels + 0.4 * strata + rng.normal(size=600) - 1.5)))
    return labels, scores, strata


SHARES = np.array([0.6, 0.3, 0.1])


def test_a_mix_is_sample_weights_in_scikit_learn(images: tuple[NDArray[np.int64], ...]) -> None:
    labels, scores, strata = images
    called = scores >= 0.4
    weight = (SHARES / np.bincount(strata))[strata]
    by_stratum = [np.bincount(strata, (labels == y) & (called == c), 3) for y, c in ((1, 1), (0, 1), (1, 0), (0, 0))]
    there = in_mix(Counts(*by_stratum), SHARES)
    assert float(METRICS["ppv"](there)) == pytest.approx(
        precision_score(labels, called, sample_weight=weight), abs=1e-12
    )
    sensitivity = recall_score(labels, called, sample_weight=weight)
    assert float(METRICS["sensitivity"](there)) == pytest.approx(sensitivity, abs=1e-12)
    (tn, fp), (fn, tp) = confusion_matrix(labels, called, sample_weight=weight)
    assert [float(each) for each in there.arrays()] == pytest.approx([tp, fp, fn, tn], abs=1e-12)
    assert effective_sample_size(np.bincount(strata), SHARES) == pytest.approx(weight.sum() ** 2 / (weight**2).sum())


def test_the_intercept_is_that_of_a_weighted_logistic_regression(images: tuple[NDArray[np.int64], ...]) -> None:
    import statsmodels.api as sm

    labels, scores, strata = images
    weight = (SHARES / np.bincount(strata))[strata] * len(labels)
    fit = sm.GLM(
        labels, np.ones(len(labels)), family=sm.families.Binomial(), offset=np.log(scores / (1 - scores)),
        freq_weights=weight,
    ).fit()  # fmt: skip
    found = reweighted_intercept(labels, scores, strata, SHARES)
    assert found.value == pytest.approx(float(fit.params[0]), abs=1e-8)


def test_the_own_shares_give_the_own_intercept(images: tuple[NDArray[np.int64], ...]) -> None:
    labels, scores, strata = images
    own = calibration_in_the_large(labels, scores)
    for groups in (strata, labels):
        found = reweighted_intercept(labels, scores, groups, np.bincount(groups) / len(groups))
        assert found.value == pytest.approx(float(own.coefficients[0]), abs=1e-10)


def test_influence_and_shares_move_the_intercept_as_small_changes_do(images: tuple[NDArray[np.int64], ...]) -> None:
    labels, scores, strata = images
    found = reweighted_intercept(labels, scores, strata, SHARES)
    moved = np.array([1e-5, -1e-5, 0])
    after = reweighted_intercept(labels, scores, strata, SHARES + moved).value
    assert after - found.value == pytest.approx(float(moved @ found.by_share), rel=1e-3)
    assert np.bincount(strata, found.influence) == pytest.approx(np.zeros(3), abs=1e-12)
    many = np.repeat(np.arange(600), 500)
    doubled = np.append(many, 7)  # image 7 counts 1/500 more
    after = reweighted_intercept(labels[doubled], scores[doubled], strata[doubled], SHARES).value
    assert after - found.value == pytest.approx(found.influence[7] / 500, rel=0.01)


def test_an_intercept_that_is_not_finite_says_why() -> None:
    for labels, why in (([0, 0], "no positive image"), ([1, 1], "no negative image")):
        found = reweighted_intercept(labels, [0.2, 0.4], [0, 0], [1.0])
        assert np.isnan(found.value)
        assert why in found.note
    assert "has no image here" in reweighted_intercept([0, 1], [0.2, 0.4], [0, 0], [0.5, 0.5]).note


def test_cells_hold_as_much_and_equal_scores_share_one() -> None:
    rng = np.random.default_rng(1)
    labels, scores = np.repeat([0, 1], [900, 100]), np.append(rng.random(900), 0.5 + 0.5 * rng.random(100))
    cells = cells_of(scores, cell_edges(labels, scores, cells=10))
    mass = np.bincount(cells[labels == 0], minlength=10) / 900 + np.bincount(cells[labels == 1], minlength=10) / 100
    assert mass == pytest.approx(np.full(10, 0.2), abs=0.02)
    tied = cells_of([0.3, 0.3, 0.3, 0.9], cell_edges([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.9], cells=4))
    assert len(set(tied[:3])) == 1


def test_two_bins_are_black_box_shift_estimation() -> None:
    # Rogan and Gladen: (alarm rate + specificity - 1) / (sensitivity + specificity - 1)
    ill, healthy, there = (np.repeat(each, 5) for each in ([20, 80], [90, 10], [700, 300]))
    assert float(estimated_prevalence(ill, healthy, there)) == pytest.approx((0.3 - 0.1) / (0.8 - 0.1), abs=1e-9)
    assert float(estimated_prevalence(ill, healthy, np.repeat([95, 5], 5))) == 0
    assert float(estimated_prevalence(ill, healthy, np.repeat([5, 95], 5))) == 1
    assert np.isnan(estimated_prevalence(0 * ill, healthy, there))


def test_the_top_of_the_likelihood_is_where_em_ends() -> None:
    rng = np.random.default_rng(3)
    ill, healthy, there = rng.integers(1, 50, 50), rng.integers(1, 400, 50), rng.integers(1, 200, 50)
    f1, f0, m = (np.asarray(each.reshape(10, 5).sum(axis=1), float) for each in (ill, healthy, there))
    f1, f0, share = f1 / f1.sum(), f0 / f0.sum(), 0.5
    for _ in range(200_000):  # Saerens, Latinne and Decaestecker (2002), equation 2.9
        before, posterior = share, share * f1 / (share * f1 + (1 - share) * f0)
        share = float((m * posterior).sum() / m.sum())
        if abs(share - before) < 1e-14:
            break
    assert float(estimated_prevalence(ill, healthy, there)) == pytest.approx(share, abs=1e-9)


def test_the_cohort_s_own_scores_give_back_its_prevalence() -> None:
    rng = np.random.default_rng(4)
    ill, healthy = rng.integers(1, 50, 50), rng.integers(1, 400, 50)
    own = (ill, healthy, ill + healthy)
    found = score_shift(own, tuple(np.stack([each, each]) for each in own), level=0.95)
    assert found.prevalence == pytest.approx(ill.sum() / (ill.sum() + healthy.sum()), abs=1e-12)
    assert found.distance == pytest.approx(0, abs=1e-12)
