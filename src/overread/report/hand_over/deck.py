"""What the slides say: one plain sentence as the head of each, taken from the report, and what shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from overread.report import lookup, numbers
from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.paper_tables import table_1
from overread.report.section import Cell, Column, Sheet

MOST_PAIRS, MOST_READERS = 3, 4
"""Pairs that get slides of their own, and readers that a table on a slide has room for."""

NO_DEVICE = "A research result and no medical device. The figures are those of one cohort; another clinic has others."


@dataclass(frozen=True)
class Picture:
    """A figure of the report as SVG, and what it shows for those who do not see it."""

    svg: str
    shows: str


@dataclass(frozen=True)
class Slide:
    """One slide: its head, and below it sentences, a table or a picture; `notes` are for the speaker."""

    head: str
    sentences: tuple[str, ...] = ()
    sheet: Sheet | None = None
    picture: Picture | None = None
    notes: tuple[str, ...] = ()


def deck(report: FinishedReport) -> tuple[Slide, ...]:
    """Return the slides in order: who was read, the answer, AUROC and floor, 1,000 people, pairs, failures, limits."""
    return tuple(
        slide
        for slides in (
            cohort(report),
            answers(report),
            discrimination(report),
            people(report),
            comparisons(report),
            failures(report),
            limits(report),
        )
        for slide in slides
    )


def title(report: FinishedReport) -> str:
    """Return the title of the whole."""
    return f"Second reading of {numbers.listing(report.readings)}"


def question(report: FinishedReport) -> str:
    """Return the question that the whole answers."""
    do = "does" if len(report.readings) == 1 else "do"
    found = numbers.plural(len(report.study.findings), "finding")
    return (
        f"How well {do} {numbers.listing(report.readings)} tell {found} on chest radiographs, what would the errors "
        "mean to 1,000 people, and how much of it can be had without looking at the image?"
    )


def cohort(report: FinishedReport) -> Iterator[Slide]:
    """Say who was read: images and patients of each part, or the steps from the cohort to the images reported."""
    opening = report.said_of("")
    head = next((each for each in opening if each.endswith(f"of the cohort {report.study.name}.")), title(report))
    others = tuple(each for each in opening if each != head and not is_floor(each))
    yield Slide(head, others, sheet=flow_sheet(report) or parts_sheet(report), notes=report.methods[:1])


def flow_sheet(report: FinishedReport) -> Sheet | None:
    """Return the steps from the cohort to the images that are reported, where the report has them."""
    table = lookup.table(report, "flow")
    if table is None:
        return None
    rows = tuple(
        (Cell(row["what"]), Cell(numbers.count(row["n_images"])), Cell(numbers.count(row["n_patients"])))
        for row in table.iter_rows(named=True)
    )
    return Sheet("flow", "Flow", (Column("Step", numeric=False), Column("Images"), Column("Patients")), rows)


def parts_sheet(report: FinishedReport) -> Sheet | None:
    """Return images and patients of what is reported and of the parts of the cohort."""
    table = lookup.table(report, "cohort")
    if table is None:
        return None
    heads = ("Part", "Images", "Patients", "With any finding")
    rows = tuple(
        (
            Cell(str(row["split"]).capitalize()),
            *(Cell(numbers.count(row[name])) for name in ("n_images", "n_patients", "n_positive")),
        )
        for row in table.filter(pl.col("finding") == "").iter_rows(named=True)
    )
    return Sheet("cohort", "Cohort", tuple(Column(head, numeric=head != "Part") for head in heads), rows)


def answers(report: FinishedReport) -> Iterator[Slide]:
    """Say the answer: of the first pair where readings are compared, else of the reading."""
    about = report.pairs[0] if report.pairs else report.readings[0]
    said = report.said_of(about) or (f"{about}: nothing could be computed.",)
    yield Slide(said[0], said[1:], notes=report.methods)


def discrimination(report: FinishedReport) -> Iterator[Slide]:
    """Show AUROC by finding, as a figure and as a table with the floor."""
    name = report.readings[0]
    said = of_reading(report, name, "AUROC")
    picture = report.figure("auroc")
    if said and picture:
        others = tuple(line for other in report.readings[1:MOST_READERS] for line in of_reading(report, other, "AUROC"))
        yield Slide(said[0], others, picture=Picture(picture, "AUROC of every finding with its interval, by reading"))
    floor = next(filter(is_floor, report.said_of("")), None)
    yield Slide(floor or "AUROC by finding", sheet=few_readers(report, table_1(report), 2))


def people(report: FinishedReport) -> Iterator[Slide]:
    """Show what the operating points do to 1,000 people, and all findings together to a healthy one."""
    said = [line for name in report.readings for line in of_reading(report, name, "At the operating point")]
    if not said:
        return
    panel = [line for name in report.readings for line in of_reading(report, name, "All findings together")]
    yield Slide(said[0], tuple(said[1:MOST_READERS]), sheet=people_sheet(report))
    if panel:
        svg = report.figure("panel")
        picture = (
            None if svg is None else Picture(svg, "Shares of images with false calls, and with all findings found")
        )
        yield Slide(panel[0], tuple(panel[1:MOST_READERS]), picture=picture)


PEOPLE = {
    "found": "Ill, found",
    "missed": "Ill, missed",
    "referred_healthy": "Healthy, referred",
    "spared": "Healthy, spared",
    "false_positives_per_true_positive": "False alarms per true one",
}


def people_sheet(report: FinishedReport) -> Sheet | None:
    """Return what happens to 1,000 people, a row per reading."""
    finding = "mean" if len(report.study.findings) > 1 else report.study.findings[0]
    table = report.tables["consequences"].filter(pl.col("finding") == finding, pl.col("per") == "all")
    of = lookup.by_key(table, "reading")
    rows = []
    for name in lookup.readers(report).everyone[: MOST_READERS + 1]:
        row = of.get((name,))
        if row is not None:
            digits = (1 if column == "false_positives_per_true_positive" else 0 for column in PEOPLE)
            written = (numbers.decimal(row[column], n) for column, n in zip(PEOPLE, digits, strict=True))
            rows.append((Cell(name), *map(Cell, written)))
    columns = (Column("Of 1,000 people", numeric=False), *map(Column, PEOPLE.values()))
    return Sheet("people", "Of 1,000 people", columns, tuple(rows)) if rows else None


def comparisons(report: FinishedReport) -> Iterator[Slide]:
    """Show each pair of readings: what differs finding by finding, and what that is to 1,000 people."""
    drawn = pictures(report, "differences")
    for pair in report.pairs[:MOST_PAIRS]:
        said = report.said_of(pair)
        svg = drawn.get(pair)
        if len(said) > 1:
            picture = None if svg is None else Picture(svg, f"Difference in AUROC by finding, {pair}")
            yield Slide(f"{pair}: {lower(said[1])}", said[2:], picture=picture)


def pictures(report: FinishedReport, prefix: str) -> Mapping[str, str]:
    """Return the figures of pairs by the title of the pair."""
    found = {}
    for pair in report.pairs:
        a, b = next(((a, b) for a in report.readings for b in report.readings if pair == f"{a} against {b}"), ("", ""))
        (name,) = lookup.file_names(prefix, [f"{a}-{b}"]).values()
        svg = report.figure(name)
        if svg is not None:
            found[pair] = svg
    return found


def failures(report: FinishedReport) -> Iterator[Slide]:
    """Show calibration and subgroups, where the report looked at them."""
    for start, name, shows in (
        ("Its scores", "reliability", "Frequency of findings by score"),
        ("For whom", "subgroups", "AUROC and ill people called nothing, by subgroup"),
        ("Between images of two patients", "auroc-source-1", "Where the AUROC comes from, by attribute"),
    ):
        said = [line for reading in report.readings for line in of_reading(report, reading, start)]
        svg = report.figure(name) or report.figure(f"{name}-{report.readings[0]}")
        if said:
            yield Slide(said[0], tuple(said[1:MOST_READERS]), picture=None if svg is None else Picture(svg, shows))


def limits(report: FinishedReport) -> Iterator[Slide]:
    """Say what the figures do not show."""
    level = numbers.level(report.options.level)
    resampled = f"Intervals are at level {level}, patients resampled: what another cohort would give, they do not say."
    confused = [line for name in report.readings[:MOST_READERS] for line in of_reading(report, name, "Told apart")]
    yield Slide(NO_DEVICE, (*report.warnings, *confused, resampled), notes=report.methods)


def of_reading(report: FinishedReport, name: str, part: str) -> list[str]:
    """Return the sentences on a reading that begin so, or with "Mean" before it; the name stands before each."""
    said = report.said_of(name)
    return [f"{name}: {lower(each)}" for each in said if each.removeprefix("Mean ").startswith(part)]


def lower(sentence: str) -> str:
    """Return a sentence as it goes on behind a colon.

    >>> lower("Mean AUROC 0.8."), lower("AUROC 0.8.")
    ('mean AUROC 0.8.', 'AUROC 0.8.')
    """
    return sentence if sentence[:2].isupper() else sentence[:1].lower() + sentence[1:]


def is_floor(sentence: str) -> bool:
    """Return whether a sentence is the one on the floor."""
    return sentence.endswith("is the floor.") and "blind reader" in sentence


def few_readers(report: FinishedReport, sheet: Sheet, before: int) -> Sheet:
    """Return a sheet with the columns of the first readers only, and the floor's, which is the last."""
    n = len(sheet.columns)
    readers = range(before, n)
    kept = [*range(before), *(readers if len(readers) <= MOST_READERS else (*readers[: MOST_READERS - 1], n - 1))]
    columns = tuple(sheet.columns[place] for place in kept)
    return Sheet(sheet.name, sheet.title, columns, tuple(tuple(row[place] for place in kept) for row in sheet.rows))
