"""Runs of `overread train` as scorers."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.errors import InputError, quoted
from overread.vision.engines.engine import Engine
from overread.vision.runs import Run

ENGINES = ("torch", "onnx")
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
    """Return a run as a scorer, computed by `torch` or `onnx` (ONNX Runtime), on a `device` that PyTorch names.

    On a processor as many batches are scored at the same time as there are cores, each on one of them (`streams`):
    that keeps all of them busy, decoding included, where several on one batch wait for each other.

    Raises `InputError` where the engine is not installed, or cannot do what is asked.
    """
    device = chosen_device(device)
    if precision not in PRECISIONS:
        raise InputError("precision", f"{quoted(precision)} is none", " or ".join(PRECISIONS))
    if engine == "onnx":
        from overread.vision.engines.onnx_runtime import onnx_engine

        if precision != "float32" or device != "cpu":
            asked = f"--precision {precision}" if precision != "float32" else f"--device {device}"
            do = "Leave --engine out: PyTorch does it."
            raise InputError("--engine onnx", f"it is asked for together with {asked}", "float32 on cpu", do)
        found: Engine = onnx_engine(run)
    elif engine == "torch":
        from overread.vision.engines.pytorch import TorchEngine

        found = TorchEngine.of(run, device, precision)
    else:
        raise InputError("engine", f"{quoted(engine)} is none", " or ".join(ENGINES))
    return RunScorer(run, found, flip, (streams or cores()) if device == "cpu" else 1)


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
