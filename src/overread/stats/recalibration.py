"""Maps from a score to a better calibrated one, fitted on images that are not reported."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from overread.stats.calibration import isotonic, logistic_calibration, logits, temperature_fit
from overread.stats.discrimination import checked, why_undefined

Floats = NDArray[np.float64]

KINDS = ("platt", "isotonic", "temperature")


@dataclass(frozen=True, eq=False)
class Recalibration:
    """A map from scores to recalibrated scores.

    On the logit, a straight line (`intercept`, `slope`); or, where `at` is given, the straight lines between the points
    (`at`, `becomes`), held level beyond the first and last. `note` says why there is no map; it then gives nan.
    """

    kind: str
    intercept: float = np.nan
    slope: float = np.nan
    at: Floats = field(default_factory=lambda: np.zeros(0))
    becomes: Floats = field(default_factory=lambda: np.zeros(0))
    note: str = ""

    def apply(self, scores: ArrayLike) -> Floats:
        """Return recalibrated scores, nan where there is no map."""
        score = np.asarray(scores, np.float64)
        if self.note:
            return np.full(score.shape, np.nan)
        if self.kind == "isotonic":
            return np.asarray(np.interp(score, self.at, self.becomes), np.float64)
        return np.asarray(expit(self.intercept + self.slope * logits(score)), np.float64)


def recalibration(kind: str, labels: ArrayLike, scores: ArrayLike) -> Recalibration:
    """Fit a map of one kind; labels are 1 or 0.

    `platt`: the logistic regression of labels on the logit of the scores (intercept and slope). `temperature`: the
    same without an intercept, which moves scores towards or away from one half and leaves a wrong prevalence wrong.
    `isotonic`: the rate of positives that never falls with the score; of neighbours with one rate, the first and
    the last are kept, as in scikit-learn. The first two leave the order of the images as it is, unless the
    slope is negative, in which case there is no map; isotonic makes ties.

    References: Platt (1999), Advances in Large Margin Classifiers, 61-74; Zadrozny and Elkan (2002), KDD, 694-699; Guo
    et al. (2017), ICML, 1321-1330.

    >>> learnt = recalibration("isotonic", [0, 1, 0, 1], [0.1, 0.3, 0.4, 0.8])
    >>> learnt.apply([0.0, 0.3, 0.35, 0.9])
    array([0. , 0.5, 0.5, 1. ])
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind}")
    if kind == "isotonic":
        return _isotonic(labels, scores)
    fit = logistic_calibration(labels, scores) if kind == "platt" else temperature_fit(labels, scores)
    if fit.note:
        return Recalibration(kind, note=fit.note)
    slope = float(fit.coefficients[-1])
    if slope <= 0:
        return Recalibration(kind, note=f"the slope is {slope:.2g}: higher scores do not mean more illness")
    return Recalibration(kind, intercept=float(fit.coefficients[0]) if kind == "platt" else 0.0, slope=slope)


def _isotonic(labels: ArrayLike, scores: ArrayLike) -> Recalibration:
    positive, score = checked(labels, scores)
    if reason := why_undefined(positive.sum(), (~positive).sum()):
        return Recalibration("isotonic", note=f"{reason}: nothing to learn from")
    at, place = np.unique(score, return_index=True)
    becomes = isotonic(positive, score)[place]
    inner = np.zeros(len(at), np.bool_)
    inner[1:-1] = (becomes[1:-1] == becomes[:-2]) & (becomes[1:-1] == becomes[2:])
    return Recalibration("isotonic", at=at[~inner], becomes=becomes[~inner])
