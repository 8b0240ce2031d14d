"""How good are the labels, what do readers reach under a better truth, and what do wrong labels do without one?

Three questions. On all images of the cohort that have both, how far its labels agree with the better truth. On those
of them that are reported, what each reader reaches under both, and whether the labels' errors follow the image. On the
reported images without a better truth, what readers would reach if the labels there are wrong as often as found (or
as stated) and independently of the image (`stats.label_noise`). One bootstrap of the patients of all these
images serves everything, so that the uncertainty of the labels' quality is part of every corrected interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.comparison import Pair
from overread.analyses.evaluation import Evaluation
from overread.analyses.label_sample import (
    AGREEMENT_ROWS,
    BETTER,
    COHORT,
    CORRECTED,
    HEALTHY,
    ILL,
    REPORTED_ROWS,
    SHARE,
    Drawn,
    Question,
    Sample,
    Seen,
    questions,
    stated,
)
from overread.analyses.options import Options
from overread.analyses.tables import Row, interval
from overread.records.adjudicated import HEDGED, JOINED, Adjudicated, answered
from overread.records.cohort import MISSING
from overread.records.errors import InputError, listed, quoted
from overread.records.findings import key
from overread.records.study import Study
from overread.stats.agreement import AGREEMENT
from overread.stats.estimate import Estimate
from overread.stats.label_noise import (
    NOT_ALONE,
    LabelNoise,
    corrected_auroc,
    corrected_counts,
    corrected_difference,
    corrected_estimate,
    possible,
    purity,
    true_prevalence,
    why_impossible,
)
from overread.stats.operating_points import METRICS, Counts
from overread.stats.resampling import percentile

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]

DIFFERENCE, WITHOUT = "difference", "cohort labels, no better truth"
RATES = ("sensitivity", "specificity", "ppv", "npv")

BEYOND = f"the correction puts an AUROC outside 0 to 1: {NOT_ALONE}"

Schema = dict[str, type[pl.DataType]]
NAMES: Schema = {"label": pl.String, "finding": pl.String}
READING: Schema = {"reading": pl.String} | NAMES
PAIR: Schema = {"reading_a": pl.String, "reading_b": pl.String} | NAMES
ESTIMATE: Schema = dict.fromkeys(("value", "low", "high", "level"), pl.Float64)
ESTIMATE |= {"method": pl.String, "note": pl.String}
IMAGES: Schema = {"n_images": pl.Int64, "n_positive": pl.Int64}
ANSWERS: Schema = dict.fromkeys(("n_yes", "n_no", "n_hedged", "n_images", "n_reported"), pl.Int64)
CELLS: Schema = dict.fromkeys(("tp", "fp", "fn", "tn", "n_images", "n_patients", "n_hedged"), pl.Int64)
SEEN: Schema = dict.fromkeys(("seen", "seen_low", "seen_high"), pl.Float64)
QUALITY: Schema = dict.fromkeys(("label_sensitivity", "label_specificity"), pl.Float64)
SCHEMAS: dict[str, Schema] = {
    "label_mapping": {**NAMES, "note": pl.String, **ANSWERS},
    "label_agreement": {**NAMES, "metric": pl.String, **ESTIMATE, **CELLS},
    "label_truths": {**READING, "truth": pl.String, "metric": pl.String, **ESTIMATE, **IMAGES},
    "label_errors": {**READING, "among": pl.String, **ESTIMATE, "n_images": pl.Int64, "n_wrong": pl.Int64},
    "label_noise": {**READING, "source": pl.String, "metric": pl.String, **SEEN, **ESTIMATE, **QUALITY, **IMAGES},
    "label_order": {**PAIR, "source": pl.String, "truth": pl.String, **ESTIMATE, **IMAGES},
}


def check_label_quality(options: Options, study: Study) -> None:
    """Refuse a better truth that shares no image or finding with the study, and noise of an unknown finding."""
    if options.adjudicated is not None:
        options.adjudicated.mapping_to(study.findings)
        answered(options.adjudicated, study.cohort.images)
    known = {key(finding) for finding in study.findings}
    unknown = [finding for finding in options.label_noise if key(finding) not in known]
    if unknown:
        what = f"{quoted(unknown[0])} is not reported"
        raise InputError("--label-noise", what, f"one of: {listed(study.findings, most=20)}")


def label_quality(
    study: Study, readers: Sequence[Evaluation], pairs: Sequence[Pair], options: Options
) -> dict[str, pl.DataFrame]:
    """Return the tables of label quality; no rows where neither a better truth nor a size of noise was given.

    `label_mapping` says which label stands for which findings; `label_agreement` how far labels and better truth
    agree; `label_truths` what readers reach under both on the same images, and what correcting the cohort's labels
    would have given there; `label_errors` whether errors follow the image (0.5 where they do not); `label_noise` what
    is seen and what is left after correction on images without a better truth; `label_order` which of two readers is
    ahead. For several findings a reader's score is the largest of theirs, and it calls where it calls one of them.
    """
    rows: dict[str, list[Row]] = {name: [] for name in SCHEMAS}
    truth = options.adjudicated
    if truth is not None or options.label_noise:
        answers = None if truth is None else answered(truth, study.cohort.images)
        with_truth = np.zeros(0, np.int64) if answers is None else np.flatnonzero((answers != MISSING).any(axis=1))
        sample = Sample.of(study, with_truth)
        asked = [*questions(sample, truth, answers), *stated(sample, options)]
        drawn = Drawn.of(sample, asked, readers, options)
        if truth is not None and answers is not None:
            rows["label_mapping"] += mapping_rows(study, truth, answers)
        for each in asked:
            of = Judgement(sample, each, drawn, options.level)
            rows["label_agreement"] += of.agreement()
            rows["label_noise"] += of.prevalence()
            for reader in readers:
                rows["label_truths"] += of.truths(reader.reading)
                rows["label_errors"] += of.errors(reader.reading)
                rows["label_noise"] += of.noise(reader.reading)
            for pair in pairs:
                rows["label_order"] += of.order(pair.a.reading, pair.b.reading)
    return {name: pl.DataFrame(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def mapping_rows(study: Study, truth: Adjudicated, answers: Labels) -> Iterator[Row]:
    """Yield what each label stands for, and how many images of the cohort it is answered on."""
    for column, mapped in enumerate(truth.mapping_to(study.findings)):
        own = answers[:, column]
        yield {
            "label": mapped.label,
            "finding": JOINED.join(mapped.findings),
            "note": mapped.note,
            "n_yes": int((own == 1).sum()),
            "n_no": int((own == 0).sum()),
            "n_hedged": int((own == HEDGED).sum()),
            "n_images": int((own >= 0).sum()),
            "n_reported": int((own[study.rows] >= 0).sum()),
        }


# --- what is said of one label ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Judgement:
    """One question with its counts: makes the rows of every table."""

    sample: Sample
    asked: Question
    drawn: Drawn
    level: float

    @property
    def found(self) -> bool:
        """Whether there is a better truth to compare with."""
        return self.asked.noise is None

    @property
    def name(self) -> tuple[str, str]:
        """The start of the names of its tasks."""
        return self.asked.source, self.asked.name

    def seen(self, metric: str, *of: str) -> Seen:
        """Return a metric of one of its tasks."""
        return self.drawn.seen(metric, *self.name, *of)

    def row(self, reading: str) -> Row:
        """Return the names at the start of a row of a reading."""
        return {"reading": reading} | self.asked.names

    def bounded(self, value: float, replicates: Floats, why: str) -> Estimate:
        """Return a value with its interval by patient, or why there is none."""
        if isnan(value):
            return Estimate.undefined(why, level=self.level, method="bootstrap")
        return percentile(value, replicates, level=self.level)

    # --- where there is a better truth ---

    def agreement(self) -> Iterator[Row]:
        """Yield how far the label agrees with the better truth, metric by metric."""
        if not self.found:
            return
        counts, replicates = self.drawn.counts(*self.name, AGREEMENT_ROWS)
        known = self.asked.both
        cells = {cell: int(getattr(counts, cell)) for cell in ("tp", "fp", "fn", "tn")} | {
            "n_images": int(known.sum()),
            "n_patients": len(np.unique(self.sample.patients[known])) if self.sample.study.patients_known else None,
            "n_hedged": int(((self.asked.truth == HEDGED) & (self.asked.labels >= 0)).sum()),
        }
        for metric, of in AGREEMENT.items():
            found = self.bounded(float(of(counts)), of(replicates), undefined(metric, counts))
            yield self.asked.names | {"metric": metric} | cells_of(found) | cells

    def truths(self, reading: str) -> Iterator[Row]:
        """Yield what a reader reaches on the reported images that have both: under each, and the difference."""
        if not self.found:
            return
        for metric in ("auroc", *RATES[:3]):
            cohort, better = (self.seen(metric, reading, side) for side in (COHORT, BETTER))
            apart = better.value - cohort.value, better.replicates - cohort.replicates, better.why or cohort.why
            sides = {
                COHORT: (cohort.value, cohort.replicates, cohort.why),
                BETTER: (better.value, better.replicates, better.why),
                DIFFERENCE: apart,
            }
            for truth, side in sides.items():
                n = cohort.n if truth == COHORT else better.n
                yield self.row(reading) | {"truth": truth, "metric": metric} | cells_of(self.bounded(*side)) | n
        yield self.would_be(reading)

    def would_be(self, reading: str) -> Row:
        """Return the AUROC that correcting the label would have given where the better truth is known: a check."""
        counts, replicates = self.drawn.counts(*self.name, REPORTED_ROWS)
        seen = self.seen("auroc", reading, COHORT)
        factor, drawn = predictive(counts), predictive(replicates)
        value = float(corrected_auroc(seen.value, factor))
        why = seen.why or ("" if factor > 0 else "on these images the label says no more than chance")
        found = self.corrected(value, corrected_auroc(seen.replicates, drawn), drawn > 0, why)
        return self.row(reading) | {"truth": CORRECTED, "metric": "auroc"} | cells_of(found) | seen.n

    def errors(self, reading: str) -> Iterator[Row]:
        """Yield whether a reader scores rightly and wrongly labelled images of the same truth alike."""
        if not self.found:
            return
        counts, _ = self.drawn.counts(*self.name, REPORTED_ROWS)
        for among, n_wrong, n_right in ((ILL, counts.fn, counts.tp), (HEALTHY, counts.fp, counts.tn)):
            seen, n = self.seen("auroc", reading, among), int(n_wrong + n_right)
            missing = "wrong" if n_right else "right"
            why = f"no truly {among} image is labelled {missing}" if n else f"no truly {among} image"
            found = self.bounded(seen.value, seen.replicates, why)
            yield self.row(reading) | {"among": among} | cells_of(found) | {"n_images": n, "n_wrong": int(n_wrong)}

    # --- where there is none ---

    def prevalence(self) -> Iterator[Row]:
        """Yield the share of truly ill images behind the share labelled ill."""
        seen, drawn = self.share
        found = self.corrected(
            float(true_prevalence(seen, self.quality[0])),
            true_prevalence(drawn, self.quality[1]),
            self.possible,
            self.impossible,
        )
        n = self.drawn.seen("auroc", *self.name, SHARE).n
        yield self.noise_row("", "prevalence", self.bounded(seen, drawn, self.impossible), found, n)

    def noise(self, reading: str) -> Iterator[Row]:
        """Yield what a reader is seen to reach under the label, and what is left of it after correction."""
        seen = self.seen("auroc", reading, CORRECTED)
        factor, factors = self.factors
        area = float(corrected_auroc(seen.value, factor)), corrected_auroc(seen.replicates, factors)
        values = {"auroc": (seen, *area)}
        one, many = (
            corrected_counts(counts, noise)
            for counts, noise in zip(self.drawn.counts(*self.name, reading, CORRECTED), self.quality, strict=True)
        )
        broken = below_zero(one)
        for metric in RATES:
            of = METRICS[metric]
            values[metric] = self.seen(metric, reading, CORRECTED), float(of(one)), of(many)
        for metric, (seen, value, drawn) in values.items():
            before = self.bounded(seen.value, seen.replicates, seen.why)
            why = self.impossible or seen.why or (broken if metric != "auroc" else "")
            after = self.corrected(value, drawn, self.possible, why)
            yield self.noise_row(reading, metric, before, after, seen.n)

    def order(self, a: str, b: str) -> Iterator[Row]:
        """Yield by how much the AUROC of a is above that of b, under each truth that there is."""
        names: Row = {"reading_a": a, "reading_b": b} | self.asked.names | {"source": self.asked.source}
        sides = {COHORT: COHORT, BETTER: BETTER} if self.found else {}
        for truth, tasks in (sides | {WITHOUT: CORRECTED}).items():
            one, other = (self.seen("auroc", reading, tasks) for reading in (a, b))
            value, drawn = one.value - other.value, one.replicates - other.replicates
            yield names | {"truth": truth} | cells_of(self.bounded(value, drawn, one.why)) | one.n
        factor, factors = self.factors
        beyond = [not 0 <= corrected_auroc(seen.value, factor) <= 1 for seen in (one, other)]
        why = self.impossible or one.why or (BEYOND if any(beyond) else "")
        found = corrected_difference(value, drawn, factor, factors, self.possible, level=self.level, why=why)
        yield names | {"truth": CORRECTED} | cells_of(found) | one.n

    # --- the quality of the label ---

    @cached_property
    def quality(self) -> tuple[LabelNoise, LabelNoise]:
        """The label's sensitivity and specificity, observed and in replicates; the same in all where stated."""
        if self.asked.noise is not None:
            stated = LabelNoise(*self.asked.noise)
            return stated, stated
        one, many = (
            LabelNoise(METRICS["sensitivity"](counts), METRICS["specificity"](counts))
            for counts in self.drawn.counts(*self.name, AGREEMENT_ROWS)
        )
        return one, many

    @cached_property
    def share(self) -> tuple[float, Floats]:
        """The share labelled ill among reported images without a better truth, observed and in replicates."""
        one, many = self.drawn.counts(*self.name, SHARE)
        n, drawn = one.fn + one.tn, many.fn + many.tn
        return one.fn / n if n else nan, np.divide(many.fn, drawn, out=np.full(len(drawn), nan), where=drawn > 0)

    @cached_property
    def factors(self) -> tuple[float, Floats]:
        """By how much the errors pull an AUROC towards 0.5, observed and in replicates."""
        return float(purity(self.share[0], self.quality[0])), purity(self.share[1], self.quality[1])

    @cached_property
    def possible(self) -> NDArray[np.bool_]:
        """In which replicates labels of that quality can have given that share."""
        return possible(self.share[1], self.quality[1])

    @property
    def impossible(self) -> str:
        """Why nothing can be corrected; empty where it can."""
        if isnan(self.share[0]):
            return "every reported image has a better truth"
        return why_impossible(self.share[0], self.quality[0])

    def corrected(self, value: float, drawn: Floats, can_be: NDArray[np.bool_], why: str) -> Estimate:
        """Return a corrected rate, or why there is none."""
        if why:
            return Estimate.undefined(why, level=self.level, method="bootstrap")
        return corrected_estimate(value, drawn, can_be, level=self.level)

    def noise_row(self, reading: str, metric: str, before: Estimate, after: Estimate, n: Row) -> Row:
        """Return a row of what is seen and what is left after correction."""
        seen = {f"seen{end}": interval(before)[of] for end, of in (("", "value"), ("_low", "low"), ("_high", "high"))}
        rates = [None if isnan(rate) else float(rate) for rate in self.quality[0].arrays]
        of = dict(zip(("label_sensitivity", "label_specificity"), rates, strict=True))
        names = self.row(reading) | {"source": self.asked.source, "metric": metric}
        return names | seen | cells_of(after) | of | n


def predictive(counts: Counts) -> Floats:
    """Return PPV + NPV - 1 of labels against a better truth."""
    return METRICS["ppv"](counts) + METRICS["npv"](counts) - 1


def below_zero(counts: Counts) -> str:
    """Return why corrected counts cannot be; empty where none is below 0."""
    names = {
        "tp": "ill and called",
        "fp": "healthy and called",
        "fn": "ill and not called",
        "tn": "healthy and not called",
    }
    below = [kind for cell, kind in names.items() if getattr(counts, cell) < -1e-9]
    if not below:
        return ""
    return f"the correction leaves fewer than 0 images {below[0]}: {NOT_ALONE}"


def undefined(metric: str, counts: Counts) -> str:
    """Return why a metric of agreement has no value."""
    needed = {
        "sensitivity": ("truly ill", counts.tp + counts.fn),
        "specificity": ("truly healthy", counts.fp + counts.tn),
        "ppv": ("labelled ill", counts.tp + counts.fp),
        "npv": ("labelled healthy", counts.fn + counts.tn),
    }
    if metric in needed:
        kind, n = needed[metric]
        return "" if n else f"no image is {kind}"
    return "label and better truth are all ill, or all healthy: no kappa"


def cells_of(estimate: Estimate) -> Row:
    """Return an estimate as the cells of a row."""
    return interval(estimate) | {"level": estimate.level, "method": estimate.method}
