from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from overread.records.cohort import MISSING

torch = pytest.importorskip("torch")

from overread.vision.loss import masked_cross_entropy  # noqa: E402
from overread.vision.validation import auroc, validated  # noqa: E402


def drawn(n: int, ties: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 3)) < [0.5, 0.1, 0.02]).astype(np.int8)
    logits = (rng.normal(size=(n, 3)) + labels).astype(np.float32)
    return labels, np.round(logits) if ties else logits


@pytest.mark.parametrize("ties", [False, True])
def test_the_auroc_is_scikit_learns(ties: bool) -> None:
    labels, logits = drawn(500, ties)
    for column in range(3):
        expected = roc_auc_score(labels[:, column], logits[:, column])
        assert auroc(labels[:, column], logits[:, column]) == pytest.approx(expected, abs=1e-12)


def test_the_figures_leave_missing_labels_out() -> None:
    labels, logits = drawn(300, False)
    labels[::4, 0] = MISSING
    found = validated(labels, logits, ("A", "B", "C"))
    known = labels[:, 0] != MISSING
    assert found["auroc_A"] == pytest.approx(roc_auc_score(labels[known, 0], logits[known, 0]))
    assert found["val_auroc"] == pytest.approx(np.mean([found["auroc_A"], found["auroc_B"], found["auroc_C"]]))
    assert found["val_loss"] == pytest.approx(
        masked_cross_entropy(torch.from_numpy(logits).double(), torch.from_numpy(labels)).item()
    )


def test_the_loss_is_scikit_learns() -> None:
    labels, logits = drawn(200, False)
    scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
    expected = np.mean([log_loss(labels[:, column], scores[:, column]) for column in range(3)])
    assert validated(labels, logits, ("A", "B", "C"))["val_loss"] == pytest.approx(expected)


def test_what_has_no_positive_or_no_negative_has_no_auroc() -> None:
    labels, logits = drawn(50, False)
    labels[:, 1], labels[:, 2] = 0, 1
    found = validated(labels, logits, ("A", "B", "C"))
    assert np.isnan(found["auroc_B"])
    assert np.isnan(found["auroc_C"])
    assert found["val_auroc"] == found["auroc_A"]
    labels[:] = MISSING
    assert all(np.isnan(value) for value in validated(labels, logits, ("A", "B", "C")).values())
