"""Images in falling order of score: what a bootstrap needs to know of scores, worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_IMAGES = (2**31 - 1) // 255  # so that weights of one byte add up to no more than 32 bits hold


class Task(NamedTuple):
    """Positives and negatives to tell apart: which rows, which of them are positive, their scores, the calls."""

    rows: ArrayLike
    positive: ArrayLike
    scores: ArrayLike
    called: ArrayLike | None = None


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of patients, one list a task, laid end to end; list t is `patients[starts[t]:starts[t + 1]]`."""

    patients: NDArray[np.uint32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, lists: Sequence[NDArray[np.int64]]) -> Lists:
        """Lay lists end to end."""
        return cls(np.concatenate([np.zeros(0, np.int64), *lists]).astype(np.uint32), _starts(lists))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The length of each list."""
        return np.diff(self.starts)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The images of several tasks, each image known by its patient, each task sorted once by falling score.

    A *group* is the positives of a task that share a score. `above[g]`, `tied[g]` and `positive_stop[g]` are positions
    in the concatenated lists: where the negatives with a higher score end, where the negatives with the same score
    end, and where the group's positives end.
    """

    positives: Lists
    negatives: Lists
    group_starts: NDArray[np.int64]
    above: NDArray[np.int64]
    tied: NDArray[np.int64]
    positive_stop: NDArray[np.int64]
    called_positives: Lists
    called_negatives: Lists
    has_calls: NDArray[np.bool_]
    n_patients: int

    @property
    def n_tasks(self) -> int:
        """The number of tasks."""
        return len(self.has_calls)

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        scores: ArrayLike,
        patients: ArrayLike,
        called: ArrayLike | None = None,
    ) -> Ranking:
        """Rank every finding (a column) on the images where it was assessed.

        `labels` (n, F) are 1, 0, or negative where missing; `scores` (n, F); `patients` (n,) codes from 0; `called`
        (n, F) says which images count as positive, and is needed for the counts only. Calls need not follow the order
        of the scores, since thresholds may differ between folds.
        """
        truth, column = np.asarray(labels), np.asarray(scores, np.float64)
        calls = None if called is None else np.asarray(called)
        if truth.ndim != 2 or len(truth) != len(np.asarray(patients)):
            raise ValueError(
                f"labels must have a row for each of the {len(np.asarray(patients))} patients' images "
                f"and a column per finding, got shape {truth.shape}"
            )
        for name, array in (("scores", column), ("called", calls)):
            if array is not None and array.shape != truth.shape:
                raise ValueError(f"{name} must have the shape of labels, {truth.shape}, got {array.shape}")
        if np.any(truth > 1):
            raise ValueError(f"labels must be 1, 0 or negative where missing, got {truth.max()}")
        tasks = []
        for f in range(truth.shape[1]):
            rows = np.flatnonzero(truth[:, f] >= 0)
            task = Task(rows, truth[rows, f] == 1, column[rows, f], None if calls is None else calls[rows, f])
            tasks.append(task)
        return cls.tasks(tasks, patients)

    @classmethod
    def tasks(cls, tasks: Sequence[Task | tuple[ArrayLike, ...]], patients: ArrayLike) -> Ranking:
        """Rank arbitrary subsets: each task `(rows, positive, scores)` or `(rows, positive, scores, called)`.

        `rows` index `patients` (n,), the codes of all images; the others have one entry for each of `rows`.
        """
        codes = np.asarray(patients, np.int64)
        if len(codes) > MOST_IMAGES:
            raise ValueError(f"patients must be of at most {MOST_IMAGES} images, got {len(codes)}")
        if codes.ndim != 1 or np.any(codes < 0):
            raise ValueError(f"patients must be one code from 0 for each image, got shape {codes.shape}")
        ranked = [_ranked(Task(*task), codes) for task in tasks]
        positives = Lists.of([task.positives for task in ranked])
        negatives = Lists.of([task.negatives for task in ranked])
        return cls(
            positives=positives,
            negatives=negatives,
            group_starts=_starts([task.above for task in ranked]),
            above=_joined([task.above for task in ranked], negatives.starts),
            tied=_joined([task.tied for task in ranked], negatives.starts),
            positive_stop=_joined([task.positive_stop for task in ranked], positives.starts),
            called_positives=Lists.of([task.called_positives for task in ranked]),
            called_negatives=Lists.of([task.called_negatives for task in ranked]),
            has_calls=np.array([task.has_calls for task in ranked], np.bool_),
            n_patients=int(codes.max(initial=-1)) + 1,
        )


class _RankedTask(NamedTuple):
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]
    above: NDArray[np.int64]
    tied: NDArray[np.int64]
    positive_stop: NDArray[np.int64]
    called_positives: NDArray[np.int64]
    called_negatives: NDArray[np.int64]
    has_calls: bool


def _ranked(task: Task, codes: NDArray[np.int64]) -> _RankedTask:
    rows = np.asarray(task.rows)
    if rows.ndim != 1 or (len(rows) and not np.issubdtype(rows.dtype, np.integer)):
        raise ValueError(f"rows must be row numbers, got {rows.dtype} of shape {rows.shape}")
    patients, positive = codes[rows.astype(np.int64)], np.asarray(task.positive, np.bool_)
    scores = np.asarray(task.scores, np.float64)
    called = np.zeros(len(patients), np.bool_) if task.called is None else np.asarray(task.called, np.bool_)
    for name, array in (("positive", positive), ("scores", scores), ("called", called)):
        if array.shape != patients.shape:
            raise ValueError(f"{name} must have one entry for each of the {len(patients)} rows, got {array.shape}")
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers, got nan")
    high, low = (np.flatnonzero(flags) for flags in (positive, ~positive))
    high, low = (chosen[np.argsort(-scores[chosen])] for chosen in (high, low))
    falling, others = -scores[high], -scores[low]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(high) else high
    return _RankedTask(
        positives=patients[high],
        negatives=patients[low],
        above=np.searchsorted(others, falling[last], "left"),
        tied=np.searchsorted(others, falling[last], "right"),
        positive_stop=last + 1,
        called_positives=patients[positive & called],
        called_negatives=patients[~positive & called],
        has_calls=task.called is not None,
    )


def _starts(lists: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum([len(each) for each in lists], dtype=np.int64)]).astype(np.int64)


def _joined(positions: Sequence[NDArray[np.int64]], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lay positions end to end, each moved by the start of its own list."""
    moved = [each + start for each, start in zip(positions, starts, strict=False)]
    return np.concatenate([np.zeros(0, np.int64), *moved]).astype(np.int64)
