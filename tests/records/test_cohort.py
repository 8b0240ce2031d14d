"""Cohorts from a word, a file or a dataframe."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from overread.records.cohort import MISSING, Cohort, cohort_from_arrays, cohort_from_frame, read_cohort

Refused = Callable[..., str]
COLUMNS = {
    "image": ["b.png", "a.png", "c.png", "d.png"],
    "patient": [1, 1, 2, 3],
    "split": ["train", "test", "test", "val"],
    "age": [60, 61, None, 12],
    "Mass": [0, 1, None, 1],
    "Edema": [1, 0, 0, 0],
}


def same(one: Cohort, other: Cohort) -> bool:
    return (
        one.findings == other.findings
        and one.table.equals(other.table)
        and np.array_equal(one.labels, other.labels)
        and one.warnings == other.warnings
    )


def test_a_cohort_has_its_parts() -> None:
    cohort = cohort_from_frame(pl.DataFrame(COLUMNS))
    assert cohort.n_images == 4
    assert cohort.images.to_list() == COLUMNS["image"]
    assert cohort.patients is not None
    assert cohort.patients.to_list() == ["1", "1", "2", "3"]
    assert cohort.split is not None
    assert cohort.split.to_list() == COLUMNS["split"]
    assert cohort.attributes == ("age",)
    assert cohort.labels.tolist() == [[0, 1], [1, 0], [MISSING, 0], [1, 0]]
    assert cohort.boxes is None
    assert cohort.sources == ()


def test_a_file_of_any_format_is_the_same_cohort(tmp_path: Path) -> None:
    frame = pl.DataFrame(COLUMNS)
    expected = cohort_from_frame(frame)
    frame.write_csv(tmp_path / "c.csv")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress((tmp_path / "c.csv").read_bytes()))
    frame.write_parquet(tmp_path / "c.parquet")
    for name in ("c.csv", "c.csv.gz", "c.parquet"):
        cohort = read_cohort(tmp_path / name)
        assert same(cohort, expected)
        assert cohort.name == "c"
        assert [source.path for source in cohort.sources] == [str(tmp_path / name)]


@pytest.mark.parametrize("frame", [pd.DataFrame(COLUMNS), pl.DataFrame(COLUMNS), COLUMNS])
def test_any_dataframe_is_the_same_cohort(frame: Any) -> None:
    assert same(cohort_from_frame(frame), cohort_from_frame(pl.DataFrame(COLUMNS)))


def test_arrays_are_the_same_cohort() -> None:
    attributes = {name: COLUMNS[name] for name in ("patient", "split", "age")}
    labels = np.array([COLUMNS["Mass"], COLUMNS["Edema"]], dtype=float).T
    cohort = cohort_from_arrays(labels, images=COLUMNS["image"], findings=["Mass", "Edema"], attributes=attributes)
    assert same(cohort, cohort_from_frame(pl.DataFrame(COLUMNS)))


def test_patients_on_both_sides_of_a_split_are_said() -> None:
    assert cohort_from_frame(COLUMNS).warnings == (
        "In both train and test: 1 patient (1), with 1 image of test. Figures on them may flatter.",
    )


def test_images_without_a_split_are_said() -> None:
    cohort = cohort_from_frame(COLUMNS | {"patient": list("wxyz"), "split": ["train", "test", "", None]})
    assert cohort.warnings == ("In no split: 2 of 4 images; reported only with --split all.",)


def test_a_cohort_without_patients_or_splits_is_allowed() -> None:
    cohort = cohort_from_frame({"image": ["a"], "Mass": [1]})
    assert cohort.patients is None
    assert cohort.split is None
    assert cohort.attributes == ()
    assert cohort.warnings == ()


def test_some_rows_of_a_cohort_are_a_cohort() -> None:
    cohort = cohort_from_frame(COLUMNS)
    part = cohort.take(np.array([2, 0]))
    assert part.images.to_list() == ["c.png", "b.png"]
    assert part.labels.tolist() == [[MISSING, 0], [0, 1]]
    assert part.findings == cohort.findings
    assert cohort.n_images == 4


def test_what_does_not_fit_together_is_no_cohort() -> None:
    table = pl.DataFrame({"image": ["a", "b"]})
    with pytest.raises(ValueError, match=r"labels must have the shape \(2 images, 1 findings\), got \(1, 1\)"):
        Cohort("c", table, ("Mass",), np.zeros((1, 1), np.int8))
    with pytest.raises(ValueError, match="first column of table must be image"):
        Cohort("c", table.rename({"image": "name"}), ("Mass",), np.zeros((2, 1), np.int8))


@pytest.mark.parametrize("name", ["chestxray15", "no/such/folder/"])
def test_what_is_not_there_is_refused_with_the_word_that_is_known(name: str, refused: Refused) -> None:
    said = refused(read_cohort, name)
    assert "there is no such file or folder" in said
    assert "chestxray14" in said


def test_the_word_wins_over_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chestxray14").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_cohort("chestxray14").n_images == 112_120


@pytest.mark.parametrize(
    "call", ["cohort_from_frame", "read_cohort"], ids=["a dataframe without a file", "a table in a file"]
)
def test_a_message_counts_rows_as_its_source_does(call: str, write: Callable, refused: Refused) -> None:
    if call == "cohort_from_frame":
        said = refused(cohort_from_frame, {"image": ["a", "b"], "Mass": [0, 7]})
        assert said.startswith("cohort, column Mass, row 1 (counted from 0): the label is 7")
    else:
        said = refused(read_cohort, write("c.csv", "image,Mass\na,0\nb,7\n"))
        assert "c.csv, column Mass, row 3: the label is '7'" in said
