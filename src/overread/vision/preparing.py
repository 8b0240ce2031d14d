"""Making a store: every image decoded once, on all processors, and resumed where it was interrupted.

While it is made, the store lies in a folder beside its place, `STORE.partial`, and is moved there when it is whole:

    plan.json      what is made: the names of the images (as a checksum), the size, the fit
    images.npy     already of its full size
    journal.txt    a line for each image that lies there, with the checksum of its pixels, and one of the line itself

After an interruption of any kind, an image counts as done when its line is whole, its pixels have their checksum, and
its file has the size and the time it had; all others are done again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

import overread
from overread.records.errors import InputError, counted, located, plain
from overread.vision import store
from overread.vision.decoding import Square, Task, decoded, processors
from overread.vision.image_files import ImageFiles, absent, image_files
from overread.vision.radiographs import MOST_PIXELS
from overread.vision.squares import Fit

try:
    import fcntl
except ImportError:  # Windows: two at once are not noticed there
    fcntl = None  # type: ignore[assignment]  # the module is absent

PLAN, JOURNAL = "plan.json", "journal.txt"
WORKING = {PLAN, JOURNAL, store.IMAGES, store.INDEX, store.ABOUT, store.UNREADABLE}
LEFTOVERS = {f".{name}.new" for name in WORKING}
PIECE = 16
"""Images that a process is given at once."""

SPARE = 64 << 20
"""Bytes that are left free on the disk, for the index and the journal."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What a store is made from, and how."""

    folder: Path
    images: tuple[str, ...]
    paths: tuple[str, ...]
    size: int
    fit: Fit
    most_pixels: int

    @property
    def settings(self) -> dict[str, object]:
        """Return what an interrupted store must have in common with this one to be gone on with."""
        names = hashlib.sha256("\n".join(self.images).encode()).hexdigest()
        return {"format": store.VERSION, "size": self.size, "fit": self.fit, "images": len(self.images), "names": names}

    def task(self, row: int) -> Task:
        """Return what is to be done for one image."""
        return Task(row, str(self.folder / self.paths[row]), self.size, self.fit, self.most_pixels)


@dataclass(frozen=True)
class Prepared:
    """A store that was made: how many images it holds, how many of them an interrupted one had, which are lacking."""

    folder: Path
    images: int
    resumed: int
    unreadable: Mapping[str, str]


def prepare(
    images: Sequence[str],
    folder: str | Path,
    out: str | Path,
    *,
    size: int = 256,
    fit: Fit = "pad",
    workers: int | None = None,
    skip_unreadable: bool = False,
    force: bool = False,
    most_pixels: int = MOST_PIXELS,
    progress: Progress = lambda done, of: None,
) -> Prepared:
    """Decode images, found by their names below a folder, into a store at `out`.

    The same files give the same bytes, whatever the number of `workers`. Interrupted, it leaves `out.partial`, and the
    same call goes on from there. `progress` is told how many images are done, and of how many.

    Raises `InputError` when an image is absent, `out` is taken, the disk is too small, or (unless `skip_unreadable`)
    when images cannot be read, all of which are listed then; what was decoded is kept for the next call.
    """
    check_place(out, force=force)
    plan = planned(images, image_files(folder), size=size, fit=fit, most_pixels=most_pixels)
    work = Path(f"{os.path.abspath(out)}{store.PARTIAL}")
    with refusing_full_disk(work), working_folder(work, plan, force=force) as journal:
        with open(work / store.IMAGES, "r+b", buffering=0) as pixels:
            done = replayed(work / JOURNAL, pixels, plan)
            resumed, unreadable = len(done), dict[int, str]()
            progress(resumed, len(plan.images))
            for square in squares(plan, done, workers or processors()):
                if square.reason:
                    unreadable[square.row] = square.reason
                else:
                    done[square.row] = keep(square, pixels, journal, plan)
                progress(len(done) + len(unreadable), len(plan.images))
            os.fsync(pixels.fileno())
        refuse_unreadable(work, plan, unreadable, skip=skip_unreadable)
        finish(work, Path(os.path.abspath(out)), plan, done, unreadable)
    reasons = {plan.images[row]: reason for row, reason in sorted(unreadable.items())}
    return Prepared(Path(out), len(done), resumed, reasons)


def planned(images: Sequence[str], files: ImageFiles, *, size: int, fit: Fit, most_pixels: int) -> Plan:
    """Return what is to be done. Raises `InputError` for an image without a file, or with several that differ."""
    if not images:
        raise InputError("images", "there is none", "at least one image")
    if not 8 <= size <= 4096:
        raise InputError("--size", f"the size is {size:,}", "8 to 4,096 pixels")
    lacking = [image for image in images if image not in files]
    if lacking:
        raise absent(lacking[0], files.folder)
    paths = tuple(os.path.relpath(files[image], files.folder) for image in images)
    return Plan(files.folder, tuple(images), paths, size, fit, most_pixels)


def squares(plan: Plan, done: Mapping[int, Square], workers: int) -> Iterator[Square]:
    """Yield what becomes of every image that is not done."""
    if workers < 1:
        raise InputError("--workers", f"the number is {workers:,}", "at least 1")
    left = [row for row in range(len(plan.images)) if row not in done]
    length = max(1, min(PIECE, len(left) // workers))
    pieces = ([plan.task(row) for row in left[at : at + length]] for at in range(0, len(left), length))
    for piece in decoded(pieces, workers=min(workers, max(1, len(left)))) if left else ():
        yield from piece


# --- the folder in which a store is made -----------------------------------------------------------------------------


def check_place(out: str | Path, *, force: bool) -> None:
    """Refuse a place that is taken; with `force` a store is given up for the new one, and never anything else."""
    out, where = Path(out), located(out)
    if not os.path.lexists(out):
        return
    if not os.path.isdir(out):
        raise InputError(where, "this is a file", "a folder for the store", "Choose another place with --out.")
    there = set(os.listdir(out))
    if not there:
        return
    if not store.is_store(out) or there - WORKING - LEFTOVERS:
        what = "the folder holds files that are not a store's"
        raise InputError(where, what, "", "Choose another place with --out; it will not be replaced.")
    if not force:
        raise InputError(where, "the store exists", "", "Give --force to replace it, or another place with --out.")


@contextmanager
def working_folder(work: Path, plan: Plan, *, force: bool) -> Iterator[BinaryIO]:
    """Make the folder or go on in it, alone; yield its journal, open at the end."""
    work.mkdir(parents=True, exist_ok=True)
    strangers = sorted(set(os.listdir(work)) - WORKING - LEFTOVERS)
    if strangers:
        what = f"the folder holds files that overread did not write ({plain(strangers[0])})"
        raise InputError(located(work), what, "", "Move them elsewhere, or choose another place with --out.")
    with open(work / JOURNAL, "ab", buffering=0) as journal:
        refuse_company(journal, work)
        if not matches(work, plan, force=force):
            begin_anew(work, plan, journal)
        journal.write(b"\n")  # the last line may have been cut short
        yield journal


def begin_anew(work: Path, plan: Plan, journal: BinaryIO) -> None:
    """Clear the folder, give the images their place, and say what is made; leave no folder where that fails."""
    journal.truncate(0)
    for name in (WORKING | LEFTOVERS) - {JOURNAL}:
        (work / name).unlink(missing_ok=True)
    try:
        reserve(work / store.IMAGES, plan)
        store.write_whole(work / PLAN, json.dumps(plan.settings).encode())
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def refuse_company(journal: BinaryIO, work: Path) -> None:
    """Refuse to work beside another process on the same store."""
    if fcntl is None:
        return
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            what = "another overread prepare is at work on this store"
            raise InputError(located(work), what, "", "Wait until it is done.") from None


def matches(work: Path, plan: Plan, *, force: bool) -> bool:
    """Return whether a folder holds the beginnings of this very store; refuse those of another one unless forced."""
    if not os.path.exists(work / PLAN):
        return False  # interrupted before anything was decoded
    try:
        begun = json.loads((work / PLAN).read_bytes())
    except ValueError:
        begun = None
    if begun == plan.settings:
        expected = store.image_bytes(len(plan.images), plan.size)[1]
        return os.path.exists(work / store.IMAGES) and os.path.getsize(work / store.IMAGES) == expected
    if not force:
        what = f"it holds the beginnings of another store ({differences(begun, plan.settings)})"
        do = "Give the same images and settings to go on, or --force to begin anew."
        raise InputError(located(work), what, "", do)
    return False


def differences(begun: object, settings: Mapping[str, object]) -> str:
    """Say in what the store that was begun differs from the one that is asked for."""
    if not isinstance(begun, dict):
        return "its plan cannot be read"
    pairs = [(name, begun.get(name), settings[name]) for name in ("size", "fit", "images")]
    differ = [f"{name} {there} instead of {asked}" for name, there, asked in pairs if there != asked]
    return ", ".join(differ) or "other images"


def reserve(path: Path, plan: Plan) -> None:
    """Give the images their place on the disk at once, so that it cannot run full half-way."""
    header, length = store.image_bytes(len(plan.images), plan.size)
    free = shutil.disk_usage(path.parent).free
    if free < length + SPARE:
        what = f"the store needs {megabytes(length + SPARE)}, and {megabytes(free)} are free there"
        raise InputError(located(path.parent), what, "", "Free some, or choose another place or a smaller --size.")
    with open(path, "wb", buffering=0) as file:
        file.write(header)
        try:
            os.posix_fallocate(file.fileno(), 0, length)
        except (AttributeError, OSError) as error:  # not on every system, nor on every file system
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise
            file.truncate(length)


def megabytes(length: int) -> str:
    """Return a number of bytes as a message shows it.

    >>> megabytes(65_536_000_000)
    '65,536 MB'
    """
    return f"{-(-length // 1_000_000):,} MB"


@contextmanager
def refusing_full_disk(work: Path) -> Iterator[None]:
    """Turn what a disk or a right refuses into a message."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            do = "Free some space and run the same command again: it goes on where it stopped."
            raise InputError(located(work), "the disk is full", "", do) from None
        what = f"the store cannot be written there ({error.strerror or error})"
        raise InputError(located(error.filename or work), what, "a folder that may be written to") from None


# --- the journal -----------------------------------------------------------------------------------------------------


def keep(square: Square, pixels: BinaryIO, journal: BinaryIO, plan: Plan) -> Square:
    """Put the pixels of an image in their place, then say so in the journal; return what the index needs of it."""
    pixels.seek(place(square.row, plan))
    write_all(pixels, square.pixels)
    known = Square(**{**vars(square), "pixels": b""})
    text = json.dumps({name: value for name, value in vars(known).items() if name not in ("pixels", "reason")})
    write_all(journal, f"{zlib.crc32(text.encode()):08x} {text}\n".encode())
    return known


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write all of some bytes: without a buffer, a call may write only some of them, as when the disk fills."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def place(row: int, plan: Plan) -> int:
    """Return where the pixels of an image begin in the file."""
    whole = store.image_bytes(len(plan.images), plan.size)[1]
    return whole - (len(plan.images) - row) * plan.size**2


def replayed(journal: Path, pixels: BinaryIO, plan: Plan) -> dict[int, Square]:
    """Return the images that an interrupted store surely holds."""
    done: dict[int, Square] = {}
    for line in journal.read_bytes().splitlines():
        square = noted(line)
        if square is not None and 0 <= square.row < len(plan.images):
            done[square.row] = square
    return {row: square for row, square in sorted(done.items()) if holds(square, pixels, plan)}


def noted(line: bytes) -> Square | None:
    """Return what a line of a journal says, `None` for one that was not written whole."""
    checksum, _, text = line.partition(b" ")
    with suppress(ValueError, TypeError):
        if int(checksum, 16) == zlib.crc32(text):
            return Square(**json.loads(text))
    return None


def holds(square: Square, pixels: BinaryIO, plan: Plan) -> bool:
    """Return whether the pixels of an image are in their place, and its file is the one they came from."""
    try:
        file = os.stat(plan.folder / plan.paths[square.row])
    except OSError:
        return False
    if (file.st_size, file.st_mtime_ns) != (square.file_bytes, square.modified):
        return False
    pixels.seek(place(square.row, plan))
    return zlib.crc32(pixels.read(plan.size**2)) == square.checksum


# --- the end ---------------------------------------------------------------------------------------------------------


def refuse_unreadable(work: Path, plan: Plan, unreadable: Mapping[int, str], *, skip: bool) -> None:
    """List the images that cannot be read, and stop there unless told to go on without them."""
    if not unreadable:
        (work / store.UNREADABLE).unlink(missing_ok=True)
        return
    rows = sorted(unreadable)
    listing = {
        "image": [plan.images[row] for row in rows],
        "path": [plan.paths[row] for row in rows],
        "reason": [unreadable[row] for row in rows],
    }
    store.write_whole(work / store.UNREADABLE, pl.DataFrame(listing).write_csv().encode())
    if skip and len(unreadable) < len(plan.images):
        return
    named = "; ".join(f"{plain(plan.images[row])}: {unreadable[row]}" for row in rows[:3])
    more = f"; and {len(rows) - 3:,} more" if len(rows) > 3 else ""
    what = f"{len(rows):,} of {counted(len(plan.images), 'image')} cannot be read ({named}{more})"
    do = f"All are listed in {located(work / store.UNREADABLE)}. "
    do += "Mend them and run the same command again, which keeps the others" if len(rows) < len(plan.images) else ""
    do += ", or give --skip-unreadable to go on without them." if do.endswith("others") else ""
    raise InputError(located(plan.folder), what, "", do.strip())


def finish(work: Path, out: Path, plan: Plan, done: Mapping[int, Square], unreadable: Mapping[int, str]) -> None:
    """Write the index and what the store says of itself, and move it to its place."""
    store.write_about(work, index(plan, done, unreadable), size=plan.size, fit=plan.fit, version=overread.__version__)
    old = out.with_name(f".{out.name}.old")
    if out.is_dir() and any(out.iterdir()):
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
    elif out.is_dir():
        out.rmdir()
    (work / PLAN).unlink()
    (work / JOURNAL).unlink()
    work.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def index(plan: Plan, done: Mapping[int, Square], unreadable: Mapping[int, str]) -> pl.DataFrame:
    """Return the index: a row per image, in the order in which they were given."""
    rows = range(len(plan.images))
    found = [done.get(row) for row in rows]
    columns = {
        "image": plan.images,
        "row": [row if square else None for row, square in zip(rows, found, strict=True)],
        "path": [Path(path).as_posix() for path in plan.paths],
        "reason": [unreadable.get(row) for row in rows],
    }
    for name in ("width", "height", "checksum"):
        columns[name] = [getattr(square, name) if square else None for square in found]
    for name in store.ATTRIBUTES:
        columns[name] = [square.attributes.get(name) if square else None for square in found]
    return pl.DataFrame(columns, schema_overrides=store.SCHEMA).select(store.SCHEMA.names())
