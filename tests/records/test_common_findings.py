"""Findings: matched by name however it is written, told where only one side has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from overread.records.cohort import MISSING, Cohort, cohort_from_frame
from overread.records.reading import Reading, reading_from_frame
from overread.records.study import study

Refused = Callable[..., str]


def cohort(**columns: list[Any]) -> Cohort:
    return cohort_from_frame({"image": ["a", "b"], "patient": [1, 2]} | columns, name="truth")


def reading(name: str = "m", **columns: list[Any]) -> Reading:
    return reading_from_frame({"image": ["a", "b"]} | columns, name=name)


def test_findings_match_however_they_are_written_and_keep_the_cohorts_order() -> None:
    truth = cohort(Pleural_Thickening=[0, 1], Mass=[1, 0])
    found = study(truth, [reading(**{"MASS": [0.9, 0.1], "prob-pleural thickening": [0.2, 0.8]})])
    assert found.findings == ("Pleural_Thickening", "Mass")
    assert found.scores["m"].tolist() == [[0.2, 0.9], [0.8, 0.1]]
    assert found.warnings == ()


def test_what_only_one_side_has_is_said() -> None:
    truth = cohort(Mass=[1, 0], Edema=[0, 1])
    found = study(truth, [reading(Mass=[0.9, 0.1], Hernia=[0.5, 0.5], Fracture=[0.5, 0.5])])
    assert found.findings == ("Mass",)
    assert found.warnings == (
        "m does not score Edema of the cohort; not reported.",
        "m scores Hernia, Fracture, not findings of the cohort; left out.",
    )


def test_findings_that_one_reading_lacks_are_left_out_for_all() -> None:
    truth = cohort(Mass=[1, 0], Edema=[0, 1])
    readings = [reading("one", Mass=[0.9, 0.1], Edema=[0.5, 0.5]), reading("two", Mass=[0.8, 0.2])]
    found = study(truth, readings)
    assert found.findings == ("Mass",)
    assert found.warnings == ("two does not score Edema of the cohort; not reported.",)


def test_no_common_finding_is_refused_with_the_names_of_both_sides(refused: Refused) -> None:
    said = refused(study, cohort(Mass=[1, 0]), [reading(Edema=[0.1, 0.2])])
    assert said.startswith("m: no finding is common to the reading (Edema) and the cohort truth (Mass)")
    readings = [reading("one", Mass=[0.9, 0.1]), reading("two", Edema=[0.8, 0.2])]
    said = refused(study, cohort(Mass=[1, 0], Edema=[0, 1]), readings)
    assert said.startswith("one, two: no finding is common to all readings.")


def test_a_column_of_zero_and_one_that_no_reading_scores_is_an_attribute() -> None:
    truth = cohort(Mass=[1, 0], chest_tube=[1, None], fracture=[0, 1], Hernia=[0, 1])
    found = study(truth, [reading(Mass=[0.9, 0.1], Fracture=[0.5, 0.5])])
    assert found.findings == ("Mass", "fracture")
    assert found.cohort.findings == ("Mass", "fracture", "Hernia")
    assert found.cohort.attributes == ("chest_tube",)
    assert found.attribute("chest_tube").to_list() == [1, None]
    assert found.warnings == (
        "The cohort's column chest_tube holds 0 and 1, and no reading scores it: taken as an attribute.",
        "m does not score Hernia of the cohort; not reported.",
    )
    assert truth.findings == ("Mass", "chest_tube", "fracture", "Hernia")


def test_findings_that_were_named_stay_findings() -> None:
    columns = {"image": ["a", "b"], "Mass": [1, 0], "drain": [1, 0]}
    truth = cohort_from_frame(columns, findings=["Mass", "drain"])
    found = study(truth, [reading(Mass=[0.9, 0.1])])
    assert "m does not score drain of the cohort; not reported." in found.warnings
    assert found.cohort.attributes == ()


def test_a_cohorts_column_that_is_scored_and_is_no_truth_is_refused_at_its_cell(refused: Refused) -> None:
    truth = cohort_from_frame({"image": list("abc"), "Mass": [1, 0, 1], "Fracture": [0, 1, -1]}, name="truth")
    scores = {"image": list("abc"), "Mass": [0.1, 0.2, 0.3], "fracture": [0.1, 0.2, 0.3]}
    said = refused(study, truth, [reading_from_frame(scores, name="m")])
    assert said.startswith("truth, column Fracture, row 2 (counted from 0): the label is -1")


@pytest.mark.parametrize("scores", [[-3.0, 2.0], ["low", "high"], [0.5, None]])
def test_a_readings_column_that_is_a_finding_and_holds_no_scores_is_refused(scores: list, refused: Refused) -> None:
    truth = cohort(Mass=[1, 0], Fracture=[0, 1])
    said = refused(study, truth, [reading(Mass=[0.9, 0.1], Fracture=scores)])
    assert said.startswith("reading m, column Fracture, row ")


def test_a_finding_that_nobody_was_assessed_for_or_that_all_have_is_kept() -> None:
    truth = cohort(Mass=[1, 1], Edema=[0, 0], Hernia=[None, None])
    found = study(truth, [reading(Mass=[0.9, 0.1], Edema=[0.5, 0.5], Hernia=[0.5, 0.5])])
    assert found.labels.tolist() == [[1, 0, MISSING], [1, 0, MISSING]]
