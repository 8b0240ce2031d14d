"""Making a store: the same bytes by any number of processes, whole or not at all, resumed after being killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

cv2 = pytest.importorskip("cv2")
pytest.importorskip("pydicom")

from overread.records.errors import InputError  # noqa: E402
from overread.vision import decoding, preparing  # noqa: E402
from overread.vision.preparing import prepare  # noqa: E402
from overread.vision.radiographs import read_radiograph  # noqa: E402
from overread.vision.squares import squared  # noqa: E402
from overread.vision.store import open_store, verify  # noqa: E402

RNG = np.random.default_rng(0)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode in this process: what is tested is not the processes, and each costs half a second."""

    def decoded(pieces: Any, *, workers: int) -> Any:
        return (decoding.squares(piece) for piece in pieces)

    monkeypatch.setattr(preparing, "decoded", decoded)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of ten images of several shapes, below it."""
    below = tmp_path / "images" / "images_001"
    below.mkdir(parents=True)
    for row in range(10):
        pixels = RNG.integers(0, 256, (40 + row, 60 - row)).astype(np.uint8)
        cv2.imwrite(str(below / f"{row}.png"), pixels)
    return tmp_path / "images"


NAMES = [f"{row}.png" for row in range(10)]


def content(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.iterdir()}


def test_a_store_holds_what_the_files_hold(folder: Path, tmp_path: Path, here: None) -> None:
    told: list[tuple[int, int]] = []
    made = prepare(NAMES, folder, tmp_path / "store", size=32, progress=lambda *now: told.append(now))
    assert (made.images, made.resumed, made.unreadable) == (10, 0, {})
    assert (told[0], told[-1]) == ((0, 10), (10, 10))
    store = open_store(tmp_path / "store")
    assert list(store.names) == NAMES
    for name in NAMES:
        pixels = read_radiograph(folder / "images_001" / name).pixels
        assert (store.pixels(name) == squared(pixels, 32)).all()
        assert store.extent(name) == pixels.shape[::-1]
    assert store.index["path"][3] == "images_001/3.png"
    assert verify(store) == []
    assert sorted(content(tmp_path / "store")) == ["images.npy", "index.parquet", "store.json"]
    assert not (tmp_path / "store.partial").exists()


@pytest.mark.slow
def test_one_process_and_three_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    prepare(NAMES, folder, tmp_path / "one", size=32, workers=1)
    prepare(NAMES, folder, tmp_path / "three", size=32, workers=3)
    assert content(tmp_path / "one") == content(tmp_path / "three")


def test_the_other_fits_are_kept_in_the_store(folder: Path, tmp_path: Path, here: None) -> None:
    prepare(NAMES, folder, tmp_path / "store", size=32, fit="crop")
    store = open_store(tmp_path / "store")
    assert store.fit == "crop"
    pixels = read_radiograph(folder / "images_001" / "0.png").pixels
    assert (store.pixels("0.png") == squared(pixels, 32, fit="crop")).all()


# --- interrupted -----------------------------------------------------------------------------------------------------

KILLED = """
import sys
from overread.vision.preparing import prepare
if __name__ == "__main__":
    prepare([f"{row}.png" for row in range(int(sys.argv[3]))], sys.argv[1], sys.argv[2], size=64, workers=2)
"""


def lines(journal: Path) -> int:
    return journal.read_bytes().count(b"}\n") if journal.exists() else 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    n, files = 60, tmp_path / "images"
    files.mkdir()
    for row in range(n):
        cv2.imwrite(str(files / f"{row}.png"), RNG.integers(0, 256, (900, 900)).astype(np.uint8))
    names = [f"{row}.png" for row in range(n)]
    prepare(names, files, tmp_path / "whole", size=64, workers=2)
    script, store = tmp_path / "killed.py", tmp_path / "store"
    script.write_text(KILLED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    journal, stages = tmp_path / "store.partial" / "journal.txt", []
    for moment in (1, 20, 40):
        process = subprocess.Popen(
            [sys.executable, script, files, store, str(n)], env=environment, start_new_session=True
        )
        while lines(journal) < moment and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        process.wait()
        assert process.returncode == -signal.SIGKILL
        assert not store.exists()
        stages.append(lines(journal))
        assert gone(process.pid)
    assert 0 < stages[0] < n
    made = prepare(names, files, store, size=64, workers=2)
    assert made.resumed >= stages[0]
    assert content(store) == content(tmp_path / "whole")


def gone(session: int) -> bool:
    """Return whether every process of a session has ended, waiting for it a while."""
    for _ in range(200):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def interrupted(folder: Path, tmp_path: Path, here: None) -> Path:
    """Return what is left when a store of ten images was interrupted after six."""

    def stop(done: int, of: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(NAMES, folder, tmp_path / "store", size=32, progress=stop)
    return tmp_path / "store.partial"


def test_what_is_done_is_not_done_again(interrupted: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the store is not finished. Run the same overread prepare again"):
        open_store(tmp_path / "store")
    assert prepare(NAMES, folder, tmp_path / "store", size=32).resumed == 6
    prepare(NAMES, folder, tmp_path / "other", size=32)
    assert content(tmp_path / "store") == content(tmp_path / "other")


def test_only_what_is_surely_there_counts_as_done(interrupted: Path, folder: Path, tmp_path: Path) -> None:
    with open(interrupted / "images.npy", "r+b") as file:  # as if a power failure had lost the block of image 2
        file.seek(128 + 2 * 32 * 32)
        file.write(bytes(32 * 32))
    journal = (interrupted / "journal.txt").read_bytes()
    (interrupted / "journal.txt").write_bytes(journal[:-20])  # and the end of the last line
    time.sleep(0.01)
    cv2.imwrite(str(folder / "images_001" / "1.png"), RNG.integers(0, 256, (50, 50)).astype(np.uint8))
    assert prepare(NAMES, folder, tmp_path / "store", size=32).resumed == 3
    prepare(NAMES, folder, tmp_path / "other", size=32)
    assert content(tmp_path / "store") == content(tmp_path / "other")


def test_a_journal_of_nonsense_counts_for_nothing(interrupted: Path, folder: Path, tmp_path: Path) -> None:
    wrong = b'{"row": 99999}'
    lines = b"\x00\xff\nzzzzzzzz {}\n" + f"{zlib.crc32(wrong):08x} ".encode() + wrong + b"\n"
    (interrupted / "journal.txt").write_bytes(lines)
    assert prepare(NAMES, folder, tmp_path / "store", size=32).resumed == 0
    assert verify(open_store(tmp_path / "store")) == []


def test_beginnings_of_another_store_are_not_gone_on_with(interrupted: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        prepare(NAMES, folder, tmp_path / "store", size=16)
    assert str(refusal.value) == (
        f"{interrupted}: it holds the beginnings of another store (size 32 instead of 16). "
        "Give the same images and settings to go on, or --force to begin anew."
    )
    with pytest.raises(InputError, match=r"another store \(images 10 instead of 9\)"):
        prepare(NAMES[1:], folder, tmp_path / "store", size=32)
    with pytest.raises(InputError, match=r"another store \(other images\)"):
        prepare(NAMES[::-1], folder, tmp_path / "store", size=32)
    assert prepare(NAMES, folder, tmp_path / "store", size=16, force=True).resumed == 0
    assert open_store(tmp_path / "store").size == 16


def test_two_at_once_do_not_write_the_same_store(folder: Path, tmp_path: Path, here: None) -> None:
    pytest.importorskip("fcntl")

    def again(done: int, of: int) -> None:
        if done == 3:
            with pytest.raises(InputError, match="another overread prepare is at work on this store"):
                prepare(NAMES, folder, tmp_path / "store", size=32)

    assert prepare(NAMES, folder, tmp_path / "store", size=32, progress=again).images == 10


# --- images that cannot be read --------------------------------------------------------------------------------------


@pytest.fixture
def broken(folder: Path) -> Path:
    (folder / "images_001" / "3.png").write_bytes(b"")
    (folder / "images_001" / "7.png").write_bytes(b"not an image")
    return folder


def test_images_that_cannot_be_read_are_listed_and_the_others_kept(broken: Path, tmp_path: Path, here: None) -> None:
    with pytest.raises(InputError) as refusal:
        prepare(NAMES, broken, tmp_path / "store", size=32)
    listing = tmp_path / "store.partial" / "unreadable.csv"
    assert str(refusal.value) == (
        f"{broken}: 2 of 10 images cannot be read (3.png: the file is empty; 7.png: the content is text). "
        f"All are listed in {listing}. Mend them and run the same command again, which keeps the others, "
        "or give --skip-unreadable to go on without them."
    )
    assert pl.read_csv(listing).to_dicts() == [
        {"image": "3.png", "path": "images_001/3.png", "reason": "the file is empty"},
        {"image": "7.png", "path": "images_001/7.png", "reason": "the content is text"},
    ]
    assert not (tmp_path / "store").exists()
    for name in ("3.png", "7.png"):
        cv2.imwrite(str(broken / "images_001" / name), np.full((5, 5), 9, np.uint8))
    made = prepare(NAMES, broken, tmp_path / "store", size=32)
    assert (made.images, made.resumed) == (10, 8)
    assert "unreadable.csv" not in content(tmp_path / "store")


def test_work_goes_on_without_them_when_told_to(broken: Path, tmp_path: Path, here: None) -> None:
    made = prepare(NAMES, broken, tmp_path / "store", size=32, skip_unreadable=True)
    assert made.unreadable == {"3.png": "the file is empty", "7.png": "the content is text"}
    store = open_store(tmp_path / "store")
    assert len(store.names) == 8
    assert "unreadable.csv" in content(tmp_path / "store")
    assert store.index.filter(pl.col("row").is_null())["image"].to_list() == ["3.png", "7.png"]
    with pytest.raises(InputError, match=r"'3.png' could not be read into the store \(the file is empty\)"):
        store.pixels("3.png")
    with pytest.raises(InputError, match=r"the store holds no image 'x.png'"):
        store.pixels("x.png")
    assert verify(store) == []


def test_a_store_of_no_image_is_not_made(broken: Path, tmp_path: Path, here: None) -> None:
    with pytest.raises(InputError, match="1 of 1 image cannot be read"):
        prepare(["3.png"], broken, tmp_path / "store", size=32, skip_unreadable=True)
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
def test_a_decoder_that_crashes_takes_no_more_than_its_image(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "crashing.py"
    script.write_text(
        "import os, sys\n"
        "from overread.vision import decoding\n"
        "plainly = decoding.square\n"
        "decoding.square = lambda task: os._exit(9) if task.path.endswith('4.png') else plainly(task)\n"
        "if __name__ == '__main__':\n"
        "    from overread.vision.preparing import prepare\n"
        "    names = [f'{row}.png' for row in range(10)]\n"
        "    print(prepare(names, sys.argv[1], sys.argv[2], size=32, workers=2, skip_unreadable=True).unreadable)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, script, folder, tmp_path / "store"]
    found = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "{'4.png': 'its decoder crashed'}\n"
    assert len(open_store(tmp_path / "store").names) == 9


# --- places ----------------------------------------------------------------------------------------------------------


def test_a_place_that_is_taken_is_left_alone(folder: Path, tmp_path: Path, here: None) -> None:
    place = tmp_path / "store"
    place.write_text("mine")
    with pytest.raises(InputError, match="this is a file"):
        prepare(NAMES, folder, place, size=32, force=True)
    place.unlink()
    place.mkdir()
    (place / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="the folder holds files that are not a store's"):
        prepare(NAMES, folder, place, size=32, force=True)
    (place / "thesis.tex").unlink()
    prepare(NAMES, folder, place, size=32)  # an empty folder is free
    with pytest.raises(InputError, match=r"the store exists. Give --force to replace it"):
        prepare(NAMES, folder, place, size=16)
    assert open_store(place).size == 32
    prepare(NAMES, folder, place, size=16, force=True)
    assert open_store(place).size == 16
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "store"]
    (place / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="files that are not a store's"):
        prepare(NAMES, folder, place, size=32, force=True)


def test_files_of_others_in_the_working_folder_are_left_alone(folder: Path, tmp_path: Path, here: None) -> None:
    (tmp_path / "store.partial").mkdir()
    (tmp_path / "store.partial" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"files that overread did not write \(thesis.tex\)"):
        prepare(NAMES, folder, tmp_path / "store", size=32, force=True)
    assert os.listdir(tmp_path / "store.partial") == ["thesis.tex"]


def test_a_disk_that_is_too_small_is_refused_before_work(
    folder: Path, tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(InputError) as refusal:
        prepare(NAMES, folder, tmp_path / "store", size=1024)
    assert str(refusal.value) == (
        f"{tmp_path}/store.partial: the store needs 78 MB, and 5 MB are free there. "
        "Free some, or choose another place or a smaller --size."
    )
    assert os.listdir(tmp_path) == ["images"]


class Usage:
    free = 5_000_000


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_fails_half_way_leaves_what_can_be_gone_on_with(
    number: int, folder: Path, tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, plainly = [], preparing.keep

    def full(*arguments: Any) -> Any:
        if len(kept) == 4:
            raise OSError(number, os.strerror(number))
        kept.append(plainly(*arguments))
        return kept[-1]

    with monkeypatch.context() as patch:
        patch.setattr(preparing, "keep", full)
        with pytest.raises(InputError) as refusal:
            prepare(NAMES, folder, tmp_path / "store", size=32)
    said = {
        errno.ENOSPC: "the disk is full. Free some space and run the same command again: it goes on where it stopped.",
        errno.EACCES: "the store cannot be written there (Permission denied). Expected a folder that may be written",
    }
    assert str(refusal.value).startswith(f"{tmp_path}/store.partial: {said[number]}")
    assert not (tmp_path / "store").exists()
    assert prepare(NAMES, folder, tmp_path / "store", size=32).resumed == 4


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_a_write_to_a_full_disk_is_noticed() -> None:
    with open("/dev/full", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        preparing.write_all(file, b"x")


@pytest.mark.usefixtures("permissions_hold")
def test_a_folder_without_rights_is_refused(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "closed"
    place.mkdir(mode=0o500)
    with pytest.raises(InputError, match=r"cannot be written there \(Permission denied\)"):
        prepare(NAMES, folder, place / "store", size=32)


def test_what_cannot_be_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "store"
    with pytest.raises(InputError, match=r"--size: the size is 4. Expected 8 to 4,096 pixels"):
        prepare(NAMES, folder, out, size=4)
    with pytest.raises(InputError, match=r"--workers: the number is -1. Expected at least 1"):
        prepare(NAMES, folder, out, size=32, workers=-1)
    with pytest.raises(InputError, match=r"no file below this folder is named '../secret.png'"):
        prepare(["../secret.png"], folder, out, size=32)
    with pytest.raises(InputError, match=r"images: there is none"):
        prepare([], folder, out, size=32)
