"""Images: matched by the last part of their path, told where only one side has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from overread.records.cohort import Cohort, cohort_from_frame
from overread.records.reading import Reading, reading_from_frame
from overread.records.study import study

Refused = Callable[..., str]
IMAGES = ["a.png", "b.png", "c.png", "d.png"]


def cohort(images: Sequence[str] = IMAGES, **columns: list[Any]) -> Cohort:
    labels = {"Mass": [row % 2 for row in range(len(images))]}
    patients = {"patient": [f"p{image}" for image in images]}
    return cohort_from_frame({"image": list(images)} | patients | labels | columns, name="truth")


def reading(images: Sequence[str], name: str = "m") -> Reading:
    scores = [0.1 * (ord(image[-5]) - ord("a")) for image in images]
    return reading_from_frame({"image": list(images), "Mass": scores}, name=name)


def test_images_match_by_the_last_part_of_their_path() -> None:
    found = study(cohort(["x/a.png", "x/b.png"]), [reading(["C:\\y\\b.png", "a.png"])])
    assert found.scores["m"][:, 0].tolist() == [0.0, 0.1]
    assert found.warnings == ()


def test_images_that_only_the_reading_has_are_said() -> None:
    found = study(cohort(IMAGES[:2]), [reading(IMAGES)])
    assert found.n_images == 2
    assert found.warnings == ("m scores 2 images that the cohort does not have (c.png, d.png); left out.",)


def test_images_that_the_reading_lacks_are_said() -> None:
    found = study(cohort(), [reading(IMAGES[2:])])
    assert found.warnings == (
        "m has no score for 2 of the 4 images of the cohort (a.png, b.png); all figures are of the others.",
    )
    in_split = study(cohort(split=["test", "test", "test", "train"]), [reading(IMAGES[1:3])])
    assert in_split.warnings == (
        "m has no score for 1 of the 3 images of the test split (a.png); all figures are of the others.",
    )


def test_only_images_that_all_readings_have_are_reported_and_what_each_loses_is_said() -> None:
    found = study(cohort(), [reading(IMAGES[:3], "one"), reading(IMAGES[1:], "two")], split="all")
    assert [found.cohort.images[int(row)] for row in found.rows] == ["b.png", "c.png"]
    assert found.warnings == (
        "1 image that one scores and another reading does not: left out.",
        "1 image that two scores and another reading does not: left out.",
    )


def test_nothing_in_common_is_refused_with_a_name_of_each_side(refused: Refused) -> None:
    said = refused(study, cohort(), [reading(["a.jpg", "b.jpg"])])
    assert said.startswith("m: no image is common to the reading and the cohort truth")
    assert "the reading has for example 'a.jpg', the cohort 'a.png'" in said
    said = refused(study, cohort(), [reading(IMAGES[:2], "one"), reading(IMAGES[2:], "two")])
    assert said.startswith("one, two: no image is common to all readings.")


def test_no_image_in_the_split_is_refused_with_the_way_out(refused: Refused) -> None:
    truth = cohort(split=["train", "train", "test", "test"])
    said = refused(study, truth, [reading(IMAGES[:2])])
    assert said.startswith("m: none of its images (2) is in the test split of the cohort truth.")
    assert "--split all" in said
    said = refused(study, cohort(split=["train"] * 4), [reading(IMAGES)])
    assert said.startswith("truth: no image of the cohort is in the test split. Report every row")


def test_a_cohort_without_splits_is_all_test() -> None:
    assert study(cohort(), [reading(IMAGES)]).n_images == 4


def test_a_split_that_a_cohort_does_not_have_is_refused(refused: Refused) -> None:
    assert "the cohort has no splits, and the val split is asked for" in refused(
        study, cohort(), [reading(IMAGES)], split="val"
    )
    assert "'dev' is not a part of a cohort. Expected one of test, val, train, all" in refused(
        study, cohort(), [reading(IMAGES)], split="dev"
    )


@pytest.mark.parametrize(("split", "rows"), [("test", [2, 3]), ("val", [1]), ("train", [0]), ("all", [0, 1, 2, 3, 4])])
def test_the_rows_of_each_split(split: str, rows: list[int]) -> None:
    images = [*IMAGES, "e.png"]
    found = study(cohort(images, split=["train", "val", "test", "test", None]), [reading(images)], split=split)
    assert found.rows.tolist() == rows
    assert found.split == split
    told = any("lie in the training part" in warning for warning in found.warnings)
    assert told == (split in ("train", "all"))


def test_rows_are_sorted_by_image_name() -> None:
    shuffled = ["c.png", "a.png", "d.png", "b.png"]
    found = study(cohort(shuffled), [reading(IMAGES)])
    assert [found.cohort.images[int(row)] for row in found.rows] == IMAGES
    np.testing.assert_allclose(found.scores["m"][:, 0], [0, 0.1, 0.2, 0.3])
