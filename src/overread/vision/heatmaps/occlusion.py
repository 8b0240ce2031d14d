"""Occlusion: cover a patch of the image and see how far each logit falls. Slow, and independent of gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

CELLS = 14
"""Cells along each side of an occlusion map: half as wide as those of Grad-CAM at 7 x 7."""


@torch.no_grad()
def occlusion_maps(logits: Callable[[Tensor], Tensor], image: Tensor, *, cells: int = CELLS, batch: int = 32) -> Tensor:
    """Return for one image (C, H, W) how far each logit falls when a patch is covered: (findings, cells, cells).

    The patch is centred on a cell, twice as wide and as high as one, and cut off at the edges of the image. It is
    filled with the mean of each channel over the image, so that what is missing is detail and not light. Positive
    where covering lowers the logit: what lies there speaks for the finding.

    `logits` takes images (B, C, H, W) and returns (B, findings).

    Reference: Zeiler and Fergus (2014), ECCV, section 4.2 (grey patches over the image).
    """
    _, height, width = image.shape
    if not 1 <= cells <= min(height, width):
        raise ValueError(f"cells must lie between 1 and {min(height, width)}, got {cells}")
    fill = image.mean(dim=(1, 2))[:, None, None]
    rows, columns = (windows(side, cells) for side in (height, width))
    places = [(row, column) for row in rows for column in columns]
    whole = logits(image[None])[0]
    falls = []
    for start in range(0, len(places), batch):
        part = places[start : start + batch]
        covered = image[None].repeat(len(part), 1, 1, 1)
        for k, ((top, lower), (left, right)) in enumerate(part):
            covered[k, :, top:lower, left:right] = fill
        falls.append(whole - logits(covered))
    return torch.cat(falls).T.reshape(-1, cells, cells)


def windows(side: int, cells: int) -> list[tuple[int, int]]:
    """Return where the patch of each cell begins and ends along a side.

    >>> windows(8, 4)
    [(0, 3), (1, 5), (3, 7), (5, 8)]
    """
    width = side / cells
    return [(max(0, round((k - 0.5) * width)), min(side, round((k + 1.5) * width))) for k in range(cells)]
