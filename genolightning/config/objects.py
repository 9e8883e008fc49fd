"""From a composed config to the objects of a run, in one order: data, facts, task, model, trainer."""

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from hydra.utils import instantiate
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from omegaconf import DictConfig, OmegaConf
from torch import nn

from genolightning import __version__
from genolightning.console import say
from genolightning.data.datamodule import SequenceDataModule
from genolightning.errors import UserError, check_integer, constructor_errors
from genolightning.facts import Facts
from genolightning.models.base import input_of
from genolightning.training.checkpoints import AtomicCheckpoints, BestCheckpoint
from genolightning.training.module import build_module
from genolightning.training.progress import PlainProgress
from genolightning.training.resume import ResumeCheckpoint, SeedEachBatch
from genolightning.training.status import StatusFile
from genolightning.training.task import Task
from genolightning.training.tasks import for_facts
from genolightning.training.transfer import backbone_settings

MOST_SEED = 2**32 - 1  # numpy's


class Parts(NamedTuple):
    """What a run is made of."""

    data: SequenceDataModule
    facts: Facts
    task: Task
    model: pl.LightningModule


def parts(cfg: DictConfig) -> Parts:
    """Build data, facts, task and model; every row is checked before this returns."""
    quiet()
    check_integer("seed", cfg.seed, 0, MOST_SEED)
    pl.seed_everything(cfg.seed, verbose=False)
    data = instantiate(cfg.dataset, _convert_="all")
    facts = data.facts()
    task, model = task_and_model(cfg, facts)
    spec = input_of(model)
    if spec.tokenizer is not None:
        data.tokenize = spec.tokenizer
    data.limit(spec.max_bp)
    return Parts(data, facts, task, model)


def task_and_model(cfg: DictConfig, facts: Facts) -> tuple[Task, pl.LightningModule]:
    """Build the model for facts; what it was made from goes with it into its checkpoints."""
    own = instantiate(cfg.get("task"), _convert_="all")
    task = for_facts(facts, class_weights=cfg.get("class_weights"), own=own)
    make = instantiate(cfg.model, _convert_="all")
    with constructor_errors(f"model={(cfg.get('choices') or {}).get('model')}"):
        model = build_module(make, facts=facts, task=task)
    model.provenance = {  # type: ignore[assignment]
        "version": __version__,
        "facts": facts.as_dict(),
        "backbone": backbone_settings(model),
        "config": OmegaConf.to_container(cfg, resolve=True),
    }
    return task, model


def trainer(
    cfg: DictConfig, folder: Path | None = None, callbacks: list[Callback] | None = None, **more: Any
) -> pl.Trainer:
    """The Lightning Trainer that the trainer group describes, its output in the run folder."""
    for key in ("val_check_interval", "check_val_every_n_epoch", "accumulate_grad_batches"):
        if (value := cfg.trainer.get(key)) is not None and value <= 0:
            raise UserError(f"trainer.{key}={value}: wanted 1 or more, or leave it out")
    if (value := cfg.trainer.get("gradient_clip_val")) is not None and value < 0:
        raise UserError(f"trainer.gradient_clip_val={value}: wanted 0 or more")
    if cfg.trainer.get("fast_dev_run"):
        raise UserError("trainer.fast_dev_run: a run is tested on every row; rehearse with trainer=debug")
    bar: list[Callback] = []
    if cfg.trainer.get("enable_progress_bar", True):
        bar = [TQDMProgressBar(refresh_rate=20, leave=True) if sys.stdout.isatty() else PlainProgress()]
    on_gpu = torch.cuda.is_available() and cfg.trainer.get("accelerator") != "cpu"
    made: pl.Trainer = instantiate(
        cfg.trainer,
        default_root_dir=str(folder) if folder else os.getcwd(),
        callbacks=[*(callbacks or []), *bar],
        plugins=[AtomicCheckpoints()],
        enable_progress_bar=bool(bar) and sys.stdout.isatty(),
        # torch has no such layer for CPUs; there each process keeps the statistics of its own rows
        sync_batchnorm=cfg.trainer.get("sync_batchnorm", False) and on_gpu,
        _convert_="all",
        **more,
    )
    return made


def enough_epochs(trainer: pl.Trainer, data: SequenceDataModule, facts: Facts) -> None:
    """`min_steps`: where `max_epochs` are fewer steps, fit as many more whole epochs as it takes.

    Lightning heeds it against early stopping only; a small dataset wants more epochs than a large one. A rehearsal of a
    part of each epoch (`limit_train_batches`) keeps to `max_epochs`.
    """
    epochs, least, share = trainer.max_epochs, trainer.min_steps, trainer.limit_train_batches
    if epochs is None or epochs < 1 or not least or isinstance(share, int) or share < 1:
        return
    batches = -(-facts.rows["train"] // (data.batch_size * trainer.world_size))
    wanted = -(-least // -(-batches // trainer.accumulate_grad_batches))
    if wanted > epochs:
        say(f"trainer.min_steps={least}: {wanted} epochs, not {epochs}; trainer.min_steps=null keeps to {epochs}")
        trainer.fit_loop.max_epochs = wanted


def keepers(cfg: DictConfig, folder: Path, task: Task, *, validates: bool = True) -> list[Callback]:
    """What keeps the best epoch by the task's validation score, if there is one, and the places to go on from if the
    run is killed.
    """
    watched = f"val/{task.monitor}"
    with constructor_errors("callbacks.checkpoint"):
        resume_point = ResumeCheckpoint(folder, **((cfg.get("callbacks") or {}).get("checkpoint") or {}))
    return [
        SeedEachBatch(cfg.seed),
        StatusFile(folder, monitor=watched, mode=task.mode),
        *([BestCheckpoint(folder, monitor=watched, mode=task.mode)] if validates else []),
        resume_point,  # the last of all: it keeps what the others have noted
    ]


def named_callbacks(cfg: DictConfig, task: Task, *, validates: bool = True) -> list[Callback]:
    """The callbacks group's own: those written `_partial_` are told what the task watches.

    UserError for such a one where there is no validation to watch.
    """
    own = {name: one for name, one in (cfg.get("callbacks") or {}).items() if name != "checkpoint" and one is not None}
    made = [instantiate(one, _convert_="all") for one in own.values()]
    for name, one in zip(own, made, strict=True):
        if not (validates or isinstance(one, Callback)):
            raise UserError(
                f"callbacks.{name} watches the validation, and dataset.validation_fraction=0 leaves none; "
                f"give a share, e.g. .1, or add callbacks.{name}=null"
            )
    watched = {"monitor": f"val/{task.monitor}", "mode": task.mode}
    return [one if isinstance(one, Callback) else one(**(watched | one.keywords)) for one in made]


def parameter_count(model: nn.Module) -> int:
    """Trainable and frozen parameters, without buffers."""
    return sum(parameter.numel() for parameter in model.parameters())


def quiet() -> None:
    """Silence what Lightning says to advertise services, and warnings that are about its own insides."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for text in (
        r".*isinstance\(treespec, LeafSpec\).*",
        r".*LeafSpec.*deprecated.*",
        r".*Checkpoint directory .* exists and is not empty.*",
        r".*does not have many workers.*",
        r".*The number of training batches .* is smaller than the logging interval.*",
        r".*GPU available but not used.*",
        r".*Experiment logs directory .* exists and is not empty.*",
        r".*The `srun` command is available on your system but is not used.*",  # a login node of Slurm
        r".*It is recommended to use .self.log.*sync_dist=True.*",  # torchmetrics has gathered them already
        r".*No (positive|negative) samples in targets.*",
        r".*You called `self.log.*on_epoch=True.*",
        r".*`trainer.init_module`.*",
        r".*The variance of predictions or target is close to zero.*",
    ):
        warnings.filterwarnings("ignore", message=text)
