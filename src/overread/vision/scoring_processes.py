"""A run scored by several processes at once, one to a GPU or to a share of the processor's cores.

Rows need nothing of each other, so that the processes exchange nothing: each scores every so-manieth piece, leaves it
on disk (`score_parts`), and when all have ended the pieces are put together. There is no collective that could hang, no
padding that would score a row twice; where the number of processes does not divide the number of pieces, some have
one piece less. Lightning's `Trainer.predict` would bring a sampler that pads, and ask for a writer like this one.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

from overread.records.cohort import Cohort
from overread.vision.decoding import begin
from overread.vision.pixels import open_pixels
from overread.vision.run_scorers import RunScorer, chosen_device, cores, run_scorer
from overread.vision.runs import read_run
from overread.vision.score_parts import OnDisk
from overread.vision.scoring import WHOLE, Share, score_share
from overread.vision.squares import Fit

SECONDS = 0.5
"""How often the progress of other processes is looked at."""


@dataclass(frozen=True)
class Job:
    """All that a process must know to score its share of a cohort's rows."""

    run: Path
    cohort: Cohort
    images: Path
    parts: OnDisk
    engine: str = "torch"
    device: str = "auto"
    precision: str = "float32"
    flip: bool = False
    batch_size: int = 16
    workers: int | None = None
    skip_unreadable: bool = False
    fit: Fit | None = None

    def scorer(self, share: Share = WHOLE) -> RunScorer:
        """Return the run as a scorer, on the device that belongs to a share."""
        device = chosen_device(self.device)
        streams = max(1, cores() // share.of)
        device = f"cuda:{share.first}" if device == "cuda" and share.of > 1 else device
        return run_scorer(
            read_run(self.run),
            engine=self.engine,
            device=device,
            precision=self.precision,
            flip=self.flip,
            streams=streams,
        )


class Stopped(RuntimeError):
    """Another process failed, and this one need not go on."""


_STOP: Event | None = None


def score_in_processes(job: Job, processes: int, progress: Callable[[int], None] = lambda pieces: None) -> None:
    """Score all pieces in so many processes; `progress` is told now and then how many pieces are done.

    Raises what the first process that fails raises; the others stop at their next batch.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(processes, mp_context=context, initializer=prepare, initargs=(stop,)) as pool:
        under_way = {pool.submit(do_share, job, Share(first, processes)) for first in range(processes)}
        try:
            while under_way:
                done, under_way = wait(under_way, timeout=SECONDS)
                progress(job.parts.done())
                failures = [reason for each in done if (reason := each.exception()) is not None]
                if failures:
                    raise next((reason for reason in failures if not isinstance(reason, Stopped)), failures[0])
        finally:
            stop.set()


def prepare(stop: Event) -> None:
    """Set up a process: told when to stop, left alone by Ctrl-C, gone when the process that started it is gone."""
    global _STOP
    _STOP = stop
    begin()


def do_share(job: Job, share: Share) -> None:
    """Score one share."""
    scorer = job.scorer(share)

    def go_on(images: int) -> None:
        if _STOP is not None and _STOP.is_set():
            raise Stopped

    score_share(
        scorer,
        job.cohort,
        open_pixels(job.images, size=scorer.size, fit=job.fit),
        job.parts,
        share=share,
        batch_size=job.batch_size,
        workers=job.workers,
        skip_unreadable=job.skip_unreadable,
        progress=go_on,
    )
