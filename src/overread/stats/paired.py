"""Two readers on the same images: how far apart they are, and whether beyond chance.

A difference is always a - b. Where several images are of one patient, the tests that say `patients` are the
valid ones; DeLong's and McNemar's take the images for independent and are given for comparison with other
papers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import copysign, erfc, inf, isnan, nan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtr, ndtri

from overread.stats.clusters import clustered_mean, patient_sums
from overread.stats.discrimination import (
    NO_SPREAD,
    ClusterComponents,
    checked,
    placements_and_area,
    why_undefined,
)
from overread.stats.proportions import proportion
from overread.stats.resampling import percentile
from overread.stats.wald import critical_value

Floats = NDArray[np.float64]
McNemarTest = Literal["exact", "chi-square", "chi-square corrected"]

ALIKE = "the two readers do not differ on these images"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of two readers on the same images: both values, a - b with its interval, and the two-sided p-value.

    `difference` is the ratio a / b for odds and likelihood ratios, and the note says so. `standard_error` is
    that of the difference, for equivalence and for the smallest difference that could be shown. What cannot
    be computed is `nan`, with a note that says why.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    level: float
    p: float
    method: str
    note: str = ""
    standard_error: float = nan

    @classmethod
    def undefined(cls, note: str, *, level: float, method: str) -> Comparison:
        """Return the comparison of what cannot be computed, with the reason."""
        return cls(nan, nan, nan, nan, nan, level, nan, method, note)

    def with_note(self, note: str) -> Comparison:
        """Return the same comparison with a note added to those it has."""
        return replace(self, note="; ".join(part for part in (self.note, note) if part))

    @property
    def z(self) -> float:
        """The difference in standard errors; `nan` where there is none."""
        return self.difference / self.standard_error if self.standard_error > 0 else nan


def auroc_difference_delong(
    labels: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike, *, level: float = 0.95
) -> Comparison:
    """Compare two AUROCs by DeLong's paired test, with a Wald interval for the difference; equal to R's pROC.

    The variance takes the images for independent; with several images per patient it is too small.

    References: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837-845.

    >>> result = auroc_difference_delong([0, 0, 0, 1, 1, 1], [1, 2, 5, 4, 5, 6], [1, 4, 5, 3, 2, 6])
    >>> f"{result.difference:.3f} z={result.z:.3f} p={result.p:.3f}"
    '0.278 z=1.118 p=0.264'
    """
    positive, score_a = checked(labels, scores_a)
    _, score_b = checked(labels, scores_b)
    m = int(positive.sum())
    n = len(positive) - m
    if reason := why_undefined(m, n):
        return Comparison.undefined(reason, level=level, method="delong")
    (v10_a, v01_a, a), (v10_b, v01_b, b) = (placements_and_area(positive, score) for score in (score_a, score_b))
    if m == 1 or n == 1:
        only = "positive" if m == 1 else "negative"
        return _wald(a, b, nan, method="delong", level=level, note=f"one {only} only: no test")
    # The variance of a difference is that of the differences of the placements, image by image.
    v10, v01 = v10_a - v10_b, v01_a - v01_b
    variance = float(np.var(v10, ddof=1)) / m + float(np.var(v01, ddof=1)) / n
    return _wald(a, b, variance, method="delong", level=level)


def auroc_difference_obuchowski(
    labels: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike, patients: ArrayLike, *, level: float = 0.95
) -> Comparison:
    """Compare two AUROCs with patients as clusters, with a Wald interval for the difference.

    Var(a) + Var(b) - 2 Cov(a, b), each with its terms S10, S01 and S11, and for the covariance both cross
    terms S11. Equal to DeLong's test where each patient has one image.

    References: Obuchowski (1997), Biometrics 53:567-578.

    >>> scores = [1, 2, 5, 4, 5, 6], [1, 4, 5, 3, 2, 6]
    >>> result = auroc_difference_obuchowski([0, 0, 0, 1, 1, 1], *scores, [1, 2, 3, 1, 2, 3])
    >>> f"{result.difference:.3f} z={result.z:.3f} p={result.p:.3f}"
    '0.278 z=0.898 p=0.369'
    """
    positive, score_a = checked(labels, scores_a)
    _, score_b = checked(labels, scores_b)
    m = int(positive.sum())
    if reason := why_undefined(m, len(positive) - m):
        return Comparison.undefined(reason, level=level, method="obuchowski")
    of_a, of_b = (ClusterComponents.of(positive, score, patients) for score in (score_a, score_b))
    a, b = of_a.area, of_b.area
    if reason := of_a.why_no_variance():
        return _wald(a, b, nan, method="obuchowski", level=level, note=reason)
    between = of_a.minus(of_b)
    return _wald(a, b, between.covariance(between), method="obuchowski", level=level)


def mcnemar(
    correct_a: ArrayLike, correct_b: ArrayLike, *, test: McNemarTest = "exact", level: float = 0.95
) -> Comparison:
    """Compare two shares of the same images, such as two sensitivities on the ill, by McNemar's test.

    `correct_a` and `correct_b` (n,) say whether each reader answered each image rightly: on the ill for
    sensitivity, on the healthy for specificity. With b images that only reader a has right and c that only b
    has, `exact` is the two-sided binomial test of b among b + c (doubled, at most 1), `chi-square` is (b -
    c)²/(b + c), and with the correction (abs(b - c) - 1)²/(b + c). The interval of the difference is Newcombe's
    method 10 (Wilson intervals combined with their correlation). All take the images for independent.

    References: McNemar (1947), Psychometrika 12:153-157; Newcombe (1998), Stat Med 17:2635-2650.

    >>> result = mcnemar([1] * 65 + [0] * 96, [1] * 59 + [0] * 6 + [1] * 16 + [0] * 80)
    >>> f"{result.difference:.4f} ({result.low:.4f} to {result.high:.4f}), p={result.p:.4f}"
    '-0.0621 (-0.1186 to -0.0046), p=0.0525'
    """
    a, b = _answers(correct_a, correct_b)
    n = len(a)
    if n == 0:
        return Comparison.undefined("no images", level=level, method="mcnemar")
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    low, high = _newcombe(int(np.sum(a & b)), only_a, only_b, int(np.sum(~a & ~b)), level)
    difference = (only_a - only_b) / n
    variance = ((only_a + only_b) / n - difference**2) / n
    p = _mcnemar_p(only_a, only_b, test)
    note = f"{test}; interval by Newcombe's method 10"
    return Comparison(
        float(a.mean()), float(b.mean()), difference, low, high, level, p, "mcnemar", note, sqrt(variance)
    )


def mcnemar_clustered(
    correct_a: ArrayLike, correct_b: ArrayLike, patients: ArrayLike, *, level: float = 0.95
) -> Comparison:
    """Compare two shares of the same images with patients as the unit.

    With d_i the images of patient i that only reader a has right less those that only b has, the test is (Σ
    d_i)² / Σ d_i² against chi-square with one degree of freedom: Obuchowski's (1998) without her factor (K -
    1)/K for K patients, so that it is McNemar's chi-square where each patient has one image. The interval is
    Wald's with the variance by patient of the difference itself (not under "no difference"), so it can
    disagree with the test by a hair.

    References: Obuchowski (1998), Stat Med 17:1495-1507; for the variance, Rao and Scott (1992), Biometrics
    48:577-585.

    >>> result = mcnemar_clustered([1, 1, 1, 1, 0], [0, 0, 1, 0, 1], [1, 1, 2, 3, 4])
    >>> f"{result.difference:.2f} p={result.p:.3f}"
    '0.40 p=0.414'
    """
    a, b = _answers(correct_a, correct_b)
    if len(a) == 0:
        return Comparison.undefined("no images", level=level, method="mcnemar_clustered")
    signed = a.astype(np.float64) - b
    by_patient = patient_sums(signed, patients)
    _, variance = clustered_mean(signed, patients)
    result = _wald(float(a.mean()), float(b.mean()), variance, method="mcnemar_clustered", level=level)
    if len(by_patient) < 2:
        return result.with_note("one patient only: no test")
    spread = float(by_patient @ by_patient)
    p = _two_sided(float(by_patient.sum()) / sqrt(spread)) if spread else 1.0
    return replace(result, p=p)


def bootstrap_comparison(
    a: float,
    b: float,
    replicates_a: ArrayLike,
    replicates_b: ArrayLike,
    *,
    ratio: bool = False,
    level: float = 0.95,
    note: str = "",
) -> Comparison:
    """Compare any metric of two readers from replicates (R,) in which the same patients were drawn for both.

    The interval is the percentile interval of the replicates' differences (of their ratios a / b with
    `ratio`), p is `bootstrap_p`, and the standard error their standard deviation (of the logarithm for a
    ratio). Replicates in which either value is undefined are left out, with a note.
    """
    first: Floats = np.asarray(replicates_a, dtype=np.float64)
    second: Floats = np.asarray(replicates_b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"replicates must be of one shape (replicates,), got {first.shape} and {second.shape}")
    difference = float(_apart(np.asarray(a), np.asarray(b), ratio))
    if isnan(difference):
        unknown = Comparison.undefined(note or "not defined for both readers", level=level, method="bootstrap")
        return replace(unknown, a=a, b=b)
    null, drawn = float(ratio), _apart(first, second, ratio)
    kept = drawn[~np.isnan(drawn)]
    if difference == null and len(kept) and np.all(kept == null):
        return Comparison(a, b, null, null, null, level, 1.0, "bootstrap", note or ALIKE, 0.0)
    estimate = percentile(difference, drawn, level=level, note=note)
    if ratio:
        estimate = estimate.with_note("the difference is the ratio a / b")
    p = nan if isnan(estimate.low) else bootstrap_p(drawn, null=null)
    scale = np.log(kept[kept > 0]) if ratio else kept
    error = float(np.std(scale, ddof=1)) if len(scale) > 1 else nan
    bounds = estimate.low, estimate.high
    return Comparison(a, b, difference, *bounds, level, p, "bootstrap", estimate.note, error)


def _apart(a: Floats, b: Floats, ratio: bool) -> Floats:
    """Return a - b, or a / b; `nan` where that is not a finite number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.asarray(a / b if ratio else a - b)
    return np.where(np.isfinite(apart), apart, nan)


def bootstrap_p(differences: ArrayLike, *, null: float = 0.0) -> float:
    """Return the two-sided p-value of paired replicates: the percentile interval turned round.

    2 min(share at or below `null`, share at or above it), at most 1, each share counted as (1 + k) / (1 + R),
    so that it is never 0. It is below 1 - level where the percentile interval leaves out `null`. Undefined
    replicates (`nan`) are left out.

    References: Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 4 (the 1 + k);
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 15.

    >>> bootstrap_p([0.1] * 97 + [-0.1] * 2)
    0.06
    """
    drawn = np.asarray(differences, dtype=np.float64)
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return nan
    fewer = min(np.count_nonzero(drawn <= null), np.count_nonzero(drawn >= null))
    return float(min(1.0, 2 * (1 + fewer) / (1 + len(drawn))))


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether a is not worse than b by more than a margin, and whether the two differ by less than it.

    `p_not_worse` is against "a - b is -margin or less", `p_not_better` against "a - b is margin or more";
    `p_equivalent` is the larger of the two. `low` and `high` bound the difference at the level 1 - 2 alpha,
    so each one-sided test is passed just where its bound lies inside the margin.
    """

    difference: float
    margin: float
    low: float
    high: float
    alpha: float
    p_not_worse: float
    p_not_better: float

    @property
    def p_equivalent(self) -> float:
        """The p-value of the two one-sided tests together."""
        return max(self.p_not_worse, self.p_not_better) if not isnan(self.p_not_worse) else nan

    @property
    def not_worse(self) -> bool:
        """Whether a is shown to be worse than b by less than the margin (non-inferiority)."""
        return self.p_not_worse < self.alpha

    @property
    def equivalent(self) -> bool:
        """Whether the two are shown to differ by less than the margin."""
        return self.p_equivalent < self.alpha


def equivalence(difference: float, standard_error: float, *, margin: float, level: float = 0.95) -> Equivalence:
    """Test non-inferiority and equivalence with a stated margin, for a metric of which more is better.

    Two one-sided z tests at alpha = 1 - level, from a difference a - b and its standard error; the interval
    is at the level 1 - 2 alpha (90 % for a level of 95 %).

    References: Schuirmann (1987), J Pharmacokinet Biopharm 15:657-680; for AUROCs, Zhou, Obuchowski and
    McClish (2011), Statistical Methods in Diagnostic Medicine, chapter 5.

    >>> result = equivalence(-0.002, 0.003, margin=0.01)
    >>> result.not_worse, f"{result.p_not_worse:.4f}", f"{result.low:.4f} to {result.high:.4f}"
    (True, '0.0038', '-0.0069 to 0.0029')
    """
    if not margin > 0:
        raise ValueError(f"margin must be above 0, got {margin}")
    if standard_error < 0:
        raise ValueError(f"standard_error must not be below 0, got {standard_error}")
    alpha = 1 - level
    if not 0 < alpha < 0.5:
        raise ValueError(f"level must lie between 0.5 and 1, such as 0.95, got {level}")
    half = critical_value(1 - 2 * alpha) * standard_error
    not_worse = float(ndtr(-_standardised(difference + margin, standard_error)))
    not_better = float(ndtr(_standardised(difference - margin, standard_error)))
    return Equivalence(difference, margin, difference - half, difference + half, alpha, not_worse, not_better)


def smallest_detectable_difference(standard_error: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the smallest true difference that a two-sided test of this precision finds with the given power.

    (z(1 - alpha/2) + z(power)) times the standard error of the difference, as a planned study of this size,
    these patients and these two readers would have it. It says what "no significant difference" leaves open;
    it does not depend on the difference observed. `nan` for a standard error of 0: two readers that answer
    alike do not show how two that differ would vary.

    References: Obuchowski (1998), Stat Methods Med Res 7:371-392; on why not with the observed difference,
    Hoenig and Heisey (2001), Am Stat 55:19-24.

    >>> f"{smallest_detectable_difference(0.005):.4f}"
    '0.0140'
    """
    if not 0 < power < 1:
        raise ValueError(f"power must lie between 0 and 1, such as 0.8, got {power}")
    if standard_error < 0:
        raise ValueError(f"standard_error must not be below 0, got {standard_error}")
    if standard_error == 0:
        return nan
    return float(critical_value(level) + ndtri(power)) * standard_error


def _wald(a: float, b: float, variance: float, *, method: str, level: float, note: str = "") -> Comparison:
    """Return a comparison with a Wald interval (within -1 to 1) and the p-value of the z test."""
    z, difference = critical_value(level), a - b
    if isnan(variance):
        return Comparison(a, b, difference, nan, nan, level, nan, method, note)
    if variance < NO_SPREAD:
        if abs(difference) < sqrt(NO_SPREAD):
            return Comparison(a, b, 0.0, 0.0, 0.0, level, 1.0, method, note or ALIKE, 0.0)
        none = "every image tells the same: no standard error, and no test"
        return Comparison(a, b, difference, nan, nan, level, nan, method, note or none)
    error = sqrt(variance)
    low, high = max(difference - z * error, -1.0), min(difference + z * error, 1.0)
    return Comparison(a, b, difference, low, high, level, _two_sided(difference / error), method, note, error)


def _two_sided(z: float) -> float:
    """Return the two-sided p-value of a standard normal deviate, precise far into the tail."""
    return erfc(abs(z) / sqrt(2))


def _standardised(distance: float, standard_error: float) -> float:
    """Divide by the standard error, which may be 0."""
    if standard_error > 0 or isnan(standard_error):
        return distance / standard_error
    return copysign(inf, distance) if distance else 0.0


def _answers(correct_a: ArrayLike, correct_b: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return two rows of right or wrong answers as booleans, or refuse them."""
    a, b = np.asarray(correct_a), np.asarray(correct_b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"correct_a and correct_b must be of one shape (n,), got {a.shape} and {b.shape}")
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ValueError("correct_a and correct_b must hold true or false, or 1 and 0")
    return a.astype(np.bool_), b.astype(np.bool_)


def _mcnemar_p(only_a: int, only_b: int, test: McNemarTest) -> float:
    """Return the p-value of McNemar's test from the two kinds of disagreement."""
    both = only_a + only_b
    if both == 0:
        return 1.0
    if test == "exact":
        return min(1.0, 2 * float(bdtr(min(only_a, only_b), both, 0.5)))
    if test == "chi-square":
        return _two_sided((only_a - only_b) / sqrt(both))
    if test == "chi-square corrected":
        return _two_sided((abs(only_a - only_b) - 1) / sqrt(both))
    raise ValueError(f"test must be exact, chi-square or chi-square corrected, got {test!r}")


def _newcombe(both: int, only_a: int, only_b: int, neither: int, level: float) -> tuple[float, float]:
    """Return the interval of a paired difference of shares: Newcombe (1998), Stat Med 17:2635-2650, method 10.

    Wilson intervals of the two shares, combined by squares with the correlation φ, which is corrected for
    continuity where it is positive. e, f, g and h are the paper's names of the four counts.
    """
    e, f, g, h = both, only_a, only_b, neither
    n = e + f + g + h
    one, two = proportion(e + f, n, level=level), proportion(e + g, n, level=level)
    margins = (e + f) * (g + h) * (e + g) * (f + h)
    product = float(e * h - f * g)
    if product > 0:
        product = max(product - n / 2, 0.0)
    phi = product / sqrt(margins) if margins else 0.0
    difference = (f - g) / n
    below, above = (one.value - one.low, two.high - two.value), (one.high - one.value, two.value - two.low)
    low = difference - sqrt(max(below[0] ** 2 - 2 * phi * below[0] * below[1] + below[1] ** 2, 0.0))
    high = difference + sqrt(max(above[0] ** 2 - 2 * phi * above[0] * above[1] + above[1] ** 2, 0.0))
    return max(low, -1.0), min(high, 1.0)
