"""What is odd about the scores themselves, before any number made from them is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overread.records.findings import display
from overread.report import numbers
from overread.report.section import Cell, Column, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading


def section(second: SecondReading) -> Section | None:
    """Return what the checks of the scores raised and what is odd about this run; nothing where neither is."""
    raised = second.tables["provenance"]
    lead = list(second.warnings)
    if not raised.is_empty():
        names = raised["reading"].unique(maintain_order=True).to_list()
        seen = (
            f"The checks of the scores raised {numbers.plural(raised.height, 'point')} about {numbers.listing(names)}."
        )
        doubtful = set(raised["severity"]) != {"note"}
        lead.append(f"{seen} {DOUBTFUL if doubtful else HARMLESS}")
    if not lead:
        return None
    blocks, guide = ((), ()) if raised.is_empty() else ((sheet(second),), GUIDE)
    return Section("provenance", "Before you trust the numbers", tuple(lead), blocks, guide)


DOUBTFUL = "Read these first: numbers made from wrong scores are wrong, however narrow their intervals."
HARMLESS = "None of them puts the numbers in doubt."


def sheet(second: SecondReading) -> Sheet:
    """Return the points raised, one per row."""
    columns = tuple(Column(title, numeric=False) for title in ("Reader", "Finding", "Check", "Weight", "What was seen"))
    rows = tuple(
        tuple(
            Cell(text or "")
            for text in (
                row["reading"],
                display(row["finding"] or "all"),
                row["check"],
                row["severity"],
                row["message"],
            )
        )
        for row in second.tables["provenance"].iter_rows(named=True)
    )
    return Sheet("provenance", "Points raised about the scores", columns, rows, shown=True)


GUIDE = (
    (
        "Scores are checked for signs of how they were made: logits in place of probabilities, a sigmoid applied "
        "twice, scores bent around 0.5, columns of findings that the model was never trained on, two columns "
        "exchanged, and ties made by rounding."
    ),
    "A point raised here is a reason to look at the file, not a proof of a fault.",
)
