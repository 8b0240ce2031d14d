"""What differs between two versions of a report's files, in words."""

from __future__ import annotations

import json

import pytest

from overread.report.differences import differences

TABLE = b"finding,value\nMass,0.81\nEdema,0.70\n"
RESULTS = {"seed": 0, "options": {"level": 0.95}, "tables": {"a": [1]}, "versions": {"numpy": "2"}, "inputs": []}


def said(here: dict[str, bytes], anew: dict[str, bytes]) -> list[str]:
    return list(differences(here, anew))


def test_the_same_files_do_not_differ() -> None:
    assert said({"tables/a.csv": TABLE, "x.svg": b"x"}, {"tables/a.csv": TABLE, "x.svg": b"x"}) == []


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        (TABLE.replace(b"0.70", b"0.71"), "tables/a.csv, row 3, column value: '0.71' here, '0.70' from the inputs"),
        (
            TABLE.replace(b"0.", b"1."),
            "tables/a.csv, row 2, column value: '1.81' here, '0.81' from the inputs; 1 other",
        ),
        (TABLE + b"Hernia,0.9\n", "tables/a.csv has other columns or rows than the inputs give (3 rows here, 2 anew)"),
        (TABLE.replace(b"value", b"auroc"), "tables/a.csv has other columns or rows"),
        (TABLE.replace(b"\n", b"\r\n"), "tables/a.csv is written otherwise than the inputs give, with the same cells"),
        (b"\xff", "tables/a.csv has other columns or rows than the inputs give (unreadable rows here"),
        (b"", "tables/a.csv has other columns or rows"),
    ],
)
def test_a_changed_table_is_named_by_its_first_cell(here: bytes, expected: str) -> None:
    (found,) = said({"tables/a.csv": here}, {"tables/a.csv": TABLE})
    assert found.startswith(expected)


def test_files_that_lack_or_are_not_made_any_more_are_named() -> None:
    assert said({"old.svg": b""}, {"new.svg": b""}) == ["new.svg is missing", "old.svg is not made any more"]


def test_a_changed_page_is_named_by_its_line() -> None:
    (found,) = said({"report.html": b"a\nb\nc"}, {"report.html": b"a\nb\nd"})
    assert found == "report.html is not what the inputs give (the first difference is in line 3)"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"seed": 3}, "results.json: seed is 3 here, 0 from the inputs"),
        ({"options": {"level": 0.9}}, "results.json, options: level is 0.9 here, 0.95 from the inputs"),
        ({"options": {}}, "results.json, options: level is lacking"),
        ({"tables": {"a": [1], "b": []}}, "results.json, tables: b is not there any more"),
        ({"tables": {"a": [2]}}, "results.json, tables: a differs from what the inputs give"),
    ],
)
def test_changed_results_are_named_by_their_part(changed: dict[str, object], expected: str) -> None:
    here, anew = (json.dumps(part).encode() for part in (RESULTS | changed, RESULTS))
    assert said({"results.json": here}, {"results.json": anew}) == [expected]


def test_results_in_another_form_are_named() -> None:
    anew = json.dumps(RESULTS).encode()
    assert said({"results.json": b" " + anew}, {"results.json": anew}) == [
        "results.json is written otherwise than the inputs give, with the same content"
    ]
    assert said({"results.json": b"{"}, {"results.json": anew}) == ["results.json is not JSON any more"]
    versions = json.dumps(RESULTS | {"versions": {"numpy": "1"}}).encode()
    assert said({"results.json": versions}, {"results.json": anew}) == [], "versions are told apart elsewhere"
