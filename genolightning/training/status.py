"""`status.json` in the run folder: how far a run is, and how long it has taken."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only

from genolightning.storage.atomic import atomic_write


class ElapsedTime(NamedTuple):
    """What a run took before it was killed and resumed, in seconds."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


def elapsed_before(trainer: pl.Trainer) -> ElapsedTime:
    """What the killed processes of a trainer's run took, up to their last status; zero for a fresh run."""
    return next((one.before for one in trainer.callbacks if isinstance(one, StatusFile)), ElapsedTime())  # type: ignore[attr-defined]


def _read_elapsed(status: Path) -> ElapsedTime:
    try:
        status_before = json.loads(status.read_text())
        return ElapsedTime(float(status_before["seconds"]), float(status_before["cpu_seconds"]))
    except (OSError, ValueError, KeyError):
        return ElapsedTime()


class StatusFile(Callback):
    """`status.json`: what `genolightning watch` reads of a run that is not finished, anew at every validation, or at
    the end of every epoch where there is none.
    """

    def __init__(self, folder: Path, *, monitor: str, mode: str) -> None:
        self.path, self.monitor, self.mode = folder / "status.json", monitor, mode
        self.made, self.began, self.batches_before = time.monotonic(), 0.0, 0
        self.before = _read_elapsed(self.path)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the first status."""
        self.began, self.batches_before = time.time(), trainer.fit_loop.epoch_loop.total_batch_idx
        self._write(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the status with the new score."""
        if not trainer.sanity_checking:
            self._write(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the status where there is no validation."""
        if not trainer.enable_validation:
            self._write(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write the status, so that time spent up to a checkpoint is counted."""
        self._write(trainer)

    @rank_zero_only
    def _write(self, trainer: pl.Trainer) -> None:
        done = trainer.fit_loop.epoch_loop.total_batch_idx - self.batches_before
        left = float(trainer.num_training_batches) * float(trainer.max_epochs or -1) - self.batches_before - done
        speed = done / max(time.time() - self.began, 1e-9)
        score = trainer.callback_metrics.get(self.monitor)
        status = {
            "epoch": trainer.current_epoch,
            "epochs": trainer.max_epochs,
            "step": trainer.global_step,
            "score_name": self.monitor,
            "mode": self.mode,  # max or min is better
            "score": None if score is None or not torch.isfinite(score) else float(score),
            "seconds_left": round(left / speed) if done > 0 and 0 <= left < float("inf") else None,
            "device": str(trainer.strategy.root_device) + (f" x{trainer.world_size}" if trainer.world_size > 1 else ""),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "time": round(time.time(), 1),
            "seconds": round(self.before.seconds + time.monotonic() - self.made, 2),
            "cpu_seconds": round(self.before.cpu_seconds + time.process_time(), 2),
        }
        with atomic_write(self.path) as draft:
            draft.write_text(json.dumps(status) + "\n")
