"""Parquet: a table that brings its own types."""

from __future__ import annotations

from io import BytesIO

import polars as pl

from overread.records.errors import InputError

FIRST_ROW = 0
"""A Parquet file has no header row; its rows are counted from 0, as a dataframe counts them."""


def parse(data: bytes, path: str) -> pl.DataFrame:
    """Return the table in the bytes of a Parquet file.

    Raises `InputError` when they are none.
    """
    if not data.startswith(b"PAR1"):
        raise InputError(path, "this is not a Parquet file", "one that begins with the letters PAR1", "Write it anew.")
    try:
        return pl.read_parquet(BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as reason:
        what = f"the Parquet file cannot be read ({' '.join(str(reason).split())[:200]})"
        raise InputError(path, what, "a complete file", "Write it anew, or copy it again.") from None
