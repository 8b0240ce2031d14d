"""PNG and JPEG of any bit depth and mode, decoded by OpenCV.

OpenCV gives back what it could make of a damaged file, some of its releases half an image, so the structure is checked
first: every chunk of a PNG that carries pixels has its checksum, a JPEG has its end. What libjpeg thinks of the rest it
only writes to standard error, where it is caught.
"""

from __future__ import annotations

import os
import re
import struct
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from overread.vision.radiograph import Radiograph, UnreadableRadiograph, refuse_size

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
DEPTHS = (8, 10, 12, 14, 16)
COPY = "Copy it again from its source."
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # ITU T.81, table B.1: SOF0 to SOF15 without DHT, JPG, DAC
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length: TEM, RST0 to RST7, SOI

_STDERR = threading.Lock()


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file announce; `turned` where it carries EXIF data, which may turn the image."""

    width: int
    height: int
    turned: bool = False


def recognises(data: bytes) -> bool:
    """Return whether bytes begin like a PNG or a JPEG, whatever the file is called."""
    return data.startswith((PNG, JPEG))


def decoded(data: bytes, where: str, *, most_pixels: int) -> Radiograph:
    """Return the radiograph in the bytes of a file.

    Colour becomes grey by `GREY`, transparency is left out. More than 8 bits become 8 by `eight_bit`. The
    orientation that EXIF data state is applied, as every viewer does; boxes are in pixels of the image so turned.

    Raises `UnreadableRadiograph` when the file is damaged, cut short, or announces too many pixels.
    """
    checked(data, where, most_pixels=most_pixels)
    content = np.frombuffer(data, np.uint8)
    try:
        if data.startswith(PNG):
            pixels = cv2.imdecode(content, cv2.IMREAD_ANYDEPTH)
        else:
            with standard_error() as said:
                pixels = cv2.imdecode(content, cv2.IMREAD_ANYDEPTH)
            if said:
                raise UnreadableRadiograph(where, f"the JPEG is damaged ({said[0]})", "a whole file", COPY)
    except cv2.error:
        pixels = None
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
    (whole_png if data.startswith(PNG) else whole_jpeg)(data, where)
    return header


def png_header(data: bytes, where: str) -> Header:
    """Return what a PNG announces in its first chunk."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise cut_short(where, "PNG") if len(data) < 33 else damaged_png(where, "IHDR")
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
    raise cut_short(where, "PNG")


def jpeg_header(data: bytes, where: str) -> Header:
    """Return what a JPEG announces in its frame header."""
    turned, at = False, 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise UnreadableRadiograph(where, "the JPEG is damaged (no marker where one belongs)", "a whole file", COPY)
        marker = data[at + 1]
        if marker == 0xFF or marker in ALONE:  # fill bytes
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        if marker in FRAMES and at + 9 <= len(data):
            return frame_header(data[at + 4 : at + 9], turned, where)
        turned = turned or data[at + 4 : at + 10] == b"Exif\0\0"
        at += 2 + length
    raise cut_short(where, "JPEG")


def frame_header(frame: bytes, turned: bool, where: str) -> Header:
    """Return what a frame header says: precision, height, width (ITU T.81, B.2.2)."""
    depth, height, width = struct.unpack(">BHH", frame)
    if depth != 8:
        do = "Keep it as DICOM, or save it as PNG."
        raise UnreadableRadiograph(where, f"this is a JPEG of {depth} bits", "8 bits outside of DICOM", do)
    return Header(width, height, turned)


def whole_jpeg(data: bytes, where: str) -> None:
    """Refuse a JPEG without its end after its first scan; within image data the two bytes of the end cannot occur."""
    scan = data.find(b"\xff\xda")
    if scan < 0 or data.rfind(b"\xff\xd9") < scan:
        raise cut_short(where, "JPEG")


def cut_short(where: str, kind: str) -> UnreadableRadiograph:
    """Return the refusal of a file that ends too early."""
    return UnreadableRadiograph(where, f"the {kind} ends too early", "a whole file", COPY)


def damaged_png(where: str, chunk: str) -> UnreadableRadiograph:
    """Return the refusal of a PNG with a wrong checksum."""
    what = f"the PNG is damaged (the checksum of its part {chunk} is wrong)"
    return UnreadableRadiograph(where, what, "a whole file", COPY)


@contextmanager
def standard_error() -> Iterator[list[str]]:
    """Collect what libjpeg says of damaged data, which it writes to standard error and nowhere else.

    Whatever else the process writes there meanwhile is passed on afterwards.
    """
    said: list[str] = []
    with _STDERR, tempfile.TemporaryFile(buffering=0) as caught:
        kept = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            caught.seek(0)
            for line in caught.read().splitlines(keepends=True):
                if re.match(rb"Corrupt JPEG data|Premature end|Invalid|Unsupported|Inconsistent", line):
                    said.append(line.decode("ascii", "replace").strip())
                else:
                    os.write(kept, line)
            os.close(kept)
