"""Readers who only call, such as radiologists, beside models: their points, the models at their rates, agreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import isnan
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.discrimination import EMPTY_CURVES, curves
from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.operating_points import operating_point_rows
from overread.analyses.options import Options
from overread.analyses.quantities import MEAN
from overread.analyses.tables import ESTIMATES, Row, estimates_table
from overread.records.cohort import MISSING, Cohort
from overread.records.errors import InputError, listed, plain, quoted
from overread.records.imrmc import imrmc_text, reader_and_modality, word
from overread.records.reading import Reading
from overread.records.study import Study
from overread.records.study import study as matched
from overread.stats.agreement import kappa
from overread.stats.equal_rates import HELD, EqualRates, equal_rates
from overread.stats.estimate import Estimate
from overread.stats.multiplicity import holm
from overread.stats.operating_points import Counts, folds
from overread.stats.paired import bootstrap_comparison
from overread.stats.rater_agreement import SEVERAL
from overread.stats.resampling import PatientBootstrap, percentile

CALLED_AT = "fixed=0.5"
FREE = {"sensitivity": "specificity", "specificity": "sensitivity"}
"""The rate that is compared, by the one that is held equal."""

EVERYONE = "all"
RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
COMPARISONS = {
    "model": pl.String,
    "reader": pl.String,
    "finding": pl.String,
    "held": pl.String,
    "model_held": pl.Float64,
    "reader_held": pl.Float64,
    "metric": pl.String,
    "a": pl.Float64,
    "b": pl.Float64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "note": pl.String,
    "n_images": pl.Int64,
    "n_positive": pl.Int64,
}
AGREEMENT = {
    "readers": pl.String,
    "finding": pl.String,
    "statistic": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "n_readers": pl.Int64,
    "n_images": pl.Int64,
    "note": pl.String,
}
CASES = {"case": pl.Int64, "image": pl.String, "patient": pl.String}
NO_TABLES = {
    "call_rates": pl.DataFrame(schema=ESTIMATES),
    "call_comparisons": pl.DataFrame(schema=COMPARISONS),
    "call_agreement": pl.DataFrame(schema=AGREEMENT),
    "call_curves": EMPTY_CURVES,
    "imrmc_cases": pl.DataFrame(schema=CASES),
}


@dataclass(frozen=True, eq=False)
class BesideCalls:
    """Who only calls, the tables about them (empty where there is nobody), files in iMRMC's format, and warnings."""

    readers: tuple[str, ...] = ()
    tables: dict[str, pl.DataFrame] = field(default_factory=lambda: dict(NO_TABLES))
    imrmc: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """The paragraph on calls for the methods section; none where nobody only calls."""
        return (METHOD,) if self.readers else ()


METHOD = (
    "Readers who only call were set beside the models on the images that all had read. Each model was compared with "
    "each reader at the reader's sensitivity, and at the reader's specificity: the threshold of either half of the "
    "patients was chosen on the other half so that the model had the reader's rate there, and chosen anew in every "
    "bootstrap replicate of patients. Agreement between readers is Cohen's kappa (1960) of every two, and Fleiss' "
    "kappa (1971), Gwet's AC1 (2008) and Krippendorff's alpha (2011) of all, with intervals from the bootstrap by "
    "patient."
)


def parted(readings: Sequence[Reading], calls: Sequence[str] | None) -> tuple[list[Reading], list[Reading]]:
    """Return the readings of scores and the readings of calls.

    `calls` names the latter; without it a reading of nothing but 0 and 1 is one, where another one has scores. Raises
    `InputError` when a name is unknown, or a reading that is named has other scores, or nothing else is left.
    """
    if calls is None:
        found = [reading for reading in readings if reading.only_calls]
        if len(found) == len(readings):
            return list(readings), []
        return [reading for reading in readings if not reading.only_calls], found
    by_name = {reading.name: reading for reading in readings}
    for name in calls:
        if name not in by_name:
            raise InputError("--calls", f"no reading is named {quoted(name)}", f"one of {listed([*by_name], most=8)}")
        if not by_name[name].only_calls:
            what = f"the reading {plain(name)} has scores other than 0 and 1"
            raise InputError("--calls", what, "0 for no and 1 for yes", "Leave it out of --calls.")
    left = [reading for reading in readings if reading.name not in calls]
    if not left:
        do = "Give a model's scores too, or leave --calls out."
        raise InputError("--calls", "every reading is named", "a reading of scores to set the calls beside", do)
    return left, [by_name[name] for name in dict.fromkeys(calls)]


def beside_calls(
    cohort: Cohort, scored: Sequence[Reading], callers: Sequence[Reading], options: Options
) -> BesideCalls:
    """Set readers who only call beside models, on the images that all of them have read.

    A call counts at the threshold 0.5. A model is compared where its sensitivity, or its specificity, is that of the
    reader, by a threshold that is cross-fitted by patient and chosen anew in each replicate.
    """
    if not callers:
        return BesideCalls()
    of = matched(cohort, [*scored, *callers], split=options.split)
    bootstrap = PatientBootstrap(of.patients, replicates=options.replicates, seed=options.seed, threads=options.threads)
    at_half = replace(options, operating_point=CALLED_AT, rechoose=False, plan=None)
    readers = [evaluate(of, reading.name, at_half, bootstrap) for reading in callers]
    models = [evaluate(of, reading.name, at_half, bootstrap) for reading in scored]
    names = tuple(reading.name for reading in callers)
    rows = (row for reader in readers for row in operating_point_rows(reader) if row["metric"] in RATES)
    tables = {
        "call_rates": estimates_table(rows),
        "call_comparisons": comparisons(of, models, readers, options),
        "call_agreement": agreement(readers, options.level),
        "call_curves": pl.concat([EMPTY_CURVES, *(curves(model) for model in models)]),
        "imrmc_cases": cases(of),
    }
    return BesideCalls(names, tables, exports(of, names), tuple(said(of, scored, callers, options)))


def said(of: Study, scored: Sequence[Reading], callers: Sequence[Reading], options: Options) -> Iterator[str]:
    """Yield what was taken for calls, and on how many images they are judged."""
    if options.calls is None:
        who = listed([reading.name for reading in callers], most=6)
        yield (
            f"Only 0 and 1 stand in {who}: taken for calls, and set beside the readings of scores in a section of "
            "their own. To judge them as scores, give --calls none."
        )
    fewer = min(len(reading.images) for reading in scored)
    if of.n_images < fewer:
        yield f"Calls are compared on the {of.n_images:,} reported images that all readers and models have read."


# --- at equal sensitivity, or specificity ----------------------------------------------------------------------------


def comparisons(
    of: Study, models: Sequence[Evaluation], readers: Sequence[Evaluation], options: Options
) -> pl.DataFrame:
    """Return for each model and reader the other rate, where one rate is equal; p adjusted over findings by Holm."""
    fold = folds(of.patients, seed=options.seed)
    rows: list[Row] = []
    for model in models:
        for reader in readers:
            for held in HELD:
                own = list(compared(model, reader, fold, held))
                ps = [np.nan if row["p"] is None else row["p"] for row in own]
                adjusted = [*holm(ps[:-1]), ps[-1]]
                rows += [row | {"p_adjusted": number(float(p))} for row, p in zip(own, adjusted, strict=True)]
    return pl.DataFrame(rows, schema=COMPARISONS)


def compared(model: Evaluation, reader: Evaluation, fold: NDArray[np.int8], held: str) -> Iterator[Row]:
    """Yield the row of each finding, then that of the mean over findings."""
    found: list[EqualRates] = []
    for column, finding in enumerate(model.findings):
        rows = np.flatnonzero(model.labels[:, column] != MISSING)
        each = equal_rates(
            model.bootstrap,
            rows,
            model.labels[rows, column],
            model.scores[rows, column],
            reader.called[rows, column],
            fold[rows],
            held=held,
        )
        found.append(each)
        n = int(model.n_images[column]), int(model.n_positive[column])
        yield comparison_row(model, reader, finding, held, each, n)
    n = len(model.scores), int(model.n_positive.sum())
    yield comparison_row(model, reader, MEAN, held, mean_of(found), n)


def mean_of(found: Sequence[EqualRates]) -> EqualRates:
    """Return the mean over the findings in which all rates are defined."""
    known = [each for each in found if not any(isnan(v) for v in (*each.model.values(), *each.reader.values()))]
    if not known:
        return found[0]

    def mean(who: str) -> dict[str, Any]:
        return {rate: np.mean([getattr(each, who)[rate] for each in known], axis=0) for rate in HELD}

    return EqualRates(mean("model"), mean("reader"), mean("model_replicates"), mean("reader_replicates"))


def comparison_row(
    model: Evaluation, reader: Evaluation, finding: str, held: str, rates: EqualRates, n: tuple[int, int]
) -> Row:
    """Return the row of one finding: a is the model, b the reader."""
    metric = FREE[held]
    test = bootstrap_comparison(
        rates.model[metric],
        rates.reader[metric],
        rates.model_replicates[metric],
        rates.reader_replicates[metric],
        level=model.level,
        note="" if not isnan(rates.model[metric]) else "no image in one half of the patients to match the rate on",
    )
    numbers = {name: getattr(test, name) for name in ("a", "b", "difference", "low", "high", "p")}
    numbers |= {"model_held": rates.model[held], "reader_held": rates.reader[held]}
    return {
        "model": model.reading,
        "reader": reader.reading,
        "finding": finding,
        "held": held,
        "metric": metric,
        "level": test.level,
        "note": test.note,
        "n_images": n[0],
        "n_positive": n[1],
    } | {name: number(value) for name, value in numbers.items()}


def number(value: float) -> float | None:
    """Return a number, or nothing."""
    return None if isnan(value) else float(value)


# --- agreement -------------------------------------------------------------------------------------------------------


def agreement(readers: Sequence[Evaluation], level: float) -> pl.DataFrame:
    """Return how far readers agree: Cohen's kappa of every two, and of all together what `SEVERAL` has.

    Intervals are by patient. Agreement needs no truth: images whose label is missing take part.
    """
    rows = [row for a, b in combinations(readers, 2) for row in two(a, b, level)]
    if len(readers) > 2:
        rows += list(several(readers, level))
    return pl.DataFrame(rows, schema=AGREEMENT)


def two(a: Evaluation, b: Evaluation, level: float) -> Iterator[dict[str, object]]:
    """Yield Cohen's kappa, Gwet's AC1 and the plain agreement of two readers by finding."""
    for column, finding in enumerate(a.findings):
        cell = 2 * a.called[:, column].astype(np.int64) + b.called[:, column]
        observed = np.bincount(cell, minlength=4)[None, :]
        weights, _ = a.bootstrap.grouped_sums(np.empty((len(cell), 0)), cell, 4)
        start = {"readers": f"{a.reading} and {b.reading}", "finding": finding, "n_readers": 2, "n_images": len(cell)}
        value, drawn = (kappa(Counts(w[:, 3], w[:, 2], w[:, 1], w[:, 0])) for w in (observed, weights))
        yield start | {"statistic": "cohen_kappa"} | bounded(float(value[0]), drawn, level)
        for name in ("agreement", "gwet_ac1"):
            value, drawn = (of_sums(name, *sums(w), 2) for w in (observed, weights))
            yield start | {"statistic": name} | bounded(float(value[0]), drawn, level)


def sums(weights: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return images, calls and squared calls of the cells (neither, only one, only the other, both) of two readers."""
    one = weights[:, 1] + weights[:, 2]
    return weights.sum(axis=1), one + 2 * weights[:, 3], one + 4 * weights[:, 3]


def of_sums(
    name: str, n: NDArray[np.int64], calls: NDArray[np.int64], squares: NDArray[np.int64], n_readers: int
) -> NDArray[np.float64]:
    """Return a statistic of agreement."""
    return SEVERAL[name](n, calls, squares, n_readers)


def several(readers: Sequence[Evaluation], level: float) -> Iterator[dict[str, object]]:
    """Yield the agreement of all readers together by finding."""
    for column, finding in enumerate(readers[0].findings):
        calls = np.sum([reader.called[:, column] for reader in readers], axis=0).astype(np.int64)
        n_readers = len(readers)
        observed = np.bincount(calls, minlength=n_readers + 1)[None, :]
        weights, _ = readers[0].bootstrap.grouped_sums(np.empty((len(calls), 0)), calls, n_readers + 1)
        m = np.arange(n_readers + 1)
        start = {"readers": EVERYONE, "finding": finding, "n_readers": n_readers, "n_images": len(calls)}
        for name in SEVERAL:
            value, drawn = (of_sums(name, w.sum(axis=1), w @ m, w @ m**2, n_readers) for w in (observed, weights))
            yield start | {"statistic": name} | bounded(float(value[0]), drawn, level)


def bounded(value: float, drawn: NDArray[np.float64], level: float) -> dict[str, object]:
    """Return a statistic with its interval as cells."""
    if isnan(value):
        estimate = Estimate.undefined("all call everything, or nothing", level=level, method="bootstrap")
    else:
        estimate = percentile(value, drawn, level=level)
    cells = {name: number(getattr(estimate, name)) for name in ("value", "low", "high")}
    return cells | {"level": level, "note": estimate.note}


# --- iMRMC -----------------------------------------------------------------------------------------------------------


def exports(of: Study, callers: Sequence[str]) -> dict[str, str]:
    """Return by finding the answers of everybody in iMRMC's format; none of a finding without ill or healthy images.

    A reading named `anna@aided` is the reader anna in the modality aided. A model is one more reader, in a modality of
    its own name, so that nothing compares it with people as if it were drawn from them.
    """
    made: dict[str, str] = {}
    for column, finding in enumerate(of.findings):
        rows = np.flatnonzero(of.labels[:, column] != MISSING)
        labels = of.labels[rows, column]
        if not 0 < (labels == 1).sum() < len(labels):
            continue
        answers = {
            (reader_and_modality(name) if name in callers else (name, name)): of.scores[name][rows, column]
            for name in of.scores
        }
        title = (
            f"{finding}, {of.cohort.name}, split {of.split}",
            f"{len(rows)} images of {len(np.unique(of.patients[rows]))} patients; iMRMC takes cases for independent",
            "cases are numbered in the order of tables/imrmc_cases.csv, images without this label left out",
        )
        made[word(finding)] = imrmc_text(title, rows + 1, labels, answers)
    return made


def cases(of: Study) -> pl.DataFrame:
    """Return which image a case is, in the order of the rows."""
    images = of.cohort.images.gather(of.rows)
    known = of.cohort.patients
    patients = pl.Series([None] * len(images), dtype=pl.String) if known is None else known.gather(of.rows)
    return pl.DataFrame(
        {"case": range(1, len(images) + 1), "image": images, "patient": patients.cast(pl.String)}, schema=CASES
    )
