"""Whom is a cohort of? Parts, images per patient, time between images, and patients on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.audit_point import Point, images_at
from overread.analyses.cohort_summary import share
from overread.records.cohort import Cohort
from overread.records.errors import counted, listed
from overread.records.reading import Reading

PARTS = ("train", "val", "test")
PARTS_TABLE = {
    "split": pl.String,
    "n_images": pl.Int64,
    "n_patients": pl.Int64,
    "n_with_finding": pl.Int64,
    "share_with_finding": pl.Float64,
}
PER_PATIENT = {
    "images_of_patient": pl.Int64,
    "n_patients": pl.Int64,
    "n_images": pl.Int64,
    "share_of_patients": pl.Float64,
    "share_of_images": pl.Float64,
}
SPAN = {
    "n_patients": pl.Int64,
    "attribute": pl.String,
    "median": pl.Float64,
    "upper_quartile": pl.Float64,
    "most": pl.Float64,
}
SHARED = {"patient": pl.String, "n_train": pl.Int64, "n_val": pl.Int64, "n_test": pl.Int64}
READINGS = {
    "reading": pl.String,
    "split": pl.String,
    "n_images": pl.Int64,
    "n_reading": pl.Int64,
    "share": pl.Float64,
    "n_patients": pl.Int64,
}
NO_PART, ABSENT = "no split", "not in the cohort"


def parts(cohort: Cohort) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield all images of a cohort (under no name), then each part that has images."""
    yield "", np.arange(cohort.n_images)
    if cohort.split is None:
        return
    for name in PARTS:
        rows = np.flatnonzero((cohort.split == name).fill_null(False).to_numpy())
        if len(rows):
            yield name, rows
    unknown = np.flatnonzero(cohort.split.is_null().to_numpy())
    if len(unknown):
        yield NO_PART, unknown


def parts_table(cohort: Cohort) -> pl.DataFrame:
    """Count images, patients and images with a finding, in all (`split` is empty) and by part."""
    rows = []
    for name, members in parts(cohort):
        patients = None if cohort.patients is None else cohort.patients.gather(members).n_unique()
        n_any = int((cohort.labels[members] == 1).any(axis=1).sum())
        rows.append((name, len(members), patients, n_any, share(n_any, len(members))))
    return pl.DataFrame(rows, schema=PARTS_TABLE, orient="row")


def images_per_patient(cohort: Cohort) -> pl.DataFrame:
    """Count the patients who have 1 image, 2 images and so on; no rows where patients are not known."""
    if cohort.patients is None:
        return pl.DataFrame(schema=PER_PATIENT)
    of_patient = cohort.patients.value_counts()["count"]
    table = of_patient.alias("images_of_patient").value_counts(name="n_patients").sort("images_of_patient")
    return table.with_columns(n_images=pl.col("images_of_patient") * pl.col("n_patients")).select(
        pl.col("images_of_patient").cast(pl.Int64),
        pl.col("n_patients").cast(pl.Int64),
        pl.col("n_images").cast(pl.Int64),
        share_of_patients=pl.col("n_patients") / pl.col("n_patients").sum(),
        share_of_images=pl.col("n_images") / pl.col("n_images").sum(),
    )


def span(cohort: Cohort) -> pl.DataFrame:
    """Return how far a patient's images lie apart, in age and in follow-up numbers, for those who have several."""
    rows = []
    if cohort.patients is not None:
        for name in ("age", "follow_up"):
            if name in cohort.attributes and cohort.table[name].dtype.is_numeric():
                possible = pl.col(name).is_between(0, 120) if name == "age" else pl.col(name) >= 0
                of = cohort.table.filter(possible).group_by("patient").agg(pl.len().alias("n"), between(name))
                apart = of.filter(pl.col("n") > 1)["apart"]
                if len(apart):
                    quantiles = [apart.quantile(q, "linear") for q in (0.5, 0.75, 1.0)]
                    rows.append((len(apart), name, *quantiles))
    return pl.DataFrame(rows, schema=SPAN, orient="row")


def between(name: str) -> pl.Expr:
    """Return the distance between the smallest and the largest value of an attribute."""
    return (pl.col(name).max() - pl.col(name).min()).cast(pl.Float64).alias("apart")


# --- both sides of a split -------------------------------------------------------------------------------------------


def shared_patients(cohort: Cohort) -> pl.DataFrame:
    """Return the patients who have images in more than one part, with the number of images in each."""
    if cohort.patients is None or cohort.split is None:
        return pl.DataFrame(schema=SHARED)
    counts = [(pl.col("split") == part).sum().cast(pl.Int64).alias(f"n_{part}") for part in PARTS]
    per_patient = cohort.table.group_by("patient").agg(counts)
    several = pl.sum_horizontal((pl.col(f"n_{part}") > 0).cast(pl.Int8) for part in PARTS) > 1
    return per_patient.filter(several).sort("patient")


def shared_points(cohort: Cohort) -> Iterator[Point]:
    """Raise the patients who stand on both sides of a split, or say that this cannot be checked."""
    if cohort.split is None:
        return
    if cohort.patients is None:
        yield Point(
            "patients unknown", "caution", "patient", cohort.n_images,
            "The cohort has splits and does not say whom an image is of: whether a patient stands on both sides of a "
            "split cannot be checked.",
            "Add a column patient.",
        )  # fmt: skip
        return
    shared = shared_patients(cohort)
    if not len(shared):
        return
    touched = cohort.patients.is_in(shared["patient"].to_list())
    test = int((touched & (cohort.split == "test")).sum())
    tested = int((cohort.split == "test").sum())
    share_said = f", {100 * test / tested:.1f} % of its {tested:,}" if tested else ""
    yield Point(
        "patients in several splits", "serious", "split", int(touched.sum()),
        f"Images in more than one split: {counted(len(shared), 'patient')} ({listed(shared['patient'].to_list())}). "
        f"{counted(test, 'image')} of the test split{share_said} {'is' if test == 1 else 'are'} of such patients. A "
        "model may know them by heart, and its numbers flatter it.",
        "Split by patient, or leave their images out of the test split; tables/shared_patients.csv names them.",
        images_at(cohort, touched, cohort.split),
    )  # fmt: skip


# --- readings --------------------------------------------------------------------------------------------------------


def readings_table(cohort: Cohort, readings: Sequence[Reading]) -> pl.DataFrame:
    """Count the images of each reading by the part of the cohort in which they lie."""
    part = pl.Series("split", [""] * cohort.n_images) if cohort.split is None else cohort.split.fill_null(NO_PART)
    patient = cohort.images if cohort.patients is None else cohort.patients
    places = pl.DataFrame({"image": cohort.images, "split": part, "patient": patient})
    rows = []
    for reading in readings:
        found = reading.images.alias("image").to_frame().join(places, on="image", how="left")
        found = found.with_columns(pl.col("split").fill_null(ABSENT))
        names = ["train", "val", "test", NO_PART] if cohort.split is not None else [""]
        for name in [*names, ABSENT]:
            own = found.filter(pl.col("split") == name)
            known = None if cohort.patients is None else own["patient"].drop_nulls().n_unique()
            n = len(found)
            rows.append((reading.name, name, len(own), n, share(len(own), n), known))
    return pl.DataFrame(rows, schema=READINGS, orient="row")


def reading_points(table: pl.DataFrame) -> Iterator[Point]:
    """Raise the images of a reading that lie in the training part, and those that the cohort does not have."""
    for row in table.filter(pl.col("n_images") > 0).iter_rows(named=True):
        said = f"{row['n_images']:,} of the {row['n_reading']:,} images of the reading {row['reading']}"
        if row["split"] == "train":
            yield Point(
                "reading in training part", "caution", row["reading"], row["n_images"],
                f"{said} lie in the training part of the cohort. If its model was trained on that part, it has seen "
                "their labels.",
                "Report the test split alone (the default of overread report), unless the model was trained elsewhere.",
            )  # fmt: skip
        if row["split"] == ABSENT:
            yield Point(
                "reading outside the cohort", "note", row["reading"], row["n_images"],
                f"{said} are not in the cohort.",
                "Compare the names of the images, their ending included, if the reading was meant for this cohort.",
            )  # fmt: skip
