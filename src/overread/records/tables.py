"""Tables as they are read from a file: text or typed cells, where they came from, and how a cell is pointed at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from overread.records import conversions
from overread.records.errors import InputError, located, plain, quoted
from overread.records.formats import comma_separated, gzipped, parquet


@dataclass(frozen=True)
class Source:
    """A file that was read: its path as it was given, its checksum and its size."""

    path: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True, eq=False)
class Table:
    """A table, a row per image. Cells of a comma-separated file are text, an empty one is null.

    `first_row` is the number that a message gives the first row: 2 in a file with a header row, 0 in a dataframe.
    `source` is `None` for a table that was never in a file.
    """

    name: str
    frame: pl.DataFrame
    first_row: int = 0
    source: Source | None = None

    def where(self, column: str | None = None, row: int | None = None) -> str:
        """Return how a message names this table, a column of it, or a cell; rows are counted from 0 here."""
        parts = [self.name]
        if column is not None:
            parts.append(f"column {plain(column)}")
        if row is not None:
            counted_from = "" if self.first_row else " (counted from 0)"
            parts.append(f"row {row + self.first_row:,}{counted_from}")
        return ", ".join(parts)


Parser = Callable[[bytes, str], pl.DataFrame]

FORMATS: dict[str, tuple[Parser, int]] = {  # a new format is one new file in formats/ and one line here
    ".csv": (comma_separated.parse, comma_separated.FIRST_ROW),
    ".csv.gz": (gzipped.parse, gzipped.FIRST_ROW),
    ".parquet": (parquet.parse, parquet.FIRST_ROW),
}


def read_table(path: str | Path) -> Table:
    """Read a table from a `.csv`, `.csv.gz` or `.parquet` file.

    Raises `InputError` when the file is missing, cannot be opened, or does not hold a table.
    """
    parse, first_row = FORMATS[suffix(path)]
    data = read_bytes(path)
    frame = parse(data, located(path))
    if not len(frame):
        raise InputError(located(path), "the table has no rows", "a row per image")
    return Table(located(path), frame, first_row, source(path, data))


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file, or say why it cannot be had."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(located(path), "there is no such file", "", "Check the path.") from None
    except IsADirectoryError:
        raise InputError(located(path), "this is a folder", "a file", "Name the table in it.") from None
    except PermissionError:
        raise InputError(located(path), "the file may not be read", "", "Ask for the right to read it.") from None
    except (OSError, ValueError) as reason:
        raise InputError(located(path), f"the file cannot be read ({reason})") from None


def source(path: str | Path, data: bytes) -> Source:
    """Return the record of a file that was read."""
    return Source(str(path), hashlib.sha256(data).hexdigest(), len(data))


def suffix(path: str | Path) -> str:
    """Return the ending of a path that says its format, in lower case.

    Raises `InputError` when it is none that can be read, with the line that converts it where one is known.

    >>> suffix("scores/model.v2.CSV.gz")
    '.csv.gz'
    """
    name = Path(path).name.lower()
    for ending in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(ending):
            return ending
    if Path(path).is_dir():
        raise InputError(located(path), "this is a folder", "a file", "Name the table in it.")
    what = f"the format {quoted(Path(name).suffix)} is not read" if Path(name).suffix else "the name has no ending"
    raise InputError(located(path), what, f"a table that ends in {', '.join(FORMATS)}", conversions.of_file(path))


def stem(path: str | Path) -> str:
    """Return the name of a file without its folder and its format.

    >>> stem("scores/model.v2.csv.gz")
    'model.v2'
    """
    name = Path(path).name
    return name[: -len(suffix(path))] or name
