"""Intervals from a value and its standard error, on the value's own scale or on the logarithm."""

from __future__ import annotations

from math import exp, isnan, log, nan, sqrt

from scipy.special import ndtri, stdtr

from overread.stats.estimate import Estimate


def critical_value(level: float) -> float:
    """Return the standard normal quantile that leaves `(1 - level) / 2` in each tail.

    >>> f"{critical_value(0.95):.4f}"
    '1.9600'
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, got {level}")
    return float(ndtri(0.5 + level / 2))


def wald(
    value: float,
    variance: float,
    *,
    method: str,
    level: float = 0.95,
    within: tuple[float, float] = (0.0, 1.0),
    note: str = "",
) -> Estimate:
    """Return `value` with the interval value ± z √variance, cut off at the ends of `within`.

    A variance that is `nan` gives `nan` bounds.
    """
    half = critical_value(level) * sqrt(max(variance, 0.0))  # rounding may take a zero below zero
    if isnan(variance):
        return Estimate(value, nan, nan, level, method, note)
    return Estimate(value, max(value - half, within[0]), min(value + half, within[1]), level, method, note)


def log_wald(
    value: float, log_variance: float, *, method: str = "log", level: float = 0.95, note: str = ""
) -> Estimate:
    """Return a positive ratio with the interval exp(ln value ± z √log_variance)."""
    half = critical_value(level) * sqrt(log_variance)
    return Estimate(value, exp(log(value) - half), exp(log(value) + half), level, method, note)


def p_of_clusters(z: float, clusters: int) -> float:
    """Return the two-sided p of a difference of z bootstrap standard errors that rests on so many clusters.

    Few clusters make that error too small, and what it is made from uncertain: it is raised by √(n / (n - 1)), and p is
    that of Student's t with n - 1 degrees of freedom. With many clusters it is the normal p.

    References: Cameron and Miller (2015), J Human Resources 50:317-372, section VI.

    >>> f"{p_of_clusters(1.96, 12):.3f} {p_of_clusters(1.96, 100_000):.3f}"
    '0.087 0.050'
    """
    if clusters < 2:
        raise ValueError(f"clusters must be at least 2, got {clusters}")
    return float(2 * stdtr(clusters - 1, -abs(z) * sqrt((clusters - 1) / clusters)))
