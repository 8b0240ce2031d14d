"""A store: images decoded once, as squares of 8 bits in one file that is mapped into memory, with an index.

    images.npy      (images, size, size), NumPy's own format; an image that could not be read leaves its place black
    index.parquet   a row per image: image, row, path, width, height, checksum, view, gender, age, reason
    store.json      format, size, fit, counts, the checksum of the index; written last

`row` is null, and `reason` says why, for an image that could not be read. `checksum` is the CRC-32 of the pixels: it
finds what a disk or a copy did to them. `path` tells where the file lay below its folder and is never opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Collection, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.errors import InputError, counted, listed, located, quoted
from overread.vision.squares import FITS, Fit

FORMAT, VERSION = "overread store", 1
IMAGES, INDEX, ABOUT = "images.npy", "index.parquet", "store.json"
UNREADABLE = "unreadable.csv"
PARTIAL = ".partial"
"""What the folder of a store is called until it is whole, behind its name."""

SCHEMA = pl.Schema(
    {
        "image": pl.String(),
        "row": pl.Int64(),
        "path": pl.String(),
        "width": pl.Int32(),
        "height": pl.Int32(),
        "checksum": pl.UInt32(),
        "view": pl.String(),
        "gender": pl.String(),
        "age": pl.Int64(),
        "reason": pl.String(),
    }
)
ATTRIBUTES = ("view", "gender", "age")
"""Columns of the index that come from DICOM headers."""

REMAKE = "Make it with overread prepare."


class Store:
    """A store that was opened: gives its images by name. Reading an image touches no more than its own bytes."""

    def __init__(self, folder: Path, about: dict[str, Any], index: pl.DataFrame, images: NDArray[np.uint8]) -> None:
        self.folder, self.about, self.index, self.images = folder, about, index, images
        self.size: int = about["size"]
        self.fit: Fit = about["fit"]
        whole = index.filter(pl.col("row").is_not_null())
        self._row: dict[str, int] = dict(zip(whole["image"], whole["row"], strict=True))

    @property
    def names(self) -> Collection[str]:
        """Return the names of the images that can be had."""
        return self._row.keys()

    def row(self, image: str) -> int:
        """Return the place of an image in `images`, or refuse a name that is not there."""
        try:
            return self._row[image]
        except KeyError:
            raise self._absent(image) from None

    def rows(self, images: Sequence[str]) -> NDArray[np.int64]:
        """Return the places of several images in `images`."""
        return np.fromiter((self.row(image) for image in images), np.int64, len(images))

    def pixels(self, image: str) -> NDArray[np.uint8]:
        """Return one image, read-only: (size, size)."""
        return self.images[self.row(image)]

    def batch(self, images: Sequence[str]) -> NDArray[np.uint8]:
        """Return several images: (images, size, size)."""
        return self.images[self.rows(images)]

    def extent(self, image: str) -> tuple[int, int]:
        """Return width and height of the image in the file it was read from."""
        at = self.row(image)
        return int(self.index["width"][at]), int(self.index["height"][at])

    def __reduce__(self) -> tuple[Callable[[Path], Store], tuple[Path]]:
        return open_store, (self.folder,)  # another process maps the file itself

    def _absent(self, image: str) -> InputError:
        reason = self.index.filter(pl.col("image") == image)["reason"]
        if len(reason):
            return InputError(located(self.folder), f"{quoted(image)} could not be read into the store ({reason[0]})")
        return InputError(located(self.folder), f"the store holds no image {quoted(image)}", "", REMAKE)


def is_store(folder: str | Path) -> bool:
    """Return whether a folder is a store, or what is left of one."""
    return any(os.path.exists(Path(folder) / name) for name in (ABOUT, INDEX, IMAGES))


def open_store(folder: str | Path) -> Store:
    """Open a store. What it says of itself is checked; `verify` compares every image with its checksum.

    Raises `InputError` when a file is missing, was changed, or does not fit the others.
    """
    folder = Path(folder)
    where = located(folder)
    if not is_store(folder):
        if is_store(str(folder) + PARTIAL):
            do = "Run the same overread prepare again: it goes on where it stopped."
            raise InputError(where, "the store is not finished", "", do)
        raise InputError(where, "there is no store", f"a folder with {ABOUT}, {INDEX} and {IMAGES}", REMAKE)
    missing = [name for name in (ABOUT, INDEX, IMAGES) if not os.path.isfile(folder / name)]
    if missing:
        raise InputError(where, f"the store lacks {listed(missing)}", "", REMAKE)
    try:
        about = read_about(folder)
        index = read_index(folder, about)
        images = mapped(folder, about)
    except OSError as reason:
        raise InputError(where, f"the store cannot be opened ({reason.strerror or reason})") from None
    return Store(folder, about, index, images)


def read_about(folder: Path) -> dict[str, Any]:
    """Return what a store says of itself."""
    where = located(folder / ABOUT)
    try:
        about = json.loads((folder / ABOUT).read_bytes())
    except ValueError:
        raise InputError(where, "this is not JSON", "what overread prepare wrote", REMAKE) from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise InputError(where, f"it does not say {quoted(FORMAT)}", "what overread prepare wrote", REMAKE)
    if about.get("version") != VERSION:
        what = f"the store has version {quoted(about.get('version'))}"
        raise InputError(where, what, f"version {VERSION}", "Update overread, or make the store anew.")
    fits = about.get("fit") in FITS and isinstance(about.get("index_sha256"), str)
    if not fits or not all(type(about.get(name)) is int and about[name] > 0 for name in ("size", "count")):
        raise InputError(where, "size, fit, count or index_sha256 is missing or wrong", "", REMAKE)
    return about


def read_index(folder: Path, about: dict[str, Any]) -> pl.DataFrame:
    """Return the index of a store, which must be the one it was made with."""
    where, data = located(folder / INDEX), (folder / INDEX).read_bytes()
    if hashlib.sha256(data).hexdigest() != about["index_sha256"]:
        raise InputError(where, f"the index was changed since {ABOUT} was written (its checksum differs)", "", REMAKE)
    try:
        index = pl.read_parquet(BytesIO(data))
    except pl.exceptions.PolarsError:
        raise InputError(where, "the index cannot be read", "", REMAKE) from None
    fits = index.schema == SCHEMA and len(index) == about["count"]
    if not fits or not (index["row"].is_null() | (index["row"] == pl.int_range(len(index), eager=True))).all():
        raise InputError(where, f"the index does not fit {ABOUT}", "", REMAKE)
    return index


def mapped(folder: Path, about: dict[str, Any]) -> NDArray[np.uint8]:
    """Return the images of a store, mapped into memory."""
    where, shape = located(folder / IMAGES), (about["count"], about["size"], about["size"])
    try:
        images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
    except ValueError:  # no header, an object array, or fewer bytes than the header says
        raise InputError(where, "this is not NumPy's format, or it was cut short", "", REMAKE) from None
    if images.shape != shape or images.dtype != np.uint8 or not images.flags.c_contiguous:
        what = f"it holds {images.dtype} in the shape {images.shape}"
        raise InputError(where, what, f"uint8 in the shape {shape}", REMAKE)
    return np.asarray(images)  # a plain array over the same map: its slices cost a third


def verify(store: Store, *, progress: Callable[[int], None] = lambda done: None) -> list[str]:
    """Return the names of the images whose pixels do not have their checksum; every byte is read."""
    whole = store.index.filter(pl.col("row").is_not_null())
    damaged = []
    for done, (image, row, checksum) in enumerate(whole.select("image", "row", "checksum").iter_rows(), start=1):
        if zlib.crc32(store.images[row]) != checksum:
            damaged.append(image)
        if done % 256 == 0 or done == len(whole):
            progress(done)
    return damaged


def refuse_damaged(store: Store, *, progress: Callable[[int], None] = lambda done: None) -> None:
    """Raise `InputError` where an image of a store does not have its checksum."""
    damaged = verify(store, progress=progress)
    if damaged:
        what = f"{counted(len(damaged), 'image')} changed since the store was made ({listed(damaged)})"
        raise InputError(located(store.folder / IMAGES), what, "the checksums in the index", REMAKE)


# --- writing ---------------------------------------------------------------------------------------------------------


def image_bytes(count: int, size: int) -> tuple[bytes, int]:
    """Return the header of `images.npy`, and how many bytes the file has with it."""
    head = BytesIO()
    content = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size)}
    np.lib.format.write_array_header_1_0(head, content)
    return head.getvalue(), len(head.getvalue()) + count * size * size


def write_about(folder: Path, index: pl.DataFrame, *, size: int, fit: Fit, version: str) -> None:
    """Write the index of a store, and last of all what the store says of itself."""
    content = BytesIO()
    index.write_parquet(content)
    write_whole(folder / INDEX, content.getvalue())
    about = {
        "format": FORMAT,
        "version": VERSION,
        "overread": version,
        "size": size,
        "fit": fit,
        "count": len(index),
        "unreadable": index["row"].null_count(),
        "index_sha256": hashlib.sha256(content.getvalue()).hexdigest(),
    }
    write_whole(folder / ABOUT, json.dumps(about, indent=2).encode() + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen in part, even after a power failure."""
    fresh = path.with_name(f".{path.name}.new")
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
