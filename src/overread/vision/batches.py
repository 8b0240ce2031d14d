"""Batches of images, labels and metadata: which rows, in which order, and how they reach the network.

A batch is planned in the main process (`Plan`: row numbers and the epoch) and made from the plan alone, so that the
number of processes that make batches changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from overread.records.errors import InputError
from overread.vision.augmentation import Augmentation, draws
from overread.vision.pixels import PixelSource
from overread.vision.preprocessing import Preprocessing

ORDER_STREAM = 0
"""Sets the generator of the order apart from others of the same seed and epoch."""


class Batch(NamedTuple):
    """Crops (B, crop, crop) in 8 bits, labels (B, findings), inputs of the last layer (B, width), row numbers (B)."""

    pixels: Tensor
    labels: Tensor
    metadata: Tensor
    rows: Tensor


@dataclass(frozen=True, eq=False)
class Plan:
    """The rows of one batch, and the epoch in which they are changed at random; `None` leaves them as they are."""

    rows: NDArray[np.int64]
    epoch: int | None = None


@dataclass(eq=False)
class Batches(Dataset[Batch | InputError]):
    """Makes the batch of a plan. An image that cannot be read comes back as a refusal to raise."""

    source: PixelSource
    images: Sequence[str]
    labels: NDArray[np.int8]
    metadata: NDArray[np.float32]
    preprocessing: Preprocessing
    augmentation: Augmentation
    seed: int = 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, plan: Plan) -> Batch | InputError:
        """Return the batch."""
        try:
            squares = self.source.batch([self.images[row] for row in plan.rows])
        except InputError as refusal:
            return refusal
        crop, begin = self.preprocessing.crop, self.preprocessing.offset
        if plan.epoch is None:
            crops = np.ascontiguousarray(squares[:, begin : begin + crop, begin : begin + crop])
        else:
            crops = self.augmentation(squares, draws(self.seed, plan.epoch, len(self.images))[plan.rows], crop)
        return Batch(
            torch.from_numpy(crops),
            torch.from_numpy(self.labels[plan.rows].astype(np.float32)),
            torch.from_numpy(self.metadata[plan.rows]),
            torch.from_numpy(plan.rows),
        )


class TrainingPlans(Sampler[Plan]):
    """All rows in another order each epoch; rows that do not fill the last step wait for the next epoch.

    Of each step's rows a process takes every `n_processes`-th. Lightning calls `set_epoch`.
    """

    def __init__(self, n_rows: int, batch_size: int, seed: int, *, process: int = 0, n_processes: int = 1) -> None:
        self.n_rows, self.seed, self.process, self.n_processes = n_rows, seed, process, n_processes
        self.step = min(batch_size * n_processes, n_rows - n_rows % n_processes)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n_rows // self.step

    def __iter__(self) -> Iterator[Plan]:
        order = np.random.default_rng([self.seed, self.epoch, ORDER_STREAM]).permutation(self.n_rows)
        for begin in range(0, len(self) * self.step, self.step):
            yield Plan(order[begin : begin + self.step][self.process :: self.n_processes], self.epoch)


class OrderedPlans(Sampler[Plan]):
    """All rows in their order, unchanged, dealt out to processes in batches of one size.

    Every process makes the same number of batches, since they wait for each other: where the rows do not divide, the
    last row stands in, and whoever collects the answers drops the rows that come twice.
    """

    def __init__(self, n_rows: int, batch_size: int, *, process: int = 0, n_processes: int = 1) -> None:
        n_steps = -(-n_rows // (batch_size * n_processes))
        rows = np.minimum(np.arange(-(-n_rows // n_processes) * n_processes), n_rows - 1)
        self.parts = np.array_split(rows[process::n_processes], n_steps)

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Plan]:
        return iter([Plan(rows) for rows in self.parts])
