"""Files decoded in processes of their own: several at once, and a decoder that crashes takes no more than its image."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

import cv2

from overread.vision.radiographs import UnreadableRadiograph, read_radiograph
from overread.vision.squares import Fit, squared

AHEAD = 3
"""Pieces of work that wait for each process."""

CRASHED = "its decoder crashed"


@dataclass(frozen=True)
class Task:
    """A file to decode into the place `row` of a store."""

    row: int
    path: str
    size: int
    fit: Fit
    most_pixels: int


@dataclass(frozen=True)
class Square:
    """What became of a task: the pixels with their checksum, or the reason why there are none.

    `file_bytes` and `modified` (nanoseconds) tell later whether the file is still the one that was read.
    """

    row: int
    pixels: bytes = b""
    checksum: int = 0
    width: int = 0
    height: int = 0
    file_bytes: int = 0
    modified: int = 0
    attributes: dict[str, str | int] = field(default_factory=dict)
    reason: str = ""


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decoded(pieces: Iterable[list[Task]], *, workers: int) -> Iterator[list[Square]]:
    """Yield what became of each piece of work, in the order in which they are done.

    When a process dies, the pieces that were under way are done again file by file, and the file over which one dies
    again is given up.
    """
    waiting = iter(pieces)
    pool, under_way = new_pool(workers), dict[Future[list[Square]], list[Task]]()
    try:
        while True:
            while len(under_way) < AHEAD * workers and (piece := next(waiting, None)) is not None:
                under_way[pool.submit(squares, piece)] = piece
            if not under_way:
                return
            lost: list[list[Task]] = []
            for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                piece = under_way.pop(done)
                if isinstance(done.exception(), BrokenProcessPool):
                    lost.append(piece)
                else:
                    yield done.result()
            if lost:
                pool.shutdown(cancel_futures=True)
                lost += under_way.values()
                under_way.clear()
                for piece in lost:
                    yield from one_by_one(piece)
                pool = new_pool(workers)
    finally:
        pool.shutdown(cancel_futures=True)


def one_by_one(piece: Iterable[Task]) -> Iterator[list[Square]]:
    """Yield what became of each task, with a new process after each that dies."""
    pool = new_pool(1)
    try:
        for task in piece:
            try:
                pool.submit(os.getpid).result()
            except BrokenProcessPool:
                said = "no process can be started to decode images; a script needs: if __name__ == '__main__'"
                raise RuntimeError(said) from None
            try:
                yield pool.submit(squares, [task]).result()
            except BrokenProcessPool:
                yield [Square(task.row, reason=CRASHED)]
                pool = new_pool(1)
    finally:
        pool.shutdown(cancel_futures=True)


def new_pool(workers: int) -> ProcessPoolExecutor:
    """Return processes that share nothing with this one: a copy of a process with threads may hang."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=begin)


def begin() -> None:
    """Set up a process: one thread, left alone by Ctrl-C, gone when the process that started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Wait for the parent's end, and end too: it may have been killed and could tell nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def squares(piece: list[Task]) -> list[Square]:
    """Decode some files."""
    return [square(task) for task in piece]


def square(task: Task) -> Square:
    """Decode one file, or say why it cannot be."""
    try:
        found = os.stat(task.path)
        radiograph = read_radiograph(task.path, most_pixels=task.most_pixels)
    except UnreadableRadiograph as refusal:
        return Square(task.row, reason=refusal.what)
    except MemoryError:
        return Square(task.row, reason="there is not enough memory to decode it")
    except OSError as error:
        return Square(task.row, reason=f"the file cannot be read ({error.strerror})")
    height, width = radiograph.pixels.shape
    pixels = squared(radiograph.pixels, task.size, fit=task.fit).tobytes()
    attributes = dict(radiograph.attributes)
    checksum = zlib.crc32(pixels)
    return Square(task.row, pixels, checksum, width, height, found.st_size, found.st_mtime_ns, attributes)
