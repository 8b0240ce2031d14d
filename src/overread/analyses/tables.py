"""The columns of the long table of estimates, and rows of it."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

import polars as pl

from overread.stats.estimate import Estimate

ESTIMATES = {
    "reading": pl.String,
    "finding": pl.String,
    "attribute": pl.String,
    "subgroup": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}

Row = dict[str, Any]


def interval(estimate: Estimate) -> Row:
    """Return value, bounds and note as cells; what could not be computed is an empty cell."""
    cells = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if isnan(cell) else float(cell) for name, cell in cells.items()} | {"note": estimate.note}


def estimate_row(
    reading: str,
    finding: str,
    metric: str,
    estimate: Estimate,
    n: tuple[int, int],
    *,
    attribute: str = "",
    subgroup: str = "",
) -> Row:
    """Return one row of `estimates.csv`, by default for all images; `n` is the number of images and of positives."""
    return {
        "reading": reading,
        "finding": finding,
        "attribute": attribute,
        "subgroup": subgroup,
        "metric": metric,
        "level": estimate.level,
        "method": estimate.method,
        "n_images": n[0],
        "n_positive": n[1],
    } | interval(estimate)


def estimates_table(rows: Iterable[Row]) -> pl.DataFrame:
    """Return rows as the table of estimates."""
    return pl.DataFrame(list(rows), schema=ESTIMATES)
