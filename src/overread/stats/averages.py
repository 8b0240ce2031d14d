"""One number for all findings: the plain mean, the mean weighted by positives, and the pooled counts.

Values have the findings on their last axis: (findings,) for the images as they are, (replicates, findings)
for a bootstrap. Which findings take part is decided once, from the images as they are (`defined`), and then
held, so that every replicate averages the same findings; a replicate in which one of them has no value has no
average.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.operating_points import Counts

Floats = NDArray[np.float64]

RATIOS = frozenset({"lr_positive", "lr_negative", "dor"})
"""The metrics that are averaged on the log scale: their mean is geometric, so that 4 and 1/4 average to 1."""

LOG_NOTE = "averaged on the log scale"


def mean_over_findings(
    values: ArrayLike, *, findings: Sequence[str], weights: ArrayLike | None = None, log: bool = False
) -> tuple[float, str]:
    """Return the mean of (findings,) values over the findings that have one, and the note that belongs to it.

    Each finding counts the same, or as its weight (its number of positives). With `log` the mean is
    geometric, and a ratio of 0 is left out, since it has no logarithm. The note names the findings left out;
    it is empty where a plain mean leaves out none. `nan` where no finding has a value.

    >>> mean_over_findings([0.8, float("nan"), 0.6], findings=["Mass", "Hernia", "Edema"])
    (0.7, 'over 2 of 3 findings; not defined for Hernia')
    >>> mean_over_findings([4.0, 0.25], findings=["Mass", "Edema"], log=True)
    (1.0, 'averaged on the log scale')
    """
    over = defined(values, log=log)
    notes = [LOG_NOTE] if log else []
    left_out = coverage(over, findings)
    return float(average(values, weights, over=over, log=log)), "; ".join(notes + [left_out] * bool(left_out))


def mean_replicates(
    values: ArrayLike, replicates: ArrayLike, *, weights: ArrayLike | None = None, log: bool = False
) -> Floats:
    """Return the mean of each of (replicates, findings) over the findings that `mean_over_findings` takes.

    `values` (findings,) are those of the images as they are. A replicate in which a finding that takes part
    has no value is `nan`; a value of a finding that takes no part does not matter.

    >>> mean_replicates([0.8, float("nan"), 0.6], [[0.8, 0.9, 0.5], [0.7, 0.9, float("nan")]])
    array([0.65,  nan])
    """
    return average(replicates, weights, over=defined(values, log=log), log=log)


def defined(values: ArrayLike, *, log: bool = False) -> NDArray[np.bool_]:
    """Return which findings have a value to average; on the log scale it must be above 0.

    >>> defined([0.8, float("nan"), 0.7])
    array([ True, False,  True])
    """
    value = np.asarray(values, dtype=np.float64)
    return np.isfinite(value) & (value > 0) if log else np.isfinite(value)


def coverage(over: ArrayLike, findings: Sequence[str]) -> str:
    """Return the note on findings that an average leaves out; empty where it leaves out none.

    >>> coverage([True, False, True], ["Mass", "Hernia", "Edema"])
    'over 2 of 3 findings; not defined for Hernia'
    """
    taken = np.asarray(over, dtype=np.bool_)
    if taken.shape != (len(findings),):
        raise ValueError(f"over must hold one flag for each of {len(findings)} findings, got {taken.shape}")
    left_out = [name for name, take in zip(findings, taken, strict=True) if not take]
    if not left_out:
        return ""
    return f"over {int(taken.sum())} of {len(findings)} findings; not defined for {', '.join(left_out)}"


def average(
    values: ArrayLike, weights: ArrayLike | None = None, *, over: ArrayLike | None = None, log: bool = False
) -> Floats:
    """Average (..., findings) over the findings flagged in `over`, all by default; on the log scale with `log`.

    `weights` is (findings,), or of the shape of `values` where each replicate has its own; none means equal
    ones. The result is `nan` where a finding that takes part has no value, where none takes part, and where
    all weights are 0. A ratio of 0 makes its geometric mean 0.

    >>> float(average([0.8, 0.6], [300, 100]))
    0.75
    """
    value = np.asarray(values, dtype=np.float64)
    weight = np.broadcast_to(1.0 if weights is None else np.asarray(weights, dtype=np.float64), value.shape)
    if np.any(weight < 0):
        raise ValueError("weights must not be below zero")
    taken = slice(None) if over is None else np.asarray(over, dtype=np.bool_)
    value, weight = value[..., taken], weight[..., taken]
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.log(value) if log else value
        # A finding of weight 0 contributes nothing, even where its logarithm is infinite.
        part = np.where((weight == 0) & ~np.isnan(value), 0.0, scale * weight)
        result = np.asarray(np.sum(part, axis=-1) / np.sum(weight, axis=-1))
    return np.exp(result) if log else result


def pooled(counts: Counts, *, over: ArrayLike | None = None) -> Counts:
    """Add the counts of the findings: all decisions together, as one table of four.

    `over` (findings,) flags the findings that take part, all by default. Only counts are pooled: a pooled
    AUROC would compare scores of different findings, and a reader that sees nothing but answers with each
    finding's frequency gets 0.73 by that on ChestX-ray14.

    >>> total = pooled(Counts([3, 1], [2, 2], [1, 0], [4, 7]))
    >>> float(total.tp), float(total.tn)
    (4.0, 11.0)
    """
    taken = slice(None) if over is None else np.asarray(over, dtype=np.bool_)
    return Counts(*(cell[..., taken].sum(axis=-1) for cell in counts.arrays()))
