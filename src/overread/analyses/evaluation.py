"""One reading judged: the one expensive pass over its scores, from which the analyses read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from overread.analyses.options import Options
from overread.records.cohort import MISSING
from overread.records.errors import InputError
from overread.records.findings import key
from overread.records.study import Study
from overread.stats.operating_points import Counts, Rule, folds
from overread.stats.resampling import PatientBootstrap, Ranked, Ranking, observed

GIVEN = "given"
TUNING = "val rows"
CROSS_FITTED = "the other fold"


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The operating points of a reading: a threshold per fold and finding, and how it was chosen.

    `values` is (n_folds, n_findings), nan where no threshold could be chosen; `fold` is the fold of each reported
    row. There is one fold, 0, unless thresholds are cross-fitted by patient; then the threshold of each fold was
    chosen on the rows of the other.
    """

    values: NDArray[np.float64]
    fold: NDArray[np.int8]
    rule: str
    chosen_on: str

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Whether each finding has a threshold in every fold."""
        return np.asarray(~np.isnan(self.values).any(axis=0))

    def called(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which scores of the reported rows count as positive: score >= threshold."""
        return scores >= self.values[self.fold]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A reading's scores on the reported rows, its calls, and every rank and count statistic of them."""

    reading: str
    findings: tuple[str, ...]
    scores: NDArray[np.float64]
    labels: NDArray[np.int8]
    patients: NDArray[np.int64]
    thresholds: Thresholds
    called: NDArray[np.bool_]
    observed: Ranked
    replicates: Ranked
    bootstrap: PatientBootstrap
    level: float
    rechosen: Counts | None = None

    @cached_property
    def n_images(self) -> NDArray[np.int64]:
        """The number of images on which each finding was assessed."""
        return (self.labels != MISSING).sum(axis=0)

    @cached_property
    def n_positive(self) -> NDArray[np.int64]:
        """The number of images that carry each finding."""
        return (self.labels == 1).sum(axis=0)

    @cached_property
    def counts(self) -> Counts:
        """The four counts of each finding at its operating point, shape (n_findings,)."""
        return counts_of(self.observed, self.thresholds.defined, 0)

    @cached_property
    def replicate_counts(self) -> Counts:
        """The four counts in each replicate, shape (replicates, n_findings), at the thresholds held or chosen anew."""
        if self.rechosen is not None:
            return self.rechosen
        return counts_of(self.replicates, self.thresholds.defined)


def counts_of(ranked: Ranked, defined: NDArray[np.bool_], replicate: int | slice = slice(None)) -> Counts:
    """Return counts as floats, nan for findings without a threshold."""
    cells = (ranked.tp, ranked.fp, ranked.fn, ranked.tn)
    return Counts(*(np.where(defined, cell[replicate], np.nan) for cell in cells))


def evaluate(study: Study, reading: str, options: Options, bootstrap: PatientBootstrap) -> Evaluation:
    """Judge one reading of the study: choose its operating points and resample every statistic by patient."""
    scores = study.scores[reading]
    thresholds = choose_thresholds(study, reading, options)
    called = thresholds.called(scores)
    ranking = Ranking.of(study.labels, scores, study.patients, called)
    return Evaluation(
        reading=reading,
        findings=study.findings,
        scores=scores,
        labels=study.labels,
        patients=study.patients,
        thresholds=thresholds,
        called=called,
        observed=observed(ranking),
        replicates=bootstrap.ranked(ranking),
        bootstrap=bootstrap,
        level=options.level,
        rechosen=rechosen_counts(study, reading, thresholds, options, bootstrap),
    )


def rechosen_counts(
    study: Study, reading: str, thresholds: Thresholds, options: Options, bootstrap: PatientBootstrap
) -> Counts | None:
    """Return the counts at thresholds chosen anew in each replicate, None where they are held.

    The tuning rows are resampled too: their own patients where there are `val` rows, the patients of the other fold
    where thresholds are cross-fitted. Readings that share their tuning rows share the draws too; where each has rows of
    its own, they are drawn apart, which widens the interval of a difference if the rows overlap.
    """
    rule = options.rule
    if not options.rechoose or rule is None or thresholds.chosen_on == GIVEN:
        return None
    from overread.stats import rechoosing  # its kernels are compiled only where they are asked for

    labels, scores = study.labels, study.scores[reading]
    if study.tuning is None:
        return rechoosing.cross_fitted(bootstrap, labels, scores, thresholds.fold, rule)
    tuning = study.tuning.of(reading)
    resampled = PatientBootstrap(
        tuning.patients, replicates=options.replicates, seed=(options.seed, 1), threads=options.threads
    )
    return rechoosing.tuned(bootstrap, labels, scores, resampled, tuning.labels, tuning.scores[reading], rule)


def choose_thresholds(study: Study, reading: str, options: Options) -> Thresholds:
    """Choose the operating points of a reading, never on the rows that are reported.

    The tuning rows are those of the split `val`, the reading's own where readings differ. Where there are none,
    thresholds are cross-fitted by patient: the patients are dealt into two folds, and the threshold of each fold is
    chosen on the other.
    """
    n = study.n_images
    one_fold = np.zeros(n, np.int8)
    rule = options.rule
    if rule is None:
        assert not isinstance(options.operating_point, str)
        return Thresholds(given_thresholds(study, options.operating_point), one_fold, "table", GIVEN)
    if rule.kind == "fixed":
        return Thresholds(np.full((1, len(study.findings)), rule.value), one_fold, str(rule), GIVEN)
    if study.tuning is not None:
        tuning = study.tuning.of(reading)
        chosen = column_thresholds(rule, tuning.labels, tuning.scores[reading])
        return Thresholds(chosen[None, :], one_fold, str(rule), TUNING)
    fold = folds(study.patients, seed=options.seed)
    labels, scores = study.labels, study.scores[reading]
    chosen = np.stack([column_thresholds(rule, labels[fold != k], scores[fold != k]) for k in (0, 1)])
    return Thresholds(chosen, fold, str(rule), CROSS_FITTED)


def column_thresholds(rule: Rule, labels: NDArray[np.int8], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply a rule to each finding on its assessed rows."""
    chosen = []
    for column in range(labels.shape[1]):
        assessed = labels[:, column] != MISSING
        chosen.append(rule.choose(labels[assessed, column], scores[assessed, column]))
    return np.array(chosen)


def given_thresholds(study: Study, table: Mapping[str, float]) -> NDArray[np.float64]:
    """Return thresholds that were given by finding, in the study's order."""
    by_key = {key(finding): threshold for finding, threshold in table.items()}
    lacking = [finding for finding in study.findings if key(finding) not in by_key]
    if lacking:
        raise InputError(
            "the table of thresholds",
            f"there is no threshold for {', '.join(lacking)}",
            "one row per finding, with the columns finding and threshold",
            "Add the missing rows, or name a rule such as --operating-point youden.",
        )
    return np.array([[by_key[key(finding)] for finding in study.findings]])
