from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from overread.vision.heatmaps.randomisation import flipped, randomised, shifted  # noqa: E402
from overread.vision.networks import build_network  # noqa: E402


def test_layers_become_random_from_the_top_down_and_stay_so() -> None:
    network = build_network("densenet_small", findings=("Mass", "Edema"), weights=None, seed=3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    names, changed = [], []
    for name, made in randomised(network, seed=1):
        names.append(name)
        now = made.state_dict()
        changed.append({key for key in before if "weight" in key and not torch.equal(now[key], before[key])})
    assert names[:3] == ["head", "norm5", "denseblock4"]
    assert names[-1] == "conv0"
    assert changed[0] == {"head.weight"}
    assert all(one <= other for one, other in pairwise(changed))
    convolutions = {key for key in before if "conv" in key and "weight" in key}
    assert convolutions <= changed[-1]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())  # a copy was changed
    assert torch.equal(state, torch.random.get_rng_state())


def test_images_move() -> None:
    image = torch.arange(12.0).view(1, 3, 4)
    assert torch.equal(flipped(flipped(image)), image)
    moved = shifted(image, 1)
    assert torch.equal(moved[:, 1:, 1:], image[:, :-1, :-1])
    assert torch.equal(moved[:, 0, 1:], image[:, 0, :-1])
