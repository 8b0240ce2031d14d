"""A small second reading in which every guideline is filled in as far as it goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from overread.analyses.options import Options
from overread.analyses.plan import Primary
from overread.analyses.planning import plan_for
from overread.analyses.reporting.evidence import Known
from overread.analyses.second_reading import SecondReading, second_reading
from overread.records.adjudicated import read_adjudicated
from overread.records.cohort import Cohort, cohort_from_frame
from overread.records.reading import Reading, reading_from_frame
from overread.records.study_form import StudyForm
from overread.records.tables import Source

N, FINDINGS = 240, ("Effusion", "Pneumothorax")


def cohort(*, splits: bool = True) -> Cohort:
    rng = np.random.default_rng(1)
    labels = {name: rng.choice([0, 1, None], N, p=[0.6, 0.35, 0.05]).tolist() for name in FINDINGS}
    frame = {
        "image": [f"{row:04d}_000.png" for row in range(N)],
        "patient": [f"p{row // 2:03d}" for row in range(N)],
        "age": [20 + row % 60 for row in range(N)],
        "gender": ["M", "F", "F", "M"] * (N // 4),
        "view": ["PA", "AP", "PA"] * (N // 3),
    } | labels
    frame |= {"split": ["train"] * 60 + ["test"] * (N - 60)} if splits else {}
    made = cohort_from_frame(frame, name="hospital", findings=FINDINGS)
    return replace(made, sources=(Source("hospital.csv", "ab" * 32, 10),))


def readings(of: Cohort) -> list[Reading]:
    rng = np.random.default_rng(2)
    truth = np.clip(of.labels, 0, 1)
    made = []
    for name, skill in (("old", 0.5), ("new", 1.5)):
        scores = 1 / (1 + np.exp(-(skill * truth + rng.normal(0, 1, truth.shape))))
        columns = {finding: scores[10:, place] for place, finding in enumerate(of.findings)}
        made.append(reading_from_frame({"image": of.images.to_list()[10:]} | columns, name=name))
    return made


QUICK = Options(replicates=100, floor=False, threads=1, guidelines=("all",))


@pytest.fixture(scope="session")
def plain() -> SecondReading:
    """Return a second reading without anything that has to be asked for."""
    of = cohort()
    return second_reading(of, readings(of), QUICK)


@pytest.fixture(scope="session")
def single() -> SecondReading:
    """Return a second reading of one reader, on a cohort without splits."""
    of = cohort(splits=False)
    return second_reading(of, readings(of)[:1], QUICK)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> SecondReading:
    """Return a second reading with a plan, subgroups, calibration, a better truth, a clinic and a form."""
    of = cohort()
    path = tmp_path_factory.mktemp("truth") / "panel.csv"
    answers = {name: ["YES" if row % 3 == 0 else "NO" for row in range(100, 160)] for name in FINDINGS}
    pl.DataFrame({"image": of.images.to_list()[100:160]} | answers).write_csv(path)
    form = StudyForm(
        {"funding": "None.", "registration": "not applicable: no trial"}, Source("study.toml", "cd" * 32, 9)
    )
    options = replace(
        QUICK,
        thorough=True,
        by=("gender",),
        prevalence={"Effusion": 0.1},
        adjudicated=read_adjudicated(path),
        form=form,
    )
    plan = plan_for(of, options, primary=Primary(findings=("Effusion",)))
    return second_reading(of, readings(of), replace(options, plan=plan))


IN_PLACE_OF = {  # what no small cohort has
    "localisation": pl.DataFrame({"reading": ["new"]}),
    "positives": pl.DataFrame({"reading": ["new"]}),
    "literature": pl.DataFrame({"model": ["CheXNet"]}),
}


@pytest.fixture(scope="session")
def known(full: SecondReading) -> Known:
    """Return what evidence is looked for in, with everything there."""
    of = Known(full.study, full.options, full.readings, full.tables, ("beware",), full.methods, full.versions)
    lacking = {name: table for name, table in IN_PLACE_OF.items() if not of.has(name)}
    return replace(of, tables={**of.tables, **lacking})
