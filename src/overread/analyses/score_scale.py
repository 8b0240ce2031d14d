"""On what scale are the scores: probabilities, or what is left of logits, of a second sigmoid, of a softmax?

All of it keeps the order of the images, so that AUROC and chosen operating points stand; what rests on the scores as
frequencies (calibration, Brier score, mean loss, decision curves, a fixed threshold) does not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import bdtrc

from overread.analyses.score_ties import written_with
from overread.analyses.suspicion import STRICT, Distinct, Floats, Scored, Suspicion, listing

SIGMOID_OF_ONE = 1 / (1 + np.exp(-1))
SIGMOID_OF_TENTH = 1 / (1 + np.exp(-0.1))
ROUNDED = 1e-6  # written with 6 decimals, or kept as 32-bit floats
SUM = 1e-4  # of as many scores, each rounded a little

STEEPEST = 1.5
"""How many times as dense as its trend a smooth density may be on the other side of 0.5."""

MOST = 0.75
"""The share of findings in which the density must jump at 0.5."""


def out_of_range(of: Scored) -> list[Suspicion]:
    """Name scores outside [0, 1]; tables with such scores are refused when they are read."""
    low, high = of.scores.min(), of.scores.max()
    if low >= 0 and high <= 1:
        return []
    percentages = low >= 0 and 50 < high <= 100
    remedy = "Divide them by 100." if percentages else "Apply the sigmoid: p = 1 / (1 + exp(-score))."
    kind = "percentages" if percentages else "logits"
    outside = np.flatnonzero(((of.scores < 0) | (of.scores > 1)).any(axis=0))
    message = f"Scores run from {low:.3g} to {high:.3g}, as {kind} do."
    return [Suspicion(kind, of.named(outside), message, remedy, "serious")]


def double_sigmoid(of: Scored) -> list[Suspicion]:
    """Name scores that all lie where the sigmoid of a probability lies, from 0.5 to 0.731.

    In some finding a tenth of them must come from probabilities below 0.1, as in any finding that most people lack.
    """
    varying = of.scores[:, ~of.constant]
    if varying.size < 50:
        return []
    low, high = varying.min(), varying.max()
    if low < 0.5 - ROUNDED or high > SIGMOID_OF_ONE + ROUNDED:
        return []
    if np.quantile(varying, 0.1, axis=0).min() > SIGMOID_OF_TENTH:
        return []
    message = (
        f"All {varying.size:,} scores lie between {low:.4f} and {high:.4f}; the sigmoid of a probability lies between "
        "0.5 and 0.7311. It looks as if a sigmoid was applied twice."
    )
    remedy = (
        "Apply it once, or undo the second: p = log(s / (1 - s)). AUROC is not touched; calibration, loss, decision "
        "curves and a fixed threshold are."
    )
    return [Suspicion("double sigmoid", (), message, remedy, "serious")]


class Jump(NamedTuple):
    """How many scores lie near 0.5 on either side, and how many as far again on either side."""

    above: int
    below: int
    far_above: int
    far_below: int

    @property
    def expected(self) -> float:
        """The largest share above 0.5, of those near it, that a density without a jump would give.

        From one side to the other it may grow `STEEPEST` times as much as it grows on either side, of which it may do
        the steeper.
        """
        growth = max(0.5, (self.below + 1) / (self.far_below + 1), (self.far_above + 1) / (self.above + 1))
        return STEEPEST * growth / (1 + STEEPEST * growth)

    @property
    def p(self) -> float:
        """The chance of as many above 0.5 without a jump, at most (binomial)."""
        return float(bdtrc(self.above - 1, self.above + self.below, self.expected)) if self.above else 1.0


def bent_at_half(of: Scored) -> list[Suspicion]:
    """Name scores whose density jumps exactly at 0.5, in most findings, as torchxrayvision's `op_norm` makes it.

    `op_norm` maps a score x to x / 2t below the operating point t, and to 1 - (1 - x) / (2 - 2t) from it: whatever the
    scores were, just above 0.5 they are (1 - t) / t times as dense as just below. Each finding's scores nearest to 0.5
    are counted on either side; 0.5 itself, which may be a filled-in value, is left out.

    References: Cohen et al. (2022), MIDL, PMLR 172:231-249 (torchxrayvision).
    """
    for turned in (False, True):
        near = [jump_at_half(1 - each if turned else each) for each in map(independent_scores, of.distinct)]
        tested = {column: jump for column, jump in enumerate(near) if jump is not None and jump.below + jump.above >= 5}
        whole = Jump(*np.sum(list(tested.values()), axis=0).tolist()) if tested else Jump(0, 0, 0, 0)
        jumping = [column for column, jump in tested.items() if jump.above > jump.expected * (jump.above + jump.below)]
        if whole.p < STRICT and len(jumping) >= MOST * len(tested):
            return [_bent(of, jumping, len(tested), whole, turned)]
    return []


def independent_scores(distinct: Distinct) -> Floats:
    """Return scores as often as they say something new: equal ones once, unless it is rounding that makes them equal.

    Where a reader knows few things of an image, as many as share a score are one observation.
    """
    if len(distinct.values) == len(distinct.place) or not written_with(distinct.values):
        return distinct.values
    return np.repeat(distinct.values, distinct.images)


def jump_at_half(scores: Floats) -> Jump | None:
    """Count the scores nearest to 0.5, a twentieth of all, from 20 to 800; None where one side has hardly any."""
    below, above = np.sort(0.5 - scores[scores < 0.5]), np.sort(scores[scores > 0.5] - 0.5)
    if min(len(below), len(above)) < 3:
        return None
    wanted = int(np.clip(len(scores) // 20, 20, 800))
    nearest = np.sort(np.concatenate([below[:wanted], above[:wanted]]))[:wanted]
    width = nearest[-1] + 1e-9  # 0.5 - 0.49 is not 0.51 - 0.5
    near_above, all_above = (int(np.searchsorted(above, reach)) for reach in (width / 2, width))
    near_below, all_below = (int(np.searchsorted(below, reach)) for reach in (width / 2, width))
    return Jump(near_above, near_below, all_above - near_above, all_below - near_below)


def _bent(of: Scored, jumping: list[int], n_tested: int, whole: Jump, turned: bool) -> Suspicion:
    above, below = (whole.below, whole.above) if turned else (whole.above, whole.below)
    message = (
        f"The density of the scores jumps at 0.5 in {len(jumping)} of the {n_tested} findings that have scores on both "
        f"sides of it: of the {above + below:,} scores nearest to 0.5, {above:,} lie above and {below:,} below. Smooth "
        "scores do not do this; scores bent so that an operating point falls on 0.5 do (torchxrayvision's op_norm)."
    )
    remedy = (
        "Take the outputs before that step (in torchxrayvision: model.op_threshs = None, model.apply_sigmoid = True). "
        "AUROC is not touched; calibration, loss, decision curves and any averaging with other models are."
    )
    return Suspicion("bent around 0.5", of.named(jumping), message, remedy, "serious")


def softmax(of: Scored) -> list[Suspicion]:
    """Name scores that add up to 1 on every image, or that never exceed 1 and pile up there.

    The second is what a softmax leaves when one of its classes, such as no finding, is not in the table.
    """
    n, n_findings = of.scores.shape
    if n_findings < 2 or n < 10:
        return []
    totals = of.scores.sum(axis=1)
    off = np.abs(totals - 1).max()
    if off <= SUM or (off <= 0.005 * n_findings and _in_hundredths(of.scores)):
        return [_competing(f"The scores of each of the {n:,} images add up to 1.")]
    near = int((totals > 0.95).sum())
    if n_findings > 2 and totals.max() <= 1 + SUM and near >= 20:
        return [_competing(f"The scores of no image add up to more than 1, but those of {near:,} to more than 0.95.")]
    return []


def _in_hundredths(scores: Floats) -> bool:
    return bool(np.abs(scores * 100 - np.round(scores * 100)).max() < 1e-4)


def _competing(seen: str) -> Suspicion:
    message = (
        f"{seen} A softmax does that: findings then compete, and an image with two cannot score high on both. Findings "
        "here are independent questions."
    )
    remedy = (
        "Use one sigmoid per finding, if the model was trained with them; if not, read every number with that in mind."
    )
    return Suspicion("softmax", (), message, remedy, "caution")


def rescaled(of: Scored) -> list[Suspicion]:
    """Name scores stretched to fit: exactly 0 on one image and 1 on one, in most columns, or in all together."""
    columns = [column for column, each in enumerate(of.distinct) if _is_stretched(each)]
    together = np.count_nonzero(of.scores == 0) == np.count_nonzero(of.scores == 1) == 1 and of.scores.size >= 50
    together = together and not any(written_with(each.values) for each in of.distinct)
    if not together and len(columns) < max(1, np.count_nonzero(~of.constant) / 2):
        return []
    names = of.findings if together else of.named(columns)
    message = (
        f"The scores of {listing(names)} reach exactly 0 and exactly 1, once "
        f"each{' over all findings' if together else ''}, as logits or ranks do that were stretched to fit between the "
        "lowest and the highest of the file."
    )
    remedy = (
        "Take the sigmoid of the logits instead. AUROC is not touched; but the scale depends on the other images, so "
        "that no threshold carries over, and no score is a probability."
    )
    return [Suspicion("rescaled", names, message, remedy, "caution")]


def _is_stretched(column: Distinct) -> bool:
    values, images = column.values, column.images
    ends = len(values) >= 20 and values[0] == 0 and values[-1] == 1 and images[0] == images[-1] == 1
    return bool(ends) and not written_with(values)  # rounding makes single 0 and 1 as well
