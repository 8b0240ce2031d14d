"""Agreement of several readers against statsmodels, scikit-learn and published examples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from overread.stats import rater_agreement
from overread.stats.agreement import kappa
from overread.stats.operating_points import Counts

MEG = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
OWEN = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
"""Krippendorff (2011), Computing Krippendorff's alpha-reliability, example A: binary data, alpha = 0.095."""


def sums(calls: NDArray[np.int64]) -> tuple[int, int, int, int]:
    m = calls.sum(axis=1)
    return len(m), int(m.sum()), int((m**2).sum()), calls.shape[1]


@pytest.fixture(params=[2, 3, 7])
def calls(request: pytest.FixtureRequest) -> NDArray[np.int64]:
    rng = np.random.default_rng(request.param)
    hard = rng.random((200, 1))
    return (rng.random((200, request.param)) < 0.1 + 0.7 * (hard > 0.8)).astype(np.int64)


def test_fleiss_kappa_is_that_of_statsmodels(calls: NDArray[np.int64]) -> None:
    table, _ = aggregate_raters(calls)
    assert float(rater_agreement.fleiss_kappa(*sums(calls))) == pytest.approx(fleiss_kappa(table, method="fleiss"))


def test_agreement_is_the_share_of_pairs_of_readers_that_agree(calls: NDArray[np.int64]) -> None:
    n = calls.shape[1]
    pairs = [(calls[:, i] == calls[:, j]).mean() for i in range(n) for j in range(i)]
    assert float(rater_agreement.observed_agreement(*sums(calls))) == pytest.approx(np.mean(pairs))


def test_krippendorffs_own_example() -> None:
    calls = np.array([MEG, OWEN]).T
    assert float(rater_agreement.krippendorff_alpha(*sums(calls))) == pytest.approx(0.095, abs=5e-4)


def test_krippendorffs_alpha_by_its_coincidence_matrix(calls: NDArray[np.int64]) -> None:
    n_readers = calls.shape[1]
    coincidence = np.zeros((2, 2))
    for row in calls:
        for i in range(n_readers):
            for j in range(n_readers):
                if i != j:
                    coincidence[row[i], row[j]] += 1 / (n_readers - 1)
    totals = coincidence.sum(axis=1)
    expected = 1 - (totals.sum() - 1) * coincidence[0, 1] / (totals[0] * totals[1])
    assert float(rater_agreement.krippendorff_alpha(*sums(calls))) == pytest.approx(expected)


def test_gwets_ac1_by_hand_and_where_kappa_fails() -> None:
    # 118 both yes, 5 and 2 apart, 0 both no: Gwet (2008), Table 1's paradox; p = 0.972, p_e = 2 p (1 - p).
    calls = np.array([[1, 1]] * 118 + [[1, 0]] * 5 + [[0, 1]] * 2)
    agreed, p = 118 / 125, (118 * 2 + 7) / 250
    by_chance = 2 * p * (1 - p)
    assert float(rater_agreement.gwet_ac1(*sums(calls))) == pytest.approx((agreed - by_chance) / (1 - by_chance))
    assert float(rater_agreement.gwet_ac1(*sums(calls))) == pytest.approx(0.94, abs=0.005)
    assert cohen_kappa_score(calls[:, 0], calls[:, 1]) == pytest.approx(-0.0234, abs=0.001)


def test_cohens_kappa_is_that_of_scikit_learn(calls: NDArray[np.int64]) -> None:
    a, b = calls[:, 0], calls[:, 1]
    cells = [int(((a == x) & (b == y)).sum()) for x, y in ((1, 1), (1, 0), (0, 1), (0, 0))]
    assert float(kappa(Counts(*cells))) == pytest.approx(cohen_kappa_score(a, b))


def test_nothing_to_tell_apart_has_no_kappa_and_arrays_are_worked_through() -> None:
    assert np.isnan(float(rater_agreement.fleiss_kappa(10, 20, 40, 2)))
    assert np.isnan(float(rater_agreement.krippendorff_alpha(10, 20, 40, 2)))
    both = rater_agreement.fleiss_kappa(np.array([10, 10]), np.array([6, 20]), np.array([8, 40]), 2)
    assert both.shape == (2,)
    with pytest.raises(ValueError, match="2 or more"):
        rater_agreement.gwet_ac1(10, 5, 5, 1)
