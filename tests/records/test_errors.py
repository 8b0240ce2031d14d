"""Messages stay on one line and stay short, whatever the input holds."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from overread.records.errors import LONGEST, InputError, counted, listed, located, plain, quoted


@given(st.text())
def test_a_name_from_the_input_is_one_short_printable_line(name: str) -> None:
    for shown in (plain(name), quoted(name), listed([name, name])):
        assert shown.isprintable()
        assert len(shown) <= 2 * (LONGEST + 3) + 2


@given(st.text(min_size=1))
def test_a_path_is_shown_whole(path: str) -> None:
    assert located(path).isprintable()
    if path.isprintable():
        assert located(path) == path


def test_html_is_shown_as_it_is_for_the_page_to_escape() -> None:
    assert plain("<script>alert(1)</script>") == "<script>alert(1)</script>"


def test_a_message_has_its_parts_in_order() -> None:
    refusal = InputError("where", "what", "something else", "Do this.")
    assert str(refusal) == "where: what. Expected something else. Do this."
    assert str(InputError("where", "what")) == "where: what."
    assert isinstance(refusal, ValueError)
    again = pickle.loads(pickle.dumps(refusal))
    assert (str(again), again.do) == (str(refusal), "Do this.")


def test_lists_and_counts() -> None:
    assert listed([]) == ""
    assert listed(["a", "b", "c", "d"]) == "a, b, c and 1 more"
    assert [counted(n, "image") for n in (0, 1, 112120)] == ["0 images", "1 image", "112,120 images"]
