"""The learning rate of every step, from the settings and the history alone: an interrupted training needs no more."""

from __future__ import annotations

import math
from collections.abc import Sequence

SCHEDULES = ("cosine", "plateau", "constant")

FACTOR, WAIT = 0.1, 2
"""On a plateau the rate falls to a tenth after as many epochs without a smaller validation loss."""


def learning_rate(
    schedule: str, *, highest: float, step: int, n_steps: int, warmup_steps: int, losses: Sequence[float]
) -> float:
    """Return the rate of a step, counted from 0, out of `n_steps`; `losses` are the validation losses so far.

    It rises evenly over the first `warmup_steps`, and then falls along half a cosine to 0, or falls to a tenth
    whenever the validation loss has stood still, or stays.

    References: Loshchilov and Hutter (2017), ICLR (cosine, without restarts); Goyal et al. (2017), arXiv:1706.02677
    (warm-up).

    >>> [learning_rate("cosine", highest=1.0, step=s, n_steps=6, warmup_steps=2, losses=[]) for s in (0, 1, 2, 4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    if step < warmup_steps:
        return highest * (step + 1) / warmup_steps
    if schedule == "cosine":
        return highest * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, n_steps - warmup_steps))) / 2
    return highest * FACTOR ** (plateaus(losses) if schedule == "plateau" else 0)


def plateaus(losses: Sequence[float]) -> int:
    """Return how often the loss has stood still for `WAIT` epochs.

    >>> plateaus([3, 2, 2, 2, 1, 1, 1, 1, 1])
    3
    """
    best, waited, found = math.inf, 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == WAIT:
            found, waited = found + 1, 0
    return found
