"""Checks of several readers' agreement, of what a printed AUROC is worth, and of where heat maps lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.discrimination import bootstrap, numbers
from overread.selfcheck.material import Check, Cohort, Floats
from overread.stats import auroc_from_counts, localisation, rank_correlation, rater_agreement, similarity
from overread.stats.localisation import Grid
from overread.stats.sign_test import sign_test

DETECTED, DRAWN = ((1, 1, 6, 6), (4, 4, 5, 5)), ((2, 2, 8, 7), (0, 5, 3, 12))
GRID = Grid.regular(16, 20, left=0, top=0, width=20, height=16)


def votes(cohort: Cohort) -> tuple[int, float, float, int]:
    """Return what agreement follows from: three readers who call, the label among them."""
    called = (cohort.ill == 1).astype(np.int64) + cohort.called_a + cohort.called_b
    return len(called), float(called.sum()), float((called**2).sum()), 3


def picture(scores: Floats) -> Floats:
    """Return scores laid out as a map."""
    return scores[:320].reshape(16, 20)


def boxes(cohort: Cohort) -> ArrayLike:
    """Return the boxes of a map in a fixed order."""
    found = localisation.boxes_of_map(picture(cohort.a), GRID)
    return np.array(sorted(found.tolist())).ravel()


CHECKS = (
    Check(
        "observed_agreement",
        "rater_agreement.observed_agreement",
        lambda c: float(rater_agreement.observed_agreement(*votes(c))),
    ),
    Check("fleiss_kappa", "rater_agreement.fleiss_kappa", lambda c: float(rater_agreement.fleiss_kappa(*votes(c)))),
    Check("gwet_ac1", "rater_agreement.gwet_ac1", lambda c: float(rater_agreement.gwet_ac1(*votes(c)))),
    Check(
        "krippendorff_alpha",
        "rater_agreement.krippendorff_alpha",
        lambda c: float(rater_agreement.krippendorff_alpha(*votes(c))),
    ),
    Check(
        "hanley_mcneil",
        "auroc_from_counts.hanley_mcneil",
        lambda c: numbers(auroc_from_counts.hanley_mcneil(0.893, 51, 58)),
    ),
    Check(
        "largest_variance",
        "auroc_from_counts.largest_variance",
        lambda c: numbers(auroc_from_counts.largest_variance(0.893, 51, 58)),
    ),
    Check("spearman", "rank_correlation.spearman", lambda c: rank_correlation.spearman(c.a, c.b)),
    Check(
        "bootstrap_spearman",
        "rank_correlation.spearman_replicates",
        lambda c: rank_correlation.spearman_replicates(c.a, c.b, c.patient, bootstrap(c)),
    ),
    Check("sign_test", "sign_test.sign_test", lambda c: sign_test(c.called_a.astype(np.int64) - c.called_b, c.patient)),
    Check("ssim", "similarity.ssim", lambda c: similarity.ssim(picture(c.a), picture(c.b))),
    Check("iou", "localisation.iou", lambda c: localisation.iou(DETECTED, DRAWN).ravel()),
    Check("iobb", "localisation.iobb", lambda c: localisation.iobb(DETECTED, DRAWN).ravel()),
    Check("boxes_of_map", "localisation.boxes_of_map", boxes),
    Check(
        "heat_in_box",
        "localisation.located",
        lambda c: localisation.located(picture(c.a), GRID, [[1.5, 1.0, 12.5, 8.5]]).heat,
    ),
)
