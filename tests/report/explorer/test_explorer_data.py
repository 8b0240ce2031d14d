"""What the explorer embeds in the page: exact, compact, and never code."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from overread.analyses.second_reading import SecondReading
from overread.report.page import Heading, whole
from overread.report.sections import explorer

HEADING = Heading("Explorer", "", "second reading", "")


@pytest.fixture(scope="module", params=["youden", "fixed=0.1"])
def judged(request: pytest.FixtureRequest, explorable: SimpleNamespace) -> SecondReading:
    return explorable.judged(request.param)


def data_of(second: SecondReading) -> dict:
    section = explorer.section(second)
    assert section is not None
    page = whole([section], HEADING).html
    embedded = re.findall(r'<script type="application/json" id="explorer-data">(.*?)</script>', page, re.DOTALL)
    assert len(embedded) == 1
    assert "<" not in embedded[0]
    return json.loads(embedded[0])


def test_the_embedded_steps_add_up_to_the_counts_and_thresholds_have_all_their_digits(judged: SecondReading) -> None:
    data, table = data_of(judged), judged.tables["explorer"]
    for finding in data["findings"]:
        for reader, curve in zip(data["readers"], finding["readers"], strict=True):
            rows = table.filter(pl.col("reading") == reader["name"], pl.col("finding") == finding["name"]).reverse()
            assert curve["threshold"] == rows["threshold"].to_list()
            assert np.cumsum(curve["tp"]).tolist() == rows["tp"].to_list()
            assert np.cumsum(curve["fp"]).tolist() == rows["fp"].to_list()
            assert {finding["positive"]} == set(rows["tp"] + rows["fn"])
            assert {finding["negative"]} == set(rows["fp"] + rows["tn"])


def test_the_reports_own_operating_points_are_the_rows_of_its_table(judged: SecondReading) -> None:
    data, table = data_of(judged), judged.tables["thresholds"]
    for finding in data["findings"]:
        for reader, curve in zip(data["readers"], finding["readers"], strict=True):
            rows = table.filter(pl.col("reading") == reader["name"], pl.col("finding") == finding["name"])
            assert curve["own"] == [list(row) for row in rows.select("threshold", "tp", "fp", "fn", "tn").iter_rows()]


def test_histograms_hold_every_image(judged: SecondReading) -> None:
    data = data_of(judged)
    for finding in data["findings"]:
        for curve in finding["readers"]:
            assert sum(curve["ill"][1]) == finding["positive"]
            assert sum(curve["healthy"][1]) == finding["negative"]
    assert data["bins"]["start"] + 46 * data["bins"]["width"] == pytest.approx(-data["bins"]["start"])


def test_a_finding_without_a_positive_is_named_but_cannot_be_chosen(
    judged: SecondReading, explorable: SimpleNamespace
) -> None:
    section = explorer.section(judged)
    assert explorable.empty not in {finding["name"] for finding in section.context["data"]["findings"]}
    page = whole([section], HEADING).html
    assert f"<option disabled>{explorable.empty} (no positive or no negative image)</option>" in page


def test_the_clinics_prevalence_goes_with_its_finding(judged: SecondReading) -> None:
    given = {finding["name"]: finding["given"] for finding in data_of(judged)["findings"]}
    assert given["Mass"] == 0.013
    assert given["Effusion"] is None


def test_there_is_no_explorer_where_nothing_can_be_explored(second: SimpleNamespace) -> None:
    second.tables.pop("explorer", None)
    assert explorer.section(second) is None
