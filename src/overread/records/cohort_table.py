"""What one table says of a cohort: which column is what, the truth per image and finding, the attributes.

The table has a row per image, and either a column of 0, 1 or nothing per finding, or one column of labels joined by
`|`. Every other column is an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records import columns
from overread.records.columns import MISSING
from overread.records.errors import InputError, counted, listed, plain, quoted
from overread.records.findings import NIH_FINDINGS, NO_FINDING, key
from overread.records.headers import nih_name, numbers_rows, roles, says_no_finding, without_images
from overread.records.tables import Table

SPLITS = ("train", "val", "test")
SEPARATOR = "|"
NUMBER = re.compile(r"[-+]?\d+(\.\d*)?")
GENDERS = {"male": "M", "m": "M", "man": "M", "female": "F", "f": "F", "woman": "F"}


@dataclass(frozen=True, eq=False)
class CohortTable:
    """The content of one table: `rows` has image, patient, split (where known) and the attributes.

    `assumed` are the findings that are so only because their column holds 0 and 1. `refusals` says, by the name of an
    attribute, why it cannot be a finding: raised when a reading scores it after all.
    """

    rows: pl.DataFrame
    findings: tuple[str, ...]
    labels: NDArray[np.int8]
    warnings: tuple[str, ...] = ()
    assumed: frozenset[str] = frozenset()
    refusals: Mapping[str, InputError] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Truth:
    """The findings of a table, the labels of its images, the columns they came from, and what is to be said of them."""

    findings: tuple[str, ...]
    labels: NDArray[np.int8]
    columns: frozenset[str]
    warnings: tuple[str, ...] = ()
    assumed: frozenset[str] = frozenset()


def cohort_table(table: Table, *, findings: Sequence[str] | None = None) -> CohortTable:
    """Read one table of a cohort. `findings` names the columns of findings where 0 and 1 alone do not tell them.

    Raises `InputError` when there is no column of images or of findings, an image stands twice, or a cell does not
    fit its column.
    """
    role = roles(table.frame.columns)
    images = images_of(table, role)
    if findings is not None:
        truth = truth_of_columns(table, images, named_columns(table, findings))
    elif "labels" in role:
        truth = truth_of_labels(table, images, role["labels"])
    else:
        truth = truth_of_columns(table, images, *finding_columns(table, role))
    if not truth.findings:
        raise no_findings(table, role)
    known = {
        "patient": patients_of(table, role),
        "split": split_of(table, role),
        **attributes(table, role, truth.columns),
    }
    rows = pl.DataFrame([images, *(column.alias(name) for name, column in known.items() if column is not None)])
    reasons = {} if findings is not None else refusals(table, rows.columns, role)
    return CohortTable(rows, truth.findings, truth.labels, truth.warnings, truth.assumed, reasons)


def images_of(table: Table, role: Mapping[str, str]) -> pl.Series:
    """Return the image names of a table, each once."""
    if "image" not in role:
        raise no_images(table)
    return columns.image_names(table.frame[role["image"]], table.where)


def no_images(table: Table) -> InputError:
    """Return the refusal of a table without a column of images."""
    what = f"there is no column with the names of the images (the columns are {listed(table.frame.columns, most=8)})"
    expected = "a column image (or NIH's Image Index)"
    return InputError(table.name, what, expected, without_images(table.frame.columns))


def no_findings(table: Table, role: Mapping[str, str]) -> InputError:
    """Return the refusal of a table that says nothing of any finding."""
    others = [name for name in table.frame.columns if name not in role.values()]
    what = f"there is no column of findings (further columns: {listed(others, most=8) if others else 'none'})"
    expected = f"a column of 0, 1 or nothing per finding, or one column labels joined by {SEPARATOR}"
    swapped = "Does it hold scores? A table of scores is a reading, and goes before --cohort." if others else ""
    return InputError(table.name, what, expected, swapped)


# --- truth -----------------------------------------------------------------------------------------------------------


def named_columns(table: Table, findings: Iterable[str]) -> list[str]:
    """Return the columns of the findings that were named, refusing one that is not there."""
    by_key = {key(column): column for column in table.frame.columns}
    lacking = [name for name in findings if key(name) not in by_key]
    if lacking:
        raise InputError(table.name, f"there is no column of the findings {listed(lacking)}", "a column per finding")
    return [by_key[key(name)] for name in findings]


def finding_columns(table: Table, role: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the columns of findings: those named like NIH's, and (also on their own) those that hold only 0 and 1."""
    taken = set(role.values())
    found, assumed = [], []
    for name in table.frame.columns:
        if name in taken or numbers_rows(name):
            continue
        if nih_name(name) or says_no_finding(name):
            found.append(name)
        elif holds_truth_values(table.frame[name]):
            found.append(name)
            assumed.append(name)
    return found, assumed


def holds_truth_values(column: pl.Series) -> bool:
    """Return whether a column holds 0, 1 or nothing, and not nothing alone."""
    if column.dtype == pl.String:
        head = column.head(200).drop_nulls().str.strip_chars().str.to_lowercase()
        if not head.is_in([*columns.TRUTH_WORDS, *columns.EMPTY_WORDS]).all():
            return False
    values, wrong = columns.truth_values(column)
    return not wrong.any() and bool((values != MISSING).any())


def truth_of_columns(table: Table, images: pl.Series, names: Sequence[str], assumed: Iterable[str] = ()) -> Truth:
    """Return the truth from a column per finding; `No Finding` only contradicts or agrees with the others."""
    refuse_twice(table, names)
    healthy = [name for name in names if says_no_finding(name)]
    findings = [name for name in names if not says_no_finding(name)]
    labels = np.empty((len(images), len(findings)), np.int8)
    for place, name in enumerate(findings):
        labels[:, place] = columns.labels(table.frame[name], table.where)
    warnings = []
    for name in healthy:
        said = columns.labels(table.frame[name], table.where) == 1
        warnings += contradictions(images, said & (labels == 1).any(axis=1))
    return Truth(tuple(findings), labels, frozenset(names), tuple(warnings), frozenset(assumed))


def refuse_twice(table: Table, names: Sequence[str]) -> None:
    """Refuse two columns that are the same finding under two spellings."""
    by_key: dict[str, str] = {}
    for name in names:
        other = by_key.setdefault(key(name), name)
        if other is not name:
            what = f"the columns {plain(other)} and {plain(name)} are the same finding"
            raise InputError(table.name, what, "one column per finding", "Remove or rename one of them.")


def contradictions(images: pl.Series, rows: NDArray[np.bool_]) -> list[str]:
    """Say which images carry `No Finding` together with a finding."""
    if not rows.any():
        return []
    first = images[int(np.argmax(rows))]
    n = counted(int(rows.sum()), "image")
    return [f"{NO_FINDING} together with a finding: {n} (the first is {plain(first)}); the finding is kept."]


def truth_of_labels(table: Table, images: pl.Series, column: str) -> Truth:
    """Return the truth from one column of labels joined by `|`; what is not named is absent."""
    if not columns.simple(table.frame[column]):
        do = f'Join them: df["{column}"] = df["{column}"].str.join("{SEPARATOR}")'
        raise InputError(table.where(column), "the labels are lists", f"text joined by {SEPARATOR}", do)
    cells = columns.text(table.frame[column])
    empty = columns.is_empty(cells)
    if empty.any():
        do = f'Write "{NO_FINDING}" where nothing was found; images that nobody assessed do not belong in the table.'
        row = int(empty.arg_true()[0])
        raise InputError(table.where(column, row), "the labels are empty", f"findings joined by {SEPARATOR}", do)
    kinds = cells.unique(maintain_order=True)
    parts = [[part.strip() for part in cell.split(SEPARATOR) if part.strip()] for cell in kinds]
    findings = ordered({part for row in parts for part in row if not says_no_finding(part)})
    refuse_numbers(table, column, cells, findings)
    place = {key(name): position for position, name in enumerate(findings)}
    patterns = np.zeros((len(kinds), len(findings)), np.int8)
    contradict = np.zeros(len(kinds), bool)
    for row, names in enumerate(parts):
        present = [name for name in names if not says_no_finding(name)]
        patterns[row, [place[key(name)] for name in present]] = 1
        contradict[row] = 0 < len(present) < len(names)
    code = cells.replace_strict(kinds, np.arange(len(kinds)), return_dtype=pl.UInt32).to_numpy()
    warnings = contradictions(images, contradict[code])
    return Truth(findings, patterns[code], frozenset([column]), tuple(warnings))


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Return each finding once: NIH's in NIH's order and spelling, then others in the order of the alphabet."""
    by_key: dict[str, str] = {}
    for name in sorted(names):
        by_key.setdefault(key(name), nih_name(name) or name)
    of_nih = [name for name in NIH_FINDINGS if key(name) in by_key]
    return (*of_nih, *sorted(name for name in by_key.values() if name not in of_nih))


def refuse_numbers(table: Table, column: str, cells: pl.Series, findings: Sequence[str]) -> None:
    """Refuse labels that are numbers: 0 and 1 belong in a column per finding."""
    if any(NUMBER.fullmatch(name) for name in findings):
        row = int(cells.str.contains(rf"(^|\|)\s*{NUMBER.pattern}\s*(\||$)").arg_true()[0])
        expected = f"names of findings joined by {SEPARATOR}"
        do = "Name the column after its finding where it holds 0 and 1."
        raise InputError(table.where(column, row), f"the labels are {quoted(cells[row])}", expected, do)


# --- patients, splits, attributes ------------------------------------------------------------------------------------


def patients_of(table: Table, role: Mapping[str, str]) -> pl.Series | None:
    """Return whom each image is of, `None` when the table does not say."""
    if "patient" not in role:
        return None
    column = table.frame[role["patient"]]
    patients = columns.text(column)
    empty = columns.is_empty(patients)
    if empty.any():
        row = int(empty.arg_true()[0])
        do = "Name each image's patient, or leave the column out: images are resampled then."
        raise InputError(table.where(column.name, row), "the patient is empty", "the patient of every image", do)
    return patients


def split_of(table: Table, role: Mapping[str, str]) -> pl.Series | None:
    """Return the part of the cohort that each image belongs to, `None` when the table does not say."""
    if "split" not in role:
        return None
    column = table.frame[role["split"]]
    split = columns.text(column).str.to_lowercase()
    split = split.set(columns.is_empty(split), None)
    wrong = ~split.is_in(SPLITS).fill_null(True)
    if wrong.any():
        row = int(wrong.arg_true()[0])
        what = f"the split is {quoted(column[row])}"
        raise InputError(table.where(column.name, row), what, "train, val, test or nothing", "Rename the values.")
    return None if split.is_null().all() else split


def attributes(table: Table, role: Mapping[str, str], findings: frozenset[str]) -> dict[str, pl.Series]:
    """Return the columns that are neither image, patient, split nor finding, under the names of their roles."""
    name_of = {column: name for name, column in role.items() if name != "labels"}
    found: dict[str, pl.Series] = {}
    for column in table.frame.columns:
        name = name_of.get(column, column)
        if name in ("image", "patient", "split") or column in findings or numbers_rows(column):
            continue
        if name in found or (name in name_of.values() and column not in name_of):
            raise InputError(table.name, f"two columns are {plain(name)}", "one", "Rename one of them.")
        if says_no_finding(column):
            continue
        found[name] = attribute(table, column, name)
    return found


def attribute(table: Table, column: str, name: str) -> pl.Series:
    """Return a column in the form that its role asks for, else as numbers where it holds only numbers."""
    given = table.frame[column]
    if name == "age":
        return columns.ages(given, table.where)
    if name == "gender":
        words = columns.text(given)
        return words.str.to_lowercase().replace_strict(GENDERS, default=words.str.to_uppercase())
    if name == "view":
        return columns.text(given).str.to_uppercase()
    return typed(given)


def typed(column: pl.Series) -> pl.Series:
    """Return a column of text as whole numbers or numbers where every cell is one, else as text."""
    dated = column.dtype.is_temporal() and columns.simple(column)
    if column.dtype.is_numeric() or dated or column.dtype == pl.Boolean:
        return column
    words = columns.text(column)
    cells = words.set(columns.is_empty(words), None)
    if cells.null_count() == len(cells) or cells.str.contains(r"^[+-]?0\d").any():  # 007 is a name
        return words
    for kind in (pl.Int64, pl.Float64):
        values = cells.cast(kind, strict=False)
        if values.null_count() == cells.null_count():
            return values
    return words


def refusals(table: Table, attributes: Sequence[str], role: Mapping[str, str]) -> dict[str, InputError]:
    """Return, for each attribute of which half or more is 0 or 1, the cell that keeps it from being a finding."""
    reasons = {}
    taken = set(role.values())
    for name in attributes:
        if name in taken or name in role or name not in table.frame.columns:
            continue
        values, wrong = columns.truth_values(table.frame[name])
        if wrong.any() and wrong.sum() <= (values != MISSING).sum():
            reasons[key(name)] = columns.not_a_label(table.frame[name], int(wrong.arg_true()[0]), table.where)
    return reasons
