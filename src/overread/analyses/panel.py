"""What do all findings together do to one person? Every output is a chance of a false call."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.tables import interval
from overread.records.cohort import MISSING
from overread.stats.estimate import Estimate
from overread.stats.resampling import percentile

HEALTHY, ILL = 0, 1
TABLE = {
    "reading": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "note": pl.String,
    "n_images": pl.Int64,
}


def panel(evaluation: Evaluation) -> pl.DataFrame:
    """Take all findings together at their operating points, with intervals by patient.

    Over images with no finding: `any_false_call`, the share with at least one call;
    `false_calls_per_healthy_image`, how many on average; `any_false_call_if_independent`, one minus the product of
    the specificities on the same images, which is what the first would be if false calls fell independently. Over
    images with findings: `all_found`, `some_found` (some, not all) and `none_found` of the findings that the image
    carries. An image counts as healthy only if all findings were assessed and absent. A finding without a threshold is
    never called and so takes no part, but an image that carries it is not healthy. Without any threshold all is empty.
    """
    used = evaluation.thresholds.defined
    labels, called = evaluation.labels[:, used], evaluation.called[:, used]
    groups = image_groups(labels)
    groups[(groups == HEALTHY) & (not used.any() or (evaluation.labels == 1).any(axis=1))] = -1
    values = np.column_stack([image_values(labels, called), called]).astype(float)
    weights, sums = evaluation.bootstrap.grouped_sums(values, groups, 2)
    counts = np.bincount(groups[groups >= 0], minlength=2)
    totals = np.stack([values[groups == group].sum(axis=0) for group in (HEALTHY, ILL)])
    note = "" if used.all() else f"over the {used.sum()} of {len(used)} findings that have a threshold"
    with np.errstate(invalid="ignore", divide="ignore"):
        means, resampled = totals / counts[:, None], sums / weights[:, :, None]
    rows = [
        {
            "reading": evaluation.reading,
            "metric": metric,
            "level": evaluation.level,
            "n_images": int(counts[group]),
        }
        | interval(panel_estimate(value, replicates, counts[group], group, evaluation.level, note, bool(used.any())))
        for metric, group, value, replicates in quantities(means, resampled)
    ]
    return pl.DataFrame(rows, schema=TABLE)


def image_groups(labels: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return 0 for healthy images, 1 for images with a finding, -1 where some were not assessed and none is present."""
    ill = (labels == 1).any(axis=1)
    unknown = ~ill & (labels == MISSING).any(axis=1)
    return np.where(unknown, -1, ill.astype(np.int64))


def image_values(labels: NDArray[np.int8], called: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return per image: any call, number of calls, and whether all, some or none of its findings were called."""
    present = labels == 1
    n_present, n_found = present.sum(axis=1), (present & called).sum(axis=1)
    every, none = n_found == n_present, n_found == 0
    return np.column_stack([called.any(axis=1), called.sum(axis=1), every, ~every & ~none, none]).astype(float)


def quantities(
    means: NDArray[np.float64], resampled: NDArray[np.float64]
) -> Iterator[tuple[str, int, float, NDArray[np.float64]]]:
    """Yield name, group, value and replicates of each quantity from the group means."""
    calls = slice(5, None)
    independent = float(1 - np.prod(1 - means[HEALTHY, calls]))
    independent_resampled = 1 - np.prod(1 - resampled[:, HEALTHY, calls], axis=1)
    yield "any_false_call", HEALTHY, means[HEALTHY, 0], resampled[:, HEALTHY, 0]
    yield "false_calls_per_healthy_image", HEALTHY, means[HEALTHY, 1], resampled[:, HEALTHY, 1]
    yield "any_false_call_if_independent", HEALTHY, independent, independent_resampled
    for place, metric in enumerate(("all_found", "some_found", "none_found"), start=2):
        yield metric, ILL, means[ILL, place], resampled[:, ILL, place]


def panel_estimate(
    value: float, replicates: NDArray[np.float64], n: int, group: int, level: float, note: str, any_threshold: bool
) -> Estimate:
    """Return one quantity with its interval, or why there is none."""
    if not any_threshold:
        return Estimate.undefined("no finding has a threshold", level=level, method="bootstrap")
    if n == 0:
        kind = "without any finding" if group == HEALTHY else "with a finding"
        return Estimate.undefined(f"no image {kind}", level=level, method="bootstrap")
    return percentile(float(value), replicates, level=level, note=note)
