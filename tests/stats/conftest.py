"""The stored expected values and the two real readings that the tests of the statistics share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Any]:
    """Return a reader of the expected values in references/, by file name."""
    folder = Path(__file__).parent / "references"
    return lambda name: json.loads((folder / name).read_text(encoding="utf-8"))


@dataclass(frozen=True, eq=False)
class Readings:
    """Labels and scores of the two real readings, by finding, and the patient of each image."""

    labels: dict[str, NDArray[np.int8]]
    zech: dict[str, NDArray[np.float64]]
    lr033: dict[str, NDArray[np.float64]]
    patients: NDArray[np.int64]


@pytest.fixture(scope="session")
def readings(shared: Path) -> Readings:
    """Read the shared readings and NIH's labels with polars alone, so that no other part of overread is needed."""
    truth = pl.read_csv(shared / "chestxray14" / "Data_Entry_2017_v2020.csv.gz")
    zech = pl.read_csv(shared / "predictions" / "densenet121_zech.csv.gz")
    lr033 = pl.read_csv(shared / "predictions" / "densenet121_lr033.csv.gz")
    truth = zech.select("Image Index").join(truth, on="Image Index", how="left", maintain_order="left")
    lr033 = zech.select("Image Index").join(lr033, on="Image Index", how="left", maintain_order="left")
    carried = truth["Finding Labels"].str.split("|")
    findings = [column.removeprefix("prob_") for column in zech.columns[1:]]
    return Readings(
        {finding: carried.list.contains(finding).cast(pl.Int8).to_numpy() for finding in findings},
        {finding: zech[f"prob_{finding}"].to_numpy() for finding in findings},
        {finding: lr033[f"prob_{finding}"].to_numpy() for finding in findings},
        truth["Patient ID"].to_numpy(),
    )
