"""Images with a label, a better truth, or both: what is asked of them, and one bootstrap of their patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan

import numpy as np
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.options import Options
from overread.analyses.tables import Row
from overread.records.adjudicated import JOINED, Adjudicated
from overread.records.cohort import MISSING, Cohort
from overread.records.findings import key
from overread.records.study import Study, patient_codes
from overread.stats.operating_points import METRICS, Counts
from overread.stats.resampling import PatientBootstrap, Ranked, Ranking, Task, observed

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Key = tuple[str, ...]

COHORT, BETTER, CORRECTED = "cohort labels", "better truth", "cohort labels, corrected"
FOUND, GIVEN = "found", "given"
ILL, HEALTHY = "ill", "healthy"
AGREEMENT_ROWS, REPORTED_ROWS, SHARE = "agreement", "agreement, reported", "share"
STREAM = 5  # of the seed: draws apart from those of the evaluations, whose patients are others


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of one label: the cohort's answer and the better truth (n,), on the rows of a `Sample`.

    The cohort's label stands for several findings where one of them is enough. `noise` is what is stated of the
    cohort's label, `None` where it is found from the better truth.
    """

    name: str
    findings: tuple[str, ...]
    labels: Labels
    truth: Labels
    noise: tuple[float, float] | None = None

    @property
    def source(self) -> str:
        """Where the quality of the label is known from."""
        return FOUND if self.noise is None else GIVEN

    @property
    def names(self) -> Row:
        """The names at the start of a row."""
        return {"label": self.name, "finding": JOINED.join(self.findings)}

    @property
    def both(self) -> NDArray[np.bool_]:
        """The rows that have a label and a better truth; hedged answers are none."""
        return (self.labels >= 0) & (self.truth >= 0)


@dataclass(frozen=True, eq=False)
class Sample:
    """The reported images, and those of the cohort that have a better truth, reported or not; rows of the cohort."""

    study: Study
    rows: NDArray[np.int64]
    place: NDArray[np.int64]
    patients: NDArray[np.int64]

    @classmethod
    def of(cls, study: Study, with_truth: NDArray[np.int64]) -> Sample:
        """Join the reported rows and further ones of the cohort."""
        rows = np.union1d(study.rows, with_truth)
        return cls(study, rows, np.searchsorted(rows, study.rows), patient_codes(study.cohort, rows)[0])

    @cached_property
    def reported(self) -> NDArray[np.bool_]:
        """Which rows are reported, and so are scored by every reading."""
        flags = np.zeros(len(self.rows), bool)
        flags[self.place] = True
        return flags


# --- what is asked ---------------------------------------------------------------------------------------------------


def questions(sample: Sample, truth: Adjudicated | None, answers: Labels | None) -> Iterator[Question]:
    """Yield a question for each label of the better truth that stands for a finding."""
    if truth is None or answers is None:
        return
    for column, mapped in enumerate(truth.mapping_to(sample.study.findings)):
        if mapped.findings:
            labels = any_of(sample.study.cohort, sample.rows, mapped.findings)
            yield Question(mapped.label, mapped.findings, labels, answers[sample.rows, column])


def stated(sample: Sample, options: Options) -> Iterator[Question]:
    """Yield a question for each finding of which the labels' quality was stated."""
    names = {key(finding): finding for finding in sample.study.findings}
    for given, noise in options.label_noise.items():
        finding = names[key(given)]
        labels = any_of(sample.study.cohort, sample.rows, (finding,))
        yield Question(finding, (finding,), labels, np.full(len(labels), MISSING, np.int8), noise)


def any_of(cohort: Cohort, rows: NDArray[np.int64], findings: Sequence[str]) -> Labels:
    """Return 1 where one of some findings is present, 0 where all are absent, else `MISSING`."""
    labels = cohort.labels[rows][:, [cohort.findings.index(finding) for finding in findings]]
    absent = np.where((labels == 0).all(axis=1), 0, MISSING)
    return np.where((labels == 1).any(axis=1), 1, absent).astype(np.int8)


# --- what is resampled -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Seen:
    """A metric of one task: observed, in replicates (R,), why it has no value, and how many images it is of."""

    value: float
    replicates: Floats
    why: str
    n: Row


@dataclass(frozen=True, eq=False)
class Drawn:
    """Every count and AUROC that is needed, by name, observed and in replicates of one bootstrap."""

    places: dict[Key, int]
    n_positive: NDArray[np.int64]
    n_negative: NDArray[np.int64]
    observed: Ranked
    replicates: Ranked

    @classmethod
    def of(cls, sample: Sample, asked: Sequence[Question], readers: Sequence[Evaluation], options: Options) -> Drawn:
        """Resample the patients of the sample."""
        tasks = dict(task for each in asked for task in tasks_of(sample, each, readers))
        ranking = Ranking.tasks(list(tasks.values()), sample.patients)
        bootstrap = PatientBootstrap(
            sample.patients, replicates=options.replicates, seed=(options.seed, STREAM), threads=options.threads
        )
        places = {name: place for place, name in enumerate(tasks)}
        sizes = ranking.positives.sizes, ranking.negatives.sizes
        return cls(places, *sizes, observed(ranking), bootstrap.ranked(ranking))

    def counts(self, *name: str) -> tuple[Counts, Counts]:
        """Return the four counts of a task, numbers and (replicates,)."""
        place = self.places[name]
        one, many = (
            [getattr(of, cell)[:, place] for cell in ("tp", "fp", "fn", "tn")]
            for of in (self.observed, self.replicates)
        )
        return Counts(*(float(cell[0]) for cell in one)), Counts(*many)

    def seen(self, metric: str, *name: str) -> Seen:
        """Return a metric of a task: the AUROC, or one of the four counts."""
        place = self.places[name]
        positive, negative = int(self.n_positive[place]), int(self.n_negative[place])
        n: Row = {"n_images": positive + negative, "n_positive": positive}
        if metric == "auroc":
            value, drawn = float(self.observed.auroc[0, place]), self.replicates.auroc[:, place]
        else:
            one, many = self.counts(*name)
            value, drawn = float(METRICS[metric](one)), METRICS[metric](many)
        return Seen(value, drawn, lacking(metric, positive, negative) if isnan(value) else "", n)


def lacking(metric: str, positive: int, negative: int) -> str:
    """Return why a metric of some images has no value."""
    if not positive + negative:
        return "no image"
    if not positive and metric in ("auroc", "sensitivity"):
        return "no positive image"
    if not negative and metric in ("auroc", "specificity"):
        return "no negative image"
    return "no threshold, or no image is called" if metric == "ppv" else "no threshold, or every image is called"


def tasks_of(sample: Sample, asked: Question, readers: Sequence[Evaluation]) -> Iterator[tuple[Key, Task]]:
    """Yield the tasks of one question: of the labels alone, then of each reader."""
    name, labels, truth = (asked.source, asked.name), asked.labels, asked.truth
    without = sample.reported & (labels >= 0) & (truth < 0)
    on_both = sample.reported & asked.both
    nothing = np.zeros(len(labels))
    yield (*name, AGREEMENT_ROWS), task(asked.both, truth, nothing, labels == 1)
    yield (*name, REPORTED_ROWS), task(on_both, truth, nothing, labels == 1)
    yield (*name, SHARE), task(without, labels, nothing, nothing == 1)
    for reader in readers:
        scores, called = answer_of(sample, reader, asked.findings)
        own = (*name, reader.reading)
        yield (*own, COHORT), task(on_both, labels, scores, called)
        yield (*own, BETTER), task(on_both, truth, scores, called)
        yield (*own, ILL), task(on_both & (truth == 1), labels, scores, None)
        yield (*own, HEALTHY), task(on_both & (truth == 0), labels, scores, None)
        yield (*own, CORRECTED), task(without, labels, scores, called)


def task(chosen: NDArray[np.bool_], positive: Labels, scores: Floats, called: NDArray[np.bool_] | None) -> Task:
    """Return the task of telling the positive among chosen rows."""
    rows = np.flatnonzero(chosen)
    return Task(rows, positive[rows] == 1, scores[rows], None if called is None else called[rows])


def answer_of(sample: Sample, reader: Evaluation, findings: Sequence[str]) -> tuple[Floats, NDArray[np.bool_] | None]:
    """Return a reader's largest score of some findings, and where it calls one; 0 and no where it has no score."""
    columns = [reader.findings.index(finding) for finding in findings]
    scores, called = np.zeros(len(sample.rows)), np.zeros(len(sample.rows), bool)
    scores[sample.place] = reader.scores[:, columns].max(axis=1)
    called[sample.place] = reader.called[:, columns].any(axis=1)
    return scores, called if reader.thresholds.defined[columns].all() else None
