"""What a phantom cohort is made from: its settings, and the record of every image that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from overread.records.errors import InputError, counted
from overread.records.synthetic import PREFIX
from overread.vision.phantom.population import FLOOR, Exam, Population, population
from overread.vision.phantom.rendering import LARGEST, SIZE, SMALLEST, Spec

STRAY = 0.02
"""How often an image without pneumothorax has a drain where drains accompany it: other illness, a late film."""

MOST = 200_000
"""Images of a cohort at most; names have room for more, but nobody has asked."""


@dataclass(frozen=True)
class Drains:
    """Which images carry a chest drain.

    With `kind` "shortcut" a pneumothorax carries one with `probability`, any other image with `STRAY`. With "control"
    as many images carry one, dealt without regard to pneumothorax. With `everywhere` false the training part is as
    `kind` says and the test part as the control.
    """

    kind: str  # shortcut or control
    probability: float
    everywhere: bool = True

    def __post_init__(self) -> None:
        if self.kind not in ("shortcut", "control"):
            raise ValueError(f"kind must be shortcut or control, got {self.kind!r}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must lie between 0 and 1, got {self.probability}")

    def chance(self, exam: Exam, pneumothorax: float) -> float:
        """Return the probability that an image carries a drain where pneumothorax has a frequency."""
        if self.kind == "shortcut" and (self.everywhere or not exam.test):
            return self.probability if "Pneumothorax" in exam.findings else STRAY
        return pneumothorax * self.probability + (1 - pneumothorax) * STRAY


@dataclass(frozen=True)
class Design:
    """The settings of a phantom cohort; equal settings make equal files."""

    images: int = 2000
    seed: int = 0
    size: int = SIZE
    drains: Drains | None = None
    without_drains: bool = False
    floor: float = FLOOR
    prevalence: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.images <= MOST:
            raise InputError("--images", f"{self.images:,} images cannot be written", f"a number from 1 to {MOST:,}")
        if self.seed < 0:
            raise InputError("--seed", f"the seed is {self.seed}", "a whole number, 0 or more")
        if not SMALLEST <= self.size <= LARGEST:
            expected = f"a side in pixels from {SMALLEST} to {LARGEST}"
            raise InputError("--size", f"{counted(self.size, 'pixel')} cannot be drawn", expected)
        if not 0 <= self.floor <= 0.2:
            raise InputError("--prevalence-floor", f"{self.floor:g} cannot be drawn", "a share of images from 0 to 0.2")

    @cached_property
    def population(self) -> Population:
        """Return the patients that are drawn from."""
        return population(floor=self.floor, prevalence=self.prevalence)

    def records(self) -> list[tuple[Exam, Spec]]:
        """Return the record of every image, and what it is drawn from."""
        exams = islice(self.population.exams(self.seed), self.images)
        return [(exam, self.spec(exam)) for exam in exams]

    def spec(self, exam: Exam) -> Spec:
        """Return what an image is drawn from."""
        draw = np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(1, exam.patient, exam.number))
        ).random()
        pneumothorax = self.population.targets["Pneumothorax"]
        drain = self.drains is not None and bool(draw < self.drains.chance(exam, pneumothorax))
        return Spec(self.seed, exam.patient, exam.number, exam.age, exam.gender, exam.view, exam.findings, drain)

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON has them."""
        return asdict(self) | {"prevalence": dict(self.prevalence)}


def image_name(exam: Exam) -> str:
    """Return the name of an image's file: NIH's with a word before it, so that no phantom is taken for the real image.

    >>> image_name(Exam(12, 3, 60, "F", "PA", frozenset(), False))
    'phantom_00000012_003.png'
    """
    return f"{PREFIX}{exam.patient:08d}_{exam.number:03d}.png"
