"""The one way in which bad input is refused, and how names and values from the input are quoted in a message."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 60
"""Characters of a name or value that a message shows."""


class InputError(ValueError):
    """Input or a call that cannot be used, said in one message for the person who gave it.

    The message has up to four parts, each a short sentence or phrase: *where* (the file, and the column, row or
    image), *what* is wrong with the value received, what was *expected*, and what to *do*. The command line prints
    it on standard error and exits with code 2; from Python it is a `ValueError`.

    >>> print(InputError("scores.csv, column Mass, row 3", "the score is 'high'", "a number from 0 to 1"))
    scores.csv, column Mass, row 3: the score is 'high'. Expected a number from 0 to 1.
    """

    def __init__(self, where: str, what: str, expected: str = "", do: str = "") -> None:
        self.where, self.what, self.expected, self.do = where, what, expected, do
        parts = [f"{where}: {what}.", f"Expected {expected}." if expected else "", do]
        super().__init__(" ".join(part for part in parts if part))

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        return type(self), (self.where, self.what, self.expected, self.do)  # so that it crosses to another process


def quoted(value: object) -> str:
    r"""Return a value from the input as a message shows it: on one line, in quotes if it is text, and short.

    >>> print(quoted("two\nlines"), quoted(1.5), quoted("x" * 100))
    'two\nlines' 1.5 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
    """
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def plain(name: str) -> str:
    r"""Return a name without quotes where that is safe to read, else as `quoted` does.

    >>> print(plain("Pleural Thickening"), plain("a\x1b[31m"), plain(""))
    Pleural Thickening 'a\x1b[31m' ''
    """
    return name if name.isprintable() and name.strip() == name and 0 < len(name) <= LONGEST else quoted(name)


def located(path: object) -> str:
    r"""Return a path as a message shows it: whole, and on one line.

    >>> print(located("scores/model.csv"), located("a\nb.csv"))
    scores/model.csv 'a\nb.csv'
    """
    return str(path) if str(path).isprintable() else repr(str(path))


def listed(names: Sequence[str], *, most: int = 3) -> str:
    """Return the first few of some names, and how many more there are.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = ", ".join(plain(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "image"), counted(1200, "image")
    ('1 image', '1,200 images')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
