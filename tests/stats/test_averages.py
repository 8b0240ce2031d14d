"""Means over findings, by hand and by what must hold of any mean."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.averages import average, mean_over_findings, mean_replicates, pooled
from overread.stats.operating_points import METRICS, Counts

FOURTEEN = [f"Finding {number}" for number in range(13)] + ["Hernia"]
VALUES = st.lists(st.floats(0.05, 20), min_size=1, max_size=14)


def test_weights_are_numbers_of_positives() -> None:
    value, note = mean_over_findings([0.9, 0.6], findings=["Mass", "Edema"], weights=[30, 10])
    assert value == pytest.approx((0.9 * 30 + 0.6 * 10) / 40)
    assert note == ""


def test_ratios_average_geometrically() -> None:
    value, note = mean_over_findings([2.0, 8.0], findings=["Mass", "Edema"], log=True)
    assert value == pytest.approx(4.0)
    assert note == "averaged on the log scale"
    weighted, _ = mean_over_findings([2.0, 16.0], findings=["Mass", "Edema"], weights=[2, 1], log=True)
    assert weighted == pytest.approx(4.0)


def test_the_note_names_the_findings_left_out() -> None:
    values = [0.8] * 13 + [nan]
    assert mean_over_findings(values, findings=FOURTEEN)[1] == "over 13 of 14 findings; not defined for Hernia"
    note = mean_over_findings(values, findings=FOURTEEN, log=True)[1]
    assert note == "averaged on the log scale; over 13 of 14 findings; not defined for Hernia"


def test_a_ratio_of_zero_or_infinity_has_no_place_in_a_geometric_mean() -> None:
    value, note = mean_over_findings([4.0, 0.0, np.inf], findings=["Mass", "Edema", "Hernia"], log=True)
    assert value == pytest.approx(4.0)
    assert note.endswith("not defined for Edema, Hernia")


def test_no_finding_with_a_value_has_no_mean() -> None:
    value, note = mean_over_findings([nan, nan], findings=["Mass", "Edema"])
    assert isnan(value)
    assert note == "over 0 of 2 findings; not defined for Mass, Edema"


def test_replicates_average_the_findings_of_the_observed_mean() -> None:
    observed = [0.8, nan, 0.6]
    replicates = [[0.9, 0.1, 0.5], [0.7, nan, 0.5], [nan, 0.4, 0.5]]
    np.testing.assert_allclose(mean_replicates(observed, replicates), [0.7, 0.6, nan])
    np.testing.assert_allclose(mean_replicates(observed, replicates, weights=[3, 9, 1]), [0.8, 0.65, nan])


def test_a_replicate_in_which_a_ratio_is_zero_counts_as_zero() -> None:
    # Left out it would make the interval too narrow from below.
    assert mean_replicates([0.5, 0.2], [[0.0, 0.2], [0.4, 0.1]], log=True) == pytest.approx([0.0, 0.2])


def test_a_finding_of_weight_zero_does_not_count() -> None:
    assert float(average([0.0, 4.0], [0, 5], log=True)) == pytest.approx(4.0)
    assert isnan(float(average([0.5, 0.7], [0, 0])))
    by_replicate = average([[0.5, 0.7], [0.5, 0.7]], [[1, 3], [3, 1]])
    np.testing.assert_allclose(by_replicate, [0.65, 0.55])


@given(VALUES)
def test_means_lie_within_the_values_and_ignore_their_order(values: list[float]) -> None:
    for log in (False, True):
        mean = float(average(values, log=log))
        assert min(values) * (1 - 1e-9) <= mean <= max(values) * (1 + 1e-9)
        assert float(average(values[::-1], log=log)) == pytest.approx(mean)
        assert float(average(values, [7.0] * len(values), log=log)) == pytest.approx(mean)


@given(VALUES)
def test_the_mean_of_inverse_ratios_is_the_inverse_mean(values: list[float]) -> None:
    straight, inverse = average(values, log=True), average(1 / np.array(values), log=True)
    assert float(straight * inverse) == pytest.approx(1)


def test_pooled_counts_are_sums_over_findings() -> None:
    cells = np.arange(24).reshape(4, 2, 3)
    total = pooled(Counts(*cells))
    np.testing.assert_array_equal([total.tp, total.fp, total.fn, total.tn], cells.sum(axis=-1))
    part = pooled(Counts(*cells), over=[True, False, True])
    np.testing.assert_array_equal(part.tp, cells[0][:, [0, 2]].sum(axis=-1))
    # Pooled sensitivity is the mean of the sensitivities weighted by positives.
    counts = Counts(*(cells + 1)[:, 0])
    positives = np.asarray(counts.tp) + np.asarray(counts.fn)
    weighted = float(average(METRICS["sensitivity"](counts), positives))
    assert float(METRICS["sensitivity"](pooled(counts))) == pytest.approx(weighted)


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="weights must not be below zero"):
        average([0.1, 0.2], [1, -1])
    with pytest.raises(ValueError, match="one flag for each of 3 findings"):
        mean_over_findings([0.1, 0.2], findings=["a", "b", "c"])
