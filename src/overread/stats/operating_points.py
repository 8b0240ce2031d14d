"""What holds at a threshold: counts, the metrics made of them, and the rules that choose a threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, isnan, nan
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.discrimination import tally, why_undefined
from overread.stats.estimate import Estimate
from overread.stats.proportions import proportion
from overread.stats.wald import log_wald

Floats = NDArray[np.float64]
Cell = Any  # a number, or an array of numbers, whole or not; nan where nothing was counted

RULES = "youden, sensitivity=0.90, specificity=0.90 or fixed=0.5 (with any number from 0 to 1)"


@dataclass(frozen=True, eq=False)
class Counts:
    """True and false positives, false and true negatives: numbers, or arrays of one shape.

    Such a shape is (findings,) or (replicates, findings).
    """

    tp: Cell
    fp: Cell
    fn: Cell
    tn: Cell

    @classmethod
    def of(cls, labels: ArrayLike, called: ArrayLike) -> Counts:
        """Count the calls of (n,) or (n, findings) images; a label that is neither 1 nor 0 is left out.

        >>> Counts.of([1, 1, 0, 0, -1], [True, False, True, False, True])
        Counts(tp=1, fp=1, fn=1, tn=1)
        """
        label, call = np.asarray(labels), np.asarray(called, dtype=np.bool_)
        if label.shape != call.shape:
            raise ValueError(f"labels and called must be of one shape, got {label.shape} and {call.shape}")
        present, absent = label == 1, label == 0
        cells = (present & call, absent & call, present & ~call, absent & ~call)
        sums = [cell.sum(axis=0) for cell in cells]
        return cls(*(int(s) if label.ndim == 1 else s for s in sums))

    def arrays(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the four counts as float arrays."""
        tp, fp, fn, tn = (np.asarray(cell, dtype=np.float64) for cell in (self.tp, self.fp, self.fn, self.tn))
        return tp, fp, fn, tn


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, `nan` where the denominator is zero."""
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), nan)
    return np.divide(numerator, denominator, out=out, where=denominator != 0)


def _sensitivity(counts: Counts) -> Floats:
    tp, _, fn, _ = counts.arrays()
    return _ratio(tp, tp + fn)


def _specificity(counts: Counts) -> Floats:
    _, fp, _, tn = counts.arrays()
    return _ratio(tn, tn + fp)


def _accuracy(counts: Counts) -> Floats:
    tp, fp, fn, tn = counts.arrays()
    return _ratio(tp + tn, tp + fp + fn + tn)


def _f1(counts: Counts) -> Floats:
    tp, fp, fn, _ = counts.arrays()
    # Without a positive recall has no value, and so neither has its harmonic mean with precision.
    return np.where(tp + fn > 0, _ratio(2 * tp, 2 * tp + fp + fn), nan)


def _ppv(counts: Counts) -> Floats:
    tp, fp, _, _ = counts.arrays()
    return _ratio(tp, tp + fp)


def _npv(counts: Counts) -> Floats:
    _, _, fn, tn = counts.arrays()
    return _ratio(tn, tn + fn)


def _lr_positive(counts: Counts) -> Floats:
    tp, fp, fn, tn = counts.arrays()
    return _ratio(tp * (fp + tn), fp * (tp + fn))


def _lr_negative(counts: Counts) -> Floats:
    tp, fp, fn, tn = counts.arrays()
    return _ratio(fn * (fp + tn), tn * (tp + fn))


def _dor(counts: Counts) -> Floats:
    tp, fp, fn, tn = counts.arrays()
    half = np.where(tp * fp * fn * tn == 0, 0.5, 0.0)
    ratio = (tp + half) * (tn + half) / np.maximum((fp + half) * (fn + half), 0.25)
    return np.where((tp + fn > 0) & (fp + tn > 0), ratio, nan)


METRICS: Mapping[str, Callable[[Counts], Floats]] = MappingProxyType(
    {
        "sensitivity": _sensitivity,
        "specificity": _specificity,
        "accuracy": _accuracy,
        "f1": _f1,
        "ppv": _ppv,
        "npv": _npv,
        "lr_positive": _lr_positive,
        "lr_negative": _lr_negative,
        "dor": _dor,
    }
)
"""Every metric of the four counts, by name, on numbers or arrays; `nan` where it is not defined.

sensitivity TP/(TP+FN); specificity TN/(TN+FP); accuracy (TP+TN)/all; f1 2TP/(2TP+FP+FN); ppv TP/(TP+FP); npv
TN/(TN+FN); lr_positive sensitivity/(1-specificity); lr_negative (1-sensitivity)/specificity; dor
TP·TN/(FP·FN), with 0.5 added to all four counts where one of them is 0. The odds ratio and f1 need a
positive; the odds ratio and the likelihood ratios need both a positive and a negative.
"""


NOT_COUNTED = "no threshold, so nothing was counted"


def _no_table(n_positive: float, n_negative: float) -> str:
    """Return why there is no table of four counts to take a ratio of; empty where there is one."""
    return NOT_COUNTED if isnan(n_positive + n_negative) else why_undefined(n_positive, n_negative)


def odds_ratio(counts: Counts, *, level: float = 0.95) -> Estimate:
    """Estimate the diagnostic odds ratio with its interval on the log scale.

    DOR = TP·TN / (FP·FN), interval exp(ln DOR ± z √(1/TP + 1/FP + 1/FN + 1/TN)): equations 5 and 6 of the
    paper that this package follows. Where a count is 0, 0.5 is added to all four, and the note says so.

    References: Glas et al. (2003), J Clin Epidemiol 56:1129-1135; for the 0.5, Haldane (1956), Ann Hum Genet
    20:309-311.

    >>> f"{odds_ratio(Counts(90, 20, 10, 80)):.1f}"
    '36.0 (15.9 to 81.5)'
    """
    cells = np.array([float(cell) for cell in counts.arrays()])
    tp, fp, fn, tn = cells
    if reason := _no_table(tp + fn, fp + tn):
        return Estimate.undefined(reason, level=level, method="log")
    note = ""
    if np.any(cells == 0):
        cells, note = cells + 0.5, "0.5 added to all four counts because one of them is 0"
    tp, fp, fn, tn = cells
    return log_wald(tp * tn / (fp * fn), float(np.sum(1 / cells)), level=level, note=note)


def likelihood_ratio_positive(counts: Counts, *, level: float = 0.95) -> Estimate:
    """Estimate sensitivity / (1 - specificity) with its interval on the log scale.

    References: Simel, Samsa and Matchar (1991), J Clin Epidemiol 44:763-770.

    >>> f"{likelihood_ratio_positive(Counts(90, 20, 10, 80)):.2f}"
    '4.50 (3.02 to 6.70)'
    """
    tp, fp, fn, tn = (float(cell) for cell in counts.arrays())
    return _likelihood_ratio(tp, tp + fn, fp, fp + tn, "no false positive", level)


def likelihood_ratio_negative(counts: Counts, *, level: float = 0.95) -> Estimate:
    """Estimate (1 - sensitivity) / specificity with its interval on the log scale.

    References: Simel, Samsa and Matchar (1991), J Clin Epidemiol 44:763-770.

    >>> f"{likelihood_ratio_negative(Counts(90, 20, 10, 80)):.2f}"
    '0.12 (0.07 to 0.23)'
    """
    tp, fp, fn, tn = (float(cell) for cell in counts.arrays())
    return _likelihood_ratio(fn, tp + fn, tn, fp + tn, "no true negative", level)


LOG_INTERVALS = MappingProxyType(
    {"dor": odds_ratio, "lr_positive": likelihood_ratio_positive, "lr_negative": likelihood_ratio_negative}
)


def _likelihood_ratio(
    part: float, positives: float, other: float, negatives: float, empty: str, level: float
) -> Estimate:
    """Divide the share `part` of the positives by the share `other` of the negatives."""
    if reason := _no_table(positives, negatives) or (empty if other == 0 else ""):
        return Estimate.undefined(reason, level=level, method="log")
    value = (part / positives) / (other / negatives)
    if part == 0:
        return Estimate(0.0, nan, nan, level, "log", "a ratio of 0 has no interval on the log scale")
    return log_wald(value, 1 / part - 1 / positives + 1 / other - 1 / negatives, level=level)


PROPORTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "sensitivity": ("tp", "tp fn"),
        "specificity": ("tn", "fp tn"),
        "accuracy": ("tp tn", "tp fp fn tn"),
        "ppv": ("tp", "tp fp"),
        "npv": ("tn", "fn tn"),
    }
)
"""The metrics that are shares of counted images: which counts add up to the part, and which to the whole."""


def closed_interval(metric: str, counts: Counts, *, level: float = 0.95) -> Estimate | None:
    """Estimate a metric of four numbers with its closed-form interval; None where the field has none (f1).

    Wilson's for the shares, the log interval for the odds ratio and the likelihood ratios. All of them take
    the images for independent.

    >>> f"{closed_interval('ppv', Counts(90, 20, 10, 80)):.2f}"
    '0.82 (0.74 to 0.88)'
    """
    if metric in LOG_INTERVALS:
        return LOG_INTERVALS[metric](counts, level=level)
    if metric not in PROPORTIONS:
        return None
    part, whole = (sum(float(getattr(counts, cell)) for cell in cells.split()) for cells in PROPORTIONS[metric])
    if isnan(whole):
        return Estimate.undefined(NOT_COUNTED, level=level, method="wilson")
    return proportion(int(part), int(whole), level=level)


@dataclass(frozen=True)
class Rule:
    """How a threshold is chosen: `youden`, or `sensitivity`, `specificity` or `fixed` with a value.

    >>> str(Rule("sensitivity", 0.9))
    'sensitivity=0.9'
    """

    kind: str
    value: float = nan

    def __str__(self) -> str:
        return self.kind if self.kind == "youden" else f"{self.kind}={self.value!r}"

    def choose(self, labels: ArrayLike, scores: ArrayLike) -> float:
        """Return the threshold of these images; `nan` where none can be chosen (`why_not` says why).

        Thresholds are observed scores, save that of `fixed`. `youden`: the score with the largest sensitivity
        + specificity - 1; of equals, the lowest. `sensitivity=x`: the highest score with sensitivity of at
        least x. `specificity=x`: the lowest score with specificity of at least x.

        References: Youden (1950), Cancer 3:32-35.

        >>> Rule("youden").choose([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.35
        """
        count = tally(labels, scores)
        if self.kind == "fixed":
            return self.value
        if self._lacks(count.n_positive, count.n_negative):
            return nan
        if self.kind == "youden":
            # In whole numbers, so that equals are equal: J = (TP·N - FP·P) / (P·N). The last is the lowest.
            gain = count.tp * count.n_negative - count.fp * count.n_positive
            return float(count.threshold[np.flatnonzero(gain == gain.max())[-1]])
        if self.kind == "sensitivity":
            # One division, correctly rounded, so that 9 of 10 reaches 0.9.
            return float(count.threshold[np.argmax(count.tp / count.n_positive >= self.value)])
        reached = np.flatnonzero((count.n_negative - count.fp) / count.n_negative >= self.value)
        return float(count.threshold[reached[-1]]) if len(reached) else nan

    def why_not(self, labels: ArrayLike, scores: ArrayLike) -> str:
        """Return why `choose` gives no threshold for these images; empty where it gives one."""
        if np.isfinite(self.choose(labels, scores)):
            return ""
        count = tally(labels, scores)
        lacks = self._lacks(count.n_positive, count.n_negative)
        return f"{lacks} to choose a threshold on" if lacks else f"no observed score reaches {self}"

    def _lacks(self, n_positive: int, n_negative: int) -> str:
        """Return what the rule needs and these images do not have."""
        if self.kind == "sensitivity":
            return "no positive" if n_positive == 0 else ""
        if self.kind == "specificity":
            return "no negative" if n_negative == 0 else ""
        return why_undefined(n_positive, n_negative)


def parse_rule(text: str) -> Rule:
    """Read the rule of an operating point as it is written on the command line.

    >>> parse_rule("specificity=0.9")
    Rule(kind='specificity', value=0.9)
    """
    kind, equals, number = (part.strip().lower() for part in text.partition("="))
    if kind == "youden" and not equals:
        return Rule("youden")
    if kind not in ("sensitivity", "specificity", "fixed"):
        raise ValueError(f"the operating point must be {RULES}, got {text!r}")
    try:
        value = float(number)
    except ValueError:
        value = nan
    if not (isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"the operating point {kind} needs a number from 0 to 1, as in {kind}=0.9, got {text!r}")
    return Rule(kind, value)


def calls(scores: ArrayLike, threshold: ArrayLike) -> NDArray[np.bool_]:
    """Return where a score is at or above its threshold; a threshold per finding or per row is broadcast.

    Raises ValueError for a threshold of `nan`: nothing was decided there, and "not called" would be made up.
    """
    limit = np.asarray(threshold, dtype=np.float64)
    if np.any(np.isnan(limit)):
        raise ValueError("threshold must be a number, got nan: leave out the finding that has none")
    return np.asarray(scores, dtype=np.float64) >= limit


def folds(patients: ArrayLike, *, seed: int) -> NDArray[np.int8]:
    """Return 0 or 1 for each row: two halves of the patients, all rows of a patient on one side.

    The side comes from a hash of the patient's number and the seed: the half of the patients with the lower
    hashes is fold 0. So the order of the rows never matters, the halves differ by one patient at most, and a
    patient more or less can move no more than one other across.

    >>> folds([5, 5, 7, 7, 7, 9, 11], seed=0)
    array([0, 0, 1, 1, 1, 1, 0], dtype=int8)
    """
    codes = np.asarray(patients)
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"patients must be whole numbers of shape (n,), got {codes.dtype} of shape {codes.shape}")
    names, row = np.unique(codes, return_inverse=True)
    hashed = _mixed(names.astype(np.int64).view(np.uint64) ^ _mixed(np.array([seed], dtype=np.int64).view(np.uint64)))
    side = np.ones(len(names), dtype=np.int8)
    side[np.argsort(hashed, kind="stable")[: (len(names) + 1) // 2]] = 0
    return side[row]


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (the finaliser of SplitMix64: Steele, Lea and Flood 2014, OOPSLA, 453-472)."""
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
