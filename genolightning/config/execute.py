"""Composed configs run: train, test and predict, each from overrides to the files it leaves."""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genolightning.config import keys, trust
from genolightning.config.compose import Composed, compose
from genolightning.config.overrides import check_resumable, value_of
from genolightning.console import say
from genolightning.errors import UserError, check_integer
from genolightning.runs.folder import newest_folder, run_folder

if TYPE_CHECKING:
    import polars
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loggers import Logger
    from torch import nn

    from genolightning.data.datamodule import SequenceDataModule
    from genolightning.runs.load import TrainedModel
    from genolightning.runs.record import RunRecord


class Given(NamedTuple):
    """Python objects that take the place of what a config describes, or come in addition to it."""

    dataset: "SequenceDataModule | None" = None
    model: "nn.Module | None" = None
    callbacks: "Sequence[Callback]" = ()
    loggers: "Sequence[Logger]" = ()


NOTHING = Given()


def run_path(overrides: Sequence[str], key: str) -> Path | None:
    """The run folder or checkpoint that an override names; `last` is the newest run below logs/train."""
    value = value_of(overrides, key)
    if value is None:
        return None
    return newest_folder() if value == "last" and not Path(value).exists() else Path(value)


def compose_training(overrides: Sequence[str], *, config_dir: Path | None = None) -> tuple[Composed, Path | None]:
    """The config of a training run, and the folder to resume in; None for a new run."""
    resume = run_path(overrides, "resume")
    if resume is None:
        return compose("train", overrides, config_dir=config_dir), None
    overrides = [item for item in overrides if not item.startswith("resume=")] + [f"resume={resume}"]
    check_resumable(overrides)
    saved = trust.read(resume, trust=value_of(overrides, "trust"))
    return compose("saved", overrides, config_dir=config_dir, saved=saved), resume


def compose_of_run(verb: str, overrides: Sequence[str], *, config_dir: Path | None = None) -> tuple[Composed, Path]:
    """The config of `run=DIR` (or a checkpoint in it) with overrides, on this machine's trainer; and that path.

    Raises UserError for an override that would test rows the run was trained on.
    """
    path = run_path(overrides, "run")
    if path is None:
        raise UserError(f"which run? add run=DIR; see: genolightning {verb} --help")
    folder = path.absolute().parent.parent if path.suffix == ".ckpt" else path
    saved = trust.read(folder, without=keys.machine_groups(), trust=value_of(overrides, "trust"))
    saved.pop("resume", None)
    composed = compose(verb, overrides, config_dir=config_dir, saved=saved)
    if verb == "test":
        _refuse_training_rows(composed.config["dataset"], saved["dataset"], folder)
    return composed, path


def _refuse_training_rows(dataset: Mapping[str, Any], saved: Mapping[str, Any], folder: Path) -> None:
    for key in keys.held_out_keys():
        name = key.removeprefix("dataset.")
        if dataset.get(name) != saved.get(name):
            raise UserError(
                f"{key}={dataset.get(name)}: {folder} was trained with {saved.get(name)}, so rows it has trained on "
                "would be tested; leave the key out, or score rows of another file with dataset.test=FILE"
            )


def run_training(
    overrides: Sequence[str], *, config_dir: Path | None = None, given: Given = NOTHING
) -> "tuple[Path, RunRecord | None]":
    """Train one run and test it once; returns its folder and record.

    The record is None in other processes than the first, and for a finished run that is to be resumed: it stays as it
    is.
    """
    resume = run_path(overrides, "resume")
    if resume is not None and (resume / "record.json").exists():
        say(f"{resume} is finished: nothing to do; its scores are in record.json")
        return resume.absolute(), None
    composed, resume = compose_training(overrides, config_dir=config_dir)
    config = _with_objects(composed, given)
    from genolightning.config.objects import check_logger_packages

    check_logger_packages(config)
    path = resume.absolute() if resume else composed.folder("train", config)
    with run_folder(path, _config_text(composed, config), resumed=resume is not None) as folder:
        say(f"run folder {folder}")
        return folder, _train(config, folder, given)


def _with_objects(composed: Composed, given: Given) -> dict[str, Any]:
    config = composed.config
    if given.dataset is None and given.model is None:
        return config
    from genolightning.config.python_objects import PYTHON_OBJECT, dataset_config, model_config

    parts: dict[str, Any] = {}
    if given.dataset is not None:
        parts["dataset"] = dataset_config(given.dataset)
    if given.model is not None:
        parts["model"] = model_config(given.model, config["model"])
    return {**config, **parts, "choices": {**config["choices"], **dict.fromkeys(parts, PYTHON_OBJECT)}}


def _config_text(composed: Composed, config: Mapping[str, Any]) -> str:
    import yaml

    return composed.text if composed.config == config else yaml.safe_dump(dict(config), sort_keys=False)


def _train(config: Mapping[str, Any], folder: Path, given: Given) -> "RunRecord | None":
    start = time.monotonic()
    from genolightning.config import objects as build
    from genolightning.config.python_objects import warnings_of
    from genolightning.runs.train import checkpoint_callbacks, describe_objects, train_run
    from genolightning.training import transfer
    from genolightning.training.adapters import warnings_of_random

    objects = build.build_objects(config, data=given.dataset, model=given.model)
    say(describe_objects(objects, str(config["choices"].get("model"))))
    transfer.start_from_run(objects.model, objects.facts, folder, config["model"].get("init_from"))
    random_backbone = [] if given.model is not None else warnings_of_random(objects.model, config["model"])
    say(*(f"warning: {text}" for text in random_backbone))
    warnings = [*warnings_of(config), *random_backbone]
    validates = objects.data.validates
    settings = (config.get("callbacks") or {}).get("checkpoint")
    callbacks = [
        *build.configured_callbacks(config, objects.task, validates=validates),
        *given.callbacks,
        *checkpoint_callbacks(folder, objects.task, seed=config["seed"], validates=validates, settings=settings),
    ]
    loggers = [*build.configured_loggers(config, folder), *given.loggers]
    trainer = build.build_trainer(config, folder, callbacks, logger=loggers, validates=validates)
    return train_run(objects, trainer, folder, config=config, started=start, warnings=warnings)


def run_test(
    overrides: Sequence[str], *, config_dir: Path | None = None, given: Given = NOTHING
) -> "tuple[Path, RunRecord | None]":
    """Score a trained run's best checkpoint again; returns the new folder and its record."""
    composed, path = compose_of_run("test", overrides, config_dir=config_dir)
    start = time.monotonic()
    with run_folder(composed.folder("test"), composed.text) as folder:
        from genolightning.config import objects as build
        from genolightning.runs.evaluate import evaluate_run
        from genolightning.runs.load import checkpoint_of

        config = composed.config
        _, checkpoint = checkpoint_of(path)
        objects = build.build_objects(config, data=given.dataset, model=given.model)
        trainer = build.build_trainer(config, folder)
        record = evaluate_run(objects, trainer, checkpoint, folder, config=config, started=start, verb="test")
        return folder, record


def run_prediction(overrides: Sequence[str], *, config_dir: Path | None = None) -> Path:
    """Predict the rows of `input=` with `run=`, and write them to `output=`; returns that file.

    Nothing is written unless every row was predicted.
    """
    composed, path = compose_of_run("predict", overrides, config_dir=config_dir)
    config = composed.config
    output = Path(config["output"])
    from genolightning.runs.predict import check_output
    from genolightning.runs.predictions import write_frames

    check_output(output)
    parts = output.with_name(f".parts-{output.name}")
    rows = 0

    def counted() -> "Iterator[polars.DataFrame]":
        nonlocal rows
        for frame in predict_tables(load(config, path), config["input"], parts, config=config):
            rows += len(frame)
            yield frame

    frames = counted()
    if (first := next(frames, None)) is not None:  # the first process; the others get none
        write_frames(output, chain([first], frames))
        say(f"{rows:,} rows predicted: {output}")
    return output


def predict_tables(
    trained: "TrainedModel", source: str | Path, parts: Path, *, config: Mapping[str, Any]
) -> "Iterator[polars.DataFrame]":
    """Predict the rows of a file as the config of `predict` describes, in tables; see `runs.predict.predict_file`."""
    dataset = config["dataset"]
    check_integer("dataset.batch_size", dataset["batch_size"])
    if dataset.get("too_long") not in (None, "error", "crop"):
        raise UserError(f"dataset.too_long={dataset['too_long']}: wanted error or crop")
    from genolightning.config.objects import build_trainer
    from genolightning.runs.predict import predict_file

    return predict_file(
        trained,
        build_trainer(config),
        source,
        parts,
        genome=config["genome"],
        columns={"sequence": dataset.get("sequence") or "sequence", "id": dataset.get("id")},
        tile_bp=config["tile_bp"],
        batch_size=dataset["batch_size"],
        crop=dataset.get("too_long") == "crop",
    )


def load(config: Mapping[str, Any], path: Path, *, model: "nn.Module | None" = None) -> "TrainedModel":
    """Load the model of a run folder, or of one of its checkpoints, as its config describes it."""
    from genolightning.config.objects import task_and_model
    from genolightning.runs.load import checkpoint_of, load_trained
    from genolightning.runs.progress import silence_lightning

    silence_lightning()
    checkpoint = checkpoint_of(path)[1]
    return load_trained(checkpoint, lambda facts: task_and_model(config, facts, model=model), config)
