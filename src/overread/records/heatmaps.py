"""The folder that `overread explain` writes: maps, where they lie in the image, scores, boxes, tables and pictures.

    heatmaps.json    what was explained, how, and where the maps' cells lie; written last, so that with it all is whole
    maps.npy         (images, findings, rows, columns): signed and unscaled, in units of the logit
    index.parquet    image, patient, split, and per finding prob_, call_ and label_
    boxes.parquet    image, patient, finding, x, y, width, height in pixels of the square image
    overlays.csv     file, image, finding, outcome, score, threshold, and what the picture shows
    overlays/        the pictures
    localisation.csv, heat.csv, sanity.csv, confounder.csv

Reading it needs NumPy and polars alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import MISSING
from overread.records.errors import InputError, located, quoted
from overread.records.tables import Source, source

FORMAT, VERSION = "overread heat maps", 1
DOCUMENT, MAPS, INDEX, BOXES, OVERLAYS = "heatmaps.json", "maps.npy", "index.parquet", "boxes.parquet", "overlays.csv"
TABLES = ("localisation", "heat", "sanity", "confounder")
AGAIN = "Run overread explain again."

BOX_COLUMNS = {
    "image": pl.String,
    "patient": pl.String,
    "finding": pl.String,
    "x": pl.Float64,
    "y": pl.Float64,
    "width": pl.Float64,
    "height": pl.Float64,
}
OVERLAY_COLUMNS = {
    "file": pl.String,
    "image": pl.String,
    "finding": pl.String,
    "outcome": pl.String,
    "score": pl.Float64,
    "threshold": pl.Float64,
    "peak": pl.Float64,
    "full_colour": pl.Float64,
    "said": pl.String,
}
OUTCOMES = ("true positive", "false positive", "false negative", "true negative")


@dataclass(frozen=True, eq=False)
class HeatMaps:
    """Maps of a model's findings on images, with what they are judged by.

    `maps` is (images, findings, rows, columns), signed and unscaled: only what is above 0 speaks for a finding. The
    cells fill the rectangle `area` (left, top, width, height) of the square image of `size` pixels. `scores` is
    (images, findings), `labels` 1, 0 or `MISSING`, `thresholds` by finding, nan where none could be chosen. `boxes` are
    in pixels of the square, also of images that were not explained: the floors are made of them.
    """

    reading: str
    method: str
    findings: tuple[str, ...]
    images: tuple[str, ...]
    patients: tuple[str, ...]
    split: str
    maps: NDArray[Any]
    scores: NDArray[np.float64]
    labels: NDArray[np.int8]
    thresholds: NDArray[np.float64]
    rule: str
    chosen_on: str
    size: int
    area: tuple[float, float, float, float]
    boxes: pl.DataFrame
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n, f = len(self.images), len(self.findings)
        if self.maps.ndim != 4 or self.maps.shape[:2] != (n, f):
            raise ValueError(f"maps must be ({n} images, {f} findings, rows, columns), got {self.maps.shape}")
        for name in ("scores", "labels"):
            if getattr(self, name).shape != (n, f):
                raise ValueError(f"{name} must be ({n} images, {f} findings), got {getattr(self, name).shape}")
        if len(self.patients) != n or self.thresholds.shape != (f,):
            raise ValueError("patients must have an entry for each image, and thresholds one for each finding")

    def heat(self, image: int, finding: int) -> NDArray[np.float64]:
        """Return the part of a map that speaks for the finding."""
        return np.clip(np.asarray(self.maps[image, finding], np.float64), 0, None)

    @property
    def called(self) -> NDArray[np.bool_]:
        """Return which images were called positive; never where there is no threshold."""
        return np.asarray(self.scores >= np.where(np.isnan(self.thresholds), np.inf, self.thresholds))

    def outcome(self, image: int, finding: int) -> str:
        """Return what became of an image at the operating point; empty without label or threshold."""
        label = int(self.labels[image, finding])
        if label == MISSING or np.isnan(self.thresholds[finding]):
            return ""
        return OUTCOMES[(0 if label == 1 else 1) if self.called[image, finding] else (2 if label == 1 else 3)]


@dataclass(frozen=True, eq=False)
class Explained:
    """What a folder of heat maps holds for a page: the maps, the tables by name, and the list of pictures."""

    folder: Path
    maps: HeatMaps
    tables: Mapping[str, pl.DataFrame]
    overlays: pl.DataFrame
    source: Source

    def picture(self, file: str) -> bytes:
        """Return a picture that `overlays` names."""
        return read(self.folder / "overlays" / file)


def as_stored(maps: NDArray[np.floating[Any]]) -> NDArray[Any]:
    """Return maps as half-precision numbers where these can hold them, else as single-precision ones."""
    most = float(np.abs(maps).max(initial=0))
    return maps.astype(np.float16 if most == 0 or 1e-2 < most < 6e4 else np.float32)


def files_of(maps: HeatMaps, tables: Mapping[str, pl.DataFrame]) -> dict[str, bytes]:
    """Return the files of the folder but for the pictures, in the order in which they are to be written."""
    called = maps.called
    index: dict[str, Any] = {"image": maps.images, "patient": maps.patients}
    for k, finding in enumerate(maps.findings):
        index |= {
            f"prob_{finding}": maps.scores[:, k],
            f"call_{finding}": pl.Series(called[:, k]) if not np.isnan(maps.thresholds[k]) else [None] * len(called),
            f"label_{finding}": pl.Series(maps.labels[:, k]).replace(MISSING, None),
        }
    files = {
        MAPS: _npy(as_stored(np.asarray(maps.maps))),
        INDEX: _parquet(pl.DataFrame(index)),
        BOXES: _parquet(maps.boxes.select(pl.col(name).cast(kind) for name, kind in BOX_COLUMNS.items())),
    }
    files |= {f"{name}.csv": table.write_csv().encode() for name, table in tables.items()}
    said = {
        "format": FORMAT,
        "version": VERSION,
        "reading": maps.reading,
        "method": maps.method,
        "findings": list(maps.findings),
        "split": maps.split,
        "thresholds": [None if np.isnan(value) else float(value) for value in maps.thresholds],
        "rule": maps.rule,
        "chosen_on": maps.chosen_on,
        "size": maps.size,
        "area": list(maps.area),
        "facts": dict(maps.facts),
        "warnings": list(maps.warnings),
        "checksums": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    return files | {DOCUMENT: (json.dumps(said, indent=2) + "\n").encode()}


def _npy(array: NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def read_heatmaps(folder: str | Path) -> Explained:
    """Read what `overread explain` wrote; nothing in it is run.

    Raises `InputError` when it is not such a folder, a file is missing, or one was changed since.
    """
    folder = Path(folder)
    said = _document(folder)
    for name, expected in said["checksums"].items():
        if Path(name).name != name:
            raise InputError(located(folder / DOCUMENT), f"it names a file outside of its folder: {quoted(name)}")
        if hashlib.sha256(read(folder / name)).hexdigest() != expected:
            raise InputError(located(folder / name), "the file was changed after it was written", "", AGAIN)
    try:
        maps = _maps(folder, said)
        tables = {
            name: pl.read_csv(BytesIO(read(folder / f"{name}.csv")), infer_schema_length=None)
            for name in TABLES
            if f"{name}.csv" in said["checksums"]
        }
        overlays = pl.read_csv(BytesIO(read(folder / OVERLAYS)), schema=OVERLAY_COLUMNS)
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as reason:
        raise InputError(located(folder), f"it does not hold heat maps ({reason!r})", "", AGAIN) from None
    odd = [file for file in overlays["file"] if Path(file).name != file]
    if odd:
        raise InputError(located(folder / OVERLAYS), f"it names a file outside of its folder: {quoted(odd[0])}")
    return Explained(folder, maps, tables, overlays, source(folder / DOCUMENT, read(folder / DOCUMENT)))


def _document(folder: Path) -> dict[str, Any]:
    if not (folder / DOCUMENT).is_file():
        what = "there is no such folder" if not folder.exists() else f"there is no {DOCUMENT} in it"
        raise InputError(located(folder), what, "a folder that overread explain wrote", "Check the path.")
    try:
        said = json.loads(read(folder / DOCUMENT))
    except ValueError as reason:
        raise InputError(located(folder / DOCUMENT), f"it is not JSON ({reason})", "", AGAIN) from None
    if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("checksums"), dict):
        raise InputError(located(folder / DOCUMENT), "it was not written by overread explain", f'"format": "{FORMAT}"')
    if said.get("version") != VERSION:
        what = f"it has version {quoted(said.get('version'))} of the format"
        raise InputError(located(folder / DOCUMENT), what, f"version {VERSION}", AGAIN)
    return said


def _maps(folder: Path, said: Mapping[str, Any]) -> HeatMaps:
    index = pl.read_parquet(BytesIO(read(folder / INDEX)))
    findings = tuple(said["findings"])
    labels = [index[f"label_{finding}"].cast(pl.Int8).fill_null(MISSING).to_numpy() for finding in findings]
    left, top, width, height = (float(value) for value in said["area"])
    return HeatMaps(
        reading=str(said["reading"]),
        method=str(said["method"]),
        findings=findings,
        images=tuple(index["image"]),
        patients=tuple(index["patient"]),
        split=str(said["split"]),
        maps=np.load(BytesIO(read(folder / MAPS)), allow_pickle=False),
        scores=np.stack([index[f"prob_{finding}"].to_numpy() for finding in findings], axis=1),
        labels=np.stack(labels, axis=1),
        thresholds=np.array([np.nan if value is None else value for value in said["thresholds"]], np.float64),
        rule=str(said["rule"]),
        chosen_on=str(said["chosen_on"]),
        size=int(said["size"]),
        area=(left, top, width, height),
        boxes=pl.read_parquet(BytesIO(read(folder / BOXES))),
        facts=said["facts"],
        warnings=tuple(said["warnings"]),
    )


def read(path: Path) -> bytes:
    """Return the content of a file of the folder, or say which one is missing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(located(path), "this file of the heat maps is missing", "", AGAIN) from None
    except OSError as reason:
        raise InputError(located(path), f"it cannot be read ({reason.strerror})") from None
