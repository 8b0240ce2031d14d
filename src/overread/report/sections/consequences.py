"""What the rates mean for people: of 1,000 of each kind, and what one more person found costs in false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.consequences import COHORT, GIVEN, PEOPLE
from overread.analyses.exchange import CURVE
from overread.analyses.published_rates import PUBLISHED
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.exchange import draw_exchange_curves, draw_rates, published_sentence, threshold_text
from overread.report.figures.people import PEOPLE as KINDS
from overread.report.figures.people import PEOPLE_NAMES, draw_people, whole_people
from overread.report.section import MOST_OPEN, Cell, Column, Figure, Section, Sheet
from overread.report.sections.comparison import IN_FULL, Pair, file_names, of_pair, pairs

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

COMPARABLE = tuple(each for each in PUBLISHED if each.comparable)
FIELDS = 3
"""So many prevalences have a field of 1,000 people: that of the cohort for the mean, then those that were stated."""


def section(second: SecondReading) -> Section:
    """Return people of 1,000 and, with two or more readings, the exchange rates of each pair."""
    fields = people_figure(second)
    blocks: list[Figure | Sheet] = [fields] if fields else []
    blocks += [all_sheet(second), parts_sheet(second)]
    of = pairs(second)
    curves = file_names("exchange-curve", of)
    for place, (pair, name) in enumerate(file_names("exchange", of).items()):
        if place < IN_FULL:
            blocks += pair_figures(second, pair, name, curves[pair])
        blocks.append(exchange_sheet(second, pair, name, shown=place < IN_FULL))
    blocks += [published_sheet()] if of else []
    guide = (*GUIDE, *(EXCHANGE_GUIDE if of else ()))
    return Section("consequences", "What it means for 1,000 people", tuple(lead(second)), tuple(blocks), guide)


def name_of(second: SecondReading, finding: str) -> str:
    """Return a finding as it is read, the mean with the number of findings."""
    return lookup.mean_name(second) if finding == "mean" else display(finding)


def tenth(value: float | None) -> str:
    """Write people: a share of 1,000 is not always whole."""
    return numbers.decimal(value, 1)


def per_thousand(second: SecondReading, per: str) -> pl.DataFrame:
    """Return the consequences for 1,000 people of one kind."""
    return second.tables["consequences"].filter(pl.col("per") == per)


# ---- sentences ----


def lead(second: SecondReading) -> Iterator[str]:
    """Say what happens to 1,000 people at the cohort's prevalence and at those stated, then what an exchange "
    "costs."""
    yield (
        "Sensitivity is a share of the ill and specificity of the healthy; only counted among the same people can "
        "the two be weighed against each other."
    )
    table = per_thousand(second, "all")
    for (finding, source), rows in shown_groups(second, table):
        yield " ".join(group_sentences(second, finding, source, rows))
    of = pairs(second)
    for pair in of[:IN_FULL]:
        yield " ".join(exchange_sentences(second, pair))
    if of:
        yield f"Others have asked people what they would pay. {'. '.join(map(published_sentence, PUBLISHED))}."


def shown_groups(
    second: SecondReading, table: pl.DataFrame
) -> Iterator[tuple[tuple[str, str], Mapping[str, lookup.Row]]]:
    """Yield the rows of the mean at the cohort's prevalence, then of each stated prevalence, by reading."""
    wanted = [("mean", COHORT), *((f, GIVEN) for f in (*second.study.findings, "mean"))]
    for finding, source in wanted:
        rows = table.filter(pl.col("finding") == finding, pl.col("prevalence_source") == source)
        whole = rows.drop_nulls(["found", "referred_healthy"])  # without ill or healthy images half of it is unknown
        known = {row["reading"]: row for row in whole.iter_rows(named=True)}
        if known:
            yield (finding, source), known


def group_sentences(second: SecondReading, finding: str, source: str, rows: Mapping[str, lookup.Row]) -> Iterator[str]:
    """Say what each reading does to 1,000 people at one prevalence."""
    one = next(iter(rows.values()))
    ill, share = one["found"] + one["missed"], numbers.percent(one["prevalence"])
    what = "averaged over findings" if finding == "mean" else f"for {display(finding)}"
    where = "the prevalence of this cohort" if source == COHORT else "the prevalence that was stated"
    yield f"Of 1,000 people, {what}, {tenth(ill)} are ill at {where}, {share}."
    for name in second.readings:
        if name in rows:
            row = rows[name]
            per_found = row["false_positives_per_true_positive"]
            cost = f", {tenth(per_found)} for each ill person found" if numbers.defined(per_found) else ""
            yield (
                f"{name} finds {tenth(row['found'])} of them, misses {tenth(row['missed'])} and refers "
                f"{tenth(row['referred_healthy'])} of the {tenth(PEOPLE - ill)} healthy{cost}."
            )


def exchange_sentences(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say what one more ill person found costs between two readings: for the mean, then over findings."""
    rows = at_cohort(second, pair)
    mean = next((row for row in rows if row["finding"] == "mean"), None)
    both = ("extra_found_per_1000_all", "extra_spared_per_1000_all")
    if mean is not None and all(numbers.defined(mean[name]) for name in both):
        yield mean_exchange(mean, pair)
    findings = [row for row in rows if row["finding"] != "mean" and numbers.defined(row["extra_found_per_1000_ill"])]
    rated = [row for row in findings if numbers.defined(row["rate"])]
    traded = sorted((row for row in rated if trades(row)), key=lambda row: row["rate"])
    if not traded:
        return
    low, high = (f"{rate_text(row)} ({display(row['finding'])})" for row in (traded[0], traded[-1]))
    between = f"from {low} to {high}" if len(traded) > 1 else f"{low}"
    without = sum(not bounded(row) for row in traded)
    yield (
        f"For {len(traded)} of {numbers.plural(len(findings), 'finding')} one of {pair[0]} and {pair[1]} finds more "
        f"of the ill and the other spares more of the healthy: the price of each extra ill person found is {between} "
        f"healthy people referred, at the prevalence of each in this cohort."
        + (
            f" For {without} of them it is not bounded: the difference in ill people found may be zero."
            if without
            else ""
        )
    )


def mean_exchange(mean: lookup.Row, pair: Pair) -> str:
    """Say what the readings do otherwise to 1,000 people, averaged over findings."""
    a, b = pair
    found, spared = mean["extra_found_per_1000_all"], mean["extra_spared_per_1000_all"]
    if found == spared == 0:
        return f"Averaged over findings, {a} and {b} find as many of the ill and refer as many of the healthy."
    more = {True: "more", False: "fewer"}
    said = (
        f"Averaged over findings, of 1,000 people of whom {tenth(1000 * mean['prevalence'])} are ill, {a} finds "
        f"{tenth(abs(found))} {more[found >= 0]} than {b} and refers {tenth(abs(spared))} {more[spared < 0]} healthy "
        "people"
    )
    if not trades(mean):
        doubt = "" if bounded(mean) or found == 0 else ", though the difference in ill people found may be zero"
        return f"{said}: there is nothing to exchange{doubt}."
    bounds = (
        f"{numbers.level(mean['level'])} interval {tenth(mean['low'])} to {tenth(mean['high'])}"
        if bounded(mean)
        else "not bounded: the difference in ill people found may be zero"
    )
    return f"{said}: {rate_text(mean)} healthy people referred for each extra ill person found ({bounds})."


def trades(row: lookup.Row) -> bool:
    """Return whether one reading finds more and the other spares more, so that there is a price."""
    return bool(numbers.defined(row["rate"]) and row["rate"] > 0)


def bounded(row: lookup.Row) -> bool:
    """Return whether the interval of a rate has both ends."""
    return numbers.defined(row["low"]) and numbers.defined(row["high"])


def rate_text(row: lookup.Row) -> str:
    """Write an exchange rate."""
    return numbers.ratio(row["rate"])


def finder(row: lookup.Row, pair: Pair) -> str | None:
    """Return the reading that finds more of the ill, None where both find as many."""
    found = row["extra_found_per_1000_ill"]
    if not numbers.defined(found) or found == 0:
        return None
    return pair[0] if found > 0 else pair[1]


def at_cohort(second: SecondReading, pair: Pair, source: str = COHORT) -> Sequence[lookup.Row]:
    """Return the exchange of a pair at the cohort's prevalence, or at those that were stated."""
    table = of_pair(second.tables["exchange"], pair)
    return table.filter(pl.col("prevalence_source") == source).rows(named=True)


# ---- figures ----


def people_figure(second: SecondReading) -> Figure | None:
    """Return the fields of 1,000 people: for the mean over findings, and for the first stated prevalences."""
    rows = []
    for (finding, _), known in list(shown_groups(second, per_thousand(second, "all")))[:FIELDS]:
        for name in lookup.readers(second).everyone:
            if name in known:
                rows.append(field_row(second, finding, known[name]))
    if not rows:
        return None
    text = ("reading", "title", *(f"sentence_{kind}" for kind in KINDS))
    schema = dict.fromkeys(text[:2], pl.String) | dict.fromkeys(KINDS, pl.Int64) | dict.fromkeys(text[2:], pl.String)
    drawing = draw_people(pl.DataFrame(rows, schema=schema, orient="row"), lookup.readers(second))
    caption = (
        "1,000 people at the stated prevalence, a sign each, the ill first; rounded to whole people. Each is asked "
        "about one finding."
    )
    return Figure("people", "Of 1,000 people: found, missed, referred, spared", drawing, caption)


def field_row(second: SecondReading, finding: str, row: lookup.Row) -> tuple[str | int, ...]:
    """Return what one field of people shows."""
    counts = [row[kind] for kind in KINDS]
    name, share = name_of(second, finding), numbers.percent(row["prevalence"])
    ill = tenth(row["found"] + row["missed"])
    said = [
        f"{name}, {row['reading']}, at a prevalence of {share}: of 1,000 people {tenth(row[kind])} are "
        f"{PEOPLE_NAMES[kind]}"
        for kind in KINDS
    ]
    return row["reading"], f"{name}, prevalence {share}: {ill} of 1,000 are ill", *whole_people(counts), *said


def pair_figures(second: SecondReading, pair: Pair, name: str, curve_name: str) -> Iterator[Figure]:
    """Yield the exchange rates of a pair by finding and over prevalence; none where nothing is exchanged."""
    rows = rate_rows(second, pair)
    if not rows["rate"].drop_nulls().len():
        return
    readers = lookup.readers(second)
    a, b = pair
    level = numbers.level(second.options.level)
    caption = (
        f"Between {a} and {b}, at the prevalence in brackets; the mark is that of the reading that finds more. "
        f"{level} intervals by patient (Fieller). The dashed lines and stars are what people in other studies were "
        "ready to pay for another disease at another prevalence: a rate holds for its own prevalence only."
    )
    yield Figure(name, f"Exchange rate of {a} and {b} by finding", draw_rates(rows, readers, COMPARABLE), caption)
    curves, points = curve_rows(second, pair)
    if curves.is_empty():
        return
    caption = (
        f"The same exchange between {a} and {b} at other prevalences, with sensitivity and specificity as they are: "
        "the rarer the disease, the more false alarms for each extra person found. Marks: this cohort. Stars: "
        "published rates at their own prevalence. Lines have the look of the reading that finds more."
    )
    drawing = draw_exchange_curves(curves, points, readers, COMPARABLE)
    yield Figure(curve_name, f"Exchange rate of {a} and {b} over prevalence", drawing, caption)


def rate_rows(second: SecondReading, pair: Pair) -> pl.DataFrame:
    """Return what stands in each row of the figure of rates: the findings in falling order of the rate, then the "
    "mean."""
    at = [*at_cohort(second, pair), *at_cohort(second, pair, GIVEN)]
    at.sort(key=lambda row: (row["finding"] == "mean", not trades(row), -(row["rate"] or 0.0)))
    rows = [rate_row(second, pair, row) for row in at if numbers.defined(row["extra_found_per_1000_ill"])]
    names: dict[str, type[pl.DataType]] = dict.fromkeys(("row", "finder"), pl.String)
    values: dict[str, type[pl.DataType]] = dict.fromkeys(("rate", "low", "high"), pl.Float64)
    said: dict[str, type[pl.DataType]] = {"text": pl.String, "sentence": pl.String, "apart": pl.Boolean}
    schema = names | values | said
    return pl.DataFrame(rows, schema=schema, orient="row")


def rate_row(second: SecondReading, pair: Pair, row: lookup.Row) -> tuple[object, ...]:
    """Return one row of the figure of rates."""
    stated = ", stated" if row["prevalence_source"] == GIVEN else ""
    title = f"{name_of(second, row['finding'])} ({numbers.percent(row['prevalence'])}{stated})"
    over = row["finding"] == "mean"
    if not trades(row):
        return title, None, None, None, None, nothing(row, pair), "", over
    values = (row["rate"], row["low"], row["high"]) if bounded(row) else (row["rate"], None, None)
    note = "" if bounded(row) else "not bounded"
    return title, finder(row, pair), *values, note, rate_sentence(title, row, pair), over


def nothing(row: lookup.Row, pair: Pair) -> str:
    """Say why there is no price: one reading does no worse on both sides, or both find as many."""
    found, spared = row["extra_found_per_1000_ill"], row["extra_spared_per_1000_healthy"]
    if found == 0:
        return "both find as many of the ill: no rate"
    if spared == 0:
        return f"{finder(row, pair)} finds more, and both refer as many healthy people"
    return f"{finder(row, pair)} finds more and refers fewer: nothing to exchange"


def rate_sentence(title: str, row: lookup.Row, pair: Pair) -> str:
    """Say an exchange rate as its mark does."""
    bounds = (
        f"{numbers.level(row['level'])} interval {numbers.ratio(row['low'])} to {numbers.ratio(row['high'])}"
        if bounded(row)
        else "not bounded: the difference in ill people found may be zero"
    )
    threshold = numbers.percent(row["threshold_probability"], 2)
    return (
        f"{title}: {finder(row, pair)} finds more; {rate_text(row)} healthy people referred for each extra ill "
        f"person found ({bounds}); threshold probability {threshold}"
    )


def curve_rows(second: SecondReading, pair: Pair) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the lines of the exchange rate over prevalence, and where the cohort lies on them."""
    at = {row["finding"]: row for row in at_cohort(second, pair) if trades(row) and finder(row, pair)}
    table = of_pair(second.tables["exchange"], pair).filter(
        pl.col("prevalence_source") == CURVE, pl.col("finding").is_in(list(at))
    )
    lines, points = [], []
    for finding, row in at.items():
        title = name_of(second, finding)
        said = rate_sentence(f"{title} ({numbers.percent(row['prevalence'])})", row, pair)
        points.append((title, finder(row, pair), row["prevalence"], row["rate"], said))
        over = finding == "mean"
        for each in table.filter(pl.col("finding") == finding).sort("prevalence").iter_rows(named=True):
            bounds = (each["low"], each["high"]) if over and bounded(each) else (None, None)
            lines.append((title, finder(row, pair), each["prevalence"], each["rate"], *bounds, said, over))
    text = {"row": pl.String, "finder": pl.String}
    schema = text | dict.fromkeys(("prevalence", "rate"), pl.Float64)
    bounds_schema = dict.fromkeys(("low", "high"), pl.Float64)
    line_schema = schema | bounds_schema | {"sentence": pl.String, "apart": pl.Boolean}
    return (
        pl.DataFrame(lines, schema=line_schema, orient="row"),
        pl.DataFrame(points, schema=schema | {"sentence": pl.String}, orient="row"),
    )


# ---- tables ----


def ordered(second: SecondReading, table: pl.DataFrame) -> Iterator[tuple[str, str, lookup.Row]]:
    """Yield finding, reading and row: findings in their order, readers side by side, the mean last."""
    of = lookup.by_key(table, "finding", "prevalence_source", "reading")
    for finding in (*second.study.findings, "mean"):
        for source in (COHORT, GIVEN):
            for name in lookup.readers(second).everyone:
                row = of.get((finding, source, name))
                if row is not None:
                    stated = " (stated)" if source == GIVEN else ""
                    yield f"{name_of(second, finding)}{stated}", name, row


def all_sheet(second: SecondReading) -> Sheet:
    """Return what happens to 1,000 people in all, at a prevalence that is named in every row."""
    rows = []
    for title, name, row in ordered(second, per_thousand(second, "all")):
        per_found = row["false_positives_per_true_positive"]
        values = (
            numbers.percent(row["prevalence"]),
            *(tenth(row[kind]) for kind in KINDS),
            numbers.ratio(per_found),
        )
        rows.append((Cell(title), Cell(name), *(Cell(value, mark=lookup.mark(row)) for value in values)))
    columns = (
        Column("Finding", numeric=False),
        Column("Reader", numeric=False),
        Column("Prevalence"),
        Column("Found", "Ill, of 1,000 people"),
        Column("Missed", "Ill, of 1,000 people"),
        Column("Referred", "Healthy, of 1,000 people"),
        Column("Spared", "Healthy, of 1,000 people"),
        Column("Healthy referred per ill person found"),
    )
    foot = ("At the operating points. The mean takes the mean rates at the pooled prevalence.",)
    is_short = len(rows) <= MOST_OPEN
    return Sheet("consequences-all", "Of 1,000 people in all", columns, tuple(rows), shown=is_short, foot=foot)


def parts_sheet(second: SecondReading) -> Sheet:
    """Return what happens to 1,000 ill people, and to 1,000 healthy ones; the prevalence plays no part."""
    of_cohort = pl.col("prevalence_source") == COHORT
    healthy = lookup.by_key(per_thousand(second, "healthy").filter(of_cohort), "finding", "reading")
    rows = []
    for title, name, row in ordered(second, per_thousand(second, "ill").filter(of_cohort)):
        other = healthy.get((row["finding"], name))
        spared = [tenth(other[kind]) if other else numbers.DASH for kind in ("referred_healthy", "spared")]
        rows.append((Cell(title), Cell(name), *map(Cell, (tenth(row["found"]), tenth(row["missed"]), *spared))))
    columns = (
        Column("Finding", numeric=False),
        Column("Reader", numeric=False),
        Column("Found", "Of 1,000 ill people"),
        Column("Missed", "Of 1,000 ill people"),
        Column("Referred", "Of 1,000 healthy people"),
        Column("Spared", "Of 1,000 healthy people"),
    )
    foot = ("These are 1,000 other people left and right: numbers of the two halves cannot be added or subtracted.",)
    title = "Of 1,000 ill people, and of 1,000 healthy people"
    return Sheet("consequences-parts", title, columns, tuple(rows), foot=foot)


def exchange_sheet(second: SecondReading, pair: Pair, name: str, *, shown: bool) -> Sheet:
    """Return the exchange of one pair at the cohort's prevalence and at those stated."""
    a, b = pair
    rows = []
    of = {(row["finding"], source): row for source in (COHORT, GIVEN) for row in at_cohort(second, pair, source)}
    for finding in (*second.study.findings, "mean"):
        for source in (COHORT, GIVEN):
            if (row := of.get((finding, source))) is not None:
                stated = " (stated)" if source == GIVEN else ""
                rows.append((Cell(f"{name_of(second, finding)}{stated}"), *exchange_cells(row, pair)))
    level = numbers.level(second.options.level)
    more = f"{a} more than {b}"
    columns = (
        Column("Finding", numeric=False),
        Column("Prevalence"),
        Column("Found of 1,000 ill", more),
        Column("Spared of 1,000 healthy", more),
        Column("Found of 1,000 in all", more),
        Column("Spared of 1,000 in all", more),
        Column("Finds more", numeric=False),
        Column(f"Healthy referred for each extra ill person found ({level} interval)"),
        Column("As threshold probability"),
    )
    title = f"{a} and {b}: what one more ill person found costs"
    foot = ("Fieller's interval, patients as the unit; the prevalence is taken as known.",)
    return Sheet(name, title, columns, tuple(rows), shown=shown, foot=foot)


def exchange_cells(row: lookup.Row, pair: Pair) -> tuple[Cell, ...]:
    """Return the cells of one exchange."""
    extra = [numbers.signed(row[f"extra_{what}_per_1000_all"], 1) for what in ("found", "spared")]
    own = numbers.signed(row["extra_found_per_1000_ill"], 1), numbers.signed(row["extra_spared_per_1000_healthy"], 1)
    price = Cell(numbers.DASH, nothing(row, pair) if numbers.defined(row["extra_found_per_1000_ill"]) else row["note"])
    if trades(row):
        note = "" if bounded(row) else "not bounded: the difference in ill people found may be zero"
        bounds = (row["low"], row["high"]) if bounded(row) else (None, None)
        price = Cell(numbers.interval(row["rate"], bounds[0], bounds[1], numbers.ratio), note)
    return (
        Cell(numbers.percent(row["prevalence"])),
        *map(Cell, (*own, *extra)),
        Cell(finder(row, pair) or "neither"),
        price,
        Cell(numbers.percent(row["threshold_probability"], 2)),
    )


def published_sheet() -> Sheet:
    """Return what people in other studies were ready to pay, each with its disease and prevalence."""
    rows = []
    for each in PUBLISHED:
        least = " or more" if each.at_least else ""
        threshold = numbers.percent(each.threshold_probability, 2) if each.comparable else numbers.DASH
        share = threshold_text(each.prevalence) if each.prevalence is not None else "none was told"
        note = "" if each.comparable else "a life saved is not a case found: it has no place on the axis above"
        text = (each.disease, share, f"{numbers.count(each.rate)}{least} per {each.per}")
        rows.append((Cell(each.source), *map(Cell, text), Cell(threshold, note), Cell(f"{each.spread}; {each.asked}")))
    columns = (
        Column("Source", numeric=False),
        Column("Disease", numeric=False),
        Column("Prevalence"),
        Column("False positives accepted"),
        Column("As threshold probability"),
        Column("Spread, and who was asked", numeric=False),
    )
    foot = tuple(f"{citation}." for citation in dict.fromkeys(each.citation for each in PUBLISHED))
    title = "What others were ready to pay: published rates"
    return Sheet("published-rates", title, columns, tuple(rows), foot=foot)


GUIDE = (
    (
        "Always ask: of whom? '23 of 1,000 healthy people' and '25 of 1,000 ill people' are of different people. "
        "Where a finding is rare there are many more of the healthy, and a small share of them outnumbers a large "
        "share of the ill."
    ),
    (
        "The numbers suppose that sensitivity and specificity are the same at the other prevalence. In a clinic with "
        "other patients they may not be."
    ),
)
EXCHANGE_GUIDE = (
    (
        "The exchange rate is what it costs to go from the reading that spares more to the one that finds more: so "
        "many healthy people are referred for each extra ill person found. Whoever would pay more should take the "
        "one that finds more, whoever would not the other. There is no rate where one reading finds more and refers "
        "fewer."
    ),
    (
        "'Not bounded' says that the two may well find the same number of the ill; the price of one more could then "
        "be anything."
    ),
    (
        "A rate r weighs a false alarm as 1 / r of a true finding. That is what a threshold probability of 1 / (1 + "
        "r) does in a decision curve, so published rates, decision curves and these readings lie on one axis."
    ),
    (
        "What people would pay for a cancer says nothing about what they would pay for a nodule. The published rates "
        "are there to show how far such judgements reach, and each holds at its own prevalence."
    ),
)
