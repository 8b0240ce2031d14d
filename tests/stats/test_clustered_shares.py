"""Shares by patient against Wilson's own interval, statsmodels' sandwich and counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.clustered_shares import observed_to_expected, share_by_patient, share_difference, wilson
from overread.stats.proportions import proportion


def clustered(seed: int, n_patients: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n_patients), rng.integers(1, 8, n_patients))
    risk = rng.beta(0.5, 4.5, n_patients)
    return (rng.random(len(patients)) < risk[patients]).astype(int), patients


def test_wilson_is_that_of_counts() -> None:
    exact = proportion(45, 50)
    found = wilson(0.9, 50)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_one_image_per_patient_gives_nearly_the_interval_of_independent_images() -> None:
    positive = np.arange(500) % 5 == 0
    found, exact = share_by_patient(positive, np.arange(500)), proportion(100, 500)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, exact.low, exact.high), abs=2e-4)


def test_images_of_one_patient_that_are_alike_widen_the_interval_as_if_they_were_one() -> None:
    positive, patients = np.repeat(np.arange(500) % 5 == 0, 4), np.repeat(np.arange(500), 4)
    found, single = share_by_patient(positive, patients), share_by_patient(np.arange(500) % 5 == 0, np.arange(500))
    assert (found.low, found.high) == pytest.approx((single.low, single.high), abs=1e-12)


def test_variance_is_the_sandwich_of_a_clustered_regression() -> None:
    from statsmodels.api import OLS

    positive, patients = clustered(3)
    fit = OLS(positive, np.ones(len(positive))).fit(
        cov_type="cluster", cov_kwds={"groups": patients, "use_correction": False}
    )
    k = len(np.unique(patients))
    variance = float(fit.bse[0] ** 2) * k / (k - 1)
    share = positive.mean()
    expected = wilson(share, share * (1 - share) / variance)
    found = share_by_patient(positive, patients)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_no_positive_has_an_interval_by_the_number_of_patients() -> None:
    found, exact = share_by_patient(np.zeros(40), np.repeat(np.arange(10), 4)), proportion(0, 10)
    assert (found.low, found.high) == pytest.approx((0, exact.high))


@pytest.mark.parametrize(("positive", "patients", "note"), [([], [], "no images"), ([1, 0], [3, 3], "one patient")])
def test_what_cannot_be_computed_says_why(positive: list[int], patients: list[int], note: str) -> None:
    found = share_by_patient(positive, patients)
    assert note in found.note
    assert np.isnan(found.low)


def test_order_of_images_and_names_of_patients_do_not_matter() -> None:
    positive, patients = clustered(5)
    order = np.random.default_rng(0).permutation(len(positive))
    one, other = share_by_patient(positive, patients), share_by_patient(positive[order], 1000 - patients[order])
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-12)


def test_difference_of_separate_patients_adds_their_variances_and_turns_with_the_groups() -> None:
    positive, patients = clustered(7)
    here = patients < 120
    found, p = share_difference(positive, here, ~here, patients)
    turned, q = share_difference(positive, ~here, here, patients)
    assert found.value == pytest.approx(positive[here].mean() - positive[~here].mean())
    assert (turned.value, turned.low, q) == pytest.approx((-found.value, -found.high, p))


@pytest.mark.slow
def test_shares_cover_with_clustered_images() -> None:
    truth, hits, runs = 0.1, 0, 400
    for seed in range(runs):
        found = share_by_patient(*clustered(seed))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / runs <= 0.98


@pytest.mark.slow
def test_a_difference_that_is_none_is_called_one_in_twenty_times() -> None:
    called, runs = 0, 400
    for seed in range(runs):
        positive, patients = clustered(seed)
        called += share_difference(positive, patients % 2 == 0, patients % 2 == 1, patients)[1] < 0.05
    assert 0.02 <= called / runs <= 0.09


def test_observed_to_expected_counts_pairs_that_were_assessed() -> None:
    one = np.array([1, 1, 0, 0, 1, -1])
    others = np.array([[1, 0], [1, -1], [0, 0], [1, 0], [-1, 0], [1, 0]])
    (counts, ratio), (never, zero) = observed_to_expected(one, others, np.arange(6))
    assert counts.tolist() == [4, 2, 3, 2]
    assert ratio.value == pytest.approx(2 * 4 / (2 * 3))
    assert ratio.low < ratio.value < ratio.high
    assert never.tolist()[3] == 0
    assert zero.note == "a finding is absent"


def test_ratio_has_the_interval_of_the_relative_risk_by_the_delta_method() -> None:
    # Multinomial delta method for ln(n11 n / (n1. n.1)), cells by hand.
    cells = np.array([[30, 70], [50, 350]])
    one = np.repeat([1, 1, 0, 0], cells.ravel())
    other = np.repeat([1, 0, 1, 0], cells.ravel())
    n, a, b, c = 500, 100, 80, 30
    gradient = np.array([n / c - n / a - n / b, -n / a, -n / b, 0.0])
    share = cells.ravel() / n
    variance = (share @ gradient**2 - (share @ gradient) ** 2) / n
    (_, ratio) = observed_to_expected(one, other[:, None], np.arange(n))[0]
    assert ratio.value == pytest.approx(c * n / (a * b))
    assert np.log(ratio.high / ratio.low) / (2 * 1.959964) == pytest.approx(np.sqrt(variance * n / (n - 1)), rel=1e-6)
