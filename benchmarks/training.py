"""Time training steps of DenseNet-121: from a store as `overread train` makes them, against a plain loop.

    python benchmarks/training.py [--size 256] [--batch 8] [--steps 5]

The peer is the loop of the public reproductions of CheXNet: in each step Pillow decodes 1024-pixel PNG files to RGB,
scales them to 256 pixels, cuts 224 at random, flips half of them and normalises; the network is in PyTorch's default
memory layout, in float32, with Adam. overread takes squares of a store, turns, moves, scales and flips them and
changes their contrast, and trains the same network with the same optimiser with channels last; then again
with `--precision bf16`. What it hands to the device are crops in 8 bits, normalised there; both times are told. The
turns go step by step, peer and overread in alternation, on as many threads as PyTorch has.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from overread.records.findings import NIH_FINDINGS
from overread.vision.augmentation import Augmentation
from overread.vision.batches import Batch, Batches, TrainingPlans
from overread.vision.loss import masked_cross_entropy
from overread.vision.networks import build_network
from overread.vision.pixels import open_pixels
from overread.vision.preparing import prepare
from overread.vision.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing

SHARED = Path(os.environ.get("OVERREAD_SHARED", Path(__file__).parents[2] / "shared"))
MOST = 32
"""Files that the steps draw from: all are in the page cache, as after a first epoch on a machine with much memory."""

MEAN, STD = (np.array(values, np.float32) for values in (IMAGENET_MEAN, IMAGENET_STD))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=5)
    given = parser.parse_args()
    recipe = Preprocessing(given.size, given.size * 7 // 8)
    with tempfile.TemporaryDirectory() as folder:
        files = sorted((SHARED / "chestxray14" / "images").glob("*.png"))[:MOST]
        kind = "real" if files else "simulated"
        files = files or simulated(Path(folder))
        plain, ours, half = plain_loop(files, recipe, given.batch), *both(files, recipe, given.batch, Path(folder))
        names = {"plain": plain, "float32": ours, "bf16": half}
        seconds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
        for step in range(given.steps + 1):
            for name, turn in names.items():
                taken = turn()
                if step:  # the first one sets the libraries up
                    seconds[name].append(taken)
    print(f"DenseNet-121 at {recipe.crop} pixels, {given.batch} images a step, {torch.get_num_threads()} threads")
    print(f"{len(files)} {kind} PNG files of 1024 pixels; shortest of {given.steps} steps, in turns")
    rates = {name: given.batch / min(sum(pair) for pair in pairs) for name, pairs in seconds.items()}
    handed, ready = (
        {name: given.batch / min(sum(taken[:until]) for taken in each) for name, each in seconds.items()}
        for until in (1, 2)
    )
    for name, words in (("plain", "plain loop"), ("float32", "overread"), ("bf16", "overread, bf16")):
        print(
            f"{words:15} {rates[name]:7.1f} images a second, ratio {rates[name] / rates['plain']:.2f}; images alone "
            f"{handed[name]:7,.0f}, ratio {handed[name] / handed['plain']:.0f}, "
            f"normalised {ready[name]:7,.0f}, ratio {ready[name] / ready['plain']:.0f}"
        )


Turn = Callable[[], tuple[float, float, float]]
"""One step: the seconds for its images as they are handed to the device, for normalising them, and for the network."""


def plain_loop(files: Sequence[Path], recipe: Preprocessing, batch: int) -> Turn:
    """Return a step of the public reproductions."""
    network = build_network(findings=NIH_FINDINGS, weights=None).train()
    optimiser = torch.optim.Adam(network.parameters(), 1e-4)
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(0, 2, (batch, 14)).astype(np.float32))

    def turn() -> tuple[float, float, float]:
        start = time.perf_counter()
        chosen = rng.integers(0, len(files), batch)
        images = torch.from_numpy(np.stack([by_pillow(files[row], recipe, rng) for row in chosen]))
        ready = time.perf_counter()
        step(network, optimiser, lambda: nn.functional.binary_cross_entropy_with_logits(network(images), labels))
        return ready - start, 0.0, time.perf_counter() - ready

    return turn


def by_pillow(path: Path, recipe: Preprocessing, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return one image as the public reproductions do it: (3, crop, crop)."""
    image = Image.open(path).convert("RGB").resize((recipe.size, recipe.size), Image.Resampling.BILINEAR)
    left, top = rng.integers(0, recipe.size - recipe.crop + 1, 2).tolist()
    image = image.crop((left, top, left + recipe.crop, top + recipe.crop))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.ascontiguousarray(((np.asarray(image, np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1))


def both(files: Sequence[Path], recipe: Preprocessing, batch: int, folder: Path) -> tuple[Turn, Turn]:
    """Return a step of overread in float32 and one in bfloat16."""
    names = [path.name for path in files]
    prepare(names, files[0].parent, folder / "store", size=recipe.size, workers=1)
    batches = Batches(
        source=open_pixels(folder / "store", size=recipe.size),
        images=names,
        labels=np.random.default_rng(0).integers(0, 2, (len(names), 14)).astype(np.int8),
        metadata=np.empty((len(names), 0), np.float32),
        preprocessing=recipe,
        augmentation=Augmentation(),
    )
    return store_loop(batches, recipe, batch, half=False), store_loop(batches, recipe, batch, half=True)


def store_loop(batches: Batches, recipe: Preprocessing, batch: int, *, half: bool) -> Turn:
    """Return a step of overread."""
    network = build_network(findings=NIH_FINDINGS, weights=None).train()
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(network.parameters(), 1e-4)
    plans = iter([plan for _ in range(100) for plan in TrainingPlans(len(batches), batch, 0)])

    def turn() -> tuple[float, float, float]:
        start = time.perf_counter()
        made = batches[next(plans)]
        assert isinstance(made, Batch)
        handed = time.perf_counter()
        images = recipe.normalised(made.pixels)
        ready = time.perf_counter()

        def loss() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits = network(images)
            return masked_cross_entropy(logits.float(), made.labels)

        step(network, optimiser, loss)
        return handed - start, ready - handed, time.perf_counter() - ready

    return turn


def step(network: nn.Module, optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> None:
    """Take a step of the optimiser."""
    optimiser.zero_grad()
    torch.autograd.backward(loss())
    optimiser.step()


def simulated(folder: Path, n: int = 16) -> list[Path]:
    """Write smooth images with noise, which compress about as radiographs do."""
    rng = np.random.default_rng(0)
    (folder / "files").mkdir()
    files = []
    for row in range(n):
        coarse = cv2.resize(rng.random((16, 16), np.float32), (1024, 1024), interpolation=cv2.INTER_CUBIC)
        image = np.clip(coarse * 220 + rng.normal(0, 3, coarse.shape), 0, 255).astype(np.uint8)
        files.append(folder / "files" / f"{row}.png")
        cv2.imwrite(str(files[-1]), image)
    return files


if __name__ == "__main__":
    main()
