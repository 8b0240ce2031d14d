"""Whom the cohort is of: images per patient, time between images, patients in several splits, readings."""

from __future__ import annotations

import polars as pl

from overread.analyses.audit import Audit
from overread.analyses.audit_people import ABSENT, NO_PART
from overread.report import numbers
from overread.report.audit.opening import PARTS
from overread.report.section import Cell, Column, Section, Sheet

BANDS = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, None))
SHOWN_PATIENTS = 100
UNITS = {"age": "years of age", "follow_up": "follow-up numbers"}


def section(audit: Audit) -> Section | None:
    """Return the section on patients; none where they are not known."""
    if audit.cohort.patients is None:
        return None
    blocks = [per_patient(audit.tables["images_per_patient"])]
    if len(shared := audit.tables["shared_patients"]):
        blocks.append(shared_sheet(shared))
    return Section("patients", "Patients", tuple(lead(audit)), tuple(blocks), GUIDE)


def lead(audit: Audit) -> list[str]:
    """Say how the images are shared out among patients and how far they lie apart."""
    table = audit.tables["images_per_patient"]
    many = table.filter(pl.col("images_of_patient") > 10)
    n_many = int(many["n_patients"].sum())
    sentences = [
        f"{numbers.plural(n_many, 'patient')} with more than 10 images "
        f"({numbers.percent(float(many['share_of_patients'].sum()))} of patients) {'has' if n_many == 1 else 'have'} "
        f"{numbers.percent(float(many['share_of_images'].sum()))} of all images."
        if n_many
        else "No patient has more than 10 images."
    ]
    for row in audit.tables["span"].iter_rows(named=True):
        sentences.append(
            f"The first and the last image of the {numbers.plural(row['n_patients'], 'patient')} with several lie "
            f"{row['median']:g} {UNITS[row['attribute']]} apart in the median, {row['most']:g} at most."
        )
    if audit.cohort.split is not None:
        n = len(audit.tables["shared_patients"])
        sentences.append(
            "No patient has images in more than one split."
            if n == 0
            else f"{numbers.plural(n, 'patient')} {'has' if n == 1 else 'have'} images in more than one split."
        )
    return sentences


def per_patient(table: pl.DataFrame) -> Sheet:
    """Return patients and images by the number of images of a patient, in bands."""
    titles = ("Patients", "Share of patients", "Images", "Share of images")
    rows = []
    for low, high in BANDS:
        own = table.filter(pl.col("images_of_patient") >= low, pl.col("images_of_patient") <= (high or 10**9))
        if len(own):
            name = f"{low}" if low == high else f"over {low - 1}" if high is None else f"{low} to {high}"
            counts = (numbers.count(int(own[column].sum())) for column in ("n_patients", "n_images"))
            shares = (numbers.percent(float(own[column].sum())) for column in ("share_of_patients", "share_of_images"))
            cells = [Cell(text) for pair in zip(counts, shares, strict=True) for text in pair]
            rows.append((Cell(name), *cells))
    columns = (Column("Images of a patient", numeric=False), *(Column(title) for title in titles))
    return Sheet("images-per-patient", "Images per patient", columns, tuple(rows), shown=True)


def shared_sheet(table: pl.DataFrame) -> Sheet:
    """Return the patients who have images in more than one split."""
    columns = (Column("Patient", numeric=False), *(Column(PARTS[part]) for part in ("train", "val", "test")))
    rows = tuple(
        (Cell(row["patient"]), *(Cell(numbers.count(row[f"n_{part}"])) for part in ("train", "val", "test")))
        for row in table.head(SHOWN_PATIENTS).iter_rows(named=True)
    )
    foot = (
        ()
        if len(table) <= SHOWN_PATIENTS
        else (f"The other {len(table) - SHOWN_PATIENTS:,}: tables/shared_patients.csv.",)
    )
    return Sheet("shared-patients", "Patients in more than one split", columns, rows, foot=foot)


def readings(audit: Audit) -> Section | None:
    """Return where the images of readings lie; none where no reading was given."""
    table = audit.tables["readings"]
    if table.is_empty():
        return None
    titles = ("Images", "Share of the reading", "Patients")
    columns = (Column("Reading", numeric=False), Column("Part", numeric=False), *(Column(title) for title in titles))
    names = {**PARTS, "": "Cohort (no splits)", NO_PART: "In no split", ABSENT: "Not in the cohort"}
    rows = tuple(
        (
            Cell(row["reading"]),
            Cell(names[row["split"]]),
            Cell(numbers.count(row["n_images"])),
            Cell(numbers.percent(row["share"])),
            Cell(numbers.count(row["n_patients"])),
        )
        for row in table.filter(pl.col("n_images") > 0).iter_rows(named=True)
    )
    lead = []
    for row in table.filter(pl.col("split") == "train").iter_rows(named=True):
        whole = numbers.plural(row["n_reading"], "image")
        lead.append(
            f"{numbers.count(row['n_images'])} of the {whole} of {row['reading']} lie in the training part."
            if row["n_images"]
            else f"None of the {whole} of {row['reading']} lies in the training part."
        )
    sheet = Sheet("readings", "Images of the readings by part of the cohort", columns, rows, shown=True)
    return Section("readings", "Readings and the training part", tuple(lead), (sheet,), READINGS_GUIDE)


GUIDE = (
    "Images of one patient resemble each other. A model that has seen some of a patient's images in training may know "
    "the others, and intervals that take images for independent are too narrow.",
)
READINGS_GUIDE = (
    "A model that was trained on this cohort's training part knows these labels, and its numbers on these images are "
    "no test. A model trained elsewhere is not concerned.",
)
