"""Who is reported on: images, patients and how frequent each finding is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.section import Cell, Column, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

REPORTED = "reported"
PARTS = {REPORTED: "Reported here", "train": "Training split", "val": "Tuning split", "test": "Test split"}


def section(second: SecondReading) -> Section:
    """Return the section on the cohort."""
    return Section("cohort", "The cohort", tuple(lead(second)), (parts(second), frequencies(second)), GUIDE)


def carry(positive: int, findings: Sequence[str]) -> str:
    """Say of so many images what they carry.

    >>> carry(1, ["Mass"]), carry(20, ["Mass", "Hernia"])
    ('carries Mass', 'carry at least one of 2 findings')
    """
    what = f"at least one of {len(findings)} findings" if len(findings) > 1 else display(findings[0])
    return f"{'carries' if positive == 1 else 'carry'} {what}"


def lead(second: SecondReading) -> list[str]:
    """Say how many images of how many patients are reported, and which findings are frequent, rare or absent."""
    study, table = second.study, second.tables["cohort"].filter(pl.col("split") == REPORTED)
    whole = table.filter(pl.col("finding") == "").row(0, named=True)
    images = numbers.plural(study.n_images, "image")
    of = f" of {numbers.plural(study.n_patients, 'patient')}" if study.patients_known else ""
    where = "every row scored" if study.split == "all" else f"the {study.split} split"
    sentences = [
        f"Reported are {images}{of} ({where}, cohort {study.cohort.name}). {numbers.count(whole['n_positive'])} of "
        f"them ({numbers.percent(whole['prevalence'])}) {carry(whole['n_positive'], study.findings)}."
    ]
    present = table.filter(pl.col("finding") != "", pl.col("n_positive") > 0).iter_rows(named=True)
    ends = lookup.extremes(present, "prevalence")
    if ends and ends[0]["finding"] != ends[1]["finding"]:
        rare, frequent = ends
        sentences.append(f"The most frequent finding is {frequency(frequent)}, the rarest {frequency(rare)}.")
    absent = table.filter(pl.col("finding") != "", pl.col("n_positive") == 0)["finding"].to_list()
    if absent:
        names = [display(name) for name in absent]
        either = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
        it = "them" if len(names) > 1 else "it"
        sentences.append(f"No image shows {either}: nothing can be said about the reading of {it}.")
    if not study.patients_known:
        sentences.append(
            "Patients are not known; each image is taken for a patient of its own, and intervals may be too narrow."
        )
    return sentences


def frequency(row: lookup.Row) -> str:
    """Say how frequent a finding is."""
    return f"{display(row['finding'])} ({numbers.count(row['n_positive'])}, {numbers.percent(row['prevalence'])})"


def parts(second: SecondReading) -> Sheet:
    """Return images and patients of each part of the cohort."""
    table = second.tables["cohort"].filter(pl.col("finding") == "")
    columns = (
        Column("Part", numeric=False),
        *(Column(title) for title in ("Images", "Patients", "Images with a finding", "Share of images")),
    )
    rows = tuple(
        (
            Cell(PARTS.get(row["split"], row["split"])),
            *(Cell(numbers.count(row[name])) for name in ("n_images", "n_patients", "n_positive")),
            Cell(numbers.decimal(row["prevalence"])),
        )
        for row in table.iter_rows(named=True)
    )
    return Sheet("cohort-parts", "Images and patients", columns, rows, shown=True)


def frequencies(second: SecondReading) -> Sheet:
    """Return positives and prevalence of every finding in each part of the cohort."""
    table = second.tables["cohort"].filter(pl.col("finding") != "")
    of = lookup.by_key(table, "split", "finding")
    splits = table["split"].unique(maintain_order=True).to_list()
    columns = [Column("Finding", numeric=False)]
    for split in splits:
        group = PARTS.get(split, split)
        columns += [Column(title, group) for title in ("Assessed", "Positive", "Prevalence")]
    rows = []
    for finding in second.study.findings:
        cells = [Cell(display(finding))]
        for split in splits:
            row = of[split, finding]
            cells += [Cell(numbers.count(row["n_images"])), Cell(numbers.count(row["n_positive"]))]
            cells.append(Cell(numbers.decimal(row["prevalence"], 4)))
        rows.append(tuple(cells))
    return Sheet("cohort-findings", "How frequent each finding is", tuple(columns), tuple(rows))


GUIDE = (
    "An image may show several findings, so the findings add up to more than the images with a finding.",
    "The rarer a finding, the fewer positives stand behind its numbers, and the wider their intervals.",
    "Prevalence decides how often a call is right (PPV). A cohort from another hospital may have another prevalence.",
)
