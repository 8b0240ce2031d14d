"""The parts of an AUROC by stratum: they add up, and leaning on an attribute shows as the difference to balanced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from overread.analyses.attributes import Partition, partitions
from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.analyses.strata import BALANCED, PARTS, Sources, sources
from overread.analyses.stratification import stratify
from overread.records.cohort import cohort_from_frame
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study
from overread.stats.resampling import PatientBootstrap


@pytest.fixture(scope="module")
def by_age(matched: Study, evaluation: Evaluation) -> Sources:
    return sources(stratify(evaluation, partitions(matched, ["age"])[0]))


def test_contributions_add_up_to_the_auroc(evaluation: Evaluation, by_age: Sources) -> None:
    assert dict(by_age.parts.schema) == PARTS
    for column, finding in enumerate(evaluation.findings):
        rows = by_age.parts.filter(finding=finding)
        total = roc_auc_score(evaluation.labels[:, column], evaluation.scores[:, column])
        assert rows["contribution"].sum() == pytest.approx(total, abs=1e-12)
        assert rows["share"].sum() == pytest.approx(1, abs=1e-12)
        assert by_age.balanced.filter(finding=finding)["auroc"][0] == pytest.approx(total, abs=1e-12)


def test_balanced_is_of_pairs_of_two_patients_within_strata(
    matched: Study, evaluation: Evaluation, by_age: Sources
) -> None:
    assert dict(by_age.balanced.schema) == BALANCED
    stratum, patients = partitions(matched, ["age"])[0].of_row, evaluation.patients
    for column, finding in enumerate(evaluation.findings):
        labels, scores = evaluation.labels[:, column], evaluation.scores[:, column]
        ill, healthy = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
        two = patients[ill][:, None] != patients[healthy]
        right, alike = scores[ill][:, None] > scores[healthy], stratum[ill][:, None] == stratum[healthy]
        row = by_age.balanced.filter(finding=finding).row(0, named=True)
        assert row["apart"] == pytest.approx(right[two].mean())
        assert row["balanced"] == pytest.approx(right[two & alike].mean())
        assert row["share_within"] == pytest.approx(alike[two].mean())
        within = by_age.parts.filter(pl.col("ill") == pl.col("healthy"), finding=finding).drop_nulls("auroc")
        assert row["adjusted"] == pytest.approx(np.average(within["auroc"], weights=within["n_ill"]))
        assert row["low"] <= row["balanced"] <= row["high"]
        assert row["difference"] == pytest.approx(row["apart"] - row["balanced"])
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]


def test_pairs_of_one_patient_do_not_pass_for_what_an_attribute_gave_away() -> None:
    """A reading sees how ill a patient is and not which image shows it; the ward is dealt to patients at random."""
    shown = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        patient = np.repeat(np.arange(120), 20)
        chance, ward = rng.random(120)[patient], rng.integers(0, 8, 120)[patient]
        ill = (rng.random(len(patient)) < chance).astype(int)
        score = 1 / (1 + np.exp(-(3 * chance - 1.5 + rng.normal(size=len(patient)))))
        image = [f"{row:05d}.png" for row in range(len(patient))]
        cohort = cohort_from_frame({"image": image, "patient": patient.astype(str), "Mass": ill}, findings=["Mass"])
        found = study(cohort, [reading_from_frame({"image": image, "Mass": score}, name="r")])
        bootstrap = PatientBootstrap(found.patients, replicates=200, seed=0)
        judged = evaluate(found, "r", Options(replicates=200), bootstrap)
        table = sources(stratify(judged, Partition("ward", tuple("abcdefgh"), ward))).balanced
        shown += table["difference_low"][0] > 0
    assert shown <= 1  # of all pairs, 4 of 6 would have been said to be beyond chance


def test_the_mean_row_is_the_mean_of_the_findings(by_age: Sources) -> None:
    each, mean = by_age.balanced.filter(pl.col("finding") != "mean"), by_age.balanced.filter(finding="mean")
    for name in ("auroc", "apart", "balanced", "adjusted", "difference", "share_within"):
        assert mean[name][0] == pytest.approx(each[name].mean())


def test_an_empty_part_says_so(evaluation: Evaluation) -> None:
    ill = evaluation.labels[:, 0] == 1
    of_row = np.where(ill, 0, np.arange(len(ill)) % 2)  # no image with Effusion is in the second ward
    found = sources(stratify(evaluation, Partition("ward", ("a", "b"), of_row)))
    rows = found.parts.filter(finding="Effusion", ill="b")
    assert rows["auroc"].is_null().all()
    assert rows["contribution"].to_list() == [0.0, 0.0]
    assert rows["note"].to_list() == ["no pair", "no pair"]


def test_without_a_pair_within_strata_there_is_no_balanced_auroc(evaluation: Evaluation) -> None:
    of_row = (evaluation.labels[:, 0] == 1).astype(np.int64)
    found = sources(stratify(evaluation, Partition("ward", ("a", "b"), of_row)))
    row = found.balanced.filter(finding="Effusion").row(0, named=True)
    assert (row["balanced"], row["low"], row["difference"]) == (None, None, None)
    assert row["note"] == "no pair within a stratum"
    assert "none for Effusion" in found.balanced.filter(finding="mean")["note"][0]


def leaning(seed: int, evaluation: Evaluation, *, lean: float) -> pl.DataFrame:
    """Judge scores of a finding that comes with a ward, which lean on the ward by a known amount."""
    rng = np.random.default_rng(seed)
    patients = evaluation.patients
    ward = rng.integers(0, 2, patients.max() + 1)[patients]
    labels = (rng.random(evaluation.labels.shape) < np.where(ward == 1, 0.4, 0.1)[:, None]).astype(np.int8)
    scores = 1 / (1 + np.exp(-(labels + lean * ward[:, None] + rng.normal(size=labels.shape))))
    made_up = replace(evaluation, labels=labels, scores=scores)
    return sources(stratify(made_up, Partition("ward", ("a", "b"), ward))).balanced


@pytest.mark.slow
def test_leaning_on_an_attribute_is_found_and_not_leaning_is_not(evaluation: Evaluation) -> None:
    found = {lean: [leaning(seed, evaluation, lean=lean) for seed in range(100)] for lean in (0.0, 1.0)}
    low = {lean: [each.filter(finding="mean")["difference_low"][0] for each in found[lean]] for lean in found}
    assert sum(bound > 0 for bound in low[1.0]) >= 95
    assert sum(bound > 0 for bound in low[0.0]) <= 5  # 2.5 expected


def test_edema_in_the_zech_reading_comes_from_the_view(zech_study: Study, zech: Evaluation) -> None:
    found = sources(stratify(zech, partitions(zech_study, ["view"])[0]))
    row = found.balanced.filter(finding="Edema").row(0, named=True)
    assert row["auroc"] == pytest.approx(0.8945, abs=5e-5)
    assert row["balanced"] == pytest.approx(0.8370, abs=5e-5)
    across = found.parts.filter(finding="Edema", ill="AP", healthy="PA").row(0, named=True)
    assert across["share"] == pytest.approx(0.5174, abs=5e-5)
    assert across["auroc"] == pytest.approx(0.9778, abs=5e-5)
    sums = found.parts.group_by("finding").agg(pl.col("contribution").sum()).join(found.balanced, on="finding")
    np.testing.assert_allclose(sums["contribution"], sums["auroc"], rtol=0, atol=1e-12)
