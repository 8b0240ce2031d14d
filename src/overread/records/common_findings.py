"""Which findings do a cohort and its readings have in common?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from overread.records.cohort import MISSING, Cohort
from overread.records.errors import InputError, listed, plain
from overread.records.findings import key
from overread.records.headers import nih_name
from overread.records.reading import Reading


def common_findings(cohort: Cohort, readings: Sequence[Reading]) -> tuple[str, ...]:
    """Return the findings of the cohort that every reading scores, in the order of the cohort.

    Raises `InputError` when there is none.
    """
    common = cohort.findings
    for reading in readings:
        keys = {key(finding) for finding in reading.findings}
        if not any(key(finding) in keys for finding in cohort.findings):
            what = (
                f"no finding is common to the reading ({listed(reading.findings, most=5)}) and the cohort "
                f"{plain(cohort.name)} ({listed(cohort.findings, most=5)})"
            )
            do = "Name the score columns after the cohort's findings."
            raise InputError(plain(reading.name), what, "columns <Finding> or prob_<Finding>", do)
        common = tuple(finding for finding in common if key(finding) in keys)
    if not common:
        names = listed([reading.name for reading in readings], most=5)
        raise InputError(names, "no finding is common to all readings", "at least one", "Report them apart.")
    return common


def findings_on_one_side(cohort: Cohort, readings: Iterable[Reading]) -> Iterable[str]:
    """Say which findings only a reading has, and which only the cohort has."""
    by_key = {key(finding): finding for finding in cohort.findings}
    for reading in readings:
        name, keys = plain(reading.name), {key(finding) for finding in reading.findings}
        unscored = [finding for named, finding in by_key.items() if named not in keys]
        unknown = [finding for finding in reading.findings if key(finding) not in by_key]
        if unscored:
            yield f"{name} does not score {listed(unscored, most=20)} of the cohort; not reported."
        if unknown:
            kind = "a finding" if len(unknown) == 1 else "findings"
            yield f"{name} scores {listed(unknown, most=20)}, not {kind} of the cohort; left out."


def refuse_unusable(cohort: Cohort, readings: Iterable[Reading]) -> None:
    """Raise the refusal of a column that cohort and reading both have, and that one of them could not read."""
    for reading in readings:
        for finding in reading.findings:
            if key(finding) in cohort.refusals:
                raise cohort.refusals[key(finding)]
        for finding in cohort.findings:
            if key(finding) in reading.refusals:
                raise reading.refusals[key(finding)]


def settled(cohort: Cohort, readings: Iterable[Reading]) -> tuple[Cohort, list[str]]:
    """Take as attributes the columns of 0 and 1 that no reading scores and NIH does not name, and say so."""
    scored = {key(finding) for reading in readings for finding in reading.findings}
    moved = [f for f in cohort.findings if f in cohort.assumed and key(f) not in scored and nih_name(f) is None]
    if not moved or len(moved) == len(cohort.findings):
        return cohort, []
    places = [cohort.findings.index(finding) for finding in moved]
    kept = [place for place in range(len(cohort.findings)) if place not in places]
    values = [
        pl.Series(name, cohort.labels[:, place]).replace(MISSING, None)
        for name, place in zip(moved, places, strict=True)
    ]
    changed = replace(
        cohort,
        table=cohort.table.with_columns(values),
        findings=tuple(cohort.findings[place] for place in kept),
        labels=np.ascontiguousarray(cohort.labels[:, kept]),
        assumed=cohort.assumed - set(moved),
    )
    names = listed(moved, most=5)
    if len(moved) == 1:
        said = f"The cohort's column {names} holds 0 and 1, and no reading scores it: taken as an attribute."
    else:
        said = f"The cohort's columns {names} hold 0 and 1, and no reading scores them: taken as attributes."
    return changed, [said]
