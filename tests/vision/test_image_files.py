"""Files below a folder by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.records.errors import InputError
from overread.vision.image_files import image_files


def made(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_are_found_anywhere_below_and_hidden_ones_are_left_out(tmp_path: Path) -> None:
    one, other = made(tmp_path / "a.png"), made(tmp_path / "images_001" / "images" / "b.png")
    made(tmp_path / ".DS_Store")
    made(tmp_path / ".cache" / "c.png")
    files = image_files(tmp_path)
    assert dict(files) == {"a.png": one, "b.png": other}


def test_several_files_of_one_name_are_one_when_they_are_the_same(tmp_path: Path) -> None:
    first = made(tmp_path / "1" / "a.png")
    made(tmp_path / "2" / "a.png")
    assert image_files(tmp_path)["a.png"] == first


def test_several_files_of_one_name_that_differ_are_refused_when_the_name_is_asked_for(tmp_path: Path) -> None:
    made(tmp_path / "1" / "a.png")
    made(tmp_path / "2" / "a.png", b"y")
    made(tmp_path / "b.png")
    files = image_files(tmp_path)
    assert files["b.png"]
    with pytest.raises(InputError) as refusal:
        files["a.png"]
    assert str(refusal.value) == (
        f"{tmp_path}: 2 files are named a.png and differ: 1/a.png and 2/a.png. Expected one file for each image. "
        "Give the folder that holds the right ones, or remove the others."
    )


def test_links_are_followed_and_a_circle_of_them_is_walked_once(tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "disk" / "a.png").parent
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "images").symlink_to(elsewhere)
    (folder / "again").symlink_to(folder)
    (folder / "gone.png").symlink_to(tmp_path / "nothing")
    assert list(image_files(folder)) == ["a.png"]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no such folder. Expected a folder with image files."):
        image_files(tmp_path / "none")
    with pytest.raises(InputError, match="this is a file"):
        image_files(made(tmp_path / "a.png"))
