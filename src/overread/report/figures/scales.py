"""From values to pixels, and the round values at which an axis is labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log, log10


@dataclass(frozen=True)
class Linear:
    """A linear scale; values beyond the domain are drawn at its end.

    >>> Linear((0, 1), (0, 200))(0.25)
    50.0
    """

    domain: tuple[float, float]
    span: tuple[float, float]

    def __call__(self, value: float) -> float:
        """Return the place of a value in pixels."""
        (first, last), (start, end) = self.domain, self.span
        held = min(max(value, min(first, last)), max(first, last))
        return start + (held - first) / (last - first) * (end - start)

    def ticks(self, about: int = 5) -> list[float]:
        """Return round values within the domain, about as many as asked for.

        >>> Linear((0.5, 1), (0, 1)).ticks(5)
        [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
        """
        first, last = self.domain
        step = round_step((last - first) / about)
        return [round(k * step, 10) for k in range(ceil(first / step - 1e-9), floor(last / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Log:
    """A logarithmic scale of positive values.

    >>> Log((1, 100), (0, 200))(10)
    100.0
    """

    domain: tuple[float, float]
    span: tuple[float, float]

    def __call__(self, value: float) -> float:
        """Return the place of a value in pixels."""
        (first, last), (start, end) = self.domain, self.span
        return start + log(value / first) / log(last / first) * (end - start)

    def ticks(self) -> list[float]:
        """Return 1, 2, 5, 10, 20 and so on within the domain.

        >>> Log((30, 600), (0, 1)).ticks()
        [50.0, 100.0, 200.0, 500.0]
        """
        first, last = self.domain
        steps = (m * 10.0**k for k in range(floor(log10(first)), ceil(log10(last)) + 1) for m in (1, 2, 5))
        return [step for step in steps if first <= step <= last]


@dataclass(frozen=True)
class Band:
    """Names in equal steps from `start`."""

    names: Sequence[str]
    step: float
    start: float = 0.0

    @property
    def end(self) -> float:
        """Where the last step ends."""
        return self.start + self.step * len(self.names)

    def edge(self, place: int) -> float:
        """Return where the step of a name begins."""
        return self.start + self.step * place

    def centre(self, place: int) -> float:
        """Return the middle of the step of a name."""
        return self.edge(place) + self.step / 2

    @property
    def places(self) -> dict[str, int]:
        """The place of each name."""
        return {name: place for place, name in enumerate(self.names)}


def round_step(rough: float) -> float:
    """Return the step of 1, 2 or 5 times a power of ten that is nearest above.

    >>> round_step(0.1), round_step(0.13), round_step(3.0)
    (0.1, 0.2, 5.0)
    """
    power = 10.0 ** floor(log10(rough) + 1e-9)
    return next(power * m for m in (1, 2, 5, 10) if power * m >= rough * (1 - 1e-9))


def round_up(value: float, about: int = 5) -> float:
    """Return the round value at which an axis from 0 may end.

    >>> round_up(0.87), round_up(2.3)
    (1.0, 2.5)
    """
    if value <= 0:
        return 1.0
    step = round_step(value / about)
    return ceil(value / step - 1e-9) * step
