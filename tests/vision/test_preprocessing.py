from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from overread.vision.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing  # noqa: E402


def squares(size: int = 10) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, size, size), dtype=np.uint8))


def test_the_middle_is_normalised_per_channel_as_the_public_pipelines_do() -> None:
    made = Preprocessing(size=10, crop=6)(squares())
    middle = squares().numpy()[:, 2:8, 2:8] / 255.0
    for channel, (mean, std) in enumerate(zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)):
        np.testing.assert_allclose(made[:, channel].numpy(), (middle - mean) / std, atol=1e-6)
    assert made.dtype == torch.float32
    assert made.is_contiguous(memory_format=torch.channels_last)


def test_an_odd_border_leaves_the_smaller_part_left_and_above() -> None:
    recipe = Preprocessing(size=9, crop=6)
    assert recipe.offset == 1
    np.testing.assert_array_equal(
        recipe(squares(9)).numpy(), recipe.normalised(squares(9)[:, 1:7, 1:7]).numpy(), strict=True
    )
    assert recipe.in_square(*recipe.in_crop(3.5, 4)) == (3.5, 4)


def test_it_survives_a_file() -> None:
    recipe = Preprocessing(size=64, crop=56, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), fit="crop")
    assert Preprocessing.of_json(json.loads(json.dumps(recipe.as_json()))) == recipe
    assert Preprocessing.of_json(Preprocessing().as_json() | {"fit": "pad"}) == Preprocessing()


@pytest.mark.parametrize(
    "wrong", [{"size": 64, "crop": 65}, {"crop": 0}, {"mean": (0.5,)}, {"std": (0.1, 0.0, 0.1)}, {"fit": "fill"}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"crop must|mean and std|fit must"):
        Preprocessing(**wrong)  # type: ignore[arg-type]


def test_squares_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(images, 256, 256\)"):
        Preprocessing()(squares())
