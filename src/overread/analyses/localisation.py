"""Does the heat lie where the finding was drawn? Between what sees no image and what the maps' grid allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import isnan, nan
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import column_thresholds
from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, few
from overread.analyses.tables import Row, interval
from overread.records.findings import key
from overread.records.heatmaps import OUTCOMES, HeatMaps
from overread.stats.clustered_shares import share_by_patient
from overread.stats.estimate import Estimate
from overread.stats.localisation import (
    IOBB_THRESHOLDS,
    IOU_THRESHOLDS,
    TOLERANCE,
    Grid,
    Located,
    boxes_of_map,
    ceiling,
    centre_map,
    coverage,
    located,
    mean_box_map,
    skill,
)
from overread.stats.operating_points import parse_rule
from overread.stats.rank_correlation import spearman, spearman_replicates
from overread.stats.resampling import PatientBootstrap, percentile

Floats = NDArray[np.float64]

COLUMNS = {
    "reading": pl.String,
    "finding": pl.String,
    "outcome": pl.String,
    "metric": pl.String,
    "threshold": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_patients": pl.Int64,
    "floor_centre": pl.Float64,
    "floor_mean_box": pl.Float64,
    "floor_frequent": pl.Float64,
    "ceiling": pl.Float64,
    "skill": pl.Float64,
    "skill_low": pl.Float64,
    "skill_high": pl.Float64,
    "wang2017_chestxray8": pl.Float64,
    "wang2017_chestxray14": pl.Float64,
}
"""The columns of localisation.csv and of heat.csv; what does not apply is empty."""

MEAN = "mean"
FLOORS = ("floor_centre", "floor_mean_box", "floor_frequent")
PUBLISHED = Path(__file__).parent / "data" / "localisation_wang2017.csv"


@dataclass(frozen=True)
class Measure:
    """One number of a map against its boxes, and whether more of it is better, so that it has a floor and a ceiling."""

    metric: str
    threshold: float | None
    of: Callable[[Located], float]
    bounded: bool = True


def passes(name: str, at: float) -> Callable[[Located], float]:
    """Return whether the best overlap of a map lies above a threshold, as Wang et al. (2017, section 4) ask."""
    return lambda found: float(getattr(found, name) > at)


def false_boxes(name: str, place: int) -> Callable[[Located], float]:
    """Return how many boxes of a map come above a threshold with no drawn box."""
    return lambda found: float(getattr(found, name)[place])


def measures() -> tuple[Measure, ...]:
    """Return all numbers of a map against its boxes."""
    both = (("iou", IOU_THRESHOLDS), ("iobb", IOBB_THRESHOLDS))
    return (
        *(Measure(f"{name}_accuracy", at, passes(name, at)) for name, thresholds in both for at in thresholds),
        *(
            Measure(f"{name}_false_boxes", at, false_boxes(f"false_{name}", k), bounded=False)
            for name, thresholds in both
            for k, at in enumerate(thresholds)
        ),
        Measure("pointing_game", 0.0, lambda found: found.pointing),
        Measure("pointing_game", TOLERANCE, lambda found: found.pointing_near),
        Measure("heat_inside", None, lambda found: found.heat),
        Measure("best_iou", None, lambda found: found.iou),
    )


MEASURES = measures()
OF_HEAT = ("heat_inside", "best_iou")


@dataclass(frozen=True, eq=False)
class Targets:
    """Every explained image with a drawn box of a known finding: what was found on it, and what bounds that.

    `found`, `best` and each of `floors` are (targets, measures); a floor that could not be made, since no other patient
    has a box of the finding, is nan. `area` is the share of the map's area that the boxes cover.
    """

    image: NDArray[np.int64]
    finding: NDArray[np.int64]
    patients: tuple[str, ...]
    found: Floats
    best: Floats
    floors: Floats
    area: Floats
    score: Floats

    def __len__(self) -> int:
        return len(self.image)

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Return the patients as numbers from 0."""
        return np.unique(self.patients, return_inverse=True)[1].astype(np.int64)


Taken = tuple[int, int, str, Floats, Floats, Floats, float]


def grid_of(maps: HeatMaps) -> Grid:
    """Return where the cells of the maps lie in the square image."""
    left, top, width, height = maps.area
    return Grid.regular(maps.maps.shape[2], maps.maps.shape[3], left=left, top=top, width=width, height=height)


def boxes_on(maps: HeatMaps) -> Callable[[Floats], Floats]:
    """Return what makes boxes (n, 4) of left, top, right, lower edge of a map."""
    grid = grid_of(maps)
    return lambda heat: boxes_of_map(heat, grid)


def chosen_thresholds(rule: str, labels: NDArray[np.int8], scores: Floats) -> Floats:
    """Return the threshold of each finding by a rule, on tuning rows that have its label; nan where there is none."""
    return column_thresholds(parse_rule(rule), labels, scores)


def fixed_thresholds(given: Mapping[str, float], findings: Sequence[str]) -> Floats:
    """Return thresholds given by finding in the order of the findings, nan where none was given."""
    by_key = {key(name): value for name, value in given.items()}
    return np.array([by_key.get(key(name), nan) for name in findings])


def usable(maps: HeatMaps) -> pl.DataFrame:
    """Return the boxes that have an area within the image and a finding that the model knows, with their edges."""
    known = pl.col("finding").is_in(list(maps.findings)) & (pl.col("width") > 0) & (pl.col("height") > 0)
    return maps.boxes.filter(known).with_columns(
        right=pl.col("x") + pl.col("width"), lower=pl.col("y") + pl.col("height")
    )


def targets(maps: HeatMaps) -> Targets:
    """Measure every map that has a drawn box, the three floors in its place, and the best its grid allows."""
    grid, boxes = grid_of(maps), usable(maps)
    rows = {name: row for row, name in enumerate(maps.images)}
    all_edges = boxes.select("x", "y", "right", "lower").to_numpy()
    images, findings = boxes["image"].to_list(), boxes["finding"].to_list()
    owners = np.array(boxes["patient"].fill_null(boxes["image"]).to_list(), dtype=object)
    taken: list[Taken] = []
    for place, finding in enumerate(maps.findings):
        of_finding = np.array([k for k, name in enumerate(findings) if name == finding], np.int64)
        edges, owner = all_edges[of_finding], owners[of_finding]
        by_image: dict[str, list[int]] = {}
        for at, k in enumerate(of_finding):
            by_image.setdefault(images[k], []).append(at)
        covered = np.stack([coverage(grid, box[None]) for box in edges]) if len(edges) else np.empty((0, *grid.shape))
        for image, own in by_image.items():
            if image in rows:
                drawn, others = edges[own], owner != owner[own[0]]
                unseeing = floor_maps(grid, edges[others], covered[others])
                measured = numbers(located(maps.heat(rows[image], place), grid, drawn)), numbers(ceiling(grid, drawn))
                floors = np.full((len(FLOORS), len(MEASURES)), nan)
                floors[: len(unseeing)] = [numbers(located(heat, grid, drawn)) for heat in unseeing]
                area = float(coverage(grid, drawn).mean())
                taken.append((rows[image], place, str(owner[own[0]]), *measured, floors, area))
    return as_targets(taken, maps.scores)


def as_targets(taken: Sequence[Taken], scores: Floats) -> Targets:
    """Return what was measured on each target as arrays."""
    n = len(taken)
    image, finding = (np.array([each[k] for each in taken], np.int64) for k in (0, 1))
    return Targets(
        image,
        finding,
        tuple(each[2] for each in taken),
        np.array([each[3] for each in taken], np.float64).reshape(n, len(MEASURES)),
        np.array([each[4] for each in taken], np.float64).reshape(n, len(MEASURES)),
        np.array([each[5] for each in taken], np.float64).reshape(n, len(FLOORS), len(MEASURES)),
        np.array([each[6] for each in taken], np.float64),
        scores[image, finding],
    )


def floor_maps(grid: Grid, others: Floats, covered: Floats) -> list[Floats]:
    """Return the maps that see no image, in the order of `FLOORS`; the first alone where no other patient has a box."""
    return [centre_map(grid), *([mean_box_map(grid, others), covered.mean(axis=0)] if len(others) else [])]


def numbers(found: Located) -> Floats:
    """Return a map's numbers in the order of `MEASURES`."""
    return np.array([measure.of(found) for measure in MEASURES])


def localisation(
    maps: HeatMaps, *, replicates: int = 2000, seed: int = 0, level: float = 0.95
) -> dict[str, pl.DataFrame]:
    """Return `localisation` and `heat`: per finding, and as the mean over findings, with intervals by patient.

    The value of a finding is the mean over its images with a box. skill = (value - floor) / (ceiling - floor), where
    the floor is the highest of the three that see no image (a map at the centre; the mean box of other patients; how
    often other patients' boxes cover each cell), held in the replicates, and the ceiling is the mean of the best that
    the grid allows on each image. A share has Wilson's interval by patient, all else the bootstrap's.
    """
    target = targets(maps)
    boots = PatientBootstrap(target.codes, replicates=replicates, seed=seed) if len(target) else None
    rows = list(target_rows(maps, target, boots, level)) if boots else []
    of_heat = [row for row in rows if row["metric"] in OF_HEAT]
    further = [
        *(score_rows(maps, target, boots, level) if boots else ()),
        *area_rows(maps, target),
        *outcome_rows(maps, replicates=replicates, seed=seed, level=level),
    ]
    return {
        "localisation": pl.DataFrame([row for row in rows if row["metric"] not in OF_HEAT], schema=COLUMNS),
        "heat": pl.DataFrame([*of_heat, *further], schema=COLUMNS),
    }


def blank(maps: HeatMaps, finding: str, metric: str) -> Row:
    """Return a row without a value."""
    empty: Row = dict.fromkeys(COLUMNS)
    return empty | {"reading": maps.reading, "finding": finding, "outcome": "", "metric": metric, "note": ""}


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of a measure over the images of a finding, or over findings: observed, and in every replicate.

    `floor` is the highest of `floors`, which of them being held in the replicates.
    """

    value: float
    floors: Floats
    floor: float
    best: float
    drawn: Floats
    floor_drawn: Floats
    best_drawn: Floats


def means(target: Targets, boots: PatientBootstrap, n_findings: int) -> dict[int, list[Mean]]:
    """Return, by finding that has boxes, the mean of every measure."""
    stacked = np.concatenate([target.found[:, None], target.best[:, None], target.floors], axis=1)
    flat = np.nan_to_num(stacked.reshape(len(target), -1))  # a floor that could not be made is never the highest
    weights, sums = boots.grouped_sums(flat, target.finding, n_findings)
    counted = np.broadcast_to(weights[:, :, None], sums.shape)
    drawn = np.divide(sums, counted, out=np.full(sums.shape, nan), where=counted > 0)
    drawn = drawn.reshape(len(weights), n_findings, 2 + len(FLOORS), len(MEASURES))
    found = {}
    for place in np.unique(target.finding):
        observed = stacked[target.finding == place].mean(axis=0)
        low = [int(np.argmax(np.nan_to_num(floors, nan=-np.inf))) for floors in observed[2:].T]
        found[int(place)] = [
            Mean(
                value=float(observed[0, k]),
                floors=observed[2:, k],
                floor=float(observed[2 + low[k], k]),
                best=float(observed[1, k]),
                drawn=drawn[:, place, 0, k],
                floor_drawn=drawn[:, place, 2 + low[k], k],
                best_drawn=drawn[:, place, 1, k],
            )
            for k in range(len(MEASURES))
        ]
    return found


def averaged(over: Sequence[Mean]) -> Mean:
    """Return the mean over findings, each counting the same."""
    return Mean(
        value=float(np.mean([each.value for each in over])),
        floors=np.mean([each.floors for each in over], axis=0),
        floor=float(np.mean([each.floor for each in over])),
        best=float(np.mean([each.best for each in over])),
        drawn=np.mean([each.drawn for each in over], axis=0),
        floor_drawn=np.mean([each.floor_drawn for each in over], axis=0),
        best_drawn=np.mean([each.best_drawn for each in over], axis=0),
    )


def target_rows(maps: HeatMaps, target: Targets, boots: PatientBootstrap, level: float) -> Iterator[Row]:
    """Yield a row per measure and finding that has boxes, and the mean over findings."""
    by_finding = means(target, boots, len(maps.findings))
    everyone = np.asarray(target.patients)
    for k, measure in enumerate(MEASURES):
        for place, of_finding in by_finding.items():
            own = target.finding == place
            values, patients = target.found[own, k], everyone[own]
            if measure.bounded and np.isin(values, (0.0, 1.0)).all():
                estimate = share_by_patient(values, patients, level=level)
            else:
                estimate = drawn_estimate(of_finding[k].value, of_finding[k].drawn, len(set(patients)), level)
            n = int(own.sum()), len(set(patients))
            row = measure_row(maps, maps.findings[place], measure, of_finding[k], estimate, n)
            yield row | published(row, measure)
        over = averaged([of_finding[k] for of_finding in by_finding.values()])
        estimate = drawn_estimate(over.value, over.drawn, boots.n_patients, level)
        said = f"over {len(by_finding)} findings with boxes"
        yield measure_row(maps, MEAN, measure, over, estimate.with_note(said), (len(target), boots.n_patients))


def drawn_estimate(value: float, drawn: Floats, n_patients: int, level: float) -> Estimate:
    """Return a value with its bootstrap interval, none where there are too few patients."""
    if n_patients < FEWEST_FOR_INTERVAL:
        return Estimate(value, nan, nan, level, "bootstrap", few(n_patients))
    return percentile(value, drawn, level=level)


def measure_row(
    maps: HeatMaps, finding: str, measure: Measure, mean: Mean, estimate: Estimate, n: tuple[int, int]
) -> Row:
    """Return the row of a measure: the estimate, and for what has a ceiling the floors, the ceiling and the skill."""
    row = (
        blank(maps, finding, measure.metric)
        | interval(estimate)
        | dict(zip(FLOORS, map(cell, mean.floors), strict=True))
    )
    row |= {"threshold": measure.threshold, "level": estimate.level, "method": estimate.method}
    row |= {"n_images": n[0], "n_patients": n[1]}
    if not measure.bounded:
        return row
    reached = float(skill(mean.value, mean.floor, mean.best))
    row |= {"ceiling": mean.best, "skill": cell(reached)}
    if isnan(reached) or n[1] < FEWEST_FOR_INTERVAL:
        return row
    gained = percentile(reached, skill(mean.drawn, mean.floor_drawn, mean.best_drawn), level=estimate.level)
    return row | {"skill_low": cell(gained.low), "skill_high": cell(gained.high)}


def cell(value: float) -> float | None:
    """Return a number as a cell; what could not be computed is empty."""
    return None if isnan(value) else float(value)


def score_rows(maps: HeatMaps, target: Targets, boots: PatientBootstrap, level: float) -> Iterator[Row]:
    """Yield whether maps lie better where the score is higher: Spearman's correlation of score and overlap.

    Saporta et al. (2022), Nat Mach Intell 4:867-878, asked it of the model's confidence on images that have the
    finding; on these alone it is asked here too.
    """
    for metric, against in (("score_and_best_iou", "best_iou"), ("score_and_heat_inside", "heat_inside")):
        column = next(k for k, measure in enumerate(MEASURES) if measure.metric == against)
        for place in np.unique(target.finding):
            own = np.flatnonzero(target.finding == place)
            n = len(np.unique(target.codes[own]))
            pair = target.score[own], target.found[own, column]
            value = spearman(*pair)
            row = blank(maps, maps.findings[place], metric)
            if isnan(value):
                estimate = Estimate.undefined("all values are the same", level=level, method="bootstrap")
            else:
                estimate = drawn_estimate(value, spearman_replicates(*pair, target.codes[own], boots), n, level)
            row |= interval(estimate) | {"level": level, "method": f"spearman, {estimate.method}"}
            yield row | {"n_images": len(own), "n_patients": n}


def area_rows(maps: HeatMaps, target: Targets) -> Iterator[Row]:
    """Yield the share of the map's area that boxes cover: the heat inside them if heat lay evenly everywhere."""
    for place in np.unique(target.finding):
        own = target.finding == place
        row = blank(maps, maps.findings[place], "area_inside") | {"value": float(target.area[own].mean())}
        yield row | {"n_images": int(own.sum()), "n_patients": len(np.unique(target.codes[own]))}


def outcome_rows(maps: HeatMaps, *, replicates: int, seed: int, level: float) -> Iterator[Row]:
    """Yield, per finding and outcome, how many maps have no heat at all, and how hot the hottest cell is on average.

    A map that is divided by its own maximum shows neither.
    """
    if not maps.images:
        return
    codes = np.unique(maps.patients, return_inverse=True)[1].astype(np.int64)
    peaks = np.clip(np.asarray(maps.maps, np.float32).max(axis=(2, 3)), 0, None).astype(np.float64)
    outcomes = outcome_codes(maps)
    boots = PatientBootstrap(codes, replicates=replicates, seed=(seed, 1))
    for place, finding in enumerate(maps.findings):
        groups = outcomes[:, place]
        weights, sums = boots.grouped_sums(peaks[:, [place]], groups, len(OUTCOMES))
        drawn = np.divide(sums[:, :, 0], weights, out=np.full(weights.shape, nan), where=weights > 0)
        for k, outcome in enumerate(OUTCOMES):
            own = groups == k
            if not own.any():
                continue
            n_patients = len(np.unique(codes[own]))
            shared = {"outcome": outcome, "level": level, "n_images": int(own.sum()), "n_patients": n_patients}
            none = share_by_patient(peaks[own, place] == 0, codes[own], level=level)
            yield blank(maps, finding, "no_heat") | interval(none) | shared | {"method": none.method}
            peak = drawn_estimate(float(peaks[own, place].mean()), drawn[:, k], n_patients, level)
            yield blank(maps, finding, "peak") | interval(peak) | shared | {"method": peak.method}


def outcome_codes(maps: HeatMaps) -> NDArray[np.int64]:
    """Return the outcome of every image and finding by its place in `OUTCOMES`, -1 where there is none."""
    ill, called = maps.labels == 1, maps.called
    codes = np.where(called, np.where(ill, 0, 1), np.where(ill, 2, 3))
    return np.where((maps.labels < 0) | np.isnan(maps.thresholds), -1, codes).astype(np.int64)


@cache
def wang() -> dict[tuple[str, str, float, str], float]:
    """Return Wang's accuracies by data set, metric, threshold and finding.

    Their average false positives are left out, since they count something else than false boxes on the images of a
    finding: each of them is a whole number of boxes over 984, the drawn boxes of all eight findings together (Table 4
    of arXiv 1705.02315v5: 0.8323 is 819 / 984), while each accuracy is over the finding's own (0.7277 is 131 / 180).
    """
    return {
        (dataset, f"{overlap.lower()}_accuracy", threshold, finding): value
        for dataset, overlap, threshold, quantity, finding, value, _ in pl.read_csv(PUBLISHED).iter_rows()
        if quantity == "accuracy"
    }


def published(row: Row, measure: Measure) -> Row:
    """Return Wang's accuracies that belong to a row, empty where there are none."""
    at = measure.metric, measure.threshold or 0.0, row["finding"]
    names = {"wang2017_chestxray8": "ChestX-ray8", "wang2017_chestxray14": "ChestX-ray14"}
    return {column: wang().get((dataset, *at)) for column, dataset in names.items()}


def unused(maps: HeatMaps) -> Sequence[str]:
    """Say which boxes are not measured, and why."""
    boxes = maps.boxes
    notes = []
    unknown = boxes.filter(~pl.col("finding").is_in(list(maps.findings)))
    if len(unknown):
        names = ", ".join(sorted(unknown["finding"].drop_nulls().unique()))
        notes.append(f"Boxes of findings that the model does not know ({names}): {len(unknown):,}, not measured.")
    outside = boxes.filter((pl.col("width") <= 0) | (pl.col("height") <= 0))
    if len(outside):
        first = ", ".join(outside["image"].unique().sort()[:3])
        notes.append(f"Boxes without area within their image: {len(outside):,} ({first}), not measured.")
    if not set(usable(maps)["image"]) & set(maps.images):
        notes.append("No explained image has a usable box: localisation is not measured.")
    return notes
