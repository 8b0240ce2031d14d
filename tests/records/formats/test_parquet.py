"""Parquet files: read with their types, refused when they are none."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pandas as pd
import polars as pl
import pytest

from overread.records.formats.parquet import parse

Refused = Callable[..., str]


def test_types_are_kept() -> None:
    frame = pl.DataFrame({"image": ["a", "b"], "Mass": [0.1, 0.2], "ill": [True, None]})
    buffer = BytesIO()
    frame.write_parquet(buffer)
    assert parse(buffer.getvalue(), "f.parquet").equals(frame)


def test_a_file_that_pandas_wrote() -> None:
    buffer = BytesIO()
    pd.DataFrame({"image": ["a", "b"], "Mass": [0.1, 0.2]}, index=[5, 6]).to_parquet(buffer)
    assert parse(buffer.getvalue(), "f.parquet")["image"].to_list() == ["a", "b"]


@pytest.mark.parametrize("data", [b"", b"image,Mass\na,0.1\n", b"PAR1", b"PAR1 and then nothing of it PAR1"])
def test_what_is_none_is_refused(data: bytes, refused: Refused) -> None:
    assert refused(parse, data, "f.parquet").startswith("f.parquet: ")
