"""What an audit raises: what was seen, how grave it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from overread.analyses.suspicion import Severity
from overread.records.cohort import Cohort

POINTS = {
    "check": pl.String,
    "severity": pl.String,
    "column": pl.String,
    "n_images": pl.Int64,
    "message": pl.String,
    "remedy": pl.String,
}
ROWS = {"check": pl.String, "column": pl.String, "image": pl.String, "patient": pl.String, "value": pl.String}
ORDER: tuple[Severity, ...] = ("serious", "caution", "note")
MOST_ROWS = 1000
"""Images of one point that are listed by name; the point's `n_images` counts all of them."""


@dataclass(frozen=True, eq=False)
class Point:
    """One thing found in a cohort; `rows` are the images it is about, as `ROWS` without check and column."""

    check: str
    severity: Severity
    column: str
    n_images: int
    message: str
    remedy: str
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ROWS).select("image", "patient", "value"))


def points_table(points: Iterable[Point]) -> pl.DataFrame:
    """Return points as a table, the gravest first."""
    ordered = sorted(points, key=lambda point: ORDER.index(point.severity))
    rows = [tuple(getattr(point, name) for name in POINTS) for point in ordered]
    return pl.DataFrame(rows, schema=POINTS, orient="row")


def rows_table(points: Iterable[Point]) -> pl.DataFrame:
    """Return the images that points are about, the first thousand of each."""
    tables = [
        point.rows.head(MOST_ROWS).select(
            pl.lit(point.check).alias("check"), pl.lit(point.column).alias("column"), "image", "patient", "value"
        )
        for point in points
    ]
    return pl.concat([pl.DataFrame(schema=ROWS), *tables])


def images_at(cohort: Cohort, wrong: pl.Series, values: pl.Series | None = None) -> pl.DataFrame:
    """Return the images of some rows with their patients and what their cells hold."""
    patients = cohort.patients
    nothing = pl.Series([None] * cohort.n_images, dtype=pl.String)
    table = pl.DataFrame(
        {
            "image": cohort.images,
            "patient": nothing if patients is None else patients,
            "value": nothing if values is None else values.cast(pl.String),
        }
    )
    return table.filter(wrong.fill_null(False))
