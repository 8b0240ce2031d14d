"""Pictures of heat on radiographs, as people read them: image, heat, boxes, score and operating point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.records.heatmaps import OUTCOMES, HeatMaps

SIDE, GAP, LINE, BAR, EDGE = 384, 8, 18, 14, 8
MOST_OPAQUE = 0.62
"""Opacity of the hottest heat: the radiograph stays visible under it."""

DRAWN, DETECTED, CONFOUNDER = (255, 255, 255), (80, 255, 255), (255, 160, 255)  # blue, green, red
SHARE_OF_PEAKS = 0.95
"""Full colour is the peak that this share of a finding's maps stay below: one odd map does not set the scale."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes (n, 4) of x, y, width, height in the square, by who drew them."""

    drawn: NDArray[np.float64]
    detected: NDArray[np.float64]
    confounder: NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """An image and a finding to be shown, and why: its outcome, and that its score is the highest or lowest of it."""

    image: int
    finding: int
    outcome: str
    why: str


def chosen(maps: HeatMaps, n: int) -> Iterator[Choice]:
    """Yield, per finding and outcome, the n images with the highest scores and the n with the lowest.

    True positives, false positives and false negatives; true positives that have a drawn box before the others. Where
    a finding has no threshold, its positive images stand for all three.
    """
    boxed = set(zip(maps.boxes["image"], maps.boxes["finding"], strict=True))
    for finding, name in enumerate(maps.findings):
        known = not np.isnan(maps.thresholds[finding])
        kinds = OUTCOMES[:3] if known else ("positive",)
        outcomes = np.array([maps.outcome(row, finding) for row in range(len(maps.images))], dtype=object)
        if not known:
            outcomes = np.where(maps.labels[:, finding] == 1, "positive", "")
        for kind in kinds:
            rows = np.flatnonzero(outcomes == kind)
            rows = rows[np.argsort(-maps.scores[rows, finding], kind="stable")]
            picked = [(row, "highest score") for row in rows[:n]]
            picked += [(row, "lowest score") for row in rows[::-1][:n] if row not in rows[:n]]
            if kind in ("true positive", "positive"):
                taken = {row for row, _ in picked}
                with_box = [row for row in rows if row not in taken and (maps.images[row], name) in boxed]
                picked += [(row, "highest score with a drawn box") for row in with_box[:n]]
            yield from (Choice(int(row), finding, kind, why) for row, why in picked)


def full_colour(maps: HeatMaps, finding: int) -> float:
    """Return the heat that gets the full colour, the same for all images of a finding; 0 where no map has heat.

    Maps are not divided by their own maximum: one that has hardly any heat is to look as if it had hardly any.
    """
    peaks = np.asarray(maps.maps[:, finding], np.float64).max(axis=(1, 2), initial=0)
    peaks = peaks[peaks > 0]
    return float(np.quantile(peaks, SHARE_OF_PEAKS)) if len(peaks) else 0.0


def colours(share: ArrayLike) -> Picture:
    """Return the colour (..., 3) of heat from 0 to 1: the upper part of inferno, which gets evenly lighter with heat.

    Van der Walt and Smith (2015) made inferno so that equal steps look equal, in grey and to the colour-blind too.
    """
    level = np.clip(np.asarray(share, np.float64), 0, 1)
    steps = np.round(255 * (0.3 + 0.7 * level)).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(steps.reshape(-1, 1), cv2.COLORMAP_INFERNO), np.uint8).reshape(*level.shape, 3)


def warmed(grey: NDArray[np.uint8], share: NDArray[np.float64]) -> Picture:
    """Return a grey image with heat (of its size, 0 to 1) laid over it, the more opaque the hotter."""
    base = np.repeat(grey[..., None], 3, axis=-1).astype(np.float64)
    opacity = MOST_OPAQUE * np.clip(share, 0, 1)[..., None]
    return np.round(base * (1 - opacity) + colours(share) * opacity).astype(np.uint8)


def spread(
    heat: NDArray[np.float64], area: tuple[float, float, float, float], size: int, side: int
) -> NDArray[np.float64]:
    """Return heat enlarged to a picture of `side` pixels of the whole square; 0 outside of what the network saw."""
    left, top, width, height = (round(value * side / size) for value in area)
    large = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    whole = np.zeros((side, side))
    whole[top : top + height, left : left + width] = large
    return whole


def picture(
    square: NDArray[np.uint8],
    heat: NDArray[np.float64],
    area: tuple[float, float, float, float],
    boxes: Boxes,
    *,
    full: float,
    said: Sequence[str],
) -> Picture:
    """Return the image beside the image with heat, boxes on both, what is said above, and the scale of colours beside.

    `area` is where the map lies in the square, and `full` the heat that gets the full colour. Drawn boxes are white,
    those made of the map yellow and dashed, a confounder's pink.
    """
    size = len(square)
    grey = np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    share = spread(heat, area, size, SIDE) / full if full > 0 else np.zeros((SIDE, SIDE))
    plain: Picture = np.repeat(grey[..., None], 3, axis=-1).copy()
    hot = warmed(grey, share)
    for panel in (plain, hot):
        outline(panel, boxes.drawn * (SIDE / size), DRAWN)
        outline(panel, boxes.confounder * (SIDE / size), CONFOUNDER)
    outline(hot, boxes.detected * (SIDE / size), DETECTED, dashed=True)
    top = LINE * len(said) + EDGE
    whole = np.full((top + SIDE + LINE + EDGE, 2 * SIDE + 3 * GAP + BAR + 64, 3), 20, np.uint8)
    whole[top : top + SIDE, :SIDE] = plain
    whole[top : top + SIDE, SIDE + GAP : 2 * SIDE + GAP] = hot
    scale(whole, 2 * SIDE + 2 * GAP, top, full)
    for place, line in enumerate(said):
        words(whole, line, EDGE, LINE * (place + 1) - 2)
    words(
        whole, "white: drawn box   yellow, dashed: box made of the map   pink: confounder", EDGE, top + SIDE + LINE - 3
    )
    return whole


def outline(panel: Picture, boxes: NDArray[np.float64], colour: tuple[int, int, int], *, dashed: bool = False) -> None:
    """Draw boxes of x, y, width, height on a picture, each with a dark line beside it so that it shows on white."""
    for x, y, width, height in boxes:
        left, top, right, lower = (round(value) for value in (x, y, x + width, y + height))
        corners = [(left, top), (right, top), (right, lower), (left, lower), (left, top)]
        for (x0, y0), (x1, y1) in pairwise(corners):
            n = max(1, int(max(abs(x1 - x0), abs(y1 - y0)) // 5)) if dashed else 1
            at = np.linspace([x0, y0], [x1, y1], n + 1).round().astype(int)
            for k in range(0, n, 2 if dashed else 1):
                one, other = (tuple(int(v) for v in at[k]), tuple(int(v) for v in at[k + 1]))
                cv2.line(panel, one, other, (0, 0, 0), 3, cv2.LINE_AA)
                cv2.line(panel, one, other, colour, 1, cv2.LINE_AA)


def scale(whole: Picture, left: int, top: int, full: float) -> None:
    """Draw the scale of colours on middle grey, with what its ends stand for."""
    share = np.linspace(1, 0, SIDE)[:, None].repeat(BAR, axis=1)
    whole[top : top + SIDE, left : left + BAR] = warmed(np.full((SIDE, BAR), 110, np.uint8), share)
    if full <= 0:
        words(whole, "no heat", left + BAR + 4, top + SIDE - 2)
        return
    words(whole, f"{full:.2g}", left + BAR + 4, top + 12)
    words(whole, "logit", left + BAR + 4, top + 12 + LINE)
    words(whole, "per cell", left + BAR + 4, top + 12 + 2 * LINE)
    words(whole, "0", left + BAR + 4, top + SIDE - 2)


def words(whole: Picture, text: str, x: int, y: int) -> None:
    """Write a line; OpenCV's letters are ASCII, others become a question mark."""
    written = text.encode("ascii", "replace").decode()
    cv2.putText(whole, written, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)


def encoded(drawn: Picture, *, quality: int = 82) -> bytes:
    """Return a picture as a WebP file, a third of the size of JPEG at this quality."""
    done, data = cv2.imencode(".webp", drawn, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise ValueError("the picture could not be encoded")
    return bytes(data)
