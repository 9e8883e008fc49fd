"""What a user can get wrong. Each message says what was wanted, what was found (file, row) and what to type next."""

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any


class UserError(Exception):
    """A mistake that its reader can mend: the command line prints one line and leaves with `exit_code`."""

    exit_code = 2


def positive(**numbers: int) -> None:
    """UserError for the first of a model's sizes that is no whole number from 1 on."""
    for name, number in numbers.items():
        whole(f"model.backbone.{name}", number)


def whole(key: str, number: Any, least: int = 1, most: float = float("inf")) -> None:
    """UserError where a setting is no whole number from `least` up to `most`."""
    if isinstance(number, bool) or not isinstance(number, Integral) or not least <= int(number) <= most:
        upto = f"from {least} on" if most == float("inf") else f"from {least} to {most}"
        raise UserError(f"{key}={number}: wanted a whole number {upto}")


@contextmanager
def made_from(settings: str) -> Iterator[None]:
    """What a constructor says of its arguments is the user's mistake in these settings, told in one line."""
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
