"""Networks and real radiographs that the tests of heat maps share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def radiographs(shared: Path) -> NDArray[np.uint8]:
    """Four of the real images as squares of 256 pixels."""
    cv2 = pytest.importorskip("cv2")
    paths = sorted((shared / "chestxray14" / "images").glob("*.png"))[:4]
    read = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths)
    return np.stack([cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA) for pixels in read])
