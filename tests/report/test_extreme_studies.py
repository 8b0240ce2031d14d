"""Studies at the edge of what can be computed still give a page, and no sentence of it makes up a number."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

import overread
from overread.analyses.second_reading import SecondReading
from overread.report.sections import SECTIONS

FINDINGS = ("Effusion", "Mass", "Edema")
Tables = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def made_up() -> Tables:
    """Return labels of 240 images of 120 patients, half of them for tuning, and the scores of two readers."""
    rng, n = np.random.default_rng(3), 240
    patient = np.arange(n) // 2
    image = [f"{row:03d}.png" for row in range(n)]
    labels = rng.random((n, 3)) < 0.25
    rows = {"image": image, "patient": patient, "split": np.where(patient % 2, "val", "test")}
    attributes = {"gender": rng.choice(["F", "M"], n), "view": rng.choice(["AP", "PA"], n)}
    truth = pl.DataFrame(rows | attributes | {f: labels[:, c].astype(int) for c, f in enumerate(FINDINGS)})

    def scored(signal: float) -> pl.DataFrame:
        scores = 1 / (1 + np.exp(1.5 - rng.normal(size=(n, 3)) - signal * labels))
        return pl.DataFrame({"image": image} | {f: scores[:, c] for c, f in enumerate(FINDINGS)})

    return truth, scored(1.5), scored(0.8)


def labelled(share: int, rows: pl.Expr) -> Callable[[Tables], Tables]:
    """Return what gives every finding one label on some rows."""
    return lambda of: (
        of[0].with_columns(pl.when(rows).then(share).otherwise(pl.col(f)).alias(f) for f in FINDINGS),
        *of[1:],
    )


def scored(value: pl.Expr) -> Callable[[Tables], Tables]:
    """Return what gives the first reader other scores."""
    return lambda of: (of[0], of[1].with_columns(value.name.keep()), of[2])


def perfect(of: Tables) -> Tables:
    """Return tables in which the first reader errs nowhere."""
    return of[0], of[0].select("image", *((0.05 + 0.9 * pl.col(f)).alias(f) for f in FINDINGS)), of[2]


EVERY, REPORTED = pl.lit(value=True), pl.col("split") == "test"
STUDIES: dict[str, Callable[[Tables], Tables]] = {
    "all ill": labelled(1, EVERY),
    "none ill": labelled(0, EVERY),
    "all reported images ill": labelled(1, REPORTED),
    "no reported image ill": labelled(0, REPORTED),
    "all images for tuning ill": labelled(1, ~REPORTED),
    "perfect": perfect,
    "constant": scored(pl.col(*FINDINGS) * 0 + 0.5),
    "upside down": scored(1 - pl.col(*FINDINGS)),
    "twice the same": lambda of: (of[0], of[1], of[1]),
    "alike but for one finding": lambda of: (of[0], of[1], of[1].with_columns(Mass=1 - pl.col("Mass"))),
    "one patient": lambda of: (of[0].with_columns(patient=pl.lit(1)).drop("split"), *of[1:]),
    "two images": lambda of: (of[0].head(2).drop("split"), *of[1:]),
    "one image": lambda of: (of[0].head(1).drop("split"), *of[1:]),
    "ill of one finding, healthy of the others": lambda of: (
        labelled(1, REPORTED)(of)[0].with_columns(Mass=0, Edema=0),
        *of[1:],
    ),
    "one finding": lambda of: (of[0].drop("Mass", "Edema"), *of[1:]),
}
MADE_UP = re.compile(
    r"AUROC of not computed|reaches not|not computed of|\bnan\b|\bNone\b|– to –|with –|"
    r"\b1 (?:patients|images|findings)\b|the other 0 "
)


@pytest.fixture(scope="module", params=STUDIES, ids=str)
def read(request: pytest.FixtureRequest) -> SecondReading:
    """Return the second reading of one such study, thoroughly."""
    truth, first, second = STUDIES[request.param](made_up())
    readings = [overread.reading_from_frame(table, name=name) for table, name in ((first, "A"), (second, "B"))]
    options = overread.Options(replicates=100, thorough=True, margins={"auroc": 0.02})
    return overread.second_reading(overread.cohort_from_frame(truth, name="made up"), readings, options)


def sentences(second: SecondReading) -> list[str]:
    """Return the answer and what leads every section."""
    leads = [said for make in SECTIONS if (section := make(second)) for said in section.lead]
    return [said for passage in second.answer for said in passage.sentences] + leads


def test_no_sentence_makes_up_a_number(read: SecondReading) -> None:
    said = sentences(read)
    assert said
    assert [sentence for sentence in said if MADE_UP.search(sentence)] == []


def test_a_share_of_no_images_is_empty(read: SecondReading) -> None:
    panel = read.tables["panel"]
    assert panel.filter(pl.col("n_images") == 0)["value"].null_count() == panel.filter(pl.col("n_images") == 0).height
    without = {r for (r,), own in read.tables["thresholds"].group_by("reading") if own["threshold"].is_null().all()}
    assert panel.filter(pl.col("reading").is_in(list(without)), pl.col("value").is_not_null()).is_empty()


def test_what_has_no_interval_is_not_said_to_hold_one_half() -> None:
    truth, first, _ = perfect(made_up())
    reading = overread.reading_from_frame(first, name="A")
    options = overread.Options(replicates=100)
    second = overread.second_reading(overread.cohort_from_frame(truth, name="made up"), [reading], options)
    assert any("holds 0.5 for 0 and lies below for 0; 6 have no interval" in said for said in sentences(second))
