"""What would hold at another threshold? Exact counts along each ROC curve, and how the scores lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from overread.analyses.evaluation import Evaluation
from overread.records.cohort import MISSING
from overread.stats.discrimination import Tally, tally

POINTS, FEWEST = 300, 60  # thresholds of a curve, and what remains of them where there are very many curves
IN_ALL = 60_000  # thresholds of all curves together: more would make the page slow to open
CLIP = 0.0001  # scores closer to 0 or 1 than this stand in the outermost bins
BINS = 46  # 0.4 wide on the logit scale

Columns = dict[str, NDArray[Any]]
Schema = dict[str, type[pl.DataType]]
EXPLORER: Schema = {
    "reading": pl.String,
    "finding": pl.String,
    "threshold": pl.Float64,
    "tp": pl.Int64,
    "fp": pl.Int64,
    "fn": pl.Int64,
    "tn": pl.Int64,
}
SCORES: Schema = {
    "reading": pl.String,
    "finding": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "n_positive": pl.Int64,
    "n_negative": pl.Int64,
}


def explorer(of: Sequence[Evaluation]) -> dict[str, pl.DataFrame]:
    """Return the tables `explorer` and `score_histogram` of some readings.

    `explorer` has the four counts on all reported rows at observed scores taken as thresholds, evenly spaced along the
    ROC curve, and at every threshold of the operating points. `score_histogram` counts the scores of images with and
    without the finding in bins of equal width on the logit scale; `low` and `high` are scores, and what lies beyond
    the outermost bins is counted in them. A finding without a positive or without a negative has no rows.
    """
    curves = sum(len(each.findings) for each in of)
    points = max(FEWEST, min(POINTS, IN_ALL // max(curves, 1)))
    thresholds, scores = [pl.DataFrame(schema=EXPLORER)], [pl.DataFrame(schema=SCORES)]
    for each in of:
        for finding, own, positive, values in assessed(each):
            names = {"reading": each.reading, "finding": finding}
            thresholds.append(named(names, counted(tally(positive, values), own, points), EXPLORER))
            scores.append(named(names, histogram(positive, values), SCORES))
    return {"explorer": pl.concat(thresholds), "score_histogram": pl.concat(scores)}


def assessed(of: Evaluation) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]]:
    """Yield finding, its own thresholds, and label and score of the images on which it was assessed."""
    for column, finding in enumerate(of.findings):
        rows = of.labels[:, column] != MISSING
        positive = of.labels[rows, column] == 1
        if positive.any() and not positive.all():
            own = of.thresholds.values[:, column]
            yield finding, own[~np.isnan(own)], positive, of.scores[rows, column]


def named(names: dict[str, str], columns: Columns, schema: Schema) -> pl.DataFrame:
    """Return columns as a table whose rows all have the same names."""
    cells = pl.DataFrame(columns, schema_overrides={name: schema[name] for name in columns})
    return cells.select(*(pl.lit(text).alias(name) for name, text in names.items()), *columns)


def counted(count: Tally, own: NDArray[np.float64], points: int) -> Columns:
    """Return thresholds in rising order with the four counts at each.

    Of thresholds between the same two observed scores, which call the same images, the operating point's own is kept.
    """
    spread = along(count, points)
    # The place of a threshold is the number of distinct scores at or above it: 0 where it calls nothing.
    place = np.concatenate([np.searchsorted(-count.threshold, -own, side="right"), spread + 1])
    threshold = np.concatenate([own, count.threshold[spread]])
    kept, first = np.unique(place, return_index=True)
    kept, first = kept[::-1], first[::-1]
    tp, fp = np.append(0, count.tp)[kept], np.append(0, count.fp)[kept]
    return {
        "threshold": threshold[first],
        "tp": tp,
        "fp": fp,
        "fn": count.n_positive - tp,
        "tn": count.n_negative - fp,
    }


def along(count: Tally, points: int) -> NDArray[np.int64]:
    """Return the places of at most `points` observed scores, evenly spaced along the ROC curve, both ends among them.

    Where an upper left corner of the curve is near, it is taken: at its sensitivity no other threshold is more
    specific. Without that, a reader that is set to the sensitivity of another would be shown below what it can do.

    >>> labels = np.tile([True, False, False], 100)
    >>> scores = np.linspace(1, 0, 300)
    >>> len(along(tally(labels, scores), 300)), len(along(tally(labels, scores), 50))
    (300, 50)
    """
    n = len(count.threshold)
    if n <= points:
        return np.arange(n)
    right, up = np.diff(count.fp, prepend=0), np.diff(count.tp, prepend=0)
    length = np.cumsum(np.hypot(right / count.n_negative, up / count.n_positive))
    corners = np.flatnonzero((up > 0) & (np.append(right[1:], 1) > 0))
    wanted = np.linspace(length[0], length[-1], points)
    vertex, corner = nearest(length, wanted), corners[nearest(length[corners], wanted)]
    near = np.abs(length[corner] - wanted) <= (wanted[1] - wanted[0]) / 2
    chosen = np.where(near, corner, vertex)
    chosen[[0, -1]] = 0, n - 1
    return np.unique(chosen)


def nearest(rising: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each wanted value the place of the nearest of some rising values.

    >>> nearest(np.array([0.0, 1.0, 3.0]), np.array([-5.0, 0.6, 1.9, 2.1, 9.0]))
    array([0, 1, 1, 2, 2])
    """
    middles = (rising[1:] + rising[:-1]) / 2
    return np.searchsorted(middles, wanted)


def histogram(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Columns:
    """Count the scores of ill and healthy images in bins on the logit scale, clipped at `CLIP` and 1 - `CLIP`."""
    edges = np.linspace(logit(CLIP), -logit(CLIP), BINS + 1)
    places = logit(np.clip(scores, CLIP, 1 - CLIP))
    bins = np.clip(np.searchsorted(edges, places, side="right") - 1, 0, BINS - 1)
    ill, healthy = (np.bincount(bins[which], minlength=BINS) for which in (positive, ~positive))
    return {"low": expit(edges[:-1]), "high": expit(edges[1:]), "n_positive": ill, "n_negative": healthy}
