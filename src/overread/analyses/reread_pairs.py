"""Two printed models of one finding: what one does more than the other, at what price, and what does not follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan, nan, sqrt

import polars as pl

from overread.analyses.reread_row import Row
from overread.analyses.reread_words import Claim, between
from overread.records.findings import display
from overread.records.printed import Printed
from overread.stats.auroc_from_counts import hanley_mcneil_variance
from overread.stats.exchange import RateDifferences, exchange_rate, extra_people, net_benefit_threshold
from overread.stats.printed import Bounds
from overread.stats.wald import critical_value

EXCHANGE = {
    "model_a": pl.String,
    "model_b": pl.String,
    "finding": pl.String,
    "prevalence": pl.Float64,
    "prevalence_source": pl.String,
    **{
        f"extra_{what}_{end}": pl.Float64
        for what in ("found_per_1000_ill", "spared_per_1000_healthy", "found_per_1000_all", "spared_per_1000_all")
        for end in ("low", "high")
    },
    "rate": pl.Float64,
    "rate_low": pl.Float64,
    "rate_high": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "threshold_probability": pl.Float64,
    "note": pl.String,
}
UNPAIRED = (
    "bounds of chance take the two for independent, and images too: on the same images they are too wide, with several "
    "images per patient too narrow"
)
LOST = "not bounded: rounding alone may turn the difference in ill people found"


def differences(a: Row, b: Row) -> tuple[Bounds, Bounds] | None:
    """Return what rounding leaves of a's sensitivity and specificity less b's; None where one has no such rates."""
    if any(not {"sensitivity", "specificity"} <= row.kept.keys() for row in (a, b)):
        return None
    sensitivity, specificity = (minus(a.bounds(name), b.bounds(name)) for name in ("sensitivity", "specificity"))
    return sensitivity, specificity


def minus(one: Bounds, other: Bounds) -> Bounds:
    """Subtract ranges."""
    return one[0] - other[1], one[1] - other[0]


def pair_prevalences(a: Row, b: Row, asked: Sequence[float]) -> list[tuple[float, str]]:
    """Return the prevalences at which two models are weighed: the table's, where both have it, and those asked for."""
    own = a.prevalence or b.prevalence
    return [*([(sum(own) / 2, "the table")] if own else []), *((share, "given") for share in asked)]


def exchange_rows(a: Row, b: Row, asked: Sequence[float], level: float) -> Iterator[dict[str, object]]:
    """Yield the exchange rate of two models at each prevalence, with what rounding leaves and what chance adds."""
    found = differences(a, b)
    if found is None:
        return
    more_sensitive, more_specific = found
    middle = RateDifferences(middle_of(more_sensitive), middle_of(more_specific), *variances(a, b))
    for share, source in pair_prevalences(a, b, asked):
        rate = exchange_rate(middle, prevalence=share, level=level)
        ends = rate_bounds(more_sensitive, more_specific, share)
        low, high = (extra_people(RateDifferences(x, y), prevalence=share) for x, y in zip(*found, strict=True))
        notes = (LOST if isnan(ends[0]) else "", rate.note, "" if isnan(rate.low) else UNPAIRED)
        yield {
            "model_a": a.printed.model,
            "model_b": b.printed.model,
            "finding": a.printed.finding,
            "prevalence": share,
            "prevalence_source": source,
            "extra_found_per_1000_ill_low": 1000 * more_sensitive[0],
            "extra_found_per_1000_ill_high": 1000 * more_sensitive[1],
            "extra_spared_per_1000_healthy_low": 1000 * more_specific[0],
            "extra_spared_per_1000_healthy_high": 1000 * more_specific[1],
            "extra_found_per_1000_all_low": low.found,
            "extra_found_per_1000_all_high": high.found,
            "extra_spared_per_1000_all_low": low.spared,
            "extra_spared_per_1000_all_high": high.spared,
            "rate": defined(rate.value),
            "rate_low": defined(ends[0]),
            "rate_high": defined(ends[1]),
            "low": defined(rate.low),
            "high": defined(rate.high),
            "level": level,
            "threshold_probability": defined(float(net_benefit_threshold(rate.value))) if rate.value > 0 else None,
            "note": "; ".join(part for part in notes if part),
        }


def rate_bounds(more_sensitive: Bounds, more_specific: Bounds, prevalence: float) -> Bounds:
    """Return what rounding leaves of an exchange rate; nan where it may divide by zero."""
    if more_sensitive[0] <= 0 <= more_sensitive[1]:
        return nan, nan
    odds = (1 - prevalence) / prevalence
    rates = [odds * -spared / found for spared in more_specific for found in more_sensitive]
    return min(rates), max(rates)


def variances(a: Row, b: Row) -> tuple[float, float, float]:
    """Return the variances of both differences as if the two were independent; nan where images are not counted."""
    found = []
    for name, count in (("sensitivity", "n_positive"), ("specificity", "n_negative")):
        n = [row.bounds(count)[0] for row in (a, b)]
        shares = [middle_of(row.bounds(name)) for row in (a, b)]
        known = not any(row.printed.average for row in (a, b)) and all(each >= 1 for each in n)
        found.append(sum(share * (1 - share) / each for share, each in zip(shares, n, strict=True)) if known else nan)
    return found[0], found[1], 0.0


def pair_claims(a: Row, b: Row, asked: Sequence[float]) -> Iterator[Claim]:
    """Yield what two models' rates say of each other, and what they do not."""
    models, finding = f"{a.printed.model} / {b.printed.model}", a.printed.finding
    about = f"{a.printed.model} and {b.printed.model}" + (f", {display(finding)}" if finding else "")
    if said := same_images(a, b, about):
        yield models, finding, "impossible", said
    found = differences(a, b)
    if found is not None:
        yield models, finding, *rates_claim(a, b, about, found, pair_prevalences(a, b, asked))


def same_images(a: Row, b: Row, about: str) -> str:
    """Say that two models cannot have read the same images, where their prevalences have nothing in common."""
    if a.printed.average or b.printed.average or a.prevalence is None or b.prevalence is None:
        return ""
    one, other = a.prevalence, b.prevalence
    if one[0] <= other[1] + 1e-9 and other[0] <= one[1] + 1e-9:
        return ""
    shares = f"{between(one, 'prevalence')} and {between(other, 'prevalence')}"
    return f"{about}: not the same images, as their prevalences are {shares}."


def area_claims(pairs: Sequence[tuple[Row, Row]], level: float) -> Iterator[Claim]:
    """Yield for each two models in which findings the order of their printed AUROCs follows, and in which not."""
    found: dict[str, dict[tuple[str, str, str], list[str]]] = {}
    for a, b in pairs:
        one, other = a.printed.cells.get("auroc"), b.printed.cells.get("auroc")
        if one is not None and other is not None:
            case, said = area_case(a, b, one, other, level)
            models = f"{a.printed.model} / {b.printed.model}"
            about = f"{a.printed.model} and {b.printed.model}"
            finding = display(a.printed.finding)
            cases = found.setdefault(models, {})
            cases.setdefault((about, *case), []).append(f"{finding} ({said})" if finding else said)
    for models, cases in found.items():
        for (about, kind, sentence), findings in cases.items():
            yield models, "", kind, f"{about}: {sentence.format(level=f'{100 * level:g} %')}: {'; '.join(findings)}."


LOST_AREA = ("does not follow", "which AUROC is larger is lost in the rounding")
NO_CHANCE = (
    "does not follow",
    "that the AUROCs differ by more than chance cannot be said without the numbers of images",
)
WITHIN = (
    "does not follow",
    "that the AUROCs differ by more than chance does not follow, which between readers that are independent leaves the "
    "number after ± ({level}); on the same images a paired test may see more, and its scores are not printed",
)
BEYOND = (
    "note",
    "the AUROCs differ by more than chance between independent readers would leave (the number after ±, {level}), if "
    "each image were of another patient and this were the only finding looked at",
)


def area_case(a: Row, b: Row, one: Printed, other: Printed, level: float) -> tuple[tuple[str, str], str]:
    """Return what can be said of two printed AUROCs, and the two with what chance leaves."""
    said = f"{one.text} and {other.text}"
    if one.low <= other.high and other.low <= one.high:
        return LOST_AREA, said
    counts = [(row.bounds("n_positive")[0], row.bounds("n_negative")[0]) for row in (a, b)]
    if a.printed.average or b.printed.average or not all(n >= 1 for pair in counts for n in pair):
        return NO_CHANCE, said
    spread = [hanley_mcneil_variance(cell.value, *map(int, n)) for cell, n in zip((one, other), counts, strict=True)]
    half = critical_value(level) * sqrt(sum(spread))
    return BEYOND if abs(one.value - other.value) > half else WITHIN, f"{said}, ±{half:.3f}"


def rates_claim(
    a: Row, b: Row, about: str, found: tuple[Bounds, Bounds], at: Sequence[tuple[float, str]]
) -> tuple[str, str]:
    """Say who finds and who spares more, each with its own denominator, and what that is among the same people."""
    names = a.printed.model, b.printed.model
    (ill_low, ill_high), (healthy_low, healthy_high) = found
    if ill_low <= 0 <= ill_high and healthy_low <= 0 <= healthy_high:
        return "does not follow", f"{about}: which finds or spares more is lost in the rounding."
    finder, sparer = (names[0] if middle_of(pair) > 0 else names[1] for pair in found)
    if finder == sparer and not (ill_low <= 0 <= ill_high or healthy_low <= 0 <= healthy_high):
        more = f"{people(found[0])} of 1,000 ill people and spares {people(found[1])} of 1,000 healthy ones"
        return (
            "follows",
            f"{about}: by the printed rates, {finder} finds {more} more; by chance or not, the rates do not say.",
        )
    said = (
        f"{about}: {finder} finds {people(found[0])} more of 1,000 ill, {sparer} spares {people(found[1])} more of "
        "1,000 healthy people. The two numbers have different denominators: which weighs more does not follow from them"
    )
    for share, source in at:
        ends = rate_bounds(*found, share)
        extra = extra_people(RateDifferences(middle_of(found[0]), middle_of(found[1])), prevalence=share)
        rate = "" if isnan(ends[0]) or ends[0] < 0 else f", {between(ends, 'dor')} healthy people for each ill one"
        of_all = (
            f"{abs(extra.found):.1f} ill found against {abs(extra.spared):.1f} healthy spared, of 1,000 people in all"
        )
        said += f"; at {'the' if source == 'the table' else 'a'} prevalence of {100 * share:.3g} % it is {of_all}{rate}"
    return "does not follow", f"{said}."


def people(bounds: Bounds) -> str:
    """Say how many of 1,000 a difference is, without its sign."""
    ends = sorted(abs(1000 * end) for end in bounds)
    low, high = (0.0, ends[1]) if bounds[0] <= 0 <= bounds[1] else (ends[0], ends[1])
    return f"{low:.0f} to {high:.0f}" if f"{low:.0f}" != f"{high:.0f}" else f"{low:.0f}"


def middle_of(bounds: Bounds) -> float:
    """Return the middle of a range."""
    return (bounds[0] + bounds[1]) / 2


def defined(value: float) -> float | None:
    """Return a number, or nothing."""
    return None if isnan(value) else value
