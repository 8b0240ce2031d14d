"""`--adjudicated`, `--adjudicated-map` and `--label-noise` as a person meets them."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from overread.cli.app import main

REPORT = ("report", "scores.csv", "--cohort", "truth.csv", "--replicates", "100", "--no-floor", "--out", "out")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    n = 90
    image = [f"{row:03d}.png" for row in range(n)]
    findings = {"Effusion": [int(row % 3 == 0) for row in range(n)], "Mass": [int(row % 5 == 0) for row in range(n)]}
    pl.DataFrame({"image": image, "patient": [f"p{row // 2}" for row in range(n)]} | findings).write_csv(
        tmp_path / "truth.csv"
    )
    scores = {name: [(row * step % 17) / 17 for row in range(n)] for name, step in (("Effusion", 5), ("Mass", 3))}
    pl.DataFrame({"image": image} | scores).write_csv(tmp_path / "scores.csv")
    panel = ["HEDGE" if row == 7 else "YES" if row % 3 == 0 and row % 4 else "NO" for row in range(60)]
    pl.DataFrame({"image": image[:60], "Fluid": panel}).write_csv(tmp_path / "panel.csv")
    (tmp_path / "map.csv").write_text("label,finding\nFluid,Effusion\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_better_truth_is_reported_and_its_mapping_can_be_given_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--adjudicated", "panel.csv", "--label-noise", "Mass=0.9/0.95")
    assert run(monkeypatch, *REPORT, *words, "--adjudicated-map", "map.csv") == 0
    tables = folder / "out" / "tables"
    first = pl.read_csv(tables / "label_agreement.csv")
    assert first["n_hedged"].to_list() == [1] * 5
    assert set(pl.read_csv(tables / "label_noise.csv")["source"]) == {"found", "given"}
    assert "How good the labels are" in (folder / "out" / "report.html").read_text(encoding="utf-8")
    (tables / "label_mapping.csv").rename(folder / "again.csv")
    assert run(monkeypatch, *REPORT, "--force", *words, "--adjudicated-map", "again.csv") == 0
    assert pl.read_csv(tables / "label_agreement.csv").equals(first, null_equal=True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--adjudicated", "absent.csv"), "absent.csv"),
        (("--adjudicated", "panel.csv"), "--adjudicated-map"),
        (("--adjudicated-map", "map.csv"), "--adjudicated"),
        (("--adjudicated", "panel.csv", "--adjudicated-map", "panel.csv"), "column label"),
        (("--label-noise", "Mass=0.9"), "--label-noise"),
        (("--label-noise", "Mass=0.4/0.5"), "--label-noise"),
        (("--label-noise", "Rickets=0.9/0.9"), "Rickets"),
    ],
)
def test_a_wrong_call_is_one_plain_message(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    assert run(monkeypatch, *REPORT, *words) == 2
    message = capsys.readouterr().err
    assert says in message
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) == 1
    assert not (folder / "out").exists()
