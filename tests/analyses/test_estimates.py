"""The table of estimates: every finding, mean and metric, against scikit-learn on the same rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from overread.analyses.discrimination import curves, discrimination_rows, thinned
from overread.analyses.evaluation import Evaluation
from overread.analyses.operating_points import operating_point_rows, thresholds_table
from overread.analyses.tables import estimates_table


@pytest.fixture(scope="module")
def estimates(evaluation: Evaluation) -> pl.DataFrame:
    return estimates_table([*discrimination_rows(evaluation), *operating_point_rows(evaluation)])


def value(estimates: pl.DataFrame, finding: str, metric: str, method: str = "bootstrap") -> float:
    row = estimates.filter(finding=finding, metric=metric, method=method)
    assert len(row) == 1
    return float(row["value"][0])


SCIKIT_LEARN = {
    "sensitivity": metrics.recall_score,
    "accuracy": metrics.accuracy_score,
    "f1": metrics.f1_score,
    "ppv": metrics.precision_score,
}


def test_each_finding_is_scikit_learns(evaluation: Evaluation, estimates: pl.DataFrame) -> None:
    for column, finding in enumerate(evaluation.findings):
        labels, scores = evaluation.labels[:, column], evaluation.scores[:, column]
        called = evaluation.called[:, column]
        assert value(estimates, finding, "auroc") == pytest.approx(metrics.roc_auc_score(labels, scores))
        expected = metrics.average_precision_score(labels, scores)
        assert value(estimates, finding, "average_precision") == pytest.approx(expected)
        for metric, of in SCIKIT_LEARN.items():
            assert value(estimates, finding, metric) == pytest.approx(of(labels, called))
        specificity = metrics.recall_score(labels, called, pos_label=0)
        assert value(estimates, finding, "specificity") == pytest.approx(specificity)
        assert value(estimates, finding, "npv") == pytest.approx(metrics.precision_score(labels, called, pos_label=0))
        positive, negative = metrics.class_likelihood_ratios(labels, called)
        assert value(estimates, finding, "lr_positive") == pytest.approx(positive)
        assert value(estimates, finding, "lr_negative") == pytest.approx(negative)
        assert value(estimates, finding, "dor") == pytest.approx(positive / negative)


def test_means_are_of_the_findings_and_ratios_on_the_log_scale(evaluation: Evaluation, estimates: pl.DataFrame) -> None:
    positives = evaluation.labels.sum(axis=0)
    for metric in ("auroc", "sensitivity", "npv"):
        each = [value(estimates, finding, metric) for finding in evaluation.findings]
        assert value(estimates, "mean", metric) == pytest.approx(np.mean(each))
        assert value(estimates, "weighted", metric) == pytest.approx(np.average(each, weights=positives))
    each = [value(estimates, finding, "dor") for finding in evaluation.findings]
    assert value(estimates, "mean", "dor") == pytest.approx(np.exp(np.mean(np.log(each))))
    assert "log scale" in estimates.filter(finding="mean", metric="dor")["note"][0]


def test_pooled_is_of_all_decisions_and_never_an_auroc(evaluation: Evaluation, estimates: pl.DataFrame) -> None:
    labels, called = evaluation.labels.ravel(), evaluation.called.ravel()
    assert value(estimates, "pooled", "sensitivity") == pytest.approx(metrics.recall_score(labels, called))
    assert estimates.filter(finding="pooled", metric="auroc").is_empty()


def test_every_interval_holds_its_value_and_says_how_it_was_made(estimates: pl.DataFrame) -> None:
    assert ((estimates["low"] <= estimates["value"]) & (estimates["value"] <= estimates["high"])).all()
    methods = {metric: set(rows["method"]) for (metric,), rows in estimates.group_by("metric")}
    assert methods["auroc"] == {"bootstrap", "obuchowski", "delong"}
    assert methods["sensitivity"] == {"bootstrap", "wilson"}
    assert methods["dor"] == {"bootstrap", "log"}
    assert methods["f1"] == {"bootstrap"}


def test_the_counts_of_the_folds_add_up_to_the_estimates(evaluation: Evaluation, estimates: pl.DataFrame) -> None:
    table = thresholds_table(evaluation)
    assert table["fold"].unique().sort().to_list() == [0, 1]
    totals = table.group_by("finding").agg(pl.col("tp", "fp", "fn", "tn").sum())
    for row in totals.iter_rows(named=True):
        assert row["tp"] + row["fp"] + row["fn"] + row["tn"] == len(evaluation.scores)
        sensitivity = row["tp"] / (row["tp"] + row["fn"])
        assert value(estimates, row["finding"], "sensitivity") == pytest.approx(sensitivity)


def test_a_finding_without_positives_is_empty_and_says_why(evaluation: Evaluation) -> None:
    from overread.analyses.evaluation import evaluate
    from overread.analyses.options import Options
    from overread.records.study import Study

    labels = evaluation.labels.copy()
    labels[:, 1] = 0
    of = made_study(evaluation, labels)
    assert isinstance(of, Study)
    judged = evaluate(of, "strong", Options(replicates=100), evaluation.bootstrap)
    table = estimates_table([*discrimination_rows(judged), *operating_point_rows(judged)])
    empty = table.filter(finding="Mass", metric="auroc", method="bootstrap").row(0, named=True)
    assert (empty["value"], empty["note"]) == (None, "no positive image")
    threshold = thresholds_table(judged).filter(finding="Mass")
    assert threshold["threshold"].null_count() == threshold["tp"].null_count() == 2
    mean = table.filter(finding="mean", metric="auroc").row(0, named=True)
    assert mean["value"] is not None
    assert "Mass" in mean["note"]


def made_study(evaluation: Evaluation, labels: np.ndarray) -> object:
    from overread.records.cohort import cohort_from_frame
    from overread.records.reading import reading_from_frame
    from overread.records.study import study

    image = [f"{row:05d}.png" for row in range(len(labels))]
    columns = {finding: labels[:, column] for column, finding in enumerate(evaluation.findings)}
    truth = pl.DataFrame({"image": image, "patient": [f"{code:05d}" for code in evaluation.patients]} | columns)
    scores = {finding: evaluation.scores[:, column] for column, finding in enumerate(evaluation.findings)}
    reading = reading_from_frame(pl.DataFrame({"image": image} | scores), name="strong")
    return study(cohort_from_frame(truth), [reading])


def test_curves_run_from_corner_to_corner(evaluation: Evaluation) -> None:
    table = curves(evaluation)
    for (_, curve), points in table.group_by("finding", "curve"):
        assert len(points) <= 150
        if curve == "roc":
            assert points.select("x", "y").row(0) == (0.0, 0.0)
            assert points.select("x", "y").row(-1) == (1.0, 1.0)


def test_thinning_keeps_both_ends() -> None:
    x = np.linspace(0, 1, 5000)
    kept = thinned(x, x**2)
    assert (kept[0], kept[-1]) == (0, 4999)
    assert len(kept) <= 150


def test_the_mean_auroc_of_the_zech_reading(zech: Evaluation) -> None:
    table = estimates_table(discrimination_rows(zech))
    assert value(table, "mean", "auroc") == pytest.approx(0.8383, abs=5e-5)  # issue 2; scikit-learn gives the same
