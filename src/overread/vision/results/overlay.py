"""A picture in colour, such as heat on a radiograph, as a secondary capture in the radiograph's study."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import cv2
import highdicom as hd
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from overread import __version__
from overread.records.errors import InputError, located, plain
from overread.records.heatmaps import OVERLAYS
from overread.records.tables import read_table
from overread.vision.radiograph import MOST_PIXELS
from overread.vision.results.source import made_uid, quietly

SERIES_NUMBER = 9002
STRIP, MARGIN, SCALE = 28, 8, 0.5
BURNED = "RESEARCH OUTPUT, NO DIAGNOSIS"


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture in colour (height, width, 3) from a PNG, JPEG or WebP file.

    Raises `InputError` when it cannot be read.
    """
    where = located(path)
    try:
        data = path.read_bytes()
    except OSError as reason:
        raise InputError(where, f"the file cannot be read ({reason.strerror})", "a picture") from None
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if found is None or found.shape[0] * found.shape[1] > MOST_PIXELS:
        raise InputError(where, "this is no picture that can be read", "PNG, JPEG or WebP, as overread explain writes")
    return np.ascontiguousarray(found[..., ::-1], dtype=np.uint8)


def refuse_other_image(path: Path, image: str) -> None:
    """Refuse a picture that `overread explain` made of another image: it would lie in another person's study.

    Of a picture that comes from elsewhere nobody here can say what it shows.
    """
    listing = path.parent.parent / OVERLAYS
    if not listing.is_file():
        return
    table = read_table(listing).frame
    if not {"file", "image"} <= set(table.columns):
        return
    shown = table.filter(pl.col("file").str.ends_with(f"/{path.name}") | (pl.col("file") == path.name))["image"]
    if len(shown) and Path(shown[0]).stem != Path(image).stem:
        what = f"the picture shows {plain(shown[0])}, and the radiograph is {plain(image)}"
        raise InputError(located(path), what, "a picture of the radiograph itself")


def marked(picture: NDArray[np.uint8], algorithm: str) -> NDArray[np.uint8]:
    """Return a picture with a strip below it that says what it is, which no viewer can hide."""
    strip = np.zeros((STRIP, picture.shape[1], 3), np.uint8)
    said = f"{BURNED}: {algorithm}".encode("ascii", "replace").decode()
    (width, _), _ = cv2.getTextSize(said, cv2.FONT_HERSHEY_SIMPLEX, SCALE, 1)
    scale = SCALE * min(1.0, (picture.shape[1] - 2 * MARGIN) / width)
    cv2.putText(strip, said, (MARGIN, STRIP - 9), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate([picture, strip])


@quietly()
def secondary_capture(source: Dataset, picture: NDArray[np.uint8], algorithm: str, version: str) -> Dataset:
    """Return a picture as a secondary capture of the study of `source`, in a series of its own.

    It says that annotation is burned in, as letters and the outlines of a person are; so an archive that shares images
    without names asks before it shares this one.
    """
    pixels = marked(picture, algorithm)
    content = sha256(pixels.tobytes()).hexdigest()
    made = hd.sc.SCImage.from_ref_dataset(
        ref_dataset=source,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=made_uid("series of overlays", str(source.StudyInstanceUID), algorithm, version),
        series_number=SERIES_NUMBER,
        sop_instance_uid=made_uid("overlay", str(source.SOPInstanceUID), algorithm, version, content),
        instance_number=1,
        manufacturer="overread",
        patient_orientation=("L", "F"),  # the library wants one; the one that is known is put below
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description="Heat map, research output, no diagnosis",
        manufacturer_model_name="overread",
        software_versions=__version__,
    )
    made.PatientOrientation = source.get("PatientOrientation") or ""  # type: ignore[assignment] # empty where unknown
    made.BodyPartExamined = "CHEST"  # and no laterality, which an unpaired part of the body does not have
    made.ConversionType = "WSD"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.BurnedInAnnotation = "YES"
    made.DerivationDescription = f"Picture made from the radiograph by {algorithm}"[:1024]
    made.SourceImageSequence = [reference(source)]
    return made


def reference(source: Dataset) -> Dataset:
    """Return a reference to the radiograph as the source of the picture."""
    item, purpose = Dataset(), Dataset()
    code: Code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator = code.value, code.scheme_designator
    purpose.CodeMeaning = code.meaning
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
