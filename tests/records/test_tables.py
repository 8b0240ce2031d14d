"""Files: found by their ending, recorded with their checksum, refused where they cannot be had."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from overread.records.tables import read_bytes, read_table, stem

Refused = Callable[..., str]
TABLE = b"image,Mass\na,0.1\n"


def as_parquet() -> bytes:
    buffer = BytesIO()
    pl.DataFrame({"image": ["a"], "Mass": ["0.1"]}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "first_row"),
    [
        ("m.csv", TABLE, 2),
        ("m.CSV", TABLE, 2),
        ("m.csv.gz", gzip.compress(TABLE, mtime=0), 2),
        ("m.parquet", as_parquet(), 0),
    ],
)
def test_every_format_gives_the_same_table(write: Callable, name: str, data: bytes, first_row: int) -> None:
    path = write(name, data)
    table = read_table(path)
    assert table.frame.rows() == [("a", "0.1")]
    assert table.first_row == first_row
    assert table.source is not None
    assert table.source.path == str(path)
    assert table.source.sha256 == hashlib.sha256(data).hexdigest()
    assert table.source.n_bytes == len(data)


def test_a_cell_is_pointed_at_by_file_column_and_row(write: Callable) -> None:
    table = read_table(write("m.csv", TABLE))
    assert table.where("Mass", 0).endswith("m.csv, column Mass, row 2")
    typed = read_table(write("m.parquet", as_parquet()))
    assert typed.where("Mass", 0).endswith("m.parquet, column Mass, row 0 (counted from 0)")


def test_what_is_not_there_is_refused(tmp_path: Path, refused: Refused) -> None:
    assert "there is no such file" in refused(read_table, tmp_path / "none.csv")


def test_a_folder_is_refused(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert "this is a folder" in refused(read_table, tmp_path / "folder.csv")
    assert "this is a folder" in refused(read_table, tmp_path)


def test_a_path_below_a_file_or_with_a_zero_byte_is_refused(write: Callable, refused: Refused) -> None:
    assert "cannot be read" in refused(read_table, write("m.csv", TABLE) / "m.csv")
    assert "cannot be read" in refused(read_table, "a\0b.csv")


def test_a_file_that_may_not_be_read_is_refused(
    write: Callable, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("m.csv", TABLE)

    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)  # who runs the tests as root may read everything
    assert "may not be read" in refused(read_bytes, path)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("m.tsv", ["'.tsv' is not read", ".csv, .csv.gz, .parquet", 'sep="\\t"']),
        ("m.xlsx", ["read_excel"]),
        ("m.txt", ["'.txt' is not read"]),
        ("m", ["the name has no ending"]),
        ("m.gz", ["'.gz' is not read"]),
    ],
)
def test_other_formats_are_refused_with_the_line_that_converts_them(
    name: str, parts: list[str], refused: Refused
) -> None:
    said = refused(read_table, name)
    for part in parts:
        assert part in said


def test_a_parquet_file_without_rows_is_refused(write: Callable, refused: Refused) -> None:
    buffer = BytesIO()
    pl.DataFrame({"image": []}, schema={"image": pl.String}).write_parquet(buffer)
    assert "has no rows" in refused(read_table, write("m.parquet", buffer.getvalue()))


def test_the_stem_keeps_points_that_are_no_format() -> None:
    assert stem(os.path.join("a.b", "model.v2.CSV.gz")) == "model.v2"
    assert stem("x.parquet") == "x"
