"""The closed form against automatic differentiation, against MONAI, and against the papers' formulas written out."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from overread.records.findings import NIH_FINDINGS  # noqa: E402
from overread.vision.heatmaps.gradcam import (  # noqa: E402
    enlarged,
    features_and_gradients,
    gradcam,
    maps_of,
    positive,
    scaled,
)
from overread.vision.networks import ChestNetwork, build_network  # noqa: E402
from overread.vision.preprocessing import Preprocessing  # noqa: E402


def trained_a_little(
    network: ChestNetwork, images: torch.Tensor, metadata: torch.Tensor | None, *, steps: int = 3
) -> ChestNetwork:
    """Take a few steps, so that batch normalisation has seen images and no weight is as it was drawn."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05)
    wanted = torch.rand(len(images), len(network.findings), generator=torch.Generator().manual_seed(1)).round()
    network.train()
    for _ in range(steps):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(images, metadata), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def small(metadata_width: int = 0) -> tuple[ChestNetwork, torch.Tensor, torch.Tensor | None]:
    network = build_network(
        "densenet_small", findings=("Mass", "Edema", "Hernia"), metadata_width=metadata_width, weights=None
    )
    images = torch.randn(4, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    metadata = torch.rand(4, metadata_width) if metadata_width else None
    return trained_a_little(network, images, metadata), images, metadata


@pytest.mark.parametrize("metadata_width", [0, 2])
def test_closed_form_is_that_of_autograd_on_real_images(radiographs: NDArray[np.uint8], metadata_width: int) -> None:
    """Both of the paper's models: within 1e-5 of the map's largest value."""
    network = build_network(findings=NIH_FINDINGS, metadata_width=metadata_width, weights=None)
    images = Preprocessing()(torch.from_numpy(radiographs))
    metadata = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]) if metadata_width else None
    for each in (network.eval(), trained_a_little(network, images, metadata, steps=1)):
        with torch.inference_mode():
            closed = maps_of(each, each.activations(images))
        for place in (0, 7, 13):
            by_autograd = gradcam(each, each.features, lambda out, k=place: out[:, k], images, metadata)
            apart = (closed[:, place] - by_autograd).abs().amax(dim=(1, 2))
            assert (apart <= 1e-5 * by_autograd.abs().amax(dim=(1, 2))).all()


@pytest.mark.parametrize("metadata_width", [0, 2])
def test_cells_add_up_to_the_image_s_part_of_the_logit(metadata_width: int) -> None:
    network, images, metadata = small(metadata_width)
    with torch.inference_mode():
        activations = network.activations(images)
        rest = network.answer(torch.zeros_like(activations), metadata)
        summed = maps_of(network, activations).sum(dim=(2, 3))
        torch.testing.assert_close(summed, network.answer(activations, metadata) - rest, rtol=1e-4, atol=1e-5)


def test_cam_is_gradcam_times_the_number_of_cells() -> None:
    network, images, _ = small()
    activations = network.activations(images).detach()
    n_cells = activations.shape[2] * activations.shape[3]
    torch.testing.assert_close(maps_of(network, activations, "cam"), n_cells * maps_of(network, activations))


def test_gradcam_plus_plus_is_the_paper_s_formula() -> None:
    """Equations 5, 10 and 19 of Chattopadhay et al., with derivatives of exp(logit) taken one after the other."""
    network, images, _ = small()
    network, images = network.double(), images.double()  # second and third derivatives lose digits
    features = network.activations(images).detach()
    closed = maps_of(network, features, "gradcam++")
    general = gradcam(network, network.features, lambda out: out[:, 1], images, method="gradcam++")
    torch.testing.assert_close(closed[:, 1], general)

    a = features.clone().requires_grad_()
    logit = network.answer(a)[:, 1]
    (g,) = torch.autograd.grad(logit.sum(), a)
    score = logit.exp().detach()[:, None, None, None]
    first, second, third = score * g, score * g**2, score * g**3  # a network of ReLUs has no second derivative itself
    alpha = second / (2 * second + (features * third).sum(dim=(2, 3), keepdim=True))
    weights = (alpha * first.clamp(min=0)).sum(dim=(2, 3), keepdim=True)
    written_out = (weights * features).sum(dim=1)
    torch.testing.assert_close(scaled(closed[:, 1]), scaled(written_out))


def test_monai_s_map_is_ours_and_its_default_scale_is_inverted() -> None:
    from monai.visualize import GradCAM

    network, images, _ = small()
    ours = positive(maps_of(network, network.activations(images).detach())[:, 2:3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI's hooks warn about modules whose inputs need no gradient
        plain = GradCAM(network, "features.relu5", upsampler=lambda size: lambda maps: maps, postprocessing=lambda x: x)
        theirs = plain(images, class_idx=2)
        inverted = GradCAM(network, "features.relu5")(images, class_idx=2)
    torch.testing.assert_close(torch.as_tensor(theirs), ours, rtol=1e-4, atol=1e-7)
    large = enlarged(ours, (96, 96))
    least, most = large.amin(dim=(2, 3), keepdim=True), large.amax(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(torch.as_tensor(inverted), 1 - (large - least) / (most - least), rtol=1e-3, atol=1e-4)


def test_relus_in_place_do_not_corrupt_what_the_hook_keeps() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(inplace=True),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 2),
    ).eval()
    images = torch.randn(3, 1, 8, 8)
    features, _ = features_and_gradients(net, net[1], lambda out: out[:, 0], images)
    assert features.min() < 0  # as batch normalisation left them
    torch.testing.assert_close(features, net[1](net[0](images)))


def test_before_the_last_relu_the_closed_form_does_not_hold() -> None:
    """The gradient at `norm5` is 0 where the ReLU is shut, so its average over cells is another."""
    network, images, _ = small()
    behind = gradcam(network, network.features.relu5, lambda out: out[:, 0], images)
    before = gradcam(network, network.features.norm5, lambda out: out[:, 0], images)
    torch.testing.assert_close(behind, maps_of(network, network.activations(images).detach())[:, 0])
    assert not torch.allclose(before, behind, rtol=0.1)


def test_general_route_needs_no_gradients_of_weights_and_leaves_the_network_as_it_was() -> None:
    network, images, _ = small()
    expected = gradcam(network, network.features, lambda out: out[:, 0], images)
    network.requires_grad_(False).train()
    modes = [part.training for part in network.modules()]
    with torch.inference_mode():
        found = gradcam(network, network.features, lambda out: out[:, 0], images)
    torch.testing.assert_close(found, expected)
    assert [part.training for part in network.modules()] == modes
    assert not network.features._forward_hooks


def test_any_target_can_be_explained() -> None:
    """A difference of two logits has the difference of their maps."""
    network, images, _ = small()
    maps = maps_of(network, network.activations(images).detach())
    found = gradcam(network, network.features, lambda out: out[:, 0] - out[:, 2], images)
    torch.testing.assert_close(found, maps[:, 0] - maps[:, 2], rtol=1e-4, atol=1e-7)


def test_a_map_without_heat_stays_without() -> None:
    maps = torch.tensor([[[-1.0, -2.0], [-3.0, -4.0]]])
    assert scaled(maps).abs().max() == 0
    assert positive(maps).abs().max() == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda n, x: maps_of(n, n.activations(x), "lime"), "method must be one of"),
        (lambda n, x: gradcam(n, n.features, lambda out: out[:, 0], x, method="cam"), "gradcam or gradcam"),
        (lambda n, x: gradcam(n, n.head, lambda out: out[:, 0], x), "layer must give one tensor"),
        (lambda n, x: gradcam(n, n.features, lambda out: out, x), "one number per image"),
        (lambda n, x: gradcam(n, torch.nn.ReLU(), lambda out: out[:, 0], x), "used 0 times"),
    ],
)
def test_refusals(call: object, said: str) -> None:
    network, images, _ = small()
    with pytest.raises(ValueError, match=said):
        call(network, images)  # type: ignore[operator] # a lambda
