"""One printed row: whether its numbers can belong together, what they leave possible, and which contradict others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, inf, isfinite

import numpy as np

from overread.records.printed import COUNTS, PrintedRow
from overread.stats.printed import RATES, Bounds, Cover, minimal_conflict, rate_cover
from overread.stats.printed_counts import CountTables, count_tables, whole_share

TRUST = (
    "n_images", "n_positive", "n_negative", "tp", "fp", "fn", "tn",
    "sensitivity", "specificity", "prevalence", "accuracy", "balanced_accuracy", "ppv", "npv", "f1",
    "lr_positive", "lr_negative", "dor", "auroc",
)  # fmt: skip
"""In this order numbers are kept where they contradict each other: counts first, what is made of others last."""

NO_TABLES = CountTables(*(np.zeros(0, dtype=np.int64) for _ in range(5)))
NARROW_PREVALENCE = 0.02
EPSILON = 1e-9


@dataclass(frozen=True)
class Given:
    """Numbers of images that come from elsewhere than the printed row."""

    n_images: int
    n_positive: int


@dataclass(frozen=True, eq=False)
class Row:
    """A printed row and all that it leaves possible.

    `cells` are the bounds by name, the given counts among them (of an average, only what one table could tie
    together); `conflict` the names of a smallest set that cannot hold together, and `left_out` what was left out so
    that the rest can; `cover` and `tables` are what the rest leaves possible, in rates and (where the numbers of
    images are known) in whole numbers.
    """

    printed: PrintedRow
    cells: Mapping[str, Bounds]
    given: frozenset[str]
    conflict: tuple[str, ...]
    left_out: tuple[str, ...]
    cover: Cover
    tables: CountTables | None
    prevalence: Bounds | None

    @property
    def kept(self) -> dict[str, Bounds]:
        """The cells that everything else is made from."""
        return {name: bounds for name, bounds in self.cells.items() if name not in self.left_out}

    def bounds(self, name: str) -> Bounds:
        """Return between which numbers a metric or a count lies; nan where nothing says it."""
        if self.tables is not None:
            return self.tables.bounds(name)
        printed = self.kept.get(name, (-inf, inf))
        if name in RATES:  # boxes at the edge of a cover reach beyond what is printed
            return meet(printed, self.cover.bounds(name))
        return printed if name in self.kept else (np.nan, np.nan)

    def text(self, name: str) -> str:
        """Return a number as it is printed or given."""
        if name in self.printed.cells:
            return self.printed.cells[name].text
        return f"{self.cells[name][0]:,.0f} (given)"


def understood(row: PrintedRow, n_images: int | None = None, given: Given | None = None) -> Row:
    """Return what a printed row leaves possible.

    >>> from overread.records.printed import Printed
    >>> cells = {name: Printed("", v, v - 0.005, v + 0.005) for name, v in (("sensitivity", 0.9), ("specificity", 0.8))}
    >>> understood(PrintedRow("", "", cells | {"dor": Printed("50", 50, 49.5, 50.5)})).conflict
    ('sensitivity', 'specificity', 'dor')
    """
    one_table = [name for name in row.cells if not (row.average and name in (*COUNTS, "auroc"))]
    cells: dict[str, Bounds] = {name: (row.cells[name].low, row.cells[name].high) for name in one_table}
    added = added_counts(cells, n_images, given) if not row.average else {}
    cells = in_order(cells | added)
    conflict = minimal_conflict(reversed(cells), lambda names: possible({name: cells[name] for name in names}))
    kept: dict[str, Bounds] = dict(cells)
    if conflict:
        kept = {}
        for name, bounds in cells.items():
            if possible(kept | {name: bounds}):
                kept[name] = bounds
    cover, tables = everything(kept)
    share = own_prevalence(row, cover, tables, given)
    ordered_conflict = tuple(name for name in TRUST if name in conflict)
    left_out = tuple(name for name in cells if name not in kept)
    return Row(row, cells, frozenset(added), ordered_conflict, left_out, cover, tables, share)


def in_order(cells: Mapping[str, Bounds]) -> dict[str, Bounds]:
    """Return cells in the order of trust."""
    return {name: cells[name] for name in TRUST if name in cells}


def added_counts(cells: Mapping[str, Bounds], n_images: int | None, given: Given | None) -> dict[str, Bounds]:
    """Return numbers of images that are given from elsewhere, where the row prints none of that kind."""
    if any(name in cells for name in COUNTS):
        return {}
    if given is not None:
        return {"n_images": exactly(given.n_images), "n_positive": exactly(given.n_positive)}
    return {} if n_images is None else {"n_images": exactly(n_images)}


def exactly(count: int) -> Bounds:
    """Return the bounds of a number that is known."""
    return float(count), float(count)


def possible(cells: Mapping[str, Bounds]) -> bool:
    """Return whether numbers can belong to one table of counts."""
    cover, tables = everything(cells, only_whether=True)
    return not cover.empty if tables is None else not tables.empty


def everything(cells: Mapping[str, Bounds], *, only_whether: bool = False) -> tuple[Cover, CountTables | None]:
    """Return all that is possible: in rates, and in whole numbers where the images are counted."""
    rates = {name: bounds for name, bounds in cells.items() if name not in COUNTS}
    ill, healthy, total = count_ranges(cells)
    if ill[1] < ill[0] or healthy[1] < healthy[0] or total[1] < total[0]:
        return rate_cover(rates, only_whether=only_whether), NO_TABLES
    share = ill[0] / max(ill[0] + healthy[1], 1), ill[1] / max(ill[1] + healthy[0], 1) if isfinite(ill[1]) else 1.0
    before = rates.get("prevalence", (0.0, 1.0))
    narrowed = max(before[0], share[0]), min(before[1], share[1])
    if narrowed != (0.0, 1.0):
        rates["prevalence"] = narrowed if narrowed[0] <= narrowed[1] + EPSILON else before
    cover = rate_cover(rates, only_whether=only_whether)
    if cover.empty:
        return cover, None
    for name, count in (("sensitivity", ill), ("specificity", healthy)):
        if name in cells and isfinite(count[1]) and not whole_share(whole(count), cells[name]):
            return cover, NO_TABLES
    if not isfinite(min(ill[1], healthy[1], total[1])):
        return cover, None
    left = rates.get("prevalence", (0.0, 1.0))
    if not only_whether or left[1] - left[0] > NARROW_PREVALENCE:  # a cover that stopped early bounds nothing
        left = (rate_cover(rates) if only_whether else cover).bounds("prevalence")
    ranges = finite_ranges(ill, healthy, total, left)
    return cover, None if ranges is None else count_tables(*ranges, cells)


def count_ranges(cells: Mapping[str, Bounds]) -> tuple[Bounds, Bounds, Bounds]:
    """Return the least and the largest numbers of ill, of healthy and of all images, as far as counts say it."""
    tp, fp, fn, tn = (cells.get(name, (0.0, inf)) for name in ("tp", "fp", "fn", "tn"))
    ill = meet(cells.get("n_positive", (0.0, inf)), (tp[0] + fn[0], tp[1] + fn[1]))
    healthy = meet(cells.get("n_negative", (0.0, inf)), (fp[0] + tn[0], fp[1] + tn[1]))
    total = meet(cells.get("n_images", (0.0, inf)), (ill[0] + healthy[0], ill[1] + healthy[1]))
    if isfinite(total[1]):
        ill = meet(ill, (total[0] - healthy[1], total[1] - healthy[0]))
        healthy = meet(healthy, (total[0] - ill[1], total[1] - ill[0]))
    return ill, healthy, total


def finite_ranges(
    ill: Bounds, healthy: Bounds, total: Bounds, share: Bounds
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None:
    """Return whole-number ranges of ill, healthy and all images, the prevalence used; None where one has no end."""
    low, high = max(share[0] - EPSILON, 0.0), min(share[1] + EPSILON, 1.0)
    if isfinite(total[1]):
        ill = meet(ill, (total[0] * low, total[1] * high))
        healthy = meet(healthy, (total[0] * (1 - high), total[1] * (1 - low)))
    elif isfinite(ill[1]) and low > 0:
        healthy = meet(healthy, (ill[0] * (1 - high) / max(high, EPSILON), ill[1] * (1 - low) / low))
    elif isfinite(healthy[1]) and high < 1:
        ill = meet(ill, (healthy[0] * low / (1 - low) if low < 1 else 0.0, healthy[1] * high / (1 - high)))
    if not (isfinite(ill[1]) and isfinite(healthy[1])):
        return None
    total = meet(total, (ill[0] + healthy[0], ill[1] + healthy[1]))
    return whole(ill), whole(healthy), whole(total)


def whole(bounds: Bounds) -> tuple[int, int]:
    """Return the whole numbers within bounds."""
    return ceil(bounds[0] - 1e-6), floor(bounds[1] + 1e-6)


def meet(one: Bounds, other: Bounds) -> Bounds:
    """Return what two ranges share."""
    return max(one[0], other[0]), min(one[1], other[1])


def own_prevalence(row: PrintedRow, cover: Cover, tables: CountTables | None, given: Given | None) -> Bounds | None:
    """Return the prevalence of the images that a row is about, where it is known well enough to count people with."""
    if row.average:
        if "prevalence" in row.cells:
            return row.cells["prevalence"].low, row.cells["prevalence"].high
        return None if given is None else (given.n_positive / given.n_images,) * 2
    low, high = tables.bounds("prevalence") if tables is not None else cover.bounds("prevalence")
    return (low, high) if high - low <= NARROW_PREVALENCE and low > 0 and high < 1 else None
