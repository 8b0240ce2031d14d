"""What do the rates mean for people? Counts per 1,000, with the denominator always named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from overread.analyses.evaluation import Evaluation
from overread.analyses.quantities import MEAN
from overread.records.findings import key
from overread.stats import averages
from overread.stats.operating_points import METRICS

PEOPLE = 1000
COHORT, GIVEN = "this cohort", "given"
TABLE = {
    "reading": pl.String,
    "finding": pl.String,
    "prevalence": pl.Float64,
    "prevalence_source": pl.String,
    "per": pl.String,
    "found": pl.Float64,
    "missed": pl.Float64,
    "referred_healthy": pl.Float64,
    "spared": pl.Float64,
    "false_positives_per_true_positive": pl.Float64,
}


def consequences(evaluation: Evaluation, prevalence: Mapping[str, float]) -> pl.DataFrame:
    """Turn sensitivity and specificity into people: of 1,000 in all, 1,000 ill and 1,000 healthy.

    The paper (Model comparison) sets 23 of 1,000 healthy people beside 25 of 1,000 ill ones; the two have different
    denominators, and only `per` = all, at a stated prevalence, lets them be weighed against each other. The
    prevalence is that of the reported images and, where one is given, that of the clinic. `finding` = mean takes
    the mean sensitivity and specificity at the pooled prevalence.
    """
    rows = [row for rates in finding_rates(evaluation) for row in people(evaluation.reading, *rates, prevalence)]
    return pl.DataFrame(rows, schema=TABLE, orient="row")


def finding_rates(evaluation: Evaluation) -> Iterator[tuple[str, float, float, float]]:
    """Yield finding, sensitivity, specificity and prevalence, by finding and for the mean."""
    counts = evaluation.counts
    sensitivity, specificity = METRICS["sensitivity"](counts), METRICS["specificity"](counts)
    n_images, n_positive = evaluation.n_images, evaluation.n_positive
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = n_positive / n_images
    yield from zip(evaluation.findings, sensitivity.tolist(), specificity.tolist(), shares.tolist(), strict=True)
    pooled = float(n_positive.sum() / n_images.sum()) if n_images.sum() else float("nan")
    mean_sensitivity, _ = averages.mean_over_findings(sensitivity, findings=evaluation.findings)
    mean_specificity, _ = averages.mean_over_findings(specificity, findings=evaluation.findings)
    yield MEAN, mean_sensitivity, mean_specificity, pooled


def people(
    reading: str,
    finding: str,
    sensitivity: float,
    specificity: float,
    observed: float,
    prevalence: Mapping[str, float],
) -> Iterator[tuple[object, ...]]:
    """Yield the rows of one finding: for each prevalence, per 1,000 of all, of ill and of healthy people."""
    given = {key(name): share for name, share in prevalence.items()}.get(key(finding))
    for share, source in ((observed, COHORT), *(((given, GIVEN),) if given is not None else ())):
        ill, healthy = share * PEOPLE, (1 - share) * PEOPLE
        found, referred = ill * sensitivity, healthy * (1 - specificity)
        per_found = referred / found if found > 0 else float("nan")
        start = (reading, finding, share, source)
        yield cells(*start, "all", found, ill - found, referred, healthy - referred, per_found)
        yield cells(*start, "ill", PEOPLE * sensitivity, PEOPLE * (1 - sensitivity), None, None, None)
        yield cells(*start, "healthy", None, None, PEOPLE * (1 - specificity), PEOPLE * specificity, None)


def cells(*values: object) -> tuple[object, ...]:
    """Return a row in which what is not defined is empty."""
    return tuple(None if isinstance(value, float) and np.isnan(value) else value for value in values)
