"""The folder that a training leaves: all that scoring and explaining need, read without running anything in it.

    run.json             what the network is, how images and attributes reach it, settings, versions, checksums
    weights.safetensors  the weights of the best epoch
    split.parquet        image, patient, split: the rows that it was trained on, and chose its best epoch by
    metrics.csv          a row per epoch
    train.toml           the settings, as `overread train --config` takes them
    README.md            the model card
    checkpoints/, logs/  to go on after an interruption; curves for TensorBoard

`run.json` is written last, so that a folder that has one is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import safetensors.torch
from safetensors import SafetensorError

from overread.records.errors import InputError, listed, located, quoted
from overread.records.writing import replace_file
from overread.vision.metadata import MetadataEncoding
from overread.vision.networks import BACKBONES, ChestNetwork, unknown_backbone
from overread.vision.preprocessing import Preprocessing
from overread.vision.weights import place

FORMAT, VERSION = "overread run", 1
RUN, WEIGHTS, SPLIT, METRICS, SETTINGS, CARD = (
    "run.json",
    "weights.safetensors",
    "split.parquet",
    "metrics.csv",
    "train.toml",
    "README.md",
)
MODEL = "model.onnx"
"""Where `overread export` puts the run as ONNX unless told otherwise, and scoring looks for it; no part of the run."""

CHECKED = (WEIGHTS, SPLIT, METRICS)
"""The files whose checksums stand in `run.json`."""

TRAIN_AGAIN = "Copy the folder again from where it was trained, or train it anew."


@dataclass(frozen=True, eq=False)
class Run:
    """A trained model as it lies in its folder.

    `split` has image, patient (where known) and split, `train` or `val`, for every image that the training used.
    `settings` are those of `overread train`, `metrics` the validation figures of the epoch that was kept,
    `facts` further plain values: versions, sources, which weights it began from.
    """

    folder: Path
    backbone: str
    findings: tuple[str, ...]
    preprocessing: Preprocessing
    metadata: MetadataEncoding
    split: pl.DataFrame
    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the model: its folder's."""
        return self.folder.resolve().name

    def network(self) -> ChestNetwork:
        """Return the network with its weights, on the processor, ready to score."""
        network = ChestNetwork(self.backbone, self.findings, self.metadata.width)
        path = self.folder / WEIGHTS
        try:
            tensors = safetensors.torch.load(read_file(path))
        except SafetensorError as reason:
            raise InputError(located(path), f"it cannot be read as weights ({reason})", "", TRAIN_AGAIN) from None
        place(network, tensors, self.backbone, located(path))
        return network.eval()


def read_run(folder: str | Path) -> Run:
    """Read a run's folder, its weights only when `Run.network` asks for them.

    Raises `InputError` when the training has not ended, a file is missing, or one is not as it was written.
    """
    folder = Path(folder)
    said = read_document(folder)
    where = located(folder / RUN)
    for name in CHECKED:
        if hashlib.sha256(read_file(folder / name)).hexdigest() != said["checksums"].get(name):
            what = f"it is not the file that {RUN} was written with: its checksum differs"
            raise InputError(located(folder / name), what, "", TRAIN_AGAIN)
    if said["backbone"] not in BACKBONES:
        raise unknown_backbone(said["backbone"])
    try:
        return Run(
            folder=folder,
            backbone=said["backbone"],
            findings=tuple(said["findings"]),
            preprocessing=Preprocessing.of_json(said["preprocessing"]),
            metadata=MetadataEncoding.of_json(said["metadata"]),
            split=pl.read_parquet(BytesIO(read_file(folder / SPLIT))),
            settings=said["settings"],
            metrics=said["metrics"],
            facts=said["facts"],
        )
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as reason:
        raise InputError(where, f"it does not describe a run ({reason!r})", "", TRAIN_AGAIN) from None


def read_document(folder: Path) -> dict[str, Any]:
    """Return what `run.json` says, or why there is none."""
    path = folder / RUN
    if not path.is_file():
        raise no_run(folder)
    try:
        said = json.loads(read_file(path))
    except ValueError as reason:
        raise InputError(located(path), f"it is not JSON ({reason})", "", TRAIN_AGAIN) from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise InputError(located(path), "it was not written by overread train", f'"format": "{FORMAT}"')
    if said.get("version") != VERSION:
        what = f"it has version {quoted(said.get('version'))} of the format"
        raise InputError(located(path), what, f"version {VERSION}", "Read it with the overread that wrote it.")
    if said.get("checksum") != checksum(said):
        raise InputError(located(path), "it was changed after it was written", "", TRAIN_AGAIN)
    return said


def no_run(folder: Path) -> InputError:
    """Return the refusal of a folder that holds no whole run."""
    if not folder.exists():
        return InputError(located(folder), "there is no such folder", "a folder that overread train wrote")
    if not folder.is_dir():
        return InputError(located(folder), "this is a file", "a folder that overread train wrote")
    if (folder / SETTINGS).is_file():
        do = f"Go on with it: overread train COHORT --out {located(folder)} --resume."
        return InputError(located(folder), "the training has not ended", f"a folder with {RUN}", do)
    inside = sorted(path.name for path in folder.iterdir())
    what = f"there is no {RUN} in it ({f'it holds {listed(inside)}' if inside else 'it is empty'})"
    return InputError(located(folder), what, "a folder that overread train wrote", "Check the path.")


def read_file(path: Path) -> bytes:
    """Return the content of a file of a run, or say which one is missing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(located(path), "this file of the run is missing", "", TRAIN_AGAIN) from None
    except OSError as reason:
        raise InputError(located(path), f"it cannot be read ({reason.strerror})") from None


def write_run(run: Run, network: ChestNetwork, *, epochs: pl.DataFrame, card: str) -> None:
    """Write a run into its folder, `run.json` last; `epochs` is the table of metrics, `card` the model card.

    Raises `InputError` when the folder cannot be written to.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    files = {
        WEIGHTS: safetensors.torch.save(tensors),
        SPLIT: as_parquet(run.split),
        METRICS: epochs.write_csv().encode(),
    }
    run.folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        replace_file(run.folder / name, data)
    replace_file(run.folder / CARD, card.encode())
    said = {
        "format": FORMAT,
        "version": VERSION,
        "backbone": run.backbone,
        "findings": list(run.findings),
        "preprocessing": run.preprocessing.as_json(),
        "metadata": run.metadata.as_json(),
        "settings": dict(run.settings),
        "metrics": dict(run.metrics),
        "facts": dict(run.facts),
        "checksums": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    replace_file(run.folder / RUN, (json.dumps(said | {"checksum": checksum(said)}, indent=2) + "\n").encode())


def as_parquet(table: pl.DataFrame) -> bytes:
    """Return a table as a Parquet file."""
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def checksum(said: Mapping[str, Any]) -> str:
    """Return the checksum of what `run.json` says, other than the checksum itself; spacing does not matter."""
    content = {name: value for name, value in said.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
