"""Paired tests against R's pROC, statsmodels, published examples, textbook sums, and what must hold of them."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2, norm
from statsmodels.stats import contingency_tables

from overread.stats.paired import (
    Comparison,
    auroc_difference_delong,
    auroc_difference_obuchowski,
    bootstrap_comparison,
    bootstrap_p,
    equivalence,
    mcnemar,
    mcnemar_clustered,
    smallest_detectable_difference,
)

Z95 = 1.959963984540054
Cases = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]

# Obuchowski (1998), Stat Med 17:1495-1507: hyperactive parathyroid glands of 21 patients found by PET and by
# SPECT.
PET = "000 110 111 1 110 1111 111 11 11 1 110 11 111 11 00 110 110 110 11 1 11"
SPECT = "011 111 111 1 111 1111 111 11 10 1 110 11 111 11 11 110 110 111 11 1 11"


@st.composite
def cases(draw: st.DrawFn) -> Cases:
    """Draw labels with both classes, two readers' scores with many ties, and a patient for each image."""
    n = draw(st.integers(6, 30))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda y: 1 < sum(y) < n - 1))
    a, b = (draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)) for _ in "ab")
    patients = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    return np.array(labels), np.array(a) / 6, np.array(b) / 6, np.array(patients)


def enough_patients(case: Cases) -> bool:
    labels, _, _, patients = case
    return min(len(set(patients[labels == 1])), len(set(patients[labels == 0]))) > 1


def turned(result: Comparison) -> tuple[float, ...]:
    """A comparison as seen from the other reader."""
    return (result.b, result.a, -result.difference, -result.high, -result.low, result.p)


def straight(result: Comparison) -> tuple[float, ...]:
    return (result.a, result.b, result.difference, result.low, result.high, result.p)


# --- AUROC


@pytest.mark.parametrize("case", range(3))
def test_delong_is_that_of_proc_on_simulated_scores(case: int, reference: Callable[[str], Any]) -> None:
    stored = reference("proc_simulated.json")[case]
    result = auroc_difference_delong(stored["labels"], stored["scores_a"], stored["scores_b"])
    assert result.z == pytest.approx(stored["paired"]["z"], abs=1e-8)
    assert result.p == pytest.approx(stored["paired"]["p"], abs=1e-8)


def test_delong_is_that_of_proc_on_chestxray14(readings: Any, reference: Callable[[str], Any]) -> None:
    for finding, expected in reference("proc_chestxray14.json").items():
        labels, a, b = readings.labels[finding], readings.zech[finding], readings.lr033[finding]
        result = auroc_difference_delong(labels, a, b)
        assert result.z == pytest.approx(expected["paired"]["z"], abs=1e-8)
        assert result.p == pytest.approx(expected["paired"]["p"], abs=1e-8)
        variances = expected["a"]["variance"] + expected["b"]["variance"]
        variance = variances - 2 * expected["paired"]["covariance"]
        assert result.standard_error == pytest.approx(sqrt(variance), abs=1e-10)


def test_patients_widen_the_difference_on_chestxray14(readings: Any) -> None:
    finding = "Pneumothorax"
    labels, a, b = readings.labels[finding], readings.zech[finding], readings.lr033[finding]
    images = auroc_difference_delong(labels, a, b)
    patients = auroc_difference_obuchowski(labels, a, b, readings.patients)
    assert patients.difference == images.difference
    assert images.standard_error == pytest.approx(0.0035, abs=5e-5)
    assert patients.standard_error == pytest.approx(0.0046, abs=5e-5)


@settings(deadline=None, max_examples=40)
@given(cases().filter(enough_patients))
def test_obuchowski_is_its_textbook_sums(case: Cases) -> None:
    labels, a, b, patients = case
    names = sorted(set(patients))

    def ordered(x: float, y: float) -> float:
        return 1.0 if x > y else 0.5 if x == y else 0.0

    def components(score: NDArray[np.float64]) -> tuple[list[float], list[float]]:
        ill, well = score[labels == 1], score[labels == 0]
        theta = np.mean([ordered(x, y) for x in ill for y in well])
        v10 = [[np.mean([ordered(x, y) for y in well]) for x in score[(labels == 1) & (patients == i)]] for i in names]
        v01 = [[np.mean([ordered(x, y) for x in ill]) for y in score[(labels == 0) & (patients == i)]] for i in names]
        return [sum(v) - len(v) * theta for v in v10], [sum(v) - len(v) * theta for v in v01]

    m, n = int(labels.sum()), int((1 - labels).sum())
    i10, i01, i = len(set(patients[labels == 1])), len(set(patients[labels == 0])), len(names)

    def covariance(first: tuple[list[float], list[float]], second: tuple[list[float], list[float]]) -> float:
        s10 = i10 / ((i10 - 1) * m) * np.dot(first[0], second[0])
        s01 = i01 / ((i01 - 1) * n) * np.dot(first[1], second[1])
        s11 = i / (i - 1) * (np.dot(first[0], second[1]) + np.dot(second[0], first[1]))
        return float(s10 / m + s01 / n + s11 / (m * n))

    of_a, of_b = components(a), components(b)
    variance = covariance(of_a, of_a) + covariance(of_b, of_b) - 2 * covariance(of_a, of_b)
    result = auroc_difference_obuchowski(labels, a, b, patients)
    assert variance > -1e-12
    if variance > 1e-12:
        assert result.standard_error == pytest.approx(sqrt(variance), abs=1e-9)
        assert result.p == pytest.approx(2 * norm.sf(abs(result.difference) / sqrt(variance)), abs=1e-7)


@given(cases())
def test_one_image_per_patient_makes_obuchowski_delong(case: Cases) -> None:
    labels, a, b, _ = case
    clustered = auroc_difference_obuchowski(labels, a, b, np.arange(len(labels)))
    assert straight(clustered) == pytest.approx(straight(auroc_difference_delong(labels, a, b)), abs=1e-7, nan_ok=True)


@given(cases())
def test_turning_the_readers_round_turns_the_comparison(case: Cases) -> None:
    labels, a, b, patients = case
    ill = labels == 1
    pairs = [
        (auroc_difference_delong(labels, a, b), auroc_difference_delong(labels, b, a)),
        (
            auroc_difference_obuchowski(labels, a, b, patients),
            auroc_difference_obuchowski(labels, b, a, patients),
        ),
        (mcnemar(a[ill] > 0.5, b[ill] > 0.5), mcnemar(b[ill] > 0.5, a[ill] > 0.5)),
        (
            mcnemar_clustered(a[ill] > 0.5, b[ill] > 0.5, patients[ill]),
            mcnemar_clustered(b[ill] > 0.5, a[ill] > 0.5, patients[ill]),
        ),
    ]
    for one, other in pairs:
        assert turned(other) == pytest.approx(straight(one), abs=1e-9, nan_ok=True)


@given(cases())
def test_a_reader_does_not_differ_from_itself(case: Cases) -> None:
    labels, a, _, patients = case
    bent = np.exp(a)
    comparisons = [auroc_difference_delong(labels, a, bent), mcnemar(a > 0.5, a > 0.5)]
    comparisons += [mcnemar_clustered(a > 0.5, a > 0.5, patients)] * (len(set(patients)) > 1)
    comparisons += [auroc_difference_obuchowski(labels, a, bent, patients)] * enough_patients(case)
    for result in comparisons:
        assert (result.difference, result.p) == (0, 1)
    assert comparisons[0].note == "the two readers do not differ on these images"
    assert (comparisons[0].low, comparisons[0].high, comparisons[0].standard_error) == (0, 0, 0)


def test_a_difference_without_spread_has_no_test() -> None:
    result = auroc_difference_delong([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.5, 0.5])
    assert result.difference == 0.5
    assert isnan(result.p)
    assert isnan(result.low)
    assert "no standard error" in result.note
    assert isnan(result.z)


@pytest.mark.parametrize(
    ("labels", "patients", "reason"),
    [
        ([1, 1, 1, 1], [1, 2, 3, 4], "no negative"),
        ([0, 0, 0, 0], [1, 2, 3, 4], "no positive"),
        ([0, 1, 0, 1], [1, 1, 1, 1], "one patient only: no variance"),
        ([0, 1, 0, 1], [1, 2, 1, 3], "one patient only has negative images: no variance"),
    ],
)
def test_what_cannot_be_compared_says_why(labels: list[int], patients: list[int], reason: str) -> None:
    a, b = [0.1, 0.9, 0.3, 0.2], [0.2, 0.8, 0.9, 0.4]
    result = auroc_difference_obuchowski(labels, a, b, patients)
    assert isnan(result.p)
    assert result.note == reason
    assert isnan(result.a) == reason.startswith("no ")
    if reason.startswith("no "):
        assert auroc_difference_delong(labels, a, b).note == reason


def test_one_positive_leaves_delong_without_a_test() -> None:
    assert auroc_difference_delong([1, 0, 0], [3, 1, 2], [1, 2, 3]).note == "one positive only: no test"
    assert auroc_difference_delong([0, 1, 1], [3, 1, 2], [1, 2, 3]).note == "one negative only: no test"


# --- McNemar


def answers(both: int, only_a: int, only_b: int, neither: int) -> tuple[list[bool], list[bool]]:
    """Two readers' right and wrong answers with these counts."""
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return a, b


@given(st.tuples(*[st.integers(0, 30)] * 4).filter(any))
def test_mcnemar_is_that_of_statsmodels(counts: tuple[int, int, int, int]) -> None:
    both, only_a, only_b, neither = counts
    a, b = answers(*counts)
    table = [[both, only_a], [only_b, neither]]
    exact = contingency_tables.mcnemar(table, exact=True).pvalue
    assert mcnemar(a, b).p == pytest.approx(min(exact, 1.0), abs=1e-12)
    if only_a + only_b:
        plain = contingency_tables.mcnemar(table, exact=False, correction=False).pvalue
        assert mcnemar(a, b, test="chi-square").p == pytest.approx(plain, abs=1e-12)
        corrected = contingency_tables.mcnemar(table, exact=False, correction=True).pvalue
        assert mcnemar(a, b, test="chi-square corrected").p == pytest.approx(corrected, abs=1e-12)


def test_mcnemar_is_that_of_statsmodels_on_chestxray14(readings: Any) -> None:
    for finding, labels in readings.labels.items():
        ill = labels == 1
        a, b = readings.zech[finding][ill] >= 0.1, readings.lr033[finding][ill] >= 0.1
        table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]]
        assert mcnemar(a, b).p == pytest.approx(min(contingency_tables.mcnemar(table, exact=True).pvalue, 1), rel=1e-9)


def test_newcombes_interval_on_a_published_example() -> None:
    # Complete response before and after consolidation therapy (Cavo et al. 2012): 59, 6, 16 and 80 patients.
    # Fagerland, Lydersen and Laake (2017), Statistical Analysis of Contingency Tables, chapter 8, Newcombe
    # square-and-add: -0.0621 (-0.1186 to -0.0046).
    result = mcnemar(*answers(59, 6, 16, 80))
    assert result.difference == pytest.approx(-0.0621, abs=5e-5)
    assert result.low == pytest.approx(-0.1186, abs=5e-5)
    assert result.high == pytest.approx(-0.0046, abs=5e-5)


@given(st.tuples(*[st.integers(0, 40)] * 4).filter(any), st.sampled_from([0.8, 0.95, 0.99]))
def test_newcombes_interval_holds_its_difference(counts: tuple[int, int, int, int], level: float) -> None:
    result = mcnemar(*answers(*counts), level=level)
    assert -1 <= result.low <= result.difference + 1e-12
    assert result.difference - 1e-12 <= result.high <= 1


def test_mcnemar_on_no_images_is_an_explained_empty_value() -> None:
    assert mcnemar([], []).note == "no images"
    assert mcnemar_clustered([], [], []).note == "no images"
    assert isnan(mcnemar([], []).p)


def test_the_clustered_test_on_obuchowskis_data() -> None:
    pet, spect = (
        np.array([gland == "1" for patient in scans for gland in patient]) for scans in (PET.split(), SPECT.split())
    )
    patients = np.repeat(np.arange(21), [len(patient) for patient in PET.split()])
    # One gland by PET alone, seven by SPECT alone: McNemar's 36 / 8 = 4.5. By patient the differences are
    # -2, -1, -1, 1, -2, -1 and zeros: 36 / 12 = 3, and Obuchowski's own (20/21) 3.
    assert mcnemar(pet, spect, test="chi-square").p == pytest.approx(chi2.sf(4.5, 1))
    result = mcnemar_clustered(pet, spect, patients)
    assert result.p == pytest.approx(chi2.sf(3.0, 1))
    assert result.difference == pytest.approx(-6 / len(pet))


@given(st.tuples(*[st.integers(0, 12)] * 4).filter(lambda counts: sum(counts) > 1))
def test_one_image_per_patient_makes_the_clustered_test_mcnemars(counts: tuple[int, int, int, int]) -> None:
    a, b = answers(*counts)
    clustered = mcnemar_clustered(a, b, np.arange(len(a)))
    assert clustered.p == pytest.approx(mcnemar(a, b, test="chi-square").p, abs=1e-12)
    n = len(a)
    # The Wald interval with n - 1: the textbook variance of a paired difference.
    variance = np.var(np.array(a, dtype=float) - np.array(b), ddof=1) / n
    if variance > 0:
        half = Z95 * sqrt(variance)
        assert clustered.high == pytest.approx(min(1, clustered.difference + half))


def test_copies_of_an_image_teach_the_clustered_test_nothing() -> None:
    a, b = (np.array(column) for column in answers(20, 9, 3, 8))
    patients = np.arange(40) // 2
    once, thrice = (mcnemar_clustered(*(np.tile(x, k) for x in (a, b, patients))) for k in (1, 3))
    assert straight(thrice) == pytest.approx(straight(once))


def test_one_patient_has_no_clustered_test() -> None:
    result = mcnemar_clustered([1, 1, 0], [0, 1, 0], [4, 4, 4])
    assert result.difference == pytest.approx(1 / 3)
    assert isnan(result.p)
    assert result.note == "one patient only: no test"


# --- any metric, from replicates


def test_a_bootstrap_comparison_is_of_paired_replicates() -> None:
    rng = np.random.default_rng(11)
    shared = rng.normal(size=4000)
    a, b = 0.8 + 0.02 * shared + 0.005 * rng.normal(size=4000), 0.78 + 0.02 * shared
    result = bootstrap_comparison(0.8, 0.78, a, b)
    assert result.difference == pytest.approx(0.02)
    low, high = np.quantile(a - b, [0.025, 0.975])
    assert (result.low, result.high) == pytest.approx((low, high))
    assert result.standard_error == pytest.approx(0.005, rel=0.1)
    assert result.method == "bootstrap"
    assert result.p < 0.01


def test_ratios_are_compared_by_their_ratio() -> None:
    rng = np.random.default_rng(12)
    a, b = np.exp(rng.normal(2, 0.1, size=999)), np.exp(rng.normal(2, 0.1, size=999))
    result = bootstrap_comparison(8.0, 7.0, a, b, ratio=True, note="averaged on the log scale")
    assert result.difference == pytest.approx(8 / 7)
    assert result.low < 1 < result.high
    assert result.p > 0.05
    assert result.note == "averaged on the log scale; the difference is the ratio a / b"
    assert result.standard_error == pytest.approx(0.1 * sqrt(2), rel=0.1)


def test_replicates_of_one_reader_twice_do_not_differ() -> None:
    draws = np.random.default_rng(13).normal(size=50)
    for ratio in (False, True):
        result = bootstrap_comparison(0.8, 0.8, draws, draws, ratio=ratio)
        assert (result.difference, result.low, result.high, result.p) == (ratio, ratio, ratio, 1)


def test_undefined_replicates_are_left_out() -> None:
    a = np.linspace(0.5, 0.9, 100)
    some = np.where(np.arange(100) < 10, nan, a)
    result = bootstrap_comparison(0.7, 0.5, some, a - 0.2 + 0.01 * np.cos(np.arange(100)))
    assert "undefined in 10 of 100 replicates" in result.note
    most = np.where(np.arange(100) < 90, nan, a)
    assert isnan(bootstrap_comparison(0.7, 0.5, most, a / 2).p)
    undefined = bootstrap_comparison(nan, 0.5, a, a, note="no positive")
    assert (undefined.note, undefined.b) == ("no positive", 0.5)
    assert bootstrap_comparison(2.0, 0.0, a, a, ratio=True).note == "not defined for both readers"


def test_replicates_that_are_not_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="replicates must be of one shape"):
        bootstrap_comparison(0.5, 0.5, [0.1, 0.2], [0.1])


@given(st.lists(st.integers(-20, 20), min_size=40, max_size=400))
def test_the_bootstrap_p_agrees_with_the_percentile_interval(draws: list[int]) -> None:
    differences = np.array(draws) + 0.5  # never exactly 0
    p = bootstrap_p(differences)
    assert 2 / (len(draws) + 1) <= p <= 1
    low, high = np.quantile(differences, [0.025, 0.975], method="inverted_cdf")
    if p < 0.05:
        assert low > 0 or high < 0
    assert bootstrap_p(-differences) == p


def test_the_bootstrap_p_by_hand() -> None:
    assert bootstrap_p([1.0] * 99) == pytest.approx(0.02)
    assert bootstrap_p([0.0] * 99) == 1
    assert bootstrap_p([1.0, 2.0, 0.5, nan], null=1.0) == 1
    assert isnan(bootstrap_p([nan]))


# --- equivalence, and what could have been seen


def test_equivalence_is_two_one_sided_tests() -> None:
    result = equivalence(0.004, 0.003, margin=0.01)
    assert result.p_not_worse == pytest.approx(norm.sf(0.014 / 0.003))
    assert result.p_not_better == pytest.approx(norm.sf(0.006 / 0.003))
    assert result.p_equivalent == result.p_not_better
    half = norm.ppf(0.95) * 0.003
    assert (result.low, result.high) == pytest.approx((0.004 - half, 0.004 + half))
    assert result.equivalent
    assert result.not_worse


@given(st.floats(-0.05, 0.05), st.floats(0.001, 0.02), st.floats(0.001, 0.05))
def test_a_one_sided_test_is_passed_where_its_bound_is_inside_the_margin(
    difference: float, error: float, margin: float
) -> None:
    result = equivalence(difference, error, margin=margin)
    if abs(result.low + margin) > 1e-9:
        assert result.not_worse == (result.low > -margin)
    if min(abs(result.low + margin), abs(result.high - margin)) > 1e-9:
        assert result.equivalent == (result.low > -margin and result.high < margin)


def test_a_reader_is_equivalent_to_itself() -> None:
    result = equivalence(0.0, 0.0, margin=0.01)
    assert result.equivalent
    assert (result.p_equivalent, result.low, result.high) == (0, 0, 0)
    assert isnan(equivalence(nan, nan, margin=0.01).p_equivalent)
    assert not equivalence(nan, nan, margin=0.01).equivalent


def test_the_smallest_difference_is_found_with_the_stated_power() -> None:
    smallest = smallest_detectable_difference(0.01, power=0.9, level=0.99)
    z = norm.ppf(0.995)
    # The power of the two-sided z test at that difference, from its definition (one tail; the other is
    # negligible).
    assert norm.sf(z - smallest / 0.01) == pytest.approx(0.9)
    assert isnan(smallest_detectable_difference(0.0))
    assert isnan(smallest_detectable_difference(nan))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: equivalence(0, 0.1, margin=0), "margin must be above 0"),
        (lambda: equivalence(0, -0.1, margin=1), "standard_error must not be below 0"),
        (lambda: equivalence(0, 0.1, margin=1, level=0.5), "level must lie between 0.5 and 1"),
        (lambda: smallest_detectable_difference(-1), "standard_error must not be below 0"),
        (lambda: smallest_detectable_difference(1, power=80), "power must lie between 0 and 1"),
        (lambda: mcnemar([1, 0], [1]), "must be of one shape"),
        (lambda: mcnemar([1, 2], [1, 0]), "must hold true or false"),
        (lambda: mcnemar([1, 0], [0, 1], test="mid-p"), "test must be exact, chi-square"),
        (lambda: auroc_difference_delong([0, 1], [0.1, 0.2], [0.1]), "must be of one shape"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_weak_positive_correlation_counts_for_none_in_newcombe_s_interval() -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    # Two, one, one and one: e h - f g = 1, less than the correction of n / 2 for continuity.
    found = mcnemar([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    expected = confint_proportions_2indep(3, 5, 3, 5, method="newcomb")
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)
