"""What happens at the operating point? The paper's Table 2, finding by finding and over all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from overread.analyses.discrimination import over_findings_rows
from overread.analyses.evaluation import Evaluation
from overread.analyses.quantities import COUNT_METRICS, by_finding, cell
from overread.analyses.tables import Row, estimate_row
from overread.stats.operating_points import Counts, closed_interval
from overread.stats.resampling import percentile

IMAGES_INDEPENDENT = "takes the images of one patient for independent"


def operating_point_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Yield every metric of the four counts: by finding, as means over findings, and pooled over all decisions."""
    counts = evaluation.counts
    n_images, n_positive = evaluation.n_images, evaluation.n_positive
    for metric in COUNT_METRICS:
        values, resampled = by_finding(evaluation, metric)
        for column, finding in enumerate(evaluation.findings):
            n = int(n_images[column]), int(n_positive[column])
            cells = cell(counts, column)
            note = note_of(metric, cells)
            estimate = percentile(values[column], resampled[:, column], level=evaluation.level, note=note)
            yield estimate_row(evaluation.reading, finding, metric, estimate, n)
            closed = closed_interval(metric, cells, level=evaluation.level)
            if closed is not None:
                yield estimate_row(evaluation.reading, finding, metric, closed.with_note(IMAGES_INDEPENDENT), n)
        yield from over_findings_rows(evaluation, metric)


def note_of(metric: str, counts: Counts) -> str:
    """Say why a metric has no value, or that the odds ratio was corrected."""
    tp, fp, fn, tn = (float(count) for count in counts.arrays())
    if np.isnan(tp):
        return "no threshold could be chosen on the tuning rows"
    if metric in ("sensitivity", "lr_positive", "lr_negative", "dor") and tp + fn == 0:
        return "no positive image"
    if metric in ("specificity", "lr_positive", "lr_negative", "dor") and fp + tn == 0:
        return "no negative image"
    if metric == "ppv" and tp + fp == 0:
        return "no image was called"
    if metric == "npv" and fn + tn == 0:
        return "every image was called"
    if metric == "lr_positive" and fp == 0:
        return "no false positive: the ratio is not bounded"
    if metric == "lr_negative" and tn == 0:
        return "no true negative: the ratio is not bounded"
    if metric == "dor" and 0 in (tp, fp, fn, tn):
        return "0.5 added to all four counts, since one is empty"
    return ""


THRESHOLDS = {
    "reading": pl.String,
    "finding": pl.String,
    "fold": pl.Int64,
    "threshold": pl.Float64,
    "rule": pl.String,
    "chosen_on": pl.String,
    "tp": pl.Int64,
    "fp": pl.Int64,
    "fn": pl.Int64,
    "tn": pl.Int64,
}


def thresholds_table(evaluation: Evaluation) -> pl.DataFrame:
    """Return each finding's threshold in each fold, and the four counts on the reported rows of that fold."""
    rows = []
    thresholds = evaluation.thresholds
    for column, finding in enumerate(evaluation.findings):
        for fold, values in enumerate(thresholds.values):
            threshold = float(values[column])
            counts = fold_counts(evaluation, column, fold)
            undefined = np.isnan(threshold)
            rows.append(
                {
                    "reading": evaluation.reading,
                    "finding": finding,
                    "fold": fold,
                    "threshold": None if undefined else threshold,
                    "rule": thresholds.rule,
                    "chosen_on": thresholds.chosen_on,
                }
                | dict.fromkeys(("tp", "fp", "fn", "tn"))
                | ({} if undefined else counts)
            )
    return pl.DataFrame(rows, schema=THRESHOLDS)


def fold_counts(evaluation: Evaluation, column: int, fold: int) -> dict[str, int]:
    """Count calls against labels on the reported rows of one fold."""
    rows = evaluation.thresholds.fold == fold
    labels, called = evaluation.labels[rows, column], evaluation.called[rows, column]
    return {
        "tp": int((called & (labels == 1)).sum()),
        "fp": int((called & (labels == 0)).sum()),
        "fn": int((~called & (labels == 1)).sum()),
        "tn": int((~called & (labels == 0)).sum()),
    }
