"""The panel against counting by hand, and the trial on the Zech reading."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.panel import image_groups, panel


def by_metric(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    return {row["metric"]: row for row in panel(evaluation).iter_rows(named=True)}


def test_against_counting(evaluation: Evaluation) -> None:
    rows, labels, called = by_metric(evaluation), evaluation.labels, evaluation.called
    healthy, ill = labels.sum(axis=1) == 0, labels.sum(axis=1) > 0
    found = (called & (labels == 1)).sum(axis=1)
    every, none = found == labels.sum(axis=1), found == 0
    assert rows["any_false_call"]["value"] == pytest.approx(called[healthy].any(axis=1).mean())
    assert rows["false_calls_per_healthy_image"]["value"] == pytest.approx(called[healthy].sum(axis=1).mean())
    independent = 1 - np.prod(1 - called[healthy].mean(axis=0))
    assert rows["any_false_call_if_independent"]["value"] == pytest.approx(independent)
    assert rows["all_found"]["value"] == pytest.approx(every[ill].mean())
    assert rows["none_found"]["value"] == pytest.approx(none[ill].mean())
    assert rows["any_false_call"]["n_images"] == healthy.sum()
    assert rows["all_found"]["n_images"] == ill.sum()


def test_the_shares_of_ill_images_add_up_and_lie_in_their_intervals(evaluation: Evaluation) -> None:
    rows = by_metric(evaluation)
    assert sum(rows[m]["value"] for m in ("all_found", "some_found", "none_found")) == pytest.approx(1)
    for row in rows.values():
        assert row["low"] <= row["value"] <= row["high"]


def test_a_healthy_image_was_assessed_for_everything() -> None:
    assert image_groups(np.array([[0, 0], [0, -1], [1, -1]], np.int8)).tolist() == [0, -1, 1]


def without_threshold(evaluation: Evaluation, *columns: int) -> Evaluation:
    defined = evaluation.thresholds.defined.copy()
    defined[list(columns)] = False
    called = evaluation.called & defined
    return replace(evaluation, thresholds=Thresholdless(defined), called=called)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Thresholdless:
    """Thresholds as far as the panel asks for them."""

    defined: NDArray[np.bool_]


def test_without_a_threshold_nothing_is_said_to_be_called_on_no_image(evaluation: Evaluation) -> None:
    for row in by_metric(without_threshold(evaluation, 0, 1, 2)).values():
        assert row["value"] is None
        assert row["note"] == "no finding has a threshold"


def test_an_image_with_a_finding_without_threshold_is_not_healthy(evaluation: Evaluation) -> None:
    rows, labels = by_metric(without_threshold(evaluation, 1)), evaluation.labels
    assert rows["any_false_call"]["n_images"] == (labels.sum(axis=1) == 0).sum()
    assert rows["all_found"]["n_images"] == (labels[:, [0, 2]].sum(axis=1) > 0).sum()
    assert "over the 2 of 3 findings that have a threshold" in rows["any_false_call"]["note"]


def test_without_healthy_images_the_cell_is_empty_and_says_why(evaluation: Evaluation) -> None:
    labels = np.ones_like(evaluation.labels)
    rows = by_metric(replace(evaluation, labels=labels))
    assert rows["any_false_call"]["value"] is None
    assert "no image without any finding" in rows["any_false_call"]["note"]


def test_two_of_three_healthy_images_get_a_false_call_from_the_zech_reading(zech: Evaluation) -> None:
    # Issue 2: a trial gave 68 % at Youden's thresholds, where the mean specificity says 0.77.
    assert by_metric(zech)["any_false_call"]["value"] == pytest.approx(0.68, abs=0.01)
