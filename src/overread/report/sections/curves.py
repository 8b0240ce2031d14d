"""ROC and precision-recall curves: every threshold at once, and where the operating point lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.curves import draw_precision_recall, draw_roc
from overread.report.section import Figure, Section

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading


def section(second: SecondReading) -> Section | None:
    """Return both families of curves; nothing where no finding has any."""
    if second.tables["curves"].is_empty():
        return None
    return Section(
        "curves", "ROC and precision-recall curves", tuple(lead(second)), (roc(second), precision(second)), GUIDE
    )


def lead(second: SecondReading) -> list[str]:
    """Say what a curve is, and the ends of average precision beside the prevalence."""
    sentences = [
        "A curve shows all thresholds at once; the mark on it is the operating point used in the rest of this page."
    ]
    of = lookup.by_key(lookup.estimates(second, "average_precision"), "reading", "finding")
    for name in second.readings:
        ends = lookup.extremes(of[name, finding] for finding in second.study.findings)
        if ends and ends[0]["finding"] != ends[1]["finding"]:
            low, high = (
                f"{numbers.decimal(row['value'])} for {display(row['finding'])} (prevalence {prevalence(row)})"
                for row in ends
            )
            sentences.append(f"Average precision of {name} goes from {low} to {high}.")
    return sentences


def prevalence(row: lookup.Row) -> str:
    """Say the prevalence behind an estimate."""
    return numbers.percent(row["n_positive"] / row["n_images"])


def roc(second: SecondReading) -> Figure:
    """Return the ROC curves."""
    curves, marks = named_curves(second, "roc", "auroc"), roc_marks(second)
    drawing = draw_roc(curves, marks, lookup.readers(second), order=drawn_findings(second))
    caption = "Sensitivity against 1 − specificity, one plot per finding. Dashed: guessing."
    return Figure("roc", "ROC curves", drawing, caption)


def roc_marks(second: SecondReading) -> pl.DataFrame:
    """Return where the operating points lie on the ROC curves."""
    return points(second, "specificity", "sensitivity").with_columns((1 - pl.col("x")).alias("x"))


def precision(second: SecondReading) -> Figure:
    """Return the precision-recall curves."""
    cohort = second.tables["cohort"].filter(pl.col("split") == "reported", pl.col("finding") != "")
    shares = {display(finding): share for finding, share in cohort.select("finding", "prevalence").iter_rows()}
    curves = named_curves(second, "precision_recall", "average_precision")
    marks = points(second, "sensitivity", "ppv")
    prevalence = {name: shares[name] for name in drawn_findings(second)}
    drawing = draw_precision_recall(curves, marks, lookup.readers(second), prevalence=prevalence)
    caption = (
        "Precision (PPV) against recall (sensitivity), one plot per finding. Dashed: the prevalence, which guessing "
        "would reach."
    )
    return Figure("precision-recall", "Precision-recall curves", drawing, caption)


def drawn_findings(second: SecondReading) -> list[str]:
    """Return the names of the findings that have a curve, in the order of the cohort."""
    known = set(second.tables["curves"]["finding"])
    return [display(finding) for finding in second.study.findings if finding in known]


def as_read(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its findings as they are read."""
    names = {finding: display(finding) for finding in frame["finding"].unique()}
    return frame.with_columns(pl.col("finding").replace_strict(names, return_dtype=pl.String))


def named_curves(second: SecondReading, curve: str, metric: str) -> pl.DataFrame:
    """Return the points of one kind of curve, each line with the sentence that it stands for."""
    points = second.tables["curves"].filter(pl.col("curve") == curve).select("reading", "finding", "x", "y")
    rows = lookup.estimates(second, metric)
    sentences = [
        (row["reading"], row["finding"], lookup.sentence(row, metric, second.options.level, display(row["finding"])))
        for row in rows.iter_rows(named=True)
    ]
    said = pl.DataFrame(sentences, schema=["reading", "finding", "sentence"], orient="row")
    return as_read(points.join(said, on=["reading", "finding"], how="left", maintain_order="left"))


def points(second: SecondReading, x: str, y: str) -> pl.DataFrame:
    """Return the operating point of every reader and finding that has a curve: its coordinates and its sentence."""
    known = set(second.tables["curves"]["finding"])
    of_x, of_y = (lookup.by_key(lookup.estimates(second, metric), "reading", "finding") for metric in (x, y))
    rows = []
    for (name, finding), row in of_x.items():
        other = of_y.get((name, finding))
        if (
            finding not in known
            or other is None
            or not numbers.defined(row["value"])
            or not numbers.defined(other["value"])
        ):
            continue
        level = second.options.level
        said = f"{x} {lookup.said(row, level)}, {'PPV' if y == 'ppv' else y} {lookup.said(other, level)}"
        rows.append(
            (
                name,
                display(finding),
                row["value"],
                other["value"],
                f"{display(finding)}, {name}, at the operating point: {said}",
            )
        )
    schema = {"reading": pl.String, "finding": pl.String, "x": pl.Float64, "y": pl.Float64, "sentence": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


GUIDE = (
    "ROC: the closer a line comes to the upper left corner, the better the order. The area under it is the AUROC.",
    (
        "Precision-recall: the height is the share of calls that are right when the recall below is reached. It "
        "depends on how frequent the finding is, so plots of different findings cannot be compared with one another."
    ),
    "A reader may cross another: which is better then depends on the sensitivity or specificity that is wanted.",
    "Curves are thinned to what a plot of this size can show; no number of this page is computed from them.",
)
