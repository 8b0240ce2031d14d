"""Boxes of maps and their overlap, against counting pixels; the ceiling, against random maps and NIH's own boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from overread.stats.localisation import (
    IOBB_THRESHOLDS,
    IOU_THRESHOLDS,
    Grid,
    boxes_of_map,
    ceiling,
    centre_map,
    coverage,
    frequent_map,
    iobb,
    iou,
    located,
    mean_box_map,
    skill,
)

SIDE = 60


def grid_of(cells: int = 5, *, margin: float = 5.0) -> Grid:
    return Grid.regular(cells, cells, left=margin, top=margin, width=SIDE - 2 * margin, height=SIDE - 2 * margin)


def random_boxes(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    ends = np.sort(rng.integers(0, SIDE, (n, 2, 2)), axis=1)
    ends[:, 1] += 1
    return ends.reshape(n, 4).astype(float)


def raster(box: NDArray[np.float64]) -> NDArray[np.bool_]:
    pixels = np.zeros((SIDE, SIDE), bool)
    left, top, right, lower = box.astype(int)
    pixels[top:lower, left:right] = True
    return pixels


def test_overlaps_are_those_of_counted_pixels() -> None:
    rng = np.random.default_rng(1)
    detected, drawn = random_boxes(rng, 30), random_boxes(rng, 20)
    for a, by_iou, by_iobb in zip(detected, iou(detected, drawn), iobb(detected, drawn), strict=True):
        for k, b in enumerate(drawn):
            both, either = raster(a) & raster(b), raster(a) | raster(b)
            assert by_iou[k] == pytest.approx(both.sum() / either.sum())
            assert by_iobb[k] == pytest.approx(both.sum() / raster(a).sum())


def test_coverage_counts_what_boxes_share_once() -> None:
    rng = np.random.default_rng(2)
    grid = grid_of()
    for _ in range(20):
        boxes = random_boxes(rng, 3)
        pixels = np.any([raster(box) for box in boxes], axis=0)[5:55, 5:55]
        expected = pixels.reshape(5, 10, 5, 10).mean(axis=(1, 3))
        assert coverage(grid, boxes) == pytest.approx(expected)


def flooded(hot: NDArray[np.bool_]) -> set[tuple[int, int, int, int]]:
    """Boxes of regions that touch at sides or corners, by walking from cell to cell."""
    left, boxes = set(zip(*np.nonzero(hot), strict=True)), set()
    while left:
        todo, region = [left.pop()], []
        while todo:
            r, c = todo.pop()
            region.append((int(r), int(c)))
            near = {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            todo += near
        rows, columns = zip(*region, strict=True)
        boxes.add((min(columns), min(rows), max(columns) + 1, max(rows) + 1))
    return boxes


def test_boxes_enclose_the_regions_of_either_threshold() -> None:
    rng = np.random.default_rng(3)
    grid = Grid.regular(6, 7, left=0, top=0, width=7, height=6)
    for _ in range(50):
        heat = rng.random((6, 7)) ** 2
        scaled = heat / heat.max() * 255
        expected = flooded(scaled >= 60) | flooded(scaled >= 180)
        found = boxes_of_map(heat, grid)
        assert {tuple(int(edge) for edge in box) for box in found} == expected
        assert len(found) == len(expected)


def test_scale_of_a_map_does_not_matter_and_an_empty_one_has_no_box() -> None:
    grid, heat = grid_of(), np.random.default_rng(4).random((5, 5))
    assert boxes_of_map(heat, grid) == pytest.approx(boxes_of_map(1e-9 * heat, grid))
    assert boxes_of_map(np.zeros((5, 5)), grid).shape == (0, 4)
    found = located(np.zeros((5, 5)), grid, [[0, 0, 30, 30]])
    assert (found.iou, found.iobb, found.pointing, found.pointing_near, found.heat, found.empty) == (
        0,
        0,
        0,
        0,
        0,
        True,
    )
    assert sum(found.false_iou) == 0


@pytest.mark.parametrize("cells", [1, 4, 7])
def test_no_map_passes_the_ceiling(cells: int) -> None:
    rng = np.random.default_rng(cells)
    grid = grid_of(cells)
    for _ in range(300):
        drawn = random_boxes(rng, int(rng.integers(1, 3)))
        best = ceiling(grid, drawn, tolerance=2)
        made = (rng.random((cells, cells)) ** int(rng.integers(1, 12)), centre_map(grid), frequent_map(grid, drawn))
        for heat in (*made, coverage(grid, drawn)):
            found = located(heat, grid, drawn, tolerance=2)
            for name in ("iou", "iobb", "pointing", "pointing_near", "heat"):
                assert getattr(found, name) <= getattr(best, name) + 1e-12, name


def test_the_ceiling_is_reached() -> None:
    """Each bound by a map of its own: the best rectangle, and the best cell."""
    rng = np.random.default_rng(6)
    grid = grid_of()
    for _ in range(50):
        drawn = random_boxes(rng, 1)
        best = ceiling(grid, drawn)
        rectangles = grid.rectangles()
        aligned = rectangles[np.argmax(iou(rectangles, drawn))]
        assert located(coverage(grid, aligned[None]), grid, drawn).iou == pytest.approx(best.iou)
        cell = np.zeros(25)
        cell[np.argmax(coverage(grid, drawn))] = 1
        found = located(cell.reshape(5, 5), grid, drawn)
        assert (found.iobb, found.heat) == pytest.approx((best.iobb, best.heat))
        assert found.false_iobb == best.false_iobb


def test_an_enlarged_map_would_pass_the_ceiling_of_its_cells() -> None:
    """Why cells are measured as they are: bilinear enlargement invents a box smaller than any cell."""
    drawn = np.array([[21.0, 21.0, 29.0, 29.0]])
    coarse = Grid.regular(3, 3, left=0, top=0, width=50, height=50)
    centres = (np.arange(50) + 0.5) / (50 / 3) - 0.5
    one = np.clip(1 - np.abs(centres - 1), 0, None)
    fine = Grid.regular(50, 50, left=0, top=0, width=50, height=50)
    assert located(np.outer(one, one), fine, drawn).iou > ceiling(coarse, drawn).iou + 0.2


def test_pointing_game_by_hand() -> None:
    grid = Grid.regular(2, 2, left=0, top=0, width=4, height=4)
    drawn = [[1.5, 0, 2, 4]]
    assert located([[1, 0], [0, 0]], grid, drawn, tolerance=0.4).pointing == 0
    assert located([[1, 0], [0, 0]], grid, drawn, tolerance=0.4).pointing_near == 0
    assert located([[1, 0], [0, 0]], grid, drawn, tolerance=0.5).pointing_near == 1
    assert located([[1, 1], [1, 1]], grid, [[0, 0, 2, 2]]).pointing == 0.25  # all are hottest: no better than chance
    assert located([[1, 0], [0, 0]], grid, [[3, 3, 4, 4], [0, 0, 1, 1]]).pointing == 1  # either box


def test_false_boxes_are_those_that_reach_no_drawn_box() -> None:
    grid = Grid.regular(3, 3, left=0, top=0, width=3, height=3)
    found = located([[1, 0, 0], [0, 0, 0], [0, 0, 1]], grid, [[0, 0, 1, 1]])
    assert found.false_iou == (1,) * len(IOU_THRESHOLDS)
    assert found.false_iobb == (1,) * len(IOBB_THRESHOLDS)
    assert (found.iou, found.iobb) == (1, 1)


def test_an_overlap_at_a_threshold_does_not_pass_it() -> None:
    """Wang et al. (2017), section 4: correct is IoU > T(IoU), or IoBB > T(IoBB)."""
    grid = Grid.regular(1, 2, left=0, top=0, width=2, height=1)
    found = located([[1, 0]], grid, [[0, 0, 0.5, 1]])
    assert (found.iou, found.iobb) == (0.5, 0.5)
    assert dict(zip(IOU_THRESHOLDS, found.false_iou, strict=True))[0.5] == 1
    assert dict(zip(IOBB_THRESHOLDS, found.false_iobb, strict=True))[0.5] == 1
    best = ceiling(grid, [[0, 0, 0.5, 1]])
    assert dict(zip(IOBB_THRESHOLDS, best.false_iobb, strict=True))[0.5] == 1


def test_floors_see_the_other_boxes_only() -> None:
    grid = Grid.regular(1, 4, left=0, top=0, width=4, height=1)
    two_sides = [[0, 0, 1, 1], [3, 0, 4, 1]]
    assert mean_box_map(grid, two_sides).tolist() == [[0, 0.5, 0.5, 0]]
    assert frequent_map(grid, two_sides).tolist() == [[0.5, 0, 0, 0.5]]


def test_skill_needs_room() -> None:
    assert skill(0.4, 0.4, 0.8) == 0
    assert skill(0.8, 0.4, 0.8) == 1
    assert np.isnan(skill(0.4, 0.4, 0.4))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: located([[-1, 0], [0, 0]], grid_of(2), [[0, 0, 1, 1]]), "not below 0"),
        (lambda: located([[1, 0]], grid_of(2), [[0, 0, 1, 1]]), "shape"),
        (lambda: located([[1, 0], [0, 0]], grid_of(2), np.empty((0, 4))), "one or more"),
        (lambda: iou([[2, 0, 1, 1]], [[0, 0, 1, 1]]), "left <= right"),
        (lambda: Grid(np.array([0.0, 0.0]), np.array([0.0, 1.0])), "rising"),
    ],
)
def test_refusals(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator] # a lambda


def test_what_a_grid_of_seven_allows_on_the_boxes_of_nih(shared: Path) -> None:
    """On 7 x 7 cells of the whole image 1 % of Nodule boxes can pass an IoU of 0.5, and 99 % of Cardiomegaly."""
    table = pl.read_csv(
        shared / "chestxray14" / "BBox_List_2017.csv.gz",
        has_header=False, skip_rows=1, columns=range(6), new_columns=["image", "finding", "x", "y", "w", "h"],
    )  # fmt: skip
    assert len(table) == 984
    grid = Grid.regular(7, 7, left=0, top=0, width=1024, height=1024)
    reach: dict[str, list[bool]] = {}
    for _, finding, x, y, w, h in table.iter_rows():
        reach.setdefault(finding, []).append(ceiling(grid, [[x, y, x + w, y + h]]).iou > 0.5)
    shares = {finding: np.mean(can) for finding, can in reach.items()}
    assert shares["Nodule"] == pytest.approx(1 / 79)
    assert shares["Cardiomegaly"] == pytest.approx(145 / 146)
