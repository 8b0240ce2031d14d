"""One column: numbers, truth values, ages and names of images, and the first cell that does not fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.records import columns
from overread.records.tables import Table

Refused = Callable[..., str]
where = Table("f.csv", pl.DataFrame(), first_row=2).where


def column(*cells: object) -> pl.Series:
    return pl.Series("c", cells, strict=False)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_read_from_text_to_the_last_digit(values: list[float]) -> None:
    read = columns.numbers(pl.Series("c", [repr(value) for value in values]), where, what="score", empty=False)
    assert read.tolist() == values


def test_empty_cells_are_nan_where_they_may_be() -> None:
    for cells in (["1", None, "nan"], ["1", "", "NA"], [1.0, None, float("nan")]):
        read = columns.numbers(column(*cells), where, what="score", empty=True)
        np.testing.assert_array_equal(read, [1, np.nan, np.nan])


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        (["1", "high"], "row 3: the score is 'high'"),
        (["1", "inf"], "row 3: the score is 'inf'"),
        (["1", "1e999"], "row 3: the score is '1e999'"),
        (["1", None], "row 3: the score is empty or NaN"),
        (["nan", "1"], "row 2: the score is empty or NaN"),
        ([1.0, float("inf")], "row 3: the score is inf"),
        ([1.0, float("nan")], "row 3: the score is empty or NaN"),
        (["0,5", "1"], "row 2: the score is '0,5'. Expected a number. Write a point as decimal mark."),
        ([[1.0], [2.0]], "row 2: the score is"),
    ],
)
def test_what_is_no_number_is_refused_at_its_row(cells: list[object], part: str, refused: Refused) -> None:
    said = refused(columns.numbers, column(*cells), where, what="score", empty=False)
    assert part in said
    assert said.startswith("f.csv, column c, row")


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "0", None],
        ["1.0", "0.0", ""],
        ["true", "False", "NA"],
        [" 1 ", "0", "nan"],
        [1, 0, None],
        [1.0, 0.0, float("nan")],
        [True, False, None],
    ],
)
def test_truth_is_one_zero_or_missing(cells: list[object]) -> None:
    assert columns.labels(column(*cells), where).tolist() == [1, 0, columns.MISSING]


@pytest.mark.parametrize("cell", ["2", "yes", "0.5", "-1", 2, -1, 0.5, float("inf")])
def test_any_other_truth_is_refused(cell: object, refused: Refused) -> None:
    said = refused(columns.labels, column(cell), where)
    assert said.startswith("f.csv, column c, row 2: the label is ")
    assert "Expected 0, 1 or empty." in said
    assert ("Uncertain" in said) == (str(cell) == "-1")


def test_ages_of_both_of_nihs_tables() -> None:
    """The table of 2017 writes 058Y, 011M, 007D; that of 2020 writes 58."""
    given_, years = ["058Y", "011M", "013M", "007D", "58", "57.9", None, "414Y"], [58, 0, 1, 0, 58, 57, None, 414]
    assert columns.ages(column(*given_), where).to_list() == years
    assert columns.ages(column(58, None, 0), where).to_list() == [58, None, 0]
    assert columns.ages(column(58.0, float("nan")), where).to_list() == [58, None]


@pytest.mark.parametrize("cell", ["old", "58 years", "Y", "1e300", "5-8"])
def test_what_is_no_age_is_refused(cell: str, refused: Refused) -> None:
    assert f"row 2: the age is '{cell}'. Expected years, or 058Y" in refused(columns.ages, column(cell), where)


def test_images_go_by_the_last_part_of_their_path() -> None:
    names = columns.image_names(column("images_01/a.png", "C:\\x\\b.png", " c.png "), where)
    assert names.to_list() == ["a.png", "b.png", "c.png"]
    assert columns.image_names(column(3, 4), where).to_list() == ["3", "4"]


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        (["a", ""], "row 3: the image name is empty"),
        (["a", None], "row 3: the image name is empty"),
        (["a", "x/"], "row 3: the path 'x/' names no file"),
        (["a", "b", "a"], "row 4: the image 'a' stands in row 2 already"),
        (["x/a", "y\\a"], "row 3: the image 'a' stands in row 2 already"),
    ],
)
def test_images_without_a_name_or_twice_are_refused(cells: list[str], part: str, refused: Refused) -> None:
    assert part in refused(columns.image_names, column(*cells), where)


def test_integers_that_pandas_turned_into_floats_are_integers_again() -> None:
    assert columns.text(column(1.0, 2.0, float("nan"))).to_list() == ["1", "2", None]
    assert columns.text(column(1.5, 2.0)).to_list() == ["1.5", "2.0"]
