"""How a number is written on the page: every table, figure and sentence goes through here.

Discrimination and rates have three decimals in tables and figures; a share that a sentence speaks of is a percentage
with one decimal; ratios have three significant digits; counts have thousands separators; an interval stands in
brackets behind its value. What is not defined is an en dash. The minus is a minus sign and spaces inside a number do
not break.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, isinf, isnan, log10

Number = float | int | None

DASH = "–"
MINUS = "−"
SPACE = "\N{NO-BREAK SPACE}"
MOST_DECIMALS = 4


def defined(value: Number) -> bool:
    """Return whether there is a number to write."""
    return value is not None and not isnan(value)


def decimal(value: Number, digits: int = 3) -> str:
    """Write a number with fixed decimals.

    >>> decimal(0.83831), decimal(-0.5, 1), decimal(None), decimal(float("inf"))
    ('0.838', '−0.5', '–', '∞')
    """
    if value is None or isnan(value):
        return DASH
    if isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:,.{digits}f}"
    is_zero = not text.strip("-0.,")
    return text.lstrip("-") if is_zero else text.replace("-", MINUS)


def count(value: Number) -> str:
    """Write a whole number with thousands separators.

    >>> count(22433)
    '22,433'
    """
    return decimal(value, 0)


def signed(value: Number, digits: int = 3) -> str:
    """Write a difference: a plus or a minus before it, unless nothing is left of it.

    >>> signed(0.0123), signed(-0.5, 1), signed(0.0001), signed(None)
    ('+0.012', '−0.5', '0.000', '–')
    """
    text = decimal(value, digits)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def percent(value: Number, digits: int = 1) -> str:
    """Write a share as a percentage, with more decimals where it would else read as none or all and is neither.

    >>> percent(0.6827).replace(SPACE, " "), percent(0.00021).replace(SPACE, " "), percent(0.9997).replace(SPACE, " ")
    ('68.3 %', '0.02 %', '99.97 %')
    """
    if value is None or isnan(value):
        return DASH
    if 0 < value < 1:
        while round(100 * value, digits) in (0, 100) and digits < MOST_DECIMALS:
            digits += 1
    return f"{decimal(100 * value, digits)}{SPACE}%"


def ratio(value: Number) -> str:
    """Write a ratio with three significant digits, and no more than the decimals of small ones.

    >>> ratio(7.4123), ratio(0.29841), ratio(1234.6), ratio(31.26)
    ('7.41', '0.298', '1,235', '31.3')
    """
    if value is None or isnan(value) or isinf(value) or value == 0:
        return decimal(value, 0)
    return decimal(value, min(6, max(0, 2 - floor(log10(abs(value))))))


def score(value: Number) -> str:
    """Write a threshold on the score scale with four significant digits.

    >>> score(0.012345), score(0.5)
    ('0.01235', '0.5000')
    """
    if value is None or isnan(value) or isinf(value) or value == 0:
        return decimal(value, 4)
    return decimal(value, min(9, max(0, 3 - floor(log10(abs(value))))))


def p_value(value: Number) -> str:
    """Write a p-value.

    >>> p_value(0.0123), p_value(0.00002).replace(SPACE, " ")
    ('0.012', '< 0.001')
    """
    if value is not None and value < 0.001:
        return f"<{SPACE}0.001"
    return decimal(value)


def interval(value: Number, low: Number, high: Number, write: Callable[[Number], str] = decimal) -> str:
    """Write a value with its interval behind it.

    >>> interval(0.838, 0.829, 0.847)
    '0.838 (0.829 to 0.847)'
    >>> interval(0.838, None, None)
    '0.838'
    """
    if not defined(value) or not defined(low) or not defined(high):
        return write(value)
    return f"{write(value)} ({write(low)} to {write(high)})"


WRITERS: dict[str, Callable[[Number], str]] = {
    "lr_positive": ratio,
    "lr_negative": ratio,
    "dor": ratio,
    "false_calls_per_healthy_image": lambda value: decimal(value, 2),
    "ece": lambda value: decimal(value, 4),
    "brier": lambda value: decimal(value, 4),
}


def writer_of(metric: str) -> Callable[[Number], str]:
    """Return how values of a metric are written."""
    return WRITERS.get(metric, decimal)


def level(value: float) -> str:
    """Write a confidence level.

    >>> level(0.95).replace(SPACE, " ")
    '95 %'
    """
    return f"{100 * value:g}{SPACE}%"


def plural(n: int, noun: str, many: str = "") -> str:
    """Write a count with its noun.

    >>> plural(1, "image"), plural(22433, "image"), plural(2, "patient")
    ('1 image', '22,433 images', '2 patients')
    """
    return f"{count(n)} {noun if n == 1 else many or noun + 's'}"


def listing(names: Sequence[str]) -> str:
    """Write names as a sentence does.

    >>> listing(["Mass"]), listing(["Mass", "Nodule", "Hernia"])
    ('Mass', 'Mass, Nodule and Hernia')
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
