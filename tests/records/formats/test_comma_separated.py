"""Comma-separated files: what is read, and every way in which one can be broken."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.records.errors import InputError
from overread.records.formats.comma_separated import parse

Refused = Callable[..., str]
PLAIN = pl.DataFrame({"image": ["a", "b"], "Mass": ["0.1", "0.2"]})


@pytest.mark.parametrize(
    "data",
    [
        b"image,Mass\na,0.1\nb,0.2\n",
        b"image,Mass\na,0.1\nb,0.2",
        b"image,Mass\r\na,0.1\r\nb,0.2\r\n",
        b"image,Mass\ra,0.1\rb,0.2\r",
        b"\xef\xbb\xbfimage,Mass\na,0.1\nb,0.2\n",
        b'"image","Mass"\n"a","0.1"\n"b","0.2"\n',
        b" image ,Mass  \na,0.1\nb,0.2\n\n\n",
        b"image,Mass,,\na,0.1,,\nb,0.2,,\n",
        b"image,Mass,,\na,0.1\nb,0.2\n",
        b"image,Mass\na,0.1,,\nb,0.2\n",
        b"image,Mass\r\na,0.1\r\nb,0.2\r\n,\r\n,\r\n\r\n",
    ],
    ids=[
        "plain",
        "no last newline",
        "CRLF",
        "CR",
        "byte order mark",
        "quoted",
        "spaces in the header",
        "trailing empty columns",
        "in the header alone",
        "in a row alone",
        "empty rows at the end",
    ],
)
def test_the_same_table_however_it_was_written(data: bytes) -> None:
    assert parse(data, "f.csv").equals(PLAIN)


def test_quoted_cells_may_hold_commas_newlines_and_quotation_marks() -> None:
    frame = parse(b'image,note\na,"one, two"\nb,"three\nfour"\nc,"five ""six"""\n', "f.csv")
    assert frame["note"].to_list() == ["one, two", "three\nfour", 'five "six"']


def test_an_empty_cell_is_null_and_a_column_without_a_name_gets_one() -> None:
    frame = parse(b",image,Mass\n0,a,\n1,b,0.2\n", "f.csv")
    assert frame.columns == ["Unnamed: 0", "image", "Mass"]
    assert frame["Mass"].to_list() == [None, "0.2"]


def test_a_header_quoted_around_its_own_comma_stands_for_its_columns() -> None:
    """NIH writes the header without quotation marks, a program that repairs it may add them."""
    split = parse(b"Image Index,OriginalImage[Width,Height]\na,2682,2749\n", "f.csv")
    quoted = parse(b'Image Index,"OriginalImage[Width,Height]"\na,2682,2749\n', "f.csv")
    assert split.columns == ["Image Index", "OriginalImage[Width", "Height]"]
    assert quoted.equals(split)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", ["f.csv: the file is empty"]),
        (b" \n\n", ["the file is empty"]),
        (b"image,Mass\n", ["a header and no rows"]),
        (b"image,Mass\n\n\n", ["a header and no rows"]),
        (b",,\na,b,c\n", ["row 1", "the header row is empty"]),
        (b"image,Mass\na,0.1\nb\n", ["row 3", "1 cell where the header has 2", "cut short"]),
        (b"image,Mass\na,0.1\nb,0.2,0.3\n", ["row 3", "more cells than the header", "'0.3'", "quotation marks"]),
        (b"image,Mass,Mass\na,1,2\n", ["more than one column is named Mass"]),
        ("image,Mass\na,0.1\né,0.2\n".encode("latin-1"), ["row 3", "not UTF-8 (byte 0xe9)", "Save the file as UTF-8"]),
        ("image,Mass\na,0.1\n".encode("utf-16"), ["UTF-16", "Save it as UTF-8"]),
        ("image,Mass\na,0.1\n".encode("utf-16-be"), ["not text"]),
        (b"\x89PNG\r\n\x1a\n\0\0", ["not text"]),
        (b"PK\x03\x04...", ["Excel workbook", "as CSV"]),
        (b"\xd0\xcf\x11\xe0...", ["old Excel workbook"]),
        (b"PAR1...", ["Parquet", ".parquet"]),
        (b"\x1f\x8b\x08...", ["gzip", ".csv.gz"]),
        (b"image;Mass\na;0,1\n", ["semicolons", 'pandas.read_csv("f.csv", sep=";", decimal=",")']),
        (b"image\tMass\na\t0.1\n", ["tabs", 'pandas.read_csv("f.csv", sep="\\t")']),
        (b'[{"image": "a"}]', ["JSON", "json.loads", "to_csv"]),
        (b' {"image": "a"}\n', ["JSON", "json.loads"]),
        (b'image,Mass\n"a,0.1\nb,0.2\n', ["row 2", "a quotation mark is not closed"]),
        (b'image,Mass\n"a",0.1\n"b,0.2\n"c",0.3\n', ["row 3", "a quotation mark is not closed"]),
        (b'image,Mass\n"a"b,0.1\nb,0.2\n', ["quotation marks stand within a cell"]),
    ],
)
def test_what_is_broken_is_refused_with_its_row(data: bytes, parts: list[str], refused: Refused) -> None:
    said = refused(parse, data, "f.csv")
    assert said.startswith("f.csv")
    for part in parts:
        assert part in said, said


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda text: text == text.strip())


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_reads_what_the_csv_module_writes(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("image", "note"), *rows])
    assert parse(file.getvalue().encode(), "f.csv").rows() == rows


def read_or_refused(data: bytes) -> bool:
    """Return whether a table was read; any other exception than a refusal that names the file fails the test."""
    try:
        return parse(data, "f.csv").width > 0
    except InputError as refusal:
        return str(refusal).startswith("f.csv")


@given(st.binary(max_size=200))
def test_never_ends_in_anything_but_a_table_or_a_refusal(data: bytes) -> None:
    assert read_or_refused(data)


@given(st.text(alphabet='a1,"\n\r;\t []{}', max_size=40))
def test_never_ends_otherwise_on_text_that_looks_like_a_table(text: str) -> None:
    assert read_or_refused(text.encode())
