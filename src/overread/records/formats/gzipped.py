"""Comma-separated values, compressed with gzip."""

from __future__ import annotations

import zlib

import polars as pl

from overread.records.errors import InputError
from overread.records.formats import comma_separated

FIRST_ROW = comma_separated.FIRST_ROW
LARGEST = 1 << 30
"""Bytes after unpacking. A few kilobytes can unpack to more than any memory holds."""
STEP = 16 << 20


def parse(data: bytes, path: str) -> pl.DataFrame:
    """Return the table in the bytes of a compressed file.

    Raises `InputError` when they are not gzip, end too early, or hold no table.
    """
    return comma_separated.parse(unpacked(data, path), path)


def unpacked(data: bytes, path: str, *, largest: int = LARGEST) -> bytes:
    """Return what gzip packed, all members of it, and refuse what grows beyond `largest` bytes.

    Raises `InputError` when the bytes are not gzip or end too early.
    """
    if not data.startswith(b"\x1f\x8b"):
        do = "Give the file a name that ends in .csv, or compress it."
        raise InputError(path, "its name ends in .gz, and it is not compressed", "gzip", do)
    parts: list[bytes] = []
    size, rest = 0, data
    while rest.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            part = step(member, rest, path)
            if not part and not member.unconsumed_tail and not member.eof:
                raise InputError(path, "the compressed file ends too early", "a complete one", "Copy it again.")
            parts.append(part)
            size, rest = size + len(part), member.unconsumed_tail
            if size > largest:
                what = f"it unpacks to more than {largest >> 20:,} MiB"
                raise InputError(path, what, "a table of scores or labels", "If it is one, write it as Parquet.")
        rest = member.unused_data
    return b"".join(parts)


def step(member: zlib._Decompress, data: bytes, path: str) -> bytes:
    """Unpack the next few megabytes."""
    try:
        return member.decompress(data, STEP)
    except zlib.error as reason:
        what = f"the compressed file is damaged ({reason})"
        raise InputError(path, what, "a complete gzip file", "Copy it again.") from None
