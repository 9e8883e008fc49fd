"""Where data, caches, configs and logs are kept: environment variables first, then the platform's own places."""

import os
from pathlib import Path

import platformdirs


def data_root() -> Path:
    """The folder of datasets and genomes: `GENOLIGHTNING_DATA`, else the user's data folder."""
    return _folder("GENOLIGHTNING_DATA", platformdirs.user_data_path("genolightning", appauthor=False))


def cache_dir() -> Path:
    """The folder of encoded genomes, stores and split assignments: `GENOLIGHTNING_CACHE`, else the user's cache."""
    return _folder("GENOLIGHTNING_CACHE", platformdirs.user_cache_path("genolightning", appauthor=False))


def logs_dir() -> Path:
    """The folder of run folders: `GENOLIGHTNING_LOGS`, else `logs` in the current folder."""
    return _folder("GENOLIGHTNING_LOGS", Path("logs").absolute())


def offline() -> bool:
    """Whether `GENOLIGHTNING_OFFLINE=1` forbids every connection."""
    return os.environ.get("GENOLIGHTNING_OFFLINE", "") not in ("", "0")


def conf_dir() -> Path:
    """The folder of shipped configs: inside an installed wheel, or next to the package in a checkout."""
    return _shipped("conf")


def sweeps_dir() -> Path:
    """The folder of shipped sweeps."""
    return _shipped("sweeps")


def in_data_root(path: str | Path) -> Path:
    """A user's path: absolute, or relative to the current folder where it exists there, else to the data root."""
    path = Path(path).expanduser()
    if path.is_absolute() or path.exists():
        return path.absolute()
    return data_root() / path


def _folder(variable: str, default: Path) -> Path:
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else default


def _shipped(name: str) -> Path:
    package = Path(__file__).resolve().parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name
