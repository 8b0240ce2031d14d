"""Whether a training may write to a folder: a new one, one to go on with, or one to give up for the new."""

from __future__ import annotations

import shutil
from contextlib import suppress
from enum import Enum
from pathlib import Path

from overread.records.errors import InputError, located
from overread.vision.runs import CARD, METRICS, RUN, SETTINGS, SPLIT, WEIGHTS

CHECKPOINTS, LOGS = "checkpoints", "logs"
LAST, BEST = f"{CHECKPOINTS}/last.safetensors", f"{CHECKPOINTS}/best.safetensors"


class State(Enum):
    """What lies in a folder."""

    free = "nothing"
    begun = "a training that has not ended"
    whole = "a run"
    strange = "files that overread train did not write"


def state(folder: Path) -> State:
    """Say what lies in a folder."""
    try:
        if folder.is_file():
            raise InputError(located(folder), "this is a file", "a folder for the run", "Choose another --out.")
        if not folder.exists() or not any(folder.iterdir()):
            return State.free
    except OSError as reason:
        raise InputError(located(folder), f"the folder cannot be looked into ({reason.strerror})") from None
    if (folder / RUN).is_file():
        return State.whole
    return State.begun if (folder / SETTINGS).is_file() else State.strange


def check_folder(folder: Path, *, force: bool, resume: bool) -> State:
    """Return what lies in a folder that a training may write to; raises `InputError` where it is taken."""
    found = state(folder)
    if found is State.strange:
        what = "the folder holds files that overread train did not write"
        raise InputError(located(folder), what, "a new or an empty folder", "Choose another --out.")
    if found in (State.begun, State.whole) and not (force or resume):
        do = "Give --force to replace it, or another --out."
        if found is State.begun:
            do = "Give --resume to go on with it, --force to replace it, or another --out."
        raise InputError(located(folder), f"the folder holds {found.value}", "", do)
    return found


def make_folder(folder: Path, *, resume: bool) -> None:
    """Make a folder ready: empty of an earlier run, unless its training goes on.

    Raises `InputError` where it cannot be written to.
    """
    try:
        if not resume:
            clear(folder)
        for part in [*folder.glob(".*.part"), *(folder / CHECKPOINTS).glob(".*.part")]:  # of a write that was killed
            part.unlink()
        (folder / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        (folder / LOGS).mkdir(exist_ok=True)
    except OSError as reason:
        what = f"the folder cannot be written to ({reason.strerror})"
        raise InputError(located(folder), what, "a place where a folder may be made", "Choose another --out.") from None


def clear(folder: Path) -> None:
    """Delete what a training wrote, `run.json` first so that no half of a run is taken for one; other files stay."""
    for name in (RUN, SETTINGS, WEIGHTS, SPLIT, METRICS, CARD):
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    for name in (CHECKPOINTS, LOGS):
        shutil.rmtree(folder / name, ignore_errors=True)
