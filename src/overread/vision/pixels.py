"""Square 8-bit images by their names, from a store or from the files themselves, and where a box lies in the square."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.records.cohort import Cohort
from overread.records.errors import InputError, counted, listed, located, plain, quoted
from overread.vision.image_files import absent, image_files
from overread.vision.radiographs import read_extent, read_radiograph

Fit = Literal["pad", "stretch", "crop"]
FITS: tuple[Fit, ...] = get_args(Fit)
"""How an oblong image becomes square: with black borders, by stretching the shorter side, by cutting the longer."""


class PixelSource(Protocol):
    """Gives square 8-bit images by the names that a cohort knows them by."""

    @property
    def size(self) -> int:
        """Return the side of the squares."""
        ...

    @property
    def fit(self) -> Fit:
        """Return how an oblong image was made square."""
        ...

    @property
    def names(self) -> Collection[str]:
        """Return the names of the images that it can give."""
        ...

    def pixels(self, image: str) -> NDArray[np.uint8]:
        """Return one image: (size, size)."""
        ...

    def batch(self, images: Sequence[str]) -> NDArray[np.uint8]:
        """Return several images: (images, size, size)."""
        ...

    def extent(self, image: str) -> tuple[int, int]:
        """Return width and height of the image before it was made square: boxes are in its pixels."""
        ...


# --- the square ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Placement:
    """Where an image of some width and height lies in a square: x becomes `scale_x * x + left`, and y likewise."""

    scale_x: float
    scale_y: float
    left: float
    top: float
    width: int
    height: int


def placement(width: int, height: int, size: int, *, fit: Fit = "pad") -> Placement:
    """Return how an image becomes a square of `size`; `width` and `height` of it are the scaled image's."""
    if fit not in FITS:
        raise ValueError(f"fit must be one of {', '.join(FITS)}, got {quoted(fit)}")
    if min(width, height, size) < 1:
        raise ValueError(f"width, height and size must be at least 1, got {width}, {height}, {size}")
    if fit == "stretch":
        return Placement(size / width, size / height, 0, 0, size, size)
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        return Placement(size / side, size / side, -left * size / side, -top * size / side, size, size)
    longer = max(width, height)
    across, down = (max(1, (length * size + longer // 2) // longer) for length in (width, height))
    return Placement(across / width, down / height, (size - across) // 2, (size - down) // 2, across, down)


def squared(pixels: NDArray[np.uint8], size: int, *, fit: Fit = "pad") -> NDArray[np.uint8]:
    """Return an image as a square of `size`: smaller by averaging areas, larger by linear interpolation.

    `pad` keeps the aspect and fills with black on both sides, `stretch` keeps everything and gives up the aspect,
    `crop` keeps the aspect and cuts the longer side at both ends.
    """
    height, width = pixels.shape
    place = placement(width, height, size, fit=fit)
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    if pixels.shape != (place.height, place.width):
        smaller = place.height <= pixels.shape[0] and place.width <= pixels.shape[1]
        method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        scaled = cv2.resize(np.ascontiguousarray(pixels), (place.width, place.height), interpolation=method)
        pixels = scaled.astype(np.uint8, copy=False)
    if pixels.shape == (size, size):
        return np.ascontiguousarray(pixels)
    square = np.zeros((size, size), np.uint8)
    left, top = int(place.left), int(place.top)
    square[top : top + place.height, left : left + place.width] = pixels
    return square


def placed_box(box: ArrayLike, extent: tuple[int, int], size: int, *, fit: Fit = "pad") -> NDArray[np.float64]:
    """Return where boxes (..., 4) of x, y, width, height lie in the square, cut to it; a side of 0 means outside.

    `extent` is the width and height of the image that the boxes were drawn on.

    >>> placed_box([512, 0, 256, 1024], (1024, 1024), 256).tolist()
    [128.0, 0.0, 64.0, 256.0]
    """
    x, y, across, down = np.moveaxis(np.asarray(box, np.float64), -1, 0)
    place = placement(*extent, size, fit=fit)
    left, right = (np.clip(place.scale_x * edge + place.left, 0, size) for edge in (x, x + across))
    top, bottom = (np.clip(place.scale_y * edge + place.top, 0, size) for edge in (y, y + down))
    return np.stack([left, top, right - left, bottom - top], axis=-1)


# --- where images come from ------------------------------------------------------------------------------------------


class FolderPixels:
    """The image files below a folder, each decoded whenever it is asked for."""

    def __init__(self, folder: Path, size: int, *, fit: Fit = "pad") -> None:
        self.folder, self.size, self.fit = folder, size, fit
        self.files = image_files(folder)

    @property
    def names(self) -> Collection[str]:
        """Return the names of all files below the folder; what is no image is refused when it is asked for."""
        return self.files

    def path(self, image: str) -> Path:
        """Return the file of an image, or refuse a name that no file has."""
        if image not in self.files:
            raise absent(image, self.folder)
        return self.files[image]

    def pixels(self, image: str) -> NDArray[np.uint8]:
        """Return one image: (size, size)."""
        return squared(read_radiograph(self.path(image)).pixels, self.size, fit=self.fit)

    def batch(self, images: Sequence[str]) -> NDArray[np.uint8]:
        """Return several images: (images, size, size)."""
        return np.stack([self.pixels(image) for image in images])

    def extent(self, image: str) -> tuple[int, int]:
        """Return width and height of the image in its file."""
        return read_extent(self.path(image))


def open_pixels(where: str | Path, *, size: int) -> PixelSource:
    """Return the images of a store, or of a folder with image files anywhere below it, as squares of `size`.

    Raises `InputError` when there is neither, or the store holds another size.
    """
    return FolderPixels(Path(where), size)


def present(cohort: Cohort, source: PixelSource, where: str | Path, *, present_only: bool = False) -> Cohort:
    """Return the cohort of those images that a source has; `where` names the source in a message.

    Raises `InputError` when an image is absent, unless `present_only` asks to go on without; when all are absent, in
    any case.
    """
    names = source.names
    there = np.fromiter((image in names for image in cohort.images), bool, cohort.n_images)
    if there.all():
        return cohort
    lacking = cohort.images.filter(~there).to_list()
    what = f"{len(lacking):,} of the {counted(cohort.n_images, 'image')} of the cohort {plain(cohort.name)} are absent"
    if not there.any():
        have = f", which has for example {listed(sorted(names)[:1])}" if names else ", which is empty"
        do = "Names must be the same, ending included; check the path given as --images."
        raise InputError(located(where), f"none of the images of the cohort is here ({listed(lacking)}){have}", "", do)
    if not present_only:
        do = f"Give --present-only to go on with the {int(there.sum()):,} that are there."
        raise InputError(located(where), f"{what} ({listed(lacking)})", "a file for every image", do)
    return cohort.take(np.flatnonzero(there))
