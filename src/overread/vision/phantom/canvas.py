"""Drawing on a square of any size in units of its side: x to the right and y down, both from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Map: TypeAlias = NDArray[np.floating[Any]]
Points: TypeAlias = NDArray[np.float64]

SHIFT = 4
"""Binary digits after the point in the coordinates that OpenCV is given."""


def pixels(points: Points, size: int) -> NDArray[np.int32]:
    """Return points in OpenCV's fixed-point pixels, where the centre of the first pixel is 0."""
    return np.rint((np.asarray(points) * size - 0.5) * (1 << SHIFT)).astype(np.int32)


def grid(size: int) -> tuple[Map, Map]:
    """Return x, as a row, and y, as a column, of the pixels' centres."""
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    return centres[None, :], centres[:, None]


def floats(image: Any) -> Map:
    """Return what OpenCV returned as an array of single precision."""
    return np.asarray(image, dtype=np.float32)


def filled(points: Points, size: int) -> Map:
    """Return how much of each pixel a polygon covers."""
    return all_filled([points], size)


def all_filled(polygons: Iterable[Points], size: int) -> Map:
    """Return how much of each pixel polygons cover that do not overlap."""
    canvas = np.zeros((size, size), np.uint8)
    for points in polygons:
        cv2.fillPoly(canvas, [pixels(points, size)], 255, cv2.LINE_AA, SHIFT)
    return canvas.astype(np.float32) / 255


def stroke(canvas: NDArray[np.uint8], points: Points, width: float, strength: float = 1.0) -> None:
    """Draw a line of some width on an 8-bit canvas; one thinner than a pixel is drawn fainter instead."""
    size = len(canvas)
    thickness = max(1, round(width * size))
    value = 255 * strength * min(1.0, width * size)
    cv2.polylines(canvas, [pixels(points, size)], False, value, thickness, cv2.LINE_AA, SHIFT)


def tapered(canvas: NDArray[np.uint8], points: Points, widths: Sequence[float], strengths: Sequence[float]) -> None:
    """Draw a line whose segments each have a width and a strength of their own."""
    size = len(canvas)
    at = pixels(points, size)
    for i, (width, strength) in enumerate(zip(widths, strengths, strict=True)):
        value = 255 * strength * min(1.0, width * size)
        cv2.polylines(canvas, [at[i : i + 2]], False, value, max(1, round(width * size)), cv2.LINE_AA, SHIFT)


def stroked(lines: Sequence[tuple[Points, float, float]], size: int) -> Map:
    """Return lines, each with its width and its strength from 0 to 1, on an empty square; later ones cover earlier."""
    canvas = np.zeros((size, size), np.uint8)
    for points, width, strength in lines:
        stroke(canvas, points, width, strength)
    return canvas.astype(np.float32) / 255


def blurred(image: Map, sigma: float) -> Map:
    """Return an image blurred by a Gaussian; a wide one is applied to a reduced copy, which is many times faster.

    >>> image = blurred(np.eye(64, dtype=np.float32), 0.2)
    >>> bool(image[32, 32] > 2 * image[8, 56]), image.shape
    (True, (64, 64))
    """
    size = len(image)
    width = sigma * size
    if width < 0.3:
        return image
    if width <= 5:
        return floats(cv2.GaussianBlur(image, (0, 0), width, borderType=cv2.BORDER_REPLICATE))
    small = max(8, round(4 / sigma))
    reduced = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    reduced = cv2.GaussianBlur(reduced, (0, 0), sigma * small, borderType=cv2.BORDER_REPLICATE)
    return floats(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_CUBIC))


def cloud(rng: np.random.Generator, size: int, grain: float) -> Map:
    """Return smooth noise of mean 0 and spread near 1, whose spots are about `grain` wide."""
    cells = max(4, round(1 / grain))
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return floats(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC))


def smooth(points: Sequence[tuple[float, float]], *, closed: bool, per_side: int = 8) -> Points:
    """Return a curve through points (Catmull and Rom, 1974), with some points between every two.

    >>> smooth([(0, 0), (1, 0), (2, 0)], closed=False, per_side=2)[:, 0].tolist()
    [0.0, 0.4375, 1.0, 1.5625, 2.0]
    """
    at = np.asarray(points, dtype=float)
    ends = (at[-1:], at[:2]) if closed else (at[:1], at[-1:])
    padded = np.concatenate([ends[0], at, ends[1]])
    a, b, c, d = padded[:-3, None], padded[1:-2, None], padded[2:-1, None], padded[3:, None]
    t = (np.arange(per_side) / per_side)[None, :, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    whole = curve.reshape(-1, 2)
    return whole if closed else np.concatenate([whole, at[-1:]])
