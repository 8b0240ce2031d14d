"""Tables that were never in a file: any dataframe that narwhals knows, or a mapping of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from overread.records.errors import InputError, listed
from overread.records.tables import Table


def table_from_frame(frame: Any, *, name: str) -> Table:
    """Return a dataframe (pandas, Polars, PyArrow and others) or a mapping of columns as a table.

    Raises `InputError` when it is none of these, or has no rows.
    """
    if isinstance(frame, Table):
        return frame
    polars = without_objects(frame) if isinstance(frame, pl.DataFrame) else from_mapping(frame, name)
    if not len(polars):
        raise InputError(name, "the table has no rows", "a row per image")
    return Table(name, polars)


def table_from_arrays(
    values: ArrayLike,
    *,
    images: Sequence[str],
    findings: Sequence[str],
    name: str,
    further: Mapping[str, Sequence[Any]] | None = None,
) -> Table:
    """Return an array (images, findings) and the names of its rows and columns as a table.

    Raises `InputError` when the shapes do not agree, or two columns share a name.
    """
    array = np.asarray(values)
    if array.shape != (len(images), len(findings)):
        what = f"the array has the shape {array.shape}"
        raise InputError(name, what, f"({len(images)} images, {len(findings)} findings)")
    names = ["image", *findings, *(further or {})]
    if len(set(names)) < len(names):
        twice = sorted({column for column in names if names.count(column) > 1})
        raise InputError(
            name, f"more than one column is named {listed(twice)}", "each name once", "Rename or delete the others."
        )
    columns = dict(zip(findings, array.T, strict=True))
    return table_from_frame({"image": images} | columns | dict(further or {}), name=name)


def from_mapping(frame: Any, name: str) -> pl.DataFrame:
    """Return a mapping of columns, or a dataframe that is not of Polars, as one of Polars."""
    if not isinstance(frame, Mapping):
        return from_any(frame, name)
    try:
        columns = {str(column): np.asarray(values).tolist() for column, values in frame.items()}
        return pl.DataFrame(columns, strict=False)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as reason:
        what = f"the columns do not make a table ({' '.join(str(reason).split())[:200]})"
        raise InputError(name, what, "columns of one length") from None


def from_any(frame: Any, name: str) -> pl.DataFrame:
    """Return any dataframe as one of Polars, without the help of PyArrow."""
    try:
        native = nw.from_native(frame, eager_only=True)
        return pl.DataFrame([series(str(column.name), column) for column in native.iter_columns()])
    except (TypeError, ValueError, nw.exceptions.NarwhalsError, pl.exceptions.PolarsError) as reason:
        what = f"this is not a table ({' '.join(str(reason).split())[:200]})"
        raise InputError(name, what, "a dataframe of pandas, Polars or PyArrow, or a dict of columns") from None


def series(name: str, values: nw.Series[Any]) -> pl.Series:
    """Return a column as one of Polars: numbers at once, all else value by value."""
    if values.dtype.is_numeric() and not values.is_null().any():
        return pl.Series(name, values.to_numpy())
    empty = values.is_null().to_list()
    return from_cells(name, [None if lacks else cell for cell, lacks in zip(values.to_list(), empty, strict=True)])


def from_cells(name: str, cells: list[Any]) -> pl.Series:
    """Return a column of Python values; of mixed kinds, as text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if len(kinds) > 1 and not kinds <= {int, float, bool}:
        cells = [None if cell is None else str(cell) for cell in cells]
    return pl.Series(name, cells, strict=False)


def without_objects(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which columns of Python objects have a type of their own."""
    objects = [name for name, dtype in frame.schema.items() if dtype == pl.Object]
    return frame.with_columns([from_cells(name, frame[name].to_list()) for name in objects])
