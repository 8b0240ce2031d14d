"""A model at a reader's sensitivity or specificity: by hand, by symmetry, and whether the intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.stats.equal_rates import HELD, EqualRates, equal_rates
from overread.stats.operating_points import folds
from overread.stats.paired import bootstrap_comparison
from overread.stats.resampling import PatientBootstrap


def compared(
    labels: NDArray[np.int8], scores: NDArray[np.float64], called: NDArray[np.bool_], held: str, replicates: int = 200
) -> EqualRates:
    patients = np.arange(len(labels)) // 2
    bootstrap = PatientBootstrap(patients, replicates=replicates, seed=1)
    return equal_rates(bootstrap, np.arange(len(labels)), labels, scores, called, folds(patients, seed=0), held=held)


def drawn(
    rng: np.random.Generator, n: int, prevalence: float, better: float = 0.0
) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.bool_]]:
    """Return labels, a model's scores and a reader's calls that see half the same; the model sees `better` more."""
    labels = (rng.random(n) < prevalence).astype(np.int8)
    seen = rng.standard_normal(n)
    model = (seen + rng.standard_normal(n)) / np.sqrt(2) + (1.5 + better) * labels
    reader = (seen + rng.standard_normal(n)) / np.sqrt(2) + 1.5 * labels
    return labels, model, reader >= 0.8


def test_thresholds_by_hand() -> None:
    # Patients of two images; the halves are told apart by `fold`. In each half:
    # ill 0.9, 0.6, 0.3, healthy 0.8, 0.5, 0.2.
    half = np.array([0.9, 0.6, 0.3, 0.8, 0.5, 0.2])
    labels = np.tile([1, 1, 1, 0, 0, 0], 2).astype(np.int8)
    scores = np.tile(half, 2)
    fold = np.repeat([0, 1], 6).astype(np.int8)
    called = np.tile([True, True, False, True, False, False], 2)  # 2 of 3 ill found, 1 of 3 healthy called
    bootstrap = PatientBootstrap(np.repeat([0, 1], 6), replicates=100, seed=0)
    found = equal_rates(bootstrap, np.arange(12), labels, scores, called, fold, held="sensitivity")
    # Two of three ill lie above 0.45, halfway between 0.6 and 0.3: healthy 0.8 and 0.5 are called.
    assert found.model == {"sensitivity": pytest.approx(2 / 3), "specificity": pytest.approx(1 / 3)}
    assert found.reader == {"sensitivity": pytest.approx(2 / 3), "specificity": pytest.approx(2 / 3)}
    found = equal_rates(bootstrap, np.arange(12), labels, scores, called, fold, held="specificity")
    # One healthy may be called: the threshold is 0.65, halfway between 0.8 and 0.5, and one ill lies above it.
    assert found.model == {"sensitivity": pytest.approx(1 / 3), "specificity": pytest.approx(2 / 3)}


@pytest.mark.parametrize("held", HELD)
def test_the_order_of_images_with_one_score_does_not_matter(held: str) -> None:
    rng = np.random.default_rng(2)
    labels, scores, called = drawn(rng, 300, 0.4)
    patients, fold = np.arange(300) // 2, folds(np.arange(300) // 2, seed=0)
    scores = np.where(fold == 0, np.round(scores, 1), scores)
    weighted = PatientBootstrap(patients, replicates=64, seed=1)
    order = rng.permutation(300)
    found, again = (
        equal_rates(weighted, rows, labels[rows], scores[rows], called[rows], fold[rows], held=held)
        for rows in (np.arange(300), order)
    )
    for name in HELD:
        np.testing.assert_allclose(found.model_replicates[name], again.model_replicates[name], rtol=1e-12)


@pytest.mark.parametrize("held", HELD)
def test_a_reader_who_calls_nothing_is_matched(held: str) -> None:
    labels, scores, _ = drawn(np.random.default_rng(5), 200, 0.3)
    found = compared(labels, scores, np.zeros(200, bool), held)
    assert found.reader == {"sensitivity": 0.0, "specificity": 1.0}
    assert found.model["specificity"] == pytest.approx(1.0, abs=0.02)
    assert held == "specificity" or found.model == found.reader


@pytest.mark.parametrize("held", HELD)
def test_a_reader_who_calls_everything_is_matched(held: str) -> None:
    labels, scores, _ = drawn(np.random.default_rng(5), 200, 0.3)
    found = compared(labels, scores, np.ones(200, bool), held)
    assert found.reader == {"sensitivity": 1.0, "specificity": 0.0}
    assert found.model["sensitivity"] == pytest.approx(1.0, abs=0.03)
    assert held == "sensitivity" or found.model == found.reader


@pytest.mark.parametrize("held", HELD)
def test_any_rising_change_of_the_scores_changes_little(held: str) -> None:
    labels, scores, called = drawn(np.random.default_rng(6), 400, 0.3)
    one, other = (compared(labels, each, called, held) for each in (scores, 3 * scores - 7))
    assert one.model == pytest.approx(other.model)


@pytest.mark.parametrize("held", HELD)
def test_a_model_that_a_reader_s_calls_were_made_of_does_not_differ(held: str) -> None:
    labels, scores, _ = drawn(np.random.default_rng(7), 400, 0.3)
    found = compared(labels, scores, scores >= 0.8, held, 400)
    free = "specificity" if held == "sensitivity" else "sensitivity"
    test = bootstrap_comparison(
        found.model[free], found.reader[free], found.model_replicates[free], found.reader_replicates[free]
    )
    assert abs(test.difference) < 0.05
    assert test.low <= 0 <= test.high


@pytest.mark.slow
@pytest.mark.parametrize("held", HELD)
def test_intervals_hold_no_difference_about_as_often_as_they_say(held: str) -> None:
    rng = np.random.default_rng(8)
    free = "specificity" if held == "sensitivity" else "sensitivity"
    held_by, seen = 0, 0
    for _ in range(120):
        found = compared(*drawn(rng, 400, 0.3), held, 300)
        sides = found.model[free], found.reader[free], found.model_replicates[free], found.reader_replicates[free]
        test = bootstrap_comparison(*sides)
        held_by += test.low <= 0 <= test.high
        better = compared(*drawn(rng, 400, 0.3, better=1.0), held, 300)
        sides = better.model[free], better.reader[free], better.model_replicates[free], better.reader_replicates[free]
        seen += bootstrap_comparison(*sides).low > 0
    assert 0.88 <= held_by / 120 <= 1.0  # 0.95 within three standard errors, or on the safe side
    assert seen / 120 > 0.6


def test_a_half_without_ill_images_has_no_threshold() -> None:
    labels = np.array([1, 0, 0, 0], np.int8)
    fold = np.array([0, 0, 1, 1], np.int8)
    bootstrap = PatientBootstrap(np.array([0, 0, 1, 1]), replicates=100, seed=0)
    calls = np.array([True, False, False, False])
    found = equal_rates(
        bootstrap, np.arange(4), labels, np.array([0.9, 0.1, 0.2, 0.3]), calls, fold, held="sensitivity"
    )
    assert np.isnan(found.model["specificity"])
    with pytest.raises(ValueError, match="held must be"):
        equal_rates(bootstrap, np.arange(4), labels, np.zeros(4), calls, fold, held="ppv")
    with pytest.raises(ValueError, match="one length"):
        equal_rates(bootstrap, np.arange(3), labels, np.zeros(4), calls, fold, held="sensitivity")
