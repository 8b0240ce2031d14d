"""For whom does it fail? Every subgroup against the rest: in plain sentences, as a plot, and by finding on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.attributes import attribute_name, subgroup_name
from overread.analyses.quantities import MEAN
from overread.analyses.subgroups import FEWEST_FOR_TEST, UNDERDIAGNOSIS
from overread.analyses.verdict import beyond_chance
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import lower_end
from overread.report.figures.scales import round_up
from overread.report.figures.subgroups import Panel, draw_subgroups
from overread.report.glossary import METRICS
from overread.report.section import MOST_OPEN, Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

ANY = "any"
AUROC, MISSED = "AUROC", "Ill, nothing called"
GAPS = ("auroc", "sensitivity", "specificity")
AT_THE_POINT = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV"}
CALIBRATED = {"calibration_intercept": "Intercept", "calibration_slope": "Slope"}
IN_FULL = 4
"""So many readers have sentences; the figure and the tables hold all."""

Keyed = Mapping[tuple[str, ...], lookup.Row]


def section(second: SecondReading) -> Section | None:
    """Return how subgroups fare; nothing where no attribute was looked at."""
    if lookup.table(second, "subgroups") is None:
        return None
    blocks: list[Figure | Sheet] = [figure(second), gap_sheet(second), missed_sheet(second)]
    for k, attribute in enumerate(groups(second), 1):
        blocks.append(finding_sheet(second, attribute, f"subgroups-{k}"))
        blocks.append(point_sheet(second, attribute, f"subgroups-point-{k}"))
    return Section("subgroups", "For whom: subgroups", tuple(lead(second)), tuple(blocks), GUIDE)


def groups(second: SecondReading) -> dict[str, list[str]]:
    """Return the subgroups of each attribute in their order."""
    pairs = second.tables["subgroups"].select("attribute", "subgroup").unique(maintain_order=True)
    found: dict[str, list[str]] = {}
    for attribute, subgroup in pairs.rows():
        found.setdefault(attribute, []).append(subgroup)
    return found


def rows_of(second: SecondReading, reading: str, metric: str) -> pl.DataFrame:
    """Return the gaps of one reader in a metric: of the mean over findings, or of the share without a call."""
    finding = ANY if metric == UNDERDIAGNOSIS else MEAN
    of = (pl.col("reading") == reading, pl.col("metric") == metric, pl.col("finding") == finding)
    return second.tables["subgroups"].filter(*of)


def beyond(row: lookup.Row) -> bool:
    """Return whether a gap is beyond chance after adjustment."""
    return numbers.defined(row["p_adjusted"]) and beyond_chance(row["p_adjusted"], row["level"])


# --- sentences -------------------------------------------------------------------------------------------------------


def lead(second: SecondReading) -> Iterator[str]:
    """Say for each reader which subgroup fares worst, which other gaps are beyond chance, and who is not judged."""
    yield (
        "Each subgroup is set against the rest: all other images whose attribute is known. A gap says where a reader "
        "fares worse, not why; the images of a subgroup may be harder, or its labels less sure."
    )
    for name in second.readings[:IN_FULL]:
        yield from area_sentence(second, name)
        yield from rate_sentence(second, name)
        yield from missed_sentence(second, name)
    if len(second.readings) > IN_FULL:
        yield "The other readers stand in the figure and the tables."
    yield from small_sentence(second)


def worst(rows: pl.DataFrame) -> lookup.Row | None:
    """Return the worst subgroup of each attribute with the largest gap among attributes; None where none is judged."""
    judged = rows.filter(pl.col("worst"), pl.col("gap").is_not_null())
    if judged.is_empty():
        return None
    return judged.sort(pl.col("gap").abs(), descending=True, maintain_order=True).row(0, named=True)


def named(row: lookup.Row) -> str:
    """Name a subgroup within a sentence."""
    return subgroup_name(row["attribute"], row["subgroup"])


def against(row: lookup.Row) -> str:
    """Say a value against that of the rest, the gap with its interval, and whether it is beyond chance."""
    values = f"{numbers.decimal(row['value'])} against {numbers.decimal(row['rest'])} in the rest"
    if not numbers.defined(row["low"]):
        return f"{values} (no interval: {row['note']})"
    bounds = f"{numbers.level(row['level'])} interval {numbers.signed(row['low'])} to {numbers.signed(row['high'])}"
    chance = "beyond chance" if beyond(row) else "not shown to be beyond chance"
    p = f", adjusted p{numbers.SPACE}{lookup.equal(row['p_adjusted'])}" if numbers.defined(row["p_adjusted"]) else ""
    return f"{values}, a gap of {numbers.signed(row['gap'])} ({bounds}), {chance}{p}"


def area_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say which subgroup is furthest below the rest in the mean AUROC, and which others are below it beyond chance."""
    rows = rows_of(second, name, "auroc")
    row = worst(rows)
    if row is None:
        yield f"{name}: no attribute has two subgroups large enough to be judged by the mean AUROC."
        return
    yield f"{name}: the mean AUROC falls furthest behind for {named(row)}: {against(row)}."
    below = [
        f"{named(each)}, {numbers.signed(each['gap'])}"
        for each in rows.iter_rows(named=True)
        if beyond(each) and each["gap"] < 0 and named(each) != named(row)
    ]
    if below:
        yield f"Also behind the rest beyond chance: {'; '.join(below)}."


def rate_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say where sensitivity and specificity fall furthest behind at the operating points."""
    parts = [
        f"{metric} for {named(row)}: {against(row)}"
        for metric in ("sensitivity", "specificity")
        if (row := worst(rows_of(second, name, metric)))
    ]
    if parts:
        yield f"At its operating points {name} falls furthest behind in {'; in '.join(parts)}."


def missed_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say in which subgroup the largest share of ill images has no call at all."""
    row = worst(rows_of(second, name, UNDERDIAGNOSIS))
    if row is None:
        return
    if row["value"] == row["rest"] == 0:
        yield f"{name} calls something on every ill image (underdiagnosis: none)."
        return
    ill = numbers.plural(row["n_positive"], "ill image")
    chance = "beyond chance" if beyond(row) else "not shown to be beyond chance"
    yield (
        f"Ill people on whose image {name} calls nothing at all (underdiagnosis): most among {named(row)}, "
        f"{lookup.share(own(row), numbers.level(row['level']))} of {ill} against {numbers.percent(row['rest'])} in the "
        f"rest, {chance}."
    )


def own(row: lookup.Row) -> lookup.Row:
    """Return the value of a gap as an estimate of its own."""
    return {"value": row["value"], "low": row["value_low"], "high": row["value_high"]}


def counted(second: SecondReading) -> dict[tuple[str, str], int]:
    """Return over how many findings the mean AUROC of each subgroup goes: those with enough patients for a test."""
    of = (pl.col("reading") == second.readings[0], pl.col("metric") == "auroc", pl.col("finding") != MEAN)
    by = second.tables["subgroups"].filter(*of).group_by("attribute", "subgroup")
    return {(a, s): n for a, s, n in by.agg(pl.col("p").is_not_null().sum()).rows()}


def small_sentence(second: SecondReading) -> Iterator[str]:
    """Name the subgroups that are small, and say that they are not judged."""
    n_findings, counts = len(second.study.findings), counted(second)
    rows = rows_of(second, second.readings[0], "auroc")
    small = [
        f"{named(row)}, {numbers.plural(row['n_images'], 'image')}"
        for row in rows.iter_rows(named=True)
        if 2 * counts.get((row["attribute"], row["subgroup"]), 0) < n_findings
    ]
    if small:
        yield (
            f"Small, shown but not judged by the mean AUROC: {'; '.join(small)}. There are fewer than "
            f"{FEWEST_FOR_TEST} ill or healthy patients for most findings."
        )


# --- the figure ------------------------------------------------------------------------------------------------------


def figure(second: SecondReading) -> Figure:
    """Return the mean AUROC of every subgroup, its gap to the rest, and the share of ill images without a call."""
    rows = drawn_rows(second)
    areas, shares = (rows.filter(pl.col("panel") == panel) for panel in (AUROC, MISSED))
    lowest = lower_end(areas.select(pl.min_horizontal("value", "low")).to_series(), step=0.05, most=0.7)
    ends = shares.select(pl.max_horizontal("value", "high")).to_series()
    panels = (
        Panel(AUROC, (lowest, 1.0), "mean over findings", 280),
        Panel(MISSED, (0.0, round_up(max(ends.drop_nulls(), default=0.1), 4)), "share of ill images", 190),
    )
    drawing = draw_subgroups(rows, lookup.readers(second).without_floor(), groups=remarks(second), panels=panels)
    caption = (
        "Left: mean AUROC over findings. Right: of the ill images, the share on which no finding is called. With "
        f"{numbers.level(second.options.level)} intervals (patients resampled). "
        "Where a subgroup has too few patients for some findings, its mean leaves them out, and the row says how many "
        "are left: compare such a row with its rest in the table, not with its neighbours."
    )
    return Figure("subgroups", "AUROC and underdiagnosis by subgroup", drawing, caption)


def remarks(second: SecondReading) -> dict[str, dict[str, str]]:
    """Return for each subgroup how large it is, and over how many findings its mean goes where not over all."""
    n_findings, counts = len(second.study.findings), counted(second)
    of = lookup.by_key(rows_of(second, second.readings[0], "auroc"), "attribute", "subgroup")
    found: dict[str, dict[str, str]] = {}
    for attribute, subgroups in groups(second).items():
        for subgroup in subgroups:
            row, n = of.get((attribute, subgroup)), counts.get((attribute, subgroup), 0)
            size = numbers.plural(row["n_images"], "image") if row else ""
            less = f", {n} of {n_findings} findings" if n < n_findings else ""
            found.setdefault(attribute_name(attribute), {})[subgroup] = f"{size}{less}"
    return found


def drawn_rows(second: SecondReading) -> pl.DataFrame:
    """Return what the figure shows, each value with its sentence."""
    level, mean = second.options.level, lookup.mean_name(second)
    rows = []
    for row in of_subgroups(second, "auroc").filter(pl.col("finding") == MEAN).iter_rows(named=True):
        note = f" ({row['note']})" if row["note"] and numbers.defined(row["value"]) else ""
        said = f"{named(row)}, {lookup.sentence(row, 'auroc', level, mean)}{note}"
        cells = (row[column] for column in ("subgroup", "reading", "value", "low", "high"))
        rows.append((AUROC, attribute_name(row["attribute"]), *cells, said))
    for name in second.readings:
        for row in rows_of(second, name, UNDERDIAGNOSIS).iter_rows(named=True):
            ill = numbers.plural(row["n_positive"], "ill image")
            share = lookup.share(own(row), numbers.level(level))
            said = f"{named(row)}, {name}: no finding called on {share} of {ill}"
            rows.append((MISSED, attribute_name(row["attribute"]), row["subgroup"], name, *own(row).values(), said))
    texts = dict.fromkeys(("panel", "attribute", "subgroup", "reading"), pl.String)
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema=texts | floats | {"sentence": pl.String}, orient="row")


def of_subgroups(second: SecondReading, metric: str) -> pl.DataFrame:
    """Return the estimates of a metric in the subgroups."""
    estimates = second.tables["estimates"]
    within = pl.col("attribute").fill_null("") != ""
    return estimates.filter(within, pl.col("metric") == metric, pl.col("reading").is_in(second.readings))


# --- tables ----------------------------------------------------------------------------------------------------------


def gap_sheet(second: SecondReading) -> Sheet:
    """Return the gaps of the means of AUROC, sensitivity and specificity."""
    of = {
        (name, metric): lookup.by_key(rows_of(second, name, metric), "attribute", "subgroup")
        for name in second.readings
        for metric in GAPS
    }
    columns = [Column("Subgroup", numeric=False), Column("Reader", numeric=False), Column("Images")]
    columns += [Column(title, METRICS[metric]) for metric in GAPS for title in ("Here", "Gap to the rest", "p, Holm")]
    rows = []
    for attribute, subgroups in groups(second).items():
        for subgroup in subgroups:
            for name in second.readings:
                each = [of[name, metric].get((attribute, subgroup)) for metric in GAPS]
                size = Cell(numbers.count(each[0]["n_images"] if each[0] else None))
                head = Cell(f"{attribute_name(attribute)}: {subgroup}"), Cell(name), size
                rows.append((*head, *(cell for row in each for cell in gap_cells(row))))
    foot = (
        "Means over the findings with enough patients in the subgroup and outside it. Gap: the subgroup minus the "
        "rest. p, Holm: adjusted over the subgroups of the attribute.",
    )
    title = "Gaps by subgroup: mean AUROC, sensitivity and specificity"
    return Sheet("subgroup-gaps", title, tuple(columns), tuple(rows), shown=len(rows) <= MOST_OPEN, foot=foot)


def gap_cells(row: lookup.Row | None) -> tuple[Cell, Cell, Cell]:
    """Return the cells of a gap: the value, the gap with its interval, and the adjusted p."""
    if row is None:
        return Cell(numbers.DASH), Cell(numbers.DASH), Cell(numbers.DASH)
    apart = numbers.interval(row["gap"], row["low"], row["high"], numbers.signed)
    gap = Cell(apart, row["note"] or "", lookup.mark(row))
    return Cell(numbers.decimal(row["value"])), gap, Cell(numbers.p_value(row["p_adjusted"]))


def missed_sheet(second: SecondReading) -> Sheet:
    """Return the share of ill images on which nothing is called."""
    columns = [Column("Subgroup", numeric=False), Column("Reader", numeric=False), Column("Ill images")]
    columns += [Column(title) for title in ("Nothing called", "In the rest", "Gap to the rest", "p, Holm")]
    of = {
        name: lookup.by_key(rows_of(second, name, UNDERDIAGNOSIS), "attribute", "subgroup") for name in second.readings
    }
    rows = []
    for attribute, subgroups in groups(second).items():
        for subgroup in subgroups:
            for name in second.readings:
                row = of[name].get((attribute, subgroup))
                rest, ill = (row["rest"], row["n_positive"]) if row else (None, None)
                head = Cell(f"{attribute_name(attribute)}: {subgroup}"), Cell(name), Cell(numbers.count(ill))
                here = lookup.cell(own(row) if row else None)
                rows.append((*head, here, Cell(numbers.decimal(rest)), *gap_cells(row)[1:]))
    title = "Underdiagnosis: ill images on which no finding is called"
    return Sheet("subgroup-underdiagnosis", title, tuple(columns), tuple(rows))


def finding_sheet(second: SecondReading, attribute: str, name: str) -> Sheet:
    """Return one attribute by finding: the AUROC in each subgroup with its gap to the rest."""
    of = of_attribute(second, attribute, "auroc")
    columns = size_columns()
    columns += [Column(head, reader) for reader in second.readings for head in ("AUROC", "Gap to the rest", "p, Holm")]
    rows = []
    for finding in second.study.findings:
        for subgroup in groups(second)[attribute]:
            cells = size_cells(of, second.readings[0], finding, subgroup)
            for reader in second.readings:
                row = of.get((reader, finding, subgroup))
                area = lookup.cell(own(row) if row else None)
                worst = " (worst)" if row and row["worst"] else ""
                cells += (Cell(f"{area.text}{worst}"), *gap_cells(row)[1:])
            rows.append(tuple(cells))
    foot = (
        "p, Holm: adjusted over subgroups and findings. Worst: the lowest gap among the subgroups of the finding that "
        "are not small.",
    )
    title = f"By finding: AUROC by {attribute_name(attribute)}"
    return Sheet(name, title, tuple(columns), tuple(rows), foot=foot)


def point_sheet(second: SecondReading, attribute: str, name: str) -> Sheet:
    """Return one attribute by finding: the rates at the operating point, and calibration."""
    sizes = of_attribute(second, attribute, "auroc")
    at = pl.col("attribute") == attribute
    of = {
        metric: lookup.by_key(of_subgroups(second, metric).filter(at), "reading", "finding", "subgroup")
        for metric in (*AT_THE_POINT, *CALIBRATED)
    }
    heads = (*AT_THE_POINT.values(), *CALIBRATED.values())
    columns = [*size_columns(), Column("Reader", numeric=False), *(Column(head) for head in heads)]
    rows = []
    for finding in second.study.findings:
        for subgroup in groups(second)[attribute]:
            size = size_cells(sizes, second.readings[0], finding, subgroup)
            for reader in second.readings:
                each = (of[metric].get((reader, finding, subgroup)) for metric in of)
                rows.append((*size, Cell(reader), *(lookup.cell({**row, "note": ""} if row else None) for row in each)))
    foot = (
        "In brackets: intervals by patient. PPV follows how many of a subgroup are ill, and differs where nothing is "
        "wrong with the reader. Intercept: by how much the log odds of the scores would have to be raised to be right "
        "on average in the subgroup; slope: below 1 where scores are too extreme there. All notes, and the gaps of "
        "these metrics, stand in subgroups.csv and estimates.csv.",
    )
    title = f"By finding: operating point and calibration by {attribute_name(attribute)}"
    return Sheet(name, title, tuple(columns), tuple(rows), foot=foot)


def of_attribute(second: SecondReading, attribute: str, metric: str) -> Keyed:
    """Return the gaps of a metric in the subgroups of an attribute."""
    of = second.tables["subgroups"].filter(pl.col("attribute") == attribute, pl.col("metric") == metric)
    return lookup.by_key(of, "reading", "finding", "subgroup")


def size_columns() -> list[Column]:
    """Return the heads of finding, subgroup and their sizes."""
    texts = [Column(title, numeric=False) for title in ("Finding", "Subgroup")]
    return [*texts, Column("Images"), Column("Positive")]


def size_cells(of: Keyed, reading: str, finding: str, subgroup: str) -> list[Cell]:
    """Return finding, subgroup and how many images it has, with the note where it is small."""
    first = of.get((reading, finding, subgroup))
    sizes = [Cell(numbers.count(first[column] if first else None)) for column in ("n_images", "n_positive")]
    return [Cell(display(finding)), Cell(subgroup), *sizes]


GUIDE = (
    (
        "A small subgroup is shown and said to be small. What rests on fewer than 5 patients has no interval, and on "
        "fewer than 10 no p; a subgroup with fewer than 50 ill or healthy images is never called the worst."
    ),
    (
        "p is adjusted (Holm) because many subgroups are tested at once: without it, some gap would look real by "
        "chance. A gap that is not shown to be beyond chance is not shown to be absent either."
    ),
    (
        "A reader may have the same AUROC in two subgroups and still fail one of them: the threshold is the same for "
        "all, so scores that run higher in one subgroup give it more false calls, and lower ones more misses."
    ),
    (
        "Underdiagnosis (Seyyed-Kalantari 2021) counts ill images on which no finding at all is called: people who "
        "would be sent home."
    ),
)
