"""Weights that a backbone starts from: torchvision's ImageNet weights by name, any file of them, or an earlier run's.

A file is read as data alone: safetensors, or PyTorch's format through the reader that builds nothing but tensors.
Every tensor of the backbone must be in the file, in its shape, and every tensor of the file must be used, except
those of the old classifier: a loader that takes what fits and leaves the rest, as is common, trains from
noise without a word when one name is spelled otherwise.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import socket
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from overread.records.errors import InputError, counted, listed, located, plain, quoted

IMAGENET = "imagenet"
URLS = {  # torchvision's IMAGENET1K_V1; a name ends with the first digits of the file's SHA-256
    "densenet121": "https://download.pytorch.org/models/densenet121-a639ec97.pth",
    "densenet169": "https://download.pytorch.org/models/densenet169-b2777c0a.pth",
    "densenet201": "https://download.pytorch.org/models/densenet201-c1103571.pth",
    "resnet18": "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    "resnet34": "https://download.pytorch.org/models/resnet34-b627a593.pth",
    "resnet50": "https://download.pytorch.org/models/resnet50-0676ba61.pth",
}
SECONDS = 30
"""How long a server may keep silent."""

OLD_HEADS = ("classifier.", "fc.", "head.", "class_layers.")
"""Layers that answer to the classes of another task."""

DENSE_LAYER = re.compile(r"(denselayer\d+)\.(?:layers\.)?(norm|conv)\.?([12])\.")
"""A layer within a dense block as torchvision names it (`denselayer1.norm1.`, in files of before 2018
`denselayer1.norm.1.`) and as MONAI does (`denselayer1.layers.norm1.`)."""


@dataclass(frozen=True)
class LoadedWeights:
    """What a backbone was started from: the file, its SHA-256, its tensors that were used and those that were not."""

    source: str
    sha256: str
    used: tuple[str, ...]
    unused: tuple[str, ...]


def load_weights(features: nn.Module, backbone: str, weights: str | Path) -> LoadedWeights:
    """Load weights into the layers of a backbone: `"imagenet"`, or a file (`.safetensors`, `.pth`, `.pt`, `.bin`).

    Raises `InputError` when the file cannot be had or read, or when it is not the backbone's, naming the tensors.
    """
    path = imagenet_file(backbone) if str(weights) == IMAGENET else Path(weights)
    given = read_tensors(path)
    names = {name: renamed(name) for name in given if not without_prefix(name).startswith(OLD_HEADS)}
    place(features, {names[name]: given[name] for name in names}, backbone, located(path))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return LoadedWeights(path.name, sha256, tuple(names), tuple(name for name in given if name not in names))


def place(features: nn.Module, tensors: Mapping[str, Tensor], backbone: str, where: str) -> None:
    """Copy tensors into the layers of the same names, or refuse them all."""
    wanted = features.state_dict()
    optional = {name for name in wanted if name.endswith("num_batches_tracked")}  # files of before 2018 lack them
    missing = [name for name in wanted if name not in tensors and name not in optional]
    unexpected = [name for name in tensors if name not in wanted]
    shapes = [
        f"{name} {list(tensor.shape)} instead of {list(wanted[name].shape)}"
        for name, tensor in tensors.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    problems = [
        f"{counted(len(names), 'tensor')} {what}: {listed(names)}"
        for names, what in ((missing, "missing"), (unexpected, "not known"), (shapes, "of another shape"))
        if names
    ]
    if problems:
        do = "Name the --backbone that the file is of, or another file."
        raise InputError(where, "; ".join(problems), f"the weights of a {backbone}", do)
    features.load_state_dict({**wanted, **tensors})


def without_prefix(name: str) -> str:
    """Return the name of a tensor without what wrappers put before it."""
    return name.removeprefix("module.").removeprefix("model.")


def renamed(name: str) -> str:
    """Return how the layers here call a tensor of a file.

    >>> renamed("features.denseblock1.denselayer2.norm.1.weight"), renamed("layer1.0.conv1.weight")
    ('denseblock1.denselayer2.layers.norm1.weight', 'layer1.0.conv1.weight')
    """
    return DENSE_LAYER.sub(r"\1.layers.\2\3.", without_prefix(name).removeprefix("features."))


# --- files -----------------------------------------------------------------------------------------------------------


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by their names; nothing in it is run."""
    if not path.is_file():
        what = "this is a folder" if path.is_dir() else "there is no such file"
        raise InputError(located(path), what, f"a file of weights, or the word {IMAGENET} or none", "Check the path.")
    try:
        found: Any = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else torch_file(path)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as reason:
        what = f"it cannot be read as weights ({first_line(reason)})"
        raise InputError(located(path), what, "safetensors, or tensors by name as torch.save writes them") from None
    except OSError as reason:
        raise InputError(located(path), f"the file cannot be read ({reason.strerror})") from None
    if isinstance(found, dict):
        found = found.get("state_dict", found)
    if not isinstance(found, dict) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        what = "it holds something other than tensors by name"
        raise InputError(located(path), what, "a state_dict", "Save model.state_dict() alone.")
    return found


def torch_file(path: Path) -> Any:
    """Return what `torch.save` wrote, if it is tensors and plain values alone."""
    with warnings.catch_warnings():  # of a pickle protocol that may not be read: it is read, or refused
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
        return torch.load(path, map_location="cpu", weights_only=True)


def first_line(reason: BaseException) -> str:
    """Return the first line of what a library says of a file."""
    return next((line.strip() for line in str(reason).splitlines() if line.strip()), type(reason).__name__)[:200]


# --- by name ---------------------------------------------------------------------------------------------------------


def imagenet_file(backbone: str) -> Path:
    """Return torchvision's ImageNet weights of a backbone, from PyTorch's cache, downloaded if they are not there."""
    if backbone not in URLS:
        expected = f"one of {listed(list(URLS), most=9)}"
        do = "Give a file with --weights FILE, or begin with random weights: --weights none."
        raise InputError("--weights", f"there are no ImageNet weights of {quoted(backbone)}", expected, do)
    url = URLS[backbone]
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if not path.is_file():
        download(url, path)
    expected = path.stem.rsplit("-", 1)[1]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(expected):
        what = f"it is not the file of this name: its SHA-256 begins with {found[: len(expected)]}"
        raise InputError(located(path), what, expected, "Delete it and begin again.")
    return path


def download(url: str, path: Path) -> None:
    """Download a file to a place, whole or not at all."""
    limit = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = path.stem.rsplit("-", 1)[1]
        torch.hub.download_url_to_file(url, str(path), prefix, progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as reason:  # urllib's errors are OSErrors; RuntimeError is another checksum
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise InputError(
            f"--weights {IMAGENET}",
            f"{url} could not be downloaded ({plain(first_line(reason))})",
            "",
            f"Download it elsewhere and give it with --weights {path.name} (or put it at {path}), "
            "or begin with random weights: --weights none.",
        ) from None
    finally:
        socket.setdefaulttimeout(limit)
