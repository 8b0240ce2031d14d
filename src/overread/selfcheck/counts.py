"""Checks of what follows from four counts, of shares, and of shares by patient."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.discrimination import numbers
from overread.selfcheck.material import ROOT, Check, Cohort
from overread.stats import agreement, averages, calibration, clustered_shares, clusters, decision_curves, exchange
from overread.stats.operating_points import METRICS, Counts, closed_interval, odds_ratio
from overread.stats.proportions import proportion

THRESHOLDS = (0.1, 0.3)


def counts_a(cohort: Cohort) -> Counts:
    """Return the four counts of reader a."""
    return Counts.of(cohort.ill, cohort.called_a)


def metric(name: str, cohort: Cohort) -> ArrayLike:
    """Return a metric of reader a's calls with its closed interval."""
    estimate = closed_interval(name, counts_a(cohort))
    assert estimate is not None
    assert np.isclose(float(METRICS[name](counts_a(cohort))), estimate.value, rtol=1e-12, atol=0)
    return numbers(estimate)


def share_difference(cohort: Cohort) -> ArrayLike:
    """Return how much more often images of stratum 0 are called, with interval and p."""
    here = cohort.stratum == 0
    difference, p = clustered_shares.share_difference(cohort.called_a, here, ~here, cohort.patient)
    return [*numbers(difference), p]


def observed_to_expected(cohort: Cohort) -> ArrayLike:
    """Return how often two findings share an image, against independence."""
    pairs = clustered_shares.observed_to_expected(cohort.ill, cohort.other[:, None], cohort.patient)
    return numbers(pairs[0][1])


def differences(cohort: Cohort) -> exchange.RateDifferences:
    """Return how sensitivity and specificity of the two readers differ."""
    return exchange.rate_differences(cohort.ill, cohort.called_a, cohort.called_b, cohort.patient)


def rate_differences(cohort: Cohort) -> ArrayLike:
    """Return the two differences, their variances and their covariance."""
    found = differences(cohort)
    variances = found.sensitivity_variance, found.specificity_variance, found.covariance
    return [found.sensitivity, found.specificity, *variances]


def extra_people(cohort: Cohort) -> ArrayLike:
    """Return what reader a does more than b to 1,000 people of whom a tenth are ill."""
    extra = exchange.extra_people(differences(cohort), prevalence=0.1)
    return [extra.found, extra.spared]


def decision_curve(cohort: Cohort) -> ArrayLike:
    """Return net benefit of reader a, of treating all, and of treating none."""
    curve = decision_curves.decision_curve(cohort.ill, cohort.a, THRESHOLDS)
    return np.concatenate([curve.net_benefit, curve.treat_all, curve.treat_none])


def decision_bounds(cohort: Cohort, *, prevalence: float | None = None) -> ArrayLike:
    """Return net benefit with its bounds by patient, threshold after threshold."""
    curve = decision_curves.decision_curve(
        cohort.ill, cohort.a, THRESHOLDS, patients=cohort.patient, prevalence=prevalence
    )
    return np.stack([curve.net_benefit, curve.low, curve.high], 1).ravel()


def decision_difference(cohort: Cohort) -> ArrayLike:
    """Return the difference in net benefit with its bounds by patient."""
    curve = decision_curves.decision_curve_difference(
        cohort.ill, cohort.a, cohort.b, THRESHOLDS, patients=cohort.patient
    )
    return np.stack([curve.difference, curve.low, curve.high], 1).ravel()


def ends(cohort: Cohort) -> ArrayLike:
    """Return the bounds of no successes, and of nothing but successes."""
    none, every = proportion(0, 20), proportion(20, 20)
    return [none.low, none.high, every.low, every.high]


def pooled(cohort: Cohort) -> ArrayLike:
    """Return the four counts of both readers together."""
    both = Counts.of(np.stack([cohort.ill] * 2, 1), np.stack([cohort.called_a, cohort.called_b], 1))
    return [float(cell) for cell in averages.pooled(both).arrays()]


CHECKS = (
    Check("counts", "operating_points.Counts", lambda c: [float(cell) for cell in counts_a(c).arrays()]),
    *(
        Check(name, "operating_points.closed_interval", partial(metric, name))
        for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "lr_positive", "lr_negative", "dor")
    ),
    Check("f1", "operating_points.METRICS", lambda c: float(METRICS["f1"](counts_a(c)))),
    Check("dor_empty_cell", "operating_points.odds_ratio", lambda c: numbers(odds_ratio(Counts(20, 0, 10, 30)))),
    Check("kappa", "agreement.kappa", lambda c: float(agreement.kappa(Counts.of(c.truth, c.ill == 1)))),
    Check("proportion", "proportions.proportion", lambda c: numbers(proportion(45, 50))),
    Check("proportion_at_the_ends", "proportions.proportion", ends),
    Check("clustered_mean", "clusters.clustered_mean", lambda c: clusters.clustered_mean(c.a, c.patient)),
    Check(
        "share_by_patient",
        "clustered_shares.share_by_patient",
        lambda c: numbers(clustered_shares.share_by_patient(c.called_a, c.patient)),
    ),
    Check(
        "proportion_by_patient",
        "calibration.proportion_by_patient",
        lambda c: numbers(calibration.proportion_by_patient(c.called_a, c.patient)),
    ),
    Check("share_difference", "clustered_shares.share_difference", share_difference),
    Check("observed_to_expected", "clustered_shares.observed_to_expected", observed_to_expected),
    Check("rate_differences", "exchange.rate_differences", rate_differences),
    Check("extra_people", "exchange.extra_people", extra_people),
    Check(
        "seed_paper_extra_people",
        "exchange.extra_people",
        lambda c: [
            exchange.extra_people(exchange.RateDifferences(-0.025, 0.023), prevalence=0.999999999).found,
            exchange.extra_people(exchange.RateDifferences(-0.025, 0.023), prevalence=1e-9).spared,
        ],
        tolerance=1e-6,
        reason="a population of ill, and one of healthy people, as near as a prevalence between 0 and 1 comes",
    ),
    Check(
        "exchange_rate",
        "exchange.exchange_rate",
        lambda c: numbers(exchange.exchange_rate(differences(c), prevalence=0.1)),
        tolerance=1e-8,
        reason=ROOT,
    ),
    Check(
        "fieller",
        "exchange.fieller",
        lambda c: numbers(exchange.fieller(2, 0.7, 0.09, 0.01, 0.004)),
        tolerance=1e-8,
        reason=ROOT,
    ),
    Check(
        "rates_carried",
        "exchange.rate_at_prevalence, net_benefit_threshold, rate_at_threshold",
        lambda c: [
            float(exchange.rate_at_prevalence(6.0, measured_at=0.25, wanted_at=0.002)),
            float(exchange.net_benefit_threshold(9.0)),
            float(exchange.rate_at_threshold(0.2)),
        ],
    ),
    Check("decision_curve", "decision_curves.decision_curve", decision_curve),
    Check(
        "decision_curve_prevalence",
        "decision_curves.decision_curve",
        lambda c: decision_curves.decision_curve(c.ill, c.a, THRESHOLDS, prevalence=0.05).net_benefit,
    ),
    Check("decision_curve_bounds", "decision_curves.decision_curve", decision_bounds),
    Check("decision_curve_at_prevalence", "decision_curves.decision_curve", partial(decision_bounds, prevalence=0.05)),
    Check("decision_curve_difference", "decision_curves.decision_curve_difference", decision_difference),
    Check("pooled", "averages.pooled", pooled),
    Check(
        "mean_replicates",
        "averages.mean_replicates",
        lambda c: averages.mean_replicates([0.8, 0.9, 0.5], [[0.8, 0.9, 0.5], [0.7, 0.65, 0.1]]),
    ),
    Check(
        "weighted_mean",
        "averages.mean_over_findings",
        lambda c: averages.mean_over_findings([0.8, 0.7, 0.9], findings="abc", weights=[30, 10, 5])[0],
    ),
    Check(
        "geometric_mean",
        "averages.mean_over_findings",
        lambda c: averages.mean_over_findings([4.0, 2.5, 0.3], findings="abc", log=True)[0],
    ),
)
