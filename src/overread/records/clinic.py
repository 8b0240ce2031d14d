"""What is known of another clinic, without its labels: the mix of its images, or a reader's scores of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.records import columns
from overread.records.errors import InputError, listed, plain, quoted
from overread.records.findings import key
from overread.records.frames import table_from_frame
from overread.records.headers import role_of, roles
from overread.records.reading import Reading, named_path, reading
from overread.records.tables import Source, Table, read_table, stem

SHARE = "share"
TOLERANCE = 1e-3
"""How far shares may be off 1 in all, as rounded ones are; they are then divided by their sum."""

EXAMPLE = "columns such as view,gender,share with the shares adding up to 1, or a table of scores as a reading is"


@dataclass(frozen=True, eq=False)
class Mix:
    """The share of a clinic's images in each stratum: `values` has for each stratum a value of each attribute.

    Attributes and values are as the table has them; `shares` (n_strata,) add up to 1.
    """

    name: str
    attributes: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    shares: NDArray[np.float64]
    source: Source | None = None


@dataclass(frozen=True, eq=False)
class UnlabelledScores:
    """A reader's scores of a clinic's images, and the patient of each, `None` where patients are not known."""

    reading: Reading
    patients: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Clinic:
    """All that was given of a clinic: its mix, and scores of its images, by one or several of the readers."""

    mix: Mix | None = None
    scores: tuple[UnlabelledScores, ...] = ()

    def __bool__(self) -> bool:
        return self.mix is not None or bool(self.scores)

    def __str__(self) -> str:
        names = ([self.mix.name] if self.mix else []) + [each.reading.name for each in self.scores]
        return ", ".join(plain(name) for name in names) or "none"

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that were read."""
        of_mix = (self.mix.source,) if self.mix is not None and self.mix.source is not None else ()
        return (*of_mix, *(source for each in self.scores for source in each.reading.sources))


def read_clinic(sources: Sequence[str]) -> Clinic:
    """Read the tables of one clinic, each `PATH` or `NAME=PATH`: one mix of attributes at most, and tables of scores.

    A table with a column `share` and no images is a mix; scores are named after the reader whose they are.

    Raises `InputError` when a table is neither, when shares do not add up to 1, or when there are two of a kind.
    """
    mix, scores = None, []
    for each in sources:
        name, path = named_path(each)
        table = read_table(path)
        if is_mix(table):
            if mix is not None:
                raise InputError(table.name, "there is a table of the clinic's mix already", "one such table")
            mix = mix_of(table, name=stem(path) if name is None else name)
        else:
            scores.append(unlabelled(table, name=stem(path) if name is None else name))
    names = [each.reading.name for each in scores]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        do = "Name each after the reader whose scores they are, as NAME=PATH."
        raise InputError("--clinic", f"two tables of scores are named {plain(twice[0])}", "one for each reader", do)
    return Clinic(mix, tuple(scores))


def clinic_from_frames(*, mix: Any = None, scores: Mapping[str, Any] | None = None) -> Clinic:
    """Return a clinic in dataframes of any kind, or mappings of columns: its mix, and scores by the reader's name.

    Raises `InputError` as `read_clinic` does.

    >>> clinic_from_frames(mix={"view": ["AP", "PA"], "share": [0.75, 0.25]}).mix.values
    (('AP',), ('PA',))
    """
    found = None if mix is None else table_from_frame(mix, name="the clinic's mix")
    if found is not None and not is_mix(found):
        raise InputError(found.name, f"it has no column share (the columns are {shown(found)})", EXAMPLE)
    return Clinic(
        None if found is None else mix_of(found, name="mix"),
        tuple(
            unlabelled(table_from_frame(frame, name=f"the clinic's scores {plain(name)}"), name=name)
            for name, frame in (scores or {}).items()
        ),
    )


def is_mix(table: Table) -> bool:
    """Return whether a table holds shares of strata, not scores of images."""
    names = {key(column) for column in table.frame.columns}
    return SHARE in names and "image" not in roles(table.frame.columns)


def unlabelled(table: Table, *, name: str) -> UnlabelledScores:
    """Return the scores in a table, sorted by image; its columns of patients and attributes are no scores."""
    role = roles(table.frame.columns)
    if "image" not in role and not any(key(column).startswith("prob ") for column in table.frame.columns):
        what = f"this is neither a mix of attributes nor a table of scores (the columns are {shown(table)})"
        raise InputError(table.name, what, EXAMPLE)
    others = [column for part, column in role.items() if part != "image"]
    scores = reading(replace(table, frame=table.frame.drop(others)), name=name)
    order = scores.images.arg_sort().to_numpy()  # so that the order of rows never matters
    scores = replace(scores, images=scores.images.gather(order), scores=scores.scores[order])
    if "patient" not in role:
        return UnlabelledScores(scores)
    known = columns.text(table.frame[role["patient"]])
    if known.null_count():
        row = int(known.is_null().arg_true()[0])
        do = "Name the patient of every image, or leave the column out."
        raise InputError(table.where(role["patient"], row), "the patient is empty", "whom the image is of", do)
    return UnlabelledScores(scores, np.unique(known.to_numpy(), return_inverse=True)[1].astype(np.int64)[order])


def mix_of(table: Table, *, name: str) -> Mix:
    """Return the mix in a table of strata: a column for each attribute, and `share`."""
    share = next(column for column in table.frame.columns if key(column) == SHARE)
    attributes = [column for column in table.frame.columns if column != share]
    if not attributes:
        raise InputError(table.name, "there is no attribute beside share", EXAMPLE)
    shares = shares_of(table, share)
    values = [columns.text(table.frame[column]) for column in attributes]
    for column in values:
        if column.null_count():
            row = int(column.is_null().arg_true()[0])
            raise InputError(table.where(column.name, row), "the value is empty", f"a value of {plain(column.name)}")
    strata = tuple(zip(*(column.to_list() for column in values), strict=True))
    refuse_twice(table, strata)
    return Mix(name, tuple(map(role_of, attributes)), strata, shares / shares.sum(), table.source)


def shares_of(table: Table, share: str) -> NDArray[np.float64]:
    """Return the column of shares, refusing what lies outside [0, 1] and shares that do not add up to 1."""
    do = "Write shares, not percent: 0.25 for a quarter of the clinic's images."
    shares = columns.numbers(table.frame[share], table.where, what=SHARE, empty=False, do=do)
    outside = (shares < 0) | (shares > 1)
    if outside.any():
        row = int(np.argmax(outside))
        what = f"the share is {quoted(table.frame[share][row])}"
        raise InputError(table.where(share, row), what, "a number from 0 to 1", do)
    total = float(shares.sum())
    if not isclose(total, 1, abs_tol=TOLERANCE):
        what = f"the shares of the {len(shares)} rows add up to {total:.4g}"
        do = "Give every part of the clinic a row, each with its share of the clinic's images."
        raise InputError(table.where(share), what, "shares that add up to 1", do)
    return shares


def refuse_twice(table: Table, strata: Sequence[tuple[str, ...]]) -> None:
    """Refuse two rows of the same values."""
    first: dict[tuple[str, ...], int] = {}
    for row, stratum in enumerate(strata):
        if first.setdefault(tuple(map(key, stratum)), row) != row:
            raise InputError(table.where(None, row), f"{listed(stratum)} has a share already", "one row per stratum")


def shown(table: Table) -> str:
    """Return the names of a table's columns as a message shows them."""
    return listed(table.frame.columns, most=8)
