"""Writing the hand-over of a report: a folder with one file for each form, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from overread import __version__
from overread.records.errors import InputError, listed, quoted
from overread.report import lookup
from overread.report.hand_over.finished import FinishedReport
from overread.report.hand_over.latex import latex
from overread.report.hand_over.markdown import markdown
from overread.report.hand_over.model_card import model_card
from overread.report.hand_over.paper_tables import paper_tables
from overread.report.hand_over.printing import found_browser, printed
from overread.report.hand_over.slides import require, slides
from overread.report.results import HAND_OVER_MARKER
from overread.report.writer import HAND_OVER, check_output, write_files

FORMS = ("pdf", "slides", "latex", "markdown", "model-index")
NO_BROWSER = "a PDF is printed by Chromium, Chrome or Edge, and none was found"
NO_BROWSER_DO = "Install one (Debian: apt-get install chromium), or say with --browser where it is."


def chosen_forms(asked: Sequence[str]) -> tuple[str, ...]:
    """Return the forms that were asked for, in their order, each once; all where none was.

    Raises `InputError` when one is unknown.
    """
    for form in asked:
        if form not in FORMS:
            raise InputError("--to", f"{quoted(form)} is no form", f"some of: {listed(FORMS, most=len(FORMS))}")
    return tuple(form for form in FORMS if not asked or form in asked)


def left_out(forms: Sequence[str], browser: str | None) -> dict[str, InputError]:
    """Return the forms that cannot be made here, each with the reason."""
    found = {}
    if "pdf" in forms and found_browser(browser) is None:
        found["pdf"] = InputError("--to pdf", NO_BROWSER, do=NO_BROWSER_DO)
    if "slides" in forms:
        try:
            require()
        except InputError as reason:
            found["slides"] = reason
    return found


def handed_over(
    report: FinishedReport,
    forms: Sequence[str],
    *,
    published: Sequence[str] = (),
    browser: str | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> dict[str, bytes]:
    """Return the files by name."""
    sheets = paper_tables(report, published)
    source = f"the report {report.folder.resolve().name} with the SHA-256 {report.checksum}"
    cards = lookup.file_names("model-card", report.readings)
    makers: Mapping[str, Callable[[], dict[str, bytes]]] = {
        "latex": lambda: {"tables.tex": latex(sheets, source).encode()},
        "markdown": lambda: {"tables.md": markdown(sheets, source).encode()},
        "model-index": lambda: {f"{file}.md": model_card(report, name).encode() for name, file in cards.items()},
        "slides": lambda: {"slides.pptx": slides(report)},
        "pdf": lambda: {"report.pdf": printed(report.page, needed_browser(browser))},
    }
    files: dict[str, bytes] = {}
    for form, make in makers.items():
        if form in forms:
            progress(f"making {form}")
            files |= make()
    return files


def needed_browser(given: str | None) -> str:
    """Return the browser that prints, or refuse."""
    browser = found_browser(given)
    if browser is None:
        raise InputError("--to pdf", NO_BROWSER, do=NO_BROWSER_DO)
    return browser


def free_place(folder: Path, out: str | Path, *, force: bool = False) -> Path:
    """Return where the files may be written: never over the report that they are made from.

    Raises `InputError` when the place is taken.
    """
    if Path(out).resolve() == folder.resolve():
        raise InputError(str(out), "this is the report itself", "another folder", "Choose another place with --out.")
    return check_output(out, force=force)


def write_hand_over(
    report: FinishedReport, files: Mapping[str, bytes], out: str | Path, *, force: bool = False
) -> None:
    """Write the files with a list of them, by which a later run knows what it may replace.

    Raises `InputError` when the place is taken or cannot be written to.
    """
    place = free_place(report.folder, out, force=force)
    document = {
        "format": HAND_OVER_MARKER,
        "overread": __version__,
        "report": {"folder": str(report.folder), "sha256": report.checksum},
        "files": sorted([*files, HAND_OVER]),
    }
    write_files({**files, HAND_OVER: (json.dumps(document, ensure_ascii=False) + "\n").encode()}, place, out)
