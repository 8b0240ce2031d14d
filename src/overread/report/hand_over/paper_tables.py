"""Tables 1 to 4 in the layout of Valsson and Arandjelović, as sheets, from which each format is written."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from overread.records.errors import InputError, listed, plain
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.hand_over.finished import FinishedReport
from overread.report.section import Cell, Column, Sheet
from overread.report.sections.operating_points import table_2

MEANS = {"mean": "Mean", "weighted": "Mean, weighted by positives"}
HIGHEST = 3
ORDINALS = ("Highest", "Second", "Third")


def paper_tables(report: FinishedReport, published: Sequence[str] = ()) -> tuple[Sheet, ...]:
    """Return the tables that the report has rows for; `published` names models whose printed AUROCs stand beside."""
    sheets = [table_1(report, published), operating_characteristics(report)]
    if lookup.table(report, "label_count") is not None:
        sheets.append(table_3(report))
    if lookup.table(report, "activations") is not None:
        sheets += [table_4(report, reading) for reading in report.readings]
    return tuple(sheets)


def table_1(report: FinishedReport, published: Sequence[str] = ()) -> Sheet:
    """Return the AUROC of every finding for each reading and the floor, with published ones beside where asked for."""
    of = lookup.by_key(lookup.estimates(report, "auroc"), "reading", "finding")
    everyone = lookup.readers(report).everyone
    printed = {model: printed_aurocs(report, model) for model in published}
    columns = (
        Column("Finding", numeric=False),
        Column("Positive"),
        *(Column(f"{name} (floor)" if name not in report.readings else name) for name in everyone),
        *(Column(model, "Published") for model in printed),
    )
    rows = []
    for finding in (*report.study.findings, *(MEANS if len(report.study.findings) > 1 else ())):
        first = of.get((report.readings[0], finding))
        positives = "" if first is None or finding in MEANS else numbers.count(first["n_positive"])
        cells = [lookup.cell(of.get((name, finding)), "auroc") for name in everyone]
        beside = [Cell(numbers.decimal(values.get(finding))) for values, _ in printed.values()]
        rows.append((Cell(MEANS.get(finding, display(finding))), Cell(positives), *cells, *beside))
    foot = (in_brackets(report), *(f"{model}: {where}." for model, (_, where) in printed.items()))
    return Sheet("auroc", "AUROC by finding", columns, tuple(rows), foot=foot)


def printed_aurocs(report: FinishedReport, model: str) -> tuple[dict[str, float], str]:
    """Return the AUROCs that were printed for a model, by finding, and on which images they were reached.

    Raises `InputError` when the report shows no such model.
    """
    table = lookup.table(report, "literature")
    known = [] if table is None else table["model"].unique(maintain_order=True).to_list()
    if table is None or model not in known:
        which = f"one of: {listed(known, most=len(known))}" if known else "none: the report shows no published results"
        raise InputError("--published", f"the report shows no results of {plain(model)}", which)
    rows = table.filter(pl.col("model") == model, pl.col("reading") == report.readings[0])
    where = f"{rows['split'][0]} ({rows['source'][0]})"
    note = next((row for row in rows["note"] if row), "")
    return dict(rows.select("finding", "auroc").iter_rows()), f"{where}; {note}" if note else where


def operating_characteristics(report: FinishedReport) -> Sheet:
    """Return Table 2: the means over findings at the operating points; the finding itself where there is only one."""
    several = len(report.study.findings) > 1
    finding, of = ("mean", "means over findings") if several else (report.study.findings[0], "")
    title = f"Operating characteristics{': ' if of else ''}{of}"
    return table_2(report, finding, title, shown=True)


def table_3(report: FinishedReport) -> Sheet:
    """Return the mean loss by number of findings on an image."""
    table = report.tables["label_count"]
    of = lookup.by_key(table, "reading", "n_labels")
    columns = (Column("Labels"), Column("Images"), *(Column(name) for name in report.readings))
    rows = []
    for k in sorted(table["n_labels"].unique()):
        losses = [of[name, k] for name in report.readings]
        cells = [Cell(numbers.interval(row["mean_loss"], row["low"], row["high"]), row["note"] or "") for row in losses]
        rows.append((Cell(numbers.count(k)), Cell(numbers.count(losses[0]["n_images"])), *cells))
    foot = "Binary cross-entropy in nats, averaged over findings, then over images.", in_brackets(report)
    return Sheet("label-count", "Mean loss by number of labels on an image", columns, tuple(rows), foot=foot)


def table_4(report: FinishedReport, reading: str) -> Sheet:
    """Return the finding's own output and the highest ones, over images that carry no other label."""
    table = report.tables["activations"].filter(pl.col("reading") == reading)
    of = lookup.by_key(table, "true_finding", "output")
    columns = (
        *(Column("Only label", numeric=False), Column("Images"), Column("Own output")),
        *(Column(ordinal, "Highest mean activations", numeric=False) for ordinal in ORDINALS),
    )
    rows = []
    for finding in report.study.findings:
        own = of[finding, finding]
        known = table.filter(pl.col("true_finding") == finding, pl.col("mean_activation").is_not_null()).sort("rank")
        highest = [
            Cell(f"{display(row['output'])} {numbers.decimal(row['mean_activation'])}")
            for row in known.head(HIGHEST).iter_rows(named=True)
        ]
        highest += [Cell(numbers.DASH)] * (HIGHEST - len(highest))
        value = Cell(numbers.interval(own["mean_activation"], own["low"], own["high"]), own["note"] or "")
        rows.append((Cell(display(finding)), Cell(numbers.count(own["n_images"])), value, *highest))
    names = lookup.file_names("activations", report.readings)
    foot = ("Every output on every such image: tables/activations.csv.", in_brackets(report))
    title = f"Mean activations on images with one label, {reading}"
    return Sheet(names[reading], title, columns, tuple(rows), foot=foot)


def in_brackets(report: FinishedReport) -> str:
    """Say what stands in brackets."""
    return f"In brackets: {numbers.level(report.options.level)} intervals, patients resampled."
