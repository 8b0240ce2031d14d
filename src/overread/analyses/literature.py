"""What have others reported on ChestX-ray14, and on the same images or on others?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.analyses.quantities import MEAN
from overread.records import nih
from overread.records.findings import NIH_FINDINGS, key
from overread.records.study import Study

PUBLISHED_FILE = Path(__file__).parent / "data" / "published_auroc.csv"
PUBLISHED = {
    "model": pl.String,
    "year": pl.Int64,
    "finding": pl.String,
    "auroc": pl.Float64,
    "split": pl.String,
    "source": pl.String,
}
OFFICIAL = "official, by patient"
ALIKE = 0.9  # the share of positives in either table that are so in both, from which labels count as NIH's
TABLE = {
    "reading": pl.String,
    "finding": pl.String,
    "own_auroc": pl.Float64,
    "own_low": pl.Float64,
    "own_high": pl.Float64,
    "level": pl.Float64,
    "model": pl.String,
    "year": pl.Int64,
    "auroc": pl.Float64,
    "split": pl.String,
    "source": pl.String,
    "same_split": pl.Boolean,
    "note": pl.String,
}


@dataclass(frozen=True)
class Overlap:
    """What the reported images are of ChestX-ray14: the findings with NIH's labels, and the part in its test list.

    `findings` is empty where the cohort is not ChestX-ray14.
    """

    findings: tuple[str, ...]
    n_images: int
    n_listed: int
    n_list: int

    @property
    def official(self) -> bool:
        """Whether the reported images are those of NIH's test list, all of them and no other."""
        return self.n_images == self.n_listed == self.n_list

    def where(self) -> str:
        """Say what the reported images are."""
        if self.official:
            return f"NIH's test list, all {self.n_list:,} images"
        if self.n_images == self.n_listed:
            return f"a part of NIH's test list ({self.n_listed:,} of {self.n_list:,} images)"
        return f"not NIH's test list ({self.n_listed:,} of {self.n_images:,} images are in it)"


def published() -> pl.DataFrame:
    """Return the published AUROCs that ship with the package, each with its split and source, by year and model.

    `finding` = mean is the mean of the 14, as reported. Left out is what could not be read in a source.
    """
    return pl.read_csv(PUBLISHED_FILE, schema=PUBLISHED).sort("year", "model", maintain_order=True)


def literature(of: Study, estimates: pl.DataFrame, readings: Sequence[str]) -> pl.DataFrame:
    """Set every published AUROC on ChestX-ray14 beside that of each reading; never ranked.

    `estimates` is the table of that name. Values are comparable where `same_split` is true: both are of NIH's whole
    test list. On other images they are not: that list alone has up to 3.4 times the prevalence of the rest. `note`
    says what the images are. Rows are in the order of readings and findings, then by year and name of the model. There
    are none where the cohort is not ChestX-ray14.
    """
    overlap, reports = overlap_with_nih(of), published().rows(named=True)
    rows = [
        report | own | compared(overlap, report["split"])
        for own in own_areas(estimates, readings, of.findings, overlap)
        for report in reports
        if key(report["finding"]) == key(own["finding"])
    ]
    return pl.DataFrame(rows, schema=TABLE)


def overlap_with_nih(of: Study) -> Overlap:
    """Return what the reported images are of ChestX-ray14, judged by content: the cohort's name decides nothing.

    All of them must be in NIH's table by the stem of their names, since images are often stored in another format. A
    finding counts where its labels are NIH's too, so that images with a second truth are not set beside results on
    the first: of the images with the finding in either table, nine in ten or more must have it in both, which leaves
    room for NIH's own revisions, and none may be without a label.
    """
    shipped, _ = nih.shipped()
    known = pl.DataFrame({"stem": stems(shipped.rows["image"]), "split": shipped.rows["split"]}).with_row_index("row")
    names = pl.DataFrame({"stem": stems(of.cohort.images.gather(of.rows))}).with_row_index("place")
    found = names.join(known, on="stem", how="left").sort("place")
    n_listed, n_list = (int((table["split"] == "test").sum()) for table in (found, known))
    if found["row"].null_count():
        return Overlap((), len(found), n_listed, n_list)
    theirs = shipped.labels[found["row"].to_numpy()]
    column = {key(finding): place for place, finding in enumerate(NIH_FINDINGS)}
    alike = [
        finding
        for place, finding in enumerate(of.findings)
        if key(finding) in column and same_labels(of.labels[:, place], theirs[:, column[key(finding)]])
    ]
    return Overlap(tuple(alike), len(found), n_listed, n_list)


def stems(names: pl.Series) -> pl.Series:
    """Return names of images without their last extension."""
    return names.str.replace(r"\.[^.]*$", "")


def same_labels(one: NDArray[np.int8], other: NDArray[np.int8]) -> bool:
    """Return whether two rows of labels are the same but for revisions; a missing label is a difference.

    >>> same_labels(np.array([1, 1, 0, 0], np.int8), np.array([1, 0, 0, 0], np.int8))
    False
    """
    both, either = (one == 1) & (other == 1), (one == 1) | (other == 1)
    return bool((one >= 0).all() and both.sum() >= ALIKE * either.sum())


def own_areas(
    estimates: pl.DataFrame, readings: Sequence[str], findings: Sequence[str], overlap: Overlap
) -> Iterator[dict[str, object]]:
    """Yield the AUROC of each reading with its interval by patient, by finding; the mean where all 14 have one."""
    areas = estimates.filter(metric="auroc", method="bootstrap", attribute="")
    for reading in readings:
        of = {row["finding"]: row for row in areas.filter(reading=reading).iter_rows(named=True)}
        rows = [of[finding] for finding in overlap.findings if finding in of]
        complete = len(rows) == len(findings) == len(NIH_FINDINGS) and all(row["value"] is not None for row in rows)
        for row in [*rows, *([of[MEAN]] if complete and MEAN in of else [])]:
            own = {f"own_{name}": row[cell] for name, cell in (("auroc", "value"), ("low", "low"), ("high", "high"))}
            yield {"reading": reading, "finding": row["finding"], "level": row["level"]} | own


def compared(overlap: Overlap, split: str) -> dict[str, object]:
    """Return whether a report and this one are of the same images, and say what tells them apart."""
    if split != OFFICIAL:
        return {"same_split": False, "note": f"not comparable: reported on another split ({split})"}
    if not overlap.official:
        return {"same_split": False, "note": f"not comparable: the images of this report are {overlap.where()}"}
    return {"same_split": True, "note": f"same images: {overlap.where()}"}
