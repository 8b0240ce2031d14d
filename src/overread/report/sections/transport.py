"""In another clinic: what its people would meet, here and there side by side, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.transport import ASSUMED, DOUBT, FAILS, MIX, PREVALENCE, SCORES
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

TITLES = {
    PREVALENCE: "At the stated prevalence",
    MIX: "In a clinic of the given mix",
    SCORES: "In the clinic of the unlabelled scores",
}
HERE, THERE = "this cohort", "that clinic"
PAIRED = {  # metric: the head over its two columns
    "ppv": "PPV",
    "npv": "NPV",
    "alarm_rate": "Called, of 1,000",
    "false_positives_per_true_positive": "False per true alarm",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "calibration_intercept": "Calibration intercept",
    "mean_score": "Mean score",
}
LEFT_OUT = "the assumption fails"
LABEL_SHIFT = "that ill images score there as ill ones do here, and healthy as healthy"


def section(second: SecondReading) -> Section | None:
    """Return the section on another clinic; None where nothing was said of one."""
    kinds = [kind for kind in TITLES if not of_kind(second, kind).is_empty()]
    if not kinds:
        return None
    sentences: list[str] = []
    blocks: list[Figure | Sheet] = []
    for kind in kinds:
        sentences += lead(second, kind)
        blocks += [figure(second, kind), sheet(second, kind)]
    return Section("transport", "In another clinic", tuple(sentences), tuple(blocks), GUIDE)


def of_kind(second: SecondReading, kind: str, table: str = "transport") -> pl.DataFrame:
    """Return the rows of one way to another clinic; none where there is no such table."""
    rows = second.tables.get(table)
    return pl.DataFrame() if rows is None or rows.is_empty() else rows.filter(clinic=kind)


# --- sentences -------------------------------------------------------------------------------------------------------


def lead(second: SecondReading, kind: str) -> Iterator[str]:
    """Say what is assumed, what changes for 1,000 people of that clinic, and what the check says."""
    yield {
        PREVALENCE: f"At the stated prevalence, assuming {LABEL_SHIFT}:",
        SCORES: f"The prevalence of the clinic was read off its unlabelled scores, assuming {LABEL_SHIFT}.",
        MIX: "In a clinic of the given mix, assuming that images of each kind are labelled and scored there as here:",
    }[kind]
    for name in second.readings:
        if not fails(second, kind, name):  # what cannot be relied on is not said
            yield from of_reader(second, kind, name)
        yield from score_check(second, name) if kind == SCORES else ()
    yield from {PREVALENCE: no_check, MIX: mix_check}[kind](second) if kind != SCORES else ()


def fails(second: SecondReading, kind: str, name: str) -> bool:
    """Return whether the assumption fails for a finding of one reader: the others are of the same images."""
    notes = of_kind(second, kind).filter(reading=name)["note"]
    return bool(notes.str.contains(FAILS, literal=True).any())


def of_reader(second: SecondReading, kind: str, name: str) -> Iterator[str]:
    """Say how the PPV of one reader moves over findings, and where most, leaving out findings in doubt."""
    rows = of_kind(second, kind).filter(reading=name)
    ppv = rows.filter(metric="ppv").drop_nulls(["value", "here"])
    ppv = ppv.filter(~pl.col("note").str.contains(DOUBT, literal=True))
    if ppv.is_empty():
        if rows["value"].null_count() == rows.height > 0:
            yield f"{name}: nothing can be computed; the notes under the table say why."
        return
    change = pl.col("value") - pl.col("here")
    row = ppv.sort(change.abs(), descending=True, maintain_order=True).row(0, named=True)
    fall, level = ppv.filter(change < 0).height, numbers.level(second.options.level)
    called = lookup.by_key(rows.filter(metric="alarm_rate"), "finding")[row["finding"],]
    moved = "" if ppv.height == 1 else f"PPV is lower there for {fall} of {ppv.height} findings; it changes most for "
    yield (
        f"{name}: {moved}{display(row['finding'])}, at a prevalence of {prevalence(row)} there and "
        f"{numbers.percent(row['prevalence_here'])} here. Of 1,000 people {called_of(called['value'])} are called for "
        f"it there ({called_of(called['here'])} here), and of the called {lookup.share(row, level)} have it there "
        f"({numbers.percent(row['here'])} here)."
    )


def prevalence(row: lookup.Row) -> str:
    """Write a prevalence there, with its interval where it was estimated."""
    bounds = {"value": row["prevalence"], "low": row["prevalence_low"], "high": row["prevalence_high"]}
    return lookup.share(bounds)


def called_of(share: float | None) -> str:
    """Write how many of 1,000 people are called."""
    return numbers.DASH if share is None else numbers.decimal(1000 * share, 1)


def no_check(second: SecondReading) -> Iterator[str]:
    """Say that a prevalence alone allows no check."""
    yield "A prevalence alone cannot show whether this holds: the clinic's own scores could (no labels are needed)."


def mix_check(second: SecondReading) -> Iterator[str]:
    """Say what the re-weighted images are worth, and what the cohort lacks."""
    checks = of_kind(second, MIX, "transport_check")
    worst = checks.sort("value", maintain_order=True).row(0, named=True)
    if checks.filter(~pl.col("holds")).is_empty():
        yield (
            f"Re-weighted to that mix, {numbers.plural(worst['n_here'], 'image')} here count as much as "
            f"{numbers.count(worst['value'])} of equal weight. Nothing that was given can show whether the assumption "
            "holds."
        )
    else:
        lacking = checks.filter(~pl.col("holds")).row(0, named=True)["note"].removeprefix(f"{ASSUMED[MIX]}; ")
        yield f"Not all of that clinic can be spoken of: {lacking}."


def score_check(second: SecondReading, name: str) -> Iterator[str]:
    """Say for which findings of one reader the assumption fails or is in doubt."""
    checks = of_kind(second, SCORES, "transport_check").filter(pl.col("p").is_not_null(), reading=name)
    failed, doubted = (
        [display(finding) for finding in checks.filter(which)["finding"]]
        for which in (~pl.col("holds"), pl.col("holds").is_null())
    )
    n = numbers.plural(checks.height, "finding")
    if failed:
        others = (
            "" if len(failed) == checks.height else "; the other findings are of the same images, and doubtful for it"
        )
        yield (
            f"{name}: the assumption fails for {len(failed)} of {n} ({numbers.listing(failed)}): no mixture of the ill "
            "and the healthy scores here gives the scores there. More than the prevalence differs, and their numbers "
            f"below should not be used{others}."
        )
    if doubted:
        yield (
            f"{name}: the assumption is in doubt for {numbers.listing(doubted)}, where chance alone would seldom bring "
            f"the scores so far from a mixture, though not seldom in one of {n}."
        )
    if not (failed or doubted or checks.is_empty()):
        yield (
            f"{name}: the scores there do not contradict the assumption for any of {n}. A difference too small for so "
            "many images, or one that looks like another prevalence, stays unseen."
        )


# --- blocks ----------------------------------------------------------------------------------------------------------


def figure(second: SecondReading, kind: str) -> Figure:
    """Return the PPV of every finding here and there."""
    here = lookup.by_key(lookup.estimates(second, "ppv"), "reading", "finding")
    rows = []
    for row in of_kind(second, kind).filter(metric="ppv").iter_rows(named=True):
        own = here.get((row["reading"], row["finding"]))
        for panel, each in ((HERE, own or {**row, "value": row["here"], "low": None, "high": None}), (THERE, row)):
            sentence = f"{lookup.sentence(each, 'ppv', second.options.level, display(row['finding']))}, {panel}"
            names = panel, row["reading"], display(row["finding"])
            if panel == THERE and FAILS in row["note"]:  # a mark would be taken for a number
                rows.append((*names, None, None, None, sentence, LEFT_OUT))
            else:
                rows.append((*names, each["value"], each["low"], each["high"], sentence, page_note(row, kind)))
    texts = dict.fromkeys(("panel", "reading", "row"), pl.String)
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    schema = texts | floats | {"sentence": pl.String, "note": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    drawn = [name for name in lookup.findings(second) if name in set(frame["row"])]
    top = min(1.0, max(frame.select(pl.max_horizontal("value", "high")).to_series().drop_nulls(), default=1.0) * 1.05)
    readers = lookup.readers(second).without_floor()
    drawing = draw_intervals(frame, readers, order=drawn, title="PPV", panels=(HERE, THERE), domain=(0.0, top or 1.0))
    lacking = " Where the assumption fails there is no mark." if any(row[-1] == LEFT_OUT for row in rows) else ""
    caption = (
        f"{TITLES[kind]}: of the called, the share that has the finding (PPV), with "
        f"{numbers.level(second.options.level)} intervals.{lacking}"
    )
    return Figure(f"transport-{kind}", f"{TITLES[kind]}: PPV", drawing, caption)


def sheet(second: SecondReading, kind: str) -> Sheet:
    """Return every quantity here and there, a row for each finding and reader."""
    of = lookup.by_key(of_kind(second, kind), "reading", "finding", "metric")
    checks = lookup.by_key(of_kind(second, kind, "transport_check"), "reading", "finding")
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False)]
    columns += [Column(title, "Prevalence") for title in ("here", "there")]
    columns += [Column(title, head) for head in PAIRED.values() for title in ("here", "there")]
    columns += [Column("Images worth"), *([Column("Check", numeric=False)] if kind == SCORES else [])]
    rows = []
    for finding in second.study.findings:
        for name in second.readings:
            if (name, finding, "ppv") in of:
                own = {metric: of[name, finding, metric] for metric in PAIRED}
                check = [check_cell(checks[name, finding])] if kind == SCORES else []
                rows.append((Cell(display(finding)), Cell(name), *cells(own, kind), *check))
    foot = (f"Every number {ASSUMED[kind].split(';')[0]}.",)
    return Sheet(f"transport-{kind}-table", f"{TITLES[kind]}: all numbers", tuple(columns), tuple(rows), foot=foot)


def cells(own: dict[str, lookup.Row], kind: str) -> Iterator[Cell]:
    """Yield the cells of one finding and reader: prevalence, then each metric, here and there."""
    first = own["ppv"]
    yield Cell(numbers.percent(first["prevalence_here"]))
    yield Cell(prevalence(first))
    for metric, row in own.items():
        write = writer(metric)
        yield Cell(write(row["here"]))
        yield Cell(numbers.interval(row["value"], row["low"], row["high"], write), page_note(row, kind))
    yield Cell(numbers.count(first["effective_n"]))


def writer(metric: str) -> Callable[[numbers.Number], str]:
    """Return how a metric is written in the sheet."""
    return {"alarm_rate": called_of, "false_positives_per_true_positive": numbers.ratio}.get(metric, numbers.decimal)


def page_note(row: lookup.Row, kind: str) -> str:
    """Return a note without the assumption, which the sheet says once."""
    return "; ".join(part for part in (row["note"] or "").replace(ASSUMED[kind], "").split("; ") if part)


def check_cell(check: lookup.Row) -> Cell:
    """Say whether the check of one finding holds."""
    if check["p"] is None:
        return Cell(numbers.DASH, check["note"] or "")
    word = {True: "no contradiction", False: "fails", None: "in doubt"}[check["holds"]]
    return Cell(f"{word} (p{numbers.SPACE}{lookup.equal(check['p_adjusted'])})")


GUIDE = (
    (
        "Sensitivity and specificity do not depend on how many people are ill, but PPV, NPV and the number of alarms "
        "do; and all of them move when the clinic sees other kinds of people or takes images in another way."
    ),
    (
        "A stated prevalence, or one read off unlabelled scores, re-weights ill against healthy images. A mix of "
        "attributes re-weights their strata. 'Images worth' is how many equally weighted images the re-weighted ones "
        "are worth (Kish 1965)."
    ),
    (
        "The prevalence behind unlabelled scores is the one under which they are likeliest as a mixture of the ill and "
        "the healthy scores of this cohort (Saerens 2002, Lipton 2018). The check compares the scores there with that "
        "mixture: the largest distance of the distribution functions against what resampling gives, p adjusted over "
        "findings."
    ),
    (
        "Calibration intercept: by how much the log odds of all scores would have to be raised for their mean to be "
        "the prevalence; 0 is right on average."
    ),
)
