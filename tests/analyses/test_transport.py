"""A reading in another clinic: its own place gives its own numbers, weights by hand, what is lacking or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import precision_score

from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.analyses.second_reading import second_reading
from overread.analyses.transport import (
    FAILS,
    METRICS,
    Transport,
    at_stated,
    check_clinic,
    strata_of,
    to_mix,
    to_scores,
    transport,
)
from overread.records.clinic import Clinic, Mix, UnlabelledScores
from overread.records.cohort import Cohort, cohort_from_frame
from overread.records.errors import InputError
from overread.records.reading import Reading, reading_from_arrays, reading_from_frame
from overread.records.study import Study, study
from overread.stats.calibration import calibration_in_the_large
from overread.stats.resampling import PatientBootstrap
from overread.stats.transport import reweighted_intercept

READERS = ("strong", "weak")


def mix_of(of: Study, *attributes: str, tilt: float = 0.0) -> Mix:
    """Return the mix of a study's own images, tilted towards the strata that stand first."""
    values = pl.DataFrame([of.attribute(name).cast(pl.String).alias(name) for name in attributes])
    table = values.group_by(attributes).len().sort(attributes)
    shares = table["len"].to_numpy() * np.exp(-tilt * np.arange(len(table)))
    return Mix("clinic", attributes, tuple(table.select(attributes).rows()), shares / shares.sum())


def scores_of(of: Study, name: str, rows: NDArray[np.bool_]) -> UnlabelledScores:
    """Return some of a study's images as the scores of a clinic."""
    images = of.cohort.images.gather(of.rows).filter(pl.Series(rows)).to_list()
    reading = reading_from_arrays(of.scores[name][rows], images=images, findings=of.findings, name=name)
    return UnlabelledScores(reading, np.unique(of.patients[rows], return_inverse=True)[1].astype(np.int64))


def assert_own_numbers(of: Transport) -> None:
    assert of.table["value"].to_list() == pytest.approx(of.table["here"].to_list(), abs=1e-8)
    assert of.table["prevalence"].to_list() == pytest.approx(of.table["prevalence_here"].to_list(), abs=1e-9)
    assert of.table["effective_n"].to_list() == pytest.approx([of.checks["n_here"][0]] * len(of.table))
    assert (of.table["low"] <= of.table["value"]).all()
    assert (of.table["value"] <= of.table["high"]).all()


def test_the_own_mix_gives_back_the_own_numbers(evaluation: Evaluation, matched: Study) -> None:
    clinic = Clinic(mix_of(matched, "view", "gender"))
    found = transport(evaluation, matched, READERS, {}, clinic)
    assert len(found.table) == 3 * 8
    assert_own_numbers(found)


def test_the_own_prevalence_and_the_own_scores_give_back_the_own_numbers(
    evaluation: Evaluation, matched: Study
) -> None:
    own = dict(zip(evaluation.findings, (evaluation.n_positive / evaluation.n_images).tolist(), strict=True))
    assert_own_numbers(transport(evaluation, matched, READERS, own, Clinic()))
    everything = scores_of(matched, "strong", np.ones(matched.n_images, bool))
    found = transport(evaluation, matched, READERS, {}, Clinic(scores=(everything,)))
    assert_own_numbers(found)
    assert found.checks["holds"].all()
    assert found.checks["note"].str.contains("are among those reported here").all()


def test_a_stated_prevalence_by_hand(evaluation: Evaluation, matched: Study) -> None:
    found = transport(evaluation, matched, READERS, {"mass": 0.02}, Clinic())
    assert found.table["finding"].unique().to_list() == ["Mass"]
    assert found.checks.select("clinic", "check", "holds").rows() == [("prevalence", "none", None)]
    counts, drawn = evaluation.counts, evaluation.replicate_counts
    column = evaluation.findings.index("Mass")

    def ppv(tp: object, fp: object, fn: object, tn: object) -> object:
        tp, fp, fn, tn = (np.asarray(each)[..., column] for each in (tp, fp, fn, tn))
        sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
        return 0.02 * sensitivity / (0.02 * sensitivity + 0.98 * (1 - specificity))

    row = found.table.row(0, named=True)
    assert row["metric"] == "ppv"
    assert row["value"] == pytest.approx(ppv(*counts.arrays()))
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(ppv(*drawn.arrays()), [0.025, 0.975]))
    stays = found.table.filter(pl.col("metric").is_in(["sensitivity", "specificity"]))
    assert stays["value"].to_list() == stays["here"].to_list()


def test_replicates_of_a_mix_are_those_of_weighted_patients(evaluation: Evaluation, matched: Study) -> None:
    mix = mix_of(matched, "view", "gender", tilt=0.7)
    strata = strata_of(mix, matched)
    drawn = evaluation.bootstrap.weights(0)[:, 5][matched.patients].astype(float)
    shares = (mix.shares / np.bincount(strata, drawn))[strata]
    for column, there in enumerate(to_mix(evaluation, mix, strata)):
        labels, called = evaluation.labels[:, column], evaluation.called[:, column]
        expected = precision_score(labels, called, sample_weight=drawn * shares)
        assert METRICS["ppv"](there.drawn_counts)[5] == pytest.approx(expected, abs=1e-12)
        assert there.drawn_mean_score[5] == pytest.approx(np.sum(drawn * shares * evaluation.scores[:, column]))


def test_replicates_of_the_intercept_are_refits_to_first_order(evaluation: Evaluation, matched: Study) -> None:
    own = dict(zip(evaluation.findings, (evaluation.n_positive / evaluation.n_images).tolist(), strict=True))
    strata = strata_of(mix_of(matched, "view"), matched)
    ways = (list(at_stated(evaluation, own)), list(to_mix(evaluation, mix_of(matched, "view"), strata)))
    for groups, ways_there in ((evaluation.labels, ways[0]), (np.repeat(strata[:, None], 3, axis=1), ways[1])):
        refits = []
        for replicate in range(60):
            drawn = evaluation.bootstrap.weights(0)[:, replicate][matched.patients]
            rows = np.repeat(np.arange(len(drawn)), drawn)
            group = groups[:, 0].astype(int)
            shares = np.bincount(group) / len(group)
            again = evaluation.labels[rows, 0], evaluation.scores[rows, 0], group[rows]
            refits.append(reweighted_intercept(*again, shares).value)
        found = ways_there[0].drawn_intercept[:60]
        assert np.corrcoef(refits, found)[0, 1] > 0.98
        assert np.std(found) == pytest.approx(np.std(refits), rel=0.1)


def test_a_prevalence_of_zero_leaves_sensitivity_and_no_true_alarm(evaluation: Evaluation, matched: Study) -> None:
    lowest = matched.scores["strong"].min(axis=0, keepdims=True)
    names = [f"x{row}.png" for row in range(40)]
    reading = reading_from_arrays(np.repeat(lowest, 40, axis=0), images=names, findings=matched.findings, name="strong")
    found = transport(evaluation, matched, READERS, {}, Clinic(scores=(UnlabelledScores(reading),)))
    rows = {row["metric"]: row for row in found.table.filter(finding="Edema").iter_rows(named=True)}
    assert rows["ppv"]["prevalence"] == 0
    assert rows["ppv"]["value"] == 0
    assert rows["sensitivity"]["value"] == rows["sensitivity"]["here"]
    assert rows["false_positives_per_true_positive"]["value"] is None
    assert "no true positive" in rows["false_positives_per_true_positive"]["note"]
    assert "no finite intercept" in rows["calibration_intercept"]["note"]
    assert not found.checks["holds"].any()
    assert found.table["note"].str.contains(FAILS).all()


def test_a_stratum_that_the_cohort_lacks_empties_every_value(evaluation: Evaluation, matched: Study) -> None:
    there = matched.attribute("gender").to_numpy() != "M"
    kept = np.flatnonzero(there | (matched.attribute("view").to_numpy() == "PA"))
    few = replace(matched, rows=matched.rows[kept], labels=matched.labels[kept])
    few = replace(few, patients=np.unique(matched.patients[kept], return_inverse=True)[1])
    few = replace(few, scores={name: scores[kept] for name, scores in matched.scores.items()})
    judged = evaluate(few, "strong", Options(replicates=100), PatientBootstrap(few.patients, replicates=100))
    found = transport(judged, few, READERS, {}, Clinic(mix_of(matched, "view", "gender")))
    assert found.table["value"].null_count() == len(found.table)
    assert found.table["note"].str.contains("no image of 1 part of that clinic").all()
    assert not found.checks["holds"].any()
    assert found.checks["note"].str.contains(r"view AP, gender M").all()


def test_age_is_in_bands_and_letter_case_is_ignored(matched: Study) -> None:
    mix = Mix("clinic", ("Age", "GENDER"), (("61-80", "m"), ("over 80", "F")), np.array([0.5, 0.5]))
    strata = strata_of(mix, matched)
    age, gender = matched.attribute("age").to_numpy(), matched.attribute("gender").to_numpy()
    assert ((strata == 0) == ((age > 60) & (age <= 80) & (gender == "M"))).all()
    assert ((strata == 1) == ((age > 80) & (gender == "F"))).all()


@pytest.mark.parametrize(
    ("attributes", "values", "said"),
    [
        (("scanner",), (("A",),), "the cohort has no attribute scanner. Expected one of"),
        (("view",), (("LL",),), "no image of the cohort has view 'LL'. Expected one of AP, PA"),
        (("view", "View"), (("AP", "AP"),), "an attribute stands twice"),
    ],
)
def test_a_mix_that_does_not_fit_is_refused(
    matched: Study, attributes: tuple[str, ...], values: tuple[tuple[str, ...], ...], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        check_clinic(Clinic(Mix("clinic", attributes, values, np.ones(1))), matched)


def test_scores_that_do_not_fit_are_refused(matched: Study) -> None:
    other = reading_from_frame({"image": ["a.png"], "Hernia": [0.5]}, name="strong")
    with pytest.raises(InputError, match="no finding is common to the clinic's scores"):
        check_clinic(Clinic(scores=(UnlabelledScores(other),)), matched)
    with pytest.raises(InputError, match=r"the scores clinic are of no reading.*strong=PATH"):
        check_clinic(Clinic(scores=(UnlabelledScores(replace(other, name="clinic")),)), matched)


def test_every_reading_has_its_own_scores_of_the_clinic(
    cohort: Cohort, readings: list[Reading], matched: Study
) -> None:
    clinic = Clinic(mix_of(matched, "view"), (scores_of(matched, "weak", np.arange(matched.n_images) % 2 == 0),))
    options = Options(replicates=100, floor=False, clinic=clinic, prevalence={"Edema": 0.01})
    tables = second_reading(cohort, readings, options).tables
    found = tables["transport"].select("reading", "clinic").unique().sort("reading", "clinic").rows()
    assert found == [
        ("strong", "mix"), ("strong", "prevalence"), ("weak", "mix"), ("weak", "prevalence"), ("weak", "scores"),
    ]  # fmt: skip
    assert len(tables["transport_check"]) == 2 * (1 + 3) + 3


def test_nothing_said_of_a_clinic_gives_no_rows(evaluation: Evaluation, matched: Study) -> None:
    found = transport(evaluation, matched, READERS, {}, Clinic())
    assert found.table.is_empty()
    assert found.checks.is_empty()


# --- real readings ---------------------------------------------------------------------------------------------------


def test_the_official_test_list_s_mix_is_sample_weights(zech: Evaluation, zech_study: Study) -> None:
    test = zech_study.cohort.table.filter(pl.col("split") == "test").group_by("view", "gender").len().sort("len")
    mix = Mix(
        "official",
        ("view", "gender"),
        tuple(test.select("view", "gender").rows()),
        (test["len"] / test["len"].sum()).to_numpy(),
    )
    found = transport(zech, zech_study, ("zech", "lr033"), {}, Clinic(mix))
    strata = strata_of(mix, zech_study)
    weight = (mix.shares / np.bincount(strata))[strata]
    for column, row in enumerate(found.table.filter(metric="ppv").iter_rows(named=True)):
        expected = precision_score(zech.labels[:, column], zech.called[:, column], sample_weight=weight)
        assert row["value"] == pytest.approx(expected, abs=1e-12)
        assert row["effective_n"] == pytest.approx(19948.49, abs=0.01)
    assert found.table.filter(metric="alarm_rate", finding="Edema")["value"][0] == pytest.approx(0.335241, abs=1e-6)


def test_bedside_images_are_no_mixture_of_ill_and_healthy(zech: Evaluation, zech_study: Study) -> None:
    bedside = zech_study.attribute("view").to_numpy() == "AP"
    part = np.arange(len(bedside)) % 3 == 0
    shifts = dict(
        zip(zech.findings, (s for _, s in to_scores(zech, scores_of(zech_study, "zech", bedside))), strict=True)
    )
    assert max(shifts[finding].p for finding in ("Edema", "Fibrosis", "Hernia", "Effusion")) < 0.01
    fair = [shift.p for _, shift in to_scores(zech, scores_of(zech_study, "zech", part))]
    assert min(fair) > 0.05 / 14


# --- simulation ------------------------------------------------------------------------------------------------------

SEPARATION, THRESHOLD = 3.0, 1.5


def simulated(
    rng: np.random.Generator, alpha: float, beta: float, separation: float = SEPARATION, n_patients: int = 300
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Draw labels, scores and patients: prevalence alpha / (alpha + beta), differing between patients."""
    patients = np.repeat(np.arange(n_patients), rng.integers(1, 6, n_patients))
    labels = (rng.random(len(patients)) < rng.beta(alpha, beta, n_patients)[patients]).astype(np.int64)
    raw = separation * labels + rng.normal(size=n_patients)[patients] + rng.normal(size=len(patients))
    return labels, 1 / (1 + np.exp(-(raw - THRESHOLD))), patients


def judged(
    labels: NDArray[np.int64], scores: NDArray[np.float64], patients: NDArray[np.int64], seed: int, **more: object
) -> tuple[Evaluation, Study]:
    names = [f"{row:05d}" for row in range(len(labels))]
    table = pl.DataFrame({"image": names, "patient": [f"{p:04d}" for p in patients], "Mass": labels, **more})
    found = study(
        cohort_from_frame(table), [reading_from_arrays(scores[:, None], images=names, findings=["Mass"], name="a")]
    )
    boot = PatientBootstrap(found.patients, replicates=300, seed=seed, threads=1)
    return evaluate(found, "a", Options(operating_point="fixed=0.5", replicates=300), boot), found


def there_scores(scores: NDArray[np.float64], patients: NDArray[np.int64]) -> Clinic:
    names = [f"there{row}" for row in range(len(scores))]
    reading = reading_from_arrays(scores[:, None], images=names, findings=["Mass"], name="a")
    return Clinic(scores=(UnlabelledScores(reading, patients),))


def expect_coverage(hits: list[bool], share: float = 0.95) -> None:
    assert abs(np.mean(hits) - share) < 3 * np.sqrt(share * (1 - share) / len(hits)) + 0.015


@pytest.mark.slow
def test_intervals_cover_where_only_the_prevalence_differs_and_the_check_holds() -> None:
    rng = np.random.default_rng(11)
    labels, scores, _ = simulated(rng, 0.4, 1.6, n_patients=400_000)
    sensitivity, specificity = (scores[labels == 1] >= 0.5).mean(), (scores[labels == 0] < 0.5).mean()
    truth = {"ppv": 0.5 * sensitivity / (0.5 * sensitivity + 0.5 * (1 - specificity))}
    truth["alarm_rate"] = 0.5 * sensitivity + 0.5 * (1 - specificity)
    weight = np.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    truth["mean_score"] = float(np.mean(weight * scores))
    many = rng.choice(len(labels), 400_000, p=weight / weight.sum())
    truth["calibration_intercept"] = float(calibration_in_the_large(labels[many], scores[many]).coefficients[0])
    covered: dict[str, list[bool]] = {name: [] for name in (*truth, "prevalence")}
    failed = []
    for seed in range(400):
        evaluation, of = judged(*simulated(rng, 0.4, 1.6), seed)
        _, there, patients = simulated(rng, 1.0, 1.0)
        found = transport(evaluation, of, ("a",), {}, there_scores(there, patients))
        rows = {row["metric"]: row for row in found.table.iter_rows(named=True)}
        for name, value in truth.items():
            covered[name].append(rows[name]["low"] <= value <= rows[name]["high"])
        covered["prevalence"].append(rows["ppv"]["prevalence_low"] <= 0.5 <= rows["ppv"]["prevalence_high"])
        failed.append(found.checks["p"][0] < 0.05)
    for hits in covered.values():
        expect_coverage(hits)
    assert np.mean(failed) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.slow
def test_the_check_fails_where_the_ill_of_the_clinic_score_lower() -> None:
    rng = np.random.default_rng(12)
    failed = []
    for seed in range(100):
        evaluation, of = judged(*simulated(rng, 0.4, 1.6), seed)
        _, there, patients = simulated(rng, 1.0, 1.0, separation=SEPARATION / 2)
        found = transport(evaluation, of, ("a",), {}, there_scores(there, patients))
        failed.append(found.checks["holds"][0] is False)
    assert np.mean(failed) >= 0.95


@pytest.mark.slow
def test_intervals_cover_where_only_the_mix_differs() -> None:
    rng = np.random.default_rng(13)
    shares = np.array([0.8, 0.2])

    def two_views(
        n_patients: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        one, other = simulated(rng, 0.8, 1.2, 2.0, n_patients), simulated(rng, 0.2, 1.8, 3.0, 2 * n_patients)
        joined = [np.concatenate(each) for each in zip(one, other, strict=True)]
        view = np.repeat([0, 1], [len(one[0]), len(other[0])])
        return joined[0], joined[1], joined[2] + view * n_patients, view

    labels, scores, _, view = two_views(200_000)
    weight = (shares / np.bincount(view))[view]
    truth = {"ppv": precision_score(labels, scores >= 0.5, sample_weight=weight)}
    truth["alarm_rate"] = float(np.sum(weight * (scores >= 0.5)))
    many = rng.choice(len(labels), 400_000, p=weight)
    truth["calibration_intercept"] = float(calibration_in_the_large(labels[many], scores[many]).coefficients[0])
    covered: dict[str, list[bool]] = {name: [] for name in (*truth, "prevalence")}
    clinic = Clinic(Mix("clinic", ("view",), (("AP",), ("PA",)), shares))
    for seed in range(400):
        *drawn, view = two_views(150)
        evaluation, of = judged(*drawn, seed, view=np.where(view == 0, "AP", "PA"))
        rows = {row["metric"]: row for row in transport(evaluation, of, ("a",), {}, clinic).table.iter_rows(named=True)}
        for name, value in truth.items():
            covered[name].append(rows[name]["low"] <= value <= rows[name]["high"])
        prevalence = 0.8 * 0.4 + 0.2 * 0.1
        covered["prevalence"].append(rows["ppv"]["prevalence_low"] <= prevalence <= rows["ppv"]["prevalence_high"])
    for hits in covered.values():
        expect_coverage(hits)
