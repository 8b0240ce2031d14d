"""Net benefit against the dcurves package, its definition, and what must hold of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.decision_curves import (
    counts_at,
    decision_curve,
    decision_curve_difference,
    net_benefit,
    treat_all,
)
from overread.stats.operating_points import Counts

THRESHOLDS = [0.1, 0.25, 0.5]
CASES = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 8)), min_size=4, max_size=40).filter(
    lambda rows: {y for y, _, _ in rows} == {0, 1}
)


def test_simulated_curves_are_those_of_dcurves(reference: Callable[[str], Any]) -> None:
    stored = reference("dcurves_simulated.json")
    for key, prevalence in (("as_they_are", None), ("at_prevalence_0.1", 0.1)):
        curve = decision_curve(stored["labels"], stored["probabilities"], stored["thresholds"], prevalence=prevalence)
        np.testing.assert_allclose(curve.net_benefit, stored[key]["reader"], atol=1e-12)
        np.testing.assert_allclose(curve.treat_all, stored[key]["all"], atol=1e-12)
        np.testing.assert_allclose(curve.treat_none, stored[key]["none"], atol=0)


def test_real_curves_are_those_of_dcurves(readings: Any, reference: Callable[[str], Any]) -> None:
    stored = reference("dcurves_chestxray14.json")
    thresholds = stored["thresholds"]
    for finding, labels in readings.labels.items():
        expected = stored[finding]
        zech, lr033 = readings.zech[finding], readings.lr033[finding]
        curve = decision_curve(labels, zech, thresholds)
        np.testing.assert_allclose(curve.net_benefit, expected["zech"]["reader"], atol=1e-12)
        np.testing.assert_allclose(curve.treat_all, expected["zech"]["all"], atol=1e-12)
        difference = decision_curve_difference(labels, zech, lr033, thresholds, patients=readings.patients)
        by_package = np.subtract(expected["zech"]["reader"], expected["lr033"]["reader"])
        np.testing.assert_allclose(difference.difference, by_package, atol=1e-12)


@given(CASES)
def test_net_benefit_is_its_definition(rows: list[tuple[int, int, int]]) -> None:
    curve = decision_curve([y for y, _, _ in rows], [s / 8 for _, s, _ in rows], THRESHOLDS)
    for place, threshold in enumerate(THRESHOLDS):
        worth = [(1.0 if y else -threshold / (1 - threshold)) * (s / 8 >= threshold) for y, s, _ in rows]
        assert curve.net_benefit[place] == pytest.approx(np.mean(worth))


@given(CASES)
def test_the_prevalence_of_the_images_changes_nothing(rows: list[tuple[int, int, int]]) -> None:
    labels, scores = np.array([y for y, _, _ in rows]), np.array([s for _, s, _ in rows]) / 8
    counts = counts_at(labels, scores, THRESHOLDS)
    same = net_benefit(counts, THRESHOLDS, prevalence=float(labels.mean()))
    np.testing.assert_allclose(same, net_benefit(counts, THRESHOLDS), atol=1e-12)


@given(CASES)
def test_bounds_by_patient_are_those_of_the_sums(rows: list[tuple[int, int, int]]) -> None:
    labels, scores = np.array([y for y, _, _ in rows]), np.array([s for _, s, _ in rows]) / 8
    patients = np.arange(len(rows)) // 2
    curve = decision_curve(labels, scores, [0.25], patients=patients)
    worth = np.where(labels == 1, 1.0, -1 / 3) * (scores >= 0.25)
    sums = [np.sum(worth[patients == i] - worth.mean()) / len(rows) for i in range(patients[-1] + 1)]
    error = np.sqrt(len(sums) / (len(sums) - 1) * np.sum(np.square(sums)))
    assert curve.high[0] - curve.low[0] == pytest.approx(2 * 1.959963984540054 * error, abs=1e-12)


@given(CASES)
def test_a_difference_is_between_the_two_curves_and_turns_with_them(rows: list[tuple[int, int, int]]) -> None:
    labels, a, b = (np.array(column) for column in zip(*rows, strict=True))
    patients = np.arange(len(rows)) // 2
    for prevalence in (None, 0.2):
        options: dict[str, Any] = {"patients": patients, "prevalence": prevalence}
        one = decision_curve_difference(labels, a / 8, b / 8, THRESHOLDS, **options)
        other = decision_curve_difference(labels, b / 8, a / 8, THRESHOLDS, **options)
        np.testing.assert_allclose(one.low, -other.high, atol=1e-12)
        curves = [decision_curve(labels, scores / 8, THRESHOLDS, **options).net_benefit for scores in (a, b)]
        np.testing.assert_allclose(one.difference, curves[0] - curves[1], atol=1e-12)


def test_replicates_and_thresholds_broadcast() -> None:
    counts = Counts(*np.arange(24, dtype=float).reshape(4, 2, 3))
    benefit = net_benefit(counts, [0.1, 0.2, 0.3])
    assert benefit.shape == (2, 3)
    assert benefit[1, 2] == pytest.approx((5 - 11 * 0.3 / 0.7) / (5 + 11 + 17 + 23))


def test_treating_all_breaks_even_at_the_prevalence() -> None:
    assert float(treat_all(0.0759, 0.0759)) == pytest.approx(0, abs=1e-15)


def test_without_patients_or_cases_there_are_no_bounds() -> None:
    curve = decision_curve([0, 1, 1], [0.2, 0.6, 0.4], THRESHOLDS)
    assert np.isnan(curve.low).all()
    nobody_ill = decision_curve([0, 0], [0.2, 0.6], THRESHOLDS, patients=[1, 2], prevalence=0.1)
    assert np.isnan(nobody_ill.net_benefit).all()
    assert np.isnan(nobody_ill.low).all()
    one_patient = decision_curve([0, 1], [0.2, 0.6], THRESHOLDS, patients=[1, 1])
    assert np.isnan(one_patient.low).all()
    assert not np.isnan(one_patient.net_benefit).any()
    assert np.isnan(net_benefit(Counts(0, 0, 0, 0), 0.1))


@given(CASES)
def test_at_a_stated_prevalence_the_variance_is_that_of_two_shares(rows: list[tuple[int, int, int]]) -> None:
    labels, called = np.array([y for y, _, _ in rows]), np.array([s >= 2 for _, s, _ in rows])
    scores, n = np.array([s for _, s, _ in rows]) / 8, len(rows)
    curve = decision_curve(labels, scores, [0.25], patients=np.arange(n), prevalence=0.2)
    shares = [(called[labels == y].mean(), np.sum(labels == y)) for y in (1, 0)]
    (of_ill, m), (of_healthy, k) = ((share * (1 - share), count) for share, count in shares)
    variance = n / (n - 1) * (0.2**2 * of_ill / m + (0.8 / 3) ** 2 * of_healthy / k)
    assert curve.high[0] - curve.low[0] == pytest.approx(2 * 1.959963984540054 * np.sqrt(variance), abs=1e-9)


@given(CASES)
def test_the_order_of_thresholds_does_not_matter(rows: list[tuple[int, int, int]]) -> None:
    labels, scores = np.array([y for y, _, _ in rows]), np.array([s for _, s, _ in rows]) / 8
    patients = np.arange(len(rows)) // 3
    for prevalence in (None, 0.2):
        rising = decision_curve(labels, scores, [0.1, 0.25, 0.5], patients=patients, prevalence=prevalence)
        mixed = decision_curve(labels, scores, [0.25, 0.5, 0.1], patients=patients, prevalence=prevalence)
        np.testing.assert_allclose(mixed.low, rising.low[[1, 2, 0]], atol=1e-12)


def test_what_is_not_a_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="patients must be of the shape of labels"):
        decision_curve([0, 1], [0.2, 0.6], THRESHOLDS, patients=[1])
    with pytest.raises(ValueError, match="probabilities must lie between 0 and 1"):
        decision_curve([0, 1], [0.2, 1.6], THRESHOLDS)
    for threshold in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="threshold_probability must be at least 0 and below 1"):
            net_benefit(Counts(1, 1, 1, 1), threshold)
    for prevalence in (0.0, 1.0, 7.6):
        with pytest.raises(ValueError, match="prevalence must lie between 0 and 1"):
            net_benefit(Counts(1, 1, 1, 1), 0.1, prevalence=prevalence)
