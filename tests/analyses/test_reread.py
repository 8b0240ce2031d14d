"""Rereading a printed table: compute, round, read again; the paper that overread follows; contradictions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import combinations
from math import isfinite
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.analyses.reread import Reread, cohort_counts, reread
from overread.analyses.reread_row import Row, everything, possible, understood
from overread.analyses.reread_words import given_by
from overread.records.cohort import read_cohort
from overread.records.printed import PrintedRow, PrintedTable, printed
from overread.stats.discrimination import auroc
from overread.stats.operating_points import LOG_INTERVALS, METRICS, Counts

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "valsson2022.csv"


def row(cells: Mapping[str, str], model: str = "A", finding: str = "Mass") -> PrintedRow:
    average = finding == "mean"
    return PrintedRow(model, finding, {name: printed(text, name, "") for name, text in cells.items()}, average)


def table(*rows: PrintedRow) -> PrintedTable:
    return PrintedTable("t.csv", rows)


def said(result: Reread, kind: str) -> list[str]:
    return result.tables["statements"].filter(pl.col("kind") == kind)["statement"].to_list()


def texts(counts: Counts, digits: Mapping[str, int]) -> dict[str, str]:
    """Print metrics of counts as a paper would, with so many decimals."""
    found = {}
    for name, places in digits.items():
        value = float(METRICS[name](counts))
        if isfinite(value):
            found[name] = str(Decimal(value).quantize(Decimal(1).scaleb(-places)))
    return found


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(*(st.integers(0, 3000) for _ in range(4))).filter(lambda c: c[0] + c[2] > 0 and c[1] + c[3] > 0),
    st.dictionaries(st.sampled_from(sorted(METRICS)), st.integers(1, 4), min_size=1),
    st.sampled_from(["", "n", "n and ill", "prevalence"]),
)
def test_what_is_computed_rounded_and_read_again_holds_the_truth(
    cells: tuple[int, int, int, int], digits: dict[str, int], known: str
) -> None:
    tp, fp, fn, tn = cells
    counts, n, ill = Counts(*cells), sum(cells), tp + fn
    shown = texts(counts, digits)
    if known.startswith("n"):
        shown["n_images"] = str(n)
    if known == "n and ill":
        shown["n_positive"] = str(ill)
    if known == "prevalence":
        shown["prevalence"] = str(Decimal(ill / n).quantize(Decimal("0.001")))
    result = reread(table(row(shown)), prevalence={"": (0.1,)})
    assert result.possible, said(result, "impossible")
    truth = {name: float(METRICS[name](counts)) for name in METRICS}
    truth |= {"tp": tp, "fp": fp, "fn": fn, "tn": tn, "n_images": n, "n_positive": ill, "prevalence": ill / n}
    for each in result.tables["reading"].iter_rows(named=True):
        value = truth.get(each["quantity"], np.nan)
        if not isfinite(value) or each["low"] is None or (each["quantity"] == "dor" and 0 in cells):
            continue
        assert each["low"] - 1e-7 * (1 + each["low"]) <= value, each
        assert each["high"] is None or value <= each["high"] + 1e-7 * (1 + each["high"]), each
    for each in result.tables["intervals"].filter(pl.col("method") == "log").iter_rows(named=True):
        one = LOG_INTERVALS[each["quantity"]](counts)
        if isfinite(one.low):
            assert each["low"] <= one.low * (1 + 1e-9)
            assert each["high"] >= one.high * (1 - 1e-9)
    for each in result.tables["people"].filter(pl.col("prevalence") == 0.1).iter_rows(named=True):
        found, referred = 100 * truth["sensitivity"], 900 * (1 - truth["specificity"])
        assert each["found_low"] - 1e-6 <= found <= each["found_high"] + 1e-6
        assert each["referred_healthy_low"] - 1e-6 <= referred <= each["referred_healthy_high"] + 1e-6
        if found + referred:
            assert each["ppv_low"] - 1e-6 <= found / (found + referred) <= each["ppv_high"] + 1e-6


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(
        {"sensitivity": st.integers(0, 100), "specificity": st.integers(0, 100), "ppv": st.integers(0, 100)},
        optional={"npv": st.integers(0, 100), "accuracy": st.integers(0, 100), "f1": st.integers(0, 100)},
    ),
    st.sampled_from([None, 57]),
)
def test_a_conflict_is_one_and_every_part_of_it_is_none(percent: dict[str, int], n: int | None) -> None:
    found = understood(row({name: f"{value}%" for name, value in percent.items()}), n)
    if not found.conflict:
        assert possible(found.cells)
        return
    assert not possible({name: found.cells[name] for name in found.conflict})
    for some in combinations(found.conflict, len(found.conflict) - 1):
        assert possible({name: found.cells[name] for name in some})
    assert found.left_out
    assert possible(found.kept)


@pytest.mark.parametrize(
    ("cells", "conflict"),
    [
        ({"sensitivity": "0.80", "specificity": "0.90", "dor": "20.0"}, {"sensitivity", "specificity", "dor"}),
        (
            {"sensitivity": "0.80", "specificity": "0.90", "accuracy": "0.95"},
            {"sensitivity", "specificity", "accuracy"},
        ),
        ({"sensitivity": "0.80", "n_positive": "7"}, {"sensitivity", "n_positive"}),
        ({"n_images": "100", "n_positive": "60", "n_negative": "50"}, {"n_images", "n_positive", "n_negative"}),
        ({"n_positive": "10", "tp": "12"}, {"n_positive", "tp"}),
        ({"sensitivity": "0.90", "specificity": "0.80", "auroc": "0.700"}, {"sensitivity", "specificity", "auroc"}),
        ({"ppv": "0.10", "npv": "0.10", "accuracy": "0.50"}, {"accuracy", "ppv", "npv"}),
    ],
)
def test_impossible_numbers_are_named(cells: dict[str, str], conflict: set[str]) -> None:
    result = reread(table(row(cells)))
    assert not result.possible
    assert set(result.tables["conflicts"]["cells"][0].split(", ")) == conflict
    assert len(said(result, "impossible")) >= 1


def test_seven_ill_images_cannot_give_a_sensitivity_of_80_percent() -> None:
    # 5/7 = 0.71, 6/7 = 0.86: granularity, as in the GRIM test of Brown and Heathers (2017).
    (sentence,) = said(reread(table(row({"sensitivity": "0.80", "n_positive": "7"}))), "impossible")
    assert sentence == "A, Mass: sensitivity 0.80 cannot come from the number of positive images 7."


def test_one_table_of_counts_is_found_and_said() -> None:
    result = reread(
        table(row({"n_images": "1000", "n_positive": "90", "sensitivity": "0.811", "specificity": "74.2%"}))
    )
    assert (
        "only one table of counts rounds to these numbers: TP 73, FP 235, FN 17, TN 675." in said(result, "follows")[0]
    )


def test_what_is_printed_bounds_itself_where_nothing_is_counted() -> None:
    result = reread(table(row({"n_images": "1000000", "ppv": "0.30", "npv": "0.99"})))
    left = {each["quantity"]: (each["low"], each["high"]) for each in result.tables["reading"].iter_rows(named=True)}
    assert left["ppv"] == pytest.approx((0.295, 0.305))
    assert left["npv"] == pytest.approx((0.985, 0.995))
    assert left["n_images"] == (1_000_000, 1_000_000)
    # The prevalence lies between that of the uncalled and that of the called.
    assert left["prevalence"] == pytest.approx((0.005, 0.305), abs=0.01)


def test_a_mean_is_held_against_its_findings() -> None:
    rows = [row({"auroc": text}, finding=name) for name, text in (("Mass", "0.80"), ("Edema", "0.90"))]
    assert "can be the mean" in said(reread(table(*rows, row({"auroc": "0.85"}, finding="mean"))), "follows")[0]
    wrong = reread(table(*rows, row({"auroc": "0.87"}, finding="mean")))
    assert not wrong.possible
    assert said(wrong, "impossible") == [
        "A, mean: AUROC 0.87 cannot be the mean of the 2 findings printed, which is 0.845 to 0.855."
    ]


def test_two_prevalences_are_not_of_the_same_images() -> None:
    one = row({"prevalence": "0.10", "sensitivity": "0.8", "specificity": "0.8"})
    other = row({"sensitivity": "0.800", "specificity": "0.900", "ppv": "0.500"}, model="B")  # a prevalence of 1/9
    assert "not the same images" in said(reread(table(one, other)), "impossible")[0]


def test_an_accuracy_below_that_of_calling_nobody_is_pointed_out() -> None:
    result = reread(table(row({"n_images": "1000", "n_positive": "50", "accuracy": "0.93"})))
    assert "calling nobody ill would be right in 0.950" in said(result, "does not follow")[0]


def test_an_auroc_interval_holds_that_of_scores(shared: Path) -> None:
    """On the real test rows of one finding, the printed area with its counts gives about DeLong's interval."""
    from overread.records.reading import read_reading
    from overread.stats.discrimination import auroc_delong

    cohort, reading = read_cohort("chestxray14"), read_reading(str(shared / "predictions" / "densenet121_zech.csv.gz"))
    truth = dict(zip(cohort.images, cohort.labels[:, cohort.findings.index("Effusion")].tolist(), strict=True))
    labels = np.array([truth[image] for image in reading.images])
    scores = reading.scores[:, reading.findings.index("Effusion")]
    area = auroc(labels, scores)
    cells = {"n_images": str(len(labels)), "n_positive": str(int((labels == 1).sum())), "auroc": f"{area:.4f}"}
    intervals = reread(table(row(cells))).tables["intervals"].filter(pl.col("method") == "hanley-mcneil")
    delong = auroc_delong(labels, scores)
    assert intervals["high"][0] - intervals["low"][0] == pytest.approx(delong.high - delong.low, rel=0.35)


# --- the paper that overread follows: Valsson and Arandjelović (2022), Sci 4:3 ---------------------------------------

RATES = [("0.725", "0.742"), ("0.726", "0.741"), ("0.727", "0.740")]
"""Sensitivity and specificity of the standard model to three decimals: the only three pairs whose odds ratio is 7.58
and which, with a sensitivity 0.025 higher and a specificity 0.023 lower for the modified model, have 7.68 there."""


def paper(sensitivity: str, specificity: str, finding: str) -> PrintedTable:
    other = f"{float(sensitivity) + 0.025:.3f}", f"{float(specificity) - 0.023:.3f}"
    return table(
        row({"sensitivity": sensitivity, "specificity": specificity, "dor": "9.56"}, "standard", finding),
        row({"sensitivity": other[0], "specificity": other[1], "dor": "10.63"}, "modified", finding),
    )


@pytest.mark.parametrize("rates", RATES)
def test_the_papers_odds_ratios_cannot_come_from_its_rates(rates: tuple[str, str]) -> None:
    result = reread(paper(*rates, "Mass"))
    assert not result.possible
    assert result.tables["conflicts"]["cells"].to_list() == ["sensitivity, specificity, dor"] * 2
    for each, expected in zip(result.rows, (7.58, 7.68), strict=True):
        low, high = each.bounds("dor")
        assert low < expected < high
        assert given_by(each, ("sensitivity", "specificity"), "dor").startswith("7.")
    as_means = reread(paper(*rates, "mean"))
    assert as_means.possible  # an average of odds ratios may be anything
    assert len(said(as_means, "not one table")) == 2


@pytest.mark.parametrize("rates", RATES)
def test_the_papers_23_and_25_have_different_denominators(rates: tuple[str, str]) -> None:
    counts = cohort_counts(read_cohort("chestxray14"), "test")
    result = reread(paper(*rates, "mean"), counts=counts)
    (sentence,) = [each for each in said(result, "does not follow") if "denominators" in each]
    assert "modified finds 24 to 26 more of 1,000 ill, standard spares 22 to 24 more of 1,000 healthy" in sentence
    assert (
        "at the prevalence of 7.59 % it is 1.9 ill found against 21.3 healthy spared, of 1,000 people in all"
        in sentence
    )
    exchange = result.tables["exchange"].row(0, named=True)
    assert exchange["rate"] == pytest.approx(11.2, abs=0.05)
    assert exchange["rate_low"] < 11.2 < exchange["rate_high"]
    assert exchange["low"] is None


def test_the_papers_table_3_is_the_official_list() -> None:
    # Its counts of images with 0 to 8 labels, and what follows from them.
    table_3 = [9861, 7992, 5021, 1958, 572, 152, 31, 8, 1]
    counts = cohort_counts(read_cohort("chestxray14"), "test")
    assert sum(table_3) == 25_596 == counts["effusion"].n_images
    assert sum(k * n for k, n in enumerate(table_3)) == counts["pooled"].n_positive
    assert counts["pooled"].n_positive / counts["pooled"].n_images == pytest.approx(0.0759, abs=5e-5)


def test_the_example_that_ships_reads_as_the_documentation_says() -> None:
    from overread.records.printed import read_printed

    result = reread(read_printed(EXAMPLE), counts=cohort_counts(read_cohort("chestxray14"), "test"))
    assert result.possible
    assert result.models == ("standard", "modified")
    assert len(said(result, "not one table")) == 2
    assert sum("can be the mean of the 14 findings" in each for each in said(result, "follows")) == 2
    assert len(result.tables["intervals"].filter(pl.col("method") == "hanley-mcneil")) == 28


def test_counts_from_elsewhere_make_whole_tables() -> None:
    found: Row = understood(row({"sensitivity": "0.81", "specificity": "0.742"}), 1000)
    assert found.given == {"n_images"}
    assert found.tables is not None
    cover, tables = everything(found.cells)
    assert not cover.empty
    assert tables is not None
    assert found.text("n_images") == "1,000 (given)"
