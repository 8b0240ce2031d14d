"""Where a model looks: heat against drawn boxes, what it leans on, whether its maps mean anything, and pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from overread.analyses.confounder import CALLED, CALLED_WITHOUT, HEAT, LOGIT, LOST, POSITIVE, RULE
from overread.analyses.localisation import FLOORS, MEAN
from overread.records.findings import display
from overread.records.heatmaps import Explained
from overread.report import lookup, numbers
from overread.report.figures.dots import draw_intervals
from overread.report.figures.theme import Readers
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.shortcuts import dots

if TYPE_CHECKING:
    from overread.analyses.second_reading import SecondReading

MOST_BYTES = 6_000_000
"""Pictures that a page carries, so that it opens and can be sent; the others stay in the folder of heat maps."""

NEVER_SEEN, ALLOWED = "highest floor that sees no image", "best the grid allows"
SHOWN_IOU, SHOWN_IOBB = (0.1, 0.3, 0.5), (0.25, 0.5)


def section(second: SecondReading) -> Section | None:
    """Return where the models look; nothing where no heat maps were given."""
    if not second.explained:
        return None
    sentences: list[str] = []
    blocks: list[Figure | Sheet] = []
    located, heat = lookup.table(second, "localisation"), lookup.table(second, "heat")
    if located is not None and heat is not None:
        sentences += located_lead(second, located, heat)
        blocks += [
            located_figure(each, located, heat, place) for place, each in enumerate(second.explained, 1) if has(each)
        ]
        blocks += [located_sheet(located), heat_sheet(heat)]
    elif heat is not None:
        sentences.append(
            "No explained image has a drawn box of a known finding: where the model looks is shown, not measured."
        )
    leaned = lookup.table(second, "confounder")
    if leaned is not None:
        sentences += leaned_lead(leaned)
        blocks.append(leaned_sheet(leaned))
    checked = lookup.table(second, "sanity")
    if checked is not None:
        sentences += checked_lead(checked)
        blocks.append(checked_sheet(checked))
    gallery, left_out = pictures(second.explained)
    legend = (
        "Full colour is the same amount of heat in all pictures of a finding, the amount that 95 % of its maps stay "
        "below: a map with little heat looks faint, and one without any has no colour. Pictures show patients: think "
        "before passing this page on."
    )
    if left_out:
        legend += f" {numbers.plural(left_out, 'more picture')} would make the page too large and stay in the folder."
    return Section(
        "where-it-looks",
        "Where it looks: heat maps",
        tuple(sentences),
        tuple(blocks),
        GUIDE,
        template="localisation.html",
        context={"gallery": gallery, "legend": legend},
    )


def has(each: Explained) -> bool:
    """Return whether a model's maps were measured against boxes."""
    return "localisation" in each.tables and not each.tables["localisation"].is_empty()


def rows_of(table: pl.DataFrame, metric: str, threshold: float | None = None) -> pl.DataFrame:
    """Return the rows of one number."""
    own = table.filter(pl.col("metric") == metric)
    return own if threshold is None else own.filter(pl.col("threshold") == threshold)


# --- localisation ----------------------------------------------------------------------------------------------------


def located_lead(second: SecondReading, located: pl.DataFrame, heat: pl.DataFrame) -> Iterator[str]:
    """Say how often the hottest cell lies in the box, beside what sees no image and what the grid allows."""
    level = numbers.level(second.options.level)
    for each in second.explained:
        name = each.maps.reading
        means = {
            what: next(
                iter(rows.filter(pl.col("reading") == name, pl.col("finding") == MEAN).iter_rows(named=True)), None
            )
            for what, rows in (
                ("pointing", rows_of(located, "pointing_game", 0.0)),
                ("heat", rows_of(heat, "heat_inside")),
            )
        }
        row, warm = means["pointing"], means["heat"]
        if row is None or warm is None:
            continue
        said = (
            f"{name}: the hottest cell of its {METHODS.get(each.maps.method, each.maps.method)} map lies in the "
            f"drawn box on "
            f"{lookup.share(row, level)} of {numbers.plural(row['n_images'], 'image')}, mean over findings; a map "
            f"that sees no "
            f"image gets {numbers.percent(floor_of(row))}, and the grid allows {numbers.percent(row['ceiling'])}. "
            f"Of the heat, "
            f"{lookup.share(warm)} lies in the box."
        )
        yield f"{said} {verdict(row)}"


def floor_of(row: lookup.Row) -> float | None:
    """Return the highest floor of a row."""
    return max((row[name] for name in FLOORS if numbers.defined(row[name])), default=None)


def verdict(row: lookup.Row) -> str:
    """Say whether the skill is beyond what sees no image."""
    if not numbers.defined(row["skill"]):
        return "What sees no image does all that the grid allows, so that there is no room for skill."
    skill = numbers.interval(row["skill"], row["skill_low"], row["skill_high"], lambda value: numbers.decimal(value, 2))
    if numbers.defined(row["skill_low"]) and row["skill_low"] > 0:
        return f"Skill between the two: {skill}."
    return f"Skill between the two: {skill}; it is not shown to find its place better than a map that sees no image."


def located_figure(each: Explained, located: pl.DataFrame, heat: pl.DataFrame, place: int) -> Figure:
    """Return hottest cell and heat by finding, with the highest floor and the ceiling."""
    name = each.maps.reading
    panels = {
        "Hottest cell in the box": rows_of(located, "pointing_game", 0.0),
        "Share of heat in the box": rows_of(heat, "heat_inside"),
    }
    rows = []
    for panel, table in panels.items():
        for row in table.filter(pl.col("reading") == name, pl.col("finding") != MEAN).iter_rows(named=True):
            finding = display(row["finding"])
            note = row["note"] or ""
            found = f"{finding}, {name}: {numbers.interval(row['value'], row['low'], row['high'])}"
            rows.append((panel, name, finding, row["value"], row["low"], row["high"], found, note))
            for reader, value in ((NEVER_SEEN, floor_of(row)), (ALLOWED, row["ceiling"])):
                rows.append(
                    (panel, reader, finding, value, None, None, f"{finding}, {reader}: {numbers.decimal(value)}", "")
                )
    frame = dots(rows)
    drawing = draw_intervals(
        frame,
        Readers((name, ALLOWED), NEVER_SEEN),
        order=frame["row"].unique(maintain_order=True).to_list(),
        title="share",
        panels=list(panels),
        width=640,
    )
    caption = (
        "By finding, on images with a drawn box: how often the hottest cell's centre lies in it, and the mean share "
        "of heat "
        "in it. Beside it the highest of three floors that see no image, and the best that the map's cells allow."
    )
    return Figure(f"localisation-{place}", f"Heat and drawn boxes: {name}", drawing, caption)


def located_sheet(located: pl.DataFrame) -> Sheet:
    """Return Wang's localisation accuracy with floor, ceiling, skill and Wang's own values."""
    columns = (
        Column("Finding", numeric=False),
        Column("Reader", numeric=False),
        Column("Overlap", numeric=False),
        Column("Images"),
        Column("Accuracy"),
        Column("False boxes per image"),
        Column("Highest floor"),
        Column("Ceiling"),
        Column("Skill"),
        Column("ChestX-ray8", "Wang 2017"),
        Column("ChestX-ray14", "Wang 2017"),
    )
    false = lookup.by_key(located, "reading", "finding", "metric", "threshold")
    rows = []
    for kind, thresholds in (("iou", SHOWN_IOU), ("iobb", SHOWN_IOBB)):
        for at in thresholds:
            for row in rows_of(located, f"{kind}_accuracy", at).iter_rows(named=True):
                boxes = false.get((row["reading"], row["finding"], f"{kind}_false_boxes", at))
                title = f"{'IoU' if kind == 'iou' else 'IoBB'} above {at:g}"
                rows.append((
                    Cell(named(row["finding"])),
                    Cell(row["reading"]),
                    Cell(title),
                    Cell(numbers.count(row["n_images"])),
                    Cell(numbers.interval(row["value"], row["low"], row["high"]), row["note"] or ""),
                    Cell(numbers.decimal(boxes["value"] if boxes else None, 2)),
                    Cell(numbers.decimal(floor_of(row))),
                    Cell(numbers.decimal(row["ceiling"])),
                    skill_cell(row),
                    Cell(numbers.decimal(row["wang2017_chestxray8"])),
                    Cell(numbers.decimal(row["wang2017_chestxray14"])),
                ))  # fmt: skip
    foot = (
        "Boxes are made of the map as in Wang et al. 2017 (section 3.2): heat from 60 and from 180 of 255 by itself, a "
        "box around each region. A finding is located where the overlap lies above the threshold (section 4). IoBB "
        "divides by the detected box, so that a tiny box within the drawn one has 1. All thresholds: "
        "tables/localisation.csv.",
    )
    return Sheet(
        "localisation-table", "Accuracy of boxes made of the maps, beside Wang 2017", columns, tuple(rows), foot=foot
    )


def skill_cell(row: lookup.Row) -> Cell:
    """Return the skill with its interval."""
    return Cell(
        numbers.interval(row["skill"], row["skill_low"], row["skill_high"], lambda value: numbers.decimal(value, 2))
    )


def named(finding: str) -> str:
    """Return a finding as it is read."""
    return "Mean over findings" if finding == MEAN else display(finding)


HEAT_ROWS = {
    "heat_inside": "Share of heat in the box",
    "area_inside": "Share of the area that boxes cover",
    "best_iou": "Best IoU of a box made of the map",
    "score_and_best_iou": "Rank correlation of score and best IoU",
    "score_and_heat_inside": "Rank correlation of score and heat in the box",
    "no_heat": "Share of maps without any heat",
    "peak": "Heat of the hottest cell, in logits",
}


def heat_sheet(heat: pl.DataFrame) -> Sheet:
    """Return everything else that was measured of the maps."""
    columns = (
        Column("Finding", numeric=False), Column("Reader", numeric=False), Column("What", numeric=False),
        Column("Outcome", numeric=False), Column("Images"), Column("Value"), Column("Highest floor"),
        Column("Ceiling"), Column("Skill"),
    )  # fmt: skip
    rows = []
    for metric, title in HEAT_ROWS.items():
        for row in rows_of(heat, metric).iter_rows(named=True):
            write = numbers.ratio if metric == "peak" else numbers.decimal
            value = numbers.interval(row["value"], row["low"], row["high"], write)
            cells = (
                Cell(named(row["finding"])),
                Cell(row["reading"]),
                Cell(title),
                Cell(row["outcome"] or numbers.DASH),
            )
            more = (Cell(numbers.decimal(floor_of(row))), Cell(numbers.decimal(row["ceiling"])), skill_cell(row))
            rows.append((*cells, Cell(numbers.count(row["n_images"])), Cell(value, row["note"] or ""), *more))
    return Sheet("heat-table", "Heat in boxes, by score and by outcome", columns, tuple(rows))


METHODS = {"gradcam": "Grad-CAM", "gradcam++": "Grad-CAM++", "cam": "CAM", "occlusion": "occlusion"}


# --- what it leans on ------------------------------------------------------------------------------------------------


def leaned_lead(table: pl.DataFrame) -> Iterator[str]:
    """Say which findings lean on the confounder."""
    for name in table["reading"].unique(maintain_order=True):
        own = table.filter(pl.col("reading") == name)
        flagged = own.filter(pl.col("metric") == LOST, pl.col("flagged"))
        if flagged.is_empty():
            yield f"{name} is not shown to lean on the confounder for any finding. {RULE}"
            continue
        for row in flagged.iter_rows(named=True):
            of = lookup.by_key(own.filter(pl.col("finding") == row["finding"], pl.col("images") == POSITIVE), "metric")
            heat, before, after = of[(HEAT,)], of[(CALLED,)], of[(CALLED_WITHOUT,)]
            yield (
                f"{name} leans on the confounder for {display(row['finding'])}: of "
                f"{numbers.plural(row['n_images'], 'image')} with "
                f"both it calls {lookup.share(before)}, and {lookup.share(after)} once the confounder is taken out "
                f"({row['note']}); {numbers.percent(heat['value'])} of the heat lies on it, where "
                f"{numbers.percent(heat['expected'])} would be expected. {RULE}"
            )


LEANED_ROWS = {
    HEAT: "Share of heat on it",
    LOGIT: "Fall of the logit without it",
    CALLED: "Share called",
    CALLED_WITHOUT: "Share called without it",
    LOST: "Calls lost without it",
}


def leaned_sheet(table: pl.DataFrame) -> Sheet:
    """Return all numbers of the confounder."""
    columns = (
        Column("Finding", numeric=False), Column("Reader", numeric=False), Column("Images", numeric=False),
        Column("What", numeric=False), Column("Number"), Column("Value"), Column("Expected"),
        Column("Flagged", numeric=False),
    )  # fmt: skip
    rows = []
    for row in table.iter_rows(named=True):
        kind = f"with it, {row['images']}"
        value = numbers.interval(row["value"], row["low"], row["high"])
        cells = (Cell(display(row["finding"])), Cell(row["reading"]), Cell(kind), Cell(LEANED_ROWS[row["metric"]]))
        more = (Cell(numbers.decimal(row["expected"])), Cell("yes" if row["flagged"] else ""))
        rows.append((*cells, Cell(numbers.count(row["n_images"])), Cell(value, row["note"] or ""), *more))
    return Sheet("confounder-table", "Heat and score on images with the confounder", columns, tuple(rows), foot=(RULE,))


# --- checks ----------------------------------------------------------------------------------------------------------


def checked_lead(table: pl.DataFrame) -> Iterator[str]:
    """Say whether maps change with the model and follow the image."""
    for name in table["reading"].unique(maintain_order=True):
        own = table.filter(pl.col("reading") == name, pl.col("measure") == "spearman")
        random = own.filter(pl.col("check") == "randomised", pl.col("value").is_not_null()).to_dicts()
        if random:
            first, last = random[0], random[-1]
            yield (
                f"{name}: with the {first['stage']} made random the maps correlate with the true ones at "
                f"{number(first)}, with everything down to {last['stage']} at {number(last)}. Maps that stay alike "
                f"would show "
                "the image and not the model."
            )
        of = lookup.by_key(own, "check", "stage")
        follows, stays = (of.get(("flipped", stage)) for stage in ("map moved with the image", "map where it was"))
        if follows and stays and numbers.defined(follows["value"]) and numbers.defined(stays["value"]):
            yield (
                f"{name}: on the mirrored image the map correlates at {number(follows)} with the mirrored map, and at "
                f"{number(stays)} with the map where it was."
            )


def number(row: lookup.Row) -> str:
    """Write a correlation with its interval."""
    return numbers.interval(row["value"], row["low"], row["high"], lambda value: numbers.decimal(value, 2))


def checked_sheet(table: pl.DataFrame) -> Sheet:
    """Return all checks of the maps."""
    columns = (
        Column("Check", numeric=False), Column("Reader", numeric=False), Column("Compared with", numeric=False),
        Column("Measure", numeric=False), Column("Images"), Column("Value"),
    )  # fmt: skip
    measures = {"spearman": "rank correlation", "ssim": "structural similarity"}
    rows = [
        (
            Cell(row["check"]), Cell(row["reading"]), Cell(row["stage"]), Cell(measures[row["measure"]]),
            Cell(numbers.count(row["n_images"])), Cell(number(row), row["note"] or ""),
        )
        for row in table.iter_rows(named=True)
    ]  # fmt: skip
    return Sheet("sanity-table", "Do the maps depend on the model, and follow the image?", columns, tuple(rows))


# --- pictures --------------------------------------------------------------------------------------------------------


def pictures(explained: tuple[Explained, ...]) -> tuple[list[dict[str, Any]], int]:
    """Return the pictures by reader, finding and outcome, as many as a page can carry, and how many it cannot."""
    parts: dict[str, list[dict[str, str]]] = {}
    spent = left_out = 0
    several = len(explained) > 1
    for each in explained:
        for row in each.overlays.iter_rows(named=True):
            data = each.picture(row["file"])
            if spent + len(data) > MOST_BYTES:
                left_out += 1
                continue
            spent += len(data)
            reader = f"{each.maps.reading}, " if several else ""
            title = f"{reader}{display(row['finding'])}"
            said = f"{row['outcome'].capitalize()}, {row['image']}: score {numbers.score(row['score'])}"
            if row["threshold"] is not None:
                said += f", operating point {numbers.score(row['threshold'])}"
            caption = f"{said}; {row['said']}."
            source = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
            alt = f"Radiograph with heat for {display(row['finding'])}, {row['outcome']}"
            parts.setdefault(title, []).append({"source": source, "alt": alt, "caption": caption})
    told = {title: numbers.plural(len(held), "picture") for title, held in parts.items()}
    return [{"title": f"{title}: {told[title]}", "pictures": held} for title, held in parts.items()], left_out


GUIDE = (
    (
        "Grad-CAM marks where the network's last features speak for a finding. It says where, not why, and it "
        "cannot show "
        "what speaks against. Its cells are coarse: on 7 by 7 cells hardly any nodule can be met with an IoU of "
        "0.5, so "
        "every number stands between the best floor that sees no image and the ceiling of the grid."
    ),
    (
        "Skill = (value − floor) / (ceiling − floor), with the highest of three floors: a map at the centre, the "
        "mean box of "
        "other patients, and how often other patients' boxes cover each place. 0 is no better than those, 1 is all "
        "that the grid allows."
    ),
    (
        "Pointing game: whether the centre of the hottest cell lies in a drawn box. Where several cells are "
        "hottest, the "
        "share of them that do. A map without any heat has found nothing."
    ),
    "A map on the finding does not show that the model knows the finding, and one beside it may mark a true sign.",
)
