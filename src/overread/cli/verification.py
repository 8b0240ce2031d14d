"""A report computed anew from its inputs, and what differs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from overread.cli.calls import WrongCall
from overread.records.errors import InputError, located

MADE_BY = ("report", "demo")
"""The commands whose folders can be made anew; no other is run, whatever a results file says."""

SHOWN = 15
NOT_GIVEN_AGAIN = ("--out", "--force")


@dataclass(frozen=True)
class Moved:
    """Where inputs lie now: the cohort, readings by name, the plan."""

    cohort: str | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    plan: Path | None = None


@dataclass(frozen=True)
class Verification:
    """What differs, as sentences, and what is to be concluded."""

    differences: tuple[str, ...]
    conclusion: str


def verified(
    folder: Path, moved: Moved, commands: Mapping[str, Any], *, progress: Callable[[str], None]
) -> Verification:
    """Compute a report anew and hold every file against it.

    Raises `InputError` when the folder is no report, or says nothing of the command that made it.
    """
    document = results_of(folder)
    call = call_of(document, folder)
    progress("looking for the inputs")
    with TemporaryDirectory(prefix="overread-") as stage:
        places = places_of(call, moved, commands, Path(stage))
        found = [*inputs(document, places), *versions(document)]
        anew = None
        try:
            anew = made_anew(places.words, places, commands, Path(stage) / "report")
        except (InputError, WrongCall) as refusal:
            found.append(f"the report cannot be computed anew: {places.as_stored(str(refusal))}")
    if anew is not None:
        progress("comparing")
        found += compared(folder, document, anew)
    return Verification(tuple(found), conclusion(found, anew, planned=bool(document["options"].get("plan"))))


def results_of(folder: Path) -> dict[str, Any]:
    """Return the results of a report's folder, or refuse the folder."""
    from overread.report.results import MARKER
    from overread.report.writer import RESULTS

    try:
        document = json.loads((folder / RESULTS).read_bytes())
    except (OSError, ValueError) as reason:
        what = f"there is no {RESULTS} that can be read ({getattr(reason, 'strerror', None) or 'not JSON'})"
        raise InputError(located(folder), what, "the folder of a report") from None
    if not isinstance(document, dict) or document.get("format") != MARKER:
        raise InputError(located(folder), "this is not the folder of a second reading", "a folder that report wrote")
    if not whole(document):
        what = f"{RESULTS} was changed: it does not say any more what the report was made from"
        raise InputError(located(folder), what, "the file as it was written")
    return document


def whole(document: Mapping[str, Any]) -> bool:
    """Return whether results name their inputs, versions, options and files in the form in which they were written."""
    kinds = {"inputs": list, "versions": dict, "options": dict, "files": list}
    sound = all(isinstance(document.get(name), kind) for name, kind in kinds.items())
    inputs = {"path": str, "sha256": str, "n_bytes": int}
    return sound and all(
        isinstance(each, dict) and all(isinstance(each.get(name), kind) for name, kind in inputs.items())
        for each in document["inputs"]
    )


def call_of(document: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the words of the command that made a report."""
    call = document.get("call")
    if not call:
        what = "the report does not say which command made it: it was written from Python or by an earlier version"
        raise InputError(located(folder), what, "a report that overread report or overread demo wrote")
    if not isinstance(call, list) or call[0] not in MADE_BY or set(call) & set(NOT_GIVEN_AGAIN):
        raise InputError(located(folder), "the command in results.json is none that can be run again", "report or demo")
    return [str(word) for word in call]


# --- where the inputs are --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """The words of the call with inputs where they lie now; `staged` are those paths by the path that was stored."""

    words: tuple[str, ...]
    staged: Mapping[str, str]

    def now(self, stored: str) -> str:
        """Return where a stored path lies now, files below a folder that has moved among them."""
        for old, new in self.staged.items():
            if stored == old or stored.startswith(old.rstrip("/") + "/"):
                return new + stored[len(old) :]
        return stored

    def as_stored(self, text: str) -> str:
        """Return a text in which every path is as it was stored."""
        for old, new in self.staged.items():
            for write in (str, lambda path: json.dumps(path, ensure_ascii=False)[1:-1], escape):
                text = text.replace(write(new), write(old))
        return text

    def of_file(self, data: bytes) -> bytes:
        """Return a file in which every path is as it was stored; a picture holds none."""
        try:
            return self.as_stored(data.decode()).encode()
        except UnicodeDecodeError:
            return data


def places_of(call: Sequence[str], moved: Moved, commands: Mapping[str, Any], stage: Path) -> Places:
    """Return the call with each input that has moved behind a link of its old name, so that names stay as they were."""
    from overread.records.reading import named_path
    from overread.records.tables import stem

    try:
        params = commands[call[0]].make_context(call[0], [*call[1:], "--out", str(stage)]).params
    except WrongCall as refusal:
        what = f"the command in results.json is none that report takes ({refusal.format_message().rstrip('.')})"
        raise InputError("results.json", what, "the file as it was written") from None
    words, staged = list(call), {}
    wanted: dict[str, tuple[str, str | None]] = {}
    if params.get("cohort"):
        wanted[params["cohort"]] = params["cohort"], moved.cohort
    readings = {}
    for word in params.get("readings", ()):
        name, path = named_path(word)
        readings[stem(path) if name is None else name] = word
        wanted[word] = path, moved.readings.get(stem(path) if name is None else name)
    if params.get("plan"):
        wanted[str(params["plan"])] = str(params["plan"]), None if moved.plan is None else str(moved.plan)
    refuse_unknown(moved, readings, params)
    for place, (word, (path, new)) in enumerate(wanted.items()):
        if new is not None:
            staged[path] = linked(stage / str(place), path, new)
            words = [each if each != word else word.removesuffix(path) + staged[path] for each in words]
    return Places(tuple(words), staged)


def refuse_unknown(moved: Moved, readings: Mapping[str, str], params: Mapping[str, Any]) -> None:
    """Refuse a new place for something that the report does not have."""
    for name in moved.readings:
        if name not in readings:
            raise InputError(
                "--reading", f"the report has no reading {name}", f"one of: {', '.join(readings) or 'none'}"
            )
    if moved.plan is not None and not params.get("plan"):
        raise InputError("--plan", "the report was made without a plan", "no plan")
    if moved.cohort is not None and not params.get("cohort"):
        raise InputError("--cohort", "the report was made of the cohort that ships inside", "no cohort")


def linked(folder: Path, stored: str, new: str) -> str:
    """Return a link of the stored name to a new place."""
    if not os.path.exists(new):
        raise InputError(located(new), "there is no such file or folder", "", "Check the path.")
    folder.mkdir()
    link = folder / Path(stored).name
    link.symlink_to(Path(new).resolve())
    return str(link)


def inputs(document: Mapping[str, Any], places: Places) -> Iterator[str]:
    """Yield the inputs that are gone or not what they were, each by its name."""
    for each in document["inputs"]:
        stored = str(each["path"])
        now = places.now(stored)
        if not os.path.exists(now):
            if os.sep in stored or "." in stored:  # what ships inside the package has a name and no path
                yield f"the input {stored} is missing; say where it is with --cohort, --reading NAME=PATH or --plan"
            continue
        data = Path(now).read_bytes()
        if sha256(data).hexdigest() != each["sha256"]:
            size = f", {each['n_bytes']:,} bytes then and {len(data):,} now" if len(data) != each["n_bytes"] else ""
            yield f"the input {stored} is not the file that was read: its SHA-256 differs{size}"


def versions(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the software that has another version now."""
    from overread.analyses.second_reading import versions as now

    then, here = document["versions"], now()
    for name in here | then:
        if then.get(name) != here.get(name):
            yield f"another version: {name} {then.get(name, 'unknown')} then, {here.get(name, 'none')} now"


# --- the report anew -------------------------------------------------------------------------------------------------


def made_anew(words: Sequence[str], places: Places, commands: Mapping[str, Any], out: Path) -> dict[str, bytes]:
    """Run the command again into a folder of its own and return its files, with paths as they were stored."""
    name, *rest = words
    command = commands[name]
    with command.make_context(name, [*rest, "--out", str(out)]) as context, redirect_stdout(StringIO()):
        command.invoke(context)
    return {
        path.relative_to(out).as_posix(): places.of_file(path.read_bytes())
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def compared(folder: Path, document: Mapping[str, Any], anew: Mapping[str, bytes]) -> list[str]:
    """Return what differs between the folder and the report computed anew."""
    from overread.report.differences import differences

    files = [name for name in document["files"] if isinstance(name, str) and ".." not in Path(name).parts]
    here = {name: (folder / name).read_bytes() for name in {*files, *anew} if (folder / name).is_file()}
    gone = [f"{name} is missing" for name in files if name not in here and name not in anew]
    found = [*differences(here, anew), *gone]
    return found if len(found) <= SHOWN else [*found[:SHOWN], f"and {len(found) - SHOWN:,} more"]


def conclusion(found: Sequence[str], anew: Mapping[str, bytes] | None, *, planned: bool) -> str:
    """Say what follows."""
    if anew is None:
        return "Not verified: the report could not be computed anew."
    if found:
        return "Not verified: the report is not what its inputs give here."
    unseen = "before the plan was written" if planned else "before"
    return (
        f"Verified: all {len(anew)} files are, byte for byte, what the inputs give. This does not show that nobody "
        f"looked at the scores {unseen}."
    )
