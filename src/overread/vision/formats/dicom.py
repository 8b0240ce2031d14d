"""DICOM as hospitals have it: grey or colour, 8 to 16 bits, compressed or not, with the rules by which it is shown.

The stages are those of the standard (PS3.3 C.11, PS3.4 N.2): stored value, modality LUT (or rescale slope and
intercept), VOI LUT (or window), inversion; pydicom's functions do each. They are applied to every value that can be
stored, at most 65,536, and the pixels look their grey up.

A header holds names, numbers and dates of people. Only view, gender and age in years leave this module, and no message
quotes a value of the header that could tell who it is.
"""

from __future__ import annotations

import re
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from typing import Any

import cv2
import gdcm
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments, get_frame
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut, apply_windowing
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGExtended12Bit

from overread.vision.formats import c_messages, jpeg
from overread.vision.formats.portable import DEPTHS, eight_bit
from overread.vision.radiograph import Radiograph, UnreadableRadiograph, refuse_size

MAGIC, PREAMBLE = b"DICM", 128
MOST_BITS = 16
LIKE_JPEG, CODESTREAM = b"\xff\xd8", b"\xff\x4f\xff\x51"
OVERHEAD = 64 << 20
"""Bytes of a header, beside its pixels, that a deflated file may unpack to."""

COPY = "Copy or export it again from its source."

# PS3.16 CID 4010, by SNOMED CT and by the older SNOMED-RT; the words are those of View Position. PA has two older
# codes: pydicom's dictionary gives R-40888 for 272479007, older software wrote R-10214 (and OpenREM takes it for PA).
VIEWS = {
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "R-40888": "PA",
    "399173006": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "R-10232": "RL",
    "399067008": "LATERAL",
    "R-102CD": "LATERAL",
}
PER_YEAR = {"D": 365.25, "W": 52.1775, "M": 12.0, "Y": 1.0, "": 1.0}
STUDY_DATES = ("StudyDate", "AcquisitionDate", "SeriesDate", "ContentDate")

gdcm.Trace.DebugOff()
gdcm.Trace.WarningOff()
gdcm.Trace.ErrorOff()
_ONE = threading.Lock()  # warnings are silenced for the whole process while a file is read


def recognises(data: bytes) -> bool:
    """Return whether bytes are DICOM: by its mark, or without preamble by a first element of group 2 or 8."""
    if data[PREAMBLE : PREAMBLE + 4] == MAGIC:
        return True
    if len(data) < 16 or data[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return False
    explicit, length = data[4:6], int.from_bytes(data[4:8], "little")
    return (explicit.isalpha() and explicit.isupper()) or length < 256


def decoded(data: bytes, where: str, *, most_pixels: int) -> Radiograph:
    """Return the radiograph in the bytes of a file, with view, gender and age from its header.

    Several windows are given by some files: the first counts; a VOI LUT is preferred to a window. Without either, or
    with a window that the standard forbids (a width below 1), the darkest pixel becomes black and the brightest
    white. Padding is black.

    Raises `UnreadableRadiograph` when there are no pixels or several frames, the header announces too many pixels, or
    they cannot be decoded.
    """
    with reading(where):
        header = parsed(data, where, most_pixels=most_pixels)
        check_pixels(header, where, most_pixels=most_pixels)
        return Radiograph(grey(header, stored_pixels(header, where)), attributes(header))


def extent(data: bytes, where: str, *, most_pixels: int) -> tuple[int, int]:
    """Return width and height from the header."""
    with reading(where):
        header = parsed(data, where, most_pixels=most_pixels)
        check_pixels(header, where, most_pixels=most_pixels)
        return int(header.Columns), int(header.Rows)


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Keep pydicom's warnings to itself, which quote values, and refuse a file over which it stumbles."""
    with _ONE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (UnreadableRadiograph, MemoryError):
            raise
        except Exception as reason:  # of any kind, as a damaged header may say anything; its text may quote the header
            what = f"its header breaks the rules of DICOM ({type(reason).__name__})"
            raise UnreadableRadiograph(where, what, "a valid DICOM file", COPY) from None


# --- the header ------------------------------------------------------------------------------------------------------


def parsed(data: bytes, where: str, *, most_pixels: int) -> Dataset:
    """Return the elements of a file. A file without its meta information tells its encoding by its first element."""
    refuse_growth(data, where, 4 * most_pixels + OVERHEAD)
    header = pydicom.dcmread(BytesIO(data), force=True)
    if "TransferSyntaxUID" not in header.file_meta:
        implicit, little = header.original_encoding
        known = pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
        header.file_meta.TransferSyntaxUID = known if little else pydicom.uid.ExplicitVRBigEndian
    return header


def refuse_growth(data: bytes, where: str, most: int) -> None:
    """Refuse a deflated file that unpacks to more than any radiograph: a few kilobytes can become gigabytes."""
    head = data[PREAMBLE + 4 : PREAMBLE + 4 + 4096]
    if pydicom.uid.DeflatedExplicitVRLittleEndian.encode() not in head or head[:8] != b"\x02\0\0\0UL\x04\0":
        return
    start = PREAMBLE + 16 + int.from_bytes(head[8:12], "little")
    unpacker, rest, size = zlib.decompressobj(-zlib.MAX_WBITS), data[start:], 0
    try:
        while rest and not unpacker.eof:
            size += len(unpacker.decompress(rest, 16 << 20))
            rest = unpacker.unconsumed_tail
            if size > most:
                what = f"the deflated file unpacks to more than {most:,} bytes"
                raise UnreadableRadiograph(where, what, "a radiograph", COPY)
    except zlib.error:
        raise UnreadableRadiograph(where, "the deflated file is damaged", "a whole DICOM file", COPY) from None


def check_pixels(header: Dataset, where: str, *, most_pixels: int) -> None:
    """Refuse what is no single image of at most 16 bits, before anything is decoded."""
    if "PixelData" not in header:
        raise without_pixels(header, where)
    try:
        width, height, frames = int(header.Columns), int(header.Rows), frames_of(header)
        samples, allocated = int(header.SamplesPerPixel), int(header.BitsAllocated)
        bits = int(header.BitsStored)
    except Exception:
        what = "the DICOM header lacks the size or the depth of its pixels"
        raise UnreadableRadiograph(
            where, what, "Rows, Columns, Samples per Pixel, Bits Allocated, Bits Stored"
        ) from None
    if frames > 1:
        do = "A series or a film is not a radiograph: export the one frame that is meant."
        raise UnreadableRadiograph(where, f"the DICOM file holds {frames:,} frames", "a single image", do)
    refuse_size(where, width, height, most_pixels)
    if allocated > MOST_BITS or not 1 <= bits <= allocated or samples not in (1, 3):
        what = f"the pixels have {samples} x {allocated} bits, {bits} of them in use"
        raise UnreadableRadiograph(where, what, "1 or 3 values of at most 16 bits, as radiographs have")
    refuse_other_size(header, where)


def frames_of(header: Dataset) -> int:
    """Return the number of frames."""
    return int(header.get("NumberOfFrames", 1) or 1)


def without_pixels(header: Dataset, where: str) -> UnreadableRadiograph:
    """Return the refusal of a file without pixels, with its kind where the standard has a name for it."""
    kind = getattr(header.get("SOPClassUID", ""), "name", "")
    what = "the DICOM file has no pixels" + (f" (it is of the kind {kind})" if re.search(r"[A-Za-z]", kind) else "")
    if "FloatPixelData" in header or "DoubleFloatPixelData" in header:
        what = "the DICOM file has pixels in floating point"
    return UnreadableRadiograph(where, what, "a radiograph of at most 16 bits")


def refuse_other_size(header: Dataset, where: str) -> None:
    """Refuse compressed data that announce another size than the header: a decoder gives memory by theirs."""
    if not header.file_meta.TransferSyntaxUID.is_transfer_syntax:
        raise UnreadableRadiograph(where, "the pixels are in an unknown transfer syntax", "one of the standard's", COPY)
    if not header.file_meta.TransferSyntaxUID.is_compressed or header.file_meta.TransferSyntaxUID.is_deflated:
        return
    try:
        first = next(part for part in generate_fragments(header.PixelData) if len(part) > 8)[: 1 << 16]
    except Exception:
        raise undecodable(header, where) from None
    if first.startswith(LIKE_JPEG):
        found = jpeg.frame(first, where)
        width, height = found.width, found.height
    elif CODESTREAM in first:
        at = first.index(CODESTREAM) + 8  # ITU T.800, A.5.1: Xsiz, Ysiz, XOsiz, YOsiz
        right, bottom, left, top = (int.from_bytes(first[at + 4 * k : at + 4 * k + 4]) for k in range(4))
        width, height = right - left, bottom - top
    else:
        return
    if (width, height) != (header.Columns, header.Rows):
        what = (
            f"the header says {header.Columns:,} x {header.Rows:,} pixels, the compressed image {width:,} x {height:,}"
        )
        raise UnreadableRadiograph(where, what, "the same size in both", COPY)


# --- the pixels ------------------------------------------------------------------------------------------------------


def stored_pixels(header: Dataset, where: str) -> NDArray[Any]:
    """Return the stored values: (height, width), or (height, width, 3) as red, green and blue."""
    extended = header.file_meta.TransferSyntaxUID == JPEGExtended12Bit and header.BitsStored > 8
    try:
        with c_messages.caught() as said:
            pixels = extended_12_bit(header) if extended else pixel_array(header)
    except Exception:  # each decoder has exceptions of its own
        raise undecodable(header, where) from None
    if said:
        raise undecodable(header, where)
    return pixels


def extended_12_bit(header: Dataset) -> NDArray[np.uint16]:
    """Return the pixels of JPEG Extended with 12 bits, which GDCM decodes and pydicom does not ask it for."""
    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(get_frame(header.PixelData, 0, number_of_frames=1))
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((header.Columns, header.Rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(header.PhotometricInterpretation)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(JPEGExtended12Bit))))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, header.BitsStored, header.BitsStored - 1, 0))
    content = image.GetBuffer().encode("utf-8", "surrogateescape")  # GDCM returns bytes as text
    return np.frombuffer(content, "<u2").reshape(header.Rows, header.Columns)


def undecodable(header: Dataset, where: str) -> UnreadableRadiograph:
    """Return the refusal of pixel data that no decoder could read."""
    kind = header.file_meta.TransferSyntaxUID.name
    what = f"the pixels cannot be decoded ({kind}): damaged, cut short, or of a kind that no decoder here knows"
    return UnreadableRadiograph(where, what, "a whole DICOM file", COPY)


def grey(header: Dataset, stored: NDArray[Any]) -> NDArray[np.uint8]:
    """Return stored values as a person would see them."""
    if header.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, header)
    if stored.ndim == 3:
        return eight_bit(cv2.cvtColor(np.ascontiguousarray(stored), cv2.COLOR_RGB2GRAY))
    bits = int(header.BitsStored)
    codes = stored.astype(np.uint16, copy=False) & np.uint16((1 << bits) - 1)  # overlays may lie in the bits above
    return shades(header, bits, np.bincount(codes.ravel(), minlength=1 << bits) > 0)[codes]


def shades(header: Dataset, bits: int, seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the grey of every value that `bits` can store; `seen` says which of them the image has."""
    values = np.arange(1 << bits, dtype=np.int32)
    if header.get("PixelRepresentation", 0) == 1:
        values[1 << (bits - 1) :] -= 1 << bits
    padding = is_padding(header, values)
    shown = apply_modality_lut(values, header)
    found = by_window(header, shown)
    if found is None:
        real = seen & ~padding
        low, high = (float(edge(shown[real])) if real.any() else 0.0 for edge in (np.min, np.max))
        found = shown.astype(np.float64), low, high
    result, black, white = found
    share = np.clip((result - black) / (white - black), 0, 1) if white > black else np.zeros(len(values))
    inverted = header.PhotometricInterpretation == "MONOCHROME1" or header.get("PresentationLUTShape") == "INVERSE"
    table = np.rint(255 * (1 - share if inverted else share)).astype(np.uint8)
    table[padding] = 0
    return table


def by_window(header: Dataset, shown: NDArray[Any]) -> tuple[NDArray[np.float64], float, float] | None:
    """Return values after the VOI LUT or window, with what of them is black and white; `None` where there is none."""
    try:
        if header.get("VOILUTSequence"):
            item = header.VOILUTSequence[0]
            mapped = apply_voi_lut(shown, header, prefer_lut=True)
            brightest = int(np.max(np.asarray(item.LUTData, dtype=np.int64)))
            depth = min(int(item.LUTDescriptor[2]), next(depth for depth in DEPTHS if brightest < 1 << depth))
            return mapped.astype(np.float64), 0.0, float((1 << depth) - 1)
        if header.get("WindowCenter") is not None and header.get("WindowWidth") is not None:
            with np.errstate(over="ignore"):  # of the sigmoid, far from its centre
                black, white = apply_windowing(np.array([-1e9, 1e9]), header)
                return apply_windowing(shown.astype(np.float64), header), float(black), float(white)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, StopIteration):
        return None
    return None


def is_padding(header: Dataset, values: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which stored values are padding (PS3.3 C.7.5.1.1.2), one value or a range."""
    if header.get("PixelPaddingValue") is None:
        return np.zeros(len(values), bool)
    one = as_stored(header.PixelPaddingValue, values)
    limit = header.get("PixelPaddingRangeLimit")
    other = one if limit is None else as_stored(limit, values)
    return (values >= min(one, other)) & (values <= max(one, other))


def as_stored(value: Any, values: NDArray[np.int32]) -> int:
    """Return a padding value as the pixels store it: written as unsigned where they are signed, or the reverse."""
    number = int.from_bytes(value[:2], "little") if isinstance(value, bytes) else int(value)
    if number > values.max():
        return number - (1 << 16) if values.min() < 0 else number
    return number + (1 << 16) if number < values.min() == 0 else number


# --- what the header says of the person ------------------------------------------------------------------------------


def attributes(header: Dataset) -> dict[str, str | int]:
    """Return view, gender and age in whole years, those of them that the header says."""
    found = {"view": view(header), "gender": gender(header), "age": age(header)}
    return {name: value for name, value in found.items() if value is not None}


def view(header: Dataset) -> str | None:
    """Return how the beam went: View Position, else the code of the view."""
    stated = word(header, "ViewPosition").upper()
    if re.fullmatch(r"[A-Z][A-Z_ ]{0,15}", stated):
        return stated
    for item in header.get("ViewCodeSequence") or ():
        known = VIEWS.get(word(item, "CodeValue"))
        if known:
            return known
    return None


def gender(header: Dataset) -> str | None:
    """Return Patient's Sex: M, F, or O for other."""
    stated = word(header, "PatientSex").upper()
    return stated if stated in ("M", "F", "O") else None


def age(header: Dataset) -> int | None:
    """Return the age in whole years: Patient's Age, else from the birth date and the date of the study."""
    stated = re.fullmatch(r"(\d{1,3})([DWMY]?)", word(header, "PatientAge").upper())
    if stated:
        return int(int(stated[1]) / PER_YEAR[stated[2]])
    born = day(word(header, "PatientBirthDate"))
    taken = next((found for name in STUDY_DATES if (found := day(word(header, name)))), None)
    if born is None or taken is None or taken < born:
        return None
    return taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day))


def word(header: Dataset, name: str) -> str:
    """Return an element as text, empty where it is absent or cannot be read."""
    try:
        return str(header.get(name) or "").strip()
    except Exception:
        return ""


def day(text: str) -> date | None:
    """Return a date as DICOM writes it, 20240131 (formerly 2024.01.31)."""
    parts = re.fullmatch(r"(\d{4})\.?(\d\d)\.?(\d\d)", text)
    try:
        return date(*(int(part) for part in parts.groups())) if parts else None
    except ValueError:
        return None
