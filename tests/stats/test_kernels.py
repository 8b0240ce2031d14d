"""The compiled loops are tested through `resampling` and `rechoosing`; here, what those cannot show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from overread.stats import _kernels, rechoosing, resampling


def test_where_nothing_can_be_written_functions_are_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit(*, cache: bool = False, **options: Any) -> Callable[[Any], Any]:
        if cache:  # as Numba does where neither the package's folder nor the user's can be written
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr(_kernels, "njit", njit)
    function, options = _kernels.compiled(len)
    assert function is len
    assert options["nogil"]


def test_both_sides_mean_the_same_by_their_numbers() -> None:
    # Written twice, so that nobody imports Numba for a constant.
    assert _kernels.LANES == resampling.LANES
    assert (_kernels.YOUDEN, _kernels.SENSITIVITY, _kernels.SPECIFICITY) == (0, 1, 2)
    assert rechoosing.KINDS == ("youden", "sensitivity", "specificity")
