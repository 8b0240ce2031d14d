"""Writing a report: the whole folder or nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from overread.records.errors import InputError
from overread.report import lookup
from overread.report.page import page
from overread.report.reporting_markdown import reporting_markdown
from overread.report.results import MARKERS, results_csv, results_json

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

RESULTS, REPORT, REPORTING, HAND_OVER = "results.json", "report.html", "reporting.md", "hand-over.json"


def write_report(second: SecondReading, out: str | Path, *, force: bool = False, call: Sequence[str] = ()) -> Path:
    """Write a second reading as a folder: `report.html`, `results.json`, `figures/*.svg`, `tables/*.csv`
    and, where somebody only calls, `imrmc/*.imrmc`.

    The folder is written beside its place and moved there when it is whole, so that a failure or an interruption leaves
    nothing half-written. With `force` a folder that an earlier run wrote is replaced. `call` are the words of the
    command that made it, by which `overread verify` makes it anew.

    Raises `InputError` when the place is taken (see `check_output`) or cannot be written to.
    """
    place = check_output(out, force=force)
    write_files(contents(second, call), place, out)
    return place / REPORT


def write_files(files: Mapping[str, bytes], place: Path, out: str | Path) -> None:
    """Write files by their names into a new folder in a place; `out` is how a message names it."""
    try:
        with new_folder(place) as folder:
            for name, content in files.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
    except OSError as error:
        raise InputError(str(out), f"the report cannot be written there ({error.strerror or error})") from error


def contents(second: SecondReading, call: Sequence[str] = ()) -> dict[str, bytes]:
    """Return every file of the folder by its name within it."""
    whole = page(second)
    files = {REPORT: whole.html.encode()}
    files |= {f"figures/{name}.svg": document.encode() for name, document in whole.figures.items()}
    files |= {f"tables/{name}.csv": results_csv(table) for name, table in second.tables.items()}
    if lookup.table(second, "reporting") is not None:
        files[REPORTING] = reporting_markdown(second).encode()
    files |= {f"imrmc/{name}.imrmc": text.encode() for name, text in second.imrmc.items()}
    return files | {RESULTS: results_json(second, [*files, RESULTS], call)}


def check_output(out: str | Path, *, force: bool = False) -> Path:
    """Return where a report may be written; call it before long work too, so that a taken place is known at once.

    A place is free where there is nothing or an empty folder. With `force`, a folder that overread wrote is given up
    for the new one, but never a folder with any other file in it.

    Raises `InputError` when the place is taken.
    """
    place = Path(os.path.abspath(out)) if not Path(out).is_symlink() else Path(out).resolve()
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return place
    if not place.is_dir():
        raise InputError(str(out), "this is a file", "a folder for the report", "Choose another place with --out.")
    written = written_files(place)
    if written is None:
        what = "the folder exists and was not written by overread"
        raise InputError(str(out), what, do="Choose another place with --out; it will not be replaced.")
    if not force:
        raise InputError(str(out), "the folder exists", do="Give --force to replace it, or another place with --out.")
    strangers = sorted(found(place) - written)
    if strangers:
        what = f"the folder holds files that overread did not write ({', '.join(strangers[:3])})"
        raise InputError(str(out), what, do="Move them elsewhere, or choose another place with --out.")
    return place


def written_files(folder: Path) -> set[str] | None:
    """Return the files that overread wrote into a folder, None where it is not a folder of ours."""
    for name in (RESULTS, HAND_OVER):
        try:
            document = json.loads((folder / name).read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(document, dict) and document.get("format") in MARKERS:
            return set(document.get("files", ()))
    return None


def found(folder: Path) -> set[str]:
    """Return the names of all files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


@contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """Yield an empty folder beside a place, and put it in its place when all went well; else remove it.

    What stood in the place before is put back if the last move fails.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    mark = token_hex(4)
    fresh, old = (place.with_name(f".{place.name}.{kind}-{mark}") for kind in ("new", "old"))
    fresh.mkdir()
    try:
        yield fresh
        if place.exists():
            place.rename(old)
        try:
            fresh.rename(place)
        except BaseException:
            if old.exists():
                old.rename(place)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
