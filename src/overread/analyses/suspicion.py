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
"""`serious`: numbers made from these scores are probably wrong; `caution`: some of them mislead; `note`: good to know."""

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
class Scored:
    """Scores and labels (n_images, n_findings) as every check is given them; labels below 0 are missing."""

    scores: Floats
    labels: NDArray[np.int8]
    findings: tuple[str, ...]

    @cached_property
    def distinct(self) -> tuple[tuple[Floats, NDArray[np.int64]], ...]:
        """The distinct scores of each finding in rising order, and how many images have each."""
        return tuple(_runs(np.sort(column)) for column in self.scores.T)

    @cached_property
    def constant(self) -> NDArray[np.bool_]:
        """Whether all images have one score, by finding."""
        return np.array([len(values) == 1 for values, _ in self.distinct], np.bool_)

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


def _runs(ordered: Floats) -> tuple[Floats, NDArray[np.int64]]:
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[first], np.diff(np.append(first, len(ordered)))


def listing(findings: Sequence[str], most: int = 4) -> str:
    """Return names as people read them, the first few where they are many.

    >>> listing(["Pleural_Thickening", "Mass"]), listing(["A", "B", "C", "D", "E", "F"])
    ('Pleural Thickening and Mass', 'A, B, C and 3 more')
    """
    names = [display(finding) for finding in findings]
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
