"""The plan, where there is one: what came out of the primary hypothesis, before anything else is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from overread import __version__
from overread.analyses.plan import NO_PROOF, Plan
from overread.analyses.planning import said
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.glossary import METRICS
from overread.report.section import MARKS, Cell, Column, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

OVER = {"mean": "Mean over findings", "weighted": "Mean weighted by positives"}


def section(second: SecondReading) -> Section | None:
    """Return what was planned and what came of it; nothing where there was no plan."""
    plan = second.options.plan
    if plan is None:
        return None
    blocks = [outcome(second, plan), laid_down(plan)]
    if len(second.tables["plan_departures"]):
        blocks.insert(1, departed(second))
    return Section("plan", "The plan and its primary hypothesis", tuple(lead(second, plan)), tuple(blocks), GUIDE)


def lead(second: SecondReading, plan: Plan) -> Iterator[str]:
    """Say what was asked, what came out, what departs, and what a plan cannot show."""
    yield f"Planned on {plan.date} (checksum {plan.checksum[:16]}): {asked(plan)}."
    for row in second.tables["plan"].iter_rows(named=True):
        yield came(row)
    if plan.primary.multiplicity == "all" and len(second.tables["plan"]) > 1:
        shown = set(second.tables["plan"]["result"]) == {"shown"}
        yield f"All of them were needed for the one claim: it is {'shown' if shown else 'not shown'}."
    if second.tables["plan"].is_empty():
        yield "None of it could be computed on these readings."
    found = second.tables["plan_departures"]
    if len(found):
        yield (
            f"This report departs from the plan in {numbers.plural(len(found), 'point')} "
            f"({numbers.listing(found['what'].to_list())}): {second.options.deviation.rstrip('.')}. "
            "Numbers that this touches are marked as deviating."
        )
    else:
        yield "Nothing departs from the plan."
    if plan.version != __version__:
        yield f"The plan was written by overread {plan.version}, and this report by {__version__}."
    if {each.sha256 for each in plan.files} != {each.sha256 for each in second.study.cohort.sources}:
        same = "cohort" not in found["what"].to_list()
        yield "The files of the cohort are others than those that the plan names" + (
            "; what they say of its images is the same." if same else "."
        )
    yield (
        f"Numbers marked {MARKS['primary']} are of the primary hypothesis, those marked {MARKS['planned']} were "
        "planned besides; every other number on this page is exploratory."
    )
    yield NO_PROOF


def asked(plan: Plan) -> str:
    """Say the primary hypothesis as a phrase."""
    primary = plan.primary
    metric = METRICS.get(primary.metric, primary.metric)
    means = {"mean": "the mean over findings", "weighted": "the weighted mean"}
    where = numbers.listing([means.get(name) or display(name) for name in primary.findings])
    margin, baseline = f"{plan.options['margins'].get(primary.metric) or 0:g}", plan.options["baseline"]
    what = {
        "difference": f"whether {metric} differs between readings",
        "non-inferiority": f"whether {metric} falls short of that of {baseline} by less than {margin}",
        "equivalence": f"whether {metric} differs between readings by less than {margin}",
        "above": f"whether {metric} lies above {primary.above or 0:g}",
        "estimate": f"how high {metric} is, without a test",
    }[primary.hypothesis]
    return f"{what}, for {where}{SEVERAL[primary.multiplicity] if len(primary.findings) > 1 else ''}"


SEVERAL = {
    "holm": ", each a claim of its own, adjusted by Holm's method",
    "all": ", one claim that needs all of them",
    "none": ", each for itself, without adjustment",
}


def came(row: lookup.Row) -> str:
    """Say what came out of one test."""
    who = row["reading"] + (f" against {row['against']}" if row["against"] else "")
    where = OVER.get(row["finding"]) or display(row["finding"])
    metric = METRICS.get(row["metric"], row["metric"])
    if row["result"] == "not computed":
        return f"{where}, {who}: not computed{' (' + row['note'] + ')' if row['note'] else ''}."
    write = numbers.writer_of(row["metric"]) if not row["against"] else numbers.signed
    bounds = f"{numbers.level(row['level'])} interval {write(row['low'])} to {write(row['high'])}"
    what = f"difference in {metric} {write(row['value'])}" if row["against"] else f"{metric} {write(row['value'])}"
    p = f", p{numbers.SPACE}{lookup.equal(row['p_adjusted'])}" if row["p_adjusted"] is not None else ""
    result = "" if row["result"] == "estimated" else f": {CLAIMS[row['hypothesis']]} is {row['result']}"
    return f"{where}, {who}: {what} ({bounds}{p}){result}."


CLAIMS = {
    "difference": "a difference",
    "non-inferiority": "non-inferiority",
    "equivalence": "equivalence",
    "above": "a value above the bound",
}


def outcome(second: SecondReading, plan: Plan) -> Sheet:
    """Return the tests of the primary hypothesis, one per row."""
    level = plan.options["level"]
    columns = (
        Column("Finding", numeric=False),
        Column("Reading", numeric=False),
        Column("Against", numeric=False),
        Column("Metric", numeric=False),
        *(Column(title) for title in ("Bound", "Value, with interval", "p", "p, adjusted")),
        Column("Result", numeric=False),
    )
    rows = []
    for row in second.tables["plan"].iter_rows(named=True):
        write = numbers.writer_of(row["metric"]) if not row["against"] else numbers.signed
        rows.append(
            (
                Cell(OVER.get(row["finding"]) or display(row["finding"])),
                Cell(row["reading"]),
                Cell(row["against"]),
                Cell(METRICS.get(row["metric"], row["metric"])),
                Cell(numbers.DASH if row["bound"] is None else f"{row['bound']:g}"),
                Cell(
                    numbers.interval(row["value"], row["low"], row["high"], write),
                    row["note"] or "",
                    MARKS[row["planned"]],
                ),
                Cell(numbers.p_value(row["p"]) if row["p"] is not None else numbers.DASH),
                Cell(numbers.p_value(row["p_adjusted"]) if row["p_adjusted"] is not None else numbers.DASH),
                Cell(row["result"]),
            )
        )
    foot = (f"Shown: {RULE[plan.primary.hypothesis].format(alpha=f'{1 - level:.3g}', level=numbers.level(level))}.",)
    return Sheet("plan-outcome", "The primary hypothesis", columns, tuple(rows), shown=True, foot=foot)


RULE = {
    "difference": "the adjusted p is below {alpha}, by the paired bootstrap with patients as the unit",
    "non-inferiority": "the adjusted one-sided p against the margin is below {alpha}",
    "equivalence": "the larger of both one-sided p, adjusted, is below {alpha}",
    "above": "the whole {level} interval lies above the bound",
    "estimate": "nothing was to be shown; the {level} interval is the result",
}


def departed(second: SecondReading) -> Sheet:
    """Return what departs from the plan, as planned and as done."""
    columns = tuple(Column(title, numeric=False) for title in ("What", "As planned", "As done", "Reason given"))
    names = ("what", "planned", "given", "reason")
    rows = tuple(
        tuple(Cell(row[name]) for name in names) for row in second.tables["plan_departures"].iter_rows(named=True)
    )
    return Sheet("plan-departures", "What departs from the plan", columns, rows, shown=True)


def laid_down(plan: Plan) -> Sheet:
    """Return all that the plan lays down."""
    primary = plan.primary
    pairs = {
        "Written": f"{plan.date}, by overread {plan.version}",
        "Checksum of the plan": plan.checksum,
        "Cohort": f"{plan.cohort}, {numbers.plural(plan.n_images, 'image')}",
        "Content of the cohort": plan.content,
        "Findings": numbers.listing([display(name) for name in plan.findings]),
        "Readings": said(plan.readings) if plan.readings else "not named",
        "Primary hypothesis": asked(plan),
        "Several primary tests": primary.multiplicity,
        "Planned besides": said([METRICS.get(name, name) for name in plan.secondary]),
        **{name.replace("_", " ").capitalize(): said(value) for name, value in plan.options.items()},
    }
    columns = Column("Laid down", numeric=False), Column("As", numeric=False)
    rows = tuple((Cell(name), Cell(value)) for name, value in pairs.items())
    return Sheet("plan-all", "All that was laid down", columns, rows)


GUIDE = (
    (
        "A test that was chosen after the scores were seen proves less than its p-value says, because another one "
        "would have been chosen had the scores been others. A plan that was written before takes that choice away."
    ),
    (
        "Exploratory numbers are not worse numbers. They raise questions, and a new cohort answers them; they are no "
        "ground for a claim."
    ),
)
