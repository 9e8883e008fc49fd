"""Errors that a user can fix. Each message names what is wrong and where, then the fix, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral
from typing import Any, Literal, NamedTuple

front_end: ContextVar[Literal["command line", "python"]] = ContextVar("front_end", default="command line")


class Setting(NamedTuple):
    """A setting and its value, written as the front end in use takes it.

    A key of the config is `dataset.too_long=crop` on the command line and an entry of `overrides` in Python; an option
    of a command (`--max-n`) is an argument of the same name in Python.

    >>> str(Setting("dataset.too_long", "crop")), str(Setting("--max-n", 0.1))
    ('dataset.too_long=crop', '--max-n=0.1')
    >>> before = front_end.set("python")
    >>> str(Setting("dataset.too_long", "crop")), str(Setting("--max-n", 0.1))
    ('{"dataset.too_long": "crop"}', 'max_n=0.1')
    >>> front_end.reset(before)
    """

    key: str
    value: Any

    def __str__(self) -> str:
        if front_end.get() == "command line":
            return f"{self.key}={_as_yaml(self.value)}"
        value = f'"{self.value}"' if isinstance(self.value, str) else repr(self.value)
        option = self.key.startswith("--")
        return f"{self.key[2:].replace('-', '_')}={value}" if option else f'{{"{self.key}": {value}}}'


def _as_yaml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{','.join(_as_yaml(item) for item in value)}]"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


class UserError(Exception):
    """A mistake that its reader can fix: the command line prints one line and exits with `exit_code`.

    `fix` is what to change; a `Setting` alone becomes "add dataset.too_long=crop" on the command line and
    'pass {"dataset.too_long": "crop"}' in Python. The front end in use when it is raised decides.

    >>> str(UserError("row 3 has 900 bp, 512 were expected", Setting("dataset.too_long", "crop")))
    'row 3 has 900 bp, 512 were expected; add dataset.too_long=crop'
    """

    exit_code = 2

    def __init__(self, message: str, fix: str | Setting | None = None) -> None:
        if isinstance(fix, Setting):
            fix = f"{'add' if front_end.get() == 'command line' else 'pass'} {fix}"
        super().__init__(message, fix)  # both are kept in `args`, which pickling uses
        self.message, self.fix = message, fix

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message


def check_sizes(**sizes: int) -> None:
    """Raise UserError for the first size of a model that is not an integer of at least 1."""
    for name, size in sizes.items():
        check_integer(f"model.backbone.{name}", size)


def check_integer(key: str, number: Any, minimum: int = 1, maximum: float = float("inf")) -> None:
    """Raise UserError where a setting is not an integer from `minimum` to `maximum`."""
    if isinstance(number, bool) or not isinstance(number, Integral) or not minimum <= int(number) <= maximum:
        limits = f"from {minimum} on" if maximum == float("inf") else f"from {minimum} to {maximum}"
        found = f"{key}={number}" if front_end.get() == "command line" else Setting(key, number)
        raise UserError(f"{found}: wanted a whole number {limits}")


@contextmanager
def constructor_errors(settings: str) -> Iterator[None]:
    """Turn what a constructor raises about its arguments into a UserError that names these settings."""
    try:
        yield
    except (TypeError, ValueError, IndexError, ZeroDivisionError, RuntimeError) as error:
        raise UserError(f"{settings}: {error} (GENOLIGHTNING_DEBUG=1 shows where)") from error


class DatasetMissing(UserError):
    """A dataset's files are not in the data root."""


class GenomeMissing(UserError):
    """A reference genome is not in the data root."""


class OutOfChromosome(UserError):
    """An interval names a chromosome the genome lacks, or reaches past its end."""


class BadTable(UserError):
    """A table, FASTA, BED or other file holds something that cannot be read as what it should be."""


class ChecksumMismatch(UserError):
    """A file's sha256 is not the one its card or lock file names."""


class UntrustedRun(UserError):
    """A run folder or checkpoint would execute code that is not on the allow-list."""


class Diverged(UserError):
    """The loss is no longer a number."""

    exit_code = 3


class ProcessLost(UserError):
    """Another process of a run on several devices has ended, and this one with it."""

    exit_code = 1
