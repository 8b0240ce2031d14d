"""A study: what it holds, its tuning rows, and that the order of the input never matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from overread.records.cohort import Cohort, cohort_from_frame, read_cohort
from overread.records.reading import Reading, read_reading, reading_from_frame
from overread.records.study import Study, study

Refused = Callable[..., str]


def truth(n: int = 12, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, max(1, n // 2), n)
    return pl.DataFrame(
        {
            "image": [f"{row:03d}.png" for row in range(n)],
            "patient": [f"p{code}" for code in patient],
            "split": [("train", "val", "test")[code % 3] for code in patient],
            "Mass": rng.integers(0, 2, n),
            "Edema": rng.choice([0, 1, None], n).tolist(),
            "Hernia": rng.integers(0, 2, n),
            "age": rng.integers(0, 90, n),
        },
        strict=False,
    )


def scores(n: int = 12, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {"image": [f"{row:03d}.png" for row in range(n)]} | {f: rng.random(n) for f in ("Mass", "Edema", "Hernia")}
    )


def cohort(frame: pl.DataFrame) -> Cohort:
    return cohort_from_frame(frame, name="truth")


def reading(frame: pl.DataFrame, name: str = "m") -> Reading:
    return reading_from_frame(frame, name=name)


def content(found: Study) -> dict[str, Any]:
    """Return all that an analysis sees of a study, as plain values; row numbers of the cohort as image names."""
    order = [found.findings.index(finding) for finding in sorted(found.findings)]
    held: dict[str, Any] = {
        "images": [found.cohort.images[int(row)] for row in found.rows],
        "labels": found.labels[:, order].tolist(),
        "patients": found.patients.tolist(),
        "scores": {name: values[:, order].tolist() for name, values in found.scores.items()},
        "age": found.attribute("age").to_list(),
    }
    if found.tuning is not None:
        held["tuning"] = {
            "images": [found.cohort.images[int(row)] for row in found.tuning.rows],
            "labels": found.tuning.labels[:, order].tolist(),
            "patients": found.tuning.patients.tolist(),
            "scores": {name: values[:, order].tolist() for name, values in found.tuning.scores.items()},
        }
    return held


@given(st.integers(4, 30), st.integers(0, 1000), st.randoms(use_true_random=False), st.sampled_from(["test", "all"]))
def test_the_order_of_rows_and_columns_never_matters(n: int, seed: int, random: Any, split: str) -> None:
    labels, one, two = truth(n, seed), scores(n, seed + 1), scores(n, seed + 2)
    assume((labels["split"] == "test").any())

    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        rows, columns = list(range(len(frame))), list(frame.columns)
        random.shuffle(rows)
        random.shuffle(columns)
        return frame[rows].select(columns)

    plain = study(cohort(labels), [reading(one, "one"), reading(two, "two")], split=split)
    mixed = study(cohort(shuffled(labels)), [reading(shuffled(one), "one"), reading(shuffled(two), "two")], split=split)
    assert content(mixed) == content(plain)


@given(st.integers(4, 30), st.integers(0, 1000))
def test_a_study_is_what_a_join_gives(n: int, seed: int) -> None:
    labels, one = truth(n, seed), scores(n, seed + 1)
    found = study(cohort(labels), [reading(one)], split="all")
    joined = labels.join(one, on="image", suffix="_score").sort("image")
    assert [found.cohort.images[int(row)] for row in found.rows] == joined["image"].to_list()
    for column, finding in enumerate(found.findings):
        assert found.labels[:, column].tolist() == joined[finding].fill_null(-1).to_list()
        assert found.scores["m"][:, column].tolist() == joined[f"{finding}_score"].to_list()
    names = sorted(set(joined["patient"]))
    assert found.patients.tolist() == [names.index(patient) for patient in joined["patient"]]
    assert found.n_patients == len(names)


def test_tuning_rows_are_the_val_rows_of_patients_who_are_not_reported() -> None:
    frame = truth().with_columns(
        pl.Series("split", ["test"] * 4 + ["val"] * 4 + ["train"] * 4),
        pl.Series("patient", ["p1", "p1", "p2", "p3", "p3", "p4", "p5", "p4", *"abcd"]),
    )
    found = study(cohort(frame), [reading(scores())])
    assert found.tuning is not None
    assert found.tuning.rows.tolist() == [5, 6, 7]
    assert found.tuning.patients.tolist() == [0, 1, 0]
    assert found.tuning.labels.shape == found.tuning.scores["m"].shape == (3, 3)
    assert found.warnings[-1] == "On patients who are reported: 1 image of the val split; not used for thresholds."


def test_tuning_rows_are_those_that_every_reading_scores() -> None:
    frame = truth().with_columns(
        pl.Series("split", ["test"] * 4 + ["val"] * 4 + ["train"] * 4), pl.Series("patient", list("abcdefghijkl"))
    )
    both = [reading(scores(), "one"), reading(scores()[:6], "two")]
    found = study(cohort(frame), both)
    assert found.tuning is not None
    assert found.tuning.rows.tolist() == [4, 5]
    without = study(cohort(frame), [reading(scores(), "one"), reading(scores()[:4], "two")])
    assert without.tuning is None
    assert "thresholds are cross-fitted" in without.warnings[-1]
    assert "one" in without.warnings[-1]


@pytest.mark.parametrize("split", ["all", "val", "train"])
def test_there_are_no_tuning_rows_when_they_may_be_reported(split: str) -> None:
    frame = truth().with_columns(pl.Series("split", ["test", "val", "train"] * 4))
    assert study(cohort(frame), [reading(scores())], split=split).tuning is None


def test_where_every_tuning_patient_is_reported_thresholds_are_cross_fitted() -> None:
    frame = truth().with_columns(pl.lit("p").alias("patient"), pl.Series("split", ["test", "val"] * 6))
    found = study(cohort(frame), [reading(scores())])
    assert found.tuning is None
    assert found.warnings[-1] == "No image of the val split is left: thresholds are cross-fitted."


def test_without_patients_images_stand_for_them_and_that_is_said() -> None:
    found = study(cohort(truth().drop("patient", "split")), [reading(scores())])
    assert not found.patients_known
    assert found.n_patients == found.n_images == 12
    assert found.patients.tolist() == list(range(12))
    assert "images are resampled in place of patients" in found.warnings[-1]


def test_one_patient_alone_is_allowed() -> None:
    found = study(cohort(truth().with_columns(pl.lit("p").alias("patient")).drop("split")), [reading(scores())])
    assert found.n_patients == 1
    assert set(found.patients) == {0}


def test_readings_keep_the_order_in_which_they_were_given() -> None:
    readings = [reading(scores(), name) for name in ("z", "a", "m")]
    assert list(study(cohort(truth()), readings, split="all").scores) == ["z", "a", "m"]


def test_two_readings_of_one_name_and_none_at_all_are_refused(refused: Refused) -> None:
    said = refused(study, cohort(truth()), [reading(scores()), reading(scores())])
    assert "more than one is named m" in said
    assert "NAME=PATH" in said
    assert "there is none" in refused(study, cohort(truth()), [])


def test_an_attribute_that_is_not_there_is_refused(refused: Refused) -> None:
    found = study(cohort(truth()), [reading(scores())], split="all")
    assert found.attribute("age").to_list() == truth()["age"].to_list()
    assert "the cohort has no attribute view. Expected one of age." in refused(found.attribute, "view")


def test_the_shared_readings_lie_mostly_in_the_training_part(shared: Path) -> None:
    """17,220 of the 22,433 images: the readings come from a random split of their own."""
    readings = [read_reading(f"{name}={shared}/predictions/densenet121_{name}.csv.gz") for name in ("zech", "lr033")]
    found = study(read_cohort("chestxray14"), readings, split="all")
    assert (found.n_images, found.n_patients) == (22_433, 6_187)
    assert found.warnings == (
        "17,220 of the 22,433 images reported lie in the training part of the cohort: "
        "a model that was trained on them has seen their labels.",
    )
    assert len(found.sources) == 3
    test = study(read_cohort("chestxray14"), readings)
    assert test.n_images == 22_433 - 17_220
    assert "no score for 20,383 of the 25,596 images of the test split" in test.warnings[0]
