"""Table 3 against scikit-learn's log loss, NumPy's line, and the paper's counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss

from overread.analyses.evaluation import Evaluation
from overread.analyses.label_count import image_losses, label_count
from overread.records.cohort import read_cohort


def test_the_loss_of_an_image_is_scikit_learns_log_loss(evaluation: Evaluation) -> None:
    losses = image_losses(evaluation.labels, evaluation.scores)
    for row in range(0, len(losses), 17):
        expected = log_loss(evaluation.labels[row], evaluation.scores[row], labels=[0, 1])
        assert losses[row, 0] == pytest.approx(expected, abs=1e-12)


def test_a_certain_and_wrong_score_costs_a_hundred_as_in_pytorch() -> None:
    labels, scores = np.array([[1, 0]], np.int8), np.array([[0.0, 1.0]])
    assert image_losses(labels, scores).tolist() == [[100.0, 100.0, 100.0]]


def test_a_finding_that_was_not_assessed_takes_no_part() -> None:
    labels, scores = np.array([[1, -1]], np.int8), np.array([[0.5, 0.9]])
    total, present, absent = image_losses(labels, scores)[0]
    assert total == present == pytest.approx(np.log(2))
    assert np.isnan(absent)


def test_means_by_number_of_labels_and_their_line(evaluation: Evaluation) -> None:
    result = label_count(evaluation)
    losses, n_labels = image_losses(evaluation.labels, evaluation.scores), evaluation.labels.sum(axis=1)
    for row in result.table.iter_rows(named=True):
        members = n_labels == row["n_labels"]
        assert row["n_images"] == members.sum()
        assert row["mean_loss"] == pytest.approx(losses[members, 0].mean())
        assert row["low"] < row["mean_loss"] < row["high"]
    slope, intercept = np.polyfit(n_labels, losses[:, 0], 1)
    fit = result.fit.row(0, named=True)
    assert (fit["slope"], fit["intercept"]) == pytest.approx((slope, intercept))
    assert fit["low"] < slope < fit["high"]


def test_present_and_absent_findings_add_up_to_the_whole(evaluation: Evaluation) -> None:
    for row in label_count(evaluation).table.iter_rows(named=True):
        k, n = row["n_labels"], len(evaluation.findings)
        parts = (row["loss_present"] or 0) * k + (row["loss_absent"] or 0) * (n - k)
        assert parts / n == pytest.approx(row["mean_loss"])


def test_the_papers_table_3_has_the_counts_of_the_official_test_list() -> None:
    cohort = read_cohort("chestxray14")
    test = (cohort.split == "test").to_numpy()
    counts = np.bincount((cohort.labels[test] == 1).sum(axis=1))
    # Valsson and Arandjelović, Table 3.
    assert counts.tolist() == [9861, 7992, 5021, 1958, 572, 152, 31, 8, 1]


def test_the_zech_reading_pays_about_two_nats_for_a_present_finding(zech: Evaluation) -> None:
    table = label_count(zech).table
    one = table.filter(table["n_labels"] == 1).row(0, named=True)
    assert 1.5 < one["loss_present"] < 3
    assert one["loss_absent"] < 0.2


def test_the_shared_table_agrees_with_the_one_inside(shared: Path) -> None:
    assert read_cohort(str(shared / "chestxray14")).n_images == read_cohort("chestxray14").n_images
