"""Subgroups, pairs and reliability: a mark for each value at its place, parts as long as their share."""

from __future__ import annotations

from xml.etree import ElementTree

import polars as pl
import pytest

from overread.report.figures.pairs import BAR, draw_pairs
from overread.report.figures.reliability import draw_reliability
from overread.report.figures.subgroups import Panel, draw_subgroups
from overread.report.figures.svg import Drawing
from overread.report.figures.theme import Readers

SVG = "{http://www.w3.org/2000/svg}"
READERS = Readers(("zech", "lr033"))


def parsed(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.document("title"))


def marks(drawing: Drawing) -> dict[str, ElementTree.Element]:
    return {each.get("aria-label"): each for each in parsed(drawing).iter() if each.get("class") == "mark"}


def texts(drawing: Drawing) -> list[str]:
    return [each.text for each in parsed(drawing).iter(f"{SVG}text")]


def test_subgroups_have_a_mark_where_there_is_a_value() -> None:
    rows = pl.DataFrame(
        [
            ("left", "view", "AP", "zech", 0.8, 0.7, 0.9, "one"),
            ("left", "view", "PA", "zech", None, None, None, "two"),
            ("right", "view", "AP", "lr033", 0.1, None, None, "three"),
        ],
        schema=["panel", "attribute", "subgroup", "reading", "value", "low", "high", "sentence"],
        orient="row",
    )
    panels = (Panel("left", (0.5, 1.0), "AUROC", 200, rule=0.5), Panel("right", (0.0, 0.2), "share", 150))
    drawing = draw_subgroups(rows, READERS, groups={"view": {"AP": "9 images", "PA": "<b>"}}, panels=panels)
    assert set(marks(drawing)) == {"one", "three"}
    assert {"view", "AP", "9 images", "<b>"} <= set(texts(drawing))


def test_parts_are_as_long_as_their_share_and_carry_each_reader_s_auroc() -> None:
    parts = pl.DataFrame(
        [
            ("Mass", "same", "zech", 0.75, 0.8123, "a"),
            ("Mass", "same", "lr033", 0.75, 0.7, "b"),
            ("Mass", "across", "zech", 0.25, 0.9, "c"),
            ("Mass", "across", "lr033", 0.25, None, "d"),
            ("Hernia", "same", "zech", None, None, "e"),
        ],
        schema=["row", "part", "reading", "share", "auroc", "sentence"],
        orient="row",
    )
    totals = pl.DataFrame(
        [("Mass", "zech", 0.83, 0.81, 0.8, 0.82, "sum"), ("Hernia", "zech", None, None, None, None, "none")],
        schema=["row", "reading", "auroc", "balanced", "low", "high", "sentence"],
        orient="row",
    )
    drawing = draw_pairs(parts, totals, READERS, order=["Mass", "Hernia"], domain=(0.5, 1.0))
    found = marks(drawing)
    assert set(found) == {"a; b", "c; d", "sum"}
    assert float(found["a; b"].get("width")) == pytest.approx(0.75 * BAR)
    assert {"0.812", "0.700", "0.900", "same", "across"} <= set(texts(drawing))


def test_reliability_has_its_points_lines_and_bars() -> None:
    points = pl.DataFrame(
        [("Mass", 0.1, 0.1, 0.05, 0.2, "one"), ("Mass", 0.3, 0.2, None, None, "two")],
        schema=["row", "mean_score", "rate", "low", "high", "sentence"],
        orient="row",
    )
    lines = points.with_columns(scores=pl.lit("Platt"), sentence=pl.lit("line"))
    bars = pl.DataFrame(
        [("Mass", 0.0, 0.05, 9, 99, "bar"), ("Mass", 0.05, 0.1, 0, 0, "empty")],
        schema=["row", "score_from", "score_to", "n_positive", "n_negative", "sentence"],
        orient="row",
    )
    curves = pl.DataFrame(
        [("Mass", 0.1 * k, 0.05 * k, 0.04 * k, 0.4 * k, "curve") for k in range(1, 5)],
        schema=["row", "score", "rate", "low", "high", "sentence"],
        orient="row",
    )
    look = READERS.look("zech")
    drawing = draw_reliability(points, curves, lines, bars, look, order=["Mass", "Hernia"], level="95 %")
    assert set(marks(drawing)) == {"one", "two", "line", "bar", "curve"}
    without = draw_reliability(points, curves.clear(), lines, bars, look, order=["Mass", "Hernia"], level="95 %")
    assert set(marks(without)) == {"one", "two", "line", "bar"}
    assert "not computed" in texts(drawing)
    bar = marks(drawing)["bar"]
    assert float(bar.get("height")) == pytest.approx(26 * 1.5)  # log10 of 10 is half that of 100
