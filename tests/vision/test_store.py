"""A store that was made: opened, checked, changed by others, and read in other processes."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("cv2")

from overread.records.cohort import cohort_from_arrays
from overread.records.errors import InputError
from overread.vision import store as stores
from overread.vision.pixels import attributes_from, open_pixels, present
from overread.vision.squares import Fit
from overread.vision.store import image_bytes, open_store, refuse_damaged, verify, write_about

SIZE, NAMES = 16, ["a.png", "b.dcm", "c.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import zlib

    folder = tmp_path / "store"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE)).astype(np.uint8)
    (folder / "images.npy").write_bytes(image_bytes(3, SIZE)[0] + pixels.tobytes())
    index = pl.DataFrame(
        {
            "image": NAMES,
            "row": [0, 1, None],
            "path": NAMES,
            "width": [30, 40, None],
            "height": [20, 50, None],
            "checksum": [zlib.crc32(pixels[0]), zlib.crc32(pixels[1]), None],
            "view": [None, "AP", None],
            "gender": [None, "F", None],
            "age": [None, 61, None],
            "reason": [None, None, "the file is empty"],
        },
        schema=stores.SCHEMA,
    )
    write_about(folder, index, size=SIZE, fit="pad", version="0")
    return folder


def test_images_are_given_by_name_alone_or_several_at_once(folder: Path) -> None:
    source = open_pixels(folder, size=SIZE)
    assert list(source.names) == ["a.png", "b.dcm"]
    assert (source.fit, source.extent("b.dcm")) == ("pad", (40, 50))
    raw = np.load(folder / "images.npy")
    assert (source.pixels("b.dcm") == raw[1]).all()
    assert (source.batch(["b.dcm", "a.png", "b.dcm"]) == raw[[1, 0, 1]]).all()
    with pytest.raises(ValueError, match="read-only"):
        source.pixels("a.png")[0, 0] = 1


def test_another_process_maps_the_file_itself(folder: Path) -> None:
    content = pickle.dumps(open_store(folder))
    assert len(content) < 1000
    assert (pickle.loads(content).pixels("a.png") == open_store(folder).pixels("a.png")).all()


def test_a_store_of_another_size_is_refused(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"squares of 16 pixels. Expected 256 pixels. Make one with overread prepare --"
    ):
        open_pixels(folder, size=256)


def test_a_store_made_square_otherwise_than_a_model_was_trained_is_refused(folder: Path) -> None:
    store = open_store(folder)
    assert open_pixels(folder, size=store.size, fit=store.fit).fit == store.fit
    other: Fit = "crop" if store.fit == "pad" else "pad"
    with pytest.raises(InputError, match=rf"made square by {store.fit}.*prepare --fit {other}"):
        open_pixels(folder, size=store.size, fit=other)


def test_a_changed_image_is_found_by_its_checksum(folder: Path) -> None:
    assert verify(open_store(folder)) == []
    content = bytearray((folder / "images.npy").read_bytes())
    content[128 + SIZE * SIZE + 7] ^= 1
    (folder / "images.npy").write_bytes(content)
    told: list[int] = []
    with pytest.raises(InputError, match=r"1 image changed since the store was made \(b.dcm\)"):
        refuse_damaged(open_store(folder), progress=told.append)
    assert told == [2]


@pytest.mark.parametrize("name", ["images.npy", "index.parquet", "store.json"])
def test_a_store_that_lacks_a_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"the store lacks {name}"):
        open_pixels(folder, size=SIZE)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"format": "other"}, "it does not say 'overread store'"),
        ({"version": 2}, "the store has version 2. Expected version 1. Update overread"),
        ({"size": "16"}, "size, fit, count or index_sha256 is missing or wrong"),
        ({"fit": "../.."}, "size, fit, count or index_sha256 is missing or wrong"),
        ({"count": 4}, "the index does not fit store.json"),
        ({"size": 8}, r"it holds uint8 in the shape \(3, 16, 16\). Expected uint8 in the shape \(3, 8, 8\)"),
        ({"index_sha256": "0"}, "the index was changed since store.json was written"),
    ],
)
def test_what_a_store_says_of_itself_must_fit(folder: Path, changes: dict[str, object], what: str) -> None:
    about = json.loads((folder / "store.json").read_bytes()) | changes
    (folder / "store.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match=what):
        open_store(folder)


def test_nonsense_in_place_of_a_file_is_refused(folder: Path) -> None:
    images = (folder / "images.npy").read_bytes()
    (folder / "images.npy").write_bytes(images[:-1])
    with pytest.raises(InputError, match="not NumPy's format, or it was cut short"):
        open_store(folder)
    np.save(folder / "images.npy", np.array([{"code": "any"}]), allow_pickle=True)
    with pytest.raises(InputError, match="not NumPy's format"):  # and not unpickled
        open_store(folder)
    (folder / "store.json").write_text("{")
    with pytest.raises(InputError, match="this is not JSON"):
        open_store(folder)


def test_a_folder_that_is_no_store_is_one_of_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no store"):
        open_store(tmp_path)
    assert list(open_pixels(tmp_path, size=SIZE).names) == []
    with pytest.raises(InputError, match="there is no such folder"):
        open_pixels(tmp_path / "none", size=SIZE)


def test_view_gender_and_age_come_from_the_headers_where_the_table_lacks_them(folder: Path) -> None:
    source = open_pixels(folder, size=SIZE)
    plain = cohort_from_arrays([[0], [1]], images=["b.dcm", "a.png"], findings=["Mass"])
    filled = attributes_from(source, plain)
    assert filled.table.to_dict(as_series=False) == {
        "image": ["b.dcm", "a.png"],
        "view": ["AP", None],
        "gender": ["F", None],
        "age": [61, None],
    }
    told = {"view": ["PA", "PA"], "age": [None, 30]}
    own = cohort_from_arrays([[0], [1]], images=["b.dcm", "a.png"], findings=["Mass"], attributes=told)
    assert attributes_from(source, own).table["view"].to_list() == ["PA", "PA"]
    assert attributes_from(source, own).table["age"].to_list() == [61, 30]


def test_an_image_that_could_not_be_read_is_absent(folder: Path) -> None:
    cohort = cohort_from_arrays([[0], [1]], images=["c.png", "a.png"], findings=["Mass"])
    with pytest.raises(InputError, match=r"1 of the 2 images of the cohort cohort are absent \(c.png\)"):
        present(cohort, open_pixels(folder, size=SIZE), folder)
