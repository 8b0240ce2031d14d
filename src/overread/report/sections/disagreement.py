"""Where two readings call different images: who is right there, what changes for whom, and which images to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.quantities import POOLED
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals
from overread.report.figures.scales import round_up
from overread.report.figures.theme import Readers
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.comparison import IN_FULL, Pair, file_names, of_pair, pairs

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

ALL_IMAGES = "all images (prevalence)"
POOLED_NAME = "All findings together"
SIDES = ("only_a", "only_b")
FLOATS = dict.fromkeys(("value", "low", "high"), pl.Float64)


def section(second: SecondReading) -> Section | None:
    """Return the disagreements of every pair of readings; nothing where there is one reading."""
    of = pairs(second)
    if not of:
        return None
    blocks: list[Figure | Sheet] = []
    for place, (pair, name) in enumerate(file_names("disagreement", of).items()):
        stem = name.removeprefix("disagreement-")
        if place < IN_FULL:
            blocks.append(figure(second, pair, name))
        blocks.append(calls_sheet(second, pair, f"calls-{stem}", shown=place < IN_FULL))
        blocks.append(change_sheet(second, pair, f"reclassification-{stem}"))
        if place < IN_FULL:
            blocks.append(images_sheet(second, pair, f"images-{stem}"))
    return Section("disagreement", "Where the readings disagree", tuple(lead(second)), tuple(blocks), GUIDE)


def rows_of(second: SecondReading, pair: Pair) -> dict[str, lookup.Row]:
    """Return the counts of calls by finding."""
    return {row["finding"]: row for row in of_pair(second.tables["disagreement"], pair).iter_rows(named=True)}


def changes_of(second: SecondReading, pair: Pair) -> dict[tuple[str, ...], lookup.Row]:
    """Return the reclassification by finding and label."""
    return lookup.by_key(of_pair(second.tables["reclassification"], pair), "finding", "label")


def name_of(finding: str) -> str:
    """Return a finding as it is read."""
    return POOLED_NAME if finding == POOLED else display(finding)


def prevalence(row: lookup.Row) -> float | None:
    """Return the share of ill among the images counted."""
    return row["n_positive"] / row["n_images"] if row["n_images"] else None


# ---- sentences ----


def lead(second: SecondReading) -> Iterator[str]:
    """Say for each pair how often one calls alone, who is right there, and what changes among ill and healthy."""
    yield (
        "Two readings with the same AUROC may call different images. Where only one of them calls, it is right if the "
        "image shows the finding and the other is right if not; the share that does is read beside the share among "
        "all images, the prevalence."
    )
    of = pairs(second)
    for pair in of[:IN_FULL]:
        yield from pair_sentences(second, pair)
    if len(of) > IN_FULL:
        others = numbers.plural(len(of) - IN_FULL, "pair")
        yield (
            f"The first {IN_FULL} pairs are shown in full; the tables of the other {others} stand below them, closed, "
            "and their images in the file largest_disagreements.csv."
        )


def pair_sentences(second: SecondReading, pair: Pair) -> Iterator[str]:
    """Say all of one pair: every call together, the findings of least and most agreement, the net changes."""
    rows, level = rows_of(second, pair), numbers.level(second.options.level)
    pooled = rows.get(POOLED)
    if pooled is None or not pooled["n_images"]:
        yield f"{pair[0]} and {pair[1]} have no finding with an operating point in both."
        return
    if pooled["n_only_a"] == pooled["n_only_b"] == 0:
        yield f"{pair[0]} and {pair[1]} call the same images for every finding."
        return
    yield pooled_sentence(pooled, pair, level)
    yield from finding_sentences([row for row in rows.values() if row["finding"] != POOLED], pair, level)
    yield from change_sentence(changes_of(second, pair), pair, level)


def pooled_sentence(row: lookup.Row, pair: Pair, level: str) -> str:
    """Say how many calls of all findings one reading makes alone, and how many of them are right."""
    a, b = pair
    right = ill_clause(row, pair, level, "are right")
    return (
        f"{a} and {b}, all findings together: {numbers.plural(row['n_only_a'], 'call')} of {a} alone and "
        f"{numbers.count(row['n_only_b'])} of {b} alone{right}. The prevalence over all "
        f"{numbers.count(row['n_images'])} answers, one for each image and finding, is "
        f"{numbers.percent(prevalence(row))}."
    )


def finding_sentences(rows: list[lookup.Row], pair: Pair, level: str) -> Iterator[str]:
    """Say on which finding the calls agree least, what holds there, and on which they agree most."""
    ends = lookup.extremes(rows, "kappa")
    if ends is None:
        return
    least, most = ends
    if least is not most:
        yield (
            f"Beyond what chance would give, their calls agree least on {display(least['finding'])} (kappa "
            f"{numbers.decimal(least['kappa'], 2)}) and most on {display(most['finding'])} "
            f"({numbers.decimal(most['kappa'], 2)})."
        )
    yield finding_sentence(least, pair, level)
    yield apart_sentence(rows, pair, level)


def apart_sentence(rows: list[lookup.Row], pair: Pair, level: str) -> str:
    """Say for which findings the lone calls of one reading are right more often, the intervals lying apart."""
    parts = []
    for name, other, (high, low) in (
        (*pair, ("only_a", "only_b")),
        (*pair[::-1], ("only_b", "only_a")),
    ):
        above = [display(row["finding"]) for row in rows if lies_above(share(row, high), share(row, low))]
        if above:
            parts.append(
                f"the lone calls of {name} are right more often than those of {other} on {numbers.listing(above)}"
            )
    if not parts:
        return f"On no finding do the {level} intervals of the two shares of ill lie apart."
    said = "; ".join(parts)
    return (
        f"{said[0].upper()}{said[1:]}: there the {level} intervals lie apart. A reading that calls fewer images has "
        "the advantage in this, whatever it sees."
    )


def lies_above(one: lookup.Row, other: lookup.Row) -> bool:
    """Return whether an interval lies wholly above another."""
    return numbers.defined(one["low"]) and numbers.defined(other["high"]) and bool(one["low"] > other["high"])


def finding_sentence(row: lookup.Row, pair: Pair, level: str) -> str:
    """Say how many images one reading calls alone for a finding, and how many of them are ill, with the prevalence."""
    a, b = pair
    verb = "is" if row["n_only_a"] == 1 else "are"
    return (
        f"On {display(row['finding'])}, {numbers.plural(row['n_only_a'], 'image')} {verb} called by {a} alone and "
        f"{numbers.count(row['n_only_b'])} by {b} alone{ill_clause(row, pair, level, 'are ill')}; "
        f"{numbers.percent(prevalence(row))} of all images are."
    )


def ill_clause(row: lookup.Row, pair: Pair, level: str, are: str) -> str:
    """Say the share of ill among the images that one reading calls alone, as far as there are any."""
    shares = [share(row, side) for side in SIDES]
    if all(numbers.defined(each["value"]) for each in shares):
        first, second = lookup.share(shares[0], level), lookup.share(shares[1])
        return f"; of the former {first} {are}, of the latter {second}"
    known = [(name, each) for name, each in zip(pair, shares, strict=True) if numbers.defined(each["value"])]
    return "".join(f"; of those of {name} alone {lookup.share(each, level)} {are}" for name, each in known)


def share(row: lookup.Row, side: str) -> lookup.Row:
    """Return the share of ill among the images that one reading calls alone."""
    return {end: row[f"share_ill_{side}{suffix}"] for end, suffix in zip(FLOATS, ("", "_low", "_high"), strict=True)}


def change_sentence(changes: dict[tuple[str, ...], lookup.Row], pair: Pair, level: str) -> Iterator[str]:
    """Say what changes among the ill and among the healthy, all findings together, each for itself."""
    ill, healthy = (changes.get((POOLED, label)) for label in ("ill", "healthy"))
    if ill is None or healthy is None or not numbers.defined(ill["net"]) or not numbers.defined(healthy["net"]):
        return
    yield (
        f"With {pair[0]} in the place of {pair[1]}, the share of the ill that is called changes by "
        f"{points(ill, f'{level} interval ')} percentage points and the share of the healthy that is spared by "
        f"{points(healthy)}. The two are not added up: what a missed finding weighs against a false alarm is not a "
        "matter of counting."
    )


def points(row: lookup.Row, named: str = "") -> str:
    """Write a net change in percentage points with its interval.

    >>> points({"net": 0.0107, "low": -0.0034, "high": 0.0258})
    '+1.1 (−0.3 to +2.6)'
    """
    net, low, high = (100 * row[end] if numbers.defined(row[end]) else None for end in ("net", "low", "high"))
    if low is None or high is None:
        return numbers.signed(net, 1)
    return f"{numbers.signed(net, 1)} ({named}{numbers.signed(low, 1)} to {numbers.signed(high, 1)})"


# ---- the figure ----


def figure(second: SecondReading, pair: Pair, name: str) -> Figure:
    """Return the share of ill among the images that one reading calls alone, beside the prevalence."""
    drawn = drawn_rows(second, pair)
    order = [display(finding) for finding in most_frequent_first(second, pair)]
    ends = [*drawn["value"].drop_nulls(), *drawn["high"].drop_nulls()]
    drawing = draw_intervals(
        drawn,
        Readers(second.readings, ALL_IMAGES, shown=(*pair, ALL_IMAGES)),
        order=order,
        title="share of the images that shows the finding, in %",
        domain=(0.0, min(100.0, round_up(max(ends, default=0.0)))),
    )
    caption = (
        f"Of the images that only {pair[0]} or only {pair[1]} calls, the share that shows the finding, with "
        f"{numbers.level(second.options.level)} intervals (patients resampled). The grey bar is the share among all "
        "images, the prevalence; findings in the order of it."
    )
    return Figure(name, f"Images that one of {pair[0]} and {pair[1]} calls alone: how many are ill", drawing, caption)


def most_frequent_first(second: SecondReading, pair: Pair) -> list[str]:
    """Return the findings in falling order of their prevalence."""
    rows = rows_of(second, pair)
    return sorted(second.study.findings, key=lambda finding: -(prevalence(rows[finding]) or 0.0))


def drawn_rows(second: SecondReading, pair: Pair) -> pl.DataFrame:
    """Return the shares of ill and the prevalence by finding, in percent, each with its sentence."""
    of, level = rows_of(second, pair), numbers.level(second.options.level)
    rows: list[tuple[object, ...]] = []
    for finding in second.study.findings:
        row, title = of[finding], display(finding)
        for name, side in zip(pair, SIDES, strict=True):
            own = share(row, side)
            alone = f"{title}, called by {name} alone: {numbers.plural(row[f'n_{side}'] or 0, 'image')}"
            said = f"{alone}, of which {lookup.share(own, level)} are ill"
            cells = (None if own[end] is None else 100 * own[end] for end in FLOATS)
            rows.append((name, title, *cells, said, row["note"] or "not computed"))
        of_all = prevalence(row)
        said = f"{title}, all images: {numbers.percent(of_all)} are ill"
        rows.append((ALL_IMAGES, title, None if of_all is None else 100 * of_all, None, None, said, row["note"] or ""))
    names, text = (dict.fromkeys(columns, pl.String) for columns in (("reading", "row"), ("sentence", "note")))
    return pl.DataFrame(rows, schema={**names, **FLOATS, **text}, orient="row")


# ---- the tables ----


def calls_sheet(second: SecondReading, pair: Pair, name: str, *, shown: bool) -> Sheet:
    """Return the calls of both, of one and of neither, how many ill there are where one calls alone, and kappa."""
    level = numbers.level(second.options.level)
    columns = [
        Column("Finding", numeric=False),
        *(Column(title) for title in ("Images with it", "Called by both", "By neither")),
    ]
    for each in pair:
        columns += [Column(title, f"Called by {each} alone") for title in ("Images", f"Ill, % ({level})")]
    columns.append(Column(f"Kappa ({level})"))
    of = rows_of(second, pair)
    rows = tuple(calls_cells(of[finding], pair) for finding in (*second.study.findings, POOLED) if finding in of)
    foot = (
        "Intervals by resampling patients. Calls are those at the operating points. Kappa: agreement of the calls "
        "beyond chance, from 0 (none) to 1 (the same images).",
        f"{POOLED_NAME}: one answer for each image and finding.",
    )
    return Sheet(name, f"{pair[0]} and {pair[1]}: who calls what", tuple(columns), rows, shown=shown, foot=foot)


def calls_cells(row: lookup.Row, pair: Pair) -> tuple[Cell, ...]:
    """Return the cells of one finding; a note stands where it belongs."""
    of_row, *of_sides, of_kappa = notes(row["note"] or "", pair)
    with_it = f"{numbers.count(row['n_positive'])} ({numbers.percent(prevalence(row))})"
    cells = [Cell(name_of(row["finding"]), of_row), Cell(with_it if row["n_images"] else numbers.DASH)]
    cells += [Cell(numbers.count(row[column])) for column in ("n_both", "n_neither")]
    for side, note in zip(SIDES, of_sides, strict=True):
        own = share(row, side)
        ill = numbers.interval(own["value"], own["low"], own["high"], hundred)
        cells += [Cell(numbers.count(row[f"n_{side}"])), Cell(ill, note)]
    kappa = numbers.interval(row["kappa"], row["kappa_low"], row["kappa_high"], hundredth)
    return (*cells, Cell(kappa, of_kappa))


def hundred(value: float | None) -> str:
    """Write a share in percent, without the sign."""
    return numbers.decimal(None if value is None else 100 * value, 1)


def hundredth(value: float | None) -> str:
    """Write with two decimals."""
    return numbers.decimal(value, 2)


def notes(note: str, pair: Pair) -> tuple[str, str, str, str]:
    """Return the parts of a row's note: on the row, on the images of a alone, of b alone, on kappa.

    >>> notes("no image is called by b alone; kappa: undefined in 3 of 2000 replicates", ("x", "y"))
    ('', '', 'no image is called by y alone', 'undefined in 3 of 2000 replicates')
    """
    found: dict[str, list[str]] = {"": [], "a": [], "b": [], "kappa": []}
    for part in note.split("; ") if note else []:
        for letter, name in zip("ab", pair, strict=True):
            if part.startswith(f"share_ill_only_{letter}: "):
                found[letter].append(part.split(": ", 1)[1])
                break
            if part == f"no image is called by {letter} alone":
                found[letter].append(f"no image is called by {name} alone")
                break
        else:
            found["kappa" if "kappa" in part else ""].append(part.removeprefix("kappa: "))
    row, a, b, kappa = ("; ".join(parts) for parts in found.values())
    return row, a, b, kappa


LABELS = {"ill": ("Of the ill", "Net, called"), "healthy": ("Of the healthy", "Net, spared")}


def change_sheet(second: SecondReading, pair: Pair, name: str) -> Sheet:
    """Return what one reading in the place of the other changes among the ill and, apart from them, the healthy."""
    level = numbers.level(second.options.level)
    columns = [Column("Finding", numeric=False)]
    for group, net in LABELS.values():
        titles = ("Images", f"Called by {pair[0]} alone", f"By {pair[1]} alone", f"{net} ({level})")
        columns += [Column(title, group) for title in titles]
    of = changes_of(second, pair)
    rows = []
    for finding in (*second.study.findings, POOLED):
        cells = [Cell(name_of(finding))]
        for label in LABELS:
            row = of.get((finding, label))
            cells += change_cells(row) if row else [Cell(numbers.DASH)] * 4
        rows.append(tuple(cells))
    foot = (
        f"Net: the change with {pair[0]} in the place of {pair[1]}, in percentage points. Above 0 more of the ill are "
        "called, or more of the healthy spared. These are the differences in sensitivity and in specificity.",
        "Their sum, the 'net reclassification improvement', is not given: it would weigh one ill person as (1 − "
        "prevalence) / prevalence healthy ones, whatever a missed finding and a false alarm cost.",
    )
    title = f"{pair[0]} in the place of {pair[1]}: who gains and who loses (reclassification)"
    return Sheet(name, title, tuple(columns), tuple(rows), foot=foot)


def change_cells(row: lookup.Row) -> list[Cell]:
    """Return the cells of one finding and label."""
    counts = [Cell(numbers.count(row[column])) for column in ("n_images", "n_only_a", "n_only_b")]
    return [*counts, Cell(points(row), row["note"] or "")]


def images_sheet(second: SecondReading, pair: Pair, name: str) -> Sheet:
    """Return the images that the two readings put furthest apart, for a person to look at."""
    table = of_pair(second.tables["largest_disagreements"], pair)
    columns = [Column("Image", numeric=False)]
    columns += [Column(title, numeric=False) for title in ("Finding", "Label", "Put higher by")]
    for each in pair:
        columns += [Column("Score", each), Column("Percentile", each), Column("Call", each, numeric=False)]
    rows = tuple(image_cells(row, pair) for row in table.iter_rows(named=True))
    foot = (
        "Percentile: the share of all images, in percent, that the same reading scores lower. Scores of two readings "
        "are on scales of their own, so the distance is that of the percentiles. One image of each patient at most "
        "for a finding and direction.",
    )
    return Sheet(name, f"{pair[0]} and {pair[1]}: images to look at", tuple(columns), rows, foot=foot)


def image_cells(row: lookup.Row, pair: Pair) -> tuple[Cell, ...]:
    """Return the cells of one image."""
    label = {1: "present", 0: "absent"}.get(row["label"], numbers.DASH)
    cells = [row["image"], display(row["finding"]), label, pair[row["higher"] == "b"]]
    for letter in "ab":
        call = {True: "yes", False: "no", None: numbers.DASH}[row[f"called_{letter}"]]
        cells += [numbers.score(row[f"score_{letter}"]), numbers.decimal(row[f"percentile_{letter}"], 1), call]
    return tuple(Cell(text) for text in cells)


GUIDE = (
    (
        "An image that only one reading calls settles nothing by itself. If the images that it calls alone are ill no "
        "more often than all images, its calls there add little; if they are ill more often, the other reading "
        "misses people."
    ),
    (
        "A reading that calls less has, as a rule, more ill people among its lone calls, whatever it sees: the two "
        "shares show what each would add to the other, and do not say which reading orders the images better. For a "
        "rare finding most lone calls are false alarms of either."
    ),
    (
        "The ill and the healthy are counted apart, because gaining a call is good for the ill and bad for the "
        "healthy. How many false alarms one more person found is worth is asked in the section on 1,000 people."
    ),
    (
        "The images to look at are those that the two readings put furthest apart in their own order, five each way "
        "for a finding at most. Either reading may be wrong there, and so may the label."
    ),
)
