"""How alike two images are: the index of structural similarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

SIGMA, REACH = 1.5, 5
"""The Gaussian window of Wang et al. (2004): 11 pixels wide."""
K1, K2 = 0.01, 0.03


def ssim(one: ArrayLike, other: ArrayLike, *, data_range: float = 1.0) -> float:
    """Return the mean structural similarity of two images (h, w): 1 where they are the same.

    With the authors' Gaussian window of 11 pixels and their constants; where the window reaches over the edge the image
    is mirrored, and the mean is over all pixels.

    Reference: Wang, Bovik, Sheikh and Simoncelli (2004), IEEE Trans Image Process 13:600-612, equation 13.

    >>> ssim(np.eye(12), np.eye(12))
    1.0
    """
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"one and other must be two images of the same shape, got {a.shape} and {b.shape}")
    mean_a, mean_b = _blurred(a), _blurred(b)
    variance_a, variance_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float((above / below).mean())


def _blurred(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(image, SIGMA, radius=REACH, mode="reflect"))
