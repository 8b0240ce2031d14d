"""Trainings of a tiny network: what they leave, that they learn, and that an interruption changes nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
import pytest

cv2 = pytest.importorskip("cv2")
torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from overread.records.cohort import Cohort, read_cohort  # noqa: E402
from overread.records.errors import InputError  # noqa: E402
from overread.vision import checkpoints, training  # noqa: E402
from overread.vision.learning import Progress  # noqa: E402
from overread.vision.pixels import open_pixels  # noqa: E402
from overread.vision.runs import read_run  # noqa: E402
from overread.vision.settings import Settings, read_settings  # noqa: E402
from overread.vision.training import settled_settings, train  # noqa: E402
from overread.vision.validation import validated  # noqa: E402

N = 48
QUICK: dict[str, Any] = {
    "backbone": "densenet_small",
    "weights": "none",
    "size": 32,
    "crop": 32,
    "epochs": 3,
    "batch_size": 8,
    "accelerator": "cpu",
    "val_share": 0.25,
    "images": "images",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a cohort whose Mass is a bright square in noise, and whose Edema is gender: 48 images of 24 patients."""
    rng = np.random.default_rng(0)
    mass, edema = rng.random(N) < 0.5, np.arange(N) % 4 < 2
    pixels = rng.integers(0, 80, (N, 32, 32), dtype=np.uint8)
    pixels[mass, 10:22, 10:22] = 220
    (tmp_path / "images").mkdir()
    for row in range(N):
        cv2.imwrite(str(tmp_path / "images" / f"{row:02d}.png"), pixels[row])
    pl.DataFrame(
        {
            "image": [f"{row:02d}.png" for row in range(N)],
            "patient": [f"p{row // 2}" for row in range(N)],
            "split": ["test" if row >= 40 else "train" for row in range(N)],
            "gender": np.where(edema, "F", "M"),
            "Mass": mass.astype(int),
            "Edema": edema.astype(int),
        }
    ).write_csv(tmp_path / "cohort.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cohort(place: Path) -> Cohort:
    return read_cohort(place / "cohort.csv")


def settings(**change: Any) -> Settings:
    return Settings.of(QUICK | change)


def digest(run: Path) -> str:
    return hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest()


def test_a_training_leaves_a_whole_run(cohort: Cohort, place: Path) -> None:
    told: list[Progress] = []
    said: list[str] = []
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 (that it is left alone)
    run = train(cohort, "run", settings(metadata="gender"), show=told.append, say=said.append)
    assert run is not None
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    again = read_run(place / "run")
    assert again.findings == ("Mass", "Edema")
    assert again.metadata.names == ("gender=F",)
    assert (again.preprocessing.size, again.preprocessing.crop) == (32, 32)
    assert said[0] == "30 images of 15 patients to learn from, 10 images of 5 patients to choose the epoch by."
    assert [p.figures["epoch"] for p in told if p.figures is not None] == [1, 2, 3]
    assert sum(p.figures is None for p in told) == 3 * 3
    table = pl.read_csv(place / "run" / "metrics.csv")
    assert table["epoch"].to_list() == [1, 2, 3]
    assert {"train_loss", "val_loss", "val_auroc", "auroc_Mass", "learning_rate", "seconds"} <= set(table.columns)
    assert again.metrics["val_auroc"] == table["val_auroc"].max()
    assert list((place / "run" / "logs").glob("events.out.tfevents.*"))
    assert not {name for name in again.split["image"] if name >= "40.png"}


def test_the_figures_are_those_of_the_weights_that_are_kept(cohort: Cohort) -> None:
    run = train(cohort, "run", settings(metadata="gender", batch_size=7))
    assert run is not None
    rows = np.flatnonzero(cohort.images.is_in(run.split.filter(split="val")["image"].to_list()).to_numpy())
    table = cohort.table[rows]
    pixels = torch.from_numpy(open_pixels("images", size=32).batch(table["image"].to_list()))
    with torch.inference_mode():
        network = run.network().to(memory_format=torch.channels_last)
        logits = network(run.preprocessing(pixels), torch.from_numpy(run.metadata.encode(table)))
    for name, value in validated(cohort.labels[rows], logits.numpy(), run.findings).items():
        assert run.metrics[name] == pytest.approx(value, rel=1e-4), name


def test_it_learns_what_the_image_and_the_metadata_tell(cohort: Cohort) -> None:
    run = train(cohort, "run", settings(metadata="gender", epochs=25, learning_rate=0.02, choose_by="loss"))
    assert run is not None
    assert run.metrics["auroc_Mass"] > 0.9
    assert run.metrics["auroc_Edema"] > 0.9
    losses = pl.read_csv("run/metrics.csv")["train_loss"]
    assert losses[-1] < 0.6 * losses[0]


def test_the_seed_gives_the_weights_from_files_and_from_a_store(cohort: Cohort, place: Path) -> None:
    from overread.vision.preparing import prepare

    train(cohort, "one", settings())
    train(cohort, "two", settings())
    train(cohort, "other", settings(seed=1))
    assert digest(place / "one") == digest(place / "two")
    assert digest(place / "one") != digest(place / "other")
    prepare(cohort.images.to_list(), place / "images", place / "store", size=32)
    train(cohort, "stored", settings(images="store", size=None))
    assert digest(place / "stored") == digest(place / "one")
    train(cohort, "workers", settings(workers=2))
    assert digest(place / "workers") == digest(place / "one")


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "adam", "schedule": "plateau"},
        {"accumulate": 2, "clip": 1.0, "schedule": "constant"},
        {"precision": "bf16", "weight_decay": 0.1},
        {"backbone": "resnet18", "epochs": 1},
    ],
)
def test_every_way_of_training_ends(cohort: Cohort, change: dict[str, Any]) -> None:
    run = train(cohort, "run", settings(**change))
    assert run is not None
    assert np.isfinite(run.metrics["val_loss"])


def test_accumulated_batches_step_as_one_large_batch_would(cohort: Cohort) -> None:
    train(cohort, "run", settings(accumulate=2, epochs=2, warmup=0, findings="Mass"))
    # 30 rows in batches of 8: 3 a epoch, 2 steps of the optimiser, 4 in all, so that the last begins at 3 of 4.
    rates = pl.read_csv("run/metrics.csv")["learning_rate"]
    assert rates[1] == pytest.approx(1e-3 * (1 + np.cos(np.pi * 3 / 4)) / 2)
    assert read_run(Path("run")).findings == ("Mass",)


def test_it_stops_when_patience_runs_out(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(cohort, "run", settings(epochs=30, patience=2, learning_rate=1e-12, warmup=0, choose_by="loss"))
    assert run is not None
    n = len(pl.read_csv("run/metrics.csv"))
    assert n == run.metrics["epoch"] + 2
    assert n < 30


# --- interruptions ---------------------------------------------------------------------------------------------------


class Stopped(Exception):
    """Stands for any end of the process."""


def stop_at(epoch: int, step: int) -> Any:
    def show(progress: Progress) -> None:
        if (progress.epoch, progress.step) == (epoch, step) and progress.figures is None:
            raise Stopped

    return show


@pytest.mark.parametrize("at", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("change", [{}, {"schedule": "plateau", "accumulate": 2, "optimizer": "adam"}])
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(
    cohort: Cohort, place: Path, at: tuple[int, int], change: dict[str, Any]
) -> None:
    train(cohort, "whole", settings(**change))
    with pytest.raises(Stopped):
        train(cohort, "run", settings(**change), show=stop_at(*at))
    with pytest.raises(InputError, match="the training has not ended"):
        read_run(place / "run")
    told: list[Progress] = []
    (place / "run" / "checkpoints" / ".last.safetensors.99.part").write_bytes(b"half")
    train(cohort, "run", settings(**change), resume=True, show=told.append)
    assert {path.name for path in (place / "run" / "checkpoints").iterdir()} == {"last.safetensors", "best.safetensors"}
    assert digest(place / "run") == digest(place / "whole")
    assert (told[0].epoch, told[0].step) == (at[0], 1)
    drop = {"seconds"}
    one, two = (pl.read_csv(place / name / "metrics.csv").drop(drop) for name in ("run", "whole"))
    assert one.equals(two)


def test_one_that_was_stopped_while_the_run_was_written_only_writes_it(
    cohort: Cohort, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(cohort, "whole", settings(epochs=9, patience=1, choose_by="loss"))
    with monkeypatch.context() as patch:
        patch.setattr(training, "kept", lambda *given: (_ for _ in ()).throw(Stopped))
        with pytest.raises(Stopped):
            train(cohort, "run", settings(epochs=9, patience=1, choose_by="loss"))
    told: list[Progress] = []
    train(cohort, "run", settings(epochs=9, patience=1, choose_by="loss"), resume=True, show=told.append)
    assert not told
    assert digest(place / "run") == digest(place / "whole")
    said: list[str] = []
    train(cohort, "run", settings(), resume=True, say=said.append)
    assert said == ["The training has ended already: nothing to do."]


def test_an_interruption_by_hand_reaches_the_caller(cohort: Cohort, place: Path) -> None:
    def interrupted(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(cohort, "run", settings(), show=interrupted)
    assert signal.getsignal(signal.SIGINT) is handler
    train(cohort, "run", settings(), resume=True)
    train(cohort, "whole", settings())
    assert digest(place / "run") == digest(place / "whole")


def test_another_training_does_not_go_on(cohort: Cohort) -> None:
    with pytest.raises(Stopped):
        train(cohort, "run", settings(), show=stop_at(2, 1))
    with pytest.raises(InputError, match="had other rows, labels or settings"):
        train(cohort, "run", settings(learning_rate=0.5), resume=True)
    changed = replace(cohort, labels=np.ascontiguousarray(1 - cohort.labels))
    with pytest.raises(InputError, match="had other rows, labels or settings"):
        train(changed, "run", settings(), resume=True)
    assert Settings.of(read_settings("run/train.toml")).learning_rate == 1e-3, "what it began with still stands there"


SCRIPT = """
import os, signal, sys
from overread.records.cohort import read_cohort
from overread.vision.settings import Settings
from overread.vision.training import train
import json

def show(progress):
    if [progress.epoch, progress.step] == json.loads(sys.argv[3]) and progress.figures is None:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    train(read_cohort("cohort.csv"), sys.argv[1], Settings.of(json.loads(sys.argv[2])), resume=True, show=show)
"""


def in_process(
    place: Path,
    out: str,
    given: dict[str, Any],
    kill: tuple[int, int] | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> int:
    (place / "script.py").write_text(SCRIPT)
    words = [sys.executable, "-W", "error::UserWarning:overread", "script.py", out, json.dumps(given), json.dumps(kill)]
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        words,
        cwd=place,
        env=os.environ | {"PYTHONPATH": paths} | dict(environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    if done.returncode == 0:
        assert not done.stderr, done.stderr
    return done.returncode


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_weights_of_one_that_was_not(cohort: Cohort, place: Path) -> None:
    assert in_process(place, "whole", QUICK) == 0
    assert in_process(place, "run", QUICK, kill=(2, 2)) == -signal.SIGKILL
    assert in_process(place, "run", QUICK, kill=(3, 3)) == -signal.SIGKILL
    assert in_process(place, "run", QUICK) == 0
    assert digest(place / "run") == digest(place / "whole")


@pytest.mark.slow
def test_two_processes_train_one_model(cohort: Cohort, place: Path) -> None:
    given = QUICK | {"devices": 2, "strategy": "ddp", "batch_size": 4, "metadata": "gender"}
    assert in_process(place, "run", given) == 0
    run = read_run(place / "run")
    rows = np.flatnonzero(cohort.images.is_in(run.split.filter(split="val")["image"].to_list()).to_numpy())
    table = cohort.table[rows]
    pixels = torch.from_numpy(open_pixels("images", size=32).batch(table["image"].to_list()))
    with torch.inference_mode():
        logits = run.network()(run.preprocessing(pixels), torch.from_numpy(run.metadata.encode(table)))
    for name, value in validated(cohort.labels[rows], logits.numpy(), run.findings).items():
        assert run.metrics[name] == pytest.approx(value, rel=1e-4), name
    assert in_process(place, "again", given) == 0
    assert digest(place / "again") == digest(place / "run")


@pytest.mark.slow
def test_two_machines_train_the_model_that_two_devices_train(cohort: Cohort, place: Path) -> None:
    given = QUICK | {"strategy": "ddp", "batch_size": 4, "metadata": "gender"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "OMP_NUM_THREADS": "1"}
    with ThreadPoolExecutor(2) as machines:
        each = [{**where, "NODE_RANK": str(rank)} for rank in range(2)]
        ended = machines.map(lambda of: in_process(place, "machines", given | {"nodes": 2}, environment=of), each)
        assert list(ended) == [0, 0]
    assert in_process(place, "devices", given | {"devices": 2}, environment={"OMP_NUM_THREADS": "1"}) == 0
    one, other = (read_run(place / name) for name in ("machines", "devices"))
    took = {"seconds": 0.0}
    assert one.metrics | took == pytest.approx(other.metrics | took, rel=1e-3)
    assert one.split.equals(other.split)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_taken_is_refused(cohort: Cohort, place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "thesis.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(InputError, match="files that overread train did not write"):
            train(cohort, "mine", settings(), force=force)
    with pytest.raises(Stopped):
        train(cohort, "run", settings(), show=stop_at(2, 1))
    with pytest.raises(InputError, match=r"a training that has not ended. Give --resume to go on"):
        train(cohort, "run", settings())
    train(cohort, "run", settings(epochs=1), force=True)
    with pytest.raises(InputError, match=r"holds a run. Give --force"):
        train(cohort, "run", settings())
    (place / "run" / "notes.txt").write_text("mine")
    train(cohort, "run", settings(epochs=1, seed=3), force=True)
    assert read_run(place / "run").settings["seed"] == 3
    assert (place / "run" / "notes.txt").exists()
    with pytest.raises(InputError, match="this is a file"):
        train(cohort, "cohort.csv", settings())


@pytest.mark.usefixtures("permissions_hold")
def test_a_folder_without_rights_is_refused(cohort: Cohort, place: Path) -> None:
    (place / "closed").mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot be written to"):
        train(cohort, "closed/run", settings())


def test_a_disk_that_fills_up_ends_the_training_and_it_goes_on_later(
    cohort: Cohort, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(cohort, "whole", settings())
    real, calls = checkpoints.replace_file, []

    def full(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise InputError(str(path), f"it cannot be written ({os.strerror(errno.ENOSPC)})")
        real(path, data)

    monkeypatch.setattr(checkpoints, "replace_file", full)
    with pytest.raises(InputError, match="No space left"):
        train(cohort, "run", settings())
    train(cohort, "run", settings(), resume=True)
    assert digest(place / "run") == digest(place / "whole")


def test_an_image_that_cannot_be_read_is_named(cohort: Cohort, place: Path) -> None:
    (place / "images" / "05.png").write_bytes(b"")
    for workers in (0, 1):
        with pytest.raises(InputError, match=r"05\.png"):
            train(cohort, f"run{workers}", settings(workers=workers))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "vgg16"}, "there is none called 'vgg16'"),
        ({"findings": "Mass,Hernia"}, "there is no finding Hernia. Expected some of Mass, Edema"),
        ({"metadata": "age"}, "there is no attribute age"),
        ({"crop": 40}, "--crop: it is 40. Expected at most"),
        ({"images": "nowhere"}, "nowhere: there is no such folder"),
        ({"precision": "16"}, "16 needs a GPU"),
        ({"accelerator": "gpu"}, "--accelerator"),
        ({"weights": "absent.pth"}, "absent.pth: there is no such file"),
    ],
)
def test_settings_that_do_not_serve_are_refused_before_work(
    cohort: Cohort, place: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        train(cohort, "run", settings(**change))


@pytest.mark.parametrize(("size", "crop"), [(32, 32), (36, 32), (64, 56), (256, 224)])
def test_the_crop_is_seven_eighths_and_never_below_what_a_network_takes(size: int, crop: int) -> None:
    assert settled_settings(Settings(weights="none"), size).crop == crop


def test_absent_images_are_refused_unless_told(cohort: Cohort, place: Path) -> None:
    (place / "images" / "45.png").unlink()  # a test image: not needed
    (place / "images" / "05.png").unlink()
    with pytest.raises(InputError, match="1 of the 40 images"):
        train(cohort, "run", settings())
    assert not (place / "run").exists()
    run = train(cohort, "run", settings(present_only=True, epochs=1))
    assert run is not None
    assert len(run.split) == 39


def test_what_cannot_be_learnt_is_said(cohort: Cohort) -> None:
    labels = cohort.labels.copy()
    labels[:, 1] = 0
    said: list[str] = []
    train(replace(cohort, labels=labels), "run", settings(epochs=1), say=said.append)
    assert "No training image shows Edema: the model cannot learn it." in said


def test_the_model_card_has_the_figures_where_hugging_face_reads_them(cohort: Cohort, place: Path) -> None:
    yaml = pytest.importorskip("yaml")
    synthetic = "Every image is drawn."
    given = replace(cohort, synthetic=synthetic, warnings=(synthetic, "In no split: 1 of 48 images."))
    run = train(given, "run", settings(metadata="gender"))
    assert run is not None
    text = (place / "run" / "README.md").read_text()
    card = yaml.safe_load(text.split("---")[1])
    (index,) = card["model-index"]
    assert index["name"] == "run"
    (result,) = index["results"]
    assert result["dataset"] == {"name": "cohort", "type": "cohort", "split": "validation"}
    assert result["metrics"][0]["value"] == pytest.approx(run.metrics["val_auroc"], abs=1e-4)
    assert text.count(synthetic) == 1
    for part in (
        "no medical device",
        f"**{synthetic}**",
        "- In no split",
        "30 images of 15 patients",
        "gender=F",
        "Limits",
        "torch",
    ):
        assert part in text
