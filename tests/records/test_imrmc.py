"""The iMRMC format: read back by a reader of its own, and names that would break it."""

from __future__ import annotations

import numpy as np
import pytest

from overread.records.imrmc import imrmc_text, reader_and_modality

Study = tuple[dict[str, int], dict[str, str], dict[tuple[str, str], dict[str, float]]]


def read(text: str) -> Study:
    """Read as iMRMC and RJafroc do: sizes anywhere in the head, then four cells a row after BEGIN DATA."""
    head, _, data = text.partition("BEGIN DATA:\n")
    sizes = {
        key: int(value)
        for key, _, value in (line.partition(":") for line in head.splitlines())
        if key in ("NR", "N0", "N1", "NM")
    }
    truth: dict[str, str] = {}
    answers: dict[tuple[str, str], dict[str, float]] = {}
    for line in data.splitlines():
        reader, case, modality, score = line.split(",")
        assert str(int(case)) == case
        if reader == "-1":
            truth[case] = score
        else:
            answers.setdefault((reader, modality), {})[case] = float(score)
    return sizes, truth, answers


def test_it_is_read_back() -> None:
    labels = np.array([0, 1, 0], np.int8)
    answers = {("anna", "aided"): np.array([0.0, 1.0, 1.0]), ("zech", "zech"): np.array([0.125, 0.5, 0.25])}
    sizes, truth, found = read(imrmc_text(["N0: 99", "two\nlines"], np.array([4, 5, 9]), labels, answers))
    assert sizes == {"NR": 2, "N0": 2, "N1": 1, "NM": 2}
    assert truth == {"4": "0", "5": "1", "9": "0"}
    assert found == {("anna", "aided"): {"4": 0, "5": 1, "9": 1}, ("zech", "zech"): {"4": 0.125, "5": 0.5, "9": 0.25}}


def test_names_are_made_words() -> None:
    text = imrmc_text(["t"], np.array([1, 2]), np.array([0, 1], np.int8), {("-1", "a, b"): np.zeros(2)})
    assert "reader-1,1,a-b,0" in text
    assert reader_and_modality("anna@") == ("anna@", "unaided")


@pytest.mark.parametrize(
    ("labels", "cases", "names"),
    [([0, 2], [1, 2], ["a"]), ([0, 1], [1, 1], ["a"]), ([0, 1], [1, 2], ["a b", "a-b"])],
)
def test_what_would_be_misread_is_refused(labels: list[int], cases: list[int], names: list[str]) -> None:
    answers = {(name, "x"): np.zeros(2) for name in names}
    with pytest.raises(ValueError, match="must be"):
        imrmc_text(["t"], np.array(cases), np.array(labels, np.int8), answers)
