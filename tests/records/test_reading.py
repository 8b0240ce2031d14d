"""Readings: which columns are scores, what a score may be, and how a reading is written."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.records.reading import (
    Reading,
    read_reading,
    reading_from_arrays,
    reading_from_frame,
    write_reading,
)

Refused = Callable[..., str]
COLUMNS = {"image": ["a.png", "b.png"], "prob_Mass": [0.25, 0.75], "Pleural Thickening": [0.0, 1.0]}


def read(columns: dict[str, Any]) -> Reading:
    return reading_from_frame(columns, name="m")


def test_a_reading_has_its_parts() -> None:
    found = read(COLUMNS)
    assert found.name == "m"
    assert found.images.to_list() == ["a.png", "b.png"]
    assert found.findings == ("Mass", "Pleural Thickening")
    assert found.scores.tolist() == [[0.25, 0.0], [0.75, 1.0]]
    assert found.scores.dtype == np.float64
    assert found.warnings == ()


@pytest.mark.parametrize("frame", [pd.DataFrame(COLUMNS), pl.DataFrame(COLUMNS), COLUMNS])
def test_any_dataframe_is_the_same_reading(frame: Any) -> None:
    found = reading_from_frame(frame, name="m")
    assert found.findings == ("Mass", "Pleural Thickening")
    np.testing.assert_array_equal(found.scores, read(COLUMNS).scores)


def test_arrays_are_the_same_reading() -> None:
    scores = np.array([[0.25, 0.0], [0.75, 1.0]], np.float32)
    found = reading_from_arrays(scores, images=["x/a.png", "b.png"], findings=["Mass", "Hernia"], name="m")
    assert found.images.to_list() == ["a.png", "b.png"]
    np.testing.assert_array_equal(found.scores, scores)


@pytest.mark.parametrize("header", ["image", "Image Index", "IMAGE_INDEX", "filename", "path", "image-id"])
def test_the_column_of_images_has_many_names(header: str) -> None:
    assert read({header: ["x/a.png"], "Mass": [0.1]}).images.to_list() == ["a.png"]


@pytest.mark.parametrize(
    ("given_", "name"),
    [("scores.csv", "scores"), ("standard=scores.csv", "standard"), (" my model = scores.csv", "my model")],
)
def test_the_name_is_the_stem_unless_given(
    given_: str, name: str, write: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("scores.csv", "image,Mass\na,0.1\n")
    monkeypatch.chdir(tmp_path)
    found = read_reading(given_)
    assert found.name == name
    assert found.sources[0].path == "scores.csv"


def test_a_path_that_exists_may_hold_an_equals_sign(write: Callable, tmp_path: Path) -> None:
    assert read_reading(write("lr=0.1.csv", "image,Mass\na,0.1\n")).name == "lr=0.1"
    assert read_reading(str(write("lr=0.1/m.csv.gz", gzip.compress(b"image,Mass\na,0.1\n", mtime=0)))).name == "m"


@pytest.mark.parametrize(("given_", "part"), [("=m.csv", "lacks the name"), ("m=", "lacks the path")])
def test_half_a_name_is_refused(given_: str, part: str, refused: Refused) -> None:
    assert part in refused(read_reading, given_)


# --- scores ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        (["0.1", ""], ["row 3", "empty or NaN", "Every image needs a score"]),
        (["0.1", "nan"], ["row 3", "empty or NaN"]),
        (["inf", "0.1"], ["row 2", "the score is 'inf'"]),
        (["0.1", "high"], ["row 3", "the score is 'high'"]),
        (["0.1", "-0.2"] + ["0.5"] * 30, ["row 3", "the score is '-0.2'", "a number from 0 to 1"]),
        (["0.1", "1.0000001"] + ["0.5"] * 30, ["row 3", "the score is '1.0000001'"]),
    ],
)
def test_what_is_no_score_is_refused_at_its_row(
    column: list[str], parts: list[str], write: Callable, refused: Refused
) -> None:
    rows = [f"{row}.png,{cell}" for row, cell in enumerate(column)]
    said = refused(read_reading, write("m.csv", "\n".join(["image,prob_Mass", *rows])))
    for part in ["m.csv, column prob_Mass", *parts]:
        assert part in said, said
    assert "logits" not in said


def test_logits_are_recognised_and_the_line_that_converts_them_does(refused: Refused) -> None:
    logits = np.random.default_rng(0).normal(-2, 2, 50)
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(50)], "Mass": logits})
    said = refused(reading_from_frame, frame, name="m")
    assert "looks like logits" in said
    line = said.split("convert each column: ")[1]
    exec(line, {"df": frame, "c": "Mass", "numpy": np})
    np.testing.assert_allclose(reading_from_frame(frame, name="m").scores[:, 0], 1 / (1 + np.exp(-logits)))


def test_percentages_are_recognised(refused: Refused) -> None:
    assert "divide each column" in refused(read, {"image": list("abc"), "Mass": [3, 70, 0.5]})


@given(st.lists(st.floats(0, 1), min_size=1))
def test_every_number_from_zero_to_one_is_a_score(scores: list[float]) -> None:
    found = read({"image": [f"{row}.png" for row in range(len(scores))], "Mass": scores})
    assert found.scores[:, 0].tolist() == scores


# --- columns ---------------------------------------------------------------------------------------------------------


def test_columns_that_are_no_scores_are_named_and_left_out() -> None:
    further = {"Patient Age": [60, 61], "gender": ["M", "F"], "set": ["test", "test"], "note": ["x", "y"]}
    found = read(COLUMNS | further | {"No Finding": [0.1, 0.2], "n_views": [1, 2]})
    assert found.findings == ("Mass", "Pleural Thickening")
    assert found.warnings == (
        "m: the columns Patient Age, gender, set, note, No Finding and 1 more are not scores and are left out.",
    )


def test_why_a_column_of_an_unknown_name_is_no_score_is_kept_for_a_cohort_that_has_it() -> None:
    found = read(COLUMNS | {"Fracture": [-3.0, 2.0]})
    assert "column Fracture, row 0 (counted from 0): the score is -3.0" in str(found.refusals["fracture"])


def test_a_numbered_column_beside_scores_is_a_column_like_any_other() -> None:
    found = read({"image": ["a"], "prob_Mass": [0.1], "logit_0": [-3.0], "finding": ["x"], "score": [0.5]})
    assert found.findings == ("Mass", "score")
    assert found.warnings == ("m: the columns logit_0, finding are not scores and are left out.",)


def test_the_number_of_the_row_is_left_out_without_a_word() -> None:
    assert read({"Unnamed: 0": [0, 1]} | COLUMNS).warnings == ()


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"Mass": [0.1]}, ["no column has the names of the images", "reset_index()"]),
        ({"image": ["a"]}, ["there is no column of scores (the columns are image)", "prob_<Finding>"]),
        ({"image": ["a"], "note": ["x"]}, ["column note, row 0", "the score is 'x'"]),
        ({"image": ["a"], "age": [0.5]}, ["there is no column of scores"]),
        ({"image": ["a"], "Mass": [0.1], "prob_mass": [0.1]}, ["the columns Mass and prob_mass are the same finding"]),
        ({"image": ["a", "x/a"], "Mass": [0.1, 0.2]}, ["the image 'a' stands in row 0 (counted from 0) already"]),
        ({"image": ["a", None], "Mass": [0.1, 0.2]}, ["the image name is empty"]),
        ({"image": ["a"], "Mass": [[0.1]]}, ["the score is"]),
    ],
)
def test_what_is_no_reading_is_refused(columns: dict[str, Any], parts: list[str], refused: Refused) -> None:
    said = refused(read, columns)
    for part in parts:
        assert part in said, said


def test_rows_of_a_dataframe_are_counted_once(refused: Refused) -> None:
    said = refused(read, {"image": ["a", "x/a"], "Mass": [0.1, 0.2]})
    assert said.startswith("reading m, column image, row 1 (counted from 0): ")


def test_a_name_with_html_or_an_escape_is_shown_on_one_line(refused: Refused) -> None:
    refused(reading_from_frame, {"image": ["a"], "prob_<b>\x1b[31m": [7]}, name="<script>\n")


def test_shapes_that_do_not_fit_are_no_reading() -> None:
    with pytest.raises(ValueError, match=r"scores must have the shape \(1 images, 1 findings\), got \(2, 1\)"):
        Reading("m", pl.Series(["a"]), ("Mass",), np.zeros((2, 1)))


# --- the shared readings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["zech", "lr033"])
def test_the_shared_readings(name: str, shared: Path) -> None:
    path = shared / "predictions" / f"densenet121_{name}.csv.gz"
    found = read_reading(path)
    with gzip.open(path, "rt") as file:
        header, *rows = csv.reader(file)
    assert found.name == f"densenet121_{name}"
    assert found.warnings == ()
    assert found.images.to_list() == [row[0] for row in rows]
    assert [f"prob_{finding}" for finding in found.findings] == header[1:]
    np.testing.assert_array_equal(found.scores, [[float(cell) for cell in row[1:]] for row in rows])


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.csv", "m.csv.gz", "m.parquet"])
def test_what_is_written_is_read_again_and_always_the_same_bytes(name: str, tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random((20, 2))
    written = Reading("m", pl.Series([f"{row}.png" for row in range(20)]), ("Mass", "Pleural_Thickening"), scores)
    write_reading(written, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    write_reading(written, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    found = read_reading(tmp_path / name)
    assert found.findings == written.findings
    assert found.images.to_list() == written.images.to_list()
    np.testing.assert_array_equal(found.scores, scores)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_ending_or_a_folder_that_is_not_there_is_refused(tmp_path: Path, refused: Refused) -> None:
    found = read(COLUMNS)
    assert "'.txt' is not read" in refused(write_reading, found, tmp_path / "m.txt")
    assert "cannot be written" in refused(write_reading, found, tmp_path / "none" / "m.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(
    write: Callable, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("m.csv", "old")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "No space left on device" in refused(write_reading, read(COLUMNS), tmp_path / "m.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]
    assert (tmp_path / "m.csv").read_text() == "old"


def test_percent_signs_are_recognised_and_the_line_that_converts_them_does(refused: Refused) -> None:
    frame = pd.DataFrame({"image": ["a", "b"], "Mass": ["44.6%", "7 %"]})
    said = refused(reading_from_frame, frame, name="m")
    assert "the score is '44.6%', with a percent sign" in said
    frame["Mass"] = frame["Mass"].str.rstrip(" %").astype(float) / 100
    np.testing.assert_allclose(reading_from_frame(frame, name="m").scores[:, 0], [0.446, 0.07])
