"""The compiled loops are tested through `resampling` and `rechoosing`; here, that they need no place to be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from overread.stats import _kernels


def test_where_nothing_can_be_written_functions_are_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit(*, cache: bool = False, **options: Any) -> Callable[[Any], Any]:
        if cache:  # as Numba does where neither the package's folder nor the user's can be written
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr(_kernels, "njit", njit)
    function, options = _kernels.compiled(len)
    assert function is len
    assert options["nogil"]
