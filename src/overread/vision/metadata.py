"""What a network is told beside the image: attributes as inputs of its last layer.

The paper's modified model takes gender and view as two binary inputs. Other attributes become one input each (numbers,
two values) or one per value (more than two). A value that is missing, or that training never saw, is given as the mean
of the input over the training rows: it then moves no output on average, and the model can score an image of which
nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.errors import InputError, listed, plain

CODES = {"gender": {"F": 1.0, "M": 0.0}, "view": {"AP": 1.0, "PA": 0.0}}
"""The paper's two attributes: which value is 1. Any other value of them, such as a lateral view, counts as missing."""

MOST_VALUES = 50
"""As many different texts as an attribute may have: each is an input."""


@dataclass(frozen=True)
class Input:
    """One input of the last layer.

    `values` says what a text stands for; a number (`None`) is taken less `centre`, divided by `scale`. `missing` is
    the input where the value is missing.
    """

    name: str
    attribute: str
    missing: float
    values: Mapping[str, float] | None = None
    default: float | None = None
    centre: float = 0.0
    scale: float = 1.0

    def of(self, column: pl.Series) -> NDArray[np.float32]:
        """Return the input for the values of a column."""
        if self.values is None:
            numbers = as_numbers(column)
            found = (numbers - self.centre) / self.scale
        else:
            found = as_texts(column).replace_strict(dict(self.values), default=self.default, return_dtype=pl.Float64)
            found = found.set(as_texts(column).is_null(), None)
        return found.fill_nan(None).fill_null(self.missing).to_numpy().astype(np.float32)


@dataclass(frozen=True)
class MetadataEncoding:
    """How attributes become inputs, learnt on the training rows. An empty one is the standard model's."""

    columns: tuple[Input, ...] = ()

    @classmethod
    def fitted(cls, cohort: Cohort, attributes: Sequence[str]) -> MetadataEncoding:
        """Learn the inputs of some attributes on a cohort that holds the training rows alone.

        Raises `InputError` where the cohort lacks an attribute, or where it has the same value on all rows.
        """
        named = tuple(dict.fromkeys(attributes))
        unknown = [name for name in named if name not in cohort.attributes]
        if unknown:
            raise InputError(
                cohort.name,
                f"there is no attribute {listed(unknown)}",
                f"some of its attributes: {', '.join(cohort.attributes)}" if cohort.attributes else "",
                "" if cohort.attributes else "It has none: add columns such as gender and view to its table.",
            )
        return cls(tuple(found for name in named for found in inputs(cohort, name)))

    @classmethod
    def of_json(cls, given: Sequence[Mapping[str, Any]]) -> MetadataEncoding:
        """Return the encoding that `as_json` wrote."""
        return cls(tuple(Input(**column) for column in given))

    def as_json(self) -> list[dict[str, Any]]:
        """Return the encoding as plain values."""
        return [
            {
                "name": column.name,
                "attribute": column.attribute,
                "missing": column.missing,
                "values": None if column.values is None else dict(column.values),
                "default": column.default,
                "centre": column.centre,
                "scale": column.scale,
            }
            for column in self.columns
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the inputs."""
        return tuple(column.name for column in self.columns)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the attributes that a table must have to be encoded."""
        return tuple(dict.fromkeys(column.attribute for column in self.columns))

    @property
    def width(self) -> int:
        """Return the number of inputs."""
        return len(self.columns)

    def encode(self, table: pl.DataFrame, *, name: str = "the table") -> NDArray[np.float32]:
        """Return the inputs (rows, width) for the attributes in a table, such as a cohort's; `name` is for the message.

        Raises `InputError` where the table lacks a column: one that is there and empty is missing on every row.
        """
        lacking = [attribute for attribute in self.attributes if attribute not in table.columns]
        if lacking:
            raise InputError(
                name,
                f"there is no column {listed(lacking)}, which the model takes beside the image",
                listed(self.attributes, most=10),
                "Add it to the table, with empty cells where it is not known.",
            )
        if not self.columns:
            return np.empty((len(table), 0), np.float32)
        return np.stack([column.of(table[column.attribute]) for column in self.columns], axis=1)


def inputs(cohort: Cohort, attribute: str) -> list[Input]:
    """Return the inputs of one attribute, learnt on all rows of a cohort."""
    column = cohort.table[attribute]
    if attribute in CODES:
        return [binary(cohort, attribute, column, CODES[attribute])]
    if is_number(column):
        return [number(cohort, attribute, column)]
    texts = as_texts(column)
    levels = texts.drop_nulls().unique().sort().to_list()
    if len(levels) < 2:
        raise constant(cohort, attribute, levels)
    if len(levels) > MOST_VALUES:
        raise InputError(
            f"{cohort.name}, column {plain(attribute)}",
            f"it holds {len(levels):,} different texts on the training rows",
            f"numbers, or at most {MOST_VALUES} different texts, as an input",
            "Leave it out of --metadata, or group its values.",
        )
    if len(levels) == 2:
        return [binary(cohort, attribute, column, {levels[0]: 0.0, levels[1]: 1.0})]
    shares = {level: float((texts == level).mean() or 0.0) for level in levels}  # a mean leaves empty cells out
    return [Input(f"{attribute}={level}", attribute, shares[level], {level: 1.0}, 0.0) for level in levels]


def binary(cohort: Cohort, attribute: str, column: pl.Series, values: Mapping[str, float]) -> Input:
    """Return an input that is 0 or 1."""
    coded = as_texts(column).replace_strict(dict(values), default=None, return_dtype=pl.Float64).drop_nulls()
    if coded.n_unique() < 2:
        seen = as_texts(column).drop_nulls().unique().sort().to_list()
        raise constant(cohort, attribute, seen)
    one = next(text for text, value in values.items() if value == 1)
    return Input(f"{attribute}={one}", attribute, float(coded.mean()), dict(values))  # type: ignore[arg-type]


def number(cohort: Cohort, attribute: str, column: pl.Series) -> Input:
    """Return an input that is a number: 0 and 1 as they are, others standardised."""
    known = as_numbers(column).fill_nan(None).drop_nulls().to_numpy()
    if len(np.unique(known)) < 2:
        raise constant(cohort, attribute, [f"{value:g}" for value in np.unique(known)])
    if set(np.unique(known)) == {0.0, 1.0}:
        return Input(attribute, attribute, float(known.mean()))
    return Input(attribute, attribute, 0.0, centre=float(known.mean()), scale=float(known.std()))


def constant(cohort: Cohort, attribute: str, seen: Sequence[str]) -> InputError:
    """Return the refusal of an attribute that says nothing on the training rows."""
    known = f" ({'/'.join(CODES[attribute])})" if attribute in CODES else ""
    what = f"it holds {f'{listed(seen)} alone' if seen else 'nothing'} on the training rows"
    return InputError(
        f"{cohort.name}, column {plain(attribute)}",
        what,
        f"two values or more{known}",
        "Leave it out of --metadata: a model learns nothing from it.",
    )


def is_number(column: pl.Series) -> bool:
    """Say whether a column holds numbers or truth values."""
    return column.dtype.is_numeric() or column.dtype == pl.Boolean


def as_numbers(column: pl.Series) -> pl.Series:
    """Return a column as numbers, null where it is none."""
    return column.cast(pl.Float64, strict=False)


def as_texts(column: pl.Series) -> pl.Series:
    """Return a column as text, null where it is empty."""
    texts = column.cast(pl.String)
    return texts.set(texts.str.strip_chars() == "", None)
