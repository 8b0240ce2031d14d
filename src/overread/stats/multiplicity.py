"""Many tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values (n,) so that the chance of any false finding among them stays below the level: Holm's method.

    The smallest is multiplied by the number of tests, the next by one less, and so on; none may be smaller
    than that of a smaller p, nor above 1. A `nan` is a test that was not made: it stays `nan` and does not
    count.

    References: Holm (1979), Scand J Stat 6:65-70.

    >>> holm([0.01, 0.04, float("nan"), 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    raw = np.asarray(p, dtype=np.float64)
    if raw.ndim != 1:
        raise ValueError(f"p must be one row of p-values, got shape {raw.shape}")
    if np.any((raw < 0) | (raw > 1)):
        raise ValueError("p must lie between 0 and 1")
    made = np.flatnonzero(~np.isnan(raw))
    order = made[np.argsort(raw[made], kind="stable")]
    adjusted = np.full(len(raw), np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    return adjusted
