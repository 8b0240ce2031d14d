"""ChestX-ray14 as the NIH Clinical Center ships it, and the compact table of it inside this package.

The folder holds the label table, the two lists of the official split by patient, the boxes, and images anywhere below
it, which are not looked for here. Source: Wang et al. (2017), CVPR; https://nihcc.app.box.com/v/ChestXray-NIHCC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from overread.records import columns
from overread.records.cohort_table import CohortTable
from overread.records.errors import InputError, counted, listed, located, plain
from overread.records.findings import NIH_FINDINGS, key
from overread.records.formats.gzipped import unpacked
from overread.records.headers import nih_name, roles
from overread.records.tables import Source, Table, read_bytes, read_table, source

SHIPPED = "chestxray14"
"""The word that names the label table inside this package."""

SHIPPED_FILE = Path(__file__).parent / "data" / "chestxray14.parquet"
LABELS, BOXES = "Data_Entry_2017", "BBox_List_2017"
LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}
ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True, eq=False)
class Lists:
    """The official split: the part of each image, null where no list names it."""

    split: pl.Series | None
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]


def shipped() -> tuple[CohortTable, Source]:
    """Return ChestX-ray14 from inside this package: 112,120 images with their labels, attributes and official split.

    Bit k of `findings` is finding k of `NIH_FINDINGS`; `scripts/make_chestxray14.py` makes the file.
    """
    data = SHIPPED_FILE.read_bytes()
    frame = pl.read_parquet(BytesIO(data))
    bits = frame["findings"].to_numpy()
    labels = ((bits[:, None] >> np.arange(len(NIH_FINDINGS), dtype=bits.dtype)) & 1).astype(np.int8)
    rows = frame.select(
        pl.format(
            "{}_{}.png",
            pl.col("patient").cast(pl.String).str.zfill(8),
            pl.col("number").cast(pl.String).str.zfill(3),
        ).alias("image"),
        pl.col("patient").cast(pl.String),
        pl.when("test").then(pl.lit("test")).otherwise(pl.lit("train")).alias("split"),
        pl.col("age").cast(pl.Int64),
        pl.when("female").then(pl.lit("F")).otherwise(pl.lit("M")).alias("gender"),
        pl.when("ap").then(pl.lit("AP")).otherwise(pl.lit("PA")).alias("view"),
        pl.col("follow_up").cast(pl.Int64),
    )
    named = source(SHIPPED, data)
    return CohortTable(rows, NIH_FINDINGS, labels), named


def label_table(folder: Path) -> tuple[Table, tuple[str, ...]]:
    """Read the label table of a folder, the newest where there are several, and say so.

    Raises `InputError` when there is none.
    """
    found = files(folder, LABELS)
    if not found:
        what = f"the folder holds no label table {LABELS}*.csv or .csv.gz"
        do = "Give the folder that NIH's files were downloaded to, or the path of one table."
        raise InputError(located(folder), what, "NIH's ChestX-ray14 layout", do)
    said = f"{counted(len(found), 'label table')} lie in the folder; {plain(found[-1].name)} is used."
    return read_table(found[-1]), (said,) if len(found) > 1 else ()


def files(folder: Path, beginning: str) -> list[Path]:
    """Return the tables of a folder whose name begins so, sorted; a plain table hides its compressed copy."""
    begun = [path for path in list_folder(folder) if path.name.lower().startswith(beginning.lower())]
    plainly = {path.name.lower() for path in begun}
    return [
        path
        for path in begun
        if path.name.lower().endswith(ENDINGS)
        and not (path.name.lower().endswith(".gz") and path.name.lower().removesuffix(".gz") in plainly)
    ]


def list_folder(folder: Path) -> list[Path]:
    """Return what lies directly in a folder, sorted by name."""
    try:
        return sorted(folder.iterdir())
    except OSError as reason:
        raise InputError(located(folder), f"the folder cannot be opened ({reason.strerror})") from None


def official_split(folder: Path, images: pl.Series) -> Lists:
    """Return the part of each image by NIH's two lists, and say what they leave open.

    An image in both lists counts as training, so that it is never reported as tested. Raises `InputError` when only
    one of the lists is there.
    """
    paths = {part: found_list(folder, name) for part, name in LISTS.items()}
    lacking = [LISTS[part] for part, path in paths.items() if path is None]
    if len(lacking) == len(LISTS):
        return Lists(None, (), (f"The folder holds neither {' nor '.join(lacking)}: every image counts as test.",))
    if lacking:
        raise InputError(located(folder), f"{lacking[0]} is missing", "both lists of the official split")
    named, sources = {}, []
    for part, path in paths.items():
        assert path is not None
        named[part], read = read_list(path)
        sources.append(read)
    train, test = images.is_in(named["train"].to_list()), images.is_in(named["test"].to_list())
    split = pl.select(pl.when(train).then(pl.lit("train")).when(test).then(pl.lit("test"))).to_series()
    return Lists(split.alias("split"), tuple(sources), tuple(told(images, train, test, named)))


def told(images: pl.Series, train: pl.Series, test: pl.Series, named: dict[str, pl.Series]) -> list[str]:
    """Say which images stand in both lists, in neither, or only in a list."""
    warnings = []
    both, neither = images.filter(train & test), images.filter(~(train | test))
    if len(both):
        said = f"In both lists of the official split: {counted(len(both), 'image')} ({listed(both.to_list())})"
        warnings.append(f"{said}; counted as training.")
    if len(neither):
        said = f"In neither list of the official split: {counted(len(neither), 'image')} ({listed(neither.to_list())})"
        warnings.append(f"{said}; reported only with --split all.")
    everyone = pl.concat(list(named.values())).unique(maintain_order=True)
    absent = everyone.filter(~everyone.is_in(images.to_list()))
    if len(absent):
        said = f"In the official split and not in the label table: {counted(len(absent), 'image')}"
        warnings.append(f"{said} ({listed(absent.to_list())}).")
    return warnings


def found_list(folder: Path, name: str) -> Path | None:
    """Return the path of a list in a folder, plain or compressed."""
    candidates = [path for path in list_folder(folder) if path.name.lower() in (name, f"{name}.gz")]
    return candidates[0] if candidates else None


def read_list(path: Path) -> tuple[pl.Series, Source]:
    """Read a list with the name of an image on each line."""
    data = read_bytes(path)
    content = unpacked(data, located(path)) if path.name.lower().endswith(".gz") else data
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(located(path), "the text is not UTF-8", "the name of an image on each line") from None
    names = pl.Series("image", lines, dtype=pl.String).str.strip_chars()
    return columns.last_part(names.filter(names != "")).unique(maintain_order=True), source(path, data)


def read_boxes(folder: Path, findings: Sequence[str]) -> tuple[pl.DataFrame | None, tuple[Source, ...]]:
    """Read the boxes of a folder: image, finding, and x, y, width, height in pixels of the original image.

    The header `Bbox [x,y,w,h]` splits at its commas, and `Infiltrate` is the label table's `Infiltration`.
    Raises `InputError` when a number is none or a finding is not one of the label table's.
    """
    found = files(folder, BOXES)
    if not found:
        return None, ()
    table = read_table(found[-1])
    names = {
        "finding": ("finding label", "finding"),
        "x": ("bbox [x", "x"),
        "y": ("y",),
        "width": ("w", "width"),
        "height": ("h]", "h", "height"),
    }
    by_key = {key(name): name for name in table.frame.columns}
    column = {what: next((by_key[n] for n in known if n in by_key), "") for what, known in names.items()}
    column["image"] = roles(table.frame.columns).get("image", "")
    lacking = [what for what, name in column.items() if not name]
    if lacking:
        expected = "the columns Image Index, Finding Label, Bbox [x,y,w,h]"
        raise InputError(table.name, f"there is no column for {listed(lacking, most=6)}", expected)
    boxes = pl.DataFrame(
        {
            "image": columns.last_part(columns.text(table.frame[column["image"]])),
            "finding": box_findings(table, column["finding"], findings),
        }
        | {
            side: columns.numbers(table.frame[column[side]], table.where, what=side, empty=False)
            for side in ("x", "y", "width", "height")
        }
    )
    return boxes, () if table.source is None else (table.source,)


def box_findings(table: Table, column: str, findings: Sequence[str]) -> pl.Series:
    """Return the finding of each box as the label table spells it, else (no image there has it) as NIH does."""
    by_key = {key(name): name for name in findings}
    given = columns.text(table.frame[column])
    spelled = {name: by_key.get(key(name)) or nih_name(name) for name in given.drop_nulls().unique()}
    names = given.replace_strict(spelled, default=None, return_dtype=pl.String)
    if names.null_count():
        row = int(names.is_null().arg_true()[0])
        what = f"the finding {plain(given[row] or '')} is none of the label table"
        raise InputError(table.where(column, row), what, "one of its labels, or of NIH's")
    return names
