"""The tables of a reread: every quantity with what rounding leaves of it, intervals, conflicts, people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf, isnan

import numpy as np
import polars as pl

from overread.analyses.reread_row import Row
from overread.analyses.reread_words import conflict_said
from overread.records.printed import COUNTS, METRICS, RATIOS
from overread.stats.auroc_from_counts import hanley_mcneil, largest_variance
from overread.stats.estimate import Estimate
from overread.stats.printed import PREVALENCE, SENSITIVITY, SPECIFICITY, Bounds, box_range
from overread.stats.printed_counts import log_interval_bounds, metric_of
from overread.stats.proportions import proportion

OF = {"model": pl.String, "finding": pl.String}
READING = OF | {
    "quantity": pl.String,
    "printed": pl.String,
    "printed_low": pl.Float64,
    "printed_high": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "source": pl.String,
    "note": pl.String,
}
CONFLICTS = OF | {"cells": pl.String, "left_out": pl.String, "statement": pl.String}
INTERVALS = OF | {
    "quantity": pl.String,
    "value_low": pl.Float64,
    "value_high": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "note": pl.String,
}
SPANS = ("found", "missed", "referred_healthy", "spared", "ppv", "npv")
PEOPLE = OF | {"prevalence": pl.Float64, "prevalence_source": pl.String, "per": pl.String}
PEOPLE |= {f"{name}_{end}": pl.Float64 for name in SPANS for end in ("low", "high")}
PRINTED, GIVEN_HERE, FOLLOWS, CONTRADICTS = "printed", "given", "follows", "contradicts the others"
INDEPENDENT = "takes images for independent: too narrow where patients have several"
PER_THOUSAND = 1000
RATES_BOTH = ("sensitivity", "specificity")
SIZES = ("n_images", "n_positive", "n_negative", "prevalence")


def reading_rows(row: Row) -> Iterator[dict[str, object]]:
    """Yield every quantity: as it is printed, and between which numbers the row as a whole leaves it."""
    for name in METRICS:
        cell = row.printed.cells.get(name)
        if row.printed.average and name in COUNTS:
            continue
        low, high = (np.nan, np.nan) if name == "auroc" else row.bounds(name)
        if name == "auroc":
            low, high = (cell.low, cell.high) if cell else auroc_bounds(row)
        source = PRINTED if cell else GIVEN_HERE if name in row.given else FOLLOWS
        if cell is None and (says_nothing(name, low, high) or (name not in SIZES and not speaks_of_calls(row))):
            continue
        note = CONTRADICTS if name in row.left_out else ""
        yield of(row) | {
            "quantity": name,
            "printed": cell.text if cell else None,
            "printed_low": cell.low if cell else None,
            "printed_high": cell.high if cell else None,
            "low": number(low),
            "high": number(high),
            "source": source,
            "note": note,
        }


def speaks_of_calls(row: Row) -> bool:
    """Return whether a row has a number that was made at a threshold."""
    return any(name not in (*SIZES, "auroc") for name in row.kept)


def says_nothing(name: str, low: float, high: float) -> bool:
    """Return whether all values of a quantity are left."""
    if isnan(low) or name in COUNTS:
        return isnan(low)
    return low <= 0 and (isinf(high) if name in RATIOS else high >= 1)


def auroc_bounds(row: Row) -> Bounds:
    """Return the areas that a curve through the printed operating point can have."""
    if row.printed.average or not {"sensitivity", "specificity"} <= row.kept.keys():
        return np.nan, np.nan
    return row.bounds("auroc_floor")[0], row.bounds("auroc_ceiling")[1]


def conflict_rows(row: Row) -> Iterator[dict[str, object]]:
    """Yield the smallest set of cells that cannot hold together, if there is one."""
    if row.conflict:
        yield of(row) | {
            "cells": ", ".join(row.conflict),
            "left_out": ", ".join(row.left_out),
            "statement": conflict_said(row),
        }


def interval_rows(row: Row, level: float) -> Iterator[dict[str, object]]:
    """Yield intervals that hold whatever the true digits behind the rounding are; only where images are counted."""
    if row.printed.average or row.tables is None or row.tables.empty:
        return
    tables = row.tables
    called = speaks_of_calls(row)
    ill, healthy = tables.bounds("n_positive"), tables.bounds("n_negative")
    for name, part, of_all in (("sensitivity", "tp", ill), ("specificity", "tn", healthy)):
        if called and of_all[0] == of_all[1] > 0 and not says_nothing(name, *row.bounds(name)):
            low, high = (int(count) for count in tables.bounds(part))
            ends = proportion(low, int(of_all[0]), level=level), proportion(high, int(of_all[0]), level=level)
            yield interval(row, name, row.bounds(name), (ends[0].low, ends[1].high), level, "wilson")
    for name in ("dor", "lr_positive", "lr_negative"):
        found = log_interval_bounds(tables, name, level=level) if called else None
        if found is not None and not says_nothing(name, *row.bounds(name)):
            yield interval(row, name, row.bounds(name), found, level, "log")
    cell = row.printed.cells.get("auroc")
    if cell is not None and "auroc" in row.kept and min(ill[0], healthy[0]) >= 1:
        for method in (hanley_mcneil, largest_variance):
            made = [
                method(area, int(ill[0]), int(healthy[0]), level=level) for area in (cell.low, cell.value, cell.high)
            ]
            yield interval(row, "auroc", (cell.low, cell.high), span(made), level, made[0].method)


def span(made: Sequence[Estimate]) -> Bounds:
    """Return the least lower and the largest upper bound."""
    return min(each.low for each in made), max(each.high for each in made)


def interval(row: Row, name: str, values: Bounds, ends: Bounds, level: float, method: str) -> dict[str, object]:
    """Return the row of an interval."""
    return of(row) | {
        "quantity": name,
        "value_low": number(values[0]),
        "value_high": number(values[1]),
        "low": number(ends[0]),
        "high": number(ends[1]),
        "level": level,
        "method": method,
        "note": INDEPENDENT,
    }


def people_rows(row: Row, asked: Sequence[float]) -> Iterator[dict[str, object]]:
    """Yield what happens to 1,000 people of all, of ill and of healthy, at the row's prevalence and those asked for."""
    sensitivity, specificity = row.bounds("sensitivity"), row.bounds("specificity")
    if not speaks_of_calls(row) or any(says_nothing("sensitivity", *each) for each in (sensitivity, specificity)):
        return
    at: list[tuple[Bounds, str]] = [] if row.prevalence is None else [(row.prevalence, "the table")]
    at += [((share, share), "given") for share in asked]
    for share, source in at:
        start = of(row) | {"prevalence": sum(share) / 2, "prevalence_source": source, "per": "all"}
        yield start | people(sensitivity, specificity, share) | predictive(row, share)
    start = of(row) | {"prevalence": None, "prevalence_source": None}
    yield start | {"per": "ill"} | ends("found", scaled(sensitivity)) | ends("missed", scaled(rest(sensitivity)))
    yield (
        start
        | {"per": "healthy"}
        | ends("spared", scaled(specificity))
        | ends("referred_healthy", scaled(rest(specificity)))
    )


def people(sensitivity: Bounds, specificity: Bounds, share: Bounds) -> dict[str, object]:
    """Return the people of 1,000 that are found, missed, referred and spared."""
    healthy = rest(share)
    return (
        ends("found", scaled(times(share, sensitivity)))
        | ends("missed", scaled(times(share, rest(sensitivity))))
        | ends("referred_healthy", scaled(times(healthy, rest(specificity))))
        | ends("spared", scaled(times(healthy, specificity)))
    )


def predictive(row: Row, share: Bounds) -> dict[str, object]:
    """Return the predictive values at a prevalence, with what rounding leaves."""
    made: dict[str, object] = {}
    for name in ("ppv", "npv"):
        bounds = [at_prevalence(row, name, each) for each in share]
        made |= ends(name, (min(low for low, _ in bounds), max(high for _, high in bounds)))
    return made


def at_prevalence(row: Row, name: str, share: float) -> Bounds:
    """Return a metric at another prevalence, with the row's rates."""
    if row.tables is None or row.tables.empty:
        return row.cover.at_prevalence(name, share)
    cells = row.tables.ends().arrays()
    rates = np.empty((len(cells[0]), 3))
    rates[:, SENSITIVITY], rates[:, SPECIFICITY] = (metric_of(each, *cells) for each in RATES_BOTH)
    rates[:, PREVALENCE] = share
    low, high = box_range(name, rates, rates)
    return float(np.nanmin(low)), float(np.nanmax(high))


def times(one: Bounds, other: Bounds) -> Bounds:
    """Multiply ranges of numbers that are not negative."""
    return one[0] * other[0], one[1] * other[1]


def rest(share: Bounds) -> Bounds:
    """Return what a share leaves of 1."""
    return 1 - share[1], 1 - share[0]


def scaled(share: Bounds) -> Bounds:
    """Return a share as people of 1,000."""
    return PER_THOUSAND * share[0], PER_THOUSAND * share[1]


def ends(name: str, bounds: Bounds) -> dict[str, object]:
    """Return bounds as two cells."""
    return {f"{name}_low": number(bounds[0]), f"{name}_high": number(bounds[1])}


def of(row: Row) -> dict[str, object]:
    """Return what names a row."""
    return {"model": row.printed.model, "finding": row.printed.finding}


def number(value: float) -> float | None:
    """Return a finite number, or nothing."""
    return None if isnan(value) or isinf(value) else float(value)
