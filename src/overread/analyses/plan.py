"""A plan: what will be asked of the reported rows, written down before any of their scores is read.

The file is small and meant to be read by people. It ends in a checksum of all that stands before, so that a change is
seen. It cannot show that nobody looked at the scores first: only depositing it somewhere with a date can, before the
scores exist, and the file, the page and the command say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from overread.records.errors import InputError, located, quoted
from overread.records.tables import Source
from overread.stats.averages import RATIOS
from overread.stats.operating_points import METRICS as OF_COUNTS

LOCKED = (
    "split",
    "operating_point",
    "prevalence",
    "baseline",
    "margins",
    "by",
    "replicates",
    "seed",
    "level",
    "rechoose",
)
"""The options that a plan lays down; what the others add is exploratory."""

COMPARED = ("auroc", "average_precision", *OF_COUNTS)
HYPOTHESES = ("difference", "non-inferiority", "equivalence", "above", "estimate")
OF_PAIRS = ("difference", "non-inferiority", "equivalence")
WITH_MARGIN = ("non-inferiority", "equivalence")
MULTIPLICITY = ("holm", "all", "none")
CALIBRATION = ("brier", "calibration_intercept", "calibration_slope", "ece")
METRICS = (*COMPARED, *CALIBRATION)
OVER = ("mean", "weighted")
NO_PROOF = (
    "A plan cannot show that nobody looked at the scores first, nor when it was written. Deposit it, or its checksum, "
    "where others can see the date before the scores exist: a registry, a journal, a letter to a third party."
)


@dataclass(frozen=True)
class Primary:
    """The question that the study is for: a metric, on which findings, what is to be shown, and how several count.

    `findings` are names of findings, `mean` or `weighted`. `hypothesis` asks of every pair of readings whether they
    differ (`difference`) or hold a margin (`non-inferiority`, `equivalence`), of every reading whether it lies `above`
    a value, or for the interval alone (`estimate`). Of several tests, `holm` adjusts, each a claim of its own; `all`
    has to show every one for the only claim, which needs no adjustment; `none` adjusts nothing.
    """

    metric: str = "auroc"
    findings: tuple[str, ...] = ("mean",)
    hypothesis: str = "difference"
    above: float | None = None
    multiplicity: str = "holm"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("metric", self.metric, METRICS),
            ("hypothesis", self.hypothesis, HYPOTHESES),
            ("multiplicity", self.multiplicity, MULTIPLICITY),
        ):
            if value not in known:
                raise InputError("primary", f"the {name} is {quoted(value)}", f"one of: {', '.join(known)}")
        if not self.findings:
            raise InputError("primary", "no finding is named", "findings, mean or weighted")
        if self.hypothesis in OF_PAIRS and self.metric not in COMPARED:
            what = f"readings are not compared by {self.metric}"
            raise InputError("primary", what, f"one of: {', '.join(COMPARED)}")
        if self.hypothesis in WITH_MARGIN and self.metric in RATIOS:
            raise InputError("primary", f"there is no margin for {self.metric}, which is a ratio", "another metric")
        self.refuse_above()

    @property
    def of_pairs(self) -> bool:
        """Whether the question is about pairs of readings."""
        return self.hypothesis in OF_PAIRS

    @property
    def with_margin(self) -> bool:
        """Whether the question is about a margin."""
        return self.hypothesis in WITH_MARGIN

    def refuse_above(self) -> None:
        """Refuse a bound without its hypothesis, and the other way round."""
        if (self.hypothesis == "above") != (self.above is not None):
            raise InputError("primary", "the bound and the hypothesis do not belong together", "above=NUMBER")
        if self.above is not None and not isfinite(self.above):
            raise InputError("primary", f"the bound is {self.above}", "a number, as in above=0.80")
        if self.above is not None and len(self.findings) > 1 and self.multiplicity == "holm":
            what = "a bound is read off intervals, which Holm's method does not adjust"
            raise InputError("primary", what, "multiplicity all (every finding must lie above) or none")


@dataclass(frozen=True)
class Plan:
    """What was laid down. `options` are those of `LOCKED`, by name; `files` are the cohort's as they were read."""

    date: str
    version: str
    cohort: str
    content: str
    n_images: int
    n_patients: int | None
    files: tuple[Source, ...]
    findings: tuple[str, ...]
    readings: tuple[str, ...]
    primary: Primary
    secondary: tuple[str, ...]
    options: Mapping[str, Any]
    checksum: str = ""
    source: Source | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.date}, checksum {self.checksum[:16]}"

    @property
    def name(self) -> str:
        """How a message names the plan."""
        return located(self.source.path) if self.source else "the plan"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are planned at all."""
        return (self.primary.metric, *self.secondary)
