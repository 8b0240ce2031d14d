"""Pairs split by stratum: against scikit-learn on each stratum, and against rows drawn one by one in the bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from overread.stats.resampling import PatientBootstrap, Ranking
from overread.stats.strata import Strata, strata

Arrays = dict[str, NDArray[Any]]


def made_up(seed: int, *, ties: bool, n_strata: int = 3, n: int = 400) -> Arrays:
    rng = np.random.default_rng(seed)
    patients = np.sort(np.unique(rng.integers(0, n // 3, n), return_inverse=True)[1])
    labels = rng.choice([1, 0, 0, -1], (n, 2)).astype(np.int8)
    scores = rng.normal(size=(n, 2)) + (labels == 1)
    scores = np.round(scores, 1) if ties else scores
    stratum = rng.integers(-1, n_strata, n)
    return {"patients": patients, "labels": labels, "scores": scores, "stratum": stratum, "called": scores > 0.5}


def split(of: Arrays, n_strata: int = 3, replicates: int = 130) -> tuple[Strata, Strata, PatientBootstrap]:
    bootstrap = PatientBootstrap(of["patients"], replicates=replicates, seed=3)
    both = strata(bootstrap, of["labels"], of["scores"], of["stratum"], n_strata, of["called"])
    return (*both, bootstrap)


def expected_area(of: Arrays, column: int, ill: NDArray[np.bool_], healthy: NDArray[np.bool_]) -> float:
    label = of["labels"][:, column]
    rows = ((label == 1) & ill) | ((label == 0) & healthy)
    return float(roc_auc_score(label[rows], of["scores"][rows, column]))


@pytest.mark.parametrize("ties", [False, True])
def test_every_part_is_scikit_learns_auroc_of_its_images(ties: bool) -> None:
    of = made_up(1, ties=ties)
    observed, _, _ = split(of)
    for column in (0, 1):
        for a in range(3):
            ill, known = of["stratum"] == a, of["stratum"] >= 0
            for b in range(3):
                expected = expected_area(of, column, ill, of["stratum"] == b)
                assert observed.parts[0, column, a, b] == pytest.approx(expected, abs=1e-12)
            assert observed.auroc[0, column, a] == pytest.approx(expected_area(of, column, ill, ill), abs=1e-12)
            rest = known & ~ill
            assert observed.rest_auroc[0, column, a] == pytest.approx(expected_area(of, column, rest, rest), abs=1e-12)
            rows = ill & (of["labels"][:, column] >= 0)
            expected = average_precision_score(of["labels"][rows, column], of["scores"][rows, column])
            assert observed.precision[0, column, a] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_parts_add_up_to_the_auroc_of_all_images(ties: bool) -> None:
    of = made_up(2, ties=ties)
    for each in split(of)[:2]:
        total = (each.shares * each.parts).sum(axis=(-2, -1))
        np.testing.assert_allclose(total, each.total, rtol=0, atol=1e-12)
        np.testing.assert_allclose(each.shares.sum(axis=(-2, -1)), 1, rtol=0, atol=1e-12)


def test_a_replicate_is_what_its_drawn_rows_give() -> None:
    of = made_up(3, ties=True)
    _, replicates, bootstrap = split(of)
    for replicate in (0, 63, 64, 129):
        weight = bootstrap.weights(replicate // 64)[:, replicate % 64]
        rows = np.repeat(np.arange(len(of["patients"])), weight[of["patients"]])
        drawn = {name: array[rows] for name, array in of.items()} | {"patients": np.arange(len(rows))}
        alone, _, _ = split(drawn, replicates=1)
        for name in ("right", "auroc", "rest_auroc", "precision", "positives", "negatives", "tp", "fp", "balanced"):
            ours, theirs = getattr(replicates, name)[replicate], getattr(alone, name)[0]
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12, err_msg=name)


def test_the_total_is_the_bootstraps_own_auroc() -> None:
    of = made_up(4, ties=True)
    of["stratum"] = np.abs(of["stratum"])  # no image is left out
    _, replicates, bootstrap = split(of)
    ranked = bootstrap.ranked(Ranking.of(of["labels"], of["scores"], of["patients"], of["called"]))
    np.testing.assert_allclose(replicates.total, ranked.auroc, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(replicates.tp.sum(axis=-1), ranked.tp)
    np.testing.assert_array_equal(replicates.counts.tn.sum(axis=-1), ranked.tn)


def test_balanced_and_adjusted_are_weighted_means_of_the_strata() -> None:
    observed, _, _ = split(made_up(5, ties=False))
    for column in (0, 1):
        area, ill = observed.auroc[0, column], observed.positives[0, column]
        pairs = ill * observed.negatives[0, column]
        assert observed.balanced[0, column] == pytest.approx(np.average(area, weights=pairs))
        assert observed.adjusted[0, column] == pytest.approx(np.average(area, weights=ill))


def test_an_attribute_that_gives_the_answer_away_is_worth_nothing_within_strata() -> None:
    rng = np.random.default_rng(6)
    stratum = rng.integers(0, 2, 4000)
    labels = (rng.random(4000) < np.where(stratum == 1, 0.4, 0.05)).astype(np.int8)[:, None]
    scores = stratum[:, None] + rng.normal(0, 0.01, (4000, 1))
    observed, _ = strata(PatientBootstrap(np.arange(4000), replicates=1), labels, scores, stratum, 2)
    assert observed.total[0, 0] > 0.7
    assert observed.balanced[0, 0] == pytest.approx(0.5, abs=0.03)


def test_an_empty_stratum_and_a_finding_never_seen_are_nan() -> None:
    of = made_up(7, ties=False)
    of["labels"][:, 1] = 0
    observed, replicates, _ = split(of, n_strata=4)
    assert np.isnan(observed.auroc[0, 0, 3])
    assert np.isnan(observed.precision[0, 1]).all()
    assert np.isnan(replicates.total[:, 1]).all()
    assert np.isnan(observed.adjusted[0, 1])
    assert observed.positives[0, 0, 3] == 0


def test_without_calls_there_are_no_counts() -> None:
    of = made_up(8, ties=False)
    observed, _ = strata(PatientBootstrap(of["patients"], replicates=2), of["labels"], of["scores"], of["stratum"], 3)
    assert np.isnan(observed.tp).all()
    assert np.isnan(observed.counts.fn).all()


def test_the_order_of_the_rows_and_the_number_of_threads_do_not_matter() -> None:
    of = made_up(9, ties=True)
    shuffled = {name: array[np.random.default_rng(0).permutation(400)] for name, array in of.items()}
    _, one, _ = split(of)
    _, other, _ = split(shuffled)
    alone = PatientBootstrap(of["patients"], replicates=130, seed=3, threads=1)
    _, single = strata(alone, of["labels"], of["scores"], of["stratum"], 3, of["called"])
    for name in ("right", "precision", "tp"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(getattr(one, name), getattr(single, name))


def test_a_stratum_may_differ_between_findings() -> None:
    of = made_up(10, ties=False)
    both = np.column_stack([of["stratum"], np.roll(of["stratum"], 1)])
    apart, _, _ = split(of | {"stratum": both})
    alike, _, _ = split(of | {"stratum": np.roll(of["stratum"], 1)})
    np.testing.assert_array_equal(apart.right[0, 1], alike.right[0, 1])
    assert not np.array_equal(apart.right[0, 0], alike.right[0, 0])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stratum": np.full(400, 3)}, "from -1 to 2"),
        ({"stratum": np.zeros(399, int)}, "an entry for each"),
        ({"labels": np.full((400, 2), 2)}, "labels must be 1, 0"),
        ({"labels": np.zeros(400, np.int8)}, "labels must have a row"),
        ({"scores": np.full((400, 2), np.nan)}, "must be numbers"),
        ({"scores": np.zeros((400, 3))}, "scores must have the shape"),
    ],
)
def test_refusals(changed: Arrays, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(made_up(11, ties=False) | changed)
