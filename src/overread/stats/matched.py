"""Two kinds of positives within the same patients: what is left of a difference once patients cannot explain it."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from overread.stats.discrimination import checked, placements, why_undefined
from overread.stats.paired import Comparison
from overread.stats.wald import critical_value

Floats = NDArray[np.float64]


def matched_auroc_difference(
    labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, marked: ArrayLike, *, level: float = 0.95
) -> Comparison:
    """Compare marked with unmarked positives of the same patients: AUROC of either kind against all negatives, a - b.

    Only patients with positives of both kinds take part, and each counts once, however many images it has: a patient's
    value is the mean placement of its marked positives less that of its unmarked ones (the placement of a positive is
    the share of negatives that it outscores). So the difference is 0 on average where, within a patient, the marks are
    dealt at random. Without this, patients with many positives, who are often the easier ones, weigh more on one side.

    The variance is that of a U-statistic with patients as clusters: what the patients' values and the negatives'
    placements contribute, added up by patient. `nan` with fewer than two such patients.

    References: Obuchowski (1997), Biometrics 53:567-578, for the clustering; the weights are ours.

    >>> labels, patients, marked = [1, 1, 1, 1, 0, 0], [1, 1, 2, 2, 3, 4], [1, 0, 1, 0, 0, 0]
    >>> result = matched_auroc_difference(labels, [0.9, 0.3, 0.8, 0.7, 0.4, 0.2], patients, marked)
    >>> f"{result.a:.2f} {result.b:.2f} {result.difference:.2f}"
    '1.00 0.75 0.25'
    """
    positive, score = checked(labels, scores)
    mark, names = np.asarray(marked, np.bool_), np.asarray(patients)
    if mark.shape != positive.shape or names.shape != positive.shape:
        raise ValueError(f"patients and marked must be of the shape of labels {positive.shape}, got {names.shape}")
    if reason := why_undefined(positive.sum(), (~positive).sum()):
        return Comparison.undefined(reason, level=level, method="matched")
    codes = np.unique(names, return_inverse=True)[1]
    weights = _weights(codes[positive], mark[positive])
    taking_part = len(np.unique(codes[positive][weights != 0]))
    if taking_part < 2:
        note = f"{taking_part} patient{'' if taking_part == 1 else 's'} with positives of both kinds"
        return Comparison.undefined(note, level=level, method="matched")
    v10, _ = placements(positive, score)
    a, b = float(weights[weights > 0] @ v10[weights > 0]), float(-weights[weights < 0] @ v10[weights < 0])
    with_both = np.bincount(codes[positive], weights != 0, minlength=codes.max() + 1) > 0
    among: Floats = np.bincount(codes[positive], weights * v10, minlength=codes.max() + 1).astype(np.float64)
    among = among - with_both * ((a - b) / taking_part)
    h = _weighted_placements(score[positive], weights, score[~positive])
    n_negative = int((~positive).sum())
    against = np.bincount(codes[~positive], (h - (a - b)) / n_negative, minlength=codes.max() + 1)
    variance = float(np.sum((among * sqrt(taking_part / (taking_part - 1)) + against) ** 2))
    return _wald(a, b, variance, level, f"{taking_part} patients with positives of both kinds")


def _weights(patients: NDArray[np.int64], marked: NDArray[np.bool_]) -> Floats:
    """Return the weight of each positive: marked above 0, unmarked below; 0 for patients of one kind only."""
    size = patients.max() + 1
    n_marked, n_unmarked = (np.bincount(patients[kind], minlength=size) for kind in (marked, ~marked))
    both = (n_marked > 0) & (n_unmarked > 0)
    share = np.where(marked, 1 / np.maximum(n_marked, 1)[patients], -1 / np.maximum(n_unmarked, 1)[patients])
    return np.where(both[patients], share, 0.0) / max(int(both.sum()), 1)


def _weighted_placements(scores: Floats, weights: Floats, others: Floats) -> Floats:
    """Return for each of the others the weight of the scores above it, and half that of those equal to it."""
    order = np.argsort(scores, kind="stable")
    cumulative = np.append(0.0, np.cumsum(weights[order]))
    below, up_to = (np.searchsorted(scores[order], others, side) for side in ("left", "right"))
    return cumulative[-1] - (cumulative[below] + cumulative[up_to]) / 2


def _wald(a: float, b: float, variance: float, level: float, note: str) -> Comparison:
    difference, error = a - b, sqrt(variance)
    half = critical_value(level) * error
    p = float(2 * ndtr(-abs(difference) / error)) if error > 0 else nan
    bounds = (difference - half, difference + half) if error > 0 else (nan, nan)
    return Comparison(a, b, difference, *bounds, level, p, "matched", note, error)
