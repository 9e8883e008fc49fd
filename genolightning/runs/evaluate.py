"""The end of a run: predict the test split once with the chosen weights, then write predictions, scores and record."""

import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
from torch import nn

from genolightning.data.datamodule import SequenceDataModule
from genolightning.facts import Facts, higher_is_better, target_kind
from genolightning.runs.environment import describe_environment
from genolightning.runs.prediction_store import StoredPredictions, predict_rows
from genolightning.runs.predictions import score, write_predictions
from genolightning.runs.record import RunRecord
from genolightning.runs.split_audit import verdict
from genolightning.statistics.evaluate import best_threshold
from genolightning.training.checkpoints import read_checkpoint
from genolightning.training.status import elapsed_before
from genolightning.training.task import Task


class RunObjects(NamedTuple):
    """What a run is made of."""

    data: SequenceDataModule
    facts: Facts
    task: Task
    model: pl.LightningModule


def evaluate_run(
    objects: RunObjects,
    trainer: pl.Trainer,
    checkpoint: Path,
    folder: Path,
    *,
    config: Mapping[str, Any],
    started: float,
    verb: str = "train",
    warnings: list[str] | None = None,
) -> RunRecord | None:
    """Score the test split with a checkpoint's weights, and write predictions.parquet and record.json.

    `started` is the `time.monotonic()` of the start. Returns the record in the first process, None in the others.
    """
    data, facts = objects.data, objects.facts
    content = read_checkpoint(checkpoint)
    objects.model.load_state_dict(content["state_dict"])
    threshold = tune_threshold(objects, trainer, folder)
    tested = predict_split(trainer, objects.model, data, "test", folder)
    if not trainer.is_global_zero:
        return None
    metrics, scoring_warnings = score(tested, facts, threshold=threshold, seed=config["seed"])
    record = RunRecord(
        **_run_settings(config, verb),
        **_split_facts(objects, checkpoint, [*scoring_warnings, *(warnings or [])]),
        **_headline(facts, metrics),
        threshold=threshold,
        parameters=parameter_count(objects.model),
        init_from=content["genolightning"].get("init_from"),
        **describe_environment(),
        **_durations(trainer, started),
    )
    write_predictions(folder / "predictions.parquet", tested.blocks(), facts.kind, facts.classes)
    tested.stored.remove()
    record.write(folder)
    return RunRecord.read(folder)


def tune_threshold(objects: RunObjects, trainer: pl.Trainer, folder: Path) -> float | None:
    """The probability of the positive class with the best MCC on validation.

    None without two classes or validation, and in other processes than the first.
    """
    if (
        not objects.facts.target_kind.two_classes
        or objects.facts.resolution_bp is not None
        or not objects.data.validates
    ):
        return None
    chosen = predict_split(trainer, objects.model, objects.data, "validation", folder)
    if not trainer.is_global_zero:
        return None
    rows = chosen.read()
    chosen.stored.remove()
    assert rows.target is not None
    return best_threshold(rows.target, rows.values)


def _run_settings(config: Mapping[str, Any], verb: str) -> dict[str, Any]:
    choices = config.get("choices") or {}
    return {
        "verb": verb,
        "model": choices.get("model"),
        "seed": config["seed"],
        "config": dict(config),
        "trust": config.get("trust"),
    }


def _split_facts(objects: RunObjects, checkpoint: Path, warnings: list[str]) -> dict[str, Any]:
    """The record's facts about the rows: their origin, which were left out, and the audit's verdict on them."""
    data = objects.data
    origin = data.origin()
    dropped, notes = data.notes()
    return {
        "dataset": data.benchmark.name,
        "split": origin["test"],
        "splits": origin,
        "protocol": protocol(objects, checkpoint),
        "verdict": verdict(data),
        "facts": objects.facts.as_dict(),
        "dropped": dropped,
        "data_sha256": {split: data.benchmark.sha256(split) for split in data.benchmark.splits()},
        "warnings": [*notes, *warnings],
    }


def _headline(facts: Facts, metrics: Mapping[str, Any]) -> dict[str, Any]:
    name = facts.target_kind.headline
    return {
        "score": metrics[name].value,
        "score_name": name,
        "higher_is_better": higher_is_better(name),
        "metrics": metrics,
    }


def _durations(trainer: pl.Trainer, started: float) -> dict[str, Any]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    before = elapsed_before(trainer)
    return {
        "seconds": round(before.seconds + time.monotonic() - started, 2),
        "cpu_seconds": round(before.cpu_seconds + usage.ru_utime + usage.ru_stime, 2),
    }


def protocol(objects: RunObjects, checkpoint: Path) -> str:
    """A description of which epoch is tested; scores of different protocols are not comparable."""
    if checkpoint.stem == "best":
        return f"epoch chosen on validation {objects.task.monitor}"
    return "last epoch" if objects.data.validates else "last epoch, no validation"


def parameter_count(model: nn.Module) -> int:
    """The number of parameters, trained and frozen, without buffers."""
    return sum(parameter.numel() for parameter in model.parameters())


def predict_split(
    trainer: pl.Trainer, model: pl.LightningModule, data: Any, split: str, folder: Path
) -> StoredPredictions:
    """Predict every row of a split, from every process, into temporary files below `folder`."""
    loader = data.evaluation_loader(split, trainer)
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
