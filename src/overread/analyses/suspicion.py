"""What a check of the scores says when it finds something, and what every check is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.records.findings import display

Floats = NDArray[np.float64]

Severity = Literal["serious", "caution", "note"]
"""`serious`: numbers made of these scores are probably wrong; `caution`: some of them mislead; `note`: good to know."""

STRICT = 1e-6
"""The p below which a check speaks: it makes hundreds of comparisons, on images that it takes for independent."""


@dataclass(frozen=True)
class Suspicion:
    """One thing found: by which check, in which findings, what was seen in numbers, and what to do.

    `findings` is empty where it is about the reading as a whole.
    """

    check: str
    findings: tuple[str, ...]
    message: str
    remedy: str
    severity: Severity


@dataclass(frozen=True, eq=False)
class Distinct:
    """One finding's distinct scores in rising order, how many images have each, and which of them each image has."""

    values: Floats
    images: NDArray[np.int64]
    place: NDArray[np.int64]

    @classmethod
    def of(cls, scores: Floats) -> Distinct:
        """Sort scores once, for all checks."""
        values, place, images = np.unique(scores, return_inverse=True, return_counts=True)
        return cls(values, images, place)

    def ranks(self, rows: NDArray[np.bool_]) -> Floats:
        """Rank some images among themselves, from 1 for the lowest; equal scores share the mean of their ranks."""
        place = self.place[rows]
        images = np.bincount(place, minlength=len(self.values))
        return (np.cumsum(images) - (images - 1) / 2)[place]


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores and labels (n_images, n_findings) as every check is given them; labels below 0 are missing."""

    scores: Floats
    labels: NDArray[np.int8]
    findings: tuple[str, ...]

    @cached_property
    def distinct(self) -> tuple[Distinct, ...]:
        """The distinct scores of each finding."""
        return tuple(Distinct.of(column) for column in self.scores.T)

    @cached_property
    def constant(self) -> NDArray[np.bool_]:
        """Whether all images have one score, by finding."""
        return np.array([len(each.values) == 1 for each in self.distinct], np.bool_)

    @cached_property
    def n_ill(self) -> NDArray[np.int64]:
        """The number of images with each finding."""
        return np.asarray((self.labels == 1).sum(axis=0), np.int64)

    @cached_property
    def n_healthy(self) -> NDArray[np.int64]:
        """The number of images without each finding."""
        return np.asarray((self.labels == 0).sum(axis=0), np.int64)

    def named(self, columns: Iterable[int]) -> tuple[str, ...]:
        """Return the findings of some columns."""
        return tuple(self.findings[column] for column in columns)


def listing(findings: Sequence[str], most: int = 4) -> str:
    """Return names as people read them, the first few where they are many.

    >>> listing(["Pleural_Thickening", "Mass"]), listing(["A", "B", "C", "D", "E", "F"])
    ('Pleural Thickening and Mass', 'A, B, C and 3 more')
    """
    names = [display(finding) for finding in findings]
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
