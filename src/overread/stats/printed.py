"""What rounded, printed rates allow: all sensitivities, specificities and prevalences that round to what is printed.

Every metric of the four counts is monotone in sensitivity, in specificity and in prevalence, each taken alone. So its
range over a box of the three is found at corners of the box, and halving boxes until none that is left contradicts a
printed number gives a cover of all that is possible: an empty cover proves that the numbers cannot belong to one
table, and bounds taken over the cover always hold the truth (branch and bound with interval arithmetic).

References: Moore, Kearfott and Cloud (2009), Introduction to Interval Analysis, SIAM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bounds = tuple[float, float]

SENSITIVITY, SPECIFICITY, PREVALENCE = range(3)
SLACK = 1e-10  # relative: what floating point may do to a bound, always given away outwards
MOST_BOXES = 8_000
NARROW = 1e-5
ROUNDS = 80


def _divided(part: Floats, whole: Floats) -> Floats:
    """Divide; infinity where a positive number is divided by 0, nan where 0 is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return part / whole


def _accuracy(a: Floats, b: Floats, p: Floats) -> Floats:
    return p * a + (1 - p) * b


def _ppv(a: Floats, b: Floats, p: Floats) -> Floats:
    return _divided(p * a, p * a + (1 - p) * (1 - b))


def _npv(a: Floats, b: Floats, p: Floats) -> Floats:
    return _divided((1 - p) * b, (1 - p) * b + p * (1 - a))


def _f1(a: Floats, b: Floats, p: Floats) -> Floats:
    return _divided(2 * p * a, p * a + p + (1 - p) * (1 - b))


def _lr_positive(a: Floats, b: Floats, p: Floats) -> Floats:
    return _divided(a, 1 - b)


def _lr_negative(a: Floats, b: Floats, p: Floats) -> Floats:
    return _divided(1 - a, b)


def _dor(a: Floats, b: Floats, p: Floats) -> Floats:
    return _divided(a * b, (1 - a) * (1 - b))


@dataclass(frozen=True)
class Rate:
    """A metric as a function of sensitivity, specificity and prevalence, and how it moves with each.

    `signs` are 1 where it grows, -1 where it falls, 0 where it does not depend on it, and None where it may do either
    (then both ends are looked at). `most` is the largest value that it can have.
    """

    of: Callable[[Floats, Floats, Floats], Floats]
    signs: tuple[int | None, int | None, int | None]
    most: float = 1.0


RATES: Mapping[str, Rate] = MappingProxyType(
    {
        "sensitivity": Rate(lambda a, b, p: a, (1, 0, 0)),
        "specificity": Rate(lambda a, b, p: b, (0, 1, 0)),
        "prevalence": Rate(lambda a, b, p: p, (0, 0, 1)),
        "accuracy": Rate(_accuracy, (1, 1, None)),
        "balanced_accuracy": Rate(lambda a, b, p: (a + b) / 2, (1, 1, 0)),
        "ppv": Rate(_ppv, (1, 1, 1)),
        "npv": Rate(_npv, (1, 1, -1)),
        "f1": Rate(_f1, (1, 1, 1)),
        "lr_positive": Rate(_lr_positive, (1, 1, 0), inf),
        "lr_negative": Rate(_lr_negative, (-1, -1, 0), inf),
        "dor": Rate(_dor, (1, 1, 0), inf),
        "auroc_floor": Rate(lambda a, b, p: a * b, (1, 1, 0)),
        "auroc_ceiling": Rate(lambda a, b, p: 1 - (1 - a) * (1 - b), (1, 1, 0)),
    }
)
"""The metrics that can be printed, and the least and largest area of any ROC curve through one operating point.

A curve that rises to the point (1 - specificity, sensitivity) and goes on rising has an area of at least sensitivity x
specificity and at most 1 - (1 - sensitivity)(1 - specificity), whatever it does elsewhere.
"""


@dataclass(frozen=True, eq=False)
class Cover:
    """Boxes (k, 3) of sensitivity, specificity and prevalence, `low` to `high`, that hold all that is possible.

    `proven`: whether one of them was seen to hold a possible triple, rather than only not to be refuted.
    """

    low: Floats
    high: Floats
    proven: bool

    @property
    def empty(self) -> bool:
        """Whether nothing is possible."""
        return len(self.low) == 0

    def bounds(self, metric: str) -> Bounds:
        """Return between which numbers a metric lies in all that is possible."""
        return _hull(*box_range(metric, self.low, self.high))

    def at_prevalence(self, metric: str, prevalence: float) -> Bounds:
        """Return the same at a stated prevalence: that of another population, with the same two rates."""
        low, high = self.low.copy(), self.high.copy()
        low[:, PREVALENCE] = high[:, PREVALENCE] = prevalence
        return _hull(*box_range(metric, low, high))


def box_range(metric: str, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the least and the largest value of a metric in each box; where it is not defined, the widest.

    >>> least, most = box_range("ppv", np.array([[0.8, 0.9, 0.1]]), np.array([[0.8, 0.9, 0.5]]))
    >>> least.round(3).item(), most.round(3).item()
    (0.471, 0.889)
    """
    rate = RATES[metric]
    least, most = np.full(len(low), inf), np.full(len(low), -inf)
    ends = [(low, high) if sign is None else None for sign in rate.signs]
    for side in (0, 1) if any(ends) else (0,):
        down, up = [], []
        for place, sign in enumerate(rate.signs):
            pair = ends[place]
            if pair is not None:
                down.append(pair[side][:, place])
                up.append(pair[side][:, place])
            else:
                down.append((high if sign == -1 else low)[:, place])
                up.append((low if sign == -1 else high)[:, place])
        least = np.minimum(least, np.nan_to_num(rate.of(*down), nan=0.0, posinf=inf))
        most = np.maximum(most, np.nan_to_num(rate.of(*up), nan=rate.most, posinf=inf))
    return least, most


def rate_cover(cells: Mapping[str, Bounds], *, most_boxes: int = MOST_BOXES, only_whether: bool = False) -> Cover:
    """Cover all sensitivities, specificities and prevalences that round to the printed numbers.

    `cells` has, by the name of a metric (those of `RATES`, and `auroc`), the bounds that rounding leaves. An odds ratio
    is not held against boxes in which a cell of the table may be empty: papers differ in what they add there.
    `only_whether` stops as soon as one possible triple is known.

    >>> rate_cover({"sensitivity": (0.7, 0.8), "specificity": (0.9, 0.95), "dor": (1, 2)}).empty
    True
    >>> tuple(round(v, 3) for v in rate_cover({"sensitivity": (0.8, 0.8), "lr_positive": (8, 8)}).bounds("specificity"))
    (0.9, 0.9)
    """
    known = constraints(cells)
    printed = [known.get(name, (0.0, 1.0)) for name in ("sensitivity", "specificity", "prevalence")]
    low, high = np.maximum([[least for least, _ in printed]], 0.0), np.minimum([[most for _, most in printed]], 1.0)
    if (low > high).any():
        return Cover(np.empty((0, 3)), np.empty((0, 3)), proven=False)
    moving = np.zeros(3, dtype=bool)
    for metric in known:
        moving |= [sign != 0 for sign in RATES[metric].signs]
    sure_low: list[Floats] = []
    sure_high: list[Floats] = []
    for _ in range(ROUNDS):
        kept, sure = _judged(known, low, high)
        sure_low.append(low[sure])
        sure_high.append(high[sure])
        low, high = low[kept & ~sure], high[kept & ~sure]
        n_sure = sum(map(len, sure_low))
        if not len(low) or (only_whether and n_sure) or len(low) + n_sure > most_boxes:
            break
        width = _splitting_width(low, high) * moving
        if width.max() < NARROW:
            break
        low, high = _halved(low, high, np.argmax(width, axis=1))
    else:
        kept, _ = _judged(known, low, high)
        low, high = low[kept], high[kept]
    proven = any(map(len, sure_low)) or _has_witness(known, low, high)
    return Cover(np.concatenate([*sure_low, low]), np.concatenate([*sure_high, high]), proven)


def constraints(cells: Mapping[str, Bounds]) -> dict[str, Bounds]:
    """Return printed bounds as bounds on `RATES`, a hair wider; an area bounds that of curves through a point."""
    found: dict[str, Bounds] = {}
    for metric, (low, high) in cells.items():
        low = low - SLACK * (1 + abs(low)) if low < inf else inf
        high = high + SLACK * (1 + abs(high)) if high < inf else inf
        if metric == "auroc":
            found["auroc_floor"], found["auroc_ceiling"] = (-inf, high), (low, inf)
        else:
            found[metric] = low, high
    return found


def minimal_conflict(names: Iterable[str], possible: Callable[[frozenset[str]], bool]) -> tuple[str, ...]:
    """Return names that cannot all hold while any of them can be left out: empty where all can.

    `possible` says whether a set of them can hold together; a set that can stays possible when names are taken out.

    References: Chinneck and Dravnieks (1991), ORSA J Comput 3:157-168 (the deletion filter).

    >>> minimal_conflict("abcd", lambda held: not {"b", "d"} <= held)
    ('b', 'd')
    """
    held = list(dict.fromkeys(names))
    if possible(frozenset(held)):
        return ()
    for name in tuple(held):
        rest = [other for other in held if other != name]
        if not possible(frozenset(rest)):
            held = rest
    return tuple(held)


def _judged(known: Mapping[str, Bounds], low: Floats, high: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which boxes no number refutes, and which hold nothing but possible triples."""
    kept, sure = np.ones(len(low), dtype=bool), np.ones(len(low), dtype=bool)
    for metric, (least, most) in known.items():
        down, up = box_range(metric, low, high)
        meets, within = (up >= least) & (down <= most), (down >= least) & (up <= most)
        if metric == "dor":
            rates_low, rates_high = low[:, :PREVALENCE], high[:, :PREVALENCE]
            meets |= ((rates_low <= 0) | (rates_high >= 1)).any(axis=1)
        kept &= meets
        sure &= within
    return kept, sure & kept


def _splitting_width(low: Floats, high: Floats) -> Floats:
    """Return how wide boxes are, with more weight near 0 and 1, where ratios change fast."""
    middle = (low + high) / 2
    return (high - low) / (middle * (1 - middle) + 0.01)


def _halved(low: Floats, high: Floats, along: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return both halves of each box."""
    rows = np.arange(len(low))
    middle = (low[rows, along] + high[rows, along]) / 2
    upper, lower = low.copy(), high.copy()
    upper[rows, along] = middle
    lower[rows, along] = middle
    return np.concatenate([low, upper]), np.concatenate([lower, high])


def _has_witness(known: Mapping[str, Bounds], low: Floats, high: Floats) -> bool:
    """Return whether the middle of a box is a possible triple."""
    if not len(low):
        return False
    middle = (low + high) / 2
    return bool(_judged(known, middle, middle)[1].any())


def _hull(low: Floats, high: Floats) -> Bounds:
    return (float(low.min()), float(high.max())) if len(low) else (np.nan, np.nan)
