"""PyTorch: everywhere, and on a processor in either precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from overread.vision.folding import folded
from overread.vision.networks import ChestNetwork
from overread.vision.preprocessing import Preprocessing
from overread.vision.runs import Run


@dataclass(frozen=True, eq=False)
class TorchEngine:
    """A folded network, its channels side by side in memory.

    In bfloat16 the convolutions are; the mean over places, the last layer and the sigmoid stay in float32, as 8 bits of
    a score would tie images that the network tells apart.
    """

    network: ChestNetwork
    preprocessing: Preprocessing
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(cls, run: Run, device: str, precision: str) -> TorchEngine:
        """Return the engine of a run."""
        network, dtype = folded(run.network()), getattr(torch, precision)
        network.features.to(dtype)
        network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # stubs lack it
        return cls(network, run.preprocessing, torch.device(device), dtype)

    def __call__(self, pixels: NDArray[np.uint8], metadata: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores (images, findings)."""
        with torch.inference_mode():
            squares = torch.from_numpy(pixels).to(self.device, non_blocking=True)
            images = self.preprocessing(squares).to(self.dtype)
            activations = self.network.activations(images).float()
            inputs = torch.from_numpy(metadata).to(self.device)
            return torch.sigmoid(self.network.answer(activations, inputs)).cpu().numpy()
