"""Recipes: means over runs, both spreads and the comparisons are the tables'; one run has no spread."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl

from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import recipes


def sheet(section: Section, start: str) -> Sheet:
    return next(block for block in section.blocks if isinstance(block, Sheet) and block.name.startswith(start))


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def cells(section: Section, start: str) -> dict[str, list[str]]:
    return {row[0].text: [cell.text for cell in row[1:]] for row in sheet(section, start).rows}


def test_there_is_no_section_where_no_recipe_was_named(second: SimpleNamespace) -> None:
    for name in ("recipes", "recipe_comparisons"):
        second.tables[name] = second.tables[name].clear()
    assert recipes.section(second) is None


def test_cells_are_the_table_s_numbers(second: SimpleNamespace) -> None:
    written = cells(recipes.section(second), "recipes-auroc")
    of_mass = ["0.800 (0.770 to 0.830)", "0.0040", "0.0061", "0.0200"]
    assert written["Mass"] == [*of_mass, "0.790 (0.760 to 0.820)", numbers.DASH, "0.0152", numbers.DASH]
    assert set(written) >= {"Mean of 14 findings", "Pleural Thickening"}


def test_every_metric_has_a_table_and_the_first_is_open(second: SimpleNamespace) -> None:
    section = recipes.section(second)
    names = [block.name for block in section.blocks]
    assert names[1:5] == ["recipes-auroc", "recipes-average-precision", "recipes-sensitivity", "recipes-specificity"]
    assert len(set(names)) == len(names)
    shown = [block.name for block in section.blocks if isinstance(block, Sheet) and block.shown]
    assert shown[0] == "recipes-auroc"
    assert len(shown) == 2


def test_comparisons_are_of_recipes(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    section = recipes.section(second)
    compared = sheet(section, "recipe-auroc")
    assert compared.title == f"standard and {evil.reading}: AUROC of the recipes compared"
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in compared.rows}
    end = ["0.0040", numbers.DASH, "0.0051"]
    assert rows["Mass"] == ["0.800", "0.790", "+0.010 (−0.020 to +0.040)", "0.200", "0.900", *end]
    assert rows["Mean of 14 findings"][4] == "0.200"
    empty = next(row for row in compared.rows if row[3].note)
    assert empty[3].note == "not defined in every run"


def test_the_lead_names_runs_and_both_spreads(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    said = text(recipes.section(second))
    assert "standard (2 runs: zech, other): the mean AUROC is 0.800 (95 % interval 0.770 to 0.830) over runs." in said
    assert "Single runs spread by 0.014 (standard deviation)" in said
    assert "of these runs by 0.006 (standard error). By finding, runs spread by more than that for 6 of 13." in said
    assert f"{evil.reading} (one run: {evil.reading}): mean AUROC 0.790" in said
    assert "How far another run would lie from it is not known." in said
    assert "not shown to be beyond the chance of runs and patients (p = 0.200)" in said
    assert "Adjusted for 13 tests, one for each finding that could be tested, no difference in AUROC is shown" in said


def test_one_recipe_is_compared_with_none(second: SimpleNamespace) -> None:
    second.tables["recipes"] = second.tables["recipes"].filter(pl.col("recipe") == "standard")
    second.tables["recipe_comparisons"] = second.tables["recipe_comparisons"].clear()
    section = recipes.section(second)
    assert "With one recipe there is none to compare it with." in text(section)
    assert not [block for block in section.blocks if block.name.startswith("recipe-")]


def test_differences_beyond_chance_are_named(second: SimpleNamespace) -> None:
    table = second.tables["recipe_comparisons"]
    second.tables["recipe_comparisons"] = table.with_columns(
        p=pl.lit(0.001),
        p_adjusted=pl.when(pl.col("finding") == "Mass")
        .then(0.01)
        .when(pl.col("finding") == "mean")
        .then(0.001)
        .otherwise("p_adjusted"),
    )
    said = text(recipes.section(second))
    assert "+0.040), beyond the chance of runs and patients (p = 0.001)" in said
    assert "standard has the higher AUROC beyond chance for Mass (+0.010)." in said


def test_a_comparison_without_interval_says_why(second: SimpleNamespace) -> None:
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("low", "high", "p", "p_adjusted")]
    table = second.tables["recipe_comparisons"]
    second.tables["recipe_comparisons"] = table.with_columns(*nothing, note=pl.lit("one run of each"))
    assert "whether that is more than chance cannot be said (one run of each)." in text(recipes.section(second))


def test_one_run_has_words_in_the_place_of_its_bar(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    rows = recipes.drawn_rows(second).filter(pl.col("recipe") == evil.reading, pl.col("row") == "Mass")
    assert rows["runs"].to_list() == [None]
    assert rows["note"].to_list() == [recipes.ONE_RUN]
    drawing = recipes.figure(second).drawing
    assert drawing.body.count(f">{recipes.ONE_RUN}<") == 1
    assert "Mass, standard: single runs spread by 0.0040 in AUROC (standard deviation)" in drawing.body
