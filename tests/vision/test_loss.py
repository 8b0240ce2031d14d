from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from overread.records.cohort import MISSING  # noqa: E402
from overread.vision.loss import masked_cross_entropy  # noqa: E402


def test_it_is_equations_7_and_8_by_hand() -> None:
    p = [[0.9, 0.2], [0.6, 0.5]]
    y = [[1, 0], [0, 1]]
    of_image = [
        -sum(math.log(p if y else 1 - p) for p, y in zip(*pair, strict=True)) / 2 for pair in zip(p, y, strict=True)
    ]
    logits = torch.logit(torch.tensor(p, dtype=torch.float64))
    assert masked_cross_entropy(logits, torch.tensor(y)).item() == pytest.approx(sum(of_image) / 2)


def test_it_is_torchs_where_every_label_is_known_and_so_is_its_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 14, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 2, (7, 14), generator=generator).double()
    ours = torch.autograd.grad(masked_cross_entropy(logits, labels), logits)[0]
    theirs = torch.autograd.grad(torch.nn.functional.binary_cross_entropy_with_logits(logits, labels), logits)[0]
    torch.testing.assert_close(ours, theirs)


def test_missing_labels_neither_count_nor_teach() -> None:
    logits = torch.tensor([[2.0, 50.0], [-1.0, 0.5]], requires_grad=True)
    labels = torch.tensor([[1, MISSING], [0, 1]])
    loss = masked_cross_entropy(logits, labels)
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)) + math.log1p(math.exp(-0.5))) / 3
    assert loss.item() == pytest.approx(expected)
    gradient = torch.autograd.grad(loss, logits)[0]
    assert gradient[0, 1] == 0
    assert (gradient != 0).sum() == 3


def test_without_a_known_label_there_is_nothing_to_learn() -> None:
    logits = torch.ones(2, 3, requires_grad=True)
    loss = masked_cross_entropy(logits, torch.full((2, 3), MISSING))
    assert loss.item() == 0
    assert torch.autograd.grad(loss, logits)[0].abs().sum() == 0
