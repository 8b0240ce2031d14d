"""Corruptions of real and simulated scores are named; scores as models give them raise nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.metrics import roc_auc_score

from overread.analyses.blind import blind_reading
from overread.analyses.column_order import Gain, auroc_matrix, cycles_of
from overread.analyses.provenance import TABLE, Provenance, checked, provenance
from overread.analyses.score_ties import tied_pairs, written_with
from overread.records.cohort import read_cohort
from overread.records.findings import NIH_FINDINGS
from overread.records.study import Study
from overread.stats.discrimination import auroc_delong

Scores = NDArray[np.float64]
Labels = NDArray[np.int8]
FINDINGS = ("Effusion", "Mass", "Edema", "Hernia", "Nodule", "Fibrosis")


def logistic(x: Scores) -> Scores:
    return 1 / (1 + np.exp(-x))


def logits(p: Scores) -> Scores:
    return np.log(p / (1 - p))


def simulated(
    rng: np.random.Generator, n: int = 4000, n_findings: int = 6, strength: float = 1.6, images_per_patient: int = 1
) -> tuple[Labels, Scores, Scores]:
    """Return labels, evidence that orders images (findings and outputs both correlated), and prevalences."""
    patient = np.arange(n) // images_per_patient
    prevalence = rng.uniform(0.03, 0.25, n_findings)
    illness = rng.normal(size=(patient[-1] + 1, 1))[patient]
    latent = np.sqrt(0.4) * illness + np.sqrt(0.6) * rng.normal(size=(n, n_findings))
    labels = (latent > -ndtri(prevalence)).astype(np.int8)
    shared = rng.normal(size=(patient[-1] + 1, 1))[patient]
    evidence = strength * labels + np.sqrt(0.4) * shared + np.sqrt(0.6) * rng.normal(size=(n, n_findings))
    return labels, evidence, prevalence


def probabilities(evidence: Scores, prevalence: Scores) -> Scores:
    return logistic(1.2 * evidence + logits(prevalence) - 0.5)


def named(result: Provenance) -> dict[str, tuple[str, ...]]:
    """Return the findings of each check that spoke, one suspicion each."""
    return {each.check: each.findings for each in result.suspicions}


def youden(scores: Scores, labels: Labels) -> float:
    order = np.argsort(-scores)
    ill = labels[order] == 1
    return float(scores[order][np.argmax(np.cumsum(ill) / ill.sum() - np.cumsum(~ill) / (~ill).sum())])


def op_norm(scores: Scores, thresholds: Scores) -> Scores:
    """Bend scores as torchxrayvision does (its models.py)."""
    below = scores / (2 * thresholds)
    return np.where(scores < thresholds, below, 1 - (1 - scores) / (2 * (1 - thresholds)))


def bent(scores: Scores, labels: Labels) -> Scores:
    return op_norm(scores, np.array([youden(*columns) for columns in zip(scores.T, labels.T, strict=True)]))


def column(scores: Scores, place: int, values: Scores | float) -> Scores:
    changed = scores.copy()
    changed[:, place] = values
    return changed


def exchanged(scores: Scores, one: int, other: int) -> Scores:
    order = np.arange(scores.shape[1])
    order[[one, other]] = order[[other, one]]
    return scores[:, order]


def stretched(scores: Scores) -> Scores:
    return (scores - scores.min(axis=0)) / np.ptp(scores, axis=0)


def shared_out(scores: Scores, others: float = 0.0) -> Scores:
    odds = scores / (1 - scores)
    return odds / (odds.sum(axis=1, keepdims=True) + others)


WHOLE: tuple[str, ...] = ()
Corruption = Callable[[Scores, Labels], Scores]
CORRUPTIONS: dict[str, tuple[Corruption, str, Callable[[tuple[str, ...]], tuple[str, ...]] | None]] = {
    "logits": (lambda s, y: logits(s), "logits", lambda f: f),
    "percentages": (lambda s, y: 100 * s, "percentages", None),
    "two sigmoids": (lambda s, y: logistic(s), "double sigmoid", lambda f: WHOLE),
    "bent": (bent, "bent around 0.5", None),
    "bent, 3 decimals": (lambda s, y: bent(s, y).round(3), "bent around 0.5", None),
    "bent at a high threshold": (lambda s, y: bent(s**0.05, y), "bent around 0.5", None),
    "softmax": (lambda s, y: shared_out(s), "softmax", lambda f: WHOLE),
    "softmax, 2 decimals": (lambda s, y: shared_out(s).round(2), "softmax", lambda f: WHOLE),
    "softmax with a class more": (lambda s, y: shared_out(s * 4 / (1 + 3 * s), 0.02), "softmax", lambda f: WHOLE),
    "stretched": (lambda s, y: stretched(logits(s)), "rescaled", lambda f: f),
    "ranks": (lambda s, y: stretched(np.argsort(np.argsort(s, axis=0), axis=0)), "rescaled", lambda f: f),
    "stretched all together": (
        lambda s, y: (logits(s) - logits(s).min()) / np.ptp(logits(s)),
        "rescaled",
        lambda f: f,
    ),
    "untrained": (lambda s, y: column(column(s, 1, 0.5), 3, 0.5), "constant", lambda f: (f[1], f[3])),
    "filled in": (lambda s, y: column(s, 2, 0.017), "constant", lambda f: (f[2],)),
    "copied": (lambda s, y: column(s, 1, s[:, 4]), "identical columns", lambda f: (f[1], f[4])),
    "swapped": (lambda s, y: exchanged(s, 0, 5), "swapped columns", lambda f: (f[0], f[5])),
    "upside down": (lambda s, y: 1 - s, "inverted", lambda f: f),
    "one upside down": (lambda s, y: column(s, 2, 1 - s[:, 2]), "inverted", lambda f: (f[2],)),
    "noise": (
        lambda s, y: column(s, 0, np.random.default_rng(0).random(len(s))),
        "outdone by another column",
        lambda f: (f[0],),
    ),
    "calls": (lambda s, y: (bent(s, y) >= 0.5).astype(float), "calls, not scores", lambda f: f),
    "1 decimal": (lambda s, y: s.round(1), "rounded", None),
    "2 decimals": (lambda s, y: s.round(2), "rounded", None),
    "cut off": (lambda s, y: np.clip(logits(s) + 1, 0, 1), "cut off", None),
    "truth": (lambda s, y: y.astype(float), "the truth itself", lambda f: f),
}
ALSO = {  # what a corruption does besides
    "bent, 3 decimals": {"rounded"},
    "1 decimal": {"constant"},
    "percentages": {"rounded"},
    "logits": {"bent around 0.5"},
    "softmax, 2 decimals": {"rounded"},
    "calls": {"outdone by another column"},
    "truth": {"calls, not scores"},
    "copied": {"outdone by another column"},
    "cut off": {"constant", "outdone by another column", "swapped columns"},
}


def assert_named(corruption: str, scores: Scores, labels: Labels, findings: tuple[str, ...]) -> None:
    corrupt, check, expected = CORRUPTIONS[corruption]
    result = provenance("reader", corrupt(scores, labels), labels, findings)
    found = named(result)
    assert check in found, f"{corruption}: {found}"
    if expected is not None:
        assert set(found[check]) == set(expected(findings)), found
    assert set(found) <= {check, *ALSO.get(corruption, set())}, found


@pytest.mark.parametrize("corruption", [name for name in CORRUPTIONS if name != "noise"])
@pytest.mark.parametrize("seed", range(4))
def test_corruptions_of_simulated_readings_are_named(corruption: str, seed: int) -> None:
    labels, evidence, prevalence = simulated(np.random.default_rng(seed))
    assert_named(corruption, probabilities(evidence, prevalence), labels, FINDINGS)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
@pytest.mark.parametrize("reader", ["zech", "lr033"])
def test_corruptions_of_real_readings_are_named(zech_study: Study, corruption: str, reader: str) -> None:
    assert_named(corruption, zech_study.scores[reader], zech_study.labels, zech_study.findings)


def test_the_shared_readings_raise_nothing(zech_study: Study) -> None:
    for reader, scores in zech_study.scores.items():
        assert provenance(reader, scores, zech_study.labels, zech_study.findings).suspicions == ()


@pytest.mark.parametrize("n", [30, 50, 200, 2000])
def test_parts_of_the_shared_readings_raise_nothing(zech_study: Study, n: int) -> None:
    for seed in range(10):
        rows = np.random.default_rng(seed).choice(zech_study.n_images, n, replace=False)
        for reader, scores in zech_study.scores.items():
            result = provenance(reader, scores[rows], zech_study.labels[rows], zech_study.findings)
            assert result.suspicions == (), (seed, reader)


FORMS: dict[str, Callable[[Scores, Scores], Scores]] = {
    "probabilities": probabilities,
    "weighted loss": lambda e, p: logistic(1.2 * e - 0.5),
    "high temperature": lambda e, p: logistic(0.1 * e),
    "narrow, above half": lambda e, p: 0.6 + 0.03 * np.clip(e, -5, 5),
    "wide, above half": lambda e, p: np.clip(0.6 + 0.1 * e, 1e-4, 1 - 1e-4),
    "sure of itself": lambda e, p: logistic(6 * e + logits(p)),
    "percentiles": lambda e, p: (np.argsort(np.argsort(e, axis=0), axis=0) + 0.5) / len(e),
    "32 bits": lambda e, p: logistic(3 * e - 0.5).astype(np.float32).astype(np.float64),
    "8 decimals": lambda e, p: logistic(1.2 * e - 0.5).round(8),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [20, 50, 300, 3000])
def test_untouched_simulated_readings_raise_nothing(form: str, n: int) -> None:
    """50 readings each: one finding to fourteen, weak models and strong, clustered images, missing labels."""
    for seed in range(50):
        rng = np.random.default_rng(seed)
        n_findings = int(rng.choice([1, 2, 6, 14]))
        labels, evidence, prevalence = simulated(
            rng, n, n_findings, rng.choice([0.18, 0.4, 1.0, 1.8]), int(rng.choice([1, 1, 6]))
        )
        if seed % 3 == 0:
            labels = np.where(rng.random(labels.shape) < 0.2, -1, labels).astype(np.int8)
        result = provenance("reader", FORMS[form](evidence, prevalence), labels, NIH_FINDINGS[:n_findings])
        assert result.suspicions == (), (seed, named(result))


@pytest.mark.parametrize("features", [("age", "gender"), ("age", "gender", "view"), ("view",), ("gender",)])
def test_blind_readers_know_few_things_and_that_is_all(features: tuple[str, ...]) -> None:
    cohort = read_cohort("chestxray14")
    reading = blind_reading(cohort, features=features)
    labels = cohort.labels[(cohort.table["split"] == "test").to_numpy()]
    (only,) = provenance("blind", reading.scores, labels, cohort.findings).suspicions
    assert (only.check, only.severity) == ("few values", "note")
    assert "not by rounding" in only.message


@pytest.mark.slow
def test_every_pair_of_columns_that_is_swapped_is_named(zech_study: Study) -> None:
    """But for Pneumonia and Infiltration, which answer for each other almost as well (4.8 standard errors)."""
    missed = []
    scores, labels, findings = zech_study.scores["zech"], zech_study.labels, zech_study.findings
    for one in range(14):
        for other in range(one):
            found = named(provenance("zech", exchanged(scores, one, other), labels, findings))
            if {check: set(which) for check, which in found.items()} != {
                "swapped columns": {findings[one], findings[other]}
            }:
                missed.append({findings[one], findings[other], *found})
    assert missed == [{"Infiltration", "Pneumonia"}]


def test_columns_in_another_order_are_named_by_their_cycle(zech_study: Study) -> None:
    labels, findings = zech_study.labels, zech_study.findings
    moved = np.roll(zech_study.scores["zech"], 1, axis=1)
    (only,) = provenance("zech", moved, labels, findings).suspicions
    assert only.check == "swapped columns"
    assert set(only.findings) == set(findings)
    back = provenance("zech", zech_study.scores["zech"][:, ::-1], labels, findings)
    assert [len(each.findings) for each in back.suspicions] == [2] * 7


def test_a_swap_is_told_with_both_areas(zech_study: Study) -> None:
    """AUROCs by scikit-learn."""
    mass, nodule = zech_study.findings.index("Mass"), zech_study.findings.index("Nodule")
    scores = exchanged(zech_study.scores["zech"], mass, nodule)
    (only,) = provenance("zech", scores, zech_study.labels, zech_study.findings).suspicions
    for output, finding in ((mass, nodule), (nodule, nodule), (nodule, mass), (mass, mass)):
        assert f"{roc_auc_score(zech_study.labels[:, finding], scores[:, output]):.2f}" in only.message
    assert "the output Mass separates Nodule's labels" in only.message.replace("The", "the")
    assert "Mass and Nodule look swapped" in only.remedy


def test_swaps_are_named_where_labels_are_missing_or_too_rare_to_say() -> None:
    labels, evidence, prevalence = simulated(np.random.default_rng(5))
    scores = probabilities(evidence, prevalence)
    missing = np.where(np.random.default_rng(6).random(labels.shape) < 0.3, -1, labels).astype(np.int8)
    assert named(provenance("reader", exchanged(scores, 0, 1), missing, FINDINGS)) == {
        "swapped columns": ("Effusion", "Mass")
    }
    rare = labels.copy()
    rare[:, 5] = 0
    rare[:3, 5] = 1
    (cycle,) = provenance("reader", np.roll(scores, 1, axis=1), rare, FINDINGS).suspicions
    assert set(cycle.findings) == set(FINDINGS)


def test_poor_readers_say_nothing_about_the_order_of_columns() -> None:
    """One attribute with two values: every output is it, or its opposite, and by chance does well on other labels."""
    rng = np.random.default_rng(0)
    value = rng.random(20_000) < 0.4
    labels = (rng.random((20_000, 2)) < np.where(value[:, None], [0.06, 0.10], [0.10, 0.06])).astype(np.int8)
    scores = np.where(value[:, None], [0.10, 0.06], [0.06, 0.10]) + 1 / 3000
    found = named(provenance("view", scores, labels, ("A", "B")))
    assert set(found) == {"few values"}


def test_the_matrix_of_areas_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    labels, evidence, prevalence = simulated(rng, 300, 4)
    labels = np.where(rng.random(labels.shape) < [0.0, 0.0, 0.3, 0.5], -1, labels).astype(np.int8)
    scores = probabilities(evidence, prevalence).round(2)
    matrix = auroc_matrix(checked(scores, labels, FINDINGS[:4]))
    for output in range(4):
        for finding in range(4):
            rows = labels[:, finding] >= 0
            expected = roc_auc_score(labels[rows, finding], scores[rows, output])
            assert matrix[output, finding] == pytest.approx(expected, abs=1e-12)


def test_the_noise_of_a_gain_is_delongs() -> None:
    """Against an output that is constant, the variance of the difference is that of the AUROC itself."""
    labels, evidence, _ = simulated(np.random.default_rng(2), 200, 2)
    scores = column(logistic(evidence), 0, 0.3)
    gain = Gain.paired(checked(scores, labels, FINDINGS[:2]), 1, 0)
    expected = auroc_delong(labels[:, 1], scores[:, 1], level=0.95)
    assert gain.value == pytest.approx(0.5 - expected.value)
    assert np.sqrt(gain.variance) == pytest.approx((expected.high - expected.low) / 2 / 1.959964, rel=1e-5)
    assert gain.df == min((labels[:, 1] == 1).sum(), (labels[:, 1] == 0).sum()) - 1


def test_gains_of_several_findings_share_their_noise() -> None:
    """The same finding twice is no more evidence than once."""
    labels, evidence, _ = simulated(np.random.default_rng(2), 200, 2)
    gain = Gain.paired(checked(logistic(evidence), labels, FINDINGS[:2]), 1, 0)
    twice = Gain.together([gain, gain])
    assert (twice.value, twice.variance) == pytest.approx((gain.value, gain.variance))


def test_cycles_of_any_permutation_cover_what_moves() -> None:
    for seed in range(20):
        given = np.random.default_rng(seed).permutation(7)
        cycles = cycles_of(dict(enumerate(given.tolist())))
        assert sorted(place for cycle in cycles for place in cycle) == np.flatnonzero(given != np.arange(7)).tolist()
        assert all(given[cycle[k]] == cycle[(k + 1) % len(cycle)] for cycle in cycles for k in range(len(cycle)))


def test_tied_pairs_are_counted() -> None:
    labels, evidence, prevalence = simulated(np.random.default_rng(3), 80, 3)
    labels[:, 2] = 0
    labels[:5, 0] = -1
    scores = probabilities(evidence, prevalence).round(1)
    shares = tied_pairs(checked(scores, labels, FINDINGS[:3]))
    for place in (0, 1):
        ill, healthy = scores[labels[:, place] == 1, place], scores[labels[:, place] == 0, place]
        assert shares[place] == pytest.approx(np.mean(ill[:, None] == healthy[None, :]))
    assert np.isnan(shares[2])


@pytest.mark.parametrize(
    ("values", "how"),
    [
        ([0.0, 1.0], "0 decimals"),
        ([0.5, 0.1, 1.0], "1 decimal"),
        ([0.123, 0.5], "3 decimals"),
        ([float(np.float32(0.12)), 0.5], "2 decimals"),
        ([0.000000123, 0.456], "3 significant digits"),
        ([float(np.float16(1 / 3)), float(np.float16(0.0123456))], "the 11 binary digits of 16-bit floats"),
        ([0.33203125 + 2**-8 * 3, 2.0**-30 * 1.015625], "the 8 binary digits of bfloat16"),
        ([1 / 3, 0.5], ""),
        ([float(np.float32(1 / 3)), 0.5], ""),
    ],
)
def test_the_way_scores_were_written_is_recognised(values: list[float], how: str) -> None:
    assert written_with(np.array(values)) == how


def test_scores_kept_in_few_bits_are_named_where_ties_matter() -> None:
    labels, evidence, prevalence = simulated(np.random.default_rng(4), strength=0.5)
    scores = 0.5 + 0.001 * probabilities(evidence, prevalence)
    found = provenance("reader", scores.astype(np.float16).astype(float), labels, FINDINGS)
    assert "rounded" in named(found)


def test_the_message_on_ties_gives_the_decimals_and_what_they_could_do(zech_study: Study) -> None:
    scores = zech_study.scores["zech"].round(2)
    (only,) = provenance("zech", scores, zech_study.labels, zech_study.findings).suspicions
    hernia = zech_study.findings.index("Hernia")
    ill = zech_study.labels[:, hernia] == 1
    share = np.mean(scores[ill, hernia][:, None] == scores[~ill, hernia][None, :])
    assert "2 decimals" in only.message
    assert f"In Hernia, {100 * share:.1f} %" in only.message
    assert f"by up to {share / 2:.3f}" in only.message


def test_a_rating_scale_is_told_by_its_steps() -> None:
    labels, evidence, _ = simulated(np.random.default_rng(8))
    steps = np.round(logistic(evidence) * 4) / 4
    (only,) = provenance("radiologist", steps, labels, FINDINGS).suspicions
    assert only.check == "rounded"
    assert "5 different values" in only.message


def test_the_table_has_one_row_per_suspicion_and_the_same_columns_when_there_is_none() -> None:
    labels, evidence, prevalence = simulated(np.random.default_rng(9))
    scores = probabilities(evidence, prevalence)
    empty = provenance("fine", scores, labels, FINDINGS).table
    assert empty.schema == TABLE
    assert empty.is_empty()
    table = provenance("odd", column(column(scores, 1, 0.5), 3, 0.1), labels, FINDINGS).table
    assert table.schema == TABLE
    assert table["finding"].to_list() == ["Mass", "Hernia"]
    assert table["reading"].to_list() == ["odd", "odd"]
    assert table["message"].str.contains("Remove the column").all()
    for about_all in (logistic(scores), 1 - scores):
        assert provenance("odd", about_all, labels, FINDINGS).table["finding"].to_list() == [""]
    alone = provenance("odd", 1 - scores[:, :1], labels[:, :1], FINDINGS[:1]).table
    assert alone["finding"].to_list() == ["Effusion"]


def test_tables_too_small_to_judge_raise_nothing() -> None:
    assert provenance("none", np.zeros((0, 2)), np.zeros((0, 2)), ("A", "B")).suspicions == ()
    assert provenance("none", np.zeros((3, 0)), np.zeros((3, 0)), ()).suspicions == ()
    assert provenance("one image", np.array([[0.3, 0.4]]), np.array([[1, 0]]), ("A", "B")).suspicions == ()


def test_findings_without_ill_or_healthy_images_are_no_obstacle() -> None:
    labels, evidence, prevalence = simulated(np.random.default_rng(10))
    labels[:, 0], labels[:, 1], labels[:, 2] = 0, 1, -1
    assert provenance("reader", probabilities(evidence, prevalence), labels, FINDINGS).suspicions == ()


def test_all_scores_equal_is_said_once() -> None:
    labels, _, _ = simulated(np.random.default_rng(11))
    assert named(provenance("reader", np.full(labels.shape, 0.2), labels, FINDINGS)) == {"constant": FINDINGS}


def test_what_is_no_table_of_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="of shape"):
        provenance("reader", np.zeros((3, 2)), np.zeros((3, 3)), ("A", "B"))
    with pytest.raises(ValueError, match="of shape"):
        provenance("reader", np.zeros(3), np.zeros(3), ("A",))
    with pytest.raises(ValueError, match="finite"):
        provenance("reader", np.array([[np.nan]]), np.array([[1]]), ("A",))
