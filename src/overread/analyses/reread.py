"""What follows from a printed table, and what does not: a second reading without a single prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import polars as pl

from overread.analyses.reread_pairs import EXCHANGE, area_claims, exchange_rows, pair_claims
from overread.analyses.reread_row import Given, Row, understood
from overread.analyses.reread_tables import (
    CONFLICTS,
    INTERVALS,
    PEOPLE,
    READING,
    conflict_rows,
    interval_rows,
    people_rows,
    reading_rows,
)
from overread.analyses.reread_words import about_average, claims_of_row, mean_claims
from overread.analyses.second_reading import versions
from overread.records.cohort import Cohort
from overread.records.findings import key
from overread.records.printed import PrintedTable
from overread.records.tables import Source

STATEMENTS = {"model": pl.String, "finding": pl.String, "kind": pl.String, "statement": pl.String}
KINDS = ("impossible", "not one table", "does not follow", "follows", "note")
"""Kinds of statements, the gravest first."""


@dataclass(frozen=True, eq=False)
class Reread:
    """All that follows from a printed table: tables by name, and what they were made from."""

    name: str
    models: tuple[str, ...]
    rows: tuple[Row, ...]
    tables: dict[str, pl.DataFrame]
    level: float
    rounding: str
    sources: tuple[Source, ...]
    versions: dict[str, str]
    warnings: tuple[str, ...] = field(default=())

    @property
    def possible(self) -> bool:
        """Whether no row and no mean contradicts itself."""
        return "impossible" not in self.tables["statements"]["kind"].to_list()


def reread(
    table: PrintedTable,
    *,
    prevalence: Mapping[str, Sequence[float]] | None = None,
    n_images: int | None = None,
    counts: Mapping[str, Given] | None = None,
    level: float = 0.95,
    rounding: str = "nearest",
) -> Reread:
    """Work out what follows from a printed table.

    `prevalence` has by finding (empty: for all) the prevalences to count people at. `n_images`, and `counts` by
    the key of a finding (see `cohort_counts`), stand in where the table prints no numbers of images. `rounding` is only
    recorded: `read_printed` has applied it.

    >>> from overread.records.printed import Printed, PrintedRow
    >>> cells = {"sensitivity": Printed("0.90", 0.9, 0.895, 0.905), "specificity": Printed("0.80", 0.8, 0.795, 0.805)}
    >>> found = reread(PrintedTable("table", (PrintedRow("A", "Mass", cells),)))
    >>> low, high = found.tables["reading"].filter(pl.col("quantity") == "dor").select("low", "high").row(0)
    >>> round(low, 1), round(high, 1)
    (33.1, 39.3)
    """
    given = counts or {}
    keys = [MEAN_KEY if row.average else key(row.finding) for row in table.rows]
    rows = tuple(understood(row, n_images, given.get(name)) for row, name in zip(table.rows, keys, strict=True))
    at = prevalence or {}
    pairs = [(a, b) for a, b in combinations(rows, 2) if key(a.printed.finding) == key(b.printed.finding)]
    statements = [claim for row in rows for claim in claims_of_row(row)]
    statements += mean_claims(rows)
    statements += [claim for a, b in pairs for claim in pair_claims(a, b, prevalences(b, at))]
    statements += area_claims(pairs, level)
    statements += [about_average(row) for row in rows if row.printed.average]
    statements.sort(key=lambda claim: KINDS.index(claim[2]))
    tables = {
        "reading": frame((each for row in rows for each in reading_rows(row)), READING),
        "conflicts": frame((each for row in rows for each in conflict_rows(row)), CONFLICTS),
        "intervals": frame((each for row in rows for each in interval_rows(row, level)), INTERVALS),
        "people": frame((each for row in rows for each in people_rows(row, prevalences(row, at))), PEOPLE),
        "exchange": frame(
            (each for a, b in pairs for each in exchange_rows(a, b, prevalences(b, at), level)), EXCHANGE
        ),
        "statements": pl.DataFrame(statements, schema=STATEMENTS, orient="row"),
    }
    models = tuple(dict.fromkeys(row.printed.model for row in rows))
    return Reread(table.name, models, rows, tables, level, rounding, table.sources, versions(), table.warnings)


MEAN_KEY = "mean"


def prevalences(row: Row, at: Mapping[str, Sequence[float]]) -> list[float]:
    """Return the prevalences that are asked for at a row."""
    asked = (shares for name, shares in at.items() if name == "" or key(name) == key(row.printed.finding))
    return list(dict.fromkeys(share for shares in asked for share in shares))


def cohort_counts(cohort: Cohort, split: str) -> dict[str, Given]:
    """Return by the key of each finding how many images of a split are labelled, and how many of them positive.

    Under `pooled` all findings together, each image counted once for each; under `mean` the same share, as a prevalence
    only.
    """
    rows = [True] * cohort.n_images if cohort.split is None or split == "all" else (cohort.split == split).to_list()
    labels = cohort.labels[rows]
    counts = {
        key(finding): Given(int((labels[:, place] >= 0).sum()), int((labels[:, place] == 1).sum()))
        for place, finding in enumerate(cohort.findings)
    }
    n, positive = (sum(each) for each in zip(*((one.n_images, one.n_positive) for one in counts.values()), strict=True))
    return counts | {"pooled": Given(n, positive), MEAN_KEY: Given(n, positive)}


def frame(rows: Iterable[Mapping[str, object]], schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """Return rows as a table."""
    return pl.DataFrame(list(rows), schema=dict(schema), orient="row")
