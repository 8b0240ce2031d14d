"""What the outputs tell of who was imaged, and how: gender, view and age read off the scores, beside the labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.attribute_prediction import LABELS, SCORES
from overread.analyses.attributes import attribute_name
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals, lower_end
from overread.report.figures.theme import Readers
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

ALONE = "the labels alone"
IN_FULL = 4
"""So many readers have sentences; the figure and the table hold all."""


def section(second: SecondReading) -> Section | None:
    """Return what the outputs tell of the person and the view; nothing where that was not looked at."""
    if lookup.table(second, "attribute_prediction") is None:
        return None
    blocks = (figure(second), sheet(second))
    return Section("attribute-prediction", "What the outputs tell of the person", tuple(lead(second)), blocks, GUIDE)


def rows_of(second: SecondReading, predictor: str) -> dict[tuple[str, ...], lookup.Row]:
    """Return what scores, or the labels, tell, by reader, attribute and value."""
    table = second.tables["attribute_prediction"].filter(predictor=predictor)
    return lookup.by_key(table, "reading", "attribute", "value")


def values(second: SecondReading) -> list[tuple[str, str]]:
    """Return every attribute with its values, in their order."""
    return second.tables["attribute_prediction"].select("attribute", "value").unique(maintain_order=True).rows()


# --- sentences -------------------------------------------------------------------------------------------------------


def lead(second: SecondReading) -> Iterator[str]:
    """Say what is read off the scores, and for each reader which value of each attribute best."""
    yield (
        "From a reader's scores alone, and no image, a simple rule is learnt on half of the patients to tell who was "
        "imaged and how, and tried on the other half. The same rule learnt from the labels shows what follows from "
        "disease; what the scores tell beyond that is something else of the person or the machine, or disease that "
        "the labels leave out."
    )
    for name in second.readings[:IN_FULL]:
        parts = [part for attribute in attributes(second) if (part := best_said(second, name, attribute))]
        if parts:
            yield f"{name} tells {'; '.join(parts)}."
    yield "That the scores tell it does not show that a reader leans on it; it is what leaning would take."


def attributes(second: SecondReading) -> list[str]:
    """Return the attributes in their order."""
    return list(dict.fromkeys(attribute for attribute, _ in values(second)))


def best_said(second: SecondReading, name: str, attribute: str) -> str:
    """Say the value of an attribute that a reader's scores tell best among those with an interval."""
    scores, labels = rows_of(second, SCORES), rows_of(second, LABELS)
    known = [row for key, row in scores.items() if key[:2] == (name, attribute) and numbers.defined(row["low"])]
    if not known:
        return ""
    row = max(known, key=lambda each: each["auroc"])
    of_labels = labels[name, attribute, row["value"]]
    best = "" if len([each for each in values(second) if each[0] == attribute]) == 1 else "best "
    said, by_labels = lookup.said(as_value(row), second.options.level), numbers.decimal(of_labels["auroc"])
    return (
        f"{attribute_name(attribute)} {best}({row['value']} from the rest) with an AUROC of {said}, the labels alone "
        f"with {by_labels}"
    )


def as_value(row: lookup.Row) -> lookup.Row:
    """Return an AUROC as an estimate."""
    return {"value": row["auroc"], "low": row["low"], "high": row["high"], "note": row["note"]}


# --- blocks ----------------------------------------------------------------------------------------------------------


def figure(second: SecondReading) -> Figure:
    """Return how well each value is told from the scores of each reader, and from the labels."""
    level, rows = second.options.level, []
    for predictor in (SCORES, LABELS):
        for (name, attribute, value), row in rows_of(second, predictor).items():
            if predictor == LABELS and name != second.readings[0]:
                continue  # they are the same for every reader
            who = name if predictor == SCORES else ALONE
            title = named(attribute, value)
            said = f"{title}, told from {f'the scores of {name}' if predictor == SCORES else ALONE}: AUROC "
            said += lookup.said(as_value(row), level)
            rows.append((who, title, row["auroc"], row["low"], row["high"], said, row["note"] or ""))
    texts, floats = dict.fromkeys(("reading", "row"), pl.String), dict.fromkeys(("value", "low", "high"), pl.Float64)
    frame = pl.DataFrame(rows, schema=texts | floats | {"sentence": pl.String, "note": pl.String}, orient="row")
    drawing = draw_intervals(
        frame,
        Readers(second.readings, ALONE),
        order=[named(*each) for each in values(second)],
        title="AUROC",
        domain=(lower_end(frame.select(pl.min_horizontal("value", "low")).to_series()), 1.0),
        rules=[0.5],
    )
    caption = (
        f"How well a value is told from all others, with {numbers.level(level)} intervals by patient; 0.5 is guessing. "
        "Of an attribute with two values, the first stands for both."
    )
    return Figure("attribute-prediction", "Told from the scores, and from the labels alone", drawing, caption)


def named(attribute: str, value: str) -> str:
    """Name a value in a row."""
    return f"{attribute_name(attribute)}: {value}"


def sheet(second: SecondReading) -> Sheet:
    """Return every number."""
    scores, labels = rows_of(second, SCORES), rows_of(second, LABELS)
    columns = [Column("Told", numeric=False), Column("Reader", numeric=False), Column("Images"), Column("With it")]
    columns += [Column(head, "AUROC from") for head in ("the scores", ALONE)]
    columns.append(Column("Scores minus labels"))
    rows = []
    for attribute, value in values(second):
        for name in second.readings:
            row, other = scores[name, attribute, value], labels[name, attribute, value]
            apart = (row["difference"], row["difference_low"], row["difference_high"])
            sizes = (Cell(numbers.count(row[n])) for n in ("n_images", "n_positive"))
            areas = (lookup.cell(as_value(each)) for each in (row, other))
            head = Cell(named(attribute, value)), Cell(name)
            rows.append((*head, *sizes, *areas, Cell(numbers.interval(*apart, numbers.signed))))
    foot = (
        "Logistic regression on the logits of all scores, or on the labels, learnt on one half of the patients and "
        "read on the other; only images of one half are compared with each other.",
    )
    title = "What the outputs tell: all numbers"
    return Sheet("attribute-prediction-table", title, tuple(columns), tuple(rows), foot=foot)


GUIDE = (
    (
        "Networks learn gender, age and the view without being asked to. Where a finding goes with one of them, a "
        "reader that knows it can gain by it, and will lose where the two do not go together."
    ),
    (
        "Compare with where the AUROC comes from, and with the subgroups: what the outputs tell is a danger only where "
        "balancing for it takes something away."
    ),
)
