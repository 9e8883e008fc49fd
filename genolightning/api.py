"""GenoLightning from Python: train a model, load a run, predict, test it again. A run is a folder.

>>> import genolightning
>>> genolightning.train("motifs", model="cnn", trainer="cpu", seed=1)            # doctest: +SKIP
>>> genolightning.load_run("logs/train/motifs/cnn/...").predict(["ACGTACGT"])    # doctest: +SKIP
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from torch import nn

from genolightning.api_run import Overrides, Run, as_overrides, python_call
from genolightning.config import execute
from genolightning.config.compose import compose
from genolightning.config.overrides import from_values
from genolightning.errors import UserError

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loggers import Logger

    from genolightning.data.datamodule import SequenceDataModule
    from genolightning.data.sequence_dataset import SequenceDataset


def train(
    dataset: "Overrides | SequenceDataModule | None" = None,
    /,
    *overrides: Overrides,
    model: "str | nn.Module | Mapping[str, Any] | None" = None,
    callbacks: "Sequence[Callback] | str | Mapping[str, Any]" = (),
    logger: "Logger | Sequence[Logger] | str | Mapping[str, Any] | None" = None,
    config_dir: str | Path | None = None,
    **settings: Any,
) -> Run:
    """Fit a model, choose its best epoch on validation, test it once: what `genolightning train` does.

    `dataset`, `model`, `trainer`, `optimizer` and so on name a config; a SequenceDataModule, a backbone (nn.Module), a
    LightningModule, callbacks and loggers are taken as they are. Settings: strings as on the command line
    ("optimizer.lr=1e-3"), dicts ({"optimizer.lr": 1e-3}, nested or not), or keywords (`optimizer__lr=1e-3`, or
    `optimizer={"lr": 1e-3}`). `resume=FOLDER` continues a run.

    Returns the run. Raises UserError for a mistake in the settings or the data, Diverged where the loss is no longer a
    number, KeyboardInterrupt on Ctrl-C (the last checkpoint is kept: resume from it). The process is left as it was:
    signal handlers, random states, environment and warning filters are restored.
    """
    if isinstance(dataset, Mapping) or (isinstance(dataset, str) and "=" in dataset):
        overrides, dataset = (dataset, *overrides), None
    if dataset is None and not isinstance(settings.get("dataset"), Mapping):
        dataset = settings.pop("dataset", None)
    given, values = _sorted_out(dataset, model, callbacks, logger)
    values += as_overrides(overrides, settings)
    with python_call():
        folder, _ = execute.run_training(
            [*_defaults_of_backbones(given, values), *values], config_dir=_path(config_dir), given=given
        )
    return Run(folder, given=given)


def _sorted_out(dataset: Any, model: Any, callbacks: Any, logger: Any) -> tuple[execute.Given, list[str]]:
    """Which arguments are Python objects, and the others as overrides."""
    named: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for name, value, kind in (("dataset", dataset, pl.LightningDataModule), ("model", model, nn.Module)):
        (objects if isinstance(value, kind) else named)[name] = value
    loggers = logger if isinstance(logger, Sequence) and not isinstance(logger, str) else [logger]
    if all(isinstance(item, pl.loggers.Logger) for item in loggers):
        objects["loggers"] = tuple(loggers)
    else:
        named["logger"] = logger
    if isinstance(callbacks, (str, Mapping)):
        named["callbacks"] = callbacks
    else:
        objects["callbacks"] = tuple(callbacks)
    return execute.Given(**objects), from_values({name: value for name, value in named.items() if value is not None})


def _defaults_of_backbones(given: execute.Given, overrides: Sequence[str]) -> list[str]:
    """A backbone that is an object gets AdamW, a cosine and one strand, not what the default model's YAML chooses."""
    if given.model is None:
        return []
    named = {override.partition("=")[0] for override in overrides}
    usual = {"optimizer": "adamw", "scheduler": "cosine", "model.strand": "none"}
    return [f"{key}={value}" for key, value in usual.items() if key not in named]


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def load_dataset(
    name: str, split: str = "train", *overrides: Overrides, config_dir: str | Path | None = None, **settings: Any
) -> "SequenceDataset":
    """Open a split (train, validation or test) of a dataset as (codes, label) pairs.

    `load_dataset("gb_human_enhancers_cohn", "train", {"dataset.genome": "hg38.fa"})`; settings as for `train`.
    """
    from genolightning.config.objects import build_dataset
    from genolightning.data.sequence_dataset import SequenceDataset

    if split not in ("train", "validation", "test"):
        raise UserError(f"split {split!r}: wanted train, validation or test")
    with python_call():
        words = [*from_values({"dataset": name}), *as_overrides(overrides, settings)]
        data = build_dataset(compose("train", words, config_dir=_path(config_dir)).config)
        data.prepare_data()
        return SequenceDataset(data.source(split), list(data.benchmark.classes))


def load_run(
    path: str | Path,
    *,
    trust: str | None = None,
    device: str | torch.device = "cpu",
    dataset: "SequenceDataModule | None" = None,
    model: nn.Module | None = None,
) -> Run:
    """Open a run folder, or one of its checkpoints; "last" is the newest run below logs/train.

    `trust` names a package of your own whose classes the folder may name. `dataset` and `model` are the objects of a
    run that was trained on objects. Raises UserError where there is no run.
    """
    from genolightning.runs.load import checkpoint_of

    with python_call():
        named = execute.run_path([f"run={path}"], "run") or Path(path)
        folder, checkpoint = checkpoint_of(named)
        run = Run(
            folder,
            checkpoint=checkpoint if named.suffix == ".ckpt" else None,
            trust=trust,
            device=device,
            given=execute.Given(dataset=dataset, model=model),
        )
        _ = run.config  # a folder that would run foreign code is refused here
    return run
