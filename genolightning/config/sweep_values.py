"""Overrides of a sweep as plain values: what stays fixed, and the values that each varied key takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import compose
from genolightning.config.help import choices
from genolightning.config.renamed_targets import with_first_names
from genolightning.errors import UserError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

TRUSTED = {"genolightning", "lightning", "torch", "torchmetrics"}  # a saved config may name their classes


@dataclass(frozen=True, slots=True)
class Choice:
    """A key that takes one of several values: `model=cnn,convnet` or `dataset=glob(gb_*)`."""

    key: str
    text: str  # the override as it is typed
    values: tuple[str, ...]  # as they are typed
    options: tuple[str, ...] = ()  # of a config group: its choices


@dataclass(frozen=True, slots=True)
class Range:
    """A key that takes evenly spaced whole numbers: `seed=range(1,6)`."""

    key: str
    text: str
    values: tuple[str, ...]
    start: int
    stop: int
    step: int

    @property
    def numbers(self) -> range:
        """The numbers, from `start` up to, but without, `stop`."""
        return range(self.start, self.stop, self.step)


@dataclass(frozen=True, slots=True)
class Interval:
    """A key that takes any number between two: `optimizer.lr=tag(log,interval(1e-4,1e-2))`; whole if both are."""

    key: str
    text: str
    low: int | float
    high: int | float
    log: bool

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Varied = Choice | Range | Interval


def parse_sweep_overrides(overrides: Sequence[str], config_dir: Path | None = None) -> tuple[list[str], list[Varied]]:
    """Split overrides into fixed ones, as typed, and varied keys; UserError where Hydra's grammar has no such value."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        message = " ".join(str(error).split("\nSee https")[0].split())
        raise UserError(f"{message}; a sweep's values are Hydra's: a,b or range(1,6) or interval(0,1)") from error
    fixed = [str(override.input_line) for override in parsed if not override.is_sweep_override()]
    return fixed, [_varied(override, config_dir) for override in parsed if override.is_sweep_override()]


def _varied(override: "Override", config_dir: Path | None) -> Varied:
    from hydra.core.override_parser.types import Glob, IntervalSweep, RangeSweep

    key, text, value = override.get_key_element(), str(override.input_line), override.value()
    options = tuple(choices(override.key_or_group, config_dir))
    if isinstance(value, IntervalSweep):
        return Interval(key, text, value.start, value.end, log="log" in value.tags)  # type: ignore[arg-type]
    if isinstance(value, Glob):
        return Choice(key, text, tuple(value.filter(list(options))), options)
    values = tuple(override.sweep_string_iterator())
    if isinstance(value, RangeSweep) and isinstance(value.start, int) and isinstance(value.step, int):
        return Range(key, text, values, value.start, int(value.stop or 0), value.step)
    return Choice(key, text, values, options)


def training_config(overrides: Sequence[str], config_dir: Path | None = None) -> dict[str, Any]:
    """The config of a training as plain values, its classes under the first names they had, for stable hashes."""
    from omegaconf import OmegaConf

    composed = compose.compose("train", overrides, config_dir=config_dir).cfg
    plain: dict[str, Any] = with_first_names(OmegaConf.to_container(composed, resolve=True))
    return plain


def foreign_packages(config: Any) -> list[str]:
    """Packages of the user's own whose classes a config names, sorted."""
    targets = (str(value) for key, value in compose.leaves(config) if key.rpartition(".")[2] == "_target_")
    return sorted({target.split(".")[0] for target in targets} - TRUSTED)
