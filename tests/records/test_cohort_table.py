"""One table of a cohort: which column is what, and what it may hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.records.cohort_table import CohortTable, cohort_table
from overread.records.columns import MISSING
from overread.records.findings import NIH_FINDINGS, NO_FINDING
from overread.records.frames import table_from_frame

Refused = Callable[..., str]


def read(columns: dict[str, Any], **options: Any) -> CohortTable:
    return cohort_table(table_from_frame(columns, name="f"), **options)


# --- findings in columns ---------------------------------------------------------------------------------------------


def test_a_column_of_zero_one_or_nothing_is_a_finding_and_the_rest_are_attributes() -> None:
    found = read(
        {
            "image": ["a", "b", "c"],
            "Mass": ["0", "1", ""],
            "Fracture": ["1.0", "", "0.0"],
            "age": ["1", "0", "1"],
            "tube": ["yes", "no", "no"],
            "n_views": ["1", "2", "1"],
            "weight": ["70.5", "", "60"],
        }
    )
    assert found.findings == ("Mass", "Fracture")
    assert found.labels.tolist() == [[0, 1], [1, MISSING], [MISSING, 0]]
    assert found.labels.dtype == np.int8
    assert found.rows.columns == ["image", "age", "tube", "n_views", "weight"]
    assert found.rows.rows()[0] == ("a", 1, "yes", 1, 70.5)
    assert found.assumed == {"Fracture"}


def test_findings_may_be_named_where_values_do_not_tell_them() -> None:
    found = read({"image": ["a", "b"], "Mass": [0, 1], "drain": [1, 0]}, findings=["mass"])
    assert found.findings == ("Mass",)
    assert found.rows["drain"].to_list() == [1, 0]
    assert not found.assumed


def test_a_finding_of_nihs_name_is_one_even_where_nobody_was_assessed() -> None:
    found = read({"image": ["a", "b"], "Mass": [None, None], "Fracture": [None, None], "Edema": [0, 1]})
    assert found.findings == ("Mass", "Edema")
    assert (found.labels[:, 0] == MISSING).all()


def test_the_number_of_the_row_that_a_program_wrote_is_no_finding() -> None:
    found = read({"Unnamed: 0": [0, 1], "__index_level_0__": [0, 1], "image": ["a", "b"], "Mass": [0, 1]})
    assert found.findings == ("Mass",)
    assert found.rows.columns == ["image"]


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        (
            {"Mass": [0, 1]},
            ["f: there is no column with the names of the images", "(the columns are Mass)", "reset_index"],
        ),
        ({"a.png": ["b.png"], "0.3": [0.2]}, ["The first row looks like data: add a header row."]),
        ({"image": ["a"], "age": [60]}, ["there is no column of findings", "labels joined by |"]),
        ({"image": ["a"], NO_FINDING: [1]}, ["there is no column of findings"]),
        ({"image": ["a", "b"], "Mass": [0, 2]}, ["f, column Mass, row 1", "the label is 2", "0, 1 or empty"]),
        ({"image": ["a", "b"], "Mass": [0, -1]}, ["the label is -1", "Uncertain labels"]),
        ({"image": ["a", "b"], "Mass": ["0", "yes"]}, ["the label is 'yes'"]),
        ({"image": ["a"], "Mass": [1], "mass": [1]}, ["the columns Mass and mass are the same finding"]),
        ({"image": ["a", "x/a"], "Mass": [1, 0]}, ["column image, row 1", "'a' stands in row 0", "every image once"]),
        (
            {"image": ["p1/a", "p2/a"], "Mass": [1, 0]},
            ["'p1/a' and 'p2/a' end alike: give each a name of its own"],
        ),
        ({"image": ["a"], "Lesion": [0.3]}, ["Does it hold scores? A table of scores is a reading"]),
        ({"image": ["a", ""], "Mass": [1, 0]}, ["the image name is empty"]),
    ],
)
def test_what_is_broken_is_refused(columns: dict[str, Any], parts: list[str], refused: Refused) -> None:
    said = refused(read, columns)
    for part in parts:
        assert part in said, said


def test_a_named_finding_that_is_not_there_is_refused(refused: Refused) -> None:
    assert "no column of the findings Edema" in refused(read, {"image": ["a"], "Mass": [1]}, findings=["Edema"])


def test_why_an_attribute_is_no_finding_is_kept_for_a_reading_that_scores_it() -> None:
    found = read({"image": list("abc"), "Mass": [0, 1, 0], "Fracture": [0, 1, -1], "tube": ["y", "n", "n"]})
    assert found.findings == ("Mass",)
    assert set(found.refusals) == {"fracture"}
    assert "f, column Fracture, row 2 (counted from 0): the label is -1" in str(found.refusals["fracture"])


# --- findings in labels ----------------------------------------------------------------------------------------------


def test_labels_joined_by_a_bar() -> None:
    found = read({"image": list("abcd"), "labels": [NO_FINDING, "Edema|Mass", "Zebra| Edema ", "Mass"]})
    assert found.findings == ("Mass", "Edema", "Zebra")
    assert found.labels.tolist() == [[0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 0]]


def test_spellings_of_one_finding_are_one_finding() -> None:
    labels = ["Pleural_Thickening", "pleural thickening", "Infiltrate", "Infiltration"]
    found = read({"image": list("abcd"), "Finding Labels": labels})
    assert found.findings == ("Infiltration", "Pleural_Thickening")
    assert found.labels.tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]


def test_columns_beside_labels_are_attributes() -> None:
    found = read({"image": ["a", "b"], "labels": ["Mass", NO_FINDING], "tube": [0, 1]})
    assert found.findings == ("Mass",)
    assert found.rows.columns == ["image", "tube"]


@pytest.mark.parametrize(
    ("labels", "parts"),
    [
        (["Mass", ""], ["column labels, row 1", "the labels are empty", 'Write "No Finding"']),
        (["Mass", None], ["the labels are empty"]),
        (["0", "1"], ["the labels are '0'", "Name the column after its finding"]),
        (["Mass", "1.0"], ["row 1", "the labels are '1.0'"]),
        ([["Mass"], ["Edema"]], ["the labels are lists", 'df["labels"].str.join("|")']),
    ],
)
def test_broken_labels_are_refused(labels: list[Any], parts: list[str], refused: Refused) -> None:
    said = refused(read, {"image": ["a", "b"], "labels": labels})
    for part in parts:
        assert part in said, said


@given(st.lists(st.sets(st.sampled_from(NIH_FINDINGS)), min_size=1, max_size=30).filter(any))
def test_columns_and_labels_say_the_same(truth: list[set[str]]) -> None:
    images = [f"{row}.png" for row in range(len(truth))]
    labels = read({"image": images, "labels": ["|".join(sorted(names)) or NO_FINDING for names in truth]})
    columns = read({"image": images} | {f: [int(f in names) for names in truth] for f in labels.findings})
    assert labels.findings == columns.findings == tuple(f for f in NIH_FINDINGS if any(f in names for names in truth))
    np.testing.assert_array_equal(labels.labels, columns.labels)


@pytest.mark.parametrize(
    "columns",
    [
        {"labels": ["No Finding|Mass", "Mass", "No Finding"]},
        {"Mass": [1, 1, 0], "No Finding": [1, 0, 1]},
        {"Mass": [1, 1, 0], "no_finding": [1, None, 0]},
    ],
)
def test_no_finding_is_no_finding_and_a_contradiction_is_said(columns: dict[str, Any]) -> None:
    found = read({"image": ["a", "b", "c"]} | columns)
    assert found.findings == ("Mass",)
    assert found.labels.tolist() == [[1], [1], [0]]
    assert found.warnings == ("No Finding together with a finding: 1 image (the first is a); the finding is kept.",)
    assert found.rows.columns == ["image"]


# --- patients, splits, attributes ------------------------------------------------------------------------------------


def test_nihs_header_names_are_understood_in_any_letter_case() -> None:
    found = read(
        {
            "IMAGE INDEX": ["a", "b"],
            "finding labels": ["Mass", NO_FINDING],
            "Follow-up #": ["0", "3"],
            "Patient ID": ["1", "2"],
            "patient age": ["058Y", "011M"],
            "Patient_Gender": ["m", "Female"],
            "View-Position": ["pa", "AP"],
            "OriginalImage[Width": ["2682", "2894"],
            "Height]": ["2749", "2729"],
            "OriginalImagePixelSpacing[x": ["0.143", "0.143"],
            "y]": ["0.143", "0.143"],
        }
    )
    assert found.rows.drop("width", "height", "pixel_spacing_x", "pixel_spacing_y").to_dict(as_series=False) == {
        "image": ["a", "b"],
        "patient": ["1", "2"],
        "follow_up": [0, 3],
        "age": [58, 0],
        "gender": ["M", "F"],
        "view": ["PA", "AP"],
    }


def test_the_plainest_name_wins_and_the_other_stays_an_attribute() -> None:
    found = read({"image": ["a"], "path": ["x/a"], "Mass": [1], "Patient Gender": ["F"], "gender": ["M"]})
    assert found.rows.rows(named=True) == [{"image": "a", "path": "x/a", "Patient Gender": "F", "gender": "M"}]


def test_columns_of_text_become_numbers_where_every_cell_is_one() -> None:
    columns = {
        "whole": ["1", "2", "NA"],
        "number": ["1.5", "", "2"],
        "name": ["007", "010", "1"],
        "word": ["1", "NA", "x"],
        "empty": ["", None, ""],
    }
    rows = read({"image": list("abc"), "Mass": ["0", "1", "0"]} | columns).rows
    assert rows["whole"].to_list() == [1, 2, None]
    assert rows["number"].to_list() == [1.5, None, 2.0]
    assert rows["name"].to_list() == ["007", "010", "1"]
    assert rows["word"].to_list() == ["1", "NA", "x"]
    assert rows["empty"].null_count() == 3


def test_splits_are_read_in_any_letter_case_and_may_be_empty() -> None:
    found = read({"image": list("abcd"), "Mass": [0, 1, 0, 1], "split": ["Train", "VAL", "test", ""]})
    assert found.rows["split"].to_list() == ["train", "val", "test", None]
    assert "split" not in read({"image": ["a"], "Mass": [1], "split": [None]}).rows.columns


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"split": ["train", "training"]}, ["column split, row 1", "'training'", "train, val, test or nothing"]),
        ({"patient": ["1", ""]}, ["column patient, row 1", "the patient is empty", "leave the column out"]),
        ({"patient": [1, None]}, ["the patient is empty"]),
        ({"age": ["60", "old"]}, ["column age, row 1", "the age is 'old'", "058Y"]),
        ({"GENDER": ["M", "F"], "gender": ["M", "F"]}, ["two columns are gender"]),
    ],
)
def test_broken_columns_are_refused(columns: dict[str, Any], parts: list[str], refused: Refused) -> None:
    said = refused(read, {"image": ["a", "b"], "Mass": [0, 1]} | columns)
    for part in parts:
        assert part in said, said


def test_patients_are_names_and_never_numbers() -> None:
    for patients in ([7, 8], ["7", "8"], [7.0, 8.0]):
        assert read({"image": ["a", "b"], "Mass": [0, 1], "patient": patients}).rows["patient"].to_list() == ["7", "8"]
    assert read({"image": ["a"], "Mass": [1], "Patient ID": ["007"]}).rows["patient"].to_list() == ["007"]


def test_html_and_control_characters_stay_what_they_are() -> None:
    evil = "<script>alert(1)</script>\x1b[31m"
    found = read({"image": ["<b>.png"], evil: [1], "note": [evil]})
    assert found.findings == (evil,)
    assert found.rows.rows() == [("<b>.png", evil)]


def test_a_span_of_time_is_no_attribute_and_stops_nobody() -> None:
    found = read({"image": ["a", "b"], "Mass": [0, 1], "wait": [timedelta(days=1), timedelta(days=2)]})
    assert found.findings == ("Mass",)


def test_excel_s_word_for_a_missing_cell_is_one() -> None:
    assert read({"image": ["a", "b"], "Mass": ["#N/A", "1"]}).labels.tolist() == [[-1], [1]]
