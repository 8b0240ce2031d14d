"""Which whole numbers of true and false positives give the printed, rounded numbers: an exact search.

With P ill and N healthy images and TP of the ill found, every metric of the four counts rises or falls steadily with
the false positives. So for each (P, N, TP) the possible FP are one run of whole numbers, whose ends are found by
halving: the search looks at every table of counts without listing them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor, inf

import numpy as np
from numpy.typing import NDArray

from overread.stats.operating_points import METRICS, Counts
from overread.stats.printed import SLACK, Bounds, constraints
from overread.stats.wald import critical_value

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_ROWS, MOST_LISTED = 300_000, 400_000
EXTRA = 2  # whole numbers beyond the bounds of a cover that are looked at too, against rounding at its edge
RISING = ("lr_negative",)
"""Metrics that rise with the false positives; all others fall."""

COUNTS = ("tp", "fp", "fn", "tn", "n_positive", "n_negative", "n_images")


@dataclass(frozen=True, eq=False)
class CountTables:
    """All tables of four counts that give the printed numbers: in each row `fp` runs from `fp_low` to `fp_high`."""

    positives: Whole
    negatives: Whole
    tp: Whole
    fp_low: Whole
    fp_high: Whole

    @property
    def empty(self) -> bool:
        """Whether there is no such table."""
        return len(self.tp) == 0

    @property
    def n(self) -> int:
        """How many there are."""
        return int((self.fp_high - self.fp_low + 1).sum())

    def ends(self) -> Counts:
        """Return the tables at both ends of each run; every metric has its extremes among them."""
        fp = np.concatenate([self.fp_low, self.fp_high])
        tp, ill, healthy = (np.tile(each, 2) for each in (self.tp, self.positives, self.negatives))
        return Counts(tp, fp, ill - tp, healthy - fp)

    def listed(self) -> Counts | None:
        """Return every table, None where they are too many to list."""
        if self.n > MOST_LISTED:
            return None
        runs = self.fp_high - self.fp_low + 1
        rows = np.repeat(np.arange(len(self.tp)), runs)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(runs) - runs, runs)
        fp = self.fp_low[rows] + within
        tp = self.tp[rows]
        return Counts(tp, fp, self.positives[rows] - tp, self.negatives[rows] - fp)

    def bounds(self, name: str) -> Bounds:
        """Return between which numbers a count or a metric lies; an odds ratio as `METRICS` has it.

        A likelihood ratio that would be divided by 0 is infinite here.
        """
        tp, fp, fn, tn = self.ends().arrays()
        if name in COUNTS:
            sums = {"n_positive": tp + fn, "n_negative": fp + tn, "n_images": tp + fp + fn + tn}
            values = sums.get(name, {"tp": tp, "fp": fp, "fn": fn, "tn": tn}.get(name, tp))
        else:
            values = _limit(name, tp, fp, fn, tn)
        known = values[~np.isnan(values)]
        return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def count_tables(
    positives: tuple[int, int], negatives: tuple[int, int], images: tuple[int, int], cells: Mapping[str, Bounds]
) -> CountTables | None:
    """Return all tables of counts that give the printed numbers; None where there are too many to search.

    `positives`, `negatives` and `images` are the least and largest numbers of images; `cells` the bounds that rounding
    leaves to metrics, and to counts that are printed (`tp`, `fp`, `fn`, `tn`). Where one of the four counts is 0, an
    odds ratio may be printed with 0.5 added to all of them or as 0 or infinity, and all are allowed.

    >>> found = count_tables((50, 50), (100, 100), (150, 150), {"sensitivity": (0.895, 0.905), "ppv": (0.815, 0.825)})
    >>> found.n, found.bounds("tp"), found.bounds("fp")
    (1, (45.0, 45.0), (10.0, 10.0))
    """
    rows = _rows(positives, negatives, images, cells)
    if rows is None:
        return None
    ill, healthy, tp = rows
    low, high = np.zeros_like(tp), healthy.copy()
    if "fp" in cells:
        low, high = np.maximum(low, ceil(cells["fp"][0])), np.minimum(high, floor(cells["fp"][1]))
    if "tn" in cells:
        low, high = np.maximum(low, healthy - floor(cells["tn"][1])), np.minimum(high, healthy - ceil(cells["tn"][0]))
    known = {name: bounds for name, bounds in constraints(cells).items() if name not in COUNTS}
    runs = [(ill, healthy, tp, low, high)]
    if "dor" in known:  # where a count is 0, the odds ratio is another function: those tables are looked at apart
        inner = np.maximum(low, 1), np.minimum(high, healthy - 1)
        runs = [(ill, healthy, tp, *inner)]
        runs += [(ill, healthy, tp, np.maximum(low, edge), np.minimum(high, edge)) for edge in (0 * tp, healthy)]
    found = [_narrowed(*run, known) for run in runs]
    return CountTables(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def whole_share(of: tuple[int, int], share: Bounds) -> bool:
    """Return whether some whole number, of a known number of images, is a share within its bounds.

    Seven images have shares of 5/7 = 0.71 and 6/7 = 0.86, and none that rounds to 0.80.

    References: Brown and Heathers (2017), Soc Psychol Personal Sci 8:363-369 (the GRIM test, for means).

    >>> whole_share((7, 7), (0.795, 0.805)), whole_share((7, 8), (0.745, 0.755))
    (False, True)
    """
    if of[1] - of[0] > 1000:
        return True
    n = np.arange(max(of[0], 1), of[1] + 1)
    return bool(np.any(np.ceil(n * share[0] - n * SLACK) <= np.floor(n * share[1] + n * SLACK)))


def metric_of(name: str, tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> Floats:
    """Return a metric of counts, those of `METRICS` and those that only a printed table needs."""
    counts = Counts(tp, fp, fn, tn)
    if name == "prevalence":
        return (tp + fn) / np.maximum(tp + fp + fn + tn, 1)
    a, b = METRICS["sensitivity"](counts), METRICS["specificity"](counts)
    if name == "balanced_accuracy":
        return (a + b) / 2
    if name == "auroc_floor":
        return a * b
    if name == "auroc_ceiling":
        return 1 - (1 - a) * (1 - b)
    return METRICS[name](counts)


def log_interval_bounds(tables: CountTables, metric: str = "dor", *, level: float = 0.95) -> Bounds | None:
    """Return the least lower and the largest upper end of a ratio's log interval over all tables that are possible.

    `metric` is `dor`, `lr_positive` or `lr_negative`; the intervals are those of `operating_points`. Where a count
    is 0, 0.5 is added to all four for the odds ratio, and a likelihood ratio has no interval. None where the tables
    are too many to list, or none has an interval.

    References: Woolf (1955), Ann Hum Genet 19:251-253; Simel, Samsa and Matchar (1991), J Clin Epidemiol 44:763-770.
    """
    counts = None if tables.empty else tables.listed()
    if counts is None:
        return None
    cells = np.stack(counts.arrays())
    empty = (cells == 0).any(axis=0)
    tp, fp, fn, tn = cells + 0.5 * empty if metric == "dor" else cells[:, ~empty]
    if not len(tp):
        return None
    if metric == "dor":
        value, variance = tp * tn / (fp * fn), 1 / tp + 1 / fp + 1 / fn + 1 / tn
    else:
        part, other = (tp, fp) if metric == "lr_positive" else (fn, tn)
        value = part / (tp + fn) * (fp + tn) / other
        variance = 1 / part - 1 / (tp + fn) + 1 / other - 1 / (fp + tn)
    half = critical_value(level) * np.sqrt(variance)
    return float((value * np.exp(-half)).min()), float((value * np.exp(half)).max())


def _rows(
    positives: tuple[int, int], negatives: tuple[int, int], images: tuple[int, int], cells: Mapping[str, Bounds]
) -> tuple[Whole, Whole, Whole] | None:
    """Return every possible (P, N, TP), None where they are too many."""
    p_low, p_high = max(positives[0], images[0] - negatives[1], 0), min(positives[1], images[1] - negatives[0])
    n_low, n_high = max(negatives[0], images[0] - positives[1], 0), min(negatives[1], images[1] - positives[0])
    if p_low > p_high or n_low > n_high:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing
    one_total = images[0] == images[1]
    if (p_high - p_low + 1) * (1 if one_total else n_high - n_low + 1) > MOST_ROWS:
        return None
    ill = np.arange(p_low, p_high + 1, dtype=np.int64)
    if one_total:
        healthy = images[0] - ill
    else:
        ill, healthy = (each.ravel() for each in np.meshgrid(ill, np.arange(n_low, n_high + 1), indexing="ij"))
    if "prevalence" in cells:
        share = ill / np.maximum(ill + healthy, 1)
        least, most = cells["prevalence"]
        fits = (share >= least - SLACK) & (share <= most + SLACK)
        ill, healthy = ill[fits], healthy[fits]
    fits = (healthy >= n_low) & (healthy <= n_high) & (ill + healthy >= images[0]) & (ill + healthy <= images[1])
    ill, healthy = ill[fits], healthy[fits]
    low, high = _found_range(ill, cells)
    runs = np.maximum(high - low + 1, 0)
    if runs.sum() > MOST_ROWS:
        return None
    rows = np.repeat(np.arange(len(ill)), runs)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(runs) - runs, runs)
    return ill[rows], healthy[rows], low[rows] + within


def _found_range(ill: Whole, cells: Mapping[str, Bounds]) -> tuple[Whole, Whole]:
    """Return between which whole numbers TP lies, as far as sensitivity, TP and FN say it."""
    low, high = np.zeros_like(ill), ill.copy()
    if "sensitivity" in cells:
        least, most = cells["sensitivity"]
        low = np.maximum(low, np.floor(ill * least).astype(np.int64) - EXTRA)
        high = np.minimum(high, np.ceil(ill * min(most, 1.0)).astype(np.int64) + EXTRA)
    if "tp" in cells:
        low, high = np.maximum(low, ceil(cells["tp"][0])), np.minimum(high, floor(cells["tp"][1]))
    if "fn" in cells:
        low, high = np.maximum(low, ill - floor(cells["fn"][1])), np.minimum(high, ill - ceil(cells["fn"][0]))
    return low, high


def _narrowed(
    ill: Whole, healthy: Whole, tp: Whole, low: Whole, high: Whole, known: Mapping[str, Bounds]
) -> tuple[Whole, Whole, Whole, Whole, Whole]:
    """Return the rows that have a possible FP, each with the least and the largest."""
    for metric, (least, most) in known.items():
        fits = low <= high
        ill, healthy, tp, low, high = (each[fits] for each in (ill, healthy, tp, low, high))
        if metric == "dor" and (least <= 0 or most == inf):
            edge = (tp == 0) | (tp == ill) | (low == 0) & (high == 0) | (low == healthy) & (high == healthy)
        else:
            edge = np.zeros(len(tp), dtype=bool)
        start, end = _run(metric, ill, healthy, tp, low, high, least, most)
        low, high = np.where(edge, low, start), np.where(edge, high, end)
    fits = low <= high
    return ill[fits], healthy[fits], tp[fits], low[fits], high[fits]


def _run(
    metric: str, ill: Whole, healthy: Whole, tp: Whole, low: Whole, high: Whole, least: float, most: float
) -> tuple[Whole, Whole]:
    """Return the first and the last FP between `low` and `high` at which a metric lies within its bounds."""

    def value(fp: Whole) -> Floats:
        return _limit(
            metric, tp.astype(float), fp.astype(float), (ill - tp).astype(float), (healthy - fp).astype(float)
        )

    if metric in RISING:
        return _first(lambda fp: value(fp) >= least, low, high), _first(lambda fp: value(fp) > most, low, high) - 1
    return _first(lambda fp: value(fp) <= most, low, high), _first(lambda fp: value(fp) < least, low, high) - 1


def _first(holds: Callable[[Whole], NDArray[np.bool_]], low: Whole, high: Whole) -> Whole:
    """Return the first number from `low` to `high` from which on something holds; `high` + 1 where there is none."""
    start, end = low.copy(), high + 1
    while (start < end).any():
        middle = np.minimum((start + end) // 2, np.maximum(high, low))
        yes = holds(middle)
        open_ = start < end
        end = np.where(open_ & yes, middle, end)
        start = np.where(open_ & ~yes, middle + 1, start)
    return start


def _limit(metric: str, tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> Floats:
    """Return a metric with its neighbour's value where it is 0 / 0, and infinity where it is divided by 0."""
    values = metric_of(metric, tp, fp, fn, tn)
    undefined = np.isnan(values)
    if not undefined.any():
        return values
    beside: dict[str, Floats] = {
        "ppv": np.zeros_like(values),
        "npv": np.ones_like(values),
        "lr_positive": np.where(tp > 0, inf, 0.0),
        "lr_negative": np.where(fn > 0, inf, 0.0),
    }
    return np.where(undefined, beside[metric], values) if metric in beside else values
