"""Readers who only call, such as radiologists: their points beside the models' curves, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.beside_calls import EVERYONE
from overread.analyses.quantities import MEAN
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.curves import draw_roc
from overread.report.figures.theme import Readers
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.curves import as_read

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

STATISTICS = {
    "agreement": "Agreement",
    "cohen_kappa": "Cohen’s kappa",
    "fleiss_kappa": "Fleiss’ kappa",
    "gwet_ac1": "Gwet’s AC1",
    "krippendorff_alpha": "Krippendorff’s alpha",
}
MOST_SENTENCES = 6


def section(second: SecondReading) -> Section | None:
    """Return calls beside the models; nothing where every reading has scores."""
    if not second.callers:
        return None
    blocks: list[Figure | Sheet] = [roc(second)] if not second.tables["call_curves"].is_empty() else []
    blocks += [rates(second), compared(second)]
    blocks += [agreement(second)] if not second.tables["call_agreement"].is_empty() else []
    return Section("calls", "Readers who only call", tuple(lead(second)), tuple(blocks), GUIDE)


def own(second: SecondReading, metric: str) -> pl.DataFrame:
    """Return the rates of callers with intervals by patient."""
    return second.tables["call_rates"].filter(pl.col("metric") == metric, pl.col("method") == "bootstrap")


def findings(second: SecondReading) -> list[str]:
    """Return the findings that all have answered."""
    answered = set(second.tables["call_rates"]["finding"])
    return [finding for finding in second.study.findings if finding in answered]


def lead(second: SecondReading) -> Iterator[str]:
    """Say who calls, and how the models do at the same sensitivity and specificity."""
    cases = len(second.tables["imrmc_cases"])
    who = numbers.listing(second.callers)
    answer = "answers" if len(second.callers) == 1 else "answer"
    yield (
        f"{who} only {answer} yes or no, on {numbers.plural(cases, 'image')} that every reader and model has read. "
        "Such a reader is a point, not a curve, and has no AUROC: the area of its two straight lines is the mean of "
        "its sensitivity and specificity, which a reader with scores would nearly always exceed."
    )
    table = second.tables["call_comparisons"].filter(pl.col("finding") == MEAN)
    for row in table.head(MOST_SENTENCES).iter_rows(named=True):
        yield comparison_said(row)
    if len(table) > MOST_SENTENCES:
        yield "The other pairs stand in the table."


def comparison_said(row: lookup.Row) -> str:
    """Say one comparison over findings."""
    model, reader, metric = row["model"], row["reader"], row["metric"]
    if not numbers.defined(row["difference"]):
        return f"{model} could not be brought to the {row['held']} of {reader}."
    beyond = numbers.defined(row["low"]) and (row["low"] > 0 or row["high"] < 0)
    sure = "" if beyond else ", which chance alone would do"
    apart = numbers.interval(row["difference"], row["low"], row["high"], numbers.signed)
    return (
        f"At the {row['held']} of {reader} (mean over findings {numbers.decimal(row['reader_held'])}), {model} has a "
        f"{metric} of {numbers.decimal(row['a'])} against {numbers.decimal(row['b'])}: {apart}{sure}."
    )


def roc(second: SecondReading) -> Figure:
    """Return the models' ROC curves on the images that all have read, with a point for each caller."""
    curves = second.tables["call_curves"].filter(pl.col("curve") == "roc").select("reading", "finding", "x", "y")
    curves = as_read(curves.with_columns((pl.col("reading") + ", ROC curve").alias("sentence")))
    drawn = set(curves["finding"])
    order = [name for finding in findings(second) if (name := display(finding)) in drawn]
    readers = Readers((*second.readings, *second.callers), points=second.callers)
    drawing = draw_roc(curves, points(second), readers, order=order)
    caption = (
        "Sensitivity against 1 − specificity on the images that all have read. Lines: models. Marks: readers who only "
        "call. A mark above a line is a reader who does better than the model at that point."
    )
    return Figure("roc-calls", "ROC curves with the points of readers", drawing, caption)


def points(second: SecondReading) -> pl.DataFrame:
    """Return the point of every caller and finding."""
    level = second.options.level
    specificity = lookup.by_key(own(second, "specificity"), "reading", "finding")
    rows = []
    for row in own(second, "sensitivity").iter_rows(named=True):
        other = specificity[row["reading"], row["finding"]]
        if not numbers.defined(row["value"]) or not numbers.defined(other["value"]):
            continue
        said = f"sensitivity {lookup.said(row, level)}, specificity {lookup.said(other, level)}"
        name = display(row["finding"])
        rows.append((row["reading"], name, 1 - other["value"], row["value"], f"{name}, {row['reading']}: {said}"))
    schema = {"reading": pl.String, "finding": pl.String, "x": pl.Float64, "y": pl.Float64, "sentence": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def rates(second: SecondReading) -> Sheet:
    """Return sensitivity, specificity and predictive values of every caller."""
    metrics = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV"}
    found = {metric: lookup.by_key(own(second, metric), "reading", "finding") for metric in metrics}
    columns = (
        *(Column(title, numeric=False) for title in ("Finding", "Reader")),
        *(Column(title) for title in ("Images", "Positive", *metrics.values())),
    )
    shown = own(second, "sensitivity").filter(pl.col("finding").is_in([*findings(second), MEAN]))
    rows = tuple(
        (
            Cell(display(row["finding"])),
            Cell(row["reading"]),
            Cell(numbers.count(row["n_images"])),
            Cell(numbers.count(row["n_positive"])),
            *(lookup.cell(found[metric].get((row["reading"], row["finding"])), metric) for metric in metrics),
        )
        for row in shown.sort("finding", maintain_order=True).iter_rows(named=True)
    )
    foot = f"In brackets: {numbers.level(second.options.level)} intervals, patients resampled."
    return Sheet("call-rates", "What each reader finds and spares", columns, rows, shown=True, foot=(foot,))


def compared(second: SecondReading) -> Sheet:
    """Return models at the sensitivity, and at the specificity, of each caller."""
    columns = (
        *(Column(title, numeric=False) for title in ("Finding", "Model", "Reader", "Held equal")),
        *(Column(title, "held") for title in ("Model", "Reader")),
        Column("Compared", numeric=False),
        *(Column(title, "compared") for title in ("Model", "Reader", "Difference", "p, adjusted")),
    )
    rows = tuple(
        (
            *(Cell(text) for text in (display(row["finding"]), row["model"], row["reader"], row["held"])),
            *(Cell(numbers.decimal(row[name])) for name in ("model_held", "reader_held")),
            Cell(row["metric"]),
            *(Cell(numbers.decimal(row[name])) for name in ("a", "b")),
            Cell(numbers.interval(row["difference"], row["low"], row["high"], numbers.signed), row["note"]),
            Cell(numbers.p_value(row["p_adjusted"])),
        )
        for row in second.tables["call_comparisons"].iter_rows(named=True)
        if row["finding"] != MEAN or len(findings(second)) > 1
    )
    foot = (
        "The model’s threshold is chosen on the other half of the patients so that it has the reader’s rate there; "
        "what it has on the half that it is judged on stands beside the reader’s. With few positive images this costs "
        "the model a little on average.",
        f"Difference: model less reader, with {numbers.level(second.options.level)} intervals, patients resampled and "
        "thresholds chosen anew. p adjusted over findings after Holm.",
    )
    return Sheet("call-comparisons", "Models at the rates of readers", columns, rows, shown=True, foot=foot)


def agreement(second: SecondReading) -> Sheet:
    """Return how far callers agree."""
    columns = (
        *(Column(title, numeric=False) for title in ("Finding", "Readers", "Statistic")),
        Column("Value"),
    )
    rows = tuple(
        (
            Cell(display(row["finding"])),
            Cell(f"all {row['n_readers']}" if row["readers"] == EVERYONE else row["readers"]),
            Cell(STATISTICS[row["statistic"]]),
            lookup.cell(row),
        )
        for row in second.tables["call_agreement"].iter_rows(named=True)
    )
    foot = f"In brackets: {numbers.level(second.options.level)} intervals, patients resampled. No truth enters here."
    return Sheet("call-agreement", "How far readers agree", columns, rows, shown=len(rows) <= 30, foot=(foot,))


GUIDE = (
    (
        "A reader who calls has one sensitivity and one specificity. A model is brought to one of the two, and the "
        "other is compared: who spares more healthy people while finding as many ill ones, and the reverse."
    ),
    (
        "Agreement beyond chance: kappa falls with the frequency of a finding even where readers agree on nearly all "
        "images; Gwet’s AC1 does not. Both are given beside the plain share of images, or pairs of readers, that agree."
    ),
    (
        "The labels judge everyone here. If they were made from reports by software, a reader who disagrees with them "
        "may be right."
    ),
    (
        "imrmc/*.imrmc hold the same answers for iMRMC, which also draws readers at random and so speaks of readers at "
        "large; the numbers of this page speak of these readers."
    ),
)
