"""Differences within patients: by their definition, and where a patient's composition alone would make one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.stats.matched import matched_auroc_difference


def made_up(seed: int, *, lean: float, n_patients: int = 400) -> tuple[NDArray[np.float64], ...]:
    """Return labels, scores, patients and marks: patients with many positives have the easier ones."""
    rng = np.random.default_rng(seed)
    n_images = rng.integers(1, 8, n_patients)
    patients = np.repeat(np.arange(n_patients), n_images)
    labels = (rng.random(len(patients)) < 0.3).astype(int)
    ease = 0.3 * n_images[patients] + rng.normal(0, 0.5, n_patients)[patients]
    order = np.concatenate([np.arange(n) for n in n_images])
    later = np.zeros(len(patients), bool)
    for patient in range(n_patients):
        ill = np.flatnonzero((patients == patient) & (labels == 1))
        later[ill[np.argsort(order[ill])][1:]] = True
    scores = labels * (ease + lean * later) + rng.normal(size=len(patients))
    return labels, scores, patients, later


def by_definition(labels: NDArray, scores: NDArray, patients: NDArray, marked: NDArray) -> tuple[float, float, int]:
    negatives = scores[labels == 0]
    a, b = [], []
    for patient in np.unique(patients):
        ill = (patients == patient) & (labels == 1)
        sides = [
            [np.mean((negatives < s) + 0.5 * (negatives == s)) for s in scores[ill & kind]]
            for kind in (marked, ~marked)
        ]
        if all(sides):
            a.append(np.mean(sides[0]))
            b.append(np.mean(sides[1]))
    return float(np.mean(a)), float(np.mean(b)), len(a)


@pytest.mark.parametrize("ties", [False, True])
def test_it_is_its_definition(ties: bool) -> None:
    labels, scores, patients, marked = made_up(0, lean=0.5, n_patients=80)
    scores = np.round(scores, 1) if ties else scores
    result = matched_auroc_difference(labels, scores, patients, marked)
    a, b, n = by_definition(labels, scores, patients, marked)
    assert (result.a, result.b, result.difference) == pytest.approx((a, b, a - b))
    assert result.low < result.difference < result.high
    assert result.note == f"{n} patients with positives of both kinds"


def test_too_few_patients_with_both_kinds_say_so() -> None:
    one = matched_auroc_difference([1, 1, 0, 1], [0.9, 0.8, 0.1, 0.7], [1, 1, 2, 2], [True, False, False, False])
    assert np.isnan(one.difference)
    assert one.note == "1 patient with positives of both kinds"
    none = matched_auroc_difference([0, 0], [0.9, 0.8], [1, 1], [True, False])
    assert none.note == "no positive"


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="patients and marked"):
        matched_auroc_difference([1, 0], [0.1, 0.2], [1, 2], [True])


@pytest.mark.slow
def test_a_planted_difference_is_found_and_composition_is_not_taken_for_one() -> None:
    planted = [matched_auroc_difference(*made_up(seed, lean=1.0)) for seed in range(100)]
    absent = [matched_auroc_difference(*made_up(seed, lean=0.0)) for seed in range(400)]
    assert sum(result.p < 0.05 for result in planted) >= 95
    assert sum(result.p < 0.05 for result in absent) <= 400 * 0.07
    naive = []
    for seed in range(20):
        labels, scores, _, later = made_up(seed, lean=0.0)
        negatives, ill = scores[labels == 0], labels == 1
        place = np.searchsorted(np.sort(negatives), scores) / len(negatives)
        naive.append(place[ill & later].mean() - place[ill & ~later].mean())
    assert np.mean(naive) > 0.02  # unmatched, patients with many positives make a difference that is none
