"""Tables and files written whole or not at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import polars as pl

from overread.records.errors import InputError, located
from overread.records.tables import suffix


def write_table(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table as `.csv`, `.csv.gz` or `.parquet`, whole or not at all; the same table gives the same bytes.

    Raises `InputError` when the ending is another, or the folder cannot be written to.
    """
    buffer, ending = BytesIO(), suffix(path)
    if ending == ".parquet":
        frame.write_parquet(buffer)
    else:
        frame.write_csv(buffer)
    data = gzip.compress(buffer.getvalue(), mtime=0) if ending == ".csv.gz" else buffer.getvalue()
    replace_file(Path(path), data)


def write_rows(rows: Sequence[Mapping[str, str | float]], path: str | Path) -> None:
    """Write rows, each a mapping of the same columns, as `write_table` does."""
    write_table(pl.DataFrame(list(rows)), path)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside its place and then move it there, so that no reader ever finds half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as reason:
        what = f"it cannot be written ({reason.strerror})"
        raise InputError(located(path), what, "a folder that exists and may be written to") from None
    finally:
        with suppress(OSError):
            part.unlink()
