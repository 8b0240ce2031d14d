"""The smooth calibration curve of readings: rows for every finding, none without a curve, none unless thorough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from overread.analyses.evaluation import Evaluation
from overread.analyses.smooth_calibration import CURVE, DISTANCE, places, smooth_calibrations
from overread.records.cohort import MISSING
from overread.stats.smooth_calibration import smooth_calibration


def test_every_finding_has_its_curve_and_its_distances(evaluation: Evaluation) -> None:
    tables = smooth_calibrations([evaluation])
    assert dict(tables["calibration_curve"].schema) == CURVE
    assert dict(tables["calibration_distance"].schema) == DISTANCE
    for column, finding in enumerate(evaluation.findings):
        rows = evaluation.labels[:, column] != MISSING
        scores = evaluation.scores[rows, column]
        found = smooth_calibration(
            evaluation.labels[rows, column], scores, evaluation.patients[rows], at=places(scores)
        )
        curve = tables["calibration_curve"].filter(finding=finding)
        distance = tables["calibration_distance"].filter(finding=finding).row(0, named=True)
        assert distance["note"] == found.note
        assert len(curve) == (0 if found.note else len(found.at))
        if not found.note:
            np.testing.assert_allclose(curve["rate"], found.rate)
            assert distance["ici"] == found.ici
            assert curve["score"].is_sorted()


def test_a_finding_without_a_positive_image_has_a_note_and_no_curve(evaluation: Evaluation) -> None:
    labels = evaluation.labels.copy()
    labels[:, 0] = 0
    tables = smooth_calibrations([replace(evaluation, labels=labels)])
    finding = evaluation.findings[0]
    assert tables["calibration_curve"].filter(finding=finding).is_empty()
    row = tables["calibration_distance"].filter(finding=finding).row(0, named=True)
    assert row["ici"] is None
    assert "no positive" in row["note"]


def test_no_image_has_no_place() -> None:
    assert len(places(np.empty(0))) == 0
