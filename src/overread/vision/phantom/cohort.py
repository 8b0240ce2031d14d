"""Writing a phantom cohort: NIH's layout, image after image, so that an interrupted run can be finished.

`phantom.json` is written last: a folder that has it is whole. Until then `phantom.unfinished.json` holds the
settings, and a file in `unfinished/` the boxes of each finished block of images.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2

from overread import __version__
from overread.records.errors import InputError, listed, located
from overread.records.findings import NIH_FINDINGS, NO_FINDING
from overread.records.nih import LISTS
from overread.records.synthetic import FILE as PHANTOM
from overread.vision.phantom.anatomy import FIELD_MM
from overread.vision.phantom.design import Design, image_name
from overread.vision.phantom.mimics import SHARES
from overread.vision.phantom.population import GENDER_ODDS, LONGEST, Exam
from overread.vision.phantom.rendering import Spec, render

TABLE, BOXES, DRAINS, IMAGES = "Data_Entry_2017_phantom.csv", "BBox_List_2017.csv", "drain_boxes.csv", "images"
UNFINISHED, PARTS = "phantom.unfinished.json", "unfinished"
OWN = {TABLE, BOXES, DRAINS, IMAGES, PHANTOM, UNFINISHED, PARTS, *LISTS.values()}
"""What a phantom's folder holds."""

FORMAT = "overread phantom 1"
STATEMENT = (
    "Every image is a synthetic phantom, drawn by a program. None shows a person. Nothing measured on them says how "
    "well a model reads real radiographs."
)
BLOCK = 50
"""Images that one process draws at a time; at most so many per process are drawn again after an interruption."""

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],chest_tube"
)
"""NIH's header, whose last four columns are two split at their comma, and one column more."""

Numbered = tuple[str, Spec]
Drawn = dict[str, Any]


def write_phantom(
    design: Design,
    folder: str | Path,
    *,
    workers: int = 1,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Path:
    """Write a cohort into a folder, or finish it there if a run with the same settings was interrupted.

    `progress` is called with the images done and their number. More than one worker are processes of their own, so a
    script that asks for them needs the usual `if __name__ == "__main__":`. With `force` a folder that this function
    wrote is replaced.

    Raises `InputError` when the place is taken or cannot be written to.
    """
    place = Path(folder)
    records = design.records()  # refuses frequencies that cannot be had, before anything is written
    try:
        begin(design, place, force=force)
        drawn = draw_all(design, records, place, workers=workers, progress=progress)
        finish(design, [exam for exam, _ in records], place, drawn)
    except OSError as error:
        what = f"the phantom cannot be written there ({error.strerror or error})"
        raise InputError(located(error.filename or folder), what) from error
    return place


# --- the folder ------------------------------------------------------------------------------------------------------


def check_place(design: Design, place: Path, *, force: bool) -> bool:
    """Return whether an unfinished run is to be continued in a place; raise `InputError` when it is taken."""
    if not os.path.lexists(place):
        return False
    if not place.is_dir():
        raise InputError(located(place), "this is a file", "a folder for the phantom", "Choose another place.")
    held = {path.name for path in place.iterdir()}
    if not held:
        return False
    strangers = sorted(held - OWN)
    if not held & {PHANTOM, UNFINISHED} or strangers:
        what = f"the folder holds what overread phantom did not write ({listed(strangers or sorted(held))})"
        raise InputError(
            located(place), what, "an empty or a new folder", "Choose another place; it will not be replaced."
        )
    if PHANTOM not in held and settings_in(place / UNFINISHED) == settings(design):
        return not force
    if not force:
        what = (
            "a phantom is there already" if PHANTOM in held else "a run with other settings was left unfinished there"
        )
        raise InputError(located(place), what, "", "Give --force to replace it, or choose another place.")
    return False


def begin(design: Design, place: Path, *, force: bool) -> None:
    """Make the folder ready: keep an unfinished run of these settings, else empty it and note the settings."""
    if check_place(design, place, force=force):
        return
    place.mkdir(parents=True, exist_ok=True)
    for name in (PHANTOM, *sorted(OWN - {PHANTOM})):  # first the file that says the folder is whole
        path = place / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in (IMAGES, PARTS):
        (place / name).mkdir()
    write_whole(place / UNFINISHED, json.dumps(settings(design), indent=1) + "\n")


def settings(design: Design) -> dict[str, Any]:
    """Return what decides every byte of a cohort, as JSON gives it back."""
    found = {"format": FORMAT, "settings": design.settings(), "versions": versions()}
    return json.loads(json.dumps(found))


def versions() -> dict[str, str]:
    """Return the versions of what draws the images."""
    return {"overread": __version__, "numpy": version("numpy"), "opencv": cv2.__version__}


def settings_in(path: Path) -> dict[str, Any] | None:
    """Return the settings of an unfinished run, None where they cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name and move it to its own: it is there whole or not at all."""
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


# --- the images ------------------------------------------------------------------------------------------------------


def draw_all(
    design: Design,
    records: list[tuple[Exam, Spec]],
    place: Path,
    *,
    workers: int,
    progress: Callable[[int, int], None],
) -> list[Drawn]:
    """Draw all images that are not there yet, and return what was drawn on each, in the cohort's order."""
    named = [(image_name(exam), spec) for exam, spec in records]
    blocks = [named[i : i + BLOCK] for i in range(0, len(records), BLOCK)]
    parts = [place / PARTS / f"{i:05d}.json" for i in range(len(blocks))]
    found = [read_part(path, block, place / IMAGES) for path, block in zip(parts, blocks, strict=True)]
    done = sum(len(part) for part in found if part is not None)
    progress(done, len(records))
    jobs = [i for i, part in enumerate(found) if part is None]
    draw = partial(draw_block, folder=place / IMAGES, size=design.size, drains=not design.without_drains)
    for i, part in drawn_blocks(draw, {i: blocks[i] for i in jobs}, workers):
        write_whole(parts[i], json.dumps(part))
        found[i] = part
        done += len(part)
        progress(done, len(records))
    return [drawn for part in found for drawn in part or ()]


def read_part(path: Path, block: list[Numbered], images: Path) -> list[Drawn] | None:
    """Return what a finished block noted, None where it is not finished or an image of it is gone."""
    try:
        part = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    names = [name for name, _ in block]
    whole = [drawn["image"] for drawn in part] == names and all((images / name).is_file() for name in names)
    return part if whole else None


def drawn_blocks(
    draw: Callable[[list[Numbered]], list[Drawn]], blocks: dict[int, list[Numbered]], workers: int
) -> Iterator[tuple[int, list[Drawn]]]:
    """Yield what each block noted as it is finished, here or in other processes."""
    if workers <= 1 or len(blocks) <= 1:
        for i, block in blocks.items():
            yield i, draw(block)
        return
    with ProcessPoolExecutor(min(workers, len(blocks)), get_context("spawn"), initializer=alone) as pool:
        waiting = {pool.submit(draw, block): i for i, block in blocks.items()}
        try:
            for finished in as_completed(waiting):
                yield waiting[finished], finished.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def alone() -> None:
    """Keep a worker to one core, and leave an interruption from the keyboard to the process that waits for it."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def draw_block(block: list[Numbered], *, folder: Path, size: int, drains: bool) -> list[Drawn]:
    """Draw and write some images, and return the boxes on each."""
    noted = []
    for name, spec in block:
        phantom = render(spec, size=size, drain=drains)
        _, png = cv2.imencode(".png", phantom.pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        write_whole(folder / name, png.tobytes())
        drain = None if phantom.drain is None else asdict(phantom.drain)
        noted.append({"image": name, "boxes": [asdict(box) for box in phantom.boxes], "drain": drain})
    return noted


# --- the tables ------------------------------------------------------------------------------------------------------


def finish(design: Design, exams: list[Exam], place: Path, drawn: list[Drawn]) -> None:
    """Write the tables, then the file that says the folder is whole, and remove what only an unfinished run needs."""
    write_whole(place / BOXES, lines("Image Index,Finding Label,Bbox [x,y,w,h],,,", box_rows(drawn)))
    drains = [f"{each['image']},{corners(each['drain'])}" for each in drawn if each["drain"]]
    write_whole(place / DRAINS, lines("image,x,y,width,height", drains))
    for part, name in LISTS.items():
        write_whole(place / name, lines("", [image_name(exam) for exam in exams if exam.test == (part == "test")]))
    rows = [table_row(exam, design.size, bool(each["drain"])) for exam, each in zip(exams, drawn, strict=True)]
    write_whole(place / TABLE, lines(HEADER, rows))
    write_whole(place / PHANTOM, json.dumps(told(design, exams, drawn), indent=1) + "\n")
    shutil.rmtree(place / PARTS)
    (place / UNFINISHED).unlink()


def lines(header: str, rows: Iterable[str]) -> str:
    """Return a text of lines, the header first if there is one."""
    return "".join(f"{line}\n" for line in ([header] if header else []) + list(rows))


def table_row(exam: Exam, size: int, drain: bool) -> str:
    """Return an image's row in the label table."""
    labels = "|".join(sorted(exam.findings)) or NO_FINDING
    spacing = f"{FIELD_MM / size:.6g}"
    who = f"{exam.number},{exam.patient},{exam.age},{exam.gender},{exam.view}"
    return f"{image_name(exam)},{labels},{who},{size},{size},{spacing},{spacing},{'yes' if drain else 'no'}"


def box_rows(drawn: list[Drawn]) -> Iterator[str]:
    """Yield the rows of the box list; NIH's calls one finding `Infiltrate`, and every row ends in three empty cells."""
    for each in drawn:
        for box in each["boxes"]:
            finding = "Infiltrate" if box["finding"] == "Infiltration" else box["finding"]
            yield f"{each['image']},{finding},{corners(box)},,,"


def corners(box: dict[str, Any]) -> str:
    """Return a box as four cells."""
    return ",".join(str(box[name]) for name in ("x", "y", "width", "height"))


def told(design: Design, exams: list[Exam], drawn: list[Drawn]) -> dict[str, Any]:
    """Return what `phantom.json` says: that all is synthetic, from what it was made, and what came of it."""
    n = len(exams)
    return {
        "synthetic": True,
        "statement": STATEMENT,
        **settings(design),
        "population": {
            "source": "patients drawn from the label table of ChestX-ray14 (Wang et al. 2017), re-weighted",
            "longest": LONGEST,
            "gender_odds": GENDER_ODDS,
            "mimics": SHARES,
            "targets": {name: round(design.population.targets[name], 6) for name in NIH_FINDINGS},
        },
        "counts": {
            "images": n,
            "patients": len({exam.patient for exam in exams}),
            "test_images": sum(exam.test for exam in exams),
            "chest_tubes": sum(each["drain"] is not None for each in drawn),
            "boxes": sum(len(each["boxes"]) for each in drawn),
            "findings": {name: sum(name in exam.findings for exam in exams) for name in NIH_FINDINGS},
        },
        "mm_per_pixel": FIELD_MM / design.size,
    }
