"""Images dealt into subgroups: every image once, in the bands that are stated, whatever the type of the column."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from overread.analyses.attributes import crossed, partition, partitions
from overread.records.cohort import cohort_from_frame
from overread.records.errors import InputError
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study


def named(values: pl.Series, attribute: str = "thing") -> list[str | None]:
    found = partition(attribute, values)
    return [found.subgroups[place] if place >= 0 else None for place in found.of_row]


def test_ages_are_in_bands_of_completed_years() -> None:
    ages = pl.Series([0, 18, 19, 40, 41, 60, 61, 80, 81, 120, 121, -1, None])
    bands = ["0-18"] * 2 + ["19-40"] * 2 + ["41-60"] * 2 + ["61-80"] * 2 + ["over 80"] * 2 + [None] * 3
    assert named(ages, "age") == bands
    assert named(pl.Series([18.9, 80.9, 81.0]), "Age") == ["0-18", "61-80", "over 80"]


def test_a_number_with_few_values_is_taken_by_value() -> None:
    assert named(pl.Series([1, 0, None, 1])) == ["1", "0", None, "1"]
    assert named(pl.Series([0.5, float("nan"), 2.0])) == ["0.5", None, "2"]


def test_a_number_with_many_values_is_in_bands_at_its_quartiles() -> None:
    values = np.random.default_rng(0).normal(size=1001)
    found = partition("dose", pl.Series(values))
    sizes = np.bincount(found.of_row)
    assert sizes.max() - sizes.min() <= 2
    tops = [values[found.of_row == place].max() for place in range(4)]
    assert tops == sorted(tops)
    assert found.subgroups[0].startswith("up to")
    counts = partition("follow_up", pl.Series([0] * 60 + list(range(1, 41))))
    assert counts.subgroups == ("0", "1-15", "over 15")


def test_texts_and_flags_are_taken_by_value() -> None:
    assert named(pl.Series(["PA", "AP", "", None])) == ["PA", "AP", None, None]
    assert named(pl.Series([True, False, None])) == ["true", "false", None]
    assert named(pl.Series(["b", "a"], dtype=pl.Categorical)) == ["b", "a"]


def test_too_many_texts_are_refused() -> None:
    with pytest.raises(InputError, match="300 different texts"):
        partition("device", pl.Series([f"scanner {n}" for n in range(300)]))


def test_nih_s_own_headers_name_attributes(matched: Study) -> None:
    found = partitions(matched, ["View Position", "Patient Gender x VIEW"])
    assert [each.attribute for each in found] == ["view", "gender x view"]


def test_crossing_leaves_out_what_is_unknown_on_either_side() -> None:
    one = partition("gender", pl.Series(["F", "M", None, "M"]))
    other = partition("view", pl.Series(["AP", "AP", "PA", None]))
    both = crossed(one, other)
    assert both.attribute == "gender x view"
    assert both.subgroups == ("F x AP", "M x AP")
    assert both.of_row.tolist() == [0, 1, -1, -1]
    assert both.n_unknown == 2
    assert both.members(1).tolist() == [False, True, False, False]


def test_too_many_crossed_subgroups_are_refused() -> None:
    numbers = pl.Series(list(range(8)) * 8)
    with pytest.raises(InputError, match="64 subgroups"):
        crossed(partition("a", numbers), partition("b", numbers.sort()))


def made_study(columns: dict[str, list[object]]) -> Study:
    images = [f"{row}.png" for row in range(4)]
    cohort = cohort_from_frame(pl.DataFrame({"image": images, "Mass": [0, 1, 0, 1]} | columns), findings=["Mass"])
    return study(cohort, [reading_from_frame(pl.DataFrame({"image": images, "Mass": [0.1, 0.2, 0.3, 0.4]}), name="r")])


def test_by_default_what_is_known_and_varies() -> None:
    of = made_study({"view": ["PA"] * 4, "gender": ["F", "M", "F", "M"], "ward": ["x", "y", "x", "y"]})
    assert [found.attribute for found in partitions(of)] == ["gender"]
    assert [found.attribute for found in partitions(of, ["view", "Ward", "GENDER x ward"])] == [
        "view",
        "ward",
        "gender x ward",
    ]


def test_an_attribute_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="no attribute"):
        partitions(made_study({"ward": ["x", "y", "x", "y"]}), ["gender"])


def test_an_attribute_that_no_reported_image_has_is_refused_where_it_was_asked_for() -> None:
    frame = {"image": ["a", "b"], "Mass": [0, 1], "view": [None, None]}
    cohort = cohort_from_frame(frame, name="made up", findings=["Mass"])
    of = study(cohort, [reading_from_frame({"image": ["a", "b"], "Mass": [0.1, 0.2]}, name="r")])
    assert partitions(of) == ()
    with pytest.raises(InputError, match="the attribute view: it is not known of any reported image"):
        partitions(of, ["view"])
