"""One training run: fit from the last checkpoint if there is one, choose the epoch to test, test it once."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from genolightning.console import say
from genolightning.errors import ProcessLost, UserError, constructor_errors
from genolightning.facts import Facts
from genolightning.runs.evaluate import RunObjects, evaluate_run, parameter_count
from genolightning.runs.record import RunRecord
from genolightning.training.checkpoints import BestCheckpoint, latest_checkpoint
from genolightning.training.loggers import conclude
from genolightning.training.precision import check_reduced_precision
from genolightning.training.resume import TERMINATED, ResumeCheckpoint, SeedEachBatch
from genolightning.training.status import StatusFile
from genolightning.training.task import Task


def train_run(
    objects: RunObjects,
    trainer: pl.Trainer,
    folder: Path,
    *,
    config: Mapping[str, Any],
    started: float,
    warnings: list[str] | None = None,
) -> RunRecord | None:
    """Fit, test the chosen epoch once, write the record and finalize the loggers; None in other processes."""
    apply_min_steps(trainer, objects.data.batch_size, objects.facts)
    check_reduced_precision(objects.model, trainer, objects.data.train_dataloader)
    fit(trainer, objects, folder)
    checkpoint = checkpoint_to_test(trainer.callbacks, folder)  # type: ignore[attr-defined]
    record = evaluate_run(objects, trainer, checkpoint, folder, config=config, started=started, warnings=warnings)
    if record is not None:
        conclude(trainer.loggers, record.metrics, record.config, folder)
    return record


def describe_objects(objects: RunObjects, model: str) -> str:
    """One line on what is trained: rows and lengths of the dataset, parameters of the model."""
    facts = objects.facts
    counts = ", ".join(f"{count:,} {split}" for split, count in facts.rows.items())
    return (
        f"{objects.data.benchmark.name}: {facts.kind}, {counts} rows of {facts.shortest_bp:,} to {facts.length_bp:,} bp"
        f"; {model}: {parameter_count(objects.model):,} parameters"
    )


def checkpoint_callbacks(
    folder: Path, task: Task, *, seed: int, validates: bool = True, settings: Mapping[str, Any] | None = None
) -> list[Callback]:
    """Callbacks that keep the best epoch by the task's monitor, the place to resume from, and the status of the run.

    `settings` are those of the resume checkpoint, such as `every_n_steps`.
    """
    monitor = f"val/{task.monitor}"
    with constructor_errors("callbacks.checkpoint"):
        resume_point = ResumeCheckpoint(folder, **(settings or {}))
    return [
        SeedEachBatch(seed),
        StatusFile(folder, monitor=monitor, mode=task.mode),
        *([BestCheckpoint(folder, monitor=monitor, mode=task.mode)] if validates else []),
        resume_point,  # last: it saves the state of the other callbacks
    ]


def checkpoint_to_test(callbacks: Sequence[Callback], folder: Path) -> Path:
    """The best epoch's checkpoint, or the last one where there is no validation; UserError where there is none."""
    best = next((callback.best_model_path for callback in callbacks if isinstance(callback, BestCheckpoint)), None)
    path = best or latest_checkpoint(folder)
    if not path:
        raise UserError("no epoch was finished, so there is no checkpoint to test; raise trainer.max_epochs")
    return Path(path)


def apply_min_steps(trainer: pl.Trainer, batch_size: int, facts: Facts) -> None:
    """Train more epochs than `max_epochs` where these are fewer steps than `min_steps`.

    Lightning applies it to early stopping only; a small dataset needs more epochs than a large one. A rehearsal of a
    part of each epoch (`limit_train_batches`) keeps to `max_epochs`.
    """
    epochs, least, share = trainer.max_epochs, trainer.min_steps, trainer.limit_train_batches
    if epochs is None or epochs < 1 or not least or isinstance(share, int) or share < 1:
        return
    batches = -(-facts.rows["train"] // (batch_size * trainer.world_size))
    needed = -(-least // -(-batches // trainer.accumulate_grad_batches))
    if needed > epochs:
        say(f"trainer.min_steps={least}: {needed} epochs, not {epochs}; trainer.min_steps=null keeps to {epochs}")
        trainer.fit_loop.max_epochs = needed


def fit(trainer: pl.Trainer, objects: RunObjects, folder: Path) -> None:
    """Fit from the last checkpoint, if there is one; a fit that ends early prints how to resume it."""
    resume_command = f"Go on with: genolightning train resume={folder}"
    (folder / "error.txt").unlink(missing_ok=True)
    try:
        trainer.fit(objects.model, datamodule=objects.data, ckpt_path=resume_from(folder))
    except (KeyboardInterrupt, SystemExit) as stop:
        kept = "the last checkpoint is kept" if latest_checkpoint(folder) else "there is no checkpoint yet"
        say(f"stopped; {kept}. {resume_command}")
        if type(stop).__name__ == "SIGTERMException":  # it came before the first step; Lightning 2.6 would exit with 0
            raise SystemExit(TERMINATED) from stop
        raise
    except Exception as error:
        _raise_failure(error, trainer, folder, resume_command)


def _raise_failure(error: Exception, trainer: pl.Trainer, folder: Path, resume_command: str) -> None:
    """Write `error.txt` and raise the error again; as ProcessLost where another process of the run has ended."""
    lost = trainer.world_size > 1 and re.search("gloo|NCCL|[Cc]onnection|Broken pipe", str(error))
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, ValueError) and "val_check_interval" in text:
        raise UserError(f"trainer.val_check_interval: {error}") from error
    if lost:  # gloo and NCCL raise nothing more special than RuntimeError
        text = f"another process of this run has ended, what it said stands above; so all of them end. {resume_command}"
    if trainer.is_global_zero:
        (folder / "error.txt").write_text(text + "\n")
    if lost:
        raise ProcessLost(text) from error
    raise error


def resume_from(folder: Path) -> Path | None:
    """The checkpoint to resume from, None for a fresh start; prints where the newest one is damaged."""
    checkpoint, last = latest_checkpoint(folder), folder / "checkpoints" / "last.ckpt"
    if last.exists() and checkpoint != last:
        before = f"the one before, {checkpoint.name}" if checkpoint else "the start"
        say(f"{last} is torn; going on from {before}")
    elif checkpoint:
        say(f"going on from {checkpoint}")
    return checkpoint
