"""A model brought to the sensitivity, or the specificity, of a reader who only calls: what of the other rate is left?

A reader who calls has one operating point, a model has many. They are compared where one of the two rates is equal.
The threshold of each half of the patients is chosen on the other half, so that it equals the reader's rate there; it is
never chosen on the images that it is judged on. In every bootstrap replicate it is chosen anew, for the rate to be
matched is itself uncertain. Where few images tell the rate, the threshold misses it now one way, now the other, and as
ROC curves bend, that costs the model a little on average (0.03 of specificity with 40 ill images, 0.007 with 120, in
simulations): the reader is favoured, never the model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.stats.resampling import LANES, PatientBootstrap

Floats = NDArray[np.float64]
HELD = ("sensitivity", "specificity")


@dataclass(frozen=True, eq=False)
class EqualRates:
    """Sensitivity and specificity of model and reader, of which one is held equal: values, and replicates (R,)."""

    model: dict[str, float]
    reader: dict[str, float]
    model_replicates: dict[str, Floats]
    reader_replicates: dict[str, Floats]


def equal_rates(
    bootstrap: PatientBootstrap,
    rows: NDArray[np.int64],
    labels: NDArray[np.int8],
    scores: Floats,
    called: NDArray[np.bool_],
    fold: NDArray[np.int8],
    *,
    held: str,
) -> EqualRates:
    """Compare a model's scores with a reader's calls on the same images, at the reader's sensitivity or specificity.

    `rows` are the rows of the bootstrap's patients that the other arrays follow; labels are 1 or 0; `fold` deals them
    into halves by patient (`operating_points.folds`). Rates are nan where a half has no positive (or no negative) to
    choose on.
    """
    if held not in HELD:
        raise ValueError(f"held must be sensitivity or specificity, got {held!r}")
    if not len(rows) == len(labels) == len(scores) == len(called) == len(fold):
        raise ValueError("rows, labels, scores, called and fold must be of one length")
    patients = bootstrap.patients[rows]
    observed = _rates(np.ones((len(rows), 1), np.int64), labels, scores, called, fold, held)
    drawn = [
        _rates(bootstrap.weights(block)[patients].astype(np.int64), labels, scores, called, fold, held)
        for block in range(bootstrap.n_blocks)
    ]
    assert bootstrap.n_blocks * LANES >= bootstrap.replicates
    replicates = np.concatenate(drawn, axis=1)[:, : bootstrap.replicates]
    values = observed[:, 0].tolist()
    return EqualRates(
        model=dict(zip(HELD, values[:2], strict=True)),
        reader=dict(zip(HELD, values[2:], strict=True)),
        model_replicates=dict(zip(HELD, replicates[:2], strict=True)),
        reader_replicates=dict(zip(HELD, replicates[2:], strict=True)),
    )


def _rates(
    weights: NDArray[np.int64],
    labels: NDArray[np.int8],
    scores: Floats,
    called: NDArray[np.bool_],
    fold: NDArray[np.int8],
    held: str,
) -> Floats:
    """Return (4, lanes): the model's sensitivity and specificity, then the reader's, for weights (n, lanes)."""
    ill, healthy = labels == 1, labels == 0
    tp = np.zeros(weights.shape[1])
    tn = np.zeros(weights.shape[1])
    for side in (0, 1):
        own, other = fold == side, fold != side
        at = _threshold(weights[other], ill[other], scores[other], called[other], held)
        above = scores[own][:, None] >= at
        tp += (weights[own] * (above & ill[own][:, None])).sum(axis=0)
        tn += (weights[own] * (~above & healthy[own][:, None])).sum(axis=0)
        tp[np.isnan(at)] = tn[np.isnan(at)] = np.nan
    of_reader = [(weights * each[:, None]).sum(axis=0) for each in (ill & called, healthy & ~called)]
    n_ill, n_healthy = (weights[kind].sum(axis=0).astype(float) for kind in (ill, healthy))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([tp / n_ill, tn / n_healthy, of_reader[0] / n_ill, of_reader[1] / n_healthy])


def _threshold(
    weights: NDArray[np.int64], ill: NDArray[np.bool_], scores: Floats, called: NDArray[np.bool_], held: str
) -> Floats:
    """Return for each lane the threshold at which a model has the reader's rate; nan where no image tells.

    For sensitivity it finds as many of the ill as the reader, for specificity it calls no more of the healthy. Many
    thresholds do so, between two neighbouring scores: the middle is taken, for either end would find fewer, or call
    more, of the other half than of this one.
    """
    kind = ill if held == "sensitivity" else ~ill
    order = np.argsort(-scores[kind], kind="stable")
    falling, weight = scores[kind][order], weights[kind][order]
    wanted = (weights * (kind & called)[:, None]).sum(axis=0)
    if not len(falling):
        return np.full(weights.shape[1], np.nan)
    sums = np.cumsum(weight, axis=0)
    after = np.argmax(sums > wanted, axis=0)  # the first image beyond the reader's number of calls
    all_wanted = sums[-1] <= wanted
    if held == "sensitivity":
        last = np.argmax(sums >= wanted, axis=0)
        middle = np.where(all_wanted, falling[last], (falling[last] + falling[after]) / 2)
        at = np.where(wanted > 0, middle, np.inf)
    else:
        tied = np.searchsorted(-falling, -falling[after])  # the first image with that score: all of them or none
        before = np.take_along_axis(sums - weight, tied[None, :], axis=0)[0]
        last = np.argmax(sums >= before, axis=0)
        above = np.where(before > 0, (falling[last] + falling[after]) / 2, np.inf)
        at = np.where(all_wanted, -np.inf, np.maximum(above, np.nextafter(falling[after], np.inf)))
    return np.where(sums[-1] > 0, at, np.nan)
