"""People per 1,000 and exchange rates: against arithmetic by hand, and the paper's own sentence."""

from __future__ import annotations

import polars as pl
import pytest

from overread.analyses.comparison import Pair, pairs
from overread.analyses.consequences import consequences, people
from overread.analyses.decisions import decision_differences, decisions
from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.exchange import exchange, prevalence_rows
from overread.analyses.options import Options
from overread.records.study import Study
from overread.stats.exchange import RateDifferences
from overread.stats.operating_points import METRICS
from overread.stats.resampling import PatientBootstrap


@pytest.fixture(scope="module")
def pair(matched: Study) -> Pair:
    bootstrap = PatientBootstrap(matched.patients, replicates=300, seed=0)
    judged = [evaluate(matched, name, Options(replicates=300), bootstrap) for name in matched.scores]
    return pairs(judged, None)[0]


def test_people_of_a_finding_by_hand() -> None:
    rows = list(people("reader", "Mass", 0.8, 0.9, 0.1, {"mass": 0.5}))
    # of 1,000 at 10 %: 100 ill, 80 found; 900 healthy, 90 referred
    assert rows[0] == (
        "reader",
        "Mass",
        0.1,
        "this cohort",
        "all",
        80,
        20,
        pytest.approx(90),
        pytest.approx(810),
        pytest.approx(1.125),
    )
    assert rows[1][4:8] == ("ill", 800, pytest.approx(200), None)
    assert rows[2][4:9] == ("healthy", None, None, pytest.approx(100), 900)
    assert rows[3][2:6] == (0.5, "given", "all", 400)


def test_the_four_add_up_to_1000_people(evaluation: Evaluation) -> None:
    table = consequences(evaluation, {"Edema": 0.02}).filter(per="all")
    total = table.select(pl.sum_horizontal("found", "missed", "referred_healthy", "spared")).to_series()
    assert total.to_list() == pytest.approx([1000] * len(table))
    assert table.filter(prevalence_source="given")["finding"].to_list() == ["Edema"]


def test_the_papers_sentence_has_two_denominators(pair: Pair) -> None:
    # Valsson and Arandjelović: 23 of 1,000 healthy and 25 of 1,000 ill; the test list's pooled prevalence is 7.59 %.
    differences = RateDifferences(-0.025, 0.023)
    row = next(prevalence_rows(pair, "mean", differences, 0.0759, {}))
    assert row["extra_spared_per_1000_all"] == pytest.approx(21.3, abs=0.05)
    assert row["extra_found_per_1000_all"] == pytest.approx(-1.9, abs=0.05)
    assert row["rate"] == pytest.approx(11.2, abs=0.05)
    assert row["threshold_probability"] == pytest.approx(1 / 12.2, abs=1e-3)


def test_the_exchange_rate_is_a_ratio_of_people(pair: Pair) -> None:
    table = exchange([pair], {}).filter(prevalence_source="this cohort")
    for row in table.filter(pl.col("rate").is_not_null()).iter_rows(named=True):
        expected = -row["extra_spared_per_1000_all"] / row["extra_found_per_1000_all"]
        assert row["rate"] == pytest.approx(expected)


def test_differences_in_people_are_those_of_the_rates(pair: Pair) -> None:
    table = exchange([pair], {}).filter(prevalence_source="this cohort")
    for metric, column in (
        ("sensitivity", "extra_found_per_1000_ill"),
        ("specificity", "extra_spared_per_1000_healthy"),
    ):
        apart = 1000 * (METRICS[metric](pair.a.counts) - METRICS[metric](pair.b.counts))
        by_finding = table.filter(pl.col("finding").is_in(pair.a.findings))
        assert by_finding[column].to_list() == pytest.approx(apart.tolist())


def test_swapping_the_readers_mirrors_people_and_keeps_the_rate(pair: Pair) -> None:
    one, other = (exchange([each], {}).filter(prevalence_source="this cohort") for each in (pair, Pair(pair.b, pair.a)))
    assert one["rate"].to_list() == pytest.approx(other["rate"].to_list(), nan_ok=True)
    assert one["extra_found_per_1000_all"].to_list() == pytest.approx((-other["extra_found_per_1000_all"]).to_list())


def test_net_benefit_by_its_definition(evaluation: Evaluation) -> None:
    table = decisions(evaluation)
    n = len(evaluation.scores)
    for row in table[::37].iter_rows(named=True):
        column, threshold = evaluation.findings.index(row["finding"]), row["threshold_probability"]
        called = evaluation.scores[:, column] >= threshold
        tp = (called & (evaluation.labels[:, column] == 1)).sum()
        fp = (called & (evaluation.labels[:, column] == 0)).sum()
        # Vickers and Elkin (2006), equation 1
        assert row["net_benefit"] == pytest.approx(tp / n - fp / n * threshold / (1 - threshold))
        assert row["treat_none"] == 0
        assert row["low"] <= row["net_benefit"] <= row["high"]


def test_the_difference_of_decision_curves_is_that_of_the_curves(pair: Pair) -> None:
    a, b = decisions(pair.a), decisions(pair.b)
    difference = decision_differences([pair])
    assert difference["difference"].to_list() == pytest.approx((a["net_benefit"] - b["net_benefit"]).to_list())
