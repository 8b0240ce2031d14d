"""Does a score of 0.3 mean 3 in 10? Scores judged as probabilities, as they come and recalibrated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.discrimination import undefined
from overread.analyses.evaluation import CROSS_FITTED, TUNING, Evaluation
from overread.analyses.options import Options
from overread.analyses.quantities import MEAN
from overread.analyses.stratification import Stratification
from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, few, joined, small
from overread.analyses.tables import Row, estimate_row
from overread.records.cohort import MISSING
from overread.records.study import Study
from overread.stats.averages import coverage
from overread.stats.calibration import (
    BINS,
    CLIP,
    Bins,
    brier,
    calibration_in_the_large,
    coefficient,
    ece,
    ece_if_calibrated,
    logistic_calibration,
    reliability,
    sum_of_distances_interval,
)
from overread.stats.clusters import clustered_covariance
from overread.stats.estimate import Estimate
from overread.stats.operating_points import folds
from overread.stats.recalibration import KINDS, recalibration
from overread.stats.resampling import percentile
from overread.stats.wald import wald

AS_GIVEN = "as given"
INVERTED = "bootstrap (inverted)"
HISTOGRAM_BINS = 20
PARTS = {
    "reading": pl.String,
    "finding": pl.String,
    "scores": pl.String,
    "fitted_on": pl.String,
    "brier": pl.Float64,
    "miscalibration": pl.Float64,
    "discrimination": pl.Float64,
    "uncertainty": pl.Float64,
    "intercept": pl.Float64,
    "slope": pl.Float64,
    "ece": pl.Float64,
    "ece_if_calibrated": pl.Float64,
    "mean_score": pl.Float64,
    "prevalence": pl.Float64,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}
RELIABILITY = {
    "reading": pl.String,
    "finding": pl.String,
    "scores": pl.String,
    "bin": pl.Int64,
    "score_from": pl.Float64,
    "score_to": pl.Float64,
    "mean_score": pl.Float64,
    "rate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}
HISTOGRAM = {
    "reading": pl.String,
    "finding": pl.String,
    "score_from": pl.Float64,
    "score_to": pl.Float64,
    "n_positive": pl.Int64,
    "n_negative": pl.Int64,
}

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A reading's scores as probabilities: rows of the table of estimates, and the tables behind its figures.

    `parts` and `reliability` hold the scores as given and as each kind of recalibration makes them, by `scores`.
    """

    rows: tuple[Row, ...]
    parts: pl.DataFrame
    reliability: pl.DataFrame
    histogram: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Recalibrated:
    """The reported scores (n, findings) after recalibration, nan where none could be fitted, with a note by finding."""

    kind: str
    scores: Floats
    notes: tuple[str, ...]
    fitted_on: str


def calibration(evaluation: Evaluation, recalibrations: Sequence[Recalibrated] = ()) -> Calibration:
    """Judge scores as probabilities: Brier score, calibration intercept and slope, and expected calibration error.

    Intervals take patients as the unit: the bootstrap for the Brier score and the ECE, the sandwich for intercept
    (slope held at 1) and slope. The ECE is over 10 bins of equal mass; chance raises it, and so its interval holds what
    may be true if chance raises it so (`sum_of_distances_interval`). For what chance alone makes of it, `parts` has
    `ece_if_calibrated`, and the Brier score's parts, which need no bins. `reliability` has the curve of each finding
    with an interval for each rate, `histogram` the scores of ill and healthy images in 20 bins of equal width.
    """
    as_given = Recalibrated(AS_GIVEN, evaluation.scores, ("",) * len(evaluation.findings), "")
    each = [(column, scores) for column in range(len(evaluation.findings)) for scores in (as_given, *recalibrations)]
    return Calibration(
        tuple(calibration_rows(evaluation)),
        pl.DataFrame([parts_row(evaluation, column, scores) for column, scores in each], schema=PARTS),
        pl.DataFrame(
            [row for column, scores in each for row in reliability_rows(evaluation, column, scores)], schema=RELIABILITY
        ),
        pl.DataFrame(
            [row for column in range(len(evaluation.findings)) for row in histogram_rows(evaluation, column)],
            schema=HISTOGRAM,
        ),
    )


# --- rows of the table of estimates ----------------------------------------------------------------------------------


def calibration_rows(evaluation: Evaluation) -> Iterator[Row]:
    """Yield Brier score, intercept, slope and ECE of every finding, and their means, as rows of estimates."""
    for metric, estimates in (
        ("brier", brier_estimates(evaluation)),
        *logistic_estimates(evaluation).items(),
        ("ece", ece_estimates(evaluation)),
    ):
        for column, (finding, estimate) in enumerate(zip((*evaluation.findings, MEAN), estimates, strict=True)):
            if finding == MEAN:
                n = len(evaluation.scores), int(evaluation.n_positive.sum())
            else:
                n = int(evaluation.n_images[column]), int(evaluation.n_positive[column])
            yield estimate_row(evaluation.reading, finding, metric, estimate, n)


def brier_estimates(evaluation: Evaluation) -> list[Estimate]:
    """Return the Brier score of each finding, then their mean, with bootstrap intervals."""
    assessed = evaluation.labels != MISSING
    errors = np.where(assessed, (evaluation.scores - (evaluation.labels == 1)) ** 2, 0.0)
    columns, group = np.column_stack([errors, assessed]), np.zeros(len(errors), np.int64)
    _, sums = evaluation.bootstrap.grouped_sums(columns, group, 1)
    n_findings = len(evaluation.findings)
    observed = share(errors.sum(axis=0), assessed.sum(axis=0))
    drawn = share(sums[:, 0, :n_findings], sums[:, 0, n_findings:])
    return [
        *(
            percentile(float(value), drawn[:, column], level=evaluation.level, note=empty_note(evaluation, column))
            for column, value in enumerate(observed)
        ),
        mean_estimate(evaluation, observed, drawn),
    ]


def mean_estimate(evaluation: Evaluation, observed: Floats, drawn: Floats) -> Estimate:
    """Return the mean over the findings that have a value, with its bootstrap interval."""
    known = ~np.isnan(observed)
    note = coverage(known, evaluation.findings)
    if not known.any():
        return Estimate.undefined(note, level=evaluation.level, method="bootstrap")
    return percentile(float(observed[known].mean()), drawn[:, known].mean(axis=1), level=evaluation.level, note=note)


def logistic_estimates(evaluation: Evaluation) -> dict[str, list[Estimate]]:
    """Return calibration intercept and slope of each finding, then their means, with intervals by patient."""
    found: dict[str, list[Estimate]] = {}
    for metric, fit_of, place in (
        ("calibration_intercept", calibration_in_the_large, 0),
        ("calibration_slope", logistic_calibration, 1),
    ):
        estimates, values, influence = [], [], np.zeros(len(evaluation.scores))
        for column in range(len(evaluation.findings)):
            rows = evaluation.labels[:, column] != MISSING
            scores = evaluation.scores[rows, column]
            fit = fit_of(evaluation.labels[rows, column], scores)
            estimate = coefficient(fit, place, evaluation.patients[rows], level=evaluation.level)
            if not fit.note:
                estimate = estimate.with_note(clipped(scores))
                values.append(estimate.value)
                influence[rows] += fit.influence[:, place]
            estimates.append(estimate)
        known = np.array([not isnan(estimate.value) for estimate in estimates])
        found[metric] = [
            *estimates,
            mean_coefficient(evaluation, values, influence, coverage(known, evaluation.findings)),
        ]
    return found


def mean_coefficient(evaluation: Evaluation, values: Sequence[float], influence: Floats, note: str) -> Estimate:
    """Return the mean of coefficients of several findings; their summed influence tells how they vary together."""
    if not values:
        return Estimate.undefined(note, level=evaluation.level, method="sandwich")
    variance = float(clustered_covariance(influence / len(values), evaluation.patients))
    bounds = (-np.inf, np.inf)
    return wald(float(np.mean(values)), variance, method="sandwich", level=evaluation.level, within=bounds, note=note)


def ece_estimates(evaluation: Evaluation) -> list[Estimate]:
    """Return the ECE of each finding, then their mean, with an interval that allows for what chance adds to it."""
    n_findings, replicates = len(evaluation.findings), evaluation.bootstrap.replicates
    observed, apart = np.full(n_findings, nan), np.zeros((n_findings, BINS))
    drawn = np.zeros((replicates, n_findings, BINS))
    for column in range(n_findings):
        rows = evaluation.labels[:, column] != MISSING
        if not rows.any():
            continue
        labels, scores = evaluation.labels[rows, column], evaluation.scores[rows, column]
        groups, errors = np.full(len(rows), -1), np.zeros((len(rows), 1))
        groups[rows], errors[rows, 0] = Bins.of(scores).of_image, labels - scores
        weights, sums = evaluation.bootstrap.grouped_sums(errors, groups, BINS)
        observed[column] = ece(labels, scores)
        apart[column] = np.bincount(groups[rows], errors[rows, 0], minlength=BINS) / len(labels)
        drawn[:, column] = share(sums[..., 0], np.broadcast_to(weights.sum(axis=1)[:, None], sums.shape[:2]))
    known = ~np.isnan(observed)
    n_known = max(int(known.sum()), 1)
    of_mean = apart[known].ravel() / n_known, drawn[:, known].reshape(replicates, -1) / n_known
    return [
        *(
            distance(apart[column], drawn[:, column], evaluation.level, empty_note(evaluation, column), known[column])
            for column in range(n_findings)
        ),
        distance(*of_mean, evaluation.level, coverage(known, evaluation.findings), known.any()),
    ]


def distance(apart: Floats, drawn: Floats, level: float, note: str, known: np.bool_ | bool) -> Estimate:
    """Return a sum of distances with its interval, or why there is none."""
    if not known:
        return percentile(nan, np.full(len(drawn), nan), level=level, note=note)
    found = percentile(float(np.abs(apart).sum()), np.abs(drawn).sum(axis=1), level=level, note=note)
    bounds = (nan, nan) if isnan(found.low) else sum_of_distances_interval(apart, drawn, level=level)
    return Estimate(found.value, *bounds, level, INVERTED, found.note)


def share(part: NDArray[np.float64], whole: NDArray[np.float64] | NDArray[np.int64]) -> Floats:
    """Divide, nan where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(part.shape, nan), where=whole > 0)


def empty_note(evaluation: Evaluation, column: int) -> str:
    """Say that a finding was not assessed; empty where it was."""
    return "" if evaluation.n_images[column] else "not assessed on any image"


def clipped(scores: Floats) -> str:
    """Say how many scores had no usable logit; empty where all had.

    >>> clipped(np.array([0.0, 0.2, 1.0]))
    '2 scores nearer to 0 or 1 than 1e-06 were moved there'
    """
    n = int(((scores < CLIP) | (scores > 1 - CLIP)).sum())
    return f"{n:,} score{'' if n == 1 else 's'} nearer to 0 or 1 than {CLIP:g} were moved there" if n else ""


def calibration_subgroup_rows(of: Stratification) -> Iterator[Row]:
    """Yield calibration intercept and slope of every finding in every subgroup, as rows of the table of estimates.

    The ECE is left out: chance raises it more the smaller a subgroup is.
    """
    evaluation = of.evaluation
    for place, subgroup in enumerate(of.partition.subgroups):
        for column, finding in enumerate(evaluation.findings):
            rows = of.partition.members(place) & (evaluation.labels[:, column] != MISSING)
            labels, scores = evaluation.labels[rows, column], evaluation.scores[rows, column]
            patients = evaluation.patients[rows]
            n = len(labels), int(labels.sum())
            n_patients = int(min(of.n_ill_patients[column, place], of.n_healthy_patients[column, place]))
            fits = (calibration_in_the_large(labels, scores), 0), (logistic_calibration(labels, scores), 1)
            for metric, (fit, which) in zip(("calibration_intercept", "calibration_slope"), fits, strict=True):
                estimate = coefficient(fit, which, patients, level=evaluation.level)
                if not fit.note:
                    note = joined(clipped(scores), small("auroc", *n))
                    estimate = estimate.with_note(note)
                    if n_patients < FEWEST_FOR_INTERVAL:
                        value = estimate.value
                        estimate = Estimate(
                            value, nan, nan, evaluation.level, "sandwich", joined(few(n_patients), note)
                        )
                yield estimate_row(
                    evaluation.reading,
                    finding,
                    metric,
                    estimate,
                    n,
                    attribute=of.partition.attribute,
                    subgroup=subgroup,
                )


# --- tables ----------------------------------------------------------------------------------------------------------


def parts_row(evaluation: Evaluation, column: int, of: Recalibrated) -> Row:
    """Return one finding's Brier score with its parts, and the other measures of its calibration."""
    rows = (evaluation.labels[:, column] != MISSING) & ~np.isnan(of.scores[:, column])
    labels, scores = evaluation.labels[rows, column], of.scores[rows, column]
    n = int(evaluation.n_images[column]), int(evaluation.n_positive[column])
    row = {
        "reading": evaluation.reading,
        "finding": evaluation.findings[column],
        "scores": of.kind,
        "fitted_on": of.fitted_on,
        "note": of.notes[column] or (undefined(*n) if n[1] in (0, n[0]) else clipped(scores)),
        "n_images": n[0],
        "n_positive": n[1],
    }
    if len(labels) < n[0] or not len(labels):
        return row
    parts = brier(labels, scores)
    return row | {
        "brier": parts.score,
        "miscalibration": parts.miscalibration,
        "discrimination": parts.discrimination,
        "uncertainty": parts.uncertainty,
        "intercept": finite(float(calibration_in_the_large(labels, scores).coefficients[0])),
        "slope": finite(float(logistic_calibration(labels, scores).coefficients[1])),
        "ece": ece(labels, scores),
        "ece_if_calibrated": ece_if_calibrated(labels, scores, evaluation.patients[rows]),
        "mean_score": float(scores.mean()),
        "prevalence": float(labels.mean()),
    }


def finite(number: float) -> float | None:
    """Return a number as a cell, empty where it could not be computed."""
    return None if isnan(number) else number


def reliability_rows(evaluation: Evaluation, column: int, of: Recalibrated) -> Iterator[Row]:
    """Yield the points of one finding's reliability curve; bins without an image are left out."""
    rows = (evaluation.labels[:, column] != MISSING) & ~np.isnan(of.scores[:, column])
    curve = reliability(
        evaluation.labels[rows, column], of.scores[rows, column], evaluation.patients[rows], level=evaluation.level
    )
    for place in np.flatnonzero(curve.n_images):
        rate = curve.rate[place]
        yield {
            "reading": evaluation.reading,
            "finding": evaluation.findings[column],
            "scores": of.kind,
            "bin": int(place),
            "score_from": float(curve.edges[place]),
            "score_to": float(curve.edges[place + 1]),
            "mean_score": float(curve.mean_score[place]),
            "rate": rate.value,
            "low": rate.low,
            "high": rate.high,
            "level": rate.level,
            "n_images": int(curve.n_images[place]),
            "n_positive": int(curve.n_positive[place]),
        }


def histogram_rows(evaluation: Evaluation, column: int) -> Iterator[Row]:
    """Yield how many ill and healthy images have scores in each of 20 bins of equal width."""
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    ill, healthy = (
        np.histogram(evaluation.scores[evaluation.labels[:, column] == label, column], edges)[0] for label in (1, 0)
    )
    for place, (low, high) in enumerate(pairwise(edges)):
        yield {
            "reading": evaluation.reading,
            "finding": evaluation.findings[column],
            "score_from": float(low),
            "score_to": float(high),
            "n_positive": int(ill[place]),
            "n_negative": int(healthy[place]),
        }


# --- recalibration ---------------------------------------------------------------------------------------------------


def recalibrated(study: Study, reading: str, options: Options) -> tuple[Recalibrated, ...]:
    """Recalibrate the reported scores of a reading in every way, never on the rows that are reported.

    As for thresholds, the tuning rows are those of the split `val`; where there are none, the patients are dealt into
    two folds, and the map of each is fitted on the other.
    """
    return tuple(recalibrated_by(kind, study, reading, options) for kind in KINDS)


def recalibrated_by(kind: str, study: Study, reading: str, options: Options) -> Recalibrated:
    """Recalibrate the reported scores of a reading in one way."""
    scores, labels = study.scores[reading], study.labels
    made = np.full(scores.shape, nan)
    if study.tuning is not None:
        tuning = study.tuning.of(reading)
        fitted_on, parts = TUNING, [(tuning.labels, tuning.scores[reading], np.ones(len(scores), np.bool_))]
    else:
        fold = folds(study.patients, seed=options.seed)
        fitted_on, parts = CROSS_FITTED, [(labels[fold != k], scores[fold != k], fold == k) for k in (0, 1)]
    notes = []
    for column in range(scores.shape[1]):
        reasons = []
        for tuning_labels, tuning_scores, rows in parts:
            assessed = tuning_labels[:, column] != MISSING
            found = recalibration(kind, tuning_labels[assessed, column], tuning_scores[assessed, column])
            made[rows, column] = found.apply(scores[rows, column])
            reasons.append(found.note)
        notes.append("; ".join(dict.fromkeys(reason for reason in reasons if reason)))
    return Recalibrated(kind, made, tuple(notes), fitted_on)
