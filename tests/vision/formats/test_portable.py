"""PNG and JPEG in every mode, and every way in which such a file can be broken."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
Image = pytest.importorskip("PIL.Image")

from overread.vision.radiographs import UnreadableRadiograph, decoded, read_extent, read_radiograph  # noqa: E402

GREYS = np.add.outer(np.arange(48), 3 * np.arange(64)).astype(np.uint8)
COLOURS = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def file_of(pixels: np.ndarray, kind: str = "png", mode: str | None = None, **options: object) -> bytes:
    image = Image.fromarray(pixels)
    buffer = BytesIO()
    (image if mode is None else image.convert(mode)).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, depth: int, rows: bytes, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_grey_stays_grey_in_every_mode(mode: str) -> None:
    found = decoded(file_of(GREYS, mode=mode), "a.png").pixels
    assert found.dtype == np.uint8
    palette = mode == "P"  # Pillow keeps the greys and writes a palette of them
    assert np.abs(found.astype(int) - GREYS).max() <= (1 if palette else 0)


def test_the_transparent_parts_of_an_image_keep_their_grey() -> None:
    see_through = np.dstack([GREYS, GREYS, GREYS, np.zeros_like(GREYS)])
    assert (decoded(file_of(see_through), "a.png").pixels == GREYS).all()


def test_colour_becomes_grey_by_the_weights_of_itu_r_bt_601() -> None:
    expected = COLOURS @ [0.299, 0.587, 0.114]
    assert np.abs(decoded(file_of(COLOURS), "a.png").pixels - expected).max() < 1.5
    smooth = np.dstack([GREYS, 255 - GREYS, GREYS // 2])
    found = decoded(file_of(smooth, "jpeg", quality=100, subsampling=0), "a.jpg").pixels
    assert np.abs(found - smooth @ [0.299, 0.587, 0.114]).max() < 4


def test_one_bit_is_black_and_white() -> None:
    rows = b"".join(b"\0" + bytes([0b10101010]) for _ in range(4))
    assert decoded(png_of(8, 4, 1, rows), "a.png").pixels.tolist() == [[255, 0] * 4] * 4


@pytest.mark.parametrize(("depth", "white"), [(10, 1023), (12, 4095), (14, 16383), (16, 65535)])
def test_more_than_8_bits_are_scaled_by_the_depth_in_use(depth: int, white: int) -> None:
    pixels = np.linspace(0, white, 48 * 64).reshape(48, 64).astype(np.uint16)
    found = decoded(cv2.imencode(".png", pixels)[1].tobytes(), "a.png").pixels
    assert (found == np.rint(pixels * 255.0 / white)).all()
    assert found.max() == 255


def test_sixteen_bits_are_not_stretched_to_the_range_of_the_data() -> None:
    pixels = np.full((8, 8), 20_000, np.uint16)
    assert (decoded(cv2.imencode(".png", pixels)[1].tobytes(), "a.png").pixels == 78).all()  # 20,000 / 65,535 * 255


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_orientation_of_a_photograph_is_applied_and_its_extent_is_that_of_the_turned_image(
    kind: str, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    path = tmp_path / "a"
    path.write_bytes(file_of(GREYS, kind, exif=exif))
    found = read_radiograph(path).pixels
    assert found.shape == (64, 48)
    assert np.abs(found.astype(int) - np.rot90(GREYS, -1)).max() <= (0 if kind == "png" else 12)
    assert read_extent(path) == (48, 64)


def test_the_extent_of_a_plain_file_comes_from_its_header(tmp_path: Path) -> None:
    for kind in ("png", "jpeg"):
        (tmp_path / "a").write_bytes(file_of(GREYS, kind))
        assert read_extent(tmp_path / "a") == (64, 48)


def test_a_png_that_announces_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(UnreadableRadiograph) as refusal:
        decoded(png_of(40_000, 40_000, 8, bytes(1000)), "huge.png")
    assert str(refusal.value) == (
        "huge.png: the header announces 40,000 x 40,000 pixels. Expected 100,000,000 at most. "
        "If it is a radiograph, raise the limit with --most-pixels of overread prepare."
    )
    with pytest.raises(UnreadableRadiograph, match="announces 64 x 48 pixels"):
        decoded(file_of(GREYS), "a.png", most_pixels=64 * 48 - 1)
    assert decoded(file_of(GREYS), "a.png", most_pixels=64 * 48).pixels.shape == (48, 64)


def test_a_jpeg_that_announces_too_many_pixels_is_refused() -> None:
    content = bytearray(file_of(GREYS, "jpeg"))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", 40_000, 40_000)
    with pytest.raises(UnreadableRadiograph, match="announces 40,000 x 40,000 pixels"):
        decoded(bytes(content), "huge.jpg")


def test_no_size_is_refused() -> None:
    with pytest.raises(UnreadableRadiograph, match="the image is 0 x 5 pixels"):
        decoded(png_of(0, 5, 8, b""), "a.png")


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_file_cut_short_anywhere_is_refused(kind: str) -> None:
    content = file_of(COLOURS, kind)
    for length in {*range(8, 200), *range(200, len(content) - 2, 97), len(content) - 2}:
        with pytest.raises(UnreadableRadiograph, match=r"ends too early|of no known kind"):
            decoded(content[:length], "a")


def test_a_flipped_bit_in_a_png_is_found_by_its_checksum() -> None:
    content = file_of(COLOURS)
    for at in range(content.index(b"IDAT") + 4, len(content) - 16, 331):
        damaged = bytearray(content)
        damaged[at] ^= 1
        with pytest.raises(UnreadableRadiograph, match="checksum of its part IDAT is wrong"):
            decoded(bytes(damaged), "a.png")


def test_a_damaged_comment_in_a_png_is_no_reason_to_refuse_it() -> None:
    content = file_of(GREYS)
    text = bytearray(chunk(b"tEXt", b"Comment\0hello"))
    text[-1] ^= 255
    assert (decoded(content[:33] + bytes(text) + content[33:], "a.png").pixels == GREYS).all()


def test_a_png_whose_data_are_wrong_though_its_checksums_are_right_is_refused() -> None:
    with pytest.raises(UnreadableRadiograph, match="cannot be decoded"):
        decoded(png_of(64, 48, 8, bytes(65 * 20)), "a.png")  # rows are missing
    with pytest.raises(UnreadableRadiograph, match="cannot be decoded"):
        decoded(png_of(64, 48, 8, b"\x09" * 65 * 48), "a.png")  # there is no filter 9


def test_a_jpeg_with_damaged_data_is_refused_and_libjpeg_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    content = file_of(COLOURS, "jpeg", quality=95)
    scan, refused = content.index(b"\xff\xda") + 14, 0
    for at in range(scan, len(content) - 40, 61):
        damaged = content[:at] + content[at + 40 :]
        try:
            decoded(damaged, "a.jpg")
        except UnreadableRadiograph:
            refused += 1
    assert refused > 20
    assert capfd.readouterr() == ("", "")


def test_what_others_write_to_standard_error_meanwhile_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    import os

    from overread.vision.formats.c_messages import caught

    with caught() as said:
        os.write(2, b"an important warning\nCorrupt JPEG data: premature end of data segment\n[ WARN:0@0.3] x\n")
    assert said == ["Corrupt JPEG data: premature end of data segment"]
    assert capfd.readouterr().err == "an important warning\n"


def test_a_jpeg_of_12_bits_is_refused() -> None:
    content = bytearray(file_of(GREYS, "jpeg"))
    content[content.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnreadableRadiograph, match=r"this is a JPEG of 12 bits. Expected 8 bits outside of DICOM"):
        decoded(bytes(content), "a.jpg")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"patient,age\n1,60\n", "the content is text"),
        (bytes(range(1, 200)), "the content is of no known kind"),
        (b"II*\0 and so on", "the content is TIFF"),
        (b"\x1f\x8b\x08\0", "the content is compressed with gzip"),
        (b"%PDF-1.7", "the content is a PDF"),
    ],
)
def test_what_is_no_radiograph_is_told_by_its_content(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableRadiograph) as refusal:
        read_radiograph(path)
    assert str(refusal.value) == f"{path}: {what}. Expected a radiograph as PNG, JPEG or DICOM."


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "image.dcm").write_bytes(file_of(GREYS, "png"))
    assert (read_radiograph(tmp_path / "image.dcm").pixels == GREYS).all()


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRadiograph, match="there is no such file"):
        read_radiograph(tmp_path / "none.png")
    with pytest.raises(UnreadableRadiograph, match="this is a folder"):
        read_radiograph(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    subprocess.run(["mkfifo", tmp_path / "a.png"], check=True)
    with pytest.raises(UnreadableRadiograph, match="not a regular file"):
        read_radiograph(tmp_path / "a.png")
