"""Expected values of net benefit, from the dcurves package.

python decision_curves.py OUT           writes OUT/dcurves_simulated.json
python decision_curves.py OUT SHARED    writes OUT/dcurves_chestxray14.json as well
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def curve(labels: np.ndarray, probabilities: np.ndarray, thresholds: list[float], **options: float) -> dict:
    from dcurves import dca  # here, since pytest reads this file for doctests where dcurves is not installed

    frame = pd.DataFrame({"ill": labels, "reader": probabilities})
    table = dca(frame, outcome="ill", modelnames=["reader"], thresholds=thresholds, **options)
    return {name: table.loc[table["model"] == name, "net_benefit"].tolist() for name in ("reader", "all", "none")}


def simulated() -> dict:
    rng = np.random.default_rng(20240607)
    labels = (rng.random(300) < 0.25).astype(int)
    probabilities = np.round(1 / (1 + np.exp(-(rng.normal(size=300) + 1.5 * labels - 1.5))), 2)
    thresholds = [0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.75, 0.9]
    return {
        "labels": labels.tolist(),
        "probabilities": probabilities.tolist(),
        "thresholds": thresholds,
        "as_they_are": curve(labels, probabilities, thresholds),
        "at_prevalence_0.1": curve(labels, probabilities, thresholds, prevalence=0.1),
    }


def chestxray14(shared: Path) -> dict:
    truth = pd.read_csv(shared / "chestxray14" / "Data_Entry_2017_v2020.csv.gz").set_index("Image Index")
    thresholds = [0.01, 0.02, 0.05, 0.1, 0.2]
    values: dict = {"thresholds": thresholds}
    for name in ("zech", "lr033"):
        reading = pd.read_csv(shared / "predictions" / f"densenet121_{name}.csv.gz").set_index("Image Index")
        carried = truth.loc[reading.index, "Finding Labels"].str.split("|")
        for column in reading.columns:
            finding = column.removeprefix("prob_")
            labels = carried.apply(lambda names, finding=finding: int(finding in names)).to_numpy()
            values.setdefault(finding, {})[name] = curve(labels, reading[column].to_numpy(), thresholds)
    return values


def save(values: dict, path: Path) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    out = Path(sys.argv[1])
    save(simulated(), out / "dcurves_simulated.json")
    if len(sys.argv) > 2:
        save(chestxray14(Path(sys.argv[2])), out / "dcurves_chestxray14.json")
