"""Where does the AUROC come from? Its pairs of an ill and a healthy image, split by an attribute of either.

A reader who sees that an image was taken at the bedside, and that bedside patients are ill, orders many pairs rightly
without seeing the finding. Those are pairs across strata. Pairs within a stratum leave nothing to be told from the
attribute, and the balanced AUROC is made of them alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.quantities import MEAN
from overread.analyses.stratification import Stratification
from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, few
from overread.analyses.tables import Row
from overread.analyses.within import Apart, Bin
from overread.records.cohort import MISSING
from overread.stats.resampling import percentile

PARTS = {
    "reading": pl.String,
    "finding": pl.String,
    "attribute": pl.String,
    "ill": pl.String,
    "healthy": pl.String,
    "share": pl.Float64,
    "auroc": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "contribution": pl.Float64,
    "note": pl.String,
    "n_ill": pl.Int64,
    "n_healthy": pl.Int64,
}
BALANCED = {
    "reading": pl.String,
    "finding": pl.String,
    "attribute": pl.String,
    "share_within": pl.Float64,
    "auroc": pl.Float64,
    "apart": pl.Float64,
    "balanced": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "adjusted": pl.Float64,
    "level": pl.Float64,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sources:
    """Where an AUROC comes from: `parts` by stratum of the ill and the healthy image, `balanced` within strata."""

    parts: pl.DataFrame
    balanced: pl.DataFrame


def sources(of: Stratification) -> Sources:
    """Split the AUROC of every finding by the strata of an attribute, with intervals by patient.

    `parts` has a row for each stratum of the ill image and of the healthy image: the `share` of all pairs it holds, the
    `auroc` among them, and their product, the `contribution`; contributions add up to the AUROC of the images whose
    attribute is known. `balanced` has a row for each finding, and one for their mean: the AUROC, the same of pairs of
    two patients (`apart`), the share of those that lie within a stratum, the stratum-balanced AUROC (the share in the
    right order among these), what separates the last from `apart` (`difference`, with its interval), and the
    covariate-adjusted AUROC of Janes and Pepe (2009), of all pairs, in which strata count by their ill images and not
    by their pairs. Images of one patient are mostly of one gender, view and age, and are ordered less well than others:
    with their pairs, an attribute that gives nothing away would seem to give something.

    The difference is what the attribute could have given away. It does not prove that the reader used it: a reader who
    sees only the finding has a difference too where the finding looks worse in one stratum than in another.
    """
    rows = [row for column in range(len(of.evaluation.findings)) for row in part_rows(of, column)]
    return Sources(pl.DataFrame(rows, schema=PARTS), pl.DataFrame(list(balanced_rows(of)), schema=BALANCED))


def part_rows(of: Stratification, column: int) -> Iterator[Row]:
    """Yield the parts of one finding's AUROC, ill stratum first."""
    share, area = of.observed.shares[0, column], of.observed.parts[0, column]
    drawn = of.replicates.parts[:, column]
    n_ill, n_healthy = of.n_positive[column], of.n_negative[column]
    ill_patients, healthy_patients = of.n_ill_patients[column], of.n_healthy_patients[column]
    names = of.partition.subgroups
    for ill, healthy in np.ndindex(len(names), len(names)):
        n_patients = int(min(ill_patients[ill], healthy_patients[healthy]))
        yield {
            "reading": of.evaluation.reading,
            "finding": of.evaluation.findings[column],
            "attribute": of.partition.attribute,
            "ill": names[ill],
            "healthy": names[healthy],
            "share": empty(share[ill, healthy]),
            "contribution": empty(share[ill, healthy] * (area[ill, healthy] if share[ill, healthy] else 0.0)),
            "n_ill": int(n_ill[ill]),
            "n_healthy": int(n_healthy[healthy]),
        } | area_cells(area[ill, healthy], drawn[:, ill, healthy], n_patients, of.evaluation.level)


def area_cells(area: float, drawn: Floats, n_patients: int, level: float) -> Row:
    """Return the AUROC of a part with its interval, or why there is none."""
    note = "no pair" if isnan(area) else ""
    estimate = percentile(float(area), drawn, level=level, note=note)
    low, high, note = estimate.low, estimate.high, estimate.note
    if not isnan(area) and n_patients < FEWEST_FOR_INTERVAL:
        low, high, note = nan, nan, few(n_patients)
    return {"auroc": empty(area), "low": empty(low), "high": empty(high), "level": level, "note": note}


def balanced_rows(of: Stratification) -> Iterator[Row]:
    """Yield the balanced AUROC of each finding, then of their mean."""
    evaluation, findings = of.evaluation, of.evaluation.findings
    bins = list(binned(of))
    held, drawn = (
        Apart.of(bins, evaluation.scores, evaluation.patients, draws) for draws in (None, evaluation.bootstrap)
    )
    pairs, all_pairs = held.binned.pairs[0], held.whole.pairs[0]
    columns = {
        "total": of.observed.total[0],
        "apart": held.whole.auroc[0],
        "balanced": held.binned.auroc[0],
        "adjusted": of.observed.adjusted[0],
        "within": np.divide(pairs, all_pairs, out=np.full(len(findings), nan), where=all_pairs > 0),
    }
    whole, inside = drawn.whole.auroc, drawn.binned.auroc
    for column, finding in enumerate(findings):
        numbers = {name: float(values[column]) for name, values in columns.items()}
        note = "no pair within a stratum" if isnan(numbers["balanced"]) else ""
        n = int((of.n_positive + of.n_negative)[column].sum()), int(of.n_positive[column].sum())
        yield balanced_row(of, finding, numbers, whole[:, column], inside[:, column], note, n)
    known = ~np.isnan(columns["balanced"])
    numbers = {name: float(values[known].mean()) if known.any() else nan for name, values in columns.items()}
    left_out = [finding for finding, taken in zip(findings, known, strict=True) if not taken]
    note = f"over {int(known.sum())} of {len(findings)} findings; none for {', '.join(left_out)}" if left_out else ""
    total, balanced = (each[:, known].sum(axis=1) / max(int(known.sum()), 1) for each in (whole, inside))
    n = int((of.partition.of_row >= 0).sum()), int(of.n_positive.sum())
    yield balanced_row(of, MEAN, numbers, total, balanced, note, n)


def binned(of: Stratification) -> Iterator[Bin]:
    """Yield the assessed images of each finding in each stratum."""
    labels, stratum = of.evaluation.labels, of.partition.of_row
    for column, place in np.ndindex(labels.shape[1], len(of.partition.subgroups)):
        rows = np.flatnonzero((labels[:, column] != MISSING) & (stratum == place))
        yield Bin(column, rows, labels[rows, column] == 1)


def balanced_row(
    of: Stratification,
    finding: str,
    numbers: dict[str, float],
    total: Floats,
    balanced: Floats,
    note: str,
    n: tuple[int, int],
) -> Row:
    """Return one row of the table of balanced AUROCs."""
    level = of.evaluation.level
    estimate = percentile(numbers["balanced"], balanced, level=level, note=note)
    apart = percentile(numbers["apart"] - numbers["balanced"], total - balanced, level=level)
    return {
        "reading": of.evaluation.reading,
        "finding": finding,
        "attribute": of.partition.attribute,
        "share_within": empty(numbers["within"]),
        "auroc": empty(numbers["total"]),
        "apart": empty(numbers["apart"]),
        "balanced": empty(estimate.value),
        "low": empty(estimate.low),
        "high": empty(estimate.high),
        "difference": empty(apart.value),
        "difference_low": empty(apart.low),
        "difference_high": empty(apart.high),
        "adjusted": empty(numbers["adjusted"]),
        "level": level,
        "note": estimate.note,
        "n_images": n[0],
        "n_positive": n[1],
    }


def empty(number: float) -> float | None:
    """Return a number as a cell: what could not be computed is empty."""
    return None if isnan(number) else float(number)
