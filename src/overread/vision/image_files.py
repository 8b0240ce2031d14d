"""The image files below a folder, by their names.

An image of a cohort is found by looking its name up among the files that lie below one folder; no path from a table is
ever opened, so nothing that a table says can lead elsewhere. Symbolic links below the folder are followed, because
whoever could put a link there could have put the file there; a circle of links is walked once.
"""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from overread.records.errors import InputError, located, plain, quoted


class ImageFiles(Mapping[str, Path]):
    """Every file below a folder by its name, the last part of its path.

    Where several files have one name, asking for it gives the first (in the order of their paths) if all are the same
    byte for byte, and else raises `InputError` with two of the paths.
    """

    def __init__(self, folder: Path, found: Mapping[str, list[str]]) -> None:
        self.folder, self._found = folder, found

    def __getitem__(self, name: str) -> Path:
        paths = self._found[name]
        if len(paths) > 1:
            self._refuse_different(name, sorted(paths))
        return self.folder / min(paths)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def _refuse_different(self, name: str, paths: list[str]) -> None:
        first = self.folder / paths[0]
        for other in paths[1:]:
            try:
                same = filecmp.cmp(first, self.folder / other, shallow=False)
            except OSError:
                same = False
            if not same:
                what = f"{len(paths):,} files are named {plain(name)} and differ: {paths[0]} and {other}"
                do = "Give the folder that holds the right ones, or remove the others."
                raise InputError(located(self.folder), what, "one file for each image", do)


def image_files(folder: str | Path) -> ImageFiles:
    """Return the files anywhere below a folder by their names; hidden ones are left out.

    Raises `InputError` when the folder, or one below it, cannot be looked into.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        what = "this is a file" if os.path.exists(folder) else "there is no such folder"
        raise InputError(located(folder), what, "a folder with image files", "Check the path given as --images.")
    found: dict[str, list[str]] = {}
    for name, path in walked(folder):
        found.setdefault(name, []).append(path)
    return ImageFiles(folder, found)


def walked(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the path below a folder of every file in it, each real folder entered once."""
    waiting, entered = [""], set()
    while waiting:
        below = waiting.pop()
        here = os.path.join(folder, below)
        try:
            known = os.stat(here)
            if (known.st_dev, known.st_ino) in entered:
                continue
            entered.add((known.st_dev, known.st_ino))
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    path = os.path.join(below, entry.name)
                    if entry.is_dir():
                        waiting.append(path)
                    elif entry.is_file():
                        yield entry.name, path
        except OSError as reason:
            do = "Ask for the right to read it, or move it elsewhere."
            raise InputError(located(here), f"the folder cannot be opened ({reason.strerror})", "", do) from None


def absent(name: str, folder: Path) -> InputError:
    """Return the refusal of an image that no file below a folder is named after."""
    expected = "a file of exactly that name, ending included"
    return InputError(located(folder), f"no file below this folder is named {quoted(name)}", expected)
