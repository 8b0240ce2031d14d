"""What is folded answers as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from overread.vision.folding import folded  # noqa: E402


@pytest.mark.parametrize(
    ("backbone", "norms"), [("densenet_small", 9 + 3), ("densenet121", 59 + 3), ("resnet18", 0), ("resnet50", 0)]
)
def test_a_folded_network_gives_the_same_answers_with_fewer_layers(
    backbone: str, norms: int, make_run: Callable[..., Any]
) -> None:
    network = make_run(backbone=backbone).network()
    made = folded(network)
    images, metadata = torch.randn(2, 3, 64, 64), torch.rand(2, 2)
    with torch.inference_mode():
        expected, found = network(images, metadata), made(images, metadata)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 1e-3, "answers that do not depend on the image test nothing"
    left = [module for module in made.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(left) == norms, "only normalisations that follow a concatenation, or a sum, stay"
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules()), "the network itself is left alone"
