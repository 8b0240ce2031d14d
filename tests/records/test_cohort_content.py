"""The checksum of what a cohort says: blind to form, not to content."""

from __future__ import annotations

import pytest

from overread.records.cohort import cohort_from_frame
from overread.records.cohort_content import content_checksum

FRAME = {
    "image": ["1.png", "2.png", "3.png"],
    "patient": ["a", "a", "b"],
    "split": ["test", "test", "train"],
    "age": [60, 61, 62],
    "Mass": [0, 1, None],
    "Edema": [1, 0, 0],
}


def of(frame: dict[str, list[object]]) -> str:
    return content_checksum(cohort_from_frame(frame))


def test_the_order_of_rows_and_columns_plays_no_part() -> None:
    turned = {name: FRAME[name][::-1] for name in reversed(FRAME)}
    assert of(turned) == of(FRAME)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Mass", [0, 0, None]),
        ("Mass", [0, 1, 0]),
        ("patient", ["a", "b", "b"]),
        ("split", ["test", "train", "train"]),
        ("age", [60, 61, 63]),
        ("image", ["1.png", "2.png", "4.png"]),
    ],
)
def test_a_changed_cell_changes_it(column: str, values: list[object]) -> None:
    assert of({**FRAME, column: values}) != of(FRAME)


def test_another_column_changes_it() -> None:
    assert of({name: values for name, values in FRAME.items() if name != "age"}) != of(FRAME)
    assert of({"Nodule" if name == "Mass" else name: values for name, values in FRAME.items()}) != of(FRAME)
