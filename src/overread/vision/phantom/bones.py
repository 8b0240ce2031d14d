"""Bones, trunk and lung vessels of the phantom: what overlies the lungs on every image."""

from __future__ import annotations

from itertools import pairwise
from math import cos, sin

import numpy as np

from overread.vision.phantom.anatomy import SIDES, Chest
from overread.vision.phantom.canvas import Map, Points, all_filled, blurred, filled, smooth, stroke, stroked, tapered

RIBS = 10
"""Ribs of a side that are drawn."""

STEPS = 5
"""Segments of a vessel between two branchings."""

LAST_FRONT = 6
"""The last whose front part is bone: those below end in cartilage, which does not show."""


def rib_lines(chest: Chest, side: int, number: int) -> tuple[Points, Points]:
    """Return the middle line of a rib: the part at the back, from the spine to the wall, and the part at the front."""
    body = chest.body
    span = max(body.dome) + 0.08 - body.apex
    start = body.apex - 0.035 + span * number / (RIBS - 0.6)
    drop = span * (0.075 + 0.012 * number)
    wall_at = start + drop
    wall = chest.wall(wall_at) + 0.004
    t = np.linspace(0, np.pi / 2, 14)
    back = [
        chest.at(
            side, 0.03 + (wall - 0.03) * np.sin(a) ** 0.9, start - 0.018 * np.sin(2 * a) + drop * (1 - np.cos(a)) ** 1.3
        )
        for a in t
    ]
    fall = span * (0.12 + 0.014 * number)
    front = [
        chest.at(side, wall - (wall - 0.3 * wall - 0.02) * (1 - np.cos(a)), wall_at + fall * np.sin(a) ** 1.1)
        for a in t
    ]
    return np.array(back), np.array(front)


def offset(line: Points, width: float) -> Points:
    """Return a line moved sideways by a width."""
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return line + width * across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)


def ribs(chest: Chest) -> Map:
    """Return the ribs: a faint body between brighter edges, the front fainter and wider than the back."""
    size = chest.size
    edges = np.zeros((size, size), np.uint8)
    bodies: dict[str, list[Points]] = {"back": [], "front": []}
    for side in SIDES:
        for number in range(RIBS):
            back, front = rib_lines(chest, side, number)
            for part, line, width, edge in (("front", front, 0.0115, 0.2), ("back", back, 0.0095, 0.38)):
                if part == "front" and number > LAST_FRONT:
                    continue
                upper, lower = offset(line, -width), offset(line, width)
                bodies[part].append(np.concatenate([upper, lower[::-1]]))
                stroke(edges, upper, 0.0025, edge * 0.8)
                stroke(edges, lower, 0.0032, edge)
    plain = 0.5 * all_filled(bodies["back"], size) + 0.28 * all_filled(bodies["front"], size)
    return plain + edges.astype(np.float32) / 255


def spine(chest: Chest) -> Map:
    """Return the vertebrae: a column with darker discs and brighter rims."""
    body, size = chest.body, chest.size
    heights = np.arange(-0.02, 1.05, 0.05)
    heights = heights + 0.008 * np.arange(len(heights)) * 0.2
    bodies, processes = [], []
    for top, low in pairwise(heights):
        half = 0.026 + 0.012 * top
        gap = 0.006
        x0, x1 = float(body.column(top)), float(body.column(low))
        middle, waist = (top + low) / 2, half * 0.92
        right = [(x1 - half, low - gap), (x0 - waist, middle), (x0 - half, top + gap)]
        left = [(x0 + half, top + gap), (x1 + waist, middle), (x1 + half, low - gap)]
        bodies.append(np.array([*right, *left]))
        processes.append((np.array([(x0, middle - 0.005), (x0, middle + 0.009)]), 0.008, 0.35))
    return 0.75 * all_filled(bodies, size) + stroked(processes, size)


def clavicles(chest: Chest) -> Map:
    """Return the clavicles, from beside the spine up and out to the shoulders."""
    total = np.zeros((chest.size, chest.size), np.float32)
    y = chest.body.clavicle
    for side in SIDES:
        at = [(0.035, y + 0.035), (0.1, y + 0.018), (0.2, y - 0.012), (0.3, y - 0.04), (0.4, y - 0.05)]
        line = smooth([chest.at(side, u, v) for u, v in at], closed=False)
        widths = np.interp(np.linspace(0, 1, len(line)), [0, 0.15, 0.5, 1], [0.017, 0.012, 0.01, 0.012])[:, None]
        along = np.gradient(line, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        upper, lower = line - widths * across, line + widths * across
        total += 0.8 * filled(np.concatenate([upper, lower[::-1]]), chest.size)
        total += stroked([(upper, 0.003, 0.45), (lower, 0.003, 0.45)], chest.size)
    return total


def shoulders(chest: Chest) -> Map:
    """Return shoulder blades and heads of the humerus."""
    body, size = chest.body, chest.size
    total = np.zeros((size, size), np.float32)
    y = body.clavicle
    for side in SIDES:
        out = chest.wall(0.3) + 0.045 - 0.085 * body.scapula
        blade = [
            (out + 0.1, y + 0.01), (out + 0.02, y + 0.05), (out, y + 0.16), (out + 0.03, y + 0.31),
            (out + 0.06, y + 0.3), (out + 0.1, y + 0.17), (out + 0.13, y + 0.06),
        ]  # fmt: skip
        outline = smooth([chest.at(side, u, v) for u, v in blade], closed=True)
        total += 0.4 * filled(outline, size) + stroked([(outline, 0.004, 0.4)], size)
        head = chest.at(side, 0.44, y + 0.03)
        t = np.linspace(0, 2 * np.pi, 24)
        circle = np.stack([head[0] + 0.036 * np.cos(t), head[1] + 0.036 * np.sin(t)], axis=1)
        total += 0.5 * filled(circle, size) + stroked([(circle, 0.004, 0.3)], size)
        shaft = np.array([chest.at(side, 0.445, y + 0.03), chest.at(side, 0.475, y + 0.3)])
        total += stroked([(shaft, 0.042, 0.45)], size)
    return total


def trunk(chest: Chest) -> Map:
    """Return the mask of the patient: neck, shoulders, arms held aside, trunk; air is outside."""
    body = chest.body
    fat = body.fat
    outline = []
    for side in SIDES:
        y = body.clavicle
        wall = chest.wall(0.4) + fat
        neck = 0.085 + fat * 0.4
        at = [
            (neck, -0.1), (neck, y - 0.115), (0.16, y - 0.085 - fat * 0.3), (0.36, y - 0.075 - fat * 0.4),
            (0.47, y - 0.02), (0.53, y + 0.1), (0.56, y + 0.35), (0.56, y + 0.4),
        ]  # fmt: skip
        arm = [
            (0.49, y + 0.42), (wall + 0.07, y + 0.24), (wall + 0.04, y + 0.3),
            (wall + 0.035, 0.6), (wall + 0.04, 0.8), (wall + 0.05, 1.1),
        ]  # fmt: skip
        line = smooth([chest.at(side, u, v) for u, v in (*at, *arm)], closed=False)
        outline.append(line if side < 0 else line[::-1])
    return filled(np.concatenate(outline), chest.size)


def breasts(chest: Chest) -> Map:
    """Return the soft shadows of the breasts over the lower lungs, densest at their lower edge."""
    body, size = chest.body, chest.size
    total = np.zeros((size, size), np.float32)
    if not body.breast:
        return total
    x, y = chest.grid
    for side in SIDES:
        cx, cy = chest.at(side, 0.21, 0.62 + 0.05 * body.breast)
        rx, ry = 0.13 + 0.03 * body.breast, 0.11 + 0.06 * body.breast
        r = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2
        weight = np.clip(1 - r, 0, 1) ** 0.5 * (0.55 + 0.9 * np.clip((y - cy) / ry, -0.5, 1))
        total += np.clip(weight, 0, None).astype(np.float32)
    return blurred(total * body.breast, 0.006)


def vessels(chest: Chest, rng: np.random.Generator) -> Map:
    """Return the lungs' vessels: they leave the hilum, branch and taper until the outer third shows none."""
    canvas = np.zeros((chest.size, chest.size), np.uint8)
    for side in SIDES:
        root = chest.at(side, 0.058, 0.43 + (chest.body.dome[0] - 0.735) * 0.5)
        reach = chest.wall(0.5) - 0.04
        for angle in np.linspace(-1.4, 1.4, 10) + 0.12 * rng.standard_normal(10):
            length = reach * (0.68 + 0.25 * rng.random()) * (1.15 if abs(angle) > 0.9 else 1.0)
            branch(canvas, root, side, angle, length, 0.0065 + 0.004 * rng.random(), rng, depth=2)
    hila = np.zeros_like(canvas)
    for side in SIDES:
        x, y = chest.at(side, 0.07, 0.435 + (chest.body.dome[0] - 0.735) * 0.5)
        for _ in range(7):
            dx, dy = 0.02 * rng.standard_normal(), 0.035 * rng.standard_normal()
            end = (x + dx + side * 0.03 * rng.random(), y + dy + 0.05 * rng.random())
            stroke(hila, np.array([(x + dx * 0.3, y + dy * 0.5), end]), 0.016 + 0.01 * rng.random(), 0.6)
    tree = canvas.astype(np.float32) / 255 + blurred(hila.astype(np.float32) / 255, 0.006)
    return blurred(tree, 0.0015) * chest.lung


def branch(
    canvas: np.ndarray,
    start: tuple[float, float],
    side: int,
    angle: float,
    length: float,
    width: float,
    rng: np.random.Generator,
    *,
    depth: int,
) -> None:
    """Draw a vessel that tapers, and its branches."""
    points = [start]
    for turn in (0.12 * rng.standard_normal(STEPS)).tolist():
        angle += turn
        x, y = points[-1]
        points.append((x + side * cos(angle) * length / STEPS, y + sin(angle) * length / STEPS))
    shares = [1 - i / STEPS for i in range(STEPS)]
    widths, strengths = [width * (0.25 + 0.75 * s) for s in shares], [0.2 + 0.5 * s for s in shares]
    tapered(canvas, np.array(points), widths, strengths)
    if depth:
        first = 1 + int(3 * rng.random())
        for at in (first, min(first + 1 + int(2 * rng.random()), STEPS - 1)):
            turn = (0.45 + 0.3 * rng.random()) * (1 if rng.random() < 0.5 else -1)
            thinner = width * (1 - at / STEPS) * 0.8
            branch(canvas, points[at], side, angle + turn, length * 0.5, thinner, rng, depth=depth - 1)


def gas(chest: Chest, rng: np.random.Generator) -> Map:
    """Return what gas takes from the beam: the bubble of the stomach under the left diaphragm, and the windpipe."""
    x, y = chest.grid
    body = chest.body
    wide, high = 0.03 + 0.05 * rng.random(), 0.013 + 0.025 * rng.random()
    cx, cy = chest.at(1, 0.09 + 0.09 * rng.random(), chest.dome(1) + 0.03 + high)
    below = np.clip((cy + 0.5 * high - y) / 0.006, 0, 1)  # gas lies over fluid: the bubble has a level
    r = np.sqrt(((x - cx) / wide) ** 2 + ((y - cy) / high) ** 2)
    bubble = np.clip((1 - r) / 0.3, 0, 1) * below * 0.22 * rng.random()
    inside = np.clip(1 - np.abs(x - body.column(y) + 0.004) / 0.02, 0, 1) ** 0.6
    trachea = 0.12 * inside * np.clip((0.36 - y) / 0.06, 0, 1)
    return (bubble + trachea).astype(np.float32)
