"""The main job: every analysis of one or more readings of a cohort, from the study to the tables."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import version
from threading import Thread

import numpy as np
import polars as pl

from overread.analyses.answer import answer
from overread.analyses.blind import blind_reading
from overread.analyses.comparison import pairs
from overread.analyses.evaluation import evaluate
from overread.analyses.listing import Judged, all_tables
from overread.analyses.methods import methods
from overread.analyses.options import Options
from overread.analyses.passage import Passage
from overread.analyses.recipes import check_groups
from overread.analyses.transport import check_clinic
from overread.records.cohort import Cohort
from overread.records.errors import InputError, listed, quoted
from overread.records.findings import key
from overread.records.reading import Reading
from overread.records.study import Study
from overread.records.study import study as matched
from overread.stats.resampling import PatientBootstrap

FLOOR = "blind"
FLOOR_FEATURES = ("age", "gender", "view")
LIBRARIES = ("overread", "numpy", "scipy", "polars", "numba", "scikit-learn")

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class SecondReading:
    """All that a report shows: the tables by name, the sentences that open it, and where everything came from."""

    study: Study
    options: Options
    readings: tuple[str, ...]
    floor: str | None
    tables: dict[str, pl.DataFrame]
    warnings: tuple[str, ...]
    answer: tuple[Passage, ...]
    methods: tuple[str, ...]
    versions: dict[str, str]


def second_reading(
    cohort: Cohort,
    readings: Sequence[Reading],
    options: Options | None = None,
    *,
    progress: Progress = lambda step: None,
    preface: tuple[str, ...] = (),
) -> SecondReading:
    """Judge readings of a cohort and return every table of the report.

    Readings are compared on the images that all of them scored. Where the cohort has training rows and the
    attributes, a blind reader, which sees age, gender and view and never a pixel, is fitted beside them as the
    floor.

    Raises `InputError` when the readings and the cohort do not fit together, `ValueError` when an option is out of
    range.
    """
    options = options or Options()
    progress("matching readings and cohort")
    readings_of = matched(cohort, readings, split=options.split)
    refuse_unknown_findings(readings_of, options)
    names = tuple(readings_of.scores)
    check_groups(options.groups, names)
    check_clinic(options.clinic, readings_of)
    readings_of = replace(readings_of, sources=(*readings_of.sources, *options.clinic.sources))
    loading = preloaded("sklearn.ensemble") if options.floor else None
    bootstrap = PatientBootstrap(
        readings_of.patients, replicates=options.replicates, seed=options.seed, threads=options.threads
    )
    evaluations = {}
    for name in names:
        progress(f"resampling patients for {name}")
        evaluations[name] = evaluate(readings_of, name, options, bootstrap)
    progress("fitting the blind reader")
    if loading is not None:
        loading.join()
    whole, floor, notes = with_floor(readings_of, options)
    for name in whole.scores.keys() - evaluations.keys():
        evaluations[name] = evaluate(whole, name, options, bootstrap)
    progress("analysing")
    readers = tuple(evaluations[name] for name in names)
    of_pairs = tuple(pairs(readers, options.baseline))
    tables = all_tables(Judged(whole, tuple(evaluations.values()), readers, of_pairs, options))
    warnings = (*whole.warnings, *notes)
    return SecondReading(
        study=whole,
        options=options,
        readings=names,
        floor=floor,
        tables=tables,
        warnings=warnings,
        answer=(*([Passage("", preface)] if preface else []), *answer(tables, whole, names, floor, options)),
        methods=methods(tables, whole, names, floor, options),
        versions=versions(),
    )


def preloaded(library: str) -> Thread:
    """Load a library in the background, while compiled code resamples; an error shows where it is used."""

    def load() -> None:
        with suppress(ImportError):
            import_module(library)

    thread = Thread(target=load, daemon=True)
    thread.start()
    return thread


def refuse_unknown_findings(of: Study, options: Options) -> None:
    """Refuse a prevalence of something that is not reported, rather than overlook it."""
    known = {key(finding) for finding in of.findings}
    unknown = [finding for finding in options.prevalence if key(finding) not in known]
    if unknown:
        raise InputError("--prevalence", f"{quoted(unknown[0])} is not reported", f"one of: {listed(of.findings)}")


def with_floor(readings: Study, options: Options) -> tuple[Study, str | None, tuple[str, ...]]:
    """Add the blind reader to a study as its floor, or say why there is none.

    It is fitted on training rows of patients who are neither reported nor used for tuning, so that it stays a floor
    and never a memory, whatever the split.
    """
    cohort = readings.cohort
    if not options.floor:
        return readings, None, ()
    if FLOOR in readings.scores:
        return readings, FLOOR, ()
    why = floor_is_lacking(readings)
    if why:
        return readings, None, (f"No blind reader is shown as the floor: {why}.",)
    tuning = readings.tuning
    kept_out = readings.rows if tuning is None else np.concatenate([readings.rows, tuning.rows])
    try:
        blind = blind_reading(cohort, features=FLOOR_FEATURES, findings=readings.findings, reported=kept_out)
    except InputError as reason:  # every training patient is reported, or an attribute is not of the kind
        return readings, None, (f"No blind reader is shown as the floor: {reason}",)
    scores = blind.scores[: len(readings.rows)]
    if tuning is not None:
        tuning = replace(tuning, scores=tuning.scores | {FLOOR: blind.scores[len(readings.rows) :]})
    return replace(readings, scores=readings.scores | {FLOOR: scores}, tuning=tuning), FLOOR, blind.warnings


def floor_is_lacking(readings: Study) -> str:
    """Return why a blind reader cannot be fitted, empty where it can."""
    cohort = readings.cohort
    lacking = [name for name in FLOOR_FEATURES if name not in cohort.attributes]
    if lacking:
        return f"the cohort has no column {', '.join(lacking)}"
    if cohort.split is None or not (cohort.split == "train").any():
        return "the cohort has no training rows"
    return ""


def versions() -> dict[str, str]:
    """Return the versions of what computed the numbers."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
