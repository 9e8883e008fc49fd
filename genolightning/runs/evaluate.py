"""The end of a run: predict the test split once with the chosen weights, write predictions, scores and record."""

import resource
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from omegaconf import DictConfig, OmegaConf

from genolightning.config.objects import Parts, parameter_count
from genolightning.facts import higher_is_better, target_kind
from genolightning.runs.environment import describe_environment
from genolightning.runs.prediction_store import StoredPredictions, predict_rows
from genolightning.runs.predictions import score, write_predictions
from genolightning.runs.record import RunRecord
from genolightning.runs.split_audit import verdict
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
    if facts.target_kind.two_classes and facts.resolution_bp is None and data.validates:
        chosen = predict_split(trainer, model, data, "validation", folder)
        if trainer.is_global_zero:
            rows = chosen.read()
            chosen.stored.remove()
            assert rows.target is not None
            threshold = best_threshold(rows.target, rows.values)
    tested = predict_split(trainer, model, data, "test", folder)
    if not trainer.is_global_zero:
        return None
    metrics, scoring_warnings = score(tested, facts, threshold=threshold, seed=cfg.seed)
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
        warnings=[*warnings, *scoring_warnings],
    )
    write_predictions(folder / "predictions.parquet", tested.blocks(), facts.kind, facts.classes)
    tested.stored.remove()
    record.write(folder)
    return RunRecord.read(folder)


def protocol(parts: Parts, checkpoint: Path) -> str:
    """Which epoch is tested, in words; scores of different protocols are no peers."""
    if checkpoint.stem == "best":
        return f"epoch chosen on validation {parts.task.monitor}"
    return "last epoch" if parts.data.validates else "last epoch, no validation"


def predict_split(
    trainer: pl.Trainer, model: pl.LightningModule, data: Any, split: str, folder: Path
) -> StoredPredictions:
    """Predict every row of a split, from every process, into temporary files below `folder`."""
    loader = data.val_dataloader() if split == "validation" else data.test_dataloader()
    source = loader.source
    return StoredPredictions(
        predict_rows(trainer, model, loader, folder / f".{split}"),
        source.index,
        data.ids(split),
        source.target,
        source.lengths,
        source.resolution_bp,
        language_model=target_kind(data.benchmark.kind).language_model,
    )
