"""`overread audit` as a person meets it."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from overread.cli.app import main

TABLE = """image,patient,split,age,gender,Mass
1.png,p,train,40,M,1
2.png,p,test,41,M,0
3.png,q,test,414,F,1
4.png,r,train,30,F,0
4.png,r,train,30,F,0
"""


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", "audit", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "panel.csv").write_text("image,Lump\n1.png,YES\n2.png,YES\n3.png,NO\n4.png,HEDGE\n9.png,NO\n")
    (tmp_path / "map.csv").write_text("label,finding\nLump,Mass\n")
    (tmp_path / "scores.csv").write_text("image,Mass\n1.png,0.5\n2.png,0.1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_in_plain_sentences_what_it_found_and_where_it_wrote(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "table.csv", "--reading", "model=scores.csv", "--out", "out") == 0
    said = capsys.readouterr().out
    assert "table holds 4 images of 3 patients and 1 finding" in said
    assert "1 patient (p) stands on both sides of a split." in said
    assert "1 of the 2 images of the reading model (50.0 %) lie" in said
    assert "- serious: 1 image has an age below 0 or above 120 years (414)." in said
    assert "- note: 1 row says the same again of an image that has a row already (4.png)." in said
    assert said.endswith("Wrote out/audit.html with its tables and figures beside it.\n")
    assert {path.name for path in (folder / "out").iterdir()} == {"audit.html", "results.json", "tables", "figures"}


def test_labels_are_compared_with_a_better_truth(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--adjudicated", "panel.csv", "--adjudicated-map", "map.csv", "--out", "out")
    assert run(monkeypatch, "table.csv", *words) == 0
    said = capsys.readouterr().out
    assert "Lump: of the images that are ill by the better truth, 50.0 %" in said
    assert "on 3 images of 2 patients that have both." in said
    agreement = pl.read_csv(folder / "out" / "tables" / "label_agreement.csv").filter(metric="kappa").row(0, named=True)
    assert [agreement[cell] for cell in ("tp", "fp", "fn", "tn", "n_hedged")] == [1, 1, 1, 0, 1]
    assert agreement["value"] == pytest.approx(-0.5)  # p_o 1/3, p_e 5/9
    mapping = pl.read_csv(folder / "out" / "tables" / "label_mapping.csv")
    assert mapping.row(0) == ("Lump", "Mass", "given", 2, 1, 1, 3)
    assert "How good the labels are" in (folder / "out" / "audit.html").read_text(encoding="utf-8")


def test_it_refuses_with_one_message_and_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")
    for words in (
        ("table.csv", "--out", "out"),
        ("absent.csv",),
        ("table.csv", "--reading", "absent.csv"),
        ("table.csv", "--adjudicated", "panel.csv"),
        ("table.csv", "--adjudicated-map", "map.csv"),
    ):
        assert run(monkeypatch, *words) == 2
        message = capsys.readouterr().err
        assert message.startswith("overread: ")
        assert message.count("\n") == 1
    assert {path.name for path in folder.iterdir()} == {"table.csv", "scores.csv", "panel.csv", "map.csv", "out"}
