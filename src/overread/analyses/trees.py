"""Gradient-boosted trees on the cells of the blind reader, and their fit in a second process while this one goes on.

scikit-learn takes a second to load, longer than the trees take to grow; a report has other work for that second.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SETTINGS = {
    "max_iter": 50,
    "learning_rate": 0.1,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 1,  # it counts cells, which would mean something else than images
    "l2_regularization": 30.0,
    "early_stopping": False,
    "random_state": 0,
}
"""Few and small trees, chosen by cross-validation (5 folds by patient) within ChestX-ray14's official training part.

Against 100 trees of 8 leaves with a penalty of 10, the mean AUROC rose from 0.560 to 0.568 (age, gender), from
0.613 to 0.619 (with the view) and from 0.656 to 0.660 (with the follow-up number too), and the log loss fell by 7
standard errors. 200 trees, 16 leaves, a learning rate of 0.2 or a penalty of 1 were worse still; 3 leaves were
better by 0.002 with two or three features and no better with four.
"""


def fitted(values: Floats, ill: Floats, healthy: Floats) -> Any:
    """Fit the trees of one finding to cells (C, features) with their numbers of ill and of healthy images (C,).

    Returns the finding's frequency instead, a float, where all or none of the images have it.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    assessed = ill.sum() + healthy.sum()
    if not ill.any() or not healthy.any():
        return float(ill.sum() / assessed) if assessed else 0.0
    some_ill, some_healthy = ill > 0, healthy > 0
    known = np.concatenate([values[some_ill], values[some_healthy]])
    return HistGradientBoostingClassifier(**SETTINGS).fit(
        np.where(np.isnan(known).all(axis=0), 0.0, known),  # the trees refuse what is missing everywhere
        np.repeat([1, 0], [some_ill.sum(), some_healthy.sum()]),
        sample_weight=np.concatenate([ill[some_ill], healthy[some_healthy]]),
    )


def answer(model: Any, values: Floats) -> Floats:
    """Return one finding's score for each cell."""
    if isinstance(model, float) or not len(values):
        return np.full(len(values), model if isinstance(model, float) else np.nan)
    return np.asarray(model.predict_proba(values)[:, 1], np.float64)


def one_thread() -> Any:
    """Hold the trees to one thread: sums of floats depend on how they are shared out, and here they are short.

    scikit-learn must be loaded before its threads can be limited.
    """
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def answers(values: Floats, ill: Floats, healthy: Floats, asked: Floats) -> Floats:
    """Fit every finding, `ill` and `healthy` being (C, findings); return the scores (A, findings) of other cells."""
    with one_thread():
        models = [fitted(values, ill[:, finding], healthy[:, finding]) for finding in range(ill.shape[1])]
        return np.stack([answer(model, asked) for model in models], axis=1)


# -P keeps the folder one stands in off the path: a file there named numpy.py must not run.
CHILD = (
    "import pickle, sys; from overread.analyses.trees import answers; "
    "sys.stdout.buffer.write(pickle.dumps(answers(*pickle.load(sys.stdin.buffer))))"
)


class Growing:
    """`answers` in a second process; `result` waits for it, and does the work here where the process could not."""

    def __init__(self, values: Floats, ill: Floats, healthy: Floats, asked: Floats) -> None:
        self._given = values, ill, healthy, asked
        self._found: Floats | None = None
        self._waiting = Thread(target=self._run, daemon=True)
        self._waiting.start()

    def _run(self) -> None:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", CHILD], input=pickle.dumps(self._given), capture_output=True, check=True
            )
            self._found = pickle.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, pickle.PickleError, EOFError):
            self._found = None  # no second process can be started here

    def result(self) -> Floats:
        """Return the scores (A, findings)."""
        self._waiting.join()
        return answers(*self._given) if self._found is None else self._found
