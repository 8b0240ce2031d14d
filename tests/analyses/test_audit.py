"""An audit finds what was planted, finds nothing where nothing is, and says of real data what is known of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from overread.analyses.audit import Audit, audit
from overread.analyses.audit_point import POINTS
from overread.analyses.audit_truth import truth_tables
from overread.records.adjudicated import answered, read_adjudicated
from overread.records.cohort import Cohort, cohort_from_frame, read_cohort
from overread.records.errors import InputError
from overread.records.reading import read_reading, reading_from_frame
from overread.records.repeated_rows import read_with_repeated

N = 240


def frame(**changes: object) -> pl.DataFrame:
    """Two images of each of 120 patients, split by patient, without a fault."""
    rng = np.random.default_rng(0)
    patient = [f"p{row // 2:03d}" for row in range(N)]
    table = {
        "image": [f"{row:04d}.png" for row in range(N)],
        "patient": patient,
        "split": ["train" if row < N // 2 else "test" for row in range(N)],
        "age": [30 + row // 4 for row in range(N)],
        "gender": ["MF"[row // 2 % 2] for row in range(N)],
        "view": [("PA", "AP")[row % 2] for row in range(N)],
        "follow_up": [row % 2 for row in range(N)],
        "Effusion": rng.permutation(N) % 3 == 0,
        "Mass": rng.permutation(N) % 5 == 0,
    }
    return pl.DataFrame(table | changes).with_columns(pl.col("Effusion", "Mass").cast(pl.Int64))


def changed(column: str, cells: dict[int, object]) -> pl.DataFrame:
    table = frame()
    values = table[column].to_list()
    for row, value in cells.items():
        values[row] = value
    return table.with_columns(pl.Series(column, values, strict=False))


def points(found: Audit) -> dict[str, dict[str, object]]:
    return {row["check"]: row for row in found.tables["points"].iter_rows(named=True)}


def audited(table: pl.DataFrame) -> Audit:
    return audit(cohort_from_frame(table))


def through_file(table: pl.DataFrame, folder: Path) -> Audit:
    table.write_csv(folder / "table.csv")
    cohort, raw = read_with_repeated(folder / "table.csv")
    return audit(cohort, raw=raw)


def test_a_table_without_a_fault_raises_nothing(tmp_path: Path) -> None:
    found = through_file(frame(), tmp_path)
    assert found.tables["points"].is_empty()
    assert "No patient stands on both sides of a split." in found.summary
    assert found.summary[-1] == "Nothing impossible or contradictory was found."


@pytest.mark.parametrize(
    ("check", "severity", "column", "cells", "images"),
    [
        ("impossible age", "serious", "age", {3: 414, 7: -1}, ["0003.png", "0007.png"]),
        ("negative follow-up", "serious", "follow_up", {9: -1}, ["0009.png"]),
        ("unusual gender", "caution", "gender", {4: "X", 5: "X"}, ["0004.png", "0005.png"]),
        ("unusual view", "caution", "view", {4: "OBLIQUE"}, ["0004.png"]),
        ("patient of two genders", "caution", "gender", {4: "F"}, ["0004.png", "0005.png"]),
        ("age falls", "caution", "age", {20: 60, 21: 40}, ["0021.png"]),
        ("same follow-up twice", "note", "follow_up", {12: 1}, ["0012.png", "0013.png"]),
        ("spelled in several ways", "caution", "view", {0: "P.A."}, None),
    ],
)
def test_a_planted_fault_is_found_with_its_images(
    check: str, severity: str, column: str, cells: dict[int, object], images: list[str] | None
) -> None:
    found = audited(changed(column, cells))
    point = points(found)[check]
    assert (point["severity"], point["column"]) == (severity, column)
    if images is not None:
        named = found.tables["point_images"].filter(pl.col("check") == check)
        assert named["image"].to_list() == images
        assert point["n_images"] == len(images)
        assert named["patient"].null_count() == 0


def test_repeated_and_contradictory_rows_and_spellings_of_the_file_are_found(tmp_path: Path) -> None:
    table = frame().with_columns(pl.lit(0).alias("No Finding"))
    ill = table["Mass"].arg_max()
    rows = pl.int_range(pl.len())
    table = table.with_columns(
        pl.when(rows == ill).then(1).otherwise("No Finding").alias("No Finding"),
        pl.when(rows == 0).then(pl.lit("male")).otherwise("gender").alias("gender"),
    )
    again = pl.concat([table, table[8:9], table[9:10].with_columns(Mass=1 - pl.col("Mass"))])
    found = points(through_file(again, tmp_path))
    assert found["repeated row"]["severity"] == "note"
    assert found["contradictory repeated row"]["severity"] == "serious"
    assert found["no finding and a finding"]["n_images"] == 1
    assert "M, male" in str(found["spelled in several ways"]["message"])
    assert "while reading" not in found


def test_no_finding_beside_a_finding_is_raised_of_a_dataframe_too() -> None:
    labels = pl.Series(
        ["Mass|No Finding" if row == 5 else "Mass" if row % 4 == 0 else "No Finding" for row in range(N)]
    )
    found = points(audited(frame().drop("Effusion", "Mass").with_columns(labels=labels)))
    assert "No Finding together with a finding" in str(found["while reading"]["message"])


def test_missing_values_are_counted_by_column() -> None:
    table = changed("Mass", {1: None, 2: None}).with_columns(
        age=pl.when(pl.int_range(pl.len()) < 6).then(None).otherwise("age")
    )
    found = audited(table)
    missing = {row["column"]: row["n_missing"] for row in found.tables["missing_values"].iter_rows(named=True)}
    assert missing == dict.fromkeys(missing, 0) | {"Mass": 2, "age": 6}
    prevalence = found.tables["prevalence"].filter(pl.col("finding") == "Mass", pl.col("attribute") == "")
    assert prevalence["n_images"].to_list() == [N - 2]


def test_an_image_wise_split_has_patients_on_both_sides_and_names_them() -> None:
    found = audited(changed("split", {0: "test", 4: "test"}))
    assert found.tables["shared_patients"].rows() == [("p000", 1, 0, 1), ("p002", 1, 0, 1)]
    assert points(found)["patients in several splits"]["severity"] == "serious"
    assert "2 patients (p000, p002) stand on both sides of a split." in found.summary


def test_a_finding_that_is_frequent_in_one_split_only_is_said() -> None:
    train = pl.int_range(pl.len()) < N // 2
    table = frame().with_columns(Mass=pl.when(train).then(pl.int_range(pl.len()) % 20 == 0).otherwise("Mass").cast(int))
    table = table.with_columns(Mass=pl.when(train).then("Mass").otherwise((pl.int_range(pl.len()) % 2).cast(int)))
    found = audited(table)
    assert "50 % in test against 5 % in train (10 times)" in str(
        points(found)["prevalence differs between splits"]["message"]
    )


def test_an_attribute_that_gives_a_finding_away_is_said_and_one_that_does_not_is_not() -> None:
    table = frame().with_columns(drain=pl.when(pl.col("Mass") == 1).then(pl.lit("yes")).otherwise(pl.lit("no")))
    found = audited(table).tables["points"].filter(pl.col("check") == "told by attributes")
    assert len(found) == 1
    assert "Mass is told from drain alone" in found["message"][0]


def test_a_column_of_0_and_1_is_a_finding_unless_a_reading_says_otherwise() -> None:
    cohort = cohort_from_frame(frame().with_columns(drain=pl.col("Mass")))
    assert "drain holds 0 and 1 only" in str(points(audit(cohort))["taken for a finding"]["message"])
    scores = {"image": cohort.images, "Mass": [0.5] * N, "Effusion": [0.5] * N}
    found = audit(cohort, [reading_from_frame(scores, name="model")])
    assert found.cohort.findings == ("Effusion", "Mass")
    assert "drain" in found.tables["prevalence"]["attribute"].to_list()
    assert "taken for a finding" not in points(found)


def test_attributes_are_fitted_alone_and_together_and_each_set_once() -> None:
    table = frame(
        site=["b", "c", "d"] * (N // 3), same=["b", "c", "d"] * (N // 3), serial=[f"s{row}" for row in range(N)]
    )
    sets = audited(table).tables["blind"]["features"].unique(maintain_order=True).to_list()
    alone = ["gender", "view", "age", "follow_up", "site"]
    assert sets == [*alone, "age, gender, view", ", ".join(alone)]
    three = audited(frame().drop("follow_up")).tables["blind"]["features"].unique(maintain_order=True).to_list()
    assert three == ["gender", "view", "age", "age, gender, view"]


def test_without_training_rows_the_attributes_are_cross_fitted() -> None:
    blind = audited(frame().drop("split")).tables["blind"]
    assert set(blind["fitted"]) == {"cross-fitted by patient"}
    assert set(blind["n_images"]) == {N}


def test_readings_are_placed_and_images_outside_are_counted() -> None:
    cohort = cohort_from_frame(frame())
    images = [*cohort.images[110:130].to_list(), "other.png"]
    reading = reading_from_frame({"image": images, "Mass": [0.5] * 21}, name="model")
    found = audit(cohort, [reading])
    counts = {row["split"]: row["n_images"] for row in found.tables["readings"].iter_rows(named=True)}
    assert counts == {"train": 10, "val": 0, "test": 10, "no split": 0, "not in the cohort": 1}
    assert {"reading in training part", "reading outside the cohort"} <= set(points(found))
    with pytest.raises(InputError, match="more than one is named model"):
        audit(cohort, [reading, reading])


def test_boxes_that_do_not_fit_are_found() -> None:
    cohort = cohort_from_frame(frame())
    ill, healthy = (cohort.images[int(np.flatnonzero(cohort.labels[:, 1] == value)[0])] for value in (1, 0))
    rows = [
        (ill, "Mass", 10.0, 10.0, 50.0, 50.0),
        (ill, "Mass", 1000.0, 10.0, 50.0, 50.0),
        (ill, "Mass", 10.0, 10.0, 0.0, 50.0),
        (healthy, "Mass", 10.0, 10.0, 50.0, 50.0),
        ("gone.png", "Mass", 10.0, 10.0, 50.0, 50.0),
    ]
    boxes = pl.DataFrame(rows, schema=["image", "finding", "x", "y", "width", "height"], orient="row")
    found = audit(replace(cohort, boxes=boxes))
    assert found.tables["boxes"].row(0)[:7] == ("Mass", 5, 3, 1, 1, 1, 1)
    expected = {"box outside the image", "box without area", "box without its label", "box without its image"}
    assert expected <= set(points(found))


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"image": ["1", "2"], "Mass": [0, 1]}),
        pl.DataFrame({"image": ["1", "2"], "Mass": [None, 0], "split": ["train", None]}),
        pl.DataFrame({"image": ["1"], "patient": ["p"], "split": ["test"], "age": [5], "Mass": [1]}),
        frame().with_columns(split=pl.lit("train")),
        frame().with_columns(split=pl.lit("test"), Mass=pl.lit(0)),
    ],
)
def test_columns_are_the_same_whatever_the_cohort_has(table: pl.DataFrame) -> None:
    whole, found = audited(frame()), audited(table)
    assert {name: each.schema for name, each in found.tables.items()} == {
        name: each.schema for name, each in whole.tables.items()
    }
    assert found.tables["points"].columns == list(POINTS)


def test_the_order_of_the_rows_does_not_matter() -> None:
    one, other = audited(frame()), audited(frame().sample(fraction=1, shuffle=True, seed=3))
    for name in ("prevalence", "split_differences", "cooccurrence", "blind"):
        a, b = one.tables[name], other.tables[name]
        assert a.select(pl.selectors.string()).equals(b.select(pl.selectors.string()))
        for column in a.select(pl.selectors.float()).columns:
            np.testing.assert_allclose(a[column].to_numpy(), b[column].to_numpy(), atol=1e-9)


# --- real data -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def official() -> Cohort:
    return read_cohort("chestxray14")


def without_attributes(cohort: Cohort) -> Cohort:
    return replace(cohort, table=cohort.table.select("image", "patient", "split"))


def test_the_official_split_is_by_patient_and_differs_in_prevalence(official: Cohort) -> None:
    found = audit(without_attributes(official))
    assert found.tables["parts"].select("n_images", "n_patients").rows() == [
        (112120, 30805),
        (86524, 28008),
        (25596, 2797),
    ]
    assert found.tables["shared_patients"].is_empty()
    row = found.tables["split_differences"].row(by_predicate=pl.col("finding") == "Pneumothorax", named=True)
    assert (row["prevalence"], row["prevalence_against"]) == pytest.approx((0.104118, 0.030477), abs=1e-6)
    assert any("Pneumothorax, 10.4 % in test against 3.05 % in train" in sentence for sentence in found.summary)
    per_patient = found.tables["images_per_patient"]
    assert int((per_patient["images_of_patient"] * per_patient["n_patients"]).sum()) == 112120


def test_an_image_wise_random_split_of_it_is_found_out(official: Cohort) -> None:
    sides = np.random.default_rng(0).choice(["train", "test"], official.n_images, p=[0.8, 0.2])
    table = official.table.select("image", "patient").with_columns(split=pl.Series(sides))
    shared = audit(replace(official, table=table)).tables["shared_patients"]
    assert len(shared) > 7000


def test_shared_readings_lie_mostly_in_the_training_list(shared: Path) -> None:
    cohort, raw = read_with_repeated(shared / "chestxray14")
    cohort = replace(without_attributes(cohort), boxes=cohort.boxes)
    reading = read_reading(shared / "predictions" / "densenet121_zech.csv.gz")
    found = audit(cohort, [reading], raw=raw)
    counts = {row["split"]: row["n_images"] for row in found.tables["readings"].iter_rows(named=True)}
    assert (counts["train"], counts["test"]) == (17220, 5213)
    assert any(sentence.startswith("17,220 of the 22,433 images") for sentence in found.summary)
    boxes = found.tables["boxes"]
    assert (int(boxes["n_boxes"].sum()), int(boxes["n_outside"].sum()), int(boxes["n_without_label"].sum())) == (
        984,
        0,
        0,
    )


def test_labels_agree_with_a_better_truth_as_scikit_learn_says(shared: Path) -> None:
    cohort = read_cohort(shared / "chestxray14")
    truth = read_adjudicated(shared / "chestxray14" / "adjudicated_google2019.csv.gz")
    tables = truth_tables(cohort, truth, level=0.95, seed=0)
    assert tables["label_mapping"]["label"].to_list() == list(truth.labels)
    told = answered(truth, cohort.images)
    for label, findings in (("Pneumothorax", ["Pneumothorax"]), ("Nodule or mass", ["Nodule", "Mass"])):
        own = tables["label_agreement"].filter(pl.col("label").str.to_lowercase() == label.lower())
        place = [name.lower() for name in truth.labels].index(label.lower())
        known = told[:, place] >= 0
        labels = cohort.labels[known][:, [cohort.findings.index(name) for name in findings]].any(axis=1)
        better = told[known, place] == 1
        values = dict(own.select("metric", "value").iter_rows())
        assert own["n_images"][0] == known.sum()
        assert values["kappa"] == pytest.approx(metrics.cohen_kappa_score(better, labels), abs=1e-12)
        assert values["sensitivity"] == pytest.approx(metrics.recall_score(better, labels), abs=1e-12)
        assert values["ppv"] == pytest.approx(metrics.precision_score(better, labels), abs=1e-12)
        assert (own["low"] < own["value"]).all()
        assert (own["value"] < own["high"]).all()
