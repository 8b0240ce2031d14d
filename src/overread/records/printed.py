"""A table as a paper prints it: numbers with the digits that they have, for each model and finding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from math import inf
from pathlib import Path

import polars as pl

from overread.records import columns
from overread.records.errors import InputError, listed, plain, quoted
from overread.records.findings import key
from overread.records.tables import Source, Table, read_table

SHARES = ("sensitivity", "specificity", "accuracy", "balanced_accuracy", "ppv", "npv", "f1", "prevalence", "auroc")
RATIOS = ("dor", "lr_positive", "lr_negative")
COUNTS = ("n_images", "n_positive", "n_negative", "tp", "fp", "fn", "tn")
METRICS = (*COUNTS, *SHARES, *RATIOS)

NAMES: Mapping[str, str] = {
    **{key(name): name for name in METRICS},
    **dict.fromkeys(("sens", "recall", "tpr", "true positive rate"), "sensitivity"),
    **dict.fromkeys(("spec", "tnr", "true negative rate", "selectivity"), "specificity"),
    **dict.fromkeys(("acc",), "accuracy"),
    **dict.fromkeys(("bacc", "balanced acc"), "balanced_accuracy"),
    **dict.fromkeys(("precision", "positive predictive value"), "ppv"),
    **dict.fromkeys(("negative predictive value",), "npv"),
    **dict.fromkeys(("f1 score", "f score", "f1score", "f measure"), "f1"),
    **dict.fromkeys(("auc", "roc auc", "au roc", "c statistic"), "auroc"),
    **dict.fromkeys(("odds ratio", "diagnostic odds ratio", "or"), "dor"),
    **dict.fromkeys(("lr+", "plr", "lr positive", "positive likelihood ratio"), "lr_positive"),
    **dict.fromkeys(("lr-", "lr−", "nlr", "lr negative", "negative likelihood ratio"), "lr_negative"),
    **dict.fromkeys(("n", "images", "total", "n total"), "n_images"),
    **dict.fromkeys(("positives", "ill", "diseased", "n pos", "p"), "n_positive"),
    **dict.fromkeys(("negatives", "healthy", "n neg"), "n_negative"),
    **dict.fromkeys(("true positives",), "tp"),
    **dict.fromkeys(("false positives",), "fp"),
    **dict.fromkeys(("false negatives",), "fn"),
    **dict.fromkeys(("true negatives",), "tn"),
}
"""What the head of a column may be called, as `key` writes it, and the metric that it stands for."""

MODEL = ("model", "reading", "reader", "method", "network", "algorithm")
FINDING = ("finding", "disease", "pathology", "label", "class", "condition")
METRIC, VALUE = ("metric", "measure", "quantity"), ("value", "printed")
ASIDE = ("source", "note", "year", "split", "page", "table", "citation", "doi")
"""Columns that say something about a row and are not read."""

AVERAGES = (
    "mean",
    "average",
    "avg",
    "macro",
    "macro average",
    "macro mean",
    "weighted",
    "weighted average",
    "overall mean",
)
NOT_PRINTED = (*columns.EMPTY_WORDS, "-", "–", "—", "nr", "not reported", "not printed")
ROUNDINGS = ("nearest", "down", "either")
HELP = "See overread reread --help for an example."
EXPECTED = f"a column per metric ({', '.join(METRICS)}), or the columns metric and value"
NUMBER = re.compile(r"(?P<whole>\d+(?:,\d{3})*)?(?:[.·](?P<part>\d+))?\s*(?P<percent>%)?")


@dataclass(frozen=True)
class Printed:
    """A printed number: its text, what it says, and between which numbers it was before it was rounded."""

    text: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PrintedRow:
    """What is printed of one model and one finding; `average` where the row is an average over findings."""

    model: str
    finding: str
    cells: Mapping[str, Printed]
    average: bool = False

    @property
    def name(self) -> str:
        """How the row is called in a sentence."""
        return ", ".join(part for part in (self.model, self.finding) if part) or "the table"


@dataclass(frozen=True)
class PrintedTable:
    """The rows of a printed table, and the file that they were typed into."""

    name: str
    rows: tuple[PrintedRow, ...]
    sources: tuple[Source, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def read_printed(path: str | Path, *, rounding: str = "nearest") -> PrintedTable:
    """Read a table that was typed off a paper: wide (a column per metric) or long (`metric`, `value`).

    Every cell is kept as it is printed: 0.80 is anything that rounds to it, and not 0.8. `rounding` says how a paper
    shortens numbers: to the `nearest`, `down` (cut off), or `either`.

    Raises `InputError` when a column or a cell cannot be read, or a model's finding stands twice.
    """
    table = read_table(path)
    return printed_table(table, rounding=rounding)


def printed_table(table: Table, *, rounding: str = "nearest") -> PrintedTable:
    """Return what a table prints, as `read_printed` does with a file."""
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}, got {rounding!r}")
    roles, metrics = heads(table)
    for column in (*roles.values(), *metrics):
        if table.frame[column].dtype not in (pl.String, pl.Null) and column not in (
            roles.get("model"),
            roles.get("finding"),
        ):
            what = "the cells are numbers, whose printed digits are lost (0.80 became 0.8)"
            raise InputError(table.where(column), what, "text as it is printed", "Save the table as CSV.")
    found: dict[tuple[str, str], dict[str, Printed]] = {}
    for row, (model, finding, cells) in enumerate(rows(table, roles, metrics)):
        held = found.setdefault((model, finding), {})
        for column, metric, text in cells:
            where = table.where(column, row)
            if metric in held:
                what = f"{plain(metric)} of {plain(model or finding or 'the table')} is given already"
                raise InputError(where, what, "each number once", "Give models and findings names of their own.")
            held[metric] = printed(text, metric, where, in_percent="%" in column, rounding=rounding)
    kept = [(names, cells) for names, cells in found.items() if cells]
    if not kept:
        raise InputError(table.name, "no number is printed in it", EXPECTED, HELP)
    made = tuple(PrintedRow(model, finding, ordered(cells), is_average(finding)) for (model, finding), cells in kept)
    return PrintedTable(table.name, made, () if table.source is None else (table.source,))


def heads(table: Table) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns of names (model, finding, metric, value), and of metrics."""
    roles: dict[str, str] = {}
    metrics: dict[str, str] = {}
    unknown = []
    for column in table.frame.columns:
        name = head(column)
        if name in MODEL:
            roles.setdefault("model", column)
        elif name in FINDING:
            roles.setdefault("finding", column)
        elif name in METRIC:
            roles["metric"] = column
        elif name in VALUE:
            roles["value"] = column
        elif name in NAMES:
            if NAMES[name] in metrics.values():
                raise InputError(table.where(column), f"there is another column of {NAMES[name]}", "each metric once")
            metrics[column] = NAMES[name]
        elif name not in ASIDE and not (
            name.startswith("unnamed") and table.frame[column].null_count() == len(table.frame)
        ):
            unknown.append(column)
    if unknown:
        raise not_a_metric(table.where(unknown[0]), unknown[0], "the column")
    if ("metric" in roles) != ("value" in roles) or (not metrics and "metric" not in roles):
        what = f"there is no column of a metric (there are {listed(table.frame.columns, most=8)})"
        raise InputError(table.name, what, EXPECTED, HELP)
    return roles, metrics


def head(column: str) -> str:
    """Return the name of a column as it is looked up, without a unit.

    >>> head("Sensitivity (%)"), head("N_positive"), head("LR+")
    ('sensitivity', 'n positive', 'lr+')
    """
    text = re.sub(r"\s*[\[(]?%[\])]?\s*$", "", column.strip())
    return "lr-" if text.lower() in ("lr-", "lr−") else key(text)


def rows(
    table: Table, roles: Mapping[str, str], metrics: Mapping[str, str]
) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """Yield of each row the model, the finding, and the cells that are printed: column, metric, text."""
    names = {role: columns.text(table.frame[column]) for role, column in roles.items()}
    texts = {column: columns.text(table.frame[column]) for column in metrics}
    for row in range(len(table.frame)):
        cells = [(column, metrics[column], texts[column][row]) for column in metrics]
        if "metric" in names:
            said = names["metric"][row]
            if said is None or head(said) not in NAMES:
                raise not_a_metric(table.where(roles["metric"], row), said or "", "the metric")
            column = f"{roles['value']}{'%' if '%' in said else ''}"
            cells.append((column, NAMES[head(said)], names["value"][row]))
        printed_cells = [(column, metric, text) for column, metric, text in cells if is_printed(text)]
        model, finding = (names[role][row] if role in names else None for role in ("model", "finding"))
        yield model or "", finding or "", printed_cells


def not_a_metric(where: str, name: str, kind: str) -> InputError:
    """Return the refusal of a name that stands for no metric, with the one that may be meant."""
    near = get_close_matches(head(name), NAMES, 1)
    do = f"Is it {NAMES[near[0]]}?" if near else "Leave the column out, or call it note."
    return InputError(where, f"{kind} {quoted(name)} is not known", f"model, finding, note, or {EXPECTED}", do)


def is_printed(text: str | None) -> bool:
    """Return whether a cell has a number, rather than a word for nothing."""
    return text is not None and text.strip().lower() not in NOT_PRINTED


def is_average(finding: str) -> bool:
    """Return whether a row is an average over findings, by the name of its finding."""
    return key(finding) in AVERAGES


def printed(text: str, metric: str, where: str, *, in_percent: bool = False, rounding: str = "nearest") -> Printed:
    """Read one printed number, or two with `..` between them where a figure leaves it open.

    >>> printed("0.80", "sensitivity", "")
    Printed(text='0.80', value=0.8, low=0.795, high=0.805)
    >>> printed("74.2%", "specificity", "").low, printed("0.72..0.74", "specificity", "").high
    (0.7415, 0.745)
    """
    first, dots, second = (part.strip() for part in text.partition(".."))
    ends = [one(part, metric, where, in_percent, rounding) for part in ((first, second) if dots else (first,))]
    low, high = ends[0][1], ends[-1][2]
    value = sum(end[0] for end in ends) / len(ends)
    if ends[0][0] > ends[-1][0]:
        raise InputError(where, f"{quoted(text)} ends before it begins", "the lower number first")
    most = 1.0 if metric in SHARES else inf
    return Printed(text, value, max(low, 0.0), min(high, most))


def one(text: str, metric: str, where: str, in_percent: bool, rounding: str) -> tuple[float, float, float]:
    """Return a single number and its bounds."""
    if text.lower() in ("inf", "infinity", "∞") and metric in RATIOS:
        return inf, inf, inf
    fits = NUMBER.fullmatch(text)
    if fits is None or not (fits["whole"] or fits["part"]) or ("," in text and metric not in COUNTS):
        raise not_a_number(text, metric, where)
    percent = bool(fits["percent"]) or in_percent
    if metric in COUNTS:
        if fits["part"] or percent:
            raise InputError(
                where, f"the count is {quoted(text)}", "a whole number", "Prevalence has a column of its own."
            )
        count = float((fits["whole"] or "0").replace(",", ""))
        return count, count, count
    scale = Decimal(100 if percent and metric in SHARES else 1)
    if percent and metric not in SHARES:
        raise InputError(where, f"{quoted(text)} is a percentage, and {metric} is a ratio", "a number without %")
    digits = Decimal(f"{(fits['whole'] or '0').replace(',', '')}.{fits['part'] or '0'}")
    unit = Decimal(1).scaleb(-len(fits["part"] or "")) / scale
    value = digits / scale
    if metric in SHARES and value > 1:
        do = "Write it with a percent sign, or % in the head of the column." if value <= 100 else ""
        raise InputError(where, f"{metric} is {quoted(text)}, above 1", "a share from 0 to 1", do)
    half, nothing = unit / 2, Decimal(0)
    below, above = {"nearest": (half, half), "down": (nothing, unit), "either": (half, unit)}[rounding]
    return float(value), float(value - below), float(value + above)


def not_a_number(text: str, metric: str, where: str) -> InputError:
    """Return the refusal of a cell, with what may help."""
    do = ""
    if re.fullmatch(r"\d+,\d+\s*%?", text):
        do = "Write a point as decimal mark."
    elif re.search(r"[(\[±]|\bto\b", text):
        do = "Leave the interval out, and write the number alone."
    elif text.startswith(("-", "−")):
        do = "None of these can be negative."
    expected = "a whole number" if metric in COUNTS else "a number as it is printed, such as 0.80, 74.2% or 0.7..0.8"
    return InputError(where, f"{metric} is {quoted(text)}", expected, do)


def ordered(cells: Mapping[str, Printed]) -> dict[str, Printed]:
    """Return cells in the order of `METRICS`."""
    return {metric: cells[metric] for metric in METRICS if metric in cells}
