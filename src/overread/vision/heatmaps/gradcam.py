"""Grad-CAM and its relatives: in closed form for networks that end in averaging, by automatic differentiation for any.

Maps are signed and unscaled, in units of the logit, as long as nobody asks for `positive` or `scaled`: a map divided by
its own maximum looks as sure with hardly any heat as with much.

With features A_k (after the last ReLU) of h x w cells, averaged over the cells and weighted by a linear layer,
logit_f = Σ_k W_fk mean(A_k) + what does not depend on the image, and the gradient at every cell is W_fk / (h w). Then

* Grad-CAM (Selvaraju et al. 2017, ICCV) averages the gradient over the cells, which changes nothing, and sums: the map
  is Σ_k W_fk A_k / (h w), its positive part in the paper. The cells of the signed map add up to the image's part of
  the logit. It is one product of matrices for all findings, without a backward pass. Metadata add to the logit and
  leave the gradient alone. Before the last ReLU none of this holds: the gradient is then 0 wherever the ReLU is shut.
* CAM (Zhou et al. 2016, CVPR) is Σ_k W_fk A_k: Grad-CAM times the number of cells.
* Grad-CAM++ (Chattopadhay et al. 2018, WACV) weighs channels by Σ_ij α_ij ReLU(gradient) with
  α = g² / (2 g² + g³ Σ A_k) where the score is the exponential of the logit; with a constant gradient g = W / (h w)
  the weight is ReLU(W) / (2 + W mean(A_k)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from overread.vision.networks import ChestNetwork

METHODS = ("gradcam", "gradcam++", "cam")

Target = Callable[[Any], Tensor]
"""What a map explains: from what a network returns to one number per image, as in `lambda logits: logits[:, 0]`."""


def maps_of(network: ChestNetwork, activations: Tensor, method: str = "gradcam") -> Tensor:
    """Return the signed maps (B, findings, h, w) of all findings from the features (B, C, h, w) of one forward pass.

    Equal to `gradcam` at the network's features, in closed form.
    """
    n, channels, height, width = activations.shape
    weights = network.head.weight[:, :channels].to(activations.dtype)  # the rest are metadata's
    cells = activations.flatten(2)
    if method == "cam":
        return (weights @ cells).view(n, -1, height, width)
    if method == "gradcam":
        return ((weights / (height * width)) @ cells).view(n, -1, height, width)
    if method == "gradcam++":
        lifted = weights.clamp(min=0)
        per_image = lifted / (2 + lifted * cells.mean(dim=2)[:, None, :])
        return (per_image @ cells).view(n, -1, height, width)
    raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")


def gradcam(module: nn.Module, layer: nn.Module, target: Target, *inputs: Any, method: str = "gradcam") -> Tensor:
    """Return the signed map (B, h, w) of any network at any layer, by automatic differentiation.

    `layer` is a module within `module` whose output is (B, C, h, w); `target` takes what `module` returns for `inputs`.
    The features are copied before anything behind the layer may change them: a ReLU that works in place would turn
    them into its own output. Runs in evaluation mode, since in training the images of a batch depend on each other.

    >>> import torch
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 3))
    >>> gradcam(net, net[0], lambda logits: logits[:, 1], torch.ones(5, 1, 4, 4)).shape
    torch.Size([5, 4, 4])
    """
    if method not in ("gradcam", "gradcam++"):
        raise ValueError(f"method must be gradcam or gradcam++, got {method!r}")
    features, gradients = features_and_gradients(module, layer, target, *inputs)
    if method == "gradcam":
        weights = gradients.mean(dim=(2, 3), keepdim=True)
    else:
        weights = (_alpha(features, gradients) * gradients.clamp(min=0)).sum(dim=(2, 3), keepdim=True)
    return (weights * features).sum(dim=1)


def _alpha(features: Tensor, gradients: Tensor) -> Tensor:
    """Return Chattopadhay's equation 19: how much each cell's gradient counts, 0 where the gradient is."""
    squared = gradients**2
    below = 2 * squared + gradients**3 * features.sum(dim=(2, 3), keepdim=True)
    return torch.where(below != 0, squared / torch.where(below != 0, below, 1), 0)


def features_and_gradients(module: nn.Module, layer: nn.Module, target: Target, *inputs: Any) -> tuple[Tensor, Tensor]:
    """Return what a layer gives (B, C, h, w), and the gradient of the target with respect to it."""
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(f"layer must give one tensor (B, C, h, w), got {getattr(output, 'shape', type(output))}")
        kept.append(output.detach().clone().requires_grad_())
        return kept[-1].clone()  # what follows may write into the copy; nothing before the layer is differentiated

    with torch.inference_mode(False), torch.enable_grad(), evaluating(module):
        handle = layer.register_forward_hook(keep)
        try:
            answer = target(module(*inputs))
        finally:
            handle.remove()
        if len(kept) != 1:
            raise ValueError(f"layer must be used once in a forward pass, was used {len(kept)} times")
        if answer.ndim != 1 or len(answer) != len(kept[0]):
            raise ValueError(f"target must give one number per image, got {tuple(answer.shape)}")
        (gradients,) = torch.autograd.grad(answer.sum(), kept[0])
    return kept[0].detach(), gradients


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Hold a module in evaluation mode, and put every part of it back into the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def positive(maps: Tensor) -> Tensor:
    """Return the part of maps that speaks for the finding: the ReLU at the end of Grad-CAM."""
    return maps.clamp(min=0)


def scaled(maps: Tensor) -> Tensor:
    """Return the positive part of maps (..., h, w) divided by each map's own maximum; a map without heat stays 0.

    The usual look of Grad-CAM. It hides how much heat there is: see `positive`.

    >>> scaled(torch.tensor([[[1.0, -2.0], [4.0, 0.0]], [[-1.0, 0.0], [0.0, 0.0]]])).tolist()
    [[[0.25, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]
    """
    heat = positive(maps)
    highest = heat.amax(dim=(-2, -1), keepdim=True)
    return heat / torch.where(highest > 0, highest, 1)


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return maps (B, F, h, w) enlarged to the image by bilinear interpolation, for the eye only."""
    return nn.functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
