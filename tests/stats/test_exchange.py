"""The exchange rate: the paper's own numbers, Fieller's equation, and the conversions."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.clusters import clustered_mean
from overread.stats.decision_curves import odds
from overread.stats.exchange import (
    RateDifferences,
    exchange_rate,
    extra_people,
    fieller,
    net_benefit_threshold,
    rate_at_prevalence,
    rate_at_threshold,
    rate_differences,
)

Z95 = 1.959963984540054
# The paper's Table 2: the standard model spares 23 more of 1,000 healthy, the modified finds 25 more of 1,000
# ill.
PAPER = RateDifferences(sensitivity=-0.025, specificity=0.023)
POOLED = 0.0759


def test_the_papers_two_numbers_with_one_denominator() -> None:
    extra = extra_people(PAPER, prevalence=POOLED)
    assert extra.spared == pytest.approx(21.3, abs=0.05)
    assert -extra.found == pytest.approx(1.9, abs=0.05)
    rate = exchange_rate(PAPER, prevalence=POOLED)
    assert rate.value == pytest.approx(11, abs=0.5)
    assert rate.value == pytest.approx(extra.spared / -extra.found)
    assert isnan(rate.low)
    assert rate.note == "no variance"


def test_rate_differences_by_hand() -> None:
    labels = [1, 1, 1, 0, 0, 0, 0]
    a, b = [1, 1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0, 1]
    patients = [1, 1, 2, 1, 2, 3, 3]
    found = rate_differences(labels, a, b, patients)
    assert found.sensitivity == pytest.approx(1 / 3)
    assert found.specificity == 0
    # Influences on sensitivity (more - 1/3)/3 by patient 1: 1/9, 2: -1/9; on specificity -more/4 by 2: -1/4,
    # 3: 1/4.
    assert found.sensitivity_variance == pytest.approx(1.5 * (1 / 81 + 1 / 81))
    assert found.specificity_variance == pytest.approx(1.5 * (1 / 16 + 1 / 16))
    assert found.covariance == pytest.approx(1.5 * (-1 / 9) * (-1 / 4))


def test_patients_all_ill_or_all_healthy_leave_the_two_rates_independent() -> None:
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(40), 3)
    labels = (patients < 15).astype(int)
    a, b = rng.random((2, 120)) < 0.5
    found = rate_differences(labels, a, b, patients)
    assert found.covariance == 0
    # K/(K-1) counts all patients here and those of one kind in the mean of that kind.
    _, alone = clustered_mean(a[labels == 1] * 1.0 - b[labels == 1], patients[labels == 1])
    assert found.sensitivity_variance == pytest.approx(alone * (40 / 39) / (15 / 14))


@given(
    st.floats(-5, 5),
    st.floats(-5, 5),
    st.floats(0.01, 2),
    st.floats(0.01, 2),
    st.floats(-0.99, 0.99),
)
def test_fieller_bounds_solve_their_equation(
    numerator: float, denominator: float, sd_n: float, sd_d: float, r: float
) -> None:
    covariance = r * sd_n * sd_d
    estimate = fieller(numerator, denominator, sd_n**2, sd_d**2, covariance)
    if abs(denominator) <= Z95 * sd_d:
        assert isnan(estimate.low)
        assert "zero" in estimate.note
        return
    assert estimate.low <= estimate.value <= estimate.high
    for bound in (estimate.low, estimate.high):
        distance = (numerator - bound * denominator) ** 2
        variance = sd_n**2 - 2 * bound * covariance + bound**2 * sd_d**2
        assert distance == pytest.approx(Z95**2 * variance, rel=1e-5, abs=1e-8)


def test_fieller_of_a_known_denominator_is_wald() -> None:
    estimate = fieller(6.0, 2.0, 0.25, 0.0, 0.0)
    assert (estimate.low, estimate.high) == pytest.approx((3 - Z95 * 0.25, 3 + Z95 * 0.25))


def test_a_rate_that_may_divide_by_zero_is_not_bounded() -> None:
    rate = exchange_rate(RateDifferences(0.02, -0.02, 2e-4, 1e-5, 0.0), prevalence=0.1)
    assert rate.value == pytest.approx(9)
    assert isnan(rate.low)
    assert rate.note == "not bounded: the difference in ill people found may be zero"
    same = exchange_rate(RateDifferences(0.0, 0.01, 1e-4, 1e-5, 0.0), prevalence=0.1)
    assert isnan(same.value)
    assert same.note == "the difference in ill people found is zero"
    assert exchange_rate(RateDifferences(nan, nan), prevalence=0.1).note == "not defined"


def test_the_rate_is_the_same_in_both_directions() -> None:
    there = exchange_rate(RateDifferences(0.05, -0.02, 1e-4, 1e-5, 1e-6), prevalence=0.1)
    back = exchange_rate(RateDifferences(-0.05, 0.02, 1e-4, 1e-5, 1e-6), prevalence=0.1)
    assert (there.value, there.low, there.high) == pytest.approx((back.value, back.low, back.high))


def test_where_one_is_better_at_both_nothing_is_exchanged() -> None:
    a_wins = exchange_rate(RateDifferences(0.05, 0.02, 1e-4, 1e-5, 0.0), prevalence=0.1)
    assert a_wins.value < 0
    assert a_wins.note.startswith("a finds more ill and refers fewer healthy people")
    b_wins = exchange_rate(RateDifferences(-0.05, -0.02, 1e-4, 1e-5, 0.0), prevalence=0.1)
    assert b_wins.note.startswith("b finds more ill")
    assert np.isnan(net_benefit_threshold(a_wins.value))


@given(st.floats(0, 1e4))
def test_rates_and_thresholds_are_one_axis(rate: float) -> None:
    threshold = float(net_benefit_threshold(rate))
    assert float(rate_at_threshold(threshold)) == pytest.approx(rate, rel=1e-9, abs=1e-9)
    if rate > 1e-3:
        assert float(odds(threshold)) == pytest.approx(1 / rate)


def test_at_the_threshold_of_a_rate_both_points_have_one_net_benefit() -> None:
    differences, prevalence = RateDifferences(0.05, -0.02), 0.1
    threshold = float(net_benefit_threshold(exchange_rate(differences, prevalence=prevalence).value))
    gain = prevalence * differences.sensitivity
    cost = (1 - prevalence) * -differences.specificity * float(odds(threshold))
    assert gain == pytest.approx(cost)


def test_a_rate_is_carried_to_another_prevalence() -> None:
    differences = RateDifferences(0.05, -0.02)
    here, there = (exchange_rate(differences, prevalence=share).value for share in (0.1, 0.01))
    np.testing.assert_allclose(rate_at_prevalence(here, measured_at=0.1, wanted_at=[0.1, 0.01]), [here, there])


def test_misuse_is_refused() -> None:
    for prevalence in (0, 1, 7.59):
        with pytest.raises(ValueError, match="prevalence must lie between 0 and 1"):
            exchange_rate(PAPER, prevalence=prevalence)
    with pytest.raises(ValueError, match="threshold_probability must be above 0"):
        rate_at_threshold(0.0)
    with pytest.raises(ValueError, match="must be of one shape"):
        rate_differences([1, 0], [1, 0], [1], [1, 2])
    with pytest.raises(ValueError, match="labels must be 0 or 1"):
        rate_differences([1, -1], [1, 0], [1, 0], [1, 2])
    assert isnan(rate_differences([1, 1], [1, 0], [1, 0], [1, 2]).specificity)
