"""The structure of a JPEG, read without decoding it: what it announces, and whether it ends."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from overread.vision.radiograph import UnreadableRadiograph

START = b"\xff\xd8\xff"
# ITU T.81, table B.1: SOF0 to SOF15 without DHT, JPG and DAC; and SOF55 of JPEG-LS (ITU T.87).
FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length: TEM, RST0 to RST7, SOI
COPY = "Copy it again from its source."


@dataclass(frozen=True)
class Frame:
    """What the frame header says, and whether EXIF data come before it."""

    depth: int
    width: int
    height: int
    exif: bool


def frame(data: bytes, where: str) -> Frame:
    """Return what a JPEG announces. Raises `UnreadableRadiograph` where its markers do not lead to a frame header."""
    exif, at = False, 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            what = "the JPEG is damaged (no marker where one belongs)"
            raise UnreadableRadiograph(where, what, "a whole file", COPY)
        marker = data[at + 1]
        if marker == 0xFF or marker in ALONE:  # fill bytes
            at += 1 if marker == 0xFF else 2
            continue
        if marker in FRAMES:
            depth, height, width = struct.unpack(">BHH", data[at + 4 : at + 9])
            return Frame(depth, width, height, exif)
        exif = exif or data[at + 4 : at + 10] == b"Exif\0\0"
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise cut_short(where)


def refuse_cut_short(data: bytes, where: str) -> None:
    """Refuse a JPEG without its end after its first scan; within image data the two bytes of the end cannot occur."""
    scan = data.find(b"\xff\xda")
    if scan < 0 or data.rfind(b"\xff\xd9") < scan:
        raise cut_short(where)


def cut_short(where: str) -> UnreadableRadiograph:
    """Return the refusal of a JPEG that ends too early."""
    return UnreadableRadiograph(where, "the JPEG ends too early", "a whole file", COPY)
