"""From one cohort to another: rates re-weighted to other strata, a prevalence read off unlabelled scores, and checks.

Two assumptions carry numbers elsewhere. *Label shift*: only the prevalence differs, ill images score there as ill
images do here, healthy as healthy. *Covariate shift* over strata: only the mix of strata differs, within each images
are labelled and scored there as here. Both re-weight strata, by label or by attribute, to the shares elsewhere.

References: Storkey (2009), in Dataset Shift in Machine Learning, MIT Press, 3-28.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, nan
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from overread.stats import operating_points
from overread.stats.calibration import checked_probabilities, logits
from overread.stats.operating_points import Counts

Floats = NDArray[np.float64]

CELLS = 50
"""Cells of the score scale in which score distributions are compared."""

CELLS_PER_BIN = 5
"""Cells that make up one bin of the estimated prevalence: few bins, so that each holds some of the ill."""

HALVINGS = 60
NEWTON_STEPS = 50


# --- four counts, as shares of the people there ----------------------------------------------------------------------


def _alarm_rate(counts: Counts) -> Floats:
    tp, fp, fn, tn = counts.arrays()
    return _divided(tp + fp, tp + fp + fn + tn)


def _false_per_true(counts: Counts) -> Floats:
    tp, fp, _, _ = counts.arrays()
    return np.where((tp == 0) & (fp > 0), inf, _divided(fp, tp))


def _divided(part: Floats, whole: Floats) -> Floats:
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.divide(part, whole, out=np.full(shape, nan), where=np.asarray(whole) > 0)


METRICS: Mapping[str, Callable[[Counts], Floats]] = MappingProxyType(
    {name: operating_points.METRICS[name] for name in ("ppv", "npv")}
    | {"alarm_rate": _alarm_rate, "false_positives_per_true_positive": _false_per_true}
    | {name: operating_points.METRICS[name] for name in ("sensitivity", "specificity")}
)
"""What is carried over, by name: functions of four counts, or of four shares.

False alarms per true one are `inf` where there are false alarms only.
"""


def at_prevalence(counts: Counts, prevalence: ArrayLike) -> Counts:
    """Return the four counts as shares of people of whom `prevalence` are ill; sensitivity and specificity stay.

    `nan` without ill or without healthy images, whose calls are then not known. Arrays are broadcast.

    >>> there = at_prevalence(Counts(80, 90, 20, 810), 0.5)
    >>> [round(float(share), 3) for share in there.arrays()]
    [0.4, 0.05, 0.1, 0.45]
    """
    tp, fp, fn, tn = counts.arrays()
    ill = np.asarray(prevalence, np.float64)
    found, referred = _divided(tp, tp + fn), _divided(fp, fp + tn)
    return Counts(ill * found, (1 - ill) * referred, ill * (1 - found), (1 - ill) * (1 - referred))


def in_mix(counts: Counts, shares: ArrayLike) -> Counts:
    """Return four counts by stratum (..., S) as shares of people of whom `shares` (S,) come from each stratum.

    Post-stratification: the rates of each stratum, weighted by its share. `nan` where a stratum with a share above 0
    is empty. Strata of share 0 take no part.

    References: Holt and Smith (1979), J R Stat Soc A 142:33-46.

    >>> two = Counts(np.array([8, 1]), np.array([0, 4]), np.array([2, 1]), np.array([10, 4]))
    >>> round(float(METRICS["ppv"](in_mix(two, [0.5, 0.5]))), 3)  # 0.5 (8/20 + 1/10) / 0.5 (8/20 + 5/10)
    0.556
    """
    share = np.asarray(shares, np.float64)
    took_part = share > 0
    cells = [np.asarray(cell, np.float64)[..., took_part] for cell in counts.arrays()]
    n = np.sum(cells, axis=0)
    weight = _divided(np.broadcast_to(share[took_part], n.shape), n)
    return Counts(*((cell * weight).sum(axis=-1) for cell in cells))


def effective_sample_size(n: ArrayLike, shares: ArrayLike) -> float:
    """Return how many equally weighted images the re-weighted ones are worth: (Σw)² / Σw², over n (S,) in each stratum.

    0 where a stratum with a share above 0 has no image.

    References: Kish (1965), Survey Sampling, Wiley, section 11.7.

    >>> effective_sample_size([50, 50], [0.5, 0.5]), effective_sample_size([90, 10], [0.5, 0.5])
    (100.0, 36.0)
    """
    images, share = np.asarray(n, np.float64), np.asarray(shares, np.float64)
    took_part = share > 0
    if not took_part.any() or np.any(images[took_part] == 0):
        return 0.0
    return float(share.sum() ** 2 / np.sum(share[took_part] ** 2 / images[took_part]))


# --- calibration -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Intercept:
    """A re-weighted calibration intercept, and how it moves.

    `influence` (n,) is that of each image, 0 on average within each stratum; `by_share` (S,) is the change per unit of
    each stratum's share. `note` says why there is none.
    """

    value: float
    influence: Floats
    by_share: Floats
    note: str = ""


def reweighted_intercept(labels: ArrayLike, scores: ArrayLike, strata: ArrayLike, shares: ArrayLike) -> Intercept:
    """Return the shift of all logits that makes the mean score the prevalence, in a population of other shares.

    `strata` (n,) are codes below S or -1 for images left out; `shares` (S,) add up to 1. Images of stratum s weigh
    shares[s] / n_s. With the cohort's own shares it is the calibration intercept (slope held at 1).

    References: Van Calster et al. (2019), BMC Med 17:230 (the intercept); Huber (1964), Ann Math Stat 35:73-101 (the
    influence of an image on the root of an estimating equation).

    >>> found = reweighted_intercept([0, 0, 1, 1], [0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1], [0.5, 0.5])
    >>> abs(found.value) < 1e-9
    True
    """
    positive, score = checked_probabilities(labels, scores)
    stratum, share = np.asarray(strata, np.int64), np.asarray(shares, np.float64)
    n = np.bincount(stratum[stratum >= 0], minlength=len(share)).astype(np.float64)
    weight = np.where(stratum >= 0, _divided(share, n)[stratum], 0.0)
    ill = float(np.sum(weight * positive))
    if why := _why_no_intercept(n, share, ill):
        return Intercept(nan, np.full(len(score), nan), np.full(len(share), nan), why)
    x, value = logits(score), 0.0
    for _ in range(NEWTON_STEPS):
        p = expit(x + value)
        step = (ill - float(np.sum(weight * p))) / float(np.sum(weight * p * (1 - p)))
        value += float(np.clip(step, -2, 2))  # the curve is flat far out, where a whole step would leap
        if abs(step) < 1e-12 * (1 + abs(value)):
            break
    p = expit(x + value)
    slope, residual = float(np.sum(weight * p * (1 - p))), positive - p
    kept = stratum >= 0
    sums = np.bincount(stratum[kept], residual[kept], minlength=len(share)).astype(np.float64)
    mean = _divided(sums, n)
    influence = np.where(kept, weight * (residual - mean[stratum]), 0.0) / slope
    return Intercept(value, influence, mean / slope)


def _why_no_intercept(n: Floats, share: Floats, ill: float) -> str:
    if np.any(n[share > 0] == 0):
        return "a stratum of that clinic has no image here"
    if ill <= 0:
        return "no positive image: no finite intercept"
    return "no negative image: no finite intercept" if ill >= float(share.sum()) * (1 - 1e-15) else ""


# --- a prevalence from unlabelled scores -----------------------------------------------------------------------------


def cell_edges(labels: ArrayLike, scores: ArrayLike, *, cells: int = CELLS) -> Floats:
    """Return the first score of each cell of the score scale but the lowest: (cells - 1,).

    Cells have the same mass where ill images in all count as much as healthy ones. Equal scores share a cell, so that
    some may be larger, and some empty.

    >>> cell_edges([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], cells=2)
    array([0.5])
    """
    positive, score = checked_probabilities(labels, scores)
    order = np.argsort(score, kind="stable")
    weight = np.where(positive, 1 / max(int(positive.sum()), 1), 1 / max(int((~positive).sum()), 1))[order]
    below = np.cumsum(weight) - weight
    places = np.searchsorted(below, np.arange(1, cells) / cells * weight.sum() - 1e-12)
    return score[order][np.minimum(places, len(score) - 1)]


def cells_of(scores: ArrayLike, edges: Floats) -> NDArray[np.int64]:
    """Return the cell of each score."""
    return np.searchsorted(edges, np.asarray(scores, np.float64), side="right").astype(np.int64)


def estimated_prevalence(ill: ArrayLike, healthy: ArrayLike, there: ArrayLike) -> Floats:
    """Return the share of ill people under which the scores seen there are likeliest, were only the prevalence changed.

    The three are counts of images by cell of the score scale, (..., cells): ill and healthy ones here, all there. The
    share maximises Σ there log(p f₁ + (1-p) f₀), f₁ and f₀ being the shares of ill and healthy images here in each
    bin of `CELLS_PER_BIN` cells. It is where the EM algorithm of Saerens ends when the posterior of each bin is the
    share of ill images in it, so that scores need not be calibrated; the likelihood is concave, and halving finds its
    top. With two bins it is black-box shift estimation, or Rogan and Gladen's estimate. `nan` where one of the three
    has no image.

    References: Saerens, Latinne and Decaestecker (2002), Neural Comput 14:21-41; Lipton, Wang and Smola (2018), ICML,
    PMLR 80:3122-3130; Alexandari, Kundaje and Shrikumar (2020), ICML, PMLR 119:222-232; Rogan and Gladen (1978), Am J
    Epidemiol 107:71-76.

    >>> there = np.repeat([70, 30], 5)  # (0.7, 0.3) = 0.1 (1, 3) / 4 + 0.9 (3, 1) / 4
    >>> float(np.round(estimated_prevalence(np.repeat([1, 3], 5), np.repeat([3, 1], 5), there), 6))
    0.1
    """
    f1, f0, m = (_shares(_binned(np.asarray(each, np.float64))) for each in (ill, healthy, there))
    low, high = np.zeros(m.shape[:-1]), np.ones(m.shape[:-1])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        mixed = middle[..., None] * f1 + (1 - middle[..., None]) * f0
        rising = np.sum(_divided(m * (f1 - f0), mixed), axis=-1, where=mixed > 0) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    known = np.isfinite(f1 + f0 + m).all(axis=-1)
    ends = np.where(low == 0, 0.0, np.where(high == 1, 1.0, (low + high) / 2))  # never past the first or the last step
    return np.where(known, ends, nan)


def _binned(counts: Floats) -> Floats:
    return counts.reshape(*counts.shape[:-1], -1, CELLS_PER_BIN).sum(axis=-1)


def _shares(counts: Floats) -> Floats:
    return _divided(counts, counts.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class ScoreShift:
    """A prevalence read off unlabelled scores, resampled, and how far label shift is from explaining those scores.

    `distance` is the largest gap between the distribution function of the scores there and that of ill and healthy
    scores here, mixed at the estimated prevalence (Kolmogorov-Smirnov, over the cells); `chance` the level-quantile of
    what it would be if the assumption held, and `p` the share of replicates with such a gap or a larger one.
    """

    prevalence: float
    drawn: Floats
    distance: float
    chance: float
    p: float


def score_shift(
    observed: tuple[ArrayLike, ArrayLike, ArrayLike], drawn: tuple[ArrayLike, ArrayLike, ArrayLike], *, level: float
) -> ScoreShift:
    """Estimate the prevalence behind unlabelled scores, and check that a change of prevalence explains them.

    `observed` are counts by cell (cells,) of ill and healthy images here and of images there, `drawn` the same in
    replicates (R, cells) that resample both places. The replicates of the gap are centred on what was observed, as the
    assumption would have it.

    References: van der Vaart and Wellner (1996), Weak Convergence and Empirical Processes, chapter 3.7 (the centred
    bootstrap of Kolmogorov-Smirnov statistics).
    """
    value, gap = _gap(*(np.asarray(each, np.float64) for each in observed))
    resampled, gaps = _gap(*(np.asarray(each, np.float64) for each in drawn))
    distance = float(np.max(np.abs(gap)))
    by_chance = np.max(np.abs(gaps - gap), axis=-1)
    by_chance = by_chance[~np.isnan(by_chance)]
    if np.isnan(distance) or 2 * len(by_chance) < len(gaps):
        return ScoreShift(float(value), resampled, nan, nan, nan)
    p = (1 + int(np.sum(by_chance >= distance))) / (1 + len(by_chance))
    return ScoreShift(float(value), resampled, distance, float(np.quantile(by_chance, level)), p)


def _gap(ill: Floats, healthy: Floats, there: Floats) -> tuple[Floats, Floats]:
    """Return the estimated prevalence, and the distribution function there less that of the mixture, by cell."""
    prevalence = estimated_prevalence(ill, healthy, there)
    f1, f0, m = (np.cumsum(_shares(each), axis=-1) for each in (ill, healthy, there))
    share = prevalence[..., None]
    return prevalence, m - share * f1 - (1 - share) * f0
