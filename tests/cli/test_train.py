"""`overread train` as a person meets it."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.main import get_command

cv2 = pytest.importorskip("cv2")
pytest.importorskip("torch")

from overread.cli.app import app, main  # noqa: E402
from overread.vision.runs import read_run  # noqa: E402
from overread.vision.settings import Settings  # noqa: E402

QUICK = [
    "--backbone",
    "densenet_small",
    "--weights",
    "none",
    "--size",
    "32",
    "--crop",
    "32",
    "--epochs",
    "1",
    "--accelerator",
    "cpu",
    "--batch-size",
    "8",
]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write NIH's layout with 24 small images below it."""
    (tmp_path / "nih" / "images").mkdir(parents=True)
    names = [f"{row:08d}_000.png" for row in range(24)]
    for row, name in enumerate(names):
        pixels = np.random.default_rng(row).integers(0, 256, (32, 32), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "nih" / "images" / name), pixels)
    pl.DataFrame(
        {
            "Image Index": names,
            "Finding Labels": ["Mass", "No Finding", "Mass|Edema"] * 8,
            "Patient ID": range(24),
            "Patient Gender": ["F", "M"] * 12,
            "View Position": ["PA", "AP", "AP"] * 8,
        }
    ).write_csv(tmp_path / "nih" / "Data_Entry_2017.csv")
    (tmp_path / "nih" / "train_val_list.txt").write_text("\n".join(names[:18]))
    (tmp_path / "nih" / "test_list.txt").write_text("\n".join(names[18:]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_trains_from_the_cohorts_own_folder_and_says_what_comes_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "nih", "--out", "modified", "--metadata", "gender,view", *QUICK) == 0
    said = capfd.readouterr()
    assert re.search(r"Wrote modified: epoch 1 is the best, with loss 0\.\d+ in validation", said.out)
    assert "overread predict modified nih --split test --out modified.csv" in said.out
    lines = said.err.splitlines()
    assert lines[0].startswith("overread: 16 images of 16 patients to learn from, 2 images of 2 patients")
    assert lines[-1].startswith("epoch 1 of 1: loss ")
    assert len(lines) == 2, said.err
    assert read_run("modified").metadata.names == ("gender=F", "view=AP")


def test_a_configuration_equals_the_flags_and_flags_count_more(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "train", "nih", "--out", "flags", "--rotation", "3", *QUICK) == 0
    assert run(monkeypatch, "train", "nih", "--out", "file", "--config", "flags/train.toml") == 0
    assert Path("file/weights.safetensors").read_bytes() == Path("flags/weights.safetensors").read_bytes()
    assert Path("file/train.toml").read_text() == Path("flags/train.toml").read_text()
    assert run(monkeypatch, "train", "nih", "--out", "both", "--config", "flags/train.toml", "--seed", "9") == 0
    assert read_run("both").settings == dict(read_run("flags").settings) | {"seed": 9}
    assert tomllib.loads(Path("both/train.toml").read_text())["rotation"] == 3


def refused(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: str, out: str = "run") -> str:
    assert run(monkeypatch, "train", "nih", "--out", out, *words) == 2
    said = capfd.readouterr().err
    assert said.startswith("overread: ")
    assert "Traceback" not in said
    return said


def test_what_does_not_serve_is_refused_and_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("c.toml").write_text("epoch = 3\n")
    assert "Did you mean epochs?" in refused(monkeypatch, capfd, "--config", "c.toml")
    assert "--epochs: it is 0" in refused(monkeypatch, capfd, "--epochs", "0")
    assert "there is no such file" in refused(monkeypatch, capfd, "--config", "absent.toml")
    assert "one of them" in refused(monkeypatch, capfd, "--resume", "--force")
    assert "--optimizer: there is no 'sgd'" in refused(monkeypatch, capfd, "--optimizer", "sgd")
    monkeypatch.setenv("TORCH_HOME", str(folder / "cache"))
    monkeypatch.setitem(
        __import__("overread.vision.weights", fromlist=["URLS"]).URLS,
        "resnet18",
        "https://weights.invalid/r-01234567.pth",
    )
    said = refused(monkeypatch, capfd, "--backbone", "resnet18", "--accelerator", "cpu")
    assert "--weights none" in said
    assert not Path("run").exists()


def test_a_cohort_without_a_folder_needs_images(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "chestxray14", "--out", "run") == 2
    assert "--images: it is not given" in capfd.readouterr().err


def test_going_on_takes_the_settings_it_began_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    training: Any = __import__("overread.vision.training", fromlist=["kept"])
    with monkeypatch.context() as patch:
        patch.setattr(training, "kept", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(monkeypatch, "train", "nih", "--out", "run", *QUICK) == 130
    assert "interrupted: go on with overread train nih --out run --resume" in capfd.readouterr().err
    assert "holds a training that has not ended" in refused(monkeypatch, capfd, *QUICK)
    assert "the training there has another --seed" in refused(monkeypatch, capfd, "--resume", "--seed", "4")
    assert run(monkeypatch, "train", "nih", "--out", "run", "--resume", "--workers", "0") == 0
    assert read_run("run").settings["epochs"] == 1


def test_a_training_goes_on_with_the_images_that_it_began_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "nih" / "images").rename(folder / "elsewhere")
    from overread.vision import training

    with monkeypatch.context() as patch:
        patch.setattr(training, "kept", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(monkeypatch, "train", "nih", "--images", "elsewhere", "--out", "run", *QUICK) == 130
    assert run(monkeypatch, "train", "nih", "--out", "run", "--resume") == 0
    assert read_run("run").settings["images"] == "elsewhere"
    assert "overread predict run nih --images elsewhere --split test" in capfd.readouterr().out


def test_help_gives_every_setting_with_its_default() -> None:
    command: Any = get_command(app)
    options = {option.name: option for option in command.commands["train"].params}
    for name in Settings.__dataclass_fields__:
        assert name in options, name
        default, shown = getattr(Settings(), name), options[name].show_default
        if default not in (None, (), False):
            assert type(default)(shown) == default, name
