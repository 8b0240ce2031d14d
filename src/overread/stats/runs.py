"""Several runs of one recipe on the same patients: what the recipe is worth, on other runs and other patients.

A metric of run j is taken as θ + r_j + e_j: the recipe's own value, what this run adds (independent runs, variance
σ²), and the error of a finite test set, which is correlated between runs because they are read on the same patients.
The covariance (J, J) of the e_j comes from the paired bootstrap by patient. That is the model of Obuchowski and
Rockette for readers and cases, with runs in the place of readers: the spread s² seen between runs estimates σ² + v - c,
where v is the mean variance of the e_j and c their mean covariance, and the mean over runs has the variance σ²/J + (v -
c)/J + c.

References: Obuchowski and Rockette (1995), Commun Stat Simul Comput 24:285-308; Hillis (2007), Stat Med 26:596-619,
for one recipe and its degrees of freedom; Hillis (2014), Stat Med 33:330-360, for recipes with runs of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isnan, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from overread.stats.wald import critical_value

Floats = NDArray[np.float64]

METHOD = "obuchowski-rockette"
ONE_RUN = "one run: how far the runs of a recipe differ is not known"
NO_VARIANCE = "no variance by patient"
SAME = "the runs do not differ"
ALIKE = "neither runs nor patients differ: no interval"
BY_PATIENT = "these runs hardly differ: the interval is that by patient, which is wider"
NO_SPREAD = 1e-18  # a variance below this is 0 but for rounding


@dataclass(frozen=True, slots=True)
class RecipeMean:
    """The mean of a metric over runs of one recipe, and how sure it is.

    `sd_runs` is the standard deviation between these runs, `se_patients` the standard error of their mean by patient
    when these runs are all that is asked about, and `standard_error`, with `degrees_of_freedom`, what the interval
    rests on. `sd_new_run` is the standard deviation of one further run on as many new patients. What cannot be
    computed is `nan`, with a note.
    """

    value: float
    low: float
    high: float
    level: float
    n_runs: int
    sd_runs: float
    se_patients: float
    standard_error: float = nan
    degrees_of_freedom: float = nan
    sd_new_run: float = nan
    method: str = METHOD
    note: str = ""


@dataclass(frozen=True, slots=True)
class RecipeComparison:
    """The means of two recipes, a - b with its interval and two-sided p-value for other runs and other patients.

    `sd_runs_a` and `sd_runs_b` are the standard deviations between the runs of each, `se_patients` the standard error
    of the difference by patient when these runs are all that is asked about.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    level: float
    sd_runs_a: float
    sd_runs_b: float
    se_patients: float
    standard_error: float = nan
    degrees_of_freedom: float = nan
    p: float = nan
    method: str = METHOD
    note: str = ""


def recipe_mean(values: ArrayLike, covariance: ArrayLike, *, level: float = 0.95) -> RecipeMean:
    """Return the mean of a metric over J runs with its interval for the recipe: other runs, other patients.

    `values` (J,) are of runs that differ by chance alone (seed, order of the data); `covariance` (J, J) is theirs by
    patient. The standard error is √(s²/J + c) with Satterthwaite's degrees of freedom, as Hillis (2007) has it for a
    single modality. A few runs may lie closer together by chance than the test set alone would have them; where the
    interval by patient for these very runs is the wider one, it is given, and the note says so. Cut off at 0 and 1.
    In simulations intervals of 95 % cover 94 to 96 %, but 92 % with two runs that spread more than patients do.

    >>> auroc = recipe_mean([0.80, 0.82, 0.81], np.full((3, 3), 2e-5) + np.eye(3) * 1e-5)
    >>> f"{auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f}), {auroc.sd_runs:.3f} between runs"
    '0.810 (0.791 to 0.829), 0.010 between runs'
    """
    value, matrix = _checked(values, covariance)
    group = _Group.of(value, matrix)
    by_patient = _variance(matrix)
    bare = RecipeMean(group.mean, nan, nan, level, group.n, sqrt(group.spread), sqrt(by_patient))
    found = _precision(by_patient, (group,), level=level)
    if isnan(found.half):
        return replace(bare, note=found.note)
    return replace(
        bare,
        low=max(group.mean - found.half, 0.0),
        high=min(group.mean + found.half, 1.0),
        standard_error=found.error,
        degrees_of_freedom=found.freedom,
        sd_new_run=sqrt(max(group.spread, group.own) + max(by_patient - group.own / group.n, 0.0)),
        note=found.note,
    )


def recipe_difference(
    values_a: ArrayLike, values_b: ArrayLike, covariance: ArrayLike, *, level: float = 0.95
) -> RecipeComparison:
    """Compare the means of a metric over the runs of two recipes, for other runs and other patients.

    `covariance` (J_a + J_b, J_a + J_b) is that by patient of the runs of a, then of b. The standard error is √(s_a²/J_a
    + s_b²/J_b + c_a + c_b - 2 c_ab), in which what both owe to the same patients cancels, with Welch's degrees of
    freedom, for recipes may differ in spread; otherwise it is Hillis's (2014) of readers nested in modalities. As for
    one recipe, the interval by patient for these very runs is given where it is the wider one, and p goes with it; in
    simulations intervals of 95 % cover 95 to 99 %.

    >>> paired = np.full((4, 4), 2e-5) + np.eye(4) * 1e-5
    >>> test = recipe_difference([0.80, 0.82], [0.84, 0.85], paired)
    >>> f"{test.difference:.3f} ({test.low:.3f} to {test.high:.3f}), p={test.p:.2f}"
    '-0.035 (-0.104 to 0.034), p=0.13'
    """
    first, second = (np.asarray(values, np.float64) for values in (values_a, values_b))
    value, matrix = _checked(np.append(first, second), covariance)
    n = len(first)
    a, b = _Group.of(value[:n], matrix[:n, :n]), _Group.of(value[n:], matrix[n:, n:])
    by_patient = _variance(matrix, np.append(np.full(a.n, 1 / a.n), np.full(b.n, -1 / b.n)))
    difference = a.mean - b.mean
    spreads = sqrt(a.spread), sqrt(b.spread)
    bare = RecipeComparison(a.mean, b.mean, difference, nan, nan, level, *spreads, sqrt(by_patient))
    found = _precision(by_patient, (a, b), level=level)
    if isnan(found.half):
        return replace(bare, note=found.note)
    return replace(
        bare,
        low=max(difference - found.half, -1.0),
        high=min(difference + found.half, 1.0),
        standard_error=found.error,
        degrees_of_freedom=found.freedom,
        p=2 * float(stdtr(found.freedom, -abs(difference) / found.error)),
        note=found.note,
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """The runs of one recipe: their mean, s² (`spread`) and v - c (`own`), the last two nan where there is one run."""

    n: int
    mean: float
    spread: float
    own: float

    @classmethod
    def of(cls, values: Floats, covariance: Floats) -> _Group:
        n, mean = len(values), float(values.mean())
        if n < 2:
            return cls(n, mean, nan, nan)
        variance = float(np.trace(covariance)) / n
        shared = (float(covariance.sum()) - n * variance) / (n * (n - 1))
        return cls(n, mean, float(values.var(ddof=1)), variance - shared)


@dataclass(frozen=True, slots=True)
class _Precision:
    """What an interval rests on, and half its width; nan with a note where there is none."""

    error: float
    freedom: float
    half: float
    note: str = ""


def _precision(by_patient: float, groups: tuple[_Group, ...], *, level: float) -> _Precision:
    """Return the wider of two intervals: for other runs and other patients, and for other patients alone.

    s²/J + c is by_patient + (s² - (v - c))/J; its parts s²/J have J - 1 degrees of freedom, and the variance by
    patient as good as no end of them.
    """
    if any(isnan(group.mean) for group in groups) or isnan(by_patient):
        return _Precision(nan, nan, nan, NO_VARIANCE)
    if any(group.n < 2 for group in groups):
        return _Precision(nan, nan, nan, ONE_RUN)
    variance = max(by_patient + sum((group.spread - group.own) / group.n for group in groups), 0.0)
    if max(variance, by_patient) < NO_SPREAD:
        return _Precision(nan, nan, nan, ALIKE)
    parts = sum((group.spread / group.n) ** 2 / (group.n - 1) for group in groups)
    freedom = variance**2 / parts if parts else inf
    half = float(stdtrit(freedom, 0.5 + level / 2)) * sqrt(variance) if variance else 0.0
    alone = critical_value(level) * sqrt(by_patient)
    same = "" if parts else SAME
    if alone > half:
        return _Precision(sqrt(by_patient), inf, alone, same or BY_PATIENT)
    return _Precision(sqrt(variance), freedom, half, same)


def _checked(values: ArrayLike, covariance: ArrayLike) -> tuple[Floats, Floats]:
    value, matrix = np.asarray(values, np.float64), np.asarray(covariance, np.float64)
    if value.ndim != 1 or not len(value) or matrix.shape != (len(value), len(value)):
        raise ValueError(f"covariance must have a row and a column for each run, got {matrix.shape} for {value.shape}")
    return value, matrix


def _variance(covariance: Floats, weights: Floats | None = None) -> float:
    """Return the variance of a weighted sum, by default of the mean; rounding may take a zero below zero."""
    weight = np.full(len(covariance), 1 / len(covariance)) if weights is None else weights
    return float(np.maximum(weight @ covariance @ weight, 0.0))
