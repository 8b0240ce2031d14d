"""`overread recalibrate`: what it learns from, what it keeps, what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from overread.cli.app import main
from overread.records.cohort import read_cohort
from overread.records.reading import read_reading

FINDINGS = ("Effusion", "Mass", "Edema")
COMMAND = ("recalibrate", "scores.csv", "--cohort", "truth.csv", "--out", "new.csv")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def truth_and_scores(n: int = 600) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(0)
    image = [f"{row:04d}.png" for row in range(n)]
    labels = (rng.random((n, 3)) < 0.3).astype(int)
    scores = expit(2 * labels + rng.normal(size=(n, 3)) - 0.2)
    truth = pl.DataFrame(
        {
            "image": image,
            "patient": [f"p{row // 2:03d}" for row in range(n)],
            "split": np.array(["train", "val", "test"])[np.arange(n) // 2 % 3],
        }
        | {finding: labels[:, column] for column, finding in enumerate(FINDINGS)}
    )
    return truth, pl.DataFrame({"image": image} | {f: scores[:, column] for column, f in enumerate(FINDINGS)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    truth, scores = truth_and_scores()
    truth.write_csv(tmp_path / "truth.csv")
    scores.write_csv(tmp_path / "scores.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("method", ["platt", "isotonic", "temperature"])
def test_all_rows_are_written_by_a_map_that_scikit_learn_finds_on_the_val_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    assert run(monkeypatch, *COMMAND, "--method", method) == 0
    said = capsys.readouterr().out
    assert "600 images, 3 of 3 findings recalibrated" in said
    assert "Fitted on 200 val rows" in said
    truth, given, made = (pl.read_csv(folder / f"{name}.csv") for name in ("truth", "scores", "new"))
    assert made.columns == given.columns
    assert made["image"].to_list() == given["image"].to_list()
    val = (truth["split"] == "val").to_numpy()
    for finding in FINDINGS:
        x, y = given[finding].to_numpy(), truth[finding].to_numpy()
        if method == "isotonic":
            learnt = IsotonicRegression(out_of_bounds="clip").fit(x[val], y[val])
            expected = learnt.predict(x)
        else:
            fit = LogisticRegression(C=1e12, fit_intercept=method == "platt", tol=1e-10, max_iter=1000)
            expected = fit.fit(logit(x[val])[:, None], y[val]).predict_proba(logit(x)[:, None])[:, 1]
        np.testing.assert_allclose(made[finding].to_numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("method", ["platt", "temperature"])
def test_the_order_stays_and_scores_stay_scores(folder: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    given = pl.read_csv("scores.csv").with_columns(Mass=pl.Series(np.r_[0.0, 1.0, np.linspace(0, 1, 598)]))
    given.write_csv("scores.csv")
    assert run(monkeypatch, *COMMAND, "--method", method) == 0
    made = pl.read_csv("new.csv")
    for finding in FINDINGS:
        x, y = given[finding].to_numpy(), made[finding].to_numpy()
        assert y.min() >= 0
        assert y.max() <= 1
        assert np.all(np.diff(y[np.argsort(x, kind="stable")]) >= 0)


def test_labels_of_other_rows_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, *COMMAND) == 0
    before = Path("new.csv").read_bytes()
    other = pl.col("split") != "val"
    truth = pl.read_csv("truth.csv")
    turned = [
        pl.when(other).then(1 - pl.col(finding)).otherwise(pl.col(finding)).alias(finding) for finding in FINDINGS
    ]
    truth.with_columns(turned).write_csv("truth.csv")
    assert run(monkeypatch, *COMMAND, "--force") == 0
    assert Path("new.csv").read_bytes() == before


def test_a_finding_that_cannot_be_fitted_keeps_its_scores_and_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = pl.read_csv("scores.csv").with_columns(Mass=1 - pl.col("Mass"), Nodule=pl.col("Mass"))
    given.write_csv("scores.csv")
    assert run(monkeypatch, *COMMAND) == 0
    said = capsys.readouterr()
    assert "Mass keeps its scores as they are: the slope is" in said.err
    assert "Nodule keeps its scores as they are: the cohort has no such finding" in said.err
    assert "2 of 4 findings" in said.out
    made = pl.read_csv("new.csv")
    assert made["Mass"].to_list() == pytest.approx(given["Mass"].to_list())
    assert made["Nodule"].to_list() == pytest.approx(given["Nodule"].to_list())
    assert made["Edema"].to_list() != given["Edema"].to_list()


def test_patients_who_are_reported_are_left_out_of_the_fit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = pl.read_csv("truth.csv")
    first = pl.int_range(pl.len()) % 6 == 2  # one of the two images of each val patient
    truth = truth.with_columns(
        split=pl.when(first & (pl.int_range(pl.len()) < 300)).then(pl.lit("test")).otherwise("split")
    )
    truth.write_csv("truth.csv")
    assert run(monkeypatch, *COMMAND) == 0
    said = capsys.readouterr()
    assert "50 val rows of patients who have test rows too: left out of the fit" in said.err
    assert "Fitted on 100 val rows" in said.out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda truth: truth.drop("split"), "the cohort has no column split"),
        (lambda truth: truth.filter(pl.col("split") != "val"), "none of its 600 images is a val row"),
        (lambda truth: truth.with_columns(patient=pl.lit("p")), "every patient of its val rows has test rows too"),
        (lambda truth: truth.with_columns(**{f: pl.lit(0) for f in FINDINGS}), "no finding can be recalibrated"),
    ],
)
def test_nothing_to_fit_on_is_refused_and_nothing_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: object, message: str
) -> None:
    assert callable(change)
    change(pl.read_csv("truth.csv")).write_csv("truth.csv")
    assert run(monkeypatch, *COMMAND) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "val" in said
    assert said.count("\n") == 1
    assert not Path("new.csv").exists()


def test_an_existing_table_is_refused_and_an_unknown_method_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("new.csv").write_text("mine")
    assert run(monkeypatch, *COMMAND) == 2
    assert "exists already" in capsys.readouterr().err
    assert Path("new.csv").read_text() == "mine"
    assert run(monkeypatch, *COMMAND, "--force", "--method", "beta") == 2
    assert "beta" in capsys.readouterr().err


def test_recalibration_mends_real_scores_on_rows_it_never_saw(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = read_cohort("chestxray14")
    labels = pl.DataFrame(dict(zip(source.findings, source.labels.T, strict=True)))
    table = source.table.select("image", "patient").hstack(labels)
    half = pl.col("patient").cast(pl.Int64) % 2 == 0
    table.with_columns(split=pl.when(half).then(pl.lit("val")).otherwise(pl.lit("test"))).write_csv(tmp_path / "t.csv")
    monkeypatch.chdir(tmp_path)
    reading = f"zech={shared}/predictions/densenet121_zech.csv.gz"
    assert run(monkeypatch, "recalibrate", reading, "--cohort", "t.csv", "--out", "new.csv") == 0
    truth = pl.read_csv("t.csv")
    losses = []
    for path in (str(shared / "predictions" / "densenet121_zech.csv.gz"), "new.csv"):
        read = read_reading(path)
        scores = pl.DataFrame({"image": read.images} | dict(zip(read.findings, read.scores.T, strict=True)))
        rows = truth.filter(split="test").join(scores, on="image", suffix="_score")
        losses.append(
            np.mean([((rows[f"{f}_score"] - rows[f]) ** 2).mean() for f in source.findings])  # type: ignore[operator]
        )
    assert losses == pytest.approx([0.04160, 0.04119], abs=5e-6)


def test_the_readings_own_val_rows_are_what_it_is_fitted_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *COMMAND) == 0
    expected = pl.read_csv("new.csv")
    truth, scores = pl.read_csv("truth.csv"), pl.read_csv("scores.csv")
    truth.with_columns(split=pl.col("split").replace("val", "train")).write_csv("truth.csv")
    parts = truth.select(pl.when(pl.col("split") != "train").then(pl.col("split"))).to_series()
    scores.with_columns(split=parts).write_csv("scores.csv")
    capsys.readouterr()
    for cohort in ("truth.csv", "whole.csv"):
        truth.drop("split").filter(pl.lit(True)).write_csv("whole.csv")
        assert run(monkeypatch, *COMMAND[:3], cohort, *COMMAND[4:], "--force") == 0
        assert "Fitted on 200 val rows" in capsys.readouterr().out
        made = pl.read_csv("new.csv")
        assert made.drop("split").equals(expected)
        assert made["split"].to_list() == parts.to_list()
