"""Agreement of several readers who call the same images: Fleiss' kappa, Gwet's AC1 and Krippendorff's alpha.

For yes or no and readers who all read every image, all three follow from three sums over images: how many images,
how many calls, and the calls of each image squared. `n_images`, `calls` and `squares` are numbers or arrays of one
shape (replicates,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def observed_agreement(n_images: ArrayLike, calls: ArrayLike, squares: ArrayLike, n_readers: int) -> Floats:
    """Return the share of pairs of readers that agree, averaged over images.

    With m of R readers calling an image, [m(m - 1) + (R - m)(R - m - 1)] / [R(R - 1)].

    >>> float(observed_agreement(2, 3, 5, 2))  # one image called by both of two, one by one of them
    0.5
    """
    n, m, m2 = _arrays(n_images, calls, squares)
    if n_readers < 2:
        raise ValueError(f"n_readers must be 2 or more, got {n_readers}")
    agreeing = 2 * m2 - 2 * n_readers * m + n * n_readers * (n_readers - 1)
    return _divided(agreeing, n * n_readers * (n_readers - 1))


def fleiss_kappa(n_images: ArrayLike, calls: ArrayLike, squares: ArrayLike, n_readers: int) -> Floats:
    """Return Fleiss' kappa: chance agreement from the share of calls of all readers together, p² + (1 - p)².

    nan where all call everything, or nothing.

    References: Fleiss (1971), Psychol Bull 76:378-382.

    >>> round(float(fleiss_kappa(10, 9, 21, 3)), 4)
    0.5238
    """
    p = _share(n_images, calls, n_readers)
    return _beyond(observed_agreement(n_images, calls, squares, n_readers), p**2 + (1 - p) ** 2)


def gwet_ac1(n_images: ArrayLike, calls: ArrayLike, squares: ArrayLike, n_readers: int) -> Floats:
    """Return Gwet's AC1: chance agreement is 2p(1 - p), so that it does not fall to 0 where a finding is rare.

    References: Gwet (2008), Br J Math Stat Psychol 61:29-48.

    >>> round(float(gwet_ac1(10, 9, 21, 3)), 4)
    0.6552
    """
    p = _share(n_images, calls, n_readers)
    return _beyond(observed_agreement(n_images, calls, squares, n_readers), 2 * p * (1 - p))


def krippendorff_alpha(n_images: ArrayLike, calls: ArrayLike, squares: ArrayLike, n_readers: int) -> Floats:
    """Return Krippendorff's alpha for nominal answers: 1 less the disagreement over that of answers drawn from all.

    nan where all call everything, or nothing.

    References: Krippendorff (2011), Computing Krippendorff's alpha-reliability, University of Pennsylvania.

    >>> round(float(krippendorff_alpha(10, 6, 8, 2)), 3)
    0.095
    """
    n, p = np.asarray(n_images, np.float64), _share(n_images, calls, n_readers)
    apart = 1 - observed_agreement(n_images, calls, squares, n_readers)
    expected = 2 * p * (1 - p) * _divided(n * n_readers, n * n_readers - 1)
    return 1 - _divided(apart, expected)


SEVERAL: Mapping[str, Callable[[ArrayLike, ArrayLike, ArrayLike, int], Floats]] = MappingProxyType(
    {
        "agreement": observed_agreement,
        "fleiss_kappa": fleiss_kappa,
        "gwet_ac1": gwet_ac1,
        "krippendorff_alpha": krippendorff_alpha,
    }
)
"""The statistics of agreement of several readers, by name."""


def _share(n_images: ArrayLike, calls: ArrayLike, n_readers: int) -> Floats:
    n, m, _ = _arrays(n_images, calls, calls)
    return _divided(m, n * n_readers)


def _beyond(agreed: Floats, by_chance: Floats) -> Floats:
    """Return (agreed - by_chance) / (1 - by_chance)."""
    return _divided(agreed - by_chance, 1 - by_chance)


def _arrays(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(each, np.float64) for each in values)


def _divided(part: ArrayLike, whole: ArrayLike) -> Floats:
    """Divide, nan where there is nothing to divide by."""
    above, below = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
