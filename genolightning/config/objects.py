"""From a composed config to the objects of a run: the only place that instantiates what a config describes."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from hydra.utils import instantiate
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import Logger
from torch import nn

from genolightning import __version__
from genolightning.config import keys
from genolightning.config.python_objects import backbone_config, is_python_object, refuse_rebuilding
from genolightning.config.renamed_targets import with_first_names
from genolightning.data.datamodule import SequenceDataModule
from genolightning.errors import UserError, check_integer, constructor_errors
from genolightning.facts import Facts
from genolightning.models.base import input_of
from genolightning.runs.evaluate import RunObjects
from genolightning.runs.progress import progress_callback, silence_lightning
from genolightning.training.checkpoints import AtomicCheckpoints
from genolightning.training.loggers import experiment_name, open_loggers
from genolightning.training.module import build_module
from genolightning.training.task import Task
from genolightning.training.tasks import for_facts
from genolightning.training.transfer import backbone_settings

LARGEST_SEED = 2**32 - 1  # numpy's
LOGGER_PACKAGES = {"TensorBoardLogger": "tensorboard", "Wandb": "wandb"}

Config = Mapping[str, Any]


def build_objects(
    config: Config, *, data: SequenceDataModule | None = None, model: nn.Module | None = None
) -> RunObjects:
    """Build data, facts, task and model of a run; every row is checked before this returns.

    `data` and `model` (a LightningModule, or a backbone) replace what the config describes.
    """
    silence_lightning()
    check_integer("seed", config["seed"], 0, LARGEST_SEED)
    pl.seed_everything(config["seed"], verbose=False)
    data = data or build_dataset(config)
    facts = data.facts()
    task, module = task_and_model(config, facts, model=model)
    data.configure(input_of(module))
    return RunObjects(data, facts, task, module)


def build_dataset(config: Config) -> SequenceDataModule:
    """Build the LightningDataModule that a config's `dataset` describes; no file is read yet."""
    refuse_rebuilding(config, "dataset")
    data: SequenceDataModule = instantiate(config["dataset"], _convert_="all")
    return data


def task_and_model(config: Config, facts: Facts, *, model: nn.Module | None = None) -> tuple[Task, pl.LightningModule]:
    """Build the task and the model for facts; the model's config and facts are saved in its checkpoints."""
    own = instantiate(config.get("task"), _convert_="all")
    task = for_facts(facts, class_weights=config.get("class_weights"), own=own)
    module: pl.LightningModule
    if isinstance(model, pl.LightningModule):
        module = model
    else:
        make = _model_factory(config, model)
        with constructor_errors(f"model={(config.get('choices') or {}).get('model')}"):
            module = build_module(make, facts=facts, task=task)
    module.provenance = {  # type: ignore[assignment]
        "version": __version__,
        "facts": facts.as_dict(),
        "backbone": backbone_settings(module),
        "config": dict(config),
    }
    return task, module


def _model_factory(config: Config, backbone: nn.Module | None) -> Callable[..., pl.LightningModule]:
    if backbone is None:
        refuse_rebuilding(config, "model")
        make: Callable[..., pl.LightningModule] = instantiate(config["model"], _convert_="all")
        return make
    with_backbone = instantiate(backbone_config(config), _convert_="all")
    return partial(with_backbone.func, **with_backbone.keywords, backbone=lambda: backbone)


def build_trainer(
    config: Config,
    folder: Path | None = None,
    callbacks: list[Callback] | None = None,
    *,
    logger: list[Logger] | bool = False,
    validates: bool = True,
) -> pl.Trainer:
    """Build the Lightning Trainer that the trainer group describes; its output goes into the run folder."""
    settings = config["trainer"]
    _check_trainer(settings)
    bar = progress_callback() if settings.get("enable_progress_bar", True) else None
    on_gpu = torch.cuda.is_available() and settings.get("accelerator") != "cpu"
    made: pl.Trainer = instantiate(
        settings,
        default_root_dir=str(folder or Path.cwd()),
        callbacks=[*(callbacks or []), *([bar] if bar else [])],
        plugins=[AtomicCheckpoints()],
        logger=logger,
        enable_progress_bar=isinstance(bar, TQDMProgressBar),
        # torch has no such layer for CPUs; there each process keeps the statistics of its own rows
        sync_batchnorm=settings.get("sync_batchnorm", False) and on_gpu,
        _convert_="all",
        **({} if validates else {"limit_val_batches": 0}),
    )
    return made


def _check_trainer(settings: Config) -> None:
    for key in ("val_check_interval", "check_val_every_n_epoch", "accumulate_grad_batches"):
        if (value := settings.get(key)) is not None and value <= 0:
            raise UserError(f"trainer.{key}={value}: wanted 1 or more, or leave it out")
    if (value := settings.get("gradient_clip_val")) is not None and value < 0:
        raise UserError(f"trainer.gradient_clip_val={value}: wanted 0 or more")
    if settings.get("fast_dev_run"):
        raise UserError("trainer.fast_dev_run: a run is tested on every row; rehearse with trainer=debug")


def configured_callbacks(config: Config, task: Task, *, validates: bool = True) -> list[Callback]:
    """Build the callbacks of the callbacks group; those written `_partial_` get the task's monitor and mode.

    Raises UserError for such a callback where there is no validation to monitor.
    """
    configs = {
        name: node
        for name, node in (config.get("callbacks") or {}).items()
        if name != "checkpoint" and node is not None
    }
    callbacks = []
    monitored = {"monitor": f"val/{task.monitor}", "mode": task.mode}
    for name, node in configs.items():
        callback = instantiate(node, _convert_="all")
        if not (validates or isinstance(callback, Callback)):
            raise UserError(
                f"callbacks.{name} watches the validation, and dataset.validation_fraction=0 leaves none; "
                f"give a share, e.g. .1, or add callbacks.{name}=null"
            )
        callbacks.append(callback if isinstance(callback, Callback) else callback(**(monitored | callback.keywords)))
    return callbacks


def configured_loggers(config: Config, folder: Path) -> list[Logger]:
    """Build the loggers of the logger group, each writing into the run folder."""
    nodes = [node for node in (config.get("logger") or {}).values() if node is not None]
    factories = [instantiate(node, _convert_="all") for node in nodes]
    return open_loggers(factories, folder, group=experiment_of(config), config=config)


def check_logger_packages(config: Config) -> None:
    """Raise UserError for a logger whose package is not installed, before anything is written."""
    for node in (config.get("logger") or {}).values():
        package = LOGGER_PACKAGES.get(str((node or {}).get("_target_")).rpartition(".")[2])
        if package and find_spec(package) is None:
            raise UserError(f"this logger needs a package that is not there: pip install {package}")


def experiment_of(config: Config) -> str:
    """The name of a run's experiment: the same whatever its seed, and before and after classes were renamed."""
    model = config.get("model") or {}
    later = [name for name, value in model.items() if value is None and keys.properties(f"model.{name}").optional]
    plain = {**config, "model": {name: value for name, value in model.items() if name not in later}}
    names = ((config.get("dataset") or {}).get("name"), (config.get("choices") or {}).get("model"))
    return experiment_name(with_first_names(plain), names)


def python_objects(config: Config) -> list[str]:
    """Which parts of a run's config were Python objects: dataset, model, or both."""
    return [part for part in ("dataset", "model") if is_python_object(config.get(part))]
