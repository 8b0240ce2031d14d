"""The answer: the cohort in a few sentences, and everything that was raised."""

from __future__ import annotations

import polars as pl

from overread.analyses.audit import Audit
from overread.analyses.passage import Passage
from overread.records.findings import display
from overread.report import numbers
from overread.report.section import Cell, Column, Section, Sheet

PARTS = {"": "All images", "train": "Training split", "val": "Tuning split", "test": "Test split"}
SHOWN_IMAGES = 200


def section(audit: Audit) -> Section:
    """Return the opening of the page."""
    context = {"answer": (Passage("", tuple(unbroken(sentence) for sentence in audit.summary)),)}
    return Section("answer", "The answer", blocks=(parts(audit),), template="answer.html", context=context)


def parts(audit: Audit) -> Sheet:
    """Return images and patients of each part of the cohort."""
    titles = ("Images", "Patients", "Images with a finding", "Share of images")
    columns = (Column("Part", numeric=False), *(Column(title) for title in titles))
    rows = tuple(
        (
            Cell(PARTS.get(row["split"], row["split"])),
            *(Cell(numbers.count(row[name])) for name in ("n_images", "n_patients", "n_with_finding")),
            Cell(numbers.percent(row["share_with_finding"])),
        )
        for row in audit.tables["parts"].iter_rows(named=True)
    )
    return Sheet("parts", "Images and patients", columns, rows, shown=True)


def points(audit: Audit) -> Section:
    """Return what was raised as sentences, the gravest first, then as a table, and the images that it is about."""
    table = audit.tables["points"]
    passages = [Passage("", (points_lead(table),))]
    for severity, own in table.partition_by("severity", as_dict=True, maintain_order=True).items():
        said = (f"{row['message']} {row['remedy']}" for row in own.iter_rows(named=True))
        passages.append(Passage(str(severity[0]).capitalize(), tuple(unbroken(sentence) for sentence in said)))
    blocks = () if table.is_empty() else (points_sheet(table), images_sheet(audit.tables["point_images"]))
    return Section(
        "points",
        "What to settle first",
        blocks=tuple(block for block in blocks if block.rows),
        template="answer.html",
        context={"answer": tuple(passages)},
    )


def points_lead(table: pl.DataFrame) -> str:
    """Say how grave what was raised is."""
    grave = int((table["severity"] == "serious").sum())
    if grave:
        which = "points are" if grave > 1 else "point is"
        return f"{grave} {which} serious: numbers made from this cohort are probably wrong until it is settled."
    if len(table):
        return "Nothing serious was found. What follows can mislead, or is good to know."
    return "Nothing was found that cannot be true, contradicts itself or misleads."


def unbroken(sentence: str) -> str:
    """Return a sentence in which no line breaks before a percent sign."""
    return sentence.replace(" %", f"{numbers.SPACE}%")


def points_sheet(table: pl.DataFrame) -> Sheet:
    """Return the points, one per row."""
    titles = ("Weight", "Check", "About", "Images", "What was seen", "What to do")
    columns = tuple(Column(title, numeric=title == "Images") for title in titles)
    rows = tuple(
        (
            *(Cell(row[name]) for name in ("severity", "check")),
            Cell(display(row["column"])),
            Cell(numbers.count(row["n_images"]) if row["n_images"] else ""),
            *(Cell(row[name]) for name in ("message", "remedy")),
        )
        for row in table.iter_rows(named=True)
    )
    return Sheet("points", "The points as a table", columns, rows, foot=(SEVERITIES,))


def images_sheet(table: pl.DataFrame) -> Sheet:
    """Return the images that points are about, as many of each point as a page can hold."""
    kinds = max(table.select("check", "column").n_unique(), 1)
    shown = table.group_by("check", "column", maintain_order=True).head(max(SHOWN_IMAGES // kinds, 5))
    columns = tuple(Column(title, numeric=False) for title in ("Check", "About", "Image", "Patient", "Value"))
    rows = tuple(
        tuple(Cell(row[name] or "") for name in ("check", "column", "image", "patient", "value"))
        for row in shown.iter_rows(named=True)
    )
    foot = f"Shown: {numbers.count(len(shown))}. The first thousand of each point are in tables/point_images.csv."
    return Sheet("point-images", "Images that points are about", columns, rows, foot=(foot,))


SEVERITIES = (
    "Serious: numbers made from this cohort are probably wrong. Caution: some of them mislead. Note: good to know. A "
    "point is a reason to look at the table; nothing was changed in it."
)
