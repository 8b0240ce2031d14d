"""A radiograph in DICOM, as a hospital has it, with more in its header than may be carried over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Path]


@pytest.fixture
def radiograph(tmp_path: Path) -> Make:
    """Return a function that writes the radiograph, with elements of its header changed, or left out where None."""
    import numpy as np

    for library in ("cv2", "gdcm", "highdicom"):
        pytest.importorskip(library)
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    def make(**changed: Any) -> Path:
        made = Dataset()
        elements = {
            "SpecificCharacterSet": "ISO_IR 192",
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1",
            "SOPInstanceUID": "2.25.101",
            "StudyInstanceUID": "2.25.102",
            "SeriesInstanceUID": "2.25.103",
            "StudyDate": "20260102",
            "StudyTime": "101112",
            "StudyID": "S7",
            "AccessionNumber": "A7",
            "Modality": "DX",
            "InstitutionName": "Secret Hospital",
            "PatientName": "Müller^Änne",
            "PatientID": "P7",
            "PatientBirthDate": "19500607",
            "PatientSex": "F",
            "PatientAddress": "Secret Street 1",
            "PatientOrientation": ["L", "F"],
        } | changed
        for name, value in elements.items():
            if value is not None:
                setattr(made, name, value)
        made.Rows = made.Columns = 8
        made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
        made.BitsAllocated = made.BitsStored = 8
        made.HighBit, made.PixelRepresentation = 7, 0
        if changed.get("PixelData", b"") is not None:
            made.PixelData = np.arange(64, dtype=np.uint8).tobytes()
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.file_meta.MediaStorageSOPClassUID = elements["SOPClassUID"] or "1.2.3"
        made.file_meta.MediaStorageSOPInstanceUID = elements["SOPInstanceUID"] or "1.2.3"
        path = tmp_path / "chest.dcm"
        made.save_as(path, enforce_file_format=True)
        return path

    return make
