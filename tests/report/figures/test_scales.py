"""From values to pixels."""

from __future__ import annotations

import pytest

from overread.report.figures.scales import Band, Linear, Log, round_step, round_up


def test_values_beyond_the_domain_are_drawn_at_its_end() -> None:
    scale = Linear((0, 1), (200, 0))
    assert [scale(value) for value in (-1, 0, 0.5, 1, 2)] == [200, 200, 100, 0, 0]


@pytest.mark.parametrize("domain", [(0, 1), (0.4, 1), (0, 0.15), (-0.9, 12.9), (0, 8e4), (0.5, 0.50001)])
def test_ticks_are_few_and_within_the_domain(domain: tuple[float, float]) -> None:
    ticks = Linear(domain, (0, 1)).ticks()
    assert 2 <= len(ticks) <= 7
    assert all(domain[0] <= tick <= domain[1] for tick in ticks)


def test_a_decade_is_as_wide_as_another() -> None:
    scale = Log((1, 1000), (0, 300))
    assert scale(10) == pytest.approx(100)
    assert scale(100) == pytest.approx(200)


def test_names_stand_in_equal_steps() -> None:
    band = Band(("a", "b", "c"), 20, 100)
    assert [band.centre(k) for k in range(3)] == [110, 130, 150]
    assert band.end == 160
    assert band.places == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize("value", [1e-9, 0.0012, 0.3, 7, 99, 12345])
def test_an_axis_ends_at_or_above_its_highest_value(value: float) -> None:
    assert value <= round_up(value) <= 2 * value
    assert round_up(0) == 1


def test_steps_are_round() -> None:
    assert [round_step(rough) for rough in (0.021, 0.2, 0.21, 6)] == pytest.approx([0.05, 0.2, 0.5, 10])
