"""Does a heat map lie where the finding is? Boxes from maps, their overlap with drawn boxes, and what a grid allows.

A map is (rows, columns) of heat on a `Grid`, the places of its cells in the image. Everything is measured on the cells
themselves and not on an enlarged copy of them, so that a bound on what any map of the grid can reach (`ceiling`) is
exact. Enlarging by interpolation draws smooth shapes that the network never computed: a single hot cell, thresholded
at 180 of 255 after bilinear enlargement, becomes a box 0.6 cells wide, which can overlap a nodule better than any cell.
Boxes are arrays (n, 4) of left, top, right, lower edges in the units of the grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Floats = NDArray[np.float64]

THRESHOLDS = (60.0, 180.0)
"""Wang et al. (2017), section 3.2: heat is brought to 0 to 255 and thresholded at each of these by itself."""

IOU_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
IOBB_THRESHOLDS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Wang's thresholds of overlap, Tables 7 and 4 of arXiv 1705.02315v5; an overlap has to lie above one to count."""

TOLERANCE = 15.0
"""Pixels by which the hottest point may miss in the pointing game of Zhang et al. (2018), Int J Comput Vis 126:1084."""

_NEIGHBOURS = np.ones((3, 3), dtype=np.int8)


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the cells of a map lie in the image: the edges of its columns along x, and of its rows along y."""

    x: Floats
    y: Floats

    def __post_init__(self) -> None:
        for name, edges in (("x", self.x), ("y", self.y)):
            if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
                raise ValueError(f"{name} must be two or more rising edges, got {edges!r}")

    @classmethod
    def regular(cls, rows: int, columns: int, *, left: float, top: float, width: float, height: float) -> Grid:
        """Return a grid of equal cells that fill a rectangle.

        >>> Grid.regular(2, 4, left=0, top=10, width=8, height=20).y.tolist()
        [10.0, 20.0, 30.0]
        """
        return cls(left + width * np.arange(columns + 1) / columns, top + height * np.arange(rows + 1) / rows)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return len(self.y) - 1, len(self.x) - 1

    @property
    def centres(self) -> tuple[Floats, Floats]:
        """The middles of the columns and of the rows."""
        return (self.x[1:] + self.x[:-1]) / 2, (self.y[1:] + self.y[:-1]) / 2

    def rectangles(self) -> Floats:
        """Return every box whose edges are edges of cells, (n, 4): all that `boxes_of_map` can ever answer."""
        across, down = (_spans(edges) for edges in (self.x, self.y))
        left, right = np.repeat(across, len(down), axis=0).T
        top, lower = np.tile(down, (len(across), 1)).T
        return np.stack([left, top, right, lower], axis=1)


def _spans(edges: Floats) -> Floats:
    first, last = np.triu_indices(len(edges), 1)
    return np.stack([edges[first], edges[last]], axis=1)


def areas(boxes: ArrayLike) -> Floats:
    """Return the areas of boxes (n, 4).

    >>> areas([[0, 0, 2, 3]]).tolist()
    [6.0]
    """
    box = as_boxes(boxes)
    return np.asarray((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]))


def as_boxes(boxes: ArrayLike) -> Floats:
    """Return boxes as (n, 4), refusing edges that are not in order."""
    box = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    if not np.isfinite(box).all() or (box[:, 2:] < box[:, :2]).any():
        raise ValueError("boxes must be finite: left, top, right, lower, with left <= right and top <= lower")
    return box


def intersections(boxes: ArrayLike, others: ArrayLike) -> Floats:
    """Return the area (n, m) that each of n boxes shares with each of m others."""
    a, b = as_boxes(boxes)[:, None, :], as_boxes(others)[None, :, :]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.asarray(np.clip(sides, 0, None).prod(axis=-1))


def iou(detected: ArrayLike, drawn: ArrayLike) -> Floats:
    """Return intersection over union (n, m) of n detected and m drawn boxes; 0 where both have no area.

    >>> iou([[0, 0, 2, 2]], [[1, 0, 3, 2]]).round(3).tolist()
    [[0.333]]
    """
    shared = intersections(detected, drawn)
    return _ratio(shared, areas(detected)[:, None] + areas(drawn)[None, :] - shared)


def iobb(detected: ArrayLike, drawn: ArrayLike) -> Floats:
    """Return the intersection over the area of the *detected* box, (n, m): Wang's IoBB.

    A small box within the drawn one has 1, however little of the finding it covers.

    >>> iobb([[0, 0, 2, 2], [1, 0, 1.1, 0.1]], [[1, 0, 3, 2]]).tolist()
    [[0.5], [1.0]]
    """
    shared = intersections(detected, drawn)
    return _ratio(shared, np.broadcast_to(areas(detected)[:, None], shared.shape))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.clip(np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0), 0, 1)


def boxes_of_map(heat: ArrayLike, grid: Grid, *, thresholds: tuple[float, ...] = THRESHOLDS) -> Floats:
    """Return the boxes (n, 4) around the isolated hot regions of a map, at each threshold by itself.

    As Wang et al. (2017, section 3.2, arXiv 1705.02315v5): heat is brought to 0 to 255, thresholded at 60 and at 180
    individually, and a box covers each isolated region. What the paper leaves open is chosen here: heat is divided by
    the map's own maximum (its least heat stays what it is), a cell is hot from the threshold on, regions touch at
    corners too, the boxes of both thresholds all count, a box that both give counts once, and cells are not enlarged.
    A map without heat has no box: it is not brought to 255, which would make nothing look like something.

    >>> grid = Grid.regular(3, 3, left=0, top=0, width=3, height=3)
    >>> boxes_of_map([[9, 3, 0], [0, 0, 0], [0, 0, 4]], grid).tolist()
    [[0.0, 0.0, 2.0, 1.0], [2.0, 2.0, 3.0, 3.0], [0.0, 0.0, 1.0, 1.0]]
    """
    scaled = as_map(heat, grid)
    highest = scaled.max()
    if highest == 0:
        return np.empty((0, 4))
    scaled = scaled / highest * 255
    found: dict[tuple[float, float, float, float], None] = {}
    for threshold in thresholds:
        regions, _ = ndimage.label(scaled >= threshold, structure=_NEIGHBOURS)
        for rows, columns in ndimage.find_objects(regions):
            corners = grid.x[columns.start], grid.y[rows.start], grid.x[columns.stop], grid.y[rows.stop]
            found[tuple(float(edge) for edge in corners)] = None  # type: ignore[index] # four edges
    return np.array(list(found))


def as_map(heat: ArrayLike, grid: Grid) -> Floats:
    """Return a map as an array, refusing one that does not fit the grid, that is not finite or that is below 0."""
    values = np.asarray(heat, dtype=np.float64)
    if values.shape != grid.shape:
        raise ValueError(f"heat must have the grid's shape {grid.shape}, got {values.shape}")
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError("heat must be finite and not below 0; pass the positive part of a signed map")
    return values


def coverage(grid: Grid, boxes: ArrayLike) -> Floats:
    """Return the share of each cell (rows, columns) that lies in any of the boxes; what two boxes share counts once.

    >>> coverage(Grid.regular(1, 2, left=0, top=0, width=4, height=2), [[0, 0, 3, 1], [1, 0, 3, 1]]).tolist()
    [[0.5, 0.25]]
    """
    box = as_boxes(boxes)
    x, y = (np.unique(np.concatenate([edges, box[:, k], box[:, k + 2]])) for k, edges in ((0, grid.x), (1, grid.y)))
    inside = np.zeros((len(y) - 1, len(x) - 1), dtype=np.bool_)
    for left, top, right, lower in box:
        inside |= ((y[:-1] >= top) & (y[1:] <= lower))[:, None] & ((x[:-1] >= left) & (x[1:] <= right))
    shared = _lengths(grid.y, y) @ inside @ _lengths(grid.x, x).T
    return np.clip(shared / np.outer(np.diff(grid.y), np.diff(grid.x)), 0, 1)


def _lengths(edges: Floats, pieces: Floats) -> Floats:
    ends = np.minimum(edges[1:, None], pieces[1:]) - np.maximum(edges[:-1, None], pieces[:-1])
    return np.clip(ends, 0, None)


@dataclass(frozen=True)
class Located:
    """How well one map lies on the drawn boxes of its finding.

    `iou` and `iobb` are the best of any detected box; `false_iou` and `false_iobb` say, for each of Wang's thresholds,
    how many detected boxes come above it with no drawn box. `pointing` is the pointing game: whether the hottest cell's
    centre lies in a drawn box, and `pointing_near` within a tolerance of one; where several cells are hottest, the
    share of them. `heat` is the share of the heat within the boxes. A map without heat has found nothing: 0 in all.
    """

    iou: float
    iobb: float
    false_iou: tuple[int, ...]
    false_iobb: tuple[int, ...]
    pointing: float
    pointing_near: float
    heat: float
    empty: bool


def located(heat: ArrayLike, grid: Grid, drawn: ArrayLike, *, tolerance: float = TOLERANCE) -> Located:
    """Measure a map against the drawn boxes of its finding, of which there must be one or more.

    Several drawn boxes are one target: any detected box may meet any of them. `tolerance` is in the units of the grid.

    References: Wang et al. (2017), CVPR, section 4 ("a correct localization" has an overlap above the threshold);
    Zhang et al. (2018), Int J Comput Vis 126:1084-1102 (the pointing game); Saporta et al. (2022), Nat Mach Intell
    4:867-878 (the pointing game on chest X-rays, no tolerance).

    >>> grid = Grid.regular(2, 2, left=0, top=0, width=4, height=4)
    >>> found = located([[3, 1], [0, 0]], grid, [[0, 0, 2, 2]], tolerance=0)
    >>> found.iou, found.pointing, found.heat
    (1.0, 1.0, 0.75)
    """
    values, target = as_map(heat, grid), as_boxes(drawn)
    if not len(target):
        raise ValueError("drawn must hold one or more boxes")
    total = values.sum()
    detected = boxes_of_map(values, grid)
    by_iou = iou(detected, target).max(axis=1, initial=0)
    by_iobb = iobb(detected, target).max(axis=1, initial=0)
    return Located(
        iou=float(by_iou.max(initial=0)),
        iobb=float(by_iobb.max(initial=0)),
        false_iou=tuple(int((by_iou <= at).sum()) for at in IOU_THRESHOLDS),
        false_iobb=tuple(int((by_iobb <= at).sum()) for at in IOBB_THRESHOLDS),
        pointing=_pointing(values, grid, target, 0.0),
        pointing_near=_pointing(values, grid, target, tolerance),
        heat=float((values * coverage(grid, target)).sum() / total) if total else 0.0,
        empty=not total,
    )


def _pointing(values: Floats, grid: Grid, target: Floats, tolerance: float) -> float:
    return float(_hits(grid, target, tolerance)[values == values.max()].mean()) if values.max() > 0 else 0.0


def _hits(grid: Grid, target: Floats, tolerance: float) -> NDArray[np.bool_]:
    """Return which centres of cells lie in any box, or within a tolerance of one (Euclidean)."""
    x, y = grid.centres
    away_x, away_y = (
        np.clip(np.maximum(target[:, None, k] - middles, middles - target[:, None, k + 2]), 0, None)
        for k, middles in ((0, x), (1, y))
    )
    return np.asarray((away_y[:, :, None] ** 2 + away_x[:, None, :] ** 2 <= tolerance**2).any(axis=0))


def ceiling(grid: Grid, drawn: ArrayLike, *, tolerance: float = TOLERANCE) -> Located:
    """Return the best that any map of this grid can reach, each measure by itself: a bound that no map passes.

    A detected box is a rectangle of whole cells (`boxes_of_map`), so the best IoU is that of the best of all such
    rectangles. IoBB and the share of heat are averages over cells, so their best is that of the best single cell. A
    map that points at one spot has no false box once that spot is right, so false boxes are 0 where the threshold can
    be passed, else 1, since a map with heat has a box.

    >>> grid = Grid.regular(2, 2, left=0, top=0, width=4, height=4)
    >>> best = ceiling(grid, [[0.5, 0.5, 1.5, 1.5]], tolerance=0)
    >>> best.iou, best.iobb, best.pointing
    (0.25, 0.25, 1.0)
    """
    target = as_boxes(drawn)
    best_iou = float(iou(grid.rectangles(), target).max())
    cells = coverage(grid, target)
    one_box = max(float(coverage(grid, box[None]).max()) for box in target)
    return Located(
        iou=best_iou,
        iobb=one_box,
        false_iou=tuple(int(best_iou <= at) for at in IOU_THRESHOLDS),
        false_iobb=tuple(int(one_box <= at) for at in IOBB_THRESHOLDS),
        pointing=float(_hits(grid, target, 0.0).any()),
        pointing_near=float(_hits(grid, target, tolerance).any()),
        heat=float(cells.max()),
        empty=False,
    )


def centre_map(grid: Grid) -> Floats:
    """Return a map that sees no image: heat at the middle of the grid, falling as a Gaussian of a quarter of its side.

    Zhang et al. (2018) have the middle of the image as the baseline of the pointing game.

    >>> centre_map(Grid.regular(3, 3, left=0, top=0, width=3, height=3)).argmax()
    np.int64(4)
    """
    away = [
        (middles - (edges[0] + edges[-1]) / 2) / ((edges[-1] - edges[0]) / 4)
        for middles, edges in zip(grid.centres, (grid.x, grid.y), strict=True)
    ]
    return np.exp(-0.5 * (away[1][:, None] ** 2 + away[0] ** 2))


def mean_box_map(grid: Grid, boxes: ArrayLike) -> Floats:
    """Return a map that sees no image: the mean of boxes, each cell as hot as the share of it that the mean covers.

    On the grid like any map, so that it is bound by the same ceiling.
    """
    return coverage(grid, as_boxes(boxes).mean(axis=0, keepdims=True))


def frequent_map(grid: Grid, boxes: ArrayLike) -> Floats:
    """Return a map that sees no image: each cell as hot as the share of it that boxes cover, on average over them.

    Where a finding lies on either side the mean box lies between them, on neither; this map keeps both.
    """
    return np.mean([coverage(grid, box[None]) for box in as_boxes(boxes)], axis=0)


def skill(found: ArrayLike, floor: ArrayLike, best: ArrayLike) -> Floats:
    """Return (found - floor) / (best - floor): the share of the way from the floor to the ceiling; nan without room.

    >>> skill([0.5, 0.9], [0.25, 0.9], [0.75, 0.9]).tolist()
    [0.5, nan]
    """
    value, low, high = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (found, floor, best)))
    room = high - low
    wide = np.abs(room) > 1e-12
    return np.divide(value - low, room, out=np.full(room.shape, np.nan), where=wide)
