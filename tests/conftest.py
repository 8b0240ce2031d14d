"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("OVERREAD_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data beside the checkout; a test that asks for it is left out where there is none."""
    if not (SHARED / "chestxray14").is_dir():
        pytest.skip("the real data (ChestX-ray14 tables, predictions) is not beside this checkout")
    return SHARED
