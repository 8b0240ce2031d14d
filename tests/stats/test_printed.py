"""What rounding leaves possible: against brute force over all small tables, and as a property of any table."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import product
from math import inf, isfinite

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from overread.stats.operating_points import METRICS, Counts
from overread.stats.printed import RATES, box_range, minimal_conflict, rate_cover
from overread.stats.printed_counts import count_tables, log_interval_bounds, metric_of

NAMES = (
    "sensitivity",
    "specificity",
    "accuracy",
    "ppv",
    "npv",
    "f1",
    "lr_positive",
    "lr_negative",
    "dor",
    "prevalence",
)


def value(name: str, tp: int, fp: int, fn: int, tn: int) -> float:
    cells = (np.array([float(cell)]) for cell in (tp, fp, fn, tn))
    return float(metric_of(name, *cells)[0])


def rounded(number: float, digits: int, how: str) -> tuple[float, float]:
    """Round as a paper does, and return what a reader can know of the number."""
    unit = Decimal(1).scaleb(-digits)
    text = Decimal(number).quantize(unit, rounding=how)
    return float(text - unit / 2), float(text + unit / 2)


counts = st.tuples(*(st.integers(0, 400) for _ in range(4))).filter(lambda c: c[0] + c[2] > 0 and c[1] + c[3] > 0)
digits = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.integers(1, 4), st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN]))
)


def printed(cells: tuple[int, int, int, int], asked: dict[str, tuple[int, str]]) -> dict[str, tuple[float, float]]:
    known = {name: value(name, *cells) for name in asked}
    return {name: rounded(known[name], *asked[name]) for name in asked if isfinite(known[name]) and known[name] < 1e6}


@settings(max_examples=150, deadline=None)
@given(counts, digits)
def test_the_truth_lies_in_the_cover_of_what_was_rounded(
    cells: tuple[int, int, int, int], asked: dict[str, tuple[int, str]]
) -> None:
    cover = rate_cover(printed(cells, asked))
    assert not cover.empty
    for name in RATES:
        truth = value(name, *cells)
        if isfinite(truth) and not (name == "dor" and 0 in cells):
            low, high = cover.bounds(name)
            assert low - 1e-9 * abs(low) <= truth <= high + 1e-9 * (1 + abs(high) if isfinite(high) else 1)


@settings(max_examples=150, deadline=None)
@given(counts, digits)
def test_the_true_counts_are_among_the_tables(
    cells: tuple[int, int, int, int], asked: dict[str, tuple[int, str]]
) -> None:
    tp, fp, fn, tn = cells
    ill, healthy = tp + fn, fp + tn
    tables = count_tables((ill, ill), (healthy, healthy), (ill + healthy, ill + healthy), printed(cells, asked))
    assert tables is not None
    assert not tables.empty
    row = np.flatnonzero((tables.tp == tp) & (tables.fp_low <= fp) & (tables.fp_high >= fp))
    assert len(row) >= 1
    for name in ("tp", "fp", "fn", "tn", "sensitivity", "ppv", "f1"):
        truth = dict(zip(("tp", "fp", "fn", "tn"), cells, strict=True)).get(name)
        truth = value(name, *cells) if truth is None else truth
        low, high = tables.bounds(name)
        assert not isfinite(truth) or low - 1e-9 <= truth <= high + 1e-9


ends = st.tuples(st.floats(0, 1), st.floats(0, 0.3)).map(lambda two: (two[0], two[0] + two[1]))
any_cells = st.dictionaries(st.sampled_from([name for name in NAMES if name != "dor"]), ends, min_size=1, max_size=4)


# Many tables have a rate without a denominator, and are left out.
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.integers(1, 9), st.integers(1, 9), any_cells)
def test_the_search_is_brute_force_over_all_tables(
    ill: int, healthy: int, cells: dict[str, tuple[float, float]]
) -> None:
    found = count_tables((ill, ill), (healthy, healthy), (ill + healthy, ill + healthy), cells)
    assert found is not None
    expected = set()
    for tp, fp in product(range(ill + 1), range(healthy + 1)):
        table = tp, fp, ill - tp, healthy - fp
        values = {name: value(name, *table) for name in cells}
        near = any(abs(values[name] - end) < 1e-8 for name, two in cells.items() for end in two)
        assume(not near and not any(np.isnan(v) for v in values.values()))
        if all(low <= values[name] <= high for name, (low, high) in cells.items()):
            expected.add((tp, fp))
    listed = found.listed()
    assert listed is not None
    assert set(zip(listed.tp.tolist(), listed.fp.tolist(), strict=True)) == expected
    assert found.n == len(expected)
    if expected:
        assert not rate_cover(cells).empty  # rates allow whatever whole numbers do
        for name in METRICS:
            values = [v for tp, fp in expected if isfinite(v := value(name, tp, fp, ill - tp, healthy - fp))]
            if values:
                low, high = found.bounds(name)
                assert low <= min(values) + 1e-12
                assert high >= max(values) - 1e-12


def test_an_odds_ratio_of_an_empty_cell_may_be_printed_in_each_custom() -> None:
    one = ((10, 10), (20, 20), (30, 30))
    for text in ((0.5 + 10) * (15 + 0.5) / ((5 + 0.5) * 0.5), inf):
        found = count_tables(*one, {"sensitivity": (1.0, 1.0), "dor": (text, text)})
        assert found is not None
        assert (10, 5) in zip(found.tp.tolist(), found.fp_low.tolist(), strict=True) or text == inf
        assert not found.empty
        assert not rate_cover({"sensitivity": (1.0, 1.0), "dor": (text, text)}).empty


@pytest.mark.parametrize("name", RATES)
def test_every_metric_moves_as_its_signs_say(name: str) -> None:
    rng = np.random.default_rng(1)
    low = rng.uniform(0.01, 0.6, (300, 3))
    high = low + rng.uniform(0, 0.39, (300, 3))
    least, most = box_range(name, low, high)
    for _ in range(40):
        inside = rng.uniform(low, high)
        values = RATES[name].of(*inside.T)
        assert np.all(least <= values + 1e-12)
        assert np.all(values <= most + 1e-12)


def test_rates_are_the_metrics_of_counts() -> None:
    tp, fp, fn, tn = 81, 235, 9, 675
    point = np.array([[tp / 90, tn / 910, 0.09]])
    for name in METRICS:
        expected = METRICS[name](Counts(tp, fp, fn, tn))
        assert box_range(name, point, point)[0][0] == pytest.approx(float(expected)), name


def test_bounds_are_tight_where_algebra_gives_them() -> None:
    # PPV p a / (p a + (1 - p)(1 - b)) with a = 0.8, b = 0.9 known: the prevalence that gives 0.5 is 1/9.
    cover = rate_cover({"sensitivity": (0.8, 0.8), "specificity": (0.9, 0.9), "ppv": (0.5, 0.5)})
    low, high = cover.bounds("prevalence")
    assert low == pytest.approx(1 / 9, abs=1e-4)
    assert high == pytest.approx(1 / 9, abs=1e-4)
    assert cover.at_prevalence("ppv", 0.5) == pytest.approx((8 / 9, 8 / 9))


def test_an_area_is_held_against_the_point_that_its_curve_goes_through() -> None:
    point = {"sensitivity": (0.9, 0.9), "specificity": (0.8, 0.8)}
    assert not rate_cover(point | {"auroc": (0.73, 0.74)}).empty  # least 0.72
    assert rate_cover(point | {"auroc": (0.70, 0.71)}).empty
    assert rate_cover(point | {"auroc": (0.981, 0.99)}).empty  # most 0.98
    assert count_tables((10, 10), (10, 10), (20, 20), point | {"auroc": (0.70, 0.71)}).empty  # type: ignore[union-attr]


def test_the_conflict_is_minimal_and_is_one() -> None:
    cells = {"accuracy": (0.6, 0.7), "sensitivity": (0.8, 0.8), "specificity": (0.9, 0.9), "dor": (1.0, 2.0)}

    def possible(names: frozenset[str]) -> bool:
        return not rate_cover({name: cells[name] for name in names}, only_whether=True).empty

    # An accuracy lies between the two rates, so it contradicts them as well; one of the two sets is found.
    found = minimal_conflict(cells, possible)
    assert set(found) == {"sensitivity", "specificity", "dor"}
    assert set(minimal_conflict(reversed(cells), possible)) == {"accuracy", "sensitivity", "specificity"}
    for name in found:
        assert possible(frozenset(found) - {name})


def test_log_intervals_are_those_of_one_table_where_there_is_one() -> None:
    from overread.stats.operating_points import LOG_INTERVALS

    found = count_tables((90, 90), (910, 910), (1000, 1000), {"tp": (73.0, 73.0), "fp": (235.0, 235.0)})
    assert found is not None
    for name, estimate in LOG_INTERVALS.items():
        one = estimate(Counts(73, 235, 17, 675), level=0.9)
        assert log_interval_bounds(found, name, level=0.9) == pytest.approx((one.low, one.high)), name


def test_too_many_tables_are_not_searched() -> None:
    assert count_tables((0, 10**9), (0, 10**9), (0, 2 * 10**9), {}) is None
