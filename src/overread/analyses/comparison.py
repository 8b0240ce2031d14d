"""Do two readings differ, by how much, and how small a difference could have been seen? Patients are the unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, isnan, nan
from typing import Any

import numpy as np
import polars as pl

from overread.analyses.evaluation import Evaluation
from overread.analyses.quantities import COUNT_METRICS, OVER_FINDINGS, RANK_METRICS, by_finding, over_findings
from overread.records.cohort import MISSING
from overread.records.errors import InputError
from overread.stats import averages
from overread.stats.multiplicity import holm
from overread.stats.paired import (
    Comparison,
    auroc_difference_delong,
    auroc_difference_obuchowski,
    bootstrap_comparison,
    equivalence,
    mcnemar,
    mcnemar_clustered,
    smallest_detectable_difference,
)

METRICS = (*RANK_METRICS, *COUNT_METRICS)
RATES = {"sensitivity": 1, "specificity": 0}  # the label of the images that each is a share of
POWER = 0.8
TABLE = {
    "reading_a": pl.String,
    "reading_b": pl.String,
    "finding": pl.String,
    "metric": pl.String,
    "a": pl.Float64,
    "b": pl.Float64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "smallest_detectable": pl.Float64,
    "method": pl.String,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}
EQUIVALENCE = {
    "reading_a": pl.String,
    "reading_b": pl.String,
    "finding": pl.String,
    "metric": pl.String,
    "margin": pl.Float64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "p_not_worse": pl.Float64,
    "p_equivalent": pl.Float64,
    "conclusion": pl.String,
}

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two readings of the same images, judged with the same draws of patients."""

    a: Evaluation
    b: Evaluation

    def __post_init__(self) -> None:
        if self.a.bootstrap is not self.b.bootstrap or self.a.findings != self.b.findings:
            raise ValueError("readings are compared on the same images, findings and bootstrap replicates")


def pairs(evaluations: Sequence[Evaluation], baseline: str | None) -> list[Pair]:
    """Return every pair in the order given, or every reading against the baseline, which is then `reading_b`."""
    if baseline is None:
        return [Pair(a, b) for a, b in combinations(evaluations, 2)]
    against = [each for each in evaluations if each.reading == baseline]
    if not against:
        raise InputError(
            "--baseline",
            f"no reading is named {baseline}",
            f"one of {', '.join(each.reading for each in evaluations)}",
        )
    return [Pair(each, against[0]) for each in evaluations if each is not against[0]]


def comparisons(of: Sequence[Pair]) -> pl.DataFrame:
    """Return every paired test: a - b of each metric, for each finding and over findings, patients as the unit.

    `bootstrap` serves every metric; `obuchowski` and `delong` the AUROC; `mcnemar` and `mcnemar_clustered`
    sensitivity and specificity at the operating points. Odds and likelihood ratios are compared as the ratio a / b.
    `p_adjusted` is Holm's over the findings, within one pair, metric and method; on the rows over findings it is Holm's
    over the pairs, within a metric, and with one pair the p itself. `smallest_detectable` is the smallest true
    difference that this pair on these patients would have shown 4 times in 5.
    """
    rows = [row for pair in of for metric in METRICS for row in metric_rows(pair, metric)]
    adjust_over_pairs(rows)
    return pl.DataFrame(rows, schema=TABLE)


def too_few_replicates(n_pairs: int, replicates: int, level: float) -> tuple[str, ...]:
    """Warn where the smallest p that so many replicates can give is no longer below 1 - level once Holm adjusted it.

    >>> too_few_replicates(3, 2000, 0.95)
    ()
    >>> too_few_replicates(55, 2000, 0.95)[0][-32:]
    'give --replicates 2,200 or more.'
    """
    least = n_pairs * 2 / (1 + replicates)
    if least < 1 - level:
        return ()
    enough = 100 * ceil(n_pairs * 2 / (1 - level) / 100 - 1e-9)
    over = f", adjusted for {n_pairs} pairs of readings," if n_pairs > 1 else ""
    return (
        f"With {replicates:,} replicates the p-value of a mean over findings{over} cannot fall below {least:.2g}, so "
        f"that none is beyond chance at a level of {level:g}, however large the difference: "
        f"give --replicates {enough:,} or more.",
    )


def adjust_over_pairs(rows: Sequence[Row]) -> None:
    """Put Holm's p over pairs into the rows over findings: with several readings, some pair differs by chance."""
    families: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["finding"] in OVER_FINDINGS:
            families.setdefault((row["metric"], row["finding"]), []).append(row)
    for family in families.values():
        for row, p in zip(family, holm([nan if row["p"] is None else row["p"] for row in family]), strict=True):
            row["p_adjusted"] = None if isnan(p) else float(p)


def metric_rows(pair: Pair, metric: str) -> Iterator[Row]:
    """Yield the rows of one metric: by finding, with p adjusted within each method, then over findings."""
    drawn = enumerate(resampled(pair, metric))
    tests = [[bootstrap, *closed_tests(pair, metric, column)] for column, bootstrap in drawn]
    for place in range(max((len(each) for each in tests), default=0)):
        adjusted = holm([each[place].p for each in tests])
        for column, each in enumerate(tests):
            n = int(pair.a.n_images[column]), int(pair.a.n_positive[column])
            yield row_of(pair, pair.a.findings[column], metric, each[place], n, float(adjusted[column]))
    ratio = metric in averages.RATIOS
    for a, b in zip(over_findings(pair.a, metric), over_findings(pair.b, metric), strict=True):
        note = a.note if a.note == b.note else "; ".join((a.note, b.note))
        test = bootstrap_comparison(
            a.value, b.value, a.replicates, b.replicates, ratio=ratio, level=pair.a.level, note=note
        )
        n = len(pair.a.scores), int(pair.a.n_positive.sum())
        yield row_of(pair, a.finding, metric, test, n, nan)


def resampled(pair: Pair, metric: str) -> Iterator[Comparison]:
    """Yield the paired bootstrap of one metric for each finding."""
    (a, replicates_a), (b, replicates_b) = by_finding(pair.a, metric), by_finding(pair.b, metric)
    ratio = metric in averages.RATIOS
    for column in range(len(pair.a.findings)):
        drawn = replicates_a[:, column], replicates_b[:, column]
        yield bootstrap_comparison(float(a[column]), float(b[column]), *drawn, ratio=ratio, level=pair.a.level)


def closed_tests(pair: Pair, metric: str, column: int) -> Iterator[Comparison]:
    """Yield the paired tests in closed form that the field has for a metric."""
    if metric == "auroc":
        yield from area_tests(pair, column)
    elif metric in RATES:
        yield from rate_tests(pair, metric, column)


def area_tests(pair: Pair, column: int) -> Iterator[Comparison]:
    """Yield Obuchowski's test, with patients as clusters, and DeLong's, which takes images for independent."""
    rows = pair.a.labels[:, column] != MISSING
    labels, patients = pair.a.labels[rows, column], pair.a.patients[rows]
    scores = pair.a.scores[rows, column], pair.b.scores[rows, column]
    yield auroc_difference_obuchowski(labels, *scores, patients, level=pair.a.level)
    yield auroc_difference_delong(labels, *scores, level=pair.a.level)


def rate_tests(pair: Pair, metric: str, column: int) -> Iterator[Comparison]:
    """Yield McNemar's test on the ill (sensitivity) or the healthy (specificity), clustered by patient and plain."""
    if not (pair.a.thresholds.defined[column] and pair.b.thresholds.defined[column]):
        for method in ("mcnemar_clustered", "mcnemar"):
            yield Comparison.undefined("no threshold in one reading or both", level=pair.a.level, method=method)
        return
    rows = pair.a.labels[:, column] == RATES[metric]
    a, b = (each.called[rows, column] == (RATES[metric] == 1) for each in (pair.a, pair.b))
    yield mcnemar_clustered(a, b, pair.a.patients[rows], level=pair.a.level)
    yield mcnemar(a, b, level=pair.a.level)


def row_of(pair: Pair, finding: str, metric: str, test: Comparison, n: tuple[int, int], adjusted: float) -> Row:
    """Return one row of the table."""
    ratio = metric in averages.RATIOS
    error = test.standard_error
    smallest = nan if ratio or isnan(error) else smallest_detectable_difference(error, power=POWER, level=test.level)
    numbers = {name: getattr(test, name) for name in ("a", "b", "difference", "low", "high", "p")}
    numbers |= {"p_adjusted": adjusted, "smallest_detectable": smallest}
    return {
        "reading_a": pair.a.reading,
        "reading_b": pair.b.reading,
        "finding": finding,
        "metric": metric,
        "level": test.level,
        "method": test.method,
        "note": test.note,
        "n_images": n[0],
        "n_positive": n[1],
    } | {name: None if isnan(number) else float(number) for name, number in numbers.items()}


def equivalences(of: Sequence[Pair], margins: Mapping[str, float]) -> pl.DataFrame:
    """Return, for each metric with a stated margin, whether a is shown to be not worse than b, or equivalent to it.

    Two one-sided tests (Schuirmann 1987) from the paired bootstrap's standard error; `low` and `high` are bounds at the
    level that belongs to them (90 % for a level of 95 %).
    """
    unknown = [metric for metric in margins if metric not in METRICS or metric in averages.RATIOS]
    if unknown:
        allowed = ", ".join(metric for metric in METRICS if metric not in averages.RATIOS)
        raise InputError("--margin", f"there is no margin for {unknown[0]}", f"one of {allowed}")
    rows = [row for pair in of for metric, margin in margins.items() for row in equivalence_rows(pair, metric, margin)]
    return pl.DataFrame(rows, schema=EQUIVALENCE)


def equivalence_rows(pair: Pair, metric: str, margin: float) -> Iterator[Row]:
    """Yield the verdict for each finding and over findings."""
    for row, test in bootstrapped(pair, metric):
        if isnan(test.difference) or isnan(test.standard_error):
            yield row | {"metric": metric, "margin": margin, "conclusion": "not computed"}
            continue
        result = equivalence(test.difference, test.standard_error, margin=margin, level=test.level)
        if result.equivalent:
            conclusion = "equivalent: shown to differ by less than the margin"
        elif result.not_worse:
            conclusion = "not worse: a is shown to be worse by less than the margin, if at all"
        else:
            conclusion = "not shown"
        yield row | {
            "metric": metric,
            "margin": margin,
            "difference": result.difference,
            "low": result.low,
            "high": result.high,
            "level": 1 - 2 * result.alpha,
            "p_not_worse": result.p_not_worse,
            "p_equivalent": result.p_equivalent,
            "conclusion": conclusion,
        }


def bootstrapped(pair: Pair, metric: str) -> Iterator[tuple[Row, Comparison]]:
    """Yield the paired bootstrap of a metric for each finding and over findings, with the names of its row."""
    names = {"reading_a": pair.a.reading, "reading_b": pair.b.reading}
    for finding, test in zip(pair.a.findings, resampled(pair, metric), strict=True):
        yield names | {"finding": finding}, test
    for a, b in zip(over_findings(pair.a, metric), over_findings(pair.b, metric), strict=True):
        test = bootstrap_comparison(a.value, b.value, a.replicates, b.replicates, level=pair.a.level)
        yield names | {"finding": a.finding}, test


def self_comparison(pair: Pair) -> bool:
    """Return whether both readings hold the same scores."""
    return bool(np.array_equal(pair.a.scores, pair.b.scores))
