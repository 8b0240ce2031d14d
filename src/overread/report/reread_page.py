"""A reread table as a folder: its page, its tables, and everything as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from overread.analyses.passage import Passage
from overread.analyses.reread import Reread
from overread.analyses.reread_words import WORDS, between
from overread.records.findings import display
from overread.report import numbers
from overread.report.audit.opening import unbroken
from overread.report.figures.dots import draw_intervals, lower_end
from overread.report.figures.theme import Readers
from overread.report.lookup import by_key
from overread.report.page import Heading, Page, whole
from overread.report.results import REREAD_MARKER, finite, results_csv
from overread.report.section import Cell, Column, Figure, Section, Sheet
from overread.report.sections.appendix import pairs_sheet, sources_sheet
from overread.report.writer import RESULTS, check_output, write_files

PAGE = "reread.html"
HEADS = ("Quantity", "Printed", "What the table leaves", "From")
TITLES = {
    "impossible": "Cannot be",
    "not one table": "Not of one table",
    "does not follow": "Does not follow",
    "follows": "Follows",
    "note": "To know",
}


def reread_page(result: Reread) -> Page:
    """Make the page of a reread table."""
    n = len(result.rows)
    subtitle = f"{numbers.plural(n, 'row')} of {numbers.plural(len(result.models), 'model')}"
    heading = Heading(
        f"Second reading of {Path(result.name).name}", subtitle, "reread", f"Rounding: {result.rounding}."
    )
    made = (opening(result), quantities(result), intervals(result), people(result), exchange(result), appendix(result))
    return whole([section for section in made if section is not None], heading)


def write_reread(result: Reread, out: str | Path, *, force: bool = False) -> Path:
    """Write a reread table as a folder, whole or not at all: `reread.html`, `results.json`, `tables/*.csv`, figures.

    With `force` a folder that overread wrote is replaced. Raises `InputError` when the place is taken or cannot be
    written to.
    """
    place = check_output(out, force=force)
    made = reread_page(result)
    files = {PAGE: made.html.encode()}
    files |= {f"figures/{name}.svg": document.encode() for name, document in made.figures.items()}
    names = {"reading": "reread"}
    files |= {f"tables/{names.get(name, name)}.csv": results_csv(table) for name, table in result.tables.items()}
    write_files(files | {RESULTS: reread_json(result, [*files, RESULTS])}, place, out)
    return place / PAGE


def reread_json(result: Reread, files: Iterable[str]) -> bytes:
    """Return everything as JSON; `files` are the files of the folder."""
    document = {
        "format": REREAD_MARKER,
        "table": result.name,
        "models": list(result.models),
        "possible": result.possible,
        "rounding": result.rounding,
        "level": result.level,
        "versions": dict(result.versions),
        "inputs": [{"path": s.path, "sha256": s.sha256, "n_bytes": s.n_bytes} for s in result.sources],
        "warnings": list(result.warnings),
        "methods": list(METHODS),
        "tables": {name: finite(table).to_dicts() for name, table in result.tables.items()},
        "files": sorted(files),
    }
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()


def opening(result: Reread) -> Section:
    """Return what can be said of the table, the gravest first."""
    statements = result.tables["statements"]
    first = "The numbers can belong together." if result.possible else "Some of these numbers cannot be."
    if result.possible and "not one table" in statements["kind"]:
        first = "No number is impossible by itself; some are not what the others make them look like."
    passages = [Passage("", (first,))]
    for kind, title in TITLES.items():
        said = statements.filter(pl.col("kind") == kind)["statement"].to_list()
        if said:
            passages.append(Passage(title, tuple(unbroken(sentence) for sentence in said)))
    return Section("answer", "The answer", template="answer.html", context={"answer": tuple(passages)})


def quantity_rows(result: Reread) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    """Yield for each row of the table its title, and every quantity written out under `HEADS`."""
    for (model, finding), own in result.tables["reading"].partition_by("model", "finding", as_dict=True).items():
        title = ", ".join(part for part in (str(model), display(str(finding))) if part)
        yield title, [quantity(row) for row in own.iter_rows(named=True)]


def quantity(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return one quantity written out."""
    low, high = row["low"], row["high"]
    left = ends(row["quantity"], low, high)
    return WORDS[row["quantity"]].removeprefix("the "), row["printed"] or "", left, row["note"] or row["source"]


def ends(metric: str, low: float | None, high: float | None) -> str:
    """Write two bounds; an end that is missing is open."""
    if low is None:
        return numbers.DASH
    return between((low, float("inf") if high is None else high), metric)


def quantities(result: Reread) -> Section:
    """Return every quantity of every row."""
    columns = tuple(Column(head, numeric=place in (1, 2)) for place, head in enumerate(HEADS))
    blocks = tuple(
        Sheet(
            f"row-{place}",
            title or "The table",
            columns,
            tuple(tuple(map(Cell, row)) for row in rows),
            shown=place <= 4,
        )
        for place, (title, rows) in enumerate(quantity_rows(result), 1)
    )
    return Section("quantities", "What the numbers leave", (QUANTITIES,), blocks, (QUANTITIES_GUIDE,))


def intervals(result: Reread) -> Section | None:
    """Return the intervals, where images are counted."""
    table = result.tables["intervals"]
    if table.is_empty():
        return None
    columns = (
        *(Column(title, numeric=False) for title in ("Model", "Finding", "Quantity")),
        Column("Value"),
        Column(f"{numbers.level(result.level)} interval"),
        Column("Method", numeric=False),
    )
    rows = tuple(
        (
            *(Cell(text) for text in (row["model"], display(row["finding"]), WORDS[row["quantity"]])),
            Cell(ends(row["quantity"], row["value_low"], row["value_high"])),
            Cell(ends(row["quantity"], row["low"], row["high"])),
            Cell(row["method"]),
        )
        for row in table.iter_rows(named=True)
    )
    sheet = Sheet("intervals", "Intervals from printed numbers", columns, rows, shown=True)
    blocks = (sheet,) if (drawn := area_figure(result)) is None else (drawn, sheet)
    return Section("intervals", "How sure the numbers are", (INTERVALS,), blocks, (INTERVALS_GUIDE,))


def area_figure(result: Reread) -> Figure | None:
    """Return the printed AUROCs with Hanley and McNeil's intervals; None where there are none, or too many models."""
    own = result.tables["intervals"].filter(pl.col("method") == "hanley-mcneil")
    models = tuple(dict.fromkeys(own["model"]))
    if own.is_empty() or len(models) > 6:
        return None
    level = numbers.level(result.level)
    printed = by_key(result.tables["reading"].filter(pl.col("quantity") == "auroc"), "model", "finding")
    rows = [area_mark(row, printed, level) for row in own.iter_rows(named=True)]
    frame = pl.DataFrame(rows)
    drawing = draw_intervals(
        frame,
        Readers(tuple(model or "the table" for model in models)),
        order=list(dict.fromkeys(frame["row"])),
        title="AUROC",
        domain=(lower_end(frame["low"]), 1.0),
        rules=[0.5],
    )
    caption = f"Printed AUROCs with {level} intervals after Hanley and McNeil, which take images for independent."
    return Figure("auroc", "Printed AUROCs", drawing, caption)


def area_mark(
    row: Mapping[str, Any], printed: Mapping[tuple[Any, ...], Mapping[str, Any]], level: str
) -> dict[str, Any]:
    """Return the mark of one AUROC."""
    text = printed[row["model"], row["finding"]]["printed"]
    ends_said = f"{level} interval {numbers.decimal(row['low'])} to {numbers.decimal(row['high'])}"
    return {
        "reading": row["model"] or "the table",
        "row": display(row["finding"]) or "all",
        "value": (row["value_low"] + row["value_high"]) / 2,
        "low": row["low"],
        "high": row["high"],
        "sentence": f"{row['model']}, {display(row['finding'])}: AUROC {text} ({ends_said})",
    }


def people(result: Reread) -> Section | None:
    """Return people per 1,000."""
    table = result.tables["people"]
    if table.is_empty():
        return None
    titles = ("Found", "Missed", "Healthy referred", "Healthy spared", "PPV", "NPV")
    columns = (
        *(Column(title, numeric=False) for title in ("Model", "Finding", "1,000 people")),
        *(Column(title) for title in titles),
    )
    rows = tuple(
        (
            *(Cell(text) for text in (row["model"], display(row["finding"]), thousand(row))),
            *(Cell(head_count(row, name)) for name in ("found", "missed", "referred_healthy", "spared")),
            *(Cell(span(row, name, name)) for name in ("ppv", "npv")),
        )
        for row in table.iter_rows(named=True)
    )
    return Section(
        "people",
        "What it means for people",
        (PEOPLE,),
        (Sheet("people", "Per 1,000 people", columns, rows, shown=True),),
    )


def thousand(row: Mapping[str, Any]) -> str:
    """Say of which thousand a row counts."""
    if row["per"] != "all":
        return str(row["per"])
    return f"of all, {100 * row['prevalence']:.3g}{numbers.SPACE}% ill ({row['prevalence_source']})"


def head_count(row: Mapping[str, Any], name: str) -> str:
    """Write what rounding leaves of a number of people."""
    return left_of(row, name, lambda number: numbers.decimal(number, 1))


def left_of(row: Mapping[str, Any], name: str, write: Callable[[float], str]) -> str:
    """Write what rounding leaves of a number: the number where both ends read the same, else both."""
    low, high = (write(row[f"{name}_{end}"]) for end in ("low", "high"))
    return low if low == high else f"{low} to {high}"


def span(row: Mapping[str, Any], name: str, metric: str) -> str:
    """Write what rounding leaves of a share."""
    return ends(metric, row[f"{name}_low"], row[f"{name}_high"])


def exchange(result: Reread) -> Section | None:
    """Return what one model does more than another, and its price."""
    table = result.tables["exchange"]
    if table.is_empty():
        return None
    columns = (
        *(Column(title, numeric=False) for title in ("Models", "Finding")),
        Column("Prevalence"),
        Column("found of 1,000 ill", "first less second"),
        Column("spared of 1,000 healthy", "first less second"),
        Column("found", "of 1,000 in all"),
        Column("spared", "of 1,000 in all"),
        Column("Healthy per ill"),
        Column(f"{numbers.level(result.level)} interval"),
    )
    rows = tuple(
        (
            Cell(f"{row['model_a']} less {row['model_b']}"),
            Cell(display(row["finding"])),
            Cell(numbers.percent(row["prevalence"], 2)),
            *(
                Cell(left_of(row, name, lambda number: numbers.signed(number, 1)))
                for name in (
                    "extra_found_per_1000_ill",
                    "extra_spared_per_1000_healthy",
                    "extra_found_per_1000_all",
                    "extra_spared_per_1000_all",
                )
            ),
            Cell(price(row), row["note"]),
            Cell(
                numbers.DASH if row["low"] is None else f"{numbers.ratio(row['low'])} to {numbers.ratio(row['high'])}"
            ),
        )
        for row in table.iter_rows(named=True)
    )
    sheet = Sheet("exchange", "The exchange between two models", columns, rows, shown=True)
    return Section("exchange", "What one more finding costs", (EXCHANGE,), (sheet,), (EXCHANGE_GUIDE,))


def price(row: Mapping[str, Any]) -> str:
    """Write the exchange rate, with what rounding leaves of it in brackets where that is more than one number."""
    rate, low, high = (
        numbers.DASH if row[name] is None else numbers.ratio(row[name]) for name in ("rate", "rate_low", "rate_high")
    )
    if rate == low == high:
        return rate
    return numbers.interval(row["rate"], row["rate_low"], row["rate_high"], numbers.ratio)


def appendix(result: Reread) -> Section:
    """Return the appendix: methods, words, versions and inputs."""
    options = {"Level of intervals": numbers.level(result.level), "Rounding": result.rounding}
    context = {
        "methods": METHODS,
        "definitions": DEFINITIONS,
        "warnings": result.warnings,
        "options": pairs_sheet("options", "Options", "Option", options),
        "versions": pairs_sheet("versions", "Versions", "Software", result.versions),
        "sources": sources_sheet(result.sources),
    }
    return Section("appendix", "Appendix", template="appendix.html", context=context)


QUANTITIES = (
    "Beside each printed number stands what all numbers of its row together leave of it, and of those not printed."
)
QUANTITIES_GUIDE = (
    "A printed number stands for every number that rounds to it. Bounds hold the true number wherever the printed "
    "ones are right; they know nothing of chance. A number that contradicts the others was left out to work out the "
    "rest."
)
INTERVALS = "What chance adds: each interval holds for every table of counts that rounds to the printed numbers."
INTERVALS_GUIDE = (
    "All of these take images for independent of each other. Where patients have several images they are too "
    "narrow; on ChestX-ray14's test list an interval by patient can be twice as wide. largest-variance holds for "
    "scores of any shape."
)
PEOPLE = "The same rates among people: at the prevalence of the table, and at those that were asked for."
EXCHANGE = "Ill people found and healthy people spared have different denominators until a prevalence is stated."
EXCHANGE_GUIDE = (
    "Healthy per ill: how many more healthy people are referred for each further ill person found, with what rounding "
    "leaves in brackets. The interval adds chance, and takes the two models for independent."
)
METHODS = (
    (
        "Each printed number was taken for every number that rounds to it. Sensitivities, specificities and "
        "prevalences that give all printed numbers were covered by boxes, halved until none contradicted a number "
        "(branch and bound with interval arithmetic; every metric is monotone in each of the three); where numbers "
        "of images were known, every table of whole counts was searched. Where nothing was left, a smallest set of "
        "numbers that cannot hold together was found by leaving numbers out one at a time (Chinneck and Dravnieks "
        "1991)."
    ),
    (
        "Intervals: Wilson's for rates, the log interval for the odds ratio (Woolf 1955) and likelihood ratios "
        "(Simel 1991), Hanley and McNeil's (1982) for AUROCs, and beside it the interval from the largest variance "
        "that any scores can have (Birnbaum and Klose 1957). A printed AUROC was also held against the least and "
        "largest area of a curve through the printed operating point."
    ),
)
DEFINITIONS = {
    "AUROC": "The chance that a random image with the finding has a higher score than a random one without it.",
    "odds ratio": "(TP × TN) / (FP × FN): sensitivity × specificity / ((1 − sensitivity) × (1 − specificity)).",
    "LR+, LR−": "Sensitivity / (1 − specificity), and (1 − sensitivity) / specificity.",
    "F1": "2 TP / (2 TP + FP + FN).",
    "mean": "A row named mean, average or macro is an average over findings, not a table of counts.",
    "prevalence": "The share of images, or of people, that are ill.",
}
