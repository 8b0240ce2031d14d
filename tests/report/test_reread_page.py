"""The page and the folder of a reread table: hostile names, the same bytes again, every table beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from overread.analyses.reread import Reread, reread
from overread.records.errors import InputError
from overread.records.printed import PrintedRow, PrintedTable, printed
from overread.report.reread_page import exchange, left_of, price, quantity_rows, reread_page, write_reread

EVIL = '<script>alert("1")</script>'
ONE = {
    "n_images": "1000",
    "n_positive": "90",
    "sensitivity": "0.81",
    "specificity": "74.2%",
    "dor": "12.3",
    "auroc": "0.86",
}
OTHER = ONE | {"sensitivity": "0.79", "specificity": "76.0%", "dor": "15.9", "auroc": "0.87"}


@pytest.fixture(scope="module")
def found() -> Reread:
    rows = [
        PrintedRow(model, EVIL, {name: printed(text, name, "") for name, text in cells.items()})
        for model, cells in (("A", ONE), (EVIL, OTHER))
    ]
    return reread(PrintedTable("t.csv", tuple(rows)), prevalence={"": (0.02,)})


def test_the_page_has_its_sections_and_runs_nothing_of_the_input(found: Reread) -> None:
    page = reread_page(found)
    for section in ("answer", "quantities", "intervals", "people", "exchange", "appendix"):
        assert f'<section id="{section}"' in page.html
    assert EVIL not in page.html
    assert page.html.count("<script") == 1
    assert "cannot come from sensitivity 0.79 and specificity 76.0" in page.html
    assert "Some of these numbers cannot be." in page.html
    assert set(page.figures) == {"auroc"}


def test_a_number_alone_has_a_page() -> None:
    alone = reread(PrintedTable("t.csv", (PrintedRow("", "", {"f1": printed("0.5", "f1", "")}),)))
    page = reread_page(alone)
    assert '<section id="exchange"' not in page.html
    assert page.figures == {}


def test_quantities_are_written_with_what_is_printed(found: Reread) -> None:
    (_, rows), _ = quantity_rows(found)
    written = {row[0]: row[1:] for row in rows}
    assert written["odds ratio"] == ("12.3", "12.33", "printed")
    assert written["true positives"] == ("", "73", "follows")


def test_writes_the_page_the_results_and_every_table(found: Reread, tmp_path: Path) -> None:
    page = write_reread(found, tmp_path / "out")
    files = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*") if path.is_file()}
    names = {"reread" if name == "reading" else name for name in found.tables}
    assert {name for name in files if name.startswith("tables/")} == {f"tables/{name}.csv" for name in names}
    document = json.loads((page.parent / "results.json").read_text())
    assert document["format"] == "overread reread"
    assert document["possible"] is False
    assert document["files"] == sorted(files)
    before = page.read_bytes()
    with pytest.raises(InputError, match="--force"):
        write_reread(found, tmp_path / "out")
    assert write_reread(found, tmp_path / "out", force=True).read_bytes() == before


def test_one_number_is_written_once_and_two_ends_both(found: Reread) -> None:
    table = found.tables["exchange"]
    (sheet,) = exchange(found).blocks
    for row, cells in zip(table.iter_rows(named=True), sheet.rows, strict=True):
        for cell in cells[3:8]:
            low, _, high = cell.text.partition(" to ")
            assert low != high, cell.text
        assert row["extra_found_per_1000_ill_low"] is not None
    assert left_of({"n_low": 1.04, "n_high": 1.01}, "n", "{:.1f}".format) == "1.0"
    assert left_of({"n_low": -1.0, "n_high": 2.0}, "n", "{:+.1f}".format) == "-1.0 to +2.0"
    one = {"rate": 8.5, "rate_low": 8.5, "rate_high": 8.5}
    assert price(one) == "8.50"
    assert price(one | {"rate_high": 9.5}) == "8.50 (8.50 to 9.50)"
