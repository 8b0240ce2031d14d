"""Where an AUROC comes from: its pairs of an ill and a healthy image, split by the stratum of either.

An AUROC is a share of pairs. Once the images lie in strata (AP and PA, say), every pair has an ill and a healthy
stratum: the pairs within strata say what the reader sees where the attribute is held, those across strata hold what
the attribute alone gives away. One pass over the images counts all of them, in every replicate of a
bootstrap, and from the same pass come the metrics of each stratum and of all the others together (the rest).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.operating_points import Counts
from overread.stats.ranking import Lists
from overread.stats.resampling import LANES, PatientBootstrap

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Strata:
    """Pairs, precision and counts of every task by stratum; R replicates, T tasks, S strata.

    `right` (R, T, S, S) is the number of pairs in the right order (ties one half) of an ill image of the first stratum
    and a healthy one of the second. `positives`, `negatives`, `tp` and `fp` are (R, T, S); the last two are nan where
    no calls were given. `precision` (R, T, S) is the average precision within a stratum.
    """

    right: Floats
    positives: Floats
    negatives: Floats
    tp: Floats
    fp: Floats
    precision: Floats

    @property
    def pairs(self) -> Floats:
        """The number of pairs (R, T, S, S), ill stratum first."""
        return self.positives[..., :, None] * self.negatives[..., None, :]

    @property
    def auroc(self) -> Floats:
        """The AUROC within each stratum, (R, T, S); nan where it has no ill or no healthy image."""
        return _over(np.einsum("rtss->rts", self.right), self.positives * self.negatives)

    @property
    def rest_auroc(self) -> Floats:
        """The AUROC among all images outside each stratum, (R, T, S)."""
        return _over(_outside(self.right), _without(self.positives) * _without(self.negatives))

    @property
    def total(self) -> Floats:
        """The AUROC of all images, (R, T)."""
        return _over(self.right.sum(axis=(-2, -1)), self.positives.sum(axis=-1) * self.negatives.sum(axis=-1))

    @property
    def shares(self) -> Floats:
        """The share of all pairs that each part holds, (R, T, S, S)."""
        pairs = self.pairs
        return _over(pairs, pairs.sum(axis=(-2, -1), keepdims=True))

    @property
    def parts(self) -> Floats:
        """The AUROC of each part, (R, T, S, S): times `shares`, they add up to `total`."""
        return _over(self.right, self.pairs)

    @property
    def balanced(self) -> Floats:
        """The stratum-balanced AUROC (R, T): the share of pairs in the right order among those of one stratum.

        It is the mean of the AUROCs within strata, each weighted by its number of pairs: the chance that an ill image
        outscores a healthy one of the same stratum, when such a pair is drawn at random. Knowing the stratum is worth
        nothing there.

        References: van Klaveren et al. (2014), BMC Med Res Methodol 14:5 (the within-cluster concordance, pooled by the
        number of pairs).
        """
        within = np.einsum("rtss->rt", self.right)
        return _over(within, (self.positives * self.negatives).sum(axis=-1))

    @property
    def adjusted(self) -> Floats:
        """The covariate-adjusted AUROC (R, T): the AUROCs within strata, weighted by the number of ill images.

        Strata without a healthy image take no part.

        References: Janes and Pepe (2009), Biometrika 96:371-382 (the AAUC).
        """
        area = self.auroc
        weights = np.where(np.isnan(area), 0.0, self.positives)
        return _over((np.nan_to_num(area) * weights).sum(axis=-1), weights.sum(axis=-1))

    @property
    def counts(self) -> Counts:
        """The four counts within each stratum, (R, T, S)."""
        return Counts(self.tp, self.fp, self.positives - self.tp, self.negatives - self.fp)

    @property
    def rest_counts(self) -> Counts:
        """The four counts of all images outside each stratum, (R, T, S)."""
        return Counts(*(_without(cell) for cell in self.counts.arrays()))


def strata(
    bootstrap: PatientBootstrap,
    labels: ArrayLike,
    scores: ArrayLike,
    stratum: ArrayLike,
    n_strata: int,
    called: ArrayLike | None = None,
) -> tuple[Strata, Strata]:
    """Split the pairs of every finding by stratum: the images as they are (R = 1), and in every replicate.

    `labels` (n, F) are 1, 0, or negative where missing; `scores` (n, F); `stratum` (n,), or (n, F) where it differs
    between findings, is 0 to n_strata - 1, or -1 for an image that is left out; `called` (n, F). Rows follow the
    bootstrap's patients.

    >>> bootstrap = PatientBootstrap(np.arange(6), replicates=100)
    >>> labels, scores = [[1], [0], [1], [0], [0], [1]], [[0.9], [0.8], [0.7], [0.2], [0.1], [0.1]]
    >>> observed, _ = strata(bootstrap, labels, scores, [0, 0, 0, 0, 1, 1], 2)
    >>> observed.right[0, 0]
    array([[3. , 2. ],
           [0. , 0.5]])
    >>> observed.balanced[0]
    array([0.7])
    """
    falling = _Falling.of(labels, scores, stratum, n_strata, called, bootstrap.patients)
    ones = np.ones((bootstrap.n_patients, LANES), np.uint8)
    held = _Blocks.of(falling, 1)
    held.fill(0, ones, falling)
    drawn = _Blocks.of(falling, bootstrap.n_blocks)
    bootstrap.each_block(lambda block: drawn.fill(block, bootstrap.weights(block), falling))
    return held.strata(1, falling.has_calls), drawn.strata(bootstrap.replicates, falling.has_calls)


@dataclass(frozen=True, eq=False)
class _Falling:
    """The images of every finding in falling order of score, the negatives in one list for each stratum.

    The layout is that of `ranking.Ranking`, with a position per stratum in `above` and `tied` (groups, strata).
    """

    positives: Lists
    positive_strata: NDArray[np.int64]
    negatives: Lists
    group_starts: NDArray[np.int64]
    above: NDArray[np.int64]
    tied: NDArray[np.int64]
    positive_stop: NDArray[np.int64]
    called_positives: Lists
    called_negatives: Lists
    has_calls: bool

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of findings and of strata."""
        return len(self.group_starts) - 1, self.above.shape[1]

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        scores: ArrayLike,
        stratum: ArrayLike,
        n_strata: int,
        called: ArrayLike | None,
        patients: NDArray[np.int64],
    ) -> _Falling:
        truth, score, where = np.asarray(labels), np.asarray(scores, np.float64), np.asarray(stratum)
        calls = np.zeros(truth.shape, np.bool_) if called is None else np.asarray(called, np.bool_)
        where = where[:, None] if where.ndim == 1 else where
        _check(truth, score, calls, where, n_strata, len(patients))
        where = np.broadcast_to(where, truth.shape)
        columns = [
            _Column.of(truth[:, f], score[:, f], where[:, f], calls[:, f], n_strata) for f in range(truth.shape[1])
        ]
        positives = Lists.of([patients[column.positives] for column in columns])
        negatives = Lists.of([patients[rows] for column in columns for rows in column.negatives])
        offsets = negatives.starts[:-1].reshape(len(columns), n_strata)
        return cls(
            positives=positives,
            positive_strata=np.concatenate([where[column.positives, f] for f, column in enumerate(columns)]),
            negatives=negatives,
            group_starts=np.cumsum([0, *(len(column.stop) for column in columns)]).astype(np.int64),
            above=np.concatenate([column.above + offset for column, offset in zip(columns, offsets, strict=True)]),
            tied=np.concatenate([column.tied + offset for column, offset in zip(columns, offsets, strict=True)]),
            positive_stop=np.concatenate(
                [column.stop + start for column, start in zip(columns, positives.starts, strict=False)]
            ),
            called_positives=Lists.of([patients[rows] for column in columns for rows in column.called_positives]),
            called_negatives=Lists.of([patients[rows] for column in columns for rows in column.called_negatives]),
            has_calls=called is not None,
        )


@dataclass(frozen=True, eq=False)
class _Column:
    """The rows of one finding in falling order of score; `negatives` and the calls are a list for each stratum."""

    positives: NDArray[np.int64]
    negatives: list[NDArray[np.int64]]
    above: NDArray[np.int64]
    tied: NDArray[np.int64]
    stop: NDArray[np.int64]
    called_positives: list[NDArray[np.int64]]
    called_negatives: list[NDArray[np.int64]]

    @classmethod
    def of(
        cls,
        truth: NDArray[np.int8],
        score: Floats,
        where: NDArray[np.int64],
        called: NDArray[np.bool_],
        n_strata: int,
    ) -> _Column:
        order = np.argsort(-score)
        order = order[(truth[order] >= 0) & (where[order] >= 0)]
        ill = truth[order] == 1
        positives, healthy = order[ill], order[~ill]
        negatives = [healthy[where[healthy] == stratum] for stratum in range(n_strata)]
        falling = -score[positives]
        last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.zeros(0, np.int64)
        limits = falling[last]
        found, false = positives[called[positives]], healthy[called[healthy]]
        return cls(
            positives=positives,
            negatives=negatives,
            above=np.stack([np.searchsorted(-score[rows], limits, "left") for rows in negatives], axis=1),
            tied=np.stack([np.searchsorted(-score[rows], limits, "right") for rows in negatives], axis=1),
            stop=last + 1,
            called_positives=[found[where[found] == stratum] for stratum in range(n_strata)],
            called_negatives=[false[where[false] == stratum] for stratum in range(n_strata)],
        )


def _check(
    truth: NDArray[np.int8],
    score: Floats,
    calls: NDArray[np.bool_],
    where: NDArray[np.int64],
    n_strata: int,
    n_images: int,
) -> None:
    if truth.ndim != 2 or len(truth) != n_images:
        raise ValueError(f"labels must have a row for each of the {n_images} images, got shape {truth.shape}")
    if np.any(truth > 1):
        raise ValueError(f"labels must be 1, 0 or negative where missing, got {truth.max()}")
    for name, array in (("scores", score), ("called", calls)):
        if array.shape != truth.shape:
            raise ValueError(f"{name} must have the shape of labels, {truth.shape}, got {array.shape}")
    if np.isnan(score).any():
        raise ValueError("scores must be numbers, got nan")
    if len(where) != n_images or where.shape[1] not in (1, truth.shape[1]):
        raise ValueError(f"stratum must have an entry for each of the {n_images} images, got shape {where.shape}")
    if not np.issubdtype(where.dtype, np.integer) or where.min() < -1 or where.max() >= n_strata:
        raise ValueError(f"stratum must be whole numbers from -1 to {n_strata - 1}")


@dataclass(frozen=True, eq=False)
class _Blocks:
    """What the compiled loops fill, a block of replicates at a time; `counts` are positives, negatives, tp, fp."""

    right: Floats
    precision: Floats
    counts: Floats

    @classmethod
    def of(cls, falling: _Falling, n_blocks: int) -> _Blocks:
        n_tasks, n_strata = falling.shape
        cells = (n_tasks, n_strata, LANES)
        return cls(
            np.empty((n_blocks, n_tasks, n_strata, n_strata, LANES)),
            np.empty((n_blocks, *cells)),
            np.empty((n_blocks, 4, *cells)),
        )

    def fill(self, block: int, weights: NDArray[np.uint8], falling: _Falling) -> None:
        from overread.stats import _kernels, _strata_kernels

        counts = self.counts[block]
        _strata_kernels.walk(
            weights,
            falling.positives.patients,
            falling.positive_strata,
            falling.negatives.patients,
            falling.negatives.starts,
            falling.group_starts,
            falling.above,
            falling.tied,
            falling.positive_stop,
            falling.positives.starts,
            self.right[block],
            self.precision[block],
            counts[0],
            counts[1],
        )
        for called, out in ((falling.called_positives, counts[2]), (falling.called_negatives, counts[3])):
            _kernels.count(weights, called.patients, called.starts, out.reshape(-1, LANES))

    def strata(self, replicates: int, has_calls: bool) -> Strata:
        positives, negatives, tp, fp = (_by_replicate(self.counts[:, each], replicates) for each in range(4))
        precision = _over(_by_replicate(self.precision, replicates), positives)
        return Strata(
            right=_by_replicate(self.right, replicates),
            positives=positives,
            negatives=negatives,
            tp=tp if has_calls else np.full_like(tp, nan),
            fp=fp if has_calls else np.full_like(fp, nan),
            # As the AUROC, average precision says nothing of the reader where there is nothing to tell apart.
            precision=np.where(negatives > 0, precision, nan),
        )


def _by_replicate(blocks: Floats, replicates: int) -> Floats:
    """Turn (blocks, ..., LANES) into (replicates, ...), each replicate's values far apart and each cell's together."""
    cells = np.moveaxis(blocks, 0, -2)
    flat = np.ascontiguousarray(cells).reshape(*cells.shape[:-2], -1)[..., :replicates]
    return np.moveaxis(flat, -1, 0)


def _without(values: Floats) -> Floats:
    """Return the sum over all strata but each, for values (..., S)."""
    return values.sum(axis=-1, keepdims=True) - values


def _outside(right: Floats) -> Floats:
    """Return the sum over all pairs that touch a stratum on neither side, for (..., S, S)."""
    within = np.einsum("...ss->...s", right)
    total = right.sum(axis=(-2, -1))[..., None]
    return total - right.sum(axis=-1) - right.sum(axis=-2) + within


def _over(part: Floats, whole: Floats) -> Floats:
    """Divide, nan where the whole is 0."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    out = np.full(shape, nan)
    return np.divide(part, whole, out=out, where=np.broadcast_to(whole > 0, shape))
