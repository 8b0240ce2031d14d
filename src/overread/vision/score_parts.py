"""Scores that are done, kept while the others are still under way: in memory, or on disk so that work can go on later.

The images to score are cut into pieces, by their number alone and so the same however many processes there are. Each
piece is a file of its own, written whole or not at all. Whoever finds all pieces there has the reading; processes
exchange nothing else.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from overread.records.errors import InputError, located
from overread.records.writing import replace_file

FORMAT = "overread scores under way"
ABOUT = "parts.json"
SMALLEST, LARGEST, PIECES = 16, 512, 32


@dataclass(frozen=True, eq=False)
class Piece:
    """The scores of some rows in their order, nan where an image could not be read; `reasons` say why, by image.

    `maps` are their heat maps, where the work makes some.
    """

    scores: NDArray[np.float64]
    reasons: dict[str, str] = field(default_factory=dict)
    maps: NDArray[np.float32] | None = None


class Parts(Protocol):
    """Keeps pieces by their number."""

    def has(self, number: int) -> bool:
        """Return whether a piece is done."""
        ...

    def put(self, number: int, piece: Piece) -> None:
        """Keep a piece."""
        ...

    def get(self, number: int) -> Piece:
        """Return a piece."""
        ...


class InMemory:
    """Keeps pieces while this process lives."""

    def __init__(self) -> None:
        self._pieces: dict[int, Piece] = {}

    def has(self, number: int) -> bool:
        """Return whether a piece is done."""
        return number in self._pieces

    def put(self, number: int, piece: Piece) -> None:
        """Keep a piece."""
        self._pieces[number] = piece

    def get(self, number: int) -> Piece:
        """Return a piece."""
        return self._pieces[number]


@dataclass(frozen=True)
class OnDisk:
    """Keeps pieces in a folder, which holds those of one piece of work: the one that `work` is the checksum of."""

    folder: Path
    work: str

    @classmethod
    def begun(cls, folder: Path, facts: Sequence[object]) -> OnDisk:
        """Return the pieces of a piece of work, those from before included; those of any other are deleted.

        `facts` are all that the scores depend on. Raises `InputError` where the folder is not one of these, or cannot
        be made.
        """
        work = hashlib.sha256(json.dumps(list(facts), sort_keys=True, default=str).encode()).hexdigest()
        try:
            if folder.exists() and said_by(folder) != work:
                shutil.rmtree(folder)
            folder.mkdir(exist_ok=True)
        except OSError as reason:
            what = f"the folder cannot be made ({reason.strerror})"
            raise InputError(located(folder), what, "a place that may be written to") from None
        replace_file(folder / ABOUT, json.dumps({"format": FORMAT, "work": work}).encode())
        return cls(folder, work)

    def has(self, number: int) -> bool:
        """Return whether a piece is done."""
        return self._path(number).is_file()

    def put(self, number: int, piece: Piece) -> None:
        """Keep a piece."""
        content = BytesIO()
        reasons = np.frombuffer(json.dumps(piece.reasons).encode(), np.uint8)
        maps = {} if piece.maps is None else {"maps": piece.maps}
        np.savez(content, scores=piece.scores, reasons=reasons, allow_pickle=False, **maps)
        replace_file(self._path(number), content.getvalue())

    def get(self, number: int) -> Piece:
        """Return a piece."""
        with np.load(self._path(number), allow_pickle=False) as file:
            return Piece(file["scores"], json.loads(file["reasons"].tobytes()), file.get("maps"))

    def done(self) -> int:
        """Return how many pieces are done."""
        return sum(1 for _ in self.folder.glob("piece-*.npz"))

    def delete(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"piece-{number:06d}.npz"


def said_by(folder: Path) -> str:
    """Return which piece of work a folder holds pieces of; refuse a folder that holds something else."""
    try:
        said = json.loads((folder / ABOUT).read_bytes())
    except (OSError, ValueError):
        said = None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        if folder.is_dir() and not any(folder.iterdir()):
            return ""
        what = "it lies where scores are kept while they are under way"
        raise InputError(located(folder), what, "nothing there", "Move it away, or choose another --out.")
    return str(said.get("work"))


def pieces(n: int) -> list[slice]:
    """Return the pieces that so many rows are cut into.

    >>> [len(range(piece.start, piece.stop)) for piece in pieces(40)]
    [16, 16, 8]
    """
    step = min(LARGEST, max(SMALLEST, -(-n // PIECES // SMALLEST) * SMALLEST))
    return [slice(begin, min(begin + step, n)) for begin in range(0, n, step)]
