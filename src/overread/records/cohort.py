"""A cohort: images with their patients, labels, attributes, split and boxes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from overread.records import nih
from overread.records.cohort_table import CohortTable, cohort_table
from overread.records.columns import MISSING as MISSING
from overread.records.errors import InputError, counted, listed, located
from overread.records.frames import table_from_arrays, table_from_frame
from overread.records.synthetic import synthetic
from overread.records.tables import Source, Table, read_table, stem


@dataclass(frozen=True, eq=False)
class Cohort:
    """Images from one source, with the truth about them.

    `table` has a row per image: `image` (the last part of its path), then `patient` and `split` where they are known
    (text; a split is train, val, test or null), then the attributes. `labels` is (images, findings): 1, 0 or
    `MISSING`. `boxes` has image, finding, x, y, width, height in pixels of the original image. `warnings` are
    sentences for the reader; `synthetic` is the one that says that its images are phantoms.

    `assumed` are findings only because their column holds 0 and 1; `refusals` says why an attribute cannot be a
    finding. Both are settled when a reading shows which findings are meant (`study`).
    """

    name: str
    table: pl.DataFrame
    findings: tuple[str, ...]
    labels: NDArray[np.int8]
    boxes: pl.DataFrame | None = None
    sources: tuple[Source, ...] = ()
    warnings: tuple[str, ...] = ()
    assumed: frozenset[str] = frozenset()
    refusals: Mapping[str, InputError] = field(default_factory=dict)
    synthetic: str = ""

    def __post_init__(self) -> None:
        if self.labels.shape != (len(self.table), len(self.findings)):
            expected = f"({len(self.table)} images, {len(self.findings)} findings)"
            raise ValueError(f"labels must have the shape {expected}, got {self.labels.shape}")
        if self.table.columns[:1] != ["image"]:
            raise ValueError(f"the first column of table must be image, got {self.table.columns[:1]}")

    @property
    def n_images(self) -> int:
        """Return the number of images."""
        return len(self.table)

    @property
    def images(self) -> pl.Series:
        """Return the names of the images."""
        return self.table["image"]

    @property
    def patients(self) -> pl.Series | None:
        """Return whom each image is of, `None` when that is not known."""
        return self.table["patient"] if "patient" in self.table.columns else None

    @property
    def split(self) -> pl.Series | None:
        """Return the part of each image, `None` when the cohort has no parts."""
        return self.table["split"] if "split" in self.table.columns else None

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the names of the attributes."""
        return tuple(name for name in self.table.columns if name not in ("image", "patient", "split"))

    def take(self, rows: NDArray[np.int64]) -> Cohort:
        """Return the cohort of some rows, in the order given."""
        table = self.table[rows]
        boxes = None if self.boxes is None else self.boxes.filter(pl.col("image").is_in(table["image"].to_list()))
        return replace(self, table=table, labels=self.labels[rows], boxes=boxes)


def as_written(table: Table) -> Table:
    """Return a table as it is."""
    return table


def read_cohort(source: str | Path, *, prepare: Callable[[Table], Table] = as_written) -> Cohort:
    """Read a cohort: a folder in NIH's layout, one table, or the word `chestxray14` for the one that ships inside.

    `prepare` is given the label table before it is understood, and returns the one to read.

    Raises `InputError` when it cannot be read, and says where and what to do.
    """
    if str(source) == nih.SHIPPED:
        content, shipped = nih.shipped()
        return cohort(nih.SHIPPED, content, sources=(shipped,))
    path = Path(source)
    if os.path.isdir(path):  # unlike Path.is_dir, no exception where a folder above may not be entered
        return read_folder(path, prepare=prepare)
    if not path.suffix and not os.path.exists(path):
        do = f"Check the path; the only word known is {nih.SHIPPED}."
        raise InputError(located(source), "there is no such file or folder", "", do)
    table = prepare(read_table(source))
    of_table = () if table.source is None else (table.source,)
    return cohort(stem(source), cohort_table(table), sources=of_table, folder=path.parent)


def read_folder(folder: Path, *, prepare: Callable[[Table], Table] = as_written) -> Cohort:
    """Read a folder in NIH's ChestX-ray14 layout as downloaded."""
    table, notes = nih.label_table(folder)
    table = prepare(table)
    content = cohort_table(table)
    lists = nih.official_split(folder, content.rows["image"])
    boxes, of_boxes = nih.read_boxes(folder, content.findings)
    if lists.split is not None:
        place = 2 if "patient" in content.rows.columns else 1
        rows = content.rows.drop("split", strict=False).insert_column(place, lists.split)
        content = replace(content, rows=rows)
    of_table = () if table.source is None else (table.source,)
    name = Path(os.path.abspath(folder)).name or "cohort"  # as it is called, also where it is a link
    found = cohort(name, content, boxes=boxes, sources=(*of_table, *lists.sources, *of_boxes), folder=folder)
    first = (found.synthetic,) if found.synthetic else ()
    return replace(found, warnings=(*first, *notes, *lists.warnings, *found.warnings[len(first) :]))


def cohort_from_frame(frame: Any, *, name: str = "cohort", findings: Sequence[str] | None = None) -> Cohort:
    """Return the cohort in a dataframe of any kind, or a mapping of columns, by the rules of a table in a file.

    `findings` names the columns of findings where 0 and 1 alone do not tell them. Raises `InputError` as
    `read_cohort` does.

    >>> cohort = cohort_from_frame({"image": ["1.png", "2.png"], "Mass": [0, 1], "age": [60, 61]})
    >>> cohort.findings, cohort.attributes
    (('Mass',), ('age',))
    """
    return cohort(name, cohort_table(table_from_frame(frame, name=name), findings=findings))


def cohort_from_arrays(
    labels: ArrayLike,
    *,
    images: Sequence[str],
    findings: Sequence[str],
    attributes: Mapping[str, Sequence[Any]] | None = None,
    name: str = "cohort",
) -> Cohort:
    """Return the cohort in an array of labels (images, findings), each 1, 0 or nan where it was not assessed.

    `attributes` are further columns by name, `patient` and `split` among them. Raises `InputError` as `read_cohort`
    does, and when the shapes do not agree.

    >>> cohort_from_arrays([[0], [1]], images=["1.png", "2.png"], findings=["Mass"]).labels.tolist()
    [[0], [1]]
    """
    table = table_from_arrays(labels, images=images, findings=findings, name=name, further=attributes)
    return cohort(name, cohort_table(table, findings=findings))


def cohort(
    name: str,
    content: CohortTable,
    *,
    boxes: pl.DataFrame | None = None,
    sources: tuple[Source, ...] = (),
    folder: Path | None = None,
) -> Cohort:
    """Return a cohort with what its table says and what is to be said of it; `folder` is where the table lies."""
    drawn = synthetic(content.rows["image"], folder)
    said = [drawn] if drawn else []
    return Cohort(
        name=name,
        table=content.rows,
        findings=content.findings,
        labels=content.labels,
        boxes=boxes,
        sources=sources,
        warnings=(*said, *content.warnings, *shared_patients(content.rows), *without_split(content.rows)),
        assumed=content.assumed,
        refusals=content.refusals,
        synthetic=drawn,
    )


def shared_patients(table: pl.DataFrame) -> list[str]:
    """Say how many patients stand on both sides of a split: a model may know them by heart."""
    if not {"patient", "split"} <= set(table.columns):
        return []
    pairs = table.select("patient", "split").drop_nulls().unique()
    warnings = []
    for one, other in (("train", "test"), ("train", "val"), ("val", "test")):
        here = pairs.filter(pl.col("split") == one)["patient"]
        there = pairs.filter(pl.col("split") == other)["patient"]
        both = here.filter(here.is_in(there.to_list())).sort()
        if len(both):
            images = table.filter((pl.col("split") == other) & pl.col("patient").is_in(both.to_list()))
            patients = f"{counted(len(both), 'patient')} ({listed(both.to_list())})"
            seen = f"{counted(len(images), 'image')} of {other}"
            warnings.append(f"In both {one} and {other}: {patients}, with {seen}. Figures on them may flatter.")
    return warnings


def without_split(table: pl.DataFrame) -> list[str]:
    """Say how many images a table leaves without a part."""
    if "split" not in table.columns or not table["split"].null_count():
        return []
    n = table["split"].null_count()
    return [f"In no split: {n:,} of {counted(len(table), 'image')}; reported only with --split all."]
