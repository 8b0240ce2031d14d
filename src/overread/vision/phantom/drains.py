"""The chest drain: a tube from the chest wall into the pleural space, as treatment of a pneumothorax leaves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overread.vision.phantom.anatomy import Chest
from overread.vision.phantom.canvas import Map, Points, blurred, filled, smooth, stroke

HALF_WIDTH = 0.0105
"""Of the tube: about 8 mm across, a drain of 24 French."""


@dataclass(frozen=True, eq=False)
class Tube:
    """A drain as it attenuates the beam, and where it lies."""

    opacity: Map
    extent: Map


def drain(chest: Chest, side: int, rng: np.random.Generator) -> Tube:
    """Return a drain on a side: faint walls, the bright marker line along one of them, broken at the side holes."""
    line = course(chest, side, rng)
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across *= HALF_WIDTH / np.linalg.norm(across, axis=1, keepdims=True)
    one, other = line + across, line - across
    size = chest.size
    tube = filled(np.concatenate([one, other[::-1]]), size)
    walls, marker = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
    stroke(walls, one, 0.0035, 0.9)
    stroke(walls, other, 0.0035, 0.9)
    n = len(line)
    holes = [n - 4, n - 9, n - 14]
    since = 0
    for hole in (*holes[::-1], n):
        stroke(marker, one[since:hole] * 0.75 + other[since:hole] * 0.25, 0.0042, 1.0)
        since = hole + 2
    opacity = (
        0.07 * tube + 0.1 * walls.astype(np.float32) / 255 + 0.2 * blurred(marker.astype(np.float32) / 255, 0.0008)
    )
    extent = np.maximum(tube, walls.astype(np.float32) / 255)
    return Tube(opacity.astype(np.float32), extent)


def course(chest: Chest, side: int, rng: np.random.Generator) -> Points:
    """Return the tube's middle line: in through the wall of the mid chest, then up towards the apex."""
    y = float(np.clip(0.58 + 0.05 * rng.standard_normal(), 0.47, chest.dome(side) - 0.04))
    top = chest.body.apex + 0.05 + 0.1 * rng.random()
    wall = chest.wall(y)
    at = [
        (wall + 0.13, y + 0.05 + 0.03 * rng.random()),
        (wall + 0.03, y + 0.012),
        (wall - 0.04, y - 0.03),
        (wall - 0.1 - 0.03 * rng.random(), y - 0.12),
        (0.16 + 0.05 * rng.random(), (y + top) / 2 - 0.03),
        (0.12 + 0.05 * rng.random(), top),
    ]
    return smooth([chest.at(side, u, v) for u, v in at], closed=False)
