"""Shares of images, and how often two things share an image, with intervals that take patients as the unit."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from overread.stats.clusters import clustered_covariance, clustered_mean
from overread.stats.estimate import Estimate
from overread.stats.wald import critical_value, log_wald, wald

METHOD = "wilson by patient"


def share_by_patient(positive: ArrayLike, patients: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Estimate the share of images (n,) that are positive, where a patient may have several images.

    Wilson's score interval (1927) for as many independent images as would give the share the variance that it has
    with patients as the unit: p (1 - p) / variance, and no more than there are images (Korn and Graubard 1998). Where
    all images are alike, and no variance can be seen, as many as there are patients.

    References: Wilson (1927), J Am Stat Assoc 22:209-212; Korn and Graubard (1998), Surv Methodol 24:193-201.

    >>> f"{share_by_patient([1, 1, 0, 0], [1, 1, 2, 3]):.2f}"
    '0.50 (0.09 to 0.91)'
    """
    yes = np.asarray(positive, dtype=np.float64)
    if not len(yes):
        return Estimate.undefined("no images", level=level, method=METHOD)
    share, variance = clustered_mean(yes, patients)
    if isnan(variance):
        return Estimate(share, variance, variance, level, METHOD, "one patient only: no interval")
    alike = variance == 0 or share in (0.0, 1.0)
    size = len(np.unique(np.asarray(patients))) if alike else min(share * (1 - share) / variance, len(yes))
    return wilson(share, size, level=level)


def wilson(share: float, size: float, *, level: float = 0.95) -> Estimate:
    """Return a share of `size` independent images, which need not be a whole number, with Wilson's interval.

    >>> f"{wilson(0.9, 50):.2f}"
    '0.90 (0.79 to 0.96)'
    """
    z2 = critical_value(level) ** 2
    centre = (share * size + z2 / 2) / (size + z2)
    half = sqrt(z2 * (share * (1 - share) * size + z2 / 4)) / (size + z2)
    low = 0.0 if share == 0 else max(centre - half, 0.0)
    high = 1.0 if share == 1 else min(centre + half, 1.0)
    return Estimate(share, low, high, level, METHOD)


def share_difference(
    positive: ArrayLike, here: ArrayLike, there: ArrayLike, patients: ArrayLike, *, level: float = 0.95
) -> tuple[Estimate, float]:
    """Estimate by how much more often the images of one group (n,) are positive than those of another, and its p.

    A Wald interval from sums by patient, so that it holds too where a patient has images in both groups.

    >>> difference, p = share_difference([1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], range(6))
    >>> f"{difference:.2f}", round(p, 2)
    ('0.33 (-0.49 to 1.00)', 0.43)
    """
    yes, one, other = np.asarray(positive, np.float64), np.asarray(here, bool), np.asarray(there, bool)
    if not one.any() or not other.any():
        return Estimate.undefined("no images", level=level, method="patients"), float("nan")
    means = float(yes[one].mean()), float(yes[other].mean())
    influence = one * (yes - means[0]) / one.sum() - other * (yes - means[1]) / other.sum()
    used = one | other
    variance = float(clustered_covariance(influence[used], np.asarray(patients)[used]))
    value = means[0] - means[1]
    p = float(2 * ndtr(-abs(value) / sqrt(variance))) if variance > 0 else float("nan")
    return wald(value, variance, method="patients", level=level, within=(-1.0, 1.0)), p


def observed_to_expected(
    one: ArrayLike, others: ArrayLike, patients: ArrayLike, *, level: float = 0.95
) -> list[tuple[NDArray[np.int64], Estimate]]:
    """Count how often a finding (n,) shares an image with each of others (n, k), against independence.

    Labels are 1, 0, or below 0 where missing; a pair is counted over the images on which both were assessed. With n
    images, a of them with one, b with the other and c with both, the ratio is c n / (a b). Returns for each pair
    (n, a, b, c) and the ratio with its interval on the log scale, patients as the unit (delta method).

    >>> counts, ratio = observed_to_expected([1, 1, 0, 0], [[1], [0], [0], [1]], range(4))[0]
    >>> counts, ratio.value
    (array([4, 2, 2, 1]), 1.0)
    """
    label, further = np.asarray(one), np.asarray(others)
    both = (label >= 0)[:, None] & (further >= 0)
    first, second = (label == 1)[:, None] & both, (further == 1) & both
    together = first & second
    counts = np.stack([flags.sum(axis=0) for flags in (both, first, second, together)])
    known = np.flatnonzero(counts[3])
    n, a, b, c = counts[:, known]
    influence = together[:, known] / c + both[:, known] / n - first[:, known] / a - second[:, known] / b
    variances = dict(zip(known, np.diag(np.atleast_2d(clustered_covariance(influence, patients))), strict=True))
    return [(row, ratio(row, float(variances.get(place, np.nan)), level)) for place, row in enumerate(counts.T)]


def ratio(counts: NDArray[np.int64], log_variance: float, level: float) -> Estimate:
    """Return the ratio of observed to expected images with both findings."""
    n, a, b, c = (int(count) for count in counts)
    if not a or not b:
        return Estimate.undefined("a finding is absent", level=level, method="log by patient")
    if not c:
        nan = float("nan")
        return Estimate(0.0, nan, nan, level, "log by patient", "never together: no interval on the log scale")
    return log_wald(c * n / (a * b), log_variance, method="log by patient", level=level)
