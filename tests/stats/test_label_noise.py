"""Label noise: the correction undoes the contamination, equals the published formulas, and covers by simulation."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from overread.stats.discrimination import auroc
from overread.stats.label_noise import (
    LabelNoise,
    corrected_auroc,
    corrected_counts,
    corrected_difference,
    corrected_estimate,
    possible,
    purity,
    seen_auroc,
    seen_counts,
    true_prevalence,
    why_impossible,
)
from overread.stats.operating_points import METRICS, Counts
from overread.stats.resampling import PatientBootstrap, Ranking, Task, observed


def test_counts_are_restored() -> None:
    truth, noise = Counts(90, 200, 30, 1680), LabelNoise(0.7, 0.95)
    back = corrected_counts(seen_counts(truth, noise), noise)
    assert np.allclose(back.arrays(), truth.arrays(), atol=1e-9)


def test_the_auroc_of_a_mixture_is_the_linear_one() -> None:
    """Every image stands for its shares of labelled and unlabelled ones, so nothing is left to chance."""
    rng = np.random.default_rng(4)
    healthy, ill = rng.normal(size=300), rng.normal(1.0, size=120)
    a, b = 0.75, 0.9
    scores = np.concatenate([ill, healthy])
    labelled = np.concatenate([np.full(120, a), np.full(300, 1 - b)])
    above = (scores[:, None] > scores).astype(float) + 0.5 * (scores[:, None] == scores)
    seen = labelled @ above @ (1 - labelled) / (labelled.sum() * (1 - labelled).sum())
    truth = auroc(np.repeat([1, 0], [120, 300]), scores)
    share, noise = labelled.mean(), LabelNoise(a, b)
    assert true_prevalence(share, noise) == pytest.approx(120 / 420)
    assert seen_auroc(truth, purity(share, noise)) == pytest.approx(seen, abs=1e-12)
    assert corrected_auroc(seen, purity(share, noise)) == pytest.approx(truth, abs=1e-12)


def test_the_purity_is_ppv_and_npv_less_one() -> None:
    prevalence, a, b = 0.1, 0.8, 0.9
    share = prevalence * a + (1 - prevalence) * (1 - b)
    ppv, npv = prevalence * a / share, (1 - prevalence) * b / (1 - share)
    assert purity(share, LabelNoise(a, b)) == pytest.approx(ppv + npv - 1, abs=1e-12)


def test_rates_are_those_of_staquet() -> None:
    """Staquet et al. (1981), for a reference of known sensitivity s and specificity p, N images:

    sensitivity = ((tp + fp) p - fp) / (N (p - 1) + tp + fn), specificity = ((fn + tn) s - fn) / (N s - (tp + fn)).
    """
    tp, fp, fn, tn = 81.0, 99.0, 89.0, 731.0
    s, p, n = 0.8, 0.9, 1000.0
    found = corrected_counts(Counts(tp, fp, fn, tn), LabelNoise(s, p))
    sensitivity = ((tp + fp) * p - fp) / (n * (p - 1) + tp + fn)
    specificity = ((fn + tn) * s - fn) / (n * s - (tp + fn))
    assert METRICS["sensitivity"](found) == pytest.approx(sensitivity, abs=1e-12)
    assert METRICS["specificity"](found) == pytest.approx(specificity, abs=1e-12)


@pytest.mark.parametrize(
    ("share", "noise", "says"),
    [
        (0.05, (0.8, 0.9), "alone would label"),
        (0.85, (0.8, 0.9), "more than a label sensitivity"),
        (0.3, (0.4, 0.6), "no more than chance"),
        (float("nan"), (0.8, 0.9), "not known"),
        (0.2, (0.8, 0.9), ""),
    ],
)
def test_impossible_shares_are_explained(share: float, noise: tuple[float, float], says: str) -> None:
    why = why_impossible(share, LabelNoise(*noise))
    assert says in why
    assert bool(possible(share, LabelNoise(*noise))) == (not why)


def test_a_value_outside_the_unit_interval_is_empty_and_explained() -> None:
    found = corrected_estimate(1.2, [1.0, 1.1, 1.3], [True] * 3)
    assert np.isnan(found.value)
    assert "1.200, outside 0 to 1" in found.note


def test_no_interval_where_its_end_would_be_impossible() -> None:
    can_be = np.arange(100) >= 10
    found = corrected_estimate(0.8, np.linspace(0.7, 0.9, 100), can_be)
    assert found.value == 0.8
    assert np.isnan(found.low)
    assert "impossible in 10 of 100 replicates" in found.note


def test_a_difference_keeps_its_sign() -> None:
    rng = np.random.default_rng(5)
    drawn, factors = rng.normal(0.02, 0.01, 500), rng.uniform(0.3, 0.5, 500)
    found = corrected_difference(0.02, drawn, 0.4, factors, [True] * 500)
    assert found.value == pytest.approx(0.05)
    assert (found.low > 0) == (np.quantile(drawn, 0.025) > 0)


# --- simulation ------------------------------------------------------------------------------------------------------


SHIFT, SPREAD = 1.2, sqrt(2)
"""Separation of ill and healthy scores; standard deviation of a score: of the patient 1, of the image 1."""
TRUE_AUROC = float(ndtr(SHIFT / (sqrt(2) * SPREAD)))


def drawn_images(
    rng: np.random.Generator, n_patients: int, *, following: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]:
    """Draw patients, truth, scores and labels, whose errors follow what the score sees as far as `following` says."""
    patients = np.repeat(np.arange(n_patients), rng.integers(1, 5, n_patients))
    n = len(patients)
    truth = rng.random(n) < rng.beta(0.9, 2.1, n_patients)[patients]
    beyond = (rng.normal(size=n_patients)[patients] + rng.normal(size=n)) / SPREAD
    wrong = following * beyond + sqrt(1 - following**2) * rng.normal(size=n)
    labels = wrong > np.where(truth, ndtri(1 - 0.75), ndtri(0.93))  # sensitivity 0.75, specificity 0.93
    return patients, truth, SHIFT * truth + SPREAD * beyond, labels


def covers(seed: int, *, following: float = 0.0) -> tuple[bool, bool, bool]:
    """Return whether the corrected AUROC, sensitivity and PPV hold the true ones in one simulated pair of samples."""
    rng = np.random.default_rng(seed)
    known, truth, _, labels_known = drawn_images(rng, 300, following=following)
    without, _, scores, labels = drawn_images(rng, 500, following=following)
    patients = np.concatenate([known, without + 300])
    called = scores > 0.6
    here, there = np.arange(len(known)), np.arange(len(known), len(patients))
    tasks = [Task(here, truth, np.zeros(len(here)), labels_known), Task(there, labels, scores, called)]
    ranking = Ranking.tasks(tasks, patients)
    seen, drawn = observed(ranking), PatientBootstrap(patients, replicates=512, seed=seed, threads=1).ranked(ranking)
    estimates = []
    for of in (seen, drawn):
        quality, counts = (Counts(of.tp[:, k], of.fp[:, k], of.fn[:, k], of.tn[:, k]) for k in (0, 1))
        noise = LabelNoise(METRICS["sensitivity"](quality), METRICS["specificity"](quality))
        share = (counts.tp + counts.fn) / (counts.tp + counts.fn + counts.fp + counts.tn)
        right = corrected_counts(counts, noise)
        area = corrected_auroc(of.auroc[:, 1], purity(share, noise))
        estimates.append((area, METRICS["sensitivity"](right), METRICS["ppv"](right), possible(share, noise)))
    sensitivity, alarms = float(ndtr((SHIFT - 0.6) / SPREAD)), float(ndtr(-0.6 / SPREAD))
    true = (TRUE_AUROC, sensitivity, 0.3 * sensitivity / (0.3 * sensitivity + 0.7 * alarms))
    found = [corrected_estimate(float(estimates[0][k][0]), estimates[1][k], estimates[1][3]) for k in range(3)]
    first, second, third = (each.low <= value <= each.high for each, value in zip(found, true, strict=True))
    return first, second, third


@pytest.mark.slow
def test_corrected_intervals_cover_95_percent_where_errors_are_independent() -> None:
    covered = np.array([covers(seed) for seed in range(400)])
    allowed = 3 * sqrt(0.95 * 0.05 / 400) + 0.01  # percentile intervals of a few hundred patients
    assert np.all(np.abs(covered.mean(axis=0) - 0.95) < allowed), covered.mean(axis=0)


@pytest.mark.slow
def test_errors_that_follow_the_image_break_the_correction() -> None:
    covered = np.array([covers(seed, following=0.6) for seed in range(60)])
    assert covered[:, 0].mean() < 0.3


def test_a_corrected_interval_is_cut_off_at_0_and_lost_where_more_than_one_tail_is_impossible() -> None:
    drawn = np.linspace(-0.1, 0.2, 100)
    found = corrected_estimate(0.05, drawn, np.ones(100, bool))
    assert (found.low, found.high) == (0.0, pytest.approx(np.quantile(drawn, 0.975)))
    for lost, known in ((2, True), (3, False)):  # 2.5 of 100 replicates are one tail
        can_be = np.arange(100) >= lost
        assert np.isfinite(corrected_estimate(0.05, drawn, can_be).low) == known
        assert np.isfinite(corrected_difference(0.05, drawn, 0.5, np.full(100, 0.5), can_be).low) == known
    assert corrected_difference(0.05, drawn, 0.5, np.full(100, 0.5), can_be).value == 0.1
