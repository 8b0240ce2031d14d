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
    context = {"answer": (Passage("", audit.summary),)}
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
    """Return what was raised, the gravest first, and the images that it is about."""
    table = audit.tables["points"]
    grave = int((table["severity"] == "serious").sum())
    lead = ["Nothing was found that cannot be true, contradicts itself or misleads."] if table.is_empty() else []
    if grave:
        which = "points are" if grave > 1 else "point is"
        lead.append(f"{grave} {which} serious: numbers made from this cohort are probably wrong until it is settled.")
    elif len(table):
        lead.append("Nothing serious was found; the points below can mislead, or are good to know.")
    blocks = () if table.is_empty() else (points_sheet(table), images_sheet(audit.tables["point_images"]))
    return Section("points", "What to settle first", tuple(lead), tuple(b for b in blocks if b.rows), GUIDE)


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
    return Sheet("points", "Points raised", columns, rows, shown=True)


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


GUIDE = (
    "Serious: numbers made from this cohort are probably wrong. Caution: some of them mislead. Note: good to know.",
    "A point is a reason to look at the table. Nothing was changed in it.",
)
