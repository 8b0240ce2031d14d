"""What others would pay: published numbers of false alarms that people accept for one more true finding."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from overread.stats.exchange import net_benefit_threshold


@dataclass(frozen=True)
class PublishedRate:
    """False positives accepted for one more of something, who asked whom, and the prevalence at which they asked.

    A rate belongs to its disease and to its prevalence: it is never shown without either. `prevalence` is None where
    the people asked were told none; such a rate has no place on the axis of an exchange rate, and `comparable` says
    so. `at_least` where the source gives a bound.
    """

    source: str
    citation: str
    disease: str
    per: str
    rate: float
    prevalence: float | None
    spread: str
    asked: str
    at_least: bool = False

    @property
    def comparable(self) -> bool:
        """Whether it is a rate of healthy people referred for one more ill person found, at a known prevalence."""
        return self.prevalence is not None

    @property
    def threshold_probability(self) -> float:
        """The threshold probability that a comparable rate stands for, 1 / (1 + rate); nan for another.

        >>> round(PUBLISHED[1].threshold_probability, 4)
        0.1429
        """
        return float(net_benefit_threshold(self.rate)) if self.comparable else nan


BOONE = (
    "Boone et al. (2013), Patients' and healthcare professionals' values regarding true- and false-positive diagnosis "
    "when colorectal cancer screening by CT colonography: discrete choice experiment, PLoS ONE 8(12):e80767"
)
SCHWARTZ = (
    "Schwartz et al. (2000), US women's attitudes to false positive mammography results and detection of ductal "
    "carcinoma in situ: cross sectional survey, BMJ 320:1635-1640"
)
PUBLISHED = (
    PublishedRate(
        source="Boone 2013",
        citation=BOONE,
        disease="colorectal cancer",
        per="further cancer found",
        rate=2250.0,
        prevalence=0.002,
        spread="quartiles 1,250 and more than 4,250",
        asked="75 patients and 50 professionals, CT colonography, median",
    ),
    PublishedRate(
        source="Boone 2013",
        citation=BOONE,
        disease="colorectal polyp",
        per="further polyp found",
        rate=6.0,
        prevalence=0.25,
        spread="quartiles 3 and 22",
        asked="75 patients and 50 professionals, CT colonography, median",
    ),
    PublishedRate(
        source="Schwartz 2000",
        citation=SCHWARTZ,
        disease="breast cancer",
        per="life saved",
        rate=500.0,
        prevalence=None,
        spread="10,000 or more: reasonable to 37 of 100",
        asked="479 women in the United States, mammography; reasonable to 63 of 100",
        at_least=True,
    ),
)
"""In the order in which they are shown. Boone's from the abstract's Results; Schwartz's too."""
