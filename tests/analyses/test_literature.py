"""Published values: what ships is what was read, and images decide whether it may be set beside one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from overread.analyses.discrimination import discrimination_rows
from overread.analyses.evaluation import Evaluation
from overread.analyses.literature import TABLE, literature, overlap_with_nih, published, same_labels
from overread.analyses.tables import estimate_row, estimates_table
from overread.records.cohort import Cohort, cohort_from_frame, read_cohort
from overread.records.findings import NIH_FINDINGS
from overread.records.reading import reading_from_frame
from overread.records.study import Study, study
from overread.stats.estimate import Estimate

MODELS = [
    "CheXNet (Rajpurkar 2017)",
    "Wang 2017 (ResNet-50)",
    "Wang 2017 (earlier split)",
    "Yao 2017",
    "Valsson and Arandjelovic, modified",
    "Valsson and Arandjelovic, standard",
    "Zech, reproduction of CheXNet",
]


@pytest.fixture(scope="module")
def nih() -> Cohort:
    return read_cohort("chestxray14")


def read(cohort: Cohort, *, split: str = "test", findings: tuple[str, ...] = NIH_FINDINGS) -> Study:
    """A study of a reading that gives every image of a part the same scores."""
    rows = np.arange(cohort.n_images) if cohort.split is None else (cohort.split == split).arg_true().to_numpy()
    scores = pl.DataFrame({"image": cohort.images.gather(rows)}).with_columns(pl.lit(0.5).alias(f) for f in findings)
    return study(cohort, [reading_from_frame(scores, name="flat")], split=split)


def made_up_estimates(findings: tuple[str, ...] = NIH_FINDINGS, reading: str = "flat") -> pl.DataFrame:
    rows = [
        estimate_row(reading, finding, "auroc", Estimate(0.8 + place / 1000, 0.7, 0.9, 0.95, "bootstrap"), (10, 5))
        for place, finding in enumerate((*findings, "mean"))
    ]
    others = [
        estimate_row(reading, findings[0], "auroc", Estimate(0.1, 0.0, 0.2, 0.95, "delong"), (10, 5)),
        estimate_row(reading, findings[0], "auroc", Estimate(0.2, 0.1, 0.3, 0.95, "bootstrap"), (4, 2))
        | {"attribute": "gender", "subgroup": "F"},
    ]
    return estimates_table([*others, *rows])


def test_what_ships_is_what_was_read(shared: Path) -> None:
    there = pl.read_csv(shared / "published" / "auroc.csv")
    columns = ["model", "finding", "auroc", "split"]
    assert published().select(columns).sort("model", "finding").equals(there.select(columns).sort("model", "finding"))


def test_every_report_has_14_findings_their_mean_and_a_source() -> None:
    table = published()
    assert table["model"].unique(maintain_order=True).to_list() == MODELS
    for model in MODELS:
        rows = table.filter(model=model)
        assert rows["finding"].to_list() == [*NIH_FINDINGS, "mean"]
        assert rows["source"].n_unique() == rows["split"].n_unique() == 1
        # The printed mean is that of the printed findings, to the digits it is given with.
        assert rows["auroc"][-1] == pytest.approx(rows["auroc"][:-1].mean(), abs=0.00051)
    assert table.null_count().sum_horizontal().item() == 0


def test_the_whole_test_list_may_be_set_beside_reports_on_it(nih: Cohort) -> None:
    table = literature(read(nih), made_up_estimates(), ["flat"])
    assert len(table) == 15 * len(MODELS)
    same = table.filter("same_split")
    assert same["model"].unique(maintain_order=True).to_list() == [MODELS[1], *MODELS[4:6]]
    assert set(same["note"]) == {"same images: NIH's test list, all 25,596 images"}
    other = table.filter(~pl.col("same_split"))
    assert all(note.startswith("not comparable: reported on another split (") for note in other["note"])


def test_a_row_holds_ones_own_value_with_its_interval_by_patient(nih: Cohort) -> None:
    table = literature(read(nih), made_up_estimates(), ["flat"])
    assert table["finding"].unique(maintain_order=True).to_list() == [*NIH_FINDINGS, "mean"]
    row = table.row(0, named=True)
    assert (row["own_auroc"], row["own_low"], row["own_high"], row["level"]) == (0.8, 0.7, 0.9, 0.95)
    assert table.filter(finding="Hernia")["own_auroc"].to_list() == pytest.approx([0.813] * len(MODELS))


def test_rows_are_in_order_of_year_and_name_and_never_of_value(nih: Cohort) -> None:
    table = literature(read(nih), made_up_estimates(), ["flat"])
    for _, rows in table.group_by("finding"):
        assert rows["model"].to_list() == MODELS
        assert rows["year"].is_sorted()
    assert not any("rank" in name or "difference" in name for name in table.columns)


def test_every_reading_has_its_rows_in_the_order_given(nih: Cohort) -> None:
    estimates = pl.concat([made_up_estimates(), made_up_estimates(reading="other")])
    table = literature(read(nih), estimates, ["other", "flat"])
    assert table["reading"].unique(maintain_order=True).to_list() == ["other", "flat"]
    assert len(table) == 2 * 15 * len(MODELS)


def test_a_part_of_the_test_list_is_not_the_list(nih: Cohort) -> None:
    whole = read(nih)
    part = replace(whole, rows=whole.rows[:-3], labels=whole.labels[:-3])
    table = literature(part, made_up_estimates(), ["flat"])
    assert not table["same_split"].any()
    note = table.filter(model="Wang 2017 (ResNet-50)")["note"][0]
    assert note.endswith("are a part of NIH's test list (25,593 of 25,596 images)")


def test_images_beyond_the_test_list_are_not_the_list(nih: Cohort) -> None:
    table = literature(read(nih, split="train"), made_up_estimates(), ["flat"])
    assert not table["same_split"].any()
    note = table.filter(model="Wang 2017 (ResNet-50)")["note"][0]
    assert note.endswith("are not NIH's test list (0 of 86,524 images are in it)")


def own_table(nih: Cohort, *, ending: str = "png", n: int = 25_596) -> pl.DataFrame:
    """NIH's test list as a table of one's own, with images in another format."""
    rows = (nih.split == "test").arg_true().to_numpy()[:n]
    names = nih.images.gather(rows).str.replace("png$", ending)
    labels = {finding.replace("_", " ").lower(): nih.labels[rows, k] for k, finding in enumerate(NIH_FINDINGS)}
    return pl.DataFrame({"image": names} | labels)


def test_content_decides_and_not_the_name_of_the_cohort(nih: Cohort) -> None:
    mine = cohort_from_frame(own_table(nih, ending="jpg"), name="my clinic")
    findings = mine.findings
    assert findings != NIH_FINDINGS
    table = literature(read(mine, findings=findings), made_up_estimates(findings), ["flat"])
    assert table["same_split"].any()
    assert table["finding"].unique(maintain_order=True).to_list() == [*findings, "mean"]


def test_other_images_by_the_same_name_have_no_literature(matched: Study, evaluation: Evaluation) -> None:
    assert overlap_with_nih(matched).findings == ()
    table = literature(matched, estimates_table(discrimination_rows(evaluation)), ["strong"])
    assert table.is_empty()
    assert table.schema == pl.Schema(TABLE)
    named = replace(matched, cohort=replace(matched.cohort, name="chestxray14"))
    assert literature(named, estimates_table(discrimination_rows(evaluation)), ["strong"]).is_empty()


def test_one_strange_image_among_nihs_makes_it_another_cohort(nih: Cohort) -> None:
    table = own_table(nih, n=100)
    strange = table.with_columns(image=pl.when(pl.arange(0, 100) == 7).then(pl.lit("x.png")).otherwise("image"))
    mine = cohort_from_frame(strange)
    assert overlap_with_nih(read(mine, findings=mine.findings)).findings == ()


def test_a_finding_with_a_second_truth_is_left_out_and_so_is_the_mean(nih: Cohort) -> None:
    of = read(nih)
    labels = of.labels.copy()
    ill = np.flatnonzero(labels[:, 7])
    labels[ill[: len(ill) // 4], 7] = 0
    unlabelled = labels[:, 9]
    unlabelled[0] = -1
    table = literature(replace(of, labels=labels), made_up_estimates(), ["flat"])
    shown = table["finding"].unique(maintain_order=True).to_list()
    assert shown == [finding for finding in NIH_FINDINGS if finding not in ("Pneumothorax", "Edema")]


def test_a_few_revised_labels_are_still_nihs() -> None:
    labels = np.repeat([1, 0], [100, 900]).astype(np.int8)
    revised = labels.copy()
    revised[95:102] = 1 - revised[95:102]
    assert same_labels(labels, revised)
    assert same_labels(np.zeros(5, np.int8), np.zeros(5, np.int8))
    assert not same_labels(labels, np.zeros(1000, np.int8))


def test_the_mean_of_fewer_findings_is_not_set_beside_that_of_14(nih: Cohort) -> None:
    few = NIH_FINDINGS[:5]
    table = literature(read(nih, findings=few), made_up_estimates(few), ["flat"])
    assert table["finding"].unique(maintain_order=True).to_list() == list(few)
    undefined = made_up_estimates().with_columns(
        value=pl.when(finding="Hernia").then(None).otherwise("value").cast(pl.Float64)
    )
    table = literature(read(nih), undefined, ["flat"])
    assert "mean" not in table["finding"]
    assert table.filter(finding="Hernia")["own_auroc"].null_count() == len(MODELS)


def test_the_published_reading_gets_its_published_values(zech_study: Study, zech: Evaluation) -> None:
    table = literature(zech_study, estimates_table(discrimination_rows(zech)), ["zech"])
    own = table.filter(model="Zech, reproduction of CheXNet")
    assert len(own) == 15
    np.testing.assert_allclose(own["own_auroc"][:-1], own["auroc"][:-1], atol=0.00005)
    assert own["own_auroc"][-1] == pytest.approx(own["auroc"][-1], abs=0.0005)
    assert not table["same_split"].any()
    assert "5,213 of 22,433 images are in it" in table.filter(model="Wang 2017 (ResNet-50)")["note"][0]
