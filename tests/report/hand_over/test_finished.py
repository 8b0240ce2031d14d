"""Reading a report back: what is in its folder, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from overread.records.errors import InputError
from overread.report import lookup
from overread.report.hand_over.finished import FinishedReport, read_finished
from overread.report.sections.operating_points import table_2


def test_everything_comes_back(report: FinishedReport, second: SimpleNamespace) -> None:
    assert report.readings == second.readings
    assert report.floor == second.floor
    assert report.study.findings == tuple(second.study.findings)
    assert report.study.n_images == second.study.n_images
    assert set(report.tables) == set(second.tables)
    for name, table in second.tables.items():
        assert len(report.tables[name]) == len(table), name
    assert tuple(each.sentences for each in report.answer) == tuple(each.sentences for each in second.answer)


def test_a_table_of_the_page_is_the_same_from_the_folder(report: FinishedReport, second: SimpleNamespace) -> None:
    title = "Table 2: means over findings at the operating points"
    assert table_2(report, "mean", title) == table_2(second, "mean", title)
    assert lookup.readers(report) == lookup.readers(second)


def test_a_folder_that_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no results"):
        read_finished(tmp_path)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        read_finished(tmp_path)
    (tmp_path / "results.json").write_text(json.dumps({"format": "overread audit"}))
    with pytest.raises(InputError, match="not the folder of a second reading"):
        read_finished(tmp_path)


def test_a_report_that_lacks_a_part_is_refused(report: FinishedReport, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    document = json.loads((report.folder / "results.json").read_text())
    del document["answer"]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="has no answer"):
        read_finished(tmp_path)
