"""How well do a reading's outputs tell who was imaged, and how? Gender, view and age band, read off the scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.attributes import UNKNOWN, Partition
from overread.analyses.evaluation import Evaluation
from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, few
from overread.analyses.tables import Row
from overread.analyses.within import Bin, within
from overread.records.cohort import MISSING
from overread.stats.calibration import logits
from overread.stats.estimate import Estimate
from overread.stats.operating_points import folds
from overread.stats.resampling import percentile
from overread.stats.ridge import ridge

SCORES, LABELS = "scores", "labels"
TABLE = {
    "reading": pl.String,
    "attribute": pl.String,
    "value": pl.String,
    "predictor": pl.String,
    "auroc": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "level": pl.Float64,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
    "note": pl.String,
}

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Target:
    """A value of an attribute against all others: the images whose attribute is known, and which of them have it."""

    attribute: str
    value: str
    rows: NDArray[np.int64]
    positive: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Told:
    """How well targets are told: the AUROC as observed (targets,) and in every replicate (R, targets)."""

    auroc: Floats
    drawn: Floats


def attribute_prediction(
    readers: Sequence[Evaluation], partitions: Sequence[Partition], *, seed: int = 0
) -> pl.DataFrame:
    """Return how well the outputs of each reading, and the labels alone, tell each value of each attribute.

    A logistic regression (L2 penalty of 1, standardised columns) of the value on the logits of all scores
    (predictor `scores`), or on the labels (`labels`; with a column for those not assessed). The patients are dealt into
    two folds, and each fold is read by the regression fitted on the other; the AUROC is the share of pairs *within a
    fold* in the right order, since two regressions need not share a scale. Guessing gives 0.5. Of an attribute
    with two values the first stands for both. Intervals by patient, the regressions held.

    `difference`, on the rows of the scores, is the AUROC of the scores minus that of the labels. Disease goes with age
    and with the view, and a reader who sees nothing but the findings tells as much as the findings do; beyond that, the
    scores hold something of the person or the machine, or of disease that the labels leave out. It is
    no proof that the reading leans on it.
    """
    if not readers or not partitions:
        return pl.DataFrame(schema=TABLE)
    targets = [target for partition in partitions for target in targets_of(partition)]
    fold = folds(readers[0].patients, seed=seed)
    of_labels = told(readers[0], labels_as_columns(readers[0].labels), targets, fold)
    rows = [
        row
        for reader in readers
        for row in rows_of(reader, targets, told(reader, logits(reader.scores), targets, fold), of_labels, fold)
    ]
    return pl.DataFrame(rows, schema=TABLE)


def targets_of(partition: Partition) -> list[Target]:
    """Return what is to be told of an attribute: each of its values, of two only the first."""
    rows = np.flatnonzero(partition.of_row != UNKNOWN)
    values = partition.subgroups[:1] if len(partition.subgroups) == 2 else partition.subgroups
    return [
        Target(partition.attribute, value, rows, partition.of_row[rows] == place) for place, value in enumerate(values)
    ]


def labels_as_columns(labels: NDArray[np.int8]) -> Floats:
    """Return labels as columns of a regression: positive or not, and not assessed where some are not.

    >>> labels_as_columns(np.array([[1, 0], [0, -1]], np.int8))
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    unknown = labels == MISSING
    return np.column_stack([labels == 1, unknown[:, unknown.any(axis=0)]]).astype(np.float64)


def told(reader: Evaluation, columns: Floats, targets: Sequence[Target], fold: NDArray[np.int8]) -> Told:
    """Tell every target from columns (n, K), each fold by what was learnt on the other."""
    n = len(targets)
    area, drawn = np.full(n, nan), np.full((reader.bootstrap.replicates, n), nan)
    known = [place for place, target in enumerate(targets) if not why_untold(target, fold)]
    if not known:
        return Told(area, drawn)
    read = np.zeros((len(columns), len(known)))
    bins = []
    for column, place in enumerate(known):
        target = targets[place]
        for side in (0, 1):
            here = fold[target.rows] == side
            fit = ridge(columns[target.rows[~here]], target.positive[~here])
            read[target.rows[here], column] = fit.logits(columns[target.rows[here]])
            bins.append(Bin(column, target.rows[here], target.positive[here]))
    area[known] = within(bins, read, reader.patients).auroc[0]
    drawn[:, known] = within(bins, read, reader.patients, reader.bootstrap).auroc
    return Told(area, drawn)


def why_untold(target: Target, fold: NDArray[np.int8]) -> str:
    """Say why a value cannot be learnt on one fold and read on the other; empty where it can."""
    if target.positive.all() or not target.positive.any():
        return "no other value to tell it from"
    each = (target.positive[fold[target.rows] == side] for side in (0, 1))
    return "" if all(part.any() and not part.all() for part in each) else "too few patients to learn and to read"


def rows_of(
    reader: Evaluation, targets: Sequence[Target], scores: Told, labels: Told, fold: NDArray[np.int8]
) -> Iterator[Row]:
    """Yield the rows of one reading: for each value, what its scores tell and what the labels tell."""
    for place, target in enumerate(targets):
        n_patients = fewest_patients(target, reader.patients)
        why = why_untold(target, fold)
        apart = difference(scores, labels, place, n_patients, reader.level)
        for predictor, found in ((SCORES, scores), (LABELS, labels)):
            estimate = interval(float(found.auroc[place]), found.drawn[:, place], n_patients, reader.level, why)
            cells = {"auroc": estimate.value, "low": estimate.low, "high": estimate.high}
            if predictor == SCORES:
                cells |= {"difference": apart.value, "difference_low": apart.low, "difference_high": apart.high}
            yield {
                "reading": reader.reading,
                "attribute": target.attribute,
                "value": target.value,
                "predictor": predictor,
                "level": reader.level,
                "n_images": len(target.rows),
                "n_positive": int(target.positive.sum()),
                "note": estimate.note,
            } | {name: None if isnan(cell) else cell for name, cell in cells.items()}


def difference(scores: Told, labels: Told, place: int, n_patients: int, level: float) -> Estimate:
    """Return by how much the scores tell more than the labels."""
    value = float(scores.auroc[place] - labels.auroc[place])
    return interval(value, scores.drawn[:, place] - labels.drawn[:, place], n_patients, level, "")


def interval(value: float, drawn: Floats, n_patients: int, level: float, note: str) -> Estimate:
    """Return a value with its bootstrap interval, none where it rests on very few patients."""
    if not isnan(value) and n_patients < FEWEST_FOR_INTERVAL:
        return Estimate(value, nan, nan, level, "bootstrap", few(n_patients))
    return percentile(value, drawn, level=level, note=note)


def fewest_patients(target: Target, patients: NDArray[np.int64]) -> int:
    """Return the number of patients with the value, or without it, whichever is fewer."""
    return min(len(np.unique(patients[target.rows[target.positive == has]])) for has in (True, False))
