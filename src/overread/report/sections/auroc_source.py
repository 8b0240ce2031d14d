"""Where the AUROC comes from: its pairs split by an attribute of either image, and the AUROC balanced for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.attributes import attribute_name
from overread.analyses.quantities import MEAN
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import lower_end
from overread.report.figures.pairs import draw_pairs
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

FIRST = "view"
IN_FULL = 4
"""So many readers have sentences; the figures and the tables hold all."""

SAME, ACROSS = "both of one subgroup", "of two subgroups"
MOST_STRATA = 2
"""With more strata, their pairs are drawn as two parts: within a stratum, and across strata."""


def section(second: SecondReading) -> Section | None:
    """Return where the AUROC comes from; nothing where no attribute was looked at."""
    if lookup.table(second, "auroc_balanced") is None or lookup.table(second, "auroc_parts") is None:
        return None
    blocks: list[Figure | Sheet] = []
    for place, attribute in enumerate(attributes(second), 1):
        blocks += [figure(second, attribute, place), *sheets(second, attribute, place)]
    return Section("auroc-source", "Where the AUROC comes from", tuple(lead(second)), tuple(blocks), GUIDE)


def attributes(second: SecondReading) -> list[str]:
    """Return the attributes, the view first."""
    named = second.tables["auroc_balanced"]["attribute"].unique(maintain_order=True).to_list()
    return sorted(named, key=lambda name: str(name).casefold() != FIRST)


def strata(second: SecondReading, attribute: str) -> list[str]:
    """Return the strata of an attribute in their order."""
    of = second.tables["auroc_parts"].filter(pl.col("attribute") == attribute)
    return of["ill"].unique(maintain_order=True).to_list()


def balanced_of(second: SecondReading, attribute: str) -> dict[tuple[str, ...], lookup.Row]:
    """Return the balanced AUROCs of an attribute by reader and finding."""
    return lookup.by_key(second.tables["auroc_balanced"].filter(pl.col("attribute") == attribute), "reading", "finding")


# --- sentences -------------------------------------------------------------------------------------------------------


def lead(second: SecondReading) -> Iterator[str]:
    """Say what pairs are, and for each reader what balancing leaves and where it takes away most."""
    yield (
        "An AUROC is a share of pairs: of an ill and a healthy image, how often the ill one has the higher score. "
        "Where the two differ in how or of whom they were taken, that alone may tell them apart. Balanced, the AUROC "
        "is made of pairs alike in that respect only."
    )
    for name in second.readings[:IN_FULL]:
        yield from mean_sentence(second, name)
        for attribute in attributes(second)[:1]:
            yield from finding_sentence(second, name, attribute)
    yield (
        "The difference is what the attribute could have given away. It does not show that a reader used it: a finding "
        "may also look worse in one kind of image than in another."
    )


def mean_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say the mean AUROC, and what it is balanced for each attribute."""
    rows = [(attribute, balanced_of(second, attribute).get((name, MEAN))) for attribute in attributes(second)]
    known = [(attribute, row) for attribute, row in rows if row is not None and numbers.defined(row["balanced"])]
    if not known:
        yield f"{name}: no pair lies within a stratum of any attribute."
        return
    parts = [
        f"for {attribute_name(attribute)} {lookup.said({**row, 'value': row['balanced']}, row['level'])}"
        for attribute, row in known
    ]
    whole = numbers.decimal(known[0][1]["apart"])
    yield f"{name}: among images of two patients the mean AUROC is {whole}; balanced {numbers.listing(parts)}."


def finding_sentence(second: SecondReading, name: str, attribute: str) -> Iterator[str]:
    """Say for the finding that balancing moves most where its pairs lie, and how well each part is ordered."""
    of = balanced_of(second, attribute)
    known = [row for f in second.study.findings if (row := of.get((name, f))) and numbers.defined(row["difference"])]
    if not known:
        return
    row = max(known, key=lambda each: abs(each["difference"]))
    part, within = apart_and_within(second, row)
    if part is None or within is None:
        return
    by = attribute_name(attribute)
    yield (
        f"{name}, balancing for {by} moves {display(row['finding'])} most: its {numbers.decimal(row['auroc'])} "
        f"is {numbers.decimal(within['auroc'])} within {within['ill']}; {numbers.percent(part['share'], 0)} of its "
        f"pairs set an ill {part['ill']} image against a healthy {part['healthy']} one, at "
        f"{numbers.decimal(part['auroc'])}; balanced for {by} it is {numbers.decimal(row['balanced'])}."
    )


def apart_and_within(second: SecondReading, row: lookup.Row) -> tuple[lookup.Row | None, lookup.Row | None]:
    """Return the largest part across strata of one finding, and the part within the stratum of its ill images."""
    at = (pl.col(column) == row[column] for column in ("reading", "finding", "attribute"))
    parts = second.tables["auroc_parts"].filter(*at).drop_nulls(["share", "auroc"])
    across = parts.filter(pl.col("ill") != pl.col("healthy")).sort("share", descending=True, maintain_order=True)
    if across.is_empty():
        return None, None
    part = across.row(0, named=True)
    within = parts.filter(pl.col("ill") == part["ill"], pl.col("healthy") == part["ill"])
    return part, None if within.is_empty() else within.row(0, named=True)


# --- the figures -----------------------------------------------------------------------------------------------------


def figure(second: SecondReading, attribute: str, place: int) -> Figure:
    """Return the pairs of each finding, split by an attribute, and the AUROC before and after balancing."""
    parts, totals = drawn_parts(second, attribute), drawn_totals(second, attribute)
    lows = totals.select(pl.min_horizontal("auroc", "balanced", "low")).to_series()
    drawing = draw_pairs(
        parts,
        totals,
        lookup.readers(second).without_floor(),
        order=order(second, attribute),
        apart=[lookup.mean_name(second)],
        domain=(lower_end(lows, most=0.7), 1.0),
    )
    inside = "the AUROC among its pairs"
    if len(second.readings) > 1:
        inside += f", from top to bottom of {numbers.listing(second.readings[:4])}"
    by = attribute_name(attribute)
    caption = (
        f"Left: each finding's pairs by {by} of the ill and of the healthy image, parts in the order of the "
        f"legend; in each, {inside}. Right: the AUROC of all pairs of two patients (hollow) and of those alike in "
        f"{by} (balanced: full, with its {numbers.level(second.options.level)} interval). Findings that balancing "
        "lowers most stand above."
    )
    title = f"Where the AUROC comes from: {by}"
    return Figure(f"auroc-source-{place}", title, drawing, caption, folded=place > 1)


def order(second: SecondReading, attribute: str) -> list[str]:
    """Return the findings by falling difference of the AUROC and the balanced one; what has none comes last."""
    of = second.tables["auroc_balanced"].filter(pl.col("attribute") == attribute)
    apart = dict(of.group_by("finding").agg(pl.col("difference").mean()).iter_rows())
    place = {finding: k for k, finding in enumerate(second.study.findings)}
    by = sorted(place, key=lambda f: (apart.get(f) is None, -(apart.get(f) or 0.0), place[f]))
    return [display(finding) for finding in by]


def drawn_parts(second: SecondReading, attribute: str) -> pl.DataFrame:
    """Return the parts of each bar; of more than two strata, those within a stratum together, and those across."""
    rows = list(both_parts(second, attribute))
    if len(strata(second, attribute)) <= MOST_STRATA:
        rows = list(every_part(second, attribute))
    texts = dict.fromkeys(("row", "part", "reading"), pl.String)
    schema = texts | dict.fromkeys(("share", "auroc"), pl.Float64) | {"sentence": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


Part = tuple[str, str, str, float | None, float | None, str]


def every_part(second: SecondReading, attribute: str) -> Iterator[Part]:
    """Yield each part as it stands in the table."""
    level = second.options.level
    for row in second.tables["auroc_parts"].filter(pl.col("attribute") == attribute).iter_rows(named=True):
        name = f"ill {row['ill']}, healthy {row['healthy']}"
        said = part_sentence(row["finding"], row["reading"], name, row["share"], lookup.said(area(row), level))
        yield display(row["finding"]), name, row["reading"], row["share"], row["auroc"], said


def area(row: lookup.Row) -> lookup.Row:
    """Return the AUROC of a part as an estimate."""
    return {"value": row["auroc"], "low": row["low"], "high": row["high"], "note": row["note"]}


def part_sentence(finding: str, reading: str, name: str, share: float | None, said: str) -> str:
    """Say a part of one finding."""
    return f"{display(finding)}, {reading}, {name}: {numbers.percent(share)} of the pairs, AUROC {said}"


def both_parts(second: SecondReading, attribute: str) -> Iterator[Part]:
    """Yield the pairs within a stratum and across strata of each finding; what is not within, is across."""
    table = second.tables["auroc_parts"].filter(pl.col("attribute") == attribute).drop_nulls("share")
    same = (pl.col("ill") == pl.col("healthy")).alias("same")
    sums = table.group_by("reading", "finding", same, maintain_order=True).agg(pl.col("share", "contribution").sum())
    for row in sums.iter_rows(named=True):
        finding, reading, share = row["finding"], row["reading"], row["share"]
        if share > 0:
            name, value = SAME if row["same"] else ACROSS, row["contribution"] / share
            said = part_sentence(finding, reading, name, share, numbers.decimal(value))
            yield display(finding), name, reading, share, value, said


def drawn_totals(second: SecondReading, attribute: str) -> pl.DataFrame:
    """Return the AUROC and the balanced one of each finding and of the mean, with their sentence."""
    rows = []
    for (reading, finding), row in balanced_of(second, attribute).items():
        name = lookup.mean_name(second) if finding == MEAN else display(finding)
        balanced = {"value": row["balanced"], "low": row["low"], "high": row["high"], "note": row["note"]}
        said = (
            f"{name}, {reading}: AUROC of two patients {numbers.decimal(row['apart'])}, balanced for "
            f"{attribute_name(attribute)} {lookup.said(balanced, second.options.level)}"
        )
        rows.append((name, reading, row["apart"], row["balanced"], row["low"], row["high"], said))
    floats = dict.fromkeys(("auroc", "balanced", "low", "high"), pl.Float64)
    schema = dict.fromkeys(("row", "reading"), pl.String) | floats | {"sentence": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


# --- tables ----------------------------------------------------------------------------------------------------------


def sheets(second: SecondReading, attribute: str, place: int) -> Iterator[Sheet]:
    """Yield the balanced AUROCs of an attribute, and with two strata the parts."""
    yield balanced_sheet(second, attribute, place)
    if len(strata(second, attribute)) <= MOST_STRATA:
        yield part_sheet(second, attribute, place)


def balanced_sheet(second: SecondReading, attribute: str, place: int) -> Sheet:
    """Return the AUROC of each finding and reader, balanced and not."""
    of = balanced_of(second, attribute)
    heads = ("AUROC", "AUROC, two patients", "Balanced", "Difference", "Pairs within", "Covariate-adjusted")
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False), *(Column(head) for head in heads)]
    rows = []
    for finding in (*second.study.findings, MEAN):
        name = lookup.mean_name(second) if finding == MEAN else display(finding)
        for reader in second.readings:
            row = of.get((reader, finding))
            rows.append((Cell(name), Cell(reader), *balanced_cells(row)))
    more = "" if len(strata(second, attribute)) <= MOST_STRATA else " Every part stands in auroc_parts.csv."
    foot = (
        "Balanced: of pairs of two patients alike in the attribute; pairs within: their share. Difference: AUROC of "
        "two patients minus balanced. Images of one patient are mostly alike and hard to order, and their pairs would "
        "pass for something that the attribute gave away. Covariate-adjusted (Janes and Pepe 2009): of all pairs; "
        f"strata count by their ill images, not by their pairs.{more}",
    )
    title = f"AUROC balanced for {attribute_name(attribute)}"
    return Sheet(f"auroc-balanced-{place}", title, tuple(columns), tuple(rows), foot=foot)


def balanced_cells(row: lookup.Row | None) -> tuple[Cell, ...]:
    """Return the cells of one balanced AUROC."""
    if row is None:
        return (Cell(numbers.DASH),) * 6
    return (
        Cell(numbers.decimal(row["auroc"])),
        Cell(numbers.decimal(row["apart"])),
        Cell(numbers.interval(row["balanced"], row["low"], row["high"]), row["note"] or ""),
        Cell(numbers.interval(row["difference"], row["difference_low"], row["difference_high"], numbers.signed)),
        Cell(numbers.percent(row["share_within"])),
        Cell(numbers.decimal(row["adjusted"])),
    )


def part_sheet(second: SecondReading, attribute: str, place: int) -> Sheet:
    """Return every part of each finding: its share, and the AUROC of each reader with its interval."""
    table = second.tables["auroc_parts"].filter(pl.col("attribute") == attribute)
    of = lookup.by_key(table, "reading", "finding", "ill", "healthy")
    columns = [Column("Finding", numeric=False), Column("Ill image", numeric=False)]
    columns += [Column("Healthy image", numeric=False), Column("Pairs")]
    columns += [Column("AUROC", reader) for reader in second.readings]
    rows, names = [], strata(second, attribute)
    for finding in second.study.findings:
        for ill, healthy in ((a, b) for a in names for b in names):
            first = of.get((second.readings[0], finding, ill, healthy))
            cells = [Cell(display(finding)), Cell(ill), Cell(healthy)]
            cells.append(Cell(numbers.percent(first["share"]) if first else numbers.DASH))
            for reader in second.readings:
                row = of.get((reader, finding, ill, healthy))
                cells.append(lookup.cell(area(row) if row else None))
            rows.append(tuple(cells))
    title = f"Every part of the AUROC by {attribute_name(attribute)}"
    return Sheet(f"auroc-parts-{place}", title, tuple(columns), tuple(rows))


GUIDE = (
    (
        "Images taken at the bedside (AP) are of sicker people than images taken standing (PA). A reader who only told "
        "the two apart would order many pairs rightly without having seen the finding."
    ),
    (
        "The parts add up: each part's share times its AUROC, summed, is the AUROC of all pairs. Balanced is the same "
        "sum over the pairs within a stratum alone, by their number, without those of one patient."
    ),
    (
        "A high AUROC across strata with lower ones within them is what a reader that leans on the attribute would "
        "show. A reader that sees only the finding can show it too, where the finding is plainer in one kind of image."
    ),
    "Nothing here corrects for two attributes at once; crossed attributes can be asked for by name.",
)
