"""What may the reader lean on? Floors that see no image, and positives that something else may give away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.history import history, why_no_history
from overread.analyses.quantities import MEAN
from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, FEWEST_FOR_TEST, few, joined
from overread.analyses.tables import Row
from overread.records.cohort import MISSING
from overread.records.study import Study
from overread.stats.averages import coverage
from overread.stats.matched import matched_auroc_difference
from overread.stats.multiplicity import holm
from overread.stats.paired import Comparison, bootstrap_comparison
from overread.stats.resampling import PatientBootstrap, Ranking, observed, percentile
from overread.stats.strata import Strata, strata
from overread.stats.wald import p_of_clusters

FLOORS = {
    "reading": pl.String,
    "finding": pl.String,
    "floor": pl.String,
    "auroc": pl.Float64,
    "floor_auroc": pl.Float64,
    "skill": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}
POSITIVES = {
    "reading": pl.String,
    "finding": pl.String,
    "split_by": pl.String,
    "metric": pl.String,
    "marked": pl.String,
    "unmarked": pl.String,
    "value_marked": pl.Float64,
    "value_unmarked": pl.Float64,
    "gap": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "flagged": pl.Boolean,
    "method": pl.String,
    "note": pl.String,
    "n_marked": pl.Int64,
    "n_unmarked": pl.Int64,
    "n_negative": pl.Int64,
}
HISTORY = "history"
SAME_PATIENTS = "auroc_same_patients"
METRICS = ("auroc", "sensitivity", SAME_PATIENTS)
ALPHA = 0.05
MARKED, UNMARKED, NEITHER = 1, 0, -1

Floats = NDArray[np.float64]


# --- floors ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Floor:
    """The AUROC of a reader that sees no image, by finding: as observed (F,), and in every replicate (R, F)."""

    name: str
    auroc: Floats
    drawn: Floats

    @classmethod
    def of(cls, evaluation: Evaluation) -> Floor:
        """Return a floor that was judged as a reading."""
        return cls(evaluation.reading, evaluation.observed.auroc[0], evaluation.replicates.auroc)

    @classmethod
    def of_scores(cls, name: str, study: Study, scores: Floats, bootstrap: PatientBootstrap) -> Floor:
        """Return the floor of scores (n, findings) on the reported rows, which need not be a reading."""
        ranking = Ranking.of(study.labels, scores, study.patients)
        return cls(name, observed(ranking).auroc[0], bootstrap.ranked(ranking).auroc)


def history_floor(study: Study, bootstrap: PatientBootstrap) -> Floor | None:
    """Return the floor of the history reader, or nothing where patients cannot be followed over time.

    It carries the label of the previous exam forward, whatever the split of that exam.
    """
    if why_no_history(study.cohort):
        return None
    columns = [study.cohort.findings.index(finding) for finding in study.findings]
    scores = (history(study.cohort).previous[study.rows][:, columns] == 1).astype(np.float64)
    return Floor.of_scores(HISTORY, study, scores, bootstrap)


def floors(evaluation: Evaluation, of: Sequence[Floor]) -> pl.DataFrame:
    """Return a reading's skill above each floor, for each finding and for the mean AUROC over findings.

    skill = (AUROC - floor) / (1 - floor): the share that the reader has gone of the way from the floor to 1; 0 at the
    floor, below 0 under it. Intervals by patient, the floor resampled with the reader.
    """
    rows = [row for floor in of for row in floor_rows(evaluation, floor)]
    return pl.DataFrame(rows, schema=FLOORS)


def floor_rows(evaluation: Evaluation, floor: Floor) -> Iterator[Row]:
    """Yield the skill of each finding above one floor, then that of the mean."""
    area, drawn = evaluation.observed.auroc[0], evaluation.replicates.auroc
    known = ~np.isnan(area) & ~np.isnan(floor.auroc)
    for column, finding in enumerate(evaluation.findings):
        n = int(evaluation.n_images[column]), int(evaluation.n_positive[column])
        pair = float(area[column]), float(floor.auroc[column])
        yield floor_row(evaluation, finding, floor.name, pair, drawn[:, column], floor.drawn[:, column], n, "")
    n = len(evaluation.scores), int(evaluation.n_positive.sum())
    sides = [float(each[known].mean()) if known.any() else nan for each in (area, floor.auroc)]
    drawn_mean, floor_mean = (each[:, known].sum(axis=1) / max(int(known.sum()), 1) for each in (drawn, floor.drawn))
    note = coverage(known, evaluation.findings)
    yield floor_row(evaluation, MEAN, floor.name, (sides[0], sides[1]), drawn_mean, floor_mean, n, note)


def floor_row(
    evaluation: Evaluation,
    finding: str,
    floor: str,
    sides: tuple[float, float],
    drawn: Floats,
    floor_drawn: Floats,
    n: tuple[int, int],
    note: str,
) -> Row:
    """Return one row of the table of floors."""
    value = float(skill(np.array(sides[0]), np.array(sides[1])))
    if isnan(value):
        note = "the floor orders every pair rightly" if sides[1] == 1 else note or "no positive or no negative image"
    estimate = percentile(value, skill(drawn, floor_drawn), level=evaluation.level, note=note)
    numbers = {"auroc": sides[0], "floor_auroc": sides[1], "skill": value}
    numbers |= {"low": estimate.low, "high": estimate.high}
    return {
        "reading": evaluation.reading,
        "finding": finding,
        "floor": floor,
        "level": evaluation.level,
        "note": estimate.note,
        "n_images": n[0],
        "n_positive": n[1],
    } | {name: None if isnan(number) else number for name, number in numbers.items()}


def skill(area: Floats, floor: Floats) -> Floats:
    """Return (area - floor) / (1 - floor), nan where the floor is 1.

    >>> float(skill(np.array(0.75), np.array(0.5)))
    0.5
    """
    room = 1 - floor
    out = np.full(np.broadcast_shapes(area.shape, floor.shape), nan)
    return np.divide(area - floor, room, out=out, where=room > 0)


# --- two kinds of positives ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Kinds:
    """Two kinds of images that carry a finding: `of` (n, findings) is 1 for the marked, 0 for the unmarked, else -1."""

    split_by: str
    marked: str
    unmarked: str
    of: NDArray[np.int8]


def tags(study: Study) -> tuple[str, ...]:
    """Return the attributes that hold 0 and 1, or false and true, and nothing else: what may be a tag of an image."""
    return tuple(name for name in study.cohort.attributes if is_tag(study.attribute(name)))


def is_tag(values: pl.Series) -> bool:
    """Return whether an attribute holds both 0 and 1, or both false and true, and nothing else.

    >>> is_tag(pl.Series([0, 1, None])), is_tag(pl.Series([0, 1, 2])), is_tag(pl.Series([0, 0]))
    (True, False, False)
    """
    if values.dtype == pl.Boolean:
        return values.drop_nulls().n_unique() == 2
    return values.dtype.is_numeric() and set(values.drop_nulls().unique()) == {0, 1}


def tagged(study: Study, tag: str) -> Kinds:
    """Deal positives by a tag of their image, such as `chest_tube`; without a known value they are of neither kind."""
    values = study.attribute(tag).cast(pl.Int8).fill_null(NEITHER).to_numpy()
    of = np.repeat(values.astype(np.int8)[:, None], len(study.findings), axis=1)
    return Kinds(tag, f"{tag} = 1", f"{tag} = 0", of)


def later_or_first(study: Study) -> Kinds | None:
    """Deal positives into those of patients in whom an earlier exam carried the finding, and the first of each patient.

    Exams are followed through the whole cohort, in any split. Nothing where patients cannot be followed over time.
    """
    if why_no_history(study.cohort):
        return None
    columns = [study.cohort.findings.index(finding) for finding in study.findings]
    return Kinds(HISTORY, "later", "first", history(study.cohort).ever[study.rows][:, columns].astype(np.int8))


def positives(evaluation: Evaluation, kinds: Kinds) -> pl.DataFrame:
    """Compare how well a reader finds two kinds of positives: tagged or untagged, old news or new disease.

    `auroc` is that of either kind against all healthy images, `sensitivity` the share called; both with the bootstrap
    by patient, and p from its standard error. `auroc_same_patients` takes only patients with positives of both kinds,
    and each once: patients with many images of a finding weigh more on one side of the other two, and often have the
    clearer disease, so that `auroc` can differ where the marks mean nothing (on ChestX-ray14 it does, when the
    order of each patient's exams is shuffled).

    `p_adjusted` is Holm's over findings, and for a tag over findings and metrics together, so that a reader who does
    not lean on it seldom has a flag in any. `flagged`: the marked are found better, p_adjusted below 0.05. For
    positives by history each metric is adjusted by itself, and only `auroc_same_patients` is flagged. First against
    later is a proxy for drains, lines and treatment: later disease may also be clearer, or be read by someone who knows
    the earlier image.
    """
    held, drawn = split(evaluation, kinds)
    families = [
        [bootstrap_test(evaluation, kinds, metric, column, held, drawn) for column in range(len(evaluation.findings))]
        for metric in METRICS[:2]
    ]
    families.append([matched_test(evaluation, kinds, column) for column in range(len(evaluation.findings))])
    rows = [
        row
        for metric, family, p in zip(METRICS, families, adjusted_p(kinds, families), strict=True)
        for row in positive_rows(evaluation, kinds, held, metric, family, p)
    ]
    return pl.DataFrame(rows, schema=POSITIVES)


def adjusted_p(kinds: Kinds, families: Sequence[Sequence[Comparison]]) -> Floats:
    """Return Holm's p (metrics, findings): over findings, and for a tag over metrics too, since each may be flagged."""
    p = np.array([[test.p for test in family] for family in families])
    return np.stack([holm(row) for row in p]) if kinds.split_by == HISTORY else holm(p.ravel()).reshape(p.shape)


def split(evaluation: Evaluation, kinds: Kinds) -> tuple[Strata, Strata]:
    """Split the pairs by the kind of their ill image; healthy images are all of one stratum."""
    ill = evaluation.labels == 1
    return strata(
        evaluation.bootstrap,
        evaluation.labels,
        evaluation.scores,
        np.where(ill, kinds.of, UNMARKED).astype(np.int64),
        2,
        evaluation.called,
    )


def bootstrap_test(
    evaluation: Evaluation, kinds: Kinds, metric: str, column: int, held: Strata, drawn: Strata
) -> Comparison:
    """Compare the two kinds of positives of one finding by the bootstrap."""
    (a, b), (drawn_a, drawn_b) = (sides(of, metric, column, evaluation) for of in (held, drawn))
    note = why_no_gap(evaluation, held, metric, column)
    test = bootstrap_comparison(float(a[0]), float(b[0]), drawn_a, drawn_b, level=evaluation.level, note=note)
    n = fewest_patients(evaluation, kinds, column)
    if isnan(test.difference) or n >= FEWEST_FOR_TEST:
        untested = isnan(test.low) or test.standard_error == 0
        return replace(test, p=nan if untested else p_of_clusters(test.z, n))
    test = replace(test, p=nan, note=few(n))
    return replace(test, low=nan, high=nan) if n < FEWEST_FOR_INTERVAL else test


def sides(of: Strata, metric: str, column: int, evaluation: Evaluation) -> tuple[Floats, Floats]:
    """Return a metric of the marked and of the unmarked positives, (R,) each."""
    n = of.positives[:, column]
    if metric == "auroc":
        part, whole = of.right[:, column].sum(axis=-1), n * of.negatives[:, column].sum(axis=-1, keepdims=True)
    else:
        part, whole = of.tp[:, column], n * (1.0 if evaluation.thresholds.defined[column] else 0.0)
    values = np.divide(part, whole, out=np.full(part.shape, nan), where=whole > 0)
    return values[:, MARKED], values[:, UNMARKED]


def fewest_patients(evaluation: Evaluation, kinds: Kinds, column: int) -> int:
    """Return the number of patients with positives of the rarer kind."""
    ill = evaluation.labels[:, column] == 1
    of = (evaluation.patients[ill & (kinds.of[:, column] == kind)] for kind in (MARKED, UNMARKED))
    return min(len(np.unique(patients)) for patients in of)


def why_no_gap(evaluation: Evaluation, held: Strata, metric: str, column: int) -> str:
    """Say why two kinds of positives cannot be compared; empty where they can."""
    if held.positives[0, column].min() == 0:
        return "no positive image of one kind"
    if metric == "sensitivity" and not evaluation.thresholds.defined[column]:
        return "no threshold could be chosen on the tuning rows"
    return "no negative image" if held.negatives[0, column].sum() == 0 else ""


def matched_test(evaluation: Evaluation, kinds: Kinds, column: int) -> Comparison:
    """Compare the two kinds of positives within the same patients."""
    labels, kind = evaluation.labels[:, column], kinds.of[:, column]
    rows = (labels != MISSING) & ((labels == 0) | (kind != NEITHER))
    test = matched_auroc_difference(
        labels[rows],
        evaluation.scores[rows, column],
        evaluation.patients[rows],
        kind[rows] == MARKED,
        level=evaluation.level,
    )
    n = 0 if isnan(test.difference) else int(test.note.split()[0])
    if isnan(test.difference) or n >= FEWEST_FOR_TEST:
        return test
    test = replace(test, p=nan, note=joined(few(n), test.note))
    return replace(test, low=nan, high=nan) if n < FEWEST_FOR_INTERVAL else test


def positive_rows(
    evaluation: Evaluation, kinds: Kinds, held: Strata, metric: str, family: Sequence[Comparison], adjusted: Floats
) -> Iterator[Row]:
    """Yield the rows of one metric, with their adjusted p."""
    may_be_flagged = kinds.split_by != HISTORY or metric == SAME_PATIENTS
    for column, (test, p_adjusted) in enumerate(zip(family, adjusted, strict=True)):
        numbers = {"value_marked": test.a, "value_unmarked": test.b, "gap": test.difference}
        numbers |= {"low": test.low, "high": test.high, "p": test.p, "p_adjusted": float(p_adjusted)}
        yield {
            "reading": evaluation.reading,
            "finding": evaluation.findings[column],
            "split_by": kinds.split_by,
            "metric": metric,
            "marked": kinds.marked,
            "unmarked": kinds.unmarked,
            "level": test.level,
            "flagged": bool(may_be_flagged and test.difference > 0 and p_adjusted < ALPHA),
            "method": test.method,
            "note": test.note,
            "n_marked": int(held.positives[0, column, MARKED]),
            "n_unmarked": int(held.positives[0, column, UNMARKED]),
            "n_negative": int(held.negatives[0, column].sum()),
        } | {name: None if isnan(number) else number for name, number in numbers.items()}
