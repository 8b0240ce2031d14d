"""A model card from a report: results with their intervals where Hugging Face reads them, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from overread import __version__
from overread.records.findings import display
from overread.records.model_index import Dataset, Metric, Plain, front_matter
from overread.report import numbers
from overread.report.glossary import METRICS
from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.markdown import sheet_lines
from overread.report.hand_over.paper_tables import operating_characteristics, table_1
from overread.report.reporting_markdown import escaped

TYPES = {"auroc": "roc_auc", "ppv": "precision", "sensitivity": "recall"}
"""The names of metrics in Hugging Face's list, where they differ from ours."""

MISSING = (
    "the license of the weights",
    "what the model is, on what it was trained, and by whom",
    "whether its training images, or images of the same patients, are among those it was tested on",
    "for whom and for what it is meant, and for whom it is not",
)
"""What a report of scores cannot know of the model that gave them."""


def model_card(report: FinishedReport, reading: str) -> str:
    """Return the card of one reading."""
    head = front_matter(reading, dataset(report), metrics(report, reading))
    return "\n".join([head, *body(report, reading), ""])


def dataset(report: FinishedReport) -> Dataset:
    """Return what the reading was judged on."""
    source = next((each for each in report.inputs if each["path"] == report.study.name), None)
    args: dict[str, Plain] = {"n_images": report.study.n_images, "n_patients": report.study.n_patients}
    if source:
        args["sha256"] = str(source["sha256"])
    return Dataset(report.study.name, report.study.split, args)


def metrics(report: FinishedReport, reading: str) -> Iterator[Metric]:
    """Yield the AUROC of every finding, and every metric's mean; what was not computed is left out."""
    for row in of_reading(report, reading).iter_rows(named=True):
        if not numbers.defined(row["value"]):
            continue
        bounds = () if row["low"] is None else ("low", "high")
        where = "mean over findings" if row["finding"] == "mean" else display(row["finding"])
        args = {name: row[name] for name in (*bounds, "level", "method", "n_images")}
        args |= {} if row["finding"] == "mean" else {"n_positive": row["n_positive"]}
        args |= {"note": row["note"]} if row["note"] else {}
        yield Metric(TYPES.get(row["metric"], row["metric"]), f"{METRICS[row['metric']]}, {where}", row["value"], args)


def of_reading(report: FinishedReport, reading: str) -> pl.DataFrame:
    """Return the estimates that a card holds: over all images, with the interval that resamples patients."""
    table = report.tables["estimates"]
    single = len(report.study.findings) == 1
    wanted = pl.col("finding").is_in(report.study.findings) & (pl.lit(single) | (pl.col("metric") == "auroc"))
    if not single:
        wanted |= pl.col("finding") == "mean"
    return table.filter(
        pl.col("reading") == reading,
        pl.col("attribute").fill_null("") == "",
        pl.col("method") == "bootstrap",
        pl.col("metric").is_in(list(METRICS)),
        wanted,
    )


def body(report: FinishedReport, reading: str) -> Iterator[str]:
    """Yield the part that people read."""
    yield from ("", f"# {escaped(reading)}", "")
    yield "**A research result and no medical device.** The figures are those of one cohort; another clinic has others."
    yield from ("", "## Evaluation", "")
    for sentence in (*report.said_of(""), *report.said_of(reading)):
        yield f"- {escaped(sentence)}"
    yield ""
    for sheet in (table_1(report), operating_characteristics(report)):
        yield from sheet_lines(sheet)
    yield from ("## Not known from the report", "")
    yield from (f"- {each}" for each in (*MISSING, *not_computed(report, reading)))
    yield from ("", "## Limits", "") if report.warnings else ()
    yield from (f"- {escaped(warning)}" for warning in report.warnings)
    yield from ("", "## Methods", "")
    for paragraph in report.methods:
        yield from (escaped(paragraph), "")
    yield f"Made by overread {__version__} from a report with the SHA-256 {report.checksum}."


def not_computed(report: FinishedReport, reading: str) -> Iterator[str]:
    """Yield the metrics that have no value, with the reason."""
    for row in of_reading(report, reading).iter_rows(named=True):
        if not numbers.defined(row["value"]):
            where = "mean over findings" if row["finding"] == "mean" else display(row["finding"])
            yield f"{METRICS[row['metric']]}, {escaped(where)}: {escaped(row['note'] or 'not computed')}"
