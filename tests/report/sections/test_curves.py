"""The marks on the curves: where the operating point of each reader lies."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from overread.report import lookup
from overread.report.sections import curves


def test_the_mark_of_a_roc_curve_lies_at_one_minus_specificity_and_sensitivity(second: SimpleNamespace) -> None:
    rates = {
        m: lookup.by_key(lookup.estimates(second, m), "reading", "finding") for m in ("sensitivity", "specificity")
    }
    drawn = {(row["reading"], row["finding"]): row for row in curves.roc_marks(second).iter_rows(named=True)}
    assert len(drawn) == 3 * 13
    mark = drawn["zech", "Mass"]
    assert mark["x"] == pytest.approx(1 - rates["specificity"]["zech", "Mass"]["value"])
    assert mark["y"] == rates["sensitivity"]["zech", "Mass"]["value"]


def test_a_finding_without_a_curve_has_no_mark(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    marks = curves.points(second, "sensitivity", "ppv")
    assert evil.finding in marks["finding"].to_list()
    assert "Pleural Thickening" not in marks["finding"].to_list()
    assert "Pleural Thickening" not in curves.drawn_findings(second)


def test_a_line_keeps_the_order_of_its_points(second: SimpleNamespace) -> None:
    line = curves.named_curves(second, "roc", "auroc").filter(reading="zech", finding="Mass")
    assert line["x"].is_sorted()
    assert line["sentence"].n_unique() == 1
    assert "Mass, zech: AUROC" in line["sentence"][0]
