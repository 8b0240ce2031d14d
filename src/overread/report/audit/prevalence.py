"""How frequent each finding is: in all images, by split, by attribute, and beside other findings."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from overread.analyses.audit import Audit
from overread.analyses.audit_prevalence import difference_said, worth_saying
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.audit.opening import PARTS, unbroken
from overread.report.figures.dots import draw_intervals
from overread.report.figures.heatmaps import RATIO_BANDS, RATIO_EDGES, heat_map
from overread.report.figures.scales import round_up
from overread.report.figures.theme import READERS, Readers
from overread.report.section import Cell, Column, Figure, Section, Sheet

ATTRIBUTES = {"gender": "gender", "view": "view", "age": "age (years)", "follow_up": "follow-up number"}
MOST_FINDINGS = 30
"""Findings in a heat map: more could not be read."""


def by_split(audit: Audit) -> Section:
    """Return the prevalence of each finding in all images and by split."""
    table = audit.tables["prevalence"].filter(pl.col("attribute").is_in(["", "split"]))
    splits = [name for name in table["subgroup"].unique(maintain_order=True) if name] or [""]
    blocks: list[Figure | Sheet] = [figure(audit, table, splits, "prevalence", "by split", PARTS)]
    blocks += [prevalence_sheet(audit, table, [*dict.fromkeys(["", *splits])], PARTS, "prevalence", "Prevalence")]
    if len(audit.tables["split_differences"]):
        blocks.append(differences_sheet(audit))
    blocks.append(labels_sheet(audit))
    return Section("prevalence", "How frequent each finding is", tuple(split_lead(audit)), tuple(blocks), GUIDE)


def split_lead(audit: Audit) -> list[str]:
    """Say which findings are frequent, and which differ most between splits."""
    rows = audit.tables["prevalence"].filter(pl.col("attribute") == "", pl.col("finding") != "")
    ends = lookup.extremes(rows.iter_rows(named=True))
    lead = []
    if ends and ends[0]["finding"] != ends[1]["finding"]:
        rare, frequent = (
            f"{display(row['finding'])} ({numbers.count(row['n_positive'])} images, {numbers.percent(row['value'], 2)})"
            for row in ends
        )
        lead.append(f"The most frequent finding is {frequent}, the rarest {rare}.")
    for own in worth_saying(audit.tables["split_differences"]).partition_by("split", "against", maintain_order=True):
        largest = "; ".join(difference_said(row) for row in own.head(3).iter_rows(named=True))
        lead.append(unbroken(f"The largest differences between splits: {largest}."))
    return lead


def by_attribute(audit: Audit) -> Section | None:
    """Return the prevalence of each finding by attribute; none where the cohort has none."""
    table = audit.tables["prevalence"].filter(~pl.col("attribute").is_in(["", "split"]))
    blocks: list[Figure | Sheet] = []
    lead = []
    for name in table["attribute"].unique(maintain_order=True):
        own = table.filter(pl.col("attribute") == name)
        groups = own["subgroup"].unique(maintain_order=True).to_list()
        title = ATTRIBUTES.get(name, display(name))
        if name in ATTRIBUTES and len(groups) <= READERS:
            blocks.append(figure(audit, own, groups, f"prevalence-{name.replace('_', '-')}", f"by {title}", {}))
        place = len(blocks)
        blocks.append(prevalence_sheet(audit, own, groups, {}, f"by-attribute-{place}", f"Prevalence by {title}"))
        lead += widest(own, title)
    return Section("attributes", "Who has which finding", tuple(lead), tuple(blocks), BY_GUIDE) if blocks else None


def widest(own: pl.DataFrame, title: str) -> list[str]:
    """Say for an attribute the finding whose prevalence differs most, among intervals that do not meet."""
    best: tuple[float, str] | None = None
    for finding in own.filter(pl.col("finding") != "")["finding"].unique(maintain_order=True):
        ends = lookup.extremes(own.filter(pl.col("finding") == finding, pl.col("low") > 0).iter_rows(named=True))
        if ends and ends[1]["low"] > ends[0]["high"]:
            low, high = ends
            times = high["value"] / low["value"]
            shares = (f"{numbers.percent(row['value'], 2)} ({row['subgroup']})" for row in (high, low))
            said = f"By {title}, {display(finding)} differs most: {' against '.join(shares)}."
            best = max(best or (0.0, ""), (times, said))
    return [] if best is None else [best[1]]


def figure(
    audit: Audit, table: pl.DataFrame, groups: Sequence[str], name: str, title: str, names: dict[str, str]
) -> Figure:
    """Return a dot plot of prevalence, a mark per group."""
    level = numbers.level(audit.level)
    shown = table.filter(pl.col("finding") != "", pl.col("subgroup").is_in(groups))
    rows = [
        (
            names.get(row["subgroup"], row["subgroup"]),
            display(row["finding"]),
            row["value"],
            row["low"],
            row["high"],
            row["note"] or "",
            f"{display(row['finding'])}, {names.get(row['subgroup'], row['subgroup'])}: {lookup.share(row, level)} "
            f"of {numbers.plural(row['n_images'], 'image')}",
        )
        for row in shown.iter_rows(named=True)
    ]
    floats = {"value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    schema = {"reading": pl.String, "row": pl.String, **floats, "note": pl.String, "sentence": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    highest = max((value for column in ("value", "high") for value in frame[column].drop_nulls()), default=1.0)
    readers = Readers(tuple(names.get(group, group) for group in groups))
    drawing = draw_intervals(
        frame, readers, order=falling(audit), title="prevalence (share of images)", domain=(0.0, round_up(highest))
    )
    caption = f"Share of images with each finding {title}, with {level} intervals by patient."
    return Figure(name, f"Prevalence {title}", drawing, caption)


def falling(audit: Audit) -> list[str]:
    """Return the names of the findings, the most frequent first."""
    rows = audit.tables["prevalence"].filter(pl.col("attribute") == "", pl.col("finding") != "")
    return [display(name) for name in rows.sort("n_positive", descending=True, maintain_order=True)["finding"]]


def prevalence_sheet(
    audit: Audit, table: pl.DataFrame, groups: Sequence[str], names: dict[str, str], name: str, title: str
) -> Sheet:
    """Return positives and prevalence of each finding, two columns per group."""
    of = lookup.by_key(table, "finding", "subgroup")
    columns = [Column("Finding", numeric=False)]
    for group in groups:
        columns += [Column(text, names.get(group, group)) for text in ("Positive", "Prevalence in %")]
    rows = []
    for finding in (*audit.cohort.findings, ""):
        cells = [Cell(display(finding) or "Any finding")]
        for group in groups:
            row = of[finding, group]
            cells += [Cell(numbers.count(row["n_positive"])), Cell(percent_interval(row), row["note"] or "")]
        rows.append(tuple(cells))
    sizes = (of["", group] for group in groups)
    foot = "; ".join(
        f"{names.get(row['subgroup'], row['subgroup'])}: {numbers.plural(row['n_images'], 'image')}" for row in sizes
    )
    level = f"In brackets: {numbers.level(audit.level)} intervals by patient."
    return Sheet(name, title, tuple(columns), tuple(rows), foot=(f"{foot}. {level}",))


def percent_interval(row: lookup.Row) -> str:
    """Write a share in percent with its interval, the sign left to the head of the column."""
    write = lambda value: numbers.decimal(None if value is None else 100 * value, 2)  # noqa: E731
    return numbers.interval(row["value"], row["low"], row["high"], write)


def differences_sheet(audit: Audit) -> Sheet:
    """Return the differences between splits."""
    titles = ("Prevalence in %", "Against in %", "Ratio", "Difference in points", "p (Holm)")
    columns = (*(Column(t, numeric=False) for t in ("Finding", "Split", "Against")), *(Column(t) for t in titles))
    rows = []
    for row in audit.tables["split_differences"].iter_rows(named=True):
        shares = (row["prevalence"], row["prevalence_against"])
        bounds = percent_interval({"value": row["difference"], "low": row["low"], "high": row["high"]})
        rows.append(
            (
                *(Cell(text) for text in (display(row["finding"]), row["split"], row["against"])),
                *(Cell(numbers.decimal(None if v is None else 100 * v, 2)) for v in shares),
                Cell(numbers.ratio(row["ratio"])),
                Cell(bounds, row["note"] or ""),
                Cell(numbers.p_value(row["p_adjusted"])),
            )
        )
    return Sheet("split-differences", "Prevalence between splits", columns, tuple(rows))


def labels_sheet(audit: Audit) -> Sheet:
    """Return how many findings images carry."""
    columns = (Column("Findings on the image", numeric=False), Column("Images"), Column("Share"))
    rows = tuple(
        (Cell(str(row["n_labels"])), Cell(numbers.count(row["n_images"])), Cell(numbers.percent(row["share"])))
        for row in audit.tables["label_counts"].iter_rows(named=True)
    )
    return Sheet("label-counts", "Findings per image", columns, rows)


# --- findings beside each other --------------------------------------------------------------------------------------


def together(audit: Audit) -> Section | None:
    """Return how often findings share an image; none where there is one finding."""
    table = audit.tables["cooccurrence"]
    if table.is_empty():
        return None
    blocks: tuple[Figure | Sheet, ...] = (together_sheet(audit, table),)
    if len(audit.cohort.findings) <= MOST_FINDINGS:
        blocks = (heat(audit, table), *blocks)
    return Section("together", "Findings that come together", tuple(together_lead(table)), blocks, TOGETHER_GUIDE)


def together_lead(table: pl.DataFrame) -> list[str]:
    """Say which findings attract and which avoid each other most."""
    lead = []
    known = table.filter(pl.col("expected") >= 10)
    for towards, own in (
        ("more", known.filter(pl.col("low") > 1).sort("ratio", descending=True, maintain_order=True)),
        ("less", known.filter(pl.col("high") < 1).sort("ratio", maintain_order=True)),
    ):
        if len(own):
            said = "; ".join(
                f"{display(row['finding'])} with {display(row['other'])} ({numbers.count(row['n_both'])} images, "
                f"{numbers.ratio(row['ratio'])} times)"
                for row in own.head(3).iter_rows(named=True)
            )
            lead.append(f"Together {towards} often than if they fell independently: {said}.")
    return lead


def heat(audit: Audit, table: pl.DataFrame) -> Figure:
    """Return the heat map of observed to expected."""
    cells = []
    for row in table.iter_rows(named=True):
        clear = row["low"] is not None and (row["low"] > 1 or row["high"] < 1)
        text = heat_text(row["ratio"])
        for one, other in ((row["finding"], row["other"]), (row["other"], row["finding"])):
            said = (
                f"{display(one)} and {display(other)}: {numbers.count(row['n_both'])} images, expected "
                f"{numbers.decimal(row['expected'], 1)}, ratio "
                f"{numbers.interval(row['ratio'], row['low'], row['high'], numbers.ratio)}"
            )
            cells.append((display(one), display(other), row["ratio"], text, said, clear))
    schema = {"row": pl.String, "column": pl.String, "value": pl.Float64, "text": pl.String, "sentence": pl.String}
    frame = pl.DataFrame(cells, schema=schema | {"clear": pl.Boolean}, orient="row")
    order = [display(finding) for finding in audit.cohort.findings]
    key = "Images with both, times as many as if findings fell independently"
    drawing = heat_map(frame, RATIO_EDGES, RATIO_BANDS, order, titles=("finding", "together with →"), key=key)
    caption = (
        "Images that show both findings, observed to expected if findings fell independently. Bold: the "
        f"{numbers.level(audit.level)} interval by patient lies on one side of 1."
    )
    return Figure("cooccurrence", "Findings that come together", drawing, caption)


def heat_text(ratio: float | None) -> str:
    """Write a ratio so that it fits into a cell."""
    if ratio is None:
        return numbers.DASH
    return numbers.decimal(ratio, 1 if ratio >= 10 else 2)


def together_sheet(audit: Audit, table: pl.DataFrame) -> Sheet:
    """Return each pair of findings with its counts."""
    titles = ("Together", "Expected", "Observed to expected")
    columns = (Column("Finding", numeric=False), Column("Other", numeric=False), *(Column(t) for t in titles))
    rows = tuple(
        (
            Cell(display(row["finding"])),
            Cell(display(row["other"])),
            Cell(numbers.count(row["n_both"])),
            Cell(numbers.decimal(row["expected"], 1)),
            Cell(numbers.interval(row["ratio"], row["low"], row["high"], numbers.ratio), row["note"] or ""),
        )
        for row in table.iter_rows(named=True)
    )
    foot = f"In brackets: {numbers.level(audit.level)} intervals by patient."
    return Sheet("cooccurrence", "Pairs of findings", columns, rows, foot=(foot,))


GUIDE = (
    "Prevalence decides how often a call is right (PPV), and a calibration learnt at one prevalence does not hold at "
    "another. Where the splits differ, so do these.",
    "Intervals are Wilson's for as many independent images as the patients are worth: images of one patient count less "
    "than images of several.",
)
BY_GUIDE = (
    "A finding that is more frequent in a subgroup lets a model gain by telling the subgroup: look at the AUROC within "
    "each.",
    "These are labels of images that were taken for a reason, not of people: AP images, for one, are of people too ill "
    "to stand.",
)
TOGETHER_GUIDE = (
    "1 means that one finding says nothing about the other. Above 1 they come together, and a model that calls one may "
    "live off the other; below 1 they avoid each other, or the report named only one of them.",
)
