"""Boxes that the user supplies: what lies where on which image, such as the drains."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from overread.records import columns
from overread.records.errors import InputError, listed, quoted
from overread.records.findings import key
from overread.records.headers import roles
from overread.records.tables import read_table

BoxTable = pl.DataFrame
"""A table of boxes: image, x, y, width, height, and finding where they are of one."""

SIDES = ("x", "y", "width", "height")
EXPECTED = "the columns image, x, y, width, height, in pixels of the image file"


def read_box_table(path: str | Path) -> BoxTable:
    """Read a table with the columns image, x, y, width, height; an image may have several boxes.

    Raises `InputError` when a column is missing, a number is none, or a side is below 0.
    """
    table = read_table(path)
    by_key = {key(name): name for name in table.frame.columns}
    image = roles(table.frame.columns).get("image", "")
    lacking = [side for side in SIDES if side not in by_key] + ([] if image else ["image"])
    if lacking:
        what = f"there is no column {listed(lacking, most=5)} (there are {listed(table.frame.columns, most=8)})"
        raise InputError(table.name, what, EXPECTED)
    numbers = {side: columns.numbers(table.frame[by_key[side]], table.where, what=side, empty=False) for side in SIDES}
    for side in ("width", "height"):
        below = numbers[side] < 0
        if below.any():
            row = int(below.argmax())
            what = f"the {side} is {quoted(float(numbers[side][row]))}"
            raise InputError(table.where(by_key[side], row), what, "0 or more")
    names = columns.last_part(columns.text(table.frame[image]))
    if names.null_count():
        row = int(names.is_null().arg_true()[0])
        raise InputError(table.where(image, row), "the name of the image is empty", "the name of an image")
    return pl.DataFrame({"image": names} | numbers)
