"""What the opening says of where a reading fails: only what is beyond chance, and nothing of what was not looked at."""

from __future__ import annotations

import polars as pl

import overread
from overread.analyses.answer import failure_sentences
from overread.analyses.strata import BALANCED
from overread.analyses.subgroups import TABLE


def gap(attribute: str, subgroup: str, metric: str, gap: float, p: float, *, worst: bool = True) -> dict[str, object]:
    finding = "any" if metric == "underdiagnosis" else "mean"
    values = {"value": 0.1 if finding == "any" else 0.8, "gap": gap, "level": 0.95, "p_adjusted": p, "worst": worst}
    names = {"reading": "r", "finding": finding, "attribute": attribute, "subgroup": subgroup, "metric": metric}
    return names | values | {"rest": float(str(values["value"])) - gap}


def tables(*gaps: dict[str, object], slope: tuple[float, float, float] = (0.9, 0.85, 0.95)) -> dict[str, pl.DataFrame]:
    balanced = [
        {"reading": "r", "finding": "mean", "attribute": attribute, "apart": 0.84, "balanced": value}
        | {"difference": 0.84 - value, "difference_low": low}
        for attribute, value, low in (("view", 0.82, 0.01), ("follow_up", 0.8, 0.02), ("gender", 0.79, -0.01))
    ]
    calibration = {"reading": "r", "finding": "mean", "metric": "calibration_slope", "attribute": ""}
    bounds = dict(zip(("value", "low", "high"), slope, strict=True))
    return {
        "subgroups": pl.DataFrame(list(gaps), schema=TABLE),
        "auroc_balanced": pl.DataFrame(balanced, schema=BALANCED),
        "estimates": pl.DataFrame([calibration | bounds]),
    }


def test_the_worst_subgroups_beyond_chance_are_named() -> None:
    said = list(
        failure_sentences(
            tables(
                gap("age", "61-80", "auroc", -0.04, 0.001),
                gap("view", "AP", "auroc", -0.02, 0.001),
                gap("gender", "F", "auroc", -0.3, 0.2),
                gap("view", "PA", "underdiagnosis", 0.05, 0.001),
                gap("view", "AP", "underdiagnosis", -0.05, 0.001, worst=False),
            ),
            "r",
        )
    )
    assert said[0] == (
        "For whom, beyond chance: the mean AUROC falls furthest behind for age 61-80 (0.800, 0.840 in the rest); ill "
        "people on whose image nothing at all is called are most frequent for PA (view) (100 of 1,000, 50 in the rest)."
    )
    assert "two patients the mean AUROC is 0.840, and 0.800 where follow-up number is the same" in said[1]
    assert (
        said[2] == "Its scores are too extreme to be read as probabilities (mean calibration slope 0.90; 1 is right)."
    )


def test_what_may_be_chance_is_not_said() -> None:
    said = list(failure_sentences(tables(gap("gender", "F", "auroc", -0.3, 0.2), slope=(0.98, 0.9, 1.1)), "r"))
    assert len(said) == 1
    assert said[0].startswith("Between images")


def test_what_was_not_looked_at_is_not_spoken_of() -> None:
    assert list(failure_sentences({}, "r")) == []
    empty = {name: table.clear() for name, table in tables().items()}
    assert list(failure_sentences(empty, "r")) == []


def test_scores_that_run_the_wrong_way_are_not_called_too_extreme() -> None:
    (said,) = list(failure_sentences(tables(slope=(-1.11, -1.3, -0.9)), "r"))[1:]
    assert said.startswith("Its scores run the wrong way")
    assert "(mean calibration slope \u22121.11; 1 is right)" in said


def test_images_of_the_training_part_are_named_before_any_number() -> None:
    names = [f"{row:03d}.png" for row in range(40)]
    labels = {"image": names, "patient": names, "split": ["train"] * 10 + ["test"] * 30, "Mass": [0, 1] * 20}
    scores = {"image": names, "Mass": [row / 40 for row in range(40)]}
    cohort, reading = overread.cohort_from_frame(labels), overread.reading_from_frame(scores, name="r")
    said = overread.second_reading(cohort, [reading], overread.Options(split="all", replicates=100)).answer[0].sentences
    assert said[1].startswith("10 of the 40 images reported lie in the training part of the cohort")
    said = overread.second_reading(cohort, [reading], overread.Options(replicates=100)).answer[0].sentences
    assert not any("training part" in sentence for sentence in said)
