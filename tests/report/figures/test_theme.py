"""Colours that can be read in light and dark, and readers that differ without colour."""

from __future__ import annotations

import pytest

from overread.report.figures.theme import PALETTE, READERS, Readers, palette_css

LIGHT, DARK = 0, 1


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str, form: int) -> float:
    light, dark = sorted((luminance(PALETTE[a][form]), luminance(PALETTE[b][form])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("form", [LIGHT, DARK])
@pytest.mark.parametrize("ink", ["ink", "muted", "reader-1"])
def test_text_has_the_contrast_that_wcag_aa_asks_for(ink: str, form: int) -> None:
    assert contrast(ink, "paper", form) >= 4.5


@pytest.mark.parametrize("form", [LIGHT, DARK])
@pytest.mark.parametrize("mark", ["axis", "floor", *(f"reader-{k + 1}" for k in range(READERS))])
def test_marks_have_the_contrast_that_wcag_aa_asks_for(mark: str, form: int) -> None:
    assert contrast(mark, "paper", form) >= 3


@pytest.mark.parametrize("form", [LIGHT, DARK])
@pytest.mark.parametrize(
    ("ink", "step"),
    [
        *(("on-strong", step) for step in ("below-2", "above-4", "above-5")),
        *(("on-pale", step) for step in ("below-1", "above-1", "above-2", "above-3")),
    ],
)
def test_numbers_in_cells_can_be_read(ink: str, step: str, form: int) -> None:
    assert contrast(ink, step, form) >= 4.5


def test_readers_differ_in_colour_mark_and_dashes() -> None:
    readers = Readers(tuple("abcdef"), "blind")
    looks = [readers.look(name) for name in readers.everyone]
    assert len({look.colour for look in looks}) == len({look.shape for look in looks}) == 7
    assert len({look.dash for look in looks}) == 7


def test_no_two_of_many_readers_look_the_same() -> None:
    readers = Readers(tuple(map(str, range(36))))
    assert len({readers.look(name) for name in readers.names}) == 36


def test_a_reader_that_is_the_floor_stands_once_and_is_grey() -> None:
    readers = Readers(("zech", "blind"), "blind")
    assert readers.everyone == ("zech", "blind")
    assert readers.look("blind").colour == "var(--floor)"


def test_the_dark_form_is_for_screens_only() -> None:
    css = palette_css()
    assert css.index("--paper:#ffffff") < css.index("@media screen") < css.index("--paper:#15181c")


def test_a_figure_of_some_readers_keeps_their_looks() -> None:
    every = Readers(("a", "b", "c"), "floor")
    some = Readers(("a", "b", "c"), "floor", shown=("a", "c"))
    assert some.everyone == ("a", "c")
    assert some.look("c") == every.look("c")
