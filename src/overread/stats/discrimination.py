"""How well scores order images with a finding above images without it: areas, curves, closed forms.

Throughout, `labels` is 1 where the finding is present and 0 where it is absent (the caller leaves missing
labels out), `scores` is any real number that grows with suspicion, both of shape (n,). A tie between a
positive and a negative counts as half an ordered pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.estimate import Estimate
from overread.stats.wald import wald

Floats = NDArray[np.float64]

NO_SPREAD = 1e-30  # a variance below this is a zero that rounding has touched


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Sensitivity and specificity at every distinct score, from threshold infinity to the lowest score."""

    threshold: Floats
    sensitivity: Floats
    specificity: Floats


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision (ppv) and recall (sensitivity) at every distinct score, from the highest to the lowest.

    There is no point at recall 0: where nothing is called, precision has no value.
    """

    threshold: Floats
    precision: Floats
    recall: Floats


@dataclass(frozen=True, eq=False)
class Tally:
    """True and false positives at every distinct score taken as threshold, from the highest to the lowest."""

    threshold: Floats
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    n_positive: int
    n_negative: int


def checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    """Return `labels` as booleans and `scores` as floats, or refuse what is neither.

    Raises ValueError where the shapes differ, a label is not 0 or 1, or a score is not finite.
    """
    label_array, score_array = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if label_array.ndim != 1 or label_array.shape != score_array.shape:
        raise ValueError(
            f"labels and scores must be of one shape (n,), got {label_array.shape} and {score_array.shape}"
        )
    positive = label_array == 1
    if not np.all(positive | (label_array == 0)):
        raise ValueError("labels must be 0 or 1; leave out the images whose label is missing")
    if not np.all(np.isfinite(score_array)):
        raise ValueError("scores must be finite numbers, got nan or infinity")
    return positive, score_array


def why_undefined(n_positive: float, n_negative: float) -> str:
    """Return why images cannot be ordered by these labels; empty where they can."""
    if n_positive == 0:
        return "no positive" if n_negative else "no images"
    return "" if n_negative else "no negative"


def auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve: the share of (positive, negative) pairs in the right order.

    The Mann-Whitney statistic, counted in whole numbers; `nan` where there is no positive or no negative.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    positive, score = checked(labels, scores)
    ill, healthy = score[positive], score[~positive]
    return _area(twice_below(ill, healthy), len(ill), len(healthy))


def placements(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """Return DeLong's structural components, in the order of the rows.

    The first array holds, for each positive, the share of negatives that it outscores; the second, for each
    negative, the share of positives that outscore it; ties count half. The mean of either is the AUROC. From
    sorted scores, in O(n log n). Both are `nan` where there is no positive or no negative.

    References: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837-845; Sun and Xu (2014), IEEE
    Signal Process Lett 21:1389-1393 (the fast algorithm).

    >>> placements([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    (array([0.75, 1.  ]), array([1.  , 0.75]))
    """
    v10, v01, _ = placements_and_area(*checked(labels, scores))
    return v10, v01


def placements_and_area(positive: NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats, float]:
    """Return `placements` and the AUROC that goes with them, from scores that were checked, sorting them once."""
    ill, healthy = score[positive], score[~positive]
    m, n = len(ill), len(healthy)
    if m == 0 or n == 0:
        return np.full(m, nan), np.full(n, nan), nan
    twice = twice_below(ill, healthy)
    return twice / (2 * n), 1 - twice_below(healthy, ill) / (2 * m), _area(twice, m, n)


def twice_below(scores: Floats, others: Floats) -> NDArray[np.int64]:
    """Count for each score the others below it, twice, and those equal to it, once: midranks in whole numbers.

    >>> twice_below(np.array([0.4, 0.8]), np.array([0.1, 0.4]))
    array([3, 4])
    """
    ordered = np.sort(others)
    below, up_to = np.searchsorted(ordered, scores, "left"), np.searchsorted(ordered, scores, "right")
    return (below + up_to).astype(np.int64)


def _area(twice: NDArray[np.int64], m: int, n: int) -> float:
    """Return the AUROC from the doubled counts of pairs in the right order."""
    return int(twice.sum()) / (2 * m * n) if m and n else nan


def auroc_delong(labels: ArrayLike, scores: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate the AUROC with DeLong's variance and a Wald interval cut off at 0 and 1, as R's pROC gives it.

    The variance takes the images for independent; with several images per patient it is too small.

    References: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837-845.

    >>> f"{auroc_delong([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]):.3f}"
    '0.875 (0.529 to 1.000)'
    """
    positive, score = checked(labels, scores)
    m = int(positive.sum())
    n = len(positive) - m
    if reason := why_undefined(m, n):
        return Estimate.undefined(reason, level=level, method="delong")
    v10, v01, area = placements_and_area(positive, score)
    if m == 1 or n == 1:
        only = "positive" if m == 1 else "negative"
        return wald(area, nan, level=level, method="delong", note=f"one {only} only: no variance")
    variance = float(np.var(v10, ddof=1)) / m + float(np.var(v01, ddof=1)) / n
    return wald(area, variance, level=level, method="delong", note=_spread_note(area, variance, score))


def auroc_obuchowski(labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate the AUROC with Obuchowski's variance: patients are independent, their images are not.

    `patients` (n,) names the patient of each image. Equal to `auroc_delong` where each patient has one image.
    The interval is Wald's, cut off at 0 and 1.

    References: Obuchowski (1997), Biometrics 53:567-578.

    >>> f"{auroc_obuchowski([0, 0, 1, 1, 0], [0.1, 0.4, 0.4, 0.8, 0.2], [1, 1, 2, 3, 3]):.3f}"
    '0.917 (0.689 to 1.000)'
    """
    positive, score = checked(labels, scores)
    m = int(positive.sum())
    n = len(positive) - m
    if reason := why_undefined(m, n):
        return Estimate.undefined(reason, level=level, method="obuchowski")
    components = ClusterComponents.of(positive, score, patients)
    area = components.area
    if reason := components.why_no_variance():
        return wald(area, nan, level=level, method="obuchowski", note=reason)
    variance = components.covariance(components)
    return wald(area, variance, level=level, method="obuchowski", note=_spread_note(area, variance, score))


@dataclass(frozen=True, eq=False)
class ClusterComponents:
    """Obuchowski's (1997) components of one reader: per patient, the placements summed and centred.

    `positive[i]` is V10(X_i.) - m_i θ and `negative[i]` is V01(Y_i.) - n_i θ of patient i in the paper's
    symbols; `m` and `n` (per patient) count the positive and the negative images; `area` is the AUROC θ.
    """

    positive: Floats
    negative: Floats
    m: NDArray[np.int64]
    n: NDArray[np.int64]
    area: float = nan

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike, patients: ArrayLike) -> ClusterComponents:
        """Compute the components; patients are ordered by their sorted names."""
        positive, score = checked(labels, scores)
        names, patient = np.unique(np.asarray(patients), return_inverse=True)
        if patient.shape != positive.shape:
            raise ValueError(f"patients must be of the shape of labels {positive.shape}, got {patient.shape}")
        v10, v01, area = placements_and_area(positive, score)
        m = np.bincount(patient[positive], minlength=len(names)).astype(np.int64)
        n = np.bincount(patient[~positive], minlength=len(names)).astype(np.int64)
        return cls(
            _sums(patient[positive], v10 - area, len(names)),
            _sums(patient[~positive], v01 - area, len(names)),
            m,
            n,
            area,
        )

    def why_no_variance(self) -> str:
        """Return why the clusters are too few for a variance; empty where they are enough."""
        if len(self.m) == 1:
            return "one patient only: no variance"
        for kind, count in (("positive", self.m), ("negative", self.n)):
            if np.count_nonzero(count) == 1:
                return f"one patient only has {kind} images: no variance"
        return ""

    def minus(self, other: ClusterComponents) -> ClusterComponents:
        """Return the components of the difference between two readers' AUROCs on the same images."""
        return replace(self, positive=self.positive - other.positive, negative=self.negative - other.negative)

    def covariance(self, other: ClusterComponents) -> float:
        """Return the covariance of two readers' AUROCs on the same images; with itself, the variance.

        S10/M + S01/N + (S11 + S11')/(MN), each S with the paper's factor for its own number of clusters:
        those with a positive (I10), those with a negative (I01), all (I).
        """
        total, with_positive, with_negative = len(self.m), np.count_nonzero(self.m), np.count_nonzero(self.n)
        m, n = self.m.sum(), self.n.sum()
        s10 = with_positive / ((with_positive - 1) * m) * (self.positive @ other.positive)
        s01 = with_negative / ((with_negative - 1) * n) * (self.negative @ other.negative)
        s11 = total / (total - 1) * (self.positive @ other.negative + other.positive @ self.negative)
        return float(s10 / m + s01 / n + s11 / (m * n))


def _sums(groups: NDArray[np.int64], values: Floats, n_groups: int) -> Floats:
    """Add the values of each group."""
    return np.bincount(groups, weights=values, minlength=n_groups).astype(np.float64)


def tally(labels: ArrayLike, scores: ArrayLike) -> Tally:
    """Count true and false positives at every distinct score, from the highest threshold to the lowest."""
    positive, score = checked(labels, scores)
    order = np.argsort(-score, kind="stable")
    falling, hit = score[order], positive[order]
    last_of_tie = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.arange(0)
    tp = np.cumsum(hit, dtype=np.int64)[last_of_tie]
    fp = last_of_tie + 1 - tp
    m = int(positive.sum())
    return Tally(falling[last_of_tie], tp, fp, m, len(positive) - m)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the average precision: over distinct thresholds, each gain in recall times the precision there.

    Their sum is scikit-learn's definition, without interpolation. `nan` where there is no positive or no
    negative (scikit-learn gives 0 and 1 there, which say nothing about the reader).

    >>> f"{average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]):.4f}"
    '0.8333'
    """
    count = tally(labels, scores)
    if why_undefined(count.n_positive, count.n_negative):
        return nan
    gain = np.diff(count.tp, prepend=0) / count.n_positive
    return float(np.sum(gain * (count.tp / (count.tp + count.fp))))


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Return the ROC curve; it starts where nothing is called. A rate without cases is `nan`.

    >>> roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]).sensitivity
    array([0. , 0.5, 1. , 1. ])
    """
    count = tally(labels, scores)
    return RocCurve(
        np.append(np.inf, count.threshold),
        _share(np.append(0, count.tp), count.n_positive),
        _share(count.n_negative - np.append(0, count.fp), count.n_negative),
    )


def precision_recall_curve(labels: ArrayLike, scores: ArrayLike) -> PrecisionRecallCurve:
    """Return the precision-recall curve. Recall without a positive is `nan`.

    >>> precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]).recall
    array([0.5, 1. , 1. ])
    """
    count = tally(labels, scores)
    precision = count.tp / (count.tp + count.fp)
    return PrecisionRecallCurve(count.threshold, precision, _share(count.tp, count.n_positive))


def _share(part: NDArray[np.int64], whole: int) -> Floats:
    return part / whole if whole else np.full(len(part), nan)


def _spread_note(area: float, variance: float, scores: Floats) -> str:
    """Return the warning that an interval without width needs."""
    if np.all(scores == scores[0]):
        return "all scores are equal: nothing is ordered, and the area is 0.5 on any images"
    if variance < NO_SPREAD:
        return f"the labels are separated without error (AUROC {area:g}): an interval of no width can mislead"
    return ""
