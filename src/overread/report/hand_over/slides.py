"""Slides as a PowerPoint file: heads, native tables that can be edited, figures as pictures."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from overread import __version__
from overread.records.errors import InputError
from overread.report.hand_over.deck import NO_DEVICE, Picture, Slide, deck, question, title
from overread.report.hand_over.finished import FinishedReport
from overread.report.section import Sheet

WIDTH, HEIGHT, MARGIN = 13.333, 7.5, 0.6
TOP, BOTTOM = 1.75, 6.95
"""Inches: a wide slide, its margin, and where its body begins and ends."""

HEAD_SIZES = (65, 28), (130, 24), (235, 20), (400, 16)
"""The longest head in characters, and the size of its letters."""

INK, MUTED, RULE = "1A1A1A", "5A5A5A", "8A8A8A"
FONT = "Arial"
ONCE = datetime(2000, 1, 1)
"""The date that a file is given in place of the time of its making, so that one report gives the same bytes."""

REPLACED = "\N{REPLACEMENT CHARACTER}"
TITLE_ONLY = 5
"""The layout with a title and nothing else, in the template that the library brings."""


def slides(report: FinishedReport) -> bytes:
    """Return the slides of a report.

    Raises `InputError` when the libraries that write them are absent.
    """
    require()
    from pptx import Presentation
    from pptx.util import Inches

    made = Presentation()
    made.slide_width, made.slide_height = Inches(WIDTH), Inches(HEIGHT)
    made.core_properties.title, made.core_properties.author = clean(title(report)), f"overread {__version__}"
    made.core_properties.created = made.core_properties.modified = ONCE
    made.core_properties.last_modified_by = ""
    first = Slide(title(report), (question(report), NO_DEVICE))
    for place, slide in enumerate((first, *deck(report))):
        add(made, slide, place)
    target = BytesIO()
    made.save(target)
    return undated(target.getvalue())


def require() -> None:
    """Refuse where the libraries that write slides are absent."""
    try:
        import pptx
        import resvg_py
    except ImportError as absent:
        what = f"slides need the library {absent.name}, which is not installed"
        raise InputError("--to slides", what, do="Install it: pip install 'overread[hand-over]'.") from None
    del pptx, resvg_py


def add(made: Any, slide: Slide, place: int) -> None:
    """Add one slide."""
    from pptx.util import Inches

    page = made.slides.add_slide(made.slide_layouts[TITLE_ONLY])
    head = page.shapes.title
    head.left, head.top, head.width, head.height = map(Inches, (MARGIN, 0.4, WIDTH - 2 * MARGIN, 1.2))
    write(head.text_frame, [slide.head], head_size(slide.head) if place else 40, bold=True)
    body, room = TOP if place else 2.2, WIDTH - 2 * MARGIN
    below = body
    if slide.picture is not None:
        wide = picture(page, slide.picture, body, room if not slide.sentences else room * 0.62)
        if slide.sentences:
            text(page, slide.sentences, MARGIN + wide + 0.35, body, room - wide - 0.35)
        below = BOTTOM
    if slide.sheet is not None:
        below = table(page, slide.sheet, body) + 0.25
    if slide.picture is None and slide.sentences:
        text(page, slide.sentences, MARGIN, below, room)
    foot(page, place)
    if slide.notes:
        page.notes_slide.notes_text_frame.text = "\n\n".join(map(clean, slide.notes))


def head_size(sentence: str) -> int:
    """Return the size of a head, so that it fits three lines."""
    return next((size for most, size in HEAD_SIZES if len(sentence) <= most), 12)


def text(page: Any, sentences: Sequence[str], left: float, top: float, width: float) -> None:
    """Add sentences, each a paragraph, in letters that fit what room is left."""
    from pptx.util import Inches

    box = page.shapes.add_textbox(*map(Inches, (left, top, width, max(BOTTOM - top, 0.4))))
    size = next((size for size in (18, 16, 14, 12, 11) if height_of(sentences, size, width) <= BOTTOM - top), 10)
    write(box.text_frame, sentences, size)


def height_of(sentences: Sequence[str], size: int, width: float) -> float:
    """Estimate in inches how high paragraphs are in a box of some width."""
    lines = sum(1.5 + len(each) * size * 0.0072 // width for each in sentences)
    return lines * size * 1.2 / 72


def write(frame: Any, paragraphs: Sequence[str], size: int, *, bold: bool = False) -> None:
    """Write paragraphs into a frame, from its top left."""
    from pptx.dml.color import RGBColor
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Pt

    frame.word_wrap = True
    frame.vertical_anchor = MSO_ANCHOR.TOP
    frame.margin_left = frame.margin_right = 0
    for place, sentence in enumerate(paragraphs):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        paragraph.space_after = Pt(size * 0.5)
        run = paragraph.add_run()
        run.text = clean(sentence)
        run.font.size, run.font.bold, run.font.name = Pt(size), bold, FONT
        run.font.color.rgb = RGBColor(*bytes.fromhex(INK))


def picture(page: Any, drawn: Picture, top: float, room: float) -> float:
    """Add a figure as large as its room allows, and return its width."""
    import resvg_py
    from pptx.util import Inches

    png = resvg_py.svg_to_bytes(svg_string=drawn.svg, zoom=3, font_family=FONT, background="#ffffff")
    added = page.shapes.add_picture(BytesIO(bytes(png)), Inches(MARGIN), Inches(top))
    scale = min(Inches(room) / added.width, Inches(BOTTOM - top) / added.height)
    added.width, added.height = int(added.width * scale), int(added.height * scale)
    added.name = "Figure"
    added._element.nvPicPr.cNvPr.set("descr", clean(drawn.shows))
    return float(added.width / Inches(1))


def table(page: Any, sheet: Sheet, top: float) -> float:
    """Add a table with rules above and below its head, and return where it ends."""
    from pptx.util import Inches, Pt

    n = len(sheet.rows) + 1
    size = 14 if n <= 9 else 12 if n <= 13 else 10
    height = min(size * 2.0 / 72, (BOTTOM - top) / n)
    widths = [max(len(text) for text in texts) + 3 for texts in columns_of(sheet)]
    room = min(WIDTH - 2 * MARGIN, sum(widths) * size * 0.0085)
    placed = [Inches(each) for each in (MARGIN, top, room, height * n)]
    frame = page.shapes.add_table(n, len(sheet.columns), *placed)
    frame.name = sheet.title
    made = frame.table
    plain_style(frame)
    for place, width in enumerate(widths):
        made.columns[place].width = Inches(room * width / sum(widths))
    heads = [column.title for column in sheet.columns]
    for row, texts in enumerate([heads, *([cell.text for cell in cells] for cells in sheet.rows)]):
        made.rows[row].height = Inches(height)
        for place, content in enumerate(texts):
            cell, right = made.cell(row, place), sheet.columns[place].numeric and place > 0
            fill(cell, content, size, right=right, head=row == 0)
            cell.margin_top = cell.margin_bottom = Pt(1)
    return top + height * n


def columns_of(sheet: Sheet) -> list[list[str]]:
    """Return the texts of each column, its head among them."""
    return [[column.title, *(row[place].text for row in sheet.rows)] for place, column in enumerate(sheet.columns)]


def fill(cell: Any, content: str, size: int, *, right: bool, head: bool) -> None:
    """Write a cell; numbers stand to the right."""
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN

    write(cell.text_frame, [content], size, bold=head)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.space_after = None
    paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
    rule(cell, 1.0 if head else 0.25)


def rule(cell: Any, points: float) -> None:
    """Draw a rule below a cell, for which the library has no words of its own."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    line = (
        f'<a:lnB {nsdecls("a")} w="{int(points * 12700)}"><a:solidFill><a:srgbClr val="{RULE}"/></a:solidFill></a:lnB>'
    )
    cell._tc.get_or_add_tcPr().insert(0, parse_xml(line))


def plain_style(frame: Any) -> None:
    """Take the colours of a table away: no style, no grid."""
    properties = frame._element.graphic.graphicData.tbl.tblPr
    properties.find(
        "{http://schemas.openxmlformats.org/drawingml/2006/main}tableStyleId"
    ).text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
    frame.table.horz_banding = False


def foot(page: Any, place: int) -> None:
    """Add the foot: what made it, and the number of the slide."""
    from pptx.dml.color import RGBColor
    from pptx.util import Inches

    box = page.shapes.add_textbox(*map(Inches, (MARGIN, 7.0, WIDTH - 2 * MARGIN, 0.3)))
    write(box.text_frame, [f"overread {__version__} · research, no medical device · {place + 1}"], 10)
    box.text_frame.paragraphs[0].runs[0].font.color.rgb = RGBColor(*bytes.fromhex(MUTED))


def clean(content: str) -> str:
    r"""Return text without the signs that no slide can hold.

    >>> clean("a\x1b[31m") == "a\ufffd[31m"
    True
    """
    return "".join(REPLACED if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in content)


def undated(data: bytes) -> bytes:
    """Return a zip file whose entries have no time."""
    target = BytesIO()
    with ZipFile(BytesIO(data)) as source, ZipFile(target, "w", ZIP_DEFLATED) as copy:
        for entry in source.infolist():
            plain = ZipInfo(entry.filename, ONCE.timetuple()[:6])
            plain.compress_type = ZIP_DEFLATED
            copy.writestr(plain, source.read(entry))
    return target.getvalue()
