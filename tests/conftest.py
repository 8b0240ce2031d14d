"""Fixtures that every test may use."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("OVERREAD_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data beside the checkout; a test that asks for it is left out where there is none."""
    if not (SHARED / "chestxray14").is_dir():
        pytest.skip("the real data (ChestX-ray14 tables, predictions) is not beside this checkout")
    return SHARED


@pytest.fixture
def permissions_hold() -> Iterator[None]:
    """Make permissions hold for root too: its right to pass them over (CAP_DAC_OVERRIDE) rests while a test runs."""
    if os.name != "posix" or (os.geteuid() == 0 and sys.platform != "linux"):
        pytest.skip("there are no permissions here, or root cannot lay down its rights")
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    version, own, resting = 0x20080522, 0, 1 << 1 | 1 << 2  # capability.h: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    header, sets = (
        (ctypes.c_uint32 * 2)(version, own),
        (ctypes.c_uint32 * 6)(),
    )  # effective, permitted, inherited
    assert libc.capget(header, sets) == 0
    effective = sets[0]
    sets[0] = effective & ~resting
    assert libc.capset(header, sets) == 0
    yield
    sets[0] = effective
    assert libc.capset(header, sets) == 0
