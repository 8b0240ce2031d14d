"""The exchange rate between two operating points: healthy people referred for one more ill person found.

Going from operating point b to a finds Δsensitivity of the ill more and refers -Δspecificity of the healthy
more. Those two shares have different denominators; only at a stated prevalence can they be weighed against
each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.clusters import clustered_covariance
from overread.stats.estimate import Estimate
from overread.stats.wald import critical_value

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RateDifferences:
    """Sensitivity and specificity of a less those of b on the same images, their variances and their covariance."""

    sensitivity: float
    specificity: float
    sensitivity_variance: float = nan
    specificity_variance: float = nan
    covariance: float = nan


@dataclass(frozen=True, slots=True)
class ExtraPeople:
    """What a does more than b to so many people: ill ones found and healthy ones spared (below 0: fewer)."""

    found: float
    spared: float


def rate_differences(
    labels: ArrayLike, called_a: ArrayLike, called_b: ArrayLike, patients: ArrayLike
) -> RateDifferences:
    """Return the differences in sensitivity and specificity of two readers' calls, with variances by patient.

    The two are correlated where a patient has images of both kinds. `nan` where there is no positive or no
    negative.
    """
    label, a, b = np.asarray(labels), np.asarray(called_a, dtype=np.bool_), np.asarray(called_b, dtype=np.bool_)
    if label.ndim != 1 or not label.shape == a.shape == b.shape == np.shape(patients):
        raise ValueError("labels, called_a, called_b and patients must be of one shape (n,)")
    ill, healthy = label == 1, label == 0
    if not np.all(ill | healthy):
        raise ValueError("labels must be 0 or 1; leave out the images whose label is missing")
    if not ill.any() or not healthy.any():
        return RateDifferences(nan, nan)
    more = a.astype(np.float64) - b
    sensitivity, specificity = float(more[ill].mean()), -float(more[healthy].mean())
    influence = np.column_stack(
        [
            np.where(ill, more - sensitivity, 0.0) / ill.sum(),
            np.where(healthy, -more - specificity, 0.0) / healthy.sum(),
        ]
    )
    matrix = clustered_covariance(influence, patients)
    variances = float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 1])
    return RateDifferences(sensitivity, specificity, *variances)


def extra_people(differences: RateDifferences, *, prevalence: float, people: float = 1000) -> ExtraPeople:
    """Return how many more ill people a finds than b, and healthy ones it spares, among `people` of whom some are ill.

    >>> extra = extra_people(RateDifferences(-0.025, 0.023), prevalence=0.0759)
    >>> f"{extra.found:.1f} found, {extra.spared:.1f} spared"
    '-1.9 found, 21.3 spared'
    """
    _check_prevalence(prevalence)
    ill = people * prevalence
    return ExtraPeople(ill * differences.sensitivity, (people - ill) * differences.specificity)


def exchange_rate(differences: RateDifferences, *, prevalence: float, level: float = 0.95) -> Estimate:
    """Estimate the extra healthy people referred for each extra ill person found, with Fieller's interval.

    (1 - prevalence)(-Δspecificity) / (prevalence Δsensitivity): the same from a to b as from b to a. The
    prevalence is taken as known. The bounds are `nan` with the note "not bounded" where the difference in
    sensitivity may be zero. A rate below 0 says that one of the two both finds more and refers fewer, and the
    note says which.

    References: Fieller (1954), J R Stat Soc B 16:175-185.

    >>> rate = exchange_rate(RateDifferences(0.025, -0.023, 1e-5, 1e-6, 0.0), prevalence=0.0759)
    >>> f"{rate:.1f}"
    '11.2 (8.8 to 15.1)'
    """
    _check_prevalence(prevalence)
    healthy, ill = 1 - prevalence, prevalence
    estimate = fieller(
        -healthy * differences.specificity,
        ill * differences.sensitivity,
        healthy**2 * differences.specificity_variance,
        ill**2 * differences.sensitivity_variance,
        -healthy * ill * differences.covariance,
        of="difference in ill people found",
        level=level,
    )
    return estimate.with_note(_dominance(differences))


def fieller(
    numerator: float,
    denominator: float,
    numerator_variance: float,
    denominator_variance: float,
    covariance: float,
    *,
    of: str = "denominator",
    level: float = 0.95,
) -> Estimate:
    """Estimate a ratio of two normal quantities, with the ratios that a z test would not reject.

    These are the r with (numerator - r denominator)² <= z² (its variance): a finite interval where the
    denominator differs from zero at this level; otherwise the value stands without bounds, and the note says
    "not bounded". `of` names the denominator in that note.

    References: Fieller (1954), J R Stat Soc B 16:175-185.
    """
    z2 = critical_value(level) ** 2
    if np.isnan(numerator / denominator if denominator else nan):
        reason = f"the {of} is zero" if denominator == 0 else "not defined"
        return Estimate.undefined(reason, level=level, method="fieller")
    ratio = numerator / denominator
    a = denominator**2 - z2 * denominator_variance
    half_b = numerator * denominator - z2 * covariance
    c = numerator**2 - z2 * numerator_variance
    if np.isnan(a + half_b + c):
        return Estimate(ratio, nan, nan, level, "fieller", "no variance")
    if a <= 0:
        return Estimate(ratio, nan, nan, level, "fieller", f"not bounded: the {of} may be zero")
    root = sqrt(max(half_b**2 - a * c, 0.0))
    return Estimate(ratio, (half_b - root) / a, (half_b + root) / a, level, "fieller")


def rate_at_prevalence(rate: ArrayLike, *, measured_at: float, wanted_at: ArrayLike) -> Floats:
    """Carry an exchange rate from the prevalence where it was measured to others, with the same two operating points.

    The rate is proportional to healthy people per ill one.

    >>> float(rate_at_prevalence(6.0, measured_at=0.25, wanted_at=0.002).round())
    998.0
    """
    _check_prevalence(measured_at)
    _check_prevalence(wanted_at)
    wanted = np.asarray(wanted_at, dtype=np.float64)
    return np.asarray(rate) * (measured_at / (1 - measured_at)) * (1 - wanted) / wanted


def net_benefit_threshold(rate: ArrayLike) -> Floats:
    """Return the threshold probability at which this exchange is worth nothing either way: 1 / (1 + rate).

    Whoever acts at a lower threshold probability gains by it. `nan` for a rate below 0, where nothing is
    exchanged.

    >>> float(net_benefit_threshold(9.0))
    0.1
    """
    value = np.asarray(rate, dtype=np.float64)
    return np.where(value >= 0, 1 / (1 + np.maximum(value, 0.0)), nan)


def rate_at_threshold(threshold_probability: ArrayLike) -> Floats:
    """Return the exchange rate that a threshold probability stands for: (1 - p_t) / p_t false for one true positive.

    >>> float(rate_at_threshold(0.1))
    9.0
    """
    threshold = np.asarray(threshold_probability, dtype=np.float64)
    if not np.all((threshold > 0) & (threshold <= 1)):
        raise ValueError("threshold_probability must be above 0 and at most 1")
    return (1 - threshold) / threshold


def _dominance(differences: RateDifferences) -> str:
    """Return which of the two is better at both, if one is: there is nothing to exchange then."""
    if differences.sensitivity > 0 and differences.specificity > 0:
        return "a finds more ill and refers fewer healthy people: nothing to exchange"
    if differences.sensitivity < 0 and differences.specificity < 0:
        return "b finds more ill and refers fewer healthy people: nothing to exchange"
    return ""


def _check_prevalence(prevalence: ArrayLike) -> None:
    value = np.asarray(prevalence, dtype=np.float64)
    if not np.all((value > 0) & (value < 1)):
        raise ValueError(f"prevalence must lie between 0 and 1, such as 0.05, got {value}")
