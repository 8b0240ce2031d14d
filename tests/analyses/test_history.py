"""Patients followed from exam to exam, and the reader that knows nothing but their past."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from overread.analyses.history import history, history_reading, why_no_history
from overread.records.cohort import Cohort, cohort_from_frame, read_cohort
from overread.records.errors import InputError


def made_up() -> Cohort:
    columns = {
        "image": ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png"],
        "patient": ["1", "2", "1", "1", "1", "1"],
        "follow_up": [3, 0, 0, 1, 1, None],
        "Mass": [0, 1, 0, 1, 0, 1],
        "Edema": [0, 1, 1, None, None, 0],
    }
    return cohort_from_frame(pl.DataFrame(columns), findings=["Mass", "Edema"])


def test_the_past_is_the_last_exam_of_the_same_patient_that_knew() -> None:
    past = history(made_up())
    # a: exam 3 of patient 1, after exam 1 (two images, one with a mass; edema not assessed) and exam 0 (edema)
    assert past.previous[0].tolist() == [1, 1]
    assert past.ever[0].tolist() == [True, True]
    # c: their first exam; d and e: one exam, which tells nothing of itself
    assert past.previous[2].tolist() == [-1, -1]
    assert past.previous[3].tolist() == past.previous[4].tolist() == [0, 1]
    assert past.ever[3].tolist() == past.ever[4].tolist() == [False, True]
    # b: another patient's first exam; f: nobody knows when
    assert past.previous[1].tolist() == past.previous[5].tolist() == [-1, -1]
    assert not past.ever[[1, 5]].any()


def test_it_is_what_a_walk_through_each_patient_gives() -> None:
    rng = np.random.default_rng(0)
    n = 300
    patient, number = rng.integers(0, 60, n), rng.integers(0, 8, n)
    labels = rng.choice([0, 1, -1], (n, 2))
    columns = {name: pl.Series(labels[:, place]).replace(-1, None) for place, name in enumerate(("Mass", "Edema"))}
    names = {"image": [f"{row}.png" for row in range(n)], "patient": patient.astype(str), "follow_up": number}
    past = history(cohort_from_frame(pl.DataFrame(names | columns), findings=["Mass", "Edema"]))
    for row in range(n):
        for finding in (0, 1):
            before = (patient == patient[row]) & (number < number[row]) & (labels[:, finding] >= 0)
            known = labels[before & (number == number[before].max(initial=-1)), finding]
            assert past.previous[row, finding] == known.max(initial=-1)
            assert past.ever[row, finding] == (labels[before, finding] == 1).any()


def test_the_reading_is_0_or_1_for_the_rows_asked_for() -> None:
    reading = history_reading(made_up(), np.array([0, 2]))
    assert reading.images.to_list() == ["a.png", "c.png"]
    assert reading.scores.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert len(history_reading(made_up()).images) == 6


@pytest.mark.parametrize("lacking", ["patient", "follow_up"])
def test_without_patients_or_their_exams_there_is_no_history(lacking: str) -> None:
    cohort = made_up()
    table = cohort.table.drop(lacking)
    without = Cohort(cohort.name, table, cohort.findings, cohort.labels)
    assert why_no_history(without)
    with pytest.raises(InputError):
        history(without)


def test_on_the_official_test_list_it_has_a_mean_auroc_of_0_65(shared: Path) -> None:
    cohort = read_cohort("chestxray14")
    rows = np.flatnonzero((cohort.split == "test").to_numpy())  # type: ignore[operator]
    reading = history_reading(cohort, rows)
    areas = [roc_auc_score(cohort.labels[rows, f], reading.scores[:, f]) for f in range(14)]
    assert np.mean(areas) == pytest.approx(0.650, abs=5e-4)
