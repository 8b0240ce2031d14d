"""Square 8-bit images by their names, from a store or from the files themselves, and where a box lies in the square."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.errors import InputError, counted, listed, located, plain
from overread.vision.image_files import absent, image_files
from overread.vision.radiographs import read_extent, read_radiograph
from overread.vision.squares import FITS as FITS
from overread.vision.squares import Fit as Fit
from overread.vision.squares import placed_box as placed_box
from overread.vision.squares import placement as placement
from overread.vision.squares import squared as squared
from overread.vision.store import ATTRIBUTES, PARTIAL, Store, is_store, open_store


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


def open_pixels(where: str | Path, *, size: int, fit: Fit | None = None) -> PixelSource:
    """Return the images of a store, or of a folder with image files anywhere below it, as squares of `size`.

    `fit` is how oblong images are to be made square, as a model was trained on them; `None` takes a store's own,
    and for files `pad`. Raises `InputError` when there is neither, or the store holds another size or another fit.
    """
    where = Path(where)
    if not is_store(where) and (os.path.isdir(where) or not is_store(str(where) + PARTIAL)):
        return FolderPixels(where, size, fit=fit or "pad")
    store = open_store(where)
    if store.size != size:
        what, do = f"the store holds squares of {store.size} pixels", f"Make one with overread prepare --size {size}."
        raise InputError(located(where), what, f"{size} pixels", do)
    if fit is not None and store.fit != fit:
        what, do = f"the store's images were made square by {store.fit}", f"Make one with overread prepare --fit {fit}."
        raise InputError(located(where), what, fit, do)
    return store


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
        raise InputError(located(where), f"{what} ({listed(lacking)})", "every image of the cohort", do)
    return cohort.take(np.flatnonzero(there))


def attributes_from(source: PixelSource, cohort: Cohort) -> Cohort:
    """Return the cohort with view, gender and age from the headers of DICOM files where its own table lacks them.

    What the table says is kept; only a missing column, or a missing value, is filled from the index of a store.
    """
    if not isinstance(source, Store):
        return cohort
    known = source.index.select("image", *ATTRIBUTES)
    rows = cohort.images.to_frame().join(known, on="image", how="left", maintain_order="left")
    table = cohort.table
    for name in ATTRIBUTES:
        if rows[name].null_count() == len(rows):
            continue
        if name in table.columns:
            filled = table[name].fill_null(rows[name].cast(table[name].dtype, strict=False))
            table = table.with_columns(filled.alias(name))
        else:
            table = table.with_columns(rows[name])
    return replace(cohort, table=table)
