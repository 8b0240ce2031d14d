"""Radiographs from files. What a file holds is told from its content, never from its name."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import ModuleType

from overread.records.errors import located
from overread.vision.formats import dicom, portable
from overread.vision.radiograph import MOST_PIXELS as MOST_PIXELS
from overread.vision.radiograph import Radiograph as Radiograph
from overread.vision.radiograph import UnreadableRadiograph as UnreadableRadiograph

FORMATS: tuple[ModuleType, ...] = (portable, dicom)
"""A new format is one file in `formats/` with `recognises`, `decoded` and `extent`, and one name here."""

MOST_BYTES = 2 << 30
"""Bytes of a file that is looked into at all."""


def read_radiograph(path: str | Path, *, most_pixels: int = MOST_PIXELS) -> Radiograph:
    """Read the radiograph in a PNG, JPEG or DICOM file.

    Raises `UnreadableRadiograph` when the file is missing, damaged, cut short, holds something else, or announces
    more than `most_pixels`.
    """
    return decoded(content(path), located(path), most_pixels=most_pixels)


def read_extent(path: str | Path, *, most_pixels: int = MOST_PIXELS) -> tuple[int, int]:
    """Return width and height of the radiograph in a file, without decoding it where the header is enough.

    Raises `UnreadableRadiograph` as `read_radiograph` does.
    """
    data, where = content(path), located(path)
    return format_of(data, where).extent(data, where, most_pixels=most_pixels)


def decoded(data: bytes, where: str, *, most_pixels: int = MOST_PIXELS) -> Radiograph:
    """Return the radiograph in the bytes of a file; `where` names the file in a message."""
    return format_of(data, where).decoded(data, where, most_pixels=most_pixels)


def format_of(data: bytes, where: str) -> ModuleType:
    """Return the format that the content of a file has."""
    for kind in FORMATS:
        if kind.recognises(data):
            return kind
    what = "the file is empty" if not data else f"the content is {guessed(data)}"
    raise UnreadableRadiograph(where, what, "a radiograph as PNG, JPEG or DICOM")


def guessed(data: bytes) -> str:
    """Return what a file that is no radiograph looks like.

    >>> guessed(b"Dear colleague,")
    'text'
    """
    for magic, name in ((b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"BM", "a bitmap (BMP)"), (b"GIF8", "a GIF")):
        if data.startswith(magic):
            return name
    for magic, name in ((b"\x1f\x8b", "compressed with gzip"), (b"PK\x03\x04", "a zip archive"), (b"%PDF", "a PDF")):
        if data.startswith(magic):
            return name
    plainly = all(byte in b"\t\n\r\f" or (byte >= 32 and byte != 127) for byte in data[:512])
    return "text" if plainly else "of no known kind"


def content(path: str | Path) -> bytes:
    """Return the bytes of a file, or say why they cannot be had."""
    where = located(path)
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise UnreadableRadiograph(where, "this is a folder", "a file")
        if not stat.S_ISREG(found.st_mode):  # a pipe would keep its reader waiting for ever
            raise UnreadableRadiograph(where, "this is not a regular file", "a file with an image")
        if found.st_size > MOST_BYTES:
            raise UnreadableRadiograph(where, f"the file has {found.st_size:,} bytes", f"{MOST_BYTES:,} at most")
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise UnreadableRadiograph(where, "there is no such file", "", "Check the path.") from None
    except PermissionError:
        raise UnreadableRadiograph(where, "the file may not be read", "", "Ask for the right to read it.") from None
    except (OSError, MemoryError) as reason:
        raise UnreadableRadiograph(where, f"the file cannot be read ({reason})") from None
