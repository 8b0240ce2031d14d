"""Checks of strata, of what would hold elsewhere, and of what wrong labels do."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.counts import counts_a
from overread.selfcheck.discrimination import bootstrap
from overread.selfcheck.material import FLAT, SEARCH, Check, Cohort
from overread.stats import label_noise, strata, transport
from overread.stats.label_noise import LabelNoise
from overread.stats.operating_points import Counts
from overread.stats.strata import Strata

SHARES = (0.2, 0.5, 0.3)
NOISE = LabelNoise(0.8, 0.9)
EDGES = np.arange(1, 10) / 10 + 0.005  # between scores of two digits


def split(cohort: Cohort) -> tuple[Strata, Strata]:
    """Split the pairs of reader a by stratum: the images as they are, and in every replicate."""
    columns = cohort.ill[:, None], cohort.a[:, None]
    return strata.strata(bootstrap(cohort), *columns, cohort.stratum, 3, cohort.called_a[:, None])


def in_mix(cohort: Cohort) -> ArrayLike:
    """Return PPV and NPV in another mix of strata."""
    there = transport.in_mix(split(cohort)[0].counts, SHARES)
    return [float(transport.METRICS[name](there)[0, 0]) for name in ("ppv", "npv")]


def at_prevalence(cohort: Cohort) -> ArrayLike:
    """Return PPV, NPV, alarms and false alarms per true one at another prevalence."""
    there = transport.at_prevalence(counts_a(cohort), 0.05)
    names = ("ppv", "npv", "alarm_rate", "false_positives_per_true_positive")
    return [float(transport.METRICS[name](there)) for name in names]


def prevalence(cohort: Cohort) -> ArrayLike:
    """Return the prevalence under which scores seen elsewhere are likeliest, over ten bins."""

    def cells(scores: ArrayLike) -> ArrayLike:
        counted = np.bincount(transport.cells_of(scores, EDGES), minlength=10)
        return np.repeat(counted / transport.CELLS_PER_BIN, transport.CELLS_PER_BIN)

    ill = cohort.ill == 1
    return float(transport.estimated_prevalence(cells(cohort.a[ill]), cells(cohort.a[~ill]), cells(cohort.there)))


CHECKS = (
    Check("strata_parts", "strata.Strata.parts", lambda c: split(c)[0].parts.ravel()),
    Check("strata_within", "strata.Strata.auroc", lambda c: split(c)[0].auroc.ravel()),
    Check("strata_rest", "strata.Strata.rest_auroc", lambda c: split(c)[0].rest_auroc.ravel()),
    Check("strata_precision", "strata.Strata.precision", lambda c: split(c)[0].precision.ravel()),
    Check("strata_balanced", "strata.Strata.balanced", lambda c: split(c)[0].balanced.ravel()),
    Check("strata_adjusted", "strata.Strata.adjusted", lambda c: split(c)[0].adjusted.ravel()),
    Check("bootstrap_strata", "strata.strata", lambda c: split(c)[1].auroc.ravel()),
    Check("in_mix", "transport.in_mix", in_mix),
    Check("at_prevalence", "transport.at_prevalence", at_prevalence),
    Check(
        "effective_sample_size",
        "transport.effective_sample_size",
        lambda c: transport.effective_sample_size(np.bincount(c.stratum), SHARES),
    ),
    Check(
        "reweighted_intercept",
        "transport.reweighted_intercept",
        lambda c: transport.reweighted_intercept(c.ill, c.a, c.stratum, SHARES).value,
        tolerance=1e-8,
        reason=SEARCH,
    ),
    Check(
        "estimated_prevalence",
        "transport.estimated_prevalence",
        prevalence,
        tolerance=1e-6,
        reason=FLAT,
    ),
    Check(
        "true_prevalence",
        "label_noise.true_prevalence",
        lambda c: [
            float(label_noise.true_prevalence(0.17, NOISE)),
            float(label_noise.true_prevalence(0.3, LabelNoise(0.85, 0.95))),
        ],
    ),
    Check(
        "seen_counts",
        "label_noise.seen_counts",
        lambda c: [float(cell) for cell in label_noise.seen_counts(Counts(90, 90, 10, 810), NOISE).arrays()],
    ),
    Check("cell_edges", "transport.cell_edges", lambda c: transport.cell_edges(c.ill, c.a, cells=4)),
    Check("purity", "label_noise.purity", lambda c: float(label_noise.purity(0.17, NOISE))),
    Check(
        "corrected_counts",
        "label_noise.corrected_counts",
        lambda c: [float(cell) for cell in label_noise.corrected_counts(Counts(81, 99, 89, 731), NOISE).arrays()],
    ),
    Check(
        "corrected_auroc",
        "label_noise.corrected_auroc",
        lambda c: float(label_noise.corrected_auroc(0.8, label_noise.purity(0.17, NOISE))),
    ),
)
