"""`overread prepare` as a person meets it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
pytest.importorskip("pydicom")

from overread.cli.app import main  # noqa: E402
from overread.vision import decoding, preparing  # noqa: E402
from overread.vision.store import open_store  # noqa: E402


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", "prepare", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.full((20, 30), 100, np.uint8))
    (tmp_path / "truth.csv").write_text("image,Mass\na.png,0\nb.png,1\nc.png,0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(preparing, "decoded", lambda pieces, workers: (decoding.squares(piece) for piece in pieces))
    return tmp_path


WORDS = ("truth.csv", "--images", "images", "--out", "store", "--size", "16")


def test_it_writes_a_store_and_says_what_it_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *WORDS) == 2
    assert capsys.readouterr().err == (
        "overread: images: 1 of the 3 images of the cohort truth are absent (c.png). Expected every image of the "
        "cohort. Give --present-only to go on with the 2 that are there.\n"
    )
    assert run(monkeypatch, *WORDS, "--present-only") == 0
    assert capsys.readouterr() == ("Wrote store: 2 images of 16 x 16 pixels.\n", "")
    assert list(open_store(folder / "store").names) == ["a.png", "b.png"]
    assert run(monkeypatch, "truth.csv", "--out", "store", "--verify", "--present-only") == 0
    assert capsys.readouterr().out == "store: 2 images, each with its checksum.\n"


def test_unreadable_images_stop_it_unless_told_to_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "images" / "c.png").write_bytes(b"")
    assert run(monkeypatch, *WORDS) == 2
    assert "1 of 3 images cannot be read (c.png: the file is empty)" in capsys.readouterr().err
    assert run(monkeypatch, *WORDS, "--skip-unreadable") == 0
    out, err = capsys.readouterr()
    assert out == "Wrote store: 2 images of 16 x 16 pixels, 2 of them from before.\n"
    assert err == "overread: 1 image could not be read and is left out; see store/unreadable.csv\n"


def test_it_says_how_to_go_on_when_interrupted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(preparing, "keep", stop)
    assert run(monkeypatch, *WORDS, "--present-only") == 130
    assert capsys.readouterr().err == "overread: interrupted; the same command goes on where it stopped\n"
    assert not (folder / "store").exists()


def test_a_cohort_without_a_folder_needs_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "truth.csv", "--out", "store") == 2
    assert capsys.readouterr().err == (
        "overread: --images: the cohort truth.csv is no folder, and nothing says where its images are. "
        "Give the folder that they lie in, or a store: --images PATH.\n"
    )


def test_a_store_is_not_made_from_a_store(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *WORDS, "--present-only") == 0
    assert run(monkeypatch, "truth.csv", "--images", "store", "--out", "other", "--present-only") == 2
    expected = "overread: store: this is a store already. Expected a folder with image files. Check --images.\n"
    assert capsys.readouterr().err == expected
