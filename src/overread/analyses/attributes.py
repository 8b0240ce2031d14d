"""Which images share a value? The subgroups of an attribute, of bands of its values, and of two attributes crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.errors import InputError
from overread.records.findings import display, key
from overread.records.headers import role_of
from overread.records.study import Study

DEFAULT = ("gender", "view", "age")
CROSS = " x "
NAMES = {"follow_up": "follow-up number"}
AGE = "age"
AGE_BANDS = {"0-18": 18, "19-40": 40, "41-60": 60, "61-80": 80}
OLDEST_BAND = "over 80"
OLDEST = 120
"""Ages below 0 or above this are impossible, and count as unknown."""

MOST_NUMBERS = 8
"""A number with more distinct values than this is put in bands, at its quartiles."""

MOST_SUBGROUPS = 20
UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Partition:
    """The images of a study dealt into the subgroups of an attribute.

    `of_row` (n,) is the place of each image's subgroup in `subgroups`, -1 where the attribute is not known.
    """

    attribute: str
    subgroups: tuple[str, ...]
    of_row: NDArray[np.int64]

    @property
    def n_unknown(self) -> int:
        """The number of images in no subgroup."""
        return int((self.of_row == UNKNOWN).sum())

    def members(self, place: int) -> NDArray[np.bool_]:
        """Return which images are in a subgroup."""
        return self.of_row == place


def partitions(study: Study, by: Sequence[str] | None = None) -> tuple[Partition, ...]:
    """Return the partition of each attribute named in `by`; without it, of gender, view and age as far as known.

    A name such as `gender x view` crosses two attributes. Letter case is ignored, and NIH's own headers are understood.
    By default, an attribute that is the same on all images is left out, since there is nothing to compare.

    Raises `InputError` when the cohort has no such attribute, does not know it of any reported image, or too many of
    its values are texts.
    """
    if by is not None:
        return tuple(known_of_some(named(study, name)) for name in by)
    known = [name for name in DEFAULT if any(key(name) == key(attribute) for attribute in study.cohort.attributes)]
    found = [named(study, name) for name in known]
    return tuple(each for each in found if len(each.subgroups) > 1)


def known_of_some(found: Partition) -> Partition:
    """Return a partition that was asked for, or refuse one without any subgroup."""
    if not found.subgroups:
        raise InputError(
            f"the attribute {found.attribute}",
            "it is not known of any reported image",
            "values, in the cohort's table, of the images that are reported",
            "Fill them in, or leave the attribute out of --by.",
        )
    return found


def named(study: Study, name: str) -> Partition:
    """Return the partition of one attribute, or of two joined by " x "."""
    by_key = {key(attribute): attribute for attribute in study.cohort.attributes}
    if key(name) not in by_key and CROSS in name:
        one, other = name.split(CROSS, 1)
        return crossed(named(study, one.strip()), named(study, other.strip()))
    attribute = by_key.get(key(name)) or by_key.get(key(role_of(name)), name)
    return partition(attribute, study.attribute(attribute))


def partition(attribute: str, values: pl.Series) -> Partition:
    """Deal images into subgroups by the values of an attribute.

    Age is put in the bands 0-18, 19-40, 41-60, 61-80 and over 80 years, each to its last birthday; any other number
    with more than 8 distinct values in up to four bands at its quartiles; everything else is taken by value. An image
    without a value is in no subgroup, and so is an age below 0 or above 120.

    >>> found = partition("age", pl.Series([18, 19, 90, None, 414]))
    >>> found.subgroups, found.of_row
    (('0-18', '19-40', 'over 80'), array([ 0,  1,  2, -1, -1]))
    """
    if values.dtype.is_numeric():
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        whole = values.dtype.is_integer() or bool(np.all(numbers[np.isfinite(numbers)] % 1 == 0))
        return number_partition(attribute, numbers, whole=whole)
    texts = values.cast(pl.String)
    texts = texts.set(texts == "", None)
    subgroups = tuple(texts.drop_nulls().unique().sort())
    if len(subgroups) > MOST_SUBGROUPS:
        raise InputError(
            f"the attribute {attribute}",
            f"it holds {len(subgroups):,} different texts",
            f"numbers, or at most {MOST_SUBGROUPS} different texts, to be reported by subgroup",
            "Group its values in a column of the cohort.",
        )
    places = {name: place for place, name in enumerate(subgroups)}
    of_row = texts.replace_strict(places, default=UNKNOWN, return_dtype=pl.Int64).fill_null(UNKNOWN)
    return Partition(attribute, subgroups, of_row.to_numpy())


def number_partition(attribute: str, numbers: NDArray[np.float64], *, whole: bool) -> Partition:
    """Deal images into subgroups by a number: by value, or in bands of it."""
    known = np.isfinite(numbers)
    if key(attribute) == AGE:
        known &= (numbers >= 0) & (numbers <= OLDEST)
        tops, names = [*AGE_BANDS.values(), np.inf], [*AGE_BANDS, OLDEST_BAND]
        numbers = np.floor(numbers)  # 18 years and a half is still 18
    else:
        tops, names = bands(numbers[known], whole=whole)
    of_row = np.full(len(numbers), UNKNOWN, np.int64)
    of_row[known] = np.searchsorted(tops, numbers[known], side="left")
    return without_empty(Partition(attribute, tuple(names), of_row))


def bands(known: NDArray[np.float64], *, whole: bool) -> tuple[list[float], list[str]]:
    """Return the last value of each band of a number, and the name of each band.

    >>> bands(np.arange(20.0), whole=True)
    ([4.0, 9.0, 14.0, 19.0], ['0-4', '5-9', '10-14', 'over 14'])
    >>> bands(np.array([0.0, 1.0, 1.0]), whole=True)
    ([0.0, 1.0], ['0', '1'])
    """
    values = np.unique(known)
    if len(values) <= MOST_NUMBERS:
        return values.tolist(), [f"{value:g}" for value in values]
    tops = np.unique(np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf"))
    tops = tops[tops < values[-1]]
    names = [f"up to {tops[0]:g}", *(f"over {low:g} to {high:g}" for low, high in pairwise(tops))]
    if whole:
        firsts = [values[0], *(tops[:-1] + 1)]
        names = [f"{a:g}" if a == b else f"{a:g}-{b:g}" for a, b in zip(firsts, tops, strict=True)]
    return [*tops.tolist(), float(values[-1])], [*names, f"over {tops[-1]:g}"]


def crossed(one: Partition, other: Partition) -> Partition:
    """Return the subgroups of two attributes together, such as women taken AP; empty combinations are left out.

    >>> a, b = partition("gender", pl.Series(["F", "M", "M"])), partition("view", pl.Series(["AP", "AP", "PA"]))
    >>> crossed(a, b).subgroups
    ('F x AP', 'M x AP', 'M x PA')
    """
    names = tuple(f"{a}{CROSS}{b}" for a in one.subgroups for b in other.subgroups)
    known = (one.of_row != UNKNOWN) & (other.of_row != UNKNOWN)
    of_row = np.where(known, one.of_row * len(other.subgroups) + other.of_row, UNKNOWN)
    both = without_empty(Partition(f"{one.attribute}{CROSS}{other.attribute}", names, of_row))
    if len(both.subgroups) > MOST_SUBGROUPS:
        raise InputError(
            f"the attributes {both.attribute}",
            f"crossed, they make {len(both.subgroups)} subgroups",
            f"at most {MOST_SUBGROUPS}",
            "Cross attributes with fewer values, or group their values in a column of the cohort.",
        )
    return both


def without_empty(found: Partition) -> Partition:
    """Return a partition without the subgroups that have no image."""
    held = np.unique(found.of_row[found.of_row != UNKNOWN])
    places = np.full(len(found.subgroups) + 1, UNKNOWN, np.int64)  # the last entry answers for -1
    places[held] = np.arange(len(held))
    return Partition(found.attribute, tuple(found.subgroups[place] for place in held), places[found.of_row])


def attribute_name(attribute: str) -> str:
    """Return what an attribute is called on the page.

    >>> attribute_name("follow_up"), attribute_name("chest_tube x view")
    ('follow-up number', 'chest tube x view')
    """
    return CROSS.join(NAMES.get(part, display(part)) for part in attribute.split(CROSS))


def subgroup_name(attribute: str, subgroup: str) -> str:
    """Name a subgroup within a sentence: words before their attribute, numbers and bands of them behind it.

    >>> subgroup_name("view", "AP"), subgroup_name("age", "over 80"), subgroup_name("chest_tube", "1")
    ('AP (view)', 'age over 80', 'chest tube = 1')
    """
    if subgroup.lstrip("-").replace(".", "", 1).isdigit():
        return f"{attribute_name(attribute)} = {subgroup}"
    is_number = subgroup.removeprefix("up to ").removeprefix("over ")[:1] in "-0123456789"
    return f"{attribute_name(attribute)} {subgroup}" if is_number else f"{subgroup} ({attribute_name(attribute)})"
