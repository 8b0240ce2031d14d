"""Does each column answer for its own finding? Outputs held against all labels, not only against their own.

Findings come together, and an output often separates another finding's labels a little better than chance, or a rare
finding's as well as that finding's own output. A column is named only where the difference is beyond noise and large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from overread.analyses.score_ties import tied_pairs
from overread.analyses.suspicion import STRICT, Floats, Scored, Suspicion, listing
from overread.records.findings import display
from overread.stats.discrimination import placements

FEWEST = 5
"""Fewer ill, or fewer healthy images than this cannot speak against a column."""

BY_FAR = 0.1
"""By how much another output must do better on a finding's labels before its own is doubted."""

SWAP_GAIN = 0.02
"""What each finding of a swap must gain on average."""

SWAP_AUROC = 0.6
"""What outputs must reach on average where a swap puts them: poor outputs say nothing about the order of columns."""

INVERTED = 0.4
"""The AUROC from which a column is said to be upside down."""

WEAK = 1e-3
"""The p below which a swap must show in the other findings too, when the one that shows it best is left aside."""

SMALLEST_VARIANCE = 1e-8


def auroc_matrix(of: Scored) -> Floats:
    """Return AUROC[output, finding] (n_findings, n_findings): each output against each finding's labels.

    Each output is ranked once for all findings that were assessed on the same images; the rank sums of the ill are
    then one product of matrices. nan where a finding has no ill or no healthy image.

    >>> auroc_matrix(Scored(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([[0, 1], [1, 0]], np.int8), ("A", "B")))
    array([[1., 0.],
           [0., 1.]])
    """
    matrix = np.full((len(of.findings),) * 2, np.nan)
    patterns: dict[bytes, list[int]] = {}
    for column in range(len(of.findings)):
        if of.n_ill[column] and of.n_healthy[column]:
            patterns.setdefault((of.labels[:, column] >= 0).tobytes(), []).append(column)
    for columns in patterns.values():
        rows = of.labels[:, columns[0]] >= 0
        ranks = np.stack([output.ranks(rows) for output in of.distinct])
        ill, healthy = of.n_ill[columns], of.n_healthy[columns]
        rank_sums = ranks @ (of.labels[rows][:, columns] == 1)
        matrix[:, columns] = (rank_sums - ill * (ill + 1) / 2) / (ill * healthy)
    return matrix


@dataclass(frozen=True, eq=False)
class Gain:
    """By how much outputs separate findings' labels better than the findings' own outputs.

    `shares` are what each image adds to the noise of `value`: its centred placements (DeLong et al. 1988), so that the
    sum of their squares is the variance, for one finding as for several on the same images.
    """

    value: float
    shares: Floats
    df: float

    @classmethod
    def paired(cls, of: Scored, finding: int, other: int) -> Gain:
        """Compare another finding's output with the finding's own, image by image."""
        shares, value = np.zeros(len(of.scores)), 0.0
        assessed = np.flatnonzero(of.labels[:, finding] >= 0)
        labels = of.labels[assessed, finding]
        theirs = placements(labels, of.scores[assessed, other])
        own = placements(labels, of.scores[assessed, finding])
        for kind, label in enumerate((1, 0)):
            difference = theirs[kind] - own[kind]
            value, m = float(difference.mean()), len(difference)
            shares[assessed[labels == label]] = (difference - value) / np.sqrt(m * (m - 1))
        return cls(value, shares, float(min(of.n_ill[finding], of.n_healthy[finding]) - 1))

    @classmethod
    def together(cls, gains: list[Gain]) -> Gain:
        """Weigh several findings' gains by their precision; degrees of freedom after Satterthwaite (1946)."""
        variances = np.array([max(gain.variance, SMALLEST_VARIANCE) for gain in gains])
        weights = (1 / variances) / (1 / variances).sum()
        parts = weights**2 * variances
        return cls(
            float(weights @ [gain.value for gain in gains]),
            np.asarray(weights @ [gain.shares for gain in gains]),
            float(parts.sum() ** 2 / (parts**2 / [gain.df for gain in gains]).sum()),
        )

    @property
    def variance(self) -> float:
        """The variance of `value`, with images taken for independent."""
        return float(self.shares @ self.shares)

    @property
    def errors(self) -> float:
        """The gain in standard errors."""
        return self.value / float(np.sqrt(max(self.variance, SMALLEST_VARIANCE)))

    def is_beyond(self, p: float) -> bool:
        """Whether noise makes such a gain less often than `p` (Student's t: the rarer the images, the wider)."""
        return self.errors > float(stdtrit(self.df, 1 - p))


def exchanged_columns(of: Scored) -> list[Suspicion]:
    """Name columns that are swapped or permuted, turned upside down, or that hold another finding's scores."""
    able = (~of.constant) & (np.minimum(of.n_ill, of.n_healthy) >= FEWEST)
    columns = np.flatnonzero(able)
    if not len(columns):
        return []
    matrix = auroc_matrix(of)
    upside_down, perhaps = inverted(of, matrix, columns)
    upright = matrix.copy()
    upright[perhaps] = 1 - upright[perhaps]
    cycles = swapped(of, upright, columns)
    explained = {*perhaps.tolist(), *(column for cycle in cycles for column in cycle)}
    found = [_swapped(of, matrix, cycle, columns) for cycle in cycles]
    if len(upside_down):
        found.append(_inverted(of, matrix, upside_down.tolist()))
    found += [_outdone(of, matrix, *pair) for pair in outdone(of, matrix, columns) if pair[0] not in explained]
    return found


def noise_of_chance(of: Scored) -> Floats:
    """Return, by finding, the standard error of the AUROC of scores that know nothing (Mann and Whitney 1947)."""
    ill, healthy = np.maximum(of.n_ill, 1), np.maximum(of.n_healthy, 1)
    return np.asarray(np.sqrt((ill + healthy + 1) / (12 * ill * healthy)))


def inverted(of: Scored, matrix: Floats, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns that order images the wrong way round, and those that may, once some do.

    The first have an AUROC of at most `INVERTED`, below 0.5 beyond noise; the second only lie below 0.5. An output that
    separates another finding's labels better, as it is, than its own turned round, is that finding's, and neither.
    """
    own = np.diag(matrix)[columns]
    may = (own < 0.5) & (1 - own >= matrix[np.ix_(columns, columns)].max(axis=1))
    do = may & (own <= INVERTED) & (0.5 - own > -ndtri(STRICT) * noise_of_chance(of)[columns])
    return columns[do], columns[may & do.any()]


def swapped(of: Scored, matrix: Floats, columns: NDArray[np.int64]) -> list[list[int]]:
    """Return cycles of columns: the output of each separates the labels of the next better than that one's own.

    Of all ways to give outputs to findings the one with the largest sum of AUROCs is taken, where each finding that
    leaves its own output must gain `SWAP_GAIN`, and twice its noise, by it. A cycle counts when its gains together
    are beyond noise, also without the largest (one poor output makes no swap), none is far from one, and the outputs
    are worth something where they are put.
    """
    outputs = np.flatnonzero(~of.constant)
    slack = np.maximum(SWAP_GAIN, 2 * noise_of_chance(of))
    gains = matrix[np.ix_(outputs, columns)] - np.diag(matrix)[columns] - slack[columns]
    gains[outputs[:, None] == columns] = 0
    if (gains <= 0).all():
        return []
    from scipy.optimize import linear_sum_assignment  # half a second to load, and seldom needed

    output, finding = linear_sum_assignment(gains, maximize=True)
    given = dict(zip(outputs[output].tolist(), columns[finding].tolist(), strict=True))
    everyone = set(outputs.tolist())  # findings too rare to speak get the outputs that no other wants
    given |= dict(zip(sorted(everyone - set(given)), sorted(everyone - set(given.values())), strict=True))
    return [cycle for cycle in cycles_of(given) if beats_own(of, matrix, slack, steps(cycle, columns))]


def cycles_of(given: dict[int, int]) -> list[list[int]]:
    """Return the cycles of a permutation, without those of one.

    >>> cycles_of({0: 0, 1: 2, 2: 3, 3: 1})
    [[1, 2, 3]]
    """
    cycles, seen = [], set()
    for start in given:
        cycle = []
        at = start
        while at not in seen:
            seen.add(at)
            cycle.append(at)
            at = given[at]
        if len(cycle) > 1:
            cycles.append(cycle)
    return cycles


def steps(cycle: list[int], columns: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the steps of a cycle, an output and the finding that it is given to, for some findings (columns)."""
    return [pair for pair in zip(cycle, [*cycle[1:], cycle[0]], strict=True) if pair[1] in columns]


def beats_own(of: Scored, matrix: Floats, slack: Floats, given: list[tuple[int, int]]) -> bool:
    """Say whether outputs given so are better than the findings' own beyond noise, and good for something."""
    here = np.array([matrix[output, finding] for output, finding in given])
    own = np.array([matrix[finding, finding] for _, finding in given])
    noise = slack[[finding for _, finding in given]]
    if len(given) < 2 or here.mean() < SWAP_AUROC or (here - own).mean() < SWAP_GAIN or (here < own - noise).any():
        return False
    gains = sorted((Gain.paired(of, finding, output) for output, finding in given), key=lambda gain: gain.errors)
    return Gain.together(gains).is_beyond(STRICT) and Gain.together(gains[:-1]).is_beyond(WEAK)


def outdone(of: Scored, matrix: Floats, columns: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return findings whose labels another output separates by far better than their own, and that output.

    By more, too, than the finding's own output could gain if its ties fell right.
    """
    found = []
    for finding, tied in zip(columns.tolist(), tied_pairs(of)[columns], strict=True):
        other = int(columns[np.argmax(matrix[columns, finding])])
        by = matrix[other, finding] - matrix[finding, finding]
        if by >= BY_FAR and by > tied / 2 and Gain.paired(of, finding, other).is_beyond(STRICT):
            found.append((finding, other))
    return found


def _swapped(of: Scored, matrix: Floats, cycle: list[int], columns: NDArray[np.int64]) -> Suspicion:
    seen = [
        f"the output {display(of.findings[output])} separates {display(of.findings[finding])}'s labels (AUROC "
        f"{matrix[output, finding]:.2f}) better than the output {display(of.findings[finding])} does "
        f"({matrix[finding, finding]:.2f})"
        for output, finding in steps(cycle, columns)
        if matrix[output, finding] > matrix[finding, finding]
    ]
    message = "; ".join(seen[:6]) + (f"; and so on for {len(seen) - 6} more" if len(seen) > 6 else "")
    names = of.named(cycle)
    remedy = (
        f"The columns {listing(names, most=14)} look {'swapped' if len(cycle) == 2 else 'permuted'}: compare the order "
        "of the model's outputs with the names in the table's header."
    )
    return Suspicion("swapped columns", names, f"{message[0].upper()}{message[1:]}.", remedy, "serious")


def _inverted(of: Scored, matrix: Floats, columns: list[int]) -> Suspicion:
    areas = ", ".join(f"{display(of.findings[column])} {matrix[column, column]:.2f}" for column in columns)
    message = f"AUROC far below 0.5: {areas}. The scores order images, but the wrong way round."
    remedy = (
        "If they are probabilities that the finding is absent, give 1 - score; if not, look at how labels were matched."
    )
    return Suspicion("inverted", of.named(columns), message, remedy, "serious")


def _outdone(of: Scored, matrix: Floats, finding: int, output: int) -> Suspicion:
    name, other = display(of.findings[finding]), display(of.findings[output])
    message = (
        f"The output {other} separates {name}'s labels (AUROC {matrix[output, finding]:.2f}) far better than the "
        f"output {name} does ({matrix[finding, finding]:.2f})."
    )
    remedy = (
        f"Check that the column {name} holds the model's output for {name}, and that the model was trained on it; if "
        "both are so, the output is of little use."
    )
    return Suspicion("outdone by another column", of.named([finding]), message, remedy, "caution")


def truth_itself(of: Scored) -> list[Suspicion]:
    """Name findings whose scores are the labels."""
    columns = []
    for column in range(len(of.findings)):
        assessed = of.labels[:, column] >= 0
        enough = min(of.n_ill[column], of.n_healthy[column]) >= FEWEST
        if enough and (of.scores[assessed, column] == of.labels[assessed, column]).all():
            columns.append(column)
    if not columns:
        return []
    n = int((of.labels[:, columns] >= 0).sum())
    message = f"{listing(of.named(columns))}: the scores are the labels, without one exception in {n:,}."
    remedy = "The table of truth seems to have been given as a reading: give the reader's own scores."
    return [Suspicion("the truth itself", of.named(columns), message, remedy, "serious")]
