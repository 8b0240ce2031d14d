"""The answer: a few plain sentences, and the handful of numbers behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overread.report import lookup, numbers
from overread.report.section import Cell, Column, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading


def section(second: SecondReading) -> Section:
    """Return the opening of the page."""
    return Section(
        "answer",
        "The answer",
        blocks=(glance(second),),
        template="answer.html",
        context={"answer": second.answer},
    )


def glance(second: SecondReading) -> Sheet:
    """Return the few numbers that say most, one column per reader."""
    everyone = lookup.readers(second).everyone
    rows = [(Cell(f"{title}, mean over findings"), *mean_cells(second, metric)) for title, metric in MEANS]
    panel = lookup.by_key(second.tables["panel"], "reading", "metric")
    rows += [(Cell(title), *(lookup.cell(panel.get((name, metric))) for name in everyone)) for title, metric in SHARES]
    columns = (Column("", numeric=False), *(Column(name) for name in everyone))
    foot = f"In brackets: {numbers.level(second.options.level)} intervals, patients resampled."
    return Sheet("at-a-glance", "At a glance", columns, tuple(rows), shown=True, foot=(foot,))


MEANS = (("AUROC", "auroc"), ("Sensitivity", "sensitivity"), ("Specificity", "specificity"), ("PPV", "ppv"))
SHARES = (
    ("Images with no finding that get at least one false call", "any_false_call"),
    ("Images with findings of which all are found", "all_found"),
)


def mean_cells(second: SecondReading, metric: str) -> list[Cell]:
    """Return the mean of a metric over findings for every reader."""
    rows = lookup.by_key(lookup.estimates(second, metric), "reading", "finding")
    return [lookup.cell(rows.get((name, "mean")), metric) for name in lookup.readers(second).everyone]
