"""Scores of a whole cohort: every image exactly once, images decoded while others are scored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overread.records.cohort import Cohort
from overread.records.errors import InputError, counted, listed, plain
from overread.records.reading import Reading
from overread.vision.pixels import PixelSource
from overread.vision.radiographs import UnreadableRadiograph
from overread.vision.score_parts import InMemory, Parts, Piece, pieces
from overread.vision.scorers import Scorer

SKIP = "Give --skip-unreadable to go on without the images that cannot be read."


@dataclass(frozen=True)
class Share:
    """Which of the pieces a process does: every `of`-th, from `first` on."""

    first: int = 0
    of: int = 1


WHOLE = Share()


def score(
    scorer: Scorer,
    cohort: Cohort,
    pixels: PixelSource,
    *,
    name: str = "model",
    split: Sequence[str | None] | None = None,
    batch_size: int = 16,
    workers: int | None = None,
    skip_unreadable: bool = False,
    progress: Callable[[int], None] = lambda images: None,
) -> Reading:
    """Score every image of a cohort (`cohort.take` chooses some) and return the reading.

    `split` says what each row was to the model: `train`, `val` (tuning rows), `test`, or None. `workers` threads decode
    while the scorer computes. The result does not depend on `batch_size`, but for rounding.

    Raises `InputError` where an image is absent, or cannot be read unless `skip_unreadable` leaves it out, and where
    the scorer gives what are no scores.
    """
    parts = InMemory()
    score_share(
        scorer,
        cohort,
        pixels,
        parts,
        batch_size=batch_size,
        workers=workers,
        skip_unreadable=skip_unreadable,
        progress=progress,
    )
    return assembled(parts, cohort, scorer.findings, name=name, split=split)


def score_share(
    scorer: Scorer,
    cohort: Cohort,
    pixels: PixelSource,
    parts: Parts,
    *,
    share: Share = WHOLE,
    batch_size: int = 16,
    workers: int | None = None,
    skip_unreadable: bool = False,
    progress: Callable[[int], None] = lambda images: None,
) -> None:
    """Score the pieces of a share that are not done yet; `progress` is told of every batch how many images it had."""
    check_call(scorer, pixels, batch_size)
    numbered = list(enumerate(pieces(cohort.n_images)))[share.first :: share.of]
    todo = [(number, piece) for number, piece in numbered if not parts.has(number)]
    batches = [
        range(begin, min(begin + batch_size, piece.stop))
        for _, piece in todo
        for begin in range(piece.start, piece.stop, batch_size)
    ]
    with answers(scorer, cohort, pixels, batches, workers, skip_unreadable) as found:
        for number, piece in todo:
            rows: list[Piece] = []
            for _ in range(piece.start, piece.stop, batch_size):
                rows.append(next(found))
                progress(len(rows[-1].scores))
            reasons = {image: reason for each in rows for image, reason in each.reasons.items()}
            parts.put(number, Piece(np.concatenate([each.scores for each in rows]), reasons))


def assembled(
    parts: Parts, cohort: Cohort, findings: Sequence[str], *, name: str, split: Sequence[str | None] | None
) -> Reading:
    """Return the reading of all pieces, without images that could not be read; its warnings say which those are."""
    found = [parts.get(number) for number in range(len(pieces(cohort.n_images)))]
    scores = np.concatenate([piece.scores for piece in found])
    reasons = {image: reason for piece in found for image, reason in piece.reasons.items()}
    kept = ~cohort.images.is_in(list(reasons)).to_numpy()
    if not kept.any():
        image, reason = next(iter(reasons.items()))
        raise InputError(plain(cohort.name), f"no image could be read ({image}: {reason})", "", "Check --images.")
    said = pl.Series("split", [None] * cohort.n_images if split is None else list(split), dtype=pl.String)
    return Reading(
        name=name,
        images=cohort.images.filter(pl.Series(kept)),
        findings=tuple(findings),
        scores=scores[kept],
        warnings=left_out(reasons),
        split=None if said.is_null().all() else said.filter(pl.Series(kept)),
    )


def left_out(reasons: dict[str, str]) -> tuple[str, ...]:
    """Say which images could not be read."""
    if not reasons:
        return ()
    first = [f"{image}: {reason}" for image, reason in list(reasons.items())[:3]]
    more = f"; and {len(reasons) - 3:,} more" if len(reasons) > 3 else ""
    return (f"Left out, as they cannot be read: {counted(len(reasons), 'image')} ({'; '.join(first)}{more}).",)


def check_call(scorer: Scorer, pixels: PixelSource, batch_size: int) -> None:
    """Refuse squares of another size than the scorer takes, and batches of nothing."""
    if pixels.size != scorer.size:
        do = f"Open them with size={scorer.size}."
        raise InputError("pixels", f"the squares have {pixels.size} pixels a side", f"{scorer.size}", do)
    if batch_size < 1:
        raise InputError("--batch-size", f"it is {batch_size}", "1 or more")


# --- the pipeline ----------------------------------------------------------------------------------------------------


@contextmanager
def answers(
    scorer: Scorer,
    cohort: Cohort,
    pixels: PixelSource,
    batches: Iterable[range],
    workers: int | None,
    skip_unreadable: bool,
) -> Iterator[Iterator[Piece]]:
    """Give the scores of batches in their order, a few of them under way at any time."""
    streams: int = getattr(scorer, "streams", 1)
    workers = workers or max(1, streams)
    with ExitStack() as stack:
        readers = stack.enter_context(ThreadPoolExecutor(workers, "read"))
        scoring = stack.enter_context(ThreadPoolExecutor(streams, "score"))
        stack.enter_context(one_thread_each(streams))

        def begun(batch: range) -> Future[Piece]:
            rows = cohort.table[batch.start : batch.stop]
            images = rows["image"].to_list()
            squares = readers.submit(read, pixels, images, skip_unreadable)
            return scoring.submit(answer, scorer, rows, squares)

        waiting: deque[Future[Piece]] = deque()

        def in_order() -> Iterator[Piece]:
            for batch in batches:
                waiting.append(begun(batch))
                if len(waiting) > streams + workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

        try:
            yield in_order()
        finally:
            readers.shutdown(cancel_futures=True)
            scoring.shutdown(cancel_futures=True)


@contextmanager
def one_thread_each(streams: int) -> Iterator[None]:
    """Keep PyTorch to one thread for each batch where several are scored at the same time."""
    if streams < 2:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def read(pixels: PixelSource, images: Sequence[str], skip_unreadable: bool) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """Return the squares of the images that can be read, and why the others cannot."""
    if not skip_unreadable:
        try:
            return pixels.batch(images), {}
        except UnreadableRadiograph as refusal:
            raise UnreadableRadiograph(refusal.where, refusal.what, refusal.expected, SKIP) from None
    found, reasons = [], {}
    for image in images:
        try:
            found.append(pixels.pixels(image))
        except UnreadableRadiograph as refusal:
            reasons[image] = refusal.what
    size = pixels.size
    return np.stack(found) if found else np.empty((0, size, size), np.uint8), reasons


def answer(scorer: Scorer, rows: pl.DataFrame, squares: Future[tuple[NDArray[np.uint8], dict[str, str]]]) -> Piece:
    """Return the scores of one batch, nan where an image could not be read."""
    pixels, reasons = squares.result()
    there = ~rows["image"].is_in(list(reasons)).to_numpy()
    scores = np.full((len(rows), len(scorer.findings)), np.nan)
    if there.any():
        attributes = rows.filter(pl.Series(there)) if reasons else rows
        scores[there] = checked(scorer.scores(pixels, attributes), attributes, scorer)
    return Piece(scores, reasons)


def checked(scores: Any, rows: pl.DataFrame, scorer: Scorer) -> NDArray[np.float64]:
    """Refuse what are no scores of a batch."""
    found = np.asarray(scores, np.float64)
    where, shape = f"the scorer's answer to {listed(rows['image'].to_list())}", (len(rows), len(scorer.findings))
    if found.shape != shape:
        raise InputError(where, f"its shape is {found.shape}", f"{shape}: images, findings")
    wrong = ~((found >= 0) & (found <= 1))
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        what = f"the score of {plain(scorer.findings[column])} on {plain(rows['image'][row])} is {found[row, column]:g}"
        raise InputError(where, what, "a number from 0 to 1", "Apply a sigmoid if these are logits.")
    return found
