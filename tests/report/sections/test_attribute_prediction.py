"""What the outputs tell of the person: said beside what the labels tell, and never as proof."""

from __future__ import annotations

from types import SimpleNamespace

from overread.report import numbers
from overread.report.section import Section, Sheet
from overread.report.sections import attribute_prediction


def text(section: Section) -> str:
    return " ".join(section.lead).replace(numbers.SPACE, " ")


def test_there_is_no_section_without_rows(second: SimpleNamespace) -> None:
    second.tables["attribute_prediction"] = second.tables["attribute_prediction"].clear()
    assert attribute_prediction.section(second) is None


def test_the_lead_sets_the_scores_beside_the_labels(second: SimpleNamespace) -> None:
    said = text(attribute_prediction.section(second))
    assert (
        "view (AP from the rest) with an AUROC of 0.960 (95 % interval 0.950 to 0.970), the labels alone with 0.550"
        in said
    )
    assert "does not show that a reader leans on it" in said
    assert "over 80" not in said  # it has no interval


def test_labels_have_one_mark_and_every_reader_its_own(second: SimpleNamespace) -> None:
    body = attribute_prediction.section(second).figures[0].drawing.body
    assert body.count('class="mark"') == 3 * 2 + 3
    assert "view: AP, told from the scores of zech: AUROC 0.960" in body
    assert "<b>" not in body


def test_cells_are_the_table_s_numbers(second: SimpleNamespace) -> None:
    table = next(block for block in attribute_prediction.section(second).blocks if isinstance(block, Sheet))
    row = next(row for row in table.rows if row[0].text == "view: AP")
    wanted = [
        "zech",
        "22,433",
        "9,000",
        "0.960 (0.950 to 0.970)",
        "0.550 (0.540 to 0.560)",
        "+0.410 (\N{MINUS SIGN}0.020 to +0.500)",
    ]
    assert [cell.text for cell in row[1:]] == wanted
    few = next(row for row in table.rows if "over 80" in row[0].text)
    assert few[4].note == "no interval: rests on 3 patients"
