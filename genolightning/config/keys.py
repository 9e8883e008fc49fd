"""What each configuration key is: a path, part of the split, part of the result. The only list of such facts.

An entry also holds for every key below it (`model.backbone` for `model.backbone.dim`); the longest entry counts.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Key(NamedTuple):
    """Properties of one configuration key, and of the keys below it."""

    path: bool = False  # its value is a path, so `=` and `,` in it need no quotes
    held_out: bool = False  # decides which rows are held out of training
    changes_result: bool = True  # False too where the record holds it elsewhere: seed, split, checksums of the files
    machine_only: bool = False  # belongs to the machine: `test` and `predict` never take it from a run folder
    only_at_start: bool = False  # a resumed run keeps the value that it was started with
    off_at_zero: bool = False  # 0 or false is the same as leaving the key out
    optional: bool = False  # a model's YAML may lack it; null is the same as leaving it out
    training_only: bool = False  # the same weights predict the same whatever its value
    submission_only: bool = False  # of a sweep: used where jobs are submitted, and not passed on to them


GROUPS = ("dataset", "model", "optimizer", "scheduler", "trainer", "callbacks", "logger", "task", "experiment")

KEYS: dict[str, Key] = {
    # groups: what holds for keys that have no entry of their own, such as those of a user's classes
    "dataset": Key(),
    "model": Key(only_at_start=True),
    "optimizer": Key(only_at_start=True),
    "scheduler": Key(only_at_start=True),
    "task": Key(only_at_start=True),
    "trainer": Key(machine_only=True),
    "callbacks": Key(machine_only=True),
    "logger": Key(machine_only=True, changes_result=False),
    "experiment": Key(),
    # one run
    "seed": Key(only_at_start=True, changes_result=False),
    "class_weights": Key(only_at_start=True),
    "resume": Key(path=True, changes_result=False),
    "run": Key(path=True, changes_result=False),
    "input": Key(path=True, changes_result=False),
    "output": Key(path=True, changes_result=False),
    "genome": Key(path=True, changes_result=False),
    "tile_bp": Key(changes_result=False),
    "trust": Key(changes_result=False),
    "choices": Key(changes_result=False),  # the choice made in each group, written into the run folder
    "protocol": Key(changes_result=False),
    "hydra.run.dir": Key(path=True, changes_result=False),
    # dataset
    "dataset._target_": Key(),
    "dataset.name": Key(changes_result=False),
    "dataset.card": Key(changes_result=False),
    "dataset.kind": Key(),
    "dataset.classes": Key(),
    "dataset.resolution_bp": Key(),
    "dataset.reverse_complement": Key(),
    "dataset.train": Key(path=True, changes_result=False),
    "dataset.validation": Key(path=True, changes_result=False),
    "dataset.test": Key(path=True, changes_result=False),
    "dataset.genome": Key(path=True, changes_result=False),
    "dataset.genomes": Key(changes_result=False),
    "dataset.assembly": Key(changes_result=False),
    "dataset.folder": Key(changes_result=False),
    "dataset.sequence": Key(),
    "dataset.label": Key(),
    "dataset.id": Key(changes_result=False),
    "dataset.missing": Key(),
    "dataset.generator_seed": Key(),
    "dataset.window_bp": Key(),
    "dataset.max_n": Key(),
    "dataset.windows_per_epoch": Key(),
    "dataset.evaluation_windows": Key(),
    "dataset.split": Key(held_out=True, only_at_start=True, changes_result=False),
    "dataset.seed": Key(held_out=True, only_at_start=True, changes_result=False),
    "dataset.train_fraction": Key(held_out=True, only_at_start=True),
    "dataset.validation_fraction": Key(held_out=True, only_at_start=True),
    "dataset.test_fraction": Key(held_out=True, only_at_start=True),
    "dataset.validation_chromosomes": Key(held_out=True, only_at_start=True),
    "dataset.test_chromosomes": Key(held_out=True, only_at_start=True),
    "dataset.exclude_chromosomes": Key(held_out=True, only_at_start=True),
    "dataset.batch_size": Key(only_at_start=True),
    "dataset.augment": Key(off_at_zero=True),
    "dataset.too_long": Key(),
    "dataset.bucket": Key(),
    "dataset.workers": Key(changes_result=False),
    "dataset.on_device": Key(changes_result=False),
    # model
    "model._target_": Key(only_at_start=True),
    "model._partial_": Key(only_at_start=True),
    "model.backbone": Key(only_at_start=True),
    "model.backbone.beyond_bp": Key(only_at_start=True, off_at_zero=True),
    "model.backbone.unit_start": Key(only_at_start=True, off_at_zero=True, training_only=True),
    "model.backbone.checkpointing": Key(only_at_start=True, training_only=True),
    "model.backbone.dropout": Key(only_at_start=True, training_only=True),
    "model.backbone.embed_dropout": Key(only_at_start=True, training_only=True),
    "model.head": Key(only_at_start=True),
    "model.optimizer": Key(only_at_start=True),
    "model.scheduler": Key(only_at_start=True),
    "model.strand": Key(only_at_start=True),
    "model.freeze": Key(only_at_start=True),
    "model.init_from": Key(path=True, only_at_start=True, optional=True),
    "model.layer_decay": Key(only_at_start=True, optional=True),
    "model.clip": Key(only_at_start=True, optional=True),
    # trainer
    "trainer._target_": Key(machine_only=True, changes_result=False),
    "trainer.accelerator": Key(machine_only=True, changes_result=False),
    "trainer.devices": Key(machine_only=True, changes_result=False),  # their number is part of the settings
    "trainer.num_nodes": Key(machine_only=True, changes_result=False),
    "trainer.strategy": Key(machine_only=True, changes_result=False),
    "trainer.precision": Key(machine_only=True),
    "trainer.max_epochs": Key(machine_only=True),
    "trainer.min_epochs": Key(machine_only=True),
    "trainer.max_steps": Key(machine_only=True),
    "trainer.min_steps": Key(machine_only=True),
    "trainer.max_time": Key(machine_only=True),
    "trainer.limit_train_batches": Key(machine_only=True),
    "trainer.limit_val_batches": Key(machine_only=True),
    "trainer.val_check_interval": Key(machine_only=True),
    "trainer.check_val_every_n_epoch": Key(machine_only=True),
    "trainer.num_sanity_val_steps": Key(machine_only=True, changes_result=False),
    "trainer.accumulate_grad_batches": Key(machine_only=True),
    "trainer.gradient_clip_val": Key(machine_only=True),
    "trainer.gradient_clip_algorithm": Key(machine_only=True),
    "trainer.log_every_n_steps": Key(machine_only=True, changes_result=False),
    "trainer.enable_progress_bar": Key(machine_only=True, changes_result=False),
    "trainer.enable_model_summary": Key(machine_only=True, changes_result=False),
    "trainer.deterministic": Key(machine_only=True, changes_result=False),
    "trainer.benchmark": Key(machine_only=True, changes_result=False),
    "trainer.detect_anomaly": Key(machine_only=True, changes_result=False),
    "trainer.inference_mode": Key(machine_only=True, changes_result=False),
    "trainer.sync_batchnorm": Key(machine_only=True, changes_result=False),
    "trainer.profiler": Key(machine_only=True, changes_result=False),
    "trainer.use_distributed_sampler": Key(machine_only=True, changes_result=False),
    # callbacks
    "callbacks.checkpoint": Key(machine_only=True, changes_result=False),
    "callbacks.early_stopping": Key(machine_only=True),
    "callbacks.weight_averaging": Key(machine_only=True),
    # a sweep
    "launcher": Key(submission_only=True, changes_result=False),
    "dry_run": Key(submission_only=True, changes_result=False),
    "workers": Key(submission_only=True, changes_result=False),
}


def entry(key: str) -> str | None:
    """The name of the entry that holds for a dotted key: the key itself, else the nearest above it, else None.

    >>> entry("model.backbone.dim"), entry("model.backbone.dropout"), entry("other")
    ('model.backbone', 'model.backbone.dropout', None)
    """
    while key and key not in KEYS:
        key = key.rpartition(".")[0]
    return key or None


def properties(key: str) -> Key:
    """The properties of a dotted key; those of a result-changing key where no entry holds for it.

    >>> properties("dataset.genomes.human").changes_result, properties("dataset.train").path
    (False, True)
    """
    name = entry(key)
    return Key() if name is None else KEYS[name]


def held_out_keys() -> tuple[str, ...]:
    """The dotted keys that decide which rows are held out of training."""
    return tuple(name for name, key in KEYS.items() if key.held_out)


def machine_groups() -> tuple[str, ...]:
    """The config groups that belong to the machine at hand."""
    return tuple(name for name in GROUPS if KEYS[name].machine_only)


def result_keys(keys: Iterable[str]) -> list[str]:
    """Those of the dotted keys that runs of one experiment have in common."""
    return [key for key in keys if properties(key).changes_result]
