"""Readings that say by a column `split` what each row was to them: tuning rows, rows trained on, contradictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from overread.records.cohort import Cohort, cohort_from_frame
from overread.records.reading import Reading, read_reading, reading_from_arrays, reading_from_frame, write_reading
from overread.records.study import Study, study

Refused = Callable[..., str]
IMAGES = [f"{letter}.png" for letter in "abcdefgh"]
NIH = ["test"] * 3 + ["train"] * 5


def cohort(split: list[str | None] | None = NIH, patients: str = "abcdefgh") -> Cohort:
    columns: dict[str, Any] = {"image": IMAGES, "patient": list(patients), "Mass": [0, 1] * 4}
    return cohort_from_frame(columns if split is None else columns | {"split": split}, name="truth")


def reading(split: str | None, name: str = "m", images: str = "abcdefgh") -> Reading:
    """Return a reading that scores some images; a letter each says what it calls them: test, val, train or nothing."""
    words = {"s": "test", "v": "val", "t": "train", ".": None}
    columns: dict[str, Any] = {
        "image": [f"{i}.png" for i in images],
        "Mass": [IMAGES.index(f"{i}.png") / 10 for i in images],
    }
    if split is not None:
        columns["split"] = pd.Series([words[letter] for letter in split], dtype=object)
    return reading_from_frame(pd.DataFrame(columns), name=name)


def names(found: Study, rows: np.ndarray) -> str:
    return "".join(found.cohort.images[int(row)][0] for row in rows)


# --- reading and writing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.csv", "m.csv.gz", "m.parquet"])
def test_the_parts_are_written_and_read_again(name: str, tmp_path: Path) -> None:
    given = reading("ssvvt.", images="abcdef")
    assert given.split is not None
    assert given.warnings == ()
    write_reading(given, tmp_path / name)
    found = read_reading(tmp_path / name)
    assert found.split is not None
    assert found.split.to_list() == ["test", "test", "val", "val", "train", None]
    assert found.findings == ("Mass",)
    np.testing.assert_array_equal(found.scores, given.scores)


def test_without_parts_nothing_of_them_is_written(tmp_path: Path) -> None:
    write_reading(reading(None, images="ab"), tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text() == "image,Mass\na.png,0.0\nb.png,0.1\n"


def test_arrays_may_have_parts_and_case_does_not_matter() -> None:
    arguments: dict[str, Any] = {"images": ["a", "b"], "findings": ["Mass"], "name": "m"}
    found = reading_from_arrays([[0.1], [0.2]], **arguments, split=["VAL", " test"])
    assert found.split is not None
    assert found.split.to_list() == ["val", "test"]
    assert reading_from_arrays([[0.1], [0.2]], **arguments, split=[None, None]).split is None


def test_a_part_of_another_name_is_refused_at_its_row(write: Callable, refused: Refused) -> None:
    said = refused(read_reading, write("m.csv", "image,Mass,split\na,0.1,test\nb,0.2,valid\n"))
    assert "m.csv, column split, row 3: the split is 'valid'. Expected train, val, test or nothing." in said


def test_parts_of_another_length_are_no_reading() -> None:
    with pytest.raises(ValueError, match="split must have 1 rows, got 2"):
        Reading("m", pl.Series(["a"]), ("Mass",), np.zeros((1, 1)), split=pl.Series(["val", "val"]))


# --- tuning rows -----------------------------------------------------------------------------------------------------


def test_rows_of_the_training_part_that_the_reading_calls_val_are_its_tuning_rows() -> None:
    found = study(cohort(), [reading("sssvv", images="abcde")])
    assert names(found, found.rows) == "abc"
    assert found.tuning is not None
    assert names(found, found.tuning.rows) == "de"
    assert found.tuning.scores["m"][:, 0].tolist() == [0.3, 0.4]
    assert found.tuning.labels[:, 0].tolist() == [1, 0]
    assert found.warnings == ()


def test_a_reading_that_says_nothing_of_a_row_is_taken_to_follow_the_cohort() -> None:
    split: list[str | None] = ["test", "test", "val", "val", "train", "train", "train", "train"]
    found = study(cohort(split), [reading("...svv", images="abcdef")])
    assert found.tuning is not None
    assert names(found, found.tuning.rows) == "cdef"


def test_a_row_that_the_cohort_calls_test_is_reported_and_never_tunes_and_that_is_said() -> None:
    found = study(cohort(), [reading("svsv", images="abcd")])
    assert names(found, found.rows) == "abc"
    assert found.tuning is not None
    assert names(found, found.tuning.rows) == "d"
    (said,) = found.warnings
    assert "m calls 1 image (b.png) val that the cohort calls test: reported" in said


def test_tuning_rows_of_patients_who_are_reported_are_left_out() -> None:
    found = study(cohort(patients="abcadefg"), [reading("sssvv", images="abcde")])
    assert found.tuning is not None
    assert names(found, found.tuning.rows) == "e"
    assert found.warnings[-1].startswith("On patients who are reported: 1 image of the val split")


def test_a_cohort_without_parts_takes_them_from_the_reading() -> None:
    found = study(cohort(None), [reading("ss.vvtt.")])
    assert names(found, found.rows) == "abch"
    assert found.tuning is not None
    assert names(found, found.tuning.rows) == "de"
    assert any("m was trained on 2 images (f.png, g.png) by its own word; left out" in said for said in found.warnings)
    assert any("m calls 2 images (d.png, e.png) its tuning rows (val); not reported" in said for said in found.warnings)


@pytest.mark.parametrize("split", ["all", "train"])
def test_no_row_tunes_when_it_may_be_reported(split: str) -> None:
    assert study(cohort(), [reading("sssvv", images="abcde")], split=split).tuning is None


# --- several readings ------------------------------------------------------------------------------------------------


def test_readings_with_the_same_tuning_rows_share_them() -> None:
    found = study(cohort(), [reading("sssvv", "one", "abcde"), reading("vvsss", "two", "edcba")])
    assert found.tuning is not None
    assert not found.tuning.own
    assert names(found, found.tuning.of("two").rows) == "de"
    assert found.tuning.scores["one"].tolist() == found.tuning.scores["two"].tolist()


def test_readings_with_different_tuning_rows_keep_their_own_and_that_is_said() -> None:
    found = study(cohort(patients="abcddffh"), [reading("sssvvv", "one", "abcdef"), reading("sssvv", "two", "abcfh")])
    assert found.tuning is not None
    assert names(found, found.tuning.rows) == "defh"
    one, two = found.tuning.of("one"), found.tuning.of("two")
    assert (names(found, one.rows), names(found, two.rows)) == ("def", "fh")
    assert one.scores["one"][:, 0].tolist() == [0.3, 0.4, 0.5]
    assert two.scores["two"][:, 0].tolist() == [0.5, 0.7]
    assert one.patients.tolist() == [0, 0, 1]
    assert two.patients.tolist() == [0, 1]
    assert two.labels[:, 0].tolist() == [1, 1]
    assert np.isnan(found.tuning.scores["two"][:2]).all(), "a score that does not exist is not made up"
    assert found.warnings[-1].startswith("Tuning rows differ between the readings (one 3 images, two 2 images)")


def test_a_reader_added_to_a_study_uses_all_tuning_rows() -> None:
    found = study(cohort(), [reading("sssv", "one", "abcd"), reading("sssv", "two", "abce")])
    assert found.tuning is not None
    assert found.tuning.of("blind") is found.tuning


def test_where_one_reading_has_no_tuning_rows_all_are_cross_fitted() -> None:
    found = study(cohort(), [reading("sssvv", "one", "abcde"), reading(None, "two")])
    assert found.tuning is None
    assert found.warnings[-1] == "Only one has tuning rows; thresholds are cross-fitted for every reading."


def test_where_one_reading_loses_its_tuning_rows_all_are_cross_fitted() -> None:
    found = study(cohort(patients="abcaefgh"), [reading("sssv", "one", "abcd"), reading("sssv", "two", "abce")])
    assert found.tuning is None
    assert found.warnings[-1] == "No image of the val split is left for one: thresholds are cross-fitted."


# --- rows that were trained on ---------------------------------------------------------------------------------------


def test_rows_that_a_reading_was_trained_on_are_reported_of_no_reading() -> None:
    found = study(cohort(), [reading("stsv", "one", "abcd"), reading(None, "two")])
    assert names(found, found.rows) == "ac"
    assert "one was trained on 1 image (b.png) of the test split by its own word; left out." in found.warnings


def test_other_images_of_patients_who_were_trained_on_are_said() -> None:
    found = study(cohort(patients="abcdafgh"), [reading("ssst", images="abce")])
    assert names(found, found.rows) == "abc"
    assert "m was trained on other images of the patients of 1 image (a.png) reported." in found.warnings


def test_rows_trained_on_are_said_where_all_are_reported() -> None:
    found = study(cohort(), [reading("sttv", images="abcd")], split="all")
    assert names(found, found.rows) == "abcd"
    assert "m was trained on 2 of the 4 images reported by its own word." in found.warnings


def test_a_row_of_the_val_split_that_was_trained_on_tunes_nothing() -> None:
    split: list[str | None] = ["test", "test", "val", "val", "train", "train", "train", "train"]
    found = study(cohort(split), [reading("sstv", images="abcd")])
    assert found.tuning is not None
    assert names(found, found.tuning.rows) == "d"
    assert "m was trained on 1 image (c.png) that the cohort calls val; not used for thresholds." in found.warnings
    assert names(found, study(cohort(split), [reading("sstv", images="abcd")], split="val").rows) == "d"


@pytest.mark.parametrize(("split", "words"), [(NIH, "tttv"), (None, "ttvv")])
def test_a_reading_that_has_seen_all_that_is_asked_for_is_refused(
    split: list[str | None] | None, words: str, refused: Refused
) -> None:
    said = refused(study, cohort(split), [reading(words, images="abcd")])
    assert said.startswith("m: it was trained or tuned, by its own column split, on every image of the test split")
    assert "--split all" in said
