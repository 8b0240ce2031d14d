"""Calibration: whether a score is the frequency that it claims to be, as given and recalibrated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.calibration import AS_GIVEN
from overread.analyses.evaluation import TUNING
from overread.analyses.quantities import MEAN
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.reliability import draw_reliability
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

IN_FULL = 4
"""So many readers have sentences and a figure; the tables hold all."""

KINDS = {"platt": "Platt", "isotonic": "isotonic", "temperature": "temperature"}
METHODS = {
    "brier": "bootstrap",
    "calibration_intercept": "sandwich",
    "calibration_slope": "sandwich",
    "ece": "bootstrap (inverted)",
}


def section(second: SecondReading) -> Section | None:
    """Return whether scores are frequencies; nothing where that was not judged."""
    if lookup.table(second, "calibration") is None or lookup.table(second, "reliability") is None:
        return None
    names = lookup.file_names("reliability", second.readings[:IN_FULL])
    blocks: list[Figure | Sheet] = [figure(second, name, stem) for name, stem in names.items()]
    blocks.append(sheet(second))
    if kinds(second):
        blocks.append(recalibrated_sheet(second))
    return Section("calibration", "Can a score be read as a probability?", tuple(lead(second)), tuple(blocks), GUIDE)


def kinds(second: SecondReading) -> list[str]:
    """Return the ways in which scores were recalibrated, in their order."""
    of = second.tables["calibration"]["scores"].unique(maintain_order=True)
    return [kind for kind in of if kind != AS_GIVEN]


def bins(second: SecondReading) -> int:
    """Return the number of bins."""
    return int(second.tables["reliability"].select(pl.col("bin").max() + 1).item())


def estimated(second: SecondReading, metric: str) -> dict[tuple[str, ...], lookup.Row]:
    """Return a measure of calibration with its intervals by reader and finding, the mean among them."""
    return lookup.by_key(lookup.estimates(second, metric, METHODS[metric]), "reading", "finding")


def known(second: SecondReading, name: str, metric: str) -> list[lookup.Row]:
    """Return a measure of each finding of one reader where it has an interval."""
    of = estimated(second, metric)
    rows = (of.get((name, finding)) for finding in second.study.findings)
    return [row for row in rows if row is not None and numbers.defined(row["low"])]


# --- sentences -------------------------------------------------------------------------------------------------------


def lead(second: SecondReading) -> Iterator[str]:
    """Say what calibration is, and for each reader whether scores are too extreme, too high or too low."""
    yield (
        "A score of 0.3 can be read as a probability if 3 in 10 images with such a score carry the finding. The slope "
        "says whether scores are spread rightly: below 1 they are too extreme, the high ones too high and the low ones "
        "too low, as after overfitting; above 1 they are too timid. The intercept says whether they are right on "
        "average: below 0 they run too high, above 0 too low."
    )
    for name in second.readings[:IN_FULL]:
        yield from slope_sentence(second, name)
        yield from intercept_sentence(second, name)
        yield from error_sentence(second, name)
    if len(second.readings) > IN_FULL:
        yield "The other readers stand in the tables."


def names_of(rows: list[lookup.Row], most: int = 3) -> str:
    """Name a few findings, and say how many they are where they are more."""
    named = [display(row["finding"]) for row in rows]
    return numbers.plural(len(named), "finding") if len(named) > most else numbers.listing(named)


def slope_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say the mean slope, and for which findings it lies below or above 1 with its whole interval."""
    rows = known(second, name, "calibration_slope")
    mean = estimated(second, "calibration_slope").get((name, MEAN))
    if not rows or mean is None:
        yield f"{name}: no calibration slope could be fitted."
        return
    below, above = [row for row in rows if row["high"] < 1], [row for row in rows if row["low"] > 1]
    parts = [f"below 1 for {names_of(below)}"] if below else []
    parts += [f"above 1 for {names_of(above)}"] if above else []
    where = f"the whole interval lies {numbers.listing(parts)}" if parts else "no interval excludes 1"
    yield (
        f"{name}: the mean slope is {lookup.said(mean, second.options.level)}; of "
        f"{numbers.plural(len(rows), 'finding')}, {where}."
    )


def intercept_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say for which findings scores run too high or too low on average."""
    rows = known(second, name, "calibration_intercept")
    high, low = [row for row in rows if row["high"] < 0], [row for row in rows if row["low"] > 0]
    parts = [f"too high for {names_of(high)}"] if high else []
    parts += [f"too low for {names_of(low)}"] if low else []
    if parts:
        yield f"On average the scores of {name} run {numbers.listing(parts)}, beyond what the interval leaves open."


def error_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say the mean calibration error, what chance alone would give, and what recalibration makes of it."""
    mean = estimated(second, "ece").get((name, MEAN))
    own = second.tables["calibration"].filter(pl.col("reading") == name)
    given = own.filter(pl.col("scores") == AS_GIVEN).drop_nulls("ece")
    if mean is None or given.is_empty():
        return
    worst = given.sort("ece", descending=True, maintain_order=True).row(0, named=True)
    chance = given.select(pl.col("ece_if_calibrated").mean()).item()
    expected = f"; a calibrated reader would show {numbers.decimal(chance, 4)} by chance"
    by_chance = expected if numbers.defined(chance) else ""
    yield (
        f"Score and frequency lie {lookup.said(mean, second.options.level, 'ece')} apart on average (ECE over "
        f"{bins(second)} bins of equal numbers of images, mean over findings), most for {display(worst['finding'])}, "
        f"{numbers.decimal(worst['ece'], 4)}{by_chance}.{after(own, given)}"
    )


def after(own: pl.DataFrame, given: pl.DataFrame) -> str:
    """Say what is left of the error after each recalibration; empty where there was none."""
    left = own.filter(pl.col("scores") != AS_GIVEN, pl.col("finding").is_in(given["finding"].implode()))
    means = left.group_by("scores", maintain_order=True).agg(pl.col("ece").mean())
    parts = [
        f"{KINDS.get(kind, kind)} {numbers.decimal(ece, 4)}"
        for kind, ece in means.select("scores", "ece").drop_nulls().rows()
    ]
    if not parts:
        return ""
    return f" Recalibrated {fitted(own)}, it is: {', '.join(parts)}."


def fitted(own: pl.DataFrame) -> str:
    """Say on what recalibrations were fitted."""
    on = own.filter(pl.col("scores") != AS_GIVEN)["fitted_on"]
    tuning = not on.is_empty() and on[0] == TUNING
    return "on the tuning rows" if tuning else "on the other half of the patients"


# --- the figures -----------------------------------------------------------------------------------------------------


def figure(second: SecondReading, name: str, stem: str) -> Figure:
    """Return the reliability of one reader, a plot for each finding."""
    level = numbers.level(second.options.level)
    table = second.tables["reliability"].filter(pl.col("reading") == name)
    given = table.filter(pl.col("scores") == AS_GIVEN)
    points = with_sentences(given, [point_sentence(row, level) for row in given.iter_rows(named=True)])
    counted = second.tables["calibration_histogram"].filter(pl.col("reading") == name)
    bars = with_sentences(counted, [bar_sentence(row) for row in counted.iter_rows(named=True)])
    look = lookup.readers(second).look(name)
    drawing = draw_reliability(
        points, curves(second, name), lines(second, name, table), bars, look, order=lookup.findings(second), level=level
    )
    also = " Thin grey lines: the scores recalibrated." if kinds(second) else ""
    caption = (
        f"{name}: how often a finding is there at each score, by a smooth regression (line, with a band of {level} by "
        f"patient at each score), and in each of {bins(second)} bins with equal numbers of images (symbols, with "
        f"{level} intervals). On the diagonal a score is what it "
        f"claims to be; under it scores are too high. Axes differ between findings.{also} Strips below: how many "
        "images have which score from 0 to 1, ill above the line and healthy below it, on a logarithmic scale."
    )
    return Figure(stem, f"Reliability of {name}", drawing, caption)


def curves(second: SecondReading, name: str) -> pl.DataFrame:
    """Return the curves without bins; the sentence of each says how far scores lie from it."""
    of = lookup.by_key(second.tables["calibration_distance"].filter(pl.col("reading") == name), "finding")
    own = second.tables["calibration_curve"].filter(pl.col("reading") == name)
    said = {
        finding: f"{display(finding)}, {name}: scores lie {numbers.decimal(row['ici'], 4)} from the curve on average, "
        f"{numbers.decimal(row['e90'], 4)} or less for 9 of 10 images"
        for (finding,), row in of.items()
    }
    return with_sentences(own, [said[finding] for finding in own["finding"]])


def with_sentences(frame: pl.DataFrame, sentences: list[str]) -> pl.DataFrame:
    """Return rows with the name of their finding and their sentence."""
    named = [display(finding) for finding in frame["finding"]]
    return frame.with_columns(
        pl.Series("row", named, dtype=pl.String), pl.Series("sentence", sentences, dtype=pl.String)
    )


def point_sentence(row: lookup.Row, level: str) -> str:
    """Say the rate of one bin."""
    ill = f"{numbers.count(row['n_positive'])} of {numbers.plural(row['n_images'], 'image')} ill"
    rate = {"value": row["rate"], "low": row["low"], "high": row["high"]}
    mean = numbers.score(row["mean_score"])
    return f"{display(row['finding'])}, {row['reading']}, mean score {mean}: {ill}, {lookup.share(rate, level)}"


def bar_sentence(row: lookup.Row) -> str:
    """Say how many images have scores within one bin."""
    within = f"score {numbers.decimal(row['score_from'], 2)} to {numbers.decimal(row['score_to'], 2)}"
    counts = f"{numbers.count(row['n_positive'])} ill and {numbers.count(row['n_negative'])} healthy images"
    return f"{display(row['finding'])}, {row['reading']}, {within}: {counts}"


def lines(second: SecondReading, name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return the curves after recalibration; the sentence of each says its slope and error."""
    of = lookup.by_key(second.tables["calibration"].filter(pl.col("reading") == name), "scores", "finding")
    again = table.filter(pl.col("scores") != AS_GIVEN)
    sentences = []
    for row in again.iter_rows(named=True):
        whole = of.get((row["scores"], row["finding"]))
        slope, error = (numbers.decimal(whole[c] if whole else None, d) for c, d in (("slope", 3), ("ece", 4)))
        kind = KINDS.get(row["scores"], row["scores"])
        sentences.append(f"{display(row['finding'])}, {name}, recalibrated ({kind}): slope {slope}, ECE {error}")
    titles = [KINDS.get(kind, kind) for kind in again["scores"]]
    return with_sentences(again, sentences).with_columns(pl.Series("scores", titles, dtype=pl.String))


# --- tables ----------------------------------------------------------------------------------------------------------


def sheet(second: SecondReading) -> Sheet:
    """Return every measure of the scores as they were given."""
    of = lookup.by_key(second.tables["calibration"].filter(pl.col("scores") == AS_GIVEN), "reading", "finding")
    away = lookup.by_key(second.tables["calibration_distance"], "reading", "finding")
    estimates = {metric: estimated(second, metric) for metric in METHODS}
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False)]
    heads = ("Prevalence", "Mean score", "Intercept", "Slope", "ECE", "ECE by chance", "ICI")
    columns += [Column(head) for head in heads]
    columns += [Column(head, "Brier score") for head in ("all", "miscalibration", "discrimination", "uncertainty")]
    rows = []
    for finding in (*second.study.findings, MEAN):
        title = lookup.mean_name(second) if finding == MEAN else display(finding)
        for name in second.readings:
            own = {metric: estimates[metric].get((name, finding)) for metric in METHODS}
            row, curve = of.get((name, finding)), away.get((name, finding))
            rows.append((Cell(title), Cell(name), *cells(row, own, curve)))
    level = numbers.level(second.options.level)
    foot = (
        f"Intervals: {level}, patients as the unit. ECE: mean distance of score and frequency over {bins(second)} bins "
        "of equal numbers of images; ECE by chance: what a calibrated reader with these scores would show. ICI: mean "
        "distance of score and smooth curve over all images, which chance raises too. Brier score = miscalibration − "
        "discrimination + uncertainty; uncertainty is that of the cohort, the same for all readers.",
    )
    return Sheet("calibration-table", "Calibration by finding", tuple(columns), tuple(rows), foot=foot)


def cells(row: lookup.Row | None, own: dict[str, lookup.Row | None], curve: lookup.Row | None) -> Iterator[Cell]:
    """Yield the cells of one finding and reader; a mean over findings has no parts."""
    values = row or {}
    yield from (Cell(numbers.percent(values["prevalence"]) if row else ""), small(values.get("mean_score"), row))
    for metric in ("calibration_intercept", "calibration_slope", "ece"):
        yield lookup.cell(own[metric], metric)
    yield small(values.get("ece_if_calibrated"), row, 4)
    yield Cell(numbers.decimal(curve["ici"], 4), curve["note"] or "") if curve is not None else Cell("")
    yield lookup.cell(own["brier"], "brier")
    for part in ("miscalibration", "discrimination", "uncertainty"):
        yield small(values.get(part), row, 4)


def small(value: float | None, row: lookup.Row | None, digits: int = 3) -> Cell:
    """Return a number as a cell, empty in the row of means."""
    return Cell(numbers.decimal(value, digits) if row is not None else "")


def recalibrated_sheet(second: SecondReading) -> Sheet:
    """Return slope, error and Brier score before and after each recalibration."""
    of = lookup.by_key(second.tables["calibration"], "scores", "reading", "finding")
    each = [AS_GIVEN, *kinds(second)]
    measures = {"slope": ("Slope", 3), "ece": ("ECE", 4), "brier": ("Brier score", 4)}
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False)]
    columns += [Column(KINDS.get(kind, kind), head) for head, _ in measures.values() for kind in each]
    rows = []
    for finding in second.study.findings:
        for name in second.readings:
            made = [Cell(display(finding)), Cell(name)]
            for measure, (_, digits) in measures.items():
                for kind in each:
                    row = of.get((kind, name, finding))
                    note = failed(row) if measure == "slope" else ""
                    made.append(Cell(numbers.decimal(row[measure] if row else None, digits), note))
            rows.append(tuple(made))
    foot = (
        f"Recalibrated {fitted(second.tables['calibration'])}, never on the images that are reported. Isotonic maps "
        "give scores of 0 and 1, which the slope takes for the nearest that has a logit.",
    )
    return Sheet("recalibration", "Before and after recalibration", tuple(columns), tuple(rows), foot=foot)


def failed(row: lookup.Row | None) -> str:
    """Return why a measure is empty; nothing where it is not."""
    return (row["note"] or "") if row is not None and not numbers.defined(row["slope"]) else ""


GUIDE = (
    (
        "Order and calibration are two things: a reader with a high AUROC may have scores that are all too high, which "
        "matters as soon as a threshold is meant as a risk, and not at all for the order of a worklist."
    ),
    (
        "Slope and intercept are those of a logistic regression of the label on the log odds of the score; the "
        "intercept is taken with the slope held at 1."
    ),
    (
        "Brier score: the mean squared distance of score and label, less is better. Its parts: what miscalibration "
        "costs, what telling images apart gains, and how uncertain the cohort is to begin with."
    ),
    (
        "The smooth curve is a logistic regression of the label on a spline of the score's log odds, with up to five "
        "knots at quantiles of the scores, and as good as straight where few images are. It needs no bins, and bends "
        "where the symbols, which do, only hint at it. It is drawn from the 1st to the 99th percentile of the scores."
    ),
    (
        "The ECE depends on its bins and is above 0 by chance even for a calibrated reader, the more the rarer the "
        "finding. So it stands beside what chance alone gives."
    ),
    (
        "Recalibration moves scores and keeps their order (isotonic may tie them): Platt fits slope and intercept, "
        "temperature a slope alone, isotonic any rising map. It holds for this cohort; another clinic needs its own."
    ),
)
