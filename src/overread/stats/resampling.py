"""The bootstrap by patient: intervals for numbers without a closed form, from images that are not independent.

A replicate draws as many patients as there are, with replacement, and takes all images of each as often as it was drawn
(Efron 1979, Ann Stat 7:1-26; whole patients as in Field and Welsh 2007, J R Stat Soc B 69:369-390). It is held
as one small integer weight per patient, and never as a list of rows, so that scores are sorted once (`Ranking`) and
every metric of a replicate comes from one pass over the images with running sums of weights.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from math import isclose, isinf, isnan, nan
from threading import Thread

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.estimate import Estimate
from overread.stats.ranking import Ranking, Task

__all__ = ["PatientBootstrap", "Ranked", "Ranking", "Task", "observed", "percentile"]

LANES = 64  # replicates worked on together; one patient's weights in them fill a cache line
KEPT_BYTES = 256 * 2**20  # weights are kept between calls up to this size, and drawn again each time beyond it


@dataclass(frozen=True, eq=False)
class Ranked:
    """The metrics of a ranking, each an array (replicates, tasks).

    `auroc` (ties count one half) and `average_precision` (the sum over distinct thresholds of the gain in recall times
    the precision there) are nan where a replicate has no positive or no negative. The counts are whole numbers, held as
    floats because those of a task without calls are nan.
    """

    auroc: NDArray[np.float64]
    average_precision: NDArray[np.float64]
    tp: NDArray[np.float64]
    fp: NDArray[np.float64]
    fn: NDArray[np.float64]
    tn: NDArray[np.float64]


class PatientBootstrap:
    """Replicates of a cohort whose patients are resampled with replacement.

    `patients` (n,) gives the patient of each row as a code 0, 1, ..., n_patients - 1. The same seed gives the same
    replicates, byte for byte, whatever `threads` (by default all the processors this process may use), and replicate r
    is the same however many are asked for. A tuple of integers is a seed too: `(seed, 1)` is a stream
    independent of `seed`, while `(seed, 0)` is the same.
    """

    def __init__(
        self,
        patients: ArrayLike,
        *,
        replicates: int = 2000,
        seed: int | tuple[int, ...] = 0,
        threads: int | None = None,
    ) -> None:
        codes = np.asarray(patients)
        if codes.ndim != 1 or not len(codes) or not np.issubdtype(codes.dtype, np.integer):
            raise ValueError(f"patients must be one integer for each image, got {codes.dtype} of shape {codes.shape}")
        if codes.min() < 0 or codes.max() >= len(codes) or not np.all(np.bincount(codes)):
            raise ValueError("patients must be numbered 0, 1, 2, ... without a gap")
        if replicates < 1:
            raise ValueError(f"replicates must be at least 1, got {replicates}")
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, got {threads}")
        self.patients: NDArray[np.int64] = codes.astype(np.int64)
        self.n_patients = int(codes.max()) + 1
        self.replicates = replicates
        self.seed = seed
        self.key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
        self.n_blocks = -(-replicates // LANES)
        block_bytes = self.n_patients * LANES
        self._kept: dict[int, NDArray[np.uint8]] | None
        self._kept = {} if block_bytes * self.n_blocks <= KEPT_BYTES else None
        # A thread holds a block and as much again while it draws it.
        self.threads = min(threads or _processors(), self.n_blocks, max(1, KEPT_BYTES // (2 * block_bytes)))

    def weights(self, block: int) -> NDArray[np.uint8]:
        """Return how often each patient is drawn in the replicates 64 * block, 64 * block + 1, ...: (n_patients, 64).

        A byte is enough: up to 255 patients no weight can exceed it, and beyond that the probability that any
        patient of n is drawn more than 255 times is below n / 256!, or 1e-500.
        """
        from overread.stats import _kernels

        if self._kept is not None and block in self._kept:
            return self._kept[block]
        drawn = np.empty((self.n_patients, LANES), np.uint8)
        _kernels.draw(self.key, block * LANES, drawn)
        if self._kept is not None:
            self._kept[block] = drawn
        return drawn

    def ranked(self, ranking: Ranking) -> Ranked:
        """Return every rank and count metric of every task in every replicate."""
        if ranking.n_patients > self.n_patients:
            raise ValueError(
                f"ranking must be of the {self.n_patients} patients resampled, got patient {ranking.n_patients - 1}"
            )
        out = np.empty((self.n_blocks, len(_ROWS), ranking.n_tasks, LANES))
        self.each_block(lambda block: _rank(self.weights(block), ranking, out[block]))
        return Ranked(*by_replicate(out, self.replicates))

    def grouped_sums(
        self, values: ArrayLike, groups: ArrayLike, n_groups: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the weight of each group of rows and its weighted sums of each column, in every replicate.

        `values` (n, K) and `groups` (n,) follow the rows of `patients`; a row of group -1 is left out. Returns
        `weights` (replicates, n_groups) and `sums` (replicates, n_groups, K); a group's mean is `sums / weights`.
        """
        from overread.stats import _kernels

        entries = _entries(values, groups, n_groups, self.patients, self.n_patients)
        n_columns = entries.sums.shape[1]
        weights = np.empty((self.n_blocks, n_groups, LANES), np.int64)
        sums = np.empty((self.n_blocks, n_groups, n_columns, LANES))

        def work(block: int) -> None:
            drawn = self.weights(block)
            _kernels.group(
                drawn, entries.patients, entries.n_rows, entries.sums, entries.starts, weights[block], sums[block]
            )

        self.each_block(work)
        n_lanes = self.n_blocks * LANES
        return (
            np.moveaxis(weights, 1, -1).reshape(n_lanes, n_groups)[: self.replicates],
            np.moveaxis(sums, -1, 1).reshape(n_lanes, n_groups, n_columns)[: self.replicates],
        )

    def each_block(self, work: Callable[[int], None]) -> None:
        """Do `work` for every block of 64 replicates, in threads; it must let go of the interpreter's lock to gain."""
        if self.threads == 1:
            for block in range(self.n_blocks):
                work(block)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            for _ in pool.map(work, range(self.n_blocks)):
                pass


def load_ahead() -> None:
    """Begin to load the compiled loops in the background, half a second of work, while tables are read."""
    Thread(target=import_module, args=("overread.stats._kernels",), daemon=True).start()


def observed(ranking: Ranking) -> Ranked:
    """Return the metrics of a ranking as it is, with one row: the bootstrap's own arithmetic, every weight being 1."""
    out = np.empty((1, len(_ROWS), ranking.n_tasks, LANES))
    _rank(np.ones((ranking.n_patients, LANES), np.uint8), ranking, out[0])
    return Ranked(*by_replicate(out, 1))


def percentile(value: float, replicates: ArrayLike, *, level: float = 0.95, note: str = "") -> Estimate:
    """Return a value with its percentile interval: quantiles (1 - level) / 2 and (1 + level) / 2 of the replicates.

    Replicates in which the value is undefined (nan) are left out, and the note says how many. There is no interval
    where fewer than half remain, or where all are the same: resampling then cannot show how far the value may be
    off, as with a single patient, or with a sensitivity of 1.

    Reference: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13; quantiles as numpy's "linear".

    >>> f"{percentile(0.5, [0.4, 0.45, 0.5, 0.55, 0.6], level=0.5):.2f}"
    '0.50 (0.45 to 0.55)'
    """
    drawn = np.sort(np.asarray(replicates, np.float64))  # nan last
    if drawn.ndim != 1 or not len(drawn):
        raise ValueError(f"replicates must be one row of values, got shape {drawn.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    estimate = Estimate(value, nan, nan, level, "bootstrap", note)
    if isnan(value):
        return estimate
    defined = drawn[: len(drawn) - np.count_nonzero(np.isnan(drawn))]
    if len(defined) < len(drawn):
        estimate = estimate.with_note(f"undefined in {len(drawn) - len(defined)} of {len(drawn)} replicates")
    if 2 * len(defined) < len(drawn):
        return estimate.with_note("no interval from fewer than half of the replicates")
    if isclose(defined[0], defined[-1], rel_tol=1e-12):  # equal but for rounding
        return estimate.with_note("no interval: the replicates do not differ")
    return replace(estimate, low=_quantile(defined, 0.5 - level / 2), high=_quantile(defined, 0.5 + level / 2))


def _quantile(ordered: NDArray[np.float64], q: float) -> float:
    """Return numpy's "linear" quantile of sorted values, of which some may be infinite (a ratio with an empty cell)."""
    below = int(position := q * (len(ordered) - 1))
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    share = position - below
    if share == 0 or low == high:
        return low
    if isinf(low) or isinf(high):
        return low if isinf(low) else high
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


_ROWS = ("auroc", "average_precision", "tp", "fp", "fn", "tn")


def _rank(weights: NDArray[np.uint8], ranking: Ranking, out: NDArray[np.float64]) -> None:
    """Fill `out` (6, tasks, LANES) with the metrics of one block, in the order of `_ROWS`."""
    from overread.stats import _kernels

    positives, negatives = ranking.positives, ranking.negatives
    _kernels.rank(
        weights,
        negatives.patients,
        positives.patients,
        negatives.starts,
        positives.starts,
        ranking.group_starts,
        ranking.above,
        ranking.tied,
        ranking.positive_stop,
        out,
    )
    tp, fp, fn, tn = out[2:]
    for called, yes, no in ((ranking.called_positives, tp, fn), (ranking.called_negatives, fp, tn)):
        _kernels.count(weights, called.patients, called.starts, yes)
        no -= yes
    out[2:, ~ranking.has_calls] = nan


def by_replicate(out: NDArray[np.float64], replicates: int) -> NDArray[np.float64]:
    """Turn what blocks have filled, (blocks, metrics, tasks, LANES), into (metrics, replicates, tasks)."""
    blocks, metrics, tasks, lanes = out.shape
    rows = np.moveaxis(out, 0, 2).reshape(metrics, tasks, blocks * lanes)[..., :replicates]
    return np.swapaxes(rows, 1, 2)


@dataclass(frozen=True, eq=False)
class _Entries:
    """Rows added up by group and patient, sorted by group; group g is the entries `starts[g]:starts[g + 1]`."""

    patients: NDArray[np.uint32]
    n_rows: NDArray[np.int64]
    sums: NDArray[np.float64]
    starts: NDArray[np.int64]


def _entries(
    values: ArrayLike, groups: ArrayLike, n_groups: int, patients: NDArray[np.int64], n_patients: int
) -> _Entries:
    columns, codes = np.asarray(values, np.float64), np.asarray(groups, np.int64)
    if columns.ndim != 2 or len(columns) != len(patients):
        raise ValueError(f"values must have a row for each of the {len(patients)} images, got shape {columns.shape}")
    if not np.isfinite(columns).all():
        raise ValueError("values must be finite, got nan or infinity")
    if codes.shape != patients.shape:
        raise ValueError(f"groups must have an entry for each of the {len(patients)} images, got {codes.shape}")
    if codes.min() < -1 or codes.max() >= n_groups:
        raise ValueError(f"groups must lie between -1 and {n_groups - 1}, got {codes.min()} to {codes.max()}")
    kept = np.flatnonzero(codes >= 0)
    keys, entry = np.unique(codes[kept] * n_patients + patients[kept], return_inverse=True)
    sums = np.empty((len(keys), columns.shape[1]))
    for column in range(columns.shape[1]):
        sums[:, column] = np.bincount(entry, columns[kept, column], minlength=len(keys))
    return _Entries(
        patients=(keys % n_patients).astype(np.uint32),
        n_rows=np.bincount(entry, minlength=len(keys)).astype(np.int64),
        sums=sums,
        starts=np.searchsorted(keys, np.arange(n_groups + 1) * n_patients).astype(np.int64),
    )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
