"""The calibration curve without bins: against natural splines and statsmodels, and if bounds hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import expit, logit
from scipy.stats import norm

from overread.stats.calibration import logistic_calibration
from overread.stats.smooth_calibration import KNOTS, smooth_calibration, spline_columns, spline_knots

Floats = NDArray[np.float64]
AT = np.array([0.05, 0.2, 0.5, 0.8, 0.95])


def drawn(seed: int, n: int = 3000, per_patient: int = 3) -> tuple[NDArray[np.int8], Floats, NDArray[np.int64], Floats]:
    """Return labels, scores, patients and the truth behind each score, which bends; images of a patient are alike."""
    rng = np.random.default_rng(seed)
    patients = np.arange(n) // per_patient
    score = expit(rng.normal(size=n) * 1.2 - 0.5)
    truth = bent(score)
    shared = rng.normal(size=n // per_patient + 1)[patients]
    above = (shared + rng.normal(size=n)) / np.sqrt(2)  # a threshold model: the margin is `truth`
    return (norm.cdf(above) < truth).astype(np.int8), score, patients, truth


def bent(score: Floats) -> Floats:
    x = logit(score)
    return expit(0.7 * x - 0.25 * np.maximum(x, 0) ** 2)


def test_the_columns_span_natural_cubic_splines() -> None:
    x = np.linspace(-4, 3, 400)
    knots = np.quantile(x, KNOTS[5])
    own = np.column_stack([np.ones(400), x, spline_columns(x, knots)])
    step = 1e-3
    curvature = (
        spline_columns(x + step, knots) - 2 * spline_columns(x, knots) + spline_columns(x - step, knots)
    ) / step**2
    outside = (x < knots[0] - step) | (x > knots[-1] + step)
    assert np.abs(curvature[outside]).max() < 1e-6, "linear beyond the outer knots"
    # Between knots each is a cubic, and neighbours agree in value, slope and curvature: as many free numbers as knots.
    assert np.linalg.matrix_rank(own) == len(knots)
    rng = np.random.default_rng(0)
    natural = CubicSpline(knots, rng.normal(size=5), bc_type="natural")
    inside = (x >= knots[0]) & (x <= knots[-1])
    left = np.linalg.lstsq(own[inside], natural(x[inside]), rcond=None)[0]
    np.testing.assert_allclose(own[inside] @ left, natural(x[inside]), atol=1e-9)


def test_the_curve_is_that_of_statsmodels() -> None:
    labels, score, patients, _ = drawn(1)
    found = smooth_calibration(labels, score, patients, at=AT)
    knots = np.quantile(logit(score), KNOTS[5])

    def design(at: Floats) -> Floats:
        return np.column_stack([np.ones(len(at)), logit(at), spline_columns(logit(at), knots)])

    fit = sm.GLM(labels, design(score), family=sm.families.Binomial()).fit(
        tol=1e-14, cov_type="cluster", cov_kwds={"groups": patients}
    )
    np.testing.assert_allclose(found.rate, fit.predict(design(AT)), rtol=1e-7)
    error = np.sqrt(np.diag(design(AT) @ fit.cov_params() @ design(AT).T))
    # GLM's correction has n - 1 over n - k as ours, with its own count of patients.
    half = (logit(found.high) - logit(found.low)) / 2 / 1.959963984540054
    np.testing.assert_allclose(half, error, rtol=1e-6)
    apart = np.abs(fit.predict(design(score)) - score)
    assert found.ici == pytest.approx(apart.mean(), rel=1e-6)
    assert found.e90 == pytest.approx(np.quantile(apart, 0.9), rel=1e-6)


def test_few_images_of_a_kind_leave_fewer_knots_and_then_a_straight_line() -> None:
    x = np.arange(1001.0)
    assert [len(spline_knots(x, n)) for n in (500, 50, 49, 40, 39, 30, 29, 0)] == [5, 5, 4, 4, 3, 3, 0, 0]
    assert len(spline_knots(np.repeat([0.0, 1.0], 500), 500)) == 0, "two scores bend nothing"
    assert len(spline_knots(np.repeat([0.0, 1.0, 2.0], [900, 50, 50]), 500)) == 0, "knots coincide"
    assert len(spline_knots(np.repeat([0.0, 1.0, 2.0], 100), 100)) == 3
    labels, score, patients, _ = drawn(2, n=120)
    few = np.concatenate([np.flatnonzero(labels == 1)[:25], np.flatnonzero(labels == 0)])
    found = smooth_calibration(labels[few], score[few], patients[few], at=AT)
    a, b = logistic_calibration(labels[few], score[few]).coefficients
    np.testing.assert_allclose(found.rate, expit(a + b * logit(AT)), rtol=1e-9)


@pytest.mark.parametrize(
    ("labels", "scores", "note"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], "no positive"),
        ([1, 1], [0.1, 0.2], "no negative"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], "separate"),
        ([0, 1, 0, 1], [0.2] * 4, "equal"),
    ],
)
def test_where_there_is_no_curve_it_says_why(labels: list[int], scores: list[float], note: str) -> None:
    found = smooth_calibration(labels, scores, np.arange(len(labels)), at=AT)
    assert note in found.note
    assert np.isnan([*found.rate, *found.low, found.ici, found.e50, found.e90]).all()


def test_one_patient_has_a_curve_without_bounds() -> None:
    labels, score, patients, _ = drawn(3, n=300)
    found = smooth_calibration(labels, score, np.zeros_like(patients), at=AT)
    assert np.isfinite(found.rate).all()
    assert np.isnan(found.low).all()


def test_the_order_of_images_and_the_names_of_patients_do_not_matter() -> None:
    labels, score, patients, _ = drawn(4)
    order = np.random.default_rng(0).permutation(len(labels))
    one = smooth_calibration(labels, score, patients, at=AT)
    other = smooth_calibration(labels[order], score[order], 10**6 - patients[order], at=AT)
    for name in ("rate", "low", "high", "ici", "e90"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)


def test_bounds_by_patient_hold_the_truth_about_as_often_as_they_say() -> None:
    held, by_image = [], []
    for seed in range(150):
        labels, score, patients, _ = drawn(100 + seed, n=1500)
        at = np.array([0.2, 0.4, 0.6])
        found = smooth_calibration(labels, score, patients, at=at)
        held.append((found.low <= bent(at)) & (bent(at) <= found.high))
        alone = smooth_calibration(labels, score, np.arange(1500), at=at)
        by_image.append((alone.low <= bent(at)) & (bent(at) <= alone.high))
    assert 0.92 <= np.mean(held) <= 0.98
    assert np.mean(by_image) < np.mean(held), "images taken for independent make bounds too narrow"
