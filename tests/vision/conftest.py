"""A small run and images for it, made in a moment; what needs torch or OpenCV is imported by the fixture that does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from overread.records.cohort import Cohort, cohort_from_frame

MakeRun = Callable[..., Any]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a run whose weights were never trained, but whose scores differ by image."""

    def made(
        *,
        name: str = "run",
        attributes: tuple[str, ...] = ("gender", "view"),
        backbone: str = "densenet_small",
        split: pl.DataFrame | None = None,
        size: int = 64,
    ) -> Any:
        pytest.importorskip("torch")
        from overread.vision.metadata import MetadataEncoding
        from overread.vision.networks import build_network
        from overread.vision.preprocessing import Preprocessing
        from overread.vision.runs import Run, read_run, write_run

        known = {"image": ["a", "b"], "Mass": [0, 1], "gender": ["F", "M"], "view": ["PA", "AP"], "age": [50, 61]}
        encoding = MetadataEncoding.fitted(cohort_from_frame(known, findings=["Mass"]), attributes)
        findings = ("Effusion", "Mass")
        network = build_network(backbone, findings=findings, metadata_width=encoding.width, weights=None, seed=3)
        spread(network)
        if split is None:
            split = pl.DataFrame({"image": ["a"], "patient": ["a"], "split": ["train"]})
        run = Run(tmp_path / name, backbone, findings, Preprocessing(size, size * 7 // 8), encoding, split)
        write_run(run, network, epochs=pl.DataFrame({"epoch": [1]}), card="")
        return read_run(run.folder)

    return made


def spread(network: Any) -> None:
    """Give batch normalisation statistics other than 0 and 1, and the head weights that spread the scores."""
    import torch

    drawn = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean = 0.1 * torch.randn(module.num_features, generator=drawn)
            module.running_var = 0.5 + torch.rand(module.num_features, generator=drawn)
            module.weight.data = 0.5 + torch.rand(module.num_features, generator=drawn)
            module.bias.data = 0.1 * torch.randn(module.num_features, generator=drawn)
    network.head.weight.data = torch.randn(network.head.weight.shape, generator=drawn) / 2


@pytest.fixture
def make_cohort() -> Callable[..., Cohort]:
    """Return a function that makes a cohort of patients with one image each, but for the second, who has two."""

    def made(n: int = 37, *, split: list[str] | None = None, **further: Any) -> Cohort:
        rng = np.random.default_rng(0)
        columns: dict[str, Any] = {
            "image": [f"{row:03d}.png" for row in range(n)],
            "patient": [f"p{max(row, 1):03d}" for row in range(n)],
            "Effusion": rng.integers(0, 2, n),
            "Mass": rng.integers(0, 2, n),
            "gender": rng.choice(["F", "M"], n).tolist(),
            "view": rng.choice(["AP", "PA"], n).tolist(),
        }
        columns |= {} if split is None else {"split": split}
        return cohort_from_frame(columns | further, name="truth")

    return made


@pytest.fixture
def write_images(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an image of noise and a disc for each row of a cohort."""

    def written(cohort: Cohort, *, size: int = 80) -> Path:
        cv2 = pytest.importorskip("cv2")
        folder = tmp_path / "images"
        folder.mkdir()
        for seed, name in enumerate(cohort.images):
            rng = np.random.default_rng(seed)
            pixels = rng.integers(0, 60, (size, size)).astype(np.uint8)
            centre = tuple(int(at) for at in rng.integers(10, size - 10, 2))
            cv2.circle(pixels, centre, int(rng.integers(5, 30)), 200, -1)
            assert cv2.imwrite(str(folder / name), pixels)
        return folder

    return written
