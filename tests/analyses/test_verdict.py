"""The words of a comparison follow from its numbers by the written rules."""

from __future__ import annotations

import polars as pl
import pytest

from overread.analyses.comparison import EQUIVALENCE, TABLE
from overread.analyses.exchange import TABLE as EXCHANGE
from overread.analyses.label_quality import SCHEMAS
from overread.analyses.verdict import (
    finding_sentences,
    margin_sentences,
    rate_sentences,
    signed,
    turned_sentences,
    verdict,
)


def paired_test(
    metric: str, finding: str, method: str, difference: float, p: float, adjusted: float | None
) -> dict[str, object]:
    return {
        "reading_a": "new",
        "reading_b": "old",
        "finding": finding,
        "metric": metric,
        "a": 0.8 + difference,
        "b": 0.8,
        "difference": difference,
        "low": difference - 0.01,
        "high": difference + 0.01,
        "level": 0.95,
        "p": p,
        "p_adjusted": adjusted,
        "smallest_detectable": 0.014,
        "method": method,
        "note": "",
        "n_images": 1000,
        "n_positive": 100,
    }


def words(p: float, adjusted: tuple[float, float], found: float, spared: float, rate: float | None) -> str:
    rows = [
        paired_test("auroc", "mean", "bootstrap", 0.02, p, p),
        paired_test("auroc", "Mass", "obuchowski", 0.03, adjusted[0], adjusted[0]),
        paired_test("auroc", "Edema", "obuchowski", 0.01, adjusted[1], adjusted[1]),
        paired_test("sensitivity", "mean", "bootstrap", found / 1000, p, p),
        paired_test("specificity", "mean", "bootstrap", spared / 1000, p, p),
    ]
    exchange = dict.fromkeys(EXCHANGE) | {
        "reading_a": "new",
        "reading_b": "old",
        "finding": "mean",
        "prevalence": 0.0759,
        "prevalence_source": "this cohort",
        "extra_found_per_1000_all": found * 0.0759,
        "extra_spared_per_1000_all": spared * (1 - 0.0759),
        "rate": rate,
        "low": None if rate is None else rate - 1,
        "high": None if rate is None else rate + 1,
    }
    tables = {
        "comparisons": pl.DataFrame(rows, schema=TABLE),
        "exchange": pl.DataFrame([exchange], schema=EXCHANGE),
        "equivalence": pl.DataFrame(schema=EQUIVALENCE),
    }
    (passage,) = verdict(tables)
    assert passage.title == "new against old"
    return " ".join(passage.sentences)


def test_a_difference_beyond_chance_is_said_with_what_it_costs() -> None:
    text = words(0.001, (0.001, 0.4), found=25, spared=-23, rate=11.2)
    assert "beyond chance. Finding by finding" in text
    assert "differs beyond chance for 1 (Mass +0.030)" in text
    assert "For the other 1 that is not shown, which is not to say that they are the same" in text
    assert "finds 25.0 more" in text
    assert "spares 23.0 fewer" in text
    assert "of 1,000 people of whom 76 are ill, new finds 1.9 more and spares 21.3 fewer" in text
    assert "new refers 11.2 more healthy people for each further ill person" in text


def test_what_is_not_shown_is_not_called_the_same() -> None:
    text = words(0.3, (0.3, 0.4), found=2, spared=1, rate=None)
    assert "not shown to be beyond chance; a true difference of 0.014 would have been found 4 times in 5" in text
    assert "differs beyond chance for none." in text
    assert "For these 2 that is not shown" in text
    assert "refers" not in text


def ordered(label: str, truth: str, value: float, half: float) -> dict[str, object]:
    bounds = {"value": value, "low": value - half, "high": value + half, "level": 0.95, "n_images": 935}
    return {"reading_a": "new", "reading_b": "old", "label": label, "source": "found", "truth": truth} | bounds


def test_an_order_that_turns_under_a_better_truth_is_said_unless_it_may_be_chance() -> None:
    rows = [
        ordered("Mass", "cohort labels", -0.024, 0.03),
        ordered("Mass", "better truth", 0.028, 0.02),
        ordered("Edema", "cohort labels", -0.01, 0.005),
        ordered("Edema", "better truth", 0.01, 0.02),
        ordered("Hernia", "cohort labels", 0.01, 0.005),
        ordered("Hernia", "better truth", 0.02, 0.01),
    ]
    (said,) = turned_sentences(pl.DataFrame(rows, schema=SCHEMAS["label_order"]), "new", "old")
    assert "the order turns for Mass: on the 935 images" in said
    assert "old has the higher AUROC under the cohort's labels (new minus old \u22120.024)" in said
    assert said.endswith("new under the better truth (+0.028, 95 % interval +0.008 to +0.048).")


@pytest.mark.parametrize("word", ["better", "significant", "superior"])
def test_no_reader_is_called_better_without_at_what(word: str) -> None:
    assert word not in words(0.001, (0.001, 0.001), found=25, spared=23, rate=None)


def test_a_minus_is_a_minus() -> None:
    assert signed(-1.26, 1) == "\u22121.3"


def test_findings_that_both_order_alike_are_not_given_a_smallest_difference() -> None:
    rows = [paired_test("auroc", name, "obuchowski", 0.0, 1.0, 1.0) for name in ("Mass", "Edema")]
    same = [row | {"low": 0.0, "high": 0.0, "smallest_detectable": None} for row in rows]
    shown = paired_test("auroc", "Hernia", "obuchowski", 0.2, 0.0, 0.0)
    said = " ".join(finding_sentences(pl.DataFrame([*same, shown], schema=TABLE)))
    assert "for 1 (Hernia +0.200)." in said
    assert "For 2 the two order the images alike" in said
    assert "nan" not in said
    assert "4 times in 5" not in said


def test_calls_that_do_not_differ_are_not_said_to_be_more() -> None:
    rows = [paired_test("auroc", "mean", "bootstrap", 0.02, 0.01, 0.01)]
    rows += [
        paired_test(metric, "mean", "bootstrap", 0.0, 1.0, 1.0) | {"low": 0.0, "high": 0.0}
        for metric in ("sensitivity", "specificity")
    ]
    row = dict.fromkeys(EXCHANGE) | {"finding": "mean", "prevalence": 0.1, "prevalence_source": "this cohort"}
    tables = {
        "comparisons": pl.DataFrame(rows, schema=TABLE),
        "exchange": pl.DataFrame([row], schema=EXCHANGE),
        "equivalence": pl.DataFrame(schema=EQUIVALENCE),
    }
    (said,) = rate_sentences(tables, "new", "old", several=True)
    assert said.startswith("At their operating points the two find as many of the ill")


@pytest.mark.parametrize(
    ("conclusion", "said"),
    [
        ("equivalent: within", "Within the stated margin of 0.01, the mean AUROC of both is shown to be equivalent."),
        ("not worse: by", "The mean AUROC of new is shown to be not worse than that of old by 0.01 or more."),
        ("not shown", "it is not shown that the two are equivalent, nor that new is not worse than old."),
    ],
)
def test_who_is_not_shown_to_be_worse_is_named(conclusion: str, said: str) -> None:
    row = dict.fromkeys(EQUIVALENCE) | {"finding": "mean", "metric": "auroc", "margin": 0.01, "conclusion": conclusion}
    (sentence,) = margin_sentences(pl.DataFrame([row], schema=EQUIVALENCE), "new", "old")
    assert sentence.endswith(said)


def test_as_many_is_not_more() -> None:
    rows = [
        paired_test("auroc", "mean", "bootstrap", 0.02, 0.01, 0.01),
        paired_test("sensitivity", "mean", "bootstrap", 0.0, 1.0, 1.0) | {"low": 0.0, "high": 0.0},
        paired_test("specificity", "mean", "bootstrap", 0.1, 0.01, 0.01),
    ]
    row = dict.fromkeys(EXCHANGE) | {"finding": "mean", "prevalence": 0.1, "prevalence_source": "this cohort"}
    extra = {"extra_found_per_1000_all": 0.0, "extra_spared_per_1000_all": 90.0}
    tables = {"comparisons": pl.DataFrame(rows, schema=TABLE), "exchange": pl.DataFrame([row | extra], schema=EXCHANGE)}
    first, second = rate_sentences(tables, "new", "old", several=True)
    assert "new finds as many of 1,000 ill people as old and spares 100.0 more" in first
    assert "new finds as many and spares 90.0 more" in second
