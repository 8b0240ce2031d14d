"""A finished report, read back from its folder; its names mean something to HTML, LaTeX and YAML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from overread.analyses.passage import Passage
from overread.report.hand_over.finished import FinishedReport, read_finished


@pytest.fixture
def report(written: Path) -> FinishedReport:
    return read_finished(written)


@pytest.fixture
def told(report: FinishedReport) -> FinishedReport:
    """Return the report with sentences in the form of analyses.answer and analyses.verdict."""
    a, b = report.readings
    opening = (
        f"{a} and {b}: 22,433 images of 6,187 patients, 14 findings, the test part of the cohort {report.study.name}.",
        "A blind reader, which knows age, gender and view and sees no image, reaches a mean AUROC of 0.623 on the same "
        "images: that, not 0.5, is the floor.",
    )
    about = (
        "Mean AUROC 0.838 (95 % interval 0.831 to 0.844, patients resampled), from 0.7 for Mass to 0.9 for Hernia.",
        "At the operating points, averaged over findings and at a prevalence of 5.3 %: of 1,000 people examined for a "
        "finding it finds 40 of 53 who have it and refers 217 of 947 who do not: 5.4 false alarms for each true one.",
        "All findings together: of 1,000 images on which nothing is present, 685 get at least one false call.",
        "For whom, beyond chance: the mean AUROC falls furthest behind for AP (view) (0.810, 0.829 in the rest).",
    )
    pair = (
        f"Mean AUROC 0.838 ({a}) against 0.828 ({b}): a difference of +0.010, beyond chance.",
        "Finding by finding, adjusted for 14 tests, the AUROC differs beyond chance for 6.",
        f"These have different denominators: of 1,000 people of whom 53 are ill, {a} finds 0.6 more and spares 9.4 "
        "more.",
    )
    passages = (Passage("", opening), Passage(a, about), Passage(b, about), Passage(f"{a} against {b}", pair))
    return replace(report, answer=passages)
