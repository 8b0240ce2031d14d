"""Paired tests as they stand in comparisons.csv: against the statistics they come from, and statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from overread.analyses.comparison import Pair, comparisons, equivalences, pairs, too_few_replicates
from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.records.errors import InputError
from overread.records.study import Study
from overread.stats.resampling import PatientBootstrap


@pytest.fixture(scope="module")
def judged(matched: Study) -> list[Evaluation]:
    bootstrap = PatientBootstrap(matched.patients, replicates=400, seed=0)
    return [evaluate(matched, name, Options(replicates=400), bootstrap) for name in matched.scores]


@pytest.fixture(scope="module")
def table(judged: list[Evaluation]) -> pl.DataFrame:
    return comparisons(pairs(judged, None))


def test_differences_are_those_of_the_values(table: pl.DataFrame) -> None:
    ratios = pl.col("metric").is_in(["dor", "lr_positive", "lr_negative"])
    linear, ratio = table.filter(~ratios), table.filter(ratios)
    assert (linear["difference"] - (linear["a"] - linear["b"])).abs().max() < 1e-12
    assert (ratio["difference"] / (ratio["a"] / ratio["b"]) - 1).abs().max() < 1e-12
    assert set(ratio["note"].str.contains("ratio a / b")) == {True}


def test_p_values_are_adjusted_over_findings_within_a_metric_and_method(table: pl.DataFrame) -> None:
    over = pl.col("finding").is_in(["mean", "weighted", "pooled"])
    for (metric, _), rows in table.filter(~over, pl.col("p_adjusted").is_not_null()).group_by("metric", "method"):
        expected = multipletests(rows["p"], method="holm")[1]
        np.testing.assert_allclose(rows["p_adjusted"], expected, rtol=1e-12, err_msg=str(metric))
    means = table.filter(over)
    assert means["p_adjusted"].equals(means["p"], check_names=False)  # one pair is one test


def test_p_values_of_means_are_adjusted_over_pairs(matched: Study) -> None:
    near = matched.scores["strong"] * (1 - 1e-3) + 1e-3 * matched.scores["weak"]
    study = replace(matched, scores=matched.scores | {"near": near})
    bootstrap = PatientBootstrap(study.patients, replicates=200, seed=0)
    judged = [evaluate(study, name, Options(replicates=200), bootstrap) for name in study.scores]
    over = pl.col("finding").is_in(["mean", "weighted", "pooled"])
    means = comparisons(pairs(judged, None)).filter(over)
    assert means.height == 3 * means.select("metric", "finding").n_unique()
    for names, rows in means.drop_nulls("p").group_by("metric", "finding"):
        expected = multipletests(rows["p"], method="holm")[1]
        np.testing.assert_allclose(rows["p_adjusted"], expected, rtol=1e-12, err_msg=str(names))
    assert (means["p_adjusted"] > means["p"]).any()


def test_mcnemar_is_statsmodels(judged: list[Evaluation], table: pl.DataFrame) -> None:
    a, b = judged
    for column, finding in enumerate(a.findings):
        for metric, label in (("sensitivity", 1), ("specificity", 0)):
            rows = a.labels[:, column] == label
            right = [each.called[rows, column] == (label == 1) for each in (a, b)]
            counts = [[(x & y).sum() for y in (right[1], ~right[1])] for x in (right[0], ~right[0])]
            row = table.filter(finding=finding, metric=metric, method="mcnemar")
            assert row["p"][0] == pytest.approx(mcnemar(counts, exact=True).pvalue)


def test_the_three_auroc_tests_tell_of_one_difference(table: pl.DataFrame) -> None:
    each = table.filter(~pl.col("finding").is_in(["mean", "weighted", "pooled"]), pl.col("p_adjusted").is_not_null())
    for _, rows in each.filter(metric="auroc").group_by("finding"):
        assert set(rows["method"]) == {"bootstrap", "obuchowski", "delong"}
        assert rows["difference"].max() - rows["difference"].min() < 1e-12


def test_a_baseline_is_the_second_of_every_pair(judged: list[Evaluation]) -> None:
    assert [(pair.a.reading, pair.b.reading) for pair in pairs(judged, "strong")] == [("weak", "strong")]
    assert [(pair.a.reading, pair.b.reading) for pair in pairs(judged, None)] == [("strong", "weak")]
    with pytest.raises(InputError, match="no reading is named other"):
        pairs(judged, "other")


def test_readings_of_different_draws_are_not_compared(judged: list[Evaluation], evaluation: Evaluation) -> None:
    with pytest.raises(ValueError, match="same images, findings and bootstrap replicates"):
        Pair(judged[0], evaluation)


def test_a_strong_reader_is_not_worse_and_a_weak_one_not_shown(judged: list[Evaluation]) -> None:
    strong, weak = pairs(judged, None), pairs(judged, "strong")
    assert equivalences(strong, {"auroc": 0.02}).filter(finding="mean")["conclusion"][0].startswith("not worse")
    assert equivalences(weak, {"auroc": 0.02}).filter(finding="mean")["conclusion"][0] == "not shown"
    assert equivalences(strong, {"auroc": 0.9}).filter(finding="mean")["conclusion"][0].startswith("equivalent")


def test_there_is_no_margin_for_a_ratio(judged: list[Evaluation]) -> None:
    with pytest.raises(InputError, match="no margin for dor"):
        equivalences(pairs(judged, None), {"dor": 0.1})


def test_the_pneumothorax_difference_of_the_real_readings(zech_study: Study) -> None:
    bootstrap = PatientBootstrap(zech_study.patients, replicates=1000, seed=0)
    options = Options(split="all", replicates=1000)
    both = [evaluate(zech_study, name, options, bootstrap) for name in ("zech", "lr033")]
    rows = comparisons(pairs(both, None)).filter(finding="Pneumothorax", metric="auroc")
    delong = rows.filter(method="delong").row(0, named=True)
    # R's pROC 1.18.0, roc.test(paired = TRUE, method = "delong"): the recipe stands in tests/stats/references.
    assert (delong["a"] - delong["b"]) == pytest.approx(0.0197, abs=5e-5)
    half = {row["method"]: (row["high"] - row["low"]) / 2 for row in rows.iter_rows(named=True)}
    assert half["obuchowski"] == pytest.approx(1.96 * 0.0046, rel=0.02)
    assert half["bootstrap"] == pytest.approx(half["obuchowski"], rel=0.1)
    assert half["delong"] < 0.8 * half["obuchowski"], "images taken for independent look surer than they are"


@pytest.mark.parametrize(("n_pairs", "level"), [(55, 0.95), (1, 0.999), (300, 0.9)])
def test_the_replicates_asked_for_are_enough(n_pairs: int, level: float) -> None:
    (warning,) = too_few_replicates(n_pairs, 100, level)
    enough = int(warning.split("--replicates ")[1].split()[0].replace(",", ""))
    assert too_few_replicates(n_pairs, enough, level) == ()
