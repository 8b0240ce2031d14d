"""Spreads of recipes: a bar is as long as its spread on the axis that all plots share."""

from __future__ import annotations

from xml.etree import ElementTree

import polars as pl
import pytest

from overread.report.figures.recipes import PLOT, draw_spreads

ROWS = pl.DataFrame(
    [
        ("one", "Mass", 0.01, 0.02, "runs 1", "patients 1", ""),
        ("one", "Mean", 0.0, 0.005, "runs 2", "patients 2", ""),
        ("two", "Mass", None, 0.01, "runs 3", "patients 3", "one run"),
        ("<b>", "Mass", 0.02, None, "runs 4", "patients 4", ""),
    ],
    schema=["recipe", "row", "runs", "patients", "said_runs", "said_patients", "note"],
    orient="row",
)


def elements() -> list[ElementTree.Element]:
    drawing = draw_spreads(ROWS, order=["Mass"], apart=["Mean"], title="spread")
    return list(ElementTree.fromstring(drawing.document("title")).iter())


def test_bars_are_as_long_as_their_spread() -> None:
    widths = {each.get("aria-label"): float(each.get("width")) for each in elements() if each.get("class") == "mark"}
    assert widths["patients 1"] == pytest.approx(2 * widths["runs 1"])
    assert widths["patients 3"] == pytest.approx(widths["runs 1"])
    assert widths["runs 4"] == pytest.approx(PLOT)
    assert 0 < widths["runs 2"] < 1
    assert "runs 3" not in widths
    assert "patients 4" not in widths


def test_what_is_not_known_is_said_and_names_stay_text() -> None:
    texts = [each.text for each in elements() if each.tag.endswith("}text")]
    assert "one run" in texts
    assert {"one", "two", "<b>"} <= set(texts)
    assert texts.count("Mass") == 2  # two plots in a row share their names


def test_nothing_to_draw_is_drawn_as_nothing() -> None:
    nothing = ROWS.with_columns(runs=pl.lit(None, pl.Float64), patients=pl.lit(None, pl.Float64))
    assert 'class="mark"' not in draw_spreads(nothing, order=["Mass"], apart=["Mean"], title="x").body
