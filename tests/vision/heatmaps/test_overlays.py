"""Pictures: heat lies where the map has it, weak maps look weak, boxes are drawn where they are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

cv2 = pytest.importorskip("cv2")
pytest.importorskip("torch")

from overread.records.heatmaps import BOX_COLUMNS, HeatMaps  # noqa: E402
from overread.vision.heatmaps.explaining import heat_said, pictures  # noqa: E402
from overread.vision.heatmaps.overlays import (  # noqa: E402
    EDGE,
    GAP,
    LINE,
    SIDE,
    Boxes,
    chosen,
    colours,
    encoded,
    full_colour,
    picture,
    spread,
    warmed,
)

AREA = (16.0, 16.0, 224.0, 224.0)
NONE = np.empty((0, 4))


def maps(n: int = 12, *, thresholds: tuple[float, ...] = (0.5,)) -> HeatMaps:
    rng = np.random.default_rng(0)
    images = tuple(f"{k}.png" for k in range(n))
    rows = [(images[5], "5", "Mass", 30.0, 40.0, 50.0, 60.0)]
    return HeatMaps(
        "model", "gradcam", ("Mass",), images, images, "test",
        rng.random((n, 1, 7, 7)), np.linspace(0, 1, n)[:, None], (np.arange(n)[:, None] % 2).astype(np.int8),
        np.array(thresholds), "youden", "val rows", 256, AREA, pl.DataFrame(rows, schema=BOX_COLUMNS, orient="row"),
    )  # fmt: skip


def test_heat_lies_in_the_part_that_the_network_saw() -> None:
    heat = np.zeros((7, 7))
    heat[0, 6] = 1
    whole = spread(heat, AREA, 256, 512)
    assert whole[:32].max() == 0
    assert whole[:, :32].max() == 0
    row, column = np.unravel_index(whole.argmax(), whole.shape)
    assert 32 <= row < 96  # the first cell of 64 pixels, from 32 on
    assert 416 <= column < 480


def test_colours_get_lighter_with_heat_and_none_is_no_colour() -> None:
    light = cv2.cvtColor(colours(np.linspace(0, 1, 50))[None], cv2.COLOR_BGR2LAB)[0, :, 0].astype(int)
    assert (np.diff(light) >= -1).all()
    assert light[-1] - light[0] > 100
    grey = np.full((4, 4), 90, np.uint8)
    assert (warmed(grey, np.zeros((4, 4))) == 90).all()


def hot_panel(drawn: np.ndarray, n_lines: int) -> np.ndarray:
    top = LINE * n_lines + EDGE
    return drawn[top : top + SIDE, SIDE + GAP : 2 * SIDE + GAP].astype(int)


def test_a_weak_map_looks_weak_and_an_empty_one_has_no_colour() -> None:
    square, heat = np.full((256, 256), 120, np.uint8), np.random.default_rng(0).random((7, 7))
    shown = [
        hot_panel(picture(square, strength * heat, AREA, Boxes(NONE, NONE, NONE), full=1.0, said=["a"]), 1)
        for strength in (1, 0.1, 0)
    ]
    colour = [float(np.abs(panel - panel.mean(axis=-1, keepdims=True)).mean()) for panel in shown]
    assert colour[0] > 4 * colour[1] > 0
    assert colour[2] == 0
    nothing = hot_panel(picture(square, heat, AREA, Boxes(NONE, NONE, NONE), full=0.0, said=["a"]), 1)
    assert (nothing == 120).all()


def test_boxes_are_drawn_where_they_are() -> None:
    square, scale = np.full((256, 256), 120, np.uint8), SIDE / 256
    boxes = Boxes(np.array([[64.0, 32.0, 96.0, 128.0]]), NONE, NONE)
    panel = hot_panel(picture(square, np.zeros((7, 7)), AREA, boxes, full=1.0, said=["a", "b"]), 2)
    rows, columns = np.nonzero((panel > 180).all(axis=-1))
    found = columns.min() / scale, rows.min() / scale, columns.max() / scale, rows.max() / scale
    assert found == pytest.approx((64, 32, 160, 160), abs=1)


def test_chosen_are_the_highest_and_lowest_of_each_outcome_and_one_with_a_box() -> None:
    found = [(choice.image, choice.outcome, choice.why) for choice in chosen(maps(), 1)]
    assert found == [
        (11, "true positive", "highest score"),
        (7, "true positive", "lowest score"),
        (10, "false positive", "highest score"),
        (6, "false positive", "lowest score"),
        (5, "false negative", "highest score"),
        (1, "false negative", "lowest score"),
    ]
    every = [choice.image for choice in chosen(maps(), 50)]
    assert len(every) == len(set(every)) == 9  # all but the true negatives


def test_without_a_threshold_positive_images_are_shown() -> None:
    found = [(choice.image, choice.outcome) for choice in chosen(maps(thresholds=(float("nan"),)), 1)]
    assert found == [(11, "positive"), (1, "positive"), (5, "positive")]


def test_full_colour_is_not_set_by_one_odd_map() -> None:
    held = maps(100)
    held.maps[3] *= 1000
    assert full_colour(held, 0) < 2
    held.maps[:] = -1
    assert full_colour(held, 0) == 0


def test_the_list_says_what_each_picture_shows() -> None:
    class Source:
        size = 256

        def pixels(self, image: str) -> np.ndarray:
            return np.zeros((256, 256), np.uint8)

    held = maps()
    held.maps[11] = -1
    files, listing = pictures(held, Source(), 1, lambda heat: np.empty((0, 4)))  # type: ignore[arg-type] # a stand-in
    table = pl.read_csv(listing)
    assert [f"overlays/{name}" for name in table["file"]] == list(files)
    assert table["said"][0] == "highest score; no heat: nothing in this image raises the score"
    assert cv2.imdecode(np.frombuffer(files["overlays/0000.webp"], np.uint8), cv2.IMREAD_COLOR).shape[2] == 3
    assert heat_said(0.2, 0.4) == "hottest cell 0.2 logit, 50 % of the full colour"


def test_letters_that_cannot_be_drawn_do_not_stop_it() -> None:
    drawn = picture(
        np.zeros((64, 64), np.uint8), np.ones((2, 2)), (0, 0, 64, 64), Boxes(NONE, NONE, NONE), full=1, said=["é"]
    )
    assert encoded(drawn)[:4] == b"RIFF"
