"""What was done, in paragraphs that can be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

import polars as pl

from overread.analyses.options import Options
from overread.records.study import Study


def methods(
    tables: Mapping[str, pl.DataFrame], study: Study, readings: Sequence[str], floor: str | None, options: Options
) -> tuple[str, ...]:
    """Return the methods section as paragraphs, true of this very report."""
    return tuple(
        " ".join(paragraph)
        for sentences in (
            population(study, readings, options),
            discrimination(options),
            thresholds(tables["thresholds"], study, readings, options),
            uncertainty(study, options),
            compared(readings, options),
            failures(options),
            labels_judged(options),
            further(floor),
        )
        if (paragraph := tuple(sentences))
    )


def population(study: Study, readings: Sequence[str], options: Options) -> Iterator[str]:
    """Say on what the readings were evaluated."""
    patients = f"{study.n_patients:,} patients" if study.patients_known else "an unknown number of patients"
    yield (
        f"{len(readings)} reading{'s were' if len(readings) > 1 else ' was'} evaluated on {study.n_images:,} images of "
        f"{patients} from the cohort {study.cohort.name} (rows reported: {options.split}), for "
        f"{len(study.findings)} finding{'s' if len(study.findings) > 1 else ''}."
    )
    if len(readings) > 1:
        yield "All readings were evaluated on the same images."
    yield "Images on which a finding was not assessed were left out for that finding."


def discrimination(options: Options) -> Iterator[str]:
    """Say how discrimination was measured."""
    yield (
        "Discrimination was measured by the area under the ROC curve (AUROC; the share of pairs of an ill and a healthy "
        "image in the right order, ties counting half) and by average precision (the sum of precision times the step in "
        "recall over distinct scores, without interpolation)."
    )
    yield (
        "Means over findings are unweighted unless stated; odds and likelihood ratios were averaged on the log scale. No "
        "AUROC was pooled over findings."
    )


def thresholds(table: pl.DataFrame, study: Study, readings: Sequence[str], options: Options) -> Iterator[str]:
    """Say how operating points were chosen, and on which rows."""
    yield "A score counted as positive at or above the operating point of its finding."
    chosen_on = set(table.filter(pl.col("reading").is_in(list(readings)))["chosen_on"])
    if chosen_on == {"given"}:
        yield f"Operating points were given in advance ({options.operating_point if options.rule else 'a table'})."
        return
    yield {
        "youden": (
            "Operating points were chosen by Youden's index (1950): the observed score with the largest sensitivity + "
            "specificity - 1, of equals the lowest."
        ),
        "sensitivity": f"Operating points were the highest observed score with a sensitivity of at least {options.rule and options.rule.value}.",
        "specificity": f"Operating points were the lowest observed score with a specificity of at least {options.rule and options.rule.value}.",
    }[options.rule.kind if options.rule else "youden"]
    if "val rows" in chosen_on:
        yield "They were chosen on the validation rows, none of which is reported."
        if study.tuning is not None and study.tuning.own:
            yield "The readings did not share these rows: the operating points of each were chosen on its own."
    else:
        yield (
            "As there were no validation rows, they were cross-fitted by patient: patients were dealt into two folds, and "
            "the operating point of each fold was chosen on the other."
        )


def uncertainty(study: Study, options: Options) -> Iterator[str]:
    """Say how intervals were made."""
    unit = "patients" if study.patients_known else "images (patients are not known)"
    level = f"{options.level:.4g}"
    yield (
        f"Intervals at level {level} are percentile intervals of {options.replicates:,} bootstrap replicates in which "
        f"{unit} were resampled with replacement (seed {options.seed}); the same replicates served every reading and metric."
    )
    yield (
        "Operating points were chosen anew in each replicate."
        if options.rechoose
        else "Operating points were held in the replicates, as a device in use holds them."
    )
    yield (
        "Beside them stand, for the AUROC, the intervals of Obuchowski (1997), with patients as clusters, and of DeLong et "
        "al. (1988), which takes images for independent; Wilson's interval (1927) for proportions; and the interval on the "
        "log scale for odds and likelihood ratios, likewise for independent images. An odds ratio with an empty cell had 0.5 "
        "added to all four."
    )


def compared(readings: Sequence[str], options: Options) -> Iterator[str]:
    """Say how readings were compared; nothing of a single one."""
    if len(readings) < 2:
        return
    against = f"with {options.baseline}" if options.baseline else "in pairs"
    yield (
        f"Readings were compared {against}, a - b: every metric by the paired bootstrap, the same patients drawn for both, the "
        "AUROC besides by Obuchowski's test (1997) with patients as clusters, sensitivity and specificity by McNemar's test, "
        "plain and clustered by patient (Obuchowski 1998). Odds and likelihood ratios were compared as the ratio a / b."
    )
    yield (
        "P-values are two-sided and adjusted by Holm's method (1979): over findings within each pair, metric and test, and "
        "for means over findings over the pairs within each metric. Intervals are not adjusted. The smallest detectable difference is that of a two-sided test with a power of 80 %."
    )
    if options.margins:
        margins = ", ".join(f"{metric} {margin:g}" for metric, margin in options.margins.items())
        yield f"Non-inferiority and equivalence were tested by two one-sided tests within stated margins ({margins})."
    yield (
        "The exchange rate is the number of healthy people referred more for each ill person found more, with Fieller's "
        "interval by patient. Net benefit is that of Vickers and Elkin (2006), with scores taken for probabilities."
    )


def failures(options: Options) -> Iterator[str]:
    """Say how subgroups, the sources of the AUROC, calibration and shortcuts were looked at; nothing where not."""
    if options.by or options.thorough:
        yield (
            "Each subgroup was compared with all other images whose attribute is known, the same patients drawn for both; "
            "p-values from the bootstrap's standard error and Student's t, with a degree of freedom less than the patients "
            "of the smaller side, adjusted by Holm's method over subgroups and findings within an "
            "attribute and metric. Underdiagnosis is the share of ill images on which no finding is called (Seyyed-Kalantari et "
            "al. 2021). The AUROC was split by the stratum of the ill and of the healthy image; the balanced AUROC is that of "
            "pairs of two patients within a stratum, weighted by their number."
        )
    if options.thorough:
        yield (
            "Calibration was measured by the Brier score, by intercept (slope held at 1) and slope of a logistic regression on "
            "the logit of the score, with a sandwich variance by patient, and by the expected calibration error over 10 bins of "
            "equal mass; recalibration (Platt, isotonic, temperature) was fitted on rows that are not reported, or cross-fitted "
            "by patient."
        )
        yield (
            "Skill is the share of the way from the AUROC of a reader that sees no image to 1. Attributes were predicted from all "
            "scores, and from the labels, by logistic regression in two folds by patient. Positives were compared by tag, and "
            "later with first positives, against all negatives and within the same patients, adjusted by Holm's method over "
            "findings (for tags over findings and metrics)."
        )


def labels_judged(options: Options) -> Iterator[str]:
    """Say how the labels were judged; nothing where neither a better truth nor a size of noise was given."""
    if options.adjudicated is not None:
        yield (
            "The cohort's labels were compared with a better truth on all images that have both (sensitivity, specificity, "
            "predictive values, Cohen's kappa; hedged answers left out), and the readings under both truths on those reported. "
            "Where a label stands for several findings, it is present where one of them is, and a reading's score is the "
            "largest of theirs. Whether errors follow the image was read from the AUROC of the scores between labelled and other "
            "images of one truth."
        )
    if options.adjudicated is not None or options.label_noise:
        yield (
            "On images without a better truth, results were corrected for label errors taken to be independent of the image "
            "(Rogan and Gladen 1978; Staquet et al. 1981; for the AUROC, Menon et al. 2015); patients of both samples were "
            "resampled together."
        )


def further(floor: str | None) -> Iterator[str]:
    """Say how the remaining analyses and the floor were made, and with what."""
    yield (
        "Loss is binary cross-entropy averaged over findings, then over images. Mean activations and differential AUROCs are "
        "over images that carry exactly one label. An image counts as healthy when every finding was assessed and absent."
    )
    if floor is not None:
        yield (
            f"The blind reader ({floor}) is gradient-boosted trees (scikit-learn) on age, gender and view, fitted for each "
            "finding on training rows of patients who are not reported."
        )
    yield f"Computed with overread {version('overread')}."
