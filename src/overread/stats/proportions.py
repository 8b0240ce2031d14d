"""A share of counted cases, with its interval."""

from __future__ import annotations

from math import sqrt

from overread.stats.estimate import Estimate
from overread.stats.wald import critical_value


def proportion(successes: int, trials: int, *, level: float = 0.95) -> Estimate:
    """Estimate a proportion with its Wilson score interval.

    Sensitivity, specificity and the predictive values are this function applied to two counts. Wilson keeps
    its coverage where a Wald interval collapses: few cases, or a proportion near 0 or 1. It takes the cases
    for independent of each other.

    References: Wilson (1927), J Am Stat Assoc 22:209-212.

    >>> f"{proportion(45, 50):.2f}"
    '0.90 (0.79 to 0.96)'
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and trials={trials}, got {successes}")
    z2 = critical_value(level) ** 2
    if trials == 0:
        return Estimate.undefined("no cases", level=level, method="wilson")
    p = successes / trials
    centre = (successes + z2 / 2) / (trials + z2)
    half = sqrt(z2 * (p * (1 - p) * trials + z2 / 4)) / (trials + z2)
    # At 0 and at 1 the bound equals the proportion; rounding may otherwise put it a hair to the wrong side.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Estimate(p, low, high, level, "wilson")
