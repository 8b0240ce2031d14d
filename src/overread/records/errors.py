"""The one way in which bad input is refused."""


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
