"""The guidelines, and the tables that come of them. A new guideline is a file of its own and a line in the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from overread.analyses.reporting.evidence import Known
from overread.analyses.reporting.flow import CROSS, DEMOGRAPHICS, FLOW, cross_tabulation, demographics, flow
from overread.analyses.reporting.guideline import Guideline
from overread.analyses.reporting.guidelines.claim_2024 import CLAIM
from overread.analyses.reporting.guidelines.imdrf_gmlp_2025 import GMLP
from overread.analyses.reporting.guidelines.imdrf_samd_2017 import SAMD
from overread.analyses.reporting.guidelines.stard_ai_2025 import STARD_AI
from overread.analyses.reporting.guidelines.tripod_ai_2024 import TRIPOD_AI
from overread.analyses.reporting.guidelines.van_calster_2025 import VAN_CALSTER
from overread.records.errors import InputError, quoted
from overread.records.study_form import QUESTIONS

GUIDELINES: dict[str, Guideline] = {
    guideline.key: guideline
    for guideline in (
        CLAIM,
        STARD_AI,
        TRIPOD_AI,
        GMLP,
        SAMD,
        VAN_CALSTER,
    )
}
ALL = "all"
REPORTING = {
    "guideline": pl.String,
    "item": pl.String,
    "topic": pl.String,
    "status": pl.String,
    "value": pl.String,
    "where": pl.String,
}
FORM = {"question": pl.String, "asks": pl.String, "answer": pl.String}
SCHEMAS: dict[str, Mapping[str, type[pl.DataType]]] = {
    "reporting": REPORTING,
    "flow": FLOW,
    "demographics": DEMOGRAPHICS,
    "cross_tabulation": CROSS,
    "study_form": FORM,
}


def named(names: Sequence[str]) -> tuple[Guideline, ...]:
    """Return guidelines by their names, or all.

    Raises `InputError` when a name is none of them.
    """
    if ALL in names:
        return tuple(GUIDELINES.values())
    for name in names:
        if name not in GUIDELINES:
            raise InputError("--guidelines", f"{quoted(name)} is none", f"{ALL}, or of {', '.join(GUIDELINES)}")
    return tuple(GUIDELINES[name] for name in dict.fromkeys(names))


def reporting_tables(of: Known) -> dict[str, pl.DataFrame]:
    """Return every item of the guidelines that were asked for, the flow, who was imaged, and calls beside the truth.

    No rows where no guideline was asked for.
    """
    asked = named(of.options.guidelines)
    if not asked:
        return {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}
    form = of.options.form
    answers = form.answers if form is not None else {}
    made = {
        "flow": flow(of.study),
        "demographics": demographics(of.study),
        "cross_tabulation": cross_tabulation(of.study, of.tables["thresholds"]),
        "study_form": pl.DataFrame(
            [(name, QUESTIONS[name], answer) for name, answer in answers.items()], schema=FORM, orient="row"
        ),
    }
    known = replace(of, tables={**of.tables, **made})
    rows = [row for guideline in asked for row in rows_of(guideline, known)]
    return made | {"reporting": pl.DataFrame(rows, schema=REPORTING, orient="row")}


def rows_of(guideline: Guideline, of: Known) -> Iterator[tuple[str, ...]]:
    """Yield the items of a guideline with their status."""
    for item in guideline.items:
        found = item.found(of, of.options.form)
        yield guideline.key, item.number, item.topic, found.status, found.value, found.where
