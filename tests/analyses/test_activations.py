"""Table 4 and Figure 2 against group means by Polars, SciPy's Spearman, and what is known of the Zech reading."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from overread.analyses.activations import activations, correlation, midranks, single_label
from overread.analyses.evaluation import Evaluation


def test_means_over_images_with_one_label(evaluation: Evaluation) -> None:
    table = activations(evaluation).table
    single = evaluation.labels.sum(axis=1) == 1
    for row in table.iter_rows(named=True):
        true, output = evaluation.findings.index(row["true_finding"]), evaluation.findings.index(row["output"])
        members = single & (evaluation.labels[:, true] == 1)
        assert row["n_images"] == members.sum()
        assert row["mean_activation"] == pytest.approx(evaluation.scores[members, output].mean())
        assert row["low"] < row["mean_activation"] < row["high"]
        assert row["base_activation"] == pytest.approx(evaluation.scores[:, output].mean())
        assert row["ratio"] == pytest.approx(row["mean_activation"] / row["base_activation"])


def test_ranks_fall_with_the_activation(evaluation: Evaluation) -> None:
    for _, rows in activations(evaluation).table.group_by("true_finding"):
        assert rows.sort("rank")["mean_activation"].to_list() == sorted(rows["mean_activation"], reverse=True)


def test_every_place_is_taken_once_per_true_finding(evaluation: Evaluation) -> None:
    top = activations(evaluation).top
    assert top.select("first", "second", "third").sum().row(0) == (3, 3, 3)


def test_images_with_an_unassessed_finding_carry_no_single_label() -> None:
    assert single_label(np.array([[1, -1], [1, 0]], np.int8)).tolist() == [2, 0]


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_correlation_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, 14), rng.integers(0, 6, 14)
    assert correlation(midranks(x), midranks(y)) == pytest.approx(spearmanr(x, y).statistic)


def test_the_rank_correlations_p_is_that_of_scipys_permutation(zech: Evaluation) -> None:
    result = activations(zech)
    points, row = result.frequency_points, result.frequency.row(0, named=True)
    expected = spearmanr(points["n_positive"], points["places"])
    assert row["value"] == pytest.approx(expected.statistic)
    assert row["p"] == pytest.approx(expected.pvalue, abs=0.02)  # SciPy's t approximation, 14 findings


def test_common_outputs_light_up_whatever_the_finding_on_the_zech_reading(zech: Evaluation) -> None:
    top = activations(zech).top.with_columns(places=pl.sum_horizontal("first", "second", "third"))
    assert top.sort("places", descending=True)["output"][0] in ("Infiltration", "Effusion", "Atelectasis")
    assert top["places"].sum() == 3 * 14
