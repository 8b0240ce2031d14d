"""What a person may choose about a second reading, checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from overread.analyses.plan import Plan
from overread.records.adjudicated import Adjudicated
from overread.records.clinic import Clinic
from overread.records.study_form import StudyForm
from overread.records.tables import Source
from overread.stats.operating_points import Rule, parse_rule


@dataclass(frozen=True)
class Options:
    """The choices of one second reading; the defaults are those of the command line.

    `operating_point` is a rule in words (`youden`, `sensitivity=0.90`, `specificity=0.90`, `fixed=0.5`) or a
    threshold for each finding by name. `prevalence` gives, by finding, the share of ill people in the clinic that
    the reader is meant for, and `clinic` what else is known of it: its mix of attributes, or unlabelled scores.
    `rechoose` draws the uncertainty of the threshold into the intervals: each bootstrap replicate chooses it anew,
    where the default holds it, as a device in use does. With several readings,
    `baseline` names the one that all others are compared with, instead of every pair, and `margins` gives, by
    metric, the difference that would not matter, for tests of equivalence and non-inferiority.
    `groups` names, by recipe, the readings that are runs of it. `by` names the attributes, or crossings such as
    `gender x view`, whose subgroups are looked at. `thorough` adds what takes a few seconds more: subgroups by gender,
    view and age where `by` names none, calibration, and shortcuts. `adjudicated` is a better truth for some
    images, and `label_noise` states by finding how sensitive and specific the cohort's labels are, where none is to be
    had. `calls` names the readings that are calls (0 or 1), such as a radiologist's, to be set beside the models; None
    finds them by themselves, and an empty tuple takes none for calls. `plan` is what was laid down before any score was
    read, and `deviation` the reason for every departure from it.
    `guidelines` names the reporting guidelines that are filled in, and `form` is what only a person can say of a study.
    """

    split: str = "test"
    operating_point: str | Mapping[str, float] = "youden"
    prevalence: Mapping[str, float] = field(default_factory=dict)
    baseline: str | None = None
    margins: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    thorough: bool = False
    clinic: Clinic = field(default_factory=Clinic)
    adjudicated: Adjudicated | None = None
    label_noise: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    calls: tuple[str, ...] | None = None
    plan: Plan | None = None
    deviation: str = ""
    guidelines: tuple[str, ...] = ()
    form: StudyForm | None = None
    replicates: int = 2000
    seed: int = 0
    level: float = 0.95
    rechoose: bool = False
    floor: bool = True
    threads: int | None = None

    def __post_init__(self) -> None:
        if not 0.5 <= self.level < 1:
            raise ValueError(f"level must lie in [0.5, 1), got {self.level}")
        if self.replicates < 100:
            raise ValueError(f"replicates must be 100 or more for percentile intervals, got {self.replicates}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, got {self.seed}")
        for finding, prevalence in self.prevalence.items():
            if not 0 < prevalence < 1:
                raise ValueError(f"prevalence of {finding} must lie between 0 and 1, got {prevalence}")
        for metric, margin in self.margins.items():
            if not 0 < margin < 1:
                raise ValueError(f"the margin of {metric} must lie between 0 and 1, got {margin}")
        for finding, rates in self.label_noise.items():
            if not all(0 <= rate <= 1 for rate in rates) or sum(rates) <= 1:
                what = "sensitivity and specificity of its labels must lie in [0, 1] and add up to more than 1"
                raise ValueError(f"{finding}: {what}, got {rates}")
        if isinstance(self.operating_point, str):
            parse_rule(self.operating_point)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that were read for these choices."""
        single = [each.source for each in (self.plan, self.form) if each is not None and each.source is not None]
        return (*self.clinic.sources, *(self.adjudicated.sources if self.adjudicated is not None else ()), *single)

    @property
    def rule(self) -> Rule | None:
        """The rule that chooses thresholds; None where they are given for each finding."""
        return parse_rule(self.operating_point) if isinstance(self.operating_point, str) else None
