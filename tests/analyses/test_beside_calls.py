"""Readers who only call, beside models: who is taken for one, what is compared, and how far readers agree."""

from __future__ import annotations

from math import sqrt

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from overread.analyses.beside_calls import NO_TABLES, beside_calls, parted
from overread.analyses.options import Options
from overread.analyses.second_reading import SecondReading, second_reading
from overread.records.cohort import Cohort, cohort_from_frame
from overread.records.errors import InputError
from overread.records.reading import Reading, reading_from_frame
from overread.report.page import page
from overread.report.writer import contents

N = 400
FINDINGS = ("Effusion", "Mass")
EVIL = '<script>alert("1")</script>'
OPTIONS = Options(replicates=200, floor=False)


@pytest.fixture(scope="module")
def simulated() -> tuple[Cohort, list[Reading]]:
    rng = np.random.default_rng(4)
    images = [f"{row:03d}.png" for row in range(N)]
    truth = {finding: (rng.random(N) < share).astype(int) for finding, share in zip(FINDINGS, (0.4, 0.2), strict=True)}
    cohort = cohort_from_frame(
        pl.DataFrame({"image": images, "patient": [f"p{row // 2}" for row in range(N)]} | truth), name="sim"
    )

    def seen(sharp: float) -> dict[str, np.ndarray]:
        return {finding: rng.standard_normal(N) + sharp * truth[finding] for finding in FINDINGS}

    model = {finding: 1 / (1 + np.exp(-values)) for finding, values in seen(2.0).items()}
    readings = [reading_from_frame({"image": images} | model, name="model")]
    for name, sharp, n in (("anna", 1.2, N), ("ben", 1.2, 300), (EVIL, 1.0, N)):
        called = {finding: (values >= 0.6).astype(int) for finding, values in seen(sharp).items()}
        frame = pl.DataFrame({"image": images} | called).head(n)
        readings.append(reading_from_frame(frame, name=name))
    return cohort, readings


@pytest.fixture(scope="module")
def result(simulated: tuple[Cohort, list[Reading]]) -> SecondReading:
    cohort, readings = simulated
    return second_reading(cohort, readings, OPTIONS)


def test_who_is_taken_for_a_caller(simulated: tuple[Cohort, list[Reading]]) -> None:
    _, readings = simulated
    model, anna, ben, evil = readings
    assert parted(readings, None) == ([model], [anna, ben, evil])
    assert parted(readings, ()) == (readings, [])
    assert parted(readings, ("ben",)) == ([model, anna, evil], [ben])
    assert parted([anna, ben], None) == ([anna, ben], [])  # nobody has scores to be set beside
    for names, said in ((("model",), "scores other than 0 and 1"), (("carl",), "no reading is named 'carl'")):
        with pytest.raises(InputError, match=said):
            parted(readings, names)
    with pytest.raises(InputError, match="every reading is named"):
        parted([anna], ("anna",))


def test_models_are_judged_on_their_own_images_and_callers_beside_them(result: SecondReading) -> None:
    assert result.readings == ("model",)
    assert result.callers == ("anna", "ben", EVIL)
    assert result.study.n_images == N
    assert set(result.tables["call_rates"].filter(pl.col("finding") == "Mass")["n_images"]) == {300}
    assert set(result.tables["call_rates"]["metric"]) == {"sensitivity", "specificity", "ppv", "npv", "accuracy"}
    assert not result.tables["estimates"].filter(pl.col("reading") == "anna").height  # no AUROC of calls anywhere
    assert any("taken for calls" in warning and "--calls none" in warning for warning in result.warnings)
    assert any("300 reported images" in warning for warning in result.warnings)


def test_rates_are_those_of_the_calls(simulated: tuple[Cohort, list[Reading]], result: SecondReading) -> None:
    cohort, (_, anna, *_) = simulated
    labels, calls = cohort.labels[:300, 1], anna.scores[:300, 1]
    row = result.tables["call_rates"].filter(
        (pl.col("reading") == "anna") & (pl.col("finding") == "Mass") & (pl.col("method") == "bootstrap")
    )
    values = dict(row.select("metric", "value").iter_rows())
    assert values["sensitivity"] == pytest.approx(calls[labels == 1].mean())
    assert values["specificity"] == pytest.approx(1 - calls[labels == 0].mean())


def test_a_sharper_model_is_better_at_equal_rates(result: SecondReading) -> None:
    table = result.tables["call_comparisons"]
    assert len(table) == 3 * 2 * 3  # readers, held rates, findings and their mean
    mean = table.filter(pl.col("finding") == "mean")
    assert (mean["difference"] > 0).all()
    assert (mean["low"] > 0).all()
    assert ((mean["model_held"] - mean["reader_held"]).abs() < 0.06).all()
    own = table.filter((pl.col("reader") == "anna") & (pl.col("held") == "sensitivity"))
    rates = own.filter(pl.col("finding") != "mean")
    assert own.filter(pl.col("finding") == "mean")["difference"][0] == pytest.approx(rates["difference"].mean())
    assert (rates["p_adjusted"] >= rates["p"]).all()


def test_agreement_is_that_of_scikit_learn_and_statsmodels(
    simulated: tuple[Cohort, list[Reading]], result: SecondReading
) -> None:
    _, (_, *callers) = simulated
    calls = np.column_stack([each.scores[:300, 0] for each in callers]).astype(int)
    table = result.tables["call_agreement"].filter(pl.col("finding") == "Effusion")
    values = {(row["readers"], row["statistic"]): row for row in table.iter_rows(named=True)}
    pair = values["anna and ben", "cohen_kappa"]
    expected = cohen_kappa_score(calls[:, 0], calls[:, 1])
    assert pair["value"] == pytest.approx(expected)
    assert pair["low"] < expected < pair["high"]
    everyone = values["all", "fleiss_kappa"]
    assert everyone["value"] == pytest.approx(fleiss_kappa(aggregate_raters(calls)[0]))
    assert everyone["n_readers"] == 3
    # Large-sample error of kappa near 0.15 with 300 images: the bootstrap's width is of that size.
    assert pair["high"] - pair["low"] == pytest.approx(2 * 1.96 * sqrt(1 / 300), rel=0.4)


def test_the_export_holds_everybody_s_answers(simulated: tuple[Cohort, list[Reading]], result: SecondReading) -> None:
    _, (model, anna, *_) = simulated
    text = result.imrmc["Mass"]
    assert "NR: 4" in text
    assert "NM: 2" in text
    cases = result.tables["imrmc_cases"]
    image = dict(cases.select("case", "image").iter_rows())
    place = {name: row for row, name in enumerate(anna.images)}
    rows = [line.split(",") for line in text.partition("BEGIN DATA:\n")[2].splitlines()]
    for name, reading, modality in (("anna", anna, "unaided"), ("model", model, "model")):
        own = [(int(case), float(score)) for reader, case, at, score in rows if reader == name and at == modality]
        assert len(own) == 300
        assert all(score == pytest.approx(reading.scores[place[image[case]], 1]) for case, score in own)


def test_a_modality_is_read_off_the_name(simulated: tuple[Cohort, list[Reading]]) -> None:
    cohort, (model, anna, *_) = simulated
    aided = Reading("anna@aided", anna.images, anna.findings, anna.scores)
    text = beside_calls(cohort, [model], [anna, aided], OPTIONS).imrmc["Mass"]
    assert "NR: 2" in text  # anna and the model
    assert "NM: 3" in text
    assert "anna,1,aided," in text


def test_the_page_shows_the_readers_and_runs_nothing_of_their_names(result: SecondReading) -> None:
    made = page(result)
    assert '<section id="calls"' in made.html
    assert EVIL not in made.html
    assert "roc-calls" in made.figures
    assert "At the sensitivity of anna" in made.html
    files = contents(result)
    assert {"imrmc/Effusion.imrmc", "imrmc/Mass.imrmc", "tables/call_agreement.csv"} <= files.keys()


def test_without_callers_the_tables_are_empty_and_the_page_is_silent(
    simulated: tuple[Cohort, list[Reading]],
) -> None:
    cohort, (model, *_) = simulated
    alone = second_reading(cohort, [model], OPTIONS)
    assert alone.callers == ()
    assert all(alone.tables[name].is_empty() for name in NO_TABLES)
    assert '<section id="calls"' not in page(alone).html
    assert not [name for name in contents(alone) if name.startswith("imrmc")]


def test_calls_none_judges_them_as_scores(simulated: tuple[Cohort, list[Reading]]) -> None:
    cohort, (model, anna, *_) = simulated
    judged = second_reading(cohort, [model, anna], Options(replicates=100, floor=False, calls=()))
    assert judged.readings == ("model", "anna")
    assert judged.callers == ()
