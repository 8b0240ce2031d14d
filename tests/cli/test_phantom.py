"""`overread phantom`: what it writes, that every page says so, what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("cv2")

from overread.cli.app import main
from overread.records.cohort import read_cohort

TINY = ("phantom", "drawn", "--images", "40", "--size", "64", "--workers", "1")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_a_cohort_and_its_audit_says_above_all_that_it_is_synthetic(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *TINY, "--shortcut", "drain=0.9", "--prevalence", "Pneumothorax=0.3", "--seed", "3") == 0
    assert "Every one is a phantom" in capsys.readouterr().out
    assert (read_cohort(folder / "drawn").table["chest_tube"] == "yes").any()
    assert run(monkeypatch, "audit", "drawn", "--out", "audit") == 0
    assert "synthetic phantom" in capsys.readouterr().out
    page = (folder / "audit" / "audit.html").read_text()
    assert 0 < page.index('<p class="notice"') < page.index("<h1>")
    assert "synthetic phantom" in page[: page.index("<h1>")]


def test_a_report_on_it_says_so_too_and_one_on_other_images_does_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [f"{i:03d}.png" for i in range(60)]
    for prefix in ("", "phantom_"):
        table = pl.DataFrame({"image": [prefix + name for name in images], "Mass": [i % 3 == 0 for i in range(60)]})
        table.with_columns(pl.col("Mass").cast(pl.Int8)).write_csv("truth.csv")
        scores = [0.3 + 0.4 * (i % 3 == 0) + 0.003 * (i % 7) for i in range(60)]
        pl.DataFrame({"image": table["image"], "Mass": scores}).write_csv("scores.csv")
        words = ("report", "scores.csv", "--cohort", "truth.csv", "--out", f"out{prefix}", "--replicates", "100")
        assert run(monkeypatch, *words) == 0
        page = (folder / f"out{prefix}" / "report.html").read_text()
        assert ('<p class="notice"' in page) == bool(prefix)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--shortcut", "drain"), "--shortcut: drain is not understood. Expected drain=P with P from 0 to 1."),
        (("--shortcut", "drain=2"), "--shortcut: drain=2 is not understood"),
        (("--shortcut", "drain=nan"), "--shortcut: drain=nan is not understood"),
        (("--shortcut", "pacemaker=0.5"), "--shortcut: pacemaker=0.5 is not understood"),
        (("--control", "0.9"), "--control: 0.9 is not understood"),
        (("--shortcut", "drain=0.9", "--control", "drain=0.9"), "--control: --shortcut is given too"),
        (("--train-only",), "--train-only: there is no shortcut to plant"),
        (("--images", "0"), "--images: 0 images cannot be written"),
        (("--images", "-3"), "--images: -3 images cannot be written"),
        (("--size", "8"), "--size: 8 pixels cannot be drawn"),
        (("--prevalence", "Mass"), "--prevalence: 'Mass' is not a name with a number"),
        (("--prevalence", "Fracture=0.1"), "--prevalence: Fracture is not a finding of ChestX-ray14"),
        (("--prevalence-floor", "0.9"), "--prevalence-floor: 0.9 cannot be drawn"),
    ],
)
def test_a_wrong_call_is_one_message_and_writes_nothing(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    assert run(monkeypatch, *TINY, *words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not (folder / "drawn").exists()


def test_a_folder_of_others_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "drawn").mkdir()
    (folder / "drawn" / "thesis.txt").write_text("mine")
    assert run(monkeypatch, *TINY, "--force") == 2
    assert "thesis.txt" in capsys.readouterr().err
    assert [path.name for path in (folder / "drawn").iterdir()] == ["thesis.txt"]


def test_an_interruption_says_how_to_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from overread.vision.phantom import cohort

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cohort, "draw_block", interrupted)
    assert run(monkeypatch, *TINY) == 130
    assert "0 of 40 images are drawn; the same command goes on from there" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert run(monkeypatch, *TINY) == 0
