"""Exact resuming: a run that is killed anywhere goes on as if it had not been.

Written against Lightning 2.6.6; `tests/training/test_resume.py` kills runs. Private names of its loops are used where
no public one gives whether a validation follows a batch, or restores the position within an epoch.
"""

import random
import signal
import threading
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint

from genolightning.errors import check_integer
from genolightning.training.loggers import CsvMetricsLogger

TERMINATED = 128 + signal.SIGTERM  # the exit code of a process that SIGTERM ends


def position_seed(*position: int) -> int:
    """One 63-bit seed for a place in a run: the same numbers give the same seed, on every machine.

    >>> position_seed(1, 0, 5, 0) == position_seed(1, 0, 5, 0) != position_seed(1, 0, 6, 0)
    True
    """
    return int.from_bytes(blake2b(repr(position).encode(), digest_size=8).digest(), "little") >> 1


class SeedEachBatch(Callback):
    """Before each batch, seed python, numpy and torch (CUDA too) by (seed, epoch, batch, rank): nothing to save."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, number: int) -> None:
        """Seed every generator that a model may draw from."""
        seed = position_seed(self.seed, trainer.current_epoch, number, trainer.global_rank)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # a user's model may draw from the global generator
        # torch.manual_seed would take 110 us a step, and keep a note of each call for a GPU that was not used yet
        torch.default_generator.manual_seed(seed)
        if pl_module.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        elif pl_module.device.type == "mps":
            torch.mps.manual_seed(seed)


class ResumeCheckpoint(Checkpoint):
    """`checkpoints/last.ckpt`: after every epoch, every `every_n_steps` optimiser steps, and at once on SIGTERM.

    It is never written between a batch and the validation that follows it, which a resumed run would skip, nor
    while gradients are being accumulated. On SIGTERM the run ends with exit code 143, in all its processes.
    """

    def __init__(self, folder: Path, *, every_n_steps: int = 1000) -> None:
        check_integer("callbacks.checkpoint.every_n_steps", every_n_steps)
        self.path, self.every = folder / "checkpoints" / "last.ckpt", every_n_steps
        self.save_pending = self.terminated = self.stopped_early = False
        self.saved_at = -1  # optimiser step

    @property
    def state_key(self) -> str:
        """The key of this callback in checkpoints."""
        return "ResumePoint"

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep whether the run was stopped early."""
        checkpoint["stopped_early"] = trainer.should_stop  # Lightning 2.6 forgets it and would train another epoch

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Restore whether the run was stopped early."""
        self.stopped_early = checkpoint.get("stopped_early", False)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take over SIGTERM, and put Lightning's loop where the checkpoint was written."""
        self.terminated = trainer.received_sigterm
        # Lightning's own handler broadcasts inside the signal and ends the run unsaved; it is put back after the fit
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._note)
        trainer.should_stop = self.stopped_early
        loop = trainer.fit_loop
        # a scheduler that needs the number of steps had the loader made before there was a state for it
        loop._load_combined_loader_states()
        if loop.restarted_on_epoch_end:  # where max_steps is set, a finished epoch would be taken for an unfinished one
            loop.epoch_progress.increment_completed()
            loop._restarting = loop.epoch_loop.restarting = False
            loop.reset_restart_stage()
        self.saved_at = trainer.global_step
        for logger in trainer.loggers:
            if isinstance(logger, CsvMetricsLogger):
                logger.truncate_from(trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, number: int
    ) -> None:
        """Write a checkpoint if one is due and no validation follows this batch."""
        if trainer.world_size > 1:  # one process may have got the signal, all must save
            self.terminated = trainer.strategy.reduce_boolean_decision(self.terminated, all=False)
        loop = trainer.fit_loop.epoch_loop
        accumulating = (number + 1) % trainer.accumulate_grad_batches
        if not (self.save_pending or self.terminated or trainer.global_step % self.every == 0) or (
            accumulating and not trainer.is_last_batch
        ):
            return
        self.save_pending = True
        fetcher = trainer.fit_loop._data_fetcher
        if not trainer.is_last_batch and fetcher and not loop._should_check_val_fx(fetcher):
            self._write(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint that waited for this validation."""
        if self.save_pending and not trainer.is_last_batch:
            self._write(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the checkpoint of a finished epoch."""
        self._write(trainer)

    def _write(self, trainer: pl.Trainer) -> None:
        self.save_pending = False
        if not trainer.sanity_checking and self.saved_at != trainer.global_step:
            self.saved_at = trainer.global_step
            for logger in trainer.loggers:
                if isinstance(logger, CsvMetricsLogger):
                    logger.flush()  # its rows up to here must be on the disk first: nobody will write them again
            trainer.save_checkpoint(self.path)
        if self.terminated:
            raise SystemExit(TERMINATED)
