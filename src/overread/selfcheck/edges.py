"""Checks at the edges: empty cells, rates of 0 and 1, tied replicates, bounds that are cut off, and what has no value.

A statistic without a value is checked as one: 1 stands for "there is none", 0 for "there is one".
"""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.counts import counts_a
from overread.selfcheck.discrimination import bootstrap, numbers
from overread.selfcheck.material import FLAT, ROOT, SEARCH, Check, Cohort, Floats
from overread.stats import (
    agreement,
    averages,
    calibration,
    clustered_shares,
    decision_curves,
    discrimination,
    equal_rates,
    exchange,
    label_noise,
    multiplicity,
    operating_points,
    paired,
    resampling,
    runs,
    strata,
    transport,
)
from overread.stats.label_noise import LabelNoise
from overread.stats.localisation import (
    IOBB_THRESHOLDS,
    IOU_THRESHOLDS,
    THRESHOLDS,
    TOLERANCE,
    Grid,
    boxes_of_map,
    ceiling,
    centre_map,
    frequent_map,
    located,
    mean_box_map,
    skill,
)
from overread.stats.operating_points import METRICS, Counts, Rule
from overread.stats.own_pairs import own_pairs, squared_sums
from overread.stats.paired import Comparison
from overread.stats.wald import p_of_clusters

STEPS = np.arange(41)
WAVE = np.round(0.77 + 0.02 * np.sin(STEPS), 2)
OTHER = np.round(0.745 + 0.015 * np.cos(3 * STEPS), 2)
NOISE = LabelNoise(0.8, 0.9)
CELLS = Counts(np.array([20, 0, 5, 3]), np.array([0, 4, 6, 2]), np.array([10, 3, 0, 1]), np.array([30, 8, 2, 0]))
HARD = np.array([0.999, 0.9995, 0.02, 0.001, 0.3, 0.0, 1.0, 0.6, 0.4, 0.9999, 0.0001, 0.97])
TRUE = np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1])
PART, WHOLE = [0.9, 0.95, 0.8, 0.7, 0.2, 0.1], [0.6, 0.9, 0.4, 0.7, 0.5, 0.3]
GRID = Grid.regular(4, 5, left=10, top=0, width=20, height=8)


def compared(found: Comparison) -> list[float]:
    """Return difference, low, high, p, standard error."""
    return [found.difference, found.low, found.high, found.p, found.standard_error]


def by_replicates(a: Floats, b: Floats, *, ratio: bool = False) -> list[float]:
    """Compare two means by their replicates."""
    return compared(paired.bootstrap_comparison(a.mean(), b.mean(), a, b, ratio=ratio))


def with_some_undefined(cohort: Cohort) -> list[float]:
    """Compare by ratios, of which some are not defined."""
    first, second = np.append(WAVE, [0.8, nan]), np.append(OTHER, [0.0, 0.7])
    return compared(paired.bootstrap_comparison(0.76, 0.75, first, second, ratio=True))


def small(cohort: Cohort) -> list[float]:
    """Compare two readers on six images, where the interval would pass 1."""
    return compared(paired.auroc_difference_delong([1, 1, 1, 0, 0, 0], PART, WHOLE[::-1]))


def alike(cohort: Cohort) -> list[float]:
    """Compare a reader with itself, and two without a disagreement."""
    itself = paired.auroc_difference_delong(cohort.ill, cohort.a, cohort.a)
    return [itself.p, itself.low, itself.high, paired.mcnemar([1, 1, 0], [1, 1, 0]).p]


def reliability(cohort: Cohort) -> ArrayLike:
    """Return the bounds of the rates of positives, bin by bin."""
    curve = calibration.reliability(cohort.ill, cohort.a, cohort.patient, bins=12)
    return np.array([[rate.low, rate.high] for rate in curve.rate]).ravel()


def hard(cohort: Cohort) -> ArrayLike:
    """Fit intercept and slope where scores are 0 and 1, and one of them is badly wrong."""
    return calibration.logistic_calibration(TRUE, HARD).coefficients


def equal(cohort: Cohort, held: str) -> ArrayLike:
    """Return the rates of a model at the rate of a reader who calls, as they are and in every replicate."""
    found = equal_rates.equal_rates(
        bootstrap(cohort),
        np.arange(len(cohort.ill)),
        cohort.ill.astype(np.int8),
        cohort.a,
        cohort.called_b,
        cohort.half.astype(np.int8),
        held=held,
    )
    values = [[side[name] for side in (found.model, found.reader)] for name in equal_rates.HELD]
    drawn = [[side[name] for side in (found.model_replicates, found.reader_replicates)] for name in equal_rates.HELD]
    return np.column_stack([np.ravel(values), np.reshape(drawn, (4, -1))]).T.ravel()


def corrected(cohort: Cohort) -> list[float]:
    """Return a corrected share with its interval, cut off at 1, with one replicate left out."""
    drawn = np.append(np.linspace(0.8, 1.1, 99), 7.0)
    return numbers(label_noise.corrected_estimate(0.97, drawn, np.arange(100) < 99))


def corrected_difference(cohort: Cohort) -> list[float]:
    """Return a corrected difference with its interval, with one replicate left out."""
    drawn, factors = np.append(np.linspace(-0.01, 0.04, 99), 7.0), np.append(np.linspace(0.4, 0.6, 99), 0.5)
    return numbers(label_noise.corrected_difference(0.015, drawn, 0.5, factors, np.arange(100) < 99))


def dealt(cohort: Cohort) -> ArrayLike:
    """Deal patients into halves."""
    return operating_points.folds([5, 5, 7, 7, 7, 9, 11, -3, 2**40, 12], seed=3)


def maps(cohort: Cohort) -> ArrayLike:
    """Return the maps that see no image: of the centre, of how often and how long a place was boxed."""
    drawn = np.array([[11.0, 1, 19, 5], [15, 0, 27, 3]])
    made = (centre_map(GRID), frequent_map(GRID, drawn), mean_box_map(GRID, drawn))
    return np.concatenate([np.ravel(each) for each in made])


def undefined(cohort: Cohort) -> ArrayLike:
    """Return 1 for each statistic that has no value where one kind of image, or all of them, is missing."""
    none, every = np.zeros(5, np.int64), np.ones(5, np.int64)
    scores, patients = np.linspace(0.1, 0.9, 5), np.arange(5)
    healthy, ill = Counts(0, 3, 0, 7), Counts(4, 0, 6, 0)
    values = [
        discrimination.auroc(none, scores),
        discrimination.auroc(every, scores),
        discrimination.average_precision(none, scores),
        discrimination.auroc_delong(every, scores).low,
        discrimination.auroc_obuchowski(none, scores, patients).low,
        *(float(METRICS[name](healthy)) for name in ("sensitivity", "f1", "dor", "lr_positive", "lr_negative")),
        *(float(METRICS[name](ill)) for name in ("specificity", "dor", "lr_positive", "lr_negative")),
        float(METRICS["ppv"](Counts(0, 0, 3, 4))),
        float(METRICS["npv"](Counts(3, 4, 0, 0))),
        float(agreement.kappa(Counts(5, 0, 0, 0))),
        float(agreement.kappa(Counts(0, 0, 0, 0))),
        calibration.calibration_in_the_large(every, scores).coefficients[0],
        calibration.logistic_calibration(none, scores).coefficients[1],
        calibration.logistic_calibration([0, 0, 0, 1, 1], scores).coefficients[1],
        calibration.logistic_calibration([1, 1, 0, 0, 0], scores).coefficients[1],
        calibration.logistic_calibration([1, 0, 1, 0, 1], np.full(5, 0.3)).coefficients[1],
        calibration.temperature_fit([0, 0, 0, 1, 1], scores).coefficients[0],
        calibration.temperature_fit([1, 1, 1, 0, 0], scores).coefficients[0],
        calibration.temperature_fit([0, 1, 0, 1, 1], np.full(5, 0.5)).coefficients[0],
        float(exchange.net_benefit_threshold(-0.01)),
        exchange.fieller(1, 0.1, 0.01, 0.01, 0.0).low,
        exchange.fieller(1, 0, 0.01, 0.01, 0.0).value,
        exchange.rate_differences(none, none == 0, none == 1, patients).sensitivity,
        exchange.rate_differences(every, none == 0, none == 1, patients).specificity,
        paired.smallest_detectable_difference(0.0),
        paired.bootstrap_p([nan, nan]),
        operating_points.likelihood_ratio_positive(Counts(3, 0, 4, 5)).value,
        operating_points.likelihood_ratio_negative(Counts(3, 2, 0, 5)).low,
        clustered_shares.share_by_patient([], []).value,
        clustered_shares.share_by_patient([1, 0, 1], [4, 4, 4]).low,
        paired.mcnemar_clustered([1, 0, 1], [0, 0, 1], [4, 4, 4]).low,
        Rule("youden").choose(none, scores),
        Rule("sensitivity", 0.9).choose(none, scores),
        Rule("specificity", 0.9).choose(every, scores),
    ]
    return np.isnan(values).astype(float)


def defined(cohort: Cohort) -> ArrayLike:
    """Return values where little is left, and there is one all the same."""
    scores = np.linspace(0.1, 0.9, 5)
    return [
        float(exchange.net_benefit_threshold(0.0)),
        float(exchange.rate_at_threshold(1.0)),
        float(METRICS["f1"](Counts(0, 2, 3, 4))),
        float(METRICS["specificity"](Counts(0, 3, 0, 7))),
        float(METRICS["lr_negative"](Counts(3, 2, 0, 5))),
        paired.bootstrap_p(np.zeros(9)),
        discrimination.auroc([0, 0, 0, 0, 1], scores),
        averages.mean_over_findings([0.8, nan, 0.9], findings="abc")[0],
        calibration.ece([0, 0, 0, 0, 0], np.zeros(5)),
        calibration.ece([1, 1, 1, 1, 1], np.ones(5)),
        float(decision_curves.net_benefit(Counts(3, 2, 1, 4), 0.0)),
    ]


def places(cohort: Cohort) -> ArrayLike:
    """Return what a map with two hottest cells has in two drawn boxes, and what any map could."""
    heat = np.zeros((4, 5))
    heat[1, 2], heat[1, 4], heat[3, 0] = 5.0, 5.0, 2.0
    boxes = [[17.0, 1.0, 25.0, 5.0], [10.0, 5.0, 13.0, 8.0]]
    found, best = located(heat, GRID, boxes, tolerance=3.5), ceiling(GRID, boxes, tolerance=3.5)
    of = [[each.heat, each.pointing, each.pointing_near, each.iou, each.iobb] for each in (found, best)]
    return [*np.ravel(of), *found.false_iou, *found.false_iobb, *best.false_iou, *best.false_iobb]


def intercept_moves(cohort: Cohort) -> ArrayLike:
    """Return how a re-weighted intercept moves with the weight of each image and with the share of each stratum."""
    found = transport.reweighted_intercept(cohort.ill, cohort.a, cohort.stratum, (0.2, 0.5, 0.3))
    return np.append(found.influence[:12], found.by_share)


def shift(cohort: Cohort) -> ArrayLike:
    """Return the prevalence behind unlabelled scores, how far label shift is from explaining them, and its p."""
    ill, healthy = cohort.ill == 1, cohort.ill == 0
    counts = [shift_counts(scores) for scores in (cohort.a[ill], cohort.a[healthy], cohort.there)]
    drawn = [np.array([np.roll(count, 5 * k) + k for k in range(12)]) for count in counts]
    found = transport.score_shift((counts[0], counts[1], counts[2]), (drawn[0], drawn[1], drawn[2]), level=0.9)
    return [found.prevalence, found.distance, found.chance, found.p]


def shift_counts(scores: ArrayLike) -> Floats:
    """Count scores in twenty-five cells of the scale, five to a bin."""
    return np.bincount(transport.cells_of(scores, np.arange(1, 25) / 25 + 0.001), minlength=25).astype(np.float64)


def of_strata(cohort: Cohort) -> ArrayLike:
    """Return the area of all images from its parts, and the share of pairs in each part."""
    split = strata.strata(
        bootstrap(cohort), cohort.ill[:, None], cohort.a[:, None], cohort.stratum, 3, cohort.called_a[:, None]
    )
    return np.concatenate([split[0].total.ravel(), split[1].total.ravel(), split[0].shares.ravel()])


def alike_runs(cohort: Cohort) -> ArrayLike:
    """Return the mean over runs that lie closer together than the patients would have them, and over others."""
    made: list[float] = []
    for values in ((0.801, 0.802, 0.8015), (0.70, 0.95, 0.99)):
        found = runs.recipe_mean(values, np.full((3, 3), 2e-3) + np.eye(3) * 1e-3)
        made += [found.value, found.low, found.high, found.standard_error, found.sd_runs, found.sd_new_run]
    return made


def hottest(cohort: Cohort) -> ArrayLike:
    """Return the boxes of a map whose cells lie on Wang's thresholds and just below."""
    heat = np.array([[255.0, 0, 180, 0, 179], [0, 0, 0, 0, 0], [60, 0, 59, 0, 0], [0, 60, 0, 0, 255]])
    return np.array(sorted(boxes_of_map(heat, GRID).tolist())).ravel()


def tests_of_margins(cohort: Cohort) -> ArrayLike:
    """Return the p-value of two one-sided tests, and what each says at its level."""
    of = [paired.equivalence(difference, 0.003, margin=0.01) for difference in (0.004, -0.004, -0.007)]
    return np.ravel([[each.p_equivalent, each.not_worse, each.equivalent] for each in of])


def of_one_patient(cohort: Cohort) -> ArrayLike:
    """Return how many pairs of one patient are in the right order, how many there are, and both in every replicate."""
    n = len(cohort.draws)
    right, pairs = own_pairs(cohort.ill == 1, cohort.a, cohort.patient, n)
    drawn = squared_sums(bootstrap(cohort), np.stack([right, pairs], 1))
    return np.concatenate([right, pairs, drawn.ravel()])


def distances(cohort: Cohort) -> ArrayLike:
    """Return the interval of a sum of distances of which chance makes a part, and of one that chance alone may make."""
    chance = np.stack([np.sin(np.arange(200) * (k + 1.3)) for k in range(6)], 1) / 50
    apart = np.array([0.02, -0.01, 0.03, 0.0, -0.02, 0.01])
    return [
        *calibration.sum_of_distances_interval(apart, apart + chance),
        *calibration.sum_of_distances_interval(apart / 4, apart / 4 + chance, level=0.8),
    ]


CHECKS = (
    Check("own_pairs", "own_pairs.own_pairs, squared_sums", of_one_patient),
    Check(
        "p_of_clusters",
        "wald.p_of_clusters",
        lambda c: [p_of_clusters(z, n) for z, n in ((1.96, 12), (-3.0, 2), (0.5, 400))],
    ),
    Check(
        "sum_of_distances_interval",
        "calibration.sum_of_distances_interval",
        distances,
        tolerance=1e-6,
        reason="the reference steps along the factor",
    ),
    Check("boxes_on_thresholds", "localisation.boxes_of_map", hottest),
    Check(
        "constants",
        "localisation.THRESHOLDS, IOU_THRESHOLDS, IOBB_THRESHOLDS, TOLERANCE",
        lambda c: [*THRESHOLDS, *IOU_THRESHOLDS, *IOBB_THRESHOLDS, TOLERANCE],
    ),
    Check("equivalence_two_sided", "paired.equivalence", tests_of_margins),
    Check(
        "mcnemar_error",
        "paired.mcnemar",
        lambda c: paired.mcnemar([1] * 65 + [0] * 96, [1] * 59 + [0] * 6 + [1] * 16 + [0] * 80).standard_error,
    ),
    Check(
        "cells_of",
        "transport.cells_of",
        lambda c: transport.cells_of([0.1, 0.25, 0.3, 0.5, 0.75, 0.8], np.array([0.25, 0.5, 0.75])),
    ),
    Check(
        "reweighted_intercept_moves",
        "transport.reweighted_intercept",
        intercept_moves,
        tolerance=1e-5,
        reason="the reference takes differences of refits, and not their limit",
    ),
    Check(
        "reweighted_intercept_far",
        "transport.reweighted_intercept",
        lambda c: (
            transport.reweighted_intercept(
                [0, 1, 1, 1, 1, 1], [1e-6, 2e-5, 1e-5, 1e-4, 2e-6, 1e-3], [0, 0, 1, 1, 1, -1], [0.5, 0.5]
            ).value
        ),
        tolerance=1e-8,
        reason=ROOT,
    ),
    Check(
        "score_shift",
        "transport.score_shift",
        shift,
        tolerance=1e-5,
        reason=FLAT,
    ),
    Check("strata_total", "strata.Strata.total, shares", of_strata),
    Check("recipe_mean_alike", "runs.recipe_mean", alike_runs),
    Check(
        "percentile_with_undefined",
        "resampling.percentile",
        lambda c: numbers(resampling.percentile(0.3, np.append(np.linspace(0.1, 0.8, 41) ** 2, [nan] * 3), level=0.93)),
    ),
    Check("holm_capped", "multiplicity.holm", lambda c: multiplicity.holm([0.4, 0.5, 0.9, 0.03, 1.0, 0.0])),
    Check("bootstrap_difference", "paired.bootstrap_comparison, bootstrap_p", lambda c: by_replicates(WAVE, OTHER)),
    Check("bootstrap_difference_turned", "paired.bootstrap_comparison", lambda c: by_replicates(OTHER, WAVE)),
    Check("bootstrap_ratio", "paired.bootstrap_comparison", with_some_undefined),
    Check("difference_delong_cut_off", "paired.auroc_difference_delong", small),
    Check("alike", "paired.auroc_difference_delong, mcnemar", alike),
    Check(
        "newcombe_without_disagreement",
        "paired.mcnemar",
        lambda c: [(d := paired.mcnemar([1] * 10, [1] * 10)).low, d.high],
    ),
    Check("dor_with_and_without_empty_cells", "operating_points.METRICS", lambda c: METRICS["dor"](CELLS)),
    Check(
        "lr_positive",
        "operating_points.likelihood_ratio_positive",
        lambda c: numbers(operating_points.likelihood_ratio_positive(counts_a(c))),
    ),
    Check(
        "lr_negative",
        "operating_points.likelihood_ratio_negative",
        lambda c: numbers(operating_points.likelihood_ratio_negative(counts_a(c))),
    ),
    Check("folds", "operating_points.folds", dealt),
    Check("reliability_bounds", "calibration.reliability", reliability),
    Check(
        "calibration_hard",
        "calibration.logistic_calibration",
        hard,
        tolerance=1e-6,
        reason=SEARCH,
    ),
    Check("equal_sensitivity", "equal_rates.equal_rates", lambda c: equal(c, "sensitivity")),
    Check("equal_specificity", "equal_rates.equal_rates", lambda c: equal(c, "specificity")),
    Check("corrected_estimate", "label_noise.corrected_estimate", corrected),
    Check("corrected_difference", "label_noise.corrected_difference", corrected_difference),
    Check(
        "seen_auroc",
        "label_noise.seen_auroc",
        lambda c: float(label_noise.seen_auroc(0.83, label_noise.purity(0.17, NOISE))),
    ),
    Check(
        "possible",
        "label_noise.possible, why_impossible",
        lambda c: [
            *label_noise.possible([0.05, 0.099, 0.101, 0.5, 0.799, 0.801, 0.9], NOISE),
            *(not label_noise.why_impossible(share, NOISE) for share in (0.05, 0.099, 0.101, 0.5, 0.799, 0.801, 0.9)),
            *label_noise.possible([0.3, 0.5], LabelNoise(0.4, 0.6)),
        ],
    ),
    Check("image_blind_maps", "localisation.centre_map, frequent_map, mean_box_map", maps),
    Check("skill", "localisation.skill", lambda c: [skill(0.6, 0.2, 0.9), skill(0.1, 0.2, 0.9)]),
    Check("located", "localisation.located, ceiling", places),
    Check("undefined", "what has no value", undefined),
    Check("defined", "what has a value all the same", defined),
)
