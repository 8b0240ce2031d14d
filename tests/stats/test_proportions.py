"""Wilson's interval against statsmodels, its equation, and its refusals."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from statsmodels.stats.proportion import proportion_confint

from overread.stats.proportions import proportion


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 30), (30, 30), (45, 50), (3, 7), (1089, 22433)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_is_that_of_statsmodels(successes: int, trials: int, level: float) -> None:
    low, high = proportion_confint(successes, trials, alpha=1 - level, method="wilson")
    estimate = proportion(successes, trials, level=level)
    assert estimate.value == successes / trials
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-12)
    assert estimate.method == "wilson"


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_bounds_solve_the_score_equation_and_mirror_each_other(counts: tuple[int, int]) -> None:
    successes, trials = counts
    estimate = proportion(successes, trials)
    for bound in (estimate.low, estimate.high):
        # Wilson (1927): the bounds are the p at which (x - n p)^2 = z^2 n p (1 - p)
        distance = (successes - trials * bound) ** 2 - ndtri(0.975) ** 2 * trials * bound * (1 - bound)
        assert distance == pytest.approx(0, abs=1e-7 * trials**2)
    mirrored = proportion(trials - successes, trials)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - estimate.high, 1 - estimate.low), abs=1e-12)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_no_cases_is_an_explained_empty_value() -> None:
    estimate = proportion(0, 0)
    assert isnan(estimate.value)
    assert isnan(estimate.low)
    assert estimate.note == "no cases"


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (1, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="successes must lie between 0 and trials"):
        proportion(successes, trials)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, -0.5])
def test_a_level_outside_0_to_1_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        proportion(1, 2, level=level)
