"""The flow adds up, whatever is left out; characteristics and cross-tabulations agree with the rows themselves."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest

from overread.analyses.reporting.flow import cross_tabulation, demographics, flow
from overread.analyses.second_reading import SecondReading
from overread.records.cohort import cohort_from_frame
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study


def made(seed: int, split: str, *, patients: bool) -> Study:
    rng = np.random.default_rng(seed)
    n = 80
    frame = {
        "image": [f"{row}.png" for row in range(n)],
        "split": rng.choice(["train", "val", "test"], n).tolist(),
        "gender": rng.choice(["M", "F", None], n).tolist(),
        "age": rng.choice([30, 40, None], n).tolist(),
        "Mass": rng.choice([0, 1, None], n).tolist(),
    } | ({"patient": rng.integers(0, 20, n).astype(str).tolist()} if patients else {})
    cohort = cohort_from_frame(frame, findings=["Mass"])
    readings = []
    for name in ("a", "b"):
        images = rng.permutation(n)[: int(rng.integers(40, n))]
        readings.append(
            reading_from_frame({"image": [f"{row}.png" for row in images], "Mass": rng.random(len(images))}, name=name)
        )
    return study(cohort, readings, split=split)


@pytest.mark.parametrize(("seed", "split", "patients"), [*product(range(4), ("test", "val", "all"), (True, False))])
def test_the_images_of_the_flow_add_up(seed: int, split: str, patients: bool) -> None:
    of = made(seed, split, patients=patients)
    n = dict(flow(of).select("step", "n_images").iter_rows())
    assert n["cohort"] - n["in other splits"] == n["asked for"]
    assert n["asked for"] - n["not scored by all"] == n["reported"] == of.n_images
    assert n["cohort"] == of.cohort.n_images
    known = dict(flow(of).select("step", "n_patients").iter_rows())
    assert known["reported"] == (of.n_patients if patients else None)


@pytest.mark.parametrize("name", ["plain", "single", "full"])
def test_each_row_of_the_cross_tabulation_adds_up(name: str, request: pytest.FixtureRequest) -> None:
    second: SecondReading = request.getfixturevalue(name)
    table = second.tables["cross_tabulation"]
    assert set(table["reading"]) >= set(second.readings)
    for row in table.iter_rows(named=True):
        labels = second.study.labels[:, second.study.findings.index(row["finding"])]
        assert row["ill"] == (labels == 1).sum() == row["tp"] + row["fn"]
        assert row["healthy"] == (labels == 0).sum() == row["fp"] + row["tn"]
        assert row["ill"] + row["healthy"] + row["not_assessed"] == row["n_images"] == second.study.n_images


def test_what_cannot_be_counted_is_empty(plain: SecondReading) -> None:
    thresholds = plain.tables["thresholds"].with_columns(tp=pl.lit(None, pl.Int64))
    assert cross_tabulation(plain.study, thresholds)["tn"].null_count() == 2 * len(plain.readings)


def test_characteristics_are_those_of_the_rows() -> None:
    of = made(0, "test", patients=True)
    table = demographics(of)
    assert table["split"].unique(maintain_order=True).to_list() == ["reported", "train", "val", "test"]
    for name in ("train", "val", "test"):
        own = table.filter(split=name)
        rows = of.cohort.table.filter(split=name)
        assert own.filter(characteristic="all")["n_images"].item() == len(rows)
        assert own.filter(characteristic="gender")["n_images"].sum() == len(rows)
        assert own.filter(characteristic="age")["n_images"].sum() == len(rows)
        assert own.filter(characteristic="gender", level="F")["n_images"].item() == (rows["gender"] == "F").sum()
        assert (
            own.filter(characteristic="gender", level="F")["n_patients"].item()
            == rows.filter(gender="F")["patient"].n_unique()
        )
        ages = own.filter(characteristic="age", level="known").row(0, named=True)
        assert ages["mean"] == pytest.approx(np.mean(rows["age"].drop_nulls().to_numpy()))
        assert ages["sd"] == pytest.approx(np.std(rows["age"].drop_nulls().to_numpy(), ddof=1))
        assert ages["q1"] == np.quantile(rows["age"].drop_nulls().to_numpy(), 0.25)


def test_a_cohort_without_attributes_has_only_its_counts() -> None:
    cohort = cohort_from_frame({"image": ["1.png", "2.png"], "Mass": [0, 1]})
    of = study(cohort, [reading_from_frame({"image": ["1.png", "2.png"], "Mass": [0.1, 0.9]}, name="a")])
    assert demographics(of)["characteristic"].to_list() == ["all"]
    assert demographics(replace(of, cohort=cohort))["n_patients"].to_list() == [None]
