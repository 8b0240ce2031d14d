"""Holm's adjustment against statsmodels."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from overread.stats.multiplicity import holm


@given(st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.013, 0.02, 0.04, 0.3, 0.7, 1.0]), min_size=1, max_size=20))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], atol=1e-15)


def test_a_test_that_was_not_made_does_not_count() -> None:
    np.testing.assert_allclose(holm([nan, 0.01, nan, 0.02]), [nan, 0.02, nan, 0.02])
    assert np.isnan(holm([nan, nan])).all()
    assert holm([]).shape == (0,)


@pytest.mark.parametrize("p", [[-0.1], [1.2], [[0.1]]])
def test_what_is_not_a_row_of_p_values_is_refused(p: list[float]) -> None:
    with pytest.raises(ValueError, match="p must"):
        holm(p)
