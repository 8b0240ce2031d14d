"""Every public name loads, and none is missing from the list."""

from __future__ import annotations

import pytest

import overread


@pytest.mark.parametrize("name", overread.__all__)
def test_every_public_name_loads(name: str) -> None:
    assert getattr(overread, name) is not None
    assert name in dir(overread)


def test_an_unknown_name_is_no_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'secondreading'"):
        _ = overread.secondreading
