"""Where scores come from, judged by the scores themselves, before any metric is believed.

Each check looks for the trace that a known mistake, or a known habit, leaves in a table of scores. What it finds is
a suspicion, with the numbers that raised it and what to do; it is never a proof, and it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from overread.analyses.column_order import exchanged_columns, truth_itself
from overread.analyses.score_scale import bent_at_half, double_sigmoid, out_of_range, rescaled, softmax
from overread.analyses.score_ties import constant_columns, identical_columns, tied_scores
from overread.analyses.suspicion import Scored, Suspicion

CHECKS = (
    out_of_range,
    double_sigmoid,
    bent_at_half,
    softmax,
    rescaled,
    constant_columns,
    identical_columns,
    exchanged_columns,
    truth_itself,
    tied_scores,
)

TABLE = {
    "reading": pl.String,
    "check": pl.String,
    "finding": pl.String,
    "severity": pl.String,
    "message": pl.String,
}


@dataclass(frozen=True)
class Provenance:
    """What the checks of one reading's scores raised; nothing, for most readings."""

    reading: str
    findings: tuple[str, ...]
    suspicions: tuple[Suspicion, ...]

    @property
    def table(self) -> pl.DataFrame:
        """One row per suspicion; `finding` names one or several, and is empty where it is about all of them."""
        rows = [
            (self.reading, each.check, self._named(each), each.severity, f"{each.message} {each.remedy}".strip())
            for each in self.suspicions
        ]
        return pl.DataFrame(rows, schema=TABLE, orient="row")

    def _named(self, suspicion: Suspicion) -> str:
        every = len(self.findings) > 1 and set(suspicion.findings) == set(self.findings)
        return "" if every else ", ".join(suspicion.findings)


def provenance(reading: str, scores: ArrayLike, labels: ArrayLike, findings: Sequence[str]) -> Provenance:
    """Look in scores for traces of how they were made.

    `scores` and `labels` are (n_images, n_findings); labels are 1, 0, or below 0 where missing. The checks take
    images for independent, and ask for strong evidence (p < 1e-6, and an effect worth speaking of) to make up for it.

    Raises ValueError where the shapes differ or a score is not finite.

    >>> calls = np.tile([[0.0], [1.0], [1.0]], (20, 1))
    >>> labels = np.tile([[0], [0], [1]], (20, 1))
    >>> [(each.check, each.severity) for each in provenance("reader", calls, labels, ["Mass"]).suspicions]
    [('calls, not scores', 'caution')]
    """
    of = checked(scores, labels, findings)
    if not of.scores.size:
        return Provenance(reading, of.findings, ())
    return Provenance(reading, of.findings, tuple(suspicion for check in CHECKS for suspicion in check(of)))


def checked(scores: ArrayLike, labels: ArrayLike, findings: Sequence[str]) -> Scored:
    """Return scores and labels as the checks are given them, or refuse them."""
    of = Scored(np.asarray(scores, np.float64), np.asarray(labels).astype(np.int8), tuple(findings))
    if of.scores.ndim != 2 or of.scores.shape != of.labels.shape or of.scores.shape[1] != len(of.findings):
        raise ValueError(
            f"scores and labels must be of shape (n_images, {len(of.findings)}), got {of.scores.shape} and "
            f"{of.labels.shape}"
        )
    if not np.isfinite(of.scores).all():
        raise ValueError("scores must be finite numbers, got nan or infinity")
    return of
