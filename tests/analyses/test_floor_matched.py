"""AUROC among images matched on the floor: against scikit-learn bin by bin, planted truth, the real reading."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from overread.analyses.blind import blind_reading
from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.floor_matched import BINS, TABLE, floor_matched
from overread.analyses.options import Options
from overread.records.cohort import cohort_from_frame
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study
from overread.stats.calibration import Bins
from overread.stats.resampling import PatientBootstrap
from overread.stats.strata import strata


def judged(of: Study, replicates: int = 200, split: str = "test") -> dict[str, Evaluation]:
    bootstrap = PatientBootstrap(of.patients, replicates=replicates, seed=0)
    options = Options(replicates=replicates, split=split)
    return {name: evaluate(of, name, options, bootstrap) for name in of.scores}


def test_matched_is_the_mean_within_bins_weighted_by_pairs(matched: Study) -> None:
    of = judged(matched)
    strong, weak = of["strong"], of["weak"]
    table = floor_matched(strong, weak)
    assert dict(table.schema) == TABLE
    for column, finding in enumerate(strong.findings):
        labels, scores, floor = strong.labels[:, column], strong.scores[:, column], weak.scores[:, column]
        bins = np.searchsorted(np.quantile(floor, np.linspace(0, 1, BINS + 1))[1:-1], floor)
        areas, pairs = [], []
        for place in range(BINS):
            kept = bins == place
            if 0 < labels[kept].sum() < kept.sum():
                areas.append(roc_auc_score(labels[kept], scores[kept]))
                pairs.append(labels[kept].sum() * (kept.sum() - labels[kept].sum()))
        row = table.filter(finding=finding).row(0, named=True)
        assert row["matched"] == pytest.approx(np.average(areas, weights=pairs))
        assert row["share_within"] == pytest.approx(sum(pairs) / (labels.sum() * (1 - labels).sum()))
        assert row["difference"] == pytest.approx(roc_auc_score(labels, scores) - row["matched"])
        assert row["low"] < row["matched"] < row["high"]
    each, mean = table.filter(pl.col("finding") != "mean"), table.filter(finding="mean").row(0, named=True)
    assert mean["matched"] == pytest.approx(each["matched"].mean())


def test_intervals_are_those_of_the_balanced_auroc_of_strata(matched: Study) -> None:
    of = judged(matched)
    strong, weak = of["strong"], of["weak"]
    bins = np.stack([Bins.of(weak.scores[:, f], bins=BINS).of_image for f in range(3)], axis=1)
    _, drawn = strata(strong.bootstrap, strong.labels, strong.scores, bins, BINS)
    table = floor_matched(strong, weak).head(3)
    np.testing.assert_allclose(table["low"], np.quantile(drawn.balanced, 0.025, axis=0))
    np.testing.assert_allclose(table["high"], np.quantile(drawn.balanced, 0.975, axis=0))


def test_a_floor_that_is_the_same_for_all_takes_nothing_away(matched: Study) -> None:
    scores = matched.scores | {"flat": np.full(matched.labels.shape, 0.1)}
    of = judged(Study(**{**vars(matched), "scores": scores}))
    table = floor_matched(of["strong"], of["flat"])
    assert table["difference"].to_list() == pytest.approx([0] * 4)
    assert table["n_bins"].to_list() == [1, 1, 1, None]
    assert table["share_within"].to_list() == pytest.approx([1] * 4)


def test_a_finding_without_pairs_is_explained(matched: Study) -> None:
    labels = matched.labels.copy()
    labels[:, 1] = 0
    of = judged(Study(**{**vars(matched), "labels": labels}))
    table = floor_matched(of["strong"], of["weak"])
    row = table.filter(finding="Mass").row(0, named=True)
    assert (row["matched"], row["low"], row["difference"]) == (None, None, None)
    assert row["note"] == "no pair within a bin"
    assert "2 of 3 findings" in table.filter(finding="mean")["note"][0]


def simulated(seed: int, *, sees: float) -> Study:
    """Return a reading that repeats a floor known to all, and sees the finding itself by a known amount."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(400), rng.integers(1, 6, 400))
    n = len(patient)
    known = rng.normal(size=n)
    ill = (rng.random(n) < 1 / (1 + np.exp(1.2 - 1.5 * known))).astype(int)
    score = 1 / (1 + np.exp(-(known + sees * ill + 0.5 * rng.normal(size=n))))
    image = [f"{row:05d}.png" for row in range(n)]
    cohort = cohort_from_frame({"image": image, "patient": patient.astype(str), "Mass": ill}, findings=["Mass"])
    floor = 1 / (1 + np.exp(-known))
    frames = {"r": score, "blind": floor}
    return study(cohort, [reading_from_frame({"image": image, "Mass": x}, name=name) for name, x in frames.items()])


@pytest.mark.slow
def test_what_a_reading_sees_is_found_and_what_it_repeats_is_not() -> None:
    found = {0.0: 0, 1.0: 0}
    for seed in range(100):
        for sees in found:
            of = judged(simulated(seed, sees=sees), replicates=300)
            row = floor_matched(of["r"], of["blind"]).row(0, named=True)
            assert row["auroc"] > 0.7
            found[sees] += row["low"] > row["floor_matched"]
    assert found[1.0] >= 95
    assert found[0.0] <= 5


def test_the_zech_reading_matched_on_a_blind_reader(zech_study: Study, zech: Evaluation) -> None:
    blind = blind_reading(zech_study.cohort, findings=zech_study.findings, reported=zech_study.rows)
    floor = evaluate(
        Study(**{**vars(zech_study), "scores": {"blind": blind.scores}}),
        "blind",
        Options(split="all", replicates=500),
        zech.bootstrap,
    )
    table = floor_matched(zech, floor)
    expected = {"mean": (0.8383, 0.8154), "Edema": (0.8945, 0.8395)}
    for finding, numbers in expected.items():
        row = table.filter(finding=finding).row(0, named=True)
        assert (row["auroc"], row["matched"]) == pytest.approx(numbers, abs=5e-4)
        assert row["floor_matched"] < 0.56
