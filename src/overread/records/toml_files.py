"""TOML files that people write and read: parsed, unknown keys refused, values written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from overread.records.errors import InputError, listed, located, quoted
from overread.records.tables import Source, read_bytes, source

Parsed = dict[str, Any]


def read_toml(path: str | Path) -> tuple[Parsed, Source]:
    """Read a TOML file, and say which file it was.

    Raises `InputError` when it is missing, cannot be opened or is not TOML.
    """
    data = read_bytes(path)
    return parsed(data, located(path)), source(path, data)


def parsed(data: bytes, where: str) -> Parsed:
    """Return what a TOML document says, or refuse it by the place where it stops being one."""
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise InputError(where, "the file is not text in UTF-8", "a TOML file") from None
    except tomllib.TOMLDecodeError as reason:
        raise InputError(where, f"this is not TOML: {reason}", 'lines such as name = "text"') from None


def refuse_unknown(where: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Refuse a key that means nothing, with the name that was probably meant.

    >>> refuse_unknown("study.toml", ["fundng"], ["funding", "title"])
    Traceback (most recent call last):
    ...
    overread.records.errors.InputError: study.toml: 'fundng' means nothing here. Expected funding.
    """
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            expected = near[0] if near else f"one of: {listed(sorted(known), most=40)}"
            raise InputError(where, f"{quoted(name)} means nothing here", expected)


def toml(value: Any) -> str:
    r"""Write a value as TOML: text, a number, truth, a list, or an inline table.

    >>> print(toml("a\"b\n"), toml([0.5, 1e-7, True]), toml({"Mass": 0.01, "No Finding": 2}))
    "a\"b\n" [0.5, 1e-07, true] { Mass = 0.01, "No Finding" = 2 }
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{toml_key(name)} = {toml(item)}" for name, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's


def toml_key(name: str) -> str:
    """Write a key: bare where it may be, else in quotes."""
    bare = name.isascii() and name.replace("-", "_").replace("_", "a").isalnum()
    return name if bare else toml(name)
