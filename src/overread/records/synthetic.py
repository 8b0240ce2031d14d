"""Whether the images of a cohort are phantoms, drawn by a program, so that everything made from them can say so."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from overread.records.errors import counted

FILE = "phantom.json"
"""The file by which `overread phantom` says that the images of a folder are phantoms."""

PREFIX = "phantom_"
"""How the names of its images begin, so that a table copied elsewhere, or a reading, is still known for what it is."""

MEANING = "Nothing measured on it says how well a model reads real radiographs."


def synthetic(images: pl.Series, folder: Path | None = None) -> str:
    """Return a sentence about the phantoms among the images of a cohort, "" where there are none.

    They are known by their names; all images are phantoms where `folder`, in which the label table lies, says so.

    >>> synthetic(pl.Series(["phantom_00000001_000.png"])).partition(". ")[0]
    'Every image is a synthetic phantom, drawn by a program'
    >>> synthetic(pl.Series(["00000001_000.png"]))
    ''
    """
    n = int(images.str.starts_with(PREFIX).sum())
    marked = folder is not None and is_phantom(folder)
    if not n and not marked:
        return ""
    if marked or n == len(images):
        return f"Every image is a synthetic phantom, drawn by a program. {MEANING}"
    return f"Synthetic phantoms, drawn by a program, lie among the images: {counted(n, 'image')}. {MEANING}"


def is_phantom(folder: Path) -> bool:
    """Return whether a folder says that its images are phantoms; a folder that may not be looked into does not."""
    try:
        return (folder / FILE).is_file()
    except OSError:
        return False
