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

RATIO_NOTE = "averaged on the log scale"


def defined(values: ArrayLike, *, ratio: bool = False) -> NDArray[np.bool_]:
    """Return which findings have a value to average; for a ratio it must be above 0, to have a logarithm.

    >>> defined([0.8, float("nan"), 0.7])
    array([ True, False,  True])
    """
    value = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(value)
    return finite & (value > 0) if ratio else finite


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


def mean(values: ArrayLike, *, over: ArrayLike | None = None, ratio: bool = False) -> Floats:
    """Average over the findings, each counting the same; a ratio on the log scale.

    `over` (findings,) flags the findings that take part, all by default. The result has the shape of `values`
    without its last axis and is `nan` where a finding that takes part is, or where none takes part. A ratio
    of 0 among others gives 0, its geometric mean.

    >>> float(mean([0.8, 0.6])), float(mean([4.0, 0.25], ratio=True))
    (0.7, 1.0)
    """
    value = np.asarray(values, dtype=np.float64)
    return weighted(value, np.ones(value.shape[-1:]), over=over, ratio=ratio)


def weighted(
    values: ArrayLike, weights: ArrayLike, *, over: ArrayLike | None = None, ratio: bool = False
) -> Floats:
    """Average over the findings, each weighted by its number of positives; a ratio on the log scale.

    `weights` is (findings,), or of the shape of `values` where each replicate has its own. Otherwise like
    `mean`.

    >>> float(weighted([0.8, 0.6], [300, 100]))
    0.75
    """
    value, weight = np.broadcast_arrays(
        np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    )
    taken = slice(None) if over is None else np.asarray(over, dtype=np.bool_)
    value, weight = value[..., taken], weight[..., taken]
    if np.any(weight < 0):
        raise ValueError("weights must not be below zero")
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.log(value) if ratio else value
        # A finding of weight 0 contributes nothing, even where its logarithm is infinite.
        part = np.where((weight == 0) & ~np.isnan(value), 0.0, scale * weight)
        average = np.sum(part, axis=-1) / np.sum(weight, axis=-1)
    return np.exp(average) if ratio else np.asarray(average)


def pooled(counts: Counts, *, over: ArrayLike | None = None) -> Counts:
    """Add the counts of the findings: all decisions together, as one table of four.

    Only counts are pooled. A pooled AUROC would compare scores of different findings, and a reader that sees
    nothing but answers with each finding's frequency gets 0.73 by that on ChestX-ray14.
    """
    taken = slice(None) if over is None else np.asarray(over, dtype=np.bool_)
    return Counts(*(cell[..., taken].sum(axis=-1) for cell in counts.arrays()))
