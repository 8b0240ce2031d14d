"""Every value has its mark, its place and its sentence; what has no value has none."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import polars as pl
import pytest

from overread.report.figures import heatmaps, places
from overread.report.figures.curves import draw_precision_recall, draw_roc
from overread.report.figures.dots import draw_intervals
from overread.report.figures.label_count import draw_label_count
from overread.report.figures.svg import Drawing
from overread.report.figures.theme import STEPS, Readers

SVG = "{http://www.w3.org/2000/svg}"
READERS = Readers(("zech", "lr033"), "blind")


def parsed(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.document("title"))


def said(drawing: Drawing) -> list[str]:
    return [each.get("aria-label") for each in parsed(drawing).iter() if each.get("class") == "mark"]


def texts(drawing: Drawing) -> list[str]:
    return [each.text for each in parsed(drawing).iter(f"{SVG}text")]


def interval_rows() -> pl.DataFrame:
    rows = [
        ("zech", "Hernia", 0.9, 0.8, 0.95, "one", ""),
        ("lr033", "Hernia", 0.8, None, None, "two", ""),
        ("zech", "Mass", None, None, None, "three", "no positive image"),
        ("lr033", "Mass", None, None, None, "four", "no positive image"),
        ("blind", "Mean", 0.6, 0.5, 0.7, "five", ""),
    ]
    columns = ["reading", "row", "value", "low", "high", "sentence", "note"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_a_dot_plot_has_a_mark_for_every_value_and_a_note_for_a_row_without() -> None:
    drawing = draw_intervals(interval_rows(), READERS, order=["Hernia", "Mass"], apart=["Mean"], title="AUROC")
    assert said(drawing) == ["one", "two", "five"]
    assert "no positive image" in texts(drawing)


def test_a_dot_plot_repeats_its_rows_in_every_panel() -> None:
    rows = pl.concat([interval_rows().with_columns(panel=pl.lit(panel)) for panel in ("Left", "Right")])
    drawing = draw_intervals(
        rows, READERS, order=["Hernia", "Mass"], apart=["Mean"], title="x", panels=["Left", "Right"]
    )
    assert said(drawing) == ["one", "two", "five"] * 2
    assert texts(drawing).count("Hernia") == 1


def test_a_mark_stands_where_its_value_is() -> None:
    rows = interval_rows().filter(pl.col("sentence") == "one")
    root = parsed(draw_intervals(rows, READERS, order=["Hernia"], title="x", domain=(0.5, 1), width=500))
    mark = next(each for each in root.iter() if each.get("class") == "mark")
    x = float(re.match(r"translate\(([\d.]+)", mark.get("transform"))[1])
    axis = next(each for each in root.iter(f"{SVG}g") if each.get("class") == "axis")
    ticks = {t.text: float(t.get("x")) for t in axis.iter(f"{SVG}text") if t.text in ("0.5", "1")}
    assert (x - ticks["0.5"]) / (ticks["1"] - ticks["0.5"]) == pytest.approx(0.8, abs=1e-3)


def curve_rows(x: list[float], y: list[float]) -> pl.DataFrame:
    return pl.DataFrame({"x": x, "y": y}, schema={"x": pl.Float64, "y": pl.Float64}, strict=False).select(
        pl.lit("zech").alias("reading"), pl.lit("Hernia").alias("finding"), "x", "y", pl.lit("curve").alias("sentence")
    )


def test_a_curve_goes_from_corner_to_corner_and_its_mark_lies_on_it() -> None:
    drawing = draw_roc(
        curve_rows([0, 0.5, 1], [0, 0.5, 1]), curve_rows([0.5], [0.5]), READERS, order=["Hernia", "Mass"]
    )
    line, mark = (each for each in parsed(drawing).iter() if each.get("class") == "mark")
    assert line.get("d") == "M0,150L75,75L150,0"
    assert mark.get("transform") == "translate(75.00,75.00)"
    assert "Mass" in texts(drawing)


def test_the_dashed_line_of_precision_and_recall_is_the_prevalence() -> None:
    curve = curve_rows([0, 1], [1, 0.2])
    root = parsed(draw_precision_recall(curve, curve.clear(), READERS, prevalence={"Hernia": 0.2}))
    dashed = next(each for each in root.iter(f"{SVG}line") if each.get("stroke-dasharray") == "4 3")
    assert dashed.get("y1") == dashed.get("y2") == "120"


def cells(values: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row": ["a"] * len(values),
            "column": [f"c{k}" for k in range(len(values))],
            "value": values,
            "text": [str(value) for value in values],
            "sentence": [f"cell {k}" for k in range(len(values))],
            "clear": [value == 0.95 for value in values],
        }
    )


def test_a_cell_has_the_step_of_its_value_and_its_number() -> None:
    values = [0.39, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, None]
    body = heatmaps.draw_differential(cells(values), order=["a", *(f"c{k}" for k in range(8))]).body
    fills = re.findall(r'fill="([^"]*)"[^>]*class="mark"', body)
    assert fills == [*STEPS, "none"]
    assert body.count('class="mark"') == 8
    assert all(f">{value}</text>" in body for value in values)


def test_only_a_clear_cell_is_bold() -> None:
    body = heatmaps.draw_differential(cells([0.95, 0.6]), order=["a", "c0", "c1"]).body
    assert re.findall(r'font-weight="bold"[^>]*>([^<]*)<', body) == ["0.95"]


def test_segments_of_a_bar_follow_one_another_and_empty_ones_are_left_out() -> None:
    rows = [
        ("zech", "Mass", "third", 2, "third"),
        ("zech", "Mass", "first", 3, "first"),
        ("zech", "Mass", "second", 0, ""),
    ]
    frame = pl.DataFrame(rows, schema=["reading", "output", "place", "number", "sentence"], orient="row")
    drawing = places.draw_places(frame, order=["Mass"], readings=["zech"])
    first, third = (each for each in parsed(drawing).iter(f"{SVG}rect") if each.get("class") == "mark")
    assert said(drawing) == ["first", "third"]
    assert float(first.get("x")) == 0
    assert float(third.get("x")) == pytest.approx(float(first.get("width")) + 1)


def test_names_of_points_do_not_cover_one_another() -> None:
    rows = [("zech", f"F{k}", 1000 + 400 * k, 3, f"Finding {k}", f"point {k}") for k in range(4)]
    columns = ["reading", "finding", "n_positive", "places", "label", "sentence"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    drawing = places.draw_frequency(frame, Readers(("zech",)))
    assert len(said(drawing)) == 4
    labels = [each for each in parsed(drawing).iter(f"{SVG}text") if (each.text or "").startswith("Finding")]
    boxes = [places.label_box(float(t.get("x")), float(t.get("y")), 50, t.get("text-anchor"), 0, 0) for t in labels]
    assert all(places.overlap(a, b) == 0 for k, a in enumerate(boxes) for b in boxes[:k])


def test_the_line_is_drawn_in_the_first_plot_only() -> None:
    rows = [(panel, "zech", k, 0.1 * k, None, None, f"{panel} {k}") for panel in ("All", "Present") for k in (0, 1)]
    losses = pl.DataFrame(
        rows,
        schema={"panel": pl.String, "reading": pl.String, "n_labels": pl.Int64}
        | dict.fromkeys(("value", "low", "high"), pl.Float64)
        | {"sentence": pl.String},
        orient="row",
    )
    lines = pl.DataFrame({"reading": ["zech"] * 2, "n_labels": [0, 1], "value": [0.0, 0.1], "sentence": ["line"] * 2})
    drawing = draw_label_count(losses, lines, READERS.without_floor(), panels=("All", "Present"))
    assert said(drawing) == ["line", "All 0", "All 1", "Present 0", "Present 1"]
