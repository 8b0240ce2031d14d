from __future__ import annotations

import sys
from io import StringIO

import pytest

pytest.importorskip("torch")

from overread.cli.training_progress import training_progress
from overread.vision.learning import Progress

FIGURES = {"train_loss": 0.21, "val_loss": 0.25, "val_auroc": 0.7, "seconds": 12.0}
STEPS = (
    Progress(1, 2, 1, 4, float("nan")),
    Progress(1, 2, 4, 4, 0.3),
    Progress(1, 2, 4, 4, 0.21, FIGURES, best=True),
    Progress(2, 2, 4, 4, 0.2, FIGURES | {"val_auroc": float("nan")}),
)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def told(monkeypatch: pytest.MonkeyPatch, stream: StringIO) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with training_progress() as show:
        for step in STEPS:
            show(step)
    return stream.getvalue()


def test_a_line_per_epoch_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, StringIO()).splitlines() == [
        "epoch 1 of 2: loss 0.2100, validation loss 0.2500, mean AUROC 0.700, 12.0 s, the best so far",
        "epoch 2 of 2: loss 0.2100, validation loss 0.2500, mean AUROC not known, 12.0 s",
    ]


def test_a_bar_and_the_lines_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    said = told(monkeypatch, Terminal())
    assert "epoch 1 of 2, loss 0.3000" in said
    assert "4/8" in said
    assert "epoch 1 of 2: loss 0.2100" in said
