"""Calibration: against scikit-learn and statsmodels, with patients as clusters, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from overread.stats.calibration import (
    CLIP,
    Bins,
    brier,
    calibration_in_the_large,
    coefficient,
    ece,
    ece_if_calibrated,
    isotonic,
    logistic_calibration,
    proportion_by_patient,
    reliability,
    sum_of_distances_interval,
    temperature_fit,
)
from overread.stats.proportions import proportion

Sample = tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.int64]]


def made_up(
    seed: int = 0, *, n_patients: int = 400, intercept: float = 0.5, slope: float = 0.7, ties: bool = False
) -> Sample:
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n_patients), rng.integers(1, 6, n_patients))
    x = rng.normal(-1.5, 1, n_patients)[patients] + rng.normal(0, 0.8, len(patients))
    scores = np.round(expit(x), 2) if ties else expit(x)
    labels = (rng.random(len(x)) < expit(intercept + slope * x)).astype(np.int8)
    return labels, scores, patients


@pytest.mark.parametrize("ties", [False, True])
def test_brier_is_scikit_learns_and_its_parts_add_up(ties: bool) -> None:
    labels, scores, _ = made_up(ties=ties)
    parts = brier(labels, scores)
    assert parts.score == pytest.approx(brier_score_loss(labels, scores), abs=1e-12)
    assert parts.score == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty, abs=1e-12)
    recalibrated = IsotonicRegression().fit(scores, labels).predict(scores)
    assert parts.miscalibration == pytest.approx(parts.score - brier_score_loss(labels, recalibrated), abs=1e-12)
    assert min(parts.miscalibration, parts.discrimination) >= 0


def test_the_prevalence_as_score_has_nothing_but_uncertainty() -> None:
    labels = np.array([1, 0, 0, 0])
    parts = brier(labels, np.full(4, 0.25))
    assert (parts.miscalibration, parts.discrimination) == pytest.approx((0, 0), abs=1e-15)
    assert parts.score == pytest.approx(parts.uncertainty)
    assert np.isnan(brier([], []).score)


@pytest.mark.parametrize("ties", [False, True])
def test_slope_and_intercept_are_statsmodels_with_clusters(ties: bool) -> None:
    labels, scores, patients = made_up(1, ties=ties)
    scores[:3] = (0, 1, 0)
    x = logit(np.clip(scores, CLIP, 1 - CLIP))
    theirs = sm.Logit(labels, sm.add_constant(x)).fit(disp=0, cov_type="cluster", cov_kwds={"groups": patients})
    fit = logistic_calibration(labels, scores)
    np.testing.assert_allclose(fit.coefficients, theirs.params, rtol=1e-7)
    np.testing.assert_allclose(fit.covariance(patients), theirs.cov_params(), rtol=1e-6)
    bounds = theirs.conf_int(0.1)
    slope = coefficient(fit, 1, patients, level=0.9)
    assert (slope.value, slope.low, slope.high) == pytest.approx((theirs.params[1], *bounds[1]), rel=1e-6)
    model = sm.GLM(labels, np.ones(len(x)), family=sm.families.Binomial(), offset=x)
    large = model.fit(cov_type="cluster", cov_kwds={"groups": patients})
    ours = coefficient(calibration_in_the_large(labels, scores), 0, patients)
    expected = (large.params[0], *large.conf_int()[0])
    assert (ours.value, ours.low, ours.high) == pytest.approx(expected, rel=1e-6)


def test_temperature_is_statsmodels_without_a_constant() -> None:
    labels, scores, _ = made_up(2)
    theirs = sm.Logit(labels, logit(scores)).fit(disp=0)
    np.testing.assert_allclose(temperature_fit(labels, scores).coefficients, theirs.params, rtol=1e-7)


def test_calibrated_scores_have_intercept_0_and_slope_1() -> None:
    labels, scores, patients = made_up(3, n_patients=20_000, intercept=0, slope=1)
    fit = logistic_calibration(labels, scores)
    np.testing.assert_allclose(fit.coefficients, [0, 1], atol=0.05)
    assert ece(labels, scores) < 2 * ece_if_calibrated(labels, scores, patients)


@pytest.mark.parametrize(
    ("labels", "scores", "reason"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], "no positive"),
        ([1, 1], [0.1, 0.2], "no negative"),
        ([], [], "no images"),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], "all scores are equal"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], "separate the labels"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.4], "separate the labels"),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], "separate the labels"),
    ],
)
def test_a_slope_that_cannot_be_fitted_says_why(labels: list[int], scores: list[float], reason: str) -> None:
    slope = coefficient(logistic_calibration(labels, scores), 1, np.arange(len(labels)))
    assert np.isnan(slope.value)
    assert reason in slope.note


def test_other_fits_that_fail_say_why() -> None:
    assert "no positive" in calibration_in_the_large([0, 0], [0.1, 0.2]).note
    assert "0.5" in temperature_fit([0, 1], [0.1, 0.9]).note
    assert "no negative" in temperature_fit([1, 1], [0.1, 0.9]).note


def test_scores_of_0_and_1_that_are_wrong_do_not_break_the_fit() -> None:
    labels, scores, patients = made_up(4)
    extreme = np.where(scores > 0.3, 1.0, 0.0)
    slope = coefficient(logistic_calibration(labels, extreme), 1, patients)
    assert 0 < slope.value < 0.2
    assert slope.low < slope.value < slope.high


@pytest.mark.parametrize("ties", [False, True])
def test_bins_are_scikit_learns_quantile_bins(ties: bool) -> None:
    labels, scores, patients = made_up(5, ties=ties)
    rate, mean = calibration_curve(labels, scores, n_bins=10, strategy="quantile")
    curve = reliability(labels, scores, patients)
    held = curve.n_images > 0
    np.testing.assert_allclose(curve.mean_score[held], mean, atol=1e-12)
    np.testing.assert_allclose([each.value for each, n in zip(curve.rate, curve.n_images, strict=True) if n], rate)
    assert curve.n_images.sum() == len(labels)
    expected = np.average(np.abs(rate - mean), weights=curve.n_images[held])
    assert ece(labels, scores) == pytest.approx(expected, abs=1e-12)


def test_an_empty_bin_says_so() -> None:
    curve = reliability([0, 1, 0, 1], [0.5] * 4, [1, 2, 3, 4], bins=3)
    assert curve.n_images.sum() == 4
    assert [each.note for each, n in zip(curve.rate, curve.n_images, strict=True) if not n] == ["no images"] * 2
    assert np.isnan(ece([], []))
    assert Bins.of([]).n_bins == 10


def test_isotonic_is_scikit_learns() -> None:
    labels, scores, _ = made_up(6, ties=True)
    expected = IsotonicRegression().fit(scores, labels).predict(scores)
    np.testing.assert_allclose(isotonic(labels, scores), expected, atol=1e-12)
    assert len(isotonic([], [])) == 0


def test_a_share_with_one_image_per_patient_is_wilsons() -> None:
    one = proportion_by_patient([1, 0, 0, 1, 0], np.arange(5))
    other = proportion(2, 5)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
    many = np.tile([1, 0, 0, 1, 0], 100)
    repeated = proportion_by_patient(np.repeat(many, 3), np.repeat(np.arange(500), 3))
    assert repeated.low == pytest.approx(proportion(200, 500).low, abs=1e-4)  # three copies of an image are one image
    assert proportion_by_patient([0, 0], [1, 2]).low == 0
    assert proportion_by_patient([1], [1]).high == 1


def test_the_order_of_the_images_does_not_matter() -> None:
    labels, scores, patients = made_up(7, ties=True)
    order = np.random.default_rng(0).permutation(len(labels))
    one, other = (
        (brier(y, s).score, ece(y, s), *logistic_calibration(y, s).coefficients, ece_if_calibrated(y, s, p))
        for y, s, p in ((labels, scores, patients), (labels[order], scores[order], patients[order]))
    )
    np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("scores", [[0.1, 1.2], [-0.1, 0.5]])
def test_what_is_no_probability_is_refused(scores: list[float]) -> None:
    for metric in (brier, ece, calibration_in_the_large, logistic_calibration, temperature_fit):
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            metric([0, 1], scores)


@pytest.mark.slow
def test_intervals_by_patient_cover_and_the_ece_of_calibrated_scores_is_as_expected() -> None:
    rng = np.random.default_rng(8)
    covered, areas, expected = np.zeros(3), [], []
    for _ in range(400):
        patients = np.repeat(np.arange(300), 4)
        x = rng.normal(-1, 1.5, 300)[patients]  # one score for all images of a patient
        shared = rng.random(300)[patients] < 0.5
        draw = np.where(shared, rng.random(300)[patients], rng.random(1200))  # and labels that come together
        labels = (draw < expit(x)).astype(np.int8)
        scores = expit(x)
        fit = logistic_calibration(labels, scores)
        large = coefficient(calibration_in_the_large(labels, scores), 0, patients)
        slope = coefficient(fit, 1, patients)
        rate = proportion_by_patient(labels, patients)
        truth = (0.0, 1.0, expit(rng.normal(-1, 1.5, 200_000)).mean())
        covered += [e.low <= t <= e.high for e, t in zip((large, slope, rate), truth, strict=True)]
        areas.append(ece(labels, scores))
        expected.append(ece_if_calibrated(labels, scores, patients))
    assert np.all(covered / 400 > 0.92)
    assert np.mean(areas) == pytest.approx(np.mean(expected), rel=0.05)


def test_the_real_readings_are_statsmodels(readings: object) -> None:
    for scores in (readings.zech, readings.lr033):  # type: ignore[attr-defined]
        for finding in ("Edema", "Hernia"):
            y, s = readings.labels[finding], scores[finding]  # type: ignore[attr-defined]
            x = logit(np.clip(s, CLIP, 1 - CLIP))
            clusters = {"groups": readings.patients}  # type: ignore[attr-defined]
            theirs = sm.Logit(y, sm.add_constant(x)).fit(disp=0, cov_type="cluster", cov_kwds=clusters)
            fit = logistic_calibration(y, s)
            np.testing.assert_allclose(fit.coefficients, theirs.params, rtol=1e-6)
            expected = theirs.cov_params()
            np.testing.assert_allclose(fit.covariance(clusters["groups"]), expected, rtol=1e-5)
            assert brier(y, s).score == pytest.approx(brier_score_loss(y, s))


def test_the_interval_of_a_sum_of_distances_begins_at_zero_where_chance_alone_may_have_made_it() -> None:
    chance = np.random.default_rng(1).normal(size=(1000, 10)) / 50
    low, high = sum_of_distances_interval(chance[0], chance[0] + chance)
    assert low == 0
    assert high >= np.abs(chance[0]).sum()
    far = chance[0] + np.where(np.arange(10) % 2, 0.3, -0.3)
    low, high = sum_of_distances_interval(far, far + chance)
    assert 2.6 < low < np.abs(far).sum() < high < 3.4
    assert sum_of_distances_interval(np.zeros(3), np.zeros((5, 3))) == (0.0, 0.0)
    with pytest.raises(ValueError, match="drawn must be"):
        sum_of_distances_interval([0.1], [[0.1, 0.2]])
