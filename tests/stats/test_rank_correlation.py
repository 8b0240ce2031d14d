"""Spearman's correlation and the structural similarity, against SciPy and a window moved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from overread.stats import similarity
from overread.stats.rank_correlation import spearman, spearman_replicates
from overread.stats.resampling import PatientBootstrap
from overread.stats.similarity import ssim


@pytest.mark.parametrize("seed", range(5))
def test_spearman_is_scipy_s_with_and_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 5 + 40 * (seed % 2), (2, 30))
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)


def test_what_does_not_vary_has_no_correlation() -> None:
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert np.isnan(spearman([], []))
    with pytest.raises(ValueError, match="same length"):
        spearman([1, 2], [1])


def test_replicates_are_those_of_rows_written_out() -> None:
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(12), 3)
    one, other = rng.integers(0, 9, (2, 36)).astype(float)
    boots = PatientBootstrap(patients, replicates=70, seed=3)
    drawn = spearman_replicates(one, other, patients, boots)
    times = np.concatenate([boots.weights(block) for block in range(boots.n_blocks)], axis=1)[patients]
    for k in (0, 33, 69):
        rows = np.repeat(np.arange(36), times[:, k])
        assert drawn[k] == pytest.approx(spearmanr(one[rows], other[rows]).statistic, abs=1e-12)


def test_ssim_is_that_of_a_window_moved_by_hand() -> None:
    """Equation 13 of Wang et al. (2004) in the middle of the image, where the window reaches over no edge."""
    rng = np.random.default_rng(2)
    one = rng.random((11, 11))
    other = np.clip(one + 0.1 * rng.standard_normal((11, 11)), 0, 1)
    at = np.arange(-5, 6)
    window = np.exp(-0.5 * (at[:, None] ** 2 + at**2) / 1.5**2)
    window /= window.sum()
    mean = [(window * each).sum() for each in (one, other)]
    spread = [(window * (each - m) ** 2).sum() for each, m in zip((one, other), mean, strict=True)]
    both = (window * (one - mean[0]) * (other - mean[1])).sum()
    c1, c2 = 0.01**2, 0.03**2
    by_hand = (2 * mean[0] * mean[1] + c1) * (2 * both + c2) / ((mean[0] ** 2 + mean[1] ** 2 + c1) * (sum(spread) + c2))
    blurred = [similarity._blurred(each)[5, 5] for each in (one, other, one * other, one**2, other**2)]
    assert blurred[0] == pytest.approx(mean[0])
    found = (2 * blurred[0] * blurred[1] + c1) * (2 * (blurred[2] - blurred[0] * blurred[1]) + c2)
    found /= (blurred[0] ** 2 + blurred[1] ** 2 + c1) * (
        blurred[3] - blurred[0] ** 2 + blurred[4] - blurred[1] ** 2 + c2
    )
    assert found == pytest.approx(by_hand)


def test_ssim_is_one_for_the_same_image_and_falls_with_noise() -> None:
    rng = np.random.default_rng(4)
    image = rng.random((30, 30))
    values = [ssim(image, np.clip(image + s * rng.standard_normal((30, 30)), 0, 1)) for s in (0, 0.1, 0.5)]
    assert values[0] == pytest.approx(1)
    assert values[0] > values[1] > values[2]
    with pytest.raises(ValueError, match="same shape"):
        ssim(image, image[:-1])
