"""How good a model is on the validation part, in the few figures that training looks at each epoch.

The evaluation with intervals is `overread report`'s; these numbers choose an epoch and draw a curve.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.records.cohort import MISSING


def validated(labels: NDArray[np.int8], logits: NDArray[np.float32], findings: Sequence[str]) -> dict[str, float]:
    """Return `val_loss`, `auroc_<finding>` of each finding, nan if it has none, and their mean as `val_auroc`."""
    areas = {f"auroc_{finding}": auroc(labels[:, column], logits[:, column]) for column, finding in enumerate(findings)}
    known = [area for area in areas.values() if not np.isnan(area)]
    mean = float(np.mean(known)) if known else float("nan")
    return {"val_loss": cross_entropy(labels, logits), "val_auroc": mean, **areas}


def cross_entropy(labels: NDArray[np.int8], logits: NDArray[np.float32]) -> float:
    """Return the mean binary cross-entropy over the known labels, as `loss.masked_cross_entropy` has it."""
    known = labels != MISSING
    sign = np.where(labels[known] == 1, -1.0, 1.0)
    return float(np.logaddexp(0, sign * logits[known].astype(np.float64)).mean()) if known.any() else float("nan")


def auroc(labels: NDArray[np.int8], scores: NDArray[np.float32]) -> float:
    """Return the share of pairs of a positive and a negative in which the positive scores higher, ties a half.

    Equal to scikit-learn's `roc_auc_score`, which takes a second to load. It is nan without positives or negatives.

    Reference: Hanley and McNeil (1982), Radiology 143:29-36.
    """
    positive, negative = scores[labels == 1], np.sort(scores[labels == 0])
    if not len(positive) or not len(negative):
        return float("nan")
    below, up_to = (np.searchsorted(negative, positive, side=side) for side in ("left", "right"))
    return float((below + up_to).sum() / (2 * len(positive) * len(negative)))
