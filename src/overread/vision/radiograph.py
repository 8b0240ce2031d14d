"""A radiograph as it was read from a file, and the one way in which a file that holds none is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from overread.records.errors import InputError

MOST_PIXELS = 100_000_000
"""Pixels that a file may announce. The largest detectors for radiographs have about 20 million; what claims more than
100 million is a fault or an attack, and is refused before anything is decoded."""

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey value (ITU-R BT.601, as in JPEG and Pillow)."""


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One image, as a person would see it.

    `pixels` is (height, width), 0 black to 255 white: colour has become grey, an inverted image (DICOM's MONOCHROME1)
    is turned, the window of a DICOM file is applied, the orientation of a photograph is applied. `attributes` are
    what a DICOM header says of view (`PA`), gender (`F`) and age (whole years); they are empty for PNG and JPEG.
    """

    pixels: NDArray[np.uint8]
    attributes: Mapping[str, str | int] = field(default_factory=dict)


class UnreadableRadiograph(InputError):
    """A file that holds no radiograph which can be read, and the reason."""


def refuse_size(where: str, width: int, height: int, most_pixels: int) -> None:
    """Refuse an image by the size that its header announces, before memory is given to it."""
    if width < 1 or height < 1:
        raise UnreadableRadiograph(where, f"the image is {width:,} x {height:,} pixels", "at least one pixel")
    if width * height > most_pixels:
        what = f"the header announces {width:,} x {height:,} pixels"
        do = "If it is a radiograph, raise the limit with --most-pixels of overread prepare."
        raise UnreadableRadiograph(where, what, f"{most_pixels:,} at most", do)
