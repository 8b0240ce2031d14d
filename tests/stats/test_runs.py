"""Recipes against a published analysis of readers and cases, sums by hand, and what must hold of any runs."""

from __future__ import annotations

from math import inf, isnan, sqrt

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import norm, t, ttest_ind

from overread.stats.resampling import PatientBootstrap, Ranking, observed
from overread.stats.runs import ALIKE, BY_PATIENT, NO_VARIANCE, ONE_RUN, SAME, recipe_difference, recipe_mean

# Van Dyke's data (5 readers, 2 modalities, 114 cases), Wilcoxon areas, analysed by RJafroc 2.1:
#   st <- StSignificanceTesting(dataset02, FOM = "Wilcoxon", method = "OR")
#   st$FOMs$foms; st$ANOVA$IndividualTrt; st$RRRC$ciAvgRdrEachTrt; st$FRRC$ciAvgRdrEachTrt
# as printed in Chakraborty's RJafroc RocBook, "Illustration of the OR method".
AREAS = {
    "trt0": ([0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066], 0.00101410277, 0.00048396180),
    "trt1": ([0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169], 0.00059047376, 0.00020418785),
}
RANDOM_READERS = {  # estimate, standard error, degrees of freedom, interval
    "trt0": (0.89703704, 0.033173597, 12.744648, 0.82522360, 0.96885048),
    "trt1": (0.94083736, 0.021566368, 12.710190, 0.89413783, 0.98753689),
}
FIXED_READERS = {"trt0": 0.024289710, "trt1": 0.016776324}  # standard error


def even(n: int, variance: float, shared: float) -> np.ndarray:
    """A covariance with one variance and one covariance throughout."""
    return np.full((n, n), shared) + np.eye(n) * (variance - shared)


@pytest.mark.parametrize("modality", ["trt0", "trt1"])
def test_one_recipe_is_hillis_analysis_of_one_modality(modality: str) -> None:
    areas, variance, shared = AREAS[modality]
    found = recipe_mean(areas, even(5, variance, shared))
    estimate, error, freedom, low, high = RANDOM_READERS[modality]
    assert found.value == pytest.approx(estimate, abs=1e-8)
    assert found.standard_error == pytest.approx(error, abs=1e-8)
    assert found.degrees_of_freedom == pytest.approx(freedom, abs=1e-5)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-7)
    assert found.se_patients == pytest.approx(FIXED_READERS[modality], abs=1e-8)
    assert found.sd_runs == pytest.approx(np.std(areas, ddof=1))
    assert found.sd_new_run == pytest.approx(sqrt(np.var(areas, ddof=1) + shared))


def test_one_recipe_by_hand() -> None:
    # s² = 0.0001, v = 0.00003, c = 0.00002: σ² = 0.00009; by patient (0.00003 + 2 · 0.00002) / 3 = 0.00007 / 3.
    found = recipe_mean([0.80, 0.82, 0.81], even(3, 3e-5, 2e-5), level=0.9)
    variance = 0.00009 / 3 + 0.00007 / 3
    freedom = variance**2 / ((0.0001 / 3) ** 2 / 2)
    half = t.ppf(0.95, freedom) * sqrt(variance)
    assert found.standard_error == pytest.approx(sqrt(variance))
    assert found.degrees_of_freedom == pytest.approx(freedom)
    assert (found.low, found.high) == pytest.approx((0.81 - half, 0.81 + half))
    assert found.sd_new_run == pytest.approx(sqrt(0.00009 + 0.00003))
    assert found.note == ""


def test_two_recipes_by_hand() -> None:
    a, b = np.array([0.80, 0.84, 0.82]), np.array([0.85, 0.86])
    matrix = np.full((5, 5), 2e-5)  # between recipes
    matrix[:3, :3] = even(3, 6e-5, 4e-5)
    matrix[3:, 3:] = even(2, 5e-5, 3e-5)
    found = recipe_difference(a, b, matrix)
    patients = (6e-5 + 2 * 4e-5) / 3 + (5e-5 + 3e-5) / 2 - 2 * 2e-5  # of these runs alone
    variance = 0.0004 / 3 + 0.00005 / 2 + 4e-5 + 3e-5 - 2 * 2e-5
    freedom = variance**2 / ((0.0004 / 3) ** 2 / 2 + (0.00005 / 2) ** 2 / 1)
    assert (found.a, found.b, found.difference) == pytest.approx((0.82, 0.855, -0.035))
    assert (found.sd_runs_a**2, found.sd_runs_b**2) == pytest.approx((0.0004, 0.00005))
    assert found.se_patients**2 == pytest.approx(patients)
    assert found.standard_error**2 == pytest.approx(variance)
    assert found.degrees_of_freedom == pytest.approx(freedom)
    assert found.p == pytest.approx(2 * t.sf(0.035 / sqrt(variance), freedom))
    half = t.ppf(0.975, freedom) * sqrt(variance)
    assert (found.low, found.high) == pytest.approx((-0.035 - half, -0.035 + half))


def test_with_no_end_of_patients_the_test_is_welchs() -> None:
    a, b = [0.80, 0.84, 0.82, 0.79], [0.85, 0.86, 0.83]
    found = recipe_difference(a, b, np.zeros((7, 7)))
    welch = ttest_ind(a, b, equal_var=False)
    bounds = welch.confidence_interval(0.95)
    assert found.p == pytest.approx(welch.pvalue)
    assert found.degrees_of_freedom == pytest.approx(welch.df)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))


def test_what_both_recipes_owe_to_the_same_patients_cancels() -> None:
    a, b = [0.80, 0.82], [0.84, 0.85]
    small, large = (recipe_difference(a, b, even(4, 1e-5 + shared, shared)) for shared in (0.0, 1.0))
    assert large.standard_error == pytest.approx(small.standard_error)


def test_readers_that_change_places_change_the_sign() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.8, 0.01, 3), rng.normal(0.81, 0.01, 4)
    root = rng.normal(0, 0.003, (7, 7))
    matrix = root @ root.T
    order = [3, 4, 5, 6, 0, 1, 2]
    found, other = recipe_difference(a, b, matrix), recipe_difference(b, a, matrix[np.ix_(order, order)])
    assert (found.difference, found.low, found.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert found.p == pytest.approx(other.p)


def test_runs_that_lie_close_by_chance_look_no_surer_than_the_patients_are() -> None:
    # s² = 0.00000002, though the test set alone would set them v - c = 0.00001 apart.
    found = recipe_mean([0.8000, 0.8002], even(2, 3e-5, 2e-5))
    assert found.note == BY_PATIENT
    assert found.standard_error == found.se_patients == pytest.approx(sqrt(2.5e-5))
    assert found.high - found.value == pytest.approx(1.959964 * sqrt(2.5e-5), rel=1e-6)
    assert found.degrees_of_freedom == inf
    assert found.sd_new_run == pytest.approx(sqrt(3e-5))
    test = recipe_difference([0.8000, 0.8002], [0.8100, 0.8102], even(4, 3e-5, 2e-5))
    assert test.note == BY_PATIENT
    assert test.p == pytest.approx(2 * norm.sf(0.01 / sqrt(1e-5)))


def test_one_run_says_nothing_of_the_spread() -> None:
    alone = recipe_mean([0.8], [[4e-4]])
    assert (alone.value, alone.se_patients, alone.note) == (0.8, 0.02, ONE_RUN)
    for number in (alone.sd_runs, alone.low, alone.high, alone.standard_error, alone.sd_new_run):
        assert isnan(number)
    test = recipe_difference([0.8], [0.82, 0.83], even(3, 4e-4, 2e-4))
    assert test.note == ONE_RUN
    assert test.difference == pytest.approx(-0.025)
    assert isnan(test.p)


def test_runs_that_are_copies_are_told() -> None:
    same = recipe_mean([0.8, 0.8], even(2, 4e-4, 4e-4))
    assert (same.note, same.degrees_of_freedom) == (SAME, inf)
    assert same.high - same.value == pytest.approx(1.959964 * 0.02, rel=1e-6)
    assert recipe_mean([0.8, 0.8], np.zeros((2, 2))).note == ALIKE
    nothing = recipe_difference([0.8, 0.8], [0.8, 0.8], even(4, 4e-4, 4e-4))
    assert nothing.note == ALIKE
    assert isnan(nothing.p)


def test_what_has_no_value_has_no_interval() -> None:
    assert recipe_mean([0.8, np.nan], even(2, 4e-4, 1e-4)).note == NO_VARIANCE
    assert recipe_mean([0.8, 0.9], np.full((2, 2), np.nan)).note == NO_VARIANCE
    assert recipe_difference([0.8, np.nan], [0.7, 0.8], even(4, 4e-4, 1e-4)).note == NO_VARIANCE


def test_the_interval_stays_between_0_and_1() -> None:
    found = recipe_mean([0.99, 0.95], even(2, 4e-4, 1e-4))
    assert found.high == 1.0


@pytest.mark.parametrize("shape", [(3, 3), (2,), (2, 3)])
def test_a_covariance_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a row and a column for each run"):
        recipe_mean([0.8, 0.9], np.zeros(shape))


def simulate(rng: np.random.Generator, separations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores (n, runs), patients: 120 with 1 to 5 images each; runs share 70 % of what they see."""
    patients = np.repeat(np.arange(120), rng.integers(1, 6, 120))
    n, n_runs = len(patients), len(separations)
    labels = (rng.random(n) < rng.beta(0.6, 1.4, 120)[patients]).astype(np.int8)
    shared = rng.normal(size=120)[patients] + rng.normal(size=n)
    own = rng.normal(size=(120, n_runs))[patients] + rng.normal(size=(n, n_runs))
    scores = labels[:, None] * separations + sqrt(0.7) * shared[:, None] + sqrt(0.3) * own
    return np.tile(labels[:, None], n_runs), scores, patients


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3])
def test_intervals_cover_the_recipe_for_new_runs_and_new_patients(spread: float) -> None:
    """Two recipes, five runs and three, whose separations are drawn anew each time, as are the patients.

    A score has a standard deviation of √2 among images of one label, so that the area of a run is Φ(separation / 2).
    """
    rng = np.random.default_rng(7)
    quantiles = norm.ppf((np.arange(4000) + 0.5) / 4000)
    truth = [float(ndtr((separation + spread * quantiles) / 2).mean()) for separation in (1.5, 1.3)]
    covered, apart, by_patient = [], [], []
    for seed in range(1000):
        separations = np.repeat([1.5, 1.3], [5, 3]) + spread * rng.normal(size=8)
        labels, scores, patients = simulate(rng, separations)
        ranking = Ranking.of(labels, scores, patients)
        values = observed(ranking).auroc[0]
        bootstrap = PatientBootstrap(patients, replicates=256, seed=seed, threads=1)
        matrix = np.cov(bootstrap.ranked(ranking).auroc, rowvar=False)
        for recipe, runs in enumerate((slice(0, 5), slice(5, 8))):
            mean = recipe_mean(values[runs], matrix[runs, runs])
            covered.append(mean.low <= truth[recipe] <= mean.high)
            by_patient.append(abs(mean.value - truth[recipe]) < 1.96 * mean.se_patients)
        test = recipe_difference(values[:5], values[5:], matrix)
        apart.append(test.low <= truth[0] - truth[1] <= test.high)
    # Three Monte Carlo standard errors, 2.1 percentage points, and half a point for so few patients.
    assert 0.924 < np.mean(covered) < 0.976
    assert 0.924 < np.mean(apart) < 0.99
    if spread == 0.3:
        assert np.mean(by_patient) < 0.87  # what an interval that knows nothing of the runs does instead
