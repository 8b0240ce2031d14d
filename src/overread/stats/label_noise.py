"""What wrong labels do to AUROC, sensitivity, specificity and predictive values, and how it is undone.

All of it rests on one assumption: among truly ill images, whether the label misses one has nothing to do with its
score, and among truly healthy images, whether the label invents the finding has nothing to do with it. Errors that
follow the image (a faint finding that label and reader both miss) break it, and nothing in the labels shows that.

With Y the truth, Z the label, a = P(Z=1|Y=1) and b = P(Z=0|Y=0), images labelled ill are a mixture, PPV parts ill
and 1 - PPV parts healthy, and those labelled healthy one of NPV parts healthy and 1 - NPV parts ill. An AUROC is
bilinear in the two distributions, a reader against itself has 0.5, and so

    AUROC under the labels - 0.5 = (PPV + NPV - 1) (AUROC under the truth - 0.5).

References: Menon, van Rooyen, Ong and Williamson (2015), ICML, PMLR 37:125-134 (mutually contaminated
distributions); Gart and Buck (1966), Am J Epidemiol 83:593-602; Staquet, Rozencweig, Lee and Muggia (1981), J Chronic
Dis 34:599-610; Rogan and Gladen (1978), Am J Epidemiol 107:71-76.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.stats.estimate import Estimate
from overread.stats.operating_points import Counts
from overread.stats.resampling import percentile

Floats = NDArray[np.float64]

ROUNDING = 1e-12

NOT_ALONE = "errors of this size that are independent of the image cannot give what is seen"


@dataclass(frozen=True, eq=False)
class LabelNoise:
    """How often labels are right: of the truly ill (sensitivity) and of the truly healthy (specificity).

    Numbers, or arrays of one shape (replicates,).
    """

    sensitivity: ArrayLike
    specificity: ArrayLike

    @property
    def arrays(self) -> tuple[Floats, Floats]:
        """Both as float arrays."""
        return np.asarray(self.sensitivity, np.float64), np.asarray(self.specificity, np.float64)

    @property
    def youden(self) -> Floats:
        """Sensitivity + specificity - 1: 1 for labels without error, 0 for labels that say nothing."""
        sensitivity, specificity = self.arrays
        return sensitivity + specificity - 1


def true_prevalence(labelled: ArrayLike, noise: LabelNoise) -> Floats:
    """Return the share of truly ill images behind a share `labelled` ill (Rogan and Gladen 1978).

    nan where labels say nothing; outside (0, 1) where labels of this quality cannot give such a share.

    >>> round(float(true_prevalence(0.17, LabelNoise(0.8, 0.9))), 12)
    0.1
    """
    _, specificity = noise.arrays
    return _divided(np.asarray(labelled, np.float64) + specificity - 1, noise.youden)


def purity(labelled: ArrayLike, noise: LabelNoise) -> Floats:
    """Return PPV + NPV - 1 of the labels: the factor by which their errors pull an AUROC towards 0.5.

    As PPV = a p / q and NPV = b (1 - p) / (1 - q) with p truly ill and q labelled ill, it is
    p (1 - p) (a + b - 1) / (q (1 - q)).

    >>> round(float(purity(0.17, LabelNoise(0.8, 0.9))), 3)
    0.446
    """
    q, p = np.asarray(labelled, np.float64), true_prevalence(labelled, noise)
    return _divided(p * (1 - p) * noise.youden, q * (1 - q))


def seen_auroc(auroc: ArrayLike, factor: ArrayLike) -> Floats:
    """Return the AUROC under labels whose `purity` is `factor`, where it is `auroc` under the truth.

    >>> round(float(seen_auroc(0.9, 0.5)), 12)
    0.7
    """
    return 0.5 + np.asarray(factor, np.float64) * (np.asarray(auroc, np.float64) - 0.5)


def corrected_auroc(seen: ArrayLike, factor: ArrayLike) -> Floats:
    """Return the AUROC under the truth, where it is `seen` under labels whose `purity` is `factor`; not cut off.

    >>> round(float(corrected_auroc(0.7, 0.5)), 12)
    0.9
    """
    return 0.5 + _divided(np.asarray(seen, np.float64) - 0.5, np.asarray(factor, np.float64))


def seen_counts(counts: Counts, noise: LabelNoise) -> Counts:
    """Return the four counts expected under wrong labels, where they are `counts` under the truth.

    >>> [round(float(n), 1) for n in seen_counts(Counts(90, 90, 10, 810), LabelNoise(0.8, 0.9)).arrays()]
    [81.0, 99.0, 89.0, 731.0]
    """
    a, b = noise.arrays
    tp, fp, fn, tn = counts.arrays()
    return Counts(a * tp + (1 - b) * fp, (1 - a) * tp + b * fp, a * fn + (1 - b) * tn, (1 - a) * fn + b * tn)


def corrected_counts(counts: Counts, noise: LabelNoise) -> Counts:
    """Return the four counts expected under the truth, where they are `counts` under wrong labels.

    The inverse of `seen_counts`, among called and among other images; the rates made of them are those of Gart and
    Buck (1966) and Staquet et al. (1981). A count below 0 says that such errors cannot have given these counts.

    >>> [round(float(n), 1) for n in corrected_counts(Counts(81, 99, 89, 731), LabelNoise(0.8, 0.9)).arrays()]
    [90.0, 90.0, 10.0, 810.0]
    """
    a, b = noise.arrays
    tp, fp, fn, tn = counts.arrays()
    cells = (b * tp - (1 - b) * fp, a * fp - (1 - a) * tp, b * fn - (1 - b) * tn, a * tn - (1 - a) * fn)
    return Counts(*(_divided(cell, noise.youden) for cell in cells))


def why_impossible(labelled: float, noise: LabelNoise) -> str:
    """Return why labels of this quality cannot give a share `labelled` ill; empty where they can.

    >>> why_impossible(0.05, LabelNoise(0.8, 0.9))
    'only 5.0 % are labelled, and a label specificity of 0.900 alone would label 10.0 % of healthy images'
    """
    a, b = (float(rate) for rate in noise.arrays)
    if isnan(labelled + a + b):
        return "how often the labels are right is not known"
    if a + b <= 1:
        return "labels that are right this seldom say no more than chance"
    if labelled <= 1 - b:
        return (
            f"only {100 * labelled:.1f} % are labelled, and a label specificity of {b:.3f} alone would label "
            f"{100 * (1 - b):.1f} % of healthy images"
        )
    if labelled >= a:
        return f"{100 * labelled:.1f} % are labelled, more than a label sensitivity of {a:.3f} allows"
    return ""


def possible(labelled: ArrayLike, noise: LabelNoise) -> NDArray[np.bool_]:
    """Return where labels of this quality can give a share `labelled` ill, as `why_impossible` says of numbers.

    >>> possible([0.05, 0.2], LabelNoise(0.8, 0.9)).tolist()
    [False, True]
    """
    share, (a, b) = np.asarray(labelled, np.float64), noise.arrays
    return np.asarray((a + b > 1) & (share > 1 - b) & (share < a))


def corrected_estimate(value: float, replicates: ArrayLike, can_be: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return a corrected rate in [0, 1] with its percentile interval, cut off there; empty where it lies outside.

    `can_be` (R,) says in which replicates the labels' errors can have given what is seen there. Where they cannot in
    more than the share that an interval leaves out on one side, there is no interval: what was left out would be its
    end.

    >>> f"{corrected_estimate(0.95, [0.85, 0.9, 0.95, 1.0, 1.1], [True] * 5, level=0.5):.2f}"
    '0.95 (0.90 to 1.00)'
    """
    drawn = np.where(np.asarray(can_be, bool), np.asarray(replicates, np.float64), nan)
    if isnan(value):
        return Estimate.undefined("not defined under the labels either", level=level, method="bootstrap")
    if not -ROUNDING <= value <= 1 + ROUNDING:
        note = f"the correction gives {value:.3f}, outside 0 to 1: {NOT_ALONE}"
        return Estimate.undefined(note, level=level, method="bootstrap")
    value = min(max(value, 0.0), 1.0)
    lost = int(np.isnan(drawn).sum())
    if lost > (1 - level) / 2 * len(drawn):
        return _without_interval(value, lost, len(drawn), level)
    estimate = percentile(value, drawn, level=level)
    if isnan(estimate.low):
        return estimate
    return replace(estimate, low=min(max(estimate.low, 0.0), 1.0), high=min(max(estimate.high, 0.0), 1.0))


def corrected_difference(
    seen: float,
    replicates: ArrayLike,
    factor: float,
    factors: ArrayLike,
    can_be: ArrayLike,
    *,
    level: float = 0.95,
    why: str = "",
) -> Estimate:
    """Return the difference of two AUROCs under the truth from the one `seen` under labels: divided by their `purity`.

    As the purity is above 0, the sign stays: errors that are independent of the image cannot turn the order of two
    readers around. They do not make it surer either: the interval holds 0 where that of the seen one does. `why` says
    why there is none.

    >>> drawn = [0.01, 0.02, 0.03]
    >>> f"{corrected_difference(0.02, drawn, 0.5, [0.5] * 3, [True] * 3, level=0.5):.2f}"
    '0.04 (0.03 to 0.05)'
    """
    if why or isnan(seen):
        return Estimate.undefined(why, level=level, method="bootstrap")
    drawn = np.where(np.asarray(can_be, bool), _divided(replicates, factors), nan)
    lost = int(np.isnan(drawn).sum())
    if lost > (1 - level) / 2 * len(drawn):
        return _without_interval(seen / factor, lost, len(drawn), level)
    return percentile(seen / factor, drawn, level=level)


def _without_interval(value: float, lost: int, n: int, level: float) -> Estimate:
    """Return a value of which too many replicates are impossible."""
    note = f"no interval: the correction is impossible in {lost} of {n} replicates"
    return Estimate(value, nan, nan, level, "bootstrap", note)


def _divided(part: ArrayLike, whole: ArrayLike) -> Floats:
    """Divide, nan where there is nothing to divide by."""
    above, below = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(above, below, out=np.full(above.shape, nan), where=below != 0)
