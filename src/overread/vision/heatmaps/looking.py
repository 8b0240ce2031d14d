"""One pass over images: the scores of a network and the maps of all its findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import polars as pl
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from overread.records.cohort import Cohort
from overread.records.heatmaps import BOX_COLUMNS
from overread.vision.heatmaps.gradcam import METHODS, maps_of
from overread.vision.heatmaps.occlusion import occlusion_maps
from overread.vision.heatmaps.randomisation import flipped, randomised, shifted
from overread.vision.metadata import MetadataEncoding
from overread.vision.networks import ChestNetwork
from overread.vision.pixels import PixelSource, placed_box
from overread.vision.preprocessing import Preprocessing
from overread.vision.runs import Run

ALL_METHODS = (*METHODS, "occlusion")

Floats = NDArray[np.float64]
Squares = Callable[[Sequence[str]], NDArray[np.uint8]]
"""Gives the squares (images, size, size) of images by name."""


@dataclass(frozen=True, eq=False)
class Looked:
    """Scores (images, findings) and signed maps (images, findings, rows, columns) of some images."""

    scores: Floats
    maps: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with the recipe that leads to it."""

    network: ChestNetwork
    preprocessing: Preprocessing
    metadata: MetadataEncoding

    @classmethod
    def of(cls, run: Run) -> Model:
        """Return the model of a run, on the accelerator where there is one."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(run.network().to(device).eval(), run.preprocessing, run.metadata)

    @property
    def device(self) -> torch.device:
        """Return where the network is."""
        return self.network.head.weight.device

    @property
    def area(self) -> tuple[float, float, float, float]:
        """Return the part of the square that the network sees: left, top, width, height."""
        offset, crop = float(self.preprocessing.offset), float(self.preprocessing.crop)
        return offset, offset, crop, crop

    def inputs(self, squares: NDArray[np.uint8], attributes: pl.DataFrame) -> tuple[Tensor, Tensor | None]:
        """Return what the network takes for some squares and their rows."""
        images = self.preprocessing(torch.from_numpy(squares).to(self.device))
        if not self.metadata.width:
            return images, None
        return images, torch.from_numpy(self.metadata.encode(attributes)).to(self.device)


def look(
    model: Model,
    squares: Squares,
    table: pl.DataFrame,
    *,
    method: str = "gradcam",
    batch: int = 32,
    progress: Callable[[int], None] = lambda done: None,
) -> Looked:
    """Return scores and maps of the rows of a cohort's table, in one forward pass but for `occlusion`."""
    scores, maps = [], []
    for start in range(0, len(table), batch):
        rows = table[start : start + batch]
        images, metadata = model.inputs(squares(rows["image"].to_list()), rows)
        logits, found = answered(model.network, images, metadata, method)
        scores.append(logits.double().sigmoid().cpu().numpy())
        maps.append(found.float().cpu().numpy())
        progress(start + len(rows))
    if not scores:
        n = len(model.network.findings)
        return Looked(np.empty((0, n)), np.empty((0, n, 1, 1), np.float32))
    return Looked(np.concatenate(scores), np.concatenate(maps))


@torch.inference_mode()
def answered(network: ChestNetwork, images: Tensor, metadata: Tensor | None, method: str) -> tuple[Tensor, Tensor]:
    """Return the logits and the maps of a batch."""
    if method not in ALL_METHODS:
        raise ValueError(f"method must be one of {', '.join(ALL_METHODS)}, got {method!r}")
    activations = network.activations(images)
    logits = network.answer(activations, metadata)
    if method != "occlusion":
        return logits, maps_of(network, activations, method)
    found = []
    for k, image in enumerate(images):
        own = None if metadata is None else metadata[k : k + 1]
        found.append(occlusion_maps(lambda x, own=own: network(x, repeated(own, len(x))), image))  # type: ignore[misc] # own is bound per image
    return logits, torch.stack(found)


def repeated(metadata: Tensor | None, n: int) -> Tensor | None:
    """Return the metadata of one image for a batch of it."""
    return None if metadata is None else metadata.expand(n, -1)


# --- boxes -----------------------------------------------------------------------------------------------------------


def placed_boxes(cohort: Cohort, boxes: pl.DataFrame, source: PixelSource) -> pl.DataFrame:
    """Return boxes (image, finding, x, y, width, height in pixels of the file) as they lie in the source's squares.

    Those of images that the source does not have are left out. What lies outside of the image is cut off; a box that
    lies outside altogether keeps a side of 0.
    """
    names = set(source.names)
    held = boxes.filter(pl.col("image").is_in([name for name in boxes["image"].unique() if name in names]))
    held = held.with_columns(pl.lit("").alias("finding")) if "finding" not in held.columns else held
    if cohort.patients is not None:
        held = held.join(cohort.table.select("image", "patient").unique("image"), on="image", how="left")
    else:
        held = held.with_columns(patient=pl.col("image"))
    sides = [
        placed_box(row, source.extent(image), source.size, fit=source.fit)
        for image, *row in held.select("image", "x", "y", "width", "height").iter_rows()
    ]
    placed = np.array(sides, np.float64).reshape(len(held), 4)
    held = held.with_columns(
        pl.Series(name, placed[:, k], pl.Float64) for k, name in enumerate(("x", "y", "width", "height"))
    )
    return held.select(pl.col(name).cast(kind) for name, kind in BOX_COLUMNS.items())


def painted_out(square: NDArray[np.uint8], boxes: ArrayLike, *, radius: int = 3) -> NDArray[np.uint8]:
    """Return a square with boxes (n, 4) of x, y, width, height painted over from what surrounds them.

    After Telea (2004), J Graph Tools 9:23-34, as OpenCV has it: an approximation of the image without what was there,
    smooth where it had texture.
    """
    mask = np.zeros(square.shape, np.uint8)
    for x, y, width, height in np.asarray(boxes, np.float64).reshape(-1, 4):
        left, top = int(np.floor(x)), int(np.floor(y))
        mask[top : int(np.ceil(y + height)), left : int(np.ceil(x + width))] = 255
    return np.asarray(cv2.inpaint(square, mask, radius, cv2.INPAINT_TELEA), np.uint8)


# --- checks ----------------------------------------------------------------------------------------------------------


def randomised_maps(
    model: Model, squares: Squares, table: pl.DataFrame, *, method: str, seed: int, progress: Callable[[str], None]
) -> dict[str, NDArray[np.float32]]:
    """Return the maps of some images after each further block, from the top down, has been made random."""
    found = {}
    for name, network in randomised(model.network, seed=seed):
        progress(name)
        changed = Model(network, model.preprocessing, model.metadata)
        found[name] = look(changed, squares, table, method=method).maps
    return found


def moved_maps(
    model: Model, squares: Squares, table: pl.DataFrame, *, method: str, cells: int
) -> dict[str, NDArray[np.float32]]:
    """Return the maps of images that were mirrored, and of images shifted down and to the right by one cell."""

    def of(move: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
        def moved(images: Sequence[str]) -> NDArray[np.uint8]:
            return np.ascontiguousarray(move(torch.from_numpy(squares(images))).numpy())

        return look(model, moved, table, method=method).maps

    one_cell = model.preprocessing.crop // cells
    return {"flipped": of(flipped), "shifted": of(lambda images: shifted(images, one_cell))}
