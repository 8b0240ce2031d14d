"""The folder: what it holds, how it is read, that it is whole or can be finished."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("cv2")

import cv2

from overread.records.cohort import read_cohort
from overread.records.errors import InputError
from overread.records.findings import NIH_FINDINGS
from overread.vision.phantom import Design, Drains, cohort, render, write_phantom

SMALL = Design(images=60, seed=2, size=64, drains=Drains("shortcut", 0.9), prevalence={"Pneumothorax": 0.3})


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom(SMALL, tmp_path_factory.mktemp("phantom") / "drawn")


def test_the_reader_of_nihs_folder_reads_it_without_surprises(written: Path) -> None:
    read = read_cohort(written)
    assert set(read.findings) <= set(NIH_FINDINGS)
    assert {"follow_up", "age", "gender", "view", "chest_tube"} <= set(read.attributes)
    assert read.warnings == (read.synthetic,)
    assert "synthetic phantom" in read.synthetic
    assert read.split is not None
    assert read.split.null_count() == 0
    for (exam, _), row, labels in zip(SMALL.records(), read.table.iter_rows(named=True), read.labels, strict=True):
        assert {name for name, label in zip(read.findings, labels, strict=True) if label} == exam.findings
        assert (row["age"], row["gender"], row["view"]) == (exam.age, exam.gender, exam.view)
        assert row["split"] == ("test" if exam.test else "train")


def test_no_patient_stands_in_both_parts(written: Path) -> None:
    parts = read_cohort(written).table.group_by("patient").agg(pl.col("split").n_unique())
    assert (parts["split"] == 1).all()


def test_images_are_what_their_record_draws(written: Path) -> None:
    for (exam, spec), name in zip(SMALL.records()[:12], read_cohort(written).images, strict=False):
        assert name == f"phantom_{exam.patient:08d}_{exam.number:03d}.png"
        pixels = cv2.imread(str(written / "images" / name), cv2.IMREAD_UNCHANGED)
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, render(spec, size=64).pixels)


def test_every_finding_has_a_box_on_every_image_that_has_it(written: Path) -> None:
    read = read_cohort(written)
    assert read.boxes is not None
    boxed = set(read.boxes.select("image", "finding").iter_rows())
    expected = {
        (image, finding)
        for image, labels in zip(read.images, read.labels, strict=True)
        for finding, label in zip(read.findings, labels, strict=True)
        if label
    }
    assert boxed == expected


def test_drains_are_recorded_with_their_boxes(written: Path) -> None:
    table = read_cohort(written).table
    tubed = table.filter(pl.col("chest_tube") == "yes")["image"].to_list()
    assert pl.read_csv(written / "drain_boxes.csv")["image"].to_list() == tubed
    assert {*table["chest_tube"]} == {"yes", "no"}


def test_phantom_json_says_what_it_is(written: Path) -> None:
    told = json.loads((written / "phantom.json").read_text())
    assert told["synthetic"] is True
    assert "drawn by a program" in told["statement"]
    assert told["settings"]["seed"] == 2
    assert told["counts"]["images"] == 60
    assert told["counts"]["chest_tubes"] == len(pl.read_csv(written / "drain_boxes.csv"))


def test_a_table_alone_still_says_that_it_is_synthetic(written: Path, tmp_path: Path) -> None:
    shutil.copy(written / "Data_Entry_2017_phantom.csv", tmp_path / "labels.csv")
    assert "synthetic phantom" in read_cohort(tmp_path / "labels.csv").synthetic


def test_equal_settings_give_equal_bytes_in_any_number_of_processes(written: Path, tmp_path: Path) -> None:
    again = write_phantom(SMALL, tmp_path / "again", workers=2)
    assert files(again) == files(written)


def test_a_smaller_cohort_is_the_beginning_of_a_larger(written: Path, tmp_path: Path) -> None:
    fewer = files(write_phantom(replace(SMALL, images=9), tmp_path / "fewer"))
    images = {name: mark for name, mark in fewer.items() if name.startswith("images")}
    assert len(images) == 9
    assert images.items() <= files(written).items()


def test_without_drains_the_same_images_have_none(written: Path, tmp_path: Path) -> None:
    bare = write_phantom(replace(SMALL, without_drains=True), tmp_path / "bare")
    assert not len(pl.read_csv(bare / "drain_boxes.csv"))
    assert read_cohort(bare).table["chest_tube"].unique().to_list() == ["no"]
    tubed = set(pl.read_csv(written / "drain_boxes.csv")["image"])
    one, other = files(bare), files(written)
    assert {name for name in one if name.startswith("images") and one[name] != other[name]} == {
        f"images/{name}" for name in tubed
    }


def tubes(drains: Drains, n: int = 6000) -> pl.DataFrame:
    design = Design(images=n, seed=1, drains=drains, prevalence={"Pneumothorax": 0.2})
    return pl.DataFrame(
        [(spec.drain, "Pneumothorax" in exam.findings, exam.test) for exam, spec in design.records()],
        schema=["drain", "pneumothorax", "test"],
        orient="row",
    )


def rate(table: pl.DataFrame, pneumothorax: bool) -> float:
    return float(table.filter(pl.col("pneumothorax") == pneumothorax)["drain"].mean())  # type: ignore[arg-type]


def test_a_shortcut_accompanies_pneumothorax_and_a_control_has_as_many_drains_anywhere() -> None:
    shortcut, control = tubes(Drains("shortcut", 0.9)), tubes(Drains("control", 0.9))
    assert rate(shortcut, True) == pytest.approx(0.9, abs=0.03)
    assert rate(shortcut, False) == pytest.approx(0.02, abs=0.01)
    assert rate(control, True) == pytest.approx(rate(control, False), abs=0.04)
    assert control["drain"].sum() == pytest.approx(shortcut["drain"].sum(), rel=0.08)


def test_a_shortcut_in_the_training_part_alone_leaves_the_test_part_a_control() -> None:
    table = tubes(Drains("shortcut", 0.9, everywhere=False))
    train, test = (table.filter(pl.col("test") == part) for part in (False, True))
    assert rate(train, True) == pytest.approx(0.9, abs=0.04)
    assert rate(test, True) == pytest.approx(rate(test, False), abs=0.08)


def test_no_drains_unless_asked() -> None:
    assert not any(spec.drain for _, spec in Design(images=300).records())


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cohort, "BLOCK", 10)

    def stop(done: int, of: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(SMALL, tmp_path / "half", progress=stop)
    return tmp_path / "half"


def test_an_interrupted_run_is_not_taken_for_whole_and_goes_on(stopped: Path, written: Path) -> None:
    assert not (stopped / "phantom.json").exists()
    with pytest.raises(InputError, match="no label table"):
        read_cohort(stopped)
    kept = stopped / "images" / read_cohort(written).images[0]
    before = kept.stat().st_mtime_ns
    seen: list[int] = []
    write_phantom(SMALL, stopped, progress=lambda done, of: seen.append(done))
    assert seen[0] == 20
    assert kept.stat().st_mtime_ns == before
    assert files(stopped) == files(written)


def test_a_run_goes_on_after_images_were_lost(stopped: Path, written: Path) -> None:
    (stopped / "images" / read_cohort(written).images[3]).unlink()
    (stopped / "unfinished" / "00001.json").write_text("{")
    write_phantom(SMALL, stopped)
    assert files(stopped) == files(written)


def test_an_unfinished_run_with_other_settings_is_not_mixed_in(stopped: Path) -> None:
    with pytest.raises(InputError, match="other settings"):
        write_phantom(replace(SMALL, seed=9), stopped)
    write_phantom(replace(SMALL, seed=9, images=3), stopped, force=True)
    assert len(list((stopped / "images").iterdir())) == 3


def test_a_phantom_is_replaced_only_by_force_and_nothing_else_ever(tmp_path: Path) -> None:
    tiny = Design(images=2, size=64)
    place = write_phantom(tiny, tmp_path / "drawn")
    with pytest.raises(InputError, match="--force"):
        write_phantom(tiny, place)
    write_phantom(replace(tiny, seed=1), place, force=True)
    (place / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        write_phantom(tiny, place, force=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "images").mkdir()
    with pytest.raises(InputError, match="did not write"):
        write_phantom(tiny, other, force=True)
    with pytest.raises(InputError, match="this is a file"):
        write_phantom(tiny, place / "notes.txt", force=True)


@pytest.mark.usefixtures("permissions_hold")
def test_a_folder_without_rights_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot be written"):
        write_phantom(Design(images=1, size=64), tmp_path / "closed" / "drawn")


def test_a_full_disk_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes | str) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(cohort, "write_whole", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_phantom(Design(images=1, size=64), tmp_path / "drawn")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images": 0}, "--images"),
        ({"seed": -1}, "--seed"),
        ({"size": 10}, "--size"),
        ({"floor": 0.5}, "--prevalence-floor"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Design(**settings)  # type: ignore[arg-type]


def test_drains_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Drains("shortcut", 1.5)
    with pytest.raises(ValueError, match="shortcut or control"):
        Drains("both", 0.5)
