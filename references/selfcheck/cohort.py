"""Make the small cohort that `overread selfcheck` computes on: made up, with ties, and several images of a patient.

    python cohort.py OUT    writes OUT/cohort.csv and OUT/draws.csv

`draws.csv` holds how often each patient is drawn in the first replicates of overread's own bootstrap with seed 0, so
that other software can weigh by them; whether overread still draws so is one of the checks.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from overread.stats.resampling import PatientBootstrap

REPLICATES = 4


def cohort() -> dict[str, np.ndarray]:
    """Return the columns: 360 images of 120 patients."""
    rng = np.random.default_rng(20261125)
    patient = np.sort(np.append(np.arange(120), rng.integers(0, 120, 240)))
    n = len(patient)
    frail = rng.normal(size=120)[patient]
    truth = (rng.normal(size=n) + 0.8 * frail > 0.9).astype(int)
    ill = np.where(rng.random(n) < np.where(truth == 1, 0.85, 0.06), 1, 0)
    other = np.where(rng.random(n) < 0.05, -1, (rng.normal(size=n) + 0.6 * frail + 0.5 * ill > 0.9).astype(int))
    stratum = np.where(rng.random(n) < 0.35 + 0.3 * ill, 0, rng.integers(1, 3, n))
    mark = (rng.random(n) < 0.4).astype(int)
    common = rng.normal(size=n)

    def scores(signal: float, digits: int) -> np.ndarray:
        logit = signal * ill + 0.5 * mark * ill + 0.4 * (stratum == 0) + 0.6 * common + 0.7 * rng.normal(size=n) - 1.4
        return np.clip(np.round(1 / (1 + np.exp(-logit)), digits), 0.01, 0.99)

    a, b = scores(1.7, 2), scores(1.2, 2)
    there = np.clip(
        np.round(1 / (1 + np.exp(-(1.7 * (rng.random(n) < 0.2) + rng.normal(size=n) - 1.4))), 2), 0.01, 0.99
    )
    half = (rng.permutation(120) % 2)[patient]
    columns = {"patient": patient, "ill": ill, "truth": truth, "other": other, "stratum": stratum, "mark": mark}
    return columns | {"half": half, "a": a, "b": b, "there": there}


def save(columns: dict[str, np.ndarray], path: Path) -> None:
    """Write columns as text, scores with their two digits."""
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(f"{value:g}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    out = Path(sys.argv[1])
    made = cohort()
    save(made, out / "cohort.csv")
    drawn = PatientBootstrap(made["patient"], replicates=REPLICATES, seed=0).weights(0)[:, :REPLICATES]
    save({f"draw_{r}": drawn[:, r] for r in range(REPLICATES)}, out / "draws.csv")
