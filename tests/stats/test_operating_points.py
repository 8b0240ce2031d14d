"""Counts, metrics, ratios, rules and folds against definitions, other software and hand-worked cases."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from math import exp, isnan, log, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from overread.stats.operating_points import (
    METRICS,
    Counts,
    Rule,
    calls,
    closed_interval,
    folds,
    likelihood_ratio_negative,
    likelihood_ratio_positive,
    odds_ratio,
    parse_rule,
)

Z95 = 1.959963984540054
LABELLED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=30)
CELLS = st.tuples(*[st.integers(0, 50)] * 4)


# --- counts and metrics


def test_counts_leave_out_missing_labels() -> None:
    counts = Counts.of(np.array([[1, 0], [-1, 1], [0, 1]]), np.array([[True, True], [True, False], [False, True]]))
    cells = [np.asarray(cell).tolist() for cell in (counts.tp, counts.fp, counts.fn, counts.tn)]
    assert cells == [[1, 1], [0, 1], [0, 1], [1, 0]]


def test_counts_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="labels and called must be of one shape"):
        Counts.of([1, 0], [True])


@given(LABELLED)
def test_metrics_are_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels, scores = map(np.array, zip(*rows, strict=True))
    called = calls(scores, 3)
    counts = Counts.of(labels, called)
    expected = {
        "sensitivity": metrics.recall_score(labels, called, zero_division=nan),
        "specificity": metrics.recall_score(1 - labels, ~called, zero_division=nan),
        "ppv": metrics.precision_score(labels, called, zero_division=nan),
        "npv": metrics.precision_score(1 - labels, ~called, zero_division=nan),
        "accuracy": metrics.accuracy_score(labels, called),
        "f1": metrics.f1_score(labels, called, zero_division=nan) if labels.any() else nan,
    }
    for name, value in expected.items():
        assert float(METRICS[name](counts)) == pytest.approx(value, abs=1e-12, nan_ok=True)


@given(CELLS)
def test_ratios_are_their_definitions(cells: tuple[int, int, int, int]) -> None:
    tp, fp, fn, tn = cells
    both = tp + fn > 0 and fp + tn > 0
    positive = Fraction(tp, tp + fn) / Fraction(fp, fp + tn) if both and fp else nan
    negative = Fraction(fn, tp + fn) / Fraction(tn, fp + tn) if both and tn else nan
    a, b, c, d = (Fraction(2 * cell + (0 in cells), 2) for cell in cells)
    odds = a * d / (b * c) if both else nan
    for name, value in {"lr_positive": positive, "lr_negative": negative, "dor": odds}.items():
        assert float(METRICS[name](Counts(*cells))) == pytest.approx(float(value), rel=1e-12, nan_ok=True)


@given(st.lists(CELLS, min_size=6, max_size=6))
def test_metrics_of_arrays_are_those_of_their_elements(cells: list[tuple[int, int, int, int]]) -> None:
    table = np.array(cells).reshape(2, 3, 4)
    together = Counts(*np.moveaxis(table, -1, 0))
    for metric in METRICS.values():
        values = metric(together)
        assert values.shape == (2, 3)
        for place in np.ndindex(2, 3):
            np.testing.assert_equal(values[place], float(metric(Counts(*table[place]))))


@given(CELLS)
def test_trading_ill_for_healthy_mirrors_the_metrics(cells: tuple[int, int, int, int]) -> None:
    tp, fp, fn, tn = cells
    straight, mirrored = Counts(tp, fp, fn, tn), Counts(tn, fn, fp, tp)
    for one, other in (("sensitivity", "specificity"), ("ppv", "npv"), ("accuracy", "accuracy"), ("dor", "dor")):
        np.testing.assert_allclose(METRICS[one](straight), METRICS[other](mirrored), rtol=1e-12)


def test_counts_that_were_not_made_have_no_metric() -> None:
    for metric in METRICS.values():
        assert isnan(float(metric(Counts(nan, nan, nan, nan))))


# --- closed intervals


def test_ratios_and_their_intervals_are_those_of_epir(reference: Callable[[str], Any]) -> None:
    for expected in reference("epir.json"):
        counts = Counts(*(expected[cell] for cell in ("tp", "fp", "fn", "tn")))
        for metric in ("dor", "lr_positive", "lr_negative", "sensitivity", "specificity", "ppv", "npv"):
            estimate = closed_interval(metric, counts)
            assert estimate is not None
            assert estimate.method == ("log" if metric in ("dor", "lr_positive", "lr_negative") else "wilson")
            got = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
            assert got == pytest.approx(expected[metric], rel=1e-9)
            assert float(METRICS[metric](counts)) == pytest.approx(estimate.value, rel=1e-12)


def test_odds_ratio_by_hand() -> None:
    # Equations 5 and 6: 90·80 / (20·10) = 36, and exp(ln 36 ± 1.96 √(1/90 + 1/20 + 1/10 + 1/80)).
    estimate = odds_ratio(Counts(90, 20, 10, 80))
    half = Z95 * sqrt(1 / 90 + 1 / 20 + 1 / 10 + 1 / 80)
    assert estimate.value == 36
    assert (estimate.low, estimate.high) == pytest.approx((exp(log(36) - half), exp(log(36) + half)))
    assert estimate.note == ""


@pytest.mark.parametrize("empty", range(4))
def test_an_empty_cell_gets_a_half_in_all_four(empty: int) -> None:
    cells = [7, 5, 3, 11]
    cells[empty] = 0
    tp, fp, fn, tn = (cell + 0.5 for cell in cells)
    estimate = odds_ratio(Counts(*cells))
    half = Z95 * sqrt(1 / tp + 1 / fp + 1 / fn + 1 / tn)
    assert estimate.value == pytest.approx(tp * tn / (fp * fn))
    assert estimate.high == pytest.approx(estimate.value * exp(half))
    assert "0.5 added to all four counts" in estimate.note


def test_a_ratio_without_ill_or_healthy_is_an_explained_empty_value() -> None:
    for ratio in (odds_ratio, likelihood_ratio_positive, likelihood_ratio_negative):
        assert ratio(Counts(0, 3, 0, 9)).note == "no positive"
        assert ratio(Counts(3, 0, 9, 0)).note == "no negative"
        assert ratio(Counts(nan, nan, nan, nan)).note == "no threshold, so nothing was counted"
        assert isnan(ratio(Counts(0, 3, 0, 9)).value)
    assert likelihood_ratio_positive(Counts(5, 0, 2, 9)).note == "no false positive"
    assert likelihood_ratio_negative(Counts(5, 9, 2, 0)).note == "no true negative"


def test_a_likelihood_ratio_of_zero_has_no_log_interval() -> None:
    for estimate in (likelihood_ratio_negative(Counts(7, 1, 0, 9)), likelihood_ratio_positive(Counts(0, 1, 7, 9))):
        assert estimate.value == 0
        assert isnan(estimate.low)
        assert "no interval on the log scale" in estimate.note


def test_the_field_has_no_closed_interval_for_f1() -> None:
    assert closed_interval("f1", Counts(1, 2, 3, 4)) is None
    undefined = closed_interval("accuracy", Counts(nan, nan, nan, nan))
    assert undefined is not None
    assert undefined.note == "no threshold, so nothing was counted"


# --- rules


def shares(rows: list[tuple[int, int]], threshold: float) -> tuple[Fraction, Fraction]:
    """Sensitivity and specificity as exact fractions, by definition."""
    ill, well = [s for y, s in rows if y == 1], [s for y, s in rows if y == 0]
    return Fraction(sum(s >= threshold for s in ill), len(ill)), Fraction(sum(s < threshold for s in well), len(well))


def both_classes(rows: list[tuple[int, int]]) -> bool:
    return {y for y, _ in rows} == {0, 1}


@given(LABELLED.filter(both_classes))
def test_youden_takes_the_lowest_of_the_best(rows: list[tuple[int, int]]) -> None:
    gains = {s: sum(shares(rows, s)) for _, s in rows}
    best = min(s for s, gain in gains.items() if gain == max(gains.values()))
    labels, scores = zip(*rows, strict=True)
    assert parse_rule("youden").choose(labels, scores) == best


@given(LABELLED.filter(both_classes), st.integers(0, 20))
def test_a_wanted_rate_is_reached_at_the_least_cost(rows: list[tuple[int, int]], twentieths: int) -> None:
    labels, scores = zip(*rows, strict=True)
    wanted = Fraction(twentieths, 20)
    reached = {s: shares(rows, s) for s in scores}
    sensitivity = max(s for s, (share, _) in reached.items() if share >= wanted)
    assert Rule("sensitivity", twentieths / 20).choose(labels, scores) == sensitivity
    specificity = min((s for s, (_, share) in reached.items() if share >= wanted), default=nan)
    rule = Rule("specificity", twentieths / 20)
    assert rule.choose(labels, scores) == pytest.approx(specificity, abs=0, nan_ok=True)
    if isnan(specificity):
        assert rule.why_not(labels, scores) == f"no observed score reaches {rule}"
    else:
        assert rule.why_not(labels, scores) == ""


def test_ties_are_decided_in_whole_numbers() -> None:
    # Sensitivity + specificity - 1 is 1/6 at both 0.9 and 0.5; in floating point the first seems larger.
    assert 1 / 3 + 5 / 6 - 1 > 2 / 3 + 3 / 6 - 1
    labels = [1, 0, 1, 0, 0, 1, 0, 0, 0]
    scores = [0.9, 0.9, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1]
    assert Rule("youden").choose(labels, scores) == 0.5


def test_nine_of_ten_reaches_a_sensitivity_of_0_9() -> None:
    for positives in (10, 30, 70, 1_000, 12_340):
        scores = np.arange(positives, dtype=float)
        labels = np.ones(positives, dtype=int)
        assert Rule("sensitivity", 0.9).choose(labels, scores) == positives // 10


def test_a_threshold_counts_the_score_equal_to_it_as_called() -> None:
    assert calls([0.1, 0.5, 0.9], 0.5).tolist() == [False, True, True]
    assert calls([[0.1, 0.5], [0.9, 0.4]], [0.5, 0.4]).tolist() == [[False, True], [True, True]]


def test_a_threshold_that_was_not_chosen_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold must be a number, got nan"):
        calls([0.1, 0.5], nan)


def test_a_rule_that_lacks_its_cases_says_so() -> None:
    scores = [0.1, 0.2, 0.3]
    for text, labels, reason in (
        ("youden", [1, 1, 1], "no negative to choose a threshold on"),
        ("youden", [0, 0, 0], "no positive to choose a threshold on"),
        ("sensitivity=0.9", [0, 0, 0], "no positive to choose a threshold on"),
        ("specificity=0.9", [1, 1, 1], "no negative to choose a threshold on"),
    ):
        rule = parse_rule(text)
        assert isnan(rule.choose(labels, scores))
        assert rule.why_not(labels, scores) == reason
    assert parse_rule("fixed=0.25").choose([0, 0, 0], scores) == 0.25
    assert isnan(Rule("youden").choose([], []))


@given(LABELLED.filter(both_classes))
def test_rules_follow_a_change_of_scale(rows: list[tuple[int, int]]) -> None:
    labels, scores = map(np.array, zip(*rows, strict=True))
    for rule in (Rule("youden"), Rule("sensitivity", 0.8), Rule("specificity", 0.5)):
        chosen = rule.choose(labels, scores)
        assert rule.choose(labels, 2.0**scores) == pytest.approx(2.0**chosen, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("youden", "youden"),
        (" Youden ", "youden"),
        ("sensitivity=0.90", "sensitivity=0.9"),
        ("specificity = .9", "specificity=0.9"),
        ("fixed=0.5", "fixed=0.5"),
    ],
)
def test_rules_are_read_as_they_are_written(text: str, rule: str) -> None:
    assert str(parse_rule(text)) == rule


@pytest.mark.parametrize("text", ["", "best", "youden=0.5", "auroc=0.9", "0.5"])
def test_an_unknown_rule_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be youden, sensitivity=0.90, specificity=0.90 or fixed=0.5"):
        parse_rule(text)


@pytest.mark.parametrize("text", ["fixed", "fixed=", "sensitivity=90", "specificity=-0.1", "fixed=nan", "fixed=x"])
def test_a_rule_without_its_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needs a number from 0 to 1, as in"):
        parse_rule(text)


# --- folds


PATIENTS = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(PATIENTS, st.integers(0, 10_000))
def test_folds_keep_patients_whole_and_halve_them(patients: list[int], seed: int) -> None:
    side = folds(patients, seed=seed)
    by_patient = {p: {int(s) for q, s in zip(patients, side, strict=True) if q == p} for p in patients}
    assert all(len(sides) == 1 for sides in by_patient.values())
    second = sum(1 in sides for sides in by_patient.values())
    assert second == len(by_patient) // 2


@given(PATIENTS, st.integers(0, 100), st.randoms(use_true_random=False))
def test_folds_do_not_depend_on_the_order_of_rows(patients: list[int], seed: int, random: Any) -> None:
    order = list(range(len(patients)))
    random.shuffle(order)
    shuffled = folds([patients[row] for row in order], seed=seed)
    assert shuffled.tolist() == folds(patients, seed=seed)[order].tolist()


@given(st.sets(st.integers(0, 200), min_size=2), st.integers(0, 100), st.integers(201, 300))
def test_a_further_patient_moves_at_most_one_other(patients: set[int], seed: int, further: int) -> None:
    before = folds(sorted(patients), seed=seed)
    after = folds([*sorted(patients), further], seed=seed)[:-1]
    assert np.count_nonzero(before != after) <= 1


def test_seeds_deal_patients_independently() -> None:
    deals = np.array([folds(np.arange(2000), seed=seed) for seed in range(20)])
    agreement = [np.mean(deals[i] == deals[j]) for i in range(20) for j in range(i)]
    # 2,000 fair coins agree in 0.5 ± 0.011; five standard errors for 190 pairs
    assert max(abs(share - 0.5) for share in agreement) < 5 * 0.5 / math.sqrt(2000)
    neighbours = np.mean(deals[:, 1:] == deals[:, :-1])
    assert abs(neighbours - 0.5) < 5 * 0.5 / math.sqrt(20 * 1999)


@pytest.mark.parametrize("patients", [["a", "b"], [0.5, 1.0], [[1, 2]]])
def test_patients_that_are_not_codes_are_refused(patients: Any) -> None:
    with pytest.raises(ValueError, match="patients must be whole numbers"):
        folds(patients, seed=0)
