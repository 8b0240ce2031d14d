"""Does the number of labels on an image matter? The paper's Table 3, its fitted line, and what the line is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.stats.estimate import Estimate
from overread.stats.resampling import percentile

LOG_FLOOR = -100.0  # the logarithm of a score of exactly 0 or 1, as in PyTorch's BCELoss
LOSSES = ("mean_loss", "loss_present", "loss_absent")


@dataclass(frozen=True, eq=False)
class LabelCount:
    """Mean loss by number of labels, and the line fitted to it.

    `table` has a row per number of labels: mean_loss over all findings, loss_present over the findings that the image
    carries, loss_absent over those it does not, each with its interval by patient.
    """

    table: pl.DataFrame
    fit: pl.DataFrame


def label_count(evaluation: Evaluation) -> LabelCount:
    """Average the binary cross-entropy over findings, then over the images that carry the same number of labels.

    The paper (Table 3) infers from the rising line that the number of labels does not affect the accuracy per
    label. The line is mostly mechanical: a present finding, being rare, costs a calibrated reader far more than an
    absent one. So the losses of present and of absent findings are given beside it.
    """
    losses = image_losses(evaluation.labels, evaluation.scores)
    n_labels = (evaluation.labels == 1).sum(axis=1)
    n_groups = int(n_labels.max(initial=0)) + 1
    values = np.nan_to_num(losses)
    weights, sums = evaluation.bootstrap.grouped_sums(values, n_labels, n_groups)
    table = pl.DataFrame(
        [count_row(evaluation, k, losses, n_labels, weights[:, k], sums[:, k]) for k in range(n_groups)],
        schema=TABLE,
        orient="row",
    )
    return LabelCount(table.filter(pl.col("n_images") > 0), fitted_line(evaluation, losses, n_labels, weights, sums))


TABLE = (
    {"reading": pl.String, "n_labels": pl.Int64, "n_images": pl.Int64}
    | {
        name: pl.Float64
        for loss in LOSSES
        for name in (loss, *(("low", "high") if loss == "mean_loss" else (f"{loss}_low", f"{loss}_high")))
    }
    | {"level": pl.Float64, "note": pl.String}
)


def image_losses(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return per image the mean binary cross-entropy (nats) over all, over present and over absent findings.

    Shape (n_images, 3); nan where an image has no such finding. The logarithm is held at -100, as PyTorch's BCELoss
    does, so that a score of exactly 0 or 1 costs much and not everything.
    """
    with np.errstate(divide="ignore"):
        present = -np.maximum(np.log(scores), LOG_FLOOR)
        absent = -np.maximum(np.log1p(-scores), LOG_FLOOR)
    is_present, is_absent = labels == 1, labels == 0
    sum_present, sum_absent = (present * is_present).sum(axis=1), (absent * is_absent).sum(axis=1)
    n_present, n_absent = is_present.sum(axis=1), is_absent.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.column_stack(
            [
                (sum_present + sum_absent) / (n_present + n_absent),
                sum_present / n_present,
                sum_absent / n_absent,
            ]
        )


def count_row(
    evaluation: Evaluation,
    k: int,
    losses: NDArray[np.float64],
    n_labels: NDArray[np.int64],
    weights: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> tuple[object, ...]:
    """Return the row of the images with `k` labels."""
    rows = n_labels == k
    n_images, n_patients = int(rows.sum()), len(np.unique(evaluation.patients[rows]))
    cells: list[object] = [evaluation.reading, k, n_images]
    for column in range(len(LOSSES)):
        cells += bounds(group_mean(losses[rows, column], weights, sums[:, column], n_patients, evaluation.level))
    note = "one patient: no interval" if n_patients == 1 else ""
    return (*cells, evaluation.level, note)


def group_mean(
    values: NDArray[np.float64],
    weights: NDArray[np.int64],
    sums: NDArray[np.float64],
    n_patients: int,
    level: float,
) -> Estimate:
    """Return the mean of a group of images with its interval by patient; none where the group is one patient's."""
    if not len(values) or np.isnan(values).any():
        return Estimate.undefined("no such image", level=level, method="bootstrap")
    mean = float(values.mean())
    if n_patients < 2:
        return Estimate(mean, np.nan, np.nan, level, "bootstrap", "one patient: no interval")
    with np.errstate(invalid="ignore"):
        return percentile(mean, sums / weights, level=level)


def bounds(estimate: Estimate) -> list[float | None]:
    """Return value, low and high as cells of a table."""
    return [None if np.isnan(cell) else float(cell) for cell in (estimate.value, estimate.low, estimate.high)]


def fitted_line(
    evaluation: Evaluation,
    losses: NDArray[np.float64],
    n_labels: NDArray[np.int64],
    weights: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> pl.DataFrame:
    """Fit mean loss against number of labels by least squares over images, with the slope's interval by patient.

    `r_squared` is the share of the variance of the group means, weighted by images, that the line takes up.
    """
    k = np.arange(weights.shape[1], dtype=float)
    counts = np.bincount(n_labels, minlength=len(k)).astype(float)
    totals = np.bincount(n_labels, weights=np.nan_to_num(losses[:, 0]), minlength=len(k)).astype(float)
    slope, intercept, r_squared = weighted_line(k, counts, totals)
    slopes, _, _ = weighted_line(k, weights, sums[:, :, 0])
    estimate = percentile(float(slope), np.atleast_1d(slopes), level=evaluation.level)
    value, low, high = bounds(estimate)
    row = (
        evaluation.reading,
        value,
        low,
        high,
        evaluation.level,
        finite(intercept),
        finite(r_squared),
        estimate.note,
    )
    columns = ("reading", "slope", "low", "high", "level", "intercept", "r_squared", "note")
    schema = {name: pl.String if name in ("reading", "note") else pl.Float64 for name in columns}
    return pl.DataFrame([row], schema=schema, orient="row")


def finite(number: float | NDArray[np.float64]) -> float | None:
    """Return a number, or nothing where it is not defined."""
    return float(number) if np.isfinite(number) else None


def weighted_line(
    x: NDArray[np.float64], counts: NDArray[Any], totals: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Fit a line through group means by least squares, each group weighing its count; (…, groups) in, (…) out."""
    with np.errstate(invalid="ignore", divide="ignore"):
        n = counts.sum(axis=-1)
        mean_x, mean_y = (counts * x).sum(axis=-1) / n, totals.sum(axis=-1) / n
        sxx = (counts * x**2).sum(axis=-1) - n * mean_x**2
        sxy = (totals * x).sum(axis=-1) - n * mean_x * mean_y
        slope = np.where(sxx > 0, sxy / sxx, np.nan)
        means = np.where(counts > 0, totals / counts, 0.0)
        syy = (counts * means**2).sum(axis=-1) - n * mean_y**2
        return slope, mean_y - slope * mean_x, slope * sxy / syy
