"""Tables 1 to 4: every number is the one of the report's tables, written by the one place that writes numbers."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.records.errors import InputError
from overread.report import numbers
from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.paper_tables import paper_tables, table_1, table_3, table_4


def test_the_tables_are_in_the_papers_order(report: FinishedReport) -> None:
    names = [sheet.name for sheet in paper_tables(report)]
    assert names[:3] == ["auroc", "table-2-mean", "label-count"]
    assert [name.startswith("activations-") for name in names[3:]] == [True] * len(report.readings)


def test_table_1_has_every_auroc_of_reading_and_floor(report: FinishedReport) -> None:
    sheet = table_1(report)
    assert [column.title for column in sheet.columns[2:]] == [*report.readings, "blind (floor)"]
    of = report.tables["estimates"].filter(
        pl.col("metric") == "auroc", pl.col("method") == "bootstrap", pl.col("attribute") == ""
    )
    for finding, row in zip((*report.study.findings, "mean", "weighted"), sheet.rows, strict=True):
        for reading, cell in zip((*report.readings, "blind"), row[2:], strict=True):
            (one,) = of.filter(pl.col("reading") == reading, pl.col("finding") == finding).to_dicts()
            assert cell.text == numbers.interval(one["value"], one["low"], one["high"])


def test_what_was_not_computed_is_a_dash_with_its_reason(report: FinishedReport, evil: SimpleNamespace) -> None:
    sheet = table_1(report)
    row = sheet.rows[report.study.findings.index(evil.empty)]
    assert row[2].text == "–"
    assert row[2].note == "no positive image"


def test_published_results_stand_beside_with_their_split(report: FinishedReport) -> None:
    model = report.tables["literature"]["model"][0]
    sheet = table_1(report, [model])
    assert sheet.columns[-1].title == model
    assert sheet.columns[-1].group == "Published"
    assert sheet.foot[-1].startswith(f"{model}: ")
    assert table_1(report).columns == sheet.columns[:-1]


def test_an_unknown_published_model_is_refused_with_the_known_ones(report: FinishedReport) -> None:
    with pytest.raises(InputError, match="shows no results of Nobody 1999"):
        table_1(report, ["Nobody 1999"])


def test_table_3_has_a_row_per_number_of_labels(report: FinishedReport) -> None:
    table = report.tables["label_count"]
    sheet = table_3(report)
    assert [row[0].text for row in sheet.rows] == [str(k) for k in sorted(table["n_labels"].unique())]
    first = table.filter(pl.col("reading") == report.readings[0]).sort("n_labels").row(0, named=True)
    assert sheet.rows[0][2].text == numbers.interval(first["mean_loss"], first["low"], first["high"])


def test_table_4_names_the_highest_outputs_in_order(report: FinishedReport) -> None:
    reading, finding = report.readings[0], report.study.findings[0]
    of = report.tables["activations"].filter(pl.col("reading") == reading, pl.col("true_finding") == finding)
    top = of.sort("rank").row(0, named=True)
    row = table_4(report, reading).rows[0]
    assert row[3].text == f"{top['output'].replace('_', ' ')} {numbers.decimal(top['mean_activation'])}"
    own = of.filter(pl.col("output") == finding).row(0, named=True)
    assert row[2].text.startswith(numbers.decimal(own["mean_activation"]))
