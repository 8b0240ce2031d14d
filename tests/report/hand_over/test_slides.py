"""The slides: heads are the report's sentences, tables can be edited, and one report gives the same bytes."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import polars as pl
import pytest

from overread.report.hand_over.deck import deck, lower, question
from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.slides import clean, slides

pptx = pytest.importorskip("pptx")
pytest.importorskip("resvg_py")


def opened(report: FinishedReport) -> list[object]:
    return list(pptx.Presentation(BytesIO(slides(report))).slides)


def test_every_slide_has_a_head_and_its_foot(told: FinishedReport) -> None:
    made = opened(told)
    assert len(made) == len(deck(told)) + 1
    assert all(slide.shapes.title.text_frame.text for slide in made)
    assert all("no medical device" in slide.shapes[-1].text_frame.text for slide in made)


def test_a_head_is_a_sentence_of_the_report(told: FinishedReport) -> None:
    said = {sentence for passage in told.answer for sentence in passage.sentences}
    heads = [slide.head for slide in deck(told)]
    assert len(heads) == 9
    for head in heads[:-1]:  # the last says what no report needs to say of itself
        assert any(head.endswith((each, lower(each))) for each in said), head


def test_the_table_of_aurocs_is_native_and_has_the_floor(told: FinishedReport) -> None:
    tables = [shape.table for slide in opened(told) for shape in slide.shapes if shape.has_table]
    (aurocs,) = (table for table in tables if table.cell(0, 0).text == "Finding")
    assert len(aurocs.rows) == len(told.study.findings) + 3
    assert aurocs.cell(0, len(aurocs.columns) - 1).text == "blind (floor)"


def test_pictures_say_what_they_show(told: FinishedReport) -> None:
    pictures = [shape for slide in opened(told) for shape in slide.shapes if shape.shape_type == 13]
    assert all(shape._element.nvPicPr.cNvPr.get("descr") for shape in pictures)


def test_everything_lies_on_the_slide(told: FinishedReport) -> None:
    made = pptx.Presentation(BytesIO(slides(told)))
    for slide in made.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= made.slide_width
            assert shape.top + shape.height <= made.slide_height


def test_the_same_report_gives_the_same_bytes(told: FinishedReport) -> None:
    assert slides(told) == slides(told)


def test_a_report_with_many_readers_still_fits(told: FinishedReport) -> None:
    names = tuple(f"reader {k}" for k in range(9))
    tables = dict(told.tables)
    for name in ("estimates", "consequences"):
        one = tables[name].filter(pl.col("reading") == "zech")
        tables[name] = pl.concat([one.with_columns(pl.lit(each).alias("reading")) for each in (*names, "blind")])
    many = replace(told, readings=names, tables=tables)
    (aurocs,) = (slide.sheet for slide in deck(many) if slide.sheet is not None and slide.sheet.name == "auroc")
    assert [column.title for column in aurocs.columns[2:]] == ["reader 0", "reader 1", "reader 2", "blind (floor)"]
    assert len(slides(many)) > 0


def test_a_report_without_sentences_gets_plain_heads(report: FinishedReport) -> None:
    assert [slide.head for slide in deck(report)][:3] == [
        'Second reading of zech and <script>alert("1")</script>',
        "zech: nothing could be computed.",
        "AUROC by finding",
    ]


def test_the_question_names_the_readers(told: FinishedReport) -> None:
    assert question(told).startswith("How well do zech and ")
    one = replace(told, readings=("zech",))
    assert question(one).startswith("How well does zech tell")


def test_signs_that_no_slide_can_hold_are_replaced() -> None:
    assert clean("a\x00b\x1b") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
