"""A better truth for some images, such as the answers of a panel of radiologists, and what its labels stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records import columns
from overread.records.columns import MISSING
from overread.records.errors import InputError, listed, plain, quoted
from overread.records.findings import key
from overread.records.frames import table_from_frame
from overread.records.headers import ROLES, numbers_rows, roles, without_images
from overread.records.tables import Source, Table, read_table, stem

HEDGED = -2
"""The answer of those who looked and would not say yes or no."""

YES, NO, HEDGE = (
    ("yes", "y"),
    ("no", "n"),
    ("hedge", "hedged", "uncertain", "unclear", "maybe", "possible", "-1", "-1.0"),
)
WORDS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(YES, 1)
    | dict.fromkeys(NO, 0)
    | dict.fromkeys(HEDGE, HEDGED)
    | dict(columns.TRUTH_WORDS)
    | dict.fromkeys(columns.EMPTY_WORDS, MISSING)
)
SURE = (*YES, *NO)
"""Words that say that a column holds answers: 0 and 1 may be counts."""

ANSWERS = "YES, NO, a hedged answer (HEDGE, UNCERTAIN or -1), 1, 0, or empty"
JOINED = "|"

DEFAULT_MAPPING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "nodule or mass": ("Nodule", "Mass"),
        "airspace opacity": (),
        "fracture": (),
    }
)
"""Labels of Majkowska et al. (2020), Radiology 294:421-431, by `key`, whose finding has another name or none."""

WHY_UNMAPPED: Mapping[str, str] = MappingProxyType(
    {
        "airspace opacity": (
            "no default: whether Consolidation, Infiltration, Pneumonia, Atelectasis and Edema all belong to it is a "
            "choice of yours"
        ),
        "fracture": "no default: no finding of ChestX-ray14 says it",
    }
)


@dataclass(frozen=True)
class Mapped:
    """A label of the better truth and the findings it stands for: it is present where one of them is."""

    label: str
    findings: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Adjudicated:
    """A better truth: `answers` (images, labels) are 1, 0, `HEDGED` or `MISSING`.

    `mapping` is what the user gave, `None` where names alone decide (`mapping_to`).
    """

    name: str
    images: pl.Series
    labels: tuple[str, ...]
    answers: NDArray[np.int8]
    mapping: tuple[Mapped, ...] | None = None
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if self.answers.shape != (len(self.images), len(self.labels)):
            expected = f"({len(self.images)} images, {len(self.labels)} labels)"
            raise ValueError(f"answers must have the shape {expected}, got {self.answers.shape}")

    def __str__(self) -> str:
        return plain(self.name)

    def mapping_to(self, findings: Sequence[str]) -> tuple[Mapped, ...]:
        """Return what each label stands for among these findings, in the order of the labels.

        Without a mapping of the user's, a label stands for the finding of the same name, and `DEFAULT_MAPPING` says
        the rest. Raises `InputError` when the user's mapping names an unknown finding, or when nothing is mapped.
        """
        known = {key(finding): finding for finding in findings}
        given = {key(each.label): each for each in self.mapping or ()}
        for each in given.values():
            unknown = [finding for finding in each.findings if key(finding) not in known]
            if unknown:
                what = f"{plain(each.label)} is mapped to {quoted(unknown[0])}, which is not reported"
                raise InputError("--adjudicated-map", what, f"one of: {listed(findings, most=20)}")
        found = []
        for label in self.labels:
            own = given.get(key(label)) if self.mapping is not None else by_default(label, known)
            if own is None:
                found.append(Mapped(label, (), "not in the mapping given"))
            else:
                found.append(Mapped(label, tuple(known[key(finding)] for finding in own.findings), own.note))
        if not any(each.findings for each in found):
            what = f"none of its labels ({listed(self.labels, most=8)}) stands for a finding that is reported"
            do = "Say which does with --adjudicated-map, a table with the columns label and finding."
            raise InputError(plain(self.name), what, f"one of: {listed(findings, most=20)}", do)
        return tuple(found)


def by_default(label: str, known: Mapping[str, str]) -> Mapped:
    """Return what a label stands for where the user says nothing."""
    name = key(label)
    wanted = (known[name],) if name in known else DEFAULT_MAPPING.get(name, ())
    if wanted and all(key(finding) in known for finding in wanted):
        return Mapped(label, wanted, "the same name" if name in known else "the default mapping")
    lacking = f"the readings and the cohort do not both have {' and '.join(wanted)}" if wanted else ""
    return Mapped(label, (), lacking or WHY_UNMAPPED.get(name, "no finding has this name"))


def read_adjudicated(path: str | Path, mapping: str | Path | None = None) -> Adjudicated:
    """Read a better truth from a table with an image column and a column for each label, and its mapping from another.

    A column that holds yes, no and hedged answers, or 0 and 1 alone, is a label; roles such as patient and view are
    not, nor is anything else. Raises `InputError` when there is no image, no label, or an answer that is none.
    """
    tables = [read_table(each) for each in (path, mapping) if each is not None]
    given = mapping_table(tables[1]) if mapping is not None else None
    sources = tuple(each.source for each in tables if each.source is not None)
    return adjudicated(tables[0], name=stem(path), mapping=given, sources=sources)


def adjudicated_from_frame(frame: Any, *, name: str = "better truth", mapping: Any = None) -> Adjudicated:
    """Return the better truth in a dataframe of any kind, or a mapping of columns; its `mapping` in another.

    Raises `InputError` as `read_adjudicated` does.

    >>> adjudicated_from_frame({"image": ["a.png", "b.png"], "Mass": ["YES", "NO"]}).answers.ravel().tolist()
    [1, 0]
    """
    given = None if mapping is None else mapping_table(table_from_frame(mapping, name=f"the mapping of {plain(name)}"))
    return adjudicated(table_from_frame(frame, name=name), name=name, mapping=given)


def adjudicated(
    table: Table, *, name: str, mapping: tuple[Mapped, ...] | None = None, sources: tuple[Source, ...] = ()
) -> Adjudicated:
    """Return the better truth in a table."""
    frame, role = table.frame, roles(table.frame.columns)
    if "image" not in role:
        there = f"no column holds the names of images (the columns are {listed(frame.columns, most=8)})"
        raise InputError(table.name, there, "a column named image", without_images(frame.columns))
    images = columns.image_names(frame[role["image"]], table.where)
    taken = {column for part, column in role.items() if part in ROLES}
    wanted = {key(each.label) for each in mapping or ()}
    found: dict[str, NDArray[np.int8]] = {}
    for column in frame.columns:
        if column in taken or numbers_rows(column):
            continue
        values = answers(frame[column], table, must=key(column) in wanted)
        if values is not None:
            found[column] = values
    if not found:
        raise InputError(table.name, "no column holds answers to a label", f"cells of {ANSWERS}")
    lacking = [each.label for each in mapping or () if key(each.label) not in set(map(key, found))]
    if lacking:
        what = f"{quoted(lacking[0])} is no label of {table.name}"
        raise InputError("--adjudicated-map", what, f"one of: {listed(list(found), most=12)}")
    return Adjudicated(name, images, tuple(found), np.stack(list(found.values()), axis=1), mapping, sources)


def answers(column: pl.Series, table: Table, *, must: bool) -> NDArray[np.int8] | None:
    """Return a column as answers; `None` where it holds something else, unless it `must` or says yes or no.

    Raises `InputError` at the first cell that is no answer.
    """
    if not columns.simple(column):
        return None
    words = column.cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
    kinds = words.unique().sort()
    unknown = kinds.filter(~kinds.is_in(list(WORDS)))
    says = bool(kinds.is_in(SURE).any())
    if len(unknown) and (must or says):
        row = int(words.is_in(unknown.to_list()).arg_true()[0])
        raise InputError(table.where(column.name, row), f"the answer is {quoted(column[row])}", ANSWERS)
    if len(unknown) or not (must or says or kinds.is_in(["0", "1", "0.0", "1.0", "true", "false"]).any()):
        return None
    return words.replace_strict(dict(WORDS), return_dtype=pl.Int8).to_numpy()


def mapping_table(table: Table) -> tuple[Mapped, ...]:
    """Return the mapping in a table with the columns `label` and `finding`, and if need be `finding2`, ...

    A label that stands for several findings names them in several columns, in several rows, or in one cell joined
    by `|`; one that stands for none has an empty cell. Raises `InputError` when a column or a label is missing.
    """
    by_key = {key(name): name for name in table.frame.columns}
    of_findings = [column for name, column in by_key.items() if name.rstrip("0123456789 ") == "finding"]
    if "label" not in by_key or not of_findings:
        what = f"there is no column label or no column finding (there are {listed(table.frame.columns, most=8)})"
        raise InputError(table.name, what, "the columns label and finding, one row for each label")
    labels = columns.text(table.frame[by_key["label"]])
    cells = [columns.text(table.frame[column]) for column in of_findings]
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for row, label in enumerate(labels):
        if label is None:
            raise InputError(table.where(by_key["label"], row), "the label is empty", "the name of a label")
        name, already = found.get(key(label), (label, ()))
        found[key(label)] = name, (*already, *named(cell[row] for cell in cells))
    return tuple(Mapped(label, distinct(findings), "given") for label, findings in found.values())


def named(cells: Iterable[str | None]) -> Iterator[str]:
    """Yield the findings that cells name, joined by `|` or one in each."""
    for cell in cells:
        yield from (part.strip() for part in (cell or "").split(JOINED) if part.strip())


def distinct(findings: Iterable[str]) -> tuple[str, ...]:
    """Return each finding once, in order."""
    return tuple({key(finding): finding for finding in findings}.values())


def answered(truth: Adjudicated, images: pl.Series) -> NDArray[np.int8]:
    """Return the answers (images, labels) for some images, `MISSING` where the better truth does not have one.

    Raises `InputError` when it has none of them.
    """
    theirs = pl.DataFrame({"image": truth.images, "row": np.arange(len(truth.images))})
    rows = pl.DataFrame({"image": images}).join(theirs, on="image", how="left", maintain_order="left")["row"]
    place = rows.fill_null(-1).to_numpy()
    if (place < 0).all():
        what = (
            f"no image is common to the better truth and the cohort: it has for example {quoted(truth.images[0])}, "
            f"the cohort {quoted(images[0])}"
        )
        expected = "the same names on both sides, ending included (only the last part of a path counts)"
        raise InputError(plain(truth.name), what, expected)
    return np.where((place >= 0)[:, None], truth.answers[place], np.int8(MISSING))
