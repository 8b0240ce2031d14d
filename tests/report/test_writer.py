"""The folder of a report: whole or not at all, and never over what someone else put there."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from overread.analyses.passage import Passage
from overread.records.errors import InputError
from overread.report import check_output, write_report, writer


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_writes_the_page_the_results_every_table_and_every_figure(second: SimpleNamespace, tmp_path: Path) -> None:
    assert write_report(second, tmp_path / "new" / "report") == tmp_path / "new" / "report" / "report.html"
    files = files_of(tmp_path / "new" / "report")
    assert {name for name in files if name.startswith("tables/")} == {f"tables/{name}.csv" for name in second.tables}
    figures = {name.removeprefix("figures/").removesuffix(".svg") for name in files if name.startswith("figures/")}
    assert {"auroc", "roc", "precision-recall", "operating-points", "panel", "label-count", "frequency"} <= figures
    assert {"top-activations", "activations-zech", "differential-zech"} <= figures
    assert json.loads(files["results.json"])["files"] == sorted(files)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report"]


def test_the_same_reading_gives_the_same_bytes(second: SimpleNamespace, tmp_path: Path) -> None:
    write_report(second, tmp_path / "a")
    write_report(second, tmp_path / "b")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_an_empty_folder_is_used(second: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    assert write_report(second, tmp_path / "report").is_file()


def test_an_earlier_report_is_refused_and_with_force_replaced(second: SimpleNamespace, tmp_path: Path) -> None:
    write_report(second, tmp_path / "report")
    before = files_of(tmp_path / "report")
    with pytest.raises(InputError, match="--force"):
        write_report(second, tmp_path / "report")
    assert files_of(tmp_path / "report") == before
    second.tables["extra"] = second.tables.pop("panel").clear()
    second.tables["panel"] = second.tables["extra"]
    second.answer = (Passage("", ("Another answer.",)),)
    with pytest.raises(KeyError):  # the page cannot be made: the earlier report stays
        write_report(second, tmp_path / "report", force=True)
    assert files_of(tmp_path / "report") == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_force_replaces_all_of_an_earlier_report(second: SimpleNamespace, tmp_path: Path) -> None:
    second.tables["gone"] = second.tables["panel"]
    write_report(second, tmp_path / "report")
    del second.tables["gone"]
    write_report(second, tmp_path / "report", force=True)
    assert "tables/gone.csv" not in files_of(tmp_path / "report")
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("force", [False, True])
def test_a_stranger_s_folder_is_never_replaced(second: SimpleNamespace, tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "results.json").write_text('{"format": "something else"}')
    with pytest.raises(InputError, match="not written by overread"):
        write_report(second, tmp_path / "thesis", force=force)
    assert list(files_of(tmp_path / "thesis")) == ["results.json"]


@pytest.mark.parametrize("content", ["", "[]", "not json", '"overread second reading"'])
def test_a_results_file_that_is_none_of_ours_marks_a_stranger(tmp_path: Path, content: str) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match="not written by overread"):
        check_output(tmp_path, force=True)


def test_force_keeps_a_folder_in_which_someone_left_a_file(second: SimpleNamespace, tmp_path: Path) -> None:
    write_report(second, tmp_path / "report")
    (tmp_path / "report" / "figures" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"figures/notes\.txt"):
        write_report(second, tmp_path / "report", force=True)
    assert (tmp_path / "report" / "figures" / "notes.txt").read_text() == "mine"


def test_a_file_in_the_place_is_refused(second: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine")
    with pytest.raises(InputError, match="this is a file"):
        write_report(second, tmp_path / "report", force=True)
    assert (tmp_path / "report").read_text() == "mine"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interruption_leaves_nothing_behind(
    second: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interruption: type[BaseException] | BaseException,
) -> None:
    write = Path.write_bytes

    def write_some(path: Path, content: bytes) -> int:
        if path.suffix == ".csv":
            raise interruption
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_some)
    with pytest.raises((KeyboardInterrupt, InputError)):
        write_report(second, tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_the_earlier_report_comes_back_when_the_last_move_fails(
    second: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(second, tmp_path / "report")
    before = files_of(tmp_path / "report")
    rename = Path.rename

    def rename_but(path: Path, target: Path) -> Path:
        if ".new-" in path.name:
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_but)
    with pytest.raises(InputError, match="Permission denied"):
        write_report(second, tmp_path / "report", force=True)
    assert files_of(tmp_path / "report") == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_place_below_a_file_is_refused(second: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_report(second, tmp_path / "file" / "report")


def test_written_files_of_a_folder_of_ours(second: SimpleNamespace, tmp_path: Path) -> None:
    write_report(second, tmp_path / "report")
    assert writer.written_files(tmp_path / "report") == set(files_of(tmp_path / "report"))
