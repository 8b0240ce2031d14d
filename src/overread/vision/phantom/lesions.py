"""The 14 findings of ChestX-ray14 as they look on a radiograph, each with the box around it.

A finding either adds to and takes from what the beam passes (an `Effect`), or changes the body itself (`changed`). What
each looks like follows the Fleischner Society's glossary of terms for thoracic imaging (Hansell et al. 2008, Radiology
246:697-722). How plainly it shows is drawn for each image, from hardly visible to unmistakable: labels of
real radiographs are as uneven. Where it lies belongs to the patient, so that the next image shows it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from overread.vision.phantom.anatomy import LEFT, SIDES, Body, Chest
from overread.vision.phantom.canvas import Map, Points, blurred, cloud, filled, floats, smooth, stroked


@dataclass(frozen=True, eq=False)
class Effect:
    """What one lesion does to the beam.

    `opacity` is added to the attenuation, `clearing` is the share of the lung's markings that it takes away, and
    `extent` is where it lies, from which its box is read.
    """

    finding: str
    opacity: Map
    extent: Map
    clearing: Map | None = None


@dataclass(frozen=True, eq=False)
class Draws:
    """The random numbers of one finding: `place` belongs to the patient, `look` to the image."""

    place: np.random.Generator
    look: np.random.Generator

    def between(self, low: float, high: float) -> float:
        """Return how strongly something shows: anything in a range, the lower half more often."""
        return float(low + (high - low) * self.look.beta(1.2, 1.7))

    def spot(self, low: float, high: float) -> float:
        """Return a place between two bounds; on the patient's next image it has moved a little."""
        return float(low + (high - low) * np.clip(self.place.random() + 0.05 * self.look.standard_normal(), 0, 1))

    def sides(self, both: float) -> tuple[int, ...]:
        """Return one side, or with a probability both."""
        one = SIDES[self.place.integers(2)]
        return SIDES if self.place.random() < both else (one,)


def changed(body: Body, findings: frozenset[str], draws: dict[str, Draws], *, view: str) -> Body:
    """Return the body with what findings do to its shape: a large heart, lungs held wide by emphysema.

    The heart of an AP image is magnified, so that what is large on PA is not on AP: the limit moves with the view.
    """
    if "Emphysema" in findings:
        amount = draws["Emphysema"].between(0.12, 0.9)
        low = tuple(dome + 0.075 * amount for dome in body.dome)
        body = replace(
            body, dome=(low[0], low[1]), flatness=min(1.0, body.flatness + 0.75 * amount),
            ratio=body.ratio * (1 - 0.12 * amount), half_width=body.half_width * (1 + 0.03 * amount),
            marking=body.marking * (1 - 0.4 * amount),
        )  # fmt: skip
    if "Cardiomegaly" in findings:
        extra = draws["Cardiomegaly"].between(0.0, 0.13)
        limit = 0.56 if view == "AP" else 0.5
        body = replace(body, ratio=max(body.ratio + 0.02, limit) + extra)
    return body


def effects(chest: Chest, findings: frozenset[str], draws: dict[str, Draws], *, view: str) -> Iterator[Effect]:
    """Yield what each finding does to the beam, in the order of their names."""
    for finding in sorted(findings):
        yield from DRAWN[finding](chest, draws[finding], view)


# --- round and patchy ------------------------------------------------------------------------------------------------


def patch(chest: Chest, centre: tuple[float, float], radii: tuple[float, float], rng: np.random.Generator, *,
          rough: float, soft: float) -> Map:  # fmt: skip
    """Return a patch with an irregular outline and a soft edge, cut off where the lung ends."""
    t = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    r = 1 + rough * rng.standard_normal(12)
    outline = [
        (centre[0] + radii[0] * k * np.cos(a), centre[1] + radii[1] * k * np.sin(a)) for a, k in zip(t, r, strict=True)
    ]
    return blurred(filled(smooth(outline, closed=True), chest.size), soft) * chest.lung


def nodule(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield one to three round opacities under 3 cm."""
    for _ in range(1 + int(draws.place.random() < 0.3) + int(draws.place.random() < 0.12)):
        side = SIDES[draws.place.integers(2)]
        centre = chest.within(side, draws.spot(0.3, 0.85), draws.spot(0.15, 0.85))
        radius = 0.016 + 0.018 * draws.place.random() + 0.002 * draws.look.random()
        mask = patch(chest, centre, (radius, radius), draws.place, rough=0.06, soft=0.003)
        yield Effect("Nodule", draws.between(0.08, 0.2) * mask, mask)


def mass(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a round, lobulated opacity over 3 cm."""
    side = SIDES[draws.place.integers(2)]
    centre = chest.within(side, draws.spot(0.25, 0.8), draws.spot(0.2, 0.8))
    radius = 0.043 + 0.04 * draws.place.random() + 0.004 * draws.look.random()
    mask = patch(
        chest, centre, (radius, radius * (0.85 + 0.3 * draws.place.random())), draws.place, rough=0.08, soft=0.006
    )
    yield Effect("Mass", draws.between(0.06, 0.22) * mask, mask)


def consolidation(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a dense, even opacity with air in its bronchi, sharp where it ends at a fissure."""
    for side in draws.sides(0.2):
        down = draws.spot(0.3, 0.85)
        centre = chest.within(side, draws.spot(0.35, 0.65), down)
        radii = (0.07 + 0.04 * draws.place.random(), 0.06 + 0.05 * draws.place.random())
        mask = patch(chest, centre, radii, draws.place, rough=0.14, soft=0.014)
        _, y = chest.grid
        fissure = np.clip((y - (centre[1] - 0.35 * radii[1])) / 0.006, 0, 1) if draws.place.random() < 0.6 else 1.0
        mask = mask * fissure
        bronchi = []
        for angle in np.linspace(-0.6, 0.9, 4) + 0.1 * draws.place.standard_normal(4):
            start = (centre[0] - side * 0.05, centre[1] - 0.03)
            end = (start[0] + side * 0.12 * np.cos(angle), start[1] + 0.12 * np.sin(angle))
            bend = ((start[0] + end[0]) / 2 + side * 0.012, (start[1] + end[1]) / 2 - 0.012)
            bronchi.append((smooth([start, bend, end], closed=False), 0.006, 0.5))
        lines = blurred(stroked(bronchi, chest.size), 0.003)
        yield Effect("Consolidation", draws.between(0.07, 0.26) * mask * (1 - lines), mask, 0.8 * mask)


def pneumonia(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a fluffy opacity of a segment, denser in its middle, most often low."""
    for side in draws.sides(0.25):
        centre = chest.within(side, draws.spot(0.3, 0.7), draws.spot(0.45, 0.9))
        radii = (0.06 + 0.045 * draws.place.random(), 0.055 + 0.045 * draws.place.random())
        mask = patch(chest, centre, radii, draws.place, rough=0.16, soft=0.024)
        fluff = np.clip(1 + 0.35 * cloud(draws.place, chest.size, 0.028), 0.2, 1.8)
        yield Effect("Pneumonia", draws.between(0.05, 0.18) * mask * fluff, mask)


def infiltration(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield several faint, ill-defined patches with streaks between them."""
    for side in draws.sides(0.45):
        across, down = draws.spot(0.3, 0.65), draws.spot(0.35, 0.85)
        mask = np.zeros((chest.size, chest.size), np.float32)
        for _ in range(5):
            da, dd = 0.16 * draws.place.standard_normal(2)
            centre = chest.within(side, float(np.clip(across + da, 0.1, 0.9)), float(np.clip(down + dd, 0.1, 0.95)))
            radius = 0.03 + 0.025 * draws.place.random()
            mask = np.maximum(mask, patch(chest, centre, (radius, radius), draws.place, rough=0.2, soft=0.018))
        streaks = np.clip(1 + 0.55 * cloud(draws.place, chest.size, 0.014), 0, 2.2)
        yield Effect("Infiltration", draws.between(0.03, 0.12) * mask * streaks, mask)


# --- the whole lung --------------------------------------------------------------------------------------------------


def edema(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield haze around both hila, spreading like wings, with short septal lines at the bases."""
    strength = draws.between(0.03, 0.17)
    x, y = chest.grid
    fine = np.clip(1 + 0.3 * cloud(draws.look, chest.size, 0.018), 0.3, 1.8)
    for side in SIDES:
        cx, cy = chest.within(side, 0.28, 0.6)
        wing = np.exp(-(((x - cx) / 0.12) ** 2) - ((y - cy) / 0.15) ** 2).astype(np.float32)
        mask = wing * chest.lungs[side]
        septa = []
        for _ in range(7):
            px, py = chest.within(side, 0.93, 0.72 + 0.25 * draws.look.random())
            septa.append((np.array([(px, py), (px - side * 0.03, py + 0.004)]), 0.0028, 0.8))
        lines = stroked(septa, chest.size) * chest.lungs[side]
        own = strength * (0.85 + 0.3 * draws.look.random())
        yield Effect("Edema", own * mask * fine + 0.3 * own * lines, np.maximum(mask, 0.3 * lines), 0.4 * mask)


def ring(centre: tuple[float, float], radius: float, rng: np.random.Generator) -> Points:
    """Return the outline of a small cell, stretched and dented."""
    t = np.linspace(0, 2 * np.pi, 9)
    r = radius * (1 + 0.25 * rng.standard_normal(9))
    r[-1] = r[0]
    return np.stack([centre[0] + 1.2 * r * np.cos(t), centre[1] + r * np.sin(t)], axis=1)


def emphysema(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield lungs with more air than they should hold; that they are large and the diaphragm flat is in `changed`."""
    strength = draws.between(0.012, 0.055)
    bullae = np.clip(1 + 0.3 * cloud(draws.place, chest.size, 0.09), 0.4, 1.6)
    mask = blurred(chest.lung, 0.01) * chest.lung
    yield Effect("Emphysema", -strength * mask * bullae, chest.lung, 0.25 * mask)


def fibrosis(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a net of fine lines at the edge and the base of the lungs."""
    strength = draws.between(0.1, 0.24)
    for side in draws.sides(0.75):
        low = draws.place.random() < 0.75
        lines = []
        for _ in range(110):
            across = 1 - 0.42 * draws.place.random() ** 1.4
            down = (0.5 + 0.5 * draws.place.random()) if low else 0.42 * draws.place.random() + 0.05
            cell = ring(chest.within(side, across, down), 0.005 + 0.007 * draws.place.random(), draws.place)
            lines.append((cell, 0.0026, 0.45 + 0.5 * draws.place.random()))
        net = blurred(stroked(lines, chest.size), 0.001) * chest.lungs[side]
        haze = blurred(net, 0.02) * chest.lungs[side]
        yield Effect("Fibrosis", strength * (0.75 * net + 0.5 * haze), haze / max(float(haze.max()), 1e-6))


# --- pleura ----------------------------------------------------------------------------------------------------------


def effusion(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield fluid that fills the costophrenic angle under a meniscus; lying patients show a veil instead."""
    x, y = chest.grid
    for side in draws.sides(0.35):
        amount = draws.between(0.0, 1.0)
        low, wall = chest.angle(side), chest.wall(chest.angle(side) - 0.05)
        out = np.clip(side * (x - chest.body.column(y)) / wall, 0, 1.05)
        level = low - 0.03 - 0.22 * amount**1.3
        surface = level + (0.05 + 0.03 * amount) * (1 - out**3) - 0.02 * out**6
        fluid = np.clip((y - surface) / 0.012, 0, 1) * chest.lungs[side]
        opacity = 0.46 * np.maximum(chest.air, 0.75) * fluid * (1 - 0.75 * np.maximum(chest.heart, chest.mediastinum))
        if view == "AP" and draws.look.random() < 0.4:
            veil = np.clip((y - (level - 0.2)) / 0.3, 0, 1) * chest.lungs[side]
            opacity, fluid = np.maximum(0.5 * opacity, (0.05 + 0.15 * amount) * veil), np.maximum(fluid, veil)
        yield Effect("Effusion", opacity.astype(np.float32), fluid.astype(np.float32), (0.8 * fluid).astype(np.float32))


def pneumothorax(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a rim of air without markings between the chest wall and the bright line of the collapsed lung's edge."""
    side = draws.sides(0.0)[0]
    gap = draws.between(0.014, 0.12)
    line = collapsed_edge(chest, side, gap)
    lung = filled(np.array([*line, *line_back(chest, side, line)]), chest.size) * chest.lungs[side]
    rim = np.clip(chest.lungs[side] - lung, 0, 1)
    edge = blurred(stroked([(line, 0.0042, 1.0)], chest.size), 0.0008) * chest.lungs[side]
    opacity = 0.11 * edge - (0.02 + 0.3 * gap) * blurred(rim, 0.003) * rim
    yield Effect("Pneumothorax", opacity, np.maximum(rim, edge), rim)


def collapsed_edge(chest: Chest, side: int, gap: float) -> Points:
    """Return the edge of a lung that has come off the wall, widest at the apex, back at the wall near the base."""
    apex, low = chest.body.apex, chest.dome(side) + 0.02
    share = np.linspace(0, 1, 9)
    at = [(0.07, apex + 1.1 * gap), (0.13, apex + 1.0 * gap)]
    for v in share[1:]:
        y = apex + 0.9 * gap + v * (low - apex - 0.9 * gap)
        at.append((chest.wall(y) - gap * (1.05 - 0.75 * v**2), y))
    return smooth([chest.at(side, u, y) for u, y in at], closed=False)


def line_back(chest: Chest, side: int, line: Points) -> list[tuple[float, float]]:
    """Return the way back from the end of that edge to its start, below the diaphragm and by the spine."""
    return [(float(line[-1, 0]), 1.1), chest.at(side, 0.0, 1.1), chest.at(side, 0.0, float(line[0, 1]))]


def pleural_thickening(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a band along the chest wall, over the apex or beside the lower lung."""
    apical = draws.place.random() < 0.5
    for side in draws.sides(0.3 if apical else 0.15):
        width = draws.between(0.014, 0.034)
        moved = np.array([[1, 0, -side * width * chest.size * (0.35 if apical else 1)],
                            [0, 1, (1.0 if apical else -0.2) * width * chest.size]])  # fmt: skip
        band = np.clip(chest.lungs[side] - shifted(chest.lungs[side], moved), 0, 1)
        _, y = chest.grid
        apex, low = chest.body.apex, chest.angle(side)
        until = apex + 0.14 if apical else low
        since = 0.0 if apical else low - draws.spot(0.18, 0.34)
        reach = np.clip((y - since) / 0.02, 0, 1) * np.clip((until - y) / 0.03, 0, 1)
        x, _ = chest.grid
        outer = np.clip((side * (x - chest.body.column(y)) - (0.03 if apical else 0.16)) / 0.02, 0, 1)
        mask = blurred((band * reach * outer).astype(np.float32), 0.003) * chest.lungs[side]
        yield Effect("Pleural_Thickening", draws.between(0.17, 0.32) * mask, mask)


def shifted(image: Map, matrix: np.ndarray) -> Map:
    """Return an image moved by an affine matrix, black where it came from."""
    return floats(cv2.warpAffine(floats(image), matrix, image.shape[::-1], flags=cv2.INTER_LINEAR))


# --- the rest --------------------------------------------------------------------------------------------------------


def atelectasis(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a band of airless lung near the base, or a lobe that has lost volume, with the diaphragm drawn up to it."""
    for side in draws.sides(0.3):
        strength = draws.between(0.07, 0.22)
        if draws.place.random() < 0.6:
            bands = []
            for _ in range(1 + draws.place.integers(2)):
                start = chest.within(side, draws.spot(0.1, 0.35), draws.spot(0.66, 0.9))
                length, tilt = 0.1 + 0.09 * draws.place.random(), 0.25 * draws.place.standard_normal()
                end = (start[0] + side * length * np.cos(tilt), start[1] + length * np.sin(tilt))
                bands.append((np.array([start, end]), 0.009 + 0.009 * draws.place.random(), 1.0))
            mask: Map = blurred(stroked(bands, chest.size), 0.003) * chest.lungs[side]
        else:
            mask = raised_base(chest, side, 0.035 + 0.045 * draws.between(0, 1))
            strength += 0.08
        yield Effect("Atelectasis", strength * mask, mask, 0.6 * mask)


def raised_base(chest: Chest, side: int, rise: float) -> Map:
    """Return the airless base of a lung between the diaphragm and a line above it, highest by the spine."""
    curve = chest.diaphragm(side)
    upper = [(u, y - rise * (1.25 - 0.9 * u / curve[0][0])) for u, y in curve]
    around = [*curve, (0.03, curve[-1][1]), (0.03, upper[-1][1] - rise), *reversed(upper)]
    mask = filled(np.array([chest.at(side, u, y) for u, y in around]), chest.size)
    return blurred(mask, 0.004) * chest.lungs[side]


def cardiomegaly(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield the place of the heart; its size is in `changed`."""
    yield Effect("Cardiomegaly", np.zeros_like(chest.heart), chest.heart)


def hernia(chest: Chest, draws: Draws, view: str) -> Iterator[Effect]:
    """Yield a round shadow behind the heart, just above the diaphragm, air over fluid within it."""
    radius = 0.045 + 0.03 * draws.place.random() + 0.005 * draws.look.random()
    cx, cy = chest.at(LEFT, 0.02 + 0.03 * draws.place.random(), min(chest.body.dome) - 0.25 * radius)
    x, y = chest.grid
    r = np.sqrt((x - cx) ** 2 + ((y - cy) / 0.9) ** 2)
    inside = np.clip((radius - r) / 0.006, 0, 1)
    wall = np.clip(1 - np.abs(r - radius + 0.004) / 0.005, 0, 1)
    fluid = np.clip((y - (cy + 0.1 * radius)) / 0.004, 0, 1)
    strength = draws.between(0.35, 1.1)
    opacity = strength * (0.11 * wall - 0.15 * inside * (1 - fluid) + 0.1 * inside * fluid)
    yield Effect("Hernia", opacity.astype(np.float32), np.maximum(inside, wall).astype(np.float32))


DRAWN: dict[str, Callable[[Chest, Draws, str], Iterator[Effect]]] = {
    "Atelectasis": atelectasis,
    "Cardiomegaly": cardiomegaly,
    "Consolidation": consolidation,
    "Edema": edema,
    "Effusion": effusion,
    "Emphysema": emphysema,
    "Fibrosis": fibrosis,
    "Hernia": hernia,
    "Infiltration": infiltration,
    "Mass": mass,
    "Nodule": nodule,
    "Pleural_Thickening": pleural_thickening,
    "Pneumonia": pneumonia,
    "Pneumothorax": pneumothorax,
}
"""How each finding is drawn, by its name in ChestX-ray14's label table."""
