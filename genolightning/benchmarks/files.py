"""Paths of a benchmark's files, and the error for a missing one."""

from pathlib import Path
from typing import NoReturn

from genolightning.errors import DatasetMissing
from genolightning.paths import data_root


def existing(path: Path) -> Path | None:
    """The file of this name, or the same with or without `.gz`, or None."""
    twin = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
    return next((one for one in (path, twin) if one.is_file()), None)


def missing_file(dataset: str, within: str | Path) -> NoReturn:
    """Raise DatasetMissing for a named dataset's file that is not in the data root, with how to get it."""
    if not data_root().is_dir():
        raise DatasetMissing(
            f"{dataset}: there is no data root {data_root()}; set GENOLIGHTNING_DATA to your folder of datasets"
        )
    raise DatasetMissing(
        f"{dataset} is not in {data_root()}: no {within}. Fetch it with: genolightning datasets fetch {dataset}"
    )


def shown(path: Path) -> str:
    """A file's name in records: relative to the data root where it is below it."""
    return str(path.relative_to(data_root())) if path.is_relative_to(data_root()) else path.name
