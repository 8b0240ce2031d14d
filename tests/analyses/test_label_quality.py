"""Label quality: against definitions, scikit-learn and the shared readings; what is impossible is empty, with why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from overread.analyses.comparison import pairs
from overread.analyses.evaluation import evaluate
from overread.analyses.label_quality import BETTER, COHORT, CORRECTED, DIFFERENCE, WITHOUT, label_quality
from overread.analyses.options import Options
from overread.analyses.second_reading import second_reading
from overread.records.adjudicated import HEDGED, Adjudicated, Mapped, read_adjudicated
from overread.records.cohort import Cohort
from overread.records.errors import InputError
from overread.records.reading import Reading
from overread.records.study import Study
from overread.stats.resampling import PatientBootstrap

Tables = dict[str, pl.DataFrame]


def judged(study: Study, **chosen: object) -> Tables:
    options = Options(split=study.split, replicates=200, **chosen)  # type: ignore[arg-type]
    bootstrap = PatientBootstrap(study.patients, replicates=100)
    readers = [evaluate(study, name, Options(replicates=100), bootstrap) for name in study.scores]
    return label_quality(study, readers, pairs(readers, None), options)


def panel(
    study: Study,
    *,
    sensitivity: float = 0.8,
    specificity: float = 0.95,
    share: float = 0.5,
    mapping: Sequence[Mapped] = (),
) -> Adjudicated:
    """Make up a better truth from the labels of some patients: Effusion, and Mass or Edema, with hedged answers."""
    rng = np.random.default_rng(11)
    cohort = study.cohort
    assert cohort.patients is not None
    chosen = np.unique(cohort.patients.to_numpy())
    chosen = chosen[rng.random(len(chosen)) < share]
    rows = np.flatnonzero(np.isin(cohort.patients.to_numpy(), chosen))
    given = np.stack([cohort.labels[rows, 0], cohort.labels[rows][:, 1:].max(axis=1)], axis=1)
    turned = rng.random(given.shape) < np.where(given == 1, 1 - sensitivity, 1 - specificity)
    answers = np.where(turned, 1 - given, given).astype(np.int8)
    answers[:5, 0] = HEDGED
    return Adjudicated("panel", cohort.images[rows], ("Effusion", "Patch"), answers, tuple(mapping) or MAPPING)


MAPPING = (Mapped("Effusion", ("Effusion",)), Mapped("Patch", ("Mass", "Edema")))


def joined(study: Study, truth: Adjudicated, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the reported rows with a better truth, and that truth."""
    by_image = dict(zip(truth.images.to_list(), truth.answers[:, column].tolist(), strict=True))
    answers = np.array([by_image.get(image, -1) for image in study.cohort.images[study.rows].to_list()])
    return answers >= 0, answers


def one(table: pl.DataFrame, **where: object) -> dict[str, object]:
    rows = table.filter(**where).rows(named=True)
    assert len(rows) == 1
    return rows[0]


def test_nothing_is_said_where_nothing_is_given(matched: Study) -> None:
    tables = judged(matched)
    assert all(table.is_empty() for table in tables.values())
    assert {name: table.schema for name, table in tables.items()} == {
        name: table.schema for name, table in judged(matched, adjudicated=panel(matched)).items()
    }


def test_agreement_is_that_of_scikit_learn_and_hedged_answers_are_left_out(matched: Study) -> None:
    truth = panel(matched)
    table = judged(matched, adjudicated=truth)["label_agreement"]
    cohort = matched.cohort
    row = dict(zip(cohort.images.to_list(), range(cohort.n_images), strict=True))
    rows = np.array([row[image] for image in truth.images])
    for column, (label, columns) in enumerate((("Effusion", [0]), ("Patch", [1, 2]))):
        label_of = cohort.labels[rows][:, columns].max(axis=1)
        known = truth.answers[:, column] >= 0
        found = one(table, label=label, metric="kappa")
        assert found["value"] == pytest.approx(
            cohen_kappa_score(label_of[known], truth.answers[known, column]), abs=1e-12
        )
        assert found["n_images"] == known.sum()
        assert found["n_hedged"] == (0 if column else 5)
        assert found["low"] < found["value"] < found["high"]


def test_readers_under_both_truths_are_those_of_scikit_learn(matched: Study) -> None:
    truth = panel(matched)
    table = judged(matched, adjudicated=truth)["label_truths"]
    both, answers = joined(matched, truth, 1)
    for reading, scores in matched.scores.items():
        largest, labels = scores[both][:, 1:].max(axis=1), matched.labels[both][:, 1:].max(axis=1)
        own = {
            side: one(table, label="Patch", reading=reading, metric="auroc", truth=side)
            for side in (COHORT, BETTER, DIFFERENCE)
        }
        assert own[COHORT]["value"] == pytest.approx(roc_auc_score(labels, largest), abs=1e-12)
        assert own[BETTER]["value"] == pytest.approx(roc_auc_score(answers[both], largest), abs=1e-12)
        assert own[DIFFERENCE]["value"] == pytest.approx(own[BETTER]["value"] - own[COHORT]["value"], abs=1e-12)
        assert own[BETTER]["n_images"] == both.sum()


def test_images_without_a_better_truth_are_corrected_and_keep_the_order(matched: Study) -> None:
    tables = judged(matched, adjudicated=panel(matched, sensitivity=0.97, specificity=0.98))
    both, _ = joined(matched, panel(matched), 1)
    found = one(tables["label_noise"], label="Patch", reading="weak", metric="auroc")
    assert found["n_images"] == (~both).sum()
    assert found["seen"] < found["value"] < 1
    order = {row["truth"]: row for row in tables["label_order"].filter(label="Patch").rows(named=True)}
    assert set(order) == {COHORT, BETTER, WITHOUT, CORRECTED}
    assert order[CORRECTED]["value"] > order[WITHOUT]["value"] > 0


def test_stated_noise_needs_no_better_truth(matched: Study) -> None:
    tables = judged(matched, label_noise={"effusion": (0.9, 0.97)})
    assert tables["label_agreement"].is_empty()
    assert tables["label_truths"].is_empty()
    found = one(tables["label_noise"], label="Effusion", reading="weak", metric="auroc")
    assert found["source"] == "given"
    assert found["n_images"] == matched.n_images
    assert found["value"] > found["seen"]
    share = (matched.labels[:, 0] == 1).mean()
    prevalence = one(tables["label_noise"], metric="prevalence")
    assert prevalence["value"] == pytest.approx((share + 0.97 - 1) / 0.87, abs=1e-12)


def test_what_cannot_be_is_empty_and_explained(matched: Study) -> None:
    table = judged(matched, label_noise={"Mass": (0.6, 0.55)})["label_noise"]
    assert table["value"].null_count() == table.height
    assert all(note for note in table["note"])


def test_one_class_only_is_explained(matched: Study) -> None:
    truth = panel(matched)
    healthy = Adjudicated("panel", truth.images, truth.labels, np.zeros_like(truth.answers), truth.mapping)
    tables = judged(matched, adjudicated=healthy)
    found = one(tables["label_agreement"], label="Effusion", metric="sensitivity")
    assert found["value"] is None
    assert found["note"] == "no image is truly ill"
    assert one(tables["label_errors"], label="Effusion", reading="weak", among="ill")["note"] == "no truly ill image"
    better = one(tables["label_truths"], label="Effusion", reading="weak", metric="auroc", truth=BETTER)
    assert better["note"] == "no positive image"
    assert "not known" in one(tables["label_noise"], label="Effusion", reading="weak", metric="auroc")["note"]


def test_every_image_with_a_better_truth_leaves_none_to_correct(matched: Study) -> None:
    tables = judged(matched, adjudicated=panel(matched, share=1.1))
    found = one(tables["label_noise"], label="Patch", reading="weak", metric="auroc")
    assert found["value"] is None
    assert found["note"] == "every reported image has a better truth"


def test_errors_that_follow_the_score_are_found(matched: Study) -> None:
    """A panel that calls ill what the strong reader scores highest: the label's errors then follow the image."""
    rows, scores = matched.rows, matched.scores["strong"][:, 0]
    answers = (scores > np.quantile(scores, 0.7)).astype(np.int8)[:, None]
    truth = Adjudicated(
        "panel", matched.cohort.images[rows], ("Effusion",), answers, (Mapped("Effusion", ("Effusion",)),)
    )
    table = judged(matched, adjudicated=truth)["label_errors"]
    assert one(table, reading="strong", among="healthy")["low"] > 0.5


def test_the_order_of_images_and_labels_does_not_matter(matched: Study) -> None:
    truth = panel(matched)
    turn = np.random.default_rng(1).permutation(len(truth.images))
    other = Adjudicated("panel", truth.images[turn], truth.labels, truth.answers[turn], truth.mapping)
    one_way, another = (judged(matched, adjudicated=each) for each in (truth, other))
    assert all(table.equals(another[name], null_equal=True) for name, table in one_way.items())


def test_unknown_findings_and_images_are_refused(cohort: Cohort, readings: list[Reading], matched: Study) -> None:
    truth = panel(matched)
    strangers = Adjudicated("panel", truth.images + "x", truth.labels, truth.answers, truth.mapping)
    for options, says in (
        (Options(adjudicated=strangers), "no image is common"),
        (Options(adjudicated=panel(matched, mapping=[Mapped("Patch", ("Rickets",))])), "Rickets"),
        (Options(label_noise={"Rickets": (0.9, 0.9)}), "Rickets"),
    ):
        with pytest.raises(InputError, match=says):
            second_reading(cohort, readings, options)
    with pytest.raises(ValueError, match="more than 1"):
        Options(label_noise={"Mass": (0.4, 0.5)})


def test_the_whole_second_reading_carries_the_tables(cohort: Cohort, readings: list[Reading], matched: Study) -> None:
    result = second_reading(cohort, readings, Options(replicates=100, floor=False, adjudicated=panel(matched)))
    assert result.tables["label_agreement"].height == 10


def test_google_s_panel_and_the_shared_readings(zech_study: Study, shared: Path) -> None:
    """935 of the panel's 4,376 images are in the shared readings; the labels agree with it by a kappa of 0.43."""
    truth = read_adjudicated(shared / "chestxray14" / "adjudicated_google2019.csv.gz")
    tables = judged(zech_study, adjudicated=truth)
    mapping = {row["label"]: row for row in tables["label_mapping"].rows(named=True)}
    assert {row["n_reported"] for row in mapping.values()} == {935}
    assert mapping["Nodule or mass"]["finding"] == "Nodule|Mass"
    assert mapping["Airspace opacity"]["finding"] == ""
    found = one(tables["label_agreement"], label="Pneumothorax", metric="kappa")
    assert [found[cell] for cell in ("tp", "fp", "fn", "tn")] == [109, 129, 129, 4009]
    assert found["value"] == pytest.approx(0.4268, abs=5e-5)
    nodule = one(tables["label_agreement"], label="Nodule or mass", metric="sensitivity")
    assert nodule["value"] == pytest.approx(256 / 605, abs=1e-12)
    values = [
        one(tables["label_truths"], reading=reading, label="Nodule or mass", metric="auroc", truth=side)["value"]
        for reading in ("zech", "lr033")
        for side in (COHORT, BETTER)
    ]
    assert values == pytest.approx([0.8017, 0.8570, 0.8257, 0.8291], abs=5e-5), "the order turns"
    following = tables["label_errors"].filter(label="Pneumothorax", among="healthy")
    assert following["low"].min() > 0.7, "the labels invent pneumothorax where the readers see it"
    corrected = one(tables["label_noise"], reading="zech", label="Pneumothorax", metric="auroc")
    assert corrected["value"] is None
    assert "outside 0 to 1" in corrected["note"]
