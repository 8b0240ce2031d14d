"""Checks of what follows from printed, rounded numbers: against every table of counts, listed one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.selfcheck.material import Check, Cohort
from overread.stats import printed, printed_counts
from overread.stats.printed import Bounds

COUNTS = ("tp", "fp", "fn", "tn", "n_positive", "n_negative", "n_images")
RATES = ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "lr_positive", "lr_negative", "dor")
RATIOS = ("dor", "lr_positive", "lr_negative")
ILL, HEALTHY, IMAGES = (7, 9), (19, 23), (27, 31)
TABLES: tuple[dict[str, Bounds], ...] = (
    {"sensitivity": (0.745, 0.755), "ppv": (0.42, 0.58)},
    {"accuracy": (0.775, 0.785), "npv": (0.85, 0.95)},
    {"lr_negative": (0.25, 0.35), "f1": (0.5, 0.7)},
    {"dor": (9.5, 12.5), "tp": (5, 8)},
    {"fp": (2, 4), "fn": (1, 2)},
    {"tn": (17, 18), "lr_positive": (4.5, 7.5)},
    {"balanced_accuracy": (0.795, 0.805), "prevalence": (0.25, 0.3)},
    {"auroc": (0.84, 0.85), "specificity": (0.9, 1.0)},
)
BOXES: tuple[dict[str, Bounds], ...] = (
    {"sensitivity": (0.745, 0.755), "specificity": (0.845, 0.855), "prevalence": (0.095, 0.105)},
    {"sensitivity": (0.745, 0.755), "specificity": (0.845, 0.855), "prevalence": (0.4, 0.6)},
)
SOLVED: dict[str, Bounds] = {"sensitivity": (0.745, 0.755), "lr_positive": (4.95, 5.05), "ppv": (0.345, 0.355)}
SLACK = "bounds are a hair wider than what is printed, so that no rounding shuts out the truth"
COVER = "boxes that cover all that is possible reach a little beyond it"
MOST = 1e9  # in place of infinity, which no tolerance can be a fraction of
SHARES = (((7, 7), (0.795, 0.805)), ((7, 8), (0.745, 0.755)), ((12, 14), (0.855, 0.865)), ((12, 13), (0.875, 0.885)))


def tables(cohort: Cohort) -> ArrayLike:
    """Return, for each printed table, how many tables of counts give it, and the bounds of all that follows."""
    made: list[float] = []
    for cells in TABLES:
        found = printed_counts.count_tables(ILL, HEALTHY, IMAGES, cells)
        assert found is not None
        made.append(found.n)
        made += [min(end, MOST) for name in (*COUNTS, *RATES) for end in found.bounds(name)]
    return made


def intervals(cohort: Cohort) -> ArrayLike:
    """Return the least lower and the largest upper end of each ratio's interval."""
    made: list[float] = []
    for cells in TABLES[:3]:
        found = printed_counts.count_tables(ILL, HEALTHY, IMAGES, cells)
        assert found is not None
        for ratio in RATIOS:
            made += printed_counts.log_interval_bounds(found, ratio) or (-1.0, -1.0)
    return made


def boxes(cohort: Cohort) -> ArrayLike:
    """Return the bounds of every rate where sensitivity, specificity and prevalence are printed."""
    return [end for cells in BOXES for name in printed.RATES for end in printed.rate_cover(cells).bounds(name)]


def elsewhere(cohort: Cohort) -> ArrayLike:
    """Return PPV and NPV of the same two rates at a prevalence of 2 %."""
    cover = printed.rate_cover(BOXES[0])
    return [end for name in ("ppv", "npv", "f1") for end in cover.at_prevalence(name, 0.02)]


def solved(cohort: Cohort) -> ArrayLike:
    """Return the bounds of specificity and prevalence where neither is printed."""
    cover = printed.rate_cover(SOLVED)
    return [end for name in ("specificity", "prevalence") for end in cover.bounds(name)]


def conflict(cohort: Cohort) -> ArrayLike:
    """Return which printed numbers cannot belong together, by their place."""
    cells: dict[str, Bounds] = {
        "prevalence": (0.095, 0.105),
        "specificity": (0.895, 0.905),
        "sensitivity": (0.695, 0.705),
        "ppv": (0.645, 0.655),
    }
    held = printed.minimal_conflict(
        cells, lambda names: not printed.rate_cover({name: cells[name] for name in names}).empty
    )
    return [float(name in held) for name in cells]


CHECKS = (
    Check("printed_tables", "printed_counts.count_tables", tables),
    Check("printed_intervals", "printed_counts.log_interval_bounds", intervals),
    Check(
        "printed_rates",
        "printed.rate_cover, box_range",
        boxes,
        tolerance=1e-8,
        reason=SLACK,
    ),
    Check(
        "printed_rates_elsewhere",
        "printed.Cover.at_prevalence",
        elsewhere,
        tolerance=1e-8,
        reason=SLACK,
    ),
    Check(
        "printed_rates_solved",
        "printed.rate_cover",
        solved,
        tolerance=0.01,
        reason=COVER,
    ),
    Check("printed_conflict", "printed.minimal_conflict", conflict),
    Check(
        "whole_share",
        "printed_counts.whole_share",
        lambda c: [float(printed_counts.whole_share(of, share)) for of, share in SHARES],
    ),
    Check(
        "metric_of",
        "printed_counts.metric_of",
        lambda c: [
            float(printed_counts.metric_of(name, *np.array([12.0, 5.0, 3.0, 40.0])[:, None])[0])
            for name in ("prevalence", "balanced_accuracy", "auroc_floor", "auroc_ceiling", "f1", "dor")
        ],
    ),
)
