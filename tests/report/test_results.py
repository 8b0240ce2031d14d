"""The results as files: JSON that every parser takes, CSV that loses no digit and runs nowhere."""

from __future__ import annotations

import json
from io import BytesIO
from types import SimpleNamespace

import polars as pl

from overread.report.results import MARKER, finite, results_csv, results_json


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def test_json_holds_every_table_as_records(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    document = json.loads(results_json(second, ["report.html"]), parse_constant=refuse)
    assert document["format"] == MARKER
    assert list(document["tables"]) == list(second.tables)
    for name, table in second.tables.items():
        assert len(document["tables"][name]) == table.height
        assert list(document["tables"][name][0]) == table.columns
    assert document["readings"] == ["zech", evil.reading]
    assert document["options"]["prevalence"] == {evil.finding: 0.01}
    assert document["inputs"][0]["sha256"] == "ab" * 32
    assert document["files"] == ["report.html"]


def test_json_says_nothing_of_the_number_of_threads(second: SimpleNamespace) -> None:
    assert "threads" not in json.loads(results_json(second, []))["options"]


def test_json_has_null_for_what_is_not_a_finite_number(second: SimpleNamespace) -> None:
    second.tables = {"panel": pl.DataFrame({"value": [0.5, float("nan"), float("inf"), None]})}
    document = json.loads(results_json(second, []), parse_constant=refuse)
    assert [row["value"] for row in document["tables"]["panel"]] == [0.5, None, None, None]


def test_csv_keeps_every_digit() -> None:
    values = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -0.5, 123456789.123456789]
    read = pl.read_csv(BytesIO(results_csv(pl.DataFrame({"value": values}))))
    assert read["value"].to_list() == values


def test_csv_lines_end_alike_and_quotes_are_kept() -> None:
    table = pl.DataFrame({"reading": ['a "quoted", name', "two\nlines"], "value": [1.0, None]})
    written = results_csv(table)
    assert b"\r" not in written
    assert pl.read_csv(BytesIO(written))["reading"].to_list() == table["reading"].to_list()


def test_csv_guards_text_that_a_spreadsheet_would_run_and_leaves_numbers_alone() -> None:
    table = pl.DataFrame(
        {"reading": ["=HYPERLINK()", "+1", "-1", "@x", "zech-2"], "value": [-1.0, -2.0, 3.0, 4.0, 5.0]}
    )
    read = pl.read_csv(BytesIO(results_csv(table)))
    assert read["reading"].to_list() == ["'=HYPERLINK()", "'+1", "'-1", "'@x", "zech-2"]
    assert read["value"].to_list() == table["value"].to_list()


def test_finite_leaves_whole_numbers_and_text_alone() -> None:
    table = pl.DataFrame({"n": [1, None], "name": ["nan", None], "x": [float("nan"), 1.0]})
    assert finite(table).rows() == [(1, "nan", None), (None, None, 1.0)]
