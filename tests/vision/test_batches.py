from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from overread.records.errors import InputError  # noqa: E402
from overread.vision.augmentation import Augmentation  # noqa: E402
from overread.vision.batches import Batch, Batches, OrderedPlans, Plan, TrainingPlans  # noqa: E402
from overread.vision.preprocessing import Preprocessing  # noqa: E402


@dataclass
class Noise:
    """Images that are noise of their own seed; image 7 cannot be read."""

    size: int = 40
    fit: str = "pad"

    def batch(self, images: Sequence[str]) -> np.ndarray:
        if "7" in images:
            raise InputError("7", "it is broken")
        draw = [np.random.default_rng(int(name)).integers(0, 256, (40, 40), dtype=np.uint8) for name in images]
        return np.stack(draw)


def batches(n: int = 6) -> Batches:
    labels = np.arange(2 * n).reshape(n, 2).astype(np.int8) % 3 - 1
    metadata = np.arange(n, dtype=np.float32)[:, None]
    recipe = Preprocessing(40, 32)
    return Batches(Noise(), [str(row) for row in range(n)], labels, metadata, recipe, Augmentation(), 3)  # type: ignore[arg-type]


def made(plan: Plan, n: int = 6) -> Batch:
    batch = batches(n)[plan]
    assert isinstance(batch, Batch)
    return batch


def test_a_batch_holds_what_belongs_together() -> None:
    rows = np.array([4, 1])
    batch = made(Plan(rows))
    np.testing.assert_array_equal(batch.pixels[0], Noise().batch(["4"])[0][4:36, 4:36])
    np.testing.assert_array_equal(batch.labels, batches().labels[rows])
    np.testing.assert_array_equal(batch.metadata, [[4], [1]])
    np.testing.assert_array_equal(batch.rows, rows)


def test_changes_are_an_images_own_whatever_batch_it_is_in() -> None:
    together, alone = made(Plan(np.array([4, 1]), 2)), made(Plan(np.array([1]), 2))
    assert torch.equal(together.pixels[1], alone.pixels[0])
    assert not torch.equal(alone.pixels, made(Plan(np.array([1]), 3)).pixels)


def test_an_image_that_cannot_be_read_comes_back_as_the_refusal() -> None:
    assert isinstance(batches(9)[Plan(np.array([1, 7]))], InputError)


@pytest.mark.parametrize(("n", "size", "processes"), [(10, 3, 1), (10, 3, 2), (23, 4, 3), (5, 8, 2), (4, 2, 2)])
def test_every_epoch_is_another_order_and_processes_share_it(n: int, size: int, processes: int) -> None:
    parts = [TrainingPlans(n, size, 0, process=process, n_processes=processes) for process in range(processes)]
    orders = []
    for epoch in (0, 1):
        for part in parts:
            part.set_epoch(epoch)
        plans = [list(part) for part in parts]
        assert len({len(part) for part in plans}) == 1
        assert len({len(plan.rows) for part in plans for plan in part}) == 1
        assert all(plan.epoch == epoch for part in plans for plan in part)
        rows = [row for step in zip(*plans, strict=True) for plan in step for row in plan.rows]
        assert len(set(rows)) == len(rows)
        assert n - len(rows) < size * processes
        orders.append(rows)
    assert orders[0] != orders[1] or n < 4
    assert [len(part) for part in parts] == [len(list(part)) for part in parts]


def test_one_process_and_two_take_the_same_rows_in_each_step() -> None:
    one = TrainingPlans(20, 6, 1)
    two = [TrainingPlans(20, 3, 1, process=process, n_processes=2) for process in (0, 1)]
    for whole, *halves in zip(one, *two, strict=True):
        assert set(whole.rows) == set(np.concatenate([half.rows for half in halves]))


@pytest.mark.parametrize(("n", "size", "processes"), [(10, 3, 1), (10, 3, 2), (7, 4, 3), (1, 4, 2), (9, 64, 2)])
def test_validation_rows_all_come_and_every_process_makes_as_many_batches(n: int, size: int, processes: int) -> None:
    plans = [list(OrderedPlans(n, size, process=process, n_processes=processes)) for process in range(processes)]
    assert len({tuple(len(plan.rows) for plan in part) for part in plans}) == 1
    assert {row for part in plans for plan in part for row in plan.rows} == set(range(n))
    assert max(len(plan.rows) for part in plans for plan in part) <= size
    assert all(plan.epoch is None for part in plans for plan in part)
