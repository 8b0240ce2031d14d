"""Is one recipe better than another? Its runs differ by chance, and so do the patients: both have their part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from math import isfinite, isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.comparison import adjust_over_pairs
from overread.analyses.evaluation import Evaluation
from overread.analyses.quantities import MEAN, by_finding
from overread.records.errors import InputError, listed, plain, quoted
from overread.stats import averages
from overread.stats.multiplicity import holm
from overread.stats.runs import recipe_difference, recipe_mean

Floats = NDArray[np.float64]
Row = dict[str, object]

OPTION = "--group"
EXPECTED = "NAME=READING,READING,..."
METRICS = ("auroc", "average_precision", "sensitivity", "specificity")
NUMBERS = (
    *("value", "low", "high", "level", "sd_runs", "se_patients", "standard_error", "degrees_of_freedom"),
    "sd_new_run",
)
TABLE = (
    {"recipe": pl.String, "runs": pl.String, "n_runs": pl.Int64, "finding": pl.String, "metric": pl.String}
    | dict.fromkeys(NUMBERS, pl.Float64)
    | {"method": pl.String, "note": pl.String, "n_images": pl.Int64, "n_positive": pl.Int64}
)
DIFFERENCES = (
    *("a", "b", "difference", "low", "high", "level", "p", "sd_runs_a", "sd_runs_b"),
    *("se_patients", "standard_error", "degrees_of_freedom"),
)
COMPARISONS = (
    {"recipe_a": pl.String, "recipe_b": pl.String, "finding": pl.String, "metric": pl.String}
    | dict.fromkeys(DIFFERENCES, pl.Float64)
    | {
        "p_adjusted": pl.Float64,
        "method": pl.String,
        "note": pl.String,
        "n_images": pl.Int64,
        "n_positive": pl.Int64,
    }
)


@dataclass(frozen=True, eq=False)
class Recipes:
    """Recipes judged by their runs: `table` has each by itself, `comparisons` every pair of them."""

    table: pl.DataFrame
    comparisons: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Recipe:
    """A way to make a reader, known by runs that differ by chance alone: the seed, the order of the images.

    `columns` are the places of its runs among those of all recipes.
    """

    name: str
    runs: tuple[Evaluation, ...]
    columns: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measured:
    """One metric of every run for one finding, or the mean over findings: values (K,) and their replicates (R, K)."""

    finding: str
    metric: str
    values: Floats
    replicates: Floats
    note: str
    n_images: int
    n_positive: int


def parse_groups(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read what follows `--group`, once for each recipe: its name, and the names of the readings that are its runs.

    Raises `InputError` where a name is empty or a recipe is named twice.

    >>> parse_groups(["standard=a,b", "modified = c, d, e"])
    {'standard': ('a', 'b'), 'modified': ('c', 'd', 'e')}
    """
    groups: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, members = (part.strip() for part in text.partition("="))
        runs = tuple(run.strip() for run in members.split(","))
        if not equals or not name or not all(runs):
            lacking = "the name of the recipe" if equals and not name else "the name of a reading"
            what = f"{quoted(text)} lacks {lacking if equals else 'the sign ='}"
            raise InputError(OPTION, what, EXPECTED, f"Write for example {OPTION} standard=run1,run2,run3.")
        if name in groups:
            do = "Give all its runs at once, joined by commas."
            raise InputError(OPTION, f"the recipe {plain(name)} is named twice", "each recipe once", do)
        groups[name] = runs
    return groups


def check_groups(groups: Mapping[str, Sequence[str]], readings: Sequence[str]) -> None:
    """Refuse recipes without a run, runs that are none of the readings, and a reading that is a run twice.

    Raises `InputError`; worth calling before the readings are evaluated, which takes longer.
    """
    everyone = [run for runs in groups.values() for run in runs]
    unknown = [run for run in everyone if run not in readings]
    if unknown:
        raise InputError(OPTION, f"no reading is named {listed(unknown)}", f"some of {listed(readings, most=20)}")
    twice = [run for run in everyone if everyone.count(run) > 1]
    if twice:
        raise InputError(OPTION, f"the reading {plain(twice[0])} is named twice", "each reading in one recipe, once")
    empty = [name for name, runs in groups.items() if not runs]
    if empty:
        raise InputError(OPTION, f"the recipe {plain(empty[0])} has no reading", "one or more for each recipe")


def grouped(evaluations: Sequence[Evaluation], groups: Mapping[str, Sequence[str]]) -> list[Recipe]:
    """Return recipes with their runs."""
    named = {each.reading: each for each in evaluations}
    check_groups(groups, list(named))
    stops = accumulate(len(runs) for runs in groups.values())
    return [
        Recipe(name, tuple(named[run] for run in runs), np.arange(stop - len(runs), stop))
        for (name, runs), stop in zip(groups.items(), stops, strict=True)
    ]


def recipes(evaluations: Sequence[Evaluation], groups: Mapping[str, Sequence[str]]) -> Recipes:
    """Judge recipes by several runs of each, for other runs and other patients (`stats.runs` has the formulas).

    `groups` names the runs of each recipe. A row of `table` has the mean over the runs; `sd_runs`, how far single
    runs lie apart on these patients; `se_patients`, how far the mean of these runs may be off for other patients;
    `standard_error`, with the interval, what both leave open of the recipe itself; and `sd_new_run`, how far one more
    run on as many new patients may be off. Every two recipes are compared, in the order given; `p_adjusted` is Holm's
    over findings, within two recipes and a metric, and for the mean Holm's over all pairs of recipes. The mean is over
    the findings that have a value in every run.
    """
    of = grouped(evaluations, groups)
    runs = [run for recipe in of for run in recipe.runs]
    if any(run.bootstrap is not runs[0].bootstrap or run.findings != runs[0].findings for run in runs):
        raise ValueError("runs are judged on the same images, findings and bootstrap replicates")
    measures = {metric: list(measured(runs, metric)) for metric in METRICS} if runs else {}
    rows = [recipe_row(recipe, each) for recipe in of for found in measures.values() for each in found]
    compared = [
        row for a, b in combinations(of, 2) for found in measures.values() for row in comparison_rows(a, b, found)
    ]
    adjust_over_pairs(compared)
    return Recipes(pl.DataFrame(rows, schema=TABLE), pl.DataFrame(compared, schema=COMPARISONS))


def measured(runs: Sequence[Evaluation], metric: str) -> Iterator[Measured]:
    """Yield a metric of all runs for each finding, then its mean over the findings that have it in every run."""
    pairs = [by_finding(run, metric) for run in runs]
    values = np.stack([value for value, _ in pairs])
    replicates = np.stack([drawn for _, drawn in pairs], axis=1)
    first = runs[0]
    defined = np.asarray(~np.isnan(values).any(axis=0))
    for column, finding in enumerate(first.findings):
        n = int(first.n_images[column]), int(first.n_positive[column])
        yield Measured(finding, metric, values[:, column], replicates[:, :, column], "", *n)
    means = averages.average(values, over=defined), averages.average(replicates, over=defined)
    n = len(first.scores), int(first.n_positive.sum())
    yield Measured(MEAN, metric, *means, averages.coverage(defined, first.findings), *n)


def covariance(replicates: Floats) -> tuple[Floats, str]:
    """Return the covariance of (replicates, runs) by patient, and a note on replicates that had to be left out.

    It is nan where fewer than half of the replicates have a value for every run, as with a percentile interval.
    """
    kept = replicates[~np.isnan(replicates).any(axis=1)]
    n_replicates, n_runs = replicates.shape
    n_lacking = n_replicates - len(kept)
    left_out = f"undefined in {n_lacking} of {n_replicates} replicates" if n_lacking else ""
    if 2 * len(kept) < n_replicates:
        return np.full((n_runs, n_runs), nan), left_out
    return np.cov(kept, rowvar=False).reshape(n_runs, n_runs), left_out


def recipe_row(recipe: Recipe, of: Measured) -> Row:
    """Return the row of one recipe for one finding and metric."""
    matrix, left_out = covariance(of.replicates[:, recipe.columns])
    mean = recipe_mean(of.values[recipe.columns], matrix, level=recipe.runs[0].level)
    return {
        "recipe": recipe.name,
        "runs": ", ".join(run.reading for run in recipe.runs),
        "n_runs": mean.n_runs,
        "finding": of.finding,
        "metric": of.metric,
        "method": mean.method,
        "note": note(of, mean.value, left_out, mean.note),
        "n_images": of.n_images,
        "n_positive": of.n_positive,
    } | cells(mean, NUMBERS)


def comparison_rows(a: Recipe, b: Recipe, measures: Sequence[Measured]) -> Iterator[Row]:
    """Yield the comparison of two recipes in one metric, for each finding with p adjusted over them, and the mean.

    The p of the mean is adjusted over pairs, later.
    """
    rows, p = [], []
    for of in measures:
        matrix, left_out = covariance(of.replicates[:, np.append(a.columns, b.columns)])
        test = recipe_difference(of.values[a.columns], of.values[b.columns], matrix, level=a.runs[0].level)
        p.append(test.p)
        rows.append(
            {
                "recipe_a": a.name,
                "recipe_b": b.name,
                "finding": of.finding,
                "metric": of.metric,
                "method": test.method,
                "note": note(of, test.difference, left_out, test.note),
                "n_images": of.n_images,
                "n_positive": of.n_positive,
            }
            | cells(test, DIFFERENCES)
        )
    adjusted = [*holm(p[:-1]), nan]  # the last is the mean over findings
    for row, number in zip(rows, adjusted, strict=True):
        yield row | {"p_adjusted": None if isnan(number) else float(number)}


def cells(result: object, names: Sequence[str]) -> Row:
    """Return numbers of a result as cells; what could not be computed, or has no bound, is empty."""
    numbers = {name: float(getattr(result, name)) for name in names}
    return {name: number if isfinite(number) else None for name, number in numbers.items()}


def note(of: Measured, value: float, *notes: str) -> str:
    """Say why there is no value, or what is to be said of it."""
    if isnan(value):
        return "not defined in every run"
    return "; ".join(each for each in (of.note, *notes) if each)
