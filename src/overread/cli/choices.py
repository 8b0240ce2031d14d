"""Options that are written as text on the command line, read into what they mean."""

from __future__ import annotations

from pathlib import Path

from overread.records.errors import InputError


def operating_point(text: str) -> str | dict[str, float]:
    """Read `--operating-point`: a rule in words, or the path of a table with the columns finding and threshold."""
    from overread.stats.operating_points import parse_rule

    if Path(text).suffix.lower() in (".csv", ".gz", ".parquet") or Path(text).is_file():
        from overread.records.thresholds import read_thresholds

        return read_thresholds(text)
    try:
        parse_rule(text)
    except ValueError as refusal:
        raise InputError("--operating-point", str(refusal)) from None
    return text


def shares(option: str, text: str | None, example: str) -> dict[str, float]:
    """Read NAME=X,... with each X between 0 and 1: shares of people, or margins of metrics that are shares.

    >>> shares("--prevalence", "Edema=0.02,Mass=0.1", "Edema=0.01")
    {'Edema': 0.02, 'Mass': 0.1}
    """
    read: dict[str, float] = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        name, _, number = part.partition("=")
        try:
            share = float(number)
        except ValueError:
            share = float("nan")
        if not 0 < share < 1:
            raise InputError(
                option,
                f"{part.strip()!r} is not a name with a number between 0 and 1",
                "NAME=NUMBER, joined by commas",
                f"Write for example {option} {example}.",
            )
        read[name.strip()] = share
    return read


def names(text: str) -> tuple[str, ...]:
    """Read a list of names joined by commas.

    >>> names("age, gender")
    ('age', 'gender')
    """
    return tuple(name for part in text.split(",") if (name := part.strip()))


def refuse_existing(out: Path, force: bool) -> None:
    """Refuse a file that exists before any work is done, unless told to replace it."""
    if out.exists() and not force:
        raise InputError(str(out), "it exists already", "", "Name another one, or pass --force to replace it.")
