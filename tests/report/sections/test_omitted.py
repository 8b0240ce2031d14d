"""A quick page says what it leaves out, and a thorough one leaves nothing out."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from overread.report.sections import omitted


def test_a_quick_page_names_what_was_not_looked_at(second: SimpleNamespace) -> None:
    assert omitted.section(second) is None  # every table has rows
    for name in ("calibration", "floors"):
        second.tables[name] = second.tables[name].clear()
    (said,) = omitted.section(second).lead
    assert "whether a score can be read as a probability and what it may lean on (shortcuts)" in said
    assert "subgroups" not in said
    assert "--thorough" in said


def test_a_thorough_page_that_lacks_an_attribute_leaves_nothing_out(second: SimpleNamespace) -> None:
    second.tables["subgroups"] = second.tables["subgroups"].clear()
    second.options = replace(second.options, thorough=True)
    assert omitted.section(second) is None
