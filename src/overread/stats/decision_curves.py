"""Net benefit: true positives less false positives, weighed by what a threshold probability says they are worth.

A person who would act at a threshold probability p_t holds one true positive to be worth (1 - p_t) / p_t
false ones. Net benefit is per image (per person), in units of true positives.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        error = _standard_error(_patient_influence(positive, probability, threshold, patients, prevalence))
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
        of_a, of_b = (
            _patient_influence(positive, probability, threshold, patients, prevalence)
            for probability in (probability_a, probability_b)
        )
        error = _standard_error(of_a - of_b)
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


def _patient_influence(
    positive: NDArray[np.bool_],
    probability: Floats,
    threshold: Floats,
    patients: ArrayLike,
    prevalence: float | None,
) -> Floats:
    """Return the influence (K, T) of each patient's images together on the net benefit at each threshold."""
    names, patient = np.unique(np.asarray(patients), return_inverse=True)
    if patient.shape != positive.shape:
        raise ValueError(f"patients must be of the shape of labels {positive.shape}, got {patient.shape}")
    n_ill, n_healthy = int(positive.sum()), int((~positive).sum())
    ill = np.bincount(patient[positive], minlength=len(names))[:, None]
    healthy = np.bincount(patient[~positive], minlength=len(names))[:, None]
    found = _calls_by_patient(patient[positive], probability[positive], threshold, len(names))
    referred = _calls_by_patient(patient[~positive], probability[~positive], threshold, len(names))
    weight = odds(threshold)
    if prevalence is None:
        gain = found - weight * referred
        return (gain - (ill + healthy) * gain.sum(axis=0) / len(positive)) / len(positive)
    of_ill = (found - ill * found.sum(axis=0) / n_ill) / n_ill
    of_healthy = (referred - healthy * referred.sum(axis=0) / n_healthy) / n_healthy
    return prevalence * of_ill - (1 - prevalence) * weight * of_healthy


def _calls_by_patient(patient: NDArray[np.int64], scores: Floats, threshold: Floats, n_patients: int) -> Floats:
    """Count each patient's images (K, T) at or above each threshold, from one histogram of thresholds passed."""
    order = np.argsort(threshold)
    passed = np.searchsorted(threshold[order], scores, side="right")
    n_bins = len(threshold) + 1
    bins = np.bincount(patient * n_bins + passed, minlength=n_patients * n_bins).reshape(n_patients, n_bins)
    at_or_above = np.cumsum(bins[:, :0:-1], axis=1)[:, ::-1]
    counts = np.empty((n_patients, len(threshold)))
    counts[:, order] = at_or_above
    return counts


def _standard_error(influence: Floats) -> Floats:
    """Return the standard error (T,) from the influence of each patient; `nan` for a single patient."""
    if len(influence) < 2:
        return np.full(influence.shape[1], nan)
    return np.asarray(np.sqrt(len(influence) / (len(influence) - 1) * np.sum(influence**2, axis=0)))


def _checked_probabilities(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    """Return labels and probabilities, or refuse scores that are not probabilities."""
    positive, probability = checked(labels, probabilities)
    if np.any((probability < 0) | (probability > 1)):
        raise ValueError("probabilities must lie between 0 and 1; a decision curve needs scores that are frequencies")
    return positive, probability


def _check_prevalence(prevalence: float) -> None:
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence must lie between 0 and 1, such as 0.05, got {prevalence}")
