"""Where do two readers disagree, who is right there, and which images should a person look at?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.comparison import Pair
from overread.analyses.evaluation import Evaluation
from overread.analyses.quantities import POOLED
from overread.analyses.tables import interval
from overread.records.cohort import MISSING
from overread.stats.averages import coverage
from overread.stats.estimate import Estimate
from overread.stats.resampling import percentile

Floats = NDArray[np.float64]
Counted = NDArray[np.int64]
Row = dict[str, object]

SIDES = {"only_a": (1, 0), "only_b": (0, 1)}  # the calls of a and of b
LABELS = {"ill": 1, "healthy": 0}
PER_FINDING = 5
MOST_IMAGES = 200
NO_THRESHOLD = "no threshold in one reading or both"

NAMES = {"reading_a": pl.String, "reading_b": pl.String, "finding": pl.String}
CALLS = dict.fromkeys(("n_both", "n_only_a", "n_only_b", "n_neither"), pl.Int64)
TABLE = (
    NAMES
    | {"n_images": pl.Int64, "n_positive": pl.Int64}
    | CALLS
    | {
        f"{what}_{side}{bound}": pl.Int64 if what == "n_ill" else pl.Float64
        for side in SIDES
        for what, bound in (("n_ill", ""), ("share_ill", ""), ("share_ill", "_low"), ("share_ill", "_high"))
    }
    | dict.fromkeys(("kappa", "kappa_low", "kappa_high", "level"), pl.Float64)
    | {"note": pl.String}
)
RECLASSIFICATION = (
    NAMES
    | {"label": pl.String, "n_images": pl.Int64}
    | CALLS
    | dict.fromkeys(("net", "low", "high", "level"), pl.Float64)
    | {"note": pl.String}
)
LARGEST = NAMES | {
    "higher": pl.String,
    "place": pl.Int64,
    "image": pl.String,
    "label": pl.Int64,
    "score_a": pl.Float64,
    "score_b": pl.Float64,
    "percentile_a": pl.Float64,
    "percentile_b": pl.Float64,
    "called_a": pl.Boolean,
    "called_b": pl.Boolean,
}


@dataclass(frozen=True, eq=False)
class Disagreements:
    """Where the readers of each pair disagree.

    `table` counts the calls that both, one or neither makes, says how many of those that only one calls are ill, and
    gives Cohen's kappa. `reclassification` has the same counts among the ill and among the healthy. `largest` lists
    images for a person to read.
    """

    table: pl.DataFrame
    reclassification: pl.DataFrame
    largest: pl.DataFrame


@dataclass(frozen=True, eq=False)
class CrossTable:
    """Images of one finding by label, call of a and call of b, in this order of axes, observed and resampled.

    `observed` is (2, 2, 2) and `replicates` (replicates, 2, 2, 2); all are 0 where a reader has no threshold.
    """

    finding: str
    observed: Counted
    replicates: Counted
    defined: bool
    note: str = ""


def disagreements(of: Sequence[Pair], images: Sequence[str] | pl.Series) -> Disagreements:
    """Set the calls and the scores of two readers side by side, image by image, for each pair and finding.

    `images` names the reported images, row by row. Calls are those at the operating points of each reader, held as
    they were chosen. Intervals are by patient. The rows `pooled` add up the decisions over findings.
    """
    if any(len(images) != len(pair.a.scores) for pair in of):
        raise ValueError(f"images must name every reported image, got {len(images)} names")
    rows: list[Row] = []
    moved: list[Row] = []
    for pair in of:
        for cross in cross_tables(pair):
            rows.append(disagreement_row(pair, cross))
            moved += reclassification_rows(pair, cross)
    far = [row for pair in of for row in largest(pair, images)]
    return Disagreements(
        pl.DataFrame(rows, schema=TABLE),
        pl.DataFrame(moved, schema=RECLASSIFICATION),
        pl.DataFrame(far, schema=LARGEST),
    )


def cross_tables(pair: Pair) -> Iterator[CrossTable]:
    """Yield the cross-table of each finding, then of all decisions together (`pooled`)."""
    defined = pair.a.thresholds.defined & pair.b.thresholds.defined
    each = [cross_table(pair, column, bool(defined[column])) for column in range(len(pair.a.findings))]
    yield from each
    observed = np.sum([cross.observed for cross in each], axis=0)
    replicates = np.sum([cross.replicates for cross in each], axis=0)
    yield CrossTable(POOLED, observed, replicates, bool(defined.any()), coverage(defined, pair.a.findings))


def cross_table(pair: Pair, column: int, defined: bool) -> CrossTable:
    """Count the images of one finding by label and by the calls of both readers, observed and in every replicate."""
    labels = pair.a.labels[:, column].astype(np.int64)
    cell = 4 * labels + 2 * pair.a.called[:, column] + pair.b.called[:, column]
    cell[(labels == MISSING) | (not defined)] = -1
    nothing = np.empty((len(cell), 0))  # the weights of the groups are all that is wanted
    weights, _ = pair.a.bootstrap.grouped_sums(nothing, cell, 8)
    observed = np.bincount(cell[cell >= 0], minlength=8)
    finding = pair.a.findings[column]
    return CrossTable(finding, observed.reshape(2, 2, 2), weights.reshape(-1, 2, 2, 2), defined)


def disagreement_row(pair: Pair, cross: CrossTable) -> Row:
    """Return the row of one finding: counts, the share of ill among the images that only one calls, and kappa.

    That share says who is right: where only a calls, a is right about the ill and b about the healthy. It has to be
    read beside the prevalence (`n_positive` of `n_images`): of a rare finding the reader that calls less is right in
    most disagreements, whatever it sees.
    """
    row = named(pair, cross.finding) | {"level": pair.a.level}
    if not cross.defined:
        return row | {"note": NO_THRESHOLD}
    row |= counts(cross.observed.sum(axis=0)) | {"n_positive": int(cross.observed[1].sum())}
    notes = [cross.note]
    for side, calls in SIDES.items():
        none = f"no image is called by {side.removeprefix('only_')} alone"
        share = resampled(cross, partial(share_ill, calls=calls), level=pair.a.level, lacking=none)
        row |= {f"n_ill_{side}": int(cross.observed[1][calls])} | bounded(f"share_ill_{side}", share)
        notes.append(noted(f"share_ill_{side}", share))
    if cross.finding == POOLED:
        # Readers that answer with each finding's frequency alone would agree well over findings taken together.
        agreement = Estimate.undefined("kappa is not pooled over findings", level=pair.a.level, method="bootstrap")
    else:
        agreement = resampled(cross, kappa, level=pair.a.level, lacking="both call all images, or both none: no kappa")
    return row | bounded("kappa", agreement) | {"note": joined(*notes, noted("kappa", agreement))}


def reclassification_rows(pair: Pair, cross: CrossTable) -> Iterator[Row]:
    """Yield the calls of a beside those of b among the ill and among the healthy, each with its net change.

    Going from b to a, `net` is the share of the ill that gain a call less the share that lose one, and the share of
    the healthy that lose one less the share that gain one; above 0 is for the better. They are the differences in
    sensitivity and in specificity. Their sum, the net reclassification improvement, is not given: it weighs one ill
    person as (1 - prevalence) / prevalence healthy ones, whatever a missed finding and a false alarm cost.

    References: Kerr et al. (2014), Epidemiology 25:114-121, who ask for the two apart; Pepe (2011), Am J Epidemiol
    173:1327-1335; Hilden and Gerds (2014), Stat Med 33:3405-3414.
    """
    for name, label in LABELS.items():
        row = named(pair, cross.finding) | {"label": name, "level": pair.a.level}
        if not cross.defined:
            yield row | {"note": NO_THRESHOLD}
            continue
        net = resampled(cross, partial(net_change, label=label), level=pair.a.level, lacking=f"no {name} image")
        cells = interval(net) | {"note": joined(cross.note, net.note)}
        yield row | counts(cross.observed[label]) | {"net": cells.pop("value")} | cells


def share_ill(cells: Counted, *, calls: tuple[int, int]) -> Floats:
    """Return the share of ill among the images (..., label, a, b) with these calls of a and b; nan where none has."""
    images = cells[..., :, calls[0], calls[1]]
    return ratio(images[..., 1], images.sum(axis=-1))


def net_change(cells: Counted, *, label: int) -> Floats:
    """Return the net share of the images (..., label, a, b) of one label that a answers better than b."""
    images = cells[..., label, :, :]
    more = images[..., 1, 0] - images[..., 0, 1]
    return ratio(more if label else -more, images.sum(axis=(-2, -1)))


def kappa(cells: Counted) -> Floats:
    """Return Cohen's kappa of the calls in (..., label, a, b): agreement beyond that of two readers who do not look.

    (p_o - p_e) / (1 - p_e), with p_e from each reader's own share of calls; nan where p_e is 1.

    Reference: Cohen (1960), Educ Psychol Meas 20:37-46.

    >>> round(float(kappa(np.array([[[10, 2], [3, 5]], [[10, 3], [2, 15]]]))), 4)
    0.6
    """
    calls = cells.sum(axis=-3).astype(np.float64)
    n = calls.sum(axis=(-2, -1))
    by_chance = (calls.sum(axis=-1) * calls.sum(axis=-2)).sum(axis=-1)  # n² p_e
    agreed = calls[..., 0, 0] + calls[..., 1, 1]
    return ratio(n * agreed - by_chance, n**2 - by_chance)


def ratio(above: Counted | Floats, below: Counted | Floats) -> Floats:
    """Divide, with nan where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0, np.nan, np.asarray(above, np.float64) / below)


def resampled(cross: CrossTable, statistic: Callable[[Counted], Floats], *, level: float, lacking: str) -> Estimate:
    """Return a statistic of a cross-table with its interval by patient; `lacking` says why it may have no value."""
    value = float(statistic(cross.observed))
    if isnan(value):
        return Estimate.undefined(lacking, level=level, method="bootstrap")
    return percentile(value, statistic(cross.replicates), level=level)


def named(pair: Pair, finding: str) -> Row:
    """Return the names at the start of a row."""
    return {"reading_a": pair.a.reading, "reading_b": pair.b.reading, "finding": finding}


def counts(calls: Counted) -> Row:
    """Return the cells of a table (2, 2) of the calls of a by those of b."""
    (neither, only_b), (only_a, both) = calls.tolist()
    row = {"n_both": both, "n_only_a": only_a, "n_only_b": only_b, "n_neither": neither}
    return row | {"n_images": sum(row.values())}


def bounded(name: str, estimate: Estimate) -> Row:
    """Return an estimate as three cells."""
    cells = interval(estimate)
    return {name: cells["value"], f"{name}_low": cells["low"], f"{name}_high": cells["high"]}


def noted(name: str, estimate: Estimate) -> str:
    """Return the note on one of several estimates in a row: of which it is, or why there is none."""
    return f"{name}: {estimate.note}" if estimate.note and not isnan(estimate.value) else estimate.note


def joined(*notes: str) -> str:
    """Join the notes that say something, each once."""
    return "; ".join(dict.fromkeys(note for note in notes if note))


def largest(pair: Pair, images: Sequence[str] | pl.Series) -> Iterator[Row]:
    """Yield, by finding, the images that a puts furthest above b, and those that b puts furthest above a.

    The scores of two readers are on scales of their own, so their percentiles are compared: the share of the assessed
    images, in percent, that the same reader scores lower, ties counting one half. Of each patient one image is listed
    at most, so that a person sees different ones, and of equals the first by name of the image.
    """
    n_findings = len(pair.a.findings)
    most = max(1, min(PER_FINDING, MOST_IMAGES // (2 * n_findings)))
    for column in range(n_findings):
        rows = np.flatnonzero(pair.a.labels[:, column] != MISSING)
        ranks = [percentiles(each.scores[rows, column]) for each in (pair.a, pair.b)]
        apart = ranks[0] - ranks[1]
        for higher, distance in (("a", apart), ("b", -apart)):
            for place, chosen in enumerate(furthest(distance, pair.a.patients[rows], most), start=1):
                row = int(rows[chosen])
                yield named(pair, pair.a.findings[column]) | {
                    "higher": higher,
                    "place": place,
                    "image": images[row],
                    "label": int(pair.a.labels[row, column]),
                    "score_a": float(pair.a.scores[row, column]),
                    "score_b": float(pair.b.scores[row, column]),
                    "percentile_a": float(ranks[0][chosen]),
                    "percentile_b": float(ranks[1][chosen]),
                    "called_a": call(pair.a, row, column),
                    "called_b": call(pair.b, row, column),
                }


def percentiles(scores: Floats) -> Floats:
    """Return the percentile of each score among all of them, equal scores sharing the middle of theirs.

    >>> percentiles(np.array([0.9, 0.2, 0.2, 0.5]))
    array([87.5, 25. , 25. , 62.5])
    """
    order = np.argsort(scores)
    rising = scores[order]
    start = np.flatnonzero(np.append(True, rising[1:] != rising[:-1]))
    stop = np.append(start[1:], len(scores))
    middle = np.empty(len(scores))
    middle[order] = np.repeat((start + stop) / 2, stop - start)
    return 100 * middle / len(scores)


def furthest(distance: Floats, patients: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the places of the largest distances above 0, largest first, one of each patient."""
    kept = 16 * most  # sorting a few is enough, unless they are of a few patients
    while True:
        bound = np.partition(distance, -kept)[-kept] if kept < len(distance) else -np.inf
        near = np.flatnonzero((distance >= bound) & (distance > 0))
        falling = near[np.argsort(-distance[near], kind="stable")]
        _, first = np.unique(patients[falling], return_index=True)
        if len(first) >= most or kept >= len(distance):
            return falling[np.sort(first)[:most]]
        kept *= 16


def call(evaluation: Evaluation, row: int, column: int) -> bool | None:
    """Return whether a reader calls an image, nothing where it has no threshold."""
    return bool(evaluation.called[row, column]) if evaluation.thresholds.defined[column] else None
