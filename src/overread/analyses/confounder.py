"""Does a model lean on something beside the finding, such as a drain? Heat on it, and the score without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.localisation import grid_of
from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, few
from overread.analyses.tables import Row, interval
from overread.records.heatmaps import HeatMaps
from overread.stats.estimate import Estimate
from overread.stats.localisation import coverage
from overread.stats.multiplicity import holm
from overread.stats.resampling import PatientBootstrap, percentile
from overread.stats.sign_test import sign_test

Floats = NDArray[np.float64]

CONFOUNDER = {
    "reading": pl.String,
    "finding": pl.String,
    "images": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "expected": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "method": pl.String,
    "flagged": pl.Boolean,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_patients": pl.Int64,
}
POSITIVE, NEGATIVE = "positive", "negative"
HEAT, LOGIT, CALLED, CALLED_WITHOUT, LOST = (
    "heat_on_confounder",
    "logit_change",
    "called_with",
    "called_without",
    "calls_lost",
)
EXACT, PAINTED = "the same image without it", "painted over"
ALPHA = 0.05
RULE = (
    "Flagged where, on images with the confounder that carry the finding, more patients lose calls than gain them once "
    "it is taken out (exact sign test by patient, p below 0.05 after Holm over findings), and the heat on its boxes "
    "exceeds the heat on the same boxes of other patients' images without it (the interval lies above that)."
)


@dataclass(frozen=True, eq=False)
class Without:
    """Scores (images, findings) of the images that carry the confounder, once it was taken out; nan on the others.

    `how` says by what means; `control` are scores with a patch of the same size painted over on the other side of the
    image, which shows what painting alone does, and is nan where the confounder was left out exactly.
    """

    scores: Floats
    how: str
    control: Floats | None = None


def confounder(
    maps: HeatMaps,
    boxes: pl.DataFrame,
    without: Without,
    *,
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> pl.DataFrame:
    """Return what heat and scores say of a confounder whose boxes (image, x, y, width, height in the square) are known.

    Per finding, on images with the confounder that carry the finding and on those that do not:

    * `heat_on_confounder`: the mean share of heat within its boxes. `expected` is the same for the same boxes laid on
      images of other patients without the confounder that have the same label, or where there are none the boxes' share
      of the area. The interval is of the difference from it.
    * `logit_change`: the mean fall of the logit when the confounder is taken out; `expected` is the fall for a patch of
      the same size on the other side, where it was painted over.
    * `called_with`, `called_without`, `calls_lost`: the share called at the operating point before and after, and
      their difference, by image.

    A fall of the logit alone is not flagged: any change of an image moves every score a little, and with many images
    any move is beyond chance. `RULE` says what is.
    """
    held = Confounded.of(maps, boxes)
    if not len(held.rows):
        return pl.DataFrame(schema=CONFOUNDER)
    codes = np.unique(np.asarray(maps.patients)[held.rows], return_inverse=True)[1].astype(np.int64)
    boots = PatientBootstrap(codes, replicates=replicates, seed=seed)
    rows: list[Row] = []
    for finding in range(len(maps.findings)):
        for kind, label in ((POSITIVE, 1), (NEGATIVE, 0)):
            rows += kind_rows(maps, held, without, finding, kind, label, codes, boots, level)
    flag(rows)
    return pl.DataFrame(rows, schema=CONFOUNDER)


@dataclass(frozen=True, eq=False)
class Confounded:
    """The images that carry the confounder: their rows, and the share of each cell that its boxes cover."""

    rows: NDArray[np.int64]
    covered: Floats

    @classmethod
    def of(cls, maps: HeatMaps, boxes: pl.DataFrame) -> Confounded:
        """Return the explained images with a box that has an area."""
        grid, place = grid_of(maps), {name: row for row, name in enumerate(maps.images)}
        by_image: dict[int, list[tuple[float, float, float, float]]] = {}
        for image, x, y, width, height in boxes.select("image", "x", "y", "width", "height").iter_rows():
            if image in place and width > 0 and height > 0:
                by_image.setdefault(place[image], []).append((x, y, x + width, y + height))
        rows = np.array(sorted(by_image), np.int64)
        covered = [coverage(grid, by_image[int(row)]) for row in rows]
        return cls(rows, np.array(covered, np.float64).reshape(len(rows), *grid.shape))


def kind_rows(
    maps: HeatMaps,
    held: Confounded,
    without: Without,
    finding: int,
    kind: str,
    label: int,
    codes: NDArray[np.int64],
    boots: PatientBootstrap,
    level: float,
) -> Iterator[Row]:
    """Yield the rows of one finding, on the images that carry it or on those that do not."""
    own = maps.labels[held.rows, finding] == label
    if not own.any():
        return
    rows, patients = held.rows[own], codes[own]
    n = {"n_images": int(own.sum()), "n_patients": len(np.unique(patients))}
    shared: Row = {
        "reading": maps.reading,
        "finding": maps.findings[finding],
        "images": kind,
        "level": level,
        "flagged": False,
    }

    def mean(values: Floats, note: str = "") -> Estimate:
        """Return the mean over these images, patients resampled."""
        value = float(values.mean())
        if n["n_patients"] < FEWEST_FOR_INTERVAL:
            return Estimate(value, nan, nan, level, "bootstrap", few(n["n_patients"])).with_note(note)
        laid = np.zeros((len(own), 1))
        laid[own, 0] = values
        weights, sums = boots.grouped_sums(laid, np.where(own, 0, -1), 1)
        drawn = np.divide(sums[:, 0, 0], weights[:, 0], out=np.full(len(weights), nan), where=weights[:, 0] > 0)
        return percentile(value, drawn, level=level, note=note)

    def row(metric: str, estimate: Estimate, expected: float = nan) -> Row:
        return (
            shared | interval(estimate) | n | {"metric": metric, "method": estimate.method, "expected": cell(expected)}
        )

    on_it = shares(maps, rows, finding, held.covered[own])
    elsewhere, note = expected_heat(maps, held, rows, finding, label, held.covered[own])
    beyond = mean(on_it - elsewhere, note)
    heat = row(
        HEAT, Estimate(float(on_it.mean()), nan, nan, level, beyond.method, beyond.note), float(elsewhere.mean())
    )
    heat |= {"low": cell(beyond.low + float(elsewhere.mean())), "high": cell(beyond.high + float(elsewhere.mean()))}
    before, after = maps.scores[rows, finding], without.scores[rows, finding]
    fall = logit(before) - logit(after)
    control = nan if without.control is None else float((logit(before) - logit(without.control[rows, finding])).mean())
    yield row(LOGIT, mean(fall, without.how), control)
    threshold = maps.thresholds[finding]
    if isnan(threshold):
        yield heat
        return
    called, still = (before >= threshold).astype(float), (after >= threshold).astype(float)
    yield row(CALLED, mean(called))
    yield row(CALLED_WITHOUT, mean(still, without.how))
    change = called - still
    yield heat
    yield row(LOST, mean(change, without.how), 0.0) | {"p": cell(sign_test(change, patients))}


def flag(rows: list[Row]) -> None:
    """Adjust p over findings, and flag by `RULE`."""
    lost = [row for row in rows if row["metric"] == LOST and row["images"] == POSITIVE]
    heat = {row["finding"]: row for row in rows if row["metric"] == HEAT and row["images"] == POSITIVE}
    adjusted = holm([nan if row["p"] is None else row["p"] for row in lost])
    for row, p in zip(lost, adjusted, strict=True):
        on_it = heat[row["finding"]]
        hot = on_it["low"] is not None and on_it["low"] > on_it["expected"]
        row["p_adjusted"] = cell(float(p))
        row["flagged"] = on_it["flagged"] = bool(hot and row["value"] > 0 and p < ALPHA)


def shares(maps: HeatMaps, rows: NDArray[np.int64], finding: int, covered: Floats) -> Floats:
    """Return the share of each map's heat that lies within boxes; 0 where there is no heat."""
    heat = np.stack([maps.heat(int(row), finding) for row in rows])
    total, within = heat.sum(axis=(1, 2)), (heat * covered).sum(axis=(1, 2))
    return np.divide(within, total, out=np.zeros(len(rows)), where=total > 0)


def expected_heat(
    maps: HeatMaps, held: Confounded, rows: NDArray[np.int64], finding: int, label: int, covered: Floats
) -> tuple[Floats, str]:
    """Return, for each box, the mean share of heat within it on images without the confounder, and how it was made."""
    clean = np.setdiff1d(np.flatnonzero(maps.labels[:, finding] == label), held.rows)
    patients = np.asarray(maps.patients)
    heat = (
        np.stack([maps.heat(int(row), finding) for row in clean]) if len(clean) else np.empty((0, *covered.shape[1:]))
    )
    total = heat.sum(axis=(1, 2))
    warm = total > 0
    heat, clean = heat[warm] / total[warm, None, None], clean[warm]
    on = np.tensordot(covered, heat, axes=([1, 2], [1, 2]))  # (images with it, images without)
    others = patients[rows][:, None] != patients[clean][None, :]
    if not others.any(axis=1).all():
        return covered.mean(axis=(1, 2)), "expected from the boxes' area: no other patient's image without it"
    return (on * others).sum(axis=1) / others.sum(axis=1), ""


def logit(scores: Floats) -> Floats:
    """Return the log odds of scores, which are kept from 0 and 1 by the last digit of single precision."""
    inside = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(inside / (1 - inside)))


def cell(value: float) -> float | None:
    """Return a number as a cell; what could not be computed is empty."""
    return None if isnan(value) else float(value)
