"""The lines that a refusal gives run as they stand, and make a reading of what was refused."""

from __future__ import annotations

import ast
import json
import pathlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from overread.records.cohort import read_cohort
from overread.records.reading import read_reading, reading_from_frame

Refused = Callable[..., str]
NAMES = ["Mass", "Edema"]


def run(said: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **known: object) -> None:
    """Run the lines at the end of a message, with the names of the findings filled in."""
    monkeypatch.chdir(folder)
    lines = [line.strip() for line in said.split("\n")[1:]]
    assert len(lines) == 2
    code = "\n".join(lines).replace('["Atelectasis", "Cardiomegaly", ...]', repr(NAMES))
    exec(code, {"pandas": pd, "numpy": np, "json": json, "pathlib": pathlib} | known)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.json", '[{"image": "a", "Mass": 0.1, "Edema": 0.2}, {"image": "b", "Mass": 0.3, "Edema": 0.4}]'),
        ("m.jsonl", '{"image": "a", "Mass": 0.1, "Edema": 0.2}\n{"image": "b", "Mass": 0.3, "Edema": 0.4}\n'),
        ("m.json", "[[0.1, 0.2], [0.3, 0.4]]"),
        ("m.csv", "[[0.1, 0.2], [0.3, 0.4]]"),
    ],
    ids=["records", "records by line", "lists", "lists in a .csv"],
)
def test_json(
    name: str, content: str, write: Callable, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(name, content)
    run(refused(read_reading, path), tmp_path, monkeypatch, image_names=["a", "b"])
    found = read_reading(tmp_path / "m.csv")
    assert found.images.to_list() == ["a", "b"]
    assert found.scores[:, [found.findings.index(name) for name in NAMES]].tolist() == [[0.1, 0.2], [0.3, 0.4]]


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_numbered_outputs(
    images: bool, first: int, write: Callable, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"image": ["a", "b"]} if images else {})
    for place in range(2):
        frame[f"class_{first + place}"] = NAMES[place]
        frame[f"target_{first + place}"] = [0, 1]
        frame[f"logit_{first + place}"] = [0.0, np.log(3) * (1 - 2 * place)]
    said = refused(read_reading, write("m.csv", frame.to_csv(index=False)))
    assert "this is a table of another shape" in said
    run(said, tmp_path, monkeypatch, image_names=["a", "b"])
    found = read_reading(tmp_path / "reading.csv")
    np.testing.assert_allclose(found.scores, [[0.5, 0.5], [0.75, 0.25]])
    assert found.findings == tuple(NAMES)


def test_numbered_probabilities_in_a_dataframe(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"image": ["a", "b"], "prob0": [0.1, 0.2], "prob1": [0.3, 0.4]})
    run(refused(reading_from_frame, frame, name="m"), tmp_path, monkeypatch, df=frame)
    assert read_reading(tmp_path / "reading.csv").scores.tolist() == [[0.1, 0.3], [0.2, 0.4]]


def test_a_row_per_image_and_finding(
    write: Callable, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("m.csv", "image,finding,score\na,Mass,0.1\na,Edema,0.2\nb,Mass,0.3\nb,Edema,0.4\n")
    said = refused(read_reading, path)
    assert "a row per image and finding" in said
    run(said, tmp_path, monkeypatch)
    assert read_reading(tmp_path / "reading.csv").scores.tolist() == [[0.2, 0.1], [0.4, 0.3]]


@pytest.mark.parametrize(("name", "separator"), [("m.tsv", "\t"), ("m.csv", "\t"), ("m.csv", ";")])
def test_other_separators(
    name: str, separator: str, write: Callable, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "image,Mass\na,1\n".replace(",", separator)
    line = re.search(r"Convert it: (.*)", refused(read_cohort, write(name, content)))
    assert line is not None
    monkeypatch.chdir(tmp_path)
    exec(line[1], {"pandas": pd})
    assert read_cohort(tmp_path / "m.csv").labels.tolist() == [[1]]


def test_a_path_cannot_end_the_string_that_it_stands_in(write: Callable, refused: Refused, tmp_path: Path) -> None:
    said = refused(read_reading, write('m"); quit("m.tsv', "image\tMass\n"))
    line = said.split("Convert it: ")[1]
    called = ast.parse(line).body
    assert len(called) == 1
    assert not any(isinstance(node, ast.Name) and node.id == "quit" for node in ast.walk(called[0]))
