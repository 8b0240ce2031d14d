"""No item is reported by what is not there: evidence turns to missing when what it needs is taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from overread.analyses.reporting.evidence import (
    EVIDENCE,
    MISSING,
    NOT_APPLICABLE,
    OTHER_NEEDS,
    PARTLY,
    REPORTED,
    Evidence,
    Known,
)
from overread.analyses.reporting.guideline import EITHER, Item
from overread.analyses.reporting.listing import GUIDELINES
from overread.analyses.second_reading import SecondReading, with_heat_maps
from overread.records.study_form import QUESTIONS, StudyForm
from overread.records.tables import Source

ITEMS = [(guideline.key, item) for guideline in GUIDELINES.values() for item in guideline.items]


def without_columns(of: Known, *names: str) -> Known:
    cohort = replace(of.study.cohort, table=of.study.cohort.table.drop(*names, strict=False))
    return replace(of, study=replace(of.study, cohort=cohort))


TAKE_AWAY: dict[str, Callable[[Known], Known]] = {
    "methods": lambda of: replace(of, methods=()),
    "versions": lambda of: replace(of, versions={}),
    "warnings": lambda of: replace(of, warnings=()),
    "inputs": lambda of: replace(of, study=replace(of.study, sources=())),
    "plan": lambda of: replace(of, options=replace(of.options, plan=None)),
    "patients": lambda of: replace(of, study=replace(of.study, patients_known=False)),
    "splits": lambda of: without_columns(of, "split"),
    "two readings": lambda of: replace(of, readings=of.readings[:1]),
    "age, gender or view": lambda of: without_columns(of, "age", "gender", "view"),
}


def taken_away(of: Known, need: str) -> Known:
    if need in TAKE_AWAY:
        return TAKE_AWAY[need](of)
    return replace(of, tables={**of.tables, need: of.tables[need].clear()})


NEEDS = [(name, need) for name, each in EVIDENCE.items() for need in each.needs]


def named(value: str | Item) -> str:
    """Return the name of a test's parameter, the same in every process."""
    return value if isinstance(value, str) else f"{value.number} {value.topic}".strip()


@pytest.mark.parametrize("name", EVIDENCE)
def test_all_evidence_is_found_where_all_is_there(known: Known, name: str) -> None:
    found = EVIDENCE[name].found(known)
    assert found.status in (REPORTED, PARTLY), found
    assert found.value
    assert found.where.startswith(("#", "tables/"))


@pytest.mark.parametrize(("name", "need"), NEEDS)
def test_evidence_turns_to_missing_when_what_it_needs_is_taken_away(known: Known, name: str, need: str) -> None:
    assert known.has(need)
    less = taken_away(known, need)
    assert not less.has(need)
    found = EVIDENCE[name].found(less)
    assert found.status == MISSING
    assert found.where == ""
    assert "lacking" in found.value


def test_all_evidence_needs_something_and_serves_an_item() -> None:
    used = {each.name for _, item in ITEMS for each in item.shown}
    assert set(EVIDENCE) == used
    assert all(each.needs for each in EVIDENCE.values())
    assert set(OTHER_NEEDS) == set(TAKE_AWAY)


@pytest.mark.parametrize("metric", ["sensitivity", "auroc", "ppv", "lr_positive", "dor"])
def test_a_metric_without_values_is_not_reported(known: Known, metric: str) -> None:
    gone = known.tables["estimates"].filter(pl.col("metric") != metric)
    less = replace(known, tables={**known.tables, "estimates": gone})
    names = {
        "sensitivity": "accuracy",
        "ppv": "predictive_values",
        "lr_positive": "likelihood_ratios",
        "dor": "odds_ratio",
    }
    for name in {names.get(metric, metric), *(("discrimination", "uncertainty") if metric == "auroc" else ())}:
        expected = PARTLY if metric in ("sensitivity", "ppv", "lr_positive") else MISSING
        assert EVIDENCE[name].found(less).status == expected


def test_a_metric_without_intervals_is_partly_reported(known: Known) -> None:
    bare = known.tables["estimates"].with_columns(low=pl.lit(None, pl.Float64))
    assert EVIDENCE["auroc"].found(replace(known, tables={**known.tables, "estimates": bare})).status == PARTLY


def test_patients_on_both_sides_are_counted(known: Known) -> None:
    table = known.study.cohort.table
    split = np.where(np.arange(len(table)) == 0, "test", table["split"].to_numpy())
    cohort = replace(known.study.cohort, table=table.with_columns(split=pl.Series(split)))
    found = EVIDENCE["disjoint"].found(replace(known, study=replace(known.study, cohort=cohort)))
    assert found.status == PARTLY
    assert "1 patients lie in more than one part" in found.value
    assert EVIDENCE["disjoint"].found(known).status == REPORTED


def test_a_rule_without_a_plan_is_partly_reported(known: Known) -> None:
    assert EVIDENCE["cut_offs"].found(known).status == REPORTED
    assert EVIDENCE["cut_offs"].found(taken_away(known, "plan")).status == PARTLY


def test_heat_maps_fill_in_their_item(plain: SecondReading) -> None:
    explained = SimpleNamespace(
        tables={"localisation": pl.DataFrame({"reading": ["new"]})},
        maps=SimpleNamespace(warnings=()),
        source=Source("maps/heatmaps.json", "ef" * 32, 3),
    )
    of_item = {"guideline": "claim-2024", "item": "31"}
    assert plain.tables["reporting"].filter(**of_item)["status"].item() == MISSING
    shown = with_heat_maps(plain, [explained])  # type: ignore[list-item]
    assert shown.tables["reporting"].filter(**of_item)["status"].item() == REPORTED
    assert (
        shown.tables["reporting"].filter(guideline="claim-2024", item="7")["value"].item().count("heatmaps.json") == 1
    )


# --- items -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "item"), [(k, i) for k, i in ITEMS if i.shown and not i.asked], ids=named)
def test_an_automatic_item_turns_to_missing_when_all_it_rests_on_is_taken_away(
    key: str, item: Item, known: Known
) -> None:
    assert item.found(known, None).status in (REPORTED, PARTLY)
    less = known
    for need in dict.fromkeys(need for each in item.shown for need in each.needs):
        less = taken_away(less, need)
    assert item.found(less, None).status == MISSING


@pytest.mark.parametrize(("key", "item"), [(k, i) for k, i in ITEMS if i.asked], ids=named)
def test_an_item_that_a_person_answers_is_missing_without_the_answer(key: str, item: Item, known: Known) -> None:
    every = StudyForm(dict.fromkeys(item.asked, "An answer."))
    assert item.found(known, every).status in (REPORTED, PARTLY)
    if not item.shown:
        assert item.found(known, every).status == REPORTED
        assert item.found(known, None).status == MISSING
        declined = StudyForm(dict.fromkeys(item.asked, "Not applicable: it does not arise."))
        assert item.found(known, declined).status == NOT_APPLICABLE


FOUND = Evidence("there", (), lambda of: EVIDENCE["software"].found(of))


def test_both_takes_both_and_either_takes_one(known: Known) -> None:
    answer = StudyForm({"funding": "None."})
    both, either = Item("", "x", (FOUND,), ("funding",)), Item("", "x", (FOUND,), ("funding",), EITHER)
    gone = taken_away(known, "versions")
    assert [both.found(of, form).status for of in (known, gone) for form in (answer, None)] == [
        REPORTED, PARTLY, PARTLY, MISSING,
    ]  # fmt: skip
    assert [either.found(of, form).status for of in (known, gone) for form in (answer, None)] == [
        REPORTED, REPORTED, REPORTED, MISSING,
    ]  # fmt: skip
    assert "; or lacking: funding in the form" in either.found(gone, None).value


@pytest.mark.parametrize("key", GUIDELINES)
def test_numbers_of_a_guideline_are_its_own_and_every_question_exists(key: str) -> None:
    guideline = GUIDELINES[key]
    numbers = [item.number for item in guideline.items if item.number]
    assert len(numbers) == len(set(numbers))
    assert len(numbers) in (0, len(guideline.items))
    assert {name for item in guideline.items for name in item.asked} <= set(QUESTIONS)
    assert all(item.shown or item.asked for item in guideline.items)
    assert guideline.checked
    assert guideline.url.startswith("https://")


def test_how_many_items_each_guideline_has() -> None:
    n = {key: len(guideline.items) for key, guideline in GUIDELINES.items()}
    assert (n["claim-2024"], n["stard-ai-2025"], n["tripod-ai-2024"], n["imdrf-gmlp-2025"]) == (44, 48, 52, 10)


def test_every_question_serves_an_item() -> None:
    asked = {name for _, item in ITEMS for name in item.asked}
    assert set(QUESTIONS) - asked == set()


# --- what an item asks is what is looked for -------------------------------------------------------------------------


def item(key: str, number: str) -> Item:
    (found,) = (each for each in GUIDELINES[key].items if each.number == number)
    return found


ONE_ANSWER = StudyForm({"data_subsets": "Cropped to the lungs.", "external_testing": "On MIMIC-CXR."})


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("claim-2024", "23"),  # software for training and inference: overread's own versions do not show it
        ("tripod-ai-2024", "13"),  # methods against imbalance: counts of outcomes do not show them
        ("tripod-ai-2024", "12d"),  # clusters: where the model was tested otherwise does not show them
        ("tripod-ai-2024", "23b"),
    ],
)
def test_what_answers_something_else_does_not_answer_an_item(key: str, number: str, known: Known) -> None:
    assert item(key, number).found(known, ONE_ANSWER).status == MISSING


def test_a_crop_does_not_say_how_images_were_assigned_to_parts(known: Known) -> None:
    assert item("claim-2024", "10").found(known, ONE_ANSWER).status == REPORTED
    assigned = item("claim-2024", "19")
    assert assigned.found(known, ONE_ANSWER).status == PARTLY
    assert assigned.found(known, StudyForm({"partitioning": "NIH's official split."})).status == REPORTED


@pytest.mark.parametrize(("key", "number"), [("claim-2024", "30"), ("claim-2024", "32")])
def test_what_a_report_shows_in_part_is_partly_reported(key: str, number: str, known: Known) -> None:
    """Nothing is varied in a report (30), and training rows are not in it (32)."""
    assert item(key, number).found(known, None).status == PARTLY


def test_the_measures_of_clinical_validation_are_those_of_section_7_of_n41(known: Known) -> None:
    """Sensitivity, specificity, PPV, NPV, NNT, NNH, LR-, LR+, OR, clinical usability, confidence interval: no AUROC."""
    measures = [each for each in GUIDELINES["imdrf-samd-2017"].items if each.topic.startswith("Clinical validation: ")]
    assert [each.topic.removeprefix("Clinical validation: ") for each in measures] == [
        "sensitivity and specificity",
        "predictive values",
        "numbers needed to treat and to harm",
        "likelihood ratios",
        "odds ratio",
        "usability and user interface",
        "confidence intervals",
    ]
    needed = measures[2].found(known, None)
    assert needed.status == PARTLY
    assert "what treatment does to them is not in a report" in needed.value


def test_no_guideline_says_that_it_was_written_from_memory() -> None:
    for guideline in GUIDELINES.values():
        assert "memory" not in guideline.checked
