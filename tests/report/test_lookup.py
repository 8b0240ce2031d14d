"""Which rows a section speaks of, and how one is said."""

from __future__ import annotations

from types import SimpleNamespace

from overread.report import lookup
from overread.report.numbers import DASH, SPACE


def test_estimates_are_of_all_images_only(second: SimpleNamespace) -> None:
    rows = second.tables["estimates"]
    subgroup = rows.head(1).with_columns(attribute=rows["attribute"].head(1).replace("", "gender"))
    second.tables["estimates"] = rows.vstack(subgroup)
    found = lookup.estimates(second, "auroc")
    assert found.height == 3 * (14 + 2)
    assert set(found["method"]) == {"bootstrap"}


def test_what_has_no_value_is_said_with_its_reason() -> None:
    row = {"reading": "zech", "value": None, "low": None, "high": None, "note": "no positive image"}
    assert lookup.said(row, 0.95) == "not computed (no positive image)"
    assert lookup.cell(row).text == DASH
    assert lookup.cell(row).note == "no positive image"
    assert lookup.share(row) == "not computed"
    assert lookup.said(None, 0.95) == "not computed"


def test_a_share_is_a_percentage_with_a_named_interval() -> None:
    row = {"value": 0.683, "low": 0.671, "high": 0.695}
    assert lookup.share(row, "95 %").replace(SPACE, " ") == "68.3 % (95 % interval 67.1 to 69.5 %)"
    assert lookup.share({**row, "low": None}).replace(SPACE, " ") == "68.3 %"


def test_extremes_leave_out_what_has_no_value() -> None:
    rows = [{"value": None}, {"value": 0.7}, {"value": float("nan")}, {"value": 0.6}]
    assert lookup.extremes(rows) == ({"value": 0.6}, {"value": 0.7})
    assert lookup.extremes([{"value": None}]) is None


def test_names_of_files_are_plain_and_differ_where_letter_case_is_ignored() -> None:
    names = lookup.file_names("roc", ["Zech", "zech", "../etc", "моdel", "a" * 300])
    assert len({name.casefold() for name in names.values()}) == 5
    assert all(name.isascii() and "/" not in name and "." not in name and len(name) < 80 for name in names.values())
