"""The calibration curve without bins: how often a finding is there at each score, by a smooth regression.

Bins hide what happens within them. A restricted cubic spline of the score's logit bends where the data bend and is a
straight line of logits beyond its outer knots, where there is little to bend it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from overread.stats.calibration import LogisticFit, checked_probabilities, logistic_fit, logits, why_no_slope
from overread.stats.wald import critical_value

Floats = NDArray[np.float64]

KNOTS = {5: (0.05, 0.275, 0.5, 0.725, 0.95), 4: (0.05, 0.35, 0.65, 0.95), 3: (0.1, 0.5, 0.9)}
"""Where so many knots lie among the scores, as quantiles: Harrell (2015), Regression Modeling Strategies, Table 2.3."""

FEWEST = 10
"""Images of the rarer kind for each coefficient: with fewer, there are fewer knots, and at last a straight line."""


@dataclass(frozen=True, eq=False)
class SmoothCurve:
    """The rate of positives (G,) at scores `at` (G,), with pointwise bounds, and how far scores lie from the curve.

    `ici` is the mean distance over all images, `e50` and `e90` the median and the 90th percentile. `note` says why
    there is no curve; all numbers are then nan.
    """

    at: Floats
    rate: Floats
    low: Floats
    high: Floats
    level: float
    ici: float
    e50: float
    e90: float
    note: str = ""


def smooth_calibration(
    labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, at: ArrayLike, level: float = 0.95
) -> SmoothCurve:
    """Return the smooth calibration curve of scores (n,) at some scores `at` (G,), with patients as the unit.

    A logistic regression of the label on a restricted cubic spline of the score's logit, five knots at the quantiles
    `KNOTS` of the scores, or fewer where fewer than `FEWEST` images of the rarer kind would stand behind each
    coefficient, or where too many scores are equal. Bounds are those of the logit, from the sandwich with patients as
    clusters. The distances are the integrated calibration index and its quantiles; chance raises them, as it does the
    ECE.

    References: Harrell (2015), Regression Modeling Strategies, section 2.4.5 (the spline); Austin and Steyerberg
    (2019), Stat Med 38:4051-4065 (ICI, E50, E90); Van Calster et al. (2019), BMC Med 17:230 (flexible curves).

    >>> rng = np.random.default_rng(0)
    >>> score = rng.uniform(0.05, 0.95, 2000)
    >>> curve = smooth_calibration(rng.random(2000) < score, score, np.arange(2000), at=[0.2, 0.8])
    >>> curve.rate.round(2).tolist(), round(curve.ici, 2)
    ([0.21, 0.8], 0.01)
    """
    positive, score = checked_probabilities(labels, scores)
    place = np.asarray(at, np.float64)
    if why := why_no_slope(positive, score):
        return _none(place, level, why)
    x = logits(score)
    knots = spline_knots(x, int(min(positive.sum(), (~positive).sum())))
    fit = logistic_fit(_design(x, knots), positive)
    if fit.note:
        return _none(place, level, fit.note)
    return _curve(fit, _design(x, knots), score, place, _design(logits(place), knots), patients, level)


def spline_knots(x: ArrayLike, n_rarer: int) -> Floats:
    """Return the knots for values (n,) of which the rarer kind has `n_rarer`; none where a straight line is to do.

    >>> spline_knots(np.arange(101.0), 1000).round(2).tolist()
    [5.0, 27.5, 50.0, 72.5, 95.0]
    >>> spline_knots(np.arange(101.0), 20).tolist()
    []
    """
    value = np.asarray(x, np.float64)
    distinct = np.unique(value)
    for n, quantiles in KNOTS.items():
        if n_rarer < n * FEWEST or len(distinct) < n:  # n knots take n coefficients, the intercept among them
            continue
        knots = np.quantile(value, quantiles)
        # Where many scores are equal, knots coincide, or lie so that the columns say the same of every score.
        if len(np.unique(knots)) == n and np.linalg.matrix_rank(_design(distinct, knots)) == n:
            return knots
    return np.empty(0)


def spline_columns(x: ArrayLike, knots: ArrayLike) -> Floats:
    """Return the columns (n, K - 2) that bend: a restricted cubic spline with K knots is linear in x and in these.

    Each is 0 below the first knot, cubic between, and linear above the last; divided by the square of the outer knots'
    distance, as Harrell's `rcspline.eval` does, so that they are of the size of x.

    References: Harrell (2015), Regression Modeling Strategies, equation 2.25.
    """
    value, t = np.asarray(x, np.float64), np.asarray(knots, np.float64)
    if len(t) < 3:
        return np.empty((len(value), 0))
    first, before, last = t[0], t[-2], t[-1]

    def cubed(knot: float) -> Floats:
        return np.maximum(value - knot, 0.0) ** 3

    columns = [
        cubed(knot) - cubed(before) * (last - knot) / (last - before) + cubed(last) * (before - knot) / (last - before)
        for knot in t[:-2]
    ]
    return np.stack(columns, axis=1) / (last - first) ** 2


def _design(x: Floats, knots: Floats) -> Floats:
    return np.column_stack([np.ones(len(x)), x, spline_columns(x, knots)])


def _curve(
    fit: LogisticFit, design: Floats, score: Floats, at: Floats, grid: Floats, patients: ArrayLike, level: float
) -> SmoothCurve:
    """Return the curve of a fit, and how far the scores lie from it."""
    logit, own = (np.einsum("nk,k->n", columns, fit.coefficients) for columns in (grid, design))
    variance = np.einsum("nj,jk,nk->n", grid, fit.covariance(patients), grid)
    half = critical_value(level) * np.sqrt(variance)
    away = np.abs(expit(own) - score)
    e50, e90 = (float(each) for each in np.quantile(away, [0.5, 0.9]))
    bounds = expit(logit - half), expit(logit + half)
    return SmoothCurve(at, expit(logit), *bounds, level, float(away.mean()), e50, e90)


def _none(at: Floats, level: float, note: str) -> SmoothCurve:
    nothing = np.full(len(at), nan)
    return SmoothCurve(at, nothing, nothing, nothing, level, nan, nan, nan, note)
