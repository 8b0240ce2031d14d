"""Disagreement against scikit-learn and counting by hand, and what must hold when the readers change places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata
from sklearn.metrics import cohen_kappa_score

from overread.analyses.comparison import Pair, comparisons
from overread.analyses.disagreement import (
    LARGEST,
    PER_FINDING,
    RECLASSIFICATION,
    TABLE,
    Disagreements,
    disagreements,
    furthest,
)
from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.records.study import Study
from overread.stats.resampling import PatientBootstrap


@pytest.fixture(scope="module")
def images(matched: Study) -> pl.Series:
    return matched.cohort.images.gather(matched.rows)


@pytest.fixture(scope="module")
def pair(matched: Study, evaluation: Evaluation) -> Pair:
    """The strong reader, and one that sees the same labels through noise of its own."""
    noise = np.random.default_rng(3).normal(size=matched.labels.shape)
    scores = 1 / (1 + np.exp(1.5 - matched.labels - noise))
    both = replace(matched, scores=matched.scores | {"other": scores})
    return Pair(evaluation, evaluate(both, "other", Options(replicates=400), evaluation.bootstrap))


@pytest.fixture(scope="module")
def apart(pair: Pair, images: pl.Series) -> Disagreements:
    return disagreements([pair], images)


def test_counts_and_kappa_are_those_of_scikit_learn(pair: Pair, apart: Disagreements) -> None:
    for column, finding in enumerate(pair.a.findings):
        row = apart.table.row(by_predicate=pl.col("finding") == finding, named=True)
        a, b, ill = pair.a.called[:, column], pair.b.called[:, column], pair.a.labels[:, column] == 1
        assert row["n_both"] == (a & b).sum()
        assert row["n_only_a"] == (a & ~b).sum()
        assert row["n_only_b"] == (~a & b).sum()
        assert row["n_neither"] == (~a & ~b).sum()
        assert (row["n_images"], row["n_positive"]) == (len(a), ill.sum())
        assert (row["n_ill_only_a"], row["n_ill_only_b"]) == ((a & ~b & ill).sum(), (~a & b & ill).sum())
        assert row["share_ill_only_a"] == pytest.approx(ill[a & ~b].mean())
        assert row["share_ill_only_b"] == pytest.approx(ill[~a & b].mean())
        assert row["kappa"] == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
        for what in ("share_ill_only_a", "share_ill_only_b", "kappa"):
            assert row[f"{what}_low"] < row[what] < row[f"{what}_high"]


def test_intervals_are_those_of_patients_drawn_one_by_one(pair: Pair, apart: Disagreements) -> None:
    """The same draws, as lists of rows, with scikit-learn's kappa."""
    rows_of = [np.flatnonzero(pair.a.patients == patient) for patient in range(pair.a.bootstrap.n_patients)]
    kappas, shares = [], []
    for replicate in range(400):
        times = pair.a.bootstrap.weights(replicate // 64)[:, replicate % 64]
        rows = np.concatenate([np.tile(rows_of[patient], n) for patient, n in enumerate(times)])
        a, b = pair.a.called[rows, 0], pair.b.called[rows, 0]
        kappas.append(cohen_kappa_score(a, b))
        shares.append((pair.a.labels[rows, 0][a & ~b] == 1).mean())
    row = apart.table.row(0, named=True)
    for what, drawn in (("kappa", kappas), ("share_ill_only_a", shares)):
        bounds = np.quantile(drawn, [0.025, 0.975])
        assert (row[f"{what}_low"], row[f"{what}_high"]) == pytest.approx(tuple(bounds))


def test_pooled_rows_add_up_the_findings(apart: Disagreements) -> None:
    pooled = apart.table.filter(finding="pooled")
    findings = apart.table.filter(pl.col("finding") != "pooled")
    for count in ("n_images", "n_positive", "n_both", "n_only_a", "n_only_b", "n_neither", "n_ill_only_a"):
        assert pooled[count].item() == findings[count].sum()
    assert pooled["share_ill_only_a"].item() == findings["n_ill_only_a"].sum() / findings["n_only_a"].sum()
    assert pooled["kappa"].item() is None
    assert "kappa is not pooled" in pooled["note"].item()


def test_net_reclassification_is_the_difference_in_sensitivity_and_in_specificity(
    pair: Pair, apart: Disagreements
) -> None:
    tests = comparisons([pair]).filter(pl.col("method") == "bootstrap")
    for label, metric in (("ill", "sensitivity"), ("healthy", "specificity")):
        moved = apart.reclassification.filter(label=label)
        for row in moved.iter_rows(named=True):
            test = tests.filter(metric=metric, finding=row["finding"])
            for cell, other in (("net", "difference"), ("low", "low"), ("high", "high")):
                assert row[cell] == pytest.approx(test[other].item(), abs=1e-12)
            up, down = row["n_only_a"], row["n_only_b"]
            assert row["net"] == pytest.approx((up - down if label == "ill" else down - up) / row["n_images"])


def test_the_two_labels_add_up_to_all_images(apart: Disagreements) -> None:
    counts = ["n_images", "n_both", "n_only_a", "n_only_b", "n_neither"]
    added = apart.reclassification.group_by("finding", maintain_order=True).agg(pl.col(counts).sum())
    assert added.equals(apart.table.select("finding", *counts))


def test_readers_that_change_places_change_their_columns(pair: Pair, images: pl.Series, apart: Disagreements) -> None:
    swapped = disagreements([Pair(pair.b, pair.a)], images)

    def mirrored(table: pl.DataFrame) -> pl.DataFrame:
        names = {name: name.replace("_a", "_#").replace("_b", "_a").replace("_#", "_b") for name in table.columns}
        kept = {name: other for name, other in names.items() if other in table.columns and "_both" not in name}
        return table.rename(kept).select(table.columns)

    for table, other in ((apart.table, swapped.table), (apart.largest, swapped.largest)):
        back = mirrored(other)
        if "higher" in back.columns:
            back = back.with_columns(pl.col("higher").replace({"a": "b", "b": "a"}))
            back = back.sort(pl.col("finding").replace_strict(pair.a.findings, range(3)), "higher", "place")
        assert back.drop("note", strict=False).equals(table.drop("note", strict=False))
    nets = mirrored(swapped.reclassification).with_columns(-pl.col("net", "low", "high"))
    nets = nets.rename({"low": "high", "high": "low"}).select(apart.reclassification.columns)
    assert nets.drop("low", "high").equals(apart.reclassification.drop("low", "high"))
    np.testing.assert_allclose(nets["low"], apart.reclassification["low"], atol=1e-12)


def test_a_reader_beside_itself_disagrees_nowhere(pair: Pair, images: pl.Series) -> None:
    same = disagreements([Pair(pair.a, pair.a)], images)
    assert same.table["n_only_a"].sum() == same.table["n_only_b"].sum() == 0
    assert same.table["kappa"].head(3).to_list() == [1.0, 1.0, 1.0]
    assert "no image is called by a alone; no image is called by b alone" in same.table["note"][0]
    assert same.table["share_ill_only_a"].null_count() == 4
    assert same.reclassification["net"].to_list() == [0.0] * 8
    assert same.largest.is_empty()


def test_the_largest_disagreements_are_those_of_ranks(pair: Pair, images: pl.Series, apart: Disagreements) -> None:
    patient_of = dict(zip(images, pair.a.patients.tolist(), strict=True))
    for column, finding in enumerate(pair.a.findings):
        a, b = (100 * (rankdata(each.scores[:, column]) - 0.5) / len(images) for each in (pair.a, pair.b))
        for higher, distance in (("a", a - b), ("b", b - a)):
            shown = apart.largest.filter(finding=finding, higher=higher)
            assert shown["place"].to_list() == list(range(1, PER_FINDING + 1))
            patients = [patient_of[image] for image in shown["image"]]
            assert len(set(patients)) == PER_FINDING
            rows = [images.to_list().index(image) for image in shown["image"]]
            np.testing.assert_allclose(shown["percentile_a"], a[rows], atol=1e-9)
            np.testing.assert_allclose(shown["percentile_b"], b[rows], atol=1e-9)
            assert distance[rows[0]] == pytest.approx(distance.max())
            assert np.all(np.diff(distance[rows]) <= 1e-9)
            others = [row for row in range(len(images)) if pair.a.patients[row] not in patients]
            assert distance[others].max() <= distance[rows[-1]] + 1e-9
            assert shown["score_a"].to_list() == pair.a.scores[rows, column].tolist()
            assert shown["called_b"].to_list() == pair.b.called[rows, column].tolist()
            assert shown["label"].to_list() == pair.a.labels[rows, column].tolist()


def test_scores_on_another_scale_move_no_rank(pair: Pair, images: pl.Series, apart: Disagreements) -> None:
    other = replace(pair.a, scores=pair.a.scores**3)
    moved = disagreements([Pair(other, pair.b)], images).largest
    assert moved.drop("score_a").equals(apart.largest.drop("score_a"))


def test_furthest_takes_one_image_of_each_patient_and_none_that_is_not_above() -> None:
    distance = np.array([5.0, 9.0, 7.0, 7.0, 0.0, -3.0])
    assert furthest(distance, np.array([0, 1, 1, 2, 3, 4]), 5).tolist() == [1, 3, 0]
    assert furthest(distance, np.array([0, 1, 1, 2, 3, 4]), 2).tolist() == [1, 3]
    assert furthest(np.zeros(3), np.arange(3), 2).tolist() == []
    assert furthest(np.zeros(0), np.arange(0), 2).tolist() == []
    # The hundred largest are of one patient, all of a size: the first of them, and then the next patient.
    distance = np.append(np.arange(50.0), np.full(100, 99.0))
    assert furthest(distance, np.append(np.arange(1, 51), np.zeros(100, int)), 2).tolist() == [50, 49]


def test_many_findings_share_the_images_that_a_person_can_read(pair: Pair, images: pl.Series) -> None:
    def wide(each: Evaluation) -> Evaluation:
        thresholds = replace(each.thresholds, values=np.tile(each.thresholds.values, 20))
        arrays = {name: np.tile(getattr(each, name), (1, 20)) for name in ("scores", "labels", "called")}
        findings = tuple(f"{finding} {k}" for k in range(20) for finding in each.findings)
        return replace(each, findings=findings, thresholds=thresholds, **arrays)

    far = disagreements([Pair(wide(pair.a), wide(pair.b))], images).largest
    assert len(far) == 60 * 2


def test_missing_labels_and_missing_thresholds_take_no_part(pair: Pair, images: pl.Series) -> None:
    labels = pair.a.labels.copy()
    labels[::2, 0] = -1
    values = pair.b.thresholds.values.copy()
    values[0, 1] = np.nan
    thresholds = replace(pair.b.thresholds, values=values)
    a = replace(pair.a, labels=labels)
    b = replace(pair.b, labels=labels, thresholds=thresholds)
    found = disagreements([Pair(a, b)], images)
    first, second = found.table.row(0, named=True), found.table.row(1, named=True)
    assessed = labels[:, 0] >= 0
    assert first["n_images"] == assessed.sum()
    assert first["kappa"] == pytest.approx(cohen_kappa_score(a.called[assessed, 0], b.called[assessed, 0]))
    assert second["note"] == "no threshold in one reading or both"
    assert second["n_only_a"] is second["kappa"] is None
    assert "not defined for" in found.table.filter(finding="pooled")["note"].item()
    listed = found.largest.filter(finding=pair.a.findings[0])["image"]
    assert set(listed) <= set(images.filter(pl.Series(assessed)))
    assert found.largest.filter(finding=pair.a.findings[1])["called_b"].null_count() == 2 * PER_FINDING
    assert found.reclassification.filter(finding=pair.a.findings[1])["net"].null_count() == 2


def test_what_cannot_be_computed_is_said(pair: Pair, images: pl.Series) -> None:
    labels = np.zeros_like(pair.a.labels)
    nobody = np.zeros_like(pair.a.called)
    empty = [replace(each, labels=labels, called=nobody) for each in (pair.a, pair.b)]
    found = disagreements([Pair(*empty)], images)
    assert found.table["kappa"].null_count() == 4
    assert "both call all images, or both none" in found.table["note"][0]
    ill = found.reclassification.filter(label="ill")
    assert ill["net"].null_count() == 4
    assert ill["note"].to_list() == ["no ill image"] * 4


def test_no_pair_gives_tables_with_the_same_columns(images: pl.Series) -> None:
    found = disagreements([], images)
    for table, schema in ((found.table, TABLE), (found.reclassification, RECLASSIFICATION), (found.largest, LARGEST)):
        assert table.schema == pl.Schema(schema)
        assert table.is_empty()


def test_names_that_do_not_fit_the_images_are_refused(pair: Pair, images: pl.Series) -> None:
    with pytest.raises(ValueError, match="images must name every reported image"):
        disagreements([pair], images[:-1])


def test_the_real_readings_agree_moderately(zech_study: Study) -> None:
    options = Options(split="all", replicates=200)
    bootstrap = PatientBootstrap(zech_study.patients, replicates=200)
    pair = Pair(*(evaluate(zech_study, name, options, bootstrap) for name in ("zech", "lr033")))
    found = disagreements([pair], zech_study.cohort.images.gather(zech_study.rows))
    for column in (0, 13):
        expected = cohen_kappa_score(pair.a.called[:, column], pair.b.called[:, column])
        assert found.table["kappa"][column] == pytest.approx(expected, abs=1e-12)
    assert found.table.filter(finding="pooled")["n_images"].item() == 22_433 * 14
    assert len(found.largest) == 14 * 2 * PER_FINDING
