"""Datasets and models that a script passes as objects: what the config keeps of them, and what it cannot rebuild."""

from collections.abc import Mapping
from typing import Any

import yaml

from genolightning.config import keys
from genolightning.errors import UserError
from genolightning.paths import conf_dir

PYTHON_OBJECT = "python object"  # recorded in place of a name
CLASS = "python_class"
MODULE_SETTINGS = ("strand", "freeze", "init_from", "layer_decay", "clip")


def object_config(part: Any, **settings: Any) -> dict[str, Any]:
    """What a config keeps of a Python object: its class, and plain settings that were read from it."""
    return {CLASS: f"{type(part).__module__}.{type(part).__qualname__}", **settings}


def dataset_config(data: Any) -> dict[str, Any]:
    """What a config keeps of a datamodule: its class, name and the settings that decide which rows are held out."""
    names = [key.removeprefix("dataset.") for key in (*keys.held_out_keys(), "dataset.batch_size")]
    return object_config(data, name=data.benchmark.name, **{name: getattr(data, name, None) for name in names})


def is_python_object(node: Any) -> bool:
    """Whether a part of a config represents a Python object."""
    return isinstance(node, Mapping) and CLASS in node


def refuse_rebuilding(config: Mapping[str, Any], part: str) -> None:
    """Raise UserError where a part of a run was a Python object, which its config cannot rebuild."""
    node = config[part]
    if is_python_object(node):
        raise UserError(
            f"the run's {part} was a Python object ({node[CLASS]}), which its folder cannot rebuild; "
            f"pass it again: {part}=OBJECT"
        )


def backbone_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The module around a backbone that is a Python object: what every model shares, with the run's settings."""
    shared = yaml.safe_load((conf_dir() / "model" / "base" / "sequence.yaml").read_text())
    parts = {name: config.get(name) for name in ("optimizer", "scheduler")}
    chosen = {name: value for name, value in config["model"].items() if name != CLASS}
    return {**shared, **parts, **chosen}


def warnings_of(config: Mapping[str, Any]) -> list[str]:
    """How far a run with Python objects can be reproduced, for its record."""
    return [
        f"{part}: a Python object ({config[part][CLASS]}); the record holds its class, not how it was made"
        for part in ("dataset", "model")
        if is_python_object(config.get(part))
    ]


def model_config(model: Any, shipped: Mapping[str, Any]) -> dict[str, Any]:
    """What a config keeps of a model: its class, and for a backbone the settings of the module around it."""
    import lightning.pytorch as pl

    if isinstance(model, pl.LightningModule):
        return object_config(model)
    return object_config(model, **{name: shipped.get(name) for name in MODULE_SETTINGS})
