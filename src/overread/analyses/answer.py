"""The answer in a few plain sentences, made from the numbers: what opens the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from overread.analyses.attributes import attribute_name, subgroup_name
from overread.analyses.options import Options
from overread.analyses.passage import Passage
from overread.analyses.quantities import MEAN
from overread.analyses.verdict import verdict
from overread.records.common_images import training_rows
from overread.records.errors import counted
from overread.records.findings import display
from overread.records.study import Study

Tables = Mapping[str, pl.DataFrame]


def answer(
    tables: Tables, study: Study, readings: Sequence[str], floor: str | None, options: Options
) -> tuple[Passage, ...]:
    """Return what opens the report: who was read, then each reading, then each pair; nothing is said without numbers."""
    opening = (
        who_was_read(study, readings, options),
        *training_rows(study.cohort, study.rows),  # good numbers that follow may be remembered ones
        *floor_sentences(tables["estimates"], floor),
    )
    of_readings = (
        Passage(reading, tuple(about(tables, reading, options, len(study.findings) > 1))) for reading in readings
    )
    passages = (Passage("", opening), *of_readings, *verdict(tables))
    return tuple(passage for passage in passages if passage.sentences)


def who_was_read(study: Study, readings: Sequence[str], options: Options) -> str:
    """Say how many images of how many patients were read, by whom, for what."""
    who = readings[0] if len(readings) == 1 else f"{', '.join(readings[:-1])} and {readings[-1]}"
    patients = f" of {counted(study.n_patients, 'patient')}" if study.patients_known else " (patients are not known)"
    findings = f"{len(study.findings)} findings" if len(study.findings) > 1 else display(study.findings[0])
    rows = {"all": "all rows scored", "test": "the test part"}.get(options.split, f"the {options.split} part")
    return f"{who}: {counted(study.n_images, 'image')}{patients}, {findings}, {rows} of the cohort {study.cohort.name}."


def about(tables: Tables, reading: str, options: Options, several: bool) -> Iterator[str]:
    """Yield what is to be said of one reading of one finding, or of several."""
    percent = f"{100 * options.level:g} %"
    yield from discrimination_sentences(tables["estimates"], reading, percent, several)
    yield from operating_point_sentences(tables, reading, several)
    if several:
        yield from panel_sentences(tables["panel"], reading, percent)
    yield from confusion_sentences(tables["differential"], reading, percent)
    yield from failure_sentences(tables, reading)


def value_of(estimates: pl.DataFrame, **cells: str) -> dict[str, float] | None:
    """Return value, low and high of one row of estimates, None where it has no value."""
    wanted = {"attribute": "", "subgroup": "", "method": "bootstrap"} | cells
    rows = estimates.filter([pl.col(column) == cell for column, cell in wanted.items()])
    if rows.is_empty() or rows["value"][0] is None:
        return None
    return rows.select("value", "low", "high").row(0, named=True)


def floor_sentences(estimates: pl.DataFrame, floor: str | None) -> Iterator[str]:
    """Say what a reader reaches that sees no image."""
    base = None if floor is None else value_of(estimates, reading=floor, finding="mean", metric="auroc")
    if base is not None:
        yield (
            f"A blind reader, which knows age, gender and view and sees no image, reaches a mean AUROC of {base['value']:.3f} on "
            "the same images: that, not 0.5, is the floor."
        )


def discrimination_sentences(estimates: pl.DataFrame, reading: str, percent: str, several: bool) -> Iterator[str]:
    """Say how well ill and healthy images are ordered, and between which findings it ranges."""
    mean = value_of(estimates, reading=reading, finding="mean", metric="auroc")
    if mean is None:
        return
    text = f"{'Mean AUROC' if several else 'AUROC'} {mean['value']:.3f}"
    if mean["low"] is not None:
        text += f" ({percent} interval {mean['low']:.3f} to {mean['high']:.3f}, patients resampled)"
    each = estimates.filter(
        pl.col("reading") == reading,
        pl.col("metric") == "auroc",
        pl.col("method") == "bootstrap",
        pl.col("attribute") == "",
        ~pl.col("finding").is_in(["mean", "weighted", "pooled"]),
        pl.col("value").is_not_null(),
    ).sort("value")
    if len(each) > 1:
        low, high = each.row(0, named=True), each.row(-1, named=True)
        text += f", from {low['value']:.3f} for {display(low['finding'])} to {high['value']:.3f} for {display(high['finding'])}"
    yield text + "."


def operating_point_sentences(tables: Tables, reading: str, several: bool) -> Iterator[str]:
    """Say what happens to 1,000 people at the operating points, with the prevalence named."""
    rows = tables["consequences"].filter(
        pl.col("reading") == reading, pl.col("finding") == "mean", pl.col("per") == "all"
    )
    if rows.is_empty() or rows["found"][0] is None or rows["referred_healthy"][0] is None:
        return
    row = rows.row(0, named=True)
    per = row["false_positives_per_true_positive"]
    none = "it calls nobody" if row["referred_healthy"] == 0 else "no alarm is a true one"
    price = none if per is None else f"{per:.1f} false alarms for each true one"
    yield (
        f"{'At the operating points, averaged over findings and' if several else 'At the operating point and'} at a prevalence "
        f"of {row['prevalence']:.1%}: of 1,000 people examined for {'a' if several else 'the'} finding it finds {row['found']:.0f} of {row['found'] + row['missed']:.0f} who have it and refers "
        f"{row['referred_healthy']:.0f} of {row['referred_healthy'] + row['spared']:.0f} who do not: {price}."
    ).replace("%", " %")


def panel_sentences(panel: pl.DataFrame, reading: str, percent: str) -> Iterator[str]:
    """Say what all findings together do to a healthy person."""
    rows = panel.filter(pl.col("reading") == reading, pl.col("metric") == "any_false_call")
    if rows.is_empty() or rows["value"][0] is None:
        return
    row = rows.row(0, named=True)
    bounds = "" if row["low"] is None else f" ({percent} interval {1000 * row['low']:.0f} to {1000 * row['high']:.0f})"
    yield (
        f"All findings together: of 1,000 images on which nothing is present, {of_thousand(row['value'])}{bounds} get at least one "
        "false call."
    )


def of_thousand(share: float) -> str:
    """Return how many of 1,000 a share is; not none or all where it is neither.

    >>> of_thousand(0.7152), of_thousand(1), of_thousand(0.9998), of_thousand(0.0002)
    ('715', '1,000', 'more than 999', 'fewer than 1')
    """
    whole = f"{1000 * share:,.0f}"
    return {"0": "fewer than 1", "1,000": "more than 999"}.get(whole, whole) if 0 < share < 1 else whole


def failure_sentences(tables: Tables, reading: str) -> Iterator[str]:
    """Say in a sentence each for whom it fails, what an attribute gives away, and whether scores are frequencies.

    Nothing where that was not looked at.
    """
    for name, sentences in (
        ("subgroups", subgroup_sentences),
        ("auroc_balanced", source_sentences),
        ("estimates", calibration_sentences),
    ):
        if name in tables:
            yield from sentences(tables[name], reading)


def subgroup_sentences(table: pl.DataFrame, reading: str) -> Iterator[str]:
    """Name the subgroup that is furthest behind the rest in the mean AUROC, and the one with most ill people missed."""
    worst = table.filter(pl.col("reading") == reading, pl.col("worst"), pl.col("p_adjusted") < 1 - pl.col("level"))
    parts = []
    for metric, finding, sign, said in (("auroc", MEAN, 1, area_said), ("underdiagnosis", "any", -1, missed_said)):
        of = worst.filter(pl.col("metric") == metric, pl.col("finding") == finding, sign * pl.col("gap") < 0)
        if len(of):
            parts.append(said(of.sort(sign * pl.col("gap"), maintain_order=True).row(0, named=True)))
    if parts:
        yield f"For whom, beyond chance: {'; '.join(parts)}."


def area_said(row: Mapping[str, Any]) -> str:
    """Say how far the AUROC of a subgroup lies behind."""
    name = subgroup_name(row["attribute"], row["subgroup"])
    return f"the mean AUROC falls furthest behind for {name} ({row['value']:.3f}, {row['rest']:.3f} in the rest)"


def missed_said(row: Mapping[str, Any]) -> str:
    """Say in which subgroup most ill people are called nothing."""
    name = subgroup_name(row["attribute"], row["subgroup"])
    shares = f"{1000 * row['value']:.0f} of 1,000, {1000 * row['rest']:.0f} in the rest"
    return f"ill people on whose image nothing at all is called are most frequent for {name} ({shares})"


def source_sentences(table: pl.DataFrame, reading: str) -> Iterator[str]:
    """Name the attribute that could have given most of the mean AUROC away."""
    of = table.filter(pl.col("reading") == reading, pl.col("finding") == MEAN, pl.col("difference_low") > 0)
    if len(of):
        row = of.sort("difference", descending=True, maintain_order=True).row(0, named=True)
        name = attribute_name(row["attribute"])
        yield (
            f"Between images of two patients the mean AUROC is {row['apart']:.3f}, and {row['balanced']:.3f} where "
            f"{name} is the same: the rest is what {name} alone could have given away."
        )


def calibration_sentences(estimates: pl.DataFrame, reading: str) -> Iterator[str]:
    """Say whether scores are too extreme, or not extreme enough, to be read as probabilities."""
    rows = estimates.filter(
        pl.col("reading") == reading,
        pl.col("finding") == MEAN,
        pl.col("metric") == "calibration_slope",
        pl.col("attribute") == "",
        pl.col("low").is_not_null(),
    )
    if rows.is_empty():
        return
    row = rows.row(0, named=True)
    how = slope_said(row["low"], row["high"])
    if how:
        slope = f"{row['value']:.2f}".replace("-", "\u2212")
        yield f"Its scores {how} (mean calibration slope {slope}; 1 is right)."


def slope_said(low: float, high: float) -> str:
    """Say what a calibration slope with this interval makes of scores as probabilities; empty where it may be 1.

    >>> slope_said(-1.3, -0.9)
    'run the wrong way: findings are rarer where they are higher'
    """
    if high < 0:
        return "run the wrong way: findings are rarer where they are higher"
    if high < 1:
        return "are too extreme to be read as probabilities"
    return "are not extreme enough to be read as probabilities" if low > 1 else ""


def confusion_sentences(differential: pl.DataFrame, reading: str, interval: str) -> Iterator[str]:
    """Name the pair of findings that the reader tells apart worst, where its order is clearly the wrong way round."""
    reversed_pairs = differential.filter(pl.col("reading") == reading, pl.col("high") < 0.5).sort("auroc")
    if reversed_pairs.is_empty():
        return
    row = reversed_pairs.row(0, named=True)
    told = differential.filter(pl.col("reading") == reading, pl.col("auroc").is_not_null()).height
    yield (
        f"Told apart the wrong way round: in {len(reversed_pairs)} of {told} ordered pairs of findings the output of the one is "
        f"higher where the other is, most of all {display(row['finding'])} against "
        f"{display(row['against'])} (AUROC {row['auroc']:.3f}). By {interval} intervals of each pair, not adjusted for "
        "their number."
    )
