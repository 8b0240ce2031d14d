"""A finished report, read back from its folder: nothing that is passed on is computed a second time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from overread.analyses.passage import Passage
from overread.records.errors import InputError, located
from overread.report.results import MARKER
from overread.report.writer import REPORT, RESULTS

NEEDED = (
    *("readings", "floor", "cohort", "split", "n_images", "n_patients", "findings", "seed", "options"),
    *("versions", "inputs", "answer", "warnings", "methods", "tables"),
)


@dataclass(frozen=True)
class Cohort:
    """What was judged: the part of a cohort, its findings and its size; patients are None where they are not known."""

    name: str
    split: str
    findings: tuple[str, ...]
    n_images: int
    n_patients: int | None


@dataclass(frozen=True)
class Options:
    """The options that are named beside numbers."""

    level: float
    replicates: int
    seed: int


@dataclass(frozen=True, eq=False)
class FinishedReport:
    """A report as its folder holds it; tables of the page can be made from it as from a second reading."""

    folder: Path
    readings: tuple[str, ...]
    floor: str | None
    study: Cohort
    options: Options
    tables: Mapping[str, pl.DataFrame]
    answer: tuple[Passage, ...]
    warnings: tuple[str, ...]
    methods: tuple[str, ...]
    versions: Mapping[str, str]
    inputs: tuple[Mapping[str, Any], ...]
    checksum: str

    @property
    def page(self) -> Path:
        """Where the page is."""
        return self.folder / REPORT

    def said_of(self, title: str) -> tuple[str, ...]:
        """Return what the report says first of a reading or of a pair of readings; of the whole under no title."""
        return tuple(sentence for passage in self.answer if passage.title == title for sentence in passage.sentences)

    @property
    def pairs(self) -> tuple[str, ...]:
        """The titles of the pairs of readings that the report compares."""
        return tuple(passage.title for passage in self.answer if passage.title not in ("", *self.readings))

    def figure(self, name: str) -> str | None:
        """Return a figure as SVG, None where the report has none of that name."""
        path = self.folder / "figures" / f"{name}.svg"
        return path.read_text("utf-8") if path.is_file() else None


def read_finished(folder: str | Path) -> FinishedReport:
    """Read a report from the folder that `overread report` or `overread demo` wrote.

    Raises `InputError` when the folder is none, or lacks a part.
    """
    place = Path(folder)
    try:
        data = (place / RESULTS).read_bytes()
        document = json.loads(data)
    except (OSError, ValueError) as reason:
        what = f"there is no {RESULTS} that can be read ({getattr(reason, 'strerror', None) or 'not JSON'})"
        raise InputError(located(place), what, "the folder of a report", "Give the folder, not the page.") from None
    if not isinstance(document, dict) or document.get("format") != MARKER:
        raise InputError(located(place), "this is not the folder of a second reading", "a folder that report wrote")
    lacking = [name for name in NEEDED if name not in document]
    if lacking:
        what = f"{RESULTS} has no {lacking[0]}: it was written by another version, or changed"
        raise InputError(located(place), what, "a report of this version", "Run overread report again.")
    return FinishedReport(
        folder=place,
        readings=tuple(document["readings"]),
        floor=document["floor"],
        study=Cohort(
            document["cohort"],
            document["split"],
            tuple(document["findings"]),
            document["n_images"],
            document["n_patients"],
        ),
        options=Options(*(document["options"][name] for name in ("level", "replicates", "seed"))),
        tables={name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in document["tables"].items()},
        answer=tuple(Passage(each["title"], tuple(each["sentences"])) for each in document["answer"]),
        warnings=tuple(document["warnings"]),
        methods=tuple(document["methods"]),
        versions=document["versions"],
        inputs=tuple(document["inputs"]),
        checksum=sha256(data).hexdigest(),
    )
