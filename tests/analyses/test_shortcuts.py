"""Shortcuts: skill above floors, and positives that a tag or the past gives away, planted and not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import recall_score, roc_auc_score
from statsmodels.stats.multitest import multipletests

from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.analyses.shortcuts import (
    FLOORS,
    POSITIVES,
    Floor,
    Kinds,
    floors,
    history_floor,
    later_or_first,
    positives,
    tagged,
    tags,
)
from overread.records.cohort import cohort_from_frame
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study
from overread.stats.resampling import PatientBootstrap


def test_skill_is_the_way_gone_from_the_floor_to_1(matched: Study, evaluation: Evaluation) -> None:
    weak = matched.scores["weak"]
    table = floors(evaluation, [Floor.of_scores("weak", matched, weak, evaluation.bootstrap)])
    assert dict(table.schema) == FLOORS
    for column, finding in enumerate(evaluation.findings):
        row = table.filter(finding=finding).row(0, named=True)
        labels = evaluation.labels[:, column]
        area, floor = roc_auc_score(labels, evaluation.scores[:, column]), roc_auc_score(labels, weak[:, column])
        assert row["auroc"] == pytest.approx(area)
        assert row["floor_auroc"] == pytest.approx(floor)
        assert row["skill"] == pytest.approx((area - floor) / (1 - floor))
        assert row["low"] <= row["skill"] <= row["high"]
    each, mean = table.filter(pl.col("finding") != "mean"), table.filter(finding="mean").row(0, named=True)
    assert mean["skill"] == pytest.approx(
        (each["auroc"].mean() - each["floor_auroc"].mean()) / (1 - each["floor_auroc"].mean())
    )


def test_a_reading_has_no_skill_above_itself_and_none_above_perfection(matched: Study, evaluation: Evaluation) -> None:
    table = floors(evaluation, [Floor.of(evaluation)])
    assert table["skill"].to_list() == pytest.approx([0] * 4)
    perfect = Floor.of_scores("perfect", matched, matched.labels.astype(float), evaluation.bootstrap)
    table = floors(evaluation, [perfect])
    assert table["skill"].is_null().all()
    assert (table["note"] == "the floor orders every pair rightly").all()


def marks(evaluation: Evaluation, seed: int = 0) -> Kinds:
    of = np.random.default_rng(seed).choice(np.array([-1, 0, 1], np.int8), evaluation.labels.shape)
    return Kinds("drain", "drain = 1", "drain = 0", of)


def test_each_kind_is_scikit_learns_against_all_negatives(evaluation: Evaluation) -> None:
    kinds = marks(evaluation)
    table = positives(evaluation, kinds)
    assert dict(table.schema) == POSITIVES
    for column, finding in enumerate(evaluation.findings):
        labels, scores = evaluation.labels[:, column], evaluation.scores[:, column]
        rows = {row["metric"]: row for row in table.filter(finding=finding).iter_rows(named=True)}
        for kind, name in ((1, "value_marked"), (0, "value_unmarked")):
            ill = (labels == 1) & (kinds.of[:, column] == kind)
            kept = ill | (labels == 0)
            assert rows["auroc"][name] == pytest.approx(roc_auc_score(labels[kept], scores[kept]))
            expected = recall_score(labels[ill], evaluation.called[ill, column])
            assert rows["sensitivity"][name] == pytest.approx(expected)
        assert rows["auroc"]["gap"] == pytest.approx(rows["auroc"]["value_marked"] - rows["auroc"]["value_unmarked"])
        assert rows["auroc"]["low"] <= rows["auroc"]["gap"] <= rows["auroc"]["high"]
        assert rows["auroc"]["n_negative"] == (labels == 0).sum()
        assert "patients with positives of both kinds" in rows["auroc_same_patients"]["note"]


def test_a_kind_without_positives_says_so(evaluation: Evaluation) -> None:
    none = replace(marks(evaluation), of=np.zeros(evaluation.labels.shape, np.int8))
    table = positives(evaluation, none)
    assert table["gap"].is_null().all()
    assert not table["flagged"].any()
    assert (table.filter(metric="auroc")["note"] == "no positive image of one kind").all()


def test_few_patients_of_a_kind_give_no_interval(evaluation: Evaluation) -> None:
    of = np.zeros(evaluation.labels.shape, np.int8)
    of[np.flatnonzero(evaluation.labels[:, 0] == 1)[:3], 0] = 1
    row = positives(evaluation, replace(marks(evaluation), of=of)).row(0, named=True)
    assert row["gap"] is not None
    assert (row["low"], row["p"]) == (None, None)
    assert "no interval" in row["note"]


def simulated(seed: int, *, drain: float, later: float) -> Study:
    """Return a study of readings that lean on a drain, or on disease seen before, by a known amount.

    Patients with many exams have clearer disease, whatever else.
    """
    rng = np.random.default_rng(seed)
    n_exams = rng.integers(1, 9, 500)
    patients = np.repeat(np.arange(500), n_exams)
    n = len(patients)
    number = np.concatenate([np.arange(k) for k in n_exams])
    labels = (rng.random((n, 2)) < 0.3).astype(int)
    tag = rng.random(n) < 0.4
    first_exam = np.full((500, 2), 99)
    np.minimum.at(first_exam, patients, np.where(labels == 1, number[:, None], 99))
    seen = number[:, None] > first_exam[patients]
    ease = 0.6 + 0.15 * n_exams[patients][:, None] + drain * tag[:, None] + later * seen
    scores = 1 / (1 + np.exp(-(labels * ease + rng.normal(size=(n, 2)))))
    image = [f"{row:05d}.png" for row in range(n)]
    columns = {"image": image, "patient": [f"{p:04d}" for p in patients], "follow_up": number, "drain": tag.astype(int)}
    truth = pl.DataFrame(columns | {"Mass": labels[:, 0], "Edema": labels[:, 1]})
    cohort = cohort_from_frame(truth, findings=["Mass", "Edema"])
    reading = pl.DataFrame({"image": image, "Mass": scores[:, 0], "Edema": scores[:, 1]})
    return study(cohort, [reading_from_frame(reading, name="r")])


def judged(of: Study, seed: int = 0) -> Evaluation:
    return evaluate(of, "r", Options(), PatientBootstrap(of.patients, replicates=300, seed=seed))


def test_tags_are_attributes_of_0_and_1() -> None:
    of = simulated(0, drain=0, later=0)
    assert tags(of) == ("drain",)
    kinds = tagged(of, "drain")
    assert (kinds.marked, kinds.unmarked) == ("drain = 1", "drain = 0")
    np.testing.assert_array_equal(kinds.of[:, 1], of.attribute("drain").to_numpy())


def test_history_is_a_floor_and_a_split_of_the_positives(matched: Study) -> None:
    of = simulated(0, drain=0, later=0)
    floor = history_floor(of, PatientBootstrap(of.patients, replicates=100))
    assert floor is not None
    assert floor.name == "history"
    kinds = later_or_first(of)
    assert kinds is not None
    carried = of.labels[:, 0] == 1
    first = carried & (kinds.of[:, 0] == 0)
    assert np.bincount(of.patients[first], minlength=of.n_patients).max() == 1
    assert first.sum() == len(np.unique(of.patients[carried]))
    assert history_floor(matched, PatientBootstrap(matched.patients, replicates=100)) is None
    assert later_or_first(matched) is None


def test_p_of_a_tag_is_adjusted_over_findings_and_metrics(evaluation: Evaluation) -> None:
    for split_by, families in (("drain", ["split_by"]), ("history", ["metric"])):
        table = positives(evaluation, replace(marks(evaluation), split_by=split_by)).drop_nulls("p")
        for _, own in table.group_by(families):
            np.testing.assert_allclose(own["p_adjusted"], multipletests(own["p"], method="holm")[1], rtol=1e-12)


@pytest.mark.slow
def test_a_planted_shortcut_is_flagged_and_an_absent_one_is_not() -> None:
    flags = {"drain": [0, 0], "history": [0, 0]}
    for seed in range(100):
        for planted in (0, 1):
            of = simulated(seed, drain=planted, later=planted)
            evaluation = judged(of, seed)
            later = later_or_first(of)
            assert later is not None
            for name, kinds in (("drain", tagged(of, "drain")), ("history", later)):
                flags[name][planted] += positives(evaluation, kinds)["flagged"].any()  # of any finding and metric
    assert flags["drain"][1] >= 95
    assert flags["history"][1] >= 95
    assert flags["drain"][0] <= 5
    assert flags["history"][0] <= 5


def test_first_against_later_on_the_zech_reading(zech_study: Study, zech: Evaluation) -> None:
    kinds = later_or_first(zech_study)
    assert kinds is not None
    table = positives(zech, kinds)
    expected = {"Pneumothorax": (0.829, 0.897), "Infiltration": (0.604, 0.792)}
    for finding, (first, later) in expected.items():
        row = table.filter(finding=finding, metric="auroc").row(0, named=True)
        assert (row["value_unmarked"], row["value_marked"]) == pytest.approx((first, later), abs=5e-4)
    flagged = table.filter(pl.col("flagged"))
    assert flagged["finding"].to_list() == ["Infiltration"]  # within patients, the difference of the others is gone


def test_shuffling_the_exams_of_each_patient_leaves_no_difference_within_patients(
    zech_study: Study, zech: Evaluation
) -> None:
    table = zech_study.cohort.table
    order = np.random.default_rng(1).random(len(table))
    shuffled = replace(zech_study.cohort, table=table.with_columns(follow_up=pl.Series(order)))
    kinds = later_or_first(replace(zech_study, cohort=shuffled))
    assert kinds is not None
    rows = positives(zech, kinds)
    assert not rows["flagged"].any()
    within = rows.filter(metric="auroc_same_patients")["gap"].drop_nulls()
    assert abs(within.mean()) < 0.02  # type: ignore[arg-type,operator]
    assert rows.filter(metric="auroc")["gap"].mean() > 0.05  # type: ignore[operator]
