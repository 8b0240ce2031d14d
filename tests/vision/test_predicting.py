"""`predict`: what the reading holds, several processes, going on after an interruption, what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")
pytest.importorskip("cv2")

import overread
from overread.cli.app import main
from overread.records.cohort import Cohort
from overread.records.errors import InputError
from overread.records.reading import read_reading
from overread.records.study import study
from overread.vision import predicting
from overread.vision.predicting import Choices, predict

Make = Callable[..., Any]
N = 70


@pytest.fixture
def case(make_run: Make, make_cohort: Make, write_images: Make) -> tuple[Path, Cohort, Path]:
    """Return a run, a cohort in NIH's two parts, and its images; the run validated on part of the training rows."""
    cohort = make_cohort(N, split=["train"] * 30 + ["test"] * 40)
    used = cohort.table.filter(pl.col("split") == "train").select("image", "patient")
    split = used.with_columns(split=pl.Series(["train"] * 20 + ["val"] * 10))
    return make_run(split=split).folder, cohort, write_images(cohort)


def test_the_reading_holds_the_split_and_tuning_rows_that_a_study_uses(case: Any, tmp_path: Path) -> None:
    run, cohort, images = case
    made = predict(run, cohort, images, tmp_path / "m.csv")
    found = read_reading(tmp_path / "m.csv")
    assert found.findings == ("Effusion", "Mass")
    np.testing.assert_array_equal(found.scores, made.scores)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "m.csv", "run"]
    matched = study(cohort, [found])
    assert matched.n_images == 40
    assert matched.tuning is not None
    assert matched.tuning.rows.tolist() == list(range(20, 30))
    bare = predict(run, cohort, images, tmp_path / "bare.csv", Choices(tuning_rows=False))
    np.testing.assert_allclose(bare.scores, made.scores[10:], atol=2e-6)


def test_absent_images_are_refused_or_left_out(case: Any, tmp_path: Path) -> None:
    run, cohort, images = case
    (images / "069.png").unlink()
    with pytest.raises(
        InputError, match=r"1 of the 50 images of the cohort truth are absent \(069\.png\).*--present-only"
    ):
        predict(run, cohort, images, tmp_path / "m.csv")
    found = predict(run, cohort, images, tmp_path / "m.csv", Choices(present_only=True))
    assert len(found.images) == 49
    for row in range(20, 30):
        (images / f"{row:03d}.png").unlink()
    said: list[str] = []
    found = predict(run, cohort, images, tmp_path / "n.csv", Choices(present_only=True), say=said.append)
    assert len(found.images) == 39
    assert "reports cross-fit the thresholds" in said[0], "what is said is of the images that are there"


def test_an_unreadable_image_leaves_no_reading_and_what_was_done_is_gone_on_from(case: Any, tmp_path: Path) -> None:
    run, cohort, images = case
    whole = (images / "069.png").read_bytes()
    (images / "069.png").write_bytes(whole[:200])
    with pytest.raises(InputError, match=r"069\.png: the PNG ends too early.*--skip-unreadable"):
        predict(run, cohort, images, tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()
    said: list[str] = []
    found = predict(run, cohort, images, tmp_path / "m.csv", Choices(skip_unreadable=True), say=said.append)
    assert len(found.images) == 49
    assert said[0].startswith("Going on from ")
    with pytest.raises(InputError):
        predict(run, cohort, images, tmp_path / "m.csv")
    predict(run, cohort, images, tmp_path / "m.csv", Choices(skip_unreadable=True, flip=True), say=said.append)
    assert "m.csv.parts held scores of another run, other images or other options" in said[-1]
    assert not (tmp_path / "m.csv.parts").exists()


def test_the_effect_of_reduced_precision_is_said(case: Any, tmp_path: Path) -> None:
    run, cohort, images = case
    said: list[str] = []
    predict(run, cohort, images, tmp_path / "m.csv", Choices(precision="bfloat16"), say=said.append)
    assert said[0].startswith("bfloat16 against float32 on the first 16 images: scores differ by up to ")


@pytest.mark.parametrize("option", ["devices", "batch_size", "workers"])
def test_numbers_below_one_are_refused(option: str, case: Any, tmp_path: Path) -> None:
    run, cohort, images = case
    with pytest.raises(InputError, match=f"--{option.replace('_', '-')}: it is 0"):
        predict(run, cohort, images, tmp_path / "m.csv", Choices(**{option: 0}))


@pytest.mark.slow
def test_two_processes_give_the_reading_of_one(case: Any, tmp_path: Path) -> None:
    """40 images are three pieces, which two processes do not divide, and the last piece is not full."""
    run, cohort, images = case
    one = predict(run, cohort, images, tmp_path / "one.csv", Choices(tuning_rows=False))
    several = predict(run, cohort, images, tmp_path / "several.csv", Choices(tuning_rows=False, devices=2))
    assert several.images.to_list() == one.images.to_list()
    assert several.images.n_unique() == 40
    np.testing.assert_allclose(several.scores, one.scores, atol=2e-6)
    assert several.split is not None
    assert one.split is not None
    assert several.split.to_list() == one.split.to_list()


@pytest.mark.slow
def test_a_refusal_in_another_process_arrives_as_it_is(case: Any, tmp_path: Path) -> None:
    run, cohort, images = case
    (images / "040.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"040\.png: the file is empty"):
        predict(run, cohort, images, tmp_path / "m.csv", Choices(devices=2))


@pytest.mark.slow
def test_killed_at_any_moment_the_same_command_goes_on(case: Any, tmp_path: Path) -> None:
    run, cohort, images = case
    table = cohort.table.with_columns(Effusion=cohort.labels[:, 0], Mass=cohort.labels[:, 1])
    table.write_csv(tmp_path / "truth.csv")
    words = ["predict", str(run), "truth.csv", "--images", str(images), "--out", "m.csv"]
    program = "import sys; from overread.cli import main; sys.argv[0] = 'overread'; main()"
    command = [sys.executable, "-c", program, *words, "--workers", "1", "--batch-size", "1"]
    environment = os.environ | {"PYTHONPATH": str(Path(overread.__file__).parents[1])}
    begun = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    while begun.poll() is None and not list(tmp_path.glob("m.csv.parts/piece-*")):
        time.sleep(0.01)
    begun.kill()
    begun.wait()
    if not (tmp_path / "m.csv").exists():  # it was killed in time
        assert list((tmp_path / "m.csv.parts").glob("piece-*"))
    again = subprocess.run(
        [*command, "--force"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert "Wrote m.csv: 50 images, 10 of them tuning rows (val), 2 findings." in again.stdout
    whole = predict(run, cohort, images, tmp_path / "whole.csv")
    np.testing.assert_allclose(read_reading(tmp_path / "m.csv").scores, whole.scores, atol=2e-6)


# --- the command -----------------------------------------------------------------------------------------------------


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def place(case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cohort = case[1]
    table = cohort.table.with_columns(Effusion=cohort.labels[:, 0], Mass=cohort.labels[:, 1])
    table.write_csv(tmp_path / "truth.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WORDS = ("predict", "run", "truth.csv", "--images", "images", "--out", "m.csv")


def test_the_command_writes_a_reading(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, *WORDS, "--tta", "flip") == 0
    said = capsys.readouterr()
    assert "Wrote m.csv: 50 images, 10 of them tuning rows (val), 2 findings." in said.out
    assert said.err == ""
    assert command(monkeypatch, *WORDS) == 2
    assert "it exists already" in capsys.readouterr().err


def lose_weights(place: Path) -> None:
    (place / "run" / "weights.safetensors").unlink()


def tamper(place: Path) -> None:
    path = place / "run" / "weights.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def lose_attribute(place: Path) -> None:
    pl.read_csv(place / "truth.csv").drop("view").write_csv(place / "truth.csv")


def nothing(place: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "words", "part"),
    [
        (lose_weights, WORDS, "run/weights.safetensors: this file of the run is missing"),
        (tamper, WORDS, "run/weights.safetensors: it is not the file that run.json was written with"),
        (lose_attribute, WORDS, "truth: there is no column view, which the model takes beside the image"),
        (nothing, (*WORDS[:-1], "none/m.csv"), "none/m.csv.parts: the folder cannot be made"),
        (nothing, (*WORDS[:-1], "m.txt"), "m.txt: the format '.txt' is not read"),
        (nothing, (*WORDS, "--split", "tset"), "'tset' is not a part of a cohort"),
        (nothing, (*WORDS, "--device", "abacus"), "device: 'abacus' is none"),
        (nothing, (*WORDS[:3], "--out", "m.csv"), "nothing says where its images are"),
        (nothing, ("predict", "images", *WORDS[2:]), "images: there is no run.json in it"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(
    spoil: Callable[[Path], None],
    words: tuple[str, ...],
    part: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(place)
    before = sorted(path.name for path in place.iterdir())
    assert command(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert part in said
    assert said.count("\n") == 1
    assert sorted(path.name for path in place.iterdir()) == before


def test_an_interruption_says_how_to_go_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(predicting, "do", interrupted)
    assert command(monkeypatch, *WORDS) == 130
    assert "the same command goes on where it stopped" in capsys.readouterr().err
