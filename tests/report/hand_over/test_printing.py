"""Printing by a browser: found, refused, and the page on paper."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from overread.records.errors import InputError
from overread.report.hand_over import printing
from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.printing import found_browser, printed


def program(folder: Path, text: str) -> str:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_first_browser_on_the_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(printing, "BROWSERS", ("chromium", "browser"))
    assert found_browser() is None
    assert found_browser() is None
    made = program(tmp_path, "exit 0")
    assert found_browser() == made
    assert found_browser(made) == made


def test_a_browser_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="there is no program nothing-here"):
        found_browser("nothing-here")


def test_a_browser_that_prints_nothing_is_refused_with_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>")
    made = program(tmp_path, "echo no display >&2; exit 3")
    with pytest.raises(InputError, match=r"printed nothing \(no display\)"):
        printed(tmp_path / "report.html", made)
    with pytest.raises(InputError, match="the page is missing"):
        printed(tmp_path / "nothing.html", made)


def test_what_the_browser_wrote_is_returned(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>")
    made = program(
        tmp_path, 'for w in "$@"; do case "$w" in --print-to-pdf=*) printf "%%PDF-1" > "${w#*=}";; esac; done'
    )
    assert printed(tmp_path / "report.html", made) == b"%PDF-1"


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_is_printed_on_a4_with_page_numbers(report: FinishedReport, tmp_path: Path) -> None:
    browser = found_browser()
    if browser is None:
        pytest.skip("there is no browser on this machine")
    data = printed(report.page, browser)
    assert data.startswith(b"%PDF")
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("there is no pdftotext on this machine")
    (tmp_path / "page.pdf").write_bytes(data)
    text = subprocess.run([reader, tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True).stdout
    pages = text.rstrip("\f").split("\f")
    for number, page in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in page
    assert "Second reading of" in pages[0]
    assert "report.html" not in text  # no header with the path
