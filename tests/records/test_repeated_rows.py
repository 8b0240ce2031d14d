"""Tables that give an image more than one row."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.records.cohort import read_cohort
from overread.records.errors import InputError
from overread.records.repeated_rows import read_with_repeated

TABLE = "image,patient,age,Mass\na/1.png,p,40,0\n2.png,q,50,1\n1.png,p,40,0\n2.png,q,50,0\n3.png,r,60,0\n"


def test_the_first_row_of_each_image_is_kept_and_the_others_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    cohort, raw = read_with_repeated(tmp_path / "t.csv")
    assert cohort.images.to_list() == ["1.png", "2.png", "3.png"]
    assert cohort.labels.ravel().tolist() == [0, 1, 0]
    assert raw is not None
    assert raw.repeated.rows() == [("1.png", 4, True), ("2.png", 5, False)]
    assert len(raw.table.frame) == 3
    with pytest.raises(InputError, match=r"stands in row 2 already"):
        read_cohort(tmp_path / "t.csv")


def test_a_refusal_names_the_row_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE.replace("3.png,r,60,0", "3.png,r,old,0"))
    with pytest.raises(InputError, match=r"column age, row 6"):
        read_with_repeated(tmp_path / "t.csv")


def test_the_table_that_ships_inside_has_no_other_form() -> None:
    assert read_with_repeated("chestxray14")[1] is None


def test_a_folder_is_read_with_its_lists(tmp_path: Path) -> None:
    table = "Image Index,Finding Labels,Patient ID\n1.png,Mass,1\n2.png,No Finding,2\n1.png,Mass,1\n"
    (tmp_path / "Data_Entry_2017.csv").write_text(table)
    (tmp_path / "train_val_list.txt").write_text("1.png\n")
    (tmp_path / "test_list.txt").write_text("2.png\n")
    cohort, raw = read_with_repeated(tmp_path)
    assert cohort.table["split"].to_list() == ["train", "test"]
    assert raw is not None
    assert raw.repeated["row"].to_list() == [4]
