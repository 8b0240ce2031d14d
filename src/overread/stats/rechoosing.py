"""Counts at thresholds that are chosen anew in every replicate of a bootstrap.

The bootstrap of `resampling` holds a threshold, as a device in use does: its intervals say how well these thresholds
do on other patients. Here the rule is applied again to each replicate of the tuning rows, so that the intervals hold
the uncertainty of the threshold too: how well the rule does, applied by somebody else to as many patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.operating_points import Counts, Rule
from overread.stats.ranking import Lists
from overread.stats.resampling import LANES, PatientBootstrap, by_replicate

KINDS = ("youden", "sensitivity", "specificity")


def cross_fitted(
    bootstrap: PatientBootstrap, labels: ArrayLike, scores: ArrayLike, fold: ArrayLike, rule: Rule
) -> Counts:
    """Return the counts (replicates, findings) at thresholds that each fold takes from the other, chosen anew.

    `labels` (n, F) are 1, 0, or negative where missing, `scores` (n, F), `fold` (n,) 0 or 1; rows follow the
    bootstrap's patients. Counts are nan where a fold has no threshold in a replicate.
    """
    truth, score, side = np.asarray(labels), np.asarray(scores, np.float64), np.asarray(fold)
    _check(bootstrap, truth, score)
    if side.shape != truth.shape[:1] or not np.all((side == 0) | (side == 1)):
        raise ValueError(f"fold must be 0 or 1 for each of the {len(truth)} images, got shape {side.shape}")
    halves = [_Falling.of(truth, score, bootstrap.patients, side == each) for each in (0, 1)]
    return _added(
        _counts(bootstrap, halves[0], bootstrap, halves[1], rule),
        _counts(bootstrap, halves[1], bootstrap, halves[0], rule),
    )


def tuned(
    bootstrap: PatientBootstrap,
    labels: ArrayLike,
    scores: ArrayLike,
    tuning: PatientBootstrap,
    tuning_labels: ArrayLike,
    tuning_scores: ArrayLike,
    rule: Rule,
) -> Counts:
    """Return the counts (replicates, findings) at thresholds chosen anew on other patients: the tuning rows.

    `tuning` resamples the patients of the tuning rows, with as many replicates and a seed of its own, such as
    `(seed, 1)`: the same seed would tie the two draws together. The other arguments are as in `cross_fitted`.
    """
    truth, score = np.asarray(labels), np.asarray(scores, np.float64)
    tuning_truth, tuning_score = np.asarray(tuning_labels), np.asarray(tuning_scores, np.float64)
    _check(bootstrap, truth, score)
    _check(tuning, tuning_truth, tuning_score)
    if tuning_truth.shape[1] != truth.shape[1]:
        raise ValueError(f"tuning_labels must have {truth.shape[1]} findings, got {tuning_truth.shape[1]}")
    if tuning.replicates != bootstrap.replicates or tuning.key == bootstrap.key:
        raise ValueError("tuning must have as many replicates as bootstrap and another seed")
    reported = _Falling.of(truth, score, bootstrap.patients, np.ones(len(truth), np.bool_))
    chosen_on = _Falling.of(tuning_truth, tuning_score, tuning.patients, np.ones(len(tuning_truth), np.bool_))
    return _counts(bootstrap, reported, tuning, chosen_on, rule)


class _Column(NamedTuple):
    """The images of one finding in falling order of score; none where nothing is given."""

    positive: NDArray[np.bool_] = np.zeros(0, np.bool_)
    scores: NDArray[np.float64] = np.zeros(0)
    last: NDArray[np.bool_] = np.zeros(0, np.bool_)
    last_found: NDArray[np.bool_] = np.zeros(0, np.bool_)

    @classmethod
    def of(cls, positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> _Column:
        if not len(scores):
            return cls()
        ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
        last, last_found = np.zeros((2, len(scores)), np.bool_)
        last[ends] = True
        last_found[ends[np.diff(np.cumsum(positive)[ends], prepend=0) > 0]] = True
        return cls(positive, scores, last, last_found)


@dataclass(frozen=True, eq=False)
class _Falling:
    """The assessed images of every finding in falling order of score, laid end to end.

    `last` marks the last image of each score, and `last_found` those of a score that a positive has.
    """

    patients: Lists
    positive: NDArray[np.bool_]
    scores: NDArray[np.float64]
    last: NDArray[np.bool_]
    last_found: NDArray[np.bool_]

    @classmethod
    def of(
        cls, labels: NDArray[np.int8], scores: NDArray[np.float64], patients: NDArray[np.int64], kept: NDArray[np.bool_]
    ) -> _Falling:
        lists, columns = [], [_Column()]
        for f in range(labels.shape[1]):
            rows = np.flatnonzero(kept & (labels[:, f] >= 0))
            rows = rows[np.argsort(-scores[rows, f])]
            lists.append(patients[rows])
            columns.append(_Column.of(labels[rows, f] == 1, scores[rows, f]))
        return cls(Lists.of(lists), *(np.concatenate(parts) for parts in zip(*columns, strict=True)))

    def turning(self, rule: Rule) -> NDArray[np.bool_]:
        """Return where the rule may place a threshold.

        Youden's index and the sensitivity only rise where a positive is passed, save that a sensitivity of 0 is reached
        at any score; the lowest score with a specificity may be anyone's.
        """
        needs_positive = rule.kind == "youden" or (rule.kind == "sensitivity" and rule.value > 0)
        return self.last_found if needs_positive else self.last


def _check(bootstrap: PatientBootstrap, labels: NDArray[np.int8], scores: NDArray[np.float64]) -> None:
    if labels.ndim != 2 or len(labels) != len(bootstrap.patients):
        raise ValueError(
            f"labels must have a row for each of the {len(bootstrap.patients)} images that are resampled, "
            f"and a column per finding, got shape {labels.shape}"
        )
    if scores.shape != labels.shape:
        raise ValueError(f"scores must have the shape of labels, {labels.shape}, got {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers, got nan")


def _counts(
    bootstrap: PatientBootstrap, reported: _Falling, tuning: PatientBootstrap, chosen_on: _Falling, rule: Rule
) -> Counts:
    from overread.stats import _kernels

    if rule.kind not in KINDS:
        raise ValueError(f"rule must choose a threshold ({', '.join(KINDS)}), got {rule}")
    kind, n_tasks = KINDS.index(rule.kind), len(reported.patients.sizes)
    turning = chosen_on.turning(rule)
    out = np.empty((bootstrap.n_blocks, 4, n_tasks, LANES))

    def work(block: int) -> None:
        thresholds = np.empty((n_tasks, LANES))
        on, of = chosen_on, reported
        _kernels.choose(
            tuning.weights(block),
            on.patients.patients,
            on.positive,
            on.scores,
            turning,
            on.patients.starts,
            kind,
            rule.value,
            thresholds,
        )
        _kernels.call(
            bootstrap.weights(block),
            of.patients.patients,
            of.positive,
            of.scores,
            of.patients.starts,
            thresholds,
            out[block],
        )

    bootstrap.each_block(work)
    return Counts(*by_replicate(out, bootstrap.replicates))


def _added(a: Counts, b: Counts) -> Counts:
    return Counts(a.tp + b.tp, a.fp + b.fp, a.fn + b.fn, a.tn + b.tn)
