"""Intervals of an AUROC from nothing but its printed value and the numbers of images: for papers without scores.

All of them take the images for independent. With several images of a patient they are too narrow, and nothing that is
printed says by how much.
"""

from __future__ import annotations

from math import sqrt

from overread.stats.estimate import Estimate
from overread.stats.wald import critical_value, wald


def hanley_mcneil_variance(auroc: float, n_positive: int, n_negative: int) -> float:
    """Return Hanley and McNeil's variance of an AUROC, which fits scores that are about exponential.

    [A(1 - A) + (P - 1)(Q1 - A²) + (N - 1)(Q2 - A²)] / (P N) with Q1 = A / (2 - A) and Q2 = 2A² / (1 + A).

    References: Hanley and McNeil (1982), Radiology 143:29-36, equations 1 and 2.

    >>> round(hanley_mcneil_variance(0.893, 51, 58) ** 0.5, 4)
    0.0325
    """
    _check(auroc, n_positive, n_negative)
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    spread = auroc * (1 - auroc) + (n_positive - 1) * (q1 - auroc**2) + (n_negative - 1) * (q2 - auroc**2)
    return max(spread, 0.0) / (n_positive * n_negative)


def hanley_mcneil(auroc: float, n_positive: int, n_negative: int, *, level: float = 0.95) -> Estimate:
    """Estimate an AUROC with Hanley and McNeil's variance, and a Wald interval cut off at 0 and 1.

    References: Hanley and McNeil (1982), Radiology 143:29-36.

    >>> f"{hanley_mcneil(0.893, 51, 58):.3f}"
    '0.893 (0.829 to 0.957)'
    """
    return wald(auroc, hanley_mcneil_variance(auroc, n_positive, n_negative), level=level, method="hanley-mcneil")


def largest_variance(auroc: float, n_positive: int, n_negative: int, *, level: float = 0.95) -> Estimate:
    """Estimate an AUROC with the largest variance that any scores can give it: A(1 - A) / min(P, N).

    The A that a z test with that variance would not reject, which is Wilson's interval for min(P, N) trials. It holds
    for every shape of scores, up to the normal approximation.

    References: Van Dantzig (1951), Indag Math 13:1-8; Birnbaum and Klose (1957), Ann Math Stat 28:933-945; used for
    AUROCs by Cortes and Mohri (2005), Adv Neural Inf Process Syst 17:305-312, and Agarwal et al. (2005), J Mach
    Learn Res 6:393-425.

    >>> f"{largest_variance(0.893, 51, 58):.3f}"
    '0.893 (0.779 to 0.952)'
    """
    _check(auroc, n_positive, n_negative)
    trials, z2 = min(n_positive, n_negative), critical_value(level) ** 2
    centre = (auroc * trials + z2 / 2) / (trials + z2)
    half = sqrt(z2 * (auroc * (1 - auroc) * trials + z2 / 4)) / (trials + z2)
    return Estimate(auroc, max(centre - half, 0.0), min(centre + half, 1.0), level, "largest-variance")


def _check(auroc: float, n_positive: int, n_negative: int) -> None:
    if not 0 <= auroc <= 1:
        raise ValueError(f"auroc must lie between 0 and 1, got {auroc}")
    if n_positive < 1 or n_negative < 1:
        raise ValueError(f"there must be a positive and a negative image, got {n_positive} and {n_negative}")
