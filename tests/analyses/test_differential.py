"""The differential against scikit-learn, pair by pair, and the trial on the Zech reading."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from overread.analyses.differential import differential
from overread.analyses.evaluation import Evaluation


def test_every_ordered_pair_is_scikit_learns_auroc(evaluation: Evaluation) -> None:
    table = differential(evaluation)
    assert len(table) == 3 * 2
    single = evaluation.labels.sum(axis=1) == 1
    for row in table.iter_rows(named=True):
        finding, against = (evaluation.findings.index(row[name]) for name in ("finding", "against"))
        members = single & ((evaluation.labels[:, finding] == 1) | (evaluation.labels[:, against] == 1))
        expected = roc_auc_score(evaluation.labels[members, finding], evaluation.scores[members, finding])
        assert row["auroc"] == pytest.approx(expected, abs=1e-12)
        assert row["low"] < row["auroc"] < row["high"]
        assert row["n_finding"] + row["n_against"] == members.sum()


def test_a_finding_that_never_stands_alone_is_explained(evaluation: Evaluation) -> None:
    from dataclasses import replace

    labels = evaluation.labels.copy()
    labels[labels[:, 0] == 1, 1] = 1
    table = differential(replace(evaluation, labels=labels))
    lacking = table.filter(pl.col("finding") == evaluation.findings[0])
    assert lacking["auroc"].null_count() == len(lacking)
    assert set(lacking["note"]) == {"no image carries only the one"}


def test_infiltration_is_ordered_the_wrong_way_round_against_edema(zech: Evaluation) -> None:
    row = differential(zech).filter(finding="Infiltration", against="Edema").row(0, named=True)
    assert row["auroc"] == pytest.approx(0.31, abs=0.005)  # issue 2
    assert np.isfinite([row["low"], row["high"]]).all()
