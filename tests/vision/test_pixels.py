"""Squares, boxes in them, and images by their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

cv2 = pytest.importorskip("cv2")

from overread.records.cohort import Cohort, cohort_from_arrays  # noqa: E402
from overread.records.errors import InputError  # noqa: E402
from overread.vision.pixels import FITS, Fit, open_pixels, placed_box, placement, present, squared  # noqa: E402


def cohort_of(*images: str) -> Cohort:
    return cohort_from_arrays([[0]] * len(images), images=images, findings=["Mass"])


@pytest.mark.parametrize("fit", FITS)
@given(width=st.integers(40, 300), height=st.integers(40, 300), size=st.integers(32, 128), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_box_follows_the_pixels_it_was_drawn_around(
    fit: Fit, width: int, height: int, size: int, data: st.DataObject
) -> None:
    x, y = data.draw(st.integers(0, width - 20)), data.draw(st.integers(0, height - 20))
    across, down = data.draw(st.integers(20, width - x)), data.draw(st.integers(20, height - y))
    pixels = np.zeros((height, width), np.uint8)
    pixels[y : y + down, x : x + across] = 255
    left, top, wide, high = placed_box([x, y, across, down], (width, height), size, fit=fit)
    expected = covered(left, left + wide, size)[None, :] * covered(top, top + high, size)[:, None]
    # Averaging areas gives each pixel the share of it that the box covers; enlarging blurs an edge over its neighbours.
    shrunk = placement(width, height, size, fit=fit)
    if max(shrunk.scale_x, shrunk.scale_y) <= 1:
        assert np.abs(squared(pixels, size, fit=fit) / 255 - expected).max() < 0.02
    else:
        found = squared(pixels, size, fit=fit) / 255
        assert abs(found.sum() - expected.sum()) <= 2 * (wide + high) + 4
        inner = covered(left, left + wide, size, by=6)[None, :] * covered(top, top + high, size, by=6)[:, None]
        assert (found[inner == 1] > 0.99).all()


def covered(start: float, end: float, size: int, *, by: float = 0) -> np.ndarray:
    """Return the share of each of `size` pixels in a row that lies between two places, drawn in by a margin."""
    edges = np.arange(size)
    return np.clip(np.minimum(edges + 1, end - by) - np.maximum(edges, start + by), 0, 1)


def test_a_square_is_kept_and_an_oblong_is_padded_stretched_or_cut() -> None:
    square = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert (squared(square, 8) == square).all()
    oblong = np.full((4, 8), 200, np.uint8)
    assert squared(oblong, 8)[:, 0].tolist() == [0, 0, 200, 200, 200, 200, 0, 0]
    assert (squared(oblong, 8, fit="stretch") == 200).all()
    assert (squared(oblong, 4, fit="crop") == 200).all()
    assert squared(np.full((1, 5000), 9, np.uint8), 8).sum() == 9 * 8  # a line remains a line


def test_a_box_outside_of_what_a_crop_keeps_has_no_area() -> None:
    assert placed_box([[0, 0, 10, 10]], (300, 100), 50, fit="crop").tolist() == [[0.0, 0.0, 0.0, 5.0]]


def test_a_fit_of_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="fit must be one of pad, stretch, crop, got 'zoom'"):
        squared(np.zeros((2, 2), np.uint8), 2, fit="zoom")  # type: ignore[arg-type]  # what is tested


def test_a_folder_gives_images_by_name_from_anywhere_below(tmp_path: Path) -> None:
    (tmp_path / "images_001" / "images").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "images_001" / "images" / "a.png"), np.full((10, 20), 80, np.uint8))
    source = open_pixels(tmp_path, size=16)
    assert list(source.names) == ["a.png"]
    assert source.extent("a.png") == (20, 10)
    assert source.batch(["a.png"]).shape == (1, 16, 16)
    assert source.pixels("a.png")[8, 8] == 80


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "sub/a.png", "b.png"])
def test_a_name_never_leads_to_a_file_by_its_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for path in (tmp_path / "secret.png", tmp_path / "in" / "sub" / "a.png"):
        cv2.imwrite(str(path), np.zeros((4, 4), np.uint8))
    source = open_pixels(tmp_path / "in", size=4)
    with pytest.raises(InputError, match="no file below this folder is named"):
        source.pixels(name)


def test_absent_images_are_counted_and_named_unless_told_to_go_on(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4), np.uint8))
    source = open_pixels(tmp_path, size=4)
    assert present(cohort_of("a.png", "b.png"), source, "DIR").n_images == 2
    cohort = cohort_of("c.png", "b.png", "d.png")
    with pytest.raises(InputError) as refusal:
        present(cohort, source, "DIR")
    assert str(refusal.value) == (
        "DIR: 2 of the 3 images of the cohort cohort are absent (c.png, d.png). Expected every image of the cohort. "
        "Give --present-only to go on with the 1 that are there."
    )
    assert present(cohort, source, "DIR", present_only=True).images.to_list() == ["b.png"]
    with pytest.raises(InputError, match=r"none of the images of the cohort is here \(x.png\), which has for example"):
        present(cohort_of("x.png"), source, "DIR", present_only=True)
