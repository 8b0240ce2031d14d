"""Operating points are never chosen on the rows that are reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from overread.analyses.evaluation import CROSS_FITTED, GIVEN, TUNING, choose_thresholds, evaluate
from overread.analyses.options import Options
from overread.records.errors import InputError
from overread.records.study import Study, Tuning
from overread.stats.operating_points import METRICS
from overread.stats.resampling import PatientBootstrap


def youden_by_scikit_learn(labels: np.ndarray, scores: np.ndarray) -> float:
    """The lowest observed score among those with the largest Youden index."""
    fpr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    index = tpr - fpr
    return float(thresholds[np.flatnonzero(np.isclose(index, index.max(), atol=1e-12))[-1]])


def test_cross_fitted_thresholds_come_from_the_other_fold(matched: Study) -> None:
    thresholds = choose_thresholds(matched, "strong", Options())
    assert thresholds.chosen_on == CROSS_FITTED
    scores = matched.scores["strong"]
    for fold in (0, 1):
        other = thresholds.fold != fold
        for column in range(len(matched.findings)):
            expected = youden_by_scikit_learn(matched.labels[other, column], scores[other, column])
            assert thresholds.values[fold, column] == expected


def test_a_change_of_labels_in_one_fold_leaves_its_own_threshold_alone(matched: Study) -> None:
    before = choose_thresholds(matched, "strong", Options())
    labels = matched.labels.copy()
    labels[before.fold == 0] = 1 - labels[before.fold == 0]
    after = choose_thresholds(replace(matched, labels=labels), "strong", Options())
    np.testing.assert_array_equal(after.values[0], before.values[0])
    assert (after.values[1] != before.values[1]).any()


def test_a_patient_lies_in_one_fold(matched: Study) -> None:
    fold = choose_thresholds(matched, "strong", Options()).fold
    for patient in np.unique(matched.patients):
        assert len(set(fold[matched.patients == patient])) == 1


def test_tuning_rows_choose_where_there_are_any(matched: Study) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (60, 3)).astype(np.int8)
    scores = rng.random((60, 3))
    tuning = Tuning(rows=np.arange(60), labels=labels, patients=np.arange(60), scores={"strong": scores})
    thresholds = choose_thresholds(replace(matched, tuning=tuning), "strong", Options())
    assert thresholds.chosen_on == TUNING
    expected = [youden_by_scikit_learn(labels[:, column], scores[:, column]) for column in range(3)]
    assert thresholds.values.tolist() == [expected]


def test_a_fixed_threshold_and_a_table_of_them(matched: Study) -> None:
    fixed = choose_thresholds(matched, "strong", Options(operating_point="fixed=0.3"))
    assert (fixed.chosen_on, fixed.values.tolist()) == (GIVEN, [[0.3, 0.3, 0.3]])
    table = {"edema": 0.1, "EFFUSION": 0.2, "Mass": 0.3}
    given = choose_thresholds(matched, "strong", Options(operating_point=table))
    assert dict(zip(matched.findings, given.values[0], strict=True)) == {"Effusion": 0.2, "Mass": 0.3, "Edema": 0.1}


def test_a_table_that_lacks_a_finding_is_refused_by_name(matched: Study) -> None:
    with pytest.raises(InputError, match="no threshold for Mass, Edema"):
        choose_thresholds(matched, "strong", Options(operating_point={"Effusion": 0.2}))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"level": 1.0}, "level must lie in"),
        ({"replicates": 10}, "replicates must be 100 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"prevalence": {"Mass": 1.5}}, "prevalence of Mass"),
        ({"operating_point": "best"}, "operating point"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Options(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rule", "metric"), [("youden", "sensitivity"), ("sensitivity=0.8", "specificity")])
def test_thresholds_chosen_anew_widen_the_intervals_and_leave_the_values(
    matched: Study, rule: str, metric: str
) -> None:
    bootstrap = PatientBootstrap(matched.patients, replicates=300, seed=0)
    held, anew = (
        evaluate(matched, "strong", Options(operating_point=rule, rechoose=rechoose), bootstrap)
        for rechoose in (False, True)
    )
    np.testing.assert_array_equal(held.counts.tp, anew.counts.tp)
    spread = [METRICS[metric](each.replicate_counts).std(axis=0).mean() for each in (held, anew)]
    assert spread[1] > 1.1 * spread[0]


def test_tuning_rows_are_resampled_where_thresholds_are_chosen_anew(matched: Study) -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((200, 3)) < 0.3).astype(np.int8)
    scores = np.clip(rng.normal(0.3 + 0.2 * labels, 0.15), 0, 1)
    tuning = Tuning(rows=np.arange(200), labels=labels, patients=np.arange(200), scores={"strong": scores})
    bootstrap = PatientBootstrap(matched.patients, replicates=200, seed=0)
    anew = evaluate(replace(matched, tuning=tuning), "strong", Options(rechoose=True, replicates=200), bootstrap)
    assert anew.thresholds.chosen_on == TUNING
    assert np.isfinite(METRICS["sensitivity"](anew.replicate_counts)).all()


def test_each_reading_is_tuned_on_its_own_rows_where_they_differ(matched: Study) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (60, 3)).astype(np.int8)
    own = {"strong": np.arange(60) < 40, "weak": np.arange(60) >= 20}
    scores = {name: np.where(mask[:, None], rng.random((60, 3)), np.nan) for name, mask in own.items()}
    tuning = Tuning(rows=np.arange(60), labels=labels, patients=np.arange(60) // 2, scores=scores, own=own)
    tuned = replace(matched, tuning=tuning)
    for name, mask in own.items():
        found = choose_thresholds(tuned, name, Options())
        expected = [youden_by_scikit_learn(labels[mask, column], scores[name][mask, column]) for column in range(3)]
        assert found.values.tolist() == [expected]
        bootstrap = PatientBootstrap(matched.patients, replicates=100, seed=0)
        counts = evaluate(tuned, name, Options(replicates=100, rechoose=True), bootstrap).replicate_counts
        assert np.isfinite(counts.tp).all()
