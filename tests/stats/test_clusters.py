"""Sums and variances by patient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.clusters import clustered_covariance, clustered_mean, patient_sums

VALUES = st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 6)), min_size=2, max_size=40)


@given(VALUES)
def test_sums_are_those_of_a_loop(rows: list[tuple[int, int]]) -> None:
    values, patients = zip(*rows, strict=True)
    expected = [sum(v for v, p in rows if p == patient) for patient in sorted(set(patients))]
    assert patient_sums(values, patients).tolist() == expected
    both = patient_sums(np.column_stack([values, np.negative(values)]), patients)
    assert both.tolist() == [[total, -total] for total in expected]


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30))
def test_one_image_per_patient_gives_the_usual_variance_of_a_mean(values: list[float]) -> None:
    mean, variance = clustered_mean(values, np.arange(len(values)))
    assert mean == pytest.approx(np.mean(values))
    assert variance == pytest.approx(np.var(values, ddof=1) / len(values), abs=1e-12)


@given(VALUES)
def test_copies_of_an_image_do_not_shrink_the_variance(rows: list[tuple[int, int]]) -> None:
    values, patients = map(np.array, zip(*rows, strict=True))
    once = clustered_mean(values, patients)
    assert clustered_mean(np.tile(values, 4), np.tile(patients, 4)) == pytest.approx(once, nan_ok=True)


def test_the_variance_by_hand() -> None:
    # Mean 2 of 6; sums of (value - mean) by patient -1, -1, 2; times 3/2 over 36.
    _, variance = clustered_mean([1, 2, 1, 2, 3, 3], ["x", "x", "y", "y", "z", "z"])
    assert variance == pytest.approx(1.5 * (1 + 1 + 4) / 36)


def test_two_statistics_have_a_covariance() -> None:
    influence = np.array([[1.0, 2.0], [0.0, 1.0], [-1.0, 3.0]])
    expected = 1.5 * influence.T @ influence
    np.testing.assert_allclose(clustered_covariance(influence, [4, 2, 9]), expected)


def test_one_patient_has_no_variance() -> None:
    mean, variance = clustered_mean([1, 0, 1], [5, 5, 5])
    assert mean == pytest.approx(2 / 3)
    assert np.isnan(variance)
    assert np.isnan(clustered_mean([], [])[0])
    assert len(patient_sums([], [])) == 0


def test_patients_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="values and patients must have a row for each image"):
        patient_sums([1, 2], [1])
