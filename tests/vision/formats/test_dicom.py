"""DICOM: what is shown, against pydicom's functions and the formulas of the standard; and what a header may hold."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

pytest.importorskip("cv2")
pydicom = pytest.importorskip("pydicom")
gdcm = pytest.importorskip("gdcm")

from pydicom.data import get_testdata_file  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.encaps import encapsulate  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402
from pydicom.uid import (  # noqa: E402
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from overread.vision.radiographs import UnreadableRadiograph, decoded, read_extent, read_radiograph  # noqa: E402

RNG = np.random.default_rng(0)
NAME = "Doe^Jane"


def header(
    pixels: np.ndarray, *, bits: int | None = None, syntax: Any = ExplicitVRLittleEndian, **more: Any
) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    made = Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = DigitalXRayImageStorageForPresentation, "1.2.3"
    made.PatientName, made.PatientID = NAME, "4711"
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel, made.PhotometricInterpretation = (3, "RGB") if pixels.ndim == 3 else (1, "MONOCHROME2")
    if pixels.ndim == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = 8 * pixels.dtype.itemsize
    made.BitsStored = bits or made.BitsAllocated
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(pixels.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    made.PixelData = content + bytes(len(content) % 2)
    made["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
    for name, value in more.items():
        setattr(made, name, value)
    return made


def bytes_of(made: Dataset) -> bytes:
    buffer = BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def shown(pixels: np.ndarray, **more: Any) -> np.ndarray:
    return decoded(bytes_of(header(pixels, **more)), "a").pixels


def ramp(bits: int, signed: bool = False) -> np.ndarray:
    values = np.linspace(0, (1 << bits) - 1, 40 * 50).reshape(40, 50)
    return (values - (1 << (bits - 1))).astype(np.int16) if signed else values.astype(np.uint16)


def stretched(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    values = np.asarray(values, float)
    low, high = values.min() if low is None else low, values.max() if high is None else high
    return np.rint(255 * np.clip((values - low) / (high - low), 0, 1))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_without_a_window_the_darkest_is_black_and_the_brightest_white(bits: int, signed: bool) -> None:
    pixels = ramp(bits, signed) // 2  # half of what could be stored
    assert (shown(pixels, bits=bits) == stretched(pixels)).all()


def test_monochrome1_is_inverted_and_said_twice_is_inverted_once() -> None:
    pixels = ramp(12)
    found = shown(pixels, bits=12, PhotometricInterpretation="MONOCHROME1")
    assert np.abs(found - (255 - pixels * 255.0 / 4095)).max() <= 0.5 + 1e-9
    once = shown(pixels, bits=12, PresentationLUTShape="INVERSE")
    twice = shown(pixels, bits=12, PresentationLUTShape="INVERSE", PhotometricInterpretation="MONOCHROME1")
    assert (once == twice).all()
    assert once[0, 0] == 255
    assert shown(pixels, bits=12, PresentationLUTShape="IDENTITY")[0, 0] == 0


def test_slope_and_intercept_come_before_the_window() -> None:
    pixels, more = (
        ramp(12),
        {"RescaleSlope": "2", "RescaleIntercept": "-1000", "WindowCenter": "0", "WindowWidth": "801"},
    )
    found = shown(pixels, bits=12, **more)
    # PS3.3 C.11.2.1.2.1, LINEAR: the centre less a half, the width less one.
    expected = np.clip((2.0 * pixels - 1000 - (0 - 0.5)) / (801 - 1) + 0.5, 0, 1)
    assert (found == np.rint(255 * expected)).all()


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [False, True])
def test_a_window_is_that_of_the_standard_and_of_pydicom(function: str, rescale: bool) -> None:
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    pixels = ramp(12, signed=True)
    more: dict[str, Any] = {"WindowCenter": ["100", "300"], "WindowWidth": ["900", "50"], "VOILUTFunction": function}
    if rescale:
        more |= {"RescaleSlope": "0.5", "RescaleIntercept": "40"}
    made = header(pixels, bits=12, **more)
    found = decoded(bytes_of(made), "a").pixels
    values = pixels * 0.5 + 40 if rescale else pixels.astype(float)
    share = {
        "LINEAR": np.clip((values - 99.5) / 899 + 0.5, 0, 1),
        "LINEAR_EXACT": np.clip((values - 100) / 900 + 0.5, 0, 1),
        "SIGMOID": 1 / (1 + np.exp(-4 * (values - 100) / 900)),
    }[function]
    assert np.abs(found - 255 * share).max() <= 0.5 + 1e-6
    theirs = apply_voi_lut(apply_modality_lut(pixels, made), made)
    if function != "SIGMOID":  # the sigmoid does not reach the ends of its range within these values
        assert np.abs(found - stretched(theirs)).max() <= 1


def test_a_window_that_the_standard_forbids_is_as_none() -> None:
    pixels = ramp(12)
    for width in ("0", "-5", "0.5"):
        found = shown(pixels, bits=12, WindowCenter="2000", WindowWidth=width)
        assert (found == shown(pixels, bits=12)).all()


def lut(first: int, data: np.ndarray, bits: int = 16) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(data), first, bits]
    item.LUTData = data.astype(np.uint16).tolist()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "US"
    return item


def test_a_voi_lut_is_preferred_to_a_window() -> None:
    pixels, curve = ramp(12), np.rint(np.linspace(0, 1, 4096) ** 2 * 4095)
    more = {"VOILUTSequence": Sequence([lut(0, curve, 12)]), "WindowCenter": "1", "WindowWidth": "1"}
    assert (shown(pixels, bits=12, **more) == np.rint(curve[pixels] * 255 / 4095)).all()


def test_a_voi_lut_that_says_16_bits_and_uses_12_is_not_all_but_black() -> None:
    pixels, curve = ramp(12), np.arange(4096)
    assert shown(pixels, bits=12, VOILUTSequence=Sequence([lut(0, curve, 16)])).max() == 255


def test_a_modality_lut_is_applied() -> None:
    pixels, curve = ramp(10), 1023 - np.arange(1024)
    assert (shown(pixels, bits=10, ModalityLUTSequence=Sequence([lut(0, curve)])) == stretched(curve[pixels])).all()


def test_padding_is_black_and_does_not_count_for_the_range() -> None:
    pixels = np.full((4, 4), 1000, np.uint16)
    pixels[0], pixels[1, 0] = 4095, 500
    found = shown(pixels, bits=12, PixelPaddingValue=4095, PhotometricInterpretation="MONOCHROME1")
    assert found[0].tolist() == [0] * 4
    assert found[1].tolist() == [255, 0, 0, 0]
    ranged = shown(pixels, bits=12, PixelPaddingValue=4000, PixelPaddingRangeLimit=4095)
    assert ranged[0].tolist() == [0] * 4
    assert ranged[2].tolist() == [255] * 4


def test_padding_of_signed_pixels_is_understood() -> None:
    pixels = np.full((4, 4), 10, np.int16)
    pixels[0], pixels[1, 0] = -2000, -10
    assert shown(pixels, PixelPaddingValue=-2000)[:2].tolist() == [[0] * 4, [0, 255, 255, 255]]


def test_bits_above_those_stored_are_left_out() -> None:
    pixels = ramp(12)
    assert (shown(pixels | 0x4000, bits=12) == shown(pixels, bits=12)).all()  # an old overlay


def test_colour_becomes_grey() -> None:
    pixels = RNG.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    assert np.abs(shown(pixels) - pixels @ [0.299, 0.587, 0.114]).max() < 1


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_each_encoding_gives_the_same(syntax: Any) -> None:
    pixels = ramp(12)
    made = header(pixels, bits=12, syntax=syntax, PatientAge="045Y")
    found = decoded(bytes_of(made), "a")
    assert (found.pixels == stretched(pixels)).all()
    assert dict(found.attributes) == {"age": 45}


@pytest.mark.parametrize("implicit", [True, False])
def test_a_file_without_preamble_and_meta_information_is_read(implicit: bool, tmp_path: Path) -> None:
    pixels = ramp(12)
    made = header(pixels, bits=12)
    plain = Dataset()
    plain.update({element.tag: element for element in made})
    plain.save_as(tmp_path / "IM1", implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    assert (tmp_path / "IM1").read_bytes()[128:132] != b"DICM"
    assert (read_radiograph(tmp_path / "IM1").pixels == stretched(pixels)).all()
    assert read_extent(tmp_path / "IM1") == (50, 40)


# --- compressed ------------------------------------------------------------------------------------------------------


def transcoded(made: Dataset, kind: int, folder: Path) -> Path:
    """Return a file that GDCM compressed."""
    made.save_as(folder / "plain.dcm", enforce_file_format=True)
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(folder / "plain.dcm"))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(kind))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(folder / "packed.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return folder / "packed.dcm"


@pytest.mark.parametrize(
    "kind", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless"]
)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_lossless_compression_changes_nothing(kind: str, bits: int, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 1 << bits, (34, 48)).astype(np.uint8 if bits == 8 else np.uint16)
    path = transcoded(header(pixels, bits=bits), getattr(gdcm.TransferSyntax, kind), tmp_path)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID.is_compressed
    assert (read_radiograph(path).pixels == stretched(pixels)).all()


def test_rle_of_pydicom_is_read() -> None:
    made = header(ramp(12), bits=12)
    made.compress(RLELossless, generate_instance_uid=False)
    assert (decoded(bytes_of(made), "a").pixels == stretched(ramp(12))).all()


def test_jpeg_baseline_is_read_near_enough() -> None:
    import cv2

    pixels = np.rint(stretched(ramp(8))).astype(np.uint8)
    made = header(pixels)
    made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    made.PixelData = encapsulate([cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    assert np.abs(decoded(bytes_of(made), "a").pixels - pixels.astype(int)).max() <= 6


def shipped(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"this pydicom ships no {name}")
    return Path(path)


def test_jpeg_extended_of_12_bits_has_the_values_that_pydicom_documents(capfd: pytest.CaptureFixture[str]) -> None:
    path = shipped("JPGExtended.dcm")
    found = read_radiograph(path).pixels
    # pydicom's own tests have 244 at [420, 140] and 95 at [230, 120]; the values reach from 0 to 264.
    assert [found[420, 140], found[230, 120]] == [round(255 * 244 / 264), round(255 * 95 / 264)]
    assert capfd.readouterr() == ("", "")


def test_files_as_others_wrote_them_are_read_or_refused_and_nothing_is_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = shipped("CT_small.dcm").parent
    read = 0
    for path in sorted(folder.glob("*.dcm")):
        try:
            found = read_radiograph(path)
            height, width = found.pixels.shape
            assert read_extent(path) == (width, height)
            read += 1
        except UnreadableRadiograph:
            continue
    assert read >= 40
    assert capfd.readouterr() == ("", "")


def test_the_small_mr_is_one_image_in_every_syntax_that_pydicom_ships() -> None:
    names = ("", "_RLE", "_bigendian", "_expb", "_implicit", "_jp2klossless", "_jpeg_ls_lossless", "_padded")
    found = [read_radiograph(shipped(f"MR_small{name}.dcm")).pixels for name in names]
    assert all((pixels == found[0]).all() for pixels in found)


WHOLE = bytes_of(
    header(
        ramp(12)[:5],
        bits=12,
        PatientAge="045Y",
        ViewPosition="PA",
        WindowCenter=["100", "200"],
        WindowWidth=["300", "400"],
        VOILUTSequence=Sequence([lut(0, np.arange(32), 12)]),
        RescaleSlope="1",
        RescaleIntercept="0",
        PixelPaddingValue=5,
    )
)


# --- refused ---------------------------------------------------------------------------------------------------------


def refusal_of(made: Dataset, **options: int) -> str:
    with pytest.raises(UnreadableRadiograph) as refusal:
        decoded(bytes_of(made), "a.dcm", **options)
    assert NAME not in str(refusal.value)
    assert "4711" not in str(refusal.value)
    return str(refusal.value)


def test_a_file_without_pixels_is_refused_with_its_kind() -> None:
    made = header(ramp(12))
    del made.PixelData
    assert refusal_of(made) == (
        "a.dcm: the DICOM file has no pixels (it is of the kind Digital X-Ray Image Storage - For Presentation). "
        "Expected a radiograph of at most 16 bits."
    )


def test_several_frames_are_refused_and_one_is_not() -> None:
    assert "the DICOM file holds 3 frames. Expected a single image." in refusal_of(header(ramp(12), NumberOfFrames=3))
    assert shown(ramp(12), NumberOfFrames=1).shape == (40, 50)


def test_a_header_that_announces_too_many_pixels_is_refused_before_anything_is_decoded() -> None:
    made = header(ramp(12), Rows=40_000, Columns=40_000)
    assert "the header announces 40,000 x 40,000 pixels. Expected 100,000,000 at most." in refusal_of(made)
    assert "the header announces 50 x 40 pixels. Expected 1,999 at most." in refusal_of(
        header(ramp(12)), most_pixels=1999
    )


@pytest.mark.parametrize("kind", ["JPEG2000Lossless", "JPEGLSLossless", "JPEGLosslessProcess14_1"])
def test_a_compressed_image_of_another_size_than_its_header_is_refused(kind: str, tmp_path: Path) -> None:
    path = transcoded(header(ramp(12), bits=12), getattr(gdcm.TransferSyntax, kind), tmp_path)
    made = pydicom.dcmread(path)
    made.Rows = 4
    assert "the header says 50 x 4 pixels, the compressed image 50 x 40" in refusal_of(made)


def test_pixels_cut_short_are_refused() -> None:
    made = header(ramp(12))
    made.PixelData = made.PixelData[:-100]
    assert "the pixels cannot be decoded (Explicit VR Little Endian): damaged, cut short" in refusal_of(made)
    content = bytes_of(header(ramp(12)))
    for length in range(140, len(content) - 2, 211):
        with pytest.raises(UnreadableRadiograph):
            decoded(content[:length], "a.dcm")


@pytest.mark.parametrize("kind", ["JPEG2000Lossless", "JPEGLSLossless", "JPEGLosslessProcess14_1", "RLELossless"])
def test_compressed_pixels_cut_short_are_refused(kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pixels = RNG.integers(0, 4096, (60, 60)).astype(np.uint16)
    path = transcoded(header(pixels, bits=12), getattr(gdcm.TransferSyntax, kind), tmp_path)
    content = path.read_bytes()
    capfd.readouterr()
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(UnreadableRadiograph):
            decoded(content[: int(len(content) * share)], "a.dcm")
    assert capfd.readouterr() == ("", "")


def test_32_bits_are_refused() -> None:
    made = header(ramp(12), BitsAllocated=32, BitsStored=32, HighBit=31)
    assert "the pixels have 1 x 32 bits, 32 of them in use." in refusal_of(made)


def test_a_header_without_a_size_is_refused() -> None:
    made = header(ramp(12))
    del made.Rows
    assert "the DICOM header lacks the size or the depth of its pixels." in refusal_of(made)


def test_a_deflated_file_that_grows_without_end_is_refused() -> None:
    whole = bytes_of(header(ramp(12), bits=12, syntax=DeflatedExplicitVRLittleEndian))
    start = 144 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    with pytest.raises(UnreadableRadiograph, match="unpacks to more than"):
        decoded(whole[:start] + bomb, "a.dcm", most_pixels=1000)


def test_a_transfer_syntax_that_nobody_knows_is_refused() -> None:
    content = bytes_of(header(ramp(12))).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0", 1)
    with pytest.raises(UnreadableRadiograph, match="in an unknown transfer syntax"):
        decoded(content, "a.dcm")


@given(st.integers(132, 700), st.binary(min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_whatever_a_damaged_header_says_is_read_or_refused(at: int, damage: bytes) -> None:
    whole = WHOLE[:at] + damage + WHOLE[at + len(damage) :]
    try:
        assert decoded(whole, "a.dcm").pixels.dtype == np.uint8
    except UnreadableRadiograph as refusal:
        event(refusal.what[:30])


# --- view, gender, age -----------------------------------------------------------------------------------------------


def attributes(**more: Any) -> dict[str, Any]:
    return dict(decoded(bytes_of(header(ramp(12), **more)), "a").attributes)


def test_view_gender_and_age_are_read_and_nothing_else_is() -> None:
    more = {"ViewPosition": "PA", "PatientSex": "F", "PatientAge": "045Y", "PatientBirthDate": "19500101"}
    assert attributes(**more) == {"view": "PA", "gender": "F", "age": 45}
    assert attributes() == {}


@pytest.mark.parametrize(
    ("written", "years"), [("045Y", 45), ("018M", 1), ("011M", 0), ("051W", 0), ("400D", 1), ("45", 45), ("000Y", 0)]
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR AS")  # pydicom, while the file is made
def test_an_age_is_in_whole_years(written: str, years: int) -> None:
    assert attributes(PatientAge=written) == {"age": years}


@pytest.mark.parametrize(
    ("born", "taken", "years"),
    [
        ("19600615", "20200614", 59),
        ("19600615", "20200615", 60),
        ("20000229", "20010228", 0),
        ("20200101", "20190101", None),
        ("", "20190101", None),
    ],
)
def test_an_age_is_told_from_two_dates(born: str, taken: str, years: int | None) -> None:
    assert attributes(PatientBirthDate=born, StudyDate=taken).get("age") == years


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # pydicom, while the file is made
@pytest.mark.parametrize("age", ["old", "45Z", "-1Y"])
def test_an_age_that_is_none_is_left_out(age: str) -> None:
    assert "age" not in attributes(PatientAge=age)


@pytest.mark.parametrize(
    ("code", "view"),
    [
        ("399348003", "AP"),
        ("272479007", "PA"),
        ("399173006", "LL"),
        ("399198007", "RL"),
        ("R-10206", "AP"),
        ("R-10214", "PA"),
        ("R-40888", "PA"),
        ("1", None),
    ],
)
def test_the_view_may_be_a_code(code: str, view: str | None) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "SCT", "some view"
    assert attributes(ViewCodeSequence=Sequence([item])).get("view") == view
    assert attributes(ViewCodeSequence=Sequence([item]), ViewPosition="LL")["view"] == "LL"


def test_the_codes_are_those_of_pydicoms_dictionary() -> None:
    from pydicom.sr import codes

    from overread.vision.formats.dicom import VIEWS

    for name, view in (
        ("AnteroPosterior", "AP"),
        ("PosteroAnterior", "PA"),
        ("LeftLateral", "LL"),
        ("RightLateral", "RL"),
    ):
        assert VIEWS[getattr(codes.SCT, name).value] == view


@pytest.mark.parametrize(("written", "gender"), [("M", "M"), ("f", "F"), ("O", "O"), ("", None), ("U", None)])
@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")  # pydicom, while the file is made
def test_gender_is_m_f_or_o(written: str, gender: str | None) -> None:
    assert attributes(PatientSex=written).get("gender") == gender
