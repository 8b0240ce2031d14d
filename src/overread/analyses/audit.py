"""The cohort before any model: who is in it, how frequent each finding is, and what is wrong with the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from overread.analyses.audit_blind import blind_points, blind_table, floor_rows
from overread.analyses.audit_boxes import box_points, boxes_table
from overread.analyses.audit_faults import faults, missing_points, missing_values
from overread.analyses.audit_people import (
    images_per_patient,
    parts_table,
    reading_points,
    readings_table,
    shared_patients,
    shared_points,
    span,
)
from overread.analyses.audit_point import ORDER, Point, points_table, rows_table
from overread.analyses.audit_prevalence import (
    absent_points,
    codes,
    difference_said,
    label_counts,
    prevalence,
    split_differences,
    split_points,
    together,
    worth_saying,
)
from overread.analyses.audit_truth import truth_said, truth_tables
from overread.analyses.second_reading import Progress, versions
from overread.records.adjudicated import Adjudicated
from overread.records.cohort import Cohort
from overread.records.common_findings import settled
from overread.records.errors import InputError, counted, listed
from overread.records.findings import NO_FINDING, display
from overread.records.headers import nih_name
from overread.records.reading import Reading
from overread.records.repeated_rows import Raw
from overread.records.tables import Source


@dataclass(frozen=True, eq=False)
class Audit:
    """All that an audit found: tables by name, the sentences that open it, and what it was made from."""

    cohort: Cohort
    readings: tuple[str, ...]
    level: float
    seed: int
    tables: dict[str, pl.DataFrame]
    summary: tuple[str, ...]
    sources: tuple[Source, ...]
    versions: dict[str, str]


def audit(
    cohort: Cohort,
    readings: Sequence[Reading] = (),
    *,
    raw: Raw | None = None,
    adjudicated: Adjudicated | None = None,
    level: float = 0.95,
    seed: int = 0,
    progress: Progress = lambda step: None,
) -> Audit:
    """Look a cohort over before any model is judged on it.

    `readings` are asked only which part of the cohort their images lie in, and which columns of 0 and 1 are findings;
    without them, every such column is one. `raw` is the table as it was written
    (`read_with_repeated`); without it, repeated rows, spellings and `No Finding` beside a finding cannot be seen.
    `adjudicated` is a better truth for some images, with which the labels are compared.
    `seed` deals patients into halves where a blind reader has to be cross-fitted.

    Raises `InputError` when two readings share a name or the better truth has nothing of the cohort, `ValueError` when
    the level is out of range.

    >>> from overread.records.cohort import cohort_from_frame
    >>> table = {"image": ["1.png", "2.png"], "patient": [7, 7], "split": ["train", "test"], "Mass": [0, 1]}
    >>> found = audit(cohort_from_frame(table))
    >>> found.tables["points"].row(0)[:2], found.tables["shared_patients"].rows()
    (('patients in several splits', 'serious'), [('7', 1, 0, 1)])
    """
    refuse_twice(readings)
    if readings:
        cohort = settled(cohort, readings)[0]
    patients = codes(cohort)
    progress("counting images and patients")
    tables = {
        "parts": parts_table(cohort),
        "images_per_patient": images_per_patient(cohort),
        "span": span(cohort),
        "label_counts": label_counts(cohort),
        "shared_patients": shared_patients(cohort),
        "missing_values": missing_values(cohort),
        "boxes": boxes_table(cohort),
        "readings": readings_table(cohort, readings),
    }
    progress("estimating prevalence")
    tables["prevalence"] = prevalence(cohort, patients, level=level)
    tables["split_differences"] = split_differences(cohort, patients, level=level)
    progress("counting findings together")
    tables["cooccurrence"] = together(cohort, patients, level=level)
    progress("comparing labels with a better truth")
    tables |= truth_tables(cohort, adjudicated, level=level, seed=seed)
    progress("fitting readers that see no image")
    tables["blind"] = blind_table(cohort, patients, level=level, seed=seed)
    found = tuple(points(cohort, raw, tables))
    tables |= {"points": points_table(found), "point_images": rows_table(found)}
    return Audit(
        cohort=cohort,
        readings=tuple(reading.name for reading in readings),
        level=level,
        seed=seed,
        tables=tables,
        summary=tuple(summary(cohort, tables)),
        sources=(
            *cohort.sources,
            *(source for reading in readings for source in reading.sources),
            *(adjudicated.sources if adjudicated is not None else ()),
        ),
        versions=versions(),
    )


def refuse_twice(readings: Sequence[Reading]) -> None:
    """Refuse two readings of one name."""
    names = [reading.name for reading in readings]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        do = "Name them as NAME=PATH."
        raise InputError("--reading", f"more than one is named {listed(twice)}", "each name once", do)


def points(cohort: Cohort, raw: Raw | None, tables: dict[str, pl.DataFrame]) -> Iterator[Point]:
    """Yield everything that is raised."""
    yield from shared_points(cohort)
    yield from faults(cohort, raw)
    yield from while_reading(cohort, raw)
    yield from assumed_findings(cohort)
    yield from box_points(cohort)
    yield from synthetic_points(cohort)
    yield from absent_points(cohort)
    yield from reading_points(tables["readings"])
    yield from split_points(tables["split_differences"], len(cohort.findings))
    yield from blind_points(tables["blind"])
    yield from missing_points(tables["missing_values"])


def while_reading(cohort: Cohort, raw: Raw | None) -> Iterator[Point]:
    """Raise what was odd when the files were read and no other point says, such as an image in both official lists."""
    said_elsewhere: tuple[str, ...] = ("In both train", "In both val", "In no split")
    if raw is not None:
        said_elsewhere += (f"{NO_FINDING} together",)
    for warning in cohort.warnings:
        if warning != cohort.synthetic and not warning.startswith(said_elsewhere):
            yield Point("while reading", "caution", "", 0, warning, "Look at the file that it names.")


def synthetic_points(cohort: Cohort) -> Iterator[Point]:
    """Raise images that are phantoms."""
    if cohort.synthetic:
        remedy = "Use it to test a tool or a method; for statements about patients take real radiographs."
        yield Point("synthetic images", "caution", "", cohort.n_images, cohort.synthetic, remedy)


def assumed_findings(cohort: Cohort) -> Iterator[Point]:
    """Raise the columns that count as findings for no other reason than that they hold 0 and 1."""
    known = any(nih_name(finding) for finding in cohort.findings)
    assumed = [finding for finding in cohort.findings if finding in cohort.assumed and nih_name(finding) is None]
    if known and assumed:
        holds, counts = ("holds", "counts as a finding") if len(assumed) == 1 else ("hold", "count as findings")
        yield Point(
            "taken for a finding", "note", ", ".join(assumed), cohort.n_images,
            f"{listed(assumed, most=6)} {holds} 0 and 1 only, and {counts} here.",
            "If it is an attribute, such as a chest tube, write words (yes, no), or give a reading that does not score "
            "it: prevalence is then shown by it.",
        )  # fmt: skip


# --- the sentences at the top ----------------------------------------------------------------------------------------


def summary(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Yield the answer in plain sentences."""
    for sentences in SENTENCES:
        yield from sentences(cohort, tables)


def size_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say how large the cohort is."""
    row = tables["parts"].row(0, named=True)
    n = row["n_with_finding"]
    of = "" if row["n_patients"] is None else f" of {counted(row['n_patients'], 'patient')}"
    yield (
        f"{cohort.name} holds {counted(row['n_images'], 'image')}{of} and {counted(len(cohort.findings), 'finding')}; "
        f"{counted(n, 'image')} ({share_said(row['share_with_finding'])}) {'carries' if n == 1 else 'carry'} at least "
        "one finding."
    )
    table = tables["images_per_patient"]
    if not len(table):
        yield "Whom an image is of is not known: every image counts as a patient, and intervals may be too narrow."
        return
    most = table.row(-1, named=True)["images_of_patient"]
    single = float(table.filter(pl.col("images_of_patient") == 1)["share_of_patients"].sum())
    median = cumulative_median(table)
    yield (
        f"A patient has {median:g} image{'' if median == 1 else 's'} in the median and {most:,} at most; "
        f"{share_said(single)} of patients have one. Images of one patient resemble each other, so intervals here are "
        "by patient."
    )


def cumulative_median(table: pl.DataFrame) -> float:
    """Return the median number of images of a patient."""
    each = table["images_of_patient"].repeat_by(table["n_patients"]).explode()
    median = each.median()
    return float(str(median))


def sides_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say whether patients stand on both sides of a split."""
    if cohort.split is None:
        yield "The cohort has no splits: overread takes every image for test."
    elif cohort.patients is not None:
        shared = tables["shared_patients"]
        if len(shared):
            few = listed(shared["patient"].to_list())
            stand = "stands" if len(shared) == 1 else "stand"
            yield f"{counted(len(shared), 'patient')} ({few}) {stand} on both sides of a split."
        else:
            yield "No patient stands on both sides of a split."


def splits_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say where prevalence differs most between splits."""
    table = tables["split_differences"]
    if not len(table):
        return
    large = worth_saying(table)
    if not len(large):
        yield "No finding differs in prevalence between splits by a quarter or more, beyond chance."
        return
    for own in large.partition_by("split", "against", maintain_order=True):
        first = own.row(0, named=True)
        more = int((own["ratio"] > 1).sum())
        yield (
            f"{len(own)} of {len(cohort.findings)} findings {'differs' if len(own) == 1 else 'differ'} in prevalence "
            f"between {first['split']} and {first['against']} by a quarter or more; {more} of {len(own)} "
            f"{'is' if more == 1 else 'are'} more frequent in {first['split']}. The largest difference: "
            f"{difference_said(first)}."
        )


def together_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say which two findings share an image most often against independence."""
    table = tables["cooccurrence"]
    pairs = table.filter(pl.col("n_both") >= 10, pl.col("low") > 1).sort("ratio", descending=True, maintain_order=True)
    if len(pairs):
        row = pairs.row(0, named=True)
        yield (
            f"{display(row['finding'])} and {display(row['other'])} share {counted(row['n_both'], 'image')}, "
            f"{row['ratio']:.3g} times as many as if findings fell independently "
            f"(interval {row['low']:.3g} to {row['high']:.3g})."
        )


def blind_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say how well attributes alone tell findings."""
    rows = floor_rows(tables["blind"]).filter(pl.col("value").is_not_null())
    if not len(rows):
        return
    ordered = rows.sort("value", descending=True, maintain_order=True)
    best = ordered.row(0, named=True)
    *names, last = best["features"].split(", ")
    features = f"{', '.join(names)} and {last}" if names else last
    mean = float(ordered["value"].mean())  # type: ignore[arg-type]
    yield (
        f"A reader that is told {features} alone, and sees no image, has a mean AUROC of {mean:.3f}; best for "
        f"{display(best['finding'])} ({interval_said(best)}). It is the floor that a model must beat."
    )


def readings_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say in which part the images of a reading lie."""
    for row in tables["readings"].filter(pl.col("split") == "train", pl.col("n_images") > 0).iter_rows(named=True):
        yield (
            f"{row['n_images']:,} of the {row['n_reading']:,} images of the reading {row['reading']} "
            f"({share_said(row['share'])}) lie in the training part of the cohort."
        )


def points_said(cohort: Cohort, tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Say how much was raised."""
    severities = tables["points"]["severity"].to_list()
    if not severities:
        yield "Nothing impossible or contradictory was found."
        return
    counts = [f"{n} {name}" for name in ORDER if (n := severities.count(name))]
    plural = "point was" if len(severities) == 1 else "points were"
    yield f"{len(severities)} {plural} raised ({', '.join(counts)})."


def interval_said(row: dict[str, float | None]) -> str:
    """Write a value with its interval, where it has one."""
    if row["low"] is None or row["high"] is None:
        return f"{row['value']:.3f}"
    return f"{row['value']:.3f}, interval {row['low']:.3f} to {row['high']:.3f}"


def share_said(share: float | None) -> str:
    """Write a share as a percentage."""
    return "none" if share is None else f"{100 * share:.1f} %"


Sentences = Callable[[Cohort, dict[str, pl.DataFrame]], Iterator[str]]
SENTENCES: tuple[Sentences, ...] = (
    size_said,
    sides_said,
    splits_said,
    together_said,
    blind_said,
    truth_said,
    readings_said,
    points_said,
)
