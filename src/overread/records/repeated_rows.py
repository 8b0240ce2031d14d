"""The table of a cohort as it was written, for those who look for faults in it: repeated rows among them.

A cohort has one row per image, and reading one refuses a second. Whoever audits a table wants to be told of all of them
instead: here the first row of each image is kept, and the others are handed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records import columns
from overread.records.cohort import Cohort, read_cohort
from overread.records.headers import roles
from overread.records.tables import Table

REPEATED = {"image": pl.String, "row": pl.Int64, "same": pl.Boolean}


@dataclass(frozen=True, eq=False)
class Thinned(Table):
    """A table without some of its rows; a message still gives a row the number that it has in the file."""

    kept: NDArray[np.int64] | None = None

    def where(self, column: str | None = None, row: int | None = None) -> str:
        """Return how a message names this table, a column of it, or a cell."""
        in_file = row if row is None or self.kept is None else int(self.kept[row])
        return super().where(column, in_file)


@dataclass(frozen=True, eq=False)
class Raw:
    """A table as it was written: `table` has the rows of the cohort, in its order.

    `repeated` has the other rows: image, `row` (its number in the file), and `same`, whether it says what the first
    row of that image says.
    """

    table: Table
    repeated: pl.DataFrame


def read_with_repeated(source: str | Path) -> tuple[Cohort, Raw | None]:
    """Read a cohort as `read_cohort` does, but keep the first row of an image where there are several.

    The second answer is the table as it was written, `None` for the one that ships inside. Raises `InputError` as
    `read_cohort` does.
    """
    seen: list[Raw] = []

    def prepare(table: Table) -> Table:
        seen.append(raw(table))
        return seen[-1].table

    cohort = read_cohort(source, prepare=prepare)
    return cohort, seen[0] if seen else None


def raw(table: Table) -> Raw:
    """Divide a table into the first row of each image and the others.

    >>> found = raw(Table("made up", pl.DataFrame({"image": ["a", "x/a", "b"], "Mass": [0, 1, 1]})))
    >>> found.table.frame["Mass"].to_list(), found.repeated.rows()
    ([0, 1], [('a', 1, False)])
    """
    image = roles(table.frame.columns).get("image")
    nothing = Raw(table, pl.DataFrame(schema=REPEATED))
    if image is None:
        return nothing
    names = columns.last_part(columns.text(table.frame[image]))
    again = (~names.is_first_distinct() & names.is_not_null() & (names != "")).fill_null(False)
    if not again.any():
        return nothing
    kept, others = (~again).arg_true().to_numpy(), again.arg_true().to_numpy()
    place = {name: row for row, name in reversed(list(enumerate(names)))}
    first = np.array([place[names[int(row)]] for row in others])
    rest = table.frame.drop(image)
    same = [rest.row(int(a)) == rest.row(int(b)) for a, b in zip(first, others, strict=True)]
    repeated = pl.DataFrame([names.gather(others).to_list(), others + table.first_row, same], schema=REPEATED)
    thinned = Thinned(table.name, table.frame[kept], table.first_row, table.source, kept)
    return Raw(thinned, repeated)
