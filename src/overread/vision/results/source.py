"""The radiograph that was scored, as far as what is made of it must name it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from overread.records.errors import InputError, located
from overread.vision.formats import dicom
from overread.vision.radiograph import MOST_PIXELS, UnreadableRadiograph

NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
CARRIED = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
)
"""What is taken over, because an archive files by it; what the source lacks is empty. Nothing else is."""

CONTEXT = ("Modality", "PatientOrientation", "Rows", "Columns", "NumberOfFrames")
RULES: dict[str, Callable[[Any], bool]] = {
    "StudyDate": lambda value: converts(DA, value),
    "StudyTime": lambda value: converts(TM, value),
    "PatientBirthDate": lambda value: converts(DA, value),
    "PatientSex": lambda value: value in ("M", "F", "O"),
    "SOPClassUID": lambda value: value in UID_dictionary,
}
"""What is checked before it is written into something new. Names that are too long are carried over as they are, since
an archive files by them."""

NAMESPACE = UUID("5f4a7d6e-6b0a-5c0e-9c39-0d5b9d4e3f11")
"""A UUID of this project's own, under which others are made."""


def read_source(path: Path) -> Dataset:
    """Return the elements of a DICOM radiograph that identify patient, study and image, without its pixels.

    Raises `InputError` when the file is no DICOM image, or lacks an identifier that a reference needs.
    """
    where = located(path)
    try:
        data = path.read_bytes()
    except OSError as reason:
        what = f"the file cannot be read ({reason.strerror})"
        raise InputError(where, what, "a radiograph in DICOM") from None
    if not dicom.recognises(data):
        raise InputError(where, "this is not DICOM", "the DICOM file of the radiograph that was scored")
    with dicom.reading(where):
        header = dicom.parsed(data, where, most_pixels=MOST_PIXELS)
        lacking = [name for name in NEEDED if not header.get(name)]
        if lacking or "PixelData" not in header:
            what = f"it has no {lacking[0]}" if lacking else "it holds no image"
            raise UnreadableRadiograph(where, what, "a DICOM image with its identifiers")
        kept = carried(header)
        broken = next((name for name, holds in RULES.items() if kept.get(name) and not holds(kept[name].value)), None)
        if broken:
            what = f"its {kept[broken].name} is not what DICOM allows"
            raise UnreadableRadiograph(where, what, "a valid DICOM header", "Have it put right at its source.")
        return kept


def carried(header: Dataset) -> Dataset:
    """Return the elements that are used, empty where the source lacks them, their letters in UTF-8."""
    kept = Dataset()
    kept.SpecificCharacterSet = "ISO_IR 192"
    for name in (*NEEDED, *CARRIED, *CONTEXT):
        if name in header and header[name].VR == "PN":
            setattr(kept, name, str(header[name].value))  # decoded, as the source writes letters in its own way
        elif name in header:
            kept[name] = header[name]
        elif name in CARRIED and name != "IssuerOfPatientID":
            setattr(kept, name, "")
    return kept


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pydicom's warnings to itself: they quote the header, which holds names of people."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\..*")
        yield


def converts(kind: Callable[[Any], object], value: Any) -> bool:
    """Return whether a value is one of its kind."""
    try:
        kind(value)
    except ValueError:
        return False
    return True


def made_uid(*parts: str) -> str:
    """Return a UID made of some texts: the same texts give the same one, others another (PS3.5 B.2, by a UUID).

    So the same answer on the same image is the same object for an archive, however often it is written, and a changed
    one is not.

    >>> made_uid("a", "b") == made_uid("a", "b") != made_uid("ab")
    True
    """
    return f"2.25.{uuid5(NAMESPACE, sha256(chr(0).join(parts).encode()).hexdigest()).int}"


def encoded(made: Dataset) -> bytes:
    """Return a finished object as the bytes of a file."""
    target = BytesIO()
    with quietly():
        made.save_as(target, enforce_file_format=True)
    return target.getvalue()
