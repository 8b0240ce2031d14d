"""A made-up cohort whose names contain HTML, judged for real, so that the page can be held against the tables."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from overread.analyses.options import Options
from overread.analyses.second_reading import SecondReading, second_reading
from overread.records.cohort import cohort_from_frame
from overread.records.reading import reading_from_frame

READERS = ("zech", '<b onmouseover="alert(1)">two</b></script>')
FINDINGS = ("Effusion", "Mass", "<img src=x onerror=alert(2)>", "Hernia")
EMPTY = "Hernia"


@cache
def frames() -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Return a cohort with several images per patient, and two readers of which the second is the weaker.

    So many images that curves are thinned; scores are whole thousandths for the second reader, so that some are tied.
    """
    rng = np.random.default_rng(11)
    patient = np.repeat(np.arange(900), rng.integers(1, 4, 900))
    n = len(patient)
    labels = (rng.random((n, 4)) < [0.3, 0.06, 0.02, 0]).astype(int)
    image = [f"{row:05d}.png" for row in range(n)]
    truth = pl.DataFrame(
        {"image": image, "patient": [f"p{code}" for code in patient]}
        | {finding: labels[:, column] for column, finding in enumerate(FINDINGS)}
    )
    scores = [1 / (1 + np.exp(-(signal * labels + rng.normal(size=(n, 4)) - 2.5))) for signal in (1.8, 1.0)]
    scores[1] = scores[1].round(3)
    return truth, {
        reader: pl.DataFrame({"image": image} | {f: values[:, c] for c, f in enumerate(FINDINGS)})
        for reader, values in zip(READERS, scores, strict=True)
    }


@cache
def judged(operating_point: str) -> SecondReading:
    """Return the second reading at operating points chosen by a rule; there are no `val` rows, so they cross-fit."""
    truth, scores = frames()
    options = Options(operating_point=operating_point, prevalence={"Mass": 0.013}, replicates=100, floor=False)
    readings = [reading_from_frame(frame, name=name) for name, frame in scores.items()]
    return second_reading(cohort_from_frame(truth, name="made up"), readings, options)


@pytest.fixture(scope="session")
def explorable() -> SimpleNamespace:
    """Return the cohort and its readings: labels and scores by name, and the second reading at a rule."""
    truth, scores = frames()
    return SimpleNamespace(
        judged=judged,
        readers=READERS,
        findings=FINDINGS[:3],
        empty=EMPTY,
        labels=lambda finding: truth[finding].to_numpy(),
        scores=lambda reader, finding: scores[READERS[reader]][finding].to_numpy(),
    )
