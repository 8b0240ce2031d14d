"""What cannot be true in a cohort's table, what contradicts itself, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from overread.analyses.attributes import OLDEST
from overread.analyses.audit_point import Point, images_at
from overread.records import columns
from overread.records.cohort import MISSING, Cohort
from overread.records.errors import counted, listed, plain
from overread.records.findings import NO_FINDING
from overread.records.headers import roles, says_no_finding
from overread.records.repeated_rows import Raw

MISSING_VALUES = {
    "column": pl.String,
    "kind": pl.String,
    "n_images": pl.Int64,
    "n_missing": pl.Int64,
    "share": pl.Float64,
}
GENDERS = ("M", "F")
VIEWS = ("PA", "AP", "LL", "RL", "LATERAL", "LAT")
MOST_SPELLINGS = 200
"""An attribute with more different texts than this holds names, whose spelling is not looked at."""


def faults(cohort: Cohort, raw: Raw | None) -> Iterator[Point]:
    """Yield everything that is impossible or contradicts itself in a cohort, and in its table as it was written."""
    for check in (impossible_ages, unknown_words, negative_follow_ups, two_genders, younger_later, same_follow_up):
        yield from check(cohort)
    yield from spellings(cohort, raw)
    if raw is not None:
        yield from repeated_rows(raw)
        yield from contradictions(cohort, raw)


# --- single values ---------------------------------------------------------------------------------------------------


def impossible_ages(cohort: Cohort) -> Iterator[Point]:
    """Raise ages below 0 and above 120 years."""
    ages = attribute(cohort, "age")
    if ages is None:
        return
    wrong = ((ages < 0) | (ages > OLDEST)).fill_null(False)
    if n := int(wrong.sum()):
        worst = listed([f"{age:g}" for age in ages.filter(wrong).unique().sort(descending=True)])
        yield Point(
            "impossible age", "serious", "age", n,
            f"{counted(n, 'image')} {have(n)} an age below 0 or above {OLDEST} years ({worst}).",
            "Look them up or empty the cells: overread takes such an age for unknown in subgroups, but the blind "
            "reader and any model that is told the age take it as it is.",
            images_at(cohort, wrong, ages),
        )  # fmt: skip


def unknown_words(cohort: Cohort) -> Iterator[Point]:
    """Raise genders and views that are none of the usual ones."""
    for name, known in (("gender", GENDERS), ("view", VIEWS)):
        if name not in cohort.attributes:
            continue
        words = cohort.table[name].cast(pl.String)
        wrong = ~words.is_in(known) & ~columns.is_empty(words)
        if n := int(wrong.fill_null(False).sum()):
            kinds = words.filter(wrong.fill_null(False)).unique().sort().to_list()
            yield Point(
                f"unusual {name}", "caution", name, n,
                f"{counted(n, 'image')} {have(n)} a {name} other than {' and '.join(known[:2])} "
                f"({listed(kinds, most=6)}).",
                "If it is another spelling, write it as the others; each word is a subgroup of its own.",
                images_at(cohort, wrong, words),
            )  # fmt: skip


def negative_follow_ups(cohort: Cohort) -> Iterator[Point]:
    """Raise follow-up numbers below 0."""
    numbers = attribute(cohort, "follow_up")
    if numbers is None:
        return
    wrong = (numbers < 0).fill_null(False)
    if n := int(wrong.sum()):
        yield Point(
            "negative follow-up", "serious", "follow_up", n,
            f"{counted(n, 'image')} {have(n)} a follow-up number below 0.",
            "Look them up, or empty the cells: the order of a patient's images depends on them.",
            images_at(cohort, wrong, numbers),
        )  # fmt: skip


def spellings(cohort: Cohort, raw: Raw | None) -> Iterator[Point]:
    """Raise words that differ only in letter case, space or punctuation, and gender or view written in several ways."""
    for name in cohort.attributes:
        words = cohort.table[name]
        if words.dtype != pl.String:
            continue
        by_form: dict[str, list[str]] = {}
        kinds = words.drop_nulls().unique().sort().to_list()
        for word in kinds if len(kinds) <= MOST_SPELLINGS else ():
            by_form.setdefault(re.sub(r"[\W_]+", "", word).casefold(), []).append(word)
        twins = [same for form, same in by_form.items() if form and len(same) > 1]
        if twins:
            wrong = words.is_in([word for same in twins for word in same])
            yield Point(
                "spelled in several ways", "caution", name, int(wrong.fill_null(False).sum()),
                f"{name} holds words that may be the same ({'; '.join(listed(same, most=6) for same in twins[:6])}).",
                "Write each in one way: overread takes them for different subgroups.",
                images_at(cohort, wrong, words),
            )  # fmt: skip
    yield from () if raw is None else read_alike(cohort, raw)


def read_alike(cohort: Cohort, raw: Raw) -> Iterator[Point]:
    """Raise genders and views that the table writes in several ways and overread reads as one."""
    role = roles(raw.table.frame.columns)
    for name in ("gender", "view"):
        if name not in role or name not in cohort.attributes:
            continue
        pairs = pl.DataFrame({"read": cohort.table[name], "written": columns.text(raw.table.frame[role[name]])})
        kinds = pairs.drop_nulls().group_by("read", "written").len().sort("read", "written")
        several = kinds.filter(pl.col("written").count().over("read") > 1)
        for (read,), own in several.partition_by("read", as_dict=True, maintain_order=True).items():
            yield Point(
                "spelled in several ways", "note", name, int(own["len"].sum()),
                f"{name} is written {listed(own['written'].to_list(), most=6)}; overread reads all of them as {read}.",
                "Nothing has to be done here; other programs may take them for different values.",
            )  # fmt: skip


# --- values of one patient -------------------------------------------------------------------------------------------


def two_genders(cohort: Cohort) -> Iterator[Point]:
    """Raise patients of whom images have more than one gender."""
    if cohort.patients is None or "gender" not in cohort.attributes:
        return
    words = cohort.table["gender"].cast(pl.String)
    known = pl.DataFrame({"patient": cohort.patients, "gender": words}).filter(~columns.is_empty(words))
    several = known.group_by("patient").agg(pl.col("gender").n_unique()).filter(pl.col("gender") > 1)["patient"].sort()
    if len(several):
        wrong = cohort.patients.is_in(several.to_list())
        yield Point(
            "patient of two genders", "caution", "gender", int(wrong.sum()),
            f"{counted(len(several), 'patient')} {have(len(several))} images with different genders "
            f"({listed(several.to_list())}).",
            "Look them up: a cell is wrong, or two people share an identifier, and then patients are not what is "
            "split and resampled.",
            images_at(cohort, wrong, words),
        )  # fmt: skip


def younger_later(cohort: Cohort) -> Iterator[Point]:
    """Raise patients who are younger on a later image."""
    ages, numbers = attribute(cohort, "age"), attribute(cohort, "follow_up")
    if cohort.patients is None or ages is None or numbers is None:
        return
    table = pl.DataFrame({"row": np.arange(cohort.n_images), "patient": cohort.patients, "age": ages, "at": numbers})
    possible = table.filter(pl.col("age").is_between(0, OLDEST), pl.col("at") >= 0).sort("patient", "at", "row")
    earlier = pl.col("age").cum_max().shift(1).over("patient")
    moment = pl.col("at") > pl.col("at").shift(1).over("patient")
    falls = possible.with_columns(drop=earlier - pl.col("age")).filter(moment, pl.col("drop") > 0)
    if not len(falls):
        return
    people, rows = falls["patient"].unique().sort().to_list(), falls["row"].to_list()
    wrong = table["row"].is_in(rows)
    yield Point(
        "age falls", "caution", "age", len(rows),
        f"{counted(len(people), 'patient')} ({listed(people)}) {'is' if len(people) == 1 else 'are'} "
        f"younger on a later image than on an earlier one, by up to {max(falls['drop'].to_list()):g} years "
        f"({counted(len(rows), 'image')}).",
        "Look them up: an age or a follow-up number is wrong, or two people share an identifier.",
        images_at(cohort, wrong, ages),
    )  # fmt: skip


def same_follow_up(cohort: Cohort) -> Iterator[Point]:
    """Raise images of one patient with the same follow-up number."""
    numbers = attribute(cohort, "follow_up")
    if cohort.patients is None or numbers is None:
        return
    pairs = pl.DataFrame({"patient": cohort.patients, "at": numbers})
    wrong = pairs.is_duplicated() & numbers.is_not_null()
    if n := int(wrong.sum()):
        yield Point(
            "same follow-up twice", "note", "follow_up", n,
            f"{counted(n, 'image')} share patient and follow-up number with another image.",
            "They may be two views of one examination, or one image under two names: then delete one.",
            images_at(cohort, wrong, numbers),
        )  # fmt: skip


# --- the table as it was written -------------------------------------------------------------------------------------


def repeated_rows(raw: Raw) -> Iterator[Point]:
    """Raise images that stand in several rows: those that say the same, and those that do not."""
    for same, severity, told, do in (
        (True, "note", "say the same again", "Delete them; here they were left out."),
        (False, "serious", "say something else", "Decide which row is right; here the first one was used."),
    ):
        own = raw.repeated.filter(pl.col("same") == same)
        if len(own):
            images = own["image"].unique(maintain_order=True).to_list()
            rows = own.select("image", patient=pl.lit(None, pl.String), value=pl.format("row {}", "row"))
            yield Point(
                "repeated row" if same else "contradictory repeated row",
                "note" if severity == "note" else "serious",
                "image",
                len(images),
                f"{counted(len(own), 'row')} {told.replace('say', 'says') if len(own) == 1 else told} of an image that "
                f"has a row already ({listed(images)}).",
                do,
                rows,
            )


def contradictions(cohort: Cohort, raw: Raw) -> Iterator[Point]:
    """Raise images that are said to have no finding, together with a finding."""
    wrong = no_finding_with_finding(cohort, raw)
    if wrong is not None and (n := int(wrong.sum())):
        named = [
            "|".join(f for f, label in zip(cohort.findings, row, strict=True) if label == 1)
            for row in cohort.labels[wrong.arg_true().to_numpy()]
        ]
        values = pl.Series([None] * len(wrong), dtype=pl.String).scatter(wrong.arg_true(), named)
        yield Point(
            "no finding and a finding", "serious", NO_FINDING, n,
            f"{counted(n, 'image')} {have(n)} {NO_FINDING} together with a finding "
            f"({listed(cohort.images.filter(wrong).to_list())}).",
            "Decide which is right; overread keeps the finding.",
            images_at(cohort, wrong, values),
        )  # fmt: skip


def no_finding_with_finding(cohort: Cohort, raw: Raw) -> pl.Series | None:
    """Return which images contradict themselves, `None` where nothing is said of no finding."""
    frame, role = raw.table.frame, roles(raw.table.frame.columns)
    some = pl.Series((cohort.labels == 1).any(axis=1))
    if "labels" in role:
        cells = columns.text(frame[role["labels"]])
        kinds = cells.unique()
        healthy = [cell for cell in kinds.drop_nulls() if any(says_no_finding(part) for part in cell.split("|"))]
        return cells.is_in(healthy).fill_null(False) & some
    said = [columns.truth_values(frame[name])[0] == 1 for name in frame.columns if says_no_finding(name)]
    return pl.Series(np.logical_or.reduce(said)) & some if said else None


# --- missing values --------------------------------------------------------------------------------------------------


def missing_values(cohort: Cohort) -> pl.DataFrame:
    """Count the empty cells of every column: labels that were not assessed, attributes, split."""
    n = cohort.n_images
    counts: list[tuple[str, str, int]] = [
        (name, "finding", int((labels == MISSING).sum()))
        for name, labels in zip(cohort.findings, cohort.labels.T, strict=True)
    ]
    known: Mapping[str, str] = {"patient": "patient", "split": "split"}
    for name in cohort.table.columns[1:]:
        empty = int(columns.is_empty(cohort.table[name]).sum())
        counts.append((name, known.get(name, "attribute"), empty))
    rows = [(name, kind, n, empty, empty / n) for name, kind, empty in counts]
    return pl.DataFrame(rows, schema=MISSING_VALUES, orient="row")


def missing_points(table: pl.DataFrame) -> Iterator[Point]:
    """Raise the columns with empty cells."""
    for row in table.filter(pl.col("n_missing") > 0).iter_rows(named=True):
        name, n, whole = plain(row["column"]), row["n_missing"], row["n_images"]
        finding = row["kind"] == "finding"
        said = f"{name} is not known for {n:,} of {whole:,} images ({100 * row['share']:.3g} %)."
        if finding:
            said = f"{name} was not assessed on {n:,} of {whole:,} images ({100 * row['share']:.3g} %)."
        yield Point(
            "missing values", "note", row["column"], n, said,
            "They are left out of the numbers of that finding; ask whether those who were assessed differ."
            if finding
            else "Images without a split are reported only with --split all."
            if row["kind"] == "split"
            else "Such images are in none of its subgroups.",
        )  # fmt: skip


def attribute(cohort: Cohort, name: str) -> pl.Series | None:
    """Return an attribute as numbers, `None` where the cohort has none of that name or it holds words."""
    if name not in cohort.attributes or not cohort.table[name].dtype.is_numeric():
        return None
    return cohort.table[name].cast(pl.Float64)


def have(n: int) -> str:
    """Return the verb that goes with a number of things."""
    return "has" if n == 1 else "have"
