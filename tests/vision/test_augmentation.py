from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")

from overread.vision.augmentation import N_DRAWS, Augmentation, draws

NONE = Augmentation(flip=0, rotation=0, translation=0, scale=0, brightness=0, contrast=0)
HALF = np.full((1, N_DRAWS), 0.5)


def squares(size: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, size, size), dtype=np.uint8)


def only(**change: float) -> Augmentation:
    return Augmentation(**(dict.fromkeys(vars(NONE), 0.0) | change))


@pytest.mark.parametrize("crop", [40, 33, 32])
def test_without_a_change_it_is_the_crop_of_preprocessing(crop: int) -> None:
    begin = (40 - crop) // 2
    found = NONE(squares(), HALF, crop)
    np.testing.assert_array_equal(found, squares()[:, begin : begin + crop, begin : begin + crop])


def test_mirroring_is_exact() -> None:
    drawn = HALF.copy()
    drawn[0, 0] = 0.49
    found = only(flip=0.5)(squares(), drawn, 32)
    np.testing.assert_array_equal(found, squares()[:, 4:36, 4:36][:, :, ::-1])
    drawn[0, 0] = 0.5
    np.testing.assert_array_equal(only(flip=0.5)(squares(), drawn, 32), squares()[:, 4:36, 4:36])


def test_a_quarter_turn_is_numpys() -> None:
    drawn = HALF.copy()
    drawn[0, 1] = 1.0
    found = only(rotation=90)(squares(), drawn, 32)
    np.testing.assert_array_equal(found[0], np.rot90(squares()[0, 4:36, 4:36]))


def test_a_shift_is_in_shares_of_the_side() -> None:
    drawn = HALF.copy()
    drawn[0, 3:5] = 1.0, 0.0
    found = only(translation=0.1)(squares(), drawn, 32)
    np.testing.assert_array_equal(found[0], squares()[0, 0:32, 8:40])


def test_scaling_keeps_the_middle_and_enlarges_about_it() -> None:
    ramp = np.tile(np.arange(40, dtype=np.uint8) * 5, (40, 1))[None]
    drawn = HALF.copy()
    drawn[0, 2] = 1.0
    found = only(scale=0.25)(ramp, drawn, 32)[0, 16].astype(float)
    step = np.diff(found).mean()
    assert step == pytest.approx(5 / 1.25, abs=0.05)
    assert found[[15, 16]].mean() == pytest.approx(ramp[0, 0, [19, 20]].mean(), abs=1)


def test_contrast_turns_about_mid_grey_and_brightness_is_cut_at_black_and_white() -> None:
    drawn = np.full((2, N_DRAWS), 0.5)
    drawn[0, 5], drawn[1, 6] = 1.0, 1.0
    stretched, brighter = only(contrast=0.5, brightness=0.1).tables(drawn)
    assert (stretched[127], stretched[128], stretched[0], stretched[255], stretched[138]) == (127, 128, 0, 255, 143)
    np.testing.assert_array_equal(brighter, np.minimum(np.arange(256) + 26, 255))


def test_draws_belong_to_seed_epoch_and_image() -> None:
    np.testing.assert_array_equal(draws(1, 2, 5), draws(1, 2, 5))
    assert not np.array_equal(draws(1, 2, 5), draws(1, 3, 5))
    assert not np.array_equal(draws(2, 2, 5), draws(1, 2, 5))
    assert draws(0, 0, 4).shape == (4, N_DRAWS)
