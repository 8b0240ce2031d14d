"""Is the reader worth acting on? Net benefit over threshold probabilities, and its difference between readers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from overread.analyses.comparison import Pair
from overread.analyses.evaluation import Evaluation
from overread.records.cohort import MISSING
from overread.stats.decision_curves import decision_curve, decision_curve_difference

THRESHOLDS = np.round(np.concatenate([np.arange(0.005, 0.1, 0.005), np.arange(0.1, 0.505, 0.02)]), 3)
CURVE_COLUMNS = ("threshold_probability", "net_benefit", "low", "high", "treat_all", "treat_none")
TABLE = {"reading": pl.String, "finding": pl.String} | dict.fromkeys(CURVE_COLUMNS, pl.Float64)
DIFFERENCE_COLUMNS = ("threshold_probability", "difference", "low", "high")
DIFFERENCE = {"reading_a": pl.String, "reading_b": pl.String, "finding": pl.String} | dict.fromkeys(
    DIFFERENCE_COLUMNS, pl.Float64
)


def decisions(evaluation: Evaluation) -> pl.DataFrame:
    """Return the decision curve of every finding (Vickers and Elkin 2006), with bounds by patient.

    Net benefit takes scores for probabilities: one that is not calibrated is judged at the thresholds that it was not
    meant for. Findings without positives or negatives have no curve.
    """
    frames = [pl.DataFrame(schema=TABLE)]
    for column, finding in enumerate(evaluation.findings):
        rows = evaluation.labels[:, column] != MISSING
        labels = evaluation.labels[rows, column]
        if not 0 < labels.sum() < len(labels):
            continue
        curve = decision_curve(
            labels,
            evaluation.scores[rows, column],
            THRESHOLDS,
            patients=evaluation.patients[rows],
            level=evaluation.level,
        )
        names = {"reading": pl.lit(evaluation.reading), "finding": pl.lit(finding)}
        points = pl.DataFrame({name: getattr(curve, name) for name in CURVE_COLUMNS})
        frames.append(points.select(**names, **{name: pl.col(name).fill_nan(None) for name in CURVE_COLUMNS}))
    return pl.concat(frames)


def decision_differences(of: Sequence[Pair]) -> pl.DataFrame:
    """Return the difference in net benefit, a - b, of each pair and finding, with bounds by patient."""
    frames = [pl.DataFrame(schema=DIFFERENCE)]
    for pair in of:
        for column, finding in enumerate(pair.a.findings):
            rows = pair.a.labels[:, column] != MISSING
            labels = pair.a.labels[rows, column]
            if not 0 < labels.sum() < len(labels):
                continue
            curve = decision_curve_difference(
                labels,
                pair.a.scores[rows, column],
                pair.b.scores[rows, column],
                THRESHOLDS,
                patients=pair.a.patients[rows],
                level=pair.a.level,
            )
            names = (pair.a.reading, pair.b.reading, finding)
            labelled = dict(zip(("reading_a", "reading_b", "finding"), map(pl.lit, names), strict=True))
            points = pl.DataFrame({name: getattr(curve, name) for name in DIFFERENCE_COLUMNS})
            frames.append(
                points.select(**labelled, **{name: pl.col(name).fill_nan(None) for name in DIFFERENCE_COLUMNS})
            )
    return pl.concat(frames)
