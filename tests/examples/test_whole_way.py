"""The example that goes the whole way, on a small scale: every command of it, as a person types them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

for library in ("torch", "monai", "lightning", "cv2"):
    pytest.importorskip(library)

import overread  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "examples" / "whole_way.sh"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sh") is None, reason="the example is a shell script")
def test_from_phantom_to_report_without_a_warning(tmp_path: Path) -> None:
    command = tmp_path / "overread"
    program = "import sys; from overread.cli import main; sys.argv[0] = 'overread'; main()"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W error::UserWarning -c "{program}" "$@"\n')
    command.chmod(0o755)
    small = {"IMAGES": "240", "EPOCHS": "1", "BACKBONE": "densenet_small", "SIZE": "48", "REPLICATES": "100"}
    environment = os.environ | small | {"OVERREAD": str(command), "PYTHONPATH": str(Path(overread.__file__).parents[1])}
    ran = subprocess.run(
        ["sh", str(SCRIPT), str(tmp_path / "out")], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr
    out = tmp_path / "out"
    for model in ("standard", "modified"):
        parts = pl.read_csv(out / f"{model}.csv")["split"].unique().to_list()
        assert sorted(parts) == ["test", "val"]
    thresholds = pl.read_csv(out / "report" / "tables" / "thresholds.csv")
    assert thresholds.filter(pl.col("reading").is_in(["standard", "modified"]))["chosen_on"].unique().to_list() == [
        "val rows"
    ]
    results = json.loads((out / "report" / "results.json").read_text())
    assert any("synthetic" in warning for warning in results["warnings"])
    page = (out / "report" / "report.html").read_text()
    assert "synthetic" in page
