"""Table 2, and the operating points finding by finding: what holds once a threshold is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals
from overread.report.glossary import CHOSEN_ON, METRICS
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.discrimination import drawn_rows, falling_order

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

COUNTED = tuple(metric for metric in METRICS if metric not in ("auroc", "average_precision"))
BESIDE_COUNTS = ("sensitivity", "specificity", "ppv", "npv", "lr_positive", "lr_negative", "dor")


def means(second: SecondReading) -> Section:
    """Return Table 2: the means over findings at the operating points."""
    sheets = (table_2(second, "mean", "Table 2: means over findings at the operating points", shown=True),)
    others = tuple(table_2(second, finding, f"Table 2, {title}") for finding, title in OTHER_AVERAGES.items())
    title = "At the operating points: means over findings (Table 2)"
    return Section("table-2", title, tuple(mean_lead(second)), (*sheets, *others), MEAN_GUIDE)


OTHER_AVERAGES = {"weighted": "weighted by the number of positives", "pooled": "all decisions pooled"}


def mean_lead(second: SecondReading) -> list[str]:
    """Say how thresholds were chosen, and the mean sensitivity, specificity and PPV of each reader."""
    of = {
        m: lookup.by_key(lookup.estimates(second, m), "reading", "finding")
        for m in ("sensitivity", "specificity", "ppv")
    }
    level = numbers.level(second.options.level)
    sentences = [
        CHOSEN_ON[way]
        for way in second.tables["thresholds"]["chosen_on"].unique(maintain_order=True)
        if way in CHOSEN_ON
    ]
    for name in second.readings:
        mean = {metric: rows.get((name, "mean")) for metric, rows in of.items()}
        told = [
            said.format(lookup.share(row, level))
            for metric, said in MEAN_SAID.items()
            if (row := mean[metric]) and numbers.defined(row["value"])
        ]
        if told:
            over = ", on average over findings" if len(second.study.findings) > 1 else ""
            sentences.append(f"{name}{over}: {'; '.join(told)}.")
        else:
            sentences.append(f"{name} has no operating point at which anything could be counted.")
    return sentences


MEAN_SAID = {
    "sensitivity": "{} of the images that have the finding are called (sensitivity)",
    "specificity": "{} of those that do not are left alone (specificity)",
    "ppv": "{} of the calls are right (PPV)",
}


def table_2(second: lookup.Results, finding: str, title: str, *, shown: bool = False) -> Sheet:
    """Return every metric of the four counts in one kind of average, a column per reader."""
    everyone = lookup.readers(second).everyone
    rows = []
    for metric in COUNTED:
        of = lookup.by_key(lookup.estimates(second, metric), "reading", "finding")
        rows.append((Cell(METRICS[metric]), *(lookup.cell(of.get((name, finding)), metric) for name in everyone)))
    columns = (Column("Metric", numeric=False), *(Column(name) for name in everyone))
    foot = f"In brackets: {numbers.level(second.options.level)} intervals, patients resampled."
    return Sheet(f"table-2-{finding}", title, columns, tuple(rows), shown=shown, foot=(foot,)).with_shared_note()


def by_finding(second: SecondReading) -> Section:
    """Return sensitivity and specificity of every finding, and the four counts behind them."""
    sheets = tuple(
        counts_sheet(second, name, file)
        for name, file in lookup.file_names("operating-points", second.readings).items()
    )
    title = "At the operating points: finding by finding"
    return Section("operating-points", title, tuple(lead(second)), (figure(second), *sheets), GUIDE)


def lead(second: SecondReading) -> list[str]:
    """Say between which findings sensitivity and specificity of each reader lie."""
    sentences = []
    for name in second.readings:
        parts = []
        for metric in ("sensitivity", "specificity"):
            rows = lookup.by_key(lookup.estimates(second, metric), "reading", "finding")
            ends = lookup.extremes(rows[name, finding] for finding in second.study.findings)
            if ends:
                low, high = (f"{numbers.percent(row['value'])} ({display(row['finding'])})" for row in ends)
                same = ends[0]["value"] == ends[1]["value"]
                parts.append(
                    f"{metric} {numbers.percent(ends[0]['value'])}" if same else f"{metric} from {low} to {high}"
                )
        if parts:
            sentences.append(f"{name}: {numbers.listing(parts)}.")
    return ["A mean hides that findings differ.", *sentences]


def figure(second: SecondReading) -> Figure:
    """Return sensitivity and specificity side by side."""
    panels = "Sensitivity", "Specificity"
    rows = pl.concat([drawn_rows(second, panel.lower()).with_columns(pl.lit(panel).alias("panel")) for panel in panels])
    drawing = draw_intervals(
        rows,
        lookup.readers(second),
        order=falling_order(second),
        apart=[lookup.mean_name(second)],
        title="share of images",
        panels=panels,
        width=560,
    )
    level = numbers.level(second.options.level)
    caption = f"Sensitivity and specificity at the operating points, with {level} intervals (patients resampled)."
    return Figure("operating-points", "Sensitivity and specificity by finding", drawing, caption)


def counts_sheet(second: SecondReading, reading: str, name: str) -> Sheet:
    """Return threshold, counts and rates of every finding for one reader."""
    thresholds = second.tables["thresholds"].filter(pl.col("reading") == reading)
    of = {m: lookup.by_key(lookup.estimates(second, m), "reading", "finding") for m in BESIDE_COUNTS}
    columns = (
        Column("Finding", numeric=False),
        *(Column(title) for title in ("Threshold", "TP", "FP", "FN", "TN")),
        *(Column(METRICS[metric]) for metric in BESIDE_COUNTS),
    )
    rows = []
    for finding in second.study.findings:
        folds = thresholds.filter(pl.col("finding") == finding).sort("fold")
        values = " / ".join(numbers.score(value) for value in folds["threshold"])
        known = folds["tp"].null_count() == 0
        counts = [
            Cell(numbers.count(int(folds[name].sum())) if known else numbers.DASH) for name in ("tp", "fp", "fn", "tn")
        ]
        rates = [lookup.cell(of[metric].get((reading, finding)), metric) for metric in BESIDE_COUNTS]
        rows.append((Cell(display(finding)), Cell(values), *counts, *rates))
    two = second.tables["thresholds"]["fold"].n_unique() > 1
    foot = ("Two thresholds: one for each half of the patients; the counts are of both.",) if two else ()
    return Sheet(name, f"{reading}: thresholds, counts and rates", columns, tuple(rows), foot=foot)


MEAN_GUIDE = (
    (
        "A threshold turns scores into calls. These are means over findings, each finding counting the same; ratios "
        "are averaged on the log scale."
    ),
    (
        "Accuracy, PPV, NPV and F1 depend on how frequent the findings are in this cohort; sensitivity, specificity "
        "and the likelihood ratios less so."
    ),
    (
        "Pooled: all decisions on all findings are put into one table of four counts before the metric is taken, so "
        "that frequent findings rule it."
    ),
)
GUIDE = (
    (
        "Left: of the images with the finding, the share that is called. Right: of the images without it, the share "
        "left alone."
    ),
    "A reader may trade one for the other by moving its threshold; compare readers on both at once.",
    "Intervals hold the threshold as it is, as a device in use does, unless the options say otherwise.",
)
