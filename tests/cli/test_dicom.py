"""`overread dicom` as a person meets it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from overread.cli.app import main

for library in ("cv2", "gdcm", "highdicom"):
    pytest.importorskip(library)


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", "dicom", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def chest(tmp_path: Path) -> Path:
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "2.25.1"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.PatientID = "2.25.2", "2.25.3", "P1"
    made.Rows = made.Columns = 8
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelData = np.zeros(64, np.uint8).tobytes()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (tmp_path / "scores.csv").write_text("image,Mass,Effusion\na.png,0.4,0.7\nb.png,0.1,0.2\n")
    (tmp_path / "points.csv").write_text("finding,threshold\nMass,0.4\n")
    return tmp_path / "a.dcm"


def test_the_row_is_found_by_the_files_name(
    chest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pydicom

    words = (chest, "--reading", tmp_path / "scores.csv", "--thresholds", tmp_path / "points.csv")
    assert run(monkeypatch, *words, "--out", tmp_path / "out") == 0
    assert capsys.readouterr().out == f"Wrote {tmp_path / 'out' / 'report.dcm'}\n"
    said = str(pydicom.dcmread(tmp_path / "out" / "report.dcm"))
    assert "'0.7'" in said
    assert "'0.2'" not in said
    assert run(monkeypatch, *words, "--out", tmp_path / "out") == 2
    assert "it exists already" in capsys.readouterr().err
    assert run(monkeypatch, *words, "--out", tmp_path / "out", "--force") == 0


def test_a_radiograph_that_the_reading_lacks_is_refused(
    chest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (chest, "--reading", tmp_path / "scores.csv", "--image", "c.png", "--out", tmp_path / "out")
    assert run(monkeypatch, *words) == 2
    assert "has no row for c.png" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_picture_that_is_none_leaves_nothing_behind(
    chest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (chest, "--reading", tmp_path / "scores.csv", "--overlay", tmp_path / "scores.csv")
    assert run(monkeypatch, *words, "--out", tmp_path / "out") == 2
    assert "no picture" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
