"""Reporting guidelines filled in, with the flow, who was imaged, and calls beside the truth; only where asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from overread.analyses.reporting.evidence import STATUSES
from overread.analyses.reporting.listing import GUIDELINES
from overread.records.findings import display
from overread.records.study_form import QUESTIONS
from overread.report import lookup, numbers
from overread.report.figures.flow import Box, Tested, draw_flow
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.cohort import PARTS

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

COUNTS = ("not_assessed", "ill", "tp", "fn", "healthy", "fp", "tn")
MOST_DRAWN = 3
NOT_A_JUDGEMENT = (
    "Reported means that the report or the form says it, and where. It does not say that the study was done well, nor "
    "that a guideline is met: that is for a person who reads both."
)


def section(second: SecondReading) -> Section | None:
    """Return the guidelines that were asked for; nothing where none was."""
    table = lookup.table(second, "reporting")
    if table is None:
        return None
    context = {"guidelines": [guideline(key, table) for key in table["guideline"].unique(maintain_order=True)]}
    blocks: list[Figure | Sheet] = [flow_sheet(second), *flow_figures(second), demographics_sheet(second)]
    blocks.append(cross_sheet(second))
    if len(second.tables["study_form"]):
        blocks.append(form_sheet(second))
    lead = (counted(table), NOT_A_JUDGEMENT)
    return Section("reporting", "Reporting guidelines", lead, tuple(blocks), GUIDE, "reporting.html", context)


def counted(table: pl.DataFrame) -> str:
    """Say how many items have which status."""
    n = dict(table["status"].value_counts().iter_rows())
    several = numbers.plural(table["guideline"].n_unique(), "guideline")
    parts = [f"{n.get(status, 0)} {status}" for status in STATUSES]
    return f"{numbers.plural(len(table), 'item')} of {several}: {numbers.listing(parts)}."


def guideline(key: str, table: pl.DataFrame) -> dict[str, Any]:
    """Return a guideline as its template draws it."""
    rows = table.filter(pl.col("guideline") == key)
    of = GUIDELINES[key]
    return {
        "key": key,
        "title": of.title,
        "citation": of.citation,
        "url": of.url,
        "checked": of.checked,
        "counts": counted(rows).partition(": ")[2].rstrip("."),
        "numbered": any(rows["item"]),
        "rows": [row | {"links": links(row["where"])} for row in rows.iter_rows(named=True)],
    }


def links(where: str) -> list[tuple[str, str]]:
    """Return each place as an address and its name.

    >>> links("#auroc tables/flow.csv")
    [('#auroc', 'auroc'), ('tables/flow.csv', 'tables/flow.csv')]
    """
    return [(each, each.removeprefix("#").removeprefix("sheet-").removeprefix("figure-")) for each in where.split()]


# ---- the flow ----


def flow_sheet(second: SecondReading) -> Sheet:
    """Return the steps as a table."""
    columns = Column("Step", numeric=False), Column("Images"), Column("Patients")
    rows = tuple(
        (Cell(row["what"]), Cell(numbers.count(row["n_images"])), Cell(numbers.count(row["n_patients"])))
        for row in second.tables["flow"].iter_rows(named=True)
    )
    foot = ("Images add up. Patients are counted anew at each step, as one may have images on both sides.",)
    return Sheet("flow", "Flow of images and patients", columns, rows, shown=True, foot=foot)


def flow_figures(second: SecondReading) -> Iterator[Figure]:
    """Yield the flow diagram of each reading."""
    boxes = steps(second)
    cross = second.tables["cross_tabulation"]
    for name, file in list(lookup.file_names("flow", second.readings).items())[:MOST_DRAWN]:
        of = lookup.by_key(cross.filter(pl.col("reading") == name), "finding")
        tested = [
            Tested(display(finding), tuple(numbers.count(of[(finding,)][count]) for count in COUNTS))
            for finding in second.study.findings
            if (finding,) in of
        ]
        caption = f"Flow of images as STARD draws it, and the calls of {name} at its operating points beside the truth."
        yield Figure(file, f"Flow of images, {name}", draw_flow(boxes, tested, name), caption)


def steps(second: SecondReading) -> list[Box]:
    """Return the boxes of the flow: a step where nobody is left out is not drawn twice."""
    of = {row["step"]: row for row in second.tables["flow"].iter_rows(named=True)}

    def lines(step: str, title: str) -> tuple[str, ...]:
        return title, size(of[step])

    boxes = [Box(lines("cohort", "Images of the cohort"), left_out(of["in other splits"], "In other splits"))]
    if of["in other splits"]["n_images"]:
        title = f"Images of the {second.study.split} split"
        boxes.append(Box(lines("asked for", title), left_out(of["not scored by all"], WITHOUT)))
    elif of["not scored by all"]["n_images"]:
        boxes = [Box(boxes[0].lines, left_out(of["not scored by all"], WITHOUT))]
    boxes.append(Box(lines("reported", "Images reported")))
    return boxes


WITHOUT = "Without a score from every reading"


def left_out(row: lookup.Row, title: str) -> tuple[str, ...]:
    """Return the box of those left out, nothing where there are none."""
    return (title, size(row)) if row["n_images"] else ()


def size(row: lookup.Row) -> str:
    """Write images and patients."""
    patients = f" of {numbers.plural(row['n_patients'], 'patient')}" if row["n_patients"] is not None else ""
    return f"{numbers.plural(row['n_images'], 'image')}{patients}"


# ---- the tables ----


def demographics_sheet(second: SecondReading) -> Sheet:
    """Return who was imaged, a column for each part."""
    table = second.tables["demographics"]
    splits = table["split"].unique(maintain_order=True).to_list()
    of = lookup.by_key(table, "split", "characteristic", "level")
    keys = list(dict.fromkeys(table.select("characteristic", "level").rows()))
    order = list(dict.fromkeys(name for name, _ in keys))
    keys.sort(key=lambda each: (order.index(each[0]), each[1] == ""))
    rows = []
    for characteristic, level in keys:
        cells = [demographic(of.get((split, characteristic, level))) for split in splits]
        rows.append((Cell(titled(characteristic, level)), *map(Cell, cells)))
    columns = Column("Characteristic", numeric=False), *(Column(PARTS.get(split, split)) for split in splits)
    foot = ("Images with their share; age as mean (standard deviation), median and quartiles over images.",)
    return Sheet("demographics", "Who was imaged, and how", columns, tuple(rows), shown=True, foot=foot)


def titled(characteristic: str, level: str) -> str:
    """Write the head of a row of characteristics.

    >>> titled("all", ""), titled("gender", "F"), titled("gender", ""), titled("age", "known")
    ('Images (patients)', 'gender: F', 'gender: not known', 'age, years')
    """
    if characteristic == "all":
        return "Images (patients)"
    if characteristic == "age" and level == "known":
        return "age, years"
    return f"{characteristic}: {level or 'not known'}"


def demographic(row: lookup.Row | None) -> str:
    """Write a characteristic of one part."""
    if row is None:
        return numbers.count(0)
    if row["mean"] is not None:
        quartiles = ", ".join(numbers.decimal(row[name], 0) for name in ("q1", "q3"))
        spread = numbers.decimal(row["sd"], 1)
        return f"{numbers.decimal(row['mean'], 1)} ({spread}); {numbers.decimal(row['median'], 0)} [{quartiles}]"
    if row["characteristic"] == "all":
        patients = f" ({numbers.count(row['n_patients'])})" if row["n_patients"] is not None else ""
        return f"{numbers.count(row['n_images'])}{patients}"
    return f"{numbers.count(row['n_images'])} ({numbers.percent(row['share'])})"


def cross_sheet(second: SecondReading) -> Sheet:
    """Return calls beside the truth of every reading and finding."""
    own = second.tables["cross_tabulation"].filter(pl.col("reading").is_in(list(second.readings)))
    columns = (
        Column("Finding", numeric=False),
        Column("Reader", numeric=False),
        Column("Not assessed"),
        *(Column(title, "With it") for title in ("Images", "Called (TP)", "Not called (FN)")),
        *(Column(title, "Without it") for title in ("Images", "Called (FP)", "Not called (TN)")),
    )
    of = lookup.by_key(own, "finding", "reading")
    rows = tuple(
        (Cell(display(finding)), Cell(name), *(Cell(numbers.count(of[finding, name][count])) for count in COUNTS))
        for finding in second.study.findings
        for name in second.readings
        if (finding, name) in of
    )
    return Sheet("cross-tabulation", "Calls beside the truth, by finding", columns, rows)


def form_sheet(second: SecondReading) -> Sheet:
    """Return what the form says."""
    columns = tuple(Column(title, numeric=False) for title in ("Question", "Asks", "Answer"))
    rows = tuple(
        (Cell(row["question"]), Cell(row["asks"]), Cell(row["answer"]))
        for row in second.tables["study_form"].iter_rows(named=True)
    )
    foot = (f"{len(rows)} of {len(QUESTIONS)} questions are answered. The answers are a person's.",)
    return Sheet("study-form", "What a person says of the study", columns, rows, foot=foot)


GUIDE = (
    (
        "Each row is an item of a guideline, in our words. The value says what was found, the last column where it "
        "stands. Partly: some of it is there. Missing: nothing is, and what would show it is named. Not applicable is "
        "said by a person, with the reason."
    ),
    "Numbers of items are given only where they could be checked; under each guideline stands how.",
    "The file reporting.md has the same for the supplement of a paper.",
)
