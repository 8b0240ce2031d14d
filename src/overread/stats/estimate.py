"""A number with its interval: what every statistic here returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan, nan


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its confidence interval, the level and method of that interval, and a note where one is needed.

    What cannot be computed is `nan` with a `note` that says why; a value without an interval has `nan` bounds.
    """

    value: float
    low: float
    high: float
    level: float
    method: str
    note: str = ""

    @classmethod
    def undefined(cls, note: str, *, level: float, method: str) -> Estimate:
        """Return the estimate of what cannot be computed, with the reason."""
        return cls(nan, nan, nan, level, method, note)

    def with_note(self, note: str) -> Estimate:
        """Return the same estimate with a note added to those it has."""
        return replace(self, note="; ".join(part for part in (self.note, note) if part))

    def __format__(self, spec: str) -> str:
        """Write value and interval with one number format.

        >>> f"{Estimate(0.9, 0.786, 0.957, 0.95, 'wilson'):.2f}"
        '0.90 (0.79 to 0.96)'
        """
        if isnan(self.value):
            return f"not computed ({self.note})" if self.note else "not computed"
        if isnan(self.low):
            return format(self.value, spec)
        return f"{self.value:{spec}} ({self.low:{spec}} to {self.high:{spec}})"
