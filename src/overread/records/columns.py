"""One column of a table, turned into what it stands for: numbers, truth values, ages, names of images.

Each function takes a column as it was read (text from a comma-separated file, typed from Parquet or a dataframe) and
`where`, which names a cell in a message, and raises `InputError` at the first cell that does not fit.
"""

from __future__ import annotations

import re
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.errors import InputError, quoted

MISSING = -1
"""The label of a finding that was not assessed on an image."""

EMPTY_WORDS = ("", "na", "n/a", "#n/a", "nan", "null", "none", "<na>")
"""How programs write an empty cell, in lower case."""

NEITHER = 2
"""Stands, within this file alone, for a cell that is neither 0, 1 nor empty."""

TRUTH_WORDS = {"0": 0, "0.0": 0, "0.": 0, "false": 0, "1": 1, "1.0": 1, "1.": 1, "true": 1}


class Where(Protocol):
    """Names a column or a cell of a table in a message."""

    def __call__(self, column: str | None = None, row: int | None = None) -> str:
        """Return the name."""
        ...


def text(column: pl.Series) -> pl.Series:
    """Return a column as text without space around it; an empty cell is null."""
    if not simple(column):
        return pl.Series(column.name, [None] * len(column), dtype=pl.String)
    if column.dtype.is_float() and whole(column):
        column = column.fill_nan(None).cast(pl.Int64)
    stripped = column.cast(pl.String).str.strip_chars()
    return stripped.set(stripped == "", None) if (stripped == "").any() else stripped


def simple(column: pl.Series) -> bool:
    """Return whether the cells of a column can be written as text: no lists, records, bytes or spans of time."""
    return not (column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary, pl.Duration))


def whole(column: pl.Series) -> bool:
    """Return whether a column of numbers holds whole ones only; integers with gaps become floats in pandas."""
    values = column.drop_nulls().drop_nans().to_numpy()
    return bool(np.isfinite(values).all() and (values == np.floor(values)).all() and (np.abs(values) < 2**53).all())


def as_numbers(column: pl.Series) -> pl.Series:
    """Return a column as numbers, null where a cell is empty or is not a number."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.cast(pl.Float64)
    if not simple(column) or column.dtype.is_temporal():
        return pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    return column.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)


def is_empty(column: pl.Series) -> pl.Series:
    """Return where a column has an empty cell, however the program that wrote it says so."""
    if column.dtype.is_float():
        return column.is_null() | column.is_nan()
    if column.dtype == pl.String:
        return column.is_null() | column.str.strip_chars().str.to_lowercase().is_in(EMPTY_WORDS)
    return column.is_null()


def numbers(column: pl.Series, where: Where, *, what: str, empty: bool, do: str = "") -> NDArray[np.float64]:
    """Return a column as finite numbers, NaN where a cell is empty and `empty` ones are allowed.

    Raises `InputError` at the first cell that is text, infinite, or empty where it may not be.
    """
    values = as_numbers(column)
    if not values.null_count() and values.is_finite().all():
        return values.to_numpy()
    lacking = is_empty(column)
    wrong = (values.is_null() & ~lacking) | values.is_infinite().fill_null(False)
    if not empty:
        wrong = wrong | lacking
    if wrong.any():
        row = int(wrong.arg_true()[0])
        said = f"the {what} is empty or NaN" if lacking[row] else f"the {what} is {quoted(column[row])}"
        comma = re.fullmatch(r"\s*\d+,\d+\s*", str(column[row]))
        raise InputError(where(column.name, row), said, "a number", "Write a point as decimal mark." if comma else do)
    return values.fill_null(np.nan).to_numpy()


def truth_values(column: pl.Series) -> tuple[NDArray[np.int8], pl.Series]:
    """Return a column as 1, 0 or `MISSING`, and where it holds something else (which is given as `MISSING`)."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        values = column.cast(pl.Float64).fill_nan(None)
        fits = values.is_null() | (values == 0) | (values == 1)
        labels = values.set(~fits.fill_null(True), None).fill_null(MISSING)
        return labels.cast(pl.Int8).to_numpy(), ~fits.fill_null(True)
    if not simple(column):
        return np.full(len(column), MISSING, np.int8), column.is_not_null()
    cells = column.cast(pl.String).fill_null("")
    kinds = cells.unique()  # few, as a rule: to look at each once is to look at a million cells in a moment
    words = kinds.str.strip_chars().str.to_lowercase()
    known = words.replace_strict(TRUTH_WORDS, default=NEITHER, return_dtype=pl.Int8)
    known = known.set(words.is_in(EMPTY_WORDS), MISSING)
    values = cells.replace_strict(kinds, known, return_dtype=pl.Int8)
    wrong = values == NEITHER
    return values.set(wrong, MISSING).to_numpy(), wrong


def labels(column: pl.Series, where: Where) -> NDArray[np.int8]:
    """Return a column of truth as 1, 0 or `MISSING`.

    Raises `InputError` at the first cell that is neither 0, 1 nor empty.
    """
    values, wrong = truth_values(column)
    if wrong.any():
        raise not_a_label(column, int(wrong.arg_true()[0]), where)
    return values


def not_a_label(column: pl.Series, row: int, where: Where) -> InputError:
    """Return the refusal of a cell that is neither 0, 1 nor empty."""
    do = "Uncertain labels (-1) are a choice of yours: make them 1, 0 or empty." if is_minus_one(column[row]) else ""
    return InputError(where(column.name, row), f"the label is {quoted(column[row])}", "0, 1 or empty", do)


def is_minus_one(value: object) -> bool:
    """Return whether a cell holds -1, the mark of uncertainty in CheXpert and MIMIC-CXR."""
    return str(value).strip() in ("-1", "-1.0")


def ages(column: pl.Series, where: Where) -> pl.Series:
    """Return ages in whole years. NIH's older table writes 058Y, 011M (months) and 007D (days).

    Raises `InputError` at the first cell that is no age.
    """
    given = text(column)
    parts = given.str.extract_groups(r"^([+-]?\d+(?:\.\d+)?)\s*([YyMmDd]?)$").struct.unnest()
    amount = parts[:, 0].cast(pl.Float64, strict=False)
    per_year = parts[:, 1].str.to_uppercase().replace_strict({"M": 12.0, "D": 365.25}, default=1.0)
    years = (amount / per_year).floor()
    wrong = (years.is_null() & ~is_empty(column)) | (years.abs() > 1e6).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise InputError(where(column.name, row), f"the age is {quoted(column[row])}", "years, or 058Y, 011M, 007D")
    return years.cast(pl.Int64)


def last_part(paths: pl.Series) -> pl.Series:
    r"""Return the last part of each path; `/` and `\` both separate.

    >>> last_part(pl.Series(["a/b.png", "c:\\d.png", "e.png"])).to_list()
    ['b.png', 'd.png', 'e.png']
    """
    if paths.str.contains(r"[/\\]").any():
        return paths.str.extract(r"([^/\\]*)$").str.strip_chars()
    return paths


def image_names(column: pl.Series, where: Where) -> pl.Series:
    r"""Return the last part of each path, by which images are matched; `/` and `\` both separate.

    Raises `InputError` when a name is empty or two are the same.
    """
    given = text(column)
    names = last_part(given).alias("image")
    lacking = names.is_null() | (names == "")
    if lacking.any():
        row = int(lacking.arg_true()[0])
        what = "the image name is empty" if not given[row] else f"the path {quoted(given[row])} names no file"
        raise InputError(where(column.name, row), what, "the name of the image", "Delete the row, or name its image.")
    if names.n_unique() < len(names):
        second = int((~names.is_first_distinct()).arg_true()[0])
        first = int((names == names[second]).arg_true()[0])
        earlier = where(column.name, first).rsplit(", ", 1)[-1]
        what = f"the image {quoted(names[second])} stands in {earlier} already"
        do = "Images are matched by the last part of their path; give each one row."
        if given[first] != given[second]:
            both = f"{quoted(given[first])} and {quoted(given[second])} end alike"
            do = f"Images are matched by the last part of their path, and {both}: give each a name of its own."
        raise InputError(where(column.name, second), what, "every image once", do)
    return names
