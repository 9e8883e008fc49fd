"""What a sweep varies: `sweeps/NAME.yaml` and a user's words, read into settings, fixed words and ranges."""

import hashlib
import json
import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from genolightning.config import compose as door
from genolightning.config import help as words
from genolightning.config.renamed_targets import with_first_names
from genolightning.errors import UserError
from genolightning.paths import logs_dir, sweeps_dir

SETTINGS: dict[str, Any] = {
    "workers": 1,  # points at a time, each with its share of the devices
    "sampler": "grid",  # every combination; or tpe, random: n_trials draws from the ranges
    "n_trials": 20,
    "prune": "median",  # end a draw whose validation score is below the median of the others'; null: never
    "storage": None,  # where the draws are kept: an Optuna storage URL; null: a journal file beside the runs
    "launcher": None,  # local or slurm: submit `workers` jobs that share the points
    "dry_run": False,  # print the points, or the job's script, and run nothing
    "retry": False,  # run points again that failed
}
SAMPLERS = ("grid", "tpe", "random")


class Space(NamedTuple):
    """A sweep as it was asked for."""

    name: str
    settings: dict[str, Any]
    launcher: dict[str, Any]  # keys of conf/launcher/<launcher>.yaml
    fixed: list[str]  # words that every point has
    ranges: list[Any]  # Hydra's parsed overrides, one a varied key
    config_dir: Path | None

    @property
    def folder(self) -> Path:
        """Where the points' run folders lie."""
        return logs_dir() / "sweep" / self.name


class Point(NamedTuple):
    """One run of a sweep."""

    words: list[str]
    folder: Path


def read(name: str, given: Sequence[str], config_dir: Path | None = None) -> Space:
    """Read a sweep's file and put a user's words in place of its own; UserError for what cannot be swept."""
    import yaml

    files = {file.stem: file for folder in (sweeps_dir(), config_dir) if folder for file in folder.glob("*.yaml")}
    if name not in files:
        raise UserError(f"no sweep '{name}'; {words.near(name, files)}there are {', '.join(sorted(files))}")
    held = yaml.safe_load(files[name].read_text()) or {}
    if not isinstance(held, dict):
        raise UserError(f"{files[name]}: wanted lines of the form key: value")
    held = {**(held.pop("sweep", None) or {}), **held}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"{word}: not of the form key=value")
        held[key] = yaml.safe_load(value) if key in SETTINGS or key.startswith("launcher.") else value
    settings = SETTINGS | {key: held.pop(key) for key in SETTINGS if key in held}
    _check(settings)
    launcher = _launcher(settings["launcher"], {key: held.pop(key) for key in list(held) if key[:9] == "launcher."})
    parsed = _parse([f"{key}={_text(value)}" for key, value in held.items()])
    fixed = [word.input_line for word in parsed if not word.is_sweep_override()]
    return Space(name, settings, launcher, fixed, [word for word in parsed if word.is_sweep_override()], config_dir)


def _check(settings: dict[str, Any]) -> None:
    for key, value in settings.items():
        usual = SETTINGS[key]
        if isinstance(usual, bool) and not isinstance(value, bool):
            raise UserError(f"{key}={value}: expected true or false")
        if type(usual) is int and (type(value) is not int or value < 1):
            raise UserError(f"{key}={value}: expected a whole number, 1 or more")
    if settings["sampler"] not in SAMPLERS:
        raise UserError(f"sampler={settings['sampler']}: no such sampler; there are {', '.join(SAMPLERS)}")
    if settings["prune"] not in ("median", None):
        raise UserError(f"prune={settings['prune']}: wanted median or null")


def _launcher(name: str | None, given: dict[str, Any]) -> dict[str, Any]:
    import yaml

    there = words.choices("launcher")
    if name is None:
        return {}
    if name not in there:
        raise UserError(f"launcher={name}: no such launcher; there are {', '.join(there)}")
    return (yaml.safe_load(there[name].read_text()) or {}) | {key[9:]: value for key, value in given.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _parse(overrides: list[str]) -> list[Any]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return list(OverridesParser.create().parse_overrides(overrides))
    except HydraException as error:
        told = " ".join(str(error).split("\nSee https")[0].split())
        raise UserError(f"{told}; a sweep's values are Hydra's: a,b or range(1,6) or interval(0,1)") from error


def choices(override: Any, config_dir: Path | None = None) -> list[str]:
    """The values a key takes, as words: from a list, a range, or a glob over a group's choices."""
    from hydra.core.override_parser.types import Glob

    key, value = override.get_key_element(), override.value()
    if isinstance(value, Glob):
        return [f"{key}={name}" for name in value.filter(list(words.choices(override.key_or_group, config_dir)))]
    if override.is_interval_sweep():
        raise UserError(f"{override.input_line}: a grid cannot hold an interval; add sampler=tpe, or list values")
    return [f"{key}={text}" for text in override.sweep_string_iterator()]


def example(override: Any, config_dir: Path | None = None) -> str:
    """One value of a varied key, as a word: with it the sweep can be composed and checked."""
    if override.is_interval_sweep():
        return f"{override.get_key_element()}={override.value().start}"
    found = choices(override, config_dir)
    if not found:
        raise UserError(f"{override.input_line}: stands for nothing; there are {', '.join(_options(override))}")
    return found[0]


def _options(override: Any) -> list[str]:
    return list(words.choices(override.key_or_group)) or ["no choices of that name"]


def grid(space: Space) -> list[Point]:
    """Every combination as a point, each composed: a mistake in the last one is told before the first one runs."""
    found = [
        point(space, list(chosen)) for chosen in product(*[choices(one, space.config_dir) for one in space.ranges])
    ]
    if not found:
        raise UserError(f"sweep {space.name} has no points; what it varies: {_told(space)}")
    return found


def _told(space: Space) -> str:
    return " ".join(word.input_line for word in space.ranges) or "nothing"


def point(space: Space, varied: list[str]) -> Point:
    """A point's words and folder, which carries a hash of the whole config: another config is another run."""
    from omegaconf import OmegaConf

    given = [*space.fixed, *varied]
    cfg = door.compose("train", given, config_dir=space.config_dir).cfg
    named = with_first_names(OmegaConf.to_container(cfg, resolve=True))
    plain = json.dumps(named, sort_keys=True, default=str)
    shown = re.sub(r"[^\w.=,+-]+", "-", ",".join(varied))[:120] or "point"
    return Point(given, space.folder / f"{shown}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}")


def listing(config_dir: Path | None = None) -> list[str]:
    """The sweeps there are, with what they say of themselves."""
    files = [file for folder in (sweeps_dir(), config_dir) if folder for file in sorted(folder.glob("*.yaml"))]
    return [f"  {file.stem:<14}{words.about(file)}" for file in files]
