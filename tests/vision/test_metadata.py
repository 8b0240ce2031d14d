from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")

from overread.records.cohort import cohort_from_frame
from overread.records.errors import InputError
from overread.vision.metadata import MetadataEncoding

TABLE = {
    "image": ["a.png", "b.png", "c.png", "d.png"],
    "Mass": [0, 1, 0, 1],
    "gender": ["F", "M", "F", None],
    "view": ["AP", "PA", "PA", "LL"],
    "age": [20, 40, None, 60],
    "site": ["north", "south", "east", None],
    "scanner": ["x", "y", "x", "x"],
    "flat": ["one"] * 4,
}


def encoded(*attributes: str) -> tuple[MetadataEncoding, list[list[float]]]:
    cohort = cohort_from_frame(TABLE, findings=["Mass"])
    encoding = MetadataEncoding.fitted(cohort, attributes)
    return encoding, encoding.encode(cohort.table).tolist()


def test_the_papers_two_inputs_are_binary_and_a_missing_one_is_the_training_mean() -> None:
    encoding, rows = encoded("gender", "view")
    assert encoding.names == ("gender=F", "view=AP")
    np.testing.assert_allclose(rows, [[1, 1], [0, 0], [1, 0], [2 / 3, 1 / 3]], rtol=1e-6)  # a lateral view is missing


def test_a_number_is_standardised() -> None:
    _, rows = encoded("age")
    sd = np.std([20, 40, 60])
    np.testing.assert_allclose(rows, [[-20 / sd], [0], [0], [20 / sd]], rtol=1e-6)


def test_texts_become_one_input_each_and_two_of_them_one() -> None:
    encoding, rows = encoded("site", "scanner")
    assert encoding.names == ("site=east", "site=north", "site=south", "scanner=y")
    third = 1 / 3
    np.testing.assert_allclose(rows, [[0, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0], [third, third, third, 0]], rtol=1e-6)


def test_what_training_never_saw_is_missing_for_two_values_and_no_known_text_for_more() -> None:
    encoding, _ = encoded("scanner", "site")
    row = encoding.encode(pl.DataFrame({"scanner": ["z"], "site": ["west"]}))[0]
    np.testing.assert_allclose(row, [0.25, 0, 0, 0])


def test_an_empty_column_is_missing_on_every_row_and_an_absent_one_is_refused() -> None:
    encoding, _ = encoded("gender", "age")
    empty = pl.DataFrame({"gender": [None, None], "age": [None, None]})
    np.testing.assert_allclose(encoding.encode(empty), [[2 / 3, 0]] * 2, rtol=1e-6)
    with pytest.raises(InputError, match="hospital: there is no column age, which the model takes"):
        encoding.encode(empty.drop("age"), name="hospital")


def test_it_survives_a_file() -> None:
    encoding, rows = encoded("gender", "view", "age", "site", "scanner")
    again = MetadataEncoding.of_json(json.loads(json.dumps(encoding.as_json())))
    assert again == encoding
    assert again.encode(cohort_from_frame(TABLE, findings=["Mass"]).table).tolist() == rows
    assert again.attributes == ("gender", "view", "age", "site", "scanner")


def test_the_standard_model_has_none() -> None:
    encoding, _ = MetadataEncoding(), None
    assert encoding.width == 0
    assert encoding.encode(pl.DataFrame({"image": ["a", "b"]})).shape == (2, 0)


def test_what_cannot_be_learnt_from_is_refused() -> None:
    with pytest.raises(InputError, match="there is no attribute weight"):
        encoded("weight")
    with pytest.raises(InputError, match="column flat: it holds one alone on the training rows"):
        encoded("flat")
