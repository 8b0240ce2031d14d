"""Checkpoints of a training as one file without code: tensors as safetensors, everything else as JSON in its header.

Lightning's own format is a pickle, and a pickle can run anything when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from lightning.fabric.plugins import CheckpointIO
from safetensors import SafetensorError, safe_open
from torch import Tensor

from overread.records.errors import InputError, located
from overread.records.writing import replace_file

CONTENT = "checkpoint"
"""Where in the header everything else stands."""


class TensorCheckpoints(CheckpointIO):
    """Lets Lightning write and read checkpoints in this format, each whole or not at all."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint."""
        tensors: dict[str, Tensor] = {}
        content = json.dumps(packed(checkpoint, tensors, ""))
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_file(Path(path), safetensors.torch.save(tensors, {CONTENT: content}))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint, onto the processor."""
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a checkpoint holds; raises `InputError` when it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            content = json.loads((file.metadata() or {})[CONTENT])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
        return unpacked(content, tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, OSError) as reason:
        what = f"it cannot be read as a checkpoint ({reason})"
        do = "Delete it, and --resume begins with the first epoch."
        raise InputError(located(path), what, "a file that overread train wrote", do) from None


def packed(value: Any, tensors: dict[str, Tensor], place: str) -> Any:
    """Return a value as JSON can hold it, its tensors put aside under the place where they stood."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        tensors[place] = value.detach().cpu().contiguous()
        return {"tensor": place, "channels_last": in_channels_last(value)}
    if isinstance(value, Mapping):
        return {"dict": [[key, packed(one, tensors, f"{place}/{key}")] for key, one in value.items()]}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [packed(one, tensors, f"{place}/{index}") for index, one in enumerate(value)]}
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__} at {place}")


def unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what `packed` was given."""
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        tensor = tensors[value["tensor"]]
        return tensor.to(memory_format=torch.channels_last) if value["channels_last"] else tensor
    if "dict" in value:
        return {key: unpacked(one, tensors) for key, one in value["dict"]}
    if "tuple" in value:
        return tuple(unpacked(one, tensors) for one in value["tuple"])
    return [unpacked(one, tensors) for one in value["list"]]


def in_channels_last(tensor: Tensor) -> bool:
    """Say whether a tensor's memory is laid out by channels last alone: sums may round otherwise in another layout."""
    return tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()
