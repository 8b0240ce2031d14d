"""The appendix: methods to paste into a paper, the meaning of every word, warnings, options, versions and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from overread.records.findings import display
from overread.records.tables import Source
from overread.report import numbers
from overread.report.glossary import DEFINITIONS, OPTIONS
from overread.report.section import Cell, Column, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

NOT_OF_THE_RESULT = "threads"  # changes how long it takes, never what comes out


def section(second: SecondReading) -> Section:
    """Return the appendix."""
    context = {
        "methods": second.methods,
        "definitions": DEFINITIONS,
        "warnings": second.warnings,
        "options": pairs_sheet("options", "Options", "Option", options(second)),
        "versions": pairs_sheet("versions", "Versions", "Software", second.versions),
        "sources": sources_sheet(second.study.sources),
    }
    return Section("appendix", "Appendix", template="appendix.html", context=context)


def options(second: SecondReading) -> dict[str, str]:
    """Return the options as they are read, in the order in which they are defined."""
    return {
        OPTIONS.get(each.name, each.name.replace("_", " ").capitalize()): written(getattr(second.options, each.name))
        for each in fields(second.options)
        if each.name != NOT_OF_THE_RESULT
    }


def written(option: Any) -> str:
    """Write an option's value.

    >>> written({"Mass": 0.01}), written(True), written({}), written(2000), written(("age", "view"))
    ('Mass 0.01', 'yes', 'none', '2,000', 'age, view')
    """
    if isinstance(option, Mapping):
        return ", ".join(f"{display(str(name))} {value}" for name, value in option.items()) or "none"
    if isinstance(option, bool):
        return "yes" if option else "no"
    if isinstance(option, tuple):
        return ", ".join(map(str, option)) or "none"
    return numbers.count(option) if isinstance(option, int) else str(option)


def pairs_sheet(name: str, title: str, head: str, pairs: Mapping[str, str]) -> Sheet:
    """Return names and values as a sheet."""
    columns = Column(head, numeric=False), Column("Value", numeric=False)
    return Sheet(name, title, columns, tuple((Cell(key), Cell(value)) for key, value in pairs.items()), shown=True)


def sources_sheet(sources: Sequence[Source]) -> Sheet:
    """Return the files that were read, with their checksums."""
    columns = Column("File", numeric=False), Column("Bytes"), Column("SHA-256", numeric=False)
    rows = tuple((Cell(source.path), Cell(numbers.count(source.n_bytes)), Cell(source.sha256)) for source in sources)
    return Sheet("inputs", "Inputs", columns, rows, shown=True)
