"""Simulated cohorts with several images per patient: error rates, coverage and power as promised.

Slow; seeds are fixed, and every tolerance is three Monte Carlo standard errors of what is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import kstest

from overread.stats.decision_curves import decision_curve, decision_curve_difference, odds
from overread.stats.discrimination import auroc_delong, auroc_obuchowski
from overread.stats.exchange import exchange_rate, rate_differences
from overread.stats.paired import (
    auroc_difference_delong,
    auroc_difference_obuchowski,
    bootstrap_comparison,
    mcnemar,
    mcnemar_clustered,
    smallest_detectable_difference,
)
from overread.stats.resampling import PatientBootstrap, Ranking

pytestmark = pytest.mark.slow

SPREAD = sqrt(2)  # standard deviation of a score among images of one label: of the patient 1, of the image 1


@dataclass(frozen=True, eq=False)
class Simulated:
    """Images of patients who have from one to seven each, ill or not by patient-specific chance; two readers."""

    labels: NDArray[np.int64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    patients: NDArray[np.int64]


def simulate(rng: np.random.Generator, separation_a: float, separation_b: float, n_patients: int = 250) -> Simulated:
    """Draw a cohort; a score is label times separation, plus what the reader sees in this patient and in this image.

    Half of what a reader sees beyond the label it shares with the other. The AUROC is Φ(separation / (√2
    SPREAD)).
    """
    patients = np.repeat(np.arange(n_patients), rng.integers(1, 8, n_patients))
    n = len(patients)
    labels = (rng.random(n) < rng.beta(0.6, 1.4, n_patients)[patients]).astype(np.int64)
    seen_by_both = (rng.normal(size=n_patients)[patients] + rng.normal(size=n)) * sqrt(0.5)
    scores = []
    for separation in (separation_a, separation_b):
        own = (rng.normal(size=n_patients)[patients] + rng.normal(size=n)) * sqrt(0.5)
        scores.append(separation * labels + seen_by_both + own)
    return Simulated(labels, scores[0], scores[1], patients)


def area(separation: float) -> float:
    return float(ndtr(separation / (sqrt(2) * SPREAD)))


def expect_share(hits: NDArray[np.bool_] | list[bool], share: float, allowance: float = 0.0) -> None:
    """Assert that a share of simulations is what it should be, within three Monte Carlo standard errors."""
    error = sqrt(share * (1 - share) / len(hits))
    assert abs(np.mean(hits) - share) < 3 * error + allowance


def test_p_values_are_uniform_where_two_readers_do_not_differ() -> None:
    rng = np.random.default_rng(101)
    by_patient, by_image, sensitivity, sensitivity_by_image = [], [], [], []
    for _ in range(1500):
        s = simulate(rng, 1.5, 1.5)
        by_patient.append(auroc_difference_obuchowski(s.labels, s.a, s.b, s.patients).p)
        by_image.append(auroc_difference_delong(s.labels, s.a, s.b).p)
        ill = s.labels == 1
        a, b = s.a[ill] > 0.8, s.b[ill] > 0.8
        sensitivity.append(mcnemar_clustered(a, b, s.patients[ill]).p)
        sensitivity_by_image.append(mcnemar(a, b, test="chi-square").p)
    for p in (by_patient, sensitivity):
        expect_share(np.array(p) < 0.05, 0.05)
        expect_share(np.array(p) < 0.2, 0.2)
        assert kstest(p, "uniform").pvalue > 0.01
    # What the tests that take images for independent do instead.
    assert np.mean(np.array(by_image) < 0.05) > 0.08
    assert np.mean(np.array(sensitivity_by_image) < 0.05) > 0.08


def test_intervals_by_patient_cover_95_percent() -> None:
    rng = np.random.default_rng(102)
    truth, difference = area(1.5), area(1.5) - area(1.2)
    true_sensitivity = ndtr(0.7 / SPREAD) - ndtr(0.4 / SPREAD)
    covered: dict[str, list[bool]] = {}
    for _ in range(1500):
        s = simulate(rng, 1.5, 1.2)
        ill = s.labels == 1
        for name, estimate, value in (
            ("one", auroc_obuchowski(s.labels, s.a, s.patients), truth),
            ("by image", auroc_delong(s.labels, s.a), truth),
            ("difference", auroc_difference_obuchowski(s.labels, s.a, s.b, s.patients), difference),
            ("sensitivity", mcnemar_clustered(s.a[ill] > 0.8, s.b[ill] > 0.8, s.patients[ill]), true_sensitivity),
        ):
            covered.setdefault(name, []).append(estimate.low <= value <= estimate.high)
    # Wald intervals of a few hundred patients fall short by up to half a percentage point.
    for name in ("one", "difference", "sensitivity"):
        expect_share(covered[name], 0.95, allowance=0.005)
    assert np.mean(covered["by image"]) < 0.9


def test_the_smallest_detectable_difference_is_found_80_times_in_100() -> None:
    rng = np.random.default_rng(103)
    errors = []
    for _ in range(100):
        s = simulate(rng, 1.5, 1.35)
        errors.append(auroc_difference_obuchowski(s.labels, s.a, s.b, s.patients).standard_error)
    smallest = smallest_detectable_difference(float(np.mean(errors)))
    separations = np.linspace(0.5, 1.5, 10_001)
    planted = separations[np.argmin(np.abs(ndtr(separations / (sqrt(2) * SPREAD)) - (area(1.5) - smallest)))]
    found = []
    for _ in range(1000):
        s = simulate(rng, 1.5, planted)
        found.append(auroc_difference_obuchowski(s.labels, s.a, s.b, s.patients).p < 0.05)
    # The standard error at the planted difference is not quite that at the pilot's.
    expect_share(found, 0.8, allowance=0.02)


def test_net_benefit_and_its_difference_are_covered_at_every_threshold() -> None:
    rng = np.random.default_rng(104)
    thresholds = np.array([0.5, 0.7, 0.9])
    cut = np.array([-0.5, 0.8, 1.8])  # the scores that become these probabilities
    prevalence = 0.3  # the mean of the beta distribution

    def truth(separation: float) -> NDArray[np.float64]:
        sensitivity, false_alarms = ndtr((separation - cut) / SPREAD), ndtr(-cut / SPREAD)
        return prevalence * sensitivity - (1 - prevalence) * false_alarms * odds(thresholds)

    def probability(score: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(score, [-20, *cut, 20], [0, *thresholds, 1])

    alone, apart = [], []
    for _ in range(1000):
        s = simulate(rng, 1.5, 1.2)
        a, b = probability(s.a), probability(s.b)
        for options in ({}, {"prevalence": prevalence}):
            one = decision_curve(s.labels, a, thresholds, patients=s.patients, **options)
            alone.append((one.low <= truth(1.5)) & (truth(1.5) <= one.high))
            two = decision_curve_difference(s.labels, a, b, thresholds, patients=s.patients, **options)
            difference = truth(1.5) - truth(1.2)
            apart.append((two.low <= difference) & (difference <= two.high))
    for covered in (np.array(alone), np.array(apart)):
        for column in range(3):
            expect_share(covered[0::2, column], 0.95, allowance=0.005)
            expect_share(covered[1::2, column], 0.95, allowance=0.005)


def test_the_exchange_rate_is_covered() -> None:
    rng = np.random.default_rng(105)
    # One reader at two thresholds: b calls above 0.8, a above 0.
    sensitivity = ndtr(1.5 / SPREAD) - ndtr(0.7 / SPREAD)
    referred = ndtr(0.0) - ndtr(-0.8 / SPREAD)
    true_rate = 0.9 * referred / (0.1 * sensitivity)
    covered = []
    for _ in range(1500):
        s = simulate(rng, 1.5, 1.5)
        differences = rate_differences(s.labels, s.a > 0, s.a > 0.8, s.patients)
        rate = exchange_rate(differences, prevalence=0.1)
        covered.append(rate.low <= true_rate <= rate.high)
    expect_share(covered, 0.95, allowance=0.005)


def test_the_paired_bootstrap_errs_as_often_as_it_says() -> None:
    rng = np.random.default_rng(106)
    wrong = []
    for seed in range(400):
        s = simulate(rng, 1.5, 1.5)
        bootstrap = PatientBootstrap(s.patients, replicates=512, seed=seed, threads=1)
        labels = s.labels[:, None].astype(np.int8)
        drawn = [bootstrap.ranked(Ranking.of(labels, x[:, None], s.patients)).auroc[:, 0] for x in (s.a, s.b)]
        closed = auroc_difference_obuchowski(s.labels, s.a, s.b, s.patients)
        result = bootstrap_comparison(closed.a, closed.b, *drawn)
        assert result.standard_error == pytest.approx(closed.standard_error, rel=0.25)
        wrong.append(result.p < 0.05)
    expect_share(wrong, 0.05, allowance=0.01)
