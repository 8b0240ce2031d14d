"""Every check held against every reference of its name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overread.selfcheck import calibration, counts, discrimination, edges, paired, reading, rereading, transport
from overread.selfcheck.material import Check, Reference, cohort, references

CHECKS: tuple[Check, ...] = (
    *discrimination.CHECKS,
    *counts.CHECKS,
    *paired.CHECKS,
    *calibration.CHECKS,
    *transport.CHECKS,
    *reading.CHECKS,
    *rereading.CHECKS,
    *edges.CHECKS,
)


FLOOR = 1e-6
"""Below this a difference is absolute: a fraction of a number that is almost 0 says nothing."""


@dataclass(frozen=True)
class Result:
    """A check held against one reference.

    `largest` is the largest difference of the values as a fraction of the reference; `inf` where the numbers
    of values differ or overread failed, and `note` then says how.
    """

    check: Check
    reference: Reference
    values: tuple[float, ...]
    largest: float
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.largest <= self.check.tolerance

    @property
    def sentence(self) -> str:
        """The result on one line."""
        what = f"{self.check.name} ({self.check.statistic}) against {self.reference.named}"
        if self.note:
            return f"MISSED {what}: {self.note}; expected from {self.reference.code}"
        found = f"off by {self.largest:.1e} of the value, {self.check.tolerance:g} allowed"
        return (
            f"agrees {what}: {found}" if self.agrees else f"MISSED {what}: {found}; expected from {self.reference.code}"
        )

    @property
    def rows(self) -> list[dict[str, str | float]]:
        """A row for each value, as in the table that is written."""
        said: dict[str, str | float] = {"check": self.check.name, "statistic": self.check.statistic}
        by: dict[str, str | float] = {
            "software": self.reference.software,
            "version": self.reference.version,
            "code": self.reference.code,
            "tolerance": self.check.tolerance,
            "tolerance_reason": self.check.reason,
            "result": "agrees" if self.agrees else "missed",
            "note": self.note,
        }
        expected = self.reference.values
        values = self.values if len(self.values) == len(expected) else (float("nan"),) * len(expected)
        return [
            said | {"place": place, "overread": value, "expected": wanted} | by
            for place, (value, wanted) in enumerate(zip(values, expected, strict=True))
        ]


def selfcheck(checks: tuple[Check, ...] = CHECKS) -> tuple[Result, ...]:
    """Compute every statistic on the cohort that ships and hold it against what other software gave.

    >>> results = selfcheck()
    >>> all(result.agrees for result in results)
    True
    """
    of = {check.name: [each for each in references() if each.name == check.name] for check in checks}
    return tuple(held(check, reference) for check in checks for reference in of[check.name])


def held(check: Check, reference: Reference) -> Result:
    """Hold one check against one reference."""
    try:
        values = np.atleast_1d(np.asarray(check.compute(cohort()), np.float64)).ravel()
    except Exception as failure:  # whatever breaks a statistic is a finding here, and the others are still told
        return Result(check, reference, (), np.inf, f"failed: {type(failure).__name__}: {failure}")
    expected = np.array(reference.values)
    if values.shape != expected.shape:
        return Result(
            check, reference, tuple(values.tolist()), np.inf, f"{len(values)} values instead of {len(expected)}"
        )
    apart = np.abs(values - expected) / np.maximum(np.abs(expected), FLOOR)
    return Result(check, reference, tuple(values.tolist()), float(np.max(np.nan_to_num(apart, nan=np.inf))))
