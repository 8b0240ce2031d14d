"""How good the labels are: against a better truth, what readers reach under both, and what noise does without one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.label_quality import DIFFERENCE, WITHOUT
from overread.analyses.label_sample import BETTER, COHORT, CORRECTED, FOUND, HEALTHY, ILL
from overread.records.adjudicated import JOINED
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals, lower_end
from overread.report.glossary import METRICS
from overread.report.section import Cell, Column, Figure, Section, Sheet

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

IN_FULL = 3
"""So many readers, and pairs of them, have sentences; the tables hold all."""

WARNING = (
    "A correction holds only where the labels' errors are independent of the image: where a label misses a "
    "faint finding no more often than a plain one, and invents one no more often on an image that looks ill. Such "
    "errors pull all AUROCs towards 0.5 by one factor and cannot reverse which of two readers is ahead. Errors that "
    "follow the image break this: they can flatter a reader that errs with the labels, and reverse the order of two."
)


def section(second: SecondReading) -> Section | None:
    """Return the section on label quality; None where neither a better truth nor a size of noise was given."""
    if rows(second, "label_noise").is_empty():
        return None
    sheets = (mapping, agreement, truths, errors, noise, order)
    blocks = [block for block in (figure(second), *(sheet(second) for sheet in sheets)) if block is not None]
    return Section("label-quality", "How good the labels are", tuple(lead(second)), tuple(blocks), GUIDE)


def rows(second: SecondReading, table: str) -> pl.DataFrame:
    """Return a table of the analysis; none where there is no such table."""
    return second.tables.get(table, pl.DataFrame())


def labels(second: SecondReading) -> list[str]:
    """Return the labels of the better truth that stand for a finding, in their order."""
    agreed = rows(second, "label_agreement")
    return [] if agreed.is_empty() else agreed["label"].unique(maintain_order=True).to_list()


def stands_for(finding: str) -> str:
    """Write the findings that a label stands for.

    >>> stands_for("Nodule|Pleural_Thickening"), stands_for("")
    ('Nodule or Pleural Thickening', '–')
    """
    return " or ".join(display(each) for each in finding.split(JOINED)) if finding else numbers.DASH


def level_of(second: SecondReading) -> str:
    """Write the level of the intervals."""
    return numbers.level(second.options.level)


# --- sentences -------------------------------------------------------------------------------------------------------


def lead(second: SecondReading) -> Iterator[str]:
    """Say, label by label, how it agrees, what readers reach under both truths, the warning; then what noise does."""
    for label in labels(second):
        yield from agreement_sentence(second, label)
        yield from chain(truth_sentences(second, label), order_sentences(second, label), error_sentence(second, label))
    yield WARNING
    yield from noise_sentences(second)


def agreement_sentence(second: SecondReading, label: str) -> Iterator[str]:
    """Say how often the cohort's label is right."""
    of = lookup.by_key(rows(second, "label_agreement").filter(label=label), "metric")
    first = of["sensitivity",]
    patients = f" of {numbers.plural(first['n_patients'], 'patient')}" if first["n_patients"] is not None else ""
    level = level_of(second)
    yield (
        f"{display(label)}: on {numbers.plural(first['n_images'], 'image')}{patients} that have both, the cohort's "
        f"label ({stands_for(first['finding'])}) is found on {share(first, level)} of the images that are ill by the "
        f"better truth, and of the images that carry it {share(of['ppv',], level)} are ill. Kappa is "
        f"{kappa(of['kappa',])}."
    )
    if first["n_hedged"]:
        yield f"{numbers.plural(first['n_hedged'], 'hedged answer')} on {display(label)} left out."


def share(row: lookup.Row, level: str) -> str:
    """Say a share, or why there is none."""
    return lookup.share(row, level) if numbers.defined(row["value"]) else f"an unknown share ({row['note']})"


def kappa(row: lookup.Row) -> str:
    """Write kappa with its interval."""
    if not numbers.defined(row["value"]):
        return f"not defined ({row['note']})"
    return numbers.interval(row["value"], row["low"], row["high"], two)


def two(value: numbers.Number) -> str:
    """Write with two decimals."""
    return numbers.decimal(value, 2)


def truth_sentences(second: SecondReading, label: str) -> Iterator[str]:
    """Say what readers reach under both truths."""
    of = lookup.by_key(rows(second, "label_truths").filter(label=label, metric="auroc"), "reading", "truth")
    n = of[second.readings[0], BETTER]["n_images"]
    if not n:
        yield f"No reported image has a better truth on {display(label)}."
        return
    parts, lacking = [], []
    for name in second.readings[:IN_FULL]:
        cohort, better, apart = (of[name, truth] for truth in (COHORT, BETTER, DIFFERENCE))
        if numbers.defined(apart["value"]):
            values = f"{numbers.decimal(cohort['value'])} and {numbers.decimal(better['value'])} for {name}"
            parts.append(f"{values} (change {difference(apart)})")
        else:
            lacking.append(f"{name} ({better['note'] or cohort['note']})")
    start = f"On the {numbers.plural(n, 'reported image')} with both, the AUROC for {display(label)} under the "
    if parts:
        yield (
            f"{start}cohort's labels and under the better truth is {numbers.listing(parts)}; {level_of(second)} "
            "intervals."
        )
    if lacking:
        yield f"{start}cohort's labels cannot be set beside that under the better truth for {numbers.listing(lacking)}."


def order_sentences(second: SecondReading, label: str) -> Iterator[str]:
    """Say which of two readers is ahead under each truth, where it is not the same."""
    of = rows(second, "label_order").filter(label=label, source=FOUND)
    pairs = of.select("reading_a", "reading_b").unique(maintain_order=True).rows()
    turned = []
    for a, b in pairs:
        own = lookup.by_key(of.filter(reading_a=a, reading_b=b), "truth")
        cohort, better = own[COHORT,], own[BETTER,]
        if not numbers.defined(cohort["value"]) or not numbers.defined(better["value"]):
            continue
        if cohort["value"] * better["value"] < 0:
            turned.append((a, b, cohort, better))
    for a, b, cohort, better in turned[:IN_FULL]:
        ahead, behind = (a, b) if better["value"] > 0 else (b, a)
        yield (
            f"For {display(label)} the order of {a} and {b} is not the same: on these images {behind} has the higher "
            f"AUROC under the cohort's labels and {ahead} under the better truth. {a} minus {b} is "
            f"{difference(cohort)} "
            f"under the former and {difference(better)} under the latter ({level_of(second)} intervals)"
            f"{chance(cohort, better)}."
        )


def chance(*differences: lookup.Row) -> str:
    """Say how far a turned order may be chance."""
    sure = [numbers.defined(row["low"]) and row["low"] * row["high"] > 0 for row in differences]
    if all(sure):
        return ", both beyond chance"
    return "; the latter alone is beyond chance" if sure[-1] else "; with so few images this may be chance"


def difference(row: lookup.Row) -> str:
    """Write a difference of two AUROCs."""
    return numbers.interval(row["value"], row["low"], row["high"], numbers.signed)


def error_sentence(second: SecondReading, label: str) -> Iterator[str]:
    """Say whether the errors of the label follow the image."""
    of = rows(second, "label_errors").filter(label=label).drop_nulls("value")
    if of.is_empty():
        yield f"Whether the errors of {display(label)} follow the image cannot be seen: too few labels are wrong."
        return
    following = of.filter((pl.col("low") > 0.5) | (pl.col("high") < 0.5))
    if following.is_empty():
        yield (
            f"No sign that the errors of {display(label)} follow the image: among images of one truth, no "
            "reader scores "
            "the labelled ones otherwise than the others beyond chance."
        )
        return
    row = following.sort((pl.col("value") - 0.5).abs(), descending=True, maintain_order=True).row(0, named=True)
    truly, right = (HEALTHY, "wrongly") if row["among"] == HEALTHY else (ILL, "rightly")
    where = "higher" if row["value"] > 0.5 else "lower"
    yield (
        f"The errors of {display(label)} follow the image: among truly {truly} images, {row['reading']} scores those "
        f"that are labelled ({right}) {where} than the others, an AUROC of {lookup.said(row, second.options.level)} "
        "where independent errors give 0.5. No correction below should be relied on for it."
    )


def noise_sentences(second: SecondReading) -> Iterator[str]:
    """Say what labels of that quality do to the readers on the images without a better truth."""
    of = rows(second, "label_noise").filter(metric="auroc")
    for source, label in of.select("source", "label").unique(maintain_order=True).rows():
        own = of.filter(source=source, label=label, reading=second.readings[0]).row(0, named=True)
        rates = (own["label_sensitivity"], own["label_specificity"])
        first, other = (numbers.decimal(rate) if numbers.defined(rate) else "not known" for rate in rates)
        quality = f"a label sensitivity of {first} and specificity of {other}".replace("of not", "not")
        how = "found above" if source == FOUND else "stated, and taken for exact"
        start = f"{display(label)}, on {numbers.plural(own['n_images'], 'image')} without a better truth"
        seen = f"the AUROC of {own['reading']} is {numbers.decimal(own['seen'])} under the cohort's labels"
        if numbers.defined(own["value"]):
            yield (
                f"{start}: {seen}; with {quality} ({how}), and errors independent of the image, it would be "
                f"{lookup.said(own, second.options.level)} under the truth."
            )
        else:
            yield f"{start}: {seen}; with {quality} ({how}) it cannot be corrected: {own['note']}."


# --- the figure ------------------------------------------------------------------------------------------------------


def figure(second: SecondReading) -> Figure | None:
    """Return the AUROC of every reader under both truths, on the same images."""
    of = rows(second, "label_truths")
    if of.is_empty() or not of["n_images"].max():
        return None
    own = of.filter(pl.col("metric") == "auroc", pl.col("truth").is_in([COHORT, BETTER]))
    drawn = own.select(
        panel="truth",
        reading="reading",
        row=pl.Series([display(label) for label in own["label"]], dtype=pl.String),
        value="value",
        low="low",
        high="high",
        sentence=pl.Series([mark(row, second.options.level) for row in own.iter_rows(named=True)], dtype=pl.String),
        note="note",
    )
    drawing = draw_intervals(
        drawn,
        lookup.readers(second).without_floor(),
        order=[display(label) for label in labels(second)],
        title="AUROC",
        panels=(COHORT, BETTER),
        domain=(lower_end(drawn["low"]), 1.0),
    )
    caption = (
        f"The same images under two truths, with {level_of(second)} intervals (patients resampled). A reader "
        "that moves "
        "to the left under the better truth may have learnt the labels' errors."
    )
    return Figure("label-quality", "AUROC under the cohort's labels and under the better truth", drawing, caption)


def mark(row: lookup.Row, level: float) -> str:
    """Say what a mark of the figure shows."""
    return f"{lookup.sentence(row, 'auroc', level, display(row['label']))}, {row['truth']}"


# --- the tables ------------------------------------------------------------------------------------------------------


def mapping(second: SecondReading) -> Sheet | None:
    """Return what each label stands for."""
    of = rows(second, "label_mapping")
    return None if of.is_empty() else mapping_sheet(of)


def mapping_sheet(of: pl.DataFrame) -> Sheet:
    """Return what each label stands for and on how many images it is answered, as far as `of` has the counts."""
    heads = ("Label of the better truth", "Stands for", "Why")
    sizes = {"n_yes": "Yes", "n_no": "No", "n_hedged": "Hedged", "n_reported": "Reported"}
    counted = {name: head for name, head in sizes.items() if name in of.columns}
    columns = (*(Column(head, numeric=False) for head in heads), *(Column(head, "Images") for head in counted.values()))
    body = []
    for row in of.iter_rows(named=True):
        texts = (display(row["label"]), stands_for(row["finding"]), row["note"])
        counts = (row[name] for name in counted)
        body.append((*map(Cell, texts), *(Cell(numbers.count(n)) for n in counts)))
    foot = (
        "To change it, give a table with the columns label and finding as --adjudicated-map; tables/label_mapping.csv "
        f"is one. Several findings are joined by {JOINED}: the cohort's label is present where one of them is, a "
        "reader's score is the largest of theirs, and it calls where it calls one of them.",
        "Hedged answers are left out.",
    )
    return Sheet("label-mapping", "What the labels of the better truth stand for", columns, tuple(body), True, foot)


def agreement(second: SecondReading) -> Sheet | None:
    """Return how far labels and better truth agree."""
    of = rows(second, "label_agreement")
    return None if of.is_empty() else agreement_sheet(of, level_of(second))


def agreement_sheet(of: pl.DataFrame, level: str) -> Sheet:
    """Return the agreement of every label; `level` is that of the intervals, written."""
    metrics = ("sensitivity", "specificity", "ppv", "npv", "kappa")
    titles = ("Images", "Both ill", "Label alone", "Truth alone", "Both healthy")
    columns = [Column("Label", numeric=False), *(Column(title) for title in titles)]
    columns += [Column(f"{METRICS.get(metric, 'Kappa')} ({level})") for metric in metrics]
    body = []
    for label in of["label"].unique(maintain_order=True):
        own = lookup.by_key(of.filter(label=label), "metric")
        counts = (own["kappa",][name] for name in ("n_images", "tp", "fp", "fn", "tn"))
        cells = (lookup.cell(own[metric,]) for metric in metrics)
        body.append((Cell(display(label)), *(Cell(numbers.count(n)) for n in counts), *cells))
    foot = (
        "Of the cohort's labels, with the better truth for the truth; all images of the cohort that have both, in "
        "whatever split. Intervals by resampling patients. If the images were chosen by their label, sensitivity and "
        "specificity are those of the chosen images only.",
    )
    return Sheet(
        "label-agreement", "The cohort's labels against the better truth", tuple(columns), tuple(body), True, foot
    )


def truths(second: SecondReading) -> Sheet | None:
    """Return every reader under both truths."""
    of = rows(second, "label_truths")
    if of.is_empty():
        return None
    by = lookup.by_key(of, "label", "reading", "metric", "truth")
    heads = ("Label", "Reader", "Metric")
    sides = {
        COHORT: "Cohort's labels",
        BETTER: "Better truth",
        DIFFERENCE: "Difference",
        CORRECTED: "Labels, corrected",
    }
    columns = (*(Column(head, numeric=False) for head in heads), *(Column(head) for head in sides.values()))
    names = of.select("label", "reading", "metric").unique(maintain_order=True).rows()
    body = []
    for label, reading, metric in sorted(names, key=lambda name: labels(second).index(name[0])):
        cells = []
        for side in sides:
            row = by.get((label, reading, metric, side))
            write = numbers.signed if side == DIFFERENCE else numbers.decimal
            text = numbers.DASH if row is None else numbers.interval(row["value"], row["low"], row["high"], write)
            cells.append(Cell(text, (row["note"] if row else "") or ""))
        body.append((Cell(display(label)), Cell(reading), Cell(METRICS[metric]), *cells))
    foot = (
        f"The same images in all columns, with {level_of(second)} intervals. Calls are those at the operating "
        "points, which "
        "were chosen by the cohort's labels. Corrected: what undoing independent errors would have given "
        "here, from the "
        "labels' predictive values on these images; where it is far from the better truth, the errors are "
        "not independent.",
    )
    return Sheet("label-truths", "Readers under both truths", columns, tuple(body), foot=foot)


def errors(second: SecondReading) -> Sheet | None:
    """Return whether errors follow the image."""
    of = rows(second, "label_errors")
    if of.is_empty():
        return None
    columns = [Column(head, numeric=False) for head in ("Label", "Reader")]
    for among, wrong in ((ILL, "Not labelled"), (HEALTHY, "Labelled")):
        head = f"Truly {among}"
        columns += [Column("Images", head), Column(wrong, head), Column(f"AUROC ({level_of(second)})", head)]
    by = lookup.by_key(of, "label", "reading", "among")
    body = []
    for label, reading in of.select("label", "reading").unique(maintain_order=True).rows():
        cells = [Cell(display(label)), Cell(reading)]
        for among in (ILL, HEALTHY):
            row = by[label, reading, among]
            cells += [Cell(numbers.count(row["n_images"])), Cell(numbers.count(row["n_wrong"])), lookup.cell(row)]
        body.append(tuple(cells))
    foot = (
        "AUROC: among images of one truth, the chance that a labelled one has a higher score than one that "
        "is not. Errors "
        "that are independent of the image give 0.5; above it the labels miss what looks healthy to the "
        "reader and invent "
        "what looks ill.",
    )
    return Sheet("label-errors", "Do the labels' errors follow the image?", tuple(columns), tuple(body), foot=foot)


def noise(second: SecondReading) -> Sheet:
    """Return what is seen without a better truth, and what is left after correction."""
    of = rows(second, "label_noise")
    heads = ("Label", "Reader", "Metric")
    columns = [Column(head, numeric=False) for head in heads]
    columns += [Column(title, "Label") for title in ("sensitivity", "specificity")]
    columns += [Column(f"Under the labels ({level_of(second)})"), Column(f"Corrected ({level_of(second)})")]
    body = []
    for row in of.iter_rows(named=True):
        known = "" if row["source"] == FOUND else " (stated)"
        metric = "Prevalence" if row["metric"] == "prevalence" else METRICS[row["metric"]]
        texts = (display(row["label"]) + known, row["reading"] or numbers.DASH, metric)
        quality = (numbers.decimal(row[name]) for name in ("label_sensitivity", "label_specificity"))
        seen = numbers.interval(row["seen"], row["seen_low"], row["seen_high"])
        body.append((*map(Cell, (*texts, *quality, seen)), lookup.cell(row)))
    foot = (
        "Reported images without a better truth. Corrected: under the truth, if the labels' errors are "
        "independent of the "
        "image. The interval holds the uncertainty of the labels' quality too, unless that was stated.",
    )
    title = "Without a better truth: what noise of this size does"
    return Sheet("label-noise", title, tuple(columns), tuple(body), foot=foot)


def order(second: SecondReading) -> Sheet | None:
    """Return which of two readers is ahead, under each truth."""
    of = rows(second, "label_order")
    if of.is_empty():
        return None
    names = {
        COHORT: "Both truths known: labels",
        BETTER: "Both truths known: better truth",
        WITHOUT: "No better truth: labels",
        CORRECTED: "No better truth: corrected",
    }
    columns = [Column(head, numeric=False) for head in ("Label", "Readers", "Truth")]
    columns += [Column("Images"), Column(f"AUROC, first minus second ({level_of(second)})")]
    body = []
    for row in of.iter_rows(named=True):
        known = "" if row["source"] == FOUND else " (stated)"
        pair = f"{row['reading_a']} and {row['reading_b']}"
        texts = (display(row["label"]) + known, pair, names[row["truth"]], numbers.count(row["n_images"]))
        body.append((*map(Cell, texts), Cell(difference(row), row["note"] or "")))
    foot = (
        "Corrected for independent errors a difference grows and keeps its sign, and its interval holds 0 where it did "
        "before. Errors that follow the image can turn it.",
    )
    return Sheet("label-order", "Which of two readers is ahead", tuple(columns), tuple(body), foot=foot)


GUIDE = (
    (
        "Labels read from reports by software are wrong in part, and a reader that was trained on them may learn their "
        "errors. A better truth, such as a panel of radiologists, shows on some images how often; it too was "
        "read from the "
        "image, mostly without the patient's history, and may be wrong."
    ),
    (
        "If errors are independent of the image within the ill and within the healthy, an AUROC under the labels lies "
        "nearer to 0.5 by the factor PPV + NPV − 1 of the labels (Menon 2015), and sensitivity and "
        "specificity follow from "
        "the four counts (Gart and Buck 1966, Staquet 1981). A correction beyond 1, or one that leaves fewer than no "
        "images, says that errors of this size and kind cannot have given what is seen; it is then left empty."
    ),
    (
        "The labels' sensitivity and specificity are carried from the images with a better truth to those "
        "without. That "
        "holds where both are images of the same kind, and not where the former were chosen by their label."
    ),
)
