"""How far labels agree with a better truth: the four counts of the two, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from overread.stats.operating_points import METRICS, Counts

Floats = NDArray[np.float64]


def kappa(counts: Counts) -> Floats:
    """Return Cohen's kappa of two answers to one question: agreement beyond that of two who do not look.

    (p_o - p_e) / (1 - p_e), with p_e from the share of yes in each; nan where p_e is 1. Numbers or arrays.

    References: Cohen (1960), Educ Psychol Meas 20:37-46.

    >>> round(float(kappa(Counts(20, 5, 10, 15))), 4)
    0.4
    """
    tp, fp, fn, tn = counts.arrays()
    n = tp + fp + fn + tn
    by_chance = (tp + fp) * (tp + fn) + (fn + tn) * (fp + tn)  # n² p_e
    out = np.full(np.shape(n), np.nan)
    return np.divide(n * (tp + tn) - by_chance, n**2 - by_chance, out=out, where=n**2 != by_chance)


AGREEMENT: Mapping[str, Callable[[Counts], Floats]] = MappingProxyType(
    {name: METRICS[name] for name in ("sensitivity", "specificity", "ppv", "npv")} | {"kappa": kappa}
)
"""Agreement with a better truth by name, functions of four counts in which a label is the call and it is the truth."""
