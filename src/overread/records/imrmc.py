"""Readers' answers in the text format of iMRMC, the FDA's program for multi-reader multi-case studies.

A study description as free text with the lines NR, N0, N1 and NM (readers, cases without and with the finding,
modalities), a line `BEGIN DATA:`, then a row per answer: reader, case, modality, score. The reader -1 gives the truth,
0 or 1; its modality does not matter. Cases are numbered, for RJafroc reads numbers only.

References: Gallas, Bandos, Samuelson and Wagner (2009), Commun Stat A-Theory 38:2586-2603; the format is described in
iMRMC's source (github.com/DIDSR/iMRMC, dataFormat.java) and read alike by the R package RJafroc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

TRUTH = "-1"
MODALITY = "unaided"
"""The modality of readers whose name says none."""


def imrmc_text(
    title: Sequence[str],
    cases: NDArray[np.int64],
    labels: NDArray[np.int8],
    answers: Mapping[tuple[str, str], NDArray[np.float64]],
) -> str:
    """Return a study as the text of an `.imrmc` file.

    `cases` (n,) are whole numbers, each once, `labels` (n,) 1 or 0, `answers` by reader and modality the scores (n,).

    >>> answers = {("anna", "unaided"): np.array([0.0, 1.0])}
    >>> imrmc_text(["Effusion"], np.array([1, 2]), np.array([0, 1], np.int8), answers).splitlines()[-4:]
    ['-1,1,0,0', '-1,2,0,1', 'anna,1,unaided,0', 'anna,2,unaided,1']
    """
    if not np.isin(labels, (0, 1)).all() or labels.ndim != 1:
        raise ValueError("labels must be 0 or 1; leave out the images whose label is missing")
    if cases.shape != labels.shape or len(np.unique(cases)) < len(cases):
        raise ValueError("cases must be one number for each label, each once")
    named = {(word(reader), word(modality)): scores for (reader, modality), scores in answers.items()}
    if len(named) < len(answers) or any(scores.shape != labels.shape for scores in named.values()):
        raise ValueError(
            "answers must be one score for each label, of readers whose names differ in letters and digits"
        )
    return "\n".join([*(line(each) for each in title), "", *head(labels, named), *rows(cases, labels, named), ""])


def head(labels: NDArray[np.int8], answers: Mapping[tuple[str, str], object]) -> Iterator[str]:
    """Yield the lines that say how large the study is."""
    readers, modalities = ({each[place] for each in answers} for place in (0, 1))
    yield f"NR: {len(readers)}"
    yield f"N0: {int((labels == 0).sum())}"
    yield f"N1: {int((labels == 1).sum())}"
    yield f"NM: {len(modalities)}"
    yield ""
    yield "BEGIN DATA:"


def rows(
    cases: NDArray[np.int64], labels: NDArray[np.int8], answers: Mapping[tuple[str, str], NDArray[np.float64]]
) -> Iterator[str]:
    """Yield the truth, then every answer."""
    for case, label in zip(cases.tolist(), labels.tolist(), strict=True):
        yield f"{TRUTH},{case},0,{label}"
    for (reader, modality), scores in answers.items():
        for case, score in zip(cases.tolist(), scores.tolist(), strict=True):
            yield f"{reader},{case},{modality},{score:.9g}"


def reader_and_modality(name: str) -> tuple[str, str]:
    """Return the reader and the modality that a reading's name says: `anna@aided` is anna, aided.

    >>> reader_and_modality("anna@aided"), reader_and_modality("anna")
    (('anna', 'aided'), ('anna', 'unaided'))
    """
    reader, _, modality = name.partition("@")
    return (reader, modality) if reader and modality else (name, MODALITY)


def word(name: str) -> str:
    """Return a name as one word without commas.

    >>> word("Dr. A, senior"), word("-1")
    ('Dr.-A-senior', 'reader-1')
    """
    plain = re.sub(r"[^\w.+-]+", "-", name).strip("-")
    return plain if plain and not re.fullmatch(r"[\d.+-]*", plain) and plain != TRUTH else f"reader-{plain}"


def line(text: str) -> str:
    """Return a line of the description, which none of the lines that are read can be mistaken for."""
    return re.sub(r"\s+", " ", text).strip().replace(":", " ")
