"""What outputs tell of gender, view and age: against scikit-learn, planted and not, on the real readings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overread.analyses.attribute_prediction import TABLE, attribute_prediction
from overread.analyses.attributes import Partition, partition, partitions
from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.records.cohort import cohort_from_frame
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study
from overread.stats.operating_points import folds
from overread.stats.resampling import PatientBootstrap


def judged(of: Study, replicates: int = 200) -> list[Evaluation]:
    bootstrap = PatientBootstrap(of.patients, replicates=replicates, seed=0)
    return [evaluate(of, name, Options(replicates=replicates), bootstrap) for name in of.scores]


def by_scikit_learn(columns: np.ndarray, positive: np.ndarray, fold: np.ndarray) -> float:
    areas, pairs = [], []
    for side in (0, 1):
        here = fold == side
        fit = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-10, max_iter=1000))
        read = fit.fit(columns[~here], positive[~here]).decision_function(columns[here])
        areas.append(roc_auc_score(positive[here], read))
        pairs.append(positive[here].sum() * (~positive[here]).sum())
    return float(np.average(areas, weights=pairs))


def test_it_is_scikit_learns_regression_read_across_patients(matched: Study) -> None:
    readers = judged(matched)
    dealt = partitions(matched)
    table = attribute_prediction(readers, dealt)
    assert dict(table.schema) == TABLE
    assert len(table) == 2 * 2 * (1 + 1 + 5)  # readings, predictors, one value of two and all of five
    fold = folds(matched.patients, seed=0)
    for reader in readers:
        for of in dealt:
            for place, value in enumerate(of.subgroups[:1] if len(of.subgroups) == 2 else of.subgroups):
                known = of.of_row >= 0
                positive = of.of_row[known] == place
                for predictor, columns in (("scores", logit(reader.scores)), ("labels", (reader.labels == 1) * 1.0)):
                    row = table.filter(
                        reading=reader.reading, attribute=of.attribute, value=value, predictor=predictor
                    ).row(0, named=True)
                    expected = by_scikit_learn(columns[known], positive, fold[known])
                    assert row["auroc"] == pytest.approx(expected, abs=1e-3)
                    assert row["low"] < row["auroc"] < row["high"]
                    assert (row["n_images"], row["n_positive"]) == (known.sum(), positive.sum())
                    assert (row["difference"] is None) == (predictor == "labels")


def test_what_cannot_be_told_is_explained(matched: Study) -> None:
    readers = judged(matched)[:1]
    n = matched.n_images
    one = Partition("site", ("A",), np.zeros(n, np.int64))
    table = attribute_prediction(readers, [one])
    assert table["auroc"].is_null().all()
    assert set(table["note"]) == {"no other value to tell it from"}
    rare = partition("site", pl.Series(["A"] * (n - 1) + ["B"]))
    assert set(attribute_prediction(readers, [rare])["note"]) == {"too few patients to learn and to read"}
    three = np.where(np.isin(matched.patients, [0, 1, 2, 3]), 0, 1)
    few = attribute_prediction(readers, [Partition("site", ("A", "B"), three)])
    assert few["low"].is_null().all()
    assert few["note"].str.contains("rests on 4 patients|too few patients").all()
    assert attribute_prediction(readers, []).is_empty()


def simulated(seed: int, *, leans: float) -> Study:
    """Return a reading that adds `leans` to every logit of an AP image; the ill are taken AP more often."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(400), rng.integers(1, 6, 400))
    n = len(patient)
    labels = (rng.random((n, 3)) < 0.25).astype(int)
    bedside = rng.random(n) < expit(labels.sum(axis=1) - 1.0)
    scores = expit(1.5 * labels + leans * bedside[:, None] + rng.normal(size=(n, 3)) - 1.5)
    image = [f"{row:05d}.png" for row in range(n)]
    names = ("Effusion", "Mass", "Edema")
    truth = {"image": image, "patient": patient.astype(str), "view": np.where(bedside, "AP", "PA")}
    cohort = cohort_from_frame(truth | {f: labels[:, c] for c, f in enumerate(names)}, findings=list(names))
    reading = {"image": image} | {f: scores[:, c] for c, f in enumerate(names)}
    return study(cohort, [reading_from_frame(reading, name="r")])


@pytest.mark.slow
def test_a_reading_that_leans_on_the_view_is_found_and_one_that_does_not_is_not() -> None:
    found = {0.0: 0, 0.8: 0}
    for seed in range(100):
        for leans in found:
            of = simulated(seed, leans=leans)
            row = attribute_prediction(judged(of, 300), partitions(of), seed=seed).row(0, named=True)
            assert (row["attribute"], row["value"], row["predictor"]) == ("view", "AP", "scores")
            found[leans] += row["difference_low"] > 0
    assert found[0.8] >= 95
    assert found[0.0] <= 5


def test_the_real_readings_tell_the_view_beyond_the_labels(zech_study: Study, zech: Evaluation) -> None:
    table = attribute_prediction([zech], partitions(zech_study))
    expected = {("gender", "F"): (0.747, 0.523), ("view", "AP"): (0.963, 0.603), ("age", "0-18"): (0.861, 0.563)}
    for (attribute, value), areas in expected.items():
        of = table.filter(attribute=attribute, value=value)
        found = [of.filter(predictor=predictor)["auroc"][0] for predictor in ("scores", "labels")]
        assert found == pytest.approx(areas, abs=1e-3)
        assert of["difference_low"][0] > 0.15
