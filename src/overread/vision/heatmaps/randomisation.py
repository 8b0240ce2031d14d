"""Does a map depend on the model, and does it follow the image? Networks with random layers; images moved."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from overread.vision.networks import ChestNetwork

SHIFT_CELLS = 1
"""Cells of the map by which images are shifted: a whole cell, so that a map that follows can follow exactly."""


def randomised(network: ChestNetwork, *, seed: int = 0) -> Iterator[tuple[str, ChestNetwork]]:
    """Yield copies of a network whose layers have been made random from the top down, one more in each.

    The cascading randomisation of Adebayo et al. (2018), NeurIPS, section 4.1: first the head, then each block of the
    backbone from the last to the first, everything above staying random. Running means and
    variances of a block go with its weights. What follows from a map that does not change: it shows the image,
    or the shape of the network, and not what the network has learned.

    Draws come from a generator of its own; the global one is put back.
    """
    made = copy.deepcopy(network).eval()
    blocks = [("head", made.head), *reversed(list(made.features.named_children()))]
    for place, (name, block) in enumerate(blocks):
        if not any(True for _ in block.parameters()):
            continue
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + place)
            redraw(block)
        yield name, made


def redraw(block: nn.Module) -> None:
    """Draw every layer of a block anew: convolutions after He et al. (2015), as the backbones are made."""
    for part in block.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
        elif isinstance(part, nn.Linear | nn.BatchNorm2d):
            part.reset_parameters()


def flipped(images: Tensor) -> Tensor:
    """Return images (..., W) or maps mirrored from left to right."""
    return images.flip(-1)


def shifted(images: Tensor, pixels: int) -> Tensor:
    """Return images (..., H, W) moved down and to the right; the edge that is uncovered repeats the border.

    >>> shifted(torch.tensor([[[1, 2], [3, 4]]]), 1).tolist()
    [[[1, 1], [1, 1]]]
    """
    rows, columns = ((torch.arange(side) - pixels).clamp(min=0) for side in images.shape[-2:])
    return images[..., rows, :][..., columns]
