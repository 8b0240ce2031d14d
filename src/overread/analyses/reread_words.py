"""What a printed table says and does not say, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, inf, isnan

from overread.analyses.reread_row import Row, everything
from overread.records.findings import display, key
from overread.records.printed import COUNTS, RATIOS
from overread.stats.printed import Bounds

Claim = tuple[str, str, str, str]
"""Model, finding, kind, sentence."""

WORDS = {
    "n_images": "the number of images",
    "n_positive": "the number of positive images",
    "n_negative": "the number of negative images",
    "tp": "true positives",
    "fp": "false positives",
    "fn": "false negatives",
    "tn": "true negatives",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "prevalence": "prevalence",
    "dor": "odds ratio",
    "lr_positive": "LR+",
    "lr_negative": "LR−",
    "auroc": "AUROC",
}
PLAIN_MEANS = ("mean", "average", "avg", "macro", "macro average", "macro mean", "overall mean")


def where(row: Row) -> str:
    """Return how a sentence names a row."""
    return ", ".join(part for part in (row.printed.model, display(row.printed.finding)) if part) or "The table"


def cells_said(row: Row, names: Sequence[str]) -> str:
    """Return numbers with their names, as a sentence lists them."""
    texts = [f"{WORDS[name]} {row.text(name)}" for name in names]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def conflict_said(row: Row) -> str:
    """Say which numbers cannot belong together, and what the others would give in the place of the last of them."""
    *others, last = row.conflict
    if not others:
        return f"{where(row)}: {cells_said(row, row.conflict)} is impossible by itself."
    instead = given_by(row, others, last)
    can = "cannot come from" if last not in COUNTS else "cannot go with"
    tail = f", which {'give' if len(others) > 1 else 'gives'} {instead}" if instead else ""
    return f"{where(row)}: {WORDS[last]} {row.text(last)} {can} {cells_said(row, others)}{tail}."


def given_by(row: Row, names: Sequence[str], metric: str) -> str:
    """Return what some of the numbers leave of another, empty where they leave everything or nothing."""
    cover, tables = everything({name: row.cells[name] for name in names})
    if (tables is not None and tables.empty) or cover.empty:
        return ""
    ends: Bounds
    if metric == "auroc":
        source = tables if tables is not None else cover
        ends = source.bounds("auroc_floor")[0], source.bounds("auroc_ceiling")[1]
    elif tables is not None:
        ends = tables.bounds(metric)
    elif metric in COUNTS:
        return ""
    else:
        ends = cover.bounds(metric)
    whole = inf if metric in RATIOS else 1.0
    return "" if isnan(ends[0]) or (metric not in COUNTS and ends == (0.0, whole)) else between(ends, metric)


def between(bounds: Bounds, metric: str) -> str:
    """Say bounds with enough digits to tell them apart, each rounded outwards so that they hold what they bound.

    >>> between((7.5418, 7.6196), "dor"), between((0.18662, 0.18662), "ppv"), between((3, 4), "tp")
    ('7.54 to 7.62', '0.187', '3 to 4')
    >>> between((0.7675, 0.7685), "auroc"), between((8.1, inf), "dor")
    ('0.7675 to 0.7685', 'at least 8.1')
    """
    low, high = bounds
    if metric in COUNTS:
        low, high = ceil(low - 1e-6), floor(high + 1e-6) if high < inf else inf
    if low == inf:
        return "infinite"
    digits = decimals(low, high, metric)
    if high - low < 1e-9:
        return f"{low:,.{digits}f}"
    unit = 10.0**-digits
    first = f"{floor(low / unit + 1e-6) * unit:,.{digits}f}"
    if high == inf:
        return f"at least {first}"
    return f"{first} to {ceil(high / unit - 1e-6) * unit:,.{digits}f}"


def decimals(low: float, high: float, metric: str) -> int:
    """Return with how many decimals bounds are written."""
    if metric in COUNTS:
        return 0
    if high == inf:
        return 1
    digits = 3 if high <= 1.05 else 2 if high < 100 else 0
    while digits < 6 and 1e-9 < high - low < 2 * 10.0**-digits:
        digits += 1
    return digits


def claims_of_row(row: Row) -> Iterator[Claim]:
    """Yield what a row by itself says and does not say."""
    model, finding = row.printed.model, row.printed.finding
    if row.conflict:
        said = conflict_said(row)
        if row.printed.average:
            said += " As averages over findings they may stand side by side, and then none is made of the others."
        kind = "not one table" if row.printed.average else "impossible"
        yield model, finding, kind, said
        rest = [name for name in row.left_out if name not in row.conflict]
        if rest:
            yield model, finding, kind, f"{where(row)}: with the others, {cells_said(row, rest)} cannot be either."
    if row.tables is not None and not row.tables.empty and row.tables.n == 1:
        counts = ", ".join(f"{name.upper()} {row.tables.bounds(name)[0]:,.0f}" for name in ("tp", "fp", "fn", "tn"))
        yield model, finding, "follows", f"{where(row)}: only one table of counts rounds to these numbers: {counts}."
    yield from accuracy_claim(row)


def accuracy_claim(row: Row) -> Iterator[Claim]:
    """Yield that an accuracy is below that of a reader that never calls, where it is."""
    if row.prevalence is None or "accuracy" not in row.kept:
        return
    accuracy, trivial = row.kept["accuracy"], 1 - row.prevalence[1]
    if accuracy[1] < trivial:
        said = (
            f"{where(row)}: that an accuracy of {row.text('accuracy')} is good does not follow: calling nobody ill "
            f"would be right in {between((trivial, 1 - row.prevalence[0]), 'accuracy')} of these images."
        )
        yield row.printed.model, row.printed.finding, "does not follow", said


def about_average(row: Row) -> Claim:
    """Return what an average over findings does not say."""
    said = (
        f"{where(row)}: an average over findings. Its numbers belong to no one table of counts, an average of odds "
        "ratios or F1 is not that of the averaged rates, and no count or interval follows from it."
    )
    return row.printed.model, row.printed.finding, "note", said


def mean_claims(rows: Sequence[Row]) -> list[Claim]:
    """Return for each printed mean whether it is the mean of the findings printed beside it."""
    claims: list[Claim] = []
    for mean in rows:
        if key(mean.printed.finding) not in PLAIN_MEANS:
            continue
        model = mean.printed.model
        own = [row for row in rows if row.printed.model == model and row.printed.finding and not row.printed.average]
        for name, cell in mean.printed.cells.items():
            if name in COUNTS or len(own) < 2 or any(name not in row.printed.cells for row in own):
                continue
            low, high = (
                sum(getattr(row.printed.cells[name], end) for row in own) / len(own) for end in ("low", "high")
            )
            fits = cell.low <= high + 1e-9 and cell.high >= low - 1e-9
            verb = "can be" if fits else "cannot be"
            said = (
                f"{where(mean)}: {WORDS[name]} {cell.text} {verb} the mean of the {len(own)} findings printed, "
                f"which is {between((low, high), name)}."
            )
            claims.append((mean.printed.model, mean.printed.finding, "follows" if fits else "impossible", said))
    return claims
