"""Dataframes of pandas, Polars and PyArrow, mappings and arrays give the same table; nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from overread.records.frames import table_from_arrays, table_from_frame

Refused = Callable[..., str]
COLUMNS = {
    "image": ["a.png", "b.png", "c.png"],
    "patient": [7, 7, 8],
    "age": [60, None, 40],
    "Mass": [0.0, 1.0, None],
    "ill": [True, False, True],
}


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS).convert_dtypes(),
        pa.table(COLUMNS),
        COLUMNS,
        {name: np.array(cells, dtype=object) for name, cells in COLUMNS.items()},
        pl.DataFrame({name: np.array(cells, dtype=object) for name, cells in COLUMNS.items()}),
    ],
    ids=[
        "polars",
        "pandas",
        "pandas with its own missing values",
        "pyarrow",
        "dict of lists",
        "dict of arrays",
        "objects in polars",
    ],
)
def test_every_dataframe_gives_the_same_table(frame: Any) -> None:
    table = table_from_frame(frame, name="made up")
    assert table.frame.cast({"age": pl.Float64}).fill_nan(None).rows() == [
        ("a.png", 7, 60.0, 0.0, True),
        ("b.png", 7, None, 1.0, False),
        ("c.png", 8, 40.0, None, True),
    ]
    assert table.source is None
    assert table.where("age", 1) == "made up, column age, row 1 (counted from 0)"


def test_columns_of_mixed_kinds_become_text() -> None:
    frame = pd.DataFrame({"image": ["a", 3, None], "view": pd.Categorical(["AP", "PA", None])})
    assert table_from_frame(frame, name="f").frame.rows() == [("a", "AP"), ("3", "PA"), (None, None)]


def test_column_names_that_are_numbers_become_text() -> None:
    assert table_from_frame(pd.DataFrame({0: ["a"], 1: [2]}), name="f").frame.columns == ["0", "1"]


def test_the_index_of_pandas_does_not_matter() -> None:
    frame = pd.DataFrame({"image": ["a", "b"], "Mass": [0.1, 0.2]}, index=[5, 5])
    assert table_from_frame(frame, name="f").frame["Mass"].to_list() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ([[0.1, 0.2]], "this is not a table"),
        (np.zeros((2, 2)), "this is not a table"),
        ("scores.csv", "this is not a table"),
        (pl.DataFrame({"image": ["a"]}).lazy(), "this is not a table"),
        (pd.DataFrame([["a", "b"]], columns=["image", "image"]), "this is not a table"),
        ({"image": ["a", "b"], "Mass": [1]}, "do not make a table"),
        (pl.DataFrame({"image": []}), "has no rows"),
        (pd.DataFrame(), "has no rows"),
        ({}, "has no rows"),
    ],
    ids=["lists", "array", "path", "lazy", "one name twice", "uneven", "empty", "empty pandas", "empty dict"],
)
def test_anything_else_is_refused(frame: Any, part: str, refused: Refused) -> None:
    assert part in refused(table_from_frame, frame, name="f")


def test_arrays_have_their_names_beside_them(refused: Refused) -> None:
    table = table_from_arrays([[0.1, 0.2]], images=["a"], findings=["Mass", "Edema"], name="f", further={"age": [60]})
    assert table.frame.rows() == [("a", 0.1, 0.2, 60)]
    said = refused(table_from_arrays, np.zeros((2, 2)), images=["a"], findings=["Mass", "Edema"], name="f")
    assert "the array has the shape (2, 2). Expected (1 images, 2 findings)" in said
    said = refused(table_from_arrays, [[1, 2]], images=["a"], findings=["Mass", "Mass"], name="f")
    assert "more than one column is named Mass" in said
