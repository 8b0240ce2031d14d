"""Which numbers were planned, and what came out of the primary hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any

import polars as pl

from overread.analyses.options import Options
from overread.analyses.plan import Plan
from overread.analyses.planning import Departure
from overread.analyses.verdict import beyond_chance
from overread.stats.multiplicity import holm

PRIMARY, PLANNED, DEVIATING, EXPLORATORY = "primary", "planned", "deviating", "exploratory"
NOT_FOR_CLAIMS = ("delong", "mcnemar")
"""Methods that take images for independent and stand for comparison with other papers only."""

PLAN = {
    "reading": pl.String,
    "against": pl.String,
    "finding": pl.String,
    "metric": pl.String,
    "hypothesis": pl.String,
    "bound": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "multiplicity": pl.String,
    "result": pl.String,
    "note": pl.String,
    "planned": pl.String,
}
DEPARTURES = {"what": pl.String, "planned": pl.String, "given": pl.String, "reason": pl.String}
SHOWN, NOT_SHOWN, NOT_COMPUTED, ESTIMATED = "shown", "not shown", "not computed", "estimated"

Tables = Mapping[str, pl.DataFrame]
Row = dict[str, Any]


def plan_tables(
    tables: Tables, options: Options, found: Sequence[Departure], findings: Sequence[str], readings: Sequence[str]
) -> dict[str, pl.DataFrame]:
    """Return the tables with every number marked, and two more: the primary hypothesis, and what departs from the plan.

    The column `planned` says `primary`, `planned`, `deviating` (planned, but not done as planned) or `exploratory`;
    without a plan it is empty.
    """
    plan = options.plan
    marked = {name: with_mark(name, table, plan, found, findings, readings) for name, table in tables.items()}
    rows = primary_rows(tables, plan, readings, touched(found, "primary")) if plan else []
    departed = [(each.what, each.planned, each.given, options.deviation) for each in found]
    return marked | {
        "plan": pl.DataFrame(rows, schema=PLAN),
        "plan_departures": pl.DataFrame(departed, schema=DEPARTURES, orient="row"),
    }


# --- marks -----------------------------------------------------------------------------------------------------------

NARROW = {"by": ("subgroups",), "margins": ("equivalence", "primary"), "prevalence": ("consequences",)}
"""What a departure in one option touches, where that is not everything."""


def touched(found: Sequence[Departure], part: str) -> bool:
    """Return whether a departure touches a part of the numbers."""
    return any(part in NARROW.get(each.what, (part,)) for each in found)


def with_mark(
    name: str,
    table: pl.DataFrame,
    plan: Plan | None,
    found: Sequence[Departure],
    findings: Sequence[str],
    readings: Sequence[str],
) -> pl.DataFrame:
    """Return a table with the column `planned`, where it is one of numbers that may be planned."""
    if name not in MARKS:
        return table
    if plan is None or table.is_empty():
        return table.with_columns(pl.lit("").alias("planned"))
    primary, planned = MARKS[name](plan, over(plan, findings), readings)
    within = pl.col("attribute") != "" if name == "estimates" else pl.lit(name == "subgroups")
    strayed = pl.when(within).then(touched(found, "subgroups")).otherwise(touched(found, name))
    mark = (
        pl.when(~(primary | planned))
        .then(pl.lit(EXPLORATORY))
        .when(strayed)
        .then(pl.lit(DEVIATING))
        .when(primary)
        .then(pl.lit(PRIMARY))
        .otherwise(pl.lit(PLANNED))
    )
    return table.with_columns(mark.fill_null(EXPLORATORY).alias("planned"))


def over(plan: Plan, findings: Sequence[str]) -> list[str]:
    """Return the findings that are planned, and the means where they are over just these."""
    return [*plan.findings, *(("mean", "weighted", "pooled") if set(plan.findings) == set(findings) else ())]


Marks = tuple[pl.Expr, pl.Expr]


def of_estimates(plan: Plan, findings: Sequence[str], readings: Sequence[str]) -> Marks:
    """Return which estimates are primary and which are planned; the floor was never asked about."""
    whole = pl.col("attribute") == ""
    own = pl.col("reading").is_in(list(readings)) & of_metric(plan, findings)
    primary = whole & own & of_primary(plan) & pl.lit(not plan.primary.of_pairs) & (pl.col("method") != "obuchowski")
    return primary, own & (whole | pl.col("attribute").is_in(list(plan.options["by"])))


def of_comparisons(plan: Plan, findings: Sequence[str], readings: Sequence[str]) -> Marks:
    """Return which paired tests are primary and which are planned."""
    tested = (pl.col("method") == "bootstrap") & pl.lit(plan.primary.hypothesis == "difference")
    return of_metric(plan, findings) & of_primary(plan) & tested, of_metric(plan, findings)


def of_equivalence(plan: Plan, findings: Sequence[str], readings: Sequence[str]) -> Marks:
    """Return which verdicts against a margin are primary and which are planned: all margins were laid down."""
    asked = pl.lit(plan.primary.with_margin)
    planned = pl.col("finding").is_in(list(findings))
    return planned & of_primary(plan) & asked, planned


def of_subgroups(plan: Plan, findings: Sequence[str], readings: Sequence[str]) -> Marks:
    """Return which gaps are planned; none is primary."""
    return pl.lit(False), of_metric(plan, findings, with_method=False) & pl.col("attribute").is_in(
        list(plan.options["by"])
    )


def of_thresholds(plan: Plan, findings: Sequence[str], readings: Sequence[str]) -> Marks:
    """Return which operating points are planned: those of planned findings, whose rule was laid down."""
    own = pl.col("reading").is_in(list(readings))
    return pl.lit(False), own & pl.col("finding").is_in(list(findings))


def of_consequences(plan: Plan, findings: Sequence[str], readings: Sequence[str]) -> Marks:
    """Return which people of 1,000 are planned: both rates are, and the prevalence was laid down."""
    rates = {"sensitivity", "specificity"} <= set(plan.metrics)
    named = pl.col("finding").is_in(list(plan.options["prevalence"])) & (pl.col("prevalence_source") != "this cohort")
    own = pl.col("reading").is_in(list(readings)) & pl.col("finding").is_in(list(findings))
    return pl.lit(False), pl.lit(rates) & own & named


def of_metric(plan: Plan, findings: Sequence[str], *, with_method: bool = True) -> pl.Expr:
    """Return whether a number is of a planned metric and finding, with patients as the unit."""
    planned = pl.col("metric").is_in(list(plan.metrics)) & pl.col("finding").is_in(list(findings))
    return planned & ~pl.col("method").is_in(NOT_FOR_CLAIMS) if with_method else planned


def of_primary(plan: Plan) -> pl.Expr:
    """Return whether a number is of the primary metric and a primary finding."""
    return (pl.col("metric") == plan.primary.metric) & pl.col("finding").is_in(list(plan.primary.findings))


MARKS: dict[str, Callable[[Plan, Sequence[str], Sequence[str]], Marks]] = {
    "estimates": of_estimates,
    "comparisons": of_comparisons,
    "equivalence": of_equivalence,
    "subgroups": of_subgroups,
    "thresholds": of_thresholds,
    "consequences": of_consequences,
}


# --- the primary hypothesis ------------------------------------------------------------------------------------------


def primary_rows(tables: Tables, plan: Plan, readings: Sequence[str], strayed: bool) -> list[Row]:
    """Return what came out of the primary hypothesis, a row for each test, adjusted as the plan has it."""
    primary = plan.primary
    rows = [
        row | {"planned": DEVIATING if strayed else PRIMARY} for row in READ[primary.hypothesis](tables, plan, readings)
    ]
    raw = [nan if row["p"] is None else row["p"] for row in rows]
    adjusted = holm(raw) if primary.multiplicity == "holm" and rows else raw
    for row, p in zip(rows, adjusted, strict=True):
        row["p_adjusted"] = None if row["p"] is None else float(p)
        row["result"] = result(row, plan)
    return rows


def result(row: Row, plan: Plan) -> str:
    """Return whether a test shows what was asked, at the level of the plan."""
    hypothesis, level = plan.primary.hypothesis, plan.options["level"]
    if row["value"] is None or (hypothesis != "estimate" and row["low"] is None and row["p"] is None):
        return NOT_COMPUTED
    if hypothesis == "estimate":
        return ESTIMATED
    if hypothesis == "above":
        return SHOWN if row["low"] is not None and row["low"] > (plan.primary.above or 0) else NOT_SHOWN
    return SHOWN if row["p_adjusted"] is not None and beyond_chance(row["p_adjusted"], level) else NOT_SHOWN


def read_difference(tables: Tables, plan: Plan, readings: Sequence[str]) -> list[Row]:
    """Return the paired bootstrap of the primary metric."""
    table = tables["comparisons"].filter(pl.col("method") == "bootstrap")
    return [
        common(row, plan) | {"value": row["difference"], "p": row["p"], "note": row["note"]}
        for row in chosen(table, plan)
    ]


def read_margin(tables: Tables, plan: Plan, readings: Sequence[str]) -> list[Row]:
    """Return the one-sided tests against the margin."""
    p = "p_not_worse" if plan.primary.hypothesis == "non-inferiority" else "p_equivalent"
    return [
        common(row, plan) | {"value": row["difference"], "p": row[p], "bound": row["margin"], "note": ""}
        for row in chosen(tables["equivalence"], plan)
    ]


def read_values(tables: Tables, plan: Plan, readings: Sequence[str]) -> list[Row]:
    """Return the estimates of the primary metric for every reading of the user's."""
    table = tables["estimates"]
    kept = table.filter(
        pl.col("attribute") == "",
        pl.col("reading").is_in(list(readings)),
        ~pl.col("method").is_in(["obuchowski", "delong"]),
    ).unique(["reading", "finding", "metric"], keep="first", maintain_order=True)
    return [common(row, plan) | {"value": row["value"], "p": None, "note": row["note"]} for row in chosen(kept, plan)]


READ = {
    "difference": read_difference,
    "non-inferiority": read_margin,
    "equivalence": read_margin,
    "above": read_values,
    "estimate": read_values,
}


def chosen(table: pl.DataFrame, plan: Plan) -> list[Row]:
    """Return the rows of the primary metric and findings, in the plan's order of findings."""
    rows = table.filter(of_primary(plan)).to_dicts()
    return sorted(rows, key=lambda row: plan.primary.findings.index(row["finding"]))


def common(row: Row, plan: Plan) -> Row:
    """Return what the rows of every hypothesis have."""
    return {
        "reading": row.get("reading", row.get("reading_a")),
        "against": row.get("reading_b", ""),
        "finding": row["finding"],
        "metric": row["metric"],
        "hypothesis": plan.primary.hypothesis,
        "bound": plan.primary.above,
        "low": row["low"],
        "high": row["high"],
        "level": row["level"],
        "multiplicity": plan.primary.multiplicity,
    }
