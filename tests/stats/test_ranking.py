"""What a ranking refuses, and that the order of the rows does not matter to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from overread.stats.ranking import MOST_IMAGES, Ranking
from overread.stats.resampling import PatientBootstrap, observed


def test_groups_say_where_each_score_of_a_positive_lies_among_the_negatives() -> None:
    # Falling: 0.9 (-), 0.8 (+), 0.5 (+ + -), 0.4 (-)
    labels = np.array([[0], [1], [1], [1], [0], [0]], np.int8)
    scores = np.array([[0.9], [0.8], [0.5], [0.5], [0.5], [0.4]])
    ranking = Ranking.of(labels, scores, np.arange(6))
    assert ranking.negatives.patients.tolist() == [0, 4, 5]
    assert ranking.above.tolist() == [1, 1]
    assert ranking.tied.tolist() == [1, 2]
    assert ranking.positive_stop.tolist() == [1, 3]
    # Of 9 pairs, 0.8 wins 2 and each 0.5 wins 1.5.
    assert observed(ranking).auroc[0, 0] == pytest.approx(5 / 9, abs=1e-15)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(-1, 2, (200, 3)).astype(np.int8), rng.normal(size=(200, 3)).round(1)
    patients = np.append(np.arange(50), rng.integers(0, 50, 150))
    shuffled = rng.permutation(200)
    bootstrap = PatientBootstrap(patients, replicates=100)
    a = bootstrap.ranked(Ranking.of(labels, scores, patients, scores > 0))
    b = bootstrap.ranked(Ranking.of(labels[shuffled], scores[shuffled], patients[shuffled], scores[shuffled] > 0))
    for field in fields(a):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))


ONE = np.zeros((1, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Ranking.of([1], [0.5], [0]), "labels must have a row for each of the 1 patients' images"),
        (lambda: Ranking.of(ONE, ONE, [0, 1]), "labels must have a row for each of the 2 patients' images"),
        (lambda: Ranking.of(ONE, [[0.5, 0.5]], [0]), r"scores must have the shape of labels, \(1, 1\), got \(1, 2\)"),
        (lambda: Ranking.of(ONE, ONE, [0], [[True, True]]), "called must have the shape of labels"),
        (lambda: Ranking.of(ONE + 2, ONE, [0]), "labels must be 1, 0 or negative where missing, got 2"),
        (lambda: Ranking.of(ONE, ONE + np.nan, [0]), "scores must be numbers, got nan"),
        (lambda: Ranking.of(ONE, ONE, [-1]), "patients must be one code from 0 for each image"),
        (
            lambda: Ranking.tasks([([0], [True, True], [0.5])], [0]),
            "positive must have one entry for each of the 1 rows",
        ),
        (lambda: Ranking.tasks([([0], [True], [0.5, 1])], [0]), "scores must have one entry for each of the 1 rows"),
        (lambda: Ranking.tasks([], np.zeros(MOST_IMAGES + 1, np.int8)), "patients must be of at most 8421504 images"),
    ],
)
def test_misuse_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
