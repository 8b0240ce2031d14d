"""Agreement of labels with a better truth against scikit-learn and the textbook."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, precision_score, recall_score

from overread.stats.agreement import AGREEMENT, kappa
from overread.stats.operating_points import Counts


def test_agreement_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(400) < 0.2
    label = np.where(rng.random(400) < 0.15, ~truth, truth)
    found = {name: float(of(Counts.of(truth.astype(int), label))) for name, of in AGREEMENT.items()}
    assert found["kappa"] == pytest.approx(cohen_kappa_score(truth, label), abs=1e-12)
    assert found["sensitivity"] == pytest.approx(recall_score(truth, label), abs=1e-12)
    assert found["specificity"] == pytest.approx(recall_score(~truth, ~label), abs=1e-12)
    assert found["ppv"] == pytest.approx(precision_score(truth, label), abs=1e-12)
    assert found["npv"] == pytest.approx(precision_score(~truth, ~label), abs=1e-12)


def test_kappa_of_arrays_and_of_one_answer_only() -> None:
    cells = (np.array([20, 5]), np.array([5, 0]), np.array([10, 0]), np.array([15, 0]))
    found = kappa(Counts(*cells))
    assert found[0] == pytest.approx(0.4)
    assert np.isnan(found[1]), "all images ill by both: no agreement beyond chance is possible"
