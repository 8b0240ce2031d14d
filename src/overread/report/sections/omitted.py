"""What the page does not speak of because nobody asked: where the readings fail, and how to have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overread.report import lookup, numbers
from overread.report.section import Section

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

THOROUGH = {
    "subgroups": "for whom it fails (subgroups)",
    "auroc_balanced": "where the AUROC comes from",
    "calibration": "whether a score can be read as a probability",
    "attribute_prediction": "what the outputs tell of the person",
    "floors": "what it may lean on (shortcuts)",
}
"""What `--thorough` adds, by the table that it fills."""


def section(second: SecondReading) -> Section | None:
    """Return what was not looked at; nothing where all was, or where it was asked for and could not be had."""
    lacking = [said for table, said in THOROUGH.items() if lookup.table(second, table) is None]
    if second.options.thorough or not lacking:
        return None
    lead = (
        f"Not looked at here: {numbers.listing(lacking)}. A good number can be good for a bad reason, so look before "
        "you rely on one: overread report with --thorough adds these sections in a few seconds.",
    )
    return Section("omitted", "What this page leaves out", lead)
