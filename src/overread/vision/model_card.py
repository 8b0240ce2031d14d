"""The model card: what a run is, in the form that Hugging Face reads (`model-index`)."""

from __future__ import annotations

from typing import Any

from overread.records import model_index
from overread.records.findings import display
from overread.records.model_index import Dataset, Metric
from overread.vision.runs import Run

PAPER = "Valsson and Arandjelović, The Interpretation of Deep Learning Based Analysis of Medical Images"


def model_card(run: Run) -> str:
    """Return the card of a run. Its figures are those of the validation part, and say so."""
    return f"{front_matter(run)}\n{body(run)}"


def front_matter(run: Run) -> str:
    """Return the part between dashes that programs read."""
    named = {"AUROC, mean over findings": "val_auroc"} | {f"AUROC, {display(f)}": f"auroc_{f}" for f in run.findings}
    metrics = [
        Metric("roc_auc", name, round(run.metrics[column], 4))
        for name, column in named.items()
        if run.metrics.get(column) is not None
    ]
    metrics.append(Metric("loss", "Binary cross-entropy", round(run.metrics["val_loss"], 4)))
    dataset = Dataset(run.facts["cohort"]["name"], "validation")
    return model_index.front_matter(run.name, dataset, metrics, {"library_name": "pytorch"})


def body(run: Run) -> str:
    """Return the part that people read."""
    facts, settings = run.facts, run.settings
    rows = "\n".join(
        f"| {display(finding)} | {facts['counts']['train']['positives'][finding]:,} | "
        f"{facts['counts']['val']['positives'][finding]:,} | {shown(run.metrics.get(f'auroc_{finding}'))} |"
        for finding in run.findings
    )
    beside = f" and {', '.join(run.metadata.names)} as inputs of its last layer" if run.metadata.width else ""
    weights = facts["weights"]
    began = "random weights" if weights is None else f"`{weights['file']}` (SHA-256 {weights['sha256']})"
    synthetic = f"\n**{facts['cohort']['synthetic']}**\n" if facts["cohort"]["synthetic"] else ""
    warnings = "".join(f"- {warning}\n" for warning in facts["cohort"]["warnings"])
    return f"""
# {run.name}

A {run.backbone} with one sigmoid output per finding, which takes a radiograph{beside}. It was trained by
`overread train`, after {PAPER}.

**A research tool and no medical device.** It orders images by how much they look like those that were labelled so in
its training cohort; it has not been tested in a clinic, and its scores are no probabilities until they are calibrated.
{synthetic}
## Training

- Cohort: {facts["cohort"]["name"]}. {part(facts, "train")} to learn from; {part(facts, "val")} set aside, by patient
  where patients are known, to choose the epoch. `split.parquet` lists them. No test image was used.
- It began from {began}, and trained for {facts["epochs_trained"]} epochs in {facts["seconds"]:,.0f} seconds; epoch
  {int(run.metrics["epoch"])} is kept, by its validation {"AUROC" if settings["choose_by"] == "auroc" else "loss"}.
- Images: squares of {run.preprocessing.size} pixels, the middle {run.preprocessing.crop} of them, the same grey in all
  three channels.
- Every setting is in `train.toml`, which `overread train --config` takes.

## Validation

Mean loss {shown(run.metrics["val_loss"])}, mean AUROC {shown(run.metrics.get("val_auroc"))}. These figures chose the
epoch, and flatter. For figures on the test part, with intervals, score it and evaluate the scores:

```sh
overread predict {run.folder.name} COHORT --split test --out scores.csv
overread report scores.csv --cohort COHORT
```

| finding | positives, training | positives, validation | AUROC, validation |
| --- | --- | --- | --- |
{rows}

## Limits

- It knows the findings that are named above and no other, as they were labelled in its cohort.
- What it learnt may be a shortcut: drains, projections, hospitals. See `overread explain` and the shortcut tables of
  `overread report`.
- An attribute that is missing or unknown is given to the last layer as its mean over the training rows.
{warnings}
## Versions

{", ".join(f"{name} {number}" for name, number in facts["versions"].items())}
"""


def part(facts: Any, name: str) -> str:
    """Return the counts of a part of the split."""
    counts = facts["counts"][name]
    patients = "" if counts["patients"] is None else f" of {counts['patients']:,} patients"
    return f"{counts['images']:,} images{patients}"


def shown(value: float | None) -> str:
    """Return a figure as people read it."""
    return "not known" if value is None else f"{value:.3f}"
