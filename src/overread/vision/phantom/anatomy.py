"""A chest without disease: its measures, drawn from age, gender and view, and its shapes on a square of pixels.

Measures are in units of the image's side, which stands for `FIELD_MM`. As on every radiograph of the chest the
patient faces the reader: the patient's right is on the left. Where a measure depends on age, gender or view it does
so for the reason given beside it; textbooks of chest radiology have them all (Goodman, Felson's Principles of Chest
Roentgenology, 5th ed., chapters 1 to 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from overread.vision.phantom.canvas import Map, Points, blurred, filled, grid, smooth

FIELD_MM = 400.0
"""What the image's side stands for, in millimetres: a nodule is under 30 mm, a mass over it."""

RIGHT, LEFT = -1, 1
"""The patient's sides, as the sign of x: the patient's right is on the left of the image."""

SIDES = (RIGHT, LEFT)


@dataclass(frozen=True)
class Body:
    """The measures of one patient on one image."""

    midline: float  # x of the spine
    half_width: float  # of the rib cage at its widest
    apex: float  # y of the top of the lungs
    dome: tuple[float, float]  # y of the right and left diaphragm
    flatness: float  # of the diaphragm: 0 is a dome, 1 a line
    ratio: float  # the width of the heart by the width of the chest
    lean: float  # how far the spine curves sideways
    knob: float  # width of the aortic arch: the aorta unfolds with age
    breast: float  # 0 where there is none
    fat: float  # thickness of the soft tissue around the rib cage
    calcium: float  # brightness of bone: falls with age, more so in women
    clavicle: float  # y of the clavicles' inner ends
    scapula: float  # how far the shoulder blades lie over the lungs: in PA the arms are turned to clear them
    marking: float  # strength of the lung's vessels

    def column(self, y: float | Map) -> float | Map:
        """Return the x of the spine at a height."""
        return self.midline + self.lean * np.sin((y - 0.1) * 4.2)


def normal_body(age: int, gender: str, view: str, build: np.random.Generator, pose: np.random.Generator) -> Body:
    """Return the measures of a patient without disease.

    `build` belongs to the patient and is the same on every image; `pose` belongs to the image.
    """
    woman, front = gender == "F", view == "AP"
    child = float(np.clip((16 - age) / 16, 0, 1))
    old = float(np.clip((age - 40) / 45, 0, 1))
    width = 0.372 - 0.022 * woman - 0.05 * child + 0.012 * build.standard_normal()
    height = 0.012 * build.standard_normal() + 0.01 * woman
    fat = float(np.clip(0.045 + 0.02 * build.standard_normal() + 0.01 * woman, 0.02, 0.1))
    ratio = 0.455 + 0.012 * woman + 0.02 * old + 0.03 * child + 0.022 * build.standard_normal()
    lean = 0.004 * build.standard_normal() * (1 + 2 * old)
    breast = float(np.clip(0.55 + 0.3 * build.standard_normal(), 0.15, 1.1)) if woman and age > 13 else 0.0
    knob = 0.058 + 0.018 * old + 0.004 * build.standard_normal() - 0.012 * child
    calcium = float(np.clip(1.0 - (0.3 + 0.2 * woman) * old + 0.1 * build.standard_normal(), 0.4, 1.25))
    marking = float(np.clip(1 + 0.2 * build.standard_normal(), 0.6, 1.5))
    breath = 0.024 * pose.standard_normal() - 0.065 * front  # AP is taken lying or sitting: less air, higher diaphragm
    right = 0.735 + height + breath + 0.06 * child * -1
    return Body(
        midline=0.5 + 0.012 * pose.standard_normal() + 0.006 * front * pose.standard_normal(),
        half_width=width * (1.02 if front else 1.0),
        apex=0.115 + 0.02 * front + 0.012 * pose.standard_normal(),
        dome=(right, right + 0.022 + 0.008 * pose.standard_normal()),
        flatness=0.12 * old,
        ratio=ratio * (1.13 if front else 1.0) + 0.008 * pose.standard_normal(),  # AP magnifies the heart
        lean=lean + 0.003 * pose.standard_normal(),
        knob=knob * (1.1 if front else 1.0),
        breast=breast * (0.75 if front else 1.0),
        fat=fat,
        calcium=calcium,
        clavicle=0.155 - 0.02 * front + 0.012 * pose.standard_normal(),
        scapula=(0.75 if front else 0.25) + 0.12 * pose.standard_normal(),
        marking=marking * (1.15 if front else 1.0),
    )


@dataclass(frozen=True, eq=False)
class Chest:
    """The shapes of a body on a square of pixels."""

    body: Body
    size: int

    @cached_property
    def grid(self) -> tuple[Map, Map]:
        """Return x and y of the pixels."""
        return grid(self.size)

    def at(self, side: int, u: float, y: float) -> tuple[float, float]:
        """Return the point that lies `u` from the spine on a side."""
        return float(self.body.column(y)) + side * u, y

    def wall(self, y: float) -> float:
        """Return how far the inner chest wall is from the spine at a height."""
        body = self.body
        low = max(body.dome) + 0.1
        v = np.clip((y - body.apex) / (low - body.apex), 0, 1.3)
        return float(body.half_width * np.interp(v, WALL_AT, WALL))

    def dome(self, side: int) -> float:
        """Return the y of the top of the diaphragm on a side."""
        return self.body.dome[side == LEFT]

    def angle(self, side: int) -> float:
        """Return the y of the costophrenic angle on a side."""
        return self.dome(side) + 0.125 - 0.055 * self.body.flatness

    def inner(self, y: float) -> float:
        """Return how far the lung's inner edge is from the spine, behind the heart."""
        return float(np.interp(y, (self.body.apex, self.body.apex + 0.1, 0.4, 0.8), (0.075, 0.05, 0.048, 0.05)))

    def diaphragm(self, side: int) -> list[tuple[float, float]]:
        """Return the diaphragm of a side from the costophrenic angle to the spine, in u and y."""
        top, low = self.dome(side), self.angle(side)
        wall = self.wall(low - 0.01)
        across = np.array([0.93, 0.82, 0.68, 0.5, 0.32, 0.15])
        rise = np.array([0.42, 0.72, 0.92, 1.0, 0.93, 0.7])
        flat = self.body.flatness
        rise = (1 - flat) * rise + flat * np.array([0.28, 0.55, 0.75, 0.9, 1.0, 1.0]) * 0.9
        return [(u * wall, low - (low - top) * r) for u, r in zip(across, rise, strict=True)]

    def lung_outline(self, side: int) -> Points:
        """Return the outline of a lung, from its apex down the chest wall and back up along the spine."""
        apex, low = self.body.apex, self.angle(side)
        heights = np.linspace(apex + 0.045, low - 0.02, 8)
        outer = [(self.wall(y), y) for y in heights]
        base = [(self.wall(low) - 0.002, low), *self.diaphragm(side)]
        inner = [(self.inner(y), y) for y in np.linspace(base[-1][1] - 0.02, apex + 0.03, 6)]
        top = [(0.1, apex + 0.004), (0.135, apex), (0.175, apex + 0.015)]
        around = [*top, *outer, *base, *inner]
        return smooth([self.at(side, u, y) for u, y in around], closed=True)

    @cached_property
    def lungs(self) -> dict[int, Map]:
        """Return the masks of the pleural spaces by side, the parts behind the heart among them."""
        return {side: filled(self.lung_outline(side), self.size) for side in SIDES}

    @cached_property
    def lung(self) -> Map:
        """Return the mask of both."""
        return np.maximum(self.lungs[RIGHT], self.lungs[LEFT])

    def heart_edges(self) -> tuple[float, float]:
        """Return how far the heart reaches to the right and to the left of the spine."""
        width = 2 * self.body.ratio * self.wall(max(self.body.dome))
        right = 0.3 * width + 0.008
        return right, width - right

    def heart_outline(self) -> Points:
        """Return the outline of the heart from the aortic root around the apex and back."""
        right, left = self.heart_edges()
        low = self.body.dome[1] + 0.035
        high = low - max(0.19, 0.62 * (right + left))
        centre = (high + low) / 2
        at = [
            (-0.045, high - 0.02), (-0.7 * right, high + 0.05), (-right, centre + 0.02), (-0.93 * right, low - 0.05),
            (-0.6 * right, low + 0.02), (0.1 * left, low + 0.045), (0.6 * left, low + 0.035), (0.9 * left, low + 0.005),
            (left, low - 0.035), (0.93 * left, low - 0.085), (0.75 * left, centre), (0.5 * left, high + 0.035),
            (0.052, high - 0.02),
        ]  # fmt: skip
        return smooth([(float(self.body.column(y)) + u, y) for u, y in at], closed=True)

    @cached_property
    def heart(self) -> Map:
        """Return the mask of the heart."""
        return filled(self.heart_outline(), self.size)

    @cached_property
    def mediastinum(self) -> Map:
        """Return the mask of what lies between the lungs above the heart: great vessels, the arch on the left."""
        body = self.body
        knob, arch = body.knob, 0.285 + (body.apex - 0.115)
        low = self.body.dome[1]
        right = [(-0.045, 0.0), (-0.05, body.apex), (-0.058, 0.25), (-0.056, 0.38), (-0.05, low)]
        left = [
            (0.05, low), (0.062, 0.44), (0.068, 0.385), (0.056, arch + 0.06), (knob + 0.012, arch + 0.025),
            (knob + 0.014, arch), (knob - 0.004, arch - 0.04), (0.047, body.apex + 0.02), (0.04, 0.0),
        ]  # fmt: skip
        points = [(float(body.column(y)) + u, y) for u, y in (*right, *left)]
        return filled(smooth(points, closed=True), self.size)

    @cached_property
    def abdomen(self) -> Map:
        """Return the mask of what lies below the diaphragm within the trunk."""
        edges = {side: [(self.wall(self.angle(side)), self.angle(side)), *self.diaphragm(side)] for side in SIDES}
        right, left = (smooth([self.at(side, u, y) for u, y in edges[side]], closed=False) for side in SIDES)
        top = [*right, *left[::-1]]
        whole = [(-0.2, right[0][1]), *top, (1.2, left[0][1]), (1.2, 1.2), (-0.2, 1.2)]
        sharp = filled(np.array(whole), self.size)
        return sharp * self.cage + blurred(sharp, 0.05) * (1 - self.cage)

    @cached_property
    def cage(self) -> Map:
        """Return the mask of what the ribs enclose, down to the lower edge of the image."""
        heights = np.linspace(self.body.apex, 1.1, 16)
        right, left = ([self.at(side, self.wall(y), y) for y in heights] for side in SIDES)
        return filled(np.array([*right, *reversed(left)]), self.size)

    def within(self, side: int, across: float, down: float) -> tuple[float, float]:
        """Return the point of a lung at shares of its width, from the spine, and of its height, from the apex.

        >>> rng = np.random.default_rng(0)
        >>> chest = Chest(normal_body(50, "M", "PA", rng, rng), 64)
        >>> chest.within(LEFT, 0.5, 0.5)[0] > chest.body.midline > chest.within(RIGHT, 0.5, 0.5)[0]
        True
        """
        y = self.body.apex + down * (self.dome(side) + 0.03 - self.body.apex)
        inner, outer = self.inner(y), self.wall(y)
        return self.at(side, inner + across * (outer - inner), y)

    @cached_property
    def air(self) -> Map:
        """Return how much air the beam passes in each pixel, from 0 to 1: less towards the edge of the lungs."""
        depth = blurred(self.lung, 0.035)
        rim = np.clip(2 * depth - 0.75, 0, 1) ** 0.7
        return self.lung * (0.6 + 0.4 * rim)


WALL_AT = (0.0, 0.05, 0.12, 0.25, 0.45, 0.7, 0.9, 1.0, 1.3)
WALL = (0.36, 0.54, 0.68, 0.82, 0.92, 0.985, 1.0, 0.985, 0.96)
"""The half width of the rib cage by height, as a share of its widest."""
