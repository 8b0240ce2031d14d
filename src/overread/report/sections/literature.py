"""The readings beside what others have published on ChestX-ray14: set side by side, never ranked across images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from overread.analyses.literature import OFFICIAL
from overread.analyses.quantities import MEAN
from overread.records.findings import display
from overread.report import lookup, numbers
from overread.report.figures.dots import lower_end
from overread.report.figures.literature import draw_literature
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.discrimination import falling_order

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

SAME, OTHER = "On the same images", "On other images: not comparable"
Model = tuple[str, int, str]
"""Name, year and split of a published model."""

NOT_COMPARABLE = (
    "Values on different splits are not comparable: NIH's official test part has 9.15 images per patient, against 3.09 "
    "in the rest, and up to 3.4 times the prevalence."
)


def section(second: SecondReading) -> Section | None:
    """Return the published values beside the readings' own; nothing where the cohort is not ChestX-ray14."""
    if second.tables["literature"].is_empty():
        return None
    blocks = (figure(second), values_sheet(second), sources_sheet(second))
    return Section("literature", "Beside the literature", tuple(lead(second)), blocks, GUIDE)


def own_rows(second: SecondReading) -> pl.DataFrame:
    """Return each reading's AUROC of each finding once."""
    table = second.tables["literature"].select("reading", "finding", "own_auroc", "own_low", "own_high")
    return table.unique(maintain_order=True)


def published_rows(second: SecondReading) -> pl.DataFrame:
    """Return each published value once, whatever the number of readings."""
    columns = ("finding", "model", "year", "auroc", "split", "source", "same_split", "note")
    return second.tables["literature"].select(*columns).unique(maintain_order=True)


def models(second: SecondReading) -> dict[Model, bool]:
    """Return the published models and whether their images are those of this report, these first, then by year."""
    of = published_rows(second).group_by("model", "year", "split").agg(pl.col("same_split").all())
    rows = of.sort("year", "model", "split").sort(pl.col("same_split"), descending=True, maintain_order=True)
    return {(model, year, split): same for model, year, split, same in rows.iter_rows()}


def titles(second: SecondReading) -> dict[str, str]:
    """Return the findings with published values as they are read, in the cohort's order, then their mean."""
    held = set(second.tables["literature"]["finding"])
    named = {finding: display(finding) for finding in second.study.findings if finding in held}
    return named | ({MEAN: lookup.mean_name(second)} if MEAN in held else {})


# ---- sentences ----


def lead(second: SecondReading) -> Iterator[str]:
    """Say what was published, on which images, and what may be set beside what."""
    of = models(second)
    same = [model for model, is_same in of.items() if is_same]
    yield (
        f"{numbers.plural(len(of), 'published model')} of ChestX-ray14 stand here beside the readings. {NOT_COMPARABLE}"
    )
    if not same:
        where = "".join(f"The images of this report are {reason}. " for reason in dict.fromkeys(reasons(second)))
        yield (
            f"{where}None of the published values is of the same images, so none of them says that a reading here is "
            "above or below what others reached. All are drawn hollow."
        )
        return
    hollow = " What was reached on other images is drawn hollow." if len(of) > len(same) else ""
    yield f"{numbers.plural(len(same), 'model')} read the same images: {numbers.listing(same_names(same))}.{hollow}"
    yield from mean_sentence(second)


def same_names(of: list[Model]) -> list[str]:
    """Return the names of models with their year, where the name does not hold it."""
    return [model if str(year) in model else f"{model} ({year})" for model, year, _ in of]


def reasons(second: SecondReading) -> Iterator[str]:
    """Yield what the images of this report are, where that is why the official values are not comparable."""
    for note in published_rows(second).filter(pl.col("split") == OFFICIAL)["note"]:
        yield str(note).removeprefix("not comparable: the images of this report are ")


def mean_sentence(second: SecondReading) -> Iterator[str]:
    """Say the mean AUROC of each reading and those published on the same images."""
    published = published_rows(second).filter(pl.col("finding") == MEAN, pl.col("same_split"))
    own = own_rows(second).filter(pl.col("finding") == MEAN)
    if published.is_empty() or own.is_empty():
        return
    level = numbers.level(second.options.level)
    mine = [
        f"{row['reading']} {numbers.interval(row['own_auroc'], row['own_low'], row['own_high'])}"
        for row in own.iter_rows(named=True)
    ]
    theirs = [f"{row['model']} {numbers.decimal(row['auroc'])}" for row in published.iter_rows(named=True)]
    yield (
        f"Mean AUROC over findings on these images, here with {level} intervals: {numbers.listing(mine)}; as "
        f"published, without intervals: {numbers.listing(theirs)}."
    )


# ---- the figure ----


def figure(second: SecondReading) -> Figure:
    """Return the dot plot of own and published values."""
    own, published = drawn_own(second), drawn_published(second)
    named = titles(second)
    order = [name for name in falling_order(second) if name in named.values()]
    held = {split: same for (_, _, split), same in models(second).items()}
    official_first = sorted(held, key=lambda split: split != OFFICIAL)
    lows = pl.concat([own["low"], own["value"], published["value"]])
    drawing = draw_literature(
        own,
        published,
        lookup.readers(second).without_floor(),
        splits={split: held[split] for split in official_first},
        order=order,
        apart=[named[MEAN]] if MEAN in named else [],
        title="AUROC",
        domain=(lower_end(lows, most=0.8), 1.0),
    )
    caption = (
        f"AUROC of the readings with {numbers.level(second.options.level)} intervals (patients resampled), below them "
        "published values, whose shape says on which split they were reached. Hollow and grey: on other images, not "
        "comparable with the readings. Values of two shapes are not comparable with each other either."
    )
    return Figure("literature", "AUROC here and as published", drawing, caption)


def drawn_own(second: SecondReading) -> pl.DataFrame:
    """Return the readings' own values as a dot plot takes them."""
    named, level = titles(second), second.options.level
    rows = []
    for row in own_rows(second).iter_rows(named=True):
        if row["finding"] not in named:
            continue
        values = {"value": row["own_auroc"], "low": row["own_low"], "high": row["own_high"]}
        title = named[row["finding"]]
        said = lookup.sentence({"reading": row["reading"], **values}, "auroc", level, title)
        rows.append((row["reading"], title, *values.values(), said, "not computed"))
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    names, text = (dict.fromkeys(columns, pl.String) for columns in (("reading", "row"), ("sentence", "note")))
    return pl.DataFrame(rows, schema={**names, **floats, **text}, orient="row")


def drawn_published(second: SecondReading) -> pl.DataFrame:
    """Return the published values, each with its sentence: whose, of which images, from where."""
    named = titles(second)
    rows = [
        (named[row["finding"]], row["auroc"], row["split"], published_sentence(row, named))
        for row in published_rows(second).iter_rows(named=True)
        if row["finding"] in named and numbers.defined(row["auroc"])
    ]
    schema = {"row": pl.String, "value": pl.Float64, "split": pl.String, "sentence": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def published_sentence(row: lookup.Row, named: dict[str, str]) -> str:
    """Say a published value as its mark does."""
    said = f"{named[row['finding']]}, {row['model']}: AUROC {published_number(row['auroc'])}, split {row['split']}"
    return f"{said}; {'the same images' if row['same_split'] else 'other images, not comparable'}"


def published_number(value: float | None) -> str:
    """Write a published value with the digits of the page."""
    return numbers.decimal(value)


# ---- the tables ----


def values_sheet(second: SecondReading) -> Sheet:
    """Return own and published values by finding; models stand by their images, then by year."""
    level, of = numbers.level(second.options.level), models(second)
    columns = [Column("Finding", numeric=False)]
    columns += [Column(f"{name} ({level} interval)", "In this report") for name in second.readings]
    columns += [Column(name_of(model), SAME if same else OTHER) for model, same in of.items()]
    own = lookup.by_key(own_rows(second), "reading", "finding")
    published = lookup.by_key(published_rows(second), "model", "year", "split", "finding")
    rows = []
    for finding, title in titles(second).items():
        mine = (own.get((name, finding)) for name in second.readings)
        theirs = (published.get((*model, finding)) for model in of)
        cells = [Cell(title)]
        cells += [
            Cell(numbers.interval(row["own_auroc"], row["own_low"], row["own_high"]) if row else numbers.DASH)
            for row in mine
        ]
        cells += [Cell(published_number(row["auroc"]) if row else numbers.DASH) for row in theirs]
        rows.append(tuple(cells))
    foot = (
        "Published values as reported, without intervals. The mean is over all 14 findings. The order of the columns "
        f"is by images and year, and is no ranking. {NOT_COMPARABLE}",
    )
    title = "AUROC here and as published, by finding"
    return Sheet("literature", title, tuple(columns), tuple(rows), shown=True, foot=foot)


def name_of(model: Model) -> str:
    """Return a model with its year.

    >>> name_of(("Wang 2017 (ResNet-50)", 2017, "official")), name_of(("Zech", 2022, "random"))
    ('Wang 2017 (ResNet-50)', 'Zech (2022)')
    """
    return same_names([model])[0]


def sources_sheet(second: SecondReading) -> Sheet:
    """Return where each published model's values come from, on which split, and why they are comparable or not."""
    rows = []
    published = published_rows(second)
    for name, year, split in models(second):
        of_model = (pl.col("model") == name, pl.col("year") == year, pl.col("split") == split)
        own = published.filter(*of_model)
        sources, notes = (numbers.listing(own[column].unique(maintain_order=True).to_list()) for column in TEXTS)
        why = notes.replace(f" ({split})", "")
        rows.append((Cell(name), *map(Cell, (str(year), split, sources, why))))
    columns = tuple(Column(title, numeric=False) for title in ("Model", "Year", "Split", "Source", "Comparable?"))
    return Sheet("literature-sources", "Published values: splits and sources", columns, tuple(rows), shown=True)


TEXTS = ("source", "note")

GUIDE = (
    (
        "The same model has another AUROC on other images: a split with more images of the same ill people, or with "
        "sicker ones, is easier or harder to order, whatever the model. So only values on the same images may be set "
        "side by side."
    ),
    (
        "Even on the same images a published number has no interval here and its scores are not at hand, so no paired "
        "test is possible: a difference smaller than the interval of a reading says nothing."
    ),
    (
        "The labels of ChestX-ray14 were read from reports by software; all values here are about agreement with "
        "those labels."
    ),
)
