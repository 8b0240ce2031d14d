"""Shortcuts: what can be had without a look at the image, and positives that something else may give away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.quantities import MEAN
from overread.analyses.shortcuts import HISTORY, SAME_PATIENTS
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals
from overread.report.figures.scales import round_up
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.discrimination import falling_order

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

FLOORS = {
    HISTORY: "the history reader, which carries the label of the patient's previous exam forward",
    "blind": "the blind reader, which knows age, gender and view",
}
GAPS = {
    SAME_PATIENTS: "AUROC within the same patients",
    "auroc": "AUROC of all positives",
    "sensitivity": "Sensitivity of all positives",
}
SAID_FIRST = ("auroc", SAME_PATIENTS, "sensitivity")
BOTH = "with positives of both kinds"
IN_FULL = 4
"""So many readers have sentences; the figures and the tables hold all."""


def section(second: SecondReading) -> Section | None:
    """Return what readers may lean on; nothing where that was not looked at."""
    blocks: list[Figure | Sheet] = []
    sentences: list[str] = []
    if lookup.table(second, "floors") is not None:
        sentences += floor_lead(second)
        blocks += [floor_figure(second), floor_sheet(second)]
    if lookup.table(second, "floor_matched") is not None:
        sentences += matched_lead(second)
        blocks.append(matched_sheet(second))
    for place, split_by in enumerate(splits(second), 1):
        sentences += history_lead(second) if split_by == HISTORY else tag_lead(second, split_by)
        blocks += [gap_figure(second, split_by, place), gap_sheet(second, split_by, place)]
    if not blocks:
        return None
    return Section("shortcuts", "What it may lean on: shortcuts", tuple(sentences), tuple(blocks), GUIDE)


def splits(second: SecondReading) -> list[str]:
    """Return what positives were split by: tags, then the history."""
    table = lookup.table(second, "positives")
    return [] if table is None else table["split_by"].unique(maintain_order=True).to_list()


def each_floor(second: SecondReading) -> list[str]:
    """Return the names of the floors."""
    return second.tables["floors"]["floor"].unique(maintain_order=True).to_list()


# --- floors ----------------------------------------------------------------------------------------------------------


def floor_lead(second: SecondReading) -> Iterator[str]:
    """Say what each floor reaches, how far above it each reader is, and where it is not shown to be above it."""
    of = lookup.by_key(second.tables["floors"], "reading", "floor", "finding")
    level = second.options.level
    for floor in each_floor(second):
        first = of.get((second.readings[0], floor, MEAN))
        if first is None or not numbers.defined(first["floor_auroc"]):
            continue
        yield (
            f"Without a look at any image, {FLOORS.get(floor, floor)}, has a mean AUROC of "
            f"{numbers.decimal(first['floor_auroc'])}."
        )
        parts = [
            f"{name} goes {lookup.share(as_value(row), numbers.level(level))} of the way from there to 1"
            for name in second.readings[:IN_FULL]
            if (row := of.get((name, floor, MEAN))) and numbers.defined(row["skill"])
        ]
        if parts:
            yield f"{'; '.join(parts)} (its skill)."
        yield from not_above(second, of, floor)


def as_value(row: lookup.Row) -> lookup.Row:
    """Return a skill as an estimate."""
    return {"value": row["skill"], "low": row["low"], "high": row["high"], "note": row["note"]}


def not_above(second: SecondReading, of: dict[tuple[str, ...], lookup.Row], floor: str) -> Iterator[str]:
    """Name for each reader the findings whose skill is not shown to be above 0."""
    for name in second.readings[:IN_FULL]:
        rows = (of.get((name, floor, finding)) for finding in second.study.findings)
        found = [display(row["finding"]) for row in rows if row and numbers.defined(row["low"]) and row["low"] <= 0]
        if found:
            yield f"{name} is not shown to be above it for {numbers.listing(found)}."


def floor_figure(second: SecondReading) -> Figure:
    """Return the skill above each floor by finding."""
    level, mean = numbers.level(second.options.level), lookup.mean_name(second)
    rows = []
    for row in second.tables["floors"].iter_rows(named=True):
        name = mean if row["finding"] == MEAN else display(row["finding"])
        skill = lookup.said(as_value(row), second.options.level)
        areas = f"AUROC {numbers.decimal(row['auroc'])}, floor {numbers.decimal(row['floor_auroc'])}"
        said = f"{name}, {row['reading']}: skill above {row['floor']} {skill}; {areas}"
        rows.append(
            (row["floor"], row["reading"], name, row["skill"], row["low"], row["high"], said, row["note"] or "")
        )
    frame = dots(rows)
    lowest = min([0.0, *frame.select(pl.min_horizontal("value", "low")).to_series().drop_nulls()])
    drawing = draw_intervals(
        frame,
        lookup.readers(second).without_floor(),
        order=falling_order(second),
        apart=[mean],
        title="skill",
        panels=each_floor(second),
        domain=(max(-1.0, -round_up(-lowest)) if lowest < 0 else 0.0, 1.0),
        rules=[0.0],
        width=600,
    )
    caption = (
        f"Skill with {level} intervals: the share of the way from the floor's AUROC to 1. At 0 a reader orders images "
        "no better than who sees none."
    )
    return Figure("floors", "Skill above readers that see no image", drawing, caption)


def dots(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """Return rows as a dot plot takes them."""
    texts = dict.fromkeys(("panel", "reading", "row"), pl.String)
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    schema = texts | floats | dict.fromkeys(("sentence", "note"), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")


def floor_sheet(second: SecondReading) -> Sheet:
    """Return AUROC, floor and skill of every finding."""
    of = lookup.by_key(second.tables["floors"], "reading", "floor", "finding")
    floors = each_floor(second)
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False), Column("AUROC")]
    columns += [Column(head, f"Floor: {floor}") for floor in floors for head in ("AUROC of the floor", "Skill")]
    rows = []
    for finding in (*second.study.findings, MEAN):
        title = lookup.mean_name(second) if finding == MEAN else display(finding)
        for name in second.readings:
            own = [of.get((name, floor, finding)) for floor in floors]
            area = next((row["auroc"] for row in own if row), None)
            cells = [Cell(title), Cell(name), Cell(numbers.decimal(area))]
            for row in own:
                cells.append(Cell(numbers.decimal(row["floor_auroc"] if row else None)))
                cells.append(lookup.cell(as_value(row) if row else None))
            rows.append(tuple(cells))
    foot = ("Skill: (AUROC − floor) / (1 − floor), by patient, the floor resampled with the reader.",)
    return Sheet("floors-table", "Skill above the floors by finding", tuple(columns), tuple(rows), foot=foot)


# --- images that look alike to the floor -----------------------------------------------------------------------------


def matched_lead(second: SecondReading) -> Iterator[str]:
    """Say what is left of the mean AUROC among images matched on a floor's score, and which finding loses most."""
    table = second.tables["floor_matched"]
    for floor in table["floor"].unique(maintain_order=True):
        parts = [part for name in second.readings[:IN_FULL] if (part := matched_said(second, floor, name))]
        if parts:
            yield (
                f"Among images that the {floor} reader cannot tell apart (an ill and a healthy one of two patients, "
                f"with like scores of its own), the mean AUROC of {'; that of '.join(parts)}."
            )


def matched_said(second: SecondReading, floor: str, name: str) -> str:
    """Say the mean AUROC of a reader among matched images, and the finding that matching lowers most."""
    of = second.tables["floor_matched"].filter(floor=floor, reading=name).drop_nulls("matched")
    mean = of.filter(finding=MEAN)
    if mean.is_empty():
        return ""
    row = mean.row(0, named=True)
    matched = lookup.said({**row, "value": row["matched"]}, row["level"])
    said = f"{name} is {matched} instead of {numbers.decimal(row['apart'])}"
    each = of.filter(pl.col("finding") != MEAN).sort("difference", descending=True, maintain_order=True)
    shown = each.filter(pl.col("difference_low") > 0)
    if each.height < 2 or shown.is_empty():
        return said
    most = shown.row(0, named=True)
    values = f"{numbers.decimal(most['apart'])} falls to {numbers.decimal(most['matched'])}"
    return f"{said}, and {display(most['finding'])} loses most: {values}"


def matched_sheet(second: SecondReading) -> Sheet:
    """Return the AUROC of every finding among images matched on a floor's score."""
    table = second.tables["floor_matched"]
    of = lookup.by_key(table, "reading", "floor", "finding")
    floors = table["floor"].unique(maintain_order=True).to_list()
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False), Column("AUROC")]
    columns += [Column("AUROC, two patients")]
    for floor in floors:
        title = f"Matched on: {floor}"
        columns += [Column(head, title) for head in ("AUROC, matched", "Difference", "Pairs used")]
        columns += [Column(head, title) for head in ("Floor", "Floor, matched")]
    rows = []
    for finding in (*second.study.findings, MEAN):
        title = lookup.mean_name(second) if finding == MEAN else display(finding)
        for name in second.readings:
            own = [of.get((name, floor, finding)) for floor in floors]
            first: lookup.Row = next((row for row in own if row), {})
            areas = (Cell(numbers.decimal(first.get(kind))) for kind in ("auroc", "apart"))
            cells = [Cell(title), Cell(name), *areas]
            rows.append((*cells, *(cell for row in own for cell in matched_cells(row))))
    foot = (
        "Images are put into ten bins of like scores of the floor, and only pairs of one bin are used. From the second "
        "AUROC on, only images of two patients are paired: images of one patient are alike to the floor and would fill "
        "the bins with pairs of their own. Difference: AUROC of two patients minus matched, what the floor's score, "
        "and no more, could have given. Floor, matched: what is left of the floor's own AUROC; the nearer to 0.5, the "
        "closer the match.",
    )
    title = "AUROC among images that a floor cannot tell apart"
    return Sheet("floor-matched-table", title, tuple(columns), tuple(rows), foot=foot)


def matched_cells(row: lookup.Row | None) -> tuple[Cell, ...]:
    """Return the cells of one matched AUROC."""
    if row is None:
        return (Cell(numbers.DASH),) * 5
    return (
        Cell(numbers.interval(row["matched"], row["low"], row["high"]), row["note"] or ""),
        Cell(numbers.interval(row["difference"], row["difference_low"], row["difference_high"], numbers.signed)),
        Cell(numbers.percent(row["share_within"])),
        Cell(numbers.decimal(row["floor_auroc"])),
        Cell(numbers.decimal(row["floor_matched"])),
    )


# --- two kinds of positives ------------------------------------------------------------------------------------------


def of_metric(second: SecondReading, split_by: str, name: str, metric: str) -> list[lookup.Row]:
    """Return the gaps of one reader in one metric that have a value."""
    at = (pl.col("split_by") == split_by, pl.col("reading") == name, pl.col("metric") == metric)
    return list(second.tables["positives"].filter(*at, pl.col("gap").is_not_null()).iter_rows(named=True))


def history_lead(second: SecondReading) -> Iterator[str]:
    """Say what is left of first against later within the same patients, and that the rest is composition."""
    yield (
        "New disease or old news: is a finding found more easily on later images of a patient who already had it? "
        "Later images show drains, lines and treatment, so this is a proxy for leaning on them, and no more than "
        "that: later disease may also be plainer."
    )
    for name in second.readings[:IN_FULL]:
        yield from same_patients_sentence(second, name)
    yield from composition_sentence(second)


def same_patients_sentence(second: SecondReading, name: str) -> Iterator[str]:
    """Say for which findings later positives are found better within the same patients."""
    rows = of_metric(second, HISTORY, name, SAME_PATIENTS)
    tested = [row for row in rows if numbers.defined(row["p_adjusted"])]
    if not tested:
        yield f"{name}: too few patients have positives of both kinds for a test within the same patients."
        return
    flagged = [row for row in tested if row["flagged"]]
    n = numbers.plural(len(tested), "finding")
    if not flagged:
        yield f"{name}, within the same patients: for none of {n} are later positives found better beyond chance."
        return
    parts = [f"{display(row['finding'])} ({gap_said(row, 'later', 'first')})" for row in flagged]
    yield (
        f"{name}, within the same patients: of {n}, later positives are found better beyond chance for "
        f"{numbers.listing(parts)}."
    )


def gap_said(row: lookup.Row, marked: str, unmarked: str) -> str:
    """Say the two values of a gap, and the gap with its interval."""
    values = (
        f"{numbers.decimal(row['value_marked'])} {marked} against {numbers.decimal(row['value_unmarked'])} {unmarked}"
    )
    if not numbers.defined(row["low"]):
        return f"{values}, {numbers.signed(row['gap'])}"
    bounds = f"{numbers.level(row['level'])} interval {numbers.signed(row['low'])} to {numbers.signed(row['high'])}"
    return f"{values}, {numbers.signed(row['gap'])}, {bounds}"


def composition_sentence(second: SecondReading) -> Iterator[str]:
    """Say that the gap over all positives is mostly about who has many of them, with the example of the largest."""
    rows = of_metric(second, HISTORY, second.readings[0], "auroc")
    within = {row["finding"]: row for row in of_metric(second, HISTORY, second.readings[0], SAME_PATIENTS)}
    both = [row for row in rows if row["finding"] in within]
    if not both:
        return
    row = max(both, key=lambda each: abs(each["gap"]))
    same = within[row["finding"]]
    over_all = gap_said(row, "later", "first")
    yield (
        "The gap over all positives says less: patients with many positives weigh more among the later ones, and "
        "their disease is often plainer on every image, the first included. That is composition; it stays when the "
        f"order of each patient's images is shuffled. {second.readings[0]}, {display(row['finding'])}: {over_all} over "
        f"all positives, and {numbers.signed(same['gap'])} within the same patients."
    )


def tag_lead(second: SecondReading, tag: str) -> Iterator[str]:
    """Say for which findings tagged positives are found better."""
    yield (
        f"Positives with and without the tag {display(tag)}: where those with it are found better, a reader may lean "
        "on what the tag marks, or on disease that is plainer where it is."
    )
    for name in second.readings[:IN_FULL]:
        flagged = [row for metric in SAID_FIRST for row in of_metric(second, tag, name, metric) if row["flagged"]]
        if not flagged:
            yield f"{name}: no finding is found better with {display(tag)} beyond chance."
            continue
        by_finding: dict[str, list[lookup.Row]] = {}
        for row in flagged:
            by_finding.setdefault(row["finding"], []).append(row)
        parts = map(tagged_said, by_finding.values())
        yield f"{name} finds tagged positives better beyond chance for {'; '.join(parts)}."


def tagged_said(flagged: Sequence[lookup.Row]) -> str:
    """Say in which metrics the tagged positives of one finding are found better, the first of them in full."""
    first, *others = flagged
    more = [GAPS[row["metric"]].replace("Sensitivity", "sensitivity") for row in others]
    also = f"; also in {numbers.listing(more)}" if more else ""
    return f"{display(first['finding'])} ({GAPS[first['metric']]}: {gap_said(first, 'with', 'without')}{also})"


def panels_of(second: SecondReading, split_by: str) -> list[str]:
    """Return the metrics that the figure shows: by history only the one that composition does not move."""
    at = second.tables["positives"].filter(pl.col("split_by") == split_by)
    held = set(at["metric"])
    return [metric for metric in GAPS if metric in held and (split_by != HISTORY or metric == SAME_PATIENTS)]


def gap_figure(second: SecondReading, split_by: str, place: int) -> Figure:
    """Return the gaps between two kinds of positives by finding."""
    metrics = panels_of(second, split_by)
    table = second.tables["positives"].filter(pl.col("split_by") == split_by, pl.col("metric").is_in(metrics))
    rows = []
    for row in table.iter_rows(named=True):
        said = f"{display(row['finding'])}, {row['reading']}, {GAPS[row['metric']]}: "
        said += gap_said(row, row["marked"], row["unmarked"]) if numbers.defined(row["gap"]) else "not computed"
        cells = (row["gap"], row["low"], row["high"], said, row["note"] or "")
        rows.append((GAPS[row["metric"]], row["reading"], display(row["finding"]), *cells))
    frame = dots(rows)
    ends = [abs(v) for column in ("value", "low", "high") for v in frame[column].drop_nulls()]
    far = min(1.0, round_up(max(ends, default=0.1)))
    drawing = draw_intervals(
        frame,
        lookup.readers(second).without_floor(),
        order=falling_order(second),
        title=f"{name_of(second, split_by, 'marked')} minus {name_of(second, split_by, 'unmarked')}",
        panels=[GAPS[metric] for metric in metrics],
        domain=(-far, far),
        rules=[0.0],
        width=480 if len(metrics) == 1 else 640,
    )
    level = numbers.level(second.options.level)
    if split_by == HISTORY:
        title = "Later against first positives of the same patients"
        caption = (
            f"AUROC of later minus first positives of a finding, within patients who have both, with {level} "
            "intervals. To the right of the line, later ones are found better. A proxy for drains, lines and treatment."
        )
    else:
        title = f"Positives with and without {split_by}"
        caption = f"Tagged minus untagged positives with {level} intervals. To the right, tagged ones are found better."
    return Figure(f"positives-{place}", title, drawing, caption)


def name_of(second: SecondReading, split_by: str, side: str) -> str:
    """Return what one kind of positives is called."""
    return str(second.tables["positives"].filter(pl.col("split_by") == split_by)[side][0])


def gap_sheet(second: SecondReading, split_by: str, place: int) -> Sheet:
    """Return every gap between two kinds of positives, the one within the same patients first."""
    table = second.tables["positives"].filter(pl.col("split_by") == split_by)
    of = lookup.by_key(table, "reading", "finding", "metric")
    marked, unmarked = (name_of(second, split_by, side) for side in ("marked", "unmarked"))
    columns = [Column("Finding", numeric=False), Column("Reader", numeric=False)]
    columns += [Column(f"Positives, {marked}"), Column(f"Positives, {unmarked}"), Column("Patients with both")]
    columns += [Column(head, title) for title in GAPS.values() for head in (marked, unmarked, "Gap", "p, Holm")]
    rows = []
    for finding in second.study.findings:
        for name in second.readings:
            own = [of.get((name, finding, metric)) for metric in GAPS]
            first = next((row for row in own if row), None)
            sizes = [Cell(numbers.count(first[c] if first else None)) for c in ("n_marked", "n_unmarked")]
            sizes.append(Cell(with_both(own[0])))
            rows.append((Cell(display(finding)), Cell(name), *sizes, *(cell for row in own for cell in gap_cells(row))))
    foot: tuple[str, ...]
    over = "findings" if split_by == HISTORY else "findings and the three metrics"
    foot = (f"p, Holm: adjusted over {over}. Same patients: each patient with positives of both kinds counts once.",)
    if split_by == HISTORY:
        foot += ("Over all positives the gap is mostly composition, and nothing is flagged by it.",)
        title = "Later against first positives: all numbers"
    else:
        title = f"Positives by {split_by}: all numbers"
    return Sheet(f"positives-table-{place}", title, tuple(columns), tuple(rows), foot=foot)


def with_both(row: lookup.Row | None) -> str:
    """Return how many patients a gap within the same patients rests on, as its note says."""
    parts = [part for part in notes_of(row) if part.endswith(BOTH)]
    return numbers.count(int(parts[0].split()[0])) if parts else numbers.DASH


def notes_of(row: lookup.Row | None) -> list[str]:
    """Return the parts of a note."""
    return ((row["note"] or "") if row else "").split("; ")


def gap_cells(row: lookup.Row | None) -> tuple[Cell, ...]:
    """Return the cells of one gap."""
    if row is None:
        return (Cell(numbers.DASH),) * 4
    apart = numbers.interval(row["gap"], row["low"], row["high"], numbers.signed)
    note = "; ".join(part for part in notes_of(row) if not part.endswith(BOTH))
    return (
        Cell(numbers.decimal(row["value_marked"])),
        Cell(numbers.decimal(row["value_unmarked"])),
        Cell(apart, note),
        Cell(numbers.p_value(row["p_adjusted"])),
    )


GUIDE = (
    (
        "A shortcut is something on or about the image that goes with the finding without being it: a chest drain, the "
        "bedside view, an old diagnosis. A reader that leans on it looks good here and fails where it is missing, such "
        "as on the first image of a new disease."
    ),
    (
        "Skill = (AUROC − floor) / (1 − floor). A finding that is half given away by who is imaged has little room "
        "left, so the same AUROC is worth less there."
    ),
    (
        "Matched: only an ill and a healthy image that a floor takes for equally likely to be ill are set against each "
        "other, such as two bedside images of men of one age. What is left of the AUROC was not had from that."
    ),
    (
        "Within the same patients, each patient with an earlier and a later positive image counts once: its later "
        "images less its first one, each placed among all healthy images. If the order within a patient did not matter "
        "the gap would be 0 on average."
    ),
    "None of these numbers shows what a reader looked at. They show where it would be worth looking.",
)
