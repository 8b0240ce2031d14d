"""The picture as a secondary capture."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overread.records.errors import InputError

overlay = pytest.importorskip("overread.vision.results.overlay")
source = pytest.importorskip("overread.vision.results.source")
pydicom = pytest.importorskip("pydicom")
cv2 = pytest.importorskip("cv2")


def picture() -> np.ndarray:
    drawn = np.zeros((60, 90, 3), np.uint8)
    drawn[:30] = (255, 0, 0)
    drawn[30:, :, 2] = 200
    return drawn


def capture(radiograph: Any, drawn: np.ndarray | None = None, **header: Any) -> Any:
    of = source.read_source(radiograph(**header))
    return overlay.secondary_capture(of, picture() if drawn is None else drawn, "standard", "3")


def test_colours_are_kept_and_a_strip_says_what_it_is(radiograph: Any) -> None:
    back = pydicom.dcmread(BytesIO(source.encoded(capture(radiograph))))
    pixels = back.pixel_array
    assert np.array_equal(pixels[:60], picture())
    assert pixels.shape == (60 + overlay.STRIP, 90, 3)
    assert pixels[60:].max() > 100
    assert (back.PhotometricInterpretation, back.BurnedInAnnotation) == ("RGB", "YES")


def test_it_lies_beside_the_radiograph_and_refers_to_it(radiograph: Any) -> None:
    made = capture(radiograph)
    assert (made.StudyInstanceUID, made.PatientID) == ("2.25.102", "P7")
    assert made.SeriesInstanceUID not in ("2.25.103", "")
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == "2.25.101"
    assert made.PatientOrientation == ["L", "F"]
    assert not capture(radiograph, PatientOrientation=None).PatientOrientation
    assert "Secret" not in str(made)


def test_the_same_picture_has_the_same_identifier_and_another_another(radiograph: Any) -> None:
    other = picture()
    other[0, 0] = 7
    assert capture(radiograph).SOPInstanceUID == capture(radiograph).SOPInstanceUID
    assert capture(radiograph).SOPInstanceUID != capture(radiograph, other).SOPInstanceUID


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_a_picture_is_read_in_its_colours(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"p{ending}"
    cv2.imwrite(str(path), picture()[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 101] if ending == ".webp" else [])
    assert np.array_equal(overlay.read_picture(path), picture())


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    for name, data in (("empty.png", b""), ("text.png", b"image,Mass")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match="no picture that can be read"):
            overlay.read_picture(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read"):
        overlay.read_picture(tmp_path / "nothing.png")


def test_a_picture_of_another_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays.csv").write_text("file,image,finding\noverlays/p.webp,one.png,Mass\n")
    overlay.refuse_other_image(tmp_path / "overlays" / "p.webp", "one.dcm")
    overlay.refuse_other_image(tmp_path / "overlays" / "unlisted.png", "two.png")
    overlay.refuse_other_image(tmp_path / "elsewhere.png", "two.png")
    with pytest.raises(InputError, match=r"the picture shows one.png, and the radiograph is two.png"):
        overlay.refuse_other_image(tmp_path / "overlays" / "p.webp", "two.png")


@pytest.mark.parametrize("orientation", [["L", "F"], None])
def test_a_validator_finds_no_error(orientation: list[str] | None, radiograph: Any, tmp_path: Path) -> None:
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dicom3tools are not installed")
    (tmp_path / "o.dcm").write_bytes(source.encoded(capture(radiograph, PatientOrientation=orientation)))
    said = subprocess.run([program, tmp_path / "o.dcm"], capture_output=True, text=True, check=False).stderr
    assert "SCImage" in said
    assert "Error" not in said
