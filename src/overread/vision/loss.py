"""What training makes small."""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor

from overread.records.cohort import MISSING


def masked_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean binary cross-entropy over findings and images, of the labels that are known.

    `labels` (images, findings) are 1, 0 or `MISSING`. With none missing this is the paper's loss: equation 7, the mean
    over an image's findings, averaged over the images in equation 8. With some missing, each known label counts the
    same, so that an image on which one finding was assessed does not weigh as much as one with fourteen.
    Without any known label it is 0.

    Reference: Valsson and Arandjelović (2022), equations 7 and 8.
    """
    known = (labels != MISSING).to(logits.dtype)
    target = labels.to(logits.dtype) * known
    total = functional.binary_cross_entropy_with_logits(logits, target, weight=known, reduction="sum")
    return total / known.sum().clamp(min=1)
