"""Does a score of 0.3 mean 3 in 10? Brier score and its parts, calibration intercept and slope, ECE, reliability.

Scores are taken for probabilities here, and must lie in [0, 1]. Images of one patient are not independent: intervals
take patients as the unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from overread.stats.clusters import clustered_covariance, clustered_mean
from overread.stats.discrimination import checked, why_undefined
from overread.stats.estimate import Estimate
from overread.stats.wald import critical_value, wald

Floats = NDArray[np.float64]

CLIP = 1e-6
"""A score of 0 or 1 has no logit: scores are moved to at least this far from both before they are turned into one."""

BINS = 10
"""Bins of the expected calibration error and of the reliability curve, each with as many images as the others."""

ITERATIONS = 100
LARGEST_FACTOR, HALVINGS = 1024.0, 30


def checked_probabilities(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    """Return labels as flags and scores as floats, or refuse what is no label or no probability."""
    positive, score = checked(labels, scores)
    if np.any((score < 0) | (score > 1)):
        raise ValueError(
            f"scores must lie in [0, 1] to be read as probabilities, got {score.min():g} to {score.max():g}"
        )
    return positive, score


def logits(scores: Floats) -> Floats:
    """Return the logits of scores, those within `CLIP` of 0 and 1 moved to it."""
    return np.asarray(logit(np.clip(scores, CLIP, 1 - CLIP)), np.float64)


# --- the Brier score -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Brier:
    """A Brier score and its parts: score = miscalibration - discrimination + uncertainty."""

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


def brier(labels: ArrayLike, scores: ArrayLike) -> Brier:
    """Return the mean squared distance of scores to labels, in Murphy's parts.

    Miscalibration is what would be gained by the best recalibration that keeps the order of the scores (isotonic),
    discrimination what the scores so recalibrated gain over answering with the prevalence, uncertainty the score of the
    prevalence. Isotonic recalibration takes the place of Murphy's bins, so that there are none to choose and the
    parts are never negative. All are `nan` without images.

    References: Murphy (1973), J Appl Meteorol 12:595-600; Dimitriadis, Gneiting and Jordan (2021), Proc Natl Acad
    Sci 118:e2016191118 (the CORP decomposition).

    >>> parts = brier([0, 0, 1, 1], [0.1, 0.3, 0.2, 0.8])
    >>> f"{parts.score:.3f} = {parts.miscalibration:.3f} - {parts.discrimination:.3f} + {parts.uncertainty:.3f}"
    '0.195 = 0.070 - 0.125 + 0.250'
    """
    positive, score = checked_probabilities(labels, scores)
    if not len(score):
        return Brier(nan, nan, nan, nan)
    observed = float(np.mean((score - positive) ** 2))
    prevalence = float(positive.mean())
    uncertainty = prevalence * (1 - prevalence)
    recalibrated = float(np.mean((isotonic(positive, score) - positive) ** 2))
    return Brier(observed, observed - recalibrated, uncertainty - recalibrated, uncertainty)


def isotonic(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Return for each image the rate of positives that never falls with the score: isotonic regression, ties averaged.

    >>> isotonic([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.8])
    array([0. , 0.5, 0.5, 1. ])
    """
    from scipy.optimize import isotonic_regression  # a tenth of a second to load, for thorough reports alone

    positive, score = checked(labels, scores)
    if not len(score):
        return np.zeros(0)
    values, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rates = np.bincount(place, positive, minlength=len(values)) / count
    return np.asarray(isotonic_regression(rates, weights=count).x, np.float64)[place]


# --- intercept and slope ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A logistic regression: its coefficients (k,), and the influence (n, k) of each image on them.

    `note` says why there is no fit; coefficients and influence are then nan.
    """

    coefficients: Floats
    influence: Floats
    note: str = ""

    def covariance(self, patients: ArrayLike) -> Floats:
        """Return the covariance of the coefficients with patients as clusters, as statsmodels and Stata give it.

        The sandwich with the factor K/(K-1) (n-1)/(n-k) for K patients.

        References: Liang and Zeger (1986), Biometrika 73:13-22.
        """
        n, k = self.influence.shape
        factor = (n - 1) / (n - k) if n > k else nan
        return clustered_covariance(self.influence, patients) * factor


def calibration_in_the_large(labels: ArrayLike, scores: ArrayLike) -> LogisticFit:
    """Fit the calibration intercept: the shift of all logits that makes the mean score equal the prevalence.

    The slope is held at 1. Above 0, the scores are too low on average.

    References: Van Calster et al. (2019), BMC Med 17:230.
    """
    positive, score = checked_probabilities(labels, scores)
    if reason := why_undefined(positive.sum(), (~positive).sum()):
        return _failed(len(score), 1, f"{reason}: no finite intercept")
    return _logistic(np.ones((len(score), 1)), positive, logits(score), (0.0,))


def logistic_calibration(labels: ArrayLike, scores: ArrayLike) -> LogisticFit:
    """Fit intercept and slope of the logistic regression of labels on the logit of the scores, (2,).

    A slope below 1 says that the scores are too extreme, above 1 that they are not extreme enough.

    References: Cox (1958), Biometrika 45:562-565; Van Calster et al. (2019), BMC Med 17:230.
    """
    positive, score = checked_probabilities(labels, scores)
    if reason := why_no_slope(positive, score):
        return _failed(len(score), 2, reason)
    x = logits(score)
    return logistic_fit(np.stack([np.ones(len(x)), x]).T, positive)


def why_no_slope(positive: NDArray[np.bool_], scores: Floats) -> str:
    """Return why no regression on the logits of scores has a finite slope; empty where one has."""
    if reason := why_undefined(positive.sum(), (~positive).sum()):
        return f"{reason}: no slope"
    x = logits(scores)
    return _separated(x[positive], x[~positive])


def logistic_fit(design: Floats, positive: NDArray[np.bool_]) -> LogisticFit:
    """Fit a logistic regression on columns (n, k): a constant, the logit of the score, and what else bends the curve.

    It begins at the scores as they are: an intercept of 0, a slope of 1, no bend.
    """
    start = (0.0, 1.0, *[0.0] * (design.shape[1] - 2))
    return _logistic(design, positive, np.zeros(len(design)), start)


def temperature_fit(labels: ArrayLike, scores: ArrayLike) -> LogisticFit:
    """Fit the slope through the origin, (1,): the inverse of the temperature of Guo et al. (2017)."""
    positive, score = checked_probabilities(labels, scores)
    if reason := why_undefined(positive.sum(), (~positive).sum()):
        return _failed(len(score), 1, f"{reason}: no temperature")
    x = logits(score)
    if np.all(x * np.where(positive, 1, -1) >= 0) or np.all(x * np.where(positive, 1, -1) <= 0):
        return _failed(
            len(score), 1, "a score of 0.5 separates the labels, or all scores are 0.5: no finite temperature"
        )
    return _logistic(x[:, None], positive, np.zeros(len(x)), (1.0,))


def _separated(ill: Floats, healthy: Floats) -> str:
    """Return why no finite slope fits best; empty where one does."""
    if min(ill.min(), healthy.min()) == max(ill.max(), healthy.max()):
        return "all scores are equal: no slope"
    if ill.min() >= healthy.max() or ill.max() <= healthy.min():
        return "the scores separate the labels without error: no finite slope"
    return ""


def _failed(n: int, k: int, note: str) -> LogisticFit:
    return LogisticFit(np.full(k, nan), np.full((n, k), nan), note)


def _logistic(design: Floats, positive: NDArray[np.bool_], offset: Floats, start: tuple[float, ...]) -> LogisticFit:
    """Maximise the likelihood by Newton's method, halving a step that does not raise it.

    Where no logit changes by more than a half, no curvature changes by more than e^0.5 < 2, and the step raises it.
    """
    coefficients = np.array(start)
    eta = offset + _times(design, coefficients)
    for _ in range(ITERATIONS):
        p = expit(eta)
        residual = positive - p
        try:
            inverse = np.linalg.inv(_information(design, p * (1 - p)))
        except np.linalg.LinAlgError:
            break
        step = inverse @ _columns_times(design, residual)
        if not np.all(np.isfinite(step)):
            break
        if np.max(np.abs(step)) <= 1e-9 * (1 + np.max(np.abs(coefficients))):
            influence = np.column_stack([_times(design, column) * residual for column in inverse.T])
            return LogisticFit(coefficients, influence)
        moved = offset + _times(design, coefficients + step)
        if np.max(np.abs(moved - eta)) > 0.5:
            loss = _loss(eta, positive)
            while _loss(moved, positive) > loss and np.max(np.abs(moved - eta)) > 1e-6:
                step = step / 2
                moved = offset + _times(design, coefficients + step)
        coefficients, eta = coefficients + step, moved
    return _failed(len(design), design.shape[1], "the logistic regression did not converge")


def _times(design: Floats, coefficients: Floats) -> Floats:
    return sum((column * each for column, each in zip(design.T, coefficients, strict=True)), np.zeros(len(design)))


def _information(design: Floats, weights: Floats) -> Floats:
    return np.array([_columns_times(design, weights * column) for column in design.T])


def _columns_times(design: Floats, values: Floats) -> Floats:
    """Return the sum of values times each column: numpy's own sums, which do not vary with the number of threads."""
    return np.array([float(np.sum(column * values)) for column in design.T])


def _loss(eta: Floats, positive: NDArray[np.bool_]) -> float:
    """Return minus the log-likelihood."""
    return float(np.sum(np.logaddexp(0, eta)) - np.sum(eta[positive]))


def coefficient(fit: LogisticFit, place: int, patients: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return one coefficient with Wald's interval from the covariance by patient; undefined where the fit failed."""
    if fit.note:
        return Estimate.undefined(fit.note, level=level, method="sandwich")
    variance = float(fit.covariance(patients)[place, place])
    return wald(float(fit.coefficients[place]), variance, method="sandwich", level=level, within=(-inf, inf))


# --- bins ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Bins:
    """Images in bins of equal mass by score.

    `of_image` (n,) is the bin of each image; `edges` (bins + 1,) are the quantiles of the scores that part them. Equal
    scores share a bin, so that bins may differ in size, and some may be empty. The quantiles and the side of ties are
    those of scikit-learn's `calibration_curve(strategy="quantile")`.
    """

    of_image: NDArray[np.int64]
    edges: Floats

    @classmethod
    def of(cls, scores: ArrayLike, *, bins: int = BINS) -> Bins:
        """Put images into bins."""
        score = np.asarray(scores, np.float64)
        if not len(score):
            return cls(np.zeros(0, np.int64), np.linspace(0, 1, bins + 1))
        edges = np.quantile(score, np.linspace(0, 1, bins + 1))
        return cls(np.searchsorted(edges[1:-1], score).astype(np.int64), edges)

    @property
    def n_bins(self) -> int:
        """The number of bins, empty ones among them."""
        return len(self.edges) - 1


@dataclass(frozen=True, eq=False)
class Reliability:
    """The reliability curve: for each bin its images, positives, mean score, and rate of positives with an interval."""

    n_images: NDArray[np.int64]
    n_positive: NDArray[np.int64]
    mean_score: Floats
    rate: tuple[Estimate, ...]
    edges: Floats


def reliability(
    labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, bins: int = BINS, level: float = 0.95
) -> Reliability:
    """Return the rate of positives against the mean score in bins of equal mass, with an interval for each rate.

    >>> curve = reliability([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.8], [1, 2, 3, 4], bins=2)
    >>> curve.mean_score, [f"{rate:.2f}" for rate in curve.rate]
    (array([0.15, 0.55]), ['0.00 (0.00 to 0.66)', '0.50 (0.09 to 0.91)'])
    """
    positive, score = checked_probabilities(labels, scores)
    dealt = Bins.of(score, bins=bins)
    n = np.bincount(dealt.of_image, minlength=bins).astype(np.int64)
    n_positive = np.bincount(dealt.of_image, positive, minlength=bins).astype(np.int64)
    mean = _over(np.bincount(dealt.of_image, score, minlength=bins), n)
    rate = _over(n_positive, n)
    residual = positive - rate[dealt.of_image]
    squares, n_patients = _squared_sums(residual, dealt, np.asarray(patients))
    rates = tuple(
        _wilson(float(p), int(size), _variance(float(square), int(size), int(clusters)), level)
        for p, size, square, clusters in zip(rate, n, squares, n_patients, strict=True)
    )
    return Reliability(n, n_positive, mean, rates, dealt.edges)


def _over(part: NDArray[np.float64] | NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), nan), where=whole > 0)


def _squared_sums(values: Floats, dealt: Bins, patients: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Return, for each bin, the squares of the sums by patient added up, and the number of patients."""
    codes = patients
    if not np.issubdtype(codes.dtype, np.integer) or codes.min(initial=0) < 0 or codes.max(initial=0) > 4 * len(codes):
        codes = np.unique(patients, return_inverse=True)[1]
    size = int(codes.max(initial=0)) + 1
    cell = dealt.of_image * size + codes
    sums = np.bincount(cell, values, minlength=dealt.n_bins * size).reshape(dealt.n_bins, size)
    seen = np.bincount(cell, minlength=dealt.n_bins * size).reshape(dealt.n_bins, size) > 0
    return np.sum(sums**2, axis=1), seen.sum(axis=1)


def _variance(square: float, n: int, n_patients: int) -> float:
    """Return the variance of a share from the squared sums of its residuals by patient (`clusters.clustered_mean`)."""
    return n_patients / (n_patients - 1) * square / n**2 if n_patients > 1 else nan


def proportion_by_patient(successes: ArrayLike, patients: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate a share of images, with Wilson's interval for as many independent images as they are worth.

    The number of images is divided by the design effect: the variance with patients as the unit over that of
    independent images, where it is above 1.

    References: Rao and Scott (1992), Biometrics 48:577-585 (the effective sample size); Wilson (1927), J Am Stat Assoc
    22:209-212.
    """
    success = np.asarray(successes, np.float64)
    p, variance = clustered_mean(success, patients)
    return _wilson(p, len(success), variance, level)


def _wilson(p: float, n: int, variance: float, level: float) -> Estimate:
    """Return Wilson's interval for a share p of n images, of which the variance by patient is known."""
    if n == 0:
        return Estimate.undefined("no images", level=level, method="wilson by patient")
    independent = p * (1 - p) / (n - 1) if n > 1 else 0.0
    effect = max(1.0, variance / independent) if independent > 0 and not np.isnan(variance) else 1.0
    worth = n / effect
    z2 = critical_value(level) ** 2
    centre = (p + z2 / (2 * worth)) / (1 + z2 / worth)
    half = sqrt(z2 * (p * (1 - p) / worth + z2 / (4 * worth**2))) / (1 + z2 / worth)
    low, high = (0.0 if p == 0 else centre - half), (1.0 if p == 1 else centre + half)
    return Estimate(p, low, high, level, "wilson by patient")


def ece(labels: ArrayLike, scores: ArrayLike, *, bins: int = BINS) -> float:
    """Return the expected calibration error: over bins of equal mass, the mean distance of rate and mean score.

    Bins weigh as many images as they hold. `nan` without images.

    References: Naeini, Cooper and Hauskrecht (2015), AAAI, 2901-2907, with bins of equal mass as in Nguyen and O'Connor
    (2015), EMNLP, 1587-1598.

    >>> f"{ece([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.8], bins=2):.2f}"
    '0.10'
    """
    positive, score = checked_probabilities(labels, scores)
    if not len(score):
        return nan
    dealt = Bins.of(score, bins=bins)
    return float(np.abs(np.bincount(dealt.of_image, positive - score, minlength=bins)).sum() / len(score))


def ece_if_calibrated(labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, bins: int = BINS) -> float:
    """Return the ECE that perfectly calibrated scores would show on as many patients, from chance alone.

    ECE adds up distances, which chance can only raise. In a bin with an error of mean zero and variance v, the expected
    distance is √(2v/π); v takes patients as the unit, so that it takes two of them: `nan` otherwise.
    """
    positive, score = checked_probabilities(labels, scores)
    if len(np.unique(np.asarray(patients))) < 2:
        return nan
    residual, dealt = positive - score, Bins.of(score, bins=bins)
    n = np.bincount(dealt.of_image, minlength=bins)
    centre = _over(np.bincount(dealt.of_image, residual, minlength=bins), n)
    squares, _ = _squared_sums(residual - centre[dealt.of_image], dealt, np.asarray(patients))
    return float(np.sqrt(2 / pi * squares).sum() / len(score))


def sum_of_distances_interval(apart: ArrayLike, drawn: ArrayLike, *, level: float = 0.95) -> tuple[float, float]:
    """Return an interval for the sum of |apart|, such as an ECE, of which chance alone makes more than 0.

    `apart` (K,) is how far bins are apart from the truth, by their share of the images, and `drawn` (R, K) the same in
    bootstrap replicates. Chance adds to a distance, and resampling adds again: the percentile interval lies too high,
    and mirrored it still leaves out a truth near 0. Here a test is inverted. If the truth were t · `apart`, sums
    |t · apart + chance| would be seen, with chance as `drawn` - `apart` has it. The interval is of those t · Σ|apart|
    under which the sum that was seen is within the middle `level` of these; it reaches at least to that sum.

    References: Davison and Hinkley (1997), Bootstrap Methods and their Application, section 5.4 (inverting tests), for
    the principle; the family of one parameter is ours, and its coverage is simulated in the tests.

    >>> chance = np.random.default_rng(0).normal(size=(2000, 10)) / 100
    >>> low, high = sum_of_distances_interval(np.full(10, 0.005), 0.005 + chance)
    >>> f"{low:.3f} to {high:.3f}"
    '0.000 to 0.050'
    """
    seen, replicates = np.asarray(apart, np.float64), np.asarray(drawn, np.float64)
    if seen.ndim != 1 or replicates.ndim != 2 or replicates.shape[1] != len(seen):
        raise ValueError(f"drawn must be (replicates, {len(seen)}), got shape {replicates.shape}")
    replicates = replicates[~np.isnan(replicates).any(axis=1)]
    total, chance = float(np.abs(seen).sum()), replicates - seen
    if not total or not len(replicates):
        return (0.0, 0.0) if len(replicates) else (nan, nan)

    def share_at_or_below(factor: float) -> float:
        return float((np.abs(factor * seen + chance).sum(axis=1) <= total).mean())

    low, high = (_falls_to(share, share_at_or_below) * total for share in ((1 + level) / 2, (1 - level) / 2))
    return min(low, total), max(high, total)


def _falls_to(share: float, falling: Callable[[float], float]) -> float:
    """Return where a function that falls from 0 on reaches a share; 0 where it begins below it."""
    if falling(0.0) <= share:
        return 0.0
    below, above = 0.0, 1.0
    while falling(above) > share and above < LARGEST_FACTOR:
        below, above = above, 2 * above
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        below, above = (middle, above) if falling(middle) > share else (below, middle)
    return below
