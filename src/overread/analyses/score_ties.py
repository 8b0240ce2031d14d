"""Scores that many images share: constant columns, copies, calls in place of scores, rounding, few values."""

from __future__ import annotations

import numpy as np

from overread.analyses.suspicion import Floats, Scored, Severity, Suspicion, listing
from overread.records.findings import display

TOLD = 0.01
"""The share of ill-healthy pairs tied from which ties are worth a word: broken all one way, they move AUROC by half."""

MOST_DECIMALS = 6
KEPT_AS_FLOAT32 = 6e-8  # relative, as far as a rounded number moves when it is kept as a 32-bit float
PILE = 0.05


def constant_columns(of: Scored) -> list[Suspicion]:
    """Name findings that have one score on all images: the model was never trained on them, or the column filled in."""
    if len(of.scores) < 2 or not of.constant.any():
        return []
    columns = np.flatnonzero(of.constant).tolist()
    halves = [column for column in columns if of.scores[0, column] == 0.5]
    others = [column for column in columns if of.scores[0, column] != 0.5]
    found = []
    if halves:
        message = (
            f"{listing(of.named(halves))}: the score is 0.5 on all {len(of.scores):,} images. So answers "
            "torchxrayvision for findings that a model was never trained on."
        )
        found.append(_constant(of.named(halves), message))
    if others:
        values = sorted({f"{of.scores[0, column]:.3g}" for column in others})
        message = (
            f"{listing(of.named(others))}: the score is the same on all {len(of.scores):,} images "
            f"({', '.join(values[:4])}{', ...' if len(values) > 4 else ''}). The model was hardly trained on "
            f"{'it' if len(others) == 1 else 'them'}, or the column was filled in."
        )
        found.append(_constant(of.named(others), message))
    return found


def _constant(findings: tuple[str, ...], message: str) -> Suspicion:
    remedy = (
        f"Remove the column{'s' if len(findings) > 1 else ''} from the reading: an AUROC of 0.5 there says nothing "
        "about the model, and pulls its mean down."
    )
    return Suspicion("constant", findings, message, remedy, "serious")


def identical_columns(of: Scored) -> list[Suspicion]:
    """Name findings whose scores are the same on every image. Calls may agree by chance, and are left out."""
    copies: dict[bytes, list[int]] = {}
    for column, scores in enumerate(of.distinct):
        if len(scores.values) > 2:
            copies.setdefault(of.scores[:, column].tobytes(), []).append(column)
    found = []
    for columns in copies.values():
        if len(columns) > 1:
            names = of.named(columns)
            message = (
                f"{listing(names)} have the same score on each of the {len(of.scores):,} images: one column was "
                "copied, or one output answers for several findings."
            )
            remedy = "Put each finding's own output in its column, or leave out what the model does not answer."
            found.append(Suspicion("identical columns", names, message, remedy, "serious"))
    return found


def tied_scores(of: Scored) -> list[Suspicion]:
    """Name ties between ill and healthy images, by their cause, where they are many enough to matter."""
    shares = tied_pairs(of)
    columns = [column for column, share in enumerate(shares) if share >= TOLD and not of.constant[column]]
    causes = [cause_of_ties(of, column) for column in columns]
    found = []
    for cause in dict.fromkeys(causes):
        tied = [column for column, its_cause in zip(columns, causes, strict=True) if its_cause == cause]
        check, seen, remedy, severity = _told(of, cause, tied)
        worst = max(tied, key=lambda column: shares[column])
        message = (
            f"{listing(of.named(tied))}: {seen} In {display(of.findings[worst])}, {100 * shares[worst]:.1f} % of the "
            "pairs of an ill and a healthy image are tied, each counted as half right: broken one way or the other, "
            f"they would move the AUROC by up to {shares[worst] / 2:.3f}."
        )
        found.append(Suspicion(check, of.named(tied), message, remedy, severity))
    return found


def tied_pairs(of: Scored) -> Floats:
    """Return the share of ill-healthy pairs with one score, by finding; nan where there is no pair.

    >>> tied_pairs(Scored(np.array([[0.2], [0.2], [0.7], [0.9]]), np.array([[1], [0], [0], [1]], np.int8), ("Mass",)))
    array([0.25])
    """
    shares = np.full(len(of.findings), np.nan)
    for column, scores in enumerate(of.distinct):
        pairs = int(of.n_ill[column]) * int(of.n_healthy[column])
        if pairs:
            ill = np.bincount(scores.place[of.labels[:, column] == 1], minlength=len(scores.values))
            healthy = np.bincount(scores.place[of.labels[:, column] == 0], minlength=len(scores.values))
            shares[column] = float((ill * healthy).sum()) / pairs
    return shares


CALLS, WRITTEN, PILED, FEW = "calls", "written", "piled", "few"


def cause_of_ties(of: Scored, column: int) -> str:
    """Return why images share scores: calls, the way they were written, a pile at 0 or 1, or few values."""
    values, images = of.distinct[column].values, of.distinct[column].images
    if np.isin(values, (0, 1)).all():
        return CALLS
    if written_with(values):
        return WRITTEN
    at_the_ends = images[(values == 0) | (values == 1)].sum()
    return PILED if at_the_ends >= PILE * len(of.scores) else FEW


def written_with(values: Floats) -> str:
    """Return the coarsest way of writing that keeps these numbers; empty where it takes more than a few digits.

    >>> written_with(np.array([0.12, 0.5])), written_with(np.array([0.12, 3.45e-6])), written_with(np.array([1 / 3]))
    ('2 decimals', '3 significant digits', '')
    """

    if len(values) > 1000 and not written_with(values[:: len(values) // 100]):
        return ""

    def kept(rounded: Floats) -> bool:
        return bool((np.abs(rounded - values) <= KEPT_AS_FLOAT32 * values).all())

    for decimals in range(MOST_DECIMALS + 1):
        if kept(np.round(values, decimals)):
            return f"{decimals} decimal{'' if decimals == 1 else 's'}"
    magnitude = 10.0 ** np.floor(np.log10(np.where(values > 0, values, 1.0)))
    for digits in range(1, 6):
        if kept(np.round(values / magnitude, digits - 1) * magnitude):
            return f"{digits} significant digit{'' if digits == 1 else 's'}"
    if kept(values.astype(np.float16).astype(np.float64)):
        return "the 11 binary digits of 16-bit floats"
    if not (values.astype(np.float32).view(np.uint32) & 0xFFFF).any():
        return "the 8 binary digits of bfloat16"
    return ""


def _told(of: Scored, cause: str, columns: list[int]) -> tuple[str, str, str, Severity]:
    """Return the name of the check, what was seen, what to do and how much it weighs."""
    counts = [len(of.distinct[column].values) for column in columns]
    values = f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    images = f"{len(of.scores):,} images"
    how = written_with(np.concatenate([of.distinct[column].values for column in columns]))
    told: dict[str, tuple[str, str, str, Severity]] = {
        CALLS: (
            "calls, not scores",
            "the scores are only 0 and 1: calls, made at a threshold that somebody chose. Their AUROC is the mean of "
            "one sensitivity and one specificity, mostly below that of the scores they were made from.",
            "Give the scores before the threshold; if there are none (a person's calls), read sensitivity and "
            "specificity, and leave AUROC aside.",
            "caution",
        ),
        WRITTEN: (
            "rounded",
            f"the scores are written with {how or 'few digits'} and take {values} different values on {images}.",
            "Write the scores with all their digits; a reader that answers in steps has no more.",
            "caution",
        ),
        PILED: (
            "cut off",
            "many scores are exactly 0 or exactly 1 while the others have all their digits, as when logits are cut "
            "off at 0 and 1, or a sigmoid is computed with too few bits.",
            "Take the sigmoid of the logits, in 32 bits.",
            "serious",
        ),
        FEW: (
            "few values",
            f"the scores take only {values} different values on {images}, though not by rounding: a reader that knows "
            "few things of an image (age, gender, view), or answers in steps, cannot tell many apart.",
            "This is a fact about the reader, and no fault.",
            "note",
        ),
    }
    return told[cause]
