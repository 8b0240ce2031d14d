"""The commands as a person meets them: what they write, what they print, and how they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from overread.cli.app import COMMANDS, app, main

FINDINGS = ("Effusion", "Mass")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    n = 60
    image = [f"{row:03d}.png" for row in range(n)]
    truth = pl.DataFrame(
        {
            "image": image,
            "patient": [f"p{row // 2}" for row in range(n)],
            "split": ["train" if row < 20 else "test" for row in range(n)],
            "age": [20 + row for row in range(n)],
            "gender": ["M", "F"] * (n // 2),
            "view": ["AP", "PA", "PA"] * (n // 3),
            "Effusion": [int(row % 3 == 0) for row in range(n)],
            "Mass": [int(row % 5 == 0) for row in range(n)],
        }
    )
    truth.write_csv(tmp_path / "truth.csv")
    scores = {f: [(row * step % 17) / 17 for row in range(n)] for f, step in zip(FINDINGS, (5, 3), strict=True)}
    pl.DataFrame({"image": image} | scores).write_csv(tmp_path / "scores.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


REPORT = ("report", "scores.csv", "--cohort", "truth.csv", "--replicates", "100")


def test_report_writes_the_page_the_tables_and_the_figures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, *REPORT, "--out", "out") == 0
    assert {path.name for path in (folder / "out").iterdir()} == {"report.html", "results.json", "tables", "figures"}
    assert json.loads((folder / "out" / "results.json").read_text())
    assert pl.read_csv(folder / "out" / "tables" / "estimates.csv").height > 50


def test_the_same_seed_gives_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for out in ("one", "two"):
        assert run(monkeypatch, *REPORT, "--out", out) == 0
    for path in (folder / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (folder / "two" / path.relative_to(folder / "one")).read_bytes(), path


def test_an_existing_folder_is_refused_and_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").write_text("mine")
    assert run(monkeypatch, *REPORT, "--out", "out") == 2
    assert "not written by overread" in capsys.readouterr().err
    assert run(monkeypatch, *REPORT, "--out", "out", "--force") == 2, "a stranger's folder is not replaced"
    assert [path.name for path in (folder / "out").iterdir()] == ["thesis.txt"]


def test_an_earlier_report_is_replaced_when_forced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *REPORT, "--out", "out") == 0
    assert run(monkeypatch, *REPORT, "--out", "out") == 2
    assert "--force" in capsys.readouterr().err
    assert run(monkeypatch, *REPORT, "--out", "out", "--force", "--seed", "3") == 0
    assert json.loads((folder / "out" / "results.json").read_text())["options"]["seed"] == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("report", "absent.csv", "--cohort", "truth.csv"), "absent.csv"),
        (("report", "scores.csv", "--cohort", "absent.csv"), "absent.csv"),
        (("report", "scores.csv", "scores.csv", "--cohort", "truth.csv"), "named scores"),
        ((*REPORT, "--split", "val"), "val"),
        ((*REPORT, "--operating-point", "best"), "--operating-point"),
        ((*REPORT, "--operating-point", "sensitivity=90"), "--operating-point"),
        ((*REPORT, "--prevalence", "Mass=20"), "--prevalence"),
        ((*REPORT, "--margin", "auroc=2"), "--margin"),
        ((*REPORT, "--prevalence", "Rickets=0.2"), "Rickets"),
        ((*REPORT, "--level", "0.3"), "--level"),
        ((*REPORT, "--replicates", "many"), "--replicates"),
        ((*REPORT, "--colour", "red"), "--colour"),
        (("reprot",), "reprot"),
        (("report", "a=scores.csv", "b=scores.csv", "--cohort", "truth.csv", "--baseline", "c"), "--baseline"),
        (("blind", "truth.csv", "--out", "blind.csv", "--features", "age,shoe"), "shoe"),
        (("blind", "truth.csv", "--out", "blind.xlsx"), ".csv"),
    ],
)
def test_a_wrong_call_is_one_plain_message_and_exit_code_2(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    assert run(monkeypatch, *words) == 2
    message = capsys.readouterr().err
    assert says in message
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nan.csv", "image,Effusion\n030.png,0.5\n031.png,\n", "row 3"),
        ("inf.csv", "image,Effusion\n030.png,inf\n", "row 2"),
        ("logits.csv", "image,Effusion\n030.png,-3.2\n031.png,1.5\n", "logit"),
        ("words.csv", "image,Effusion\n030.png,high\n", "high"),
        ("twice.csv", "image,Effusion\n030.png,0.1\n030.png,0.2\n", "030.png"),
        ("empty.csv", "", "empty"),
        ("classes.csv", "class_0,target_0,logit_0\n1,0,0.3\n", "class_0"),
        ("semicolons.csv", "image;Effusion\n030.png;0.1\n", "comma"),
    ],
)
def test_a_bad_table_is_refused_by_file_and_place(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str,
    says: str,
) -> None:
    (folder / name).write_text(content)
    assert run(monkeypatch, "report", name, "--cohort", "truth.csv", "--out", "out") == 2
    message = capsys.readouterr().err
    assert says in message
    assert message.startswith(f"overread: {name}")
    assert "Traceback" not in message
    assert not (folder / "out").exists()


def test_blind_writes_a_reading_that_report_takes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "blind", "truth.csv", "--out", "floor.csv") == 0
    assert run(monkeypatch, "blind", "truth.csv", "--out", "floor.csv") == 2
    words = ("report", "floor.csv", "scores.csv", "--cohort", "truth.csv", "--replicates", "100")
    assert run(monkeypatch, *words) == 0


def test_a_table_of_thresholds_is_used_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "points.csv").write_text("finding,threshold\nMass,0.4\nEffusion,0.6\n")
    assert run(monkeypatch, *REPORT, "--operating-point", "points.csv", "--out", "out", "--no-floor") == 0
    table = pl.read_csv(folder / "out" / "tables" / "thresholds.csv")
    assert dict(table.select("finding", "threshold").rows()) == {"Effusion": 0.6, "Mass": 0.4}


@pytest.mark.parametrize("command", [each.__name__.replace("_", "-") for group in COMMANDS.values() for each in group])
def test_help_shows_an_example_and_every_name_in_full_in_a_narrow_terminal(command: str) -> None:
    told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"})
    assert told.exit_code == 0
    assert f"overread {command}" in told.output.split("Example")[1]
    assert "\u2026" not in told.output  # what stands where the end of a name was cut off


def test_importing_the_package_is_light() -> None:
    heavy = "('torch', 'sklearn', 'numba', 'altair', 'scipy')"
    code = f"import sys, overread; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
