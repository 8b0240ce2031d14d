"""What the comparison of two readings says, in words, by rules that are written down here.

1. A difference is called *beyond chance* when its p-value is below 1 - level: for a single finding after Holm's adjustment
   over findings (Obuchowski's test for the AUROC), for a mean over findings from the paired bootstrap by patient, after
   Holm's adjustment over the pairs of readings.
2. Where that is not shown, the two are not called the same: the smallest difference that these patients would have shown 4
   times in 5 is named instead, and equivalence only where a margin was stated and met.
3. A difference at the operating points is given per 1,000 ill, per 1,000 healthy and per 1,000 of all people at a stated
   prevalence, and never as "better" without what at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from overread.analyses.consequences import COHORT as AS_HERE
from overread.analyses.label_sample import BETTER, COHORT, FOUND
from overread.analyses.passage import Passage
from overread.analyses.quantities import MEAN, OVER_FINDINGS
from overread.records.findings import display

Tables = Mapping[str, pl.DataFrame]
Row = dict[str, float]
MOST_NAMED = 5
METRIC_NAMES = {"auroc": "AUROC", "f1": "F1", "ppv": "PPV", "npv": "NPV"}


def verdict(tables: Tables) -> Iterator[Passage]:
    """Yield one passage for each pair of readings."""
    pairs = tables["comparisons"].select("reading_a", "reading_b").unique(maintain_order=True)
    for a, b in pairs.rows():
        of = {
            name: tables[name].filter(pl.col("reading_a") == a, pl.col("reading_b") == b)
            for name in ("comparisons", "exchange", "equivalence", "label_order")
            if name in tables
        }
        yield Passage(f"{a} against {b}", tuple(sentences(of, a, b)))


def sentences(of: Tables, a: str, b: str) -> Iterator[str]:
    """Yield the sentences on one pair."""
    table = of["comparisons"]
    mean = row_of(table, "auroc", MEAN, "bootstrap")
    several = table.filter(~pl.col("finding").is_in(OVER_FINDINGS))["finding"].n_unique() > 1
    if mean is None:
        return
    if mean["difference"] == mean["low"] == mean["high"] == 0:
        yield f"{a} and {b} order the images alike: every AUROC is the same."
    else:
        yield area_sentence(mean, a, b, several)
        yield from finding_sentences(table)
    yield from rate_sentences(of, a, b, several)
    yield from margin_sentences(of["equivalence"], a, b)
    yield from turned_sentences(of["label_order"], a, b) if "label_order" in of else ()


def row_of(table: pl.DataFrame, metric: str, finding: str, method: str) -> Row | None:
    """Return one test with its numbers, None where it was not computed."""
    rows = table.filter(pl.col("metric") == metric, pl.col("finding") == finding, pl.col("method") == method)
    if rows.is_empty() or None in rows.select("difference", "low", "p").row(0):
        return None
    return rows.row(0, named=True)


def area_sentence(mean: Row, a: str, b: str, several: bool) -> str:
    """Say how far the mean AUROCs lie apart."""
    apart = f"{signed(mean['difference'], 3)} ({interval_of(mean, 1, 3)})"
    shown = (
        "beyond chance"
        if beyond_chance(mean["p_adjusted"], mean["level"])
        else f"not shown to be beyond chance; {smallest(mean, 3)}"
    )
    name = "Mean AUROC" if several else "AUROC"
    return f"{name} {mean['a']:.3f} ({a}) against {mean['b']:.3f} ({b}): a difference of {apart}, {shown}."


def smallest(row: Row, digits: int) -> str:
    """Name the smallest difference that could have been seen."""
    return f"a true difference of {row['smallest_detectable']:.{digits}f} would have been found 4 times in 5"


def finding_sentences(table: pl.DataFrame) -> Iterator[str]:
    """Say for which findings the AUROC differs beyond chance, and what could have been seen for the others."""
    each = table.filter(
        pl.col("metric") == "auroc",
        pl.col("method") == "obuchowski",
        ~pl.col("finding").is_in(OVER_FINDINGS),
        pl.col("p_adjusted").is_not_null(),
    )
    if len(each) < 2:
        return
    shown = each.filter(pl.col("p_adjusted") < 1 - pl.col("level"))
    other = each.filter(pl.col("p_adjusted") >= 1 - pl.col("level"))
    counted = f"Finding by finding, adjusted for {len(each)} tests, the AUROC differs beyond chance for {len(shown) or 'none'}"
    yield f"{counted}{named(shown)}."
    alike = other.filter(pl.col("difference") == 0, pl.col("smallest_detectable").is_null())
    if len(alike):
        yield f"For {len(alike)} the two order the images alike, and there is nothing to test."
    detectable = sorted(other["smallest_detectable"].drop_nulls().to_list())
    if detectable:
        low, high = f"{detectable[0]:.3f}", f"{detectable[-1]:.3f}"
        rest = f"the other {len(detectable)}" if len(detectable) < len(each) else f"these {len(detectable)}"
        yield (
            f"For {rest} that is not shown, which is not to say that they are the same: the smallest difference that these "
            f"patients would have shown 4 times in 5 {f'is {low}' if low == high else f'lies between {low} and {high}'}."
        )


def named(rows: pl.DataFrame) -> str:
    """Return the findings with the largest differences, for a sentence."""
    if rows.is_empty():
        return ""
    ordered = rows.sort(pl.col("difference").abs(), descending=True).head(MOST_NAMED)
    shown = ", ".join(f"{display(f)} {signed(d, 3)}" for f, d in ordered.select("finding", "difference").rows())
    return f" ({shown}{' and others' if len(rows) > MOST_NAMED else ''})"


def rate_sentences(of: Tables, a: str, b: str, several: bool) -> Iterator[str]:
    """Say what the operating points mean for people, with the denominators named."""
    sensitivity = row_of(of["comparisons"], "sensitivity", MEAN, "bootstrap")
    specificity = row_of(of["comparisons"], "specificity", MEAN, "bootstrap")
    exchange = of["exchange"].filter(pl.col("finding") == MEAN, pl.col("prevalence_source") == AS_HERE)
    if sensitivity is None or specificity is None or exchange.is_empty():
        return
    if all(row["difference"] == row["low"] == row["high"] == 0 for row in (sensitivity, specificity)):
        yield "At their operating points the two find as many of the ill and spare as many of the healthy."
        return
    yield (
        f"At their operating points{', averaged over findings' if several else ''}, {a} finds {more(sensitivity)} of 1,000 "
        f"ill people {than(sensitivity)} {b} and spares {more(specificity)} of 1,000 healthy ones."
    )
    row = exchange.row(0, named=True)
    yield (
        f"These have different denominators: of 1,000 people of whom {1000 * row['prevalence']:.0f} are ill, {a} "
        f"finds {more_people(row['extra_found_per_1000_all'])} and spares {more_people(row['extra_spared_per_1000_all'])}."
    )
    yield from rate_of_exchange(row, a, b)


def more_people(n: float) -> str:
    """Say how many people more, or fewer.

    >>> more_people(0.62), more_people(-56.7), more_people(0.0)
    ('0.6 more', '56.7 fewer', 'as many')
    """
    return "as many" if n == 0 else f"{abs(n):.1f} {'fewer' if n < 0 else 'more'}"


def rate_of_exchange(row: Row, a: str, b: str) -> Iterator[str]:
    """Say what one more true finding costs, where one reader finds more and the other spares more."""
    if row["rate"] is None or row["rate"] <= 0:
        return
    finder = a if row["extra_found_per_1000_all"] > 0 else b
    bounds = "an interval that is not bounded" if row["low"] is None else f"{row['low']:.1f} to {row['high']:.1f}"
    yield (
        f"{finder} refers {row['rate']:.1f} more healthy people for each further ill person that it finds ({bounds}): which "
        f"of the two serves a clinic depends on whether it would pay that price."
    )


def margin_sentences(table: pl.DataFrame, a: str, b: str) -> Iterator[str]:
    """Say what was shown against the stated margins."""
    for row in table.filter(pl.col("finding") == MEAN).iter_rows(named=True):
        metric = METRIC_NAMES.get(row["metric"], row["metric"].replace("_", " "))
        if row["conclusion"].startswith("equivalent"):
            yield f"Within the stated margin of {row['margin']:g}, the mean {metric} of both is shown to be equivalent."
        elif row["conclusion"].startswith("not worse"):
            yield f"The mean {metric} of {a} is shown to be not worse than that of {b} by {row['margin']:g} or more."
        else:
            # Non-inferiority is asked of a against b only, so the sentence names who was not shown to be no worse.
            yield (
                f"In mean {metric}, within the stated margin of {row['margin']:g}, it is not shown that the two are "
                f"equivalent, nor that {a} is not worse than {b}."
            )


def turned_sentences(table: pl.DataFrame, a: str, b: str) -> Iterator[str]:
    """Say for which labels the order of two readings is another under a better truth, where that is not chance."""
    for own in table.filter(pl.col("source") == FOUND).partition_by("label", maintain_order=True):
        of = {row["truth"]: row for row in own.iter_rows(named=True)}
        labels, better = of[COHORT], of[BETTER]
        if labels["value"] is None or better["value"] is None or better["low"] is None:
            continue
        if labels["value"] * better["value"] < 0 < better["low"] * better["high"]:
            ahead, behind = (a, b) if better["value"] > 0 else (b, a)
            yield (
                f"By the better truth the order turns for {display(own['label'][0])}: on the {better['n_images']:,} images "
                f"that have both, {behind} has the higher AUROC under the cohort's labels ({a} minus {b} "
                f"{signed(labels['value'], 3)}) and {ahead} under the better truth ({signed(better['value'], 3)}, "
                f"{interval_of(better, 1, 3)})."
            )


def beyond_chance(p: float, level: float) -> bool:
    """Return whether a p-value is below 1 - level."""
    return p < 1 - level


def more(row: Row) -> str:
    """Return a difference of rates as people of 1,000, with its interval and whether it is beyond chance."""
    if row["difference"] == row["low"] == row["high"] == 0:
        return "as many"
    number = abs(1000 * row["difference"])
    shown = "" if beyond_chance(row["p_adjusted"], row["level"]) else "; not shown to be beyond chance"
    return f"{number:.1f} {'more' if row['difference'] >= 0 else 'fewer'} ({interval_of(row, 1000, 1)}{shown})"


def than(row: Row) -> str:
    """Return the word between `more` and whom it is compared with."""
    return "as" if more(row) == "as many" else "than"


def interval_of(row: Row, scale: float, digits: int) -> str:
    """Return an interval with its level."""
    low, high = (signed(scale * row[bound], digits) for bound in ("low", "high"))
    return f"{row['level'] * 100:g} % interval {low} to {high}"


def signed(number: float, digits: int) -> str:
    """Write a difference with its sign.

    >>> signed(-0.0123, 3), signed(0.5, 1), signed(-0.0001, 3)
    ('\u22120.012', '+0.5', '0.000')
    """
    text = f"{number:+.{digits}f}".replace("-", "\u2212")
    return text if text.strip("+\u22120.") else text[1:]
