"""Time reading images from a store against decoding them from 1024-pixel PNG files in every epoch.

    python benchmarks/images.py [--images 20000]

The peer is the input pipeline of the public reproductions of CheXNet: Pillow opens the file as RGB, scales it to 256
pixels, cuts 224 at a random place, flips half of the images, and normalises to float32 in three channels. The store
gives the same cut and flip from its squares of 256 pixels, once as the 8 bits that a training step moves to its device
and normalises there, and once normalised to float32 as the peer's. One process and one thread each, files in the page
cache. The files are the real ones where they lie beside the checkout, and else simulated; the store repeats them to
`--images`, so that it does not fit a processor's cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from overread.vision.radiographs import read_radiograph
from overread.vision.squares import squared
from overread.vision.store import IMAGES, SCHEMA, Store, image_bytes, open_store, write_about

SHARED = Path(os.environ.get("OVERREAD_SHARED", Path(__file__).parents[2] / "shared"))
SIZE, CROP, BATCH, TIMES = 256, 224, 32, 3
MEAN, STD = (np.array(values, np.float32) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    n = parser.parse_args().images
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = sorted((SHARED / "chestxray14" / "images").glob("*.png"))
        kind = "real" if files else "simulated"
        files = files or simulated(Path(folder))
        store = store_of(files, n, Path(folder) / "store")
        rng = np.random.default_rng(0)
        names = [str(row) for row in rng.permutation(n)]
        peer = rate(lambda: [augmented_by_pillow(path, rng) for path in files], len(files))
        bits = rate(lambda: [augmented(part, rng) for part in batches(store, names)], n)
        out = np.empty((BATCH, 3, CROP, CROP), np.float32)
        floats = rate(lambda: [normalised(augmented(part, rng), out) for part in batches(store, names)], n)
        theirs = rate(lambda: [grey_by_pillow(path) for path in files], len(files))
        ours = rate(lambda: [read_radiograph(path).pixels for path in files], len(files))
        prepared = rate(lambda: [squared(read_radiograph(path).pixels, SIZE) for path in files], len(files))
        apart = max(difference(path) for path in files)
    print(f"{len(files)} {kind} PNG files of 1024 pixels; a store of {n:,} squares of {SIZE} pixels")
    print("images a second, with flip and cut; shortest of 3, one process and one thread each")
    print(f"Pillow, from the files              {peer:9,.0f}")
    print(f"overread, from the store, 8 bits    {bits:9,.0f}   ratio {bits / peer:,.0f}")
    print(f"overread, from the store, float32   {floats:9,.0f}   ratio {floats / peer:,.0f}")
    print("decoding alone, images a second")
    print(f"Pillow, to grey                     {theirs:9,.0f}")
    print(f"overread, checked, to grey          {ours:9,.0f}   ratio {ours / theirs:.2f}, {apart} grey levels apart")
    print(f"overread, to squares of {SIZE}         {prepared:9,.0f}   what overread prepare does in each process")


def rate(work: Callable[[], object], n: int) -> float:
    """Return images a second, by the shortest of several times."""
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return n / min(times)


# --- the peer --------------------------------------------------------------------------------------------------------


def augmented_by_pillow(path: Path, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return one image as the public reproductions do it: (3, 224, 224)."""
    image = Image.open(path).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    left, top = rng.integers(0, SIZE - CROP + 1, 2)
    image = image.crop((int(left), int(top), int(left) + CROP, int(top) + CROP))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    content = np.asarray(image, np.float32) / 255
    return np.ascontiguousarray(((content - MEAN) / STD).transpose(2, 0, 1))


def grey_by_pillow(path: Path) -> NDArray[np.uint8]:
    """Return one image as it is decoded."""
    return np.asarray(Image.open(path).convert("L"))


def difference(path: Path) -> int:
    """Return the largest difference between the two decoders."""
    return int(np.abs(grey_by_pillow(path).astype(int) - read_radiograph(path).pixels).max())


# --- overread --------------------------------------------------------------------------------------------------------


def batches(store: Store, names: Sequence[str]) -> list[tuple[Store, Sequence[str]]]:
    """Return what to read, batch by batch."""
    return [(store, names[at : at + BATCH]) for at in range(0, len(names), BATCH)]


def augmented(part: tuple[Store, Sequence[str]], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a batch with the same cut and flip: (images, 224, 224)."""
    store, names = part
    result = np.empty((len(names), CROP, CROP), np.uint8)
    corners, flips = rng.integers(0, SIZE - CROP + 1, (len(names), 2)), rng.random(len(names)) < 0.5
    for place, (name, (left, top), flip) in enumerate(zip(names, corners.tolist(), flips, strict=True)):
        cut = store.pixels(name)[top : top + CROP, left : left + CROP]
        if flip:
            cv2.flip(cut, 1, result[place])
        else:
            result[place] = cut
    return result


def normalised(batch: NDArray[np.uint8], out: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a batch as the peer gives it, (images, 3, 224, 224), into memory that is used again for each."""
    for image, channels in zip(batch, out, strict=False):
        values = image.astype(np.float32)
        for channel, mean, std in zip(channels, MEAN, STD, strict=True):
            np.multiply(values, 1 / (255 * std), out=channel)
            channel -= mean / std
    return out


# --- what is read ----------------------------------------------------------------------------------------------------


def store_of(files: Sequence[Path], n: int, folder: Path) -> Store:
    """Return a store of `n` images that repeats some files."""
    folder.mkdir()
    squares = np.stack([squared(read_radiograph(path).pixels, SIZE) for path in files])
    checksums = [crc32(square) for square in squares]
    with open(folder / IMAGES, "wb") as file:
        file.write(image_bytes(n, SIZE)[0])
        for row in range(n):
            file.write(squares[row % len(files)])
    index = pl.DataFrame({"image": [str(row) for row in range(n)], "row": range(n)}).with_columns(
        pl.Series("checksum", [checksums[row % len(files)] for row in range(n)]),
        *(pl.lit(None).alias(name) for name in SCHEMA if name not in ("image", "row", "checksum")),
    )
    index = index.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    write_about(folder, index, size=SIZE, fit="pad", version="benchmark")
    return open_store(folder)


def simulated(folder: Path) -> list[Path]:
    """Return files of 1024 pixels with the smoothness and the noise of a radiograph."""
    rng, files = np.random.default_rng(0), []
    for row in range(32):
        smooth = cv2.resize(rng.random((9, 9)), (1024, 1024), interpolation=cv2.INTER_CUBIC) * 200
        files.append(folder / f"{row}.png")
        cv2.imwrite(str(files[-1]), np.clip(smooth + rng.normal(25, 2, smooth.shape), 0, 255).astype(np.uint8))
    return files


if __name__ == "__main__":
    main()
