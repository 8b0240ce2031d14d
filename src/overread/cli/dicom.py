"""`overread dicom`: a model's answers on one radiograph, as an archive takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from overread.cli import choices
from overread.records.errors import InputError, listed, located, plain

if TYPE_CHECKING:
    from overread.records.reading import Reading

REPORT, OVERLAY = "report.dcm", "overlay.dcm"


def dicom(
    radiograph: Annotated[Path, typer.Argument(help="The radiograph that was scored, in DICOM.", show_default=False)],
    reading: Annotated[str, typer.Option(help="Table of scores, as PATH or NAME=PATH.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to write the DICOM files into.", show_default=False)],
    image: Annotated[
        str | None,
        typer.Option(help="The image's name in the reading, where it is not the file's.", show_default=False),
    ] = None,
    thresholds: Annotated[
        Path | None,
        typer.Option(help="Table finding,threshold: calls are made at these, else scores alone.", show_default=False),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="A picture to put beside the radiograph, such as one of explain.", show_default=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Name of the algorithm; the reading's, if not given.", show_default=False)
    ] = None,
    model_version: Annotated[str, typer.Option(help="Version of the algorithm.")] = "not stated",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a model's scores on one radiograph as a DICOM structured report, and a picture as secondary capture.

    Both belong to the study of the radiograph and refer to it. They say that they are research output and no
    diagnosis. Patient and study are named as the radiograph names them, so the files are as confidential as it is.
    The same answers give objects with the same identifiers.

    Example:

        overread dicom chest.dcm --reading scores.csv --thresholds points.csv --model standard --out for-archive
    """
    require()
    from overread.records.reading import read_reading
    from overread.records.thresholds import read_thresholds
    from overread.records.writing import replace_file
    from overread.vision.results.overlay import read_picture, refuse_other_image, secondary_capture
    from overread.vision.results.source import encoded, read_source
    from overread.vision.results.structured_report import Answers, structured_report

    for name in (REPORT, *((OVERLAY,) if overlay is not None else ())):
        choices.refuse_existing(out / name, force)
    source = read_source(radiograph)
    scores = read_reading(reading)
    row = row_of(scores, radiograph, image)
    answers = Answers(
        (model or "").strip() or scores.name,
        model_version.strip() or "not stated",
        dict(zip(scores.findings, scores.scores[row].tolist(), strict=True)),
        read_thresholds(thresholds) if thresholds is not None else {},
    )
    files = {REPORT: encoded(structured_report(source, answers))}
    if overlay is not None:
        refuse_other_image(overlay, str(scores.images[row]))
        shown = secondary_capture(source, read_picture(overlay), answers.algorithm, answers.version)
        files[OVERLAY] = encoded(shown)
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        replace_file(out / name, data)
        typer.echo(f"Wrote {out / name}")


def row_of(scores: Reading, radiograph: Path, image: str | None) -> int:
    """Return the row of the reading that is of the radiograph: by the name given, else by the file's name.

    Raises `InputError` when there is none.
    """
    known = {name: row for row, name in enumerate(scores.images)}
    names = (image,) if image is not None else (radiograph.name, radiograph.stem)
    found = [known[name] for name in names if name in known]
    if not found and image is None:  # a radiograph that was scored under another ending
        stems = [row for name, row in known.items() if Path(name).stem == radiograph.stem]
        found = stems if len(stems) == 1 else []
    if not found:
        what = f"the reading {plain(scores.name)} has no row for {plain(names[0])}"
        do = "Say with --image how the reading names it."
        raise InputError(located(radiograph), what, f"one of: {listed(list(scores.images))}", do)
    return found[0]


def require() -> None:
    """Refuse where the libraries that read and write DICOM are absent."""
    from importlib.util import find_spec

    for library, extra in (("highdicom", "hand-over"), ("cv2", "vision"), ("gdcm", "vision")):
        if find_spec(library) is None:
            what = f"the library {library} is not installed"
            raise InputError("overread dicom", what, do=f"Install it: pip install 'overread[{extra}]'.")
