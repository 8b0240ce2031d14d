"""What would hold in another clinic? Rates and calibration at its prevalence, in its mix, or behind its scores.

Each way rests on an assumption that is stated with every number, and checked as far as what was given allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isinf, isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.attributes import AGE, AGE_BANDS, OLDEST_BAND, UNKNOWN, Partition, partition
from overread.analyses.evaluation import Evaluation
from overread.analyses.operating_points import note_of
from overread.analyses.quantities import cell
from overread.analyses.subgroups import FEWEST_FOR_INTERVAL, few, joined
from overread.analyses.tables import Row
from overread.records.clinic import Clinic, Mix, UnlabelledScores
from overread.records.cohort import MISSING
from overread.records.errors import InputError, counted, listed, plain, quoted
from overread.records.findings import key
from overread.records.study import Study
from overread.stats.calibration import calibration_in_the_large
from overread.stats.multiplicity import holm
from overread.stats.operating_points import Counts
from overread.stats.resampling import PatientBootstrap, percentile
from overread.stats.transport import (
    CELLS,
    METRICS,
    Intercept,
    ScoreShift,
    at_prevalence,
    cell_edges,
    cells_of,
    effective_sample_size,
    estimated_prevalence,
    in_mix,
    reweighted_intercept,
    score_shift,
)

PREVALENCE, MIX, SCORES = "prevalence", "mix", "scores"
ASSUMED = {
    PREVALENCE: "assumes that there, too, ill images score as ill ones here and healthy as healthy; not checked",
    SCORES: "assumes that there, too, ill images score as ill ones here and healthy as healthy; see transport_check",
    MIX: "assumes that within each stratum images there are labelled and scored as here; not checked",
}
MEAN_SCORE, INTERCEPT = "mean_score", "calibration_intercept"
ALPHA = 0.05
TABLE = {
    "reading": pl.String,
    "finding": pl.String,
    "clinic": pl.String,
    "prevalence": pl.Float64,
    "prevalence_low": pl.Float64,
    "prevalence_high": pl.Float64,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "here": pl.Float64,
    "prevalence_here": pl.Float64,
    "effective_n": pl.Float64,
    "note": pl.String,
}
CHECKS = {
    "reading": pl.String,
    "finding": pl.String,
    "clinic": pl.String,
    "check": pl.String,
    "value": pl.Float64,
    "by_chance": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "holds": pl.Boolean,
    "note": pl.String,
    "n_here": pl.Int64,
    "n_there": pl.Int64,
}
FAILS, DOUBT = "the check of the assumption fails", "the check leaves the assumption in doubt"
KOLMOGOROV_SMIRNOV, EFFECTIVE_SAMPLE, NO_CHECK = "score distribution", "effective sample", "none"

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Transport:
    """What would hold in the clinic, by finding and metric, and how far the assumption behind it could be checked."""

    table: pl.DataFrame
    checks: pl.DataFrame


@dataclass(frozen=True, eq=False)
class There:
    """One finding carried elsewhere: observed and, under `drawn`, in each replicate."""

    kind: str
    column: int
    prevalence: float
    drawn_prevalence: Floats
    counts: Counts
    drawn_counts: Counts
    mean_score: float
    drawn_mean_score: Floats
    intercept: Intercept
    drawn_intercept: Floats
    effective_n: float
    note: str


def transport(
    evaluation: Evaluation, study: Study, readers: Sequence[str], prevalence: Mapping[str, float], clinic: Clinic
) -> Transport:
    """Carry a reading's operating points and calibration to another clinic.

    A stated prevalence, or one read off the clinic's own unlabelled scores, re-weights ill and healthy images (label
    shift); a mix of attributes re-weights their strata (covariate shift). `readers` are the names of all readings.
    `value` is what would hold there, `here` what holds in the cohort. Intervals are of the bootstrap by patient, here
    and in the clinic's scores; that of the calibration intercept takes each replicate's intercept to first order.
    `effective_n` is Kish's number of images.

    Raises `InputError` where the clinic does not fit the study.
    """
    carried = list(at_stated(evaluation, prevalence))
    checks = [unchecked(evaluation, there) for there in carried]
    if clinic.mix is not None:
        strata = strata_of(clinic.mix, study)
        mixed = list(to_mix(evaluation, clinic.mix, strata))
        checks += [mix_check(evaluation, there, clinic.mix, strata) for there in mixed]
        carried += mixed
    scores = scores_by_reader(clinic, readers, study.findings).get(evaluation.reading)
    if scores is not None:
        shifts = list(to_scores(evaluation, scores))
        checks += score_checks(evaluation, shifts, scores, overlap(study, scores))
        carried += [there for there, _ in shifts]
    doubts = {(row["clinic"], row["finding"]): doubt(row) for row in checks}
    rows = [row for there in carried for row in rows_of(evaluation, there, doubts)]
    return Transport(pl.DataFrame(rows, schema=TABLE), pl.DataFrame(checks, schema=CHECKS))


def check_clinic(clinic: Clinic, study: Study) -> None:
    """Raise the refusal of a clinic that does not fit the study, before any long work."""
    if clinic.mix is not None:
        strata_of(clinic.mix, study)
    scores_by_reader(clinic, tuple(study.scores), study.findings)


# --- a prevalence ----------------------------------------------------------------------------------------------------


def at_stated(evaluation: Evaluation, prevalence: Mapping[str, float]) -> Iterator[There]:
    """Yield each finding of which a prevalence was stated, at that prevalence."""
    by_key = {key(finding): share for finding, share in prevalence.items()}
    for column, finding in enumerate(evaluation.findings):
        if key(finding) in by_key:
            share = by_key[key(finding)]
            groups = np.where(evaluation.labels[:, column] == MISSING, -1, evaluation.labels[:, column])
            sums = LabelSums.of(evaluation, column, groups.astype(np.int64), 1, share)
            drawn = np.full(evaluation.bootstrap.replicates, share)
            yield relabelled(PREVALENCE, evaluation, column, share, drawn, sums)


@dataclass(frozen=True, eq=False)
class LabelSums:
    """One finding's images in every replicate: `n` (R, 2, cells) by label (healthy, ill) and cell, and sums.

    `scores` (R, 2) are sums by label, `influence` (R,) those of the influence on the intercept.
    """

    n: NDArray[np.int64]
    scores: Floats
    influence: Floats
    intercept: Intercept

    @classmethod
    def of(
        cls, evaluation: Evaluation, column: int, groups: NDArray[np.int64], cells: int, prevalence: float
    ) -> LabelSums:
        """Add up in every replicate; `groups` are label times `cells` plus cell, -1 where not assessed."""
        assessed = groups >= 0
        labels, scores = evaluation.labels[:, column], evaluation.scores[:, column]
        intercept = reweighted_intercept(
            np.where(assessed, labels, 0), scores, np.where(assessed, labels, -1), [1 - prevalence, prevalence]
        )
        values = np.column_stack([np.where(assessed, scores, 0.0), np.nan_to_num(intercept.influence)])
        n, sums = evaluation.bootstrap.grouped_sums(values, groups, 2 * cells)
        return cls(
            n.reshape(-1, 2, cells), sums[..., 0].reshape(-1, 2, cells).sum(axis=2), sums[..., 1].sum(axis=1), intercept
        )


def relabelled(
    kind: str, evaluation: Evaluation, column: int, prevalence: float, drawn: Floats, sums: LabelSums
) -> There:
    """Return one finding at another prevalence, which may be drawn anew in each replicate."""
    labels, scores = evaluation.labels[:, column], evaluation.scores[:, column]
    here = np.array([scores[labels == label].mean() if (labels == label).any() else nan for label in (0, 1)])
    n = sums.n.sum(axis=2)
    means = np.divide(sums.scores, n, out=np.full(n.shape, nan), where=n > 0)
    moved = sums.intercept.by_share[1] - sums.intercept.by_share[0]
    return There(
        kind=kind,
        column=column,
        prevalence=prevalence,
        drawn_prevalence=drawn,
        counts=at_prevalence(cell(evaluation.counts, column), prevalence),
        drawn_counts=at_prevalence(of_column(evaluation.replicate_counts, column), drawn),
        mean_score=float((1 - prevalence) * here[0] + prevalence * here[1]),
        drawn_mean_score=(1 - drawn) * means[:, 0] + drawn * means[:, 1],
        intercept=sums.intercept,
        drawn_intercept=sums.intercept.value + sums.influence + moved * (drawn - prevalence),
        effective_n=effective_sample_size(
            np.bincount(labels[labels != MISSING], minlength=2), [1 - prevalence, prevalence]
        ),
        note="",
    )


def of_column(counts: Counts, column: int) -> Counts:
    """Return the counts of one finding in every replicate."""
    return Counts(*(cells[:, column] for cells in counts.arrays()))


# --- a mix of attributes ---------------------------------------------------------------------------------------------


def strata_of(mix: Mix, study: Study) -> NDArray[np.int64]:
    """Return for each reported image its row in the clinic's mix; -1 where it is in none, or an attribute is unknown.

    Attributes are dealt as subgroups are: age in the bands 0-18, 19-40, 41-60, 61-80 and over 80.
    """
    where = mix.source.path if mix.source is not None else mix.name
    keys = [key(attribute) for attribute in mix.attributes]
    if len(set(keys)) < len(keys):
        raise InputError(where, "an attribute stands twice", "one column for each attribute")
    codes = np.zeros(study.n_images, np.int64)
    known = np.ones(study.n_images, bool)
    of_stratum: NDArray[np.int64] = np.zeros(len(mix.shares), np.int64)
    for place, attribute in enumerate(mix.attributes):
        found = partition_of(study, attribute, where)
        names = all_names(found)
        by_key = {key(name): code for code, name in enumerate(names)}
        values = [stratum[place] for stratum in mix.values]
        unknown = [value for value in values if key(value) not in by_key]
        if unknown:
            what = f"no image of the cohort has {plain(attribute)} {quoted(unknown[0])}"
            raise InputError(where, what, f"one of {listed(names, most=12)}")
        placed = np.array([by_key[key(name)] for name in found.subgroups] or [0])
        of_row = found.of_row[study.rows]
        codes = codes * len(names) + placed[of_row]
        known &= of_row != UNKNOWN
        of_stratum = of_stratum * len(names) + np.array([by_key[key(value)] for value in values])
    stratum_of = {int(code): place for place, code in enumerate(of_stratum)}
    return np.array(
        [stratum_of.get(int(code), -1) if k else -1 for code, k in zip(codes, known, strict=True)], np.int64
    )


def partition_of(study: Study, attribute: str, where: str) -> Partition:
    """Return the subgroups of an attribute in the whole cohort, by which a clinic's values are known."""
    by_key = {key(name): name for name in study.cohort.attributes}
    name = by_key.get(key(attribute))
    if name is None:
        known = listed(study.cohort.attributes, most=12)
        what = f"the cohort has no attribute {plain(attribute)}"
        raise InputError(where, what, f"one of {known}, and share" if known else "a cohort with attributes")
    return partition(name, study.cohort.table[name])


def all_names(found: Partition) -> tuple[str, ...]:
    """Return the values that a clinic's table may have: those of the cohort, and every band of age."""
    return (*AGE_BANDS, OLDEST_BAND) if key(found.attribute) == AGE else found.subgroups


def to_mix(evaluation: Evaluation, mix: Mix, strata: NDArray[np.int64]) -> Iterator[There]:
    """Yield each finding in the clinic's mix.

    Counts are those of the thresholds as held: where thresholds are chosen anew in each replicate, that part of their
    uncertainty is left out here.
    """
    n_strata = len(mix.shares)
    for column in range(len(evaluation.findings)):
        labels, scores = evaluation.labels[:, column], evaluation.scores[:, column]
        groups = np.where(labels == MISSING, -1, strata)
        ill, healthy, called = labels == 1, labels == 0, evaluation.called[:, column]
        intercept = reweighted_intercept(np.where(ill, 1, 0), scores, groups, mix.shares)
        values = np.column_stack(
            [
                ill & called,
                healthy & called,
                ill & ~called,
                healthy & ~called,
                scores,
                np.nan_to_num(intercept.influence),
            ]
        ).astype(np.float64)
        _, sums = evaluation.bootstrap.grouped_sums(values, groups, n_strata)
        kept = groups >= 0
        held = np.stack(
            [np.bincount(groups[kept], each[kept], minlength=n_strata) for each in values.T], axis=1, dtype=np.float64
        )
        counts, drawn = mixed(held, mix.shares), mixed(sums, mix.shares)
        n = held[:, :4].sum(axis=1)
        yield There(
            kind=MIX,
            column=column,
            prevalence=float(counts[0].tp + counts[0].fn),
            drawn_prevalence=np.asarray(drawn[0].tp + drawn[0].fn),
            counts=decided(counts[0], evaluation, column),
            drawn_counts=decided(drawn[0], evaluation, column),
            mean_score=float(counts[1]),
            drawn_mean_score=drawn[1],
            intercept=intercept,
            drawn_intercept=intercept.value + sums[..., 5].sum(axis=1),
            effective_n=effective_sample_size(n, mix.shares),
            note=without(lacking(mix, n)),
        )


def mixed(sums: Floats, shares: Floats) -> tuple[Counts, Floats]:
    """Return counts as shares of people, and the mean score, from sums by stratum (..., S, 5 or more)."""
    counts = Counts(*(sums[..., place] for place in range(4)))
    n = sums[..., :4].sum(axis=-1)
    took_part = shares > 0
    means = np.divide(sums[..., 4], n, out=np.full(n.shape, nan), where=n > 0)
    return in_mix(counts, shares), np.asarray((means[..., took_part] * shares[took_part]).sum(axis=-1))


def decided(counts: Counts, evaluation: Evaluation, column: int) -> Counts:
    """Return counts, nan for a finding without a threshold."""
    if evaluation.thresholds.defined[column]:
        return counts
    return Counts(*(np.full(np.shape(cells), nan) for cells in counts.arrays()))


def lacking(mix: Mix, n: Floats) -> list[int]:
    """Return the strata that the clinic has and the cohort lacks."""
    return np.flatnonzero((mix.shares > 0) & (n == 0)).tolist()


def without(strata: Sequence[int]) -> str:
    """Say that strata are lacking; empty where none is."""
    if not strata:
        return ""
    return f"this cohort has no image of {counted(len(strata), 'part')} of that clinic: see transport_check"


def mix_check(evaluation: Evaluation, there: There, mix: Mix, strata: NDArray[np.int64]) -> Row:
    """Return what can be checked of a mix: how many images the re-weighted ones are worth, and what is lacking."""
    assessed = evaluation.labels[:, there.column] != MISSING
    n = np.bincount(strata[assessed & (strata >= 0)], minlength=len(mix.shares)).astype(np.float64)
    empty, outside = lacking(mix, n), int((assessed & (strata < 0)).sum())
    notes = [ASSUMED[MIX]]
    if empty:
        names = "; ".join(
            ", ".join(f"{a} {v}" for a, v in zip(mix.attributes, mix.values[place], strict=True)) for place in empty[:3]
        )
        more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
        share = float(mix.shares[empty].sum())
        notes.append(f"{share:.1%} of that clinic is of a kind that this cohort has no image of ({names}{more})")
    if outside:
        notes.append(f"{counted(outside, 'image')} here in none of that clinic's strata left out")
    numbers = {"value": there.effective_n, "n_here": int(n.sum()), "holds": False if empty else None}
    return check_row(evaluation, there.column, MIX, EFFECTIVE_SAMPLE, numbers, "; ".join(notes))


# --- unlabelled scores -----------------------------------------------------------------------------------------------


def scores_by_reader(clinic: Clinic, readings: Sequence[str], findings: Sequence[str]) -> dict[str, UnlabelledScores]:
    """Return the clinic's scores by the reader whose they are; a single table may have any name beside a single reader.

    Raises `InputError` when scores are of no reader, or have no finding in common with what is reported.
    """
    named = {each.reading.name: each for each in clinic.scores}
    if len(named) == len(readings) == 1:
        named = {readings[0]: next(iter(named.values()))}
    for name, scores in named.items():
        if name not in readings:
            do = f"Name it after the reader whose scores it holds: {plain(readings[0])}=PATH."
            raise InputError(
                "--clinic", f"the scores {plain(name)} are of no reading", f"one of {listed(readings)}", do
            )
        if not {key(finding) for finding in scores.reading.findings} & {key(finding) for finding in findings}:
            where = scores.reading.sources[0].path if scores.reading.sources else plain(name)
            what = f"no finding is common to the clinic's scores ({listed(scores.reading.findings)}) and the report"
            raise InputError(where, what, f"columns of scores of {listed(findings, most=14)}")
    return named


def to_scores(evaluation: Evaluation, scores: UnlabelledScores) -> Iterator[tuple[There, ScoreShift]]:
    """Yield each finding that the clinic's scores have, at the prevalence read off them, with the check."""
    columns = {key(finding): place for place, finding in enumerate(scores.reading.findings)}
    bootstrap = bootstrap_there(evaluation, scores)
    for column, finding in enumerate(evaluation.findings):
        if key(finding) not in columns:
            continue
        labels, own = evaluation.labels[:, column], evaluation.scores[:, column]
        assessed = labels != MISSING
        edges = cell_edges(labels[assessed], own[assessed]) if assessed.any() else np.linspace(0, 1, CELLS + 1)[1:-1]
        groups = np.where(assessed, labels.astype(np.int64) * CELLS + cells_of(own, edges), -1)
        held = np.bincount(groups[assessed], minlength=2 * CELLS).reshape(2, CELLS)
        cells = cells_of(scores.reading.scores[:, columns[key(finding)]], edges)
        there = np.bincount(cells, minlength=CELLS)
        drawn_there, _ = bootstrap.grouped_sums(np.zeros((len(cells), 1)), cells, CELLS)
        yield shifted(evaluation, column, groups, held, there, drawn_there)


def bootstrap_there(evaluation: Evaluation, scores: UnlabelledScores) -> PatientBootstrap:
    """Return replicates of the clinic's images, by patient where patients are known, else by image."""
    here = evaluation.bootstrap
    patients = np.arange(len(scores.reading.images)) if scores.patients is None else scores.patients
    seed = (*(here.seed if isinstance(here.seed, tuple) else (here.seed,)), 2)
    return PatientBootstrap(patients, replicates=here.replicates, seed=seed, threads=here.threads)


def shifted(
    evaluation: Evaluation,
    column: int,
    groups: NDArray[np.int64],
    held: NDArray[np.int64],
    there: NDArray[np.int64],
    drawn_there: NDArray[np.int64],
) -> tuple[There, ScoreShift]:
    """Return one finding at the prevalence behind the clinic's scores."""
    prevalence = float(np.nan_to_num(estimated_prevalence(held[1], held[0], there)))
    sums = LabelSums.of(evaluation, column, groups, CELLS, prevalence)
    drawn = (sums.n[:, 1], sums.n[:, 0], drawn_there)
    shift = score_shift((held[1], held[0], there), drawn, level=evaluation.level)
    return relabelled(SCORES, evaluation, column, shift.prevalence, shift.drawn, sums), shift


def overlap(study: Study, scores: UnlabelledScores) -> int:
    """Return how many of the clinic's images are among those reported."""
    return int(scores.reading.images.is_in(study.cohort.images.gather(study.rows).to_list()).sum())


def score_checks(
    evaluation: Evaluation, shifts: Sequence[tuple[There, ScoreShift]], scores: UnlabelledScores, shared: int
) -> list[Row]:
    """Return the check of each finding, p adjusted by Holm over findings.

    It fails where the adjusted p is below 0.05. Where only p itself is, `holds` is empty and the note says that it is
    in doubt: to adjust for many tests is to be lenient here, where a low p speaks against the assumption.
    """
    adjusted = holm([shift.p for _, shift in shifts])
    notes = [] if scores.patients is not None else ["images there are taken for independent"]
    if shared:
        notes.append(f"{counted(shared, 'image')} of the clinic are among those reported here")
    rows = []
    for (there, shift), p in zip(shifts, adjusted.tolist(), strict=True):
        known = not isnan(p)
        numbers: Row = {"value": shift.distance, "by_chance": shift.chance, "p": shift.p, "p_adjusted": p}
        numbers |= {"n_here": int(evaluation.n_images[there.column]), "n_there": len(scores.reading.images)}
        numbers |= {"holds": verdict(shift.p, p)}
        said = [] if known else ["no positive or no negative image here"]
        if known and p < ALPHA:
            said = ["the scores there are no mixture of the ill and healthy scores here: more than prevalence differs"]
        elif known and shift.p < ALPHA:
            said = [DOUBT]
        rows.append(
            check_row(evaluation, there.column, SCORES, KOLMOGOROV_SMIRNOV, numbers, "; ".join([*said, *notes]))
        )
    return rows


def verdict(p: float, adjusted: float) -> bool | None:
    """Return whether the assumption holds as far as is seen: no where it fails, nothing where it is in doubt."""
    if isnan(p) or (p < ALPHA <= adjusted):
        return None
    return adjusted >= ALPHA


def doubt(check: Row) -> str:
    """Return what the check of a finding says against its numbers; empty where nothing."""
    if check["p"] is None or check["holds"]:
        return ""
    return DOUBT if check["holds"] is None else FAILS


# --- rows ------------------------------------------------------------------------------------------------------------


def rows_of(evaluation: Evaluation, there: There, doubts: Mapping[tuple[str, str], str]) -> Iterator[Row]:
    """Yield the rows of one finding in one clinic, metric by metric."""
    column, level = there.column, evaluation.level
    prevalence = percentile(there.prevalence, there.drawn_prevalence, level=level)
    n_images, n_positive = int(evaluation.n_images[column]), int(evaluation.n_positive[column])
    shared = {
        "reading": evaluation.reading,
        "finding": evaluation.findings[column],
        "clinic": there.kind,
        "prevalence": there.prevalence,
        "prevalence_low": prevalence.low,
        "prevalence_high": prevalence.high,
        "level": level,
        "prevalence_here": n_positive / n_images if n_images else nan,
        "effective_n": there.effective_n,
    }
    for metric, value, drawn, here in quantities(evaluation, there):
        why = why_undefined(evaluation, there, metric) if isnan(value) else ""
        note = joined(why, doubts[there.kind, evaluation.findings[column]], ASSUMED[there.kind])
        found = percentile(value, drawn, level=level, note=note)
        found = found.with_note("no finite upper bound") if isinf(found.high) else found
        if not isnan(value) and (n := ill_patients(evaluation, column)) < FEWEST_FOR_INTERVAL:
            found = replace(found, low=nan, high=nan).with_note(few(n))
        numbers = {"metric": metric, "value": value, "low": found.low, "high": found.high, "here": here}
        yield {name: empty_if_nan(each) for name, each in (shared | numbers).items()} | {"note": found.note}


def quantities(evaluation: Evaluation, there: There) -> Iterator[tuple[str, float, Floats, float]]:
    """Yield each metric with its value there, its replicates, and its value here."""
    column = there.column
    counts = cell(evaluation.counts, column)
    for metric, of in METRICS.items():
        value, drawn, here = float(of(there.counts)), of(there.drawn_counts), float(of(counts))
        if there.kind != MIX and metric in ("sensitivity", "specificity"):  # assumed to stay, at a prevalence of 0 too
            value, drawn = here, of(of_column(evaluation.replicate_counts, column))
        yield metric, nan if isinf(value) else value, drawn, nan if isinf(here) else here
    assessed = evaluation.labels[:, column] != MISSING
    labels, scores = evaluation.labels[assessed, column], evaluation.scores[assessed, column]
    yield MEAN_SCORE, there.mean_score, there.drawn_mean_score, float(scores.mean()) if len(scores) else nan
    here = float(calibration_in_the_large(labels, scores).coefficients[0])
    yield INTERCEPT, there.intercept.value, there.drawn_intercept, here


def why_undefined(evaluation: Evaluation, there: There, metric: str) -> str:
    """Say why there is no value; empty where that is not known."""
    if there.note:
        return there.note
    if metric == INTERCEPT:
        return there.intercept.note
    if metric == MEAN_SCORE or there.kind != MIX:
        for n, kind in ((evaluation.n_positive, "positive"), (evaluation.n_images - evaluation.n_positive, "negative")):
            if n[there.column] == 0:
                return f"no {kind} image here"
    if metric == "false_positives_per_true_positive":
        return note_of("sensitivity", cell(evaluation.counts, there.column)) or "no true positive: not bounded"
    return note_of(metric, cell(evaluation.counts, there.column)) or "no such image in that clinic"


def ill_patients(evaluation: Evaluation, column: int) -> int:
    """Return the number of patients here who have the finding on some image."""
    return len(np.unique(evaluation.patients[evaluation.labels[:, column] == 1]))


def unchecked(evaluation: Evaluation, there: There) -> Row:
    """Return the row that says that a stated prevalence comes without a check."""
    note = "a prevalence alone allows no check: give the clinic's own scores, labels are not needed (--clinic)"
    numbers = {"n_here": int(evaluation.n_images[there.column])}
    return check_row(evaluation, there.column, PREVALENCE, NO_CHECK, numbers, note)


def check_row(evaluation: Evaluation, column: int, clinic: str, check: str, numbers: Row, note: str) -> Row:
    """Return one row of the table of checks."""
    names = {"reading": evaluation.reading, "finding": evaluation.findings[column], "clinic": clinic, "check": check}
    empty: Row = dict.fromkeys(CHECKS)
    return empty | names | {name: empty_if_nan(each) for name, each in numbers.items()} | {"note": note}


def empty_if_nan(value: object) -> object:
    """Return a cell, empty where it is not a number."""
    return None if isinstance(value, float) and isnan(value) else value


def joined_tables(of: Iterable[Transport]) -> dict[str, pl.DataFrame]:
    """Return the tables of several readings as one each."""
    parts = list(of)
    return {
        "transport": pl.concat([pl.DataFrame(schema=TABLE), *(each.table for each in parts)]),
        "transport_check": pl.concat([pl.DataFrame(schema=CHECKS), *(each.checks for each in parts)]),
    }
