"""Which rows a run scores: the split, its own tuning rows, and never as tested a row it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

pytest.importorskip("torch")
pytest.importorskip("cv2")

from overread.records.errors import InputError
from overread.vision.rows_to_score import missing_metadata, rows_to_score

Make = Callable[..., Any]
NIH = ["train"] * 6 + ["test"] * 4


def of_run(train: str, val: str) -> pl.DataFrame:
    """Return the split of a run: a digit for each image, whose patient is the one that `make_cohort` gives it."""
    rows = [(digit, "train") for digit in train] + [(digit, "val") for digit in val]
    return pl.DataFrame(
        {
            "image": [f"00{digit}.png" for digit, _ in rows],
            "patient": [f"p00{max(int(digit), 1)}" for digit, _ in rows],
            "split": [part for _, part in rows],
        }
    )


def test_a_split_comes_with_the_runs_tuning_rows(make_run: Make, make_cohort: Make) -> None:
    run, cohort = make_run(split=of_run("0123", "45")), make_cohort(10, split=NIH)
    found = rows_to_score(cohort, run)
    assert found.rows.tolist() == [4, 5, 6, 7, 8, 9]
    assert found.split.to_list() == ["val", "val", "test", "test", "test", "test"]
    assert found.warnings == ()
    without = rows_to_score(cohort, run, tuning_rows=False)
    assert without.rows.tolist() == [6, 7, 8, 9]
    assert without.split.to_list() == ["test"] * 4


@pytest.mark.parametrize(
    ("split", "rows", "parts"),
    [
        ("val", [4, 5], ["val", "val"]),
        ("train", [0, 1, 2, 3, 4, 5], ["train"] * 4 + ["val"] * 2),
        ("all", list(range(10)), ["train"] * 4 + ["val"] * 2 + ["test"] * 4),
    ],
)
def test_other_splits(split: str, rows: list[int], parts: list[str], make_run: Make, make_cohort: Make) -> None:
    run, cohort = make_run(split=of_run("0123", "45")), make_cohort(10, split=NIH)
    found = rows_to_score(cohort, run, split=split)
    assert (found.rows.tolist(), found.split.to_list()) == (rows, parts)


def test_a_training_row_that_the_run_did_not_use_says_nothing(make_run: Make, make_cohort: Make) -> None:
    found = rows_to_score(make_cohort(10, split=NIH), make_run(split=of_run("012", "5")), split="all")
    assert found.split.to_list() == ["train"] * 3 + [None, None, "val"] + ["test"] * 4


def test_rows_that_the_run_was_trained_on_are_named_and_said(make_run: Make, make_cohort: Make) -> None:
    run, cohort = make_run(split=of_run("01236", "457")), make_cohort(10, split=NIH)
    found = rows_to_score(cohort, run)
    assert found.rows.tolist() == [4, 5, 6, 7, 8, 9]
    assert found.split.to_list() == ["val", "val", "train", "test", "test", "test"], "a test row never tunes"
    assert "run was trained on 1 image of those asked for (006.png): named train" in found.warnings[0]


def test_patients_whom_the_run_was_trained_on_are_said(make_run: Make, make_cohort: Make) -> None:
    run, cohort = make_run(split=of_run("0", "5")), make_cohort(10, split=["train", "test", *["test"] * 8])
    found = rows_to_score(cohort, run)
    assert found.warnings[0].startswith("run was trained on other images of the patients of 1 image asked for")


def test_a_split_of_nothing_but_training_rows_is_refused(make_run: Make, make_cohort: Make) -> None:
    run = make_run(split=of_run("6789", "5"))
    with pytest.raises(InputError, match=r"trained on every image of its test split \(4 images\).*--split all"):
        rows_to_score(make_cohort(10, split=NIH), run)


def test_a_cohort_without_parts_is_all_test_but_for_what_the_run_saw(make_run: Make, make_cohort: Make) -> None:
    found = rows_to_score(make_cohort(10), make_run(split=of_run("01", "2")))
    assert found.split.to_list() == ["train", "train", "val", *["test"] * 7]


def test_a_cohort_that_the_run_has_never_seen_has_no_tuning_rows(make_run: Make, make_cohort: Make) -> None:
    found = rows_to_score(make_cohort(10), make_run())
    assert found.split.to_list() == ["test"] * 10
    assert "reports cross-fit the thresholds" in found.warnings[0]


def test_missing_metadata_are_counted_and_a_missing_column_is_refused(make_run: Make, make_cohort: Make) -> None:
    run = make_run()
    cohort = make_cohort(4, gender=["F", None, "M", "X"], view=["AP", "PA", "PA", "AP"])
    assert missing_metadata(run, cohort) == [
        "gender is not known on 2 of 4 images: the mean of the training rows stands in."
    ]
    from dataclasses import replace

    with pytest.raises(InputError, match="there is no column gender"):
        missing_metadata(run, replace(cohort, table=cohort.table.drop("gender")))
