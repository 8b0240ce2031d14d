from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

from overread.stats.sign_test import sign_test


@pytest.mark.parametrize(("up", "down"), [(6, 0), (5, 0), (9, 3), (4, 4), (1, 0), (30, 12)])
def test_it_is_the_binomial_test_and_mcnemar_s_exact_one(up: int, down: int) -> None:
    changes = [1] * up + [-1] * down + [0] * 7
    found = sign_test(changes, range(len(changes)))
    assert found == pytest.approx(binomtest(up, up + down).pvalue)
    assert found == pytest.approx(mcnemar([[7, up], [down, 0]], exact=True).pvalue)


def test_images_of_one_patient_count_once() -> None:
    assert sign_test(np.ones(10), ["one"] * 10) == 1.0
    assert sign_test([1, -1, 1], ["a", "a", "b"]) == 1.0


def test_no_change_no_test() -> None:
    assert np.isnan(sign_test([0, 0], ["a", "b"]))
    assert np.isnan(sign_test([], []))
