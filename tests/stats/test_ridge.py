"""The penalised logistic regression, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overread.stats.ridge import ridge


@pytest.mark.parametrize("penalty", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("signal", [0.0, 1.0, 20.0])
def test_it_is_scikit_learns_with_and_without_separation(penalty: float, signal: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6)) * [1, 10, 0.01, 1, 1, 1] + [0, 5, 0, 0, 0, 100]
    x[:, 3] = 7
    y = (signal * x[:, 0] + rng.logistic(size=400) > 1).astype(int)
    fit = ridge(x, y, penalty=penalty)
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=10_000)).fit(x, y)
    np.testing.assert_allclose(fit.logits(x), theirs.decision_function(x), atol=2e-4)
    assert fit.coefficients[3] == 0


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="both 0 and 1"):
        ridge([[1.0], [2.0]], [1, 1])
    with pytest.raises(ValueError, match="columns must be"):
        ridge([1.0, 2.0], [0, 1])
    with pytest.raises(ValueError, match="1 or 0"):
        ridge([[1.0], [2.0]], [0, 2])
    with pytest.raises(ValueError, match="penalty"):
        ridge([[1.0], [2.0]], [0, 1], penalty=0)
