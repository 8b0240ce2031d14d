"""An image as a square of 8 bits, and where a box lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.records.errors import quoted

Fit = Literal["pad", "stretch", "crop"]
FITS: tuple[Fit, ...] = get_args(Fit)
"""How an oblong image becomes square: with black borders, by stretching the shorter side, by cutting the longer."""


@dataclass(frozen=True)
class Placement:
    """Where an image of some width and height lies in a square: x becomes `scale_x * x + left`, and y likewise."""

    scale_x: float
    scale_y: float
    left: float
    top: float
    width: int
    height: int


def placement(width: int, height: int, size: int, *, fit: Fit = "pad") -> Placement:
    """Return how an image becomes a square of `size`; `width` and `height` of it are the scaled image's."""
    if fit not in FITS:
        raise ValueError(f"fit must be one of {', '.join(FITS)}, got {quoted(fit)}")
    if min(width, height, size) < 1:
        raise ValueError(f"width, height and size must be at least 1, got {width}, {height}, {size}")
    if fit == "stretch":
        return Placement(size / width, size / height, 0, 0, size, size)
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        return Placement(size / side, size / side, -left * size / side, -top * size / side, size, size)
    longer = max(width, height)
    across, down = (max(1, (length * size + longer // 2) // longer) for length in (width, height))
    return Placement(across / width, down / height, (size - across) // 2, (size - down) // 2, across, down)


def squared(pixels: NDArray[np.uint8], size: int, *, fit: Fit = "pad") -> NDArray[np.uint8]:
    """Return an image as a square of `size`: smaller by averaging areas, larger by linear interpolation.

    `pad` keeps the aspect and fills with black on both sides, `stretch` keeps everything and gives up the aspect,
    `crop` keeps the aspect and cuts the longer side at both ends.
    """
    height, width = pixels.shape
    place = placement(width, height, size, fit=fit)
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    if pixels.shape != (place.height, place.width):
        smaller = place.height <= pixels.shape[0] and place.width <= pixels.shape[1]
        method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        scaled = cv2.resize(np.ascontiguousarray(pixels), (place.width, place.height), interpolation=method)
        pixels = scaled.astype(np.uint8, copy=False)
    if pixels.shape == (size, size):
        return np.ascontiguousarray(pixels)
    square = np.zeros((size, size), np.uint8)
    left, top = int(place.left), int(place.top)
    square[top : top + place.height, left : left + place.width] = pixels
    return square


def placed_box(box: ArrayLike, extent: tuple[int, int], size: int, *, fit: Fit = "pad") -> NDArray[np.float64]:
    """Return where boxes (..., 4) of x, y, width, height lie in the square, cut to it; a side of 0 means outside.

    `extent` is the width and height of the image that the boxes were drawn on.

    >>> placed_box([512, 0, 256, 1024], (1024, 1024), 256).tolist()
    [128.0, 0.0, 64.0, 256.0]
    """
    x, y, across, down = np.moveaxis(np.asarray(box, np.float64), -1, 0)
    place = placement(*extent, size, fit=fit)
    left, right = (np.clip(place.scale_x * edge + place.left, 0, size) for edge in (x, x + across))
    top, bottom = (np.clip(place.scale_y * edge + place.top, 0, size) for edge in (y, y + down))
    return np.stack([left, top, right - left, bottom - top], axis=-1)
