"""Figures that set readings apart: a mark for every value at its place, 1,000 signs, labels that do not collide."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import polars as pl
import pytest

from overread.analyses.published_rates import PUBLISHED
from overread.report.figures.decision_curves import draw_net_benefit, draw_net_benefit_differences
from overread.report.figures.differences import draw_differences
from overread.report.figures.exchange import draw_exchange_curves, draw_rates, pushed_apart
from overread.report.figures.people import ACROSS, PITCH, draw_people, whole_people
from overread.report.figures.svg import Drawing
from overread.report.figures.theme import Readers

SVG = "{http://www.w3.org/2000/svg}"
READERS = Readers(("zech", "lr033"), "blind")
COMPARABLE = [each for each in PUBLISHED if each.comparable]


def parsed(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.document("title"))


def marks(drawing: Drawing) -> dict[str, ElementTree.Element]:
    return {each.get("aria-label"): each for each in parsed(drawing).iter() if each.get("class") == "mark"}


def texts(drawing: Drawing) -> list[str]:
    return [each.text for each in parsed(drawing).iter(f"{SVG}text")]


def place(mark: ElementTree.Element) -> tuple[float, float]:
    x, y = re.match(r"translate\(([\d.-]+),([\d.-]+)\)", mark.get("transform")).groups()
    return float(x), float(y)


def tick_places(drawing: Drawing, wanted: tuple[str, ...]) -> dict[str, float]:
    return {t.text: float(t.get("x")) for t in parsed(drawing).iter(f"{SVG}text") if t.text in wanted}


# ---- differences ----


def difference_rows() -> pl.DataFrame:
    rows = [
        ("Hernia", 0.02, 0.01, 0.03, "one", "", True),
        ("Mass", -0.01, -0.02, 0.005, "two", "", False),
        ("Edema", None, None, None, "", "no positive image", False),
        ("Mean", 0.01, None, None, "mean", "", True),
    ]
    return pl.DataFrame(rows, schema=["row", "value", "low", "high", "sentence", "note", "beyond"], orient="row")


def forest(rows: pl.DataFrame, margin: float | None = None) -> Drawing:
    order = ["Hernia", "Mass", "Edema"]
    return draw_differences(
        rows, READERS, pair=("zech", "lr033"), order=order, apart=["Mean"], title="x", margin=margin
    )


def test_a_difference_stands_at_its_value_and_a_missing_one_says_why() -> None:
    drawing = forest(difference_rows())
    drawn = marks(drawing)
    assert list(drawn) == ["one", "two", "mean"]
    assert "no positive image" in texts(drawing)
    ticks = tick_places(drawing, ("0.00", "+0.02"))
    assert place(drawn["one"])[0] == pytest.approx(ticks["+0.02"], abs=0.02)
    assert place(drawn["mean"])[0] == pytest.approx((ticks["0.00"] + ticks["+0.02"]) / 2, abs=0.02)


def test_a_difference_that_is_not_beyond_chance_is_hollow() -> None:
    drawn = marks(forest(difference_rows()))
    assert drawn["two"].get("fill") == "#ffffff"
    assert drawn["one"].get("fill") not in ("#ffffff", "none")


def test_the_margin_is_a_band_around_zero() -> None:
    drawing = forest(difference_rows(), margin=0.01)
    band = marks(drawing)["The stated margin: 0.01 either way"]
    ticks = tick_places(drawing, ("0.00", "+0.02"))
    assert float(band.get("width")) == pytest.approx(ticks["+0.02"] - ticks["0.00"], abs=0.02)


def test_one_long_interval_does_not_flatten_the_others() -> None:
    long = pl.DataFrame([("Edema", 0.1, -0.9, 0.95, "three", "", False)], schema=difference_rows().schema, orient="row")
    rows = pl.concat([difference_rows().filter(pl.col("row") != "Edema"), long])
    assert "+0.4" not in texts(forest(rows))
    assert forest(rows).body.count("-4v8Z") == 2


# ---- people ----


def test_signs_add_up_to_a_thousand() -> None:
    counts = {"found": 40, "missed": 13, "referred_healthy": 217, "spared": 730}
    rows = pl.DataFrame([{"reading": "zech", "title": "Mean"} | counts | {f"sentence_{name}": name for name in counts}])
    drawn = marks(draw_people(rows, READERS))
    assert list(drawn) == list(counts)
    assert drawn["missed"].get("d").count("M") == 13
    for name in ("found", "referred_healthy", "spared"):
        sign = float(drawn[name].get("stroke-dasharray").split()[0])
        runs = [float(run) for run in re.findall(r"h([\d.]+)", drawn[name].get("d"))]
        assert sum(round((run - sign) / PITCH) + 1 for run in runs) == counts[name]
        assert max(runs) <= ACROSS * PITCH


@pytest.mark.parametrize("counts", [[0.4, 0.4, 0.4, 998.8], [1.5, 2.5, 495.5, 500.5], [0, 0, 0, 1000]])
def test_whole_people_add_up_and_are_less_than_one_off(counts: list[float]) -> None:
    whole = whole_people(counts)
    assert sum(whole) == 1000
    assert all(abs(a - b) < 1 for a, b in zip(whole, counts, strict=True))


# ---- the exchange rate ----


def rate_rows() -> pl.DataFrame:
    rows = [
        ("Mass", "zech", 10.0, 5.0, 20.0, "", "ten", False),
        ("Edema", "lr033", 100.0, None, None, "not bounded", "hundred", False),
        ("Hernia", "zech", 1.0, -2.0, 200_000.0, "", "wide", False),
        ("Mean", None, None, None, None, "nothing to exchange", "", True),
    ]
    columns = ["row", "finder", "rate", "low", "high", "text", "sentence", "apart"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_rates_stand_on_a_log_axis_with_their_threshold_above() -> None:
    drawing = draw_rates(rate_rows(), READERS, COMPARABLE)
    drawn = marks(drawing)
    ticks = tick_places(drawing, ("1", "10", "100", "10\N{NO-BREAK SPACE}%", "50\N{NO-BREAK SPACE}%"))
    assert place(drawn["ten"])[0] == pytest.approx(ticks["10"], abs=0.02)
    assert place(drawn["hundred"])[0] == pytest.approx(ticks["100"], abs=0.02)
    assert ticks["50\N{NO-BREAK SPACE}%"] == pytest.approx(ticks["1"], abs=0.02)
    assert {"not bounded", "nothing to exchange"} <= set(texts(drawing))


def test_an_interval_that_leaves_the_axis_ends_in_an_arrow() -> None:
    assert draw_rates(rate_rows(), READERS, COMPARABLE).body.count("v8Z") == 2


def test_published_rates_stand_with_source_disease_and_prevalence() -> None:
    drawing = draw_rates(rate_rows(), READERS, PUBLISHED)
    named = [text for text in texts(drawing) if text.startswith(("Boone", "Schwartz"))]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in named] == [
        "Boone 2013: colorectal cancer, 0.2 %",
        "Boone 2013: colorectal polyp, 25 %",
    ]
    assert sum(sentence.startswith("Boone 2013") for sentence in marks(drawing)) == 2


def test_curves_have_their_line_their_point_and_the_published_rates() -> None:
    shares = (0.001, 0.05, 0.5)
    lines = [("Mass", "zech", p, 0.5 * (1 - p) / p, None, None, "line", False) for p in shares]
    lines += [("Mean", "lr033", p, (1 - p) / p, 0.5 * (1 - p) / p, 2 * (1 - p) / p, "mean", True) for p in shares]
    columns = ["row", "finder", "prevalence", "rate", "low", "high", "sentence", "apart"]
    curves = pl.DataFrame(lines, schema=columns, orient="row", infer_schema_length=None)
    points = pl.DataFrame(
        [("Mass", "zech", 0.05, 9.5, "point")], schema=["row", "finder", "prevalence", "rate", "sentence"], orient="row"
    )
    drawing = draw_exchange_curves(curves, points, READERS, PUBLISHED)
    drawn = list(marks(drawing))
    assert {"line", "mean", "point"} <= set(drawn)
    assert len(drawn) == 5
    assert drawing.body.count("fill-opacity") == 1
    assert {"Mass", "Mean"} <= set(texts(drawing))


@pytest.mark.parametrize("heights", [[0, 0, 0], [5, 6, 30, 31, 32], [1, 100], [], [0, 12, 13, 14, 40]])
def test_labels_are_pushed_apart_and_keep_their_order(heights: list[float]) -> None:
    placed = pushed_apart(heights, 12)
    assert len(placed) == len(heights)
    assert all(b - a >= 12 - 1e-9 for a, b in pairwise(placed))
    assert sum(placed) == pytest.approx(sum(heights))


def test_labels_stay_within_their_span() -> None:
    placed = pushed_apart([300, 338, 339, 340], 12, (0, 345))
    assert placed == [300, 321, 333, 345]


# ---- decision curves ----


def curve(reading: str) -> pl.DataFrame:
    rows = [
        (reading, "Mass", t, 50 * (1 - t), 40.0, 60.0, 50 - 900 * t / (1 - t), 0.0, reading)
        for t in (0.005, 0.05, 0.2, 0.5)
    ]
    columns = ["reading", "finding", "threshold_probability", "net_benefit", "low", "high", "treat_all", "treat_none"]
    return pl.DataFrame(rows, schema=[*columns, "sentence"], orient="row")


def test_decision_curves_have_readers_references_and_the_exchange_rate() -> None:
    curves = pl.concat([curve(name) for name in READERS.everyone])
    drawing = draw_net_benefit(curves, READERS, order=["Mass"], exchanges={"Mass": 0.1})
    drawn = list(marks(drawing))
    assert drawn == [
        "Mass: treating all",
        "blind",
        "lr033",
        "zech",
        "Exchange rate of the two operating points: threshold probability 10.0\N{NO-BREAK SPACE}%",
    ]
    assert drawing.body.count("fill-opacity") == 2
    assert "exchange rate of the two operating points" in texts(drawing)


def test_treating_all_ends_where_it_leaves_the_plot() -> None:
    drawing = draw_net_benefit(curve("zech"), READERS, order=["Mass"], exchanges={})
    way = marks(drawing)["Mass: treating all"].get("d")
    assert 2 <= way.count(",") < 4


def test_a_threshold_outside_the_plot_is_not_drawn() -> None:
    rows = [("Mass", t, 1.0, 0.5, 1.5, "curve") for t in (0.005, 0.05, 0.5)]
    columns = ["finding", "threshold_probability", "difference", "low", "high", "sentence"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    drawing = draw_net_benefit_differences(frame, order=["Mass"], exchanges={"Mass": 0.001}, title="x")
    assert list(marks(drawing)) == ["curve"]
