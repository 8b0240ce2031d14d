"""Tell a model that leans on chest drains from one that does not, over several seeds, on phantoms whose truth is known.

    python benchmarks/drain.py FOLDER [--seeds 3] [--images 2000] [--epochs 10] [--size 128] [--backbone densenet_small]

For each seed two cohorts of the same phantoms, which differ by their drains alone: in one a pneumothorax of the
training part carries a drain with probability 0.9, in the other as many are dealt without regard to pneumothorax. The
test part is the same for both, its drains dealt at random. A model is trained on each and explained on the test part:
heat on the drains, sensitivity with and without a drain, and the calls that are lost when the drain is left out of the
very same image. What is done already is not done again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import polars as pl

from overread.records.cohort import read_cohort
from overread.records.heatmaps import read_heatmaps

FINDING = "Pneumothorax"
KINDS = {"learned": ("--shortcut", "drain=0.9", "--train-only"), "control": ("--control", "drain=0.9")}


def overread(*words: object) -> None:
    """Run a command of overread, and stop with its message when it refuses."""
    start = "from overread.cli import main; main()"
    subprocess.run([sys.executable, "-c", start, *map(str, words)], check=True)


def explained(folder: Path, kind: str, seed: int, choices: argparse.Namespace) -> Path:
    """Return the heat maps of one model, made where they are not there yet."""
    place = folder / f"seed{seed}"
    cohort, clean, run, maps = (place / f"{kind}-{what}" for what in ("cohort", "without", "run", "maps"))
    drawn = ("--images", choices.images, "--seed", seed, "--size", choices.size, "--prevalence", f"{FINDING}=0.25")
    if not (cohort / "phantom.json").is_file():
        overread("phantom", cohort, *drawn, *KINDS[kind])
    if not (clean / "phantom.json").is_file():
        overread("phantom", clean, *drawn, *KINDS[kind], "--without-drains")
    if not (run / "run.json").is_file():
        resumed = ("--resume",) if (run / "train.toml").is_file() else ()
        how = [
            *("--backbone", choices.backbone, "--weights", choices.weights, "--size", choices.size, "--seed", seed),
            *("--epochs", choices.epochs, "--batch-size", choices.batch_size),
        ]
        overread("train", cohort, "--out", run, *(resumed or how))
    if not (maps / "heatmaps.json").is_file():
        boxes = ("--confounder-boxes", cohort / "drain_boxes.csv", "--without-confounder", clean)
        overread("explain", run, cohort, "--out", maps, *boxes, "--sanity", 16, "--seed", seed)
    return maps


def row(folder: Path, kind: str, seed: int, choices: argparse.Namespace) -> dict[str, object]:
    """Return what the heat maps and the scores of one model say of drains."""
    held = read_heatmaps(explained(folder, kind, seed, choices))
    leaned = held.tables["confounder"]
    table = leaned.filter(pl.col("finding") == FINDING, pl.col("images") == "positive")
    of = {each["metric"]: each for each in table.iter_rows(named=True)}
    place = held.maps.findings.index(FINDING)
    drained = read_cohort(folder / f"seed{seed}" / f"{kind}-cohort").table.select("image", "chest_tube")
    tube = pl.DataFrame({"image": held.maps.images}).join(drained, on="image", how="left", maintain_order="left")
    with_drain = tube["chest_tube"].cast(pl.String).is_in(["yes", "1", "true"]).to_numpy()
    ill, called = held.maps.labels[:, place] == 1, held.maps.called[:, place]
    return {
        "seed": seed,
        "trained": kind,
        "n_with": int((ill & with_drain).sum()),
        "sens_with": float(called[ill & with_drain].mean()),
        "sens_without": float(called[ill & ~with_drain].mean()),
        "spec_with": float(1 - called[~ill & with_drain].mean()),
        "same_without": of["called_without"]["value"],
        "lost_p": of["calls_lost"]["p_adjusted"],
        "heat": of["heat_on_confounder"]["value"],
        "heat_low": of["heat_on_confounder"]["low"],
        "expected": of["heat_on_confounder"]["expected"],
        "logit_fall": of["logit_change"]["value"],
        "flagged": of["calls_lost"]["flagged"],
        "others_flagged": leaned.filter(pl.col("flagged"), pl.col("finding") != FINDING)["finding"].n_unique(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--backbone", default="densenet_small")
    parser.add_argument("--weights", default="none")
    choices = parser.parse_args()
    rows = []
    for seed in range(1, choices.seeds + 1):
        for kind in KINDS:
            rows.append(row(choices.folder, kind, seed, choices))
            print({name: round(v, 3) if isinstance(v, float) else v for name, v in rows[-1].items()}, flush=True)
    table = pl.DataFrame(rows)
    table.write_csv(choices.folder / "drain.csv")
    told = {kind: table.filter(pl.col("trained") == kind)["flagged"].sum() for kind in KINDS}
    print(f"flagged: {told['learned']} of {choices.seeds} that learned drains, {told['control']} others")


if __name__ == "__main__":
    main()
