"""Elements, escaping, and the two forms of a drawing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from overread.report.figures.svg import Drawing, cut, element, path, pixels, width_of, words
from overread.report.page import Page

SVG = "{http://www.w3.org/2000/svg}"


def test_every_figure_is_a_well_formed_file_without_variables(made: Page) -> None:
    assert len(made.figures) >= 12
    for document in made.figures.values():
        root = ElementTree.fromstring(document)
        assert root.tag == f"{SVG}svg"
        assert root.find(f"{SVG}title").text
        assert "var(" not in document
        assert {each.tag for each in root.iter()} <= {f"{SVG}{tag}" for tag in ALLOWED}


ALLOWED = ("svg", "title", "g", "rect", "line", "path", "text")


def test_no_figure_leaves_its_frame(made: Page) -> None:
    for document in made.figures.values():
        root = ElementTree.fromstring(document)
        width, height = float(root.get("width")), float(root.get("height"))
        for rect in root.iter(f"{SVG}rect"):
            if (
                rect.get("x") is not None
                and rect.get("class") == "mark"
                and root.find(f".//{SVG}g[@data-axes]") is None
            ):
                assert 0 <= float(rect.get("y")) <= height
                assert float(rect.get("width")) <= width


def test_text_and_attributes_are_escaped() -> None:
    hostile = "\"><script>alert('1')</script>\x00&"
    drawn = Drawing(10, 10, words(hostile, 0, 0) + element("rect", aria_label=hostile)).document(hostile)
    root = ElementTree.fromstring(drawn)
    read = hostile.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    assert root.find(f"{SVG}title").text == read
    assert root.find(f"{SVG}text").text == read
    assert root.findall(f"{SVG}rect")[1].get("aria-label") == read
    assert root.find(f".//{SVG}script") is None


def test_a_name_that_reads_like_a_colour_stays_a_name() -> None:
    name = '"var(--ink)"'
    assert ElementTree.fromstring(Drawing(1, 1, words(name, 0, 0)).document()).find(f"{SVG}text").text == name


def test_a_file_has_light_colours_and_a_page_has_names_of_colours() -> None:
    drawing = Drawing(10, 10, words("x", 0, 0))
    assert 'fill="#1c1f23"' in drawing.document()
    assert 'fill="var(--ink)"' in drawing.inline()
    assert "xmlns" not in drawing.inline()


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.001, "0"), (-1.5, "-1.5"), (1234.567, "1234.57"), (10, "10")]
)
def test_lengths_are_short(value: float, text: str) -> None:
    assert pixels(value) == text


def test_a_path_goes_through_its_points() -> None:
    assert re.search(r'd="M0,0L1.5,2"', path([(0, 0), (1.5, 2)]))


def test_cut_text_fits() -> None:
    for name in ("Pleural Thickening and everything else", "漢字" * 30, "WWWWWWWWWWWWWWWWWWWWWW"):
        short = cut(name, 100)
        assert width_of(short) <= 100
        assert short.endswith("…")
