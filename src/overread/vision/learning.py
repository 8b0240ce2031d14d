"""One training as Lightning runs it: a step, a validation, and what is kept at the end of an epoch.

Everything that decides what happens next (the rate, the best epoch, when to stop) follows from the settings and
from `history`, a row of figures per epoch. A checkpoint is written at the end of each epoch, after its row, and holds
weights, the optimiser's state and the history: a training that goes on from one is in no other state than one that was
never interrupted. Lightning's own early stopping and checkpoints keep further state, some of it written before
the epoch has ended, so they are not used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import polars as pl
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from overread.records.writing import replace_file
from overread.vision.batches import Batch
from overread.vision.learning_rates import learning_rate
from overread.vision.loss import masked_cross_entropy
from overread.vision.networks import ChestNetwork
from overread.vision.preprocessing import Preprocessing
from overread.vision.run_folder import BEST, LAST
from overread.vision.runs import METRICS
from overread.vision.settings import Settings
from overread.vision.validation import validated

LOOK = 20
"""Steps after which the loss is fetched from the device: it waits for it."""


@dataclass(frozen=True)
class Progress:
    """How far a training is. `figures` are those of an epoch that has ended, else `None`."""

    epoch: int
    n_epochs: int
    step: int
    n_steps: int
    loss: float
    figures: dict[str, float] | None = None
    best: bool = False


Show = Callable[[Progress], None]


class Learning(lightning.LightningModule):
    """Trains one network; `labels` are those of the validation rows, `n_steps` the batches of an epoch."""

    def __init__(
        self,
        network: ChestNetwork,
        preprocessing: Preprocessing,
        settings: Settings,
        *,
        folder: Path,
        labels: NDArray[np.int8],
        n_steps: int,
        identity: str,
        show: Show,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.preprocessing, self.settings, self.folder, self.show = preprocessing, settings, folder, show
        self.val_labels, self.n_batches, self.identity = labels, n_steps, identity
        self.history: list[dict[str, float]] = []
        self.figures: dict[str, float] = {}
        self.answers: list[tuple[Tensor, Tensor]] = []
        self.losses: list[Tensor] = []
        self.began, self.loss = time.monotonic(), float("nan")

    @property
    def n_updates(self) -> int:
        """Return the steps of the optimiser in an epoch."""
        return -(-self.n_batches // self.settings.accumulate)

    @property
    def best_epoch(self) -> int:
        """Return the epoch, counted from 1, of the best validation figure so far; 0 before the first."""
        return best_epoch(self.history, self.settings.choose_by)

    @property
    def has_ended(self) -> bool:
        """Say whether all epochs are done, or patience has run out."""
        waited, patience = len(self.history) - self.best_epoch, self.settings.patience
        return len(self.history) >= self.settings.epochs or 0 < patience <= waited

    # --- steps -------------------------------------------------------------------------------------------------------

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser of every layer."""
        kind = torch.optim.AdamW if self.settings.optimizer == "adamw" else torch.optim.Adam
        rate = self.settings.learning_rate
        assert rate is not None
        return kind(self.network.parameters(), lr=rate, weight_decay=self.settings.weight_decay)

    def logits(self, batch: Batch) -> Tensor:
        """Return the network's answers to a batch."""
        images = self.preprocessing.normalised(batch.pixels)
        return self.network(images, batch.metadata if self.network.metadata_width else None)

    def on_train_epoch_start(self) -> None:
        """Begin an epoch."""
        self.losses, self.began = [], time.monotonic()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the rate of this step."""
        assert self.settings.learning_rate is not None
        rate = learning_rate(
            self.settings.schedule,
            highest=self.settings.learning_rate,
            step=len(self.history) * self.n_updates + batch_idx // self.settings.accumulate,
            n_steps=self.settings.epochs * self.n_updates,
            warmup_steps=round(self.settings.warmup * self.n_updates),
            losses=[row["val_loss"] for row in self.history],
        )
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate
        self.rate = rate

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        loss = masked_cross_entropy(self.logits(batch).float(), batch.labels)
        self.losses.append(loss.detach())
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Tell how far it is."""
        if batch_idx % LOOK == 0:
            self.loss = float(self.losses[-1])
            self.record({"train_loss_of_batch": self.loss, "learning_rate": self.rate})
        self.show(Progress(len(self.history) + 1, self.settings.epochs, batch_idx + 1, self.n_batches, self.loss))

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Answer to a batch of validation rows."""
        self.answers.append((batch.rows, self.logits(batch).float()))

    def on_validation_epoch_end(self) -> None:
        """Bring all processes' answers together, each row once, and judge them."""
        rows, logits = (torch.cat(parts) for parts in zip(*self.answers, strict=True))
        self.answers = []
        if self.trainer.world_size > 1:
            rows, logits = gathered(rows), gathered(logits)
        answers = np.empty(self.val_labels.shape, np.float32)
        answers[rows.cpu().numpy()] = logits.cpu().numpy()
        self.figures = validated(self.val_labels, answers, self.network.findings)

    def record(self, figures: dict[str, float]) -> None:
        """Write figures for TensorBoard."""
        if self.logger is not None:
            self.logger.log_metrics(figures, self.global_step)

    # --- the end of an epoch -----------------------------------------------------------------------------------------

    def on_train_epoch_end(self) -> None:
        """Add the epoch to the history, keep the best weights, and write the checkpoint."""
        loss = torch.stack(self.losses).mean()
        if self.trainer.world_size > 1:
            loss = gathered(loss[None]).mean()
        row = {"epoch": len(self.history) + 1, "train_loss": float(loss), **self.figures}
        self.history.append({**row, "learning_rate": self.rate, "seconds": round(time.monotonic() - self.began, 3)})
        best = self.best_epoch == len(self.history)
        if self.trainer.is_global_zero:
            if best:
                tensors = {name: tensor.cpu().contiguous() for name, tensor in self.network.state_dict().items()}
                replace_file(self.folder / BEST, safetensors.torch.save(tensors))
            replace_file(self.folder / METRICS, history_table(self.history).write_csv().encode())
        self.trainer.save_checkpoint(self.folder / LAST)
        self.record({name: value for name, value in self.history[-1].items() if name != "epoch"})
        self.show(
            Progress(
                len(self.history),
                self.settings.epochs,
                self.n_batches,
                self.n_batches,
                float(loss),
                self.history[-1],
                best,
            )
        )
        self.trainer.should_stop = self.has_ended

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the history, and what the training is, to a checkpoint."""
        checkpoint["history"], checkpoint["identity"] = self.history, self.identity

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with a history."""
        self.history = checkpoint["history"]


def gathered(part: Tensor) -> Tensor:
    """Return the parts of all processes, which are of one shape, one after the other."""
    parts = [torch.empty_like(part) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, part.contiguous())
    return torch.cat(parts)


def best_epoch(history: Sequence[dict[str, float]], choose_by: str) -> int:
    """Return the epoch, counted from 1, with the lowest validation loss or the highest mean AUROC; of equals the first.

    Where no finding has an AUROC, the loss decides.
    """
    if not history:
        return 0
    areas = np.array([row["val_auroc"] for row in history])
    losses = np.array([row["val_loss"] for row in history])
    goodness = areas if choose_by == "auroc" and not np.isnan(areas).any() else -losses
    return int(np.argmax(np.where(np.isnan(goodness), -np.inf, goodness))) + 1


def history_table(history: Sequence[dict[str, float]]) -> pl.DataFrame:
    """Return the figures of all epochs, a row each; what cannot be computed is empty."""
    return pl.DataFrame(list(history), infer_schema_length=None).with_columns(
        pl.col("epoch").cast(pl.Int64), (pl.selectors.float() & ~pl.selectors.by_name("epoch")).fill_nan(None)
    )
