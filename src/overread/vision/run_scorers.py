"""Runs of `overread train` as scorers."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.errors import InputError, quoted
from overread.vision.engines.engine import Engine
from overread.vision.runs import Run

ENGINES = ("torch", "onnx", "openvino")
"""In the order of speed on a processor, the slowest first; PyTorch is always there."""

MANY = 1000
"""Images from which on an export to ONNX, which takes some ten seconds, is worth its while."""
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, eq=False)
class RunScorer:
    """A run of `overread train` as a scorer.

    With `flip` each image is scored as it is and mirrored, and the score is the mean of the two scores, not of their
    logits: a mean of probabilities is a probability, and one of the two cannot outvote the other by being certain.
    """

    run: Run
    engine: Engine
    flip: bool = False
    streams: int = 1
    size: int = field(init=False)
    findings: tuple[str, ...] = field(init=False)
    attributes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", self.run.preprocessing.size)
        object.__setattr__(self, "findings", self.run.findings)
        object.__setattr__(self, "attributes", self.run.metadata.attributes)

    def scores(self, pixels: NDArray[np.uint8], attributes: pl.DataFrame) -> NDArray[np.float32]:
        """Return the scores (images, findings)."""
        metadata = self.run.metadata.encode(attributes)
        found = self.engine(pixels, metadata)
        if not self.flip:
            return found
        mirrored = self.engine(np.ascontiguousarray(pixels[:, :, ::-1]), metadata)
        return (found + mirrored) / np.float32(2)


def run_scorer(
    run: Run,
    *,
    engine: str = "torch",
    device: str = "auto",
    precision: str = "float32",
    flip: bool = False,
    streams: int | None = None,
) -> RunScorer:
    """Return a run as a scorer, computed by `torch`, `onnx` (ONNX Runtime) or `openvino`, on a `device` of PyTorch's.

    On a processor as many batches are scored at the same time as there are cores, each on one of them (`streams`):
    that keeps all of them busy, decoding included, where several on one batch wait for each other.

    Raises `InputError` where the engine is not installed, or cannot do what is asked.
    """
    device = chosen_device(device)
    if precision not in PRECISIONS:
        raise InputError("precision", f"{quoted(precision)} is none", " or ".join(PRECISIONS))
    streams = (streams or cores()) if device == "cpu" else 1
    if engine != "torch" and device != "cpu":
        what = f"it is asked for together with --device {device}"
        raise InputError(f"--engine {engine}", what, "--device cpu", "Leave --engine out: PyTorch does it.")
    if engine == "onnx":
        from overread.vision.engines.onnx_runtime import onnx_engine

        if precision != "float32":
            what = f"it is asked for together with --precision {precision}"
            do = "Say --engine torch or openvino: ONNX Runtime has no bfloat16 on processors."
            raise InputError("--engine onnx", what, "float32", do)
        found: Engine = onnx_engine(run)
    elif engine == "openvino":
        from overread.vision.engines.openvino import openvino_engine

        found = openvino_engine(run, precision, streams)
    elif engine == "torch":
        from overread.vision.engines.pytorch import TorchEngine

        found = TorchEngine.of(run, device, precision)
    else:
        raise InputError("engine", f"{quoted(engine)} is none", " or ".join(ENGINES))
    return RunScorer(run, found, flip, streams)


def chosen_engine(name: str, *, device: str, precision: str, images: int, exported: bool) -> str:
    """Return the engine that `auto` stands for: the fastest of those that are installed, at equal output.

    In float32 on a processor that is ONNX Runtime, where the run is exported already or enough images make an export
    worth its while. In all other cases it is PyTorch: OpenVINO is used where it is asked for.
    """
    if name != "auto":
        return name
    worth = exported or images >= MANY
    there = all(find_spec(library) is not None for library in ("onnx", "onnxscript", "onnxruntime"))
    return "onnx" if worth and there and precision == "float32" and chosen_device(device) == "cpu" else "torch"


def chosen_device(name: str) -> str:
    """Return the device that a name stands for, `auto` being the first GPU where there is one.

    Raises `InputError` where there is no such device.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError("device", f"{quoted(name)} is none", "auto, cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("device", "there is no GPU that PyTorch can use", "", "Leave --device out, or say cpu.")
    return name


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
