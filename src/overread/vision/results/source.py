"""The radiograph that was scored, as far as what is made of it must name it."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid5

from pydicom.dataset import Dataset

from overread.records.errors import InputError, located
from overread.vision.formats import dicom
from overread.vision.radiograph import MOST_PIXELS, UnreadableRadiograph

NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
CARRIED = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
)
"""What is taken over, because an archive files by it; what the source lacks is empty. Nothing else is."""

CONTEXT = ("SpecificCharacterSet", "Modality", "PatientOrientation", "Rows", "Columns", "NumberOfFrames")
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
        return carried(header)


def carried(header: Dataset) -> Dataset:
    """Return the elements that are used, empty where the source lacks them."""
    kept = Dataset()
    for name in (*NEEDED, *CARRIED, *CONTEXT):
        if name in header:
            kept[name] = header[name]
        elif name in CARRIED and name != "IssuerOfPatientID":
            setattr(kept, name, "")
    return kept


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
    made.save_as(target, enforce_file_format=True)
    return target.getvalue()
