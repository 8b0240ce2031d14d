"""Sheets as plain data: heads over columns, notes with their letters."""

from __future__ import annotations

from overread.report.section import Cell, Column, Sheet


def sheet(*groups: str, notes: tuple[str, ...] = ()) -> Sheet:
    columns = tuple(Column("value", group) for group in groups)
    rows = tuple((Cell("row"), Cell("1", note)) for note in notes)
    return Sheet("name", "Title", columns, rows)


def test_neighbours_of_a_group_share_a_head() -> None:
    assert sheet("", "a", "a", "b", "").groups == (("", 1), ("a", 2), ("b", 1), ("", 1))


def test_without_groups_there_is_no_upper_head() -> None:
    assert sheet("", "").groups == ()


def test_a_note_that_all_values_share_is_said_once() -> None:
    shared = sheet("", notes=("summed", "summed")).with_shared_note()
    assert shared.notes == {}
    assert shared.foot == ("All values: summed.",)
    some = sheet("", notes=("summed", ""))
    assert some.with_shared_note() == some


def test_equal_notes_share_a_letter_in_the_order_in_which_they_appear() -> None:
    assert sheet("", notes=("late", "", "early", "late")).notes == {"late": "a", "early": "b"}
