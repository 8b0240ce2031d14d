"""Compressed tables: several members, a file cut short, one that is damaged, and one that unpacks without end."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import numpy as np
import pytest

from overread.records.formats.gzipped import STEP, parse, unpacked

Refused = Callable[..., str]
TABLE = b"image,Mass\na,0.1\nb,0.2\n"


def test_a_compressed_table_is_the_table() -> None:
    assert parse(gzip.compress(TABLE, mtime=0), "f.csv.gz").rows() == [("a", "0.1"), ("b", "0.2")]


def test_members_follow_each_other() -> None:
    both = gzip.compress(TABLE, mtime=0) + gzip.compress(b"c,0.3\n", mtime=0)
    assert len(parse(both, "f.csv.gz")) == 3


def test_more_than_one_step_is_unpacked_whole() -> None:
    data = np.random.default_rng(0).integers(0, 4, STEP * 2 + 5, np.uint8).tobytes()
    assert unpacked(gzip.compress(data, 1), "f.csv.gz") == data


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (TABLE, "it is not compressed"),
        (gzip.compress(TABLE, mtime=0)[:-12], "ends too early"),
        (gzip.compress(TABLE, mtime=0)[:5], "ends too early"),
        (gzip.compress(TABLE, mtime=0)[:-8] + b"12345678", "is damaged"),
        (b"\x1f\x8b" + b"nonsense" * 9, "is damaged"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
    ],
    ids=["not gzip", "cut short", "cut in its header", "wrong checksum", "nonsense", "nothing inside"],
)
def test_what_is_broken_is_refused(data: bytes, part: str, refused: Refused) -> None:
    assert part in refused(parse, data, "f.csv.gz")


def test_a_file_that_grows_beyond_measure_is_refused(refused: Refused) -> None:
    bomb = gzip.compress(bytes(50 << 20))
    assert len(bomb) < 100_000
    said = refused(unpacked, bomb, "f.csv.gz", largest=20 << 20)
    assert "unpacks to more than 20 MiB" in said
