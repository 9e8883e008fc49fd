"""How rows are split, augmented and served: the settings that every dataset takes, checked when they are made."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from genolightning.errors import UserError, check_integer

ON_DEVICE = ("auto", True, False)
DESCRIPTION = ("card",)  # keys of a dataset's config that describe it and change nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """Which rows are train, validation and test.

    A split without a file of its own is cut from train by `seed`, first test, then validation, class by class where
    rows have classes; with `validation_fraction` 0 there is no validation at all, and a file of it is not read.
    `split` is `original`, or a re-split of the published rows (`clean`, `chromosome`: see benchmarks/splits.py). Of
    the rows left in train `train_fraction` is kept; a smaller share is a subset of a larger one.
    """

    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    train_fraction: float = 1.0
    split: str = "original"
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.validation_fraction < 1:
            raise UserError(
                f"dataset.validation_fraction={self.validation_fraction}: wanted 0 (none) or a share, e.g. .1"
            )
        if not 0 < self.test_fraction < 1:
            raise UserError(f"dataset.test_fraction={self.test_fraction}: wanted a share between 0 and 1, e.g. .1")
        if not 0 < self.train_fraction <= 1:
            raise UserError(
                f"dataset.train_fraction={self.train_fraction}: wanted a share above 0 and up to 1, e.g. .1"
            )

    @property
    def validates(self) -> bool:
        """Whether there is a validation split; without one the last epoch is tested."""
        return self.validation_fraction > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """What changes in training batches: a random strand, a random shift, a share of bases drawn anew."""

    reverse_complement: bool = False
    shift_bp: int = 0  # the largest shift, to either side
    substitute: float = 0.0  # share of bases

    def __post_init__(self) -> None:
        share = self.substitute
        if not (isinstance(share, (int, float)) and 0 <= share < 1):
            raise UserError(f"dataset.augment.substitute={share}: wanted a share of bases, 0 up to 1, e.g. .1")
        check_integer("dataset.augment.shift_bp", self.shift_bp, 0)

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "Augmentation":
        """Build it from the `augment` block of a dataset; UserError for a key that it does not have."""
        names = [entry.name for entry in fields(cls)]
        if unknown := set(settings) - set(names):
            raise UserError(f"dataset.augment.{min(unknown)}: there are {', '.join(names)}")
        return cls(**settings)

    @property
    def changes_bases(self) -> bool:
        """Whether sequences differ from epoch to epoch in more than their strand."""
        return bool(self.shift_bp or self.substitute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How batches are made.

    `batch_size` is per process. `too_long`: rows longer than the model takes are an `error`, or `crop` keeps their
    first bases. `bucket` puts rows of like length into one batch. `on_device` keeps the rows on the GPU; `auto` where
    they fit into a quarter of its free memory and `workers` is 0.
    """

    batch_size: int = 64
    too_long: str = "error"
    bucket: bool = False
    workers: int = 0
    on_device: str | bool = "auto"

    def __post_init__(self) -> None:
        if self.on_device not in ON_DEVICE:
            raise UserError(f"dataset.on_device={self.on_device}: wanted auto, true or false")
        if self.too_long not in ("error", "crop"):
            raise UserError(f"dataset.too_long={self.too_long}: wanted error or crop")
        check_integer("dataset.batch_size", self.batch_size)
        check_integer("dataset.workers", self.workers, 0)


def take_fields(settings: dict[str, Any], kind: type) -> dict[str, Any]:
    """Take the fields of a settings class out of `settings`."""
    names = [entry.name for entry in fields(kind)]
    return {name: settings.pop(name) for name in names if name in settings}


def refuse_unread(settings: Mapping[str, Any], keys: tuple[str, ...], name: str) -> None:
    """Reject a setting that nothing reads; null counts as a missing key, as in older configs."""
    unread = [key for key, value in settings.items() if key not in (*keys, *DESCRIPTION) and value is not None]
    if unread:
        serving = [entry.name for kind in (Splitting, Loading) for entry in fields(kind)]
        there = ", ".join(sorted([*keys, *serving, "augment"]))
        raise UserError(f"dataset.{unread[0]}={settings[unread[0]]}: {name} has no such key; there are {there}")
