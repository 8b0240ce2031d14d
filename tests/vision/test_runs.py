from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

torch = pytest.importorskip("torch")

from overread.records.cohort import cohort_from_frame  # noqa: E402
from overread.records.errors import InputError  # noqa: E402
from overread.vision.metadata import MetadataEncoding  # noqa: E402
from overread.vision.networks import ChestNetwork, build_network  # noqa: E402
from overread.vision.preprocessing import Preprocessing  # noqa: E402
from overread.vision.runs import Run, read_run, write_run  # noqa: E402

FINDINGS = ("Effusion", "Mass")


@pytest.fixture
def network() -> ChestNetwork:
    return build_network("densenet_small", findings=FINDINGS, metadata_width=1, weights=None)


@pytest.fixture
def run(tmp_path: Path, network: ChestNetwork) -> Run:
    cohort = cohort_from_frame({"image": ["a", "b"], "Mass": [0, 1], "gender": ["F", "M"]}, findings=["Mass"])
    run = Run(
        folder=tmp_path / "run",
        backbone="densenet_small",
        findings=FINDINGS,
        preprocessing=Preprocessing(64, 56),
        metadata=MetadataEncoding.fitted(cohort, ["gender"]),
        split=pl.DataFrame({"image": ["a", "b"], "patient": ["1", "2"], "split": ["train", "val"]}),
        settings={"epochs": 3},
        metrics={"val_loss": 0.5},
        facts={"versions": {"torch": torch.__version__}},
    )
    write_run(run, network, epochs=pl.DataFrame({"epoch": [1], "val_loss": [0.5]}), card="# A model\n")
    return run


def test_a_run_is_read_as_it_was_written(run: Run, network: ChestNetwork) -> None:
    again = read_run(run.folder)
    assert (again.findings, again.preprocessing, again.metadata) == (run.findings, run.preprocessing, run.metadata)
    assert again.split.equals(run.split)
    assert (again.settings, again.metrics, again.facts) == (run.settings, run.metrics, run.facts)
    assert again.name == "run"
    loaded = again.network()
    assert not loaded.training
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in loaded.state_dict().items())


@pytest.mark.parametrize("name", ["weights.safetensors", "split.parquet", "metrics.csv"])
def test_a_missing_or_tampered_file_is_named(run: Run, name: str) -> None:
    path = run.folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match=f"{name}: it is not the file that run.json was written with"):
        read_run(run.folder)
    path.unlink()
    with pytest.raises(InputError, match=f"{name}: this file of the run is missing"):
        read_run(run.folder)


def test_weights_that_change_after_the_run_was_read_are_refused(run: Run) -> None:
    read = read_run(run.folder)
    (run.folder / "weights.safetensors").write_bytes(b"\x80\x04malicious pickle.")
    with pytest.raises(InputError, match="cannot be read as weights"):
        read.network()


def test_a_changed_description_is_refused(run: Run) -> None:
    path = run.folder / "run.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said))  # other spacing says the same
    read_run(run.folder)
    for change, message in (
        ({"findings": ["Mass", "Effusion"]}, "it was changed after it was written"),
        ({"version": 9}, "it has version 9 of the format"),
        ({"format": "else"}, "it was not written by overread train"),
    ):
        path.write_text(json.dumps(said | change))
        with pytest.raises(InputError, match=message):
            read_run(run.folder)
    path.write_text("{")
    with pytest.raises(InputError, match="it is not JSON"):
        read_run(run.folder)


def test_a_folder_that_is_no_run_says_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        read_run(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="this is a file"):
        read_run(tmp_path / "file")
    (tmp_path / "half").mkdir()
    with pytest.raises(InputError, match=r"there is no run.json in it \(it is empty\)"):
        read_run(tmp_path / "half")
    (tmp_path / "half" / "train.toml").write_text("")
    with pytest.raises(InputError, match=r"the training has not ended.*--resume"):
        read_run(tmp_path / "half")
