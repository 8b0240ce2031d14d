"""Checks of two readers on the same images, of many tests at once, and of several runs of one recipe."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.material import Check, Cohort
from overread.stats import multiplicity, paired, runs
from overread.stats.matched import matched_auroc_difference
from overread.stats.paired import Comparison, McNemarTest

P_VALUES = (0.01, 0.04, 0.03, 0.005, 0.2, 0.011)
RUNS, OTHERS = (0.80, 0.83, 0.81, 0.84), (0.77, 0.74, 0.80)
SPREAD = np.full((7, 7), 2e-5) + np.eye(7) * 3e-5


def delong(cohort: Cohort) -> Comparison:
    """Compare the AUROCs of the two readers by DeLong's test."""
    return paired.auroc_difference_delong(cohort.ill, cohort.a, cohort.b)


def obuchowski(cohort: Cohort) -> ArrayLike:
    """Compare them with patients as clusters."""
    found = paired.auroc_difference_obuchowski(cohort.ill, cohort.a, cohort.b, cohort.patient)
    return [found.difference, found.low, found.high, found.p]


def mcnemar(cohort: Cohort, test: McNemarTest) -> float:
    """Compare the sensitivities by McNemar's test."""
    ill = cohort.ill == 1
    return paired.mcnemar(cohort.called_a[ill], cohort.called_b[ill], test=test).p


def newcombe(cohort: Cohort) -> ArrayLike:
    """Return Newcombe's interval of the printed example: 59, 6, 16 and 80 patients."""
    first, second = [1] * 65 + [0] * 96, [1] * 59 + [0] * 6 + [1] * 16 + [0] * 80
    found = paired.mcnemar(first, second)
    return [found.difference, found.low, found.high]


def newcombe_calls(cohort: Cohort) -> ArrayLike:
    """Return Newcombe's interval of the difference of the two sensitivities."""
    ill = cohort.ill == 1
    found = paired.mcnemar(cohort.called_a[ill], cohort.called_b[ill])
    return [found.difference, found.low, found.high]


def clustered(cohort: Cohort) -> Comparison:
    """Compare the sensitivities with patients as the unit."""
    ill = cohort.ill == 1
    return paired.mcnemar_clustered(cohort.called_a[ill], cohort.called_b[ill], cohort.patient[ill])


def matched(cohort: Cohort) -> ArrayLike:
    """Compare marked with unmarked positives of the same patients."""
    found = matched_auroc_difference(cohort.ill, cohort.a, cohort.patient, cohort.mark == 1)
    return [found.a, found.b, found.difference, found.low, found.high, found.p]


def equivalence(cohort: Cohort) -> ArrayLike:
    """Test equivalence with a margin."""
    found = paired.equivalence(0.004, 0.003, margin=0.01)
    return [found.p_not_worse, found.p_not_better, found.low, found.high]


def recipe_mean(cohort: Cohort) -> ArrayLike:
    """Return the mean over runs."""
    found = runs.recipe_mean(RUNS, SPREAD[:4, :4])
    return [found.value, found.low, found.high, found.degrees_of_freedom]


def recipe_difference(cohort: Cohort) -> ArrayLike:
    """Compare two recipes."""
    found = runs.recipe_difference(RUNS, OTHERS, SPREAD)
    return [found.difference, found.low, found.high, found.degrees_of_freedom, found.p]


CHECKS = (
    Check(
        "difference_delong",
        "paired.auroc_difference_delong",
        lambda c: [(d := delong(c)).a, d.b, d.z, d.p],
    ),
    Check(
        "difference_delong_interval",
        "paired.auroc_difference_delong",
        lambda c: [(d := delong(c)).low, d.high],
    ),
    Check("difference_obuchowski", "paired.auroc_difference_obuchowski", obuchowski),
    Check("mcnemar_exact", "paired.mcnemar", lambda c: mcnemar(c, "exact")),
    Check("mcnemar_chi_square", "paired.mcnemar", lambda c: mcnemar(c, "chi-square")),
    Check("mcnemar_corrected", "paired.mcnemar", lambda c: mcnemar(c, "chi-square corrected")),
    Check("newcombe", "paired.mcnemar", newcombe),
    Check("newcombe_calls", "paired.mcnemar", newcombe_calls),
    Check("newcombe_printed", "paired.mcnemar", newcombe, tolerance=0.006, reason="printed to four decimals"),
    Check(
        "mcnemar_clustered",
        "paired.mcnemar_clustered",
        lambda c: [(d := clustered(c)).difference, d.low, d.high],
    ),
    Check("mcnemar_clustered_p", "paired.mcnemar_clustered", lambda c: clustered(c).p),
    Check("matched_auroc_difference", "matched.matched_auroc_difference", matched),
    Check("holm", "multiplicity.holm", lambda c: multiplicity.holm(P_VALUES)),
    Check("equivalence", "paired.equivalence", equivalence),
    Check(
        "smallest_detectable_difference",
        "paired.smallest_detectable_difference",
        lambda c: paired.smallest_detectable_difference(0.005),
    ),
    Check("recipe_mean", "runs.recipe_mean", recipe_mean),
    Check("recipe_difference", "runs.recipe_difference", recipe_difference),
)
