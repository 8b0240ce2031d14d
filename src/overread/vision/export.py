"""A run as one ONNX file that holds all of it: the preprocessing, the network, and what its inputs and outputs are.

    pixels     uint8 (images, size, size)     grey values, 0 black to 255 white, as overread prepare makes them
    metadata   float32 (images, width)        beside the image; only where the run takes any
    scores     float32 (images, findings)     in [0, 1]

The properties of the file say as JSON which findings these are, which inputs the metadata are and how attributes become
them, and which weights it was made from.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import overread
from overread.records.errors import InputError, listed
from overread.vision.folding import folded
from overread.vision.networks import ChestNetwork
from overread.vision.preprocessing import Preprocessing
from overread.vision.runs import MODEL, Run, read_document

OPSET = 18
TOLERANCE = 1e-4
"""As far as a score of the exported model may lie from the network's own."""


class Graph(nn.Module):
    """What is exported: squares of grey values and metadata to scores."""

    def __init__(self, network: ChestNetwork, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network, self.preprocessing = network, preprocessing
        self.scale: Tensor
        self.shift: Tensor
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (preprocessing.mean, preprocessing.std))
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", -mean / std)

    def forward(self, pixels: Tensor, metadata: Tensor | None = None) -> Tensor:
        """Return the scores."""
        begin, end = self.preprocessing.offset, self.preprocessing.offset + self.preprocessing.crop
        grey = pixels[:, begin:end, begin:end].float().unsqueeze(1)
        return torch.sigmoid(self.network(grey * self.scale + self.shift, metadata))


def exported(run: Run) -> bytes:
    """Return a run as ONNX: its `model.onnx` if that was made from these weights, else exported now."""
    path = run.folder / MODEL
    if path.is_file():
        data = path.read_bytes()
        if properties(data).get("overread.run") == identity(run):
            return data
    return export(run)[0]


def export(run: Run, *, seed: int = 0) -> tuple[bytes, float]:
    """Return a run as ONNX, and the largest difference between its scores and the network's on made-up images.

    Raises `InputError` where ONNX is not installed, or the difference is more than rounding.
    """
    require_onnx()
    import onnx

    graph = Graph(folded(run.network()), run.preprocessing).eval()
    program = traced(graph, *example(run, 2, seed))
    model = program.model_proto
    for key, value in described(run).items():
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.producer_version = "overread", overread.__version__
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    difference = max(furthest(data, run, example(run, n, seed + n)) for n in (1, 3))
    if not difference <= TOLERANCE:
        what = f"the exported model's scores differ by up to {difference:.1e} from the network's"
        raise InputError(
            "export", what, f"{TOLERANCE:.0e} at most", "Please report this with the versions of torch and onnx."
        )
    return data, difference


def traced(graph: nn.Module, pixels: Tensor, metadata: Tensor | None) -> Any:
    """Return PyTorch's export of a module for any number of images."""
    images = torch.export.Dim("images")
    given = (pixels,) if metadata is None else (pixels, metadata)
    names = ["pixels", "metadata"][: len(given)]
    with quiet():
        return torch.onnx.export(
            graph,
            given,
            dynamo=True,
            input_names=names,
            output_names=["scores"],
            dynamic_shapes=tuple({0: images} for _ in given),
            opset_version=OPSET,
            verbose=False,
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what PyTorch's exporter says of itself, of its own use of itself, and of torchvision's absence."""
    said = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = said.level
    said.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "# The axis name", UserWarning)  # two inputs share the axis, as is meant
            warnings.filterwarnings("ignore", category=FutureWarning)
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            yield
    finally:
        said.setLevel(level)


def require_onnx() -> None:
    """Refuse to export where what it takes is not installed."""
    from importlib.util import find_spec

    lacking = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if lacking:
        raise InputError("export", f"{listed(lacking)} is not installed", "", "pip install 'overread[onnx]'")


def described(run: Run) -> dict[str, str]:
    """Return the properties of the file, each as JSON or plain text."""
    return {
        "overread.version": overread.__version__,
        "overread.run": identity(run),
        "overread.backbone": run.backbone,
        "overread.findings": json.dumps(list(run.findings)),
        "overread.preprocessing": json.dumps(run.preprocessing.as_json()),
        "overread.metadata": json.dumps(run.metadata.as_json()),
        "overread.metadata_inputs": json.dumps(list(run.metadata.names)),
    }


def identity(run: Run) -> str:
    """Return the checksum of all that a run says of itself, its weights' checksum included."""
    said = read_document(run.folder)
    return str(said["checksum"])


def properties(data: bytes) -> dict[str, str]:
    """Return the properties of an ONNX file, none where it cannot be read as one."""
    require_onnx()
    import onnx

    try:
        return {each.key: each.value for each in onnx.load_from_string(data).metadata_props}
    except Exception:  # DecodeError of protobuf, which onnx brings and does not name
        return {}


def example(run: Run, n: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Return made-up images and metadata."""
    drawn = torch.Generator().manual_seed(seed)
    size, width = run.preprocessing.size, run.metadata.width
    pixels = torch.randint(0, 256, (n, size, size), dtype=torch.uint8, generator=drawn)
    return pixels, torch.rand(n, width, generator=drawn) if width else None


def furthest(data: bytes, run: Run, given: tuple[Tensor, Tensor | None]) -> float:
    """Return the largest difference between the scores of an export and those of the network as it was trained."""
    import onnxruntime

    pixels, metadata = given
    inputs = {"pixels": pixels.numpy()} | ({} if metadata is None else {"metadata": metadata.numpy()})
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(["scores"], inputs)[0]
    with torch.inference_mode():
        expected = torch.sigmoid(run.network()(run.preprocessing(pixels), metadata)).numpy()
    return float(np.abs(found - expected).max())
