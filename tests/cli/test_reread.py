"""`overread reread` as a person meets it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from overread.cli.app import main

TABLE = """model,finding,n_images,n_positive,sensitivity,specificity,dor
A,Effusion,1000,90,0.81,74.2%,12.3
B,Effusion,1000,90,0.79,76.0%,15.9
"""


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", "reread", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "table.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_prints_what_follows_and_writes_only_where_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "table.csv") == 0
    said = capsys.readouterr().out
    assert "odds ratio 15.9 cannot come from sensitivity 0.79 and specificity 76.0%, which give" in said
    assert "only one table of counts rounds to these numbers: TP 73, FP 235, FN 17, TN 675." in said
    assert [path.name for path in folder.iterdir()] == ["table.csv"]
    assert run(monkeypatch, "table.csv", "--prevalence", "0.02,Effusion=0.1", "--out", "out") == 0
    assert capsys.readouterr().out.endswith("Wrote out/reread.html with its tables beside it.\n")
    people = json.loads((folder / "out" / "results.json").read_text())["tables"]["people"]
    assert {row["prevalence"] for row in people} == {0.09, 0.02, 0.1, None}


def test_the_other_options_are_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "auroc.csv").write_text("finding,auroc\nHernia,0.89\nmean,0.89\n")
    assert run(monkeypatch, "auroc.csv", "--cohort", "chestxray14", "--out", "out", "--level", "0.9") == 0
    assert "number of positive images" in capsys.readouterr().out
    intervals = json.loads((folder / "out" / "results.json").read_text())["tables"]["intervals"]
    assert {row["level"] for row in intervals} == {0.9}
    (folder / "sens.csv").write_text("sensitivity,specificity,dor\n0.79,0.76,12.3\n")
    assert run(monkeypatch, "sens.csv", "--rounding", "down") == 0
    assert "impossible" not in capsys.readouterr().out
    assert run(monkeypatch, "sens.csv", "--n-images", "7") == 0
    assert "7 (given)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("absent.csv",), "there is no such file"),
        (("table.csv", "--prevalence", "2"), "--prevalence"),
        (("table.csv", "--prevalence", "=0.1"), "--prevalence"),
        (("table.csv", "--cohort", "absent"), "absent"),
        (("wrong.csv",), "wrong.csv, column sensitivity, row 2"),
    ],
)
def test_it_refuses_with_one_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    (folder / "wrong.csv").write_text("sensitivity\nhigh\n")
    assert run(monkeypatch, *words, "--out", "out") == 2
    message = capsys.readouterr().err
    assert message.startswith("overread: ")
    assert message.count("\n") == 1
    assert said in message
    assert not (folder / "out").exists()
