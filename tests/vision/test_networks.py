from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from overread.records.errors import InputError  # noqa: E402
from overread.vision.networks import BACKBONES, ChestNetwork, build_network  # noqa: E402

FINDINGS = ("Effusion", "Mass", "Nodule")


@pytest.mark.parametrize("backbone", BACKBONES)
def test_features_end_in_a_relu_that_is_not_in_place(backbone: str) -> None:
    network = build_network(backbone, findings=FINDINGS, weights=None).eval()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = network.activations(images)
        assert features.shape == (2, BACKBONES[backbone][1], 2, 2)
        assert features.min() == 0
        assert network(images).shape == (2, 3)
    last = [module for module in network.features.modules() if isinstance(module, torch.nn.ReLU)][-1]
    assert not last.inplace


def test_densenet121_is_that_of_the_paper() -> None:
    network = build_network(findings=FINDINGS, weights=None)
    assert sum(weight.numel() for weight in network.features.parameters()) == 6_953_856  # torchvision's, less its head
    assert network.head.weight.shape == (3, 1024)
    assert all(weight.requires_grad for weight in network.parameters())


def test_the_modified_model_adds_its_inputs_to_the_logits_of_the_last_layer() -> None:
    network = build_network("densenet_small", findings=FINDINGS, metadata_width=2, weights=None).eval()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        none, both = (network(images, torch.full((2, 2), value)) for value in (0.0, 1.0))
        torch.testing.assert_close(both - none, network.head.weight[:, -2:].sum(dim=1).expand(2, 3))
        torch.testing.assert_close(network.answer(network.activations(images), torch.zeros(2, 2)), none)
    with pytest.raises(ValueError, match="metadata must have 2 inputs per image, got 0"):
        network(images)
    with pytest.raises(ValueError, match="metadata must have 0 inputs per image, got 2"):
        build_network("densenet_small", findings=FINDINGS, weights=None)(images, torch.zeros(2, 2))


def test_a_seed_gives_the_weights_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    one, same, other = (
        build_network("densenet_small", findings=FINDINGS, weights=None, seed=seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.weight"], other["head.weight"])


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(InputError, match="there is none called 'vgg16'"):
        ChestNetwork("vgg16", FINDINGS)
