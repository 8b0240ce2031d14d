"""The results as files for other programs: one JSON document and a CSV file per table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

MARKER, AUDIT_MARKER, REREAD_MARKER = "overread second reading", "overread audit", "overread reread"
HAND_OVER_MARKER = "overread hand-over"
MARKERS = MARKER, AUDIT_MARKER, REREAD_MARKER, HAND_OVER_MARKER
"""What the folders that overread writes say of themselves; only these are ever replaced."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def results_json(second: SecondReading, files: Iterable[str], call: Sequence[str] = ()) -> bytes:
    """Return everything as JSON: the tables as records, and what they were made from and with.

    Keys stand in a fixed order and there is no date, so that the same input gives the same bytes. What is not a finite
    number is null. `files` are the files of the folder, by which a later run knows what it may replace;
    `call` are the words of the command, by which the report can be made anew.
    """
    document = {
        "format": MARKER,
        "call": list(call),
        "readings": list(second.readings),
        "floor": second.floor,
        "cohort": second.study.cohort.name,
        "split": second.study.split,
        "n_images": second.study.n_images,
        "n_patients": second.study.n_patients if second.study.patients_known else None,
        "findings": list(second.study.findings),
        "seed": second.options.seed,
        "options": options(second),
        "versions": dict(second.versions),
        "inputs": [{"path": s.path, "sha256": s.sha256, "n_bytes": s.n_bytes} for s in second.study.sources],
        "answer": [{"title": each.title, "sentences": list(each.sentences)} for each in second.answer],
        "warnings": list(second.warnings),
        "methods": list(second.methods),
        "tables": {name: finite(table).to_dicts() for name, table in second.tables.items()},
        "files": sorted(files),
    }
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()


def options(second: SecondReading) -> dict[str, Any]:
    """Return the options that the numbers depend on; the number of threads is none of them."""
    chosen = {
        each.name: getattr(second.options, each.name) for each in fields(second.options) if each.name != "threads"
    }
    return {name: plain(value) for name, value in chosen.items()}


def plain(value: Any) -> Any:
    """Return an option as JSON can hold it.

    >>> plain({"Mass": 0.01}), plain((1, float("nan")))
    ({'Mass': 0.01}, [1, None])
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)


def results_csv(table: pl.DataFrame) -> bytes:
    """Return a table as CSV: UTF-8, numbers with all their digits, empty where there is no value.

    Names come from the input, and a spreadsheet runs text that begins with `=`, `+`, `-` or `@` as a formula. Such text
    gets an apostrophe before it; numbers are never touched, and `results.json` holds every name as it is.

    >>> results_csv(pl.DataFrame({"name": ["=1+1", "Mass"], "value": [-0.5, float("nan")]})).decode()
    "name,value\\n'=1+1,-0.5\\nMass,\\n"
    """
    text = [name for name, kind in table.schema.items() if kind == pl.String]
    guarded = [
        pl.when(pl.col(name).str.slice(0, 1).is_in(FORMULA)).then("'" + pl.col(name)).otherwise(name).alias(name)
        for name in text
    ]
    target = BytesIO()
    finite(table).with_columns(guarded).write_csv(target, line_terminator="\n")
    return target.getvalue()


def finite(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which what is not a finite number is empty."""
    floats = [name for name, kind in table.schema.items() if kind.is_float()]
    return table.with_columns(pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in floats)
