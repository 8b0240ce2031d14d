"""For whom does it fail? Every subgroup at the model's operating point, and its gap to all other images.

A gap is the subgroup minus the rest: the images outside it whose attribute is known. Patients are drawn together for
both, so that a patient with images on both sides is taken into account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.discrimination import undefined
from overread.analyses.operating_points import note_of
from overread.analyses.quantities import MEAN
from overread.analyses.stratification import Stratification
from overread.analyses.tables import Row, estimate_row
from overread.stats.multiplicity import holm
from overread.stats.operating_points import METRICS as OF_COUNTS
from overread.stats.operating_points import Counts
from overread.stats.paired import Comparison, bootstrap_comparison
from overread.stats.resampling import percentile
from overread.stats.wald import p_of_clusters

METRICS = ("auroc", "average_precision", "sensitivity", "specificity", "ppv", "npv")
COMPARED = ("auroc", "sensitivity", "specificity", "ppv", "npv")
"""The metrics whose gap is shown; average precision is not among them, since its level is set by how many are ill."""

UNDERDIAGNOSIS = "underdiagnosis"
ANY = "any"
FEW = 50
"""A subgroup with fewer ill (or healthy) images than this is said to be small, and is never called the worst."""

NEEDS_ILL = ("auroc", "average_precision", "sensitivity", "ppv", "npv", UNDERDIAGNOSIS)
NEEDS_HEALTHY = ("auroc", "specificity", "ppv", "npv")
FEWEST_FOR_INTERVAL, FEWEST_FOR_TEST = 5, 10
NO_OTHER = "no other image to compare with"
TABLE = {
    "reading": pl.String,
    "finding": pl.String,
    "attribute": pl.String,
    "subgroup": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "value_low": pl.Float64,
    "value_high": pl.Float64,
    "rest": pl.Float64,
    "gap": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "worst": pl.Boolean,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}

Floats = NDArray[np.float64]
Key = tuple[str, str, str]
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, eq=False)
class Subgroups:
    """How each subgroup of an attribute fares: rows of the table of estimates, and the table of gaps to the rest."""

    rows: tuple[Row, ...]
    table: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Sides:
    """A metric inside every subgroup and outside it: as observed (S,), and in every replicate (R, S).

    `finding` is a finding, `mean` or `any`; `notes` and `counts` (images, positives) have an entry for each subgroup,
    and so have `fewest`, the smallest number of patients that the value rests on, and `large`, if it may be judged.
    """

    finding: str
    inside: Floats
    inside_drawn: Floats
    outside: Floats
    outside_drawn: Floats
    notes: tuple[str, ...]
    counts: tuple[tuple[int, int], ...]
    fewest: NDArray[np.int64]
    large: NDArray[np.bool_]

    @property
    def supporting(self) -> NDArray[np.int64]:
        """The patients that a gap rests on, (S,): the fewer of those inside and outside.

        Those outside are at least those of the largest other subgroup that has a value.
        """
        n = np.where(np.isnan(self.inside), 0, self.fewest)
        outside = np.array([np.delete(n, place).max(initial=0) for place in range(len(n))], np.int64)
        return np.minimum(n, outside)


def subgroups(of: Stratification) -> Subgroups:
    """Judge every subgroup of an attribute, for each finding and as the mean over findings.

    `rows` holds the values with their intervals, by patient. `table` holds the gap of each subgroup to the rest:
    `value_low` and `value_high` bound the value, `low` and `high` the gap, all of them percentiles of the bootstrap by
    patient. `p` is two-sided from the bootstrap's standard error and Student's t (see `gap`): a p that counts
    replicates cannot fall below 1 in their number, and so could not survive a correction for as many tests.
    `p_adjusted` is Holm's over subgroups and findings, within one attribute and metric; where an attribute has two
    subgroups, their gaps are one test and count once. `worst` marks the subgroup whose gap is most to its disadvantage
    among those that are not small, and for the mean, that has half of the findings.

    What rests on fewer than 5 patients has no interval, since resampling them cannot show how much they vary, and on
    fewer than 10 no p. The mean is over the findings that rest on 10 or more in the subgroup and outside it.

    Predictive values follow how many of a subgroup are ill, and differ between subgroups where nothing is wrong with
    the model. `underdiagnosis`, with `any` as finding, is the share of ill images on which no finding at all is called
    (Seyyed-Kalantari et al. 2021, Nat Med 27:2176-2182): who would be sent home without a word.
    """
    each = {metric: list(by_finding(of, metric)) for metric in METRICS}
    means = {metric: mean(of, each[metric]) for metric in METRICS}
    rows = tuple(
        row for metric in METRICS for sides in (*each[metric], means[metric]) for row in value_rows(of, metric, sides)
    )
    missed = underdiagnosis(of)
    values = (*rows, *value_rows(of, UNDERDIAGNOSIS, missed))
    bounds = {(row["metric"], row["finding"], row["subgroup"]): (row["low"], row["high"]) for row in values}
    families = [(metric, family) for metric in COMPARED for family in (each[metric], [means[metric]])]
    families.append((UNDERDIAGNOSIS, [missed]))
    gaps = [row for metric, family in families for row in gap_rows(of, metric, family, bounds)]
    return Subgroups(rows, pl.DataFrame(gaps, schema=TABLE))


def value_rows(of: Stratification, metric: str, sides: Sides) -> Iterator[Row]:
    """Yield a metric of every subgroup as rows of the table of estimates."""
    reading, attribute = of.evaluation.reading, of.partition.attribute
    for place, subgroup in enumerate(of.partition.subgroups):
        value, drawn, note = float(sides.inside[place]), sides.inside_drawn[:, place], sides.notes[place]
        estimate = percentile(value, drawn, level=of.evaluation.level, note=note)
        if not isnan(value) and sides.fewest[place] < FEWEST_FOR_INTERVAL:
            estimate = replace(estimate, low=nan, high=nan, note=joined(few(int(sides.fewest[place])), note))
        n = sides.counts[place]
        yield estimate_row(reading, sides.finding, metric, estimate, n, attribute=attribute, subgroup=subgroup)


def gap_rows(of: Stratification, metric: str, family: Sequence[Sides], bounds: Mapping[Key, Bounds]) -> Iterator[Row]:
    """Yield the rows of one metric, with p adjusted over the family: all its findings and subgroups.

    `bounds` has the interval of each value by metric, finding and subgroup.
    """
    tests = [[gap(sides, place, of) for place in range(len(of.partition.subgroups))] for sides in family]
    adjusted = adjusted_p(np.array([[test.p for test in each] for each in tests]).reshape(len(family), -1))
    for sides, each, adjusted_row in zip(family, tests, adjusted, strict=True):
        worst = worst_of(metric, sides)
        for place, (subgroup, test) in enumerate(zip(of.partition.subgroups, each, strict=True)):
            numbers = {"value": test.a, "rest": test.b, "gap": test.difference, "low": test.low, "high": test.high}
            numbers |= {"p": test.p, "p_adjusted": adjusted_row[place]}
            low, high = bounds[metric, sides.finding, subgroup]
            yield {
                "reading": of.evaluation.reading,
                "finding": sides.finding,
                "attribute": of.partition.attribute,
                "subgroup": subgroup,
                "metric": metric,
                "value_low": low,
                "value_high": high,
                "level": test.level,
                "worst": place == worst,
                "note": test.note,
                "n_images": sides.counts[place][0],
                "n_positive": sides.counts[place][1],
            } | {name: None if isnan(number) else float(number) for name, number in numbers.items()}


def gap(sides: Sides, place: int, of: Stratification) -> Comparison:
    """Return the paired bootstrap of one subgroup against the rest, with p from its standard error.

    With 12 to 20 patients a normal p is below 0.05 in 10 of 100 subgroups without a gap; so it is Student's, by the
    patients that the gap rests on.
    """
    test = bootstrap_comparison(
        float(sides.inside[place]),
        float(sides.outside[place]),
        sides.inside_drawn[:, place],
        sides.outside_drawn[:, place],
        level=of.evaluation.level,
        note=sides.notes[place] or (NO_OTHER if isnan(sides.outside[place]) else ""),
    )
    n = int(sides.supporting[place])
    if isnan(test.difference) or n >= FEWEST_FOR_TEST:
        untested = isnan(test.low) or test.standard_error == 0
        return replace(test, p=nan if untested else p_of_clusters(test.z, n))
    test = replace(test, p=nan, note=joined(few(n), sides.notes[place]))
    return replace(test, low=nan, high=nan) if n < FEWEST_FOR_INTERVAL else test


def adjusted_p(p: Floats) -> Floats:
    """Adjust p (findings, subgroups) over all its entries; of two subgroups, the second repeats the test of the first.

    >>> adjusted_p(np.array([[0.01, 0.01], [0.2, 0.2]]))
    array([[0.02, 0.02],
           [0.2 , 0.2 ]])
    """
    if p.shape[1] == 2:
        return np.repeat(holm(p[:, 0])[:, None], 2, axis=1)
    return holm(p.ravel()).reshape(p.shape)


def worst_of(metric: str, sides: Sides) -> int | None:
    """Return the place of the subgroup that fares worst; none where fewer than two can be judged."""
    gaps = sides.inside - sides.outside
    judged = np.flatnonzero(sides.large & ~np.isnan(gaps))
    if len(judged) < 2:
        return None
    sign = -1 if metric == UNDERDIAGNOSIS else 1
    return int(judged[np.argmin(sign * gaps[judged])])


# --- the metrics -----------------------------------------------------------------------------------------------------


def by_finding(of: Stratification, metric: str) -> Iterator[Sides]:
    """Yield a metric of each finding inside and outside every subgroup."""
    inside, inside_drawn = values(of, metric)
    outside, outside_drawn = values(of, metric, rest=True)
    for column, finding in enumerate(of.evaluation.findings):
        ill, healthy = of.n_positive[column], of.n_negative[column]
        counts = tuple((int(m + n), int(m)) for m, n in zip(ill, healthy, strict=True))
        empty = (why_empty(of, metric, column, place, n) for place, n in enumerate(counts))
        fewest = patients_behind(of, metric, column)
        notes = (reason or small(metric, *count) for reason, count in zip(empty, counts, strict=True))
        yield Sides(
            finding,
            inside[column],
            inside_drawn[:, column],
            outside[column],
            outside_drawn[:, column],
            tuple(notes),
            counts,
            fewest,
            np.array([not small(metric, *count) for count in counts]),
        )


def values(of: Stratification, metric: str, *, rest: bool = False) -> tuple[Floats, Floats]:
    """Return a metric as observed (findings, subgroups) and resampled (R, findings, subgroups).

    Inside the subgroups, or in the rest outside each.
    """
    if metric in OF_COUNTS:
        both = OF_COUNTS[metric](of.rest_counts if rest else of.counts)
        return both[0], both[1:]
    if metric == "auroc":
        name = "rest_auroc" if rest else "auroc"
        return getattr(of.observed, name)[0], getattr(of.replicates, name)
    observed, drawn = of.observed.precision[0], of.replicates.precision
    return (np.full(observed.shape, nan), np.full(drawn.shape, nan)) if rest else (observed, drawn)


def patients_behind(of: Stratification, metric: str, column: int) -> NDArray[np.int64]:
    """Return the smallest number of ill, or of healthy patients that a metric rests on in each subgroup, (S,)."""
    ill, healthy = of.n_ill_patients[column], of.n_healthy_patients[column]
    kinds = [kind for kind, needs in ((ill, NEEDS_ILL), (healthy, NEEDS_HEALTHY)) if metric in needs]
    return np.minimum.reduce(kinds)


def mean(of: Stratification, each: Sequence[Sides]) -> Sides:
    """Return the mean of a metric over the findings that rest on enough patients, for every subgroup."""
    places = range(len(of.partition.subgroups))
    enough: NDArray[np.bool_] = np.stack([sides.supporting >= FEWEST_FOR_TEST for sides in each])

    def over(side: str) -> Floats:
        values = np.stack([getattr(sides, side) for sides in each])
        taken = np.expand_dims(enough, tuple(range(1, values.ndim - 1)))
        totals, n = np.where(taken, values, 0).sum(axis=0), enough.sum(axis=0)
        return np.where(n > 0, totals / np.maximum(n, 1), nan)

    positives, members = of.n_positive.sum(axis=0), of.partition.of_row
    return Sides(
        finding=MEAN,
        inside=over("inside"),
        inside_drawn=over("inside_drawn"),
        outside=over("outside"),
        outside_drawn=over("outside_drawn"),
        notes=tuple(coverage(taken, of.evaluation.findings) for taken in enough.T.tolist()),
        counts=tuple((int((members == place).sum()), int(positives[place])) for place in places),
        fewest=usual_patients(each, enough),
        large=2 * enough.sum(axis=0) >= len(each),
    )


def usual_patients(each: Sequence[Sides], enough: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the median, over the findings that a mean takes, of the patients that they rest on, (S,); 0 where none."""
    patients = np.stack([sides.fewest for sides in each])
    taken = (patients[column, place] for place, column in enumerate(enough.T))
    return np.array([int(np.median(of)) if len(of) else 0 for of in taken], np.int64)


def underdiagnosis(of: Stratification) -> Sides:
    """Return the share of ill images on which no finding is called, inside and outside every subgroup."""
    evaluation, n_groups = of.evaluation, len(of.partition.subgroups)
    used = evaluation.thresholds.defined
    missed = np.logical_not(evaluation.called[:, used].any(axis=1))
    ill = (evaluation.labels == 1).any(axis=1) & used.any()
    groups = np.where(ill, of.partition.of_row, -1)
    weights, sums = evaluation.bootstrap.grouped_sums(missed[:, None].astype(float), groups, n_groups)
    n_ill = np.bincount(groups[groups >= 0], minlength=n_groups)
    n_missed = np.bincount(groups[(groups >= 0) & missed], minlength=n_groups)
    counts = tuple((int((of.partition.of_row == place).sum()), int(n_ill[place])) for place in range(n_groups))
    reasons = ("" if n else "no ill image, or no threshold" for n in n_ill)
    return Sides(
        ANY,
        share(n_missed, n_ill),
        share(sums[..., 0], weights),
        share(others(n_missed), others(n_ill)),
        share(others(sums[..., 0]), others(weights)),
        tuple(reason or small(UNDERDIAGNOSIS, *n) for reason, n in zip(reasons, counts, strict=True)),
        counts,
        np.array([len(np.unique(evaluation.patients[groups == place])) for place in range(n_groups)]),
        n_ill >= FEW,
    )


def others(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the sum over all subgroups but each, for (..., S).

    >>> others(np.array([1, 2, 4]))
    array([6, 5, 3])
    """
    return numbers.sum(axis=-1, keepdims=True) - numbers


def share(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """Divide, nan where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(part.shape, nan), where=whole > 0)


# --- notes -----------------------------------------------------------------------------------------------------------


def why_empty(of: Stratification, metric: str, column: int, place: int, n: tuple[int, int]) -> str:
    """Say why a metric has no value in a subgroup; empty where it has one."""
    if metric in OF_COUNTS:
        return note_of(metric, Counts(*(float(cell[0, column, place]) for cell in of.counts.arrays())))
    return undefined(*n) if n[1] in (0, n[0]) else ""


def few(n_patients: int) -> str:
    """Say that a number rests on too few patients for an interval, or for a test.

    >>> few(3), few(7)
    ('no interval: rests on 3 patients', 'no test: rests on 7 patients')
    """
    if n_patients == 0:
        return "no interval: rests on no ill, or on no healthy patient"
    lacking = "no interval" if n_patients < FEWEST_FOR_INTERVAL else "no test"
    return f"{lacking}: rests on {n_patients} patient{'' if n_patients == 1 else 's'}"


def coverage(enough: Sequence[bool], findings: Sequence[str]) -> str:
    """Say which findings a mean leaves out; empty where it leaves out none.

    >>> coverage([True, False], ["Mass", "Hernia"])
    'over 1 of 2 findings; fewer than 10 ill or healthy patients for Hernia'
    """
    out = [finding for finding, taken in zip(findings, enough, strict=True) if not taken]
    if not out:
        return ""
    few_for = f"fewer than {FEWEST_FOR_TEST} ill or healthy patients for {', '.join(out)}"
    return f"over {len(findings) - len(out)} of {len(findings)} findings; {few_for}"


def small(metric: str, n_images: int, n_positive: int) -> str:
    """Say that a subgroup is small, and in what; empty where it is not.

    >>> small("sensitivity", 900, 12)
    'small: fewer than 50 positives (12)'
    """
    if metric in NEEDS_ILL and n_positive < FEW:
        return f"small: fewer than {FEW} positives ({n_positive})"
    if metric in NEEDS_HEALTHY and n_images - n_positive < FEW:
        return f"small: fewer than {FEW} negatives ({n_images - n_positive})"
    return ""


def joined(*parts: str) -> str:
    """Join the notes that there are."""
    return "; ".join(part for part in parts if part)
