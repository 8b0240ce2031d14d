"""Do outputs rank by how often their finding is common, whatever the image shows? Table 4 under permutation."""

from __future__ import annotations

from math import nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.activations import PERMUTATIONS, correlation, falling_ranks, midranks, single_label
from overread.analyses.evaluation import Evaluation

TABLE = {
    "reading": pl.String,
    "statistic": pl.String,
    "value": pl.Float64,
    "p": pl.Float64,
    "n_findings": pl.Int64,
    "note": pl.String,
}
FEWEST_OUTPUTS = 3
"""With two outputs, there is one other than the true finding's, and nothing to rank."""

Floats = NDArray[np.float64]


def prevalence_following(evaluation: Evaluation, *, seed: int = 0) -> pl.DataFrame:
    """Test two readings of Table 4: its ranks follow the base activations, or an output answers to its own finding.

    A row of Table 4 is a true finding with the mean activation of every output over the images that carry it alone.

    - `follows_base`: the mean over rows of the rank correlation (Spearman) between the activations of the *other*
      outputs and their base activations, the means over all images outside the row. 1: wrong outputs come in one and
      the same order, whatever the finding. p permutes the base activations among outputs, alike in all rows.
    - `own_rank`: the mean over rows of the rank of the true finding's own output; 1 is the best. p permutes which
      output counts as whose. Where every row has the same order, each permutation has the same mean, and p is 1.
    - `own_rank_relative`: the same with every activation divided by its output's base activation.

    p is one-sided (correlation as large, rank as small or smaller), the observed order counted among 9,999 random
    ones (Phipson and Smyth 2010). Outputs, and not patients, are permuted: p speaks of these findings only.
    """
    groups = single_label(evaluation.labels)
    rows = [finding for finding in range(len(evaluation.findings)) if (groups == finding).any()]
    if len(evaluation.findings) < FEWEST_OUTPUTS or len(rows) < 2:
        return undefined(evaluation.reading, len(rows))
    mean, base = activations_and_bases(evaluation.scores, groups, rows)
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((PERMUTATIONS, len(evaluation.findings))), axis=1)
    ratio = np.divide(mean, base, out=np.full(mean.shape, nan), where=base > 0)
    found = {
        "follows_base": follows_base(mean, base, rows, order),
        "own_rank": own_rank(mean, rows, order),
        "own_rank_relative": own_rank(ratio, rows, order),
    }
    note = f"p by {PERMUTATIONS:,} permutations of the outputs"
    return pl.DataFrame(
        [
            {"reading": evaluation.reading, "statistic": name, "n_findings": len(rows)}
            | {"value": None if np.isnan(value) else value, "p": None if np.isnan(value) else p}
            | {"note": "an output is the same on all images" if np.isnan(value) else note}
            for name, (value, p) in found.items()
        ],
        schema=TABLE,
    )


def undefined(reading: str, n_rows: int) -> pl.DataFrame:
    """Return the rows of a reading with too little to rank."""
    note = "takes three outputs, and two findings that stand alone on some image"
    names = ("follows_base", "own_rank", "own_rank_relative")
    each = [{"reading": reading, "statistic": name, "n_findings": n_rows, "note": note} for name in names]
    return pl.DataFrame(each, schema=TABLE)


def activations_and_bases(scores: Floats, groups: NDArray[np.int64], rows: list[int]) -> tuple[Floats, Floats]:
    """Return the mean of each output (rows, outputs) inside and outside each group.

    The base leaves the group out: with it, each row would correlate with a part of itself.
    """
    total, n = scores.sum(axis=0), len(scores)
    inside = np.stack([scores[groups == row].sum(axis=0) for row in rows])
    sizes = np.array([(groups == row).sum() for row in rows])[:, None]
    return inside / sizes, (total - inside) / (n - sizes)


def follows_base(mean: Floats, base: Floats, rows: list[int], order: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean rank correlation of the other outputs with their base activations, and its p."""
    observed, drawn = 0.0, np.zeros(len(order))
    for own, activation, height in zip(rows, mean, base, strict=True):
        others = np.delete(np.arange(len(activation)), own)
        x = midranks(activation[others])
        observed += correlation(x, midranks(height[others]))
        drawn += correlations(x, others_ranks(midranks(height)[order], own))
    if np.isnan(observed):
        return nan, nan
    return observed / len(rows), one_sided(np.nan_to_num(drawn, nan=-np.inf), observed)


def others_ranks(ranks: Floats, own: int) -> Floats:
    """Return ranks (permutations, outputs) without the own output's column, ranked anew among the others.

    >>> others_ranks(np.array([[2.0, 1.0, 3.0]]), 0)
    array([[1., 2.]])
    """
    left_out, others = ranks[:, [own]], np.delete(ranks, own, axis=1)
    return np.asarray(others - (others > left_out) - (others == left_out) / 2, np.float64)


def correlations(x: Floats, y: Floats) -> Floats:
    """Return Pearson's correlation of x (k,) with each row of y (permutations, k), nan where a row does not vary."""
    x, y = x - x.mean(), y - y.mean(axis=1, keepdims=True)
    size = np.sqrt((x @ x) * (y * y).sum(axis=1))
    return np.divide(y @ x, size, out=np.full(len(y), nan), where=size > 0)


def own_rank(values: Floats, rows: list[int], order: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean rank of the true finding's own output, and its p."""
    if np.isnan(values).any():
        return nan, nan
    ranks = np.stack([falling_ranks(row) for row in values]).astype(np.float64)
    places = np.arange(len(rows))
    observed = float(ranks[places, rows].mean())
    drawn = ranks[places, order[:, rows]].mean(axis=1)
    return observed, one_sided(-drawn, -observed)


def one_sided(drawn: Floats, observed: float) -> float:
    """Return the share of permutations, the observed one among them, that are as large; rounding apart."""
    return (1 + int((drawn >= observed - 1e-9).sum())) / (len(drawn) + 1)
