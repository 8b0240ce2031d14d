"""A plan: what it holds, what it refuses, and which numbers it marks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from overread.analyses.options import Options
from overread.analyses.plan import LOCKED, Plan, Primary
from overread.analyses.plan_file import plan_file, read_plan, write_plan
from overread.analyses.planning import plan_for, planned_options, primary_of
from overread.analyses.second_reading import SecondReading, second_reading
from overread.records.cohort import Cohort, cohort_from_frame
from overread.records.errors import InputError
from overread.records.reading import Reading, reading_from_frame
from overread.stats.multiplicity import holm

N = 120
QUICK = Options(replicates=100, floor=False, threads=1)
FINDINGS = ("Effusion", "Mass", "Nodule")


def frame() -> dict[str, list[object]]:
    rng = np.random.default_rng(3)
    labels = {name: (rng.random(N) < 0.3).astype(int).tolist() for name in FINDINGS}
    return {
        "image": [f"{row:03d}.png" for row in range(N)],
        "patient": [f"p{row // 2}" for row in range(N)],
        "gender": ["M", "F"] * (N // 2),
        "view": ["PA", "PA", "AP"] * (N // 3),
        **labels,
    }


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return cohort_from_frame(frame(), name="hospital")


@pytest.fixture(scope="module")
def readings(cohort: Cohort) -> list[Reading]:
    rng = np.random.default_rng(4)
    made = []
    for name, skill in (("old", 0.6), ("new", 1.4)):
        scores = 1 / (1 + np.exp(-(skill * cohort.labels + rng.normal(0, 1, cohort.labels.shape))))
        columns = {finding: scores[:, place] for place, finding in enumerate(cohort.findings)}
        made.append(reading_from_frame({"image": cohort.images.to_list()} | columns, name=name))
    return made


def made(cohort: Cohort, options: Options = QUICK, **others: object) -> Plan:
    return plan_for(cohort, options, on=date(2026, 1, 2), **others)  # type: ignore[arg-type]


def read(cohort: Cohort, readings: list[Reading], plan: Plan, **others: object) -> SecondReading:
    return second_reading(cohort, readings, planned_options(plan, floor=False, threads=1, **others))


@pytest.fixture(scope="module")
def second(cohort: Cohort, readings: list[Reading]) -> SecondReading:
    plan = made(
        cohort,
        replace(QUICK, by=("gender",), prevalence={"Mass": 0.1}),
        primary=Primary(findings=("Mass", "Effusion")),
        secondary=("sensitivity", "specificity"),
        findings=("mass", "Effusion"),
        readings=("old", "new"),
    )
    return read(cohort, readings, plan, by=("gender",))


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_plan_is_read_back_as_it_was_written(cohort: Cohort, tmp_path: Path) -> None:
    options = replace(
        QUICK, margins={"auroc": 0.01}, by=("gender x view",), operating_point={"Mass": 0.25, "Nodule": 1e-7}
    )
    plan = made(cohort, replace(options, baseline="old"), primary=primary_of("auroc=Mass", "non-inferiority"))
    write_plan(plan, tmp_path / "plan.toml")
    found = read_plan(tmp_path / "plan.toml")
    assert found == plan
    assert found.source is not None
    assert found.source.path == str(tmp_path / "plan.toml")
    assert planned_options(found).operating_point == {"Mass": 0.25, "Nodule": 1e-7}


def test_every_changed_byte_of_a_plan_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    data, path = plan_file(made(cohort)), tmp_path / "plan.toml"
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(InputError, match=r"checksum|no plan"):
            read_plan(path)
    for other in (data + b"\n", data[:-1], b"\n" + data, b""):
        path.write_bytes(other)
        with pytest.raises(InputError, match=r"checksum|no plan"):
            read_plan(path)


def test_the_file_says_that_it_proves_nothing_about_looking(cohort: Cohort) -> None:
    assert b"cannot show that nobody looked at the scores" in plan_file(made(cohort))


def test_every_locked_option_is_one_and_stands_in_the_plan(cohort: Cohort) -> None:
    assert set(LOCKED) <= {*Options.__dataclass_fields__}
    assert set(made(cohort).options) == set(LOCKED)


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"primary": Primary(findings=("Hernia",))}, "Hernia"),
        ({"findings": ("Mass",), "primary": Primary(findings=("Nodule",))}, "not among the findings"),
        ({"secondary": ("beauty",)}, "beauty"),
        ({"primary": Primary(hypothesis="equivalence")}, "--margin auroc"),
        (
            {"options": replace(QUICK, margins={"auroc": 0.1}), "primary": Primary(hypothesis="non-inferiority")},
            "--baseline",
        ),
        ({"options": replace(QUICK, baseline="x"), "readings": ("a", "b")}, "no reading is named x"),
        ({"readings": ("a",)}, "two readings"),
        ({"options": replace(QUICK, by=("shoe",))}, "shoe"),
        ({"options": replace(QUICK, prevalence={"Rickets": 0.1})}, "Rickets"),
        ({"options": replace(QUICK, split="val")}, "val"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(cohort: Cohort, others: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        plan_for(cohort, **({"options": QUICK} | others))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        ("beauty",),
        ("auroc", "better"),
        ("auroc", "difference", "bonferroni"),
        ("auroc", "above"),
        ("auroc", "above=x"),
        ("brier", "difference"),
        ("dor", "equivalence"),
        ("auroc=Mass,Nodule", "above=0.7"),
    ],
)
def test_a_primary_hypothesis_that_means_nothing_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        primary_of(*(words if len(words) > 1 else (*words, "difference")))


def test_columns_that_may_be_attributes_are_to_be_named() -> None:
    unsure = cohort_from_frame({**frame(), "drain": [0, 1] * (N // 2)}, name="hospital")
    with pytest.raises(InputError, match="drain"):
        made(unsure)
    assert made(unsure, findings=FINDINGS).findings == FINDINGS


# --- held to it ------------------------------------------------------------------------------------------------------


def test_another_option_is_refused_with_both_values(cohort: Cohort, readings: list[Reading]) -> None:
    plan = made(cohort)
    with pytest.raises(InputError, match=r"the operating point planned is youden, and the one given is fixed=0\.5"):
        read(cohort, readings, plan, operating_point="fixed=0.5")
    with pytest.raises(InputError, match="the seed planned is 0, and the one given is 5"):
        read(cohort, readings, plan, seed=5)


def test_another_cohort_is_refused(cohort: Cohort, readings: list[Reading]) -> None:
    changed = frame()
    changed["Mass"] = [1 - changed["Mass"][0], *changed["Mass"][1:]]  # type: ignore[operator]
    with pytest.raises(InputError, match="the cohort planned is hospital with the content"):
        read(cohort_from_frame(changed, name="hospital"), readings, made(cohort))


def test_the_same_cohort_in_another_order_is_the_same(cohort: Cohort, readings: list[Reading]) -> None:
    turned = cohort_from_frame({name: values[::-1] for name, values in frame().items()}, name="copy")
    assert read(turned, readings, made(cohort)).tables["plan_departures"].is_empty()


def test_other_readings_and_findings_that_lack_are_refused(cohort: Cohort, readings: list[Reading]) -> None:
    with pytest.raises(InputError, match="the readings planned is a, b"):
        read(cohort, readings, made(cohort, readings=("a", "b")))
    with pytest.raises(InputError, match="two or more"):
        read(cohort, readings[:1], made(cohort))
    part = reading_from_frame({"image": cohort.images.to_list(), "Mass": [0.5] * N}, name="part")
    with pytest.raises(InputError, match="without Effusion, Nodule"):
        read(cohort, [readings[0], part], made(cohort))


def test_readers_of_calls_are_readings_of_the_plan(cohort: Cohort, readings: list[Reading]) -> None:
    calls = {finding: (cohort.labels[:, place] == 1).astype(int) for place, finding in enumerate(cohort.findings)}
    person = reading_from_frame({"image": cohort.images.to_list()} | calls, name="person")
    plan = made(cohort, readings=("old", "new", "person"))
    assert read(cohort, [*readings, person], plan).tables["plan_departures"].is_empty()
    with pytest.raises(InputError, match="the readings planned is old, new, person, and the one given is old, new"):
        read(cohort, readings, plan)


def test_a_primary_mean_over_other_findings_is_refused(cohort: Cohort, readings: list[Reading]) -> None:
    with pytest.raises(InputError, match=r"Mass, Effusion, whose mean is primary, and the one given is Nodule besides"):
        read(cohort, readings, made(cohort, findings=("Mass", "Effusion")))
    part = [reading_from_frame({"image": cohort.images.to_list(), "Mass": [0.5] * N}, name=name) for name in "ab"]
    assert read(cohort, part, made(cohort, findings=("Mass",))).tables["plan_departures"].is_empty()


def test_a_departure_with_a_reason_is_told_and_marked(cohort: Cohort, readings: list[Reading]) -> None:
    second = read(cohort, readings, made(cohort), seed=5, deviation="a slip")
    assert second.tables["plan_departures"].rows() == [("seed", "0", "5", "a slip")]
    assert set(second.tables["estimates"]["planned"]) == {"deviating", "exploratory"}
    assert set(second.tables["plan"]["planned"]) == {"deviating"}
    narrow = read(cohort, readings, made(cohort), by=("view",), deviation="asked by a reviewer")
    marks = narrow.tables["estimates"].filter(attribute="")
    assert set(marks["planned"]) == {"planned", "exploratory"}, "a subgroup leaves the whole as planned"
    assert set(narrow.tables["subgroups"]["planned"]) == {"exploratory"}


def test_a_reason_without_a_departure_is_refused(cohort: Cohort, readings: list[Reading]) -> None:
    with pytest.raises(InputError, match="nothing departs"):
        read(cohort, readings, made(cohort), deviation="for safety")
    with pytest.raises(InputError, match="no plan"):
        second_reading(cohort, readings, replace(QUICK, deviation="for safety"))


# --- marks -----------------------------------------------------------------------------------------------------------


def test_without_a_plan_nothing_is_marked(cohort: Cohort, readings: list[Reading]) -> None:
    second = second_reading(cohort, readings, QUICK)
    for name in ("estimates", "comparisons", "equivalence", "subgroups", "thresholds", "consequences"):
        assert set(second.tables[name]["planned"]) <= {""}, name
        assert second.tables[name].schema["planned"] == pl.String
    assert second.tables["plan"].is_empty()


def marks(table: pl.DataFrame, **of: str) -> set[str]:
    return set(table.filter(**of)["planned"])


def test_numbers_are_marked_as_the_plan_has_them(second: SecondReading) -> None:
    estimates, comparisons = second.tables["estimates"], second.tables["comparisons"]
    whole = estimates.filter(attribute="")
    assert marks(comparisons, finding="Mass", metric="auroc", method="bootstrap") == {"primary"}
    assert marks(comparisons, finding="Mass", metric="auroc", method="obuchowski") == {"planned"}
    assert marks(comparisons, finding="Mass", metric="auroc", method="delong") == {"exploratory"}
    assert marks(comparisons, finding="Nodule") == {"exploratory"}
    assert marks(whole, finding="Mass", metric="sensitivity", method="bootstrap") == {"planned"}
    assert marks(whole, finding="Mass", metric="f1") == {"exploratory"}
    assert marks(whole, finding="mean") == {"exploratory"}, "the mean is over a finding that was not planned"
    assert marks(second.tables["subgroups"], attribute="gender", finding="Mass", metric="auroc") == {"planned"}
    assert marks(second.tables["thresholds"], finding="Nodule") == {"exploratory"}
    assert marks(second.tables["thresholds"], finding="Mass") == {"planned"}
    people = second.tables["consequences"]
    assert marks(people.filter(pl.col("prevalence_source") != "this cohort"), finding="Mass") == {"planned"}
    assert marks(people, finding="Effusion") == {"exploratory"}


def test_the_mean_is_planned_where_all_findings_are(cohort: Cohort, readings: list[Reading]) -> None:
    tables = read(cohort, readings, made(cohort)).tables
    assert marks(tables["comparisons"], finding="mean", metric="auroc") == {"primary"}
    assert marks(tables["estimates"], finding="mean", metric="auroc") == {"planned"}


def test_the_primary_tests_are_those_of_the_tables_adjusted_among_themselves(second: SecondReading) -> None:
    rows, tests = second.tables["plan"], second.tables["comparisons"].filter(metric="auroc", method="bootstrap")
    assert rows["finding"].to_list() == ["Mass", "Effusion"]
    raw = [tests.filter(finding=name)["p"].item() for name in rows["finding"]]
    assert rows["p"].to_list() == raw
    assert rows["p_adjusted"].to_list() == holm(raw).tolist()
    for row in rows.iter_rows(named=True):
        assert row["result"] == ("shown" if row["p_adjusted"] < 0.05 else "not shown")
        assert row["value"] == tests.filter(finding=row["finding"])["difference"].item()


@pytest.mark.parametrize(
    ("hypothesis", "options", "rule"),
    [
        ("non-inferiority", {"margins": {"auroc": 0.05}, "baseline": "old"}, "p_not_worse"),
        ("equivalence", {"margins": {"auroc": 0.3}}, "p_equivalent"),
    ],
)
def test_a_margin_is_judged_by_its_own_test(
    cohort: Cohort, readings: list[Reading], hypothesis: str, options: dict[str, object], rule: str
) -> None:
    plan = made(cohort, replace(QUICK, **options), primary=Primary(hypothesis=hypothesis))  # type: ignore[arg-type]
    tables = read(cohort, readings, plan).tables
    row, test = tables["plan"].row(0, named=True), tables["equivalence"].filter(finding="mean").row(0, named=True)
    assert row["p"] == test[rule]
    assert row["bound"] == test["margin"]
    assert row["result"] == ("shown" if test[rule] < 0.05 else "not shown")
    assert marks(tables["equivalence"], finding="mean") == {"primary"}


@pytest.mark.parametrize(("above", "result"), [(0.3, "shown"), (0.99, "not shown")])
def test_a_bound_is_judged_by_the_interval(cohort: Cohort, readings: list[Reading], above: float, result: str) -> None:
    plan = made(cohort, primary=Primary(hypothesis="above", above=above))
    tables = read(cohort, readings[1:], plan).tables
    row = tables["plan"].row(0, named=True)
    assert (row["result"], row["p"], row["bound"]) == (result, None, above)
    assert (row["low"] > above) is (result == "shown")
    assert marks(tables["estimates"], finding="mean", metric="auroc") == {"primary"}


def test_an_estimate_tests_nothing(cohort: Cohort, readings: list[Reading]) -> None:
    plan = made(cohort, primary=Primary(metric="sensitivity", hypothesis="estimate"))
    rows = read(cohort, readings, plan).tables["plan"]
    assert rows.select("reading", "result", "p").rows() == [("old", "estimated", None), ("new", "estimated", None)]
