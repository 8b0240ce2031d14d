"""LaTeX that compiles whatever the names are: checked by rules here, and by LaTeX itself where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.latex import SIGNS, escaped, latex, narrow, width
from overread.report.hand_over.paper_tables import paper_tables
from overread.report.section import Cell, Column, Sheet

DANGEROUS = r"a_b & 50% $x$ #1 {y} ~z ^w \input{/etc/passwd} <b> | −1 – ∞"


def sheet(*names: str, rows: int = 1) -> Sheet:
    columns = (Column("Finding", numeric=False), Column("Positive"), *(Column(name) for name in names))
    row = (Cell(DANGEROUS), Cell("1,234"), *(Cell("0.838 (0.831 to 0.844)", "a_note & more") for _ in names))
    return Sheet("evil_name%", DANGEROUS, columns, (row,) * rows, foot=("95 % intervals",))


def unescaped(text: str) -> str:
    """Return what is left of a text once everything that LaTeX sets as a sign is taken away."""
    for written in sorted(SIGNS.values(), key=len, reverse=True):
        text = text.replace(written, "")
    return text


@pytest.mark.parametrize("sign", [sign for sign in SIGNS if sign not in "−–∞×◆◇△\N{NO-BREAK SPACE}"])
def test_no_sign_of_the_input_is_a_command(sign: str) -> None:
    assert re.sub(r"[ab]", "", unescaped(escaped(f"a{sign}b"))) == ""


def test_every_row_has_as_many_cells_as_columns() -> None:
    made = latex([sheet("one", "two")], "x\ny")
    rows = [line for line in made.splitlines() if line.endswith(r"\\")]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [3, 3]
    assert made.count(r"\begin{") == made.count(r"\end{") == 3
    assert made.splitlines()[0].endswith("from x y.")


def test_notes_have_letters_and_stand_below() -> None:
    made = latex([sheet("one")], "x")
    assert r"0.838 (0.831 to 0.844)\textsuperscript{a}" in made
    assert r"\textsuperscript{a}~a\_note \& more." in made


def test_more_readers_than_fit_go_on_in_a_further_table() -> None:
    parts = narrow(sheet(*"abcdef"))
    assert len(parts) > 1
    assert [column.title for part in parts for column in part.columns[2:]] == list("abcdef")
    assert all(part.columns[:2] == parts[0].columns[:2] for part in parts)
    assert parts[1].title.endswith("(continued)")
    assert len({part.name for part in parts}) == len(parts)


def test_a_table_that_fits_is_left_whole() -> None:
    whole = Sheet(
        "s", "S", (Column("Finding", numeric=False), Column("a")), ((Cell("Mass"), Cell("0.8 (0.7 to 0.9)")),)
    )
    assert narrow(whole) == [whole]
    assert width(whole, 1) < width(whole, 0) + width(whole, 1)


@pytest.mark.slow
def test_latex_compiles_a_report_with_evil_names(report: FinishedReport, tmp_path: Path) -> None:
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("there is no pdflatex on this machine")
    made = latex([*paper_tables(report), sheet("one_&")], "x")
    head = r"\documentclass[a4paper]{article}\usepackage[margin=25mm]{geometry}\usepackage{booktabs}"
    (tmp_path / "t.tex").write_text(
        rf"{head}\usepackage[T1]{{fontenc}}\begin{{document}}{made}\end{{document}}", encoding="utf-8"
    )
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
