"""Recipes judged by their runs: how far runs lie apart, beside what the choice of patients leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.quantities import MEAN
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.recipes import draw_spreads
from overread.report.glossary import METRICS
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.comparison import Pair, adjusted_beyond, file_names, named, p_said
from overread.report.sections.discrimination import falling_order

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

IN_FULL = 4
"""So many recipes, and pairs of them, have sentences; the figure and the tables hold all."""

ONE_RUN = "one run: no spread between runs"


def section(second: SecondReading) -> Section | None:
    """Return recipes by their runs and against one another; nothing where none was named."""
    if second.tables["recipes"].is_empty():
        return None
    blocks: list[Figure | Sheet] = [figure(second)]
    of_metrics = second.tables["recipes"]["metric"].unique(maintain_order=True)
    blocks += [metric_sheet(second, metric, shown=metric == "auroc") for metric in of_metrics]
    for place, (pair, name) in enumerate(file_names("recipes", pairs(second)).items()):
        blocks += [
            pair_sheet(second, pair, metric, name, shown=place < IN_FULL and metric == "auroc") for metric in of_metrics
        ]
    return Section("recipes", "Recipes and their runs", tuple(lead(second)), tuple(blocks), GUIDE)


def recipes(second: SecondReading) -> list[str]:
    """Return the names of the recipes in their order."""
    return second.tables["recipes"]["recipe"].unique(maintain_order=True).to_list()


def pairs(second: SecondReading) -> list[Pair]:
    """Return the recipes that were compared."""
    return second.tables["recipe_comparisons"].select("recipe_a", "recipe_b").unique(maintain_order=True).rows()


def rows_of(second: SecondReading, recipe: str, metric: str = "auroc") -> dict[str, lookup.Row]:
    """Return the rows of one recipe and metric by finding."""
    rows = second.tables["recipes"].filter(pl.col("recipe") == recipe, pl.col("metric") == metric)
    return {row["finding"]: row for row in rows.iter_rows(named=True)}


def compared_of(second: SecondReading, pair: Pair, metric: str = "auroc") -> dict[str, lookup.Row]:
    """Return the comparisons of two recipes in one metric by finding."""
    table = second.tables["recipe_comparisons"]
    of_pair = (pl.col("recipe_a") == pair[0], pl.col("recipe_b") == pair[1], pl.col("metric") == metric)
    return {row["finding"]: row for row in table.filter(*of_pair).iter_rows(named=True)}


def titled(second: SecondReading) -> list[tuple[str, str]]:
    """Return the findings and their mean with their names."""
    return [*((finding, display(finding)) for finding in second.study.findings), (MEAN, lookup.mean_name(second))]


# ---- sentences ----


def lead(second: SecondReading) -> Iterator[str]:
    """Say what a recipe is, how each does and how far its runs lie apart, and what two of them differ in."""
    yield (
        "A recipe is a way to make a model; its runs differ by chance alone, such as the seed and the order of the "
        "images. One file may be a lucky run. Here recipes are judged and not files: the intervals allow for other "
        "runs and for other patients."
    )
    of = recipes(second)
    for recipe in of[:IN_FULL]:
        yield from recipe_sentences(second, recipe)
    for pair in pairs(second)[:IN_FULL]:
        yield from pair_sentences(second, pair)
    if max(len(of), len(pairs(second))) > IN_FULL:
        yield "The other recipes and comparisons stand in the figure and the tables."
    if len(of) == 1:
        yield "With one recipe there is none to compare it with."


def recipe_sentences(second: SecondReading, recipe: str) -> Iterator[str]:
    """Say the mean AUROC of a recipe, the spread between its runs and that between patients."""
    rows = rows_of(second, recipe)
    mean = rows.get(MEAN)
    if mean is None or not numbers.defined(mean["value"]):
        yield f"{recipe}: no finding has an AUROC in every run."
        return
    runs = numbers.plural(mean["n_runs"], "run")
    said = lookup.said(mean, mean["level"], "auroc")
    if mean["n_runs"] == 1:
        by_patient = numbers.decimal(mean["se_patients"])
        yield (
            f"{recipe} (one run: {mean['runs']}): mean AUROC {said}; other patients would move it by {by_patient} "
            "(standard error). How far another run would lie from it is not known."
        )
        return
    between, by_patient = (numbers.decimal(mean[column]) for column in ("sd_runs", "se_patients"))
    yield (
        f"{recipe} ({runs}: {mean['runs']}): the mean AUROC is {said} over runs. Single runs spread by {between} "
        f"(standard deviation); other patients would move the mean of these runs by {by_patient} (standard error)."
        f"{wider(second, rows)}"
    )


def wider(second: SecondReading, rows: dict[str, lookup.Row]) -> str:
    """Say for how many findings runs spread by more than patients move their mean."""
    known = [
        row
        for finding, row in rows.items()
        if finding in second.study.findings and all(numbers.defined(row[end]) for end in ("sd_runs", "se_patients"))
    ]
    n = sum(row["sd_runs"] > row["se_patients"] for row in known)
    return f" By finding, runs spread by more than that for {n} of {len(known)}." if known else ""


def pair_sentences(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say what two recipes differ in, for other runs and other patients."""
    a, b = pair
    rows = compared_of(second, pair)
    mean = rows.get(MEAN)
    if mean is None or not numbers.defined(mean["difference"]):
        yield f"{a} against {b}: the recipes could not be compared."
        return
    values = f"{numbers.decimal(mean['a'])} against {numbers.decimal(mean['b'])}"
    if not numbers.defined(mean["low"]) or not numbers.defined(mean["p"]):
        why = f" ({mean['note']})" if mean["note"] else ""
        yield f"{a} against {b}: the mean AUROC is {values}; whether that is more than chance cannot be said{why}."
        return
    level, shown = numbers.level(mean["level"]), adjusted_beyond(mean)
    bounds = f"{level} interval {numbers.signed(mean['low'])} to {numbers.signed(mean['high'])}"
    chance = f"{'' if shown else 'not shown to be '}beyond the chance of runs and patients"
    apart = f"a difference of {numbers.signed(mean['difference'])} ({bounds})"
    yield (
        f"{a} against {b}: the mean AUROC is {values}, {apart}, {chance} ({p_said(mean)}). "
        f"{adjusted_sentence(list(rows.values()), pair)}"
    )


def adjusted_sentence(rows: list[lookup.Row], pair: Pair) -> str:
    """Say for which findings one recipe has the higher AUROC after adjustment."""
    tested = [row for row in rows if row["finding"] != MEAN and numbers.defined(row["p_adjusted"])]
    parts = []
    for name, way in zip(pair, (1, -1), strict=True):
        own = [row for row in tested if adjusted_beyond(row) and way * row["difference"] > 0]
        parts += [f"{name} has the higher AUROC beyond chance for {named(own)}"] if own else []
    said = numbers.listing(parts) if parts else "no difference in AUROC is shown to be beyond chance"
    each = "one for each finding" + (" that could be tested" if len(tested) < len(rows) - 1 else "")
    return f"Adjusted for {numbers.plural(len(tested), 'test')}, {each}, {said}."


# ---- the figure ----


def figure(second: SecondReading) -> Figure:
    """Return the two spreads of the AUROC, by finding and for the mean, a plot for each recipe."""
    drawing = draw_spreads(
        drawn_rows(second), order=falling_order(second), apart=[lookup.mean_name(second)], title="spread of the AUROC"
    )
    caption = (
        "Full bars: how far single runs of the recipe lie apart on these patients (standard deviation). Hollow bars: "
        "how far the mean of these runs may be off for other patients (standard error). Where the full bar is the "
        "longer, a single run says little about its recipe however many patients it is tested on."
    )
    return Figure("recipes", "Spread between runs and between patients", drawing, caption)


def drawn_rows(second: SecondReading) -> pl.DataFrame:
    """Return both spreads of every recipe by finding, each with its sentence."""
    rows = []
    for recipe in recipes(second):
        of = rows_of(second, recipe)
        for finding, title in titled(second):
            row = of.get(finding)
            if row is None:
                continue
            start = f"{title}, {recipe}"
            runs = f"{start}: single runs spread by {numbers.decimal(row['sd_runs'], 4)} in AUROC (standard deviation)"
            error = numbers.decimal(row["se_patients"], 4)
            patients = f"{start}: other patients would move the mean of these runs by {error} (standard error)"
            note = ONE_RUN if row["n_runs"] == 1 else row["note"] or "not computed"
            rows.append((recipe, title, row["sd_runs"], row["se_patients"], runs, patients, note))
    floats = dict.fromkeys(("runs", "patients"), pl.Float64)
    text = dict.fromkeys(("said_runs", "said_patients", "note"), pl.String)
    names = dict.fromkeys(("recipe", "row"), pl.String)
    return pl.DataFrame(rows, schema={**names, **floats, **text}, orient="row")


# ---- the tables ----


def metric_sheet(second: SecondReading, metric: str, *, shown: bool) -> Sheet:
    """Return one metric of every recipe: the mean over runs, both spreads, and what one more run may differ by."""
    level, of = numbers.level(second.options.level), recipes(second)
    columns = [Column("Finding", numeric=False)]
    for recipe in of:
        titles = (f"Mean of runs ({level} interval)", "Between runs", "Between patients", "A new run")
        columns += [Column(title, recipe) for title in titles]
    by_recipe = {recipe: rows_of(second, recipe, metric) for recipe in of}
    rows = [
        (Cell(title), *(cell for recipe in of for cell in recipe_cells(by_recipe[recipe].get(finding))))
        for finding, title in titled(second)
    ]
    foot = (
        "Interval: for other runs and other patients (Obuchowski and Rockette 1995, runs in the place of readers). "
        "Between runs: standard deviation of single runs on these patients. Between patients: standard error of the "
        "mean of these runs. A new run: standard deviation of one more run on as many new patients.",
    )
    title = f"{METRICS.get(metric, metric)} of recipes, mean over runs"
    return Sheet(f"recipes-{metric.replace('_', '-')}", title, tuple(columns), tuple(rows), shown=shown, foot=foot)


def recipe_cells(row: lookup.Row | None) -> tuple[Cell, ...]:
    """Return the cells of one recipe in a row."""
    if row is None:
        return tuple(Cell(numbers.DASH) for _ in range(4))
    spreads = (Cell(numbers.decimal(row[column], 4)) for column in ("sd_runs", "se_patients", "sd_new_run"))
    return (lookup.cell(row), *spreads)


def pair_sheet(second: SecondReading, pair: Pair, metric: str, name: str, *, shown: bool) -> Sheet:
    """Return the comparison of two recipes in one metric."""
    level = numbers.level(second.options.level)
    titles = (*pair, f"Difference ({level} interval)", "p", "p, Holm", *(f"Between runs, {each}" for each in pair))
    columns = (Column("Finding", numeric=False), *(Column(title) for title in (*titles, "Between patients")))
    of = compared_of(second, pair, metric)
    rows = tuple((Cell(title), *comparison_cells(of.get(finding))) for finding, title in titled(second))
    foot = (
        f"Difference: {pair[0]} minus {pair[1]}, means over runs; its interval and p allow for other runs and other "
        "patients. p, Holm: adjusted over findings, for the mean over pairs of recipes.",
    )
    title = f"{pair[0]} and {pair[1]}: {METRICS.get(metric, metric)} of the recipes compared"
    stem = name.removeprefix("recipes-")
    return Sheet(f"recipe-{metric.replace('_', '-')}-{stem}", title, columns, rows, shown=shown, foot=foot)


def comparison_cells(row: lookup.Row | None) -> tuple[Cell, ...]:
    """Return the cells of one comparison."""
    if row is None:
        return tuple(Cell(numbers.DASH) for _ in range(8))
    apart = numbers.interval(row["difference"], row["low"], row["high"], numbers.signed)
    spreads = (Cell(numbers.decimal(row[column], 4)) for column in ("sd_runs_a", "sd_runs_b", "se_patients"))
    return (
        Cell(numbers.decimal(row["a"])),
        Cell(numbers.decimal(row["b"])),
        Cell(apart, row["note"] or ""),
        Cell(numbers.p_value(row["p"])),
        Cell(numbers.p_value(row["p_adjusted"])),
        *spreads,
    )


GUIDE = (
    (
        "Testing two files says which file orders these images better. Testing two recipes asks which way of making a "
        "model would do so again: then the luck of the run is part of the uncertainty, and a single run of each says "
        "nothing about it."
    ),
    (
        "More patients make the spread between patients small and leave the spread between runs as it is; more runs "
        "make the mean of the runs sure and leave single runs as far apart as before."
    ),
    (
        "A spread estimated from two or three runs is itself unsure, so the intervals are wide. Where a note says "
        "that runs hardly differ, the interval is the one by patient, which is then the wider."
    ),
)
