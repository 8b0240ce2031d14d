"""Whom the phantom shows: patients with their exams, drawn from the real label table of ChestX-ray14.

A phantom patient takes age, gender, views and labels of a real patient's exams, one after the other, from the table
inside this package. So frequencies, findings that come together, what returns on the next exam, and what goes with
age, gender and view are those of ChestX-ray14 without being modelled. Some patients are drawn more often than others,
so that three things can be set: how frequent each finding is (at least `FLOOR` by default, because of 2,000 images four
would show a hernia), how strongly some findings go with gender (`GENDER_ODDS`), and the shares of AP images and
of women (kept at the real ones, although long stays are cut to `LONGEST`). Of all weights that do so the ones taken
are closest to even: exponential tilting (Deming and Stephan 1940, Ann Math Stat 11:427-444; Hainmueller 2012, Polit
Anal 20:25-46, calls it entropy balancing).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from overread.records.errors import InputError, listed, plain
from overread.records.findings import NIH_FINDINGS, key
from overread.records.nih import shipped

FLOOR = 0.04
"""How frequent a finding is at least, as a share of images: 20 test images in a cohort of 2,000."""

LONGEST = 8
"""Exams of a patient that are shown at most, in sequence: some of NIH's have over a hundred, a whole small cohort."""

GENDER_ODDS = {
    "Cardiomegaly": 0.5,
    "Emphysema": 3.0,
    "Fibrosis": 2.0,
    "Hernia": 0.33,
    "Nodule": 4.0,
    "Pleural_Thickening": 3.0,
    "Pneumothorax": 2.0,
}
"""By how much the odds that an image with the finding is of a man are multiplied against the real table: the
direction is the textbooks' (in NIH's table the differences are small), the size this phantom's choice, so that a
model which is told the gender has something to gain: most where the image alone tells least."""

TEST_SHARE = 0.2283
"""Share of patients in the test part: 25,596 of 112,120 images in the official split."""

RAREST, MOST_FREQUENT = 0.0005, 0.6
"""Frequencies of a finding that can be asked for."""


@dataclass(frozen=True)
class Exam:
    """One image's record."""

    patient: int
    number: int
    age: int
    gender: str
    view: str
    findings: frozenset[str]
    test: bool


@dataclass(frozen=True, eq=False)
class Population:
    """The patients that are drawn from, each with the share of draws that it gets.

    The columns are those of the label table sorted by patient and follow-up; patient i has the rows from `start[i]` to
    `start[i + 1]`.
    """

    labels: NDArray[np.int8]
    age: NDArray[np.int64]
    woman: NDArray[np.bool_]
    front: NDArray[np.bool_]
    start: NDArray[np.int64]
    targets: Mapping[str, float]

    @cached_property
    def cumulative(self) -> NDArray[np.float64]:
        """Return the cumulative shares of draws."""
        weights = tilted(*self.balance())
        total = np.cumsum(weights)
        return total / total[-1]

    def balance(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what is balanced: for each patient the images shown, the means of what is counted, and their goals."""
        n = np.diff(self.start)
        shown = np.minimum(n, LONGEST).astype(float)
        woman = self.woman[:, None]
        counted = np.concatenate([self.labels * woman, self.labels * ~woman, woman, self.front[:, None]], axis=1)
        sums = np.add.reduceat(counted * self.chances()[:, None], self.start[:-1], axis=0)
        real = counted.mean(axis=0)
        f = self.labels.shape[1]
        wanted = np.array([self.targets[name] for name in NIH_FINDINGS])
        men = real[f : 2 * f] / (real[:f] + real[f : 2 * f])
        odds = men / (1 - men) * np.array([GENDER_ODDS.get(name, 1.0) for name in NIH_FINDINGS])
        men = odds / (1 + odds)
        goals = np.concatenate([wanted * (1 - men), wanted * men, real[2 * f :]])
        return shown, sums / shown[:, None], goals

    def chances(self) -> NDArray[np.float64]:
        """Return the chance of each exam to be shown where its patient is: those in mid-stay have the best.

        >>> population().chances()[:5].tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0]
        """
        n = np.repeat(np.diff(self.start), np.diff(self.start))
        before = np.arange(len(n)) - np.repeat(self.start[:-1], np.diff(self.start))
        windows = np.maximum(n - LONGEST + 1, 1)
        holding = np.minimum.reduce([before + 1, n - before, np.full_like(n, LONGEST), windows])
        return np.where(n > LONGEST, holding / windows, 1.0)

    def exams(self, seed: int) -> Iterator[Exam]:
        """Yield images without end, patient after patient: the first n are the same whatever n is."""
        patient = 0
        while True:
            patient += 1
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, patient)))
            drawn = min(int(np.searchsorted(self.cumulative, rng.random(), side="right")), len(self.start) - 2)
            first, end = int(self.start[drawn]), int(self.start[drawn + 1])
            first += int(rng.integers(max(end - first - LONGEST, 0) + 1))
            test = in_test(patient)
            for number, row in enumerate(range(first, min(end, first + LONGEST))):
                yield Exam(
                    patient,
                    number,
                    int(self.age[row]),
                    "F" if self.woman[first] else "M",
                    "AP" if self.front[row] else "PA",
                    frozenset(NIH_FINDINGS[i] for i in np.flatnonzero(self.labels[row])),
                    test,
                )


def in_test(patient: int) -> bool:
    """Return whether a patient is in the test part: by the golden ratio, so that even a small cohort has its share.

    >>> sum(in_test(patient) for patient in range(1, 1001))
    228
    """
    return patient * 0.6180339887498949 % 1 < TEST_SHARE


def population(*, floor: float = FLOOR, prevalence: Mapping[str, float] | None = None) -> Population:
    """Return the patients to draw from, with each finding at least as frequent as `floor` or just as `prevalence` says.

    Raises `InputError` when a finding is unknown or a frequency is out of range.

    >>> round(population(floor=0.0).targets["Hernia"], 4), population().targets["Hernia"]
    (0.002, 0.04)
    """
    content, _ = shipped()
    rows = content.rows
    order = np.lexsort([rows["follow_up"].to_numpy(), rows["patient"].cast(int).to_numpy()])
    patient = rows["patient"].cast(int).to_numpy()[order]
    labels = content.labels[order]
    targets = {name: max(float(share), floor) for name, share in zip(NIH_FINDINGS, labels.mean(axis=0), strict=True)}
    return Population(
        labels,
        rows["age"].to_numpy()[order],
        (rows["gender"] == "F").to_numpy()[order],
        (rows["view"] == "AP").to_numpy()[order],
        np.append(np.flatnonzero(np.diff(patient, prepend=-1)), len(patient)),
        targets | asked(prevalence or {}),
    )


def asked(prevalence: Mapping[str, float]) -> dict[str, float]:
    """Return the frequencies that were asked for, by the findings' own names."""
    known = {key(name): name for name in NIH_FINDINGS}
    found = {}
    for name, share in prevalence.items():
        if key(name) not in known:
            raise InputError(
                "--prevalence", f"{plain(name)} is not a finding of ChestX-ray14", listed(NIH_FINDINGS, most=14)
            )
        if not RAREST <= share <= MOST_FREQUENT:
            expected = f"a share of images from {RAREST} to {MOST_FREQUENT}"
            raise InputError("--prevalence", f"{plain(name)} at {share:g} cannot be drawn", expected)
        found[known[key(name)]] = float(share)
    return found


def tilted(images: NDArray[np.float64], means: NDArray[np.float64], goals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights of patients, as even as can be, with which the weighted means over images meet the goals.

    The weights are `exp(means @ theta)`, and theta minimises the dual, which is convex: Newton's method with halved
    steps. Raises `InputError` when no weights meet the goals.

    >>> tilted(np.array([1.0, 1.0]), np.array([[0.0], [1.0]]), np.array([0.75])).round(2).tolist()
    [0.5, 1.5]
    """
    theta = np.zeros(means.shape[1])
    centred = means - goals

    def dual(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        power = centred @ at
        top = float(power.max())
        raw = images * np.exp(power - top)
        return top + float(np.log(raw.sum())), raw / raw.sum()

    value, share = dual(theta)
    for _ in range(60):
        slope = share @ centred
        if np.abs(slope).max() < 1e-7:
            weights = share / images
            return weights / weights.mean()
        curve = (centred * share[:, None]).T @ centred - np.outer(slope, slope)
        step = np.linalg.solve(curve + 1e-10 * np.eye(len(theta)), -slope)
        length = 1.0
        while length > 1e-6 and dual(theta + length * step)[0] > value + 1e-4 * length * float(slope @ step):
            length /= 2
        theta = theta + length * step
        value, share = dual(theta)
    what = "no mixture of ChestX-ray14's patients has these frequencies together"
    raise InputError("--prevalence", what, "", "Ask for less frequent findings, or for fewer of them.")
