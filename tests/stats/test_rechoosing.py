"""Thresholds chosen anew in every replicate, against the rule applied to the replicate's rows written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.stats.operating_points import Counts, Rule, folds
from overread.stats.rechoosing import cross_fitted, tuned
from overread.stats.resampling import PatientBootstrap, Ranking

YOUDEN = Rule("youden")
RULES = [YOUDEN] + [Rule(k, v) for k in ("sensitivity", "specificity") for v in (0.0, 0.3, 0.9, 1.0)]


def simulated(n: int, n_patients: int, decimals: int, *, worth: float = 0.8, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    patients = np.concatenate([np.arange(n_patients), rng.integers(0, n_patients, n - n_patients)])
    labels = rng.choice(np.array([-1, 0, 1], np.int8), (n, 3), p=(0.1, 0.7, 0.2))
    return labels, (rng.normal(size=(n, 3)) + worth * (labels == 1)).round(decimals), patients


def written_out(bootstrap: PatientBootstrap, replicate: int, rows: NDArray[Any]) -> NDArray[np.int64]:
    block, lane = divmod(replicate, 64)
    return np.repeat(rows, bootstrap.weights(block)[bootstrap.patients[rows], lane])


def at_rule(rule: Rule, chosen_on: tuple[Any, Any], reported: tuple[Any, Any]) -> Counts:
    """Apply `Rule.choose` to one finding's rows and count on others."""
    (labels, scores), (truth, judged) = chosen_on, reported
    assessed = labels >= 0
    threshold = rule.choose(labels[assessed], scores[assessed])
    if np.isnan(threshold):
        return Counts(*[np.nan] * 4)
    return Counts.of(truth, judged >= threshold)


def cells(counts: Counts, *where: int) -> list[float]:
    return [cell[where] if where else cell for cell in (counts.tp, counts.fp, counts.fn, counts.tn)]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize(
    ("n", "n_patients", "decimals", "worth"),
    [(300, 80, 17, 0.8), (300, 80, 1, 0.8), (200, 60, 0, -1.0), (60, 60, 1, -9.0), (30, 5, 0, 0.5), (40, 20, -3, 0.0)],
    ids=["untied", "tied", "worse than chance", "always wrong", "few patients", "all equal"],
)
def test_cross_fitted_counts(rule: Rule, n: int, n_patients: int, decimals: int, worth: float) -> None:
    labels, scores, patients = simulated(n, n_patients, decimals, worth=worth)
    fold = folds(patients, seed=0)
    bootstrap = PatientBootstrap(patients, replicates=70, seed=4)
    counts = cross_fitted(bootstrap, labels, scores, fold, rule)
    assert counts.tp.shape == (70, 3)
    for replicate in (*range(12), 64, 69):
        rows = [written_out(bootstrap, replicate, np.flatnonzero(fold == side)) for side in (0, 1)]
        for f in range(3):
            halves = [(labels[part, f], scores[part, f]) for part in rows]
            a, b = at_rule(rule, halves[1], halves[0]), at_rule(rule, halves[0], halves[1])
            expected = [x + y for x, y in zip(cells(a), cells(b), strict=True)]
            np.testing.assert_array_equal(cells(counts, replicate, f), expected)


@pytest.mark.parametrize("rule", RULES[:4], ids=str)
def test_counts_at_thresholds_chosen_on_other_patients(rule: Rule) -> None:
    labels, scores, patients = simulated(300, 80, 2)
    val_labels, val_scores, val_patients = simulated(90, 30, 2, seed=1)
    bootstrap = PatientBootstrap(patients, replicates=70, seed=4)
    tuning = PatientBootstrap(val_patients, replicates=70, seed=(4, 1))
    counts = tuned(bootstrap, labels, scores, tuning, val_labels, val_scores, rule)
    for replicate in (0, 5, 69):
        rows = written_out(bootstrap, replicate, np.arange(300))
        val = written_out(tuning, replicate, np.arange(90))
        for f in range(3):
            expected = at_rule(rule, (val_labels[val, f], val_scores[val, f]), (labels[rows, f], scores[rows, f]))
            np.testing.assert_array_equal(cells(counts, replicate, f), cells(expected))


def test_the_same_bytes_whatever_the_threads() -> None:
    labels, scores, patients = simulated(300, 80, 2)
    fold = folds(patients, seed=0)
    one, three = (
        cross_fitted(PatientBootstrap(patients, replicates=300, threads=t), labels, scores, fold, RULES[0])
        for t in (1, 3)
    )
    for a, b in zip(cells(one), cells(three), strict=True):
        assert a.tobytes() == b.tobytes()


def test_intervals_hold_the_uncertainty_of_the_threshold_too() -> None:
    labels, scores, patients = simulated(600, 300, 17)
    bootstrap, fold = PatientBootstrap(patients, replicates=1000), folds(patients, seed=0)
    held = np.zeros(scores.shape, np.bool_)
    for side in (0, 1):
        for f in range(3):
            on = (fold != side) & (labels[:, f] >= 0)
            held[fold == side, f] = scores[fold == side, f] >= YOUDEN.choose(labels[on, f], scores[on, f])
    at_held = bootstrap.ranked(Ranking.of(labels, scores, patients, held))
    anew = cross_fitted(bootstrap, labels, scores, fold, YOUDEN)
    spread = [np.std(counts.tp / (counts.tp + counts.fn), axis=0) for counts in (anew, at_held)]
    assert (spread[0] > 1.2 * spread[1]).all()


ONE = np.zeros((1, 1))
COHORT = PatientBootstrap([0], replicates=2)
VAL = PatientBootstrap([0], replicates=2, seed=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cross_fitted(COHORT, [0], ONE, [0], YOUDEN), "labels must have a row for each of the 1 images"),
        (lambda: cross_fitted(COHORT, ONE, [[0, 1]], [0], YOUDEN), "scores must have the shape of labels"),
        (lambda: cross_fitted(COHORT, ONE, ONE + np.nan, [0], YOUDEN), "scores must be numbers, got nan"),
        (lambda: cross_fitted(COHORT, ONE, ONE, [2], YOUDEN), "fold must be 0 or 1 for each of the 1 images"),
        (lambda: cross_fitted(COHORT, ONE, ONE, [0, 1], YOUDEN), "fold must be 0 or 1 for each of the 1 images"),
        (lambda: cross_fitted(COHORT, ONE, ONE, [0], Rule("fixed", 0.5)), "rule must choose a threshold"),
        (lambda: tuned(COHORT, ONE, ONE, COHORT, ONE, ONE, YOUDEN), "as many replicates as bootstrap and another seed"),
        (lambda: tuned(COHORT, ONE, ONE, VAL, [[0, 0]], [[0, 0]], YOUDEN), "tuning_labels must have 1 findings, got 2"),
    ],
)
def test_misuse_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
