"""What does one more true finding cost? Extra healthy people referred for each extra ill person found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

import numpy as np
import polars as pl

from overread.analyses.comparison import Pair
from overread.analyses.consequences import COHORT, GIVEN, PEOPLE
from overread.analyses.quantities import MEAN, over_findings
from overread.records.cohort import MISSING
from overread.records.findings import key
from overread.stats.exchange import (
    RateDifferences,
    exchange_rate,
    extra_people,
    net_benefit_threshold,
    rate_differences,
)

PREVALENCES = np.round(np.geomspace(0.001, 0.5, 25), 5)
TABLE = {
    "reading_a": pl.String,
    "reading_b": pl.String,
    "finding": pl.String,
    "prevalence": pl.Float64,
    "prevalence_source": pl.String,
    "extra_found_per_1000_ill": pl.Float64,
    "extra_spared_per_1000_healthy": pl.Float64,
    "extra_found_per_1000_all": pl.Float64,
    "extra_spared_per_1000_all": pl.Float64,
    "rate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "threshold_probability": pl.Float64,
    "note": pl.String,
}
CURVE = "curve"


def exchange(of: Sequence[Pair], prevalence: Mapping[str, float]) -> pl.DataFrame:
    """Return, for each pair and finding, what a does more than b to 1,000 people, and the exchange rate.

    The rate is the number of extra healthy people referred for each extra ill person found, with Fieller's interval
    by patient; its `threshold_probability` 1 / (1 + rate) is where a decision curve weighs the two alike. It is
    given at the prevalence of the reported images, at the clinic's where one is stated, and over a range of them
    (`curve`). `finding` = mean takes the mean rates over findings, at the pooled prevalence.
    """
    rows = [
        row
        for pair in of
        for finding, differences, observed in finding_differences(pair)
        for row in prevalence_rows(pair, finding, differences, observed, prevalence)
    ]
    return pl.DataFrame(rows, schema=TABLE)


def finding_differences(pair: Pair) -> Iterator[tuple[str, RateDifferences, float]]:
    """Yield the differences in sensitivity and specificity and the prevalence, by finding and for the mean."""
    defined = pair.a.thresholds.defined & pair.b.thresholds.defined
    for column, finding in enumerate(pair.a.findings):
        labels = pair.a.labels[:, column]
        rows = labels != MISSING
        if not defined[column] or not 0 < (labels[rows] == 1).sum() < rows.sum():
            continue
        called = pair.a.called[rows, column], pair.b.called[rows, column]
        yield finding, rate_differences(labels[rows], *called, pair.a.patients[rows]), float((labels[rows] == 1).mean())
    positive, answers = int(pair.a.n_positive.sum()), int(pair.a.n_images.sum())
    if 0 < positive < answers:
        yield MEAN, mean_differences(pair), positive / answers


def mean_differences(pair: Pair) -> RateDifferences:
    """Return the differences of the mean rates over findings, with variances from the paired replicates."""
    apart, drawn = [], []
    for metric in ("sensitivity", "specificity"):
        a, b = next(over_findings(pair.a, metric)), next(over_findings(pair.b, metric))
        apart.append(a.value - b.value)
        drawn.append(a.replicates - b.replicates)
    both = np.stack(drawn)
    both = both[:, ~np.isnan(both).any(axis=0)]
    matrix = np.cov(both) if both.shape[1] > 1 else np.full((2, 2), np.nan)
    return RateDifferences(apart[0], apart[1], float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 1]))


def prevalence_rows(
    pair: Pair, finding: str, differences: RateDifferences, observed: float, prevalence: Mapping[str, float]
) -> Iterator[dict[str, object]]:
    """Yield the rows of one finding, a prevalence each."""
    given = {key(name): share for name, share in prevalence.items()}.get(key(finding))
    at = [(observed, COHORT), *([(given, GIVEN)] if given is not None else [])]
    for share, source in [*at, *((float(share), CURVE) for share in PREVALENCES)]:
        extra = extra_people(differences, prevalence=share, people=PEOPLE)
        rate = exchange_rate(differences, prevalence=share, level=pair.a.level)
        threshold = float(net_benefit_threshold(rate.value)) if rate.value > 0 else float("nan")
        numbers = {
            "prevalence": share,
            "extra_found_per_1000_ill": PEOPLE * differences.sensitivity,
            "extra_spared_per_1000_healthy": PEOPLE * differences.specificity,
            "extra_found_per_1000_all": extra.found,
            "extra_spared_per_1000_all": extra.spared,
            "rate": rate.value,
            "low": rate.low,
            "high": rate.high,
            "level": rate.level,
            "threshold_probability": threshold,
        }
        yield {
            "reading_a": pair.a.reading,
            "reading_b": pair.b.reading,
            "finding": finding,
            "prevalence_source": source,
            "note": rate.note,
        } | {name: None if isnan(number) else float(number) for name, number in numbers.items()}
