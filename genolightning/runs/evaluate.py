"""The end of a run: predict the test split once with the chosen weights, write predictions, scores and record."""

import resource
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf

from genolightning.benchmarks.audit.verdict import verdict
from genolightning.config.objects import Parts, parameter_count
from genolightning.data.loader import BatchLoader
from genolightning.errors import Diverged
from genolightning.facts import higher_is_better
from genolightning.runs.environment import describe_environment
from genolightning.runs.predictions import Predictions, score, write_predictions
from genolightning.runs.record import RunRecord
from genolightning.statistics.evaluate import best_threshold
from genolightning.training.checkpoints import read_checkpoint
from genolightning.training.status import elapsed_before


def finish(
    cfg: DictConfig,
    folder: Path,
    trainer: pl.Trainer,
    parts: Parts,
    checkpoint: Path,
    *,
    started: float,
    verb: str = "train",
) -> RunRecord | None:
    """Score the test split with a checkpoint's weights; returns the record in the first process, None in others."""
    data, facts, _, model = parts
    data.trainer = trainer  # its loaders are dealt out by the trainer's rank and number of processes
    weights = read_checkpoint(checkpoint)
    model.load_state_dict(weights["state_dict"])
    threshold = None
    if facts.kind == "binary" and facts.resolution_bp is None and data.validates:
        chosen = predictions(trainer, model, data, "validation")
        assert chosen.target is not None
        threshold = best_threshold(chosen.target, chosen.values)
    rows = predictions(trainer, model, data, "test")
    if not trainer.is_global_zero:
        return None
    metrics = score(rows, facts, threshold=threshold, seed=cfg.seed)
    name = facts.target_kind.headline
    dropped, warnings = data.notes()
    origin = data.origin()
    judged = verdict(data)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    before = elapsed_before(trainer)
    record = RunRecord(
        verb=verb,
        dataset=data.benchmark.name,
        split=origin["test"],
        splits=origin,
        protocol=protocol(parts, checkpoint),
        verdict=judged,
        model=cfg.choices.get("model"),
        seed=cfg.seed,
        score=metrics[name].value,
        score_name=name,
        higher_is_better=higher_is_better(name),
        metrics=metrics,
        threshold=threshold,
        facts=facts.as_dict(),
        dropped=dropped,
        config=OmegaConf.to_container(cfg, resolve=True),  # type: ignore[arg-type]
        data_sha256={split: data.benchmark.sha256(split) for split in data.benchmark.splits()},
        parameters=parameter_count(model),
        init_from=weights["genolightning"].get("init_from"),
        **describe_environment(),
        trust=cfg.get("trust"),
        seconds=round(before.seconds + time.monotonic() - started, 2),
        cpu_seconds=round(before.cpu_seconds + usage.ru_utime + usage.ru_stime, 2),
        warnings=warnings,
    )
    write_predictions(folder / "predictions.parquet", rows, facts.kind, facts.classes)
    record.write(folder)
    return RunRecord.read(folder)


def protocol(parts: Parts, checkpoint: Path) -> str:
    """Which epoch is tested, in words; scores of different protocols are no peers."""
    if checkpoint.stem == "best":
        return f"epoch chosen on validation {parts.task.monitor}"
    return "last epoch" if parts.data.validates else "last epoch, no validation"


def predictions(trainer: pl.Trainer, model: pl.LightningModule, data: Any, split: str) -> Predictions:
    """Predict a split, none skipped, in table order; gathered from every process."""
    loader = data.val_dataloader() if split == "validation" else data.test_dataloader()
    index, values = gathered(trainer, model, loader)
    order = np.argsort(index, kind="stable")
    index, values = index[order], values[order]
    source = loader.source
    assert (index == source.index).all(), "each row of the split once, in its order"
    if data.benchmark.kind.endswith("_lm"):
        return Predictions(index, data.ids(split), values[:, 1], values[:, 0])
    places = None
    if source.resolution_bp:
        places = -(-source.lengths // source.resolution_bp)
    return Predictions(index, data.ids(split), np.asarray(source.target), values, places)


def gathered(trainer: pl.Trainer, model: pl.LightningModule, loader: BatchLoader) -> tuple[Any, Any]:
    """(row numbers, predicted values) of every batch, from every process."""
    batches = trainer.predict(model, dataloaders=loader, return_predictions=True) or []
    if trainer.world_size > 1:
        everyone: list[Any] = [None] * trainer.world_size
        torch.distributed.all_gather_object(everyone, batches)
        batches = [batch for one in everyone for batch in one]
    widest = max((values.shape[1] for _, values in batches if values.ndim > 1), default=0)
    arrays = []
    for _, values in batches:
        array = values.float().numpy()
        if not np.isfinite(array).all():
            raise Diverged("the model predicts values that are not numbers; try a smaller rate, e.g. optimizer.lr=1e-4")
        if array.ndim > 1 and array.shape[1] < widest:
            array = np.pad(array, [(0, 0), (0, widest - array.shape[1]), *[(0, 0)] * (array.ndim - 2)])
        arrays.append(array)
    return np.concatenate([numbers.numpy() for numbers, _ in batches]), np.concatenate(arrays)
