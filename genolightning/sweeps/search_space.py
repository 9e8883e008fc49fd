"""What a sweep varies: `sweeps/NAME.yaml` and a user's overrides, read into settings, fixed overrides and ranges."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genolightning.config.help import about, choices, near
from genolightning.config.sweep_values import Choice, Interval, Varied, parse_sweep_overrides, training_config
from genolightning.errors import UserError
from genolightning.paths import logs_dir, sweeps_dir

SETTINGS: dict[str, Any] = {
    "workers": 1,  # trials at a time, each with its share of the devices
    "sampler": "grid",  # every combination; or tpe, random: n_trials draws from the ranges
    "n_trials": 20,
    "prune": "median",  # end a draw whose validation score is below the median of the others'; null: never
    "storage": None,  # where the draws are kept: an Optuna storage URL; null: a journal file in the runs' folder
    "launcher": None,  # local or slurm: submit `workers` jobs that share the trials
    "dry_run": False,  # print the trials, or the job's script, and run nothing
    "retry": False,  # run trials again that failed
}
SAMPLERS = ("grid", "tpe", "random")


@dataclass(frozen=True, slots=True)
class Space:
    """A sweep: its settings, what is fixed and what varies."""

    name: str
    settings: dict[str, Any]
    launcher: dict[str, Any]  # keys of conf/launcher/<launcher>.yaml
    fixed: list[str]  # overrides of every trial
    varied: list[Varied]
    config_dir: Path | None

    @property
    def folder(self) -> Path:
        """The folder of the trials' run folders."""
        return logs_dir() / "sweep" / self.name


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a sweep."""

    overrides: list[str]
    folder: Path
    config_dir: Path | None = None


def read_space(name: str, overrides: Sequence[str], config_dir: Path | None = None) -> Space:
    """Read a sweep's file, a user's overrides in place of its own values; UserError for what cannot be swept."""
    import yaml

    files = sweep_files(config_dir)
    if name not in files:
        raise UserError(f"no sweep '{name}'; {near(name, files)}there are {', '.join(sorted(files))}")
    values = yaml.safe_load(files[name].read_text()) or {}
    if not isinstance(values, dict):
        raise UserError(f"{files[name]}: wanted lines of the form key: value")
    values = {**(values.pop("sweep", None) or {}), **values}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise UserError(f"{override}: not of the form key=value")
        values[key] = yaml.safe_load(value) if key in SETTINGS or key.startswith("launcher.") else value
    settings = SETTINGS | {key: values.pop(key) for key in SETTINGS if key in values}
    _check(settings)
    launcher = {key: values.pop(key) for key in list(values) if key.startswith("launcher.")}
    fixed, varied = parse_sweep_overrides([f"{key}={_text(value)}" for key, value in values.items()], config_dir)
    return Space(name, settings, _launcher(settings["launcher"], launcher), fixed, varied, config_dir)


def sweep_files(config_dir: Path | None = None) -> dict[str, Path]:
    """The available sweeps: the shipped ones, and the YAML files directly in the user's own folder."""
    return {
        file.stem: file for folder in (sweeps_dir(), config_dir) if folder for file in sorted(folder.glob("*.yaml"))
    }


def sweep_lines(config_dir: Path | None = None) -> list[str]:
    """A line for each sweep: its name, and the comment that opens its file."""
    return [f"  {name:<14}{about(file)}" for name, file in sweep_files(config_dir).items()]


def _check(settings: dict[str, Any]) -> None:
    for key, value in settings.items():
        default = SETTINGS[key]
        if isinstance(default, bool) and not isinstance(value, bool):
            raise UserError(f"{key}={value}: expected true or false")
        if type(default) is int and (type(value) is not int or value < 1):
            raise UserError(f"{key}={value}: expected a whole number, 1 or more")
    if settings["sampler"] not in SAMPLERS:
        raise UserError(f"sampler={settings['sampler']}: no such sampler; there are {', '.join(SAMPLERS)}")
    if settings["prune"] not in ("median", None):
        raise UserError(f"prune={settings['prune']}: wanted median or null")


def _launcher(name: str | None, values: dict[str, Any]) -> dict[str, Any]:
    import yaml

    files = choices("launcher")
    if name is None:
        return {}
    if name not in files:
        raise UserError(f"launcher={name}: no such launcher; there are {', '.join(files)}")
    own = {key.removeprefix("launcher."): value for key, value in values.items()}
    return (yaml.safe_load(files[name].read_text()) or {}) | own


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def example(varied: Varied) -> str:
    """One value of a varied key, as an override: with it the sweep can be composed and checked."""
    if isinstance(varied, Interval):
        return f"{varied.key}={varied.low}"
    if not varied.values:
        options = varied.options if isinstance(varied, Choice) else ()
        raise UserError(
            f"{varied.text}: stands for nothing; there are {', '.join(options) or 'no choices of that name'}"
        )
    return f"{varied.key}={varied.values[0]}"


def make_trial(space: Space, varied: Sequence[str]) -> Trial:
    """A trial's overrides, and its folder, named by a hash of the composed config: another config is another run."""
    overrides = [*space.fixed, *varied]
    plain = json.dumps(training_config(overrides, space.config_dir), sort_keys=True, default=str)
    shown = re.sub(r"[^\w.=,+-]+", "-", ",".join(varied))[:120] or "point"
    name = f"{shown}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
    return Trial(overrides, space.folder / name, space.config_dir)


def split_warning(space: Space) -> list[str]:
    """A warning where each seed of the sweep draws its own test rows, so that its scores cannot be pooled."""
    seeds = next((varied for varied in space.varied if varied.key == "seed"), None)
    if seeds is None or isinstance(seeds, Interval) or len(seeds.values) < 2:
        return []
    others = [example(varied) for varied in space.varied if varied.key != "seed"]
    first, second = (
        training_config([*space.fixed, *others, f"seed={seed}"], space.config_dir)["dataset"]
        for seed in seeds.values[:2]
    )
    has_test_file = first.get("test", "as published") is not None and first.get("split", "original") == "original"
    if has_test_file or first.get("seed") == second.get("seed"):
        return []
    return [
        f"warning: each seed draws its own test rows of {first.get('name')}, so its scores are neither pooled nor "
        "comparable; add dataset.seed=1 to keep one split"
    ]
