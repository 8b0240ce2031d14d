"""Runs of one recipe: the tables against NumPy and the tests they rest on, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.analyses.recipes import COMPARISONS, METRICS, TABLE, Recipes, check_groups, parse_groups, recipes
from overread.records.errors import InputError
from overread.records.study import Study
from overread.stats.multiplicity import holm
from overread.stats.resampling import PatientBootstrap
from overread.stats.runs import ONE_RUN, recipe_difference, recipe_mean

GROUPS = {"sharp": ("sharp1", "sharp2", "sharp3"), "dull": ("dull1", "dull2")}


def runs_of(matched: Study, **names: float) -> list[Evaluation]:
    """Runs that see the label through noise of their own, more clearly the larger the number."""
    rng = np.random.default_rng(5)
    shape = matched.labels.shape
    shared = rng.normal(size=shape)
    scores = {
        name: 1 / (1 + np.exp(2 - signal * matched.labels - shared - 0.5 * rng.normal(size=shape)))
        for name, signal in names.items()
    }
    study = replace(matched, scores=scores)
    bootstrap = PatientBootstrap(study.patients, replicates=400)
    return [evaluate(study, name, Options(replicates=400), bootstrap) for name in names]


@pytest.fixture(scope="module")
def runs(matched: Study) -> list[Evaluation]:
    return runs_of(matched, sharp1=2.0, sharp2=2.1, dull1=1.0, dull2=1.3, sharp3=1.8, apart=0.5)


@pytest.fixture(scope="module")
def found(runs: list[Evaluation]) -> Recipes:
    return recipes(runs, GROUPS)


def of(runs: list[Evaluation], names: tuple[str, ...]) -> list[Evaluation]:
    return [next(run for run in runs if run.reading == name) for name in names]


@pytest.mark.parametrize("recipe", GROUPS)
def test_a_recipe_is_the_mean_of_its_runs_with_both_kinds_of_spread(
    runs: list[Evaluation], found: Recipes, recipe: str
) -> None:
    members = of(runs, GROUPS[recipe])
    table = found.table.filter(recipe=recipe, metric="auroc")
    assert table["finding"].to_list() == [*members[0].findings, "mean"]
    for column, row in enumerate(table.head(3).iter_rows(named=True)):
        values = [float(run.observed.auroc[0, column]) for run in members]
        drawn = np.stack([run.replicates.auroc[:, column] for run in members])
        assert row["value"] == pytest.approx(np.mean(values))
        assert row["sd_runs"] == pytest.approx(np.std(values, ddof=1))
        # The standard error of the mean of these runs is the spread of the mean's own replicates.
        assert row["se_patients"] == pytest.approx(drawn.mean(axis=0).std(ddof=1))
        expected = recipe_mean(values, np.cov(drawn))
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
        assert row["standard_error"] == pytest.approx(expected.standard_error)
        assert row["sd_new_run"] >= row["sd_runs"]
        assert row["n_positive"] == members[0].n_positive[column]
    assert table["runs"][0] == ", ".join(GROUPS[recipe])
    assert table["n_runs"].unique().to_list() == [len(members)]


def test_the_mean_over_findings_is_averaged_in_every_run_and_replicate(runs: list[Evaluation], found: Recipes) -> None:
    members = of(runs, GROUPS["sharp"])
    row = found.table.filter(recipe="sharp", finding="mean", metric="auroc").row(0, named=True)
    values = [float(run.observed.auroc[0].mean()) for run in members]
    drawn = np.stack([run.replicates.auroc.mean(axis=1) for run in members])
    expected = recipe_mean(values, np.cov(drawn))
    assert (row["value"], row["low"], row["high"]) == pytest.approx((expected.value, expected.low, expected.high))


def test_recipes_are_compared_by_their_runs(runs: list[Evaluation], found: Recipes) -> None:
    a, b = of(runs, GROUPS["sharp"]), of(runs, GROUPS["dull"])
    table = found.comparisons.filter(metric="sensitivity")
    raw = []
    for column, row in enumerate(table.head(3).iter_rows(named=True)):
        counts = [run.counts.tp[column] / (run.counts.tp[column] + run.counts.fn[column]) for run in (*a, *b)]
        drawn = np.stack(
            [
                run.replicate_counts.tp[:, column]
                / (run.replicate_counts.tp[:, column] + run.replicate_counts.fn[:, column])
                for run in (*a, *b)
            ]
        )
        expected = recipe_difference(counts[:3], counts[3:], np.cov(drawn))
        for cell in ("a", "b", "difference", "low", "high", "p", "sd_runs_a", "sd_runs_b", "se_patients"):
            assert row[cell] == pytest.approx(getattr(expected, cell)), cell
        raw.append(expected.p)
    np.testing.assert_allclose(table["p_adjusted"].head(3), holm(raw))
    assert table["p_adjusted"][3] == table["p"][3]  # of the mean, there is one pair
    assert (table["recipe_a"][0], table["recipe_b"][0]) == ("sharp", "dull")


def test_every_metric_and_every_pair_has_its_rows(runs: list[Evaluation]) -> None:
    three = recipes(runs, GROUPS | {"other": ("apart",)})
    assert three.table.height == 3 * len(METRICS) * 4
    pairs = three.comparisons.select("recipe_a", "recipe_b").unique(maintain_order=True).rows()
    assert pairs == [("sharp", "dull"), ("sharp", "other"), ("dull", "other")]
    assert three.comparisons.height == 3 * len(METRICS) * 4
    means = three.comparisons.filter(finding="mean", metric="auroc")
    np.testing.assert_allclose(
        means["p_adjusted"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        holm(means["p"].cast(pl.Float64).fill_null(np.nan).to_numpy()),
    )


def test_one_run_has_no_spread_and_says_so(runs: list[Evaluation]) -> None:
    alone = recipes(runs, {"sharp": GROUPS["sharp"], "other": ("apart",)})
    table = alone.table.filter(recipe="other")
    for cell in ("sd_runs", "low", "high", "standard_error", "degrees_of_freedom", "sd_new_run"):
        assert table[cell].null_count() == len(table), cell
    assert table["se_patients"].null_count() == table["value"].null_count() == 0
    assert set(table["note"]) == {ONE_RUN}
    assert set(alone.comparisons["note"]) == {ONE_RUN}
    assert alone.comparisons["difference"].null_count() == 0
    assert alone.comparisons["p"].null_count() == alone.comparisons["p_adjusted"].null_count() == 16


def test_the_order_of_runs_does_not_matter(runs: list[Evaluation], found: Recipes) -> None:
    turned = recipes(runs[::-1], {name: members[::-1] for name, members in GROUPS.items()})
    numbers = [name for name, kind in COMPARISONS.items() if kind == pl.Float64]
    np.testing.assert_allclose(
        turned.comparisons.select(numbers).to_numpy(), found.comparisons.select(numbers).to_numpy(), rtol=1e-8
    )


def test_a_finding_that_no_run_can_be_judged_by_is_named(matched: Study) -> None:
    labels = matched.labels.copy()
    labels[:, 1] = 0
    table = recipes(runs_of(replace(matched, labels=labels), x=1.0, y=1.2), {"both": ("x", "y")}).table
    row = table.filter(finding="Mass", metric="auroc").row(0, named=True)
    assert row["value"] is row["low"] is None
    assert row["note"] == "not defined in every run"
    mean = table.filter(finding="mean", metric="auroc").row(0, named=True)
    assert mean["note"].startswith("over 2 of 3 findings; not defined for Mass")


def test_a_finding_of_one_patient_is_undefined_in_many_replicates(matched: Study) -> None:
    labels = np.zeros_like(matched.labels)
    labels[np.flatnonzero(matched.patients == 0)[0]] = 1
    table = recipes(runs_of(replace(matched, labels=labels), x=1.0, y=1.2), {"both": ("x", "y")}).table
    auroc = table.filter(metric="auroc")
    assert all("of 400 replicates" in note for note in auroc["note"])


def test_no_group_gives_tables_with_the_same_columns(runs: list[Evaluation]) -> None:
    nothing = recipes(runs, {})
    assert nothing.table.schema == pl.Schema(TABLE)
    assert nothing.comparisons.schema == pl.Schema(COMPARISONS)
    assert nothing.table.is_empty()
    assert nothing.comparisons.is_empty()


def test_runs_of_other_draws_of_patients_are_refused(runs: list[Evaluation], matched: Study) -> None:
    other = runs_of(matched, strange=1.0)
    with pytest.raises(ValueError, match="the same images, findings and bootstrap replicates"):
        recipes([*runs, *other], {"mixed": ("sharp1", "strange")})


def test_names_may_hold_spaces() -> None:
    assert parse_groups(["my recipe = run 1, run 2"]) == {"my recipe": ("run 1", "run 2")}
    assert parse_groups([]) == {}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["a,b"], "'a,b' lacks the sign ="),
        (["=a,b"], "lacks the name of the recipe"),
        (["x="], "lacks the name of a reading"),
        (["x=a,,b"], "lacks the name of a reading"),
        (["x=a", "x=b"], "the recipe x is named twice"),
    ],
)
def test_what_cannot_be_read_is_refused(texts: list[str], says: str) -> None:
    with pytest.raises(InputError, match="--group") as refusal:
        parse_groups(texts)
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ({"x": ("a", "c")}, "no reading is named c. Expected some of a, b."),
        ({"x": ("a",), "y": ("a", "b")}, "the reading a is named twice"),
        ({"x": ("a", "a")}, "the reading a is named twice"),
        ({"x": ()}, "the recipe x has no reading"),
    ],
)
def test_groups_that_do_not_fit_the_readings_are_refused(groups: dict[str, tuple[str, ...]], says: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_groups(groups, ["a", "b"])
    assert says in str(refusal.value)
