"""The small cohort that ships for the checks, and what a check is."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

DATA = Path(__file__).parent / "data"
REFERENCES = ("references_r.json", "references_python.json")

SEARCH = "fitted by another algorithm, to its own tolerance"
FLAT = "the reference searches the top of a likelihood, which is flat"
ROOT = "the reference finds roots by search"
"""Why a check allows more than rounding."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cohort:
    """360 made-up images of 120 patients, two readers and their calls; `references/selfcheck/cohort.py` made it.

    Every column is (n,): `ill` and `truth` are two labels of one finding, `other` the label of another (-1 where it was
    not assessed), `stratum` 0 to 2, `mark` a tag, `half` 0 or 1 by patient, `a` and `b` scores, `there` scores of
    another place. `draws` (patients, replicates) is how often each patient is drawn in the first replicates.
    """

    patient: Ints
    ill: Ints
    truth: Ints
    other: Ints
    stratum: Ints
    mark: Ints
    half: Ints
    a: Floats
    b: Floats
    there: Floats
    draws: Ints

    @property
    def called_a(self) -> NDArray[np.bool_]:
        """The calls of reader a, at 0.3."""
        return self.a >= 0.3

    @property
    def called_b(self) -> NDArray[np.bool_]:
        """The calls of reader b, at 0.3."""
        return self.b >= 0.3


@dataclass(frozen=True)
class Check:
    """One statistic to be held against references of the same name.

    `statistic` names the functions of `overread.stats` that `compute` calls; `tolerance` is a fraction of the
    reference, and `reason` says why it is not that of rounding.
    """

    name: str
    statistic: str
    compute: Callable[[Cohort], ArrayLike]
    tolerance: float = 1e-9
    reason: str = ""


@dataclass(frozen=True)
class Reference:
    """Values that other software gave for a check, and the line of code that made them."""

    name: str
    values: tuple[float, ...]
    software: str
    version: str
    code: str

    @property
    def named(self) -> str:
        """The software with its version, or the source of a printed value.

        >>> Reference("auroc", (0.9,), "pROC", "1.18.0", "auc(...)").named
        'pROC 1.18.0'
        """
        return self.software if self.printed else f"{self.software} {self.version}"

    @property
    def printed(self) -> bool:
        """Whether the values were read in a publication, and not computed."""
        return self.version == "printed"


@cache
def cohort() -> Cohort:
    """Read the cohort that ships."""
    columns = _columns(DATA / "cohort.csv")
    draws = np.array(list(_columns(DATA / "draws.csv").values()), np.int64).T

    def whole(name: str) -> Ints:
        return np.array(columns[name], np.int64)

    def score(name: str) -> Floats:
        return np.array(columns[name], np.float64)

    return Cohort(
        patient=whole("patient"),
        ill=whole("ill"),
        truth=whole("truth"),
        other=whole("other"),
        stratum=whole("stratum"),
        mark=whole("mark"),
        half=whole("half"),
        a=score("a"),
        b=score("b"),
        there=score("there"),
        draws=draws,
    )


@cache
def references() -> tuple[Reference, ...]:
    """Read the values that ship."""
    read = [each for name in REFERENCES for each in json.loads((DATA / name).read_text("utf-8"))]
    return tuple(
        Reference(each["name"], tuple(each["values"]), each["software"], each["version"], each["code"]) for each in read
    )


def _columns(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}
