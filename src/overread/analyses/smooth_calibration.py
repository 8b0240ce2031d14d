"""The calibration curve without bins, and how far scores lie from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.tables import Row
from overread.records.cohort import MISSING
from overread.stats.smooth_calibration import SmoothCurve, smooth_calibration

CURVE = {
    "reading": pl.String,
    "finding": pl.String,
    "score": pl.Float64,
    "rate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
}
DISTANCE = {
    "reading": pl.String,
    "finding": pl.String,
    "ici": pl.Float64,
    "e50": pl.Float64,
    "e90": pl.Float64,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}
POINTS = 25
ENDS = (0.01, 0.99)
"""The curve is told between these quantiles of the scores: beyond them there is next to nothing to tell it from."""

Floats = NDArray[np.float64]


def smooth_calibrations(evaluations: Sequence[Evaluation]) -> dict[str, pl.DataFrame]:
    """Return the smooth calibration curve of every reading and finding, and ICI, E50 and E90.

    `calibration_curve` has the rate at which a finding is there at each of some scores, with pointwise bounds by
    patient; `calibration_distance` how far scores lie from that curve: on average over images (ICI), at the median
    (E50) and at the 90th percentile (E90). Definitions: `stats.smooth_calibration`.
    """
    curves: list[Row] = []
    distances: list[Row] = []
    for evaluation in evaluations:
        for column in range(len(evaluation.findings)):
            found = curve_of(evaluation, column)
            curves += curve_rows(evaluation, column, found)
            distances.append(distance_row(evaluation, column, found))
    return {
        "calibration_curve": pl.DataFrame(curves, schema=CURVE),
        "calibration_distance": pl.DataFrame(distances, schema=DISTANCE),
    }


def curve_of(evaluation: Evaluation, column: int) -> SmoothCurve:
    """Fit the curve of one finding."""
    rows = evaluation.labels[:, column] != MISSING
    scores = evaluation.scores[rows, column]
    return smooth_calibration(
        evaluation.labels[rows, column], scores, evaluation.patients[rows], at=places(scores), level=evaluation.level
    )


def places(scores: Floats) -> Floats:
    """Return where to tell a curve: evenly along the scores, and evenly along the images."""
    if not len(scores):
        return np.empty(0)
    low, high = np.quantile(scores, ENDS)
    return np.union1d(np.linspace(low, high, POINTS), np.quantile(scores, np.linspace(*ENDS, POINTS)))


def curve_rows(evaluation: Evaluation, column: int, curve: SmoothCurve) -> Iterator[Row]:
    """Yield the points of one finding's curve; none where there is no curve."""
    if curve.note:
        return
    for score, rate, low, high in zip(curve.at, curve.rate, curve.low, curve.high, strict=True):
        yield {
            "reading": evaluation.reading,
            "finding": evaluation.findings[column],
            "score": float(score),
            "rate": float(rate),
            "low": None if isnan(low) else float(low),
            "high": None if isnan(high) else float(high),
            "level": curve.level,
        }


def distance_row(evaluation: Evaluation, column: int, curve: SmoothCurve) -> Row:
    """Return how far the scores of one finding lie from their curve."""
    return {
        "reading": evaluation.reading,
        "finding": evaluation.findings[column],
        **{name: None if isnan(value := getattr(curve, name)) else value for name in ("ici", "e50", "e90")},
        "note": curve.note,
        "n_images": int(evaluation.n_images[column]),
        "n_positive": int(evaluation.n_positive[column]),
    }
