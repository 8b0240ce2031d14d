"""The folder of a hand-over: which forms, and never over a report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from overread.records.errors import InputError
from overread.report.hand_over import writing
from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.writing import chosen_forms, handed_over, left_out, write_hand_over

LIGHT = ("latex", "markdown", "model-index")


def test_forms_are_chosen_by_name() -> None:
    assert chosen_forms(()) == writing.FORMS
    assert chosen_forms(("latex", "pdf", "latex")) == ("pdf", "latex")
    with pytest.raises(InputError, match="'docx' is no form"):
        chosen_forms(("docx",))


def test_what_cannot_be_made_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "found_browser", lambda given: None)
    assert "apt-get install chromium" in str(left_out(("pdf", "latex"), None)["pdf"])
    assert left_out(("latex",), None) == {}


def test_slides_without_their_libraries_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pptx", None)
    said = str(left_out(("slides", "latex"), None)["slides"])
    assert said.startswith("--to slides: slides need the library pptx, which is not installed.")
    assert "pip install 'overread[hand-over]'" in said


def test_a_folder_is_written_and_may_be_replaced(report: FinishedReport, tmp_path: Path) -> None:
    files = handed_over(report, LIGHT)
    write_hand_over(report, files, tmp_path / "out")
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"tables.tex", "tables.md", "model-card-zech.md", "hand-over.json"} <= there
    assert set(json.loads((tmp_path / "out" / "hand-over.json").read_text())["files"]) == there
    with pytest.raises(InputError, match="the folder exists"):
        write_hand_over(report, files, tmp_path / "out")
    write_hand_over(report, {"tables.md": b"x"}, tmp_path / "out", force=True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"tables.md", "hand-over.json"}


def test_the_report_itself_is_never_replaced(report: FinishedReport) -> None:
    with pytest.raises(InputError, match="this is the report itself"):
        write_hand_over(report, {"tables.md": b"x"}, report.folder, force=True)
    assert report.page.is_file()


def test_two_readings_never_share_a_card(report: FinishedReport) -> None:
    cards = [name for name in handed_over(report, ("model-index",)) if name.startswith("model-card")]
    assert len(cards) == len(report.readings)
