"""The networks: a backbone of MONAI's, global average pooling, and one linear layer that also takes metadata.

DenseNet-121 is the paper's; Wang et al. (2017) and Baltruschat et al. (2019) used ResNets on the same images. The
ResNets are torchvision's in all but name: MONAI's defaults (a first stride of 1, shortcuts without weights) differ.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from monai.networks.nets.densenet import DenseNet
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

from overread.records.errors import InputError, listed, quoted
from overread.vision.weights import LoadedWeights, load_weights

WIDTHS = [64, 128, 256, 512]
"""Channels of the four stages of a ResNet."""


def densenet(layers: tuple[int, ...], *, first: int = 64, growth: int = 32) -> nn.Module:
    """Return the layers of a DenseNet up to and with the last ReLU."""
    made = DenseNet(2, 3, 1, init_features=first, growth_rate=growth, block_config=layers)
    made.features.add_module("relu5", nn.ReLU())  # not in place: heat maps read what goes into it, and what comes out
    return made.features


def resnet(block: str, layers: list[int]) -> nn.Module:
    """Return the layers of a ResNet up to and with the last ReLU."""
    made = ResNet(
        block,
        layers,
        WIDTHS,
        spatial_dims=2,
        n_input_channels=3,
        conv1_t_stride=2,
        bias_downsample=False,
        num_classes=1,
    )
    made.layer4[-1].act = nn.ReLU()
    names = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")
    return nn.Sequential(OrderedDict((name, getattr(made, name)) for name in names))


BACKBONES: dict[str, tuple[Callable[[], nn.Module], int]] = {  # how it is made, channels of its features
    "densenet121": (lambda: densenet((6, 12, 24, 16)), 1024),
    "densenet169": (lambda: densenet((6, 12, 32, 32)), 1664),
    "densenet201": (lambda: densenet((6, 12, 48, 32)), 1920),
    "resnet18": (lambda: resnet("basic", [2, 2, 2, 2]), 512),
    "resnet34": (lambda: resnet("basic", [3, 4, 6, 3]), 512),
    "resnet50": (lambda: resnet("bottleneck", [3, 4, 6, 3]), 2048),
    "densenet_small": (lambda: densenet((2, 2, 2, 2), first=16, growth=8), 32),  # to try things out in seconds
}


class ChestNetwork(nn.Module):
    """A backbone and a head: an image, and metadata if the model takes any, to one logit per finding.

    The sigmoid of a logit is the score. Between the features and the logits there is nothing but an average over
    places and a linear layer, so that Grad-CAM has a closed form.
    """

    def __init__(self, backbone: str, findings: Sequence[str], metadata_width: int = 0) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise unknown_backbone(backbone)
        if not findings:
            raise ValueError("findings must name at least one finding, got none")
        make, channels = BACKBONES[backbone]
        self.backbone_name, self.findings, self.metadata_width = backbone, tuple(findings), metadata_width
        with torch.random.fork_rng(devices=[]):  # layers draw from the global generator, which is put back
            self.features = make()
            self.head = nn.Linear(channels + metadata_width, len(self.findings))

    def activations(self, images: Tensor) -> Tensor:
        """Return the features (B, C, h, w) of images (B, 3, H, W), after the last ReLU."""
        return self.features(images)

    def answer(self, activations: Tensor, metadata: Tensor | None = None) -> Tensor:
        """Return the logits (B, findings) from the features and the metadata (B, metadata_width)."""
        pooled = activations.mean(dim=(2, 3))
        width = 0 if metadata is None else metadata.shape[1]
        if width != self.metadata_width:
            raise ValueError(f"metadata must have {self.metadata_width} inputs per image, got {width}")
        if metadata is not None and width:
            pooled = torch.cat([pooled, metadata.to(pooled.dtype)], dim=1)
        return self.head(pooled)

    def forward(self, images: Tensor, metadata: Tensor | None = None) -> Tensor:
        """Return the logits (B, findings)."""
        return self.answer(self.activations(images), metadata)


def build_network(
    backbone: str = "densenet121",
    *,
    findings: Sequence[str],
    metadata_width: int = 0,
    weights: str | Path | None = "imagenet",
    seed: int = 0,
) -> ChestNetwork:
    """Return a network to train: its backbone from weights (a name, a file, or `None` for random ones), a new head.

    Raises `InputError` as `weights.load_weights` does, and for a backbone that is not known.
    """
    return built(backbone, findings=findings, metadata_width=metadata_width, weights=weights, seed=seed)[0]


def built(
    backbone: str, *, findings: Sequence[str], metadata_width: int, weights: str | Path | None, seed: int
) -> tuple[ChestNetwork, LoadedWeights | None]:
    """Return what `build_network` returns, and which tensors of the weights were used."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ChestNetwork(backbone, findings, metadata_width)
    loaded = None if weights is None else load_weights(network.features, backbone, weights)
    return network, loaded


def unknown_backbone(name: str) -> InputError:
    """Return the refusal of a backbone that is not known."""
    return InputError("backbone", f"there is none called {quoted(name)}", f"one of {listed(list(BACKBONES), most=20)}")
