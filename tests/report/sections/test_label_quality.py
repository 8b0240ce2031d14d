"""Label quality on the page: its numbers are those of the tables, it warns, and text from the input stays text."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from overread.analyses.label_quality import BETTER, COHORT, CORRECTED, DIFFERENCE, SCHEMAS, WITHOUT
from overread.report import numbers
from overread.report.page import page
from overread.report.section import Section, Sheet
from overread.report.sections import label_quality

LABEL = "<i>Nodule</i> or_mass"


def table(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    blank = dict.fromkeys(SCHEMAS[name]) | {"level": 0.95, "method": "bootstrap", "note": ""}
    names = {"label": LABEL, "finding": "Nodule|Mass"}
    return pl.DataFrame(
        [{k: v for k, v in (blank | names | row).items() if k in SCHEMAS[name]} for row in rows], SCHEMAS[name]
    )


def around(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


@pytest.fixture
def adjudicated(second: SimpleNamespace) -> SimpleNamespace:
    a, b = second.readings
    sizes = {"tp": 30, "fp": 10, "fn": 20, "tn": 940, "n_images": 1000, "n_patients": 400, "n_hedged": 7}
    agreed = dict(
        zip(("sensitivity", "specificity", "ppv", "npv", "kappa"), (0.6, 0.99, 0.75, 0.98, 0.65), strict=True)
    )
    values = {a: {COHORT: 0.80, BETTER: 0.86, DIFFERENCE: 0.06}, b: {COHORT: 0.83, BETTER: 0.82, DIFFERENCE: -0.01}}
    n = {"n_images": 500, "n_positive": 40}
    second.tables |= {
        "label_mapping": table(
            "label_mapping",
            [{"note": "given", "n_yes": 50, "n_no": 950, "n_hedged": 7, "n_images": 1000, "n_reported": 500}],
        ),
        "label_agreement": table(
            "label_agreement", [{"metric": name} | around(value, 0.005) | sizes for name, value in agreed.items()]
        ),
        "label_truths": table(
            "label_truths",
            [
                {"reading": name, "truth": side, "metric": "auroc"} | around(value) | n
                for name, own in values.items()
                for side, value in own.items()
            ],
        ),
        "label_errors": table(
            "label_errors",
            [
                {"reading": name, "among": among, "n_images": 50, "n_wrong": 5} | around(0.7 if name == a else 0.51)
                for name in (a, b)
                for among in ("ill", "healthy")
            ],
        ),
        "label_noise": table(
            "label_noise",
            [
                {
                    "reading": name,
                    "source": "found",
                    "metric": "auroc",
                    "seen": 0.8,
                    "seen_low": 0.78,
                    "seen_high": 0.82,
                }
                | {"label_sensitivity": 0.6, "label_specificity": 0.99, "n_images": 21000, "n_positive": 900}
                | (around(0.9) if name == a else {"note": "the correction gives 1.2"})
                for name in (a, b)
            ],
        ),
        "label_order": table(
            "label_order",
            [
                {"reading_a": a, "reading_b": b, "source": "found", "truth": truth} | around(value) | n
                for truth, value in ((COHORT, -0.03), (BETTER, 0.04), (WITHOUT, 0.01), (CORRECTED, 0.02))
            ],
        ),
    }
    return second


def text(section: Section | None) -> str:
    assert section is not None
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def sheet(section: Section | None, name: str) -> Sheet:
    assert section is not None
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name == name)


def test_nothing_where_nothing_was_given(second: SimpleNamespace) -> None:
    assert label_quality.section(second) is None
    second.tables |= {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}
    assert label_quality.section(second) is None


def test_sentences_have_the_tables_numbers(adjudicated: SimpleNamespace) -> None:
    a, b = adjudicated.readings
    said = text(label_quality.section(adjudicated))
    assert "on 1,000 images of 400 patients" in said
    assert "found on 60.0 % (95 % interval 59.5 to 60.5 %) of the images that are ill by the better truth" in said
    assert "7 hedged answers" in said
    assert f"0.800 and 0.860 for {a} (change +0.060 (+0.040 to +0.080))" in said
    assert f"{b} has the higher AUROC under the cohort's labels and {a} under the better truth" in said
    assert "both beyond chance" in said
    assert f"among truly ill images, {a} scores those that are labelled (rightly) higher" in said
    assert "it would be 0.900 (95 % interval 0.880 to 0.920) under the truth" in said
    assert label_quality.WARNING in said


def test_errors_without_a_sign_of_following_are_said_to_be_so(adjudicated: SimpleNamespace) -> None:
    own = adjudicated.tables["label_errors"]
    adjudicated.tables["label_errors"] = own.with_columns(pl.lit(0.45).alias("low"), pl.lit(0.56).alias("high"))
    assert "No sign that the errors" in text(label_quality.section(adjudicated))
    adjudicated.tables["label_errors"] = own.with_columns(pl.lit(None, pl.Float64).alias("value"))
    assert "too few labels are wrong" in text(label_quality.section(adjudicated))


def test_agreement_that_cannot_be_computed_is_explained(adjudicated: SimpleNamespace) -> None:
    empty = [pl.lit(None, pl.Float64).alias(name) for name in ("value", "low", "high")]
    table = adjudicated.tables["label_agreement"].with_columns(*empty, pl.lit("no image is truly ill").alias("note"))
    adjudicated.tables["label_agreement"] = table
    said = text(label_quality.section(adjudicated))
    assert "found on an unknown share (no image is truly ill)" in said
    assert "Kappa is not defined (no image is truly ill)" in said


def test_an_impossible_correction_is_explained(adjudicated: SimpleNamespace) -> None:
    adjudicated.readings = adjudicated.readings[::-1]
    assert "it cannot be corrected: the correction gives 1.2." in text(label_quality.section(adjudicated))


def test_the_mapping_is_shown_and_can_be_changed(adjudicated: SimpleNamespace) -> None:
    found = sheet(label_quality.section(adjudicated), "label-mapping")
    assert found.shown
    assert [cell.text for cell in found.rows[0]] == [
        "<i>Nodule</i> or mass",
        "Nodule or Mass",
        "given",
        "50",
        "950",
        "7",
        "500",
    ]
    assert "--adjudicated-map" in found.foot[0]


def test_every_number_of_agreement_is_in_the_sheet(adjudicated: SimpleNamespace) -> None:
    row = [cell.text for cell in sheet(label_quality.section(adjudicated), "label-agreement").rows[0][1:]]
    assert row[:5] == ["1,000", "30", "10", "20", "940"]
    assert row[5] == "0.600 (0.595 to 0.605)"


def test_stated_noise_alone_has_a_section(adjudicated: SimpleNamespace) -> None:
    for name in ("label_mapping", "label_agreement", "label_truths", "label_errors"):
        adjudicated.tables[name] = adjudicated.tables[name].clear()
    adjudicated.tables["label_noise"] = adjudicated.tables["label_noise"].with_columns(pl.lit("given").alias("source"))
    adjudicated.tables["label_order"] = adjudicated.tables["label_order"].filter(pl.col("truth") == CORRECTED)
    section = label_quality.section(adjudicated)
    assert "stated, and taken for exact" in text(section)
    assert {block.name for block in section.blocks if isinstance(block, Sheet)} == {"label-noise", "label-order"}


def test_text_from_the_input_stays_text(adjudicated: SimpleNamespace) -> None:
    html = page(adjudicated).html
    assert 'id="label-quality"' in html
    assert "<i>" not in html
    assert "&lt;i&gt;Nodule&lt;/i&gt; or mass" in html


def test_what_cannot_be_set_beside_each_other_is_said_apart(adjudicated: SimpleNamespace) -> None:
    table = adjudicated.tables["label_truths"]
    first = pl.col("reading") == adjudicated.readings[0]
    adjudicated.tables["label_truths"] = table.with_columns(
        value=pl.when(first).then(None).otherwise(pl.col("value")),
        note=pl.when(first).then(pl.lit("no positive image")).otherwise(pl.col("note")),
    )
    said = list(label_quality.truth_sentences(adjudicated, LABEL))
    assert len(said) == 2
    assert f"for {adjudicated.readings[1]} (change" in said[0]
    lacking = f"{adjudicated.readings[0]} (no positive image)."
    assert said[1].endswith(f"cannot be set beside that under the better truth for {lacking}")
