"""What is left of an AUROC among images that look alike to a reader who sees no image?"""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.evaluation import Evaluation
from overread.analyses.quantities import MEAN
from overread.analyses.tables import Row
from overread.analyses.within import Apart, Bin
from overread.records.cohort import MISSING
from overread.stats.averages import coverage
from overread.stats.calibration import Bins
from overread.stats.resampling import percentile

BINS = 10
TABLE = {
    "reading": pl.String,
    "finding": pl.String,
    "floor": pl.String,
    "auroc": pl.Float64,
    "apart": pl.Float64,
    "matched": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "floor_auroc": pl.Float64,
    "floor_matched": pl.Float64,
    "n_bins": pl.Int64,
    "share_within": pl.Float64,
    "level": pl.Float64,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}

Floats = NDArray[np.float64]


def floor_matched(evaluation: Evaluation, floor: Evaluation) -> pl.DataFrame:
    """Return a reading's AUROC among images matched on the floor's score, for each finding and for their mean.

    Images are put into 10 bins of equal mass by the floor's score for the finding, equal scores in one bin, so that
    there may be fewer bins. `matched` is the share of pairs of an ill and a healthy image of one bin that the reading
    puts in the right order, and `apart` the same without bins; `difference` is apart minus matched: what knowing the
    floor's score, and no more, could have given. It is no proof that the reading used it. `share_within` is the share
    of pairs that lie within a bin, and `floor_matched` what is left of `floor_auroc` there: the nearer to 0.5, the
    closer the match.

    All but `auroc`, which is the reading's as it stands elsewhere, are of pairs of two patients. Images of one patient
    have like scores of the floor, so that bins hold several times the share of pairs of one patient that all pairs
    hold; those are ordered less well, and would pass for something that matching took away.

    Intervals by patient, the bins held. The weighting is that of the stratum-balanced AUROC of `strata`.
    """
    bins = binned(evaluation.labels, floor.scores)
    n_findings, bootstrap = len(evaluation.findings), evaluation.bootstrap

    held, drawn = (Apart.of(bins, evaluation.scores, evaluation.patients, draws) for draws in (None, bootstrap))
    of_floor = Apart.of(bins, floor.scores, evaluation.patients, None)
    each = np.array([sum(found.column == column for found in bins) for column in range(n_findings)])
    return pl.DataFrame(list(rows_of(evaluation, floor, held, drawn, of_floor, each)), schema=TABLE)


def binned(labels: NDArray[np.int8], floor: Floats) -> list[Bin]:
    """Put the assessed images of each finding into bins by the floor's score; leave out empty bins."""
    found = []
    for column in range(labels.shape[1]):
        rows = np.flatnonzero(labels[:, column] != MISSING)
        of_image = Bins.of(floor[rows, column], bins=BINS).of_image
        for place in np.unique(of_image):
            members = rows[of_image == place]
            found.append(Bin(column, members, labels[members, column] == 1))
    return found


def rows_of(
    evaluation: Evaluation, floor: Evaluation, held: Apart, drawn: Apart, of_floor: Apart, n_bins: NDArray[np.int64]
) -> Iterator[Row]:
    """Yield the row of each finding, then that of the mean over the findings that have a matched AUROC."""
    all_pairs, pairs = held.whole.pairs[0], held.binned.pairs[0]
    share = np.divide(pairs, all_pairs, out=np.full(len(pairs), nan), where=all_pairs > 0)
    numbers = {
        "auroc": evaluation.observed.auroc[0],
        "apart": held.whole.auroc[0],
        "matched": held.binned.auroc[0],
        "floor_auroc": of_floor.whole.auroc[0],
        "floor_matched": of_floor.binned.auroc[0],
        "share_within": share,
    }
    areas, matched = drawn.whole.auroc, drawn.binned.auroc
    n_positive, n_images = evaluation.n_positive, evaluation.n_images
    for column, finding in enumerate(evaluation.findings):
        note = "no pair of two patients within a bin" if isnan(held.binned.auroc[0, column]) else ""
        row = {name: float(values[column]) for name, values in numbers.items()}
        n = {"n_bins": int(n_bins[column]), "n_images": int(n_images[column]), "n_positive": int(n_positive[column])}
        yield filled(evaluation, floor, finding, row, areas[:, column], matched[:, column], note) | n
    known = ~np.isnan(held.binned.auroc[0])
    row = {name: float(values[known].mean()) if known.any() else nan for name, values in numbers.items()}
    sides = [each[:, known].sum(axis=1) / max(int(known.sum()), 1) for each in (areas, matched)]
    n = {"n_images": len(evaluation.scores), "n_positive": int(n_positive.sum())}
    yield filled(evaluation, floor, MEAN, row, sides[0], sides[1], coverage(known, evaluation.findings)) | n


def filled(
    evaluation: Evaluation, floor: Evaluation, finding: str, numbers: Row, area: Floats, matched: Floats, note: str
) -> Row:
    """Return one row with its intervals."""
    level = evaluation.level
    estimate = percentile(numbers["matched"], matched, level=level, note=note)
    apart = percentile(numbers["apart"] - numbers["matched"], area - matched, level=level)
    cells = numbers | {"low": estimate.low, "high": estimate.high}
    cells |= {"difference": apart.value, "difference_low": apart.low, "difference_high": apart.high}
    named: Row = {"reading": evaluation.reading, "finding": finding, "floor": floor.reading}
    named |= {"level": level, "note": estimate.note}
    return named | {name: None if isnan(cell) else float(cell) for name, cell in cells.items()}
