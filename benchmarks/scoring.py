"""Time scoring from 1024-pixel PNG files on the processor against what public reproductions of CheXNet do.

    python benchmarks/scoring.py [--images FOLDER] [--rounds 3] [--one-core]

The peer: Pillow to RGB, resized to 256, the middle 224, normalised to float32, DenseNet-121 in its default memory
layout with gradients on, a plain loop over batches of 16. overread: `scoring.score` from the same files. Both have
the same weights, random and fixed. Each round times every way once, one after the other, so that a busy machine is
busy for all of them; the ratio is that of the shortest rounds. With `--one-core` each way gets one thread and
processor time is counted instead of the clock, which other work on the machine disturbs least.

How equal: the network alone on the same squares (rounding), then the whole way, where the two decode and resize by
other methods (Pillow and OpenCV's mean over areas): largest and mean difference of scores, and how often two images are
in the same order, per finding (what an AUROC is made of).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from PIL import Image

from overread.records.cohort import Cohort, cohort_from_frame
from overread.records.findings import NIH_FINDINGS
from overread.vision.metadata import MetadataEncoding
from overread.vision.networks import ChestNetwork, build_network
from overread.vision.pixels import open_pixels
from overread.vision.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from overread.vision.run_scorers import run_scorer
from overread.vision.runs import Run, read_run, write_run
from overread.vision.scoring import score

SHARED = Path(os.environ.get("OVERREAD_SHARED", Path(__file__).parents[2] / "shared"))
BATCH = 16
Scores = NDArray[np.float64]


def network() -> ChestNetwork:
    """Return DenseNet-121 with fixed random weights whose scores differ between images."""
    made = build_network("densenet121", findings=NIH_FINDINGS, weights=None, seed=0)
    drawn = torch.Generator().manual_seed(1)
    made.head.weight.data = torch.randn(made.head.weight.shape, generator=drawn) / 2
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 256, 256), dtype=np.uint8))
    made.train()
    with torch.no_grad():
        for _ in range(10):  # statistics that keep the values of a deep network in range
            made(Preprocessing()(images))
    return made.eval()


def written(folder: Path) -> Run:
    """Write the network as a run."""
    split = pl.DataFrame({"image": ["none"], "split": ["train"]})
    run = Run(folder, "densenet121", NIH_FINDINGS, Preprocessing(), MetadataEncoding(), split)
    write_run(run, network(), epochs=pl.DataFrame({"epoch": [1]}), card="")
    return read_run(folder)


def peer(made: ChestNetwork, files: list[Path]) -> Scores:
    """Score files as public reproductions of CheXNet do."""
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    found = []
    for begin in range(0, len(files), BATCH):
        batch = []
        for path in files[begin : begin + BATCH]:
            image = (
                Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
            )
            batch.append((np.asarray(image, np.float32).transpose(2, 0, 1) / 255 - mean) / std)
        found.append(torch.sigmoid(made(torch.from_numpy(np.stack(batch)))).detach().numpy())
    return np.concatenate(found).astype(np.float64)


def same_order(a: Scores, b: Scores) -> float:
    """Return the share of pairs of images that both put in the same order, averaged over findings."""
    shares = []
    for x, y in zip(a.T, b.T, strict=True):
        i, j = np.triu_indices(len(x), 1)
        shares.append(np.mean(np.sign(x[i] - x[j]) == np.sign(y[i] - y[j])))
    return float(np.mean(shares))


def rounds(ways: dict[str, Callable[[], Scores]], times: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Time every way so many times, in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            begun = clock()
            way()
            seconds[name].append(clock() - begun)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=SHARED / "chestxray14" / "images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--first", type=int, help="as many of the files")
    parser.add_argument("--one-core", action="store_true")
    parser.add_argument("--no-onnx", action="store_true")
    options = parser.parse_args()
    files = sorted(options.images.glob("*.png"))[: options.first]
    cohort: Cohort = cohort_from_frame({"image": [path.name for path in files], "Mass": [0] * len(files)})
    pixels, streams = open_pixels(options.images, size=256), 1 if options.one_core else None
    if options.one_core:
        torch.set_num_threads(1)

    with tempfile.TemporaryDirectory() as folder:
        run = written(Path(folder) / "run")
        made = run.network()

        def ours(engine: str, precision: str) -> Callable[[], Scores]:
            scorer = run_scorer(run, engine=engine, device="cpu", precision=precision, streams=streams)
            return lambda: score(scorer, cohort, pixels, batch_size=BATCH).scores

        ways = {"peer": lambda: peer(made, files), "torch float32": ours("torch", "float32")}
        if not options.no_onnx:
            ways["ONNX Runtime float32"] = ours("onnx", "float32")
        ways["torch bfloat16"] = ours("torch", "bfloat16")
        if not options.no_onnx and find_spec("openvino"):
            ways["OpenVINO float32"] = ours("openvino", "float32")
            ways["OpenVINO bfloat16"] = ours("openvino", "bfloat16")
        found = {name: way() for name, way in ways.items()}  # the first time is not counted
        squares = pixels.batch(cohort.images.to_list())
        with torch.inference_mode():
            batches = [torch.from_numpy(squares[at : at + BATCH]) for at in range(0, len(squares), BATCH)]
            alone = np.concatenate([torch.sigmoid(made(run.preprocessing(batch))).numpy() for batch in batches])
        seconds = rounds(ways, options.rounds, time.process_time if options.one_core else time.perf_counter)

    unit = "a second of one core" if options.one_core else f"a second, {torch.get_num_threads()} threads"
    print(f"{len(files)} PNG files; images {unit}, shortest of {options.rounds} rounds")
    for name, each in seconds.items():
        ratio = f"   ratio {min(seconds['peer']) / min(each):.2f}" if name != "peer" else ""
        print(f"{name:22s} {len(files) / min(each):7.1f}{ratio}")
    print("scores: difference from the peer's network on the same squares, and from the peer's whole way")
    for name, scores in found.items():
        same, whole = np.abs(scores - alone), np.abs(scores - found["peer"])
        order = f"{same_order(scores, alone):.4f}", f"{same_order(scores, found['peer']):.4f}"
        print(
            f"{name:22s} up to {same.max():.1e}, mean {same.mean():.1e}, same order {order[0]}; "
            f"whole up to {whole.max():.1e}, mean {whole.mean():.1e}, same order {order[1]}"
        )
    print(
        f"scores lie between {found['peer'].min():.3f} and {found['peer'].max():.3f}; "
        f"standard deviation over images {found['peer'].std(axis=0).mean():.3f}"
    )


if __name__ == "__main__":
    main()
