"""Figure 2, and whether outputs follow their averages: said from the tests, or that there is none."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl

from overread.report import numbers
from overread.report.section import Sheet
from overread.report.sections import top_three


def test_the_lead_says_whether_outputs_follow_their_averages(second: SimpleNamespace, evil: SimpleNamespace) -> None:
    said = " ".join(top_three.section(second).lead).replace(numbers.SPACE, " ")
    assert "with a rank correlation of 0.88 (1: one order whatever the finding; p < 0.001)" in said
    assert "stands at place 3.1 of 14 in the mean (p < 0.001), and at place 1.3 once each output is divided" in said
    assert f"{evil.reading}: whether its outputs follow their averages cannot be tested (takes three outputs)." in said


def test_the_tests_stand_in_a_table(second: SimpleNamespace) -> None:
    (table,) = (
        b for b in top_three.section(second).blocks if isinstance(b, Sheet) and b.name == "prevalence-following"
    )
    cells = [cell.text.replace(numbers.SPACE, " ") for cell in table.rows[0]]
    assert cells == ["zech", "14", "0.88", "< 0.001", "3.14", "< 0.001", "1.29", "< 0.001"]
    assert table.rows[1][2].note == "takes three outputs"


def test_figure_2_stands_without_the_tests(second: SimpleNamespace) -> None:
    del second.tables["prevalence_following"]
    section = top_three.section(second)
    assert [block.name for block in section.blocks] == ["top-activations", "frequency", "figure-2"]


def test_a_p_value_is_said_with_its_sign_and_in_one_line(second: SimpleNamespace) -> None:
    second.tables["frequency"] = second.tables["frequency"].with_columns(p=pl.lit(0.0061))
    said = " ".join(top_three.section(second).lead)
    assert f"(p{numbers.SPACE}={numbers.SPACE}0.006)" in said
