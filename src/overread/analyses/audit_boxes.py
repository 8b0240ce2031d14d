"""Do the boxes fit the images and the labels?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from overread.analyses.audit_point import Point
from overread.records.cohort import Cohort
from overread.records.errors import counted, listed

SIDE = 1024
"""Pixels along each side of ChestX-ray14's images as NIH ships them, to which its boxes refer (Wang et al. 2017)."""

BOXES = {
    "finding": pl.String,
    "n_boxes": pl.Int64,
    "n_images": pl.Int64,
    "n_outside": pl.Int64,
    "n_empty": pl.Int64,
    "n_without_label": pl.Int64,
    "n_without_image": pl.Int64,
    "median_share": pl.Float64,
}
TOLERANCE = 1.0
"""Pixels by which a box may stand out: rounding."""


def marked(cohort: Cohort) -> pl.DataFrame:
    """Return the boxes with what is odd of each, a column of truth values per fault, and its share of the area."""
    if cohort.boxes is None:
        return pl.DataFrame(schema={"finding": pl.String})
    column = {finding: place for place, finding in enumerate(cohort.findings)}
    rows = cohort.images.to_frame().with_columns(row=np.arange(cohort.n_images))
    found = cohort.boxes.join(rows, on="image", how="left", maintain_order="left")
    places = found["finding"].replace_strict(column, default=None, return_dtype=pl.Int64)
    known = (found["row"].is_not_null() & places.is_not_null()).to_numpy()
    labelled = np.zeros(len(found), bool)
    labelled[known] = (
        cohort.labels[found["row"].to_numpy()[known].astype(int), places.to_numpy()[known].astype(int)] == 1
    )
    right, lower = pl.col("x") + pl.col("width"), pl.col("y") + pl.col("height")
    low, high = -TOLERANCE, SIDE + TOLERANCE
    return found.with_columns(
        outside=(pl.col("x") < low) | (pl.col("y") < low) | (right > high) | (lower > high),
        empty=(pl.col("width") <= 0) | (pl.col("height") <= 0),
        without_label=~pl.Series(labelled) & pl.col("row").is_not_null(),
        without_image=pl.col("row").is_null(),
        share=pl.col("width") * pl.col("height") / SIDE**2,
    )


def boxes_table(cohort: Cohort) -> pl.DataFrame:
    """Count the boxes of each finding, and those that do not fit; no rows where the cohort has no boxes."""
    boxes = marked(cohort)
    rows = []
    for finding in [*cohort.findings, *sorted(set(boxes["finding"]) - set(cohort.findings))]:
        own = boxes.filter(pl.col("finding") == finding)
        if len(own):
            odd = (int(own[name].sum()) for name in ("outside", "empty", "without_label", "without_image"))
            rows.append((finding, len(own), own["image"].n_unique(), *odd, own["share"].median()))
    return pl.DataFrame(rows, schema=BOXES, orient="row")


def box_points(cohort: Cohort) -> Iterator[Point]:
    """Raise boxes that do not fit."""
    boxes = marked(cohort)
    if not len(boxes):
        return
    patients = cohort.table.select("image", "patient") if cohort.patients is not None else None
    for name, check, said, do in ODD:
        own = boxes.filter(pl.col(name))
        if not len(own):
            continue
        value = pl.format("{}: x {}, y {}, width {}, height {}", "finding", "x", "y", "width", "height")
        rows = own.select("image", value=value)
        none = rows.with_columns(patient=pl.lit(None, pl.String))
        named = none if patients is None else rows.join(patients, on="image", how="left", maintain_order="left")
        yield Point(
            check, "caution", "boxes", own["image"].n_unique(),
            f"{counted(len(own), 'box').replace('boxs', 'boxes')} {said} ({listed(own['image'].to_list())}).",
            do,
            named.select("image", "patient", "value"),
        )  # fmt: skip


ODD = (
    (
        "outside", "box outside the image",
        f"end outside an image of {SIDE:,} by {SIDE:,} pixels",
        "Check in which pixels the boxes are given: NIH's refer to its images of 1,024 by 1,024.",
    ),
    ("empty", "box without area", "have no width or no height", "Delete them, or look them up."),
    (
        "without_label", "box without its label",
        "mark a finding that the label table does not have on that image",
        "Decide which is right; a localisation on such an image counts against a model that reads the label table.",
    ),
    ("without_image", "box without its image", "are on images that the label table does not have", "Not used."),
)  # fmt: skip
