"""What an engine is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """Computes a run's network: squares (images, size, size), inputs (images, width) to scores (images, findings)."""

    def __call__(self, pixels: NDArray[np.uint8], metadata: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores."""
        ...
