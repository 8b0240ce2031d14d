"""PNG and JPEG of any bit depth and mode, decoded by OpenCV.

OpenCV gives back what it could make of a damaged file, some of its releases half an image, so the structure is checked
first: every chunk of a PNG that carries pixels has its checksum, a JPEG has its end. What libjpeg thinks of the rest it
only writes to standard error, where it is caught.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from overread.vision.formats import c_messages, jpeg
from overread.vision.formats.jpeg import COPY
from overread.vision.radiograph import Radiograph, UnreadableRadiograph, refuse_size

PNG = b"\x89PNG\r\n\x1a\n"
DEPTHS = (8, 10, 12, 14, 16)


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file announce; `turned` where it carries EXIF data, which may turn the image."""

    width: int
    height: int
    turned: bool = False


def recognises(data: bytes) -> bool:
    """Return whether bytes begin like a PNG or a JPEG, whatever the file is called."""
    return data.startswith((PNG, jpeg.START))


def decoded(data: bytes, where: str, *, most_pixels: int) -> Radiograph:
    """Return the radiograph in the bytes of a file.

    Colour becomes grey by `GREY`, transparency is left out. More than 8 bits become 8 by `eight_bit`. The
    orientation that EXIF data state is applied, as every viewer does; boxes are in pixels of the image so turned.

    Raises `UnreadableRadiograph` when the file is damaged, cut short, or announces too many pixels.
    """
    checked(data, where, most_pixels=most_pixels)
    content = np.frombuffer(data, np.uint8)
    try:
        with c_messages.caught() as said:
            pixels = cv2.imdecode(content, cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        pixels = None
    if said:
        raise UnreadableRadiograph(where, f"the JPEG is damaged ({said[0]})", "a whole file", COPY)
    if pixels is None:
        raise UnreadableRadiograph(where, "the image data cannot be decoded", "a whole PNG or JPEG", COPY)
    return Radiograph(eight_bit(pixels))


def extent(data: bytes, where: str, *, most_pixels: int) -> tuple[int, int]:
    """Return width and height, from the header where that is enough."""
    header = checked(data, where, most_pixels=most_pixels)
    if header.turned:
        height, width = decoded(data, where, most_pixels=most_pixels).pixels.shape
        return width, height
    return header.width, header.height


def eight_bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pixels in 8 bits: the full range of the depth in use becomes 0 to 255, linearly and rounded.

    A PNG of 16 bits means white by 65,535. Radiographs of 10, 12 or 14 bits are nevertheless often stored there as
    they are, and would be all but black: the depth in use is the smallest of 8, 10, 12, 14 and 16 bits that holds the
    brightest pixel. The range of the data themselves is not stretched, so that exposures stay comparable.
    """
    if pixels.dtype == np.uint8:
        return pixels
    brightest = int(pixels.max(initial=0))
    white = next((1 << depth) - 1 for depth in DEPTHS if brightest < 1 << depth)
    table = np.minimum((np.arange(1 << 16) * 255 + white // 2) // white, 255).astype(np.uint8)
    return table[pixels]


# --- what is checked before a decoder sees it ------------------------------------------------------------------------


def checked(data: bytes, where: str, *, most_pixels: int) -> Header:
    """Return what a file announces, once its structure is found whole."""
    header = png_header(data, where) if data.startswith(PNG) else jpeg_header(data, where)
    refuse_size(where, header.width, header.height, most_pixels)
    (whole_png if data.startswith(PNG) else jpeg.refuse_cut_short)(data, where)
    return header


def png_header(data: bytes, where: str) -> Header:
    """Return what a PNG announces in its first chunk."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise cut_short(where) if len(data) < 33 else damaged_png(where, "IHDR")
    width, height = struct.unpack(">II", data[16:24])
    return Header(width, height, b"eXIf" in data)


def whole_png(data: bytes, where: str) -> None:
    """Walk the chunks of a PNG to its end, and compare the checksum of each that an image cannot be read without.

    Those have a capital first letter (PNG specification, 5.4); a damaged comment is no reason to refuse an image.
    """
    view, at = memoryview(data), len(PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I", view[at : at + 4])[0], bytes(view[at + 4 : at + 8])
        end = at + 12 + length
        if end > len(data):
            break
        if kind[:1].isupper() and zlib.crc32(view[at + 4 : end - 4]) != struct.unpack(">I", view[end - 4 : end])[0]:
            raise damaged_png(where, kind.decode("ascii", "replace"))
        if kind == b"IEND":
            return
        at = end
    raise cut_short(where)


def jpeg_header(data: bytes, where: str) -> Header:
    """Return what a JPEG announces in its frame header."""
    found = jpeg.frame(data, where)
    if found.depth != 8:
        do = "Keep it as DICOM, or save it as PNG."
        raise UnreadableRadiograph(where, f"this is a JPEG of {found.depth} bits", "8 bits outside of DICOM", do)
    return Header(found.width, found.height, found.exif)


def cut_short(where: str) -> UnreadableRadiograph:
    """Return the refusal of a PNG that ends too early."""
    return UnreadableRadiograph(where, "the PNG ends too early", "a whole file", COPY)


def damaged_png(where: str, chunk: str) -> UnreadableRadiograph:
    """Return the refusal of a PNG with a wrong checksum."""
    what = f"the PNG is damaged (the checksum of its part {chunk} is wrong)"
    return UnreadableRadiograph(where, what, "a whole file", COPY)
