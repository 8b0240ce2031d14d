"""Two versions of a report's files held against each other: what differs, named so that a person finds it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from itertools import zip_longest
from math import isfinite
from typing import Any

from overread.records.errors import quoted
from overread.report.writer import RESULTS

Files = Mapping[str, bytes]


def differences(here: Files, anew: Files) -> Iterator[str]:
    """Yield a sentence for each file that differs: `here` lies in the folder, `anew` was computed."""
    for name in sorted(here.keys() | anew.keys(), key=lambda name: (name != RESULTS, name)):
        if name not in here:
            yield f"{name} is missing"
        elif name not in anew:
            yield f"{name} is not made any more"
        elif here[name] != anew[name]:
            yield from of_file(name, here[name], anew[name])


def of_file(name: str, here: bytes, anew: bytes) -> Iterator[str]:
    """Yield what differs between two contents of one file."""
    if name == RESULTS:
        yield from of_results(here, anew)
    elif name.endswith(".csv"):
        yield of_table(name, here, anew)
    else:
        lines = zip_longest(here.splitlines(), anew.splitlines())
        place = next((row for row, (a, b) in enumerate(lines, 1) if a != b), 1)
        yield f"{name} is not what the inputs give (the first difference is in line {place:,})"


def of_table(name: str, here: bytes, anew: bytes) -> str:
    """Say which cell of a table differs first, and how many do."""
    a, b = rows_of(here), rows_of(anew)
    if a is None or b is None or not a or not b or a[0] != b[0] or len(a) != len(b):
        found = f"{len(a) - 1:,}" if a else "unreadable"
        return f"{name} has other columns or rows than the inputs give ({found} rows here, {len(b or ['']) - 1:,} anew)"
    cells = [
        (row, column, one, other)
        for row, (left, right) in enumerate(zip(a, b, strict=True), 1)
        for column, (one, other) in enumerate(zip_longest(left, right, fillvalue=""))
        if one != other
    ]
    if not cells:
        return f"{name} is written otherwise than the inputs give, with the same cells"
    row, column, one, other = cells[0]
    title = a[0][column] if column < len(a[0]) else f"number {column + 1}"
    more = f"; {len(cells) - 1:,} other cells differ too" if len(cells) > 1 else ""
    said = f"{name}, row {row:,}, column {title}: {quoted(one)} here, {quoted(other)} from the inputs{more}"
    return said + apart([(one, other) for _, _, one, other in cells])


def apart(pairs: Sequence[tuple[str, str]]) -> str:
    """Say how far numbers lie apart, the furthest two, so that rounding shows as such; nothing where some are text.

    >>> apart([("0.3", "0.30000000000000004"), ("2.5", "2.5000000000000004")])
    '; all are numbers, at most 2e-16 of their value apart'
    """
    try:
        numbers = [(float(one), float(other)) for one, other in pairs]
    except ValueError:
        return ""
    most = max(abs(one - other) / max(abs(one), abs(other), 1e-300) for one, other in numbers)
    if not isfinite(most):
        return ""
    if len(pairs) == 1:
        return f"; two numbers, {most:.0e} of their value apart"
    return f"; all are numbers, at most {most:.0e} of their value apart"


def rows_of(data: bytes) -> list[list[str]] | None:
    """Return the cells of a table, None where it is not text."""
    try:
        return list(csv.reader(StringIO(data.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return None


def of_results(here: bytes, anew: bytes) -> Iterator[str]:
    """Yield the parts of the results that differ; versions and inputs are told apart elsewhere."""
    try:
        a = json.loads(here)
    except ValueError:
        yield f"{RESULTS} is not JSON any more"
        return
    b = json.loads(anew)
    parts = [name for name in (*b, *(name for name in a if name not in b)) if a.get(name) != b.get(name)]
    for name in parts:
        if name in ("versions", "inputs"):
            continue
        if isinstance(a.get(name), dict) and isinstance(b.get(name), dict):
            yield from (f"{RESULTS}, {name}: {key} {changed(a[name], b[name], key)}" for key in keys(a[name], b[name]))
        else:
            yield f"{RESULTS}: {name} {changed(a, b, name)}"
    if a == b:
        yield f"{RESULTS} is written otherwise than the inputs give, with the same content"


def keys(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ."""
    return [key for key in (*b, *(key for key in a if key not in b)) if a.get(key) != b.get(key)]


def changed(a: Mapping[str, Any], b: Mapping[str, Any], key: str) -> str:
    """Say how a value differs: both where they are short."""
    if key not in a or key not in b:
        return "is lacking" if key not in a else "is not there any more"
    if isinstance(a[key], list | dict) or isinstance(b[key], list | dict):
        return "differs from what the inputs give"
    return f"is {quoted(a[key])} here, {quoted(b[key])} from the inputs"
