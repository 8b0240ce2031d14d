"""A user's table of operating points."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from overread.records.thresholds import read_thresholds


def test_findings_with_their_thresholds(write: Callable) -> None:
    path = write("t.csv", "Threshold,Finding,note\n0.5,Mass,x\n1.2e-1,Pleural Thickening,\n")
    assert read_thresholds(path) == {"Mass": 0.5, "Pleural Thickening": 0.12}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("finding,value\nMass,0.5\n", "there is no column threshold (there are finding, value)"),
        ("finding,threshold\nMass,high\n", "column threshold, row 2: the threshold is 'high'"),
        ("finding,threshold\nMass,\n", "the threshold is empty"),
        ("finding,threshold\nMass,0.5\n,0.2\n", "column finding, row 3: the finding is empty"),
        ("finding,threshold\nPleural_Thickening,0.5\npleural thickening,0.2\n", "has a threshold already"),
    ],
)
def test_what_is_broken_is_refused(write: Callable, refused: Callable, content: str, part: str) -> None:
    assert part in refused(read_thresholds, write("t.csv", content))
