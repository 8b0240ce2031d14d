"""From a patient's record to a radiograph: the body, its lesions, the beam, the film.

Every image has its own random numbers, named by what they are for and derived from the cohort's seed and the numbers
of patient and exam alone. So an image does not depend on how many others there are, on their order or on the process
that draws it, and leaving out the drain or a lesion changes nothing else about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from overread.vision.phantom import bones
from overread.vision.phantom.anatomy import SIDES, Chest, normal_body
from overread.vision.phantom.canvas import Map, blurred
from overread.vision.phantom.drains import drain
from overread.vision.phantom.lesions import DRAWN, Draws, Effect, changed, effects
from overread.vision.phantom.mimics import mimics

SIZE = 256
"""The side of an image where none is asked for, in pixels."""

SMALLEST, LARGEST = 64, 2048
"""Sides that can be drawn: below, ribs and lesions vanish; above, drawing says nothing more."""

WORD = "PHANTOM"
"""What stands in a corner of every image."""


@dataclass(frozen=True)
class Spec:
    """All that one image is drawn from."""

    seed: int  # of the cohort
    patient: int
    exam: int  # counts a patient's images from 0
    age: int
    gender: str  # F or M
    view: str  # AP or PA
    findings: frozenset[str]
    drain: bool = False


@dataclass(frozen=True)
class Box:
    """The box around a lesion or a drain, in pixels of the image: left, top, width, height."""

    finding: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Phantom:
    """A drawn image (8-bit, white is dense), the boxes of its lesions, and that of its drain if it has one."""

    pixels: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    drain: Box | None


def render(spec: Spec, *, size: int = SIZE, drain: bool = True) -> Phantom:
    """Draw an image; without its drain, if told so, and otherwise the same to the last pixel of noise.

    >>> spec = Spec(0, 1, 0, 60, "M", "PA", frozenset({"Pneumothorax"}), drain=True)
    >>> with_drain, without = render(spec, size=128), render(spec, size=128, drain=False)
    >>> with_drain.drain is not None, without.drain, with_drain.boxes == without.boxes
    (True, None, True)
    """
    scene = composed(spec, size, drain=drain)
    return Phantom(exposed(scene.attenuation, spec), scene.boxes, scene.drain)


@dataclass(frozen=True, eq=False)
class Scene:
    """What the beam meets in each pixel, before exposure and noise, and the boxes of what was put there."""

    attenuation: Map
    boxes: tuple[Box, ...]
    drain: Box | None


def composed(spec: Spec, size: int, *, drain: bool = True) -> Scene:
    """Put body, lesions and drain together."""
    check(spec, size)
    draws = {name: Draws(numbers(spec, name, exam=False), numbers(spec, name)) for name in sorted(spec.findings)}
    body = normal_body(spec.age, spec.gender, spec.view, numbers(spec, "build", exam=False), numbers(spec, "pose"))
    chest = Chest(changed(body, spec.findings, draws, view=spec.view), size)
    found = list(effects(chest, spec.findings, draws, view=spec.view))
    attenuation = body_attenuation(chest, found, numbers(spec, "vessels", exam=False))
    attenuation += mimics(chest, spec.gender, spec.view, numbers(spec, "mimics"))
    tube = None
    if spec.drain and drain:
        placed = drain_of(spec, chest)
        attenuation += placed[0]
        tube = boxed("drain", placed[1])
    boxes = tuple(box for effect in found if (box := boxed(effect.finding, effect.extent)) is not None)
    return Scene(attenuation, boxes, tube)


def check(spec: Spec, size: int) -> None:
    """Refuse what cannot be drawn."""
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size must lie between {SMALLEST} and {LARGEST}, got {size}")
    if spec.gender not in ("F", "M") or spec.view not in ("AP", "PA"):
        raise ValueError(f"gender must be F or M and view AP or PA, got {spec.gender!r} and {spec.view!r}")
    unknown = sorted(spec.findings - DRAWN.keys())
    if unknown:
        raise ValueError(f"findings must be among {', '.join(DRAWN)}, got {unknown[0]!r}")


def numbers(spec: Spec, purpose: str, *, exam: bool = True) -> np.random.Generator:
    """Return the random numbers for one purpose: of the image, or (`exam=False`) of the patient on all images."""
    key = (crc32(purpose.encode()), spec.patient, spec.exam + 1 if exam else 0)
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=key))


def body_attenuation(chest: Chest, found: list[Effect], rng: np.random.Generator) -> Map:
    """Return what the body and its lesions take from the beam: soft tissue less air, and bone and vessels over it."""
    body, size = chest.body, chest.size
    trunk = bones.trunk(chest)
    tissue = blurred(trunk, 0.004) * (0.35 + 0.65 * np.clip(2 * blurred(trunk, 0.06) - 0.85, 0, 1.1) ** 0.8)
    middle = blurred(np.maximum(chest.heart, 0.9 * chest.mediastinum), 0.004)
    belly = blurred(chest.abdomen, 0.004) * tissue
    cleared, opacity = np.ones((size, size), np.float32), np.zeros((size, size), np.float32)
    for effect in found:
        opacity += effect.opacity
        if effect.clearing is not None:
            cleared *= 1 - np.clip(effect.clearing, 0, 1)
    _, y = chest.grid
    total = (0.56 + 0.6 * body.fat) * tissue + 0.17 * middle * tissue * (1 - belly) + 0.34 * belly
    total -= (0.39 - 0.04 * y) * chest.air * (1 - 0.78 * middle)
    bone = 0.12 * bones.ribs(chest) * (1 - 0.6 * belly) * (1 - 0.5 * middle) + 0.13 * bones.clavicles(chest)
    bone += 0.1 * bones.spine(chest) * (0.6 + 0.4 * chest.lung) + 0.11 * bones.shoulders(chest)
    total += body.calcium * bone * tissue
    total += 0.15 * body.marking * bones.vessels(chest, rng) * (1 - 0.8 * middle) * cleared
    total += 0.1 * bones.breasts(chest) - bones.gas(chest, rng) * tissue
    return (total + opacity).astype(np.float32)


def drain_of(spec: Spec, chest: Chest) -> tuple[Map, Map]:
    """Return the drain of an image: on the side of the pneumothorax if there is one."""
    rng = numbers(spec, "drain")
    side = SIDES[rng.integers(2)]
    if "Pneumothorax" in spec.findings:
        side = Draws(numbers(spec, "Pneumothorax", exam=False), rng).sides(0.0)[0]
    tube = drain(chest, side, rng)
    return tube.opacity, tube.extent


def boxed(finding: str, extent: Map) -> Box | None:
    """Return the box around where something lies: all above a fifth of its maximum; None where that is nowhere.

    >>> boxed("Mass", np.pad(np.ones((2, 3), np.float32), ((1, 0), (2, 0))))
    Box(finding='Mass', x=2, y=1, width=3, height=2)
    """
    top = float(extent.max())
    if top <= 0.02:
        return None
    rows, columns = (np.flatnonzero((extent > 0.2 * top).any(axis=axis)) for axis in (1, 0))
    x, y = int(columns[0]), int(rows[0])
    return Box(finding, x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)


def exposed(attenuation: Map, spec: Spec) -> NDArray[np.uint8]:
    """Return the image that a beam leaves on the plate: exposure, blur and noise differ from image to image."""
    rng = numbers(spec, "exposure")
    size, portable = len(attenuation), spec.view == "AP"
    penetration, contrast = 2.5 * np.exp(0.12 * rng.standard_normal()), 1.3 + 0.08 * rng.standard_normal()
    film = 1 - np.exp(-penetration * np.clip(attenuation, 0, None) ** contrast)
    film = blurred(film.astype(np.float32), 0.0016 + 0.001 * portable + 0.0005 * rng.random())
    grain = (0.01 + 0.006 * rng.random()) * (1.35 if portable else 1.0)
    noise = blurred(rng.standard_normal((size, size)).astype(np.float32), 0.0018)
    film += grain * noise / max(float(noise.std()), 1e-6)
    low, high = 0.01 + 0.03 * rng.random(), 0.94 + 0.06 * rng.random()
    image = np.clip(255 * (low + (high - low) * film), 0, 255)
    return marked(image.astype(np.uint8), spec)


def marked(image: NDArray[np.uint8], spec: Spec) -> NDArray[np.uint8]:
    """Return an image with the word that says what it is, and the letter for the patient's left."""
    size = len(image)
    scale = size / 256
    font, thin = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(scale))
    (width, height), _ = cv2.getTextSize(WORD, font, 0.3 * scale, thin)
    at = (max(2, round(0.012 * size)), size - max(3, round(0.015 * size)))
    cv2.rectangle(image, (at[0] - 1, at[1] - height - 2), (at[0] + width + 1, at[1] + 2), 0, -1)
    cv2.putText(image, WORD, at, font, 0.3 * scale, 255, thin, cv2.LINE_AA)
    cv2.putText(image, "L", (round(0.93 * size), round(0.09 * size)), font, 0.5 * scale, 235, thin, cv2.LINE_AA)
    return image
