"""The words of a comparison follow from its numbers by the written rules."""

from __future__ import annotations

import polars as pl
import pytest

from overread.analyses.comparison import EQUIVALENCE, TABLE
from overread.analyses.exchange import TABLE as EXCHANGE
from overread.analyses.label_quality import SCHEMAS
from overread.analyses.verdict import signed, turned_sentences, verdict


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
    assert "of 1,000 people of whom 76 are ill, it is +1.9 found and \u221221.3 spared" in text
    assert "new refers 11.2 more healthy people for each further ill person" in text


def test_what_is_not_shown_is_not_called_the_same() -> None:
    text = words(0.3, (0.3, 0.4), found=2, spared=1, rate=None)
    assert "not shown to be beyond chance; a true difference of 0.014 would have been found 4 times in 5" in text
    assert "differs beyond chance for 0." in text
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
