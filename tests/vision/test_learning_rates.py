from __future__ import annotations

import math

import pytest

from overread.vision.learning_rates import SCHEDULES, learning_rate

torch = pytest.importorskip("torch")


def rates(schedule: str, n: int, warmup: int, losses: list[float] | None = None) -> list[float]:
    return [
        learning_rate(schedule, highest=0.1, step=step, n_steps=n, warmup_steps=warmup, losses=losses or [])
        for step in range(n)
    ]


def test_the_cosine_is_torchs() -> None:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20)
    expected = []
    for _ in range(20):
        expected.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    assert rates("cosine", 20, 0) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_it_rises_evenly_and_is_highest_after_warming_up(schedule: str) -> None:
    assert rates(schedule, 30, 5)[:6] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1])
    assert max(rates(schedule, 30, 5)) == pytest.approx(0.1)


def test_the_plateau_is_torchs() -> None:
    losses = [3.0, 2.0, 2.5, 2.1, 2.2, 1.9, 1.95, 1.96, 1.97, 1.98, 1.0]
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=1, threshold=0.0)
    for count, loss in enumerate(losses, 1):
        schedule.step(loss)
        found = learning_rate("plateau", highest=0.1, step=9, n_steps=10, warmup_steps=0, losses=losses[:count])
        assert found == pytest.approx(optimiser.param_groups[0]["lr"]), count


def test_a_loss_that_is_not_a_number_is_no_gain() -> None:
    assert rates("plateau", 1, 0, [1.0, math.nan, math.nan])[0] == pytest.approx(0.01)
