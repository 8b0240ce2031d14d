"""Prevalence following: the statistics by hand and against scipy, planted truth, the real reading."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from overread.analyses.evaluation import Evaluation
from overread.analyses.prevalence_following import TABLE, correlations, others_ranks, own_rank, prevalence_following


def simulated(seed: int, *, follows: float, answers: float, n_findings: int = 10) -> Any:
    """Return a reading whose outputs differ in height by `follows`, and rise by `answers` where their finding is."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((1500, n_findings)) < 0.12).astype(np.int8)
    heights = follows * rng.normal(size=n_findings)
    logits = heights + answers * labels + rng.normal(size=labels.shape) - 1.5
    names = tuple(f"finding {place}" for place in range(n_findings))
    return SimpleNamespace(reading="r", findings=names, labels=labels, scores=1 / (1 + np.exp(-logits)))


def by_name(evaluation: Any) -> dict[str, Any]:
    table = prevalence_following(evaluation)
    assert dict(table.schema) == TABLE
    return {row["statistic"]: row for row in table.iter_rows(named=True)}


def test_follows_base_is_the_mean_of_scipys_rank_correlations() -> None:
    of = simulated(3, follows=0.1, answers=1.0)
    single = of.labels.sum(axis=1) == 1
    expected = []
    for own in range(10):
        group = single & (of.labels[:, own] == 1)
        others = np.arange(10) != own
        expected.append(
            spearmanr(of.scores[group].mean(axis=0)[others], of.scores[~group].mean(axis=0)[others]).statistic
        )
    assert by_name(of)["follows_base"]["value"] == pytest.approx(np.mean(expected))


def test_ranks_of_the_others_are_those_that_scipy_finds() -> None:
    rng = np.random.default_rng(0)
    ranks = np.stack([rng.permutation(6) + 1.0 for _ in range(5)])
    x = rng.normal(size=5)
    kept = others_ranks(ranks, 2)
    assert np.all(np.sort(kept, axis=1) == np.arange(1, 6))
    assert correlations(x, kept) == pytest.approx([np.corrcoef(x, row)[0, 1] for row in kept])


def test_p_of_the_own_rank_is_the_share_of_all_permutations() -> None:
    values = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.1], [0.5, 0.6, 0.4]])
    order = np.array(list(permutations(range(3))))
    value, p = own_rank(values, [0, 1, 2], order)
    assert value == pytest.approx((1 + 1 + 3) / 3)
    means = [np.mean([(values[row] > values[row, o[row]]).sum() + 1 for row in range(3)]) for o in order]
    assert p == (1 + sum(mean <= value for mean in means)) / 7


def test_a_reading_that_only_follows_has_an_own_rank_that_no_permutation_changes() -> None:
    of = simulated(0, follows=0.0, answers=0.0)
    of.scores[:] = np.linspace(0.1, 0.9, 10) + np.random.default_rng(0).normal(scale=1e-3, size=of.scores.shape)
    found = by_name(of)
    assert found["follows_base"]["value"] == pytest.approx(1)
    assert found["follows_base"]["p"] == 1e-4
    assert found["own_rank"]["value"] == pytest.approx(5.5)
    assert found["own_rank"]["p"] == 1


def test_too_few_outputs_and_constant_outputs_are_explained() -> None:
    table = prevalence_following(simulated(0, follows=1, answers=1, n_findings=2))
    assert table["value"].is_null().all()
    assert table["note"].str.contains("three outputs").all()
    of = simulated(0, follows=1, answers=1)
    of.scores[:] = 0.0
    table = prevalence_following(of)
    assert table.filter(statistic="follows_base")["value"].is_null().all()
    assert table.filter(statistic="own_rank_relative")["note"].to_list() == ["an output is the same on all images"]


@pytest.mark.slow
def test_what_is_planted_is_found_and_what_is_absent_is_not() -> None:
    found = {(name, planted): 0 for name in ("follows_base", "own_rank") for planted in (True, False)}
    for seed in range(100):
        follows, answers = (by_name(simulated(seed, follows=a, answers=b)) for a, b in ((0.5, 0.0), (0.0, 1.0)))
        for planted, name, row in (
            (True, "follows_base", follows["follows_base"]),
            (False, "follows_base", answers["follows_base"]),
            (True, "own_rank", answers["own_rank"]),
            (False, "own_rank", follows["own_rank"]),
        ):
            found[name, planted] += row["p"] < 0.01
    assert found["follows_base", True] >= 95
    assert found["own_rank", True] >= 95
    assert found["follows_base", False] <= 5
    assert found["own_rank", False] <= 5


def test_the_real_reading_follows_and_answers(zech: Evaluation) -> None:
    found = by_name(zech)
    assert found["follows_base"]["value"] == pytest.approx(0.880, abs=5e-4)  # wrong outputs keep one order
    assert found["own_rank"]["value"] == pytest.approx(3.143, abs=5e-4)
    assert found["own_rank_relative"]["value"] == pytest.approx(1.286, abs=5e-4)  # and the order hides the answer
    assert {row["p"] for row in found.values()} == {1e-4}
