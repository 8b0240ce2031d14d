"""Comma-separated values: text cells first; what a column means is decided where it is used.

The structure is checked before anything is parsed, so that a row cut short or a forgotten quotation mark is a
message with its row and not a silently missing label. NIH's tables have headers that split at their own comma
(`OriginalImage[Width,Height]`, `Bbox [x,y,w,h]`) and trailing empty columns; both are dealt with here.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.conversions import of_json, of_separator
from overread.records.errors import InputError, counted, listed, quoted

FIRST_ROW = 2
"""Row number of the first data row: the header is row 1."""

NEWLINE, COMMA, QUOTE = (ord(character) for character in '\n,"')
SIGNATURES = {
    b"PAR1": ("this is a Parquet file", "Give it a name that ends in .parquet."),
    b"\x1f\x8b": ("this is compressed with gzip", "Give it a name that ends in .csv.gz."),
    b"PK\x03\x04": ("this is an Excel workbook or another zip archive", "Save the table as CSV (UTF-8)."),
    b"\xd0\xcf\x11\xe0": ("this is an old Excel workbook", "Save the table as CSV (UTF-8)."),
    b"\xff\xfe": ("the text is encoded as UTF-16", "Save it as UTF-8."),
    b"\xfe\xff": ("the text is encoded as UTF-16", "Save it as UTF-8."),
}


def parse(data: bytes, path: str) -> pl.DataFrame:
    """Return the table in the bytes of a comma-separated file, every cell as text, an empty cell as null.

    Raises `InputError` when the text is not UTF-8, the file is empty, or rows and header do not fit together.
    """
    data = checked_text(data, path)
    ends, cells = records(data, path)
    names = header(data[: ends[0]], path)
    blank = np.diff(ends, prepend=-1) <= 1
    check_width(cells, blank, names, path)
    width = max(len(names), int(cells[1:].max(initial=0)))
    body = data[ends[0] + 1 :]
    top = ",".join(str(column) for column in range(width)).encode() + b"\n"
    try:
        frame = pl.read_csv(BytesIO(top + body), infer_schema=False, truncate_ragged_lines=True)
    except pl.exceptions.PolarsError:
        raise stray_quotes(path) from None
    if len(frame) != len(ends) - 1:
        raise stray_quotes(path)
    return trimmed(named(frame, names, path))


def stray_quotes(path: str) -> InputError:
    """Return the refusal of quotation marks that do not enclose a cell."""
    do = "Write quotation marks within a cell twice, and put the cell in quotation marks."
    return InputError(path, "quotation marks stand within a cell", "quotation marks around whole cells", do)


def checked_text(data: bytes, path: str) -> bytes:
    """Return the bytes as UTF-8 text that ends with a newline, without a byte order mark."""
    for signature, (what, do) in SIGNATURES.items():
        if data.startswith(signature):
            raise InputError(path, what, "comma-separated text", do)
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.lstrip()[:1] in (b"[", b"{"):
        raise InputError(path, "this is JSON, not a table", "comma-separated text", of_json(path))
    if not data.strip():
        raise InputError(path, "the file is empty", "a header row and a row per image")
    if b"\0" in data:
        raise InputError(path, "this is not text (it holds zero bytes)", "comma-separated text in UTF-8")
    try:
        data.decode()
    except UnicodeDecodeError as reason:
        row = data.count(b"\n", 0, reason.start) + 1
        what = f"the text is not UTF-8 (byte 0x{data[reason.start]:02x})"
        raise InputError(f"{path}, row {row:,}", what, "UTF-8", "Save the file as UTF-8.") from None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.rstrip(b" \t\n") + b"\n"


def records(data: bytes, path: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each row ends, and how many cells it has; commas and newlines in quotation marks are text."""
    text = np.frombuffer(data, np.uint8)
    newline, comma = text == NEWLINE, text == COMMA
    if b'"' in data:
        inside = np.bitwise_xor.accumulate((text == QUOTE).view(np.uint8)).view(bool)
        if inside[-1]:
            raise unclosed(np.flatnonzero(text == QUOTE), np.flatnonzero(newline), path)
        newline, comma = newline & ~inside, comma & ~inside
    ends = np.flatnonzero(newline)
    before = np.searchsorted(np.flatnonzero(comma), ends)
    return ends, np.diff(before, prepend=0) + 1


def unclosed(quotes: NDArray[np.int64], newlines: NDArray[np.int64], path: str) -> InputError:
    """Return the refusal of an odd number of quotation marks, with the first line that has one."""
    in_line = np.diff(np.searchsorted(quotes, newlines), prepend=0)
    row = int(np.argmax(in_line % 2 == 1)) + 1
    return InputError(f"{path}, row {row:,}", "a quotation mark is not closed", 'quotation marks (") in pairs')


def header(line: bytes, path: str) -> list[str]:
    """Return the names in the header row, trailing empty ones left out."""
    try:
        cells = next(csv.reader([line.decode()]), [])
    except csv.Error as reason:
        raise InputError(f"{path}, row 1", f"the header row cannot be read ({reason})", "names of columns") from None
    names = [" ".join(name.split()) for name in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise InputError(f"{path}, row 1", "the header row is empty", "the names of the columns")
    for separator, kind in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) == 1 and separator in cells[0]:
            raise InputError(path, f"the cells are separated by {kind}", "commas", of_separator(path, separator))
    return names


def check_width(cells: NDArray[np.int64], blank: NDArray[np.bool_], names: Sequence[str], path: str) -> None:
    """Refuse a row with fewer cells than the header has names: it was cut short, or a comma is missing."""
    if len(cells) == 1 or blank[1:].all():
        raise InputError(path, "the table has a header and no rows", "a row per image")
    short = (cells < len(names)) & ~blank
    if len(names) > 1 and short[1:].any():
        row = 1 + int(np.argmax(short[1:]))
        what = f"the row has {counted(int(cells[row]), 'cell')} where the header has {len(names)}"
        do = "Was the file cut short, or copied before it was complete?"
        raise InputError(f"{path}, row {row + 1:,}", what, "as many cells as names", do)


def named(frame: pl.DataFrame, names: list[str], path: str) -> pl.DataFrame:
    """Give the columns their names; a header that was quoted around its own comma stands for several columns."""
    while frame.width > len(names) and frame[:, -1].null_count() == len(frame):
        frame = frame[:, :-1]
    if frame.width > len(names):
        names = [part for name in names for part in (name.split(",") if "[" in name else [name])]
    if frame.width != len(names):
        extra = frame[:, len(names)] if frame.width > len(names) else frame[:, 0]
        row = int(extra.is_not_null().arg_max() or 0)
        what = f"the row has more cells than the header has names ({len(names)}); the first of them is "
        do = "Put a cell that contains a comma in quotation marks, and use a point as the decimal mark."
        where = f"{path}, row {row + FIRST_ROW:,}"
        raise InputError(where, what + quoted(extra[row]), "as many cells as names", do)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(
            path, f"more than one column is named {listed(twice)}", "each name once", "Rename or delete the others."
        )
    unnamed = iter(range(len(names)))
    return frame.rename(dict(zip(frame.columns, [name or f"Unnamed: {next(unnamed)}" for name in names], strict=True)))


def trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out empty rows at the end, which spreadsheets write."""
    if frame[-1].select(pl.all_horizontal(pl.all().is_null())).item():
        filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
        return frame[: int(filled[-1]) + 1] if len(filled) else frame[:0]
    return frame
