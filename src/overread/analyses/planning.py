"""Making a plan, holding a second reading to it, and naming what departs from it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from overread import __version__
from overread.analyses.options import Options
from overread.analyses.plan import LOCKED, METRICS, OF_PAIRS, OVER, WITH_MARGIN, Plan, Primary
from overread.analyses.plan_file import body
from overread.records.cohort import Cohort
from overread.records.cohort_content import content_checksum
from overread.records.common_images import rows_of_split
from overread.records.errors import InputError, listed, plain, quoted
from overread.records.findings import key
from overread.records.study import Study


def plan_for(
    cohort: Cohort,
    options: Options | None = None,
    *,
    primary: Primary | None = None,
    secondary: Sequence[str] = (),
    findings: Sequence[str] = (),
    readings: Sequence[str] = (),
    on: date | None = None,
) -> Plan:
    """Return the plan of a second reading of a cohort; no score takes part in it.

    `findings` are those whose numbers are planned, all of the cohort's by default; `secondary` are metrics planned
    beside the primary one; `readings` names the readings where that is known.

    Raises `InputError` when a name is unknown to the cohort, or the parts of the plan do not fit together.
    """
    options, primary = options or Options(), primary or Primary()
    wanted = rows_of_split(cohort, options.split)
    if not findings and cohort.assumed:
        unsure = listed(sorted(cohort.assumed), most=8)
        what = f"columns of 0 and 1 may be findings or attributes ({unsure})"
        raise InputError(plain(cohort.name), what, "the findings by name", "Name them with --findings.")
    held = known_findings(cohort, findings) or cohort.findings
    primary = replace(
        primary, findings=tuple(f if f in OVER else known_findings(cohort, [f])[0] for f in primary.findings)
    )
    plan = Plan(
        date=(on or date.today()).isoformat(),
        version=__version__,
        cohort=cohort.name,
        content=content_checksum(cohort),
        n_images=int(wanted.sum()),
        n_patients=None if cohort.patients is None else cohort.patients.filter(wanted).n_unique(),
        files=cohort.sources,
        findings=held,
        readings=tuple(readings),
        primary=primary,
        secondary=tuple(dict.fromkeys(metric for metric in secondary if metric != primary.metric)),
        options={name: getattr(options, name) for name in LOCKED},
    )
    refuse_unfit(plan, cohort)
    return replace(plan, checksum=hashlib.sha256(body(plan)).hexdigest())


def primary_of(asked: str, hypothesis: str, multiplicity: str = "holm") -> Primary:
    """Read a primary hypothesis as the command line has it.

    >>> primary_of("auroc=Effusion, Mass", "above=0.8", "all")
    Primary(metric='auroc', findings=('Effusion', 'Mass'), hypothesis='above', above=0.8, multiplicity='all')
    """
    metric, _, names = asked.partition("=")
    kind, _, number = hypothesis.partition("=")
    try:
        above = float(number) if number else None
    except ValueError:
        raise InputError("--hypothesis", f"{quoted(number)} is no number", "above=0.80") from None
    findings = tuple(name.strip() for name in names.split(",") if name.strip())
    return Primary(metric.strip(), findings or ("mean",), kind.strip(), above, multiplicity)


def known_findings(cohort: Cohort, names: Sequence[str]) -> tuple[str, ...]:
    """Return findings as the cohort spells them."""
    by_key = {key(name): name for name in cohort.findings}
    for name in names:
        if key(name) not in by_key:
            raise InputError("plan", f"{quoted(name)} is no finding of the cohort", listed(cohort.findings, most=20))
    return tuple(by_key[key(name)] for name in names)


def refuse_unfit(plan: Plan, cohort: Cohort) -> None:
    """Refuse a plan whose parts do not fit together."""
    primary, options = plan.primary, plan.options
    unknown = [metric for metric in plan.secondary if metric not in METRICS]
    if unknown:
        raise InputError("plan", f"{quoted(unknown[0])} is no metric", f"one of: {', '.join(METRICS)}")
    outside = [name for name in primary.findings if name not in (*OVER, *plan.findings)]
    if outside:
        what = f"the primary finding {plain(outside[0])} is not among the findings of the plan"
        raise InputError("plan", what, listed(plan.findings, most=20))
    if primary.hypothesis in WITH_MARGIN and primary.metric not in options["margins"]:
        do = f"Give --margin {primary.metric}=NUMBER."
        raise InputError("plan", f"{primary.hypothesis} in {primary.metric} has no margin", "one", do)
    if primary.hypothesis == "non-inferiority" and not options["baseline"]:
        do = "Give --baseline NAME, the reading that the others must not fall short of."
        raise InputError("plan", "non-inferiority has no side that it is held against", "a baseline", do)
    if options["baseline"] and plan.readings and options["baseline"] not in plan.readings:
        raise InputError("--baseline", f"no reading is named {plain(options['baseline'])}", listed(plan.readings))
    if primary.hypothesis in OF_PAIRS and len(plan.readings) == 1:
        do = "Give --hypothesis above=NUMBER or estimate for one reading."
        raise InputError("plan", f"{primary.hypothesis} needs two readings, and one is named", "two", do)
    for name in options["by"]:
        for part in name.split(" x "):
            if part.strip() not in cohort.attributes:
                raise InputError(
                    "--by", f"the cohort has no attribute {plain(part.strip())}", listed(cohort.attributes)
                )
    known_findings(cohort, list(options["prevalence"]))


# --- held to it ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Departure:
    """What differs from the plan: what it is about, how the plan has it, and how it is here."""

    what: str
    planned: str
    given: str


def applied(plan: Plan, options: Options, given: Collection[str], *, deviation: str = "") -> Options:
    """Return options under a plan: what is not `given` by name is as the plan has it."""
    held = {name: value for name, value in plan.options.items() if name not in given}
    return replace(options, **held, plan=plan, deviation=deviation)


def planned_options(plan: Plan, **others: Any) -> Options:
    """Return the options that a plan lays down, with others beside them, for a second reading made from Python."""
    return replace(applied(plan, Options(), ()), **others)


def departures(options: Options, cohort: Cohort, study: Study, callers: Sequence[str] = ()) -> tuple[Departure, ...]:
    """Return what differs from the plan of a second reading; nothing where there is no plan.

    `cohort` is the one that was read: a study may have settled which of its columns are findings.
    `callers` are the readings beside the study's, of calls and not of scores.
    """
    if options.plan is None:
        return ()
    plan = options.plan
    return (*of_options(plan, options), *of_cohort(plan, cohort), *of_readings(plan, study, callers))


def of_options(plan: Plan, options: Options) -> Iterator[Departure]:
    """Yield the options that differ."""
    for name in LOCKED:
        planned, here = plan.options[name], getattr(options, name)
        if planned != here:
            yield Departure(name.replace("_", " "), said(planned), said(here))


def of_cohort(plan: Plan, cohort: Cohort) -> Iterator[Departure]:
    """Yield another cohort. The same content in another file is the same cohort."""
    content = content_checksum(cohort)
    if content != plan.content:
        planned, here = (
            f"{plain(name)} with the content {of[:16]}..."
            for name, of in ((plan.cohort, plan.content), (cohort.name, content))
        )
        yield Departure("cohort", planned, here)


def of_readings(plan: Plan, study: Study, callers: Sequence[str]) -> Iterator[Departure]:
    """Yield readings of other names, and findings that are planned and lacking here."""
    names = tuple(study.scores)
    if plan.readings and set(plan.readings) != {*names, *callers}:
        yield Departure("readings", said(plan.readings), said((*names, *callers)))
    if plan.primary.hypothesis in OF_PAIRS and len(names) < 2:
        yield Departure("readings", f"two or more, for a primary hypothesis of {plan.primary.hypothesis}", said(names))
    lacking = [finding for finding in plan.findings if key(finding) not in set(map(key, study.findings))]
    if lacking:
        yield Departure("findings", said(plan.findings), f"without {listed(lacking, most=20)}")
    more = [finding for finding in study.findings if key(finding) not in set(map(key, plan.findings))]
    if more and not lacking and set(plan.primary.findings) & set(OVER):
        yield Departure("findings", f"{said(plan.findings)}, whose mean is primary", f"{listed(more, most=20)} besides")


def refuse_silent(found: Sequence[Departure], options: Options) -> None:
    """Refuse departures without a reason, and a reason without departures."""
    if options.plan is None:
        if options.deviation:
            raise InputError("--deviate", "there is no plan to depart from", "a plan, as --plan FILE")
        return
    if found and not options.deviation:
        first, *more = found
        others = f" (and {listed([each.what for each in more], most=8)} differ too)" if more else ""
        raise InputError(
            options.plan.name,
            f"the {first.what} planned is {first.planned}, and the one given is {first.given}{others}",
            "what was planned",
            'Leave the option to the plan, or say why with --deviate "REASON": the page then shows it.',
        )
    if options.deviation and not found:
        raise InputError("--deviate", "nothing departs from the plan", "no reason where there is no departure")


def said(value: Any) -> str:
    """Write an option as a person reads it.

    >>> said({"Mass": 0.1}), said(()), said(None), said(True), said(("age", "view")), said("youden")
    ('Mass=0.1', 'none', 'none', 'yes', 'age, view', 'youden')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, str | int | float):
        return plain(value) if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:g}"
    parts = [f"{name}={item:g}" for name, item in value.items()] if hasattr(value, "items") else map(str, value)
    return ", ".join(parts) or "none"
