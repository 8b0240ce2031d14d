"""Net benefit: true positives less false positives, weighed by what a threshold probability says they are worth.

A person who would act at a threshold probability p_t holds one true positive to be worth (1 - p_t) / p_t
false ones. Net benefit is per image (per person), in units of true positives.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.clusters import patient_sums
from overread.stats.discrimination import checked
from overread.stats.operating_points import METRICS, Counts
from overread.stats.wald import critical_value

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit of acting on a reader at each threshold probability, beside acting on everyone (and on no one: 0).

    `low` and `high` are pointwise, with patients as the unit; `nan` where no patients were given.
    """

    threshold_probability: Floats
    net_benefit: Floats
    low: Floats
    high: Floats
    treat_all: Floats
    treat_none: Floats
    level: float


@dataclass(frozen=True, eq=False)
class DecisionCurveDifference:
    """Net benefit of reader a less that of reader b at each threshold probability, with pointwise bounds by patient."""

    threshold_probability: Floats
    difference: Floats
    low: Floats
    high: Floats
    standard_error: Floats
    level: float


def net_benefit(counts: Counts, threshold_probability: ArrayLike, *, prevalence: float | None = None) -> Floats:
    """Return TP/n - FP/n · p_t/(1 - p_t), of numbers or of arrays that broadcast, such as (replicates, thresholds).

    With `prevalence` the counts are weighted to a population in which that share is ill: prevalence ·
    sensitivity - (1 - prevalence) · (1 - specificity) · p_t/(1 - p_t).

    References: Vickers and Elkin (2006), Med Decis Making 26:565-574.

    >>> float(net_benefit(Counts(80, 100, 20, 800), 0.2))
    0.055
    """
    weight = odds(threshold_probability)
    if prevalence is None:
        tp, fp, fn, tn = counts.arrays()
        total = tp + fp + fn + tn
        found, referred = (np.divide(part, total, out=np.full(total.shape, nan), where=total > 0) for part in (tp, fp))
        return found - referred * weight
    _check_prevalence(prevalence)
    sensitivity, specificity = METRICS["sensitivity"](counts), METRICS["specificity"](counts)
    return prevalence * sensitivity - (1 - prevalence) * (1 - specificity) * weight


def treat_all(prevalence: float, threshold_probability: ArrayLike) -> Floats:
    """Return the net benefit of acting on everyone: prevalence - (1 - prevalence) · p_t/(1 - p_t).

    >>> float(treat_all(0.1, 0.1))
    0.0
    """
    return prevalence - (1 - prevalence) * odds(threshold_probability)


def odds(threshold_probability: ArrayLike) -> Floats:
    """Return p_t/(1 - p_t): how many true positives a false positive costs at this threshold probability."""
    threshold = np.asarray(threshold_probability, dtype=np.float64)
    if not np.all((threshold >= 0) & (threshold < 1)):
        raise ValueError("threshold_probability must be at least 0 and below 1")
    return threshold / (1 - threshold)


def decision_curve(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold_probability: ArrayLike,
    *,
    patients: ArrayLike | None = None,
    prevalence: float | None = None,
    level: float = 0.95,
) -> DecisionCurve:
    """Return the net benefit of a reader whose scores are probabilities: acted on where probability >= threshold.

    `threshold_probability` (T,) holds the thresholds. With `patients` (n,) the curve has bounds: Wald's, with
    the linearised variance by patient (of the share of ill images too, unless `prevalence` is given).

    References: Vickers and Elkin (2006), Med Decis Making 26:565-574; Vickers et al. (2008), BMC Med Inform
    Decis Mak 8:53 (its extensions).
    """
    positive, probability = _checked_probabilities(labels, probabilities)
    threshold = np.atleast_1d(np.asarray(threshold_probability, dtype=np.float64))
    benefit = net_benefit(counts_at(positive, probability, threshold), threshold, prevalence=prevalence)
    share = float(positive.mean()) if prevalence is None and len(positive) else (prevalence or nan)
    low = high = np.full(threshold.shape, nan)
    if patients is not None and not np.isnan(benefit).any():
        error = _standard_error(_influence(positive, probability, threshold, prevalence), patients)
        half = critical_value(level) * error
        low, high = benefit - half, benefit + half
    everyone = treat_all(share, threshold)
    return DecisionCurve(threshold, benefit, low, high, everyone, np.zeros(threshold.shape), level)


def decision_curve_difference(
    labels: ArrayLike,
    probabilities_a: ArrayLike,
    probabilities_b: ArrayLike,
    threshold_probability: ArrayLike,
    *,
    patients: ArrayLike,
    prevalence: float | None = None,
    level: float = 0.95,
) -> DecisionCurveDifference:
    """Return the difference in net benefit, a - b, of two readers on the same images, with bounds by patient.

    The variance is that of the difference itself, so what both readers get right or wrong together cancels.
    """
    positive, probability_a = _checked_probabilities(labels, probabilities_a)
    _, probability_b = _checked_probabilities(labels, probabilities_b)
    threshold = np.atleast_1d(np.asarray(threshold_probability, dtype=np.float64))
    a, b = (
        net_benefit(counts_at(positive, probability, threshold), threshold, prevalence=prevalence)
        for probability in (probability_a, probability_b)
    )
    error = np.full(threshold.shape, nan)
    if not np.isnan(a - b).any():
        of_a = _influence(positive, probability_a, threshold, prevalence)
        of_b = _influence(positive, probability_b, threshold, prevalence)
        error = _standard_error(of_a - of_b, patients)
    half = critical_value(level) * error
    return DecisionCurveDifference(threshold, a - b, a - b - half, a - b + half, error, level)


def counts_at(labels: ArrayLike, scores: ArrayLike, thresholds: ArrayLike) -> Counts:
    """Return the four counts at each threshold (T,), a score at or above it being called.

    >>> counts_at([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8], [0.4, 0.5]).tp
    array([2, 1])
    """
    positive, score = checked(labels, scores)
    limits = np.asarray(thresholds, dtype=np.float64)
    ill, healthy = np.sort(score[positive]), np.sort(score[~positive])
    fn, tn = np.searchsorted(ill, limits, side="left"), np.searchsorted(healthy, limits, side="left")
    return Counts(len(ill) - fn, len(healthy) - tn, fn, tn)


def _influence(positive: NDArray[np.bool_], probability: Floats, threshold: Floats, prevalence: float | None) -> Floats:
    """Return the influence (n, T) of each image on the net benefit at each threshold."""
    called = probability[:, None] >= threshold
    weight = odds(threshold)
    ill = positive[:, None]
    if prevalence is None:
        gain = np.where(ill, called, -weight * called)
        return (gain - gain.mean(axis=0)) / len(positive)
    _check_prevalence(prevalence)
    of_ill = prevalence * (called - called[positive].mean(axis=0)) / positive.sum()
    of_healthy = (1 - prevalence) * weight * (called - called[~positive].mean(axis=0)) / (~positive).sum()
    return np.where(ill, of_ill, -of_healthy)


def _standard_error(influence: Floats, patients: ArrayLike) -> Floats:
    """Return the standard error by patient of each column; `nan` for a single patient."""
    sums = patient_sums(influence, patients)
    if len(sums) < 2:
        return np.full(influence.shape[1], nan)
    return np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2, axis=0))


def _checked_probabilities(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    """Return labels and probabilities, or refuse scores that are not probabilities."""
    positive, probability = checked(labels, probabilities)
    if np.any((probability < 0) | (probability > 1)):
        raise ValueError("probabilities must lie between 0 and 1; a decision curve needs scores that are frequencies")
    return positive, probability


def _check_prevalence(prevalence: float) -> None:
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence must lie between 0 and 1, such as 0.05, got {prevalence}")
