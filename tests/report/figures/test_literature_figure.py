"""Published values: each at its place on the axis, apart from its neighbours, in the shape of its split."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import polars as pl
import pytest

from overread.report.figures.literature import ROOM, SHAPES, draw_literature, in_lanes
from overread.report.figures.scales import Linear
from overread.report.figures.svg import Drawing
from overread.report.figures.theme import Readers

SPLITS = {"official": True, "random": False}


def published(values: list[float]) -> pl.DataFrame:
    names = list(SPLITS)
    rows = [("Mass", value, names[k % 2], f"value {k}") for k, value in enumerate(values)]
    return pl.DataFrame(rows, schema=["row", "value", "split", "sentence"], orient="row")


def drawn(values: list[float]) -> Drawing:
    own = pl.DataFrame(
        [("zech", "Mass", 0.8, 0.75, 0.85, "own", "")],
        schema=["reading", "row", "value", "low", "high", "sentence", "note"],
        orient="row",
    )
    return draw_literature(
        own, published(values), Readers(("zech",)), splits=SPLITS, order=["Mass"], title="AUROC", domain=(0.5, 1.0)
    )


def marks(drawing: Drawing) -> dict[str, ElementTree.Element]:
    tree = ElementTree.fromstring(drawing.document("title"))
    return {each.get("aria-label"): each for each in tree.iter() if each.get("class") == "mark"}


def across(mark: ElementTree.Element) -> float:
    return float(re.match(r"translate\(([\d.]+)", mark.get("transform"))[1])


def test_a_value_stands_at_its_place_in_the_shape_of_its_split() -> None:
    found = marks(drawn([0.8, 0.9]))
    assert across(found["value 0"]) == pytest.approx(across(found["own"]))
    assert across(found["value 1"]) - across(found["value 0"]) == pytest.approx(540 / 5)
    assert [found[f"value {k}"].get("d") for k in (0, 1)] == list(SHAPES[:2])
    assert found["value 0"].get("fill") != found["value 1"].get("fill") == "#ffffff"


def test_values_in_a_lane_do_not_cover_one_another_and_none_is_lost() -> None:
    values = [0.8, 0.801, 0.802, 0.85, 0.851, 0.9]
    scale = Linear((0.5, 1.0), (0, 540))
    lanes = in_lanes(published(values), scale)
    assert len(lanes) == 3
    assert sorted(row["value"] for lane in lanes for row in lane) == values
    for lane in lanes:
        assert all(scale(b["value"]) - scale(a["value"]) >= ROOM for a, b in pairwise(lane))


def test_no_published_value_leaves_the_own() -> None:
    assert list(marks(drawn([]))) == ["own"]
