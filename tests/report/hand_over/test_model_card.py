"""The card as Hugging Face's own reader understands it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.model_card import model_card


def test_hugging_face_reads_every_number_with_its_interval(report: FinishedReport) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(model_card(report, "zech"))
    results = {each.metric_name: each for each in card.data.eval_results}
    (row,) = (
        row
        for row in report.tables["estimates"].iter_rows(named=True)
        if (row["reading"], row["finding"], row["metric"], row["method"], row["attribute"])
        == ("zech", "mean", "sensitivity", "bootstrap", "")
    )
    mean = results["Sensitivity, mean over findings"]
    assert mean.metric_type == "recall"
    assert mean.metric_value == pytest.approx(row["value"], abs=1e-6)
    assert mean.metric_args["low"] == pytest.approx(row["low"], abs=1e-6)
    assert mean.metric_args["high"] == pytest.approx(row["high"], abs=1e-6)
    assert mean.metric_args["method"] == "bootstrap"
    assert mean.dataset_split == report.study.split
    assert mean.dataset_args["n_images"] == report.study.n_images
    assert {f"AUROC, {name.replace('_', ' ')}" for name in report.study.findings} - set(results)


def test_what_is_missing_is_said_and_not_numbered(report: FinishedReport, evil: SimpleNamespace) -> None:
    card = model_card(report, "zech")
    assert f'name: "AUROC, {evil.empty}"' not in card
    assert f"- AUROC, {evil.empty.replace('_', ' ')}: no positive image" in card
    assert "the license of the weights" in card
    assert report.checksum in card


def test_an_evil_name_stays_a_text(report: FinishedReport, evil: SimpleNamespace) -> None:
    yaml = pytest.importorskip("yaml")
    card = model_card(report, evil.reading)
    (index,) = yaml.safe_load(card.split("---\n")[1])["model-index"]
    assert index["name"] == evil.reading
    assert evil.reading not in card.split("---\n", 2)[2]
