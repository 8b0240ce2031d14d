"""How well do attributes alone tell each finding? What a model can earn without looking at an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.attributes import DEFAULT
from overread.analyses.audit_point import Point
from overread.analyses.audit_prevalence import FEW_VALUES
from overread.analyses.blind import fit_blind, in_training
from overread.analyses.tables import interval
from overread.records.cohort import MISSING, Cohort
from overread.records.errors import InputError
from overread.records.findings import display
from overread.stats.discrimination import auroc_obuchowski
from overread.stats.operating_points import folds

BLIND = {
    "finding": pl.String,
    "features": pl.String,
    "fitted": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "note": pl.String,
}
TRAINED, CROSSED = "on train, read on the rest", "cross-fitted by patient"
MOST_FEATURES, FEW = 12, 4
WORTH_SAYING = 0.7
"""The AUROC from which attributes alone are raised."""


def feature_sets(cohort: Cohort) -> tuple[tuple[str, ...], ...]:
    """Return the sets of attributes to fit: one alone, age with gender and view, and all of them, twelve at most.

    Alone are fitted age, gender, view, follow-up number, and whatever has few values, such as a site. A column that
    says what another one says, such as the spacing of square pixels, is left out.
    """
    usable: list[str] = []
    for name in cohort.attributes:
        values = cohort.table[name]
        if varies(values) and not any(same(values, cohort.table[other]) for other in usable):
            usable.append(name)
    first = [name for name in DEFAULT if name in usable]
    named = (*first, *(name for name in usable if name not in first))[:MOST_FEATURES]
    alone = [name for name in named if name in (*first, "follow_up") or cohort.table[name].n_unique() <= FEW_VALUES]
    everything = () if set(named) == set(first) else named
    sets = [*((name,) for name in alone), tuple(sorted(first)), everything]
    return tuple(dict.fromkeys(one for one in sets if one))


def same(one: pl.Series, other: pl.Series) -> bool:
    """Return whether two attributes hold the same values."""
    return one.dtype == other.dtype and one.equals(other, check_names=False)


def varies(values: pl.Series) -> bool:
    """Return whether an attribute may tell images apart: several values, and not a name of each image."""
    kinds = values.drop_nulls().n_unique() if not values.dtype.is_nested() else 0
    return kinds > 1 and (values.dtype.is_numeric() or values.dtype == pl.Boolean or kinds <= 20)


def blind_table(cohort: Cohort, patients: NDArray[np.int64], *, level: float, seed: int) -> pl.DataFrame:
    """Return the AUROC of each finding by each set of attributes, with intervals by patient (Obuchowski 1997).

    Where there are training rows and others, the reader is fitted on the first and read on the others; else it is
    cross-fitted by patient in two folds. Nobody is read who was learnt from.
    """
    training = in_training(cohort)
    split = bool(training.any() and not training.all())
    rows = []
    for features in feature_sets(cohort):
        try:
            read, scores = fitted(cohort, features, training) if split else crossed(cohort, features, patients, seed)
        except InputError:  # no one is left to learn from, as where every training patient is tested too
            continue
        named = {"features": ", ".join(features), "fitted": TRAINED if split else CROSSED, "level": level}
        for column, finding in enumerate(cohort.findings):
            labels = cohort.labels[read, column]
            known = labels != MISSING
            estimate = auroc_obuchowski(labels[known], scores[known, column], patients[read][known], level=level)
            counts = {"n_images": int(known.sum()), "n_positive": int((labels == 1).sum())}
            rows.append({"finding": finding, "method": estimate.method} | named | counts | interval(estimate))
    return pl.DataFrame(rows, schema=BLIND)


def fitted(
    cohort: Cohort, features: Sequence[str], training: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows outside the training part and the scores of a reader that learnt from none of their patients."""
    read = np.flatnonzero(~training)
    people = cohort.images if cohort.patients is None else cohort.patients
    reader = fit_blind(cohort, features=features, exclude_patients=people.gather(read).unique().to_list())
    return read, reader.scores(cohort, read)


def crossed(
    cohort: Cohort, features: Sequence[str], patients: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return all rows and their scores, each half of the patients read by the reader that learnt from the other."""
    fold = folds(patients, seed=seed)
    scores = np.empty((cohort.n_images, len(cohort.findings)))
    for side in (0, 1):
        split = pl.Series("split", np.where(fold == side, "test", "train"))
        halves = replace(cohort, table=cohort.table.drop("split", strict=False).with_columns(split))
        read = np.flatnonzero(fold == side)
        scores[read] = fit_blind(halves, features=features).scores(halves, read)
    return np.arange(cohort.n_images), scores


def floor_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of age, gender and view together, as far as known; else of all attributes together."""
    sets = table["features"].unique(maintain_order=True).to_list()
    floor = [one for one in sets if set(one.split(", ")) <= set(DEFAULT)]
    most = max(floor or sets, key=lambda one: len(one.split(", ")), default="")
    return table.filter(pl.col("features") == most)


def blind_points(table: pl.DataFrame) -> Iterator[Point]:
    """Raise findings that attributes alone tell well, each by as few attributes as do."""
    few = pl.col("features").str.count_matches(", ", literal=True)
    strong = table.filter(pl.col("low") >= WORTH_SAYING).sort(few, -pl.col("value"), maintain_order=True)
    for finding, own in strong.partition_by("finding", as_dict=True, maintain_order=True).items():
        best = own.row(0, named=True)
        names = best["features"].split(", ")
        told = best["features"] if len(names) <= FEW else f"{len(names)} attributes ({best['features']})"
        yield Point(
            "told by attributes", "caution", best["features"], best["n_images"],
            f"{display(str(finding[0]))} is told from {told} alone, without an image, with an AUROC of "
            f"{best['value']:.3f} ({best['low']:.3f} to {best['high']:.3f}).",
            "Hold any model against this floor, and look at its AUROC within one value of the attributes.",
        )  # fmt: skip
