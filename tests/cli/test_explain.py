"""`overread explain` on a small phantom: the folder, its numbers, odd input, and the page made of it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("cv2")

from overread.cli.app import main  # noqa: E402
from overread.records.cohort import read_cohort  # noqa: E402
from overread.records.heatmaps import read_heatmaps  # noqa: E402
from overread.vision.heatmaps import explaining  # noqa: E402
from overread.vision.metadata import MetadataEncoding  # noqa: E402
from overread.vision.networks import build_network  # noqa: E402
from overread.vision.phantom.cohort import write_phantom  # noqa: E402
from overread.vision.phantom.design import Design  # noqa: E402
from overread.vision.pixels import open_pixels  # noqa: E402
from overread.vision.preprocessing import Preprocessing  # noqa: E402
from overread.vision.runs import Run, read_run, write_run  # noqa: E402

FINDINGS = ("Pneumothorax", "Mass", "Effusion", "Rarity")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of 80 small images, and a run of an untrained network on its training part."""
    folder = tmp_path_factory.mktemp("explain")
    write_phantom(Design(images=80, seed=3, size=96, prevalence={"Pneumothorax": 0.3}), folder / "phantom")
    cohort = read_cohort(folder / "phantom")
    train = cohort.table.filter(pl.col("split") == "train").select("image", "patient")
    halves = train["patient"].rank("dense") % 2 == 0
    parts = pl.select(pl.when(halves).then(pl.lit("val")).otherwise(pl.lit("train"))).to_series()
    network = build_network("densenet_small", findings=FINDINGS, weights=None, seed=1).eval()
    network.head.bias.data.zero_()
    recipe = Preprocessing(size=96, crop=64)
    run = Run(folder / "run", "densenet_small", FINDINGS, recipe, MetadataEncoding(), train.with_columns(split=parts))
    write_run(run, network, epochs=pl.DataFrame({"epoch": [0]}), card="a card")
    return folder


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["overread", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def words(work: Path, tmp_path: Path) -> list[object]:
    return ["explain", work / "run", work / "phantom", "--out", tmp_path / "maps", "--replicates", 100]


def test_the_folder_holds_maps_scores_tables_and_pictures(
    work: Path, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(monkeypatch, *words, "--sanity", 3, "--split", "all", "--operating-point", "fixed=0.5") == 0
    found = read_heatmaps(tmp_path / "maps")
    assert found.maps.findings == FINDINGS
    assert found.maps.maps.shape == (80, 4, 2, 2)
    assert set(found.tables) == {"localisation", "heat", "sanity"}
    run = read_run(work / "run")
    image = found.maps.images[7]
    square = open_pixels(work / "phantom", size=96).pixels(image)
    with torch.no_grad():
        features = run.network().activations(run.preprocessing(torch.from_numpy(square)[None]))
        scores = run.network().answer(features).sigmoid()[0]
    assert found.maps.scores[7] == pytest.approx(scores.numpy(), abs=1e-6)
    by_hand = (run.network().head.weight @ features.flatten(2))[0].view(4, 2, 2) / 4
    assert np.allclose(found.maps.maps[7], by_hand.detach().numpy(), rtol=2e-3, atol=1e-5)
    assert len(found.overlays) == len(list((tmp_path / "maps" / "overlays").iterdir())) > 0
    assert (found.maps.labels[:, 3] == -1).all()  # the cohort does not know it
    assert "Images that the model was trained or tuned on are explained too" in " ".join(found.maps.warnings)
    assert any("findings that the model does not know" in each for each in found.maps.warnings)


def test_thresholds_come_from_the_run_s_validation_rows(
    work: Path, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from overread.analyses.evaluation import column_thresholds
    from overread.stats.operating_points import parse_rule

    assert call(monkeypatch, *words, "--choose", 0) == 0
    tested = read_heatmaps(tmp_path / "maps").maps
    words[4] = tmp_path / "val"
    assert call(monkeypatch, *words, "--split", "val", "--operating-point", "fixed=0.5", "--choose", 0) == 0
    val = read_heatmaps(tmp_path / "val").maps
    expected = column_thresholds(parse_rule("youden"), val.labels, val.scores)
    assert tested.thresholds == pytest.approx(expected, nan_ok=True)
    assert tested.chosen_on == "val rows"
    assert not set(tested.images) & set(val.images)


def test_boxes_of_a_confounder_are_measured(
    work: Path, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = read_cohort(work / "phantom")
    images = cohort.table.filter(pl.col("split") == "test")["image"].to_list()
    pl.DataFrame({"image": images, "x": 30, "y": 30, "width": 20, "height": 8}).write_csv(tmp_path / "boxes.csv")
    boxed = ["--confounder-boxes", tmp_path / "boxes.csv", "--finding", "mass", "--choose", 0]
    assert call(monkeypatch, *words, *boxed) == 0
    painted = read_heatmaps(tmp_path / "maps")
    assert painted.maps.findings == ("Mass",)
    assert set(painted.tables["confounder"]["finding"]) == {"Mass"}
    words[4] = tmp_path / "same"
    assert call(monkeypatch, *words, *boxed, "--without-confounder", work / "phantom") == 0
    same = read_heatmaps(tmp_path / "same").tables["confounder"]
    assert (same.filter(pl.col("metric") == "logit_change")["value"].abs() < 1e-5).all()  # nothing was taken out
    assert not same["flagged"].any()


def test_other_methods_and_the_page(
    work: Path, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(monkeypatch, *words, "--method", "occlusion", "--finding", "Pneumothorax") == 0
    found = read_heatmaps(tmp_path / "maps")
    assert found.maps.maps.shape[2:] == (14, 14)
    index = pl.read_parquet(tmp_path / "maps" / "index.parquet")
    index.select("image", "prob_Pneumothorax").write_csv(tmp_path / "run.csv")
    report = ["report", tmp_path / "run.csv", "--cohort", work / "phantom", "--heatmaps", tmp_path / "maps"]
    assert call(monkeypatch, *report, "--replicates", 100, "--out", tmp_path / "report") == 0
    html = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert html.count("data:image/webp;base64,") == len(found.overlays)
    results = (tmp_path / "report" / "results.json").read_text("utf-8")
    assert "base64" not in results
    assert json.loads(results)["tables"]["heat"]
    assert call(monkeypatch, *words) == 2  # the folder exists
    assert call(monkeypatch, *words, "--force", "--choose", 0) == 0


def test_an_interrupted_run_goes_on_and_writes_the_same(
    work: Path, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words += ["--split", "all", "--operating-point", "fixed=0.5", "--choose", 0]
    assert call(monkeypatch, *words) == 0
    real, seen = explaining.look, []

    def stops(*given: Any, **named: Any) -> Any:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(len(given[2]))
        return real(*given, **named)

    words[4] = tmp_path / "again"
    monkeypatch.setattr(explaining, "look", stops)
    assert call(monkeypatch, *words) == 130
    assert "the same command goes on where it stopped" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()
    seen.clear()
    monkeypatch.setattr(explaining, "look", lambda *given, **named: seen.append(len(given[2])) or real(*given, **named))
    assert call(monkeypatch, *words) == 0
    assert "going on after 2 pieces" in capsys.readouterr().err
    assert sum(seen) == 80 - 2 * 16
    assert not (tmp_path / "again.parts").exists()
    whole, again = (read_heatmaps(tmp_path / name).maps for name in ("maps", "again"))
    np.testing.assert_array_equal(whole.maps, again.maps)
    np.testing.assert_array_equal(whole.scores, again.scores)
    seen.clear()
    assert call(monkeypatch, *words, "--method", "cam", "--force") == 0  # other work: nothing of it is taken over
    assert sum(seen) == 80
    seen.clear()
    words[4] = tmp_path / "third"
    monkeypatch.setattr(explaining, "look", stops)
    assert call(monkeypatch, *words) == 130
    monkeypatch.setattr(explaining, "look", real)
    assert call(monkeypatch, *words, "--method", "cam") == 0
    assert "held maps of another run, other images or another method" in capsys.readouterr().err


def test_an_image_that_cannot_be_read_leaves_nothing_behind(
    work: Path, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(work / "phantom", tmp_path / "phantom")
    words[2] = tmp_path / "phantom"
    for file in (tmp_path / "phantom").rglob("*.png"):
        file.write_bytes(b"")
    assert call(monkeypatch, *words, "--operating-point", "fixed=0.5") == 2
    assert ".png" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"phantom"}


@pytest.mark.parametrize(
    ("further", "said"),
    [
        (["--finding", "Fracture"], "the model does not know 'Fracture'"),
        (["--without-confounder", "x"], "nothing says where the confounder was"),
        (["--split", "dev"], "'dev' is not a part of a cohort"),
        (["--confounder-boxes", "absent.csv"], "absent.csv"),
    ],
)
def test_a_wrong_call_is_one_message_and_leaves_nothing(
    words: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    further: list[str],
    said: str,
) -> None:
    assert call(monkeypatch, *words, *further) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "maps").exists()


def test_a_store_of_another_size_is_refused(
    work: Path, words: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    assert call(monkeypatch, "prepare", work / "phantom", "--size", 64, "--workers", 1, "--out", store) == 0
    capsys.readouterr()
    assert call(monkeypatch, *words, "--images", store) == 2
    assert "the store holds squares of 64 pixels" in capsys.readouterr().err
