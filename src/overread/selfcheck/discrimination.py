"""Checks of areas, curves, thresholds, and the bootstrap that resamples them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.material import Check, Cohort
from overread.stats import discrimination, rechoosing, resampling
from overread.stats.estimate import Estimate
from overread.stats.operating_points import Counts, Rule
from overread.stats.resampling import PatientBootstrap, Ranked, Ranking


def numbers(estimate: Estimate) -> list[float]:
    """Return value, low, high."""
    return [estimate.value, estimate.low, estimate.high]


def roc(cohort: Cohort) -> ArrayLike:
    """Return sensitivities, then specificities, from the highest threshold to the lowest."""
    curve = discrimination.roc_curve(cohort.ill, cohort.a)
    return np.append(curve.sensitivity, curve.specificity)


def precision_recall(cohort: Cohort) -> ArrayLike:
    """Return precisions, then recalls, from the highest threshold to the lowest."""
    curve = discrimination.precision_recall_curve(cohort.ill, cohort.a)
    return np.append(curve.precision, curve.recall)


def bootstrap(cohort: Cohort) -> PatientBootstrap:
    """Return as many replicates as have references, in one thread."""
    return PatientBootstrap(cohort.patient, replicates=cohort.draws.shape[1], seed=0, threads=1)


def ranked(cohort: Cohort) -> Ranked:
    """Return the metrics of reader a in every replicate."""
    ranking = Ranking.of(cohort.ill[:, None], cohort.a[:, None], cohort.patient, cohort.called_a[:, None])
    return bootstrap(cohort).ranked(ranking)


def observed(cohort: Cohort) -> ArrayLike:
    """Return the areas of both readers by the bootstrap's own arithmetic, without a replicate."""
    labels, scores = np.stack([cohort.ill] * 2, 1), np.stack([cohort.a, cohort.b], 1)
    return resampling.observed(Ranking.of(labels, scores, cohort.patient)).auroc[0]


def flat(counts: Counts) -> ArrayLike:
    """Return tp, fp, fn, tn of one finding, replicate after replicate."""
    return np.stack([cell[:, 0] for cell in counts.arrays()], 1).ravel()


def bootstrap_counts(cohort: Cohort) -> ArrayLike:
    """Return the four counts in every replicate."""
    of = ranked(cohort)
    return flat(Counts(of.tp, of.fp, of.fn, of.tn))


def bootstrap_sums(cohort: Cohort) -> ArrayLike:
    """Return the mean score of reader a in each half, in every replicate."""
    weights, sums = bootstrap(cohort).grouped_sums(cohort.a[:, None], cohort.half, 2)
    return (sums[..., 0] / weights).ravel()


def cross_fitted(cohort: Cohort) -> ArrayLike:
    """Return the counts at Youden's threshold of the other half, chosen anew in every replicate."""
    columns = cohort.ill[:, None], cohort.a[:, None]
    return flat(rechoosing.cross_fitted(bootstrap(cohort), *columns, cohort.half, Rule("youden")))


CHECKS = (
    Check(
        "auroc",
        "discrimination.auroc",
        lambda c: [discrimination.auroc(c.ill, c.a), discrimination.auroc(c.ill, c.b)],
    ),
    Check("auroc", "resampling.observed", observed),
    Check(
        "auroc_delong",
        "discrimination.auroc_delong",
        lambda c: [(e := discrimination.auroc_delong(c.ill, c.a)).low, e.value, e.high],
    ),
    Check(
        "auroc_delong_90",
        "discrimination.auroc_delong",
        lambda c: [(e := discrimination.auroc_delong(c.ill, c.b, level=0.9)).low, e.value, e.high],
    ),
    Check("placements", "discrimination.placements", lambda c: discrimination.placements(c.ill, c.a)[0][:5]),
    Check(
        "auroc_obuchowski",
        "discrimination.auroc_obuchowski",
        lambda c: numbers(discrimination.auroc_obuchowski(c.ill, c.a, c.patient)),
    ),
    Check(
        "auroc_obuchowski_one_image_each",
        "discrimination.auroc_obuchowski",
        lambda c: [(e := discrimination.auroc_obuchowski(c.ill, c.a, np.arange(len(c.a)))).low, e.value, e.high],
    ),
    Check(
        "average_precision",
        "discrimination.average_precision",
        lambda c: [discrimination.average_precision(c.ill, c.a), discrimination.average_precision(c.ill, c.b)],
    ),
    Check("roc_curve", "discrimination.roc_curve", roc),
    Check("precision_recall_curve", "discrimination.precision_recall_curve", precision_recall),
    Check("youden", "operating_points.Rule", lambda c: Rule("youden").choose(c.ill, c.a)),
    Check("threshold_sensitivity", "operating_points.Rule", lambda c: Rule("sensitivity", 0.9).choose(c.ill, c.a)),
    Check("threshold_specificity", "operating_points.Rule", lambda c: Rule("specificity", 0.8).choose(c.ill, c.a)),
    Check("bootstrap_auroc", "resampling.PatientBootstrap", lambda c: ranked(c).auroc.ravel()),
    Check("bootstrap_average_precision", "resampling.PatientBootstrap", lambda c: ranked(c).average_precision.ravel()),
    Check("bootstrap_counts", "resampling.PatientBootstrap", bootstrap_counts),
    Check("bootstrap_sums", "resampling.PatientBootstrap", bootstrap_sums),
    Check("cross_fitted", "rechoosing.cross_fitted", cross_fitted),
    Check(
        "percentile",
        "resampling.percentile",
        lambda c: numbers(resampling.percentile(0.3, np.linspace(0.2, 0.9, 41) ** 2, level=0.9))[1:],
    ),
)
