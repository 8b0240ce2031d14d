"""Recalibration: against scikit-learn and statsmodels, and what it must leave as it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from overread.stats.calibration import logistic_calibration
from overread.stats.discrimination import auroc
from overread.stats.recalibration import KINDS, recalibration


def made_up(seed: int, n: int = 2000) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 2, n)
    return (rng.random(n) < expit(-1 + 0.5 * x)).astype(np.int8), expit(x)


def test_platt_is_scikit_learns_regression_on_the_logit() -> None:
    labels, scores = made_up(0)
    new = np.linspace(0.01, 0.99, 50)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(scores)[:, None], labels)
    expected = theirs.predict_proba(logit(new)[:, None])[:, 1]
    np.testing.assert_allclose(recalibration("platt", labels, scores).apply(new), expected, rtol=1e-5)


@pytest.mark.parametrize("ties", [False, True])
def test_isotonic_is_scikit_learns(ties: bool) -> None:
    labels, scores = made_up(1)
    scores = np.round(scores, 2) if ties else scores
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    new = np.linspace(0, 1, 501)
    np.testing.assert_allclose(recalibration("isotonic", labels, scores).apply(new), theirs.predict(new), atol=1e-12)


def test_platt_makes_its_own_images_calibrated() -> None:
    labels, scores = made_up(2)
    again = logistic_calibration(labels, recalibration("platt", labels, scores).apply(scores))
    np.testing.assert_allclose(again.coefficients, [0, 1], atol=1e-6)


def test_platt_and_temperature_keep_the_order() -> None:
    labels, scores = made_up(3)
    for kind in ("platt", "temperature"):
        assert auroc(labels, recalibration(kind, labels, scores).apply(scores)) == auroc(labels, scores)
    assert recalibration("temperature", labels, scores).apply([0.5]) == pytest.approx(0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_that_cannot_be_learnt_says_why(kind: str) -> None:
    found = recalibration(kind, [0, 0], [0.1, 0.2])
    assert "no positive" in found.note
    assert np.isnan(found.apply([0.3, 0.4])).all()


def test_upside_down_scores_have_no_map() -> None:
    labels, scores = made_up(4)
    assert "higher scores do not mean more illness" in recalibration("platt", labels, 1 - scores).note


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        recalibration("beta", [0, 1], [0.1, 0.9])


@pytest.mark.slow
def test_recalibration_on_tuning_rows_calibrates_other_rows() -> None:
    off: dict[str, list[float]] = {"platt": [], "isotonic": []}
    for seed in range(60):
        labels, scores = made_up(100 + seed, 4000)
        rng = np.random.default_rng(1000 + seed)
        x = rng.normal(-1, 2, 4000)
        other = (rng.random(4000) < expit(-1 + 0.5 * x)).astype(np.int8)
        for kind, found in off.items():
            found.append(recalibration(kind, labels, scores).apply(expit(x)).mean() - other.mean())
    for found in off.values():
        assert abs(np.mean(found)) < 0.003
