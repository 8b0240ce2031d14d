"""`model-index`: results of a model in the form that Hugging Face reads from the head of a model card.

The form is that of https://github.com/huggingface/hub-docs/blob/main/modelcard.md: for each model a list of results,
each with a task, a dataset and metrics. Every text is quoted as JSON, which YAML understands, so that no name from the
input can become anything but text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Plain = str | int | float | None


@dataclass(frozen=True)
class Metric:
    """One number of a model: Hugging Face's name of the metric, a name for people, and what else belongs to it."""

    type: str
    name: str
    value: float
    args: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """What the numbers were measured on."""

    name: str
    split: str
    args: Mapping[str, Plain] = field(default_factory=dict)


def front_matter(model: str, dataset: Dataset, metrics: Iterable[Metric], head: Mapping[str, str] | None = None) -> str:
    """Return the head of a model card, between its dashes; `head` are further lines of it, written as YAML.

    >>> print(front_matter("m", Dataset("c", "test"), [Metric("roc_auc", "AUROC", 0.8, {"low": 0.7})]))
    ---
    pipeline_tag: image-classification
    tags: [chest-x-ray, multi-label, overread]
    model-index:
    - name: "m"
      results:
      - task:
          type: image-classification
          name: Findings on chest radiographs
        dataset:
          name: "c"
          type: "c"
          split: "test"
        metrics:
        - type: roc_auc
          name: "AUROC"
          value: 0.8
          args: {"low": 0.7}
    ---
    """
    lines = [
        "---",
        *(f"{key}: {value}" for key, value in (head or {}).items()),
        "pipeline_tag: image-classification",
        "tags: [chest-x-ray, multi-label, overread]",
        "model-index:",
        f"- name: {text(model)}",
        "  results:",
        "  - task:",
        "      type: image-classification",
        "      name: Findings on chest radiographs",
        "    dataset:",
        f"      name: {text(dataset.name)}",
        f"      type: {text(dataset.name)}",
        f"      split: {text(dataset.split)}",
        *([f"      args: {flow(dataset.args)}"] if dataset.args else []),
        "    metrics:",
    ]
    for metric in metrics:
        lines += [
            f"    - type: {metric.type}",
            f"      name: {text(metric.name)}",
            f"      value: {number(metric.value)}",
        ]
        lines += [f"      args: {flow(metric.args)}"] if metric.args else []
    return "\n".join([*lines, "---"])


def flow(args: Mapping[str, Plain]) -> str:
    """Return a mapping on one line.

    >>> flow({"low": 0.7, "method": "bootstrap", "n": None})
    '{"low": 0.7, "method": "bootstrap", "n": null}'
    """
    return "{" + ", ".join(f"{text(key)}: {plain(value)}" for key, value in args.items()) + "}"


def plain(value: Plain) -> str:
    """Return a value as YAML writes it."""
    if value is None:
        return "null"
    return text(value) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """Return a number without an exponent, which half of the readers of YAML take for text.

    >>> number(3), number(0.00001234), number(11.75)
    ('3', '0.000012', '11.75')
    """
    if isinstance(value, int):
        return str(value)
    return f"{value:.6f}".rstrip("0").removesuffix(".") or "0"


def text(value: str) -> str:
    r"""Return a text as YAML quotes it; what is no letter or sign is escaped.

    >>> print(text('a "b"\u2028c'))
    "a \"b\"\U00002028c"
    """
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)
