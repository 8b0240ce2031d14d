"""Does a map depend on the model, and does it follow the image? Maps compared with maps that should differ, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import ndimage

from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, few
from overread.analyses.tables import Row, interval
from overread.stats.estimate import Estimate
from overread.stats.rank_correlation import spearman
from overread.stats.resampling import PatientBootstrap, percentile
from overread.stats.similarity import ssim

SANITY = {
    "reading": pl.String,
    "check": pl.String,
    "stage": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "method": pl.String,
    "note": pl.String,
    "n_maps": pl.Int64,
    "n_images": pl.Int64,
    "n_patients": pl.Int64,
}
ENLARGED = 8
"""Maps are enlarged so many times for the structural similarity, whose window is wider than a map of 7 x 7."""

Maps = NDArray[Any]
Compare = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def sanity(
    reading: str,
    maps: Maps,
    patients: Sequence[str],
    *,
    randomised: Mapping[str, Maps],
    moved: Mapping[str, Maps],
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> pl.DataFrame:
    """Compare maps (images, findings, h, w) with those of the same images after a change, as they are shown.

    `randomised`: by block, the maps after it and all above it have been made random, in that order. A map that stays
    alike does not depend on what the model has learned (Adebayo et al. 2018, NeurIPS). `moved`: the maps of the images
    `flipped` from left to right and `shifted` by one cell. A map that follows is alike once moved in the same way, and
    less alike where it stands. `another image`: the map of the next patient's image, the least that is to be expected.

    `measure` is Spearman's correlation over cells (over those that both maps have, after a shift), and for the
    randomisation also the structural similarity of the two maps, each divided by its maximum. The mean over findings of
    an image is taken, then over images, with patients resampled. Maps without heat cannot be compared and are left out.
    """
    codes = np.unique(np.asarray(patients), return_inverse=True)[1].astype(np.int64)
    if not len(codes):
        return pl.DataFrame(schema=SANITY)
    boots = PatientBootstrap(codes, replicates=replicates, seed=seed)
    heat = np.clip(np.asarray(maps, np.float64), 0, None)
    rows = []
    for check, stage, one, other, compare in pairs(heat, codes, randomised, moved):
        alike = np.array(
            [[compared(a, b, compare) for a, b in zip(*pair, strict=True)] for pair in zip(one, other, strict=True)]
        )
        measure = "ssim" if compare is ssim_of_maps else "spearman"
        row: Row = {"reading": reading, "check": check, "stage": stage, "measure": measure, "level": level}
        rows.append(row | averaged(alike, codes, boots, level))
    return pl.DataFrame(rows, schema=SANITY)


def pairs(
    heat: NDArray[np.float64], codes: NDArray[np.int64], randomised: Mapping[str, Maps], moved: Mapping[str, Maps]
) -> Iterator[tuple[str, str, NDArray[np.float64], NDArray[np.float64], Compare]]:
    """Yield what is compared with what."""
    for stage, maps in randomised.items():
        for compare in (spearman_of_maps, ssim_of_maps):
            yield "randomised", stage, heat, np.clip(np.asarray(maps, np.float64), 0, None), compare
    if "flipped" in moved:
        flipped = np.clip(np.asarray(moved["flipped"], np.float64), 0, None)
        yield "flipped", "map moved with the image", heat[..., ::-1], flipped, spearman_of_maps
        yield "flipped", "map where it was", heat, flipped, spearman_of_maps
    if "shifted" in moved and min(heat.shape[2:]) > 1:  # a map of one cell has nowhere to move to
        shifted = np.clip(np.asarray(moved["shifted"], np.float64), 0, None)
        yield "shifted", "map moved with the image", heat[..., :-1, :-1], shifted[..., 1:, 1:], spearman_of_maps
        yield "shifted", "map where it was", heat[..., 1:, 1:], shifted[..., 1:, 1:], spearman_of_maps
    other = next_patient(codes)
    if other is not None:
        yield "another image", "map of the next patient", heat, heat[other], spearman_of_maps


def next_patient(codes: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return, for each image, an image of the next patient; none where there is one patient only."""
    n = int(codes.max()) + 1
    first = np.array([np.argmax(codes == code) for code in range(n)])
    return first[(codes + 1) % n] if n > 1 else None


def spearman_of_maps(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Spearman's correlation over the cells of two maps."""
    return spearman(one.ravel(), other.ravel())


def ssim_of_maps(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the structural similarity of two maps, each divided by its maximum, enlarged by interpolation."""
    large = (
        ndimage.zoom(heat / heat.max(), ENLARGED, order=1, mode="nearest", grid_mode=True) for heat in (one, other)
    )
    return ssim(*large)


def compared(one: NDArray[np.float64], other: NDArray[np.float64], compare: Compare) -> float:
    """Return how alike two maps are, nan where one has no heat."""
    return compare(one, other) if one.max() > 0 and other.max() > 0 else nan


def averaged(alike: NDArray[np.float64], codes: NDArray[np.int64], boots: PatientBootstrap, level: float) -> Row:
    """Return the mean over findings, then over images, with its interval, and on how many maps it rests."""
    known = ~np.isnan(alike)
    some = known.any(axis=1)
    n = {"n_maps": int(known.sum()), "n_images": int(some.sum()), "n_patients": len(np.unique(codes[some]))}
    notes = [f"{int((~known).sum())} maps without heat, or the same in all cells, left out"] if not known.all() else []
    if not some.any():
        undefined = Estimate.undefined("no two maps with heat in some cells only", level=level, method="bootstrap")
        return interval(undefined) | n | {"method": undefined.method}
    per_image = np.where(known, alike, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    value = float(per_image[some].mean())
    if n["n_patients"] < FEWEST_FOR_INTERVAL:
        estimate = Estimate(value, nan, nan, level, "bootstrap", few(n["n_patients"]))
    else:
        weights, sums = boots.grouped_sums(per_image[:, None], np.where(some, 0, -1), 1)
        drawn = np.divide(sums[:, 0, 0], weights[:, 0], out=np.full(len(weights), nan), where=weights[:, 0] > 0)
        estimate = percentile(value, drawn, level=level)
    for note in notes:
        estimate = estimate.with_note(note)
    return interval(estimate) | n | {"method": estimate.method}
