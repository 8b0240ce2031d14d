"""The settings of a training: their names, what they may be, and the TOML file that says the same as the flags."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from overread.records.errors import InputError, listed, located, quoted
from overread.records.tables import read_bytes

CHOICES = {
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "plateau", "constant"),
    "choose_by": ("loss", "auroc"),
    "precision": ("32", "bf16", "16"),
    "accelerator": ("auto", "cpu", "gpu"),
}
RANGES: dict[str, tuple[float, float]] = {  # what a number may be, both ends included
    "size": (32, 4096),
    "crop": (32, 4096),
    "epochs": (1, 100_000),
    "batch_size": (2, 65_536),
    "learning_rate": (1e-12, 10),
    "weight_decay": (0, 10),
    "warmup": (0, 100_000),
    "patience": (0, 100_000),
    "accumulate": (1, 65_536),
    "clip": (0, 1e9),
    "val_share": (0.001, 0.9),
    "seed": (0, 2**31 - 1),
    "flip": (0, 1),
    "rotation": (0, 180),
    "translation": (0, 0.5),
    "scale": (0, 0.5),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "devices": (1, 1024),
    "nodes": (1, 4096),
    "workers": (0, 1024),
}


@dataclass(frozen=True)
class Settings:
    """What `overread train` may be told. `None` means: what fits the images, the weights or the machine.

    `weights` is `imagenet`, `none` or a file. `warmup` is in epochs; `patience` is epochs without a better validation
    figure before training stops, 0 for never; `clip` is the largest norm of a gradient, 0 for any. `batch_size` is per
    device and step.
    """

    images: str | None = None
    present_only: bool = False
    metadata: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    backbone: str = "densenet121"
    weights: str = "imagenet"
    size: int | None = None
    crop: int | None = None
    epochs: int = 20
    batch_size: int = 32
    learning_rate: float | None = None
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    schedule: str = "cosine"
    warmup: float = 1.0
    patience: int = 0
    choose_by: str = "auroc"
    precision: str = "32"
    accumulate: int = 1
    clip: float = 0.0
    val_share: float = 0.125
    seed: int = 0
    flip: float = 0.5
    rotation: float = 7.0
    translation: float = 0.05
    scale: float = 0.1
    brightness: float = 0.1
    contrast: float = 0.2
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    workers: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], *, where: str = "") -> Settings:
        """Return the settings that differ from the defaults as given; `where` names the file they stand in, if any.

        Raises `InputError` for a name that is not known, with the nearest that is, and for a value out of range.
        """
        read = {name.replace("-", "_"): value for name, value in given.items()}
        known = [field.name for field in fields(cls)]
        for name in read:
            if name not in known:
                near = get_close_matches(name, known, 1, 0)
                do = f"Did you mean {near[0].replace('_', '-')}?" if near else ""
                raise InputError(where or "settings", f"there is no setting {quoted(name)}", "", do)
        checked = {name: valid(name, value, where) for name, value in read.items() if value is not None}
        return cls(**checked)

    def as_values(self) -> dict[str, Any]:
        """Return the settings as plain values, those without a value left out."""
        return {
            field.name: plain_value(getattr(self, field.name)) for field in fields(self) if not self.empty(field.name)
        }

    def empty(self, name: str) -> bool:
        """Say whether a setting has no value."""
        return getattr(self, name) is None or getattr(self, name) == ()

    def as_toml(self) -> str:
        """Return the settings as a file that `of_toml` reads."""
        lines = [
            f"{name.replace('_', '-')} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in self.as_values().items()
        ]
        return (
            "# The settings of a training: overread train COHORT --out RUN --config this-file\n"
            + "\n".join(lines)
            + "\n"
        )


def plain_value(value: Any) -> Any:
    """Return a value as JSON and TOML write it."""
    return list(value) if isinstance(value, tuple) else value


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return the settings in a TOML file by their names, checked."""
    where = located(path)
    try:
        given = tomllib.loads(read_bytes(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise InputError(
            where, f"it is not TOML ({reason})", 'lines such as epochs = 20 or backbone = "resnet50"'
        ) from None
    Settings.of(given, where=where)
    return {name.replace("-", "_"): value for name, value in given.items()}


def valid(name: str, value: Any, where: str) -> Any:
    """Return a value in the type of its setting, or refuse it."""
    kind = {field.name: str(field.type) for field in fields(Settings)}[name]
    flag = name.replace("_", "-")
    place = f"{where}, {flag}" if where else f"--{flag}"
    if name in CHOICES:
        if str(value) not in CHOICES[name]:
            raise InputError(place, f"there is no {quoted(value)}", f"one of {listed(CHOICES[name], most=9)}")
        return str(value)
    if kind.startswith("tuple"):
        names = value.split(",") if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
            raise InputError(place, f"it is {quoted(value)}", "names")
        return tuple(one.strip() for one in names if one.strip())
    if name in RANGES:
        return number(place, value, whole=kind.startswith("int"), least=RANGES[name][0], most=RANGES[name][1])
    if kind == "bool" and not isinstance(value, bool):
        raise InputError(place, f"it is {quoted(value)}", "true or false")
    if kind.startswith("str") and not (isinstance(value, str) and value.strip()):
        raise InputError(place, f"it is {quoted(value)}", "text")
    return value


def number(place: str, value: Any, *, whole: bool, least: float, most: float) -> Any:
    """Return a number, or refuse what is none, or out of range."""
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        expected = f"a {'whole ' if whole else ''}number from {least:g} to {most:g}"
        raise InputError(place, f"it is {quoted(value)}", expected)
    return value if whole else float(value)
