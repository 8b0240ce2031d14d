"""A small made-up cohort with several images per patient, and two readings of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from overread.analyses.evaluation import Evaluation, evaluate
from overread.analyses.options import Options
from overread.records.cohort import Cohort, cohort_from_frame, read_cohort
from overread.records.reading import Reading, read_reading, reading_from_frame
from overread.records.study import Study, study
from overread.stats.resampling import PatientBootstrap

FINDINGS = ("Effusion", "Mass", "Edema")


def made_up(seed: int = 1, n_patients: int = 150) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return a cohort table and two tables of scores; the second reader is the weaker."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 6, n_patients))
    n = len(patient)
    frailty = rng.normal(size=n_patients)[patient]
    labels = (rng.normal(size=(n, 3)) + frailty[:, None] > [0.8, 1.5, 1.2]).astype(int)
    image = [f"{row:05d}.png" for row in range(n)]
    truth = pl.DataFrame(
        {
            "image": image,
            "patient": [f"p{code}" for code in patient],
            "split": np.where(patient % 3 == 0, "train", "test"),
            "age": rng.integers(1, 95, n),
            "gender": rng.choice(["M", "F"], n),
            "view": rng.choice(["AP", "PA"], n),
        }
        | {finding: labels[:, column] for column, finding in enumerate(FINDINGS)}
    )
    noise = rng.normal(size=(n, 3))

    def scored(signal: float) -> pl.DataFrame:
        scores = 1 / (1 + np.exp(-(signal * labels + noise + 0.3 * frailty[:, None] - 1.5)))
        return pl.DataFrame({"image": image} | {f: scores[:, c] for c, f in enumerate(FINDINGS)})

    return truth, scored(1.5), scored(0.8)


@pytest.fixture(scope="session")
def tables() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return made_up()


@pytest.fixture(scope="session")
def cohort(tables: tuple[pl.DataFrame, ...]) -> Cohort:
    return cohort_from_frame(tables[0], name="made up")


@pytest.fixture(scope="session")
def readings(tables: tuple[pl.DataFrame, ...]) -> list[Reading]:
    return [reading_from_frame(tables[1], name="strong"), reading_from_frame(tables[2], name="weak")]


@pytest.fixture(scope="session")
def matched(cohort: Cohort, readings: list[Reading]) -> Study:
    return study(cohort, readings)


@pytest.fixture(scope="session")
def evaluation(matched: Study) -> Evaluation:
    options = Options(replicates=400)
    return evaluate(matched, "strong", options, PatientBootstrap(matched.patients, replicates=400, seed=0))


@pytest.fixture(scope="session")
def zech_study(shared: Path) -> Study:
    """The two real readings of 22,433 images, whatever the official split says of them."""
    names = ("zech", "lr033")
    files = [read_reading(f"{name}={shared}/predictions/densenet121_{name}.csv.gz") for name in names]
    return study(read_cohort("chestxray14"), files, split="all")


@pytest.fixture(scope="session")
def zech(zech_study: Study) -> Evaluation:
    options = Options(split="all", replicates=500)
    return evaluate(zech_study, "zech", options, PatientBootstrap(zech_study.patients, replicates=500, seed=0))
