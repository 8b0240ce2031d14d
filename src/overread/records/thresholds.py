"""Operating points that the user chose: a table of findings and thresholds."""

from __future__ import annotations

from pathlib import Path

from overread.records import columns
from overread.records.errors import InputError, listed, plain
from overread.records.findings import key
from overread.records.tables import read_table


def read_thresholds(path: str | Path) -> dict[str, float]:
    """Read a table of operating points with the columns `finding` and `threshold`.

    Raises `InputError` when a column is missing, a finding is empty or given twice, or a threshold is not a number.
    """
    table = read_table(path)
    by_key = {key(name): name for name in table.frame.columns}
    lacking = [name for name in ("finding", "threshold") if name not in by_key]
    if lacking:
        what = f"there is no column {' and '.join(lacking)} (there are {listed(table.frame.columns, most=8)})"
        raise InputError(table.name, what, "the columns finding and threshold")
    findings = columns.text(table.frame[by_key["finding"]])
    values = columns.numbers(table.frame[by_key["threshold"]], table.where, what="threshold", empty=False)
    thresholds: dict[str, float] = {}
    for row, finding in enumerate(findings):
        if finding is None:
            raise InputError(table.where(by_key["finding"], row), "the finding is empty", "the name of a finding")
        if key(finding) in map(key, thresholds):
            what = f"{plain(finding)} has a threshold already"
            raise InputError(table.where(by_key["finding"], row), what, "one row per finding")
        thresholds[finding] = float(values[row])
    return thresholds
