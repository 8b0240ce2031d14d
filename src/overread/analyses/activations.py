"""Which outputs light up for which finding? The paper's Table 4 and Figure 2, against each output's base activation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.label_count import bounds, group_mean
from overread.records.cohort import MISSING
from overread.stats.estimate import Estimate

PLACES = ("first", "second", "third")
PERMUTATIONS = 9999


@dataclass(frozen=True, eq=False)
class Activations:
    """Mean activation of every output for every true finding, over images that carry exactly one label.

    `table` is Table 4 in full, `top` is Figure 2, `frequency` the rank correlation of a finding's frequency with its
    places in the top three, and `frequency_points` what that correlation is of.
    """

    table: pl.DataFrame
    top: pl.DataFrame
    frequency: pl.DataFrame
    frequency_points: pl.DataFrame


def activations(evaluation: Evaluation, *, seed: int = 0) -> Activations:
    """Average each output over the images whose only label is one finding, for every pair of finding and output.

    The base activation of an output is its mean over all images; the ratio to it tells an output that answers to a
    finding from one that is high for whatever it is shown.
    """
    groups, n_groups = single_label(evaluation.labels), len(evaluation.findings) + 1
    weights, sums = evaluation.bootstrap.grouped_sums(evaluation.scores, groups, n_groups)
    table = activation_table(evaluation, groups, weights, sums)
    top = top_three(evaluation, table)
    points = frequency_points(evaluation, top)
    return Activations(table, top, frequency_correlation(evaluation.reading, points, seed=seed), points)


def single_label(labels: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return for each image the column of its only finding.

    Images with none, several or unassessed findings share a last group.

    >>> single_label(np.array([[0, 1], [1, 1], [0, 0], [1, -1]], np.int8))
    array([1, 2, 2, 2])
    """
    single = ((labels == 1).sum(axis=1) == 1) & ~(labels == MISSING).any(axis=1)
    return np.where(single, (labels == 1).argmax(axis=1), labels.shape[1])


TABLE = {
    "reading": pl.String,
    "true_finding": pl.String,
    "n_images": pl.Int64,
    "output": pl.String,
    "mean_activation": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "rank": pl.Int64,
    "base_activation": pl.Float64,
    "ratio": pl.Float64,
    "level": pl.Float64,
    "note": pl.String,
}


def activation_table(
    evaluation: Evaluation,
    groups: NDArray[np.int64],
    weights: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> pl.DataFrame:
    """Return Table 4 for every pair of true finding and output, with intervals by patient."""
    base = evaluation.scores.mean(axis=0)
    rows: list[tuple[object, ...]] = []
    for true, finding in enumerate(evaluation.findings):
        members = groups == true
        n_patients = len(np.unique(evaluation.patients[members]))
        means = [
            group_mean(
                evaluation.scores[members, output],
                weights[:, true],
                sums[:, true, output],
                n_patients,
                evaluation.level,
            )
            for output in range(len(evaluation.findings))
        ]
        ranks = falling_ranks(np.array([mean.value for mean in means]))
        for output, (mean, rank) in enumerate(zip(means, ranks, strict=True)):
            rows.append(
                (
                    *(evaluation.reading, finding, int(members.sum()), evaluation.findings[output]),
                    *bounds(mean),
                    None if np.isnan(mean.value) else int(rank),
                    *(float(base[output]), ratio(mean, base[output]), evaluation.level, note(mean)),
                )
            )
    return pl.DataFrame(rows, schema=TABLE, orient="row")


def falling_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return 1 for the highest value and so on; of equals, the first in order has the better rank.

    >>> falling_ranks(np.array([0.1, 0.5, 0.3]))
    array([3, 1, 2])
    """
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return ranks


def ratio(mean: Estimate, base: float) -> float | None:
    """Return the mean activation relative to the output's base activation."""
    return None if np.isnan(mean.value) or base == 0 else float(mean.value / base)


def note(mean: Estimate) -> str:
    """Say why a cell is empty."""
    return "no image carries only this finding" if np.isnan(mean.value) else mean.note


def top_three(evaluation: Evaluation, table: pl.DataFrame) -> pl.DataFrame:
    """Return Figure 2: for how many true findings each output has the highest, second and third mean activation."""
    counts = table.group_by("output").agg(
        [(pl.col("rank") == place).sum().cast(pl.Int64).alias(name) for place, name in enumerate(PLACES, start=1)]
    )
    order = pl.DataFrame({"output": list(evaluation.findings)})
    named = order.join(counts, on="output", how="left", maintain_order="left")
    return named.select(pl.lit(evaluation.reading).alias("reading"), "output", *PLACES)


def frequency_points(evaluation: Evaluation, top: pl.DataFrame) -> pl.DataFrame:
    """Return, by finding, its number of positives and how often its output is in the top three."""
    return top.select(
        "reading",
        pl.col("output").alias("finding"),
        pl.Series("n_positive", evaluation.n_positive),
        pl.sum_horizontal(PLACES).alias("places"),
    )


def frequency_correlation(reading: str, points: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Correlate the frequency of findings with their places in the top three (Spearman), p by permutation.

    p is two-sided: the share of 9,999 random permutations, the observed order counted among them, whose correlation
    is as large in size (Phipson and Smyth 2010).
    """
    x, y = midranks(points["n_positive"].to_numpy()), midranks(points["places"].to_numpy())
    rho = correlation(x, y)
    p, note = None, "all findings have the same frequency or the same number of places"
    if not np.isnan(rho):
        rng = np.random.default_rng(seed)
        shuffled = rng.permuted(np.tile(y, (PERMUTATIONS, 1)), axis=1)
        as_large = np.abs(shuffled @ (x - x.mean())) >= abs(y @ (x - x.mean())) * (1 - 1e-12)
        p = (1 + int(as_large.sum())) / (PERMUTATIONS + 1)
        note = f"p by {PERMUTATIONS:,} permutations of the findings"
    row = (reading, "spearman", None if np.isnan(rho) else rho, p, len(points), note)
    schema = {
        "reading": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "p": pl.Float64,
        "n_findings": pl.Int64,
        "note": pl.String,
    }
    return pl.DataFrame([row], schema=schema, orient="row")


def midranks(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ranks from 1, equal values sharing the mean of theirs.

    >>> midranks(np.array([5, 1, 5]))
    array([2.5, 1. , 2.5])
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return Pearson's correlation, nan where one side does not vary."""
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else float("nan")
