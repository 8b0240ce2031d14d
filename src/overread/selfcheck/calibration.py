"""Checks of whether scores are frequencies, of recalibration, and of the regressions behind both."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.material import SEARCH, Check, Cohort
from overread.stats import calibration, recalibration, ridge
from overread.stats.smooth_calibration import SmoothCurve, smooth_calibration

AT = (0.005, 0.11, 0.255, 0.5, 0.63, 0.985)
SMOOTH_AT = (0.02, 0.1, 0.3, 0.6, 0.9)


def three(cohort: Cohort) -> ArrayLike:
    """Return intercept, slope and Brier score."""
    fit = calibration.logistic_calibration(cohort.ill, cohort.a)
    return [*fit.coefficients, calibration.brier(cohort.ill, cohort.a).score]


def parts(cohort: Cohort) -> ArrayLike:
    """Return the parts of the Brier score."""
    found = calibration.brier(cohort.ill, cohort.a)
    return [found.miscalibration, found.discrimination, found.uncertainty]


def in_the_large(cohort: Cohort) -> ArrayLike:
    """Return the bounds of the calibration intercept."""
    fit = calibration.calibration_in_the_large(cohort.ill, cohort.a)
    found = calibration.coefficient(fit, 0, cohort.patient)
    return [found.low, found.high]


def reliability(cohort: Cohort) -> ArrayLike:
    """Return the rates of positives, then the mean scores, bin by bin."""
    curve = calibration.reliability(cohort.ill, cohort.a, cohort.patient)
    return np.append([rate.value for rate in curve.rate], curve.mean_score)


def recalibrated(cohort: Cohort, kind: str, scores: ArrayLike) -> ArrayLike:
    """Return scores recalibrated by what the first half teaches."""
    first = cohort.half == 0
    return recalibration.recalibration(kind, cohort.ill[first], cohort.a[first]).apply(scores)


def penalised(cohort: Cohort) -> ArrayLike:
    """Return the logits of a regression with a penalty."""
    columns = np.column_stack([cohort.a, cohort.b])
    return ridge.ridge(columns, cohort.ill, penalty=2.0).logits(columns[:8])


def smooth(cohort: Cohort) -> SmoothCurve:
    """Return the smooth calibration curve of reader a at five scores."""
    return smooth_calibration(cohort.ill, cohort.a, cohort.patient, at=SMOOTH_AT)


def fewer_knots(cohort: Cohort) -> ArrayLike:
    """Return the curve where few ill images leave four knots, three, or a straight line."""
    made: list[float] = []
    for n_ill in (45, 32, 18):
        kept = np.append(np.flatnonzero(cohort.ill == 1)[:n_ill], np.flatnonzero(cohort.ill == 0))
        found = smooth_calibration(cohort.ill[kept], cohort.a[kept], cohort.patient[kept], at=SMOOTH_AT)
        made += found.rate.tolist()
    return made


CHECKS = (
    Check(
        "smooth_calibration",
        "smooth_calibration.smooth_calibration, spline_columns, spline_knots",
        lambda c: [*(s := smooth(c)).rate, s.ici, s.e50, s.e90],
        tolerance=1e-7,
        reason=SEARCH,
    ),
    Check(
        "smooth_calibration_bounds",
        "smooth_calibration.smooth_calibration",
        lambda c: [*(s := smooth(c)).low, *s.high],
        tolerance=1e-7,
        reason=SEARCH,
    ),
    Check("smooth_calibration_few", "smooth_calibration.spline_knots", fewer_knots, tolerance=1e-7, reason=SEARCH),
    Check(
        "calibration",
        "calibration.logistic_calibration, brier",
        three,
        tolerance=1e-6,
        reason=SEARCH,
    ),
    Check("brier", "calibration.brier", lambda c: calibration.brier(c.ill, c.a).score),
    Check("brier_parts", "calibration.brier", parts),
    Check("isotonic", "calibration.isotonic", lambda c: calibration.isotonic(c.ill, c.a)[:40]),
    Check(
        "calibration_covariance",
        "calibration.LogisticFit.covariance",
        lambda c: calibration.logistic_calibration(c.ill, c.a).covariance(c.patient).ravel(),
        tolerance=1e-6,
        reason=SEARCH,
    ),
    Check(
        "calibration_in_the_large",
        "calibration.calibration_in_the_large",
        lambda c: calibration.calibration_in_the_large(c.ill, c.a).coefficients,
        tolerance=1e-8,
        reason=SEARCH,
    ),
    Check(
        "calibration_in_the_large_interval",
        "calibration.coefficient",
        in_the_large,
        tolerance=1e-8,
        reason=SEARCH,
    ),
    Check(
        "temperature",
        "calibration.temperature_fit",
        lambda c: calibration.temperature_fit(c.ill, c.a).coefficients,
        tolerance=1e-8,
        reason=SEARCH,
    ),
    Check("reliability", "calibration.reliability", reliability),
    Check("ece", "calibration.ece", lambda c: calibration.ece(c.ill, c.a)),
    Check(
        "ece_if_calibrated",
        "calibration.ece_if_calibrated",
        lambda c: calibration.ece_if_calibrated(c.ill, c.a, c.patient),
    ),
    Check(
        "platt",
        "recalibration.recalibration",
        lambda c: recalibrated(c, "platt", c.a[c.half == 1][:6]),
        tolerance=1e-8,
        reason=SEARCH,
    ),
    Check("isotonic_map", "recalibration.recalibration", lambda c: recalibrated(c, "isotonic", AT)),
    Check("ridge", "ridge.ridge", penalised, tolerance=1e-6, reason=SEARCH),
)
