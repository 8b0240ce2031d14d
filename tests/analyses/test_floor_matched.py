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
from overread.analyses.within import Apart
from overread.records.cohort import cohort_from_frame
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study
from overread.stats.calibration import Bins
from overread.stats.resampling import PatientBootstrap


def judged(of: Study, replicates: int = 200, split: str = "test") -> dict[str, Evaluation]:
    bootstrap = PatientBootstrap(of.patients, replicates=replicates, seed=0)
    options = Options(replicates=replicates, split=split)
    return {name: evaluate(of, name, options, bootstrap) for name in of.scores}


def of_two_patients(
    labels: np.ndarray, scores: np.ndarray, bins: np.ndarray, patients: np.ndarray, times: np.ndarray
) -> tuple[float, float]:
    """Count pairs one by one: the share in the right order, and how many; a pair counts as often as it was drawn."""
    ill, healthy = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    fits = (bins[ill][:, None] == bins[healthy]) & (patients[ill][:, None] != patients[healthy])
    pairs = fits * times[patients[ill]][:, None] * times[patients[healthy]]
    apart = scores[ill][:, None] - scores[healthy]
    return float((pairs * ((apart > 0) + 0.5 * (apart == 0))).sum() / pairs.sum()), float(pairs.sum())


def test_only_pairs_of_two_patients_and_of_one_bin_count(matched: Study) -> None:
    of = judged(matched)
    strong, weak = of["strong"], of["weak"]
    table = floor_matched(strong, weak)
    assert dict(table.schema) == TABLE
    once, one_bin = np.ones(strong.bootstrap.n_patients), np.zeros(len(strong.labels))
    for column, finding in enumerate(strong.findings):
        labels, scores, floor = strong.labels[:, column], strong.scores[:, column], weak.scores[:, column]
        bins = np.searchsorted(np.quantile(floor, np.linspace(0, 1, BINS + 1))[1:-1], floor)
        inside, n_inside = of_two_patients(labels, scores, bins, strong.patients, once)
        whole, n_whole = of_two_patients(labels, scores, one_bin, strong.patients, once)
        row = table.filter(finding=finding).row(0, named=True)
        assert row["auroc"] == pytest.approx(roc_auc_score(labels, scores))
        assert (row["matched"], row["apart"]) == pytest.approx((inside, whole))
        assert row["share_within"] == pytest.approx(n_inside / n_whole)
        assert row["difference"] == pytest.approx(whole - inside)
        assert row["floor_auroc"] == pytest.approx(of_two_patients(labels, floor, one_bin, strong.patients, once)[0])
        assert row["floor_matched"] == pytest.approx(of_two_patients(labels, floor, bins, strong.patients, once)[0])
        assert row["low"] < row["matched"] < row["high"]
    each, mean = table.filter(pl.col("finding") != "mean"), table.filter(finding="mean").row(0, named=True)
    assert mean["matched"] == pytest.approx(each["matched"].mean())


def test_a_patient_drawn_twice_is_not_paired_with_itself(matched: Study) -> None:
    of = judged(matched)
    strong, weak = of["strong"], of["weak"]
    table, bootstrap = floor_matched(strong, weak), strong.bootstrap
    blocks = [bootstrap.weights(block) for block in range(bootstrap.n_blocks)]
    drawn = np.concatenate(blocks, axis=1)[:, : bootstrap.replicates].astype(float)
    bins = Bins.of(weak.scores[:, 0], bins=BINS).of_image
    labels, scores = strong.labels[:, 0], strong.scores[:, 0]
    inside = [of_two_patients(labels, scores, bins, strong.patients, times)[0] for times in drawn.T]
    whole = [of_two_patients(labels, scores, 0 * bins, strong.patients, times)[0] for times in drawn.T]
    row = table.row(0, named=True)
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(inside, [0.025, 0.975]).tolist())
    apart = np.subtract(whole, inside)
    bounds = [row["difference_low"], row["difference_high"]]
    assert bounds == pytest.approx(np.quantile(apart, [0.025, 0.975]).tolist())


def test_pairs_of_one_patient_do_not_pass_for_what_the_floor_gave_away() -> None:
    """A reading sees how ill a patient is and not which image shows it; the floor knows who it is and nothing else.

    The floor gives nothing away, but its bins hold several times the share of pairs of one patient, in no order.
    """
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(120), 20)
    chance = rng.random(120)[patient]
    ill = (rng.random(len(patient)) < chance).astype(int)
    score = 1 / (1 + np.exp(-(3 * chance - 1.5 + rng.normal(size=len(patient)))))
    image = [f"{row:05d}.png" for row in range(len(patient))]
    cohort = cohort_from_frame({"image": image, "patient": patient.astype(str), "Mass": ill}, findings=["Mass"])
    frames = {"r": score, "blind": 0.2 + 0.6 * rng.random(120)[patient]}
    found = study(cohort, [reading_from_frame({"image": image, "Mass": x}, name=name) for name, x in frames.items()])
    of = judged(found, replicates=400)
    row = floor_matched(of["r"], of["blind"]).row(0, named=True)
    assert row["difference_low"] < 0 < row["difference_high"]
    assert abs(row["difference"]) < 0.02


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
    assert row["note"] == "no pair of two patients within a bin"
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
    expected = {"mean": (0.8383, 0.8164), "Edema": (0.8945, 0.8409)}
    for finding, numbers in expected.items():
        row = table.filter(finding=finding).row(0, named=True)
        assert (row["auroc"], row["matched"]) == pytest.approx(numbers, abs=5e-4)
        assert row["floor_matched"] < 0.56


def test_without_a_bin_there_is_nothing_to_compare() -> None:
    bootstrap = PatientBootstrap(np.arange(4), replicates=70)
    for draws, n in ((None, 1), (bootstrap, 70)):
        found = Apart.of([], np.zeros((4, 3)), bootstrap.patients, draws)
        for part in (found.whole, found.binned):
            assert part.auroc.shape == (n, 3)
            assert np.isnan(part.auroc).all()
