"""`overread hand-over` as a person meets it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import overread
from overread.cli.app import main
from overread.report.hand_over import writing


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", "hand-over", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of one reading of one finding, the smallest there is."""
    rng = np.random.default_rng(3)
    n = 200
    images = [f"{k}.png" for k in range(n)]
    truth = (rng.random(n) < 0.3).astype(int)
    cohort = overread.cohort_from_frame({"image": images, "Mass_%": truth}, name="ours & theirs")
    scores = np.clip(0.3 * truth + 0.7 * rng.random(n), 0, 1)
    reading = overread.reading_from_frame({"image": images, "Mass_%": scores}, name="a_b")
    result = overread.second_reading(cohort, [reading], overread.Options(replicates=100))
    return overread.write_report(result, tmp_path_factory.mktemp("made") / "report").parent


def test_one_reading_of_one_finding(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, folder, "--to", "latex,markdown,model-index", "--out", tmp_path / "out") == 0
    names = [Path(line.removeprefix("Wrote ")).name for line in capsys.readouterr().out.splitlines()]
    assert names == ["model-card-a_b.md", "tables.md", "tables.tex"]
    tex = (tmp_path / "out" / "tables.tex").read_text()
    assert r"a\_b" in tex
    assert r"Mass \%" in tex
    estimates = pl.read_csv(folder / "tables" / "estimates.csv")
    auroc = estimates.filter(pl.col("metric") == "auroc", pl.col("method") == "bootstrap").row(0, named=True)
    assert f"{auroc['value']:.3f} ({auroc['low']:.3f} to {auroc['high']:.3f})" in tex


def test_slides_of_one_reading_of_one_finding(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pptx")
    pytest.importorskip("resvg_py")
    assert run(monkeypatch, folder, "--to", "slides", "--out", tmp_path / "out") == 0
    assert (tmp_path / "out" / "slides.pptx").stat().st_size > 10_000


def test_what_cannot_be_made_is_left_out_and_named_unless_it_was_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(writing, "found_browser", lambda given: None)
    assert run(monkeypatch, folder, "--out", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert "Left out: --to pdf: a PDF is printed by Chromium, Chrome or Edge, and none was found." in said.err
    assert "tables.tex" in said.out
    assert run(monkeypatch, folder, "--to", "pdf", "--out", tmp_path / "other") == 2
    assert capsys.readouterr().err.startswith("overread: --to pdf: ")
    assert not (tmp_path / "other").exists()


def test_a_wrong_call_is_refused_before_anything_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, expected in (
        ((tmp_path / "nothing",), "there is no results.json"),
        ((folder, "--to", "docx"), "'docx' is no form"),
        ((folder, "--to", "latex", "--published", "Nobody"), "shows no results of Nobody"),
    ):
        assert run(monkeypatch, *words, "--out", tmp_path / "out") == 2
        assert expected in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
