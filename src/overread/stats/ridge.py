"""A logistic regression of many columns that always has an answer: with a penalty on its coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

ITERATIONS = 100


@dataclass(frozen=True, eq=False)
class Ridge:
    """A fitted regression: the logit of a row x is `intercept + ((x - mean) / scale) @ coefficients`."""

    intercept: float
    coefficients: Floats
    mean: Floats
    scale: Floats

    def logits(self, columns: ArrayLike) -> Floats:
        """Return the logit (n,) of each row of columns (n, K)."""
        x = (np.asarray(columns, np.float64) - self.mean) / self.scale
        return np.asarray(self.intercept + np.einsum("nk,k->n", x, self.coefficients), np.float64)


def ridge(columns: ArrayLike, labels: ArrayLike, *, penalty: float = 1.0) -> Ridge:
    """Fit labels (n,), 1 or 0, to columns (n, K), each first brought to mean 0 and standard deviation 1.

    Minimises the log loss, summed over rows, plus penalty / 2 times the sum of the squared coefficients; the intercept
    is free. This is scikit-learn's `LogisticRegression(C=1 / penalty)` after its `StandardScaler`. Newton's method, a
    step halved until it lowers the loss. A column that does not vary has no weight.

    References: le Cessie and van Houwelingen (1992), J R Stat Soc C 41:191-201.

    >>> fit = ridge([[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1])
    >>> fit.logits([[2.5], [4.0]]).round(3)
    array([0.   , 1.267])
    """
    raw, label = np.asarray(columns, np.float64), np.asarray(labels)
    positive = label == 1
    if raw.ndim != 2 or positive.shape != (len(raw),) or not np.all(positive | (label == 0)):
        raise ValueError(f"columns must be (n, K) and labels 1 or 0 of (n,), got {raw.shape} and {label.shape}")
    if not positive.any() or positive.all():
        raise ValueError("labels must hold both 0 and 1: without, no intercept is finite")
    if not penalty > 0:
        raise ValueError(f"penalty must be above 0, got {penalty}")
    mean, scale = raw.mean(axis=0), raw.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    design = np.column_stack([np.ones(len(raw)), (raw - mean) / scale])
    weights = _newton(design, positive, np.append(0.0, np.full(raw.shape[1], penalty)))
    return Ridge(float(weights[0]), weights[1:], mean, scale)


def _newton(design: Floats, positive: NDArray[np.bool_], penalties: Floats) -> Floats:
    """Minimise the penalised loss; sums by einsum, which do not vary with the number of threads."""
    weights = np.zeros(design.shape[1])
    share = positive.mean()
    weights[0] = np.log(share / (1 - share))
    eta = np.einsum("nk,k->n", design, weights)
    loss = _loss(eta, positive, penalties, weights)
    for _ in range(ITERATIONS):
        p = expit(eta)
        gradient = np.einsum("nk,n->k", design, p - positive) + penalties * weights
        curvature = np.einsum("nj,nk->jk", design * (p * (1 - p))[:, None], design) + np.diag(penalties)
        step = -np.linalg.solve(curvature, gradient)
        moved = np.einsum("nk,k->n", design, weights + step)
        while (after := _loss(moved, positive, penalties, weights + step)) > loss and np.max(np.abs(step)) > 1e-8:
            step = step / 2
            moved = np.einsum("nk,k->n", design, weights + step)
        weights, eta, loss = weights + step, moved, after
        if np.max(np.abs(step)) < 1e-7:
            break
    return weights


def _loss(eta: Floats, positive: NDArray[np.bool_], penalties: Floats, weights: Floats) -> float:
    return float(np.logaddexp(0, eta).sum() - eta[positive].sum() + (penalties * weights**2).sum() / 2)
