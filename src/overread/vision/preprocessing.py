"""From the stored square of grey values to what the network takes: one recipe for training, scoring and explaining."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from overread.vision.squares import FITS, Fit

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the three colours, as torchvision's ImageNet weights expect them; a radiograph gives all three the same grey."""


@dataclass(frozen=True)
class Preprocessing:
    """Squares of `size` pixels a side, of which the middle `crop` pixels go to the network, normalised per channel.

    `fit` says how an oblong image became square (`squares.Fit`); an image source must agree with it.
    """

    size: int = 256
    crop: int = 224
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    fit: Fit = "pad"

    def __post_init__(self) -> None:
        if not 1 <= self.crop <= self.size:
            raise ValueError(f"crop must lie between 1 and size={self.size}, got {self.crop}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(f"mean and std must hold three numbers, std above 0, got {self.mean} and {self.std}")
        if self.fit not in FITS:
            raise ValueError(f"fit must be one of {', '.join(FITS)}, got {self.fit!r}")

    @classmethod
    def of_json(cls, given: Mapping[str, Any]) -> Preprocessing:
        """Return the recipe that `as_json` wrote."""
        mean, std = (tuple(float(value) for value in given[name]) for name in ("mean", "std"))
        return cls(int(given["size"]), int(given["crop"]), mean, std, given.get("fit", "pad"))

    def as_json(self) -> dict[str, Any]:
        """Return the recipe as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @property
    def offset(self) -> int:
        """Return how many pixels of the square lie left of the crop, and above it."""
        return (self.size - self.crop) // 2

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return uint8 squares (B, size, size) as the network takes them: float32 (B, 3, crop, crop)."""
        if pixels.ndim != 3 or tuple(pixels.shape[1:]) != (self.size, self.size):
            raise ValueError(f"pixels must have the shape (images, {self.size}, {self.size}), got {pixels.shape}")
        begin, end = self.offset, self.offset + self.crop
        return self.normalised(pixels[:, begin:end, begin:end])

    def normalised(self, grey: Tensor) -> Tensor:
        """Return grey values (B, h, w) from 0 to 255, of any type, as three normalised channels.

        The channels of one pixel lie beside each other in memory, which is what convolutions are fastest on.
        """
        made = torch.empty(
            (len(grey), 3, *grey.shape[1:]),
            dtype=torch.float32,
            device=grey.device,
            memory_format=torch.channels_last,
        )
        grey = grey.float()
        for channel, (mean, std) in enumerate(zip(self.mean, self.std, strict=True)):
            # Twice as fast as all three at once by broadcasting.
            torch.add(grey.new_tensor(-mean / std), grey, alpha=1 / (255 * std), out=made[:, channel])
        return made

    def in_crop(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the stored square lies in the crop; outside of it, that is below 0 or above `crop`.

        >>> Preprocessing(size=256, crop=224).in_crop(16, 240)
        (0, 224)
        """
        return x - self.offset, y - self.offset

    def in_square(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the crop lies in the stored square.

        >>> Preprocessing(size=256, crop=224).in_square(0, 224)
        (16, 240)
        """
        return x + self.offset, y + self.offset
