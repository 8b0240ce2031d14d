from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from overread.vision.heatmaps.occlusion import occlusion_maps, windows  # noqa: E402


def test_the_patch_that_matters_has_the_largest_fall() -> None:
    """Two logits that each see the light at one place only."""
    image = torch.zeros(3, 32, 32)
    image[:, 4:8, 20:24] = 1
    image[:, 20:24, 4:8] = 1

    def logits(images: torch.Tensor) -> torch.Tensor:
        return torch.stack([images[:, 0, 4:8, 20:24].sum(dim=(1, 2)), images[:, 0, 20:24, 4:8].sum(dim=(1, 2))], dim=1)

    maps = occlusion_maps(logits, image, cells=8, batch=7)
    assert maps.shape == (2, 8, 8)
    assert divmod(int(maps[0].argmax()), 8) == (1, 5)
    assert divmod(int(maps[1].argmax()), 8) == (5, 1)
    assert maps[0, 5, 1] == 0
    fill = float(image[0].mean())
    assert float(maps[0, 1, 5]) == pytest.approx(16 * (1 - fill))  # all light replaced by the mean


def test_patches_cover_every_pixel_and_batches_do_not_matter() -> None:
    covered = torch.zeros(30, dtype=torch.bool)
    for start, stop in windows(30, 7):
        covered[start:stop] = True
    assert covered.all()
    image = torch.rand(1, 30, 30)
    one, many = (occlusion_maps(lambda x: x.mean(dim=(2, 3)), image, cells=7, batch=n) for n in (1, 49))
    torch.testing.assert_close(one, many)


def test_more_cells_than_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="cells must lie between 1 and 8"):
        occlusion_maps(lambda x: x.mean(dim=(2, 3)), torch.rand(1, 8, 8), cells=9)
