"""A reading: all answers of one reader, a model or a person, as one score in [0, 1] per image and finding."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from overread.records import columns
from overread.records.cohort_table import split_of
from overread.records.conversions import of_columns
from overread.records.errors import InputError, listed, plain, quoted
from overread.records.findings import key
from overread.records.frames import table_from_arrays, table_from_frame
from overread.records.headers import nih_name, numbers_rows, roles, says_no_finding, without_images
from overread.records.tables import Source, Table, read_table, stem
from overread.records.writing import write_table

PREFIX = "prob "
"""How the name of a score column may begin, as `key` returns it."""

SCORES = "Every image needs a score for every finding: leave the image or the finding out where there is none."


@dataclass(frozen=True, eq=False)
class Reading:
    """The scores of one reader: `scores` is (images, findings), each in [0, 1].

    Findings are named as in the table, without `prob_`; `study` matches them to a cohort's. `warnings` are sentences
    for the reader of a report. `refusals` says, by the key of a column's name, why a column of a name that means
    nothing here cannot be scores: raised when a cohort has a finding of that name.

    `split`, where the reading has one, says what each row was to the reader: `train`, `val` (tuning rows: the reader
    was chosen on them, or kept them for that), `test`, or null where it does not say. A model that cut its validation
    part out of a cohort's training rows says so here, since the cohort does not know.
    """

    name: str
    images: pl.Series
    findings: tuple[str, ...]
    scores: NDArray[np.float64]
    sources: tuple[Source, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: Mapping[str, InputError] = field(default_factory=dict)
    split: pl.Series | None = None

    @property
    def only_calls(self) -> bool:
        """Whether every score is 0 or 1: a person's calls, or a model's after a threshold that somebody chose."""
        return bool(np.isin(self.scores, (0.0, 1.0)).all())

    def __post_init__(self) -> None:
        if self.split is not None and len(self.split) != len(self.images):
            raise ValueError(f"split must have {len(self.images)} rows, got {len(self.split)}")
        if self.scores.shape != (len(self.images), len(self.findings)):
            expected = f"({len(self.images)} images, {len(self.findings)} findings)"
            raise ValueError(f"scores must have the shape {expected}, got {self.scores.shape}")


def read_reading(source: str | Path) -> Reading:
    """Read a reading from `PATH` or `NAME=PATH`; its name is the file's stem unless given.

    Raises `InputError` when the table cannot be read, an image stands twice, or a score is not a number in [0, 1].
    """
    name, path = named_path(str(source))
    table = read_table(path)
    return reading(table, name=stem(path) if name is None else name)


def named_path(source: str) -> tuple[str | None, str]:
    """Return the name and the path of a reading; a path that exists as it is written has no name in it.

    >>> named_path("standard=scores/a.csv"), named_path("scores/a.csv")
    (('standard', 'scores/a.csv'), (None, 'scores/a.csv'))
    """
    name, equals, path = source.partition("=")
    if not equals or "/" in name or os.path.exists(source):
        return None, source
    if not name.strip() or not path.strip():
        what = f"{quoted(source)} lacks the {'path' if name.strip() else 'name'}"
        raise InputError("reading", what, "PATH or NAME=PATH")
    return name.strip(), path.strip()


def reading_from_frame(frame: Any, *, name: str) -> Reading:
    """Return the reading in a dataframe of any kind, or a mapping of columns, by the rules of a table in a file.

    Raises `InputError` as `read_reading` does.

    >>> reading_from_frame({"image": ["1.png", "2.png"], "prob_Mass": [0.1, 0.8]}, name="model").findings
    ('Mass',)
    """
    return reading(table_from_frame(frame, name=f"reading {plain(name)}"), name=name)


def reading_from_arrays(
    scores: ArrayLike,
    *,
    images: Sequence[str],
    findings: Sequence[str],
    name: str,
    split: Sequence[str | None] | None = None,
) -> Reading:
    """Return the reading in an array of scores (images, findings).

    `split` says what each image was to the reader: `train`, `val`, `test`, or None.

    Raises `InputError` as `read_reading` does, and when the shapes do not agree.

    >>> reading_from_arrays([[0.1], [0.8]], images=["1.png", "2.png"], findings=["Mass"], name="model").scores.shape
    (2, 1)
    """
    where, further = f"reading {plain(name)}", None if split is None else {"split": split}
    table = table_from_arrays(scores, images=images, findings=findings, name=where, further=further)
    return reading(table, name=name)


def reading(table: Table, *, name: str) -> Reading:
    """Return the reading in a table."""
    role = roles(table.frame.columns)
    if "image" not in role or other_shape(table, role) is not None:
        raise not_a_reading(table, role)
    images = columns.image_names(table.frame[role["image"]], table.where)
    findings, scores, refusals = score_columns(table, role)
    if not findings:
        raise next(iter(refusals.values()), not_a_reading(table, role))
    return Reading(
        name=name,
        images=images,
        findings=tuple(finding_name(column) for column in findings),
        scores=scores,
        sources=() if table.source is None else (table.source,),
        warnings=ignored(table, name, role, findings),
        refusals=refusals,
        split=split_of(table, role),
    )


def finding_name(column: str) -> str:
    """Return the name of the finding that a score column is of.

    >>> finding_name("prob_Pleural_Thickening"), finding_name("Prob Mass"), finding_name("Probing")
    ('Pleural_Thickening', 'Mass', 'Probing')
    """
    return re.sub(r"^\s*prob[\s_\-]+", "", column, flags=re.IGNORECASE)


def score_columns(
    table: Table, role: Mapping[str, str]
) -> tuple[list[str], NDArray[np.float64], dict[str, InputError]]:
    """Return the columns of scores, the scores, and why other columns of unknown names are none.

    A column that says it is a score (`prob_...`, or a finding of NIH's) must hold scores; a column of any other name
    is one when all of it lies in [0, 1].
    """
    found: dict[str, str] = {}
    scores, refusals = [], {}
    for column in table.frame.columns:
        if column in role.values() or numbers_rows(column) or says_no_finding(finding_name(column)):
            continue
        certain = key(column).startswith(PREFIX) or nih_name(column) is not None
        try:
            values = scores_of(table, column)
        except InputError as refusal:
            if certain:
                raise
            refusals[key(column)] = refusal
            continue
        other = found.setdefault(key(finding_name(column)), column)
        if other != column:
            what = f"the columns {plain(other)} and {plain(column)} are the same finding"
            raise InputError(table.name, what, "one column of scores per finding", "Remove or rename one of them.")
        scores.append(values)
    matrix = np.column_stack(scores) if scores else np.empty((len(table.frame), 0))
    return list(found.values()), matrix, refusals


def scores_of(table: Table, column: str) -> NDArray[np.float64]:
    """Return a column of scores, refusing what is not a number in [0, 1]."""
    given = table.frame[column]
    refuse_percent_signs(table, column)
    values = columns.numbers(given, table.where, what="score", empty=False, do=SCORES)
    outside = (values < 0) | (values > 1)
    if outside.any():
        row = int(np.argmax(outside))
        raise InputError(table.where(column, row), f"the score is {quoted(given[row])}", *advice(values, outside))
    return values


def refuse_percent_signs(table: Table, column: str) -> None:
    """Refuse scores written with a percent sign, and say how to read them."""
    given = table.frame[column]
    if given.dtype != pl.String:
        return
    signed = given.str.strip_chars().str.ends_with("%").fill_null(False)
    if signed.any():
        row = int(signed.arg_true()[0])
        do = 'Convert each column: df[c] = df[c].str.rstrip(" %").astype(float) / 100'
        what = f"the score is {quoted(given[row])}, with a percent sign"
        raise InputError(table.where(column, row), what, "a number from 0 to 1", do)


def advice(values: NDArray[np.float64], outside: NDArray[np.bool_]) -> tuple[str, str]:
    """Return what was expected instead of scores outside [0, 1], and what to do about them."""
    expected = "a number from 0 to 1"
    share = f"{outside.sum():,} of {len(values):,} scores"
    if 2 < values.max() <= 100 and values.min() >= 0 and outside.mean() > 0.1:
        return expected, f"{share} lie above 1; if they are percent, divide each column: df[c] = df[c] / 100"
    if outside.mean() > 0.1:
        do = f"{share} lie outside, which looks like logits; convert each column: df[c] = 1 / (1 + numpy.exp(-df[c]))"
        return expected, do
    return expected, f"{share} lie outside." if outside.sum() > 1 else ""


def ignored(table: Table, name: str, role: Mapping[str, str], findings: Sequence[str]) -> tuple[str, ...]:
    """Say which columns are not read as scores."""
    kept = {role["image"], role.get("split"), *findings}
    others = [column for column in table.frame.columns if column not in kept and not numbers_rows(column)]
    if not others:
        return ()
    said = "is not a score and is" if len(others) == 1 else "are not scores and are"
    return (f"{plain(name)}: the column{'s' if len(others) > 1 else ''} {listed(others, most=5)} {said} left out.",)


def other_shape(table: Table, role: Mapping[str, str]) -> str | None:
    """Return the lines that convert a table whose columns are numbered or which has a row per score, else `None`."""
    if any(nih_name(finding_name(column)) for column in table.frame.columns):
        return None
    return of_columns(table.frame.columns, role.get("image"), None if table.source is None else table.source.path)


def not_a_reading(table: Table, role: Mapping[str, str]) -> InputError:
    """Return the refusal of a table that is not a reading, with the lines that convert it where its shape is known."""
    names = table.frame.columns
    expected = "the column image (or NIH's Image Index) and a column <Finding> or prob_<Finding> per finding"
    shown = f"(the columns are {listed(names, most=8)})"
    convert = other_shape(table, role)
    if convert is not None:
        return InputError(table.name, f"this is a table of another shape {shown}", expected, convert)
    if "image" in role:
        return InputError(table.name, f"there is no column of scores {shown}", expected)
    return InputError(table.name, f"no column has the names of the images {shown}", expected, without_images(names))


# --- writing ---------------------------------------------------------------------------------------------------------


def write_reading(reading: Reading, path: str | Path) -> None:
    """Write a reading as `.csv`, `.csv.gz` or `.parquet`, whole or not at all; the same reading gives the same bytes.

    Raises `InputError` when the ending is another, or the folder cannot be written to.
    """
    split = {} if reading.split is None else {"split": reading.split}
    frame = pl.DataFrame({"image": reading.images} | split | dict(zip(reading.findings, reading.scores.T, strict=True)))
    write_table(frame, path)
