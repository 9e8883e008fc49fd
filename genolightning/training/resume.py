"""A run that is killed anywhere goes on as if it had not been: resume points, random numbers by position, metrics.csv.

Written against Lightning 2.6.6; what is private there and used here is marked, and `tests/test_resume.py` kills runs.
"""

import csv
import json
import os
import random
import signal
import socket
import threading
import time
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.callbacks import Callback, Checkpoint, ModelCheckpoint, WeightAveraging
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from genolightning.errors import UserError, check_integer
from genolightning.storage.text_files import atomic_write

TERMINATED = 128 + signal.SIGTERM  # the exit code of a process that SIGTERM ends


def position_seed(*position: int) -> int:
    """One 63-bit seed for a place in a run: the same numbers give the same seed, on every machine.

    >>> position_seed(1, 0, 5, 0) == position_seed(1, 0, 5, 0) != position_seed(1, 0, 6, 0)
    True
    """
    return int.from_bytes(blake2b(repr(position).encode(), digest_size=8).digest(), "little") >> 1


class RandomByPosition(Callback):
    """Before each batch, seed python, numpy and torch (CUDA too) by (seed, epoch, batch, rank): nothing to save."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, number: int) -> None:
        seed = position_seed(self.seed, trainer.current_epoch, number, trainer.global_rank)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # a user's model may draw from the global generator
        # torch.manual_seed would take 110 us a step, and keep a note of each call for a GPU that was not used yet
        torch.default_generator.manual_seed(seed)
        if pl_module.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        elif pl_module.device.type == "mps":
            torch.mps.manual_seed(seed)


class Ema(WeightAveraging):
    """Validate, keep and test an exponential moving average of the weights (running statistics too) in their place.

    After step n it keeps min(decay, (1 + n) / (10 + n)) of what it was: the weights of the start are soon forgotten.
    """

    def __init__(self, *, decay: float = 0.99) -> None:
        if not (isinstance(decay, (int, float)) and 0 <= decay < 1):
            raise UserError(f"callbacks.weight_averaging.decay={decay}: wanted 0 to 1, e.g. .99")
        super().__init__(multi_avg_fn=self._mean)
        self.decay = decay

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._device = trainer.strategy.root_device  # the model is moved there only after this
        super().setup(trainer, pl_module, stage)

    @torch.no_grad()
    def _mean(self, averages: list[torch.Tensor], weights: list[torch.Tensor], count: torch.Tensor) -> None:
        steps = self._latest_update_step  # not `count`, which a GPU would have to be asked for
        kept = min(self.decay, (1 + steps) / (10 + steps))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, weights, 1 - kept)
        else:  # counters
            torch._foreach_copy_(averages, weights)


class Best(ModelCheckpoint):
    """`checkpoints/best.ckpt`: the epoch with the best validation score. The run folder may be moved between kills."""

    def __init__(self, folder: Path, *, monitor: str, mode: str) -> None:
        super().__init__(
            dirpath=folder / "checkpoints",
            filename="best",
            monitor=monitor,
            mode=mode,
            save_on_train_epoch_end=False,  # but right after the validation
            enable_version_counter=False,
        )

    @property
    def state_key(self) -> str:
        """One word: Lightning asks for it at every hook, and would put it together anew each time."""
        return "Best"

    def on_train_batch_end(self, *_: Any) -> None:
        """Nothing: it looks after a validation only."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the scores back, for the files in this run's folder, wherever it lies now."""
        here = Path(str(self.dirpath))

        def moved(path: str) -> str:
            return str(here / Path(path).name) if path else path

        paths = {key: moved(state[key]) for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
        scores = {moved(path): score for path, score in state["best_k_models"].items()}
        super().load_state_dict(state | paths | {"best_k_models": scores, "dirpath": self.dirpath})
        self.current_score = state["current_score"]


class ResumePoint(Checkpoint):
    """`checkpoints/last.ckpt`: after every epoch, every `every_n_steps` optimiser steps, and at once on SIGTERM.

    It is never written between a batch and the validation that follows it, which would be lost on the way back, nor
    while gradients are being accumulated. On SIGTERM the run ends with exit code 143, in all its processes.
    """

    def __init__(self, folder: Path, *, every_n_steps: int = 1000) -> None:
        check_integer("callbacks.checkpoint.every_n_steps", every_n_steps)
        self.path, self.every = folder / "checkpoints" / "last.ckpt", every_n_steps
        self.owed = self.asked_to_end = self.stopped_early = False
        self.saved_at = -1  # optimiser step

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_end = True

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["stopped_early"] = trainer.should_stop  # Lightning 2.6 forgets it and would train another epoch

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self.stopped_early = checkpoint.get("stopped_early", False)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.asked_to_end = trainer.received_sigterm
        # Lightning's own handler broadcasts inside the signal and ends the run unsaved; it is put back after the fit
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._note)
        trainer.should_stop = self.stopped_early
        loop = trainer.fit_loop
        # a scheduler that asked for the number of steps had the loader made before there was a state for it
        loop._load_combined_loader_states()
        if loop.restarted_on_epoch_end:  # where max_steps is set, a finished epoch would be taken for an unfinished one
            loop.epoch_progress.increment_completed()
            loop._restarting = loop.epoch_loop.restarting = False
            loop.reset_restart_stage()
        self.saved_at = trainer.global_step
        for logger in trainer.loggers:
            if isinstance(logger, MetricsFile):
                logger.forget_from(trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, number: int
    ) -> None:
        if trainer.world_size > 1:  # one process may have been told, all must save
            self.asked_to_end = trainer.strategy.reduce_boolean_decision(self.asked_to_end, all=False)
        loop = trainer.fit_loop.epoch_loop
        if not (self.owed or self.asked_to_end or trainer.global_step % self.every == 0) or loop._should_accumulate():
            return
        self.owed = True
        fetcher = trainer.fit_loop._data_fetcher
        if not trainer.is_last_batch and fetcher and not loop._should_check_val_fx(fetcher):
            self._write(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.owed and not trainer.is_last_batch:
            self._write(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer)

    def _write(self, trainer: pl.Trainer) -> None:
        self.owed = False
        if not trainer.sanity_checking and self.saved_at != trainer.global_step:
            self.saved_at = trainer.global_step
            for logger in trainer.loggers:
                if isinstance(logger, MetricsFile):
                    logger.flush()  # its rows up to here must be on the disk first: nobody will write them again
            trainer.save_checkpoint(self.path)
        if self.asked_to_end:
            raise SystemExit(TERMINATED)


class Spent(NamedTuple):
    """What a run took before it was killed and gone on with."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


def spent_before(trainer: pl.Trainer) -> Spent:
    """What the killed processes of a trainer's run took, up to the last they said; nothing of a fresh run."""
    return next((one.before for one in trainer.callbacks if isinstance(one, Status)), Spent())  # type: ignore[attr-defined]


def _spent(status: Path) -> Spent:
    try:
        said = json.loads(status.read_text())
        return Spent(float(said["seconds"]), float(said["cpu_seconds"]))
    except (OSError, ValueError, KeyError):
        return Spent()


class Status(Callback):
    """`status.json`: what `genolightning watch` reads of a run that is not finished, anew at every validation, or at
    the end of every epoch where there is none.
    """

    def __init__(self, folder: Path, *, monitor: str, mode: str) -> None:
        self.path, self.monitor, self.mode = folder / "status.json", monitor, mode
        self.made, self.began, self.batches_before = time.monotonic(), 0.0, 0
        self.before = _spent(self.path)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.began, self.batches_before = time.time(), trainer.fit_loop.epoch_loop.total_batch_idx
        self._write(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.sanity_checking:
            self._write(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.enable_validation:
            self._write(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
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


class Wandb(WandbLogger):
    """A Weights & Biases run in the run folder, whose steps are the optimiser's: one that is told again is ignored.

    `artifact`: whether the run folder is kept there at the end.
    """

    def __init__(self, save_dir: str, *, artifact: bool = False, **more: Any) -> None:
        super().__init__(save_dir=save_dir, **more)
        self._wandb_init.pop("anonymous")  # Lightning 2.6 gives it, and wandb 0.31 warns of it
        self.artifact = artifact

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run, begun when it is first asked for; UserError where the service refuses it."""
        from wandb import Error

        try:
            return super().experiment
        except Error as error:
            raise UserError(f"Weights & Biases: {error} Or keep the run here: logger.wandb.offline=true") from error

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Add scores to the row of a step."""
        self.experiment.log({**metrics, "trainer/global_step": step}, step=step)


class MetricsFile(Logger):
    """`metrics.csv` in the run folder: one row a step, columns sorted after `step` and `epoch`, always a whole file.

    Lightning's CSVLogger removes the file when a run goes on; here rows made again take the place of the old ones.
    """

    name = version = ""

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self.path = Path(save_dir) / "metrics.csv"
        self.rows: dict[int, dict[str, Any]] = {}
        self.written = 0  # rows on the disk
        self.beside: list[Logger] = []  # trackers that begin anew when a run goes on, and are told all rows again
        if self.path.exists():
            with self.path.open(newline="") as file:
                for row in csv.DictReader(file):
                    self.rows[int(row["step"])] = {key: value for key, value in row.items() if value}

    @property
    def save_dir(self) -> str:
        """The run folder."""
        return str(self.path.parent)

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Add scores to the row of a step."""
        at = int(step or 0)
        self.rows.setdefault(at, {"step": at}).update(metrics)
        self.save()

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the config is in .hydra/config.yaml."""

    def forget_from(self, step: int) -> None:
        """Drop the rows of steps that will be taken again, and tell the rest to the trackers beside this file."""
        self.rows = {at: row for at, row in self.rows.items() if at < step}
        for other in self.beside:
            for at, row in sorted(self.rows.items()):
                other.log_metrics({name: float(value) for name, value in row.items() if name != "step"}, step=at)

    def save(self) -> None:
        """Write when a tenth more rows are there: a long run's file is not written anew for each of them."""
        if len(self.rows) > 1.1 * self.written:
            self.flush()

    @rank_zero_only
    def flush(self) -> None:
        """Write every row, under another name first."""
        names = {name for row in self.rows.values() for name in row} - {"step", "epoch"}
        with atomic_write(self.path) as draft, draft.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["step", "epoch", *sorted(names)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows[step] for step in sorted(self.rows))
        self.written = len(self.rows)

    def finalize(self, status: str) -> None:
        """Write what is left."""
        if self.rows:
            self.flush()
