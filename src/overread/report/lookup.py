"""Reading the tables of a second reading: which rows a section speaks of, and how one row is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from overread.records.findings import display
from overread.report import numbers
from overread.report.figures.theme import Readers
from overread.report.glossary import METRICS
from overread.report.section import MARKS, Cell

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

Row = Mapping[str, Any]
NOT_COMPUTED = "not computed"


class Judged(Protocol):
    """What was judged, as far as a table of the page needs to know it."""

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings by their names in the tables."""

    @property
    def n_images(self) -> int:
        """The number of images that are reported."""


class Level(Protocol):
    """The options that a table of the page names."""

    @property
    def level(self) -> float:
        """The level of the intervals."""


class Results(Protocol):
    """What tables of the page are made from: a second reading, or a report that was read back from its folder."""

    @property
    def readings(self) -> tuple[str, ...]:
        """The names of the readings."""

    @property
    def floor(self) -> str | None:
        """The name of the floor, where there is one."""

    @property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """The tables by name."""

    @property
    def study(self) -> Judged:
        """What was judged."""

    @property
    def options(self) -> Level:
        """The options."""


def readers(second: Results) -> Readers:
    """Return the readers of the figures: the user's, and the floor where it is not one of them."""
    return Readers(second.readings, second.floor)


def findings(second: SecondReading) -> tuple[str, ...]:
    """Return the names of the findings as they are read, in the order of the cohort."""
    return tuple(display(finding) for finding in second.study.findings)


def mean_name(second: SecondReading) -> str:
    """Return the name of the row of means."""
    n = len(second.study.findings)
    return f"Mean of {numbers.plural(n, 'finding')}"


def table(second: Results, name: str) -> pl.DataFrame | None:
    """Return a table that may be absent or without rows: None where it is."""
    found = second.tables.get(name)
    return None if found is None or found.is_empty() else found


def estimates(second: Results, metric: str, method: str = "bootstrap") -> pl.DataFrame:
    """Return the rows of one metric over all images, with one kind of interval."""
    of_all = pl.col("attribute").fill_null("") == ""
    return second.tables["estimates"].filter(of_all, pl.col("metric") == metric, pl.col("method") == method)


def by_key(frame: pl.DataFrame, *columns: str) -> dict[tuple[Any, ...], Row]:
    """Return the rows of a table by the values of some of its columns."""
    return {tuple(row[column] for column in columns): row for row in frame.iter_rows(named=True)}


def cell(row: Row | None, metric: str = "") -> Cell:
    """Return the cell of an estimate: value, interval, and the note where it has one."""
    if row is None:
        return Cell(numbers.DASH)
    written = numbers.interval(row["value"], row["low"], row["high"], numbers.writer_of(metric))
    return Cell(written, row.get("note") or "", mark(row))


def mark(row: Row | None) -> str:
    """Return the sign that says whether a number was planned; none without a plan."""
    return MARKS.get((row or {}).get("planned") or "", "")


def equal(p: float | None) -> str:
    """Write a p-value behind the letter p.

    >>> equal(0.2).replace(numbers.SPACE, " "), equal(0.0001).replace(numbers.SPACE, " ")
    ('= 0.200', '< 0.001')
    """
    text = numbers.p_value(p)
    return text if text.startswith("<") else f"={numbers.SPACE}{text}"


def said(row: Row | None, level: float, metric: str = "") -> str:
    """Say an estimate within a sentence: value and named interval, or why there is none."""
    if row is None or not numbers.defined(row["value"]):
        note = "" if row is None else row.get("note") or ""
        return f"{NOT_COMPUTED} ({note})" if note else NOT_COMPUTED
    write = numbers.writer_of(metric)
    if not numbers.defined(row["low"]) or not numbers.defined(row["high"]):
        return write(row["value"])
    return f"{write(row['value'])} ({numbers.level(level)} interval {write(row['low'])} to {write(row['high'])})"


def sentence(row: Row, metric: str, level: float, finding: str) -> str:
    """Say all of an estimate, as the mark of a figure does.

    >>> row = {"reading": "zech", "value": 0.9, "low": 0.88, "high": 0.92}
    >>> sentence(row, "auroc", 0.95, "Hernia").replace(numbers.SPACE, " ")
    'Hernia, zech: AUROC 0.900 (95 % interval 0.880 to 0.920)'
    """
    return f"{finding}, {row['reading']}: {METRICS.get(metric, metric)} {said(row, level, metric)}"


def share(row: Row | None, level: str = "") -> str:
    """Say a share as a percentage with its interval; `level` names the interval where it is not clear."""
    if row is None or not numbers.defined(row["value"]):
        return NOT_COMPUTED
    if not numbers.defined(row["low"]) or not numbers.defined(row["high"]):
        return numbers.percent(row["value"])
    low, high = numbers.decimal(100 * row["low"], 1), numbers.percent(row["high"])
    return f"{numbers.percent(row['value'])} ({f'{level} interval ' if level else ''}{low} to {high})"


def extremes(rows: Iterable[Row], column: str = "value") -> tuple[Row, Row] | None:
    """Return the rows with the lowest and the highest value, None where no row has one."""
    known = sorted((row for row in rows if numbers.defined(row[column])), key=lambda row: row[column])
    return (known[0], known[-1]) if known else None


def file_names(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Return a name for the file of each reader's figure: letters, digits, dots and dashes only, none used twice.

    >>> file_names("activations", ["zech", "<b>", "b"])
    {'zech': 'activations-zech', '<b>': 'activations-b', 'b': 'activations-b-2'}
    """
    taken: dict[str, str] = {}
    for name in names:
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in name).strip("-")[:60]
        wanted = stem = f"{prefix}-{plain or 'reader'}"
        place = 2
        while wanted.casefold() in {other.casefold() for other in taken.values()}:
            wanted, place = f"{stem}-{place}", place + 1
        taken[name] = wanted
    return taken
