"""From a cohort and its images to a run: what `overread train` does."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import lightning
import numpy as np
import safetensors.torch
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

import overread
from overread.records.cohort import MISSING, Cohort
from overread.records.errors import InputError, counted, listed, located
from overread.records.findings import display, key
from overread.records.writing import replace_file
from overread.vision.augmentation import Augmentation
from overread.vision.batches import Batch, Batches, OrderedPlans, TrainingPlans
from overread.vision.checkpoints import TensorCheckpoints, read_checkpoint
from overread.vision.division import Division, division, used_rows
from overread.vision.learning import Learning, Show, best_epoch, history_table
from overread.vision.metadata import MetadataEncoding
from overread.vision.model_card import model_card
from overread.vision.networks import BACKBONES, ChestNetwork, built, unknown_backbone
from overread.vision.pixels import PixelSource, attributes_from, open_pixels, present
from overread.vision.preprocessing import Preprocessing
from overread.vision.processes import is_first_process
from overread.vision.run_folder import BEST, LAST, LOGS, State, check_folder, make_folder
from overread.vision.runs import SETTINGS, Run, read_file, read_run, write_run
from overread.vision.settings import RANGES, Settings
from overread.vision.store import is_store, read_about
from overread.vision.weights import LoadedWeights, place

PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
FROM_WEIGHTS, FROM_NOTHING = 1e-4, 1e-3
"""Highest learning rates: of a backbone that starts from weights, and of one that starts at random."""

SIZE = 256
"""The side of squares made from image files, unless told."""

Say = Callable[[str], None]

LIBRARIES = ("torch", "monai", "lightning", "numpy", "polars", "opencv-python-headless", "safetensors")


@dataclass(frozen=True, eq=False)
class Lesson:
    """All that a training is made of, settled: the rows, their images, and how both reach the network."""

    cohort: Cohort
    division: Division
    source: PixelSource
    preprocessing: Preprocessing
    metadata: MetadataEncoding
    settings: Settings

    def batches(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Batches:
        """Return what makes batches of some rows of the cohort."""
        table = self.cohort.table[rows]
        names = ("flip", "rotation", "translation", "scale", "brightness", "contrast")
        return Batches(
            source=self.source,
            images=table["image"].to_list(),
            labels=np.ascontiguousarray(self.cohort.labels[rows]),
            metadata=self.metadata.encode(table, name=self.cohort.name),
            preprocessing=self.preprocessing,
            augmentation=Augmentation(**{name: getattr(self.settings, name) for name in names}),
            seed=self.settings.seed,
        )

    @property
    def identity(self) -> str:
        """Return a checksum of rows, labels and settings: only the same training may go on from its checkpoint."""
        found = hashlib.sha256()
        settings = {
            name: value for name, value in self.settings.as_values().items() if name not in ("images", "workers")
        }
        found.update(
            json.dumps([settings, self.preprocessing.as_json(), self.metadata.as_json()], sort_keys=True).encode()
        )
        found.update("\n".join(self.cohort.findings).encode())
        for rows in (self.division.train, self.division.val):
            found.update("\n".join(self.cohort.images.gather(rows)).encode())
            found.update(np.ascontiguousarray(self.cohort.labels[rows]).tobytes())
        return found.hexdigest()


def train(
    cohort: Cohort,
    out: str | Path,
    settings: Settings,
    *,
    force: bool = False,
    resume: bool = False,
    show: Show = lambda progress: None,
    say: Say = lambda sentence: None,
) -> Run | None:
    """Train a network on a cohort's training rows, write the run's folder, and return the run.

    `show` is told of every step and epoch, `say` of what is worth a sentence. With `resume`, a training in the folder
    goes on, from the end of its last whole epoch, to the weights that it would have had without the interruption.
    Of several processes only the first returns the run.

    Raises `InputError` for settings, rows or images that do not serve, and for a folder that is taken.
    """
    folder, first = Path(out), is_first_process()
    if first and check_folder(folder, force=force, resume=resume) is State.whole and resume:
        say("The training has ended already: nothing to do.")
        return read_run(folder)
    lesson = lesson_of(cohort, settings)
    history = history_of(lesson, folder) if resume else []
    network, loaded = network_of(lesson)
    if first:
        make_folder(folder, resume=resume)
        say(f"{part_said(lesson, 'train')} to learn from, {part_said(lesson, 'val')} to choose the epoch by.")
        for warning in (*cohort.warnings, *lesson.division.warnings, *unlearnable(lesson)):
            say(warning)
        replace_file(folder / SETTINGS, lesson.settings.as_toml().encode())
    with quiet():
        done = fitted(lesson, network, folder, history=history, show=show if first else lambda progress: None)
    return kept(lesson, folder, loaded) if done else None


# --- what is trained -------------------------------------------------------------------------------------------------


def lesson_of(cohort: Cohort, settings: Settings) -> Lesson:
    """Settle rows, images and settings."""
    if settings.backbone not in BACKBONES:
        raise unknown_backbone(settings.backbone)
    if settings.images is None:
        raise InputError("--images", "it is not given", "a store of overread prepare, or a folder with image files")
    used = of_findings(cohort.take(used_rows(cohort)), settings.findings)
    size = natural_size(settings.images) if settings.size is None else settings.size
    source = open_pixels(settings.images, size=size)
    used = present(used, source, settings.images, present_only=settings.present_only)
    used = attributes_from(source, used)
    settled = settled_settings(settings, size)
    parts = division(used, share=settings.val_share, seed=settings.seed)
    if len(parts.train) < 2 * settings.devices * settings.nodes:
        raise InputError(
            cohort.name, f"there are {counted(len(parts.train), 'training image')}", "two or more a device"
        )
    metadata = MetadataEncoding.fitted(used.take(parts.train), settings.metadata)
    assert settled.crop is not None
    return Lesson(used, parts, source, Preprocessing(size, settled.crop, fit=source.fit), metadata, settled)


def of_findings(cohort: Cohort, findings: Sequence[str]) -> Cohort:
    """Return the cohort with some of its findings, all of them where none is named."""
    if not findings:
        return cohort
    places = {key(finding): column for column, finding in enumerate(cohort.findings)}
    unknown = [finding for finding in findings if key(finding) not in places]
    if unknown:
        expected = f"some of {listed(cohort.findings, most=20)}"
        raise InputError(cohort.name, f"there is no finding {listed(unknown)}", expected)
    columns = [places[key(finding)] for finding in dict.fromkeys(findings)]
    names = tuple(cohort.findings[column] for column in columns)
    return replace(cohort, findings=names, labels=cohort.labels[:, columns])


def natural_size(images: str) -> int:
    """Return the size of a store's squares, `SIZE` for a folder of image files."""
    return int(read_about(Path(images))["size"]) if is_store(images) else SIZE


def settled_settings(settings: Settings, size: int) -> Settings:
    """Return the settings with a value for each that depends on others."""
    smallest = int(RANGES["crop"][0])  # the networks halve the sides five times
    crop = min(size, max(smallest, round(size * 7 / 8))) if settings.crop is None else settings.crop
    if crop > size:
        raise InputError("--crop", f"it is {crop}", f"at most the size of the images, {size}")
    rate = FROM_NOTHING if settings.weights == "none" else FROM_WEIGHTS
    return replace(
        settings,
        size=size,
        crop=crop,
        learning_rate=rate if settings.learning_rate is None else settings.learning_rate,
        workers=default_workers(settings) if settings.workers is None else settings.workers,
    )


def default_workers(settings: Settings) -> int:
    """Return how many processes make batches: none on the processor, which the network needs itself."""
    if settings.accelerator == "cpu" or not torch.cuda.is_available():
        return 0
    return max(1, min(8, (os.cpu_count() or 1) // settings.devices - 1))


def network_of(lesson: Lesson) -> tuple[ChestNetwork, LoadedWeights | None]:
    """Return the network to train, its head set to the findings' frequencies among the training rows.

    The first epochs are not spent on learning that most findings are rare (Lin et al. 2017, ICCV, section 4.1).
    """
    settings = lesson.settings
    network, loaded = built(
        settings.backbone,
        findings=lesson.cohort.findings,
        metadata_width=lesson.metadata.width,
        weights=None if settings.weights == "none" else settings.weights,
        seed=settings.seed,
    )
    labels = lesson.cohort.labels[lesson.division.train]
    n, positive = (labels != MISSING).sum(axis=0), (labels == 1).sum(axis=0)
    share = (positive + 0.5) / (n + 1)
    with torch.no_grad():
        network.head.bias.copy_(torch.from_numpy(np.log(share / (1 - share))))
    return network, loaded


def part_said(lesson: Lesson, name: str) -> str:
    """Return how many images and patients a part has."""
    rows = lesson.division.train if name == "train" else lesson.division.val
    people = lesson.cohort.patients
    of = "" if people is None else f" of {counted(people.gather(rows).n_unique(), 'patient')}"
    return f"{counted(len(rows), 'image')}{of}"


def unlearnable(lesson: Lesson) -> list[str]:
    """Say which findings no training image shows, or all do."""
    labels = lesson.cohort.labels[lesson.division.train]
    said = []
    for value, what in ((1, "No training image shows"), (0, "No training image is without")):
        names = [
            display(name)
            for name, column in zip(lesson.cohort.findings, labels.T, strict=True)
            if not (column == value).any()
        ]
        if names:
            said.append(f"{what} {listed(names, most=14)}: the model cannot learn it.")
    return said


# --- training --------------------------------------------------------------------------------------------------------


def history_of(lesson: Lesson, folder: Path) -> list[dict[str, float]]:
    """Return the epochs that a training in a folder has behind it; refuse to go on with another one."""
    if not (folder / LAST).is_file():
        return []
    checkpoint = read_checkpoint(folder / LAST)
    if checkpoint.get("identity") != lesson.identity:
        raise InputError(
            located(folder),
            "the training there had other rows, labels or settings",
            "the same cohort, images and settings as when it began",
            f"Give those of {SETTINGS} in that folder, or --force to begin anew.",
        )
    return checkpoint["history"]


def fitted(
    lesson: Lesson, network: ChestNetwork, folder: Path, *, history: Sequence[dict[str, float]], show: Show
) -> bool:
    """Train on from what a history has behind it, and say whether this is the process that finishes the run."""
    trainer = trainer_of(lesson.settings, folder)
    training, validation = lesson.batches(lesson.division.train), lesson.batches(lesson.division.val)
    plans = TrainingPlans(
        len(training),
        lesson.settings.batch_size,
        lesson.settings.seed,
        process=trainer.global_rank,
        n_processes=trainer.world_size,
    )
    learning = Learning(
        network,
        lesson.preprocessing,
        lesson.settings,
        folder=folder,
        labels=validation.labels,
        n_steps=len(plans),
        identity=lesson.identity,
        show=show,
    )
    learning.history = list(history)
    if learning.has_ended:
        return trainer.is_global_zero
    data = Loaders(training, validation, lesson.settings)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(learning, datamodule=data, ckpt_path=folder / LAST if history else None)
    except SystemExit:  # how Lightning answers an interruption, deaf to any further one
        signal.signal(signal.SIGINT, interrupt)
        raise KeyboardInterrupt from None
    except torch.cuda.OutOfMemoryError:
        do = "Give a smaller --batch-size (and --accumulate to make up for it), or --precision bf16."
        raise InputError("--batch-size", "the GPU's memory is too small for a batch", "", do) from None
    except OSError as reason:
        raise InputError(located(folder), f"the training cannot go on ({reason.strerror or reason})") from None
    return trainer.is_global_zero


class Loaders(lightning.LightningDataModule):
    """Makes each process's loaders, once Lightning knows which process it is."""

    def __init__(self, training: Batches, validation: Batches, settings: Settings) -> None:
        super().__init__()
        self.training, self.validation, self.settings = training, validation, settings

    def train_dataloader(self) -> Any:
        """Return the batches of an epoch, in its order."""
        return self.loader(self.training, TrainingPlans, self.settings.seed)

    def val_dataloader(self) -> Any:
        """Return the batches of the validation part."""
        return self.loader(self.validation, OrderedPlans)

    def on_before_batch_transfer(self, batch: Batch | InputError, dataloader_idx: int) -> Batch:
        """Refuse an image that could not be read, here in the process that speaks to the user."""
        if isinstance(batch, InputError):
            raise batch
        return batch

    def loader(self, batches: Batches, plans: Any, *options: int) -> Any:
        """Return a loader of batches as they are planned."""
        trainer, workers = self.trainer, self.settings.workers or 0
        assert trainer is not None
        made = plans(
            len(batches),
            self.settings.batch_size,
            *options,
            process=trainer.global_rank,
            n_processes=trainer.world_size,
        )
        return DataLoader(
            batches,
            sampler=made,
            batch_size=None,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=trainer.strategy.root_device.type == "cuda",
            worker_init_fn=one_thread,
            generator=torch.Generator().manual_seed(self.settings.seed),  # else it draws from the global one
        )


def one_thread(worker: int) -> None:
    """Let a process that makes batches use one core: there are several of them."""
    cv2.setNumThreads(0)


def trainer_of(settings: Settings, folder: Path) -> lightning.Trainer:
    """Return Lightning's trainer."""
    on_cpu = settings.accelerator == "cpu" or not torch.cuda.is_available()
    if settings.precision == "16" and on_cpu:
        raise InputError("--precision", "16 needs a GPU", "32 or bf16 on a processor")
    try:
        return lightning.Trainer(
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy=settings.strategy,
            precision=PRECISIONS[settings.precision],  # type: ignore[arg-type]
            max_epochs=settings.epochs,
            accumulate_grad_batches=settings.accumulate,
            gradient_clip_val=settings.clip or None,
            deterministic=False if on_cpu else "warn",  # on a processor it is anyway
            benchmark=False,
            logger=TensorBoardLogger(folder, name=LOGS, version=""),
            plugins=[TensorCheckpoints()],
            default_root_dir=folder,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError, RuntimeError) as reason:
        said = str(reason).strip().splitlines()[0].rstrip(".")
        raise InputError("--accelerator, --devices, --nodes, --strategy", said) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning from talking of itself, and leave the process as it was."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    levels = [logger.level for logger in loggers]
    deterministic = torch.are_deterministic_algorithms_enabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in EXPECTED:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        torch.use_deterministic_algorithms(deterministic)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


TALKATIVE = ("lightning.pytorch", "lightning.fabric")
EXPECTED = (
    ".*does not have many workers.*",  # on a processor, the network needs all cores itself
    ".*does not have a deterministic implementation.*",  # the guide says what holds on a GPU
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",  # Lightning 2.6 with PyTorch 2.13
)


# --- what is kept ----------------------------------------------------------------------------------------------------


def kept(lesson: Lesson, folder: Path, loaded: LoadedWeights | None) -> Run:
    """Write the run of the best epoch, and return it."""
    history = read_checkpoint(folder / LAST)["history"]
    settings = lesson.settings
    network = ChestNetwork(settings.backbone, lesson.cohort.findings, lesson.metadata.width)
    tensors = safetensors.torch.load(read_file(folder / BEST))
    place(network, tensors, settings.backbone, located(folder / BEST))
    best = best_epoch(history, settings.choose_by)
    run = Run(
        folder=folder,
        backbone=settings.backbone,
        findings=lesson.cohort.findings,
        preprocessing=lesson.preprocessing,
        metadata=lesson.metadata,
        split=lesson.division.table(lesson.cohort),
        settings=settings.as_values(),
        metrics={name: None if value != value else value for name, value in history[best - 1].items()},
        facts=facts_of(lesson, history, loaded),
    )
    write_run(run, network, epochs=history_table(history), card=model_card(run))
    return run


def facts_of(lesson: Lesson, history: Sequence[Mapping[str, float]], loaded: LoadedWeights | None) -> dict[str, Any]:
    """Return what else is to be known of a run: plain values."""
    cohort, parts = lesson.cohort, lesson.division
    people = cohort.patients
    counts = {
        part: {
            "images": len(rows),
            "patients": None if people is None else people.gather(rows).n_unique(),
            "positives": {
                name: int((column == 1).sum())
                for name, column in zip(cohort.findings, cohort.labels[rows].T, strict=True)
            },
        }
        for part, rows in (("train", parts.train), ("val", parts.val))
    }
    return {
        "cohort": {
            "name": cohort.name,
            "sources": [{"file": Path(source.path).name, "sha256": source.sha256} for source in cohort.sources],
            "synthetic": cohort.synthetic,
            "warnings": [warning for warning in cohort.warnings if warning != cohort.synthetic],
        },
        "counts": counts,
        "weights": None
        if loaded is None
        else {
            "file": loaded.source,
            "sha256": loaded.sha256,
            "n_used": len(loaded.used),
            "unused": list(loaded.unused),
        },
        "epochs_trained": len(history),
        "seconds": round(sum(row["seconds"] for row in history), 1),
        "versions": {
            "overread": overread.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }
