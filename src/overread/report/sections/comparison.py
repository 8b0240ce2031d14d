"""Readings against one another: which differences are beyond chance, and how small a one could have been seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.verdict import beyond_chance
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.differences import draw_differences
from overread.report.glossary import METRICS, within_sentence
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

Pair = tuple[str, str]
IN_FULL = 3
"""So many pairs have figures, open tables and sentences; the others have tables."""

RATIOS = ("lr_positive", "lr_negative", "dor")
MEANS = {"mean": "Mean over findings", "weighted": "Mean weighted by positives"}
MOST_NAMED = 6


def section(second: SecondReading) -> Section | None:
    """Return the paired tests of every pair of readings; nothing where there is one reading."""
    of = pairs(second)
    if not of:
        return None
    blocks: list[Figure | Sheet] = []
    for place, (pair, name) in enumerate(file_names("differences", of).items()):
        if place < IN_FULL:
            blocks.append(figure(second, pair, name))
        blocks += sheets(second, pair, name, shown=place < IN_FULL)
    guide = (*GUIDE, *(MARGIN_GUIDE if len(second.tables["equivalence"]) else ()))
    return Section("comparison", "The readings against one another", tuple(lead(second)), tuple(blocks), guide)


def pairs(second: SecondReading) -> list[Pair]:
    """Return the pairs of readings that were compared, in their order."""
    if len(second.readings) < 2:
        return []
    return second.tables["comparisons"].select("reading_a", "reading_b").unique(maintain_order=True).rows()


def file_names(prefix: str, of: list[Pair]) -> dict[Pair, str]:
    """Return a name for the file of each pair's figure."""
    joined = {"\0".join(pair): pair for pair in of}
    return {joined[key]: name for key, name in lookup.file_names(prefix, joined).items()}


def of_pair(frame: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    """Return the rows of one pair."""
    return frame.filter(pl.col("reading_a") == pair[0], pl.col("reading_b") == pair[1])


def paired(second: SecondReading, pair: Pair, metric: str, method: str) -> dict[str, lookup.Row]:
    """Return the tests of one metric and method by finding."""
    table = of_pair(second.tables["comparisons"], pair)
    rows = table.filter(pl.col("metric") == metric, pl.col("method") == method)
    return {row["finding"]: row for row in rows.iter_rows(named=True)}


def margin(second: SecondReading, metric: str) -> float | None:
    """Return the margin that was stated for a metric."""
    rows = second.tables["equivalence"].filter(pl.col("metric") == metric)
    return None if rows.is_empty() else float(rows["margin"][0])


# ---- sentences ----


def lead(second: SecondReading) -> Iterator[str]:
    """Say for each pair what differs beyond chance, and what could have been seen elsewhere."""
    yield (
        "The readings are of the same images, so they are tested in pairs, with patients as the unit. What is not "
        "shown to differ is not thereby the same: the tables name the smallest difference that would have been found."
    )
    of = pairs(second)
    for pair in of[:IN_FULL]:
        yield from mean_sentence(second, pair)
        yield from finding_sentence(second, pair)
        yield from rate_sentences(second, pair)
        yield from margin_sentences(second, pair)
    if len(of) > IN_FULL:
        others = numbers.plural(len(of) - IN_FULL, "pair")
        yield f"The first {IN_FULL} pairs are shown in full; the tables of the other {others} stand below them, closed."


def mean_sentence(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say how far the mean AUROCs lie apart."""
    a, b = pair
    row = paired(second, pair, "auroc", "bootstrap").get("mean")
    if row is None or not numbers.defined(row["difference"]) or not numbers.defined(row["low"]):
        yield f"{a} against {b}: the mean AUROC could not be compared."
        return
    if row["difference"] == row["low"] == row["high"] == 0:
        yield f"{a} and {b} order the images alike: every AUROC is the same."
        return
    level = numbers.level(row["level"])
    chance = (
        f"beyond chance ({p_said(row)})"
        if adjusted_beyond(row)
        else (
            f"not shown to be beyond chance ({p_said(row)}); a true difference of "
            f"{numbers.decimal(row['smallest_detectable'])} would have been found 4 times in 5"
        )
    )
    bounds = f"{level} interval {numbers.signed(row['low'])} to {numbers.signed(row['high'])}"
    values = f"{numbers.decimal(row['a'])} against {numbers.decimal(row['b'])}"
    apart = f"a difference of {numbers.signed(row['difference'])} ({bounds})"
    yield f"{a} against {b}: the mean AUROC is {values}, {apart}, {chance}."


def p_said(row: lookup.Row) -> str:
    """Say a p-value, and what Holm's adjustment makes of it where that is more."""
    p = f"p{numbers.SPACE}{lookup.equal(row['p'])}"
    if numbers.defined(row["p_adjusted"]) and row["p_adjusted"] != row["p"]:
        return f"{p}, adjusted {lookup.equal(row['p_adjusted'])}"
    return p


def adjusted_beyond(row: lookup.Row) -> bool:
    """Return whether a difference is beyond chance after Holm's adjustment, over findings or, for means, over pairs."""
    p = row["p_adjusted"]
    return numbers.defined(p) and beyond_chance(p, row["level"])


def finding_sentence(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say for which findings which reading has the higher AUROC, and what could have been seen for the others."""
    rows = [row for row in paired(second, pair, "auroc", "obuchowski").values() if numbers.defined(row["p_adjusted"])]
    if not any(row["difference"] for row in rows):
        return
    adjusted = f"Adjusted for {numbers.plural(len(rows), 'test')}, one for each finding" if len(rows) > 1 else "Tested"
    shown = [row for row in rows if adjusted_beyond(row)]
    parts = []
    for name, way in zip(pair, (1, -1), strict=True):
        own = [row for row in shown if way * row["difference"] > 0]
        if own:
            parts.append(f"{name} has the higher AUROC beyond chance for {named(own)}")
    said = numbers.listing(parts) if parts else "no difference in AUROC is shown to be beyond chance"
    yield f"{adjusted}, {said}."
    smallest = sorted(
        row["smallest_detectable"]
        for row in rows
        if not adjusted_beyond(row) and numbers.defined(row["smallest_detectable"])
    )
    if smallest:
        least, most = numbers.decimal(smallest[0]), numbers.decimal(smallest[-1])
        between = least if least == most else f"between {least} and {most}, by finding"
        others = f"the {len(smallest)} findings" if len(smallest) > 1 else "the one finding"
        yield (
            f"For {others} where none is shown, the smallest difference that these patients would have shown 4 times "
            f"in 5 is {between}."
        )


def named(rows: list[lookup.Row]) -> str:
    """Name findings, the largest differences first."""
    ordered = sorted(rows, key=lambda row: -abs(row["difference"]))
    names = [f"{display(row['finding'])} ({numbers.signed(row['difference'])})" for row in ordered[:MOST_NAMED]]
    more = len(ordered) - len(names)
    return numbers.listing([*names, f"{more} more"] if more else names)


def rate_sentences(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say for which findings sensitivity and specificity at the operating points differ beyond chance."""
    parts = []
    for metric, unit in (("sensitivity", "ill"), ("specificity", "healthy")):
        tested = paired(second, pair, metric, "mcnemar_clustered").values()
        known = [row for row in tested if numbers.defined(row["p_adjusted"])]
        counts = [sum(adjusted_beyond(row) and way * row["difference"] > 0 for row in known) for way in (1, -1)]
        kept = [f"higher for {name} on {n}" for name, n in zip(pair, counts, strict=True) if n]
        rest = len(known) - sum(counts)
        kept += [f"not shown to differ on {rest}"] if rest else []
        if known:
            parts.append(f"{metric} (among the {unit}) is {numbers.listing(kept)}")
    if parts:
        yield f"At the operating points, by finding and beyond chance: {'; '.join(parts)}."


def margin_sentences(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say what was shown against the stated margins."""
    table = of_pair(second.tables["equivalence"], pair).filter(pl.col("finding").is_in(list(second.study.findings)))
    for (metric,), rows in table.partition_by("metric", as_dict=True, maintain_order=True).items():
        kinds: dict[str, int] = {}
        for conclusion in rows["conclusion"]:
            kind = conclusion.split(":")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
        of = numbers.plural(rows.height, "finding")
        said = {
            "equivalent": f"both are shown to be equivalent for {kinds.get('equivalent', 0)} of {of}",
            "not worse": f"{pair[0]} is shown to be not worse for {kinds.get('not worse', 0)} more",
            "not shown": f"neither is shown for {kinds.get('not shown', 0)}",
            "not computed": f"it could not be computed for {kinds.get('not computed', 0)}",
        }
        kept = [text for kind, text in said.items() if kinds.get(kind) or kind == "equivalent"]
        name = within_sentence(METRICS.get(str(metric), str(metric)))
        yield f"Within the stated margin of {rows['margin'][0]:g} in {name}, {numbers.listing(kept)}."


# ---- the figure ----


def figure(second: SecondReading, pair: Pair, name: str) -> Figure:
    """Return the forest of differences in AUROC."""
    a, b = pair
    rows = drawn_rows(second, pair)
    of = dict(rows.select("row", "value").iter_rows())
    findings = [display(finding) for finding in second.study.findings]
    order = sorted(findings, key=lambda row: (of[row] is None, -(of[row] or 0.0)))
    stated = margin(second, "auroc")
    drawing = draw_differences(
        rows,
        lookup.readers(second),
        pair=pair,
        order=order,
        apart=[lookup.mean_name(second)],
        title="difference in AUROC",
        margin=stated,
    )
    level = numbers.level(second.options.level)
    banded = f" The band is the stated margin of {stated:g} either way." if stated is not None else ""
    caption = (
        f"AUROC of {a} minus that of {b}, with {level} intervals: by finding Obuchowski's (patients as clusters; "
        f"beyond chance after Holm's adjustment), for the mean by resampling patients.{banded}"
    )
    return Figure(name, f"Difference in AUROC by finding, {a} minus {b}", drawing, caption)


def drawn_rows(second: SecondReading, pair: Pair) -> pl.DataFrame:
    """Return the differences in AUROC by finding and for the mean, each with its sentence."""
    closed, resampled = (paired(second, pair, "auroc", method) for method in ("obuchowski", "bootstrap"))
    titled = [(display(finding), closed.get(finding)) for finding in second.study.findings]
    titled.append((lookup.mean_name(second), resampled.get("mean")))
    rows = []
    for title, row in titled:
        if row is None or not numbers.defined(row["difference"]):
            rows.append((title, None, None, None, "", (row or {}).get("note") or "not computed", False))
            continue
        numbers_of = (row["difference"], row["low"], row["high"])
        rows.append((title, *numbers_of, sentence(row, pair, title), row["note"] or "", adjusted_beyond(row)))
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    text = dict.fromkeys(("sentence", "note"), pl.String)
    return pl.DataFrame(rows, schema={"row": pl.String} | floats | text | {"beyond": pl.Boolean}, orient="row")


def sentence(row: lookup.Row, pair: Pair, title: str) -> str:
    """Say a difference as its mark does."""
    values = f"{numbers.decimal(row['a'])} and {numbers.decimal(row['b'])}"
    apart = f"difference {numbers.signed(row['difference'])}"
    if numbers.defined(row["low"]):
        bounds = f"{numbers.signed(row['low'])} to {numbers.signed(row['high'])}"
        apart += f" ({numbers.level(row['level'])} interval {bounds})"
    return f"{title}, {pair[0]} and {pair[1]}: AUROC {values}, {apart}, {p_said(row)}"


# ---- the tables ----


def sheets(second: SecondReading, pair: Pair, name: str, *, shown: bool) -> Iterator[Sheet]:
    """Yield the tables of one pair."""
    stem = name.removeprefix("differences-")
    yield metric_sheet(second, pair, "auroc", f"comparison-auroc-{stem}", shown=shown)
    for metric in ("sensitivity", "specificity"):
        yield metric_sheet(second, pair, metric, f"comparison-{metric}-{stem}")
    yield means_sheet(second, pair, f"comparison-means-{stem}")
    if len(of_pair(second.tables["equivalence"], pair)):
        yield equivalence_sheet(second, pair, f"equivalence-{stem}", shown=shown)


METHODS = {
    "auroc": ("obuchowski", "delong", "Obuchowski", "DeLong"),
    "sensitivity": ("mcnemar_clustered", "mcnemar", "clustered McNemar", "McNemar"),
    "specificity": ("mcnemar_clustered", "mcnemar", "clustered McNemar", "McNemar"),
}
"""The test with patients as clusters, the one that takes images for independent, and how both are called."""


def metric_sheet(second: SecondReading, pair: Pair, metric: str, name: str, *, shown: bool = False) -> Sheet:
    """Return the paired tests of one metric, a row per finding and two for the means."""
    own, plain, own_name, plain_name = METHODS[metric]
    closed, independent, resampled = (paired(second, pair, metric, method) for method in (own, plain, "bootstrap"))
    titled = [(display(f), closed.get(f), independent.get(f)) for f in second.study.findings]
    titled += [(title, resampled.get(f), None) for f, title in MEANS.items()]
    rows = [(Cell(title), *cells_of(row, other)) for title, row, other in titled]
    level = numbers.level(second.options.level)
    columns = (
        Column("Finding", numeric=False),
        *(Column(each) for each in ("Positive", *pair, f"Difference ({level} interval)", "p", "p, Holm")),
        Column(f"p, {plain_name}"),
        Column("Could have been shown"),
    )
    independence = (
        f"{plain_name}'s p takes images for independent and stands here for comparison with other papers only."
    )
    foot = (
        f"Difference: {pair[0]} minus {pair[1]}. By finding {own_name} (patients as clusters), for the means "
        f"patients resampled. p, Holm: adjusted over findings, for the means over pairs of readings. {independence}",
        "Could have been shown: the smallest true difference that would have been found 4 times in 5.",
    )
    title = f"{pair[0]} and {pair[1]}: {METRICS[metric]} compared"
    return Sheet(name, title, columns, tuple(rows), shown=shown, foot=foot).with_shared_note()


def cells_of(row: lookup.Row | None, plain: lookup.Row | None) -> tuple[Cell, ...]:
    """Return the cells of one test, and the p-value of the test that takes images for independent."""
    if row is None:
        return tuple(Cell(numbers.DASH) for _ in range(8))
    apart = numbers.interval(row["difference"], row["low"], row["high"], numbers.signed)
    other = Cell("") if plain is None else Cell(numbers.p_value(plain["p"]))
    return (
        Cell(numbers.count(row["n_positive"])),
        Cell(numbers.decimal(row["a"])),
        Cell(numbers.decimal(row["b"])),
        Cell(apart, row["note"] or "", lookup.mark(row)),
        Cell(numbers.p_value(row["p"])),
        Cell(numbers.p_value(row["p_adjusted"])),
        other,
        Cell(numbers.decimal(row["smallest_detectable"])),
    )


def means_sheet(second: SecondReading, pair: Pair, name: str) -> Sheet:
    """Return the means over findings of every metric; ratios are compared as a ratio."""
    rows = []
    for metric, title in METRICS.items():
        row = paired(second, pair, metric, "bootstrap").get("mean")
        if row is None:
            continue
        ratio, write = metric in RATIOS, numbers.writer_of(metric)
        compared = numbers.decimal if ratio else numbers.signed
        kind = f"{pair[0]} / {pair[1]}" if ratio else f"{pair[0]} {numbers.MINUS} {pair[1]}"
        apart = numbers.interval(row["difference"], row["low"], row["high"], compared)
        smallest = "" if ratio else numbers.decimal(row["smallest_detectable"])
        cells = (write(row["a"]), write(row["b"]), kind)
        rows.append(
            (
                Cell(title),
                *map(Cell, cells),
                Cell(apart, row["note"] or "", lookup.mark(row)),
                Cell(numbers.p_value(row["p"])),
                Cell(numbers.p_value(row["p_adjusted"])),
                Cell(smallest),
            )
        )
    level = numbers.level(second.options.level)
    columns = (
        Column("Mean over findings", numeric=False),
        *(Column(each) for each in pair),
        Column("Compared as", numeric=False),
        *(Column(each) for each in (f"Compared ({level} interval)", "p", "p, Holm", "Could have been shown")),
    )
    foot = (
        "Patients resampled, the same draws for both readings. A difference of 0, or a ratio of 1, is no difference. "
        "p, Holm: adjusted over the pairs of readings.",
    )
    return Sheet(name, f"{pair[0]} and {pair[1]}: all metrics, means over findings", columns, tuple(rows), foot=foot)


def equivalence_sheet(second: SecondReading, pair: Pair, name: str, *, shown: bool) -> Sheet:
    """Return what was shown against the stated margins."""
    table = of_pair(second.tables["equivalence"], pair)
    rows = []
    for row in table.iter_rows(named=True):
        finding = {**MEANS, "pooled": "All decisions pooled"}.get(row["finding"]) or display(row["finding"])
        rows.append(
            (
                Cell(finding),
                Cell(METRICS.get(row["metric"], row["metric"])),
                Cell(f"{row['margin']:g}"),
                Cell(
                    numbers.interval(row["difference"], row["low"], row["high"], numbers.signed), mark=lookup.mark(row)
                ),
                Cell(numbers.p_value(row["p_not_worse"])),
                Cell(numbers.p_value(row["p_equivalent"])),
                Cell(concluded(row["conclusion"], pair)),
            )
        )
    levels = table["level"].drop_nulls()
    level = numbers.level(round(levels[0], 6)) if len(levels) else ""
    columns = (
        Column("Finding", numeric=False),
        Column("Metric", numeric=False),
        Column("Margin"),
        Column(f"Difference ({level} interval)"),
        Column("p, not worse"),
        Column("p, equivalent"),
        Column("Shown", numeric=False),
    )
    title = f"{pair[0]} and {pair[1]}: against the stated margin"
    return Sheet(name, title, columns, tuple(rows), shown=shown, foot=MARGIN_FOOT)


def concluded(conclusion: str, pair: Pair) -> str:
    """Say a conclusion with the names of the readings.

    >>> concluded("not worse: a is shown to be worse by less than the margin, if at all", ("zech", "lr033"))
    'zech not worse'
    """
    said: Mapping[str, str] = {"equivalent": "equivalent", "not worse": f"{pair[0]} not worse"}
    return said.get(conclusion.split(":")[0], conclusion)


MARGIN_FOOT = (
    "Two one-sided tests (Schuirmann 1987) from the patient bootstrap. Equivalent: the whole interval lies within "
    "the margin on both sides. Not worse: it lies above minus the margin. These p-values are not adjusted.",
)

GUIDE = (
    (
        "Each row of the figure is a difference: to the right of the line the first reading has the higher AUROC, to "
        "the left the second. A full mark says which one it is and that the difference is beyond chance; a hollow "
        "mark says that this is not shown."
    ),
    (
        "p is the chance of a difference at least as large if there were none. With a test for each finding some "
        "small p come by chance alone; Holm's adjustment allows for that, and 'beyond chance' means an adjusted p "
        "below 1 minus the level."
    ),
    (
        "Could have been shown: a reading may well differ by less than this without any test on these patients being "
        "likely to find it. Few ill patients make it large."
    ),
    "The tests of sensitivity and specificity take the thresholds as they are; with other thresholds both may change.",
    "A higher AUROC says nothing yet about what is gained for people; the next section does.",
)
MARGIN_GUIDE = (
    (
        "Against a margin: 'not worse' says that the first reading falls short of the second by less than the "
        "margin, if at all; 'equivalent' says that the two differ by less than the margin either way. 'Not shown' "
        "says neither that they differ nor that they do not. The margin was stated and not chosen from these data."
    ),
)
