"""Can the reader tell ill from healthy? The paper's Table 1, and the curves behind it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.quantities import POOLED, RANK_METRICS, by_finding, over_findings
from overread.analyses.tables import Row, estimate_row
from overread.records.cohort import MISSING
from overread.stats.discrimination import auroc_delong, auroc_obuchowski, precision_recall_curve, roc_curve
from overread.stats.estimate import Estimate
from overread.stats.resampling import percentile

CURVE_POINTS = 150  # what a plot of a few hundred pixels can show


def discrimination_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Yield AUROC and average precision of every finding and of their means, as rows of the table of estimates.

    The AUROC of a finding comes with three intervals: patients resampled (the one to quote), Obuchowski (1997) with
    patients as clusters, and DeLong (1988), which takes the images of one patient for independent and is given for
    comparison with other papers only.
    """
    n_images, n_positive = evaluation.n_images, evaluation.n_positive
    for metric in RANK_METRICS:
        values, replicates = by_finding(evaluation, metric)
        for column, finding in enumerate(evaluation.findings):
            n = int(n_images[column]), int(n_positive[column])
            note = undefined(*n) if np.isnan(values[column]) else ""
            estimate = percentile(values[column], replicates[:, column], level=evaluation.level, note=note)
            yield estimate_row(evaluation.reading, finding, metric, estimate, n)
            if metric == "auroc":
                for closed in closed_forms(evaluation, column):
                    yield estimate_row(evaluation.reading, finding, metric, closed, n)
        yield from over_findings_rows(evaluation, metric)


def over_findings_rows(evaluation: Evaluation, metric: str) -> Iterator[Row]:
    """Yield the rows of a metric over all findings, with intervals by patient."""
    n_positive = int(evaluation.n_positive.sum())
    for of in over_findings(evaluation, metric):
        n_images = int(evaluation.n_images.sum()) if of.finding == POOLED else len(evaluation.scores)
        estimate = percentile(of.value, of.replicates, level=evaluation.level, note=of.note)
        yield estimate_row(evaluation.reading, of.finding, metric, estimate, (n_images, n_positive))


def undefined(n_images: int, n_positive: int) -> str:
    """Say why a statistic that needs ill and healthy images has no value."""
    if n_images == 0:
        return "not assessed on any image"
    return "no positive image" if n_positive == 0 else "no negative image"


def closed_forms(evaluation: Evaluation, column: int) -> tuple[Estimate, Estimate]:
    """Return the AUROC of one finding with Obuchowski's and with DeLong's interval."""
    assessed = evaluation.labels[:, column] != MISSING
    labels, scores = evaluation.labels[assessed, column], evaluation.scores[assessed, column]
    patients = evaluation.patients[assessed]
    return (
        auroc_obuchowski(labels, scores, patients, level=evaluation.level),
        auroc_delong(labels, scores, level=evaluation.level),
    )


def curves(evaluation: Evaluation) -> pl.DataFrame:
    """Return points of the ROC and the precision-recall curve of every finding.

    Columns: reading, finding, curve (`roc` or `precision_recall`), x, y, threshold. `x` is 1 - specificity or
    recall, `y` sensitivity or precision. Points are thinned for drawing; no statistic is computed from them.
    """
    frames = []
    for column, finding in enumerate(evaluation.findings):
        assessed = evaluation.labels[:, column] != MISSING
        labels, scores = evaluation.labels[assessed, column], evaluation.scores[assessed, column]
        if not 0 < labels.sum() < len(labels):
            continue
        roc, pr = roc_curve(labels, scores), precision_recall_curve(labels, scores)
        for curve, x, y, threshold in (
            ("roc", 1 - roc.specificity, roc.sensitivity, roc.threshold),
            ("precision_recall", pr.recall, pr.precision, pr.threshold),
        ):
            kept = thinned(x, y)
            points = pl.DataFrame({"x": x[kept], "y": y[kept], "threshold": threshold[kept]})
            named = points.select(
                pl.lit(evaluation.reading).alias("reading"),
                pl.lit(finding).alias("finding"),
                pl.lit(curve).alias("curve"),
                pl.col("x", "y"),
                pl.when(pl.col("threshold").is_finite()).then("threshold").alias("threshold"),
            )
            frames.append(named)
    return pl.concat(frames) if frames else EMPTY_CURVES


EMPTY_CURVES = pl.DataFrame(
    schema={"reading": pl.String, "finding": pl.String, "curve": pl.String}
    | dict.fromkeys(("x", "y", "threshold"), pl.Float64)
)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], points: int = CURVE_POINTS) -> NDArray[np.int64]:
    """Return the places of at most `points` points, evenly spaced along the curve, both ends among them.

    >>> len(thinned(np.linspace(0, 1, 1000), np.linspace(0, 1, 1000)))
    150
    """
    if len(x) <= points:
        return np.arange(len(x))
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    wanted = np.linspace(0, length[-1], points)
    return np.unique(np.clip(np.searchsorted(length, wanted), 0, len(x) - 1))
