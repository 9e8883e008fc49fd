"""What was computed once and is kept in the cache folder, under a key of everything that it depends on."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genolightning.paths import cache_dir
from genolightning.storage.atomic import CACHE_FIX, atomic_folder, atomic_write, write_errors


def cache_key(value: Any) -> str:
    """The sha256 of plain values (lists, dicts, strings, numbers), in hexadecimal; the order of keys does not matter.

    >>> cache_key({"a": 1, "b": [2]}) == cache_key({"b": [2], "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def cache_path(folder: str, value: Any, suffix: str = "", *, prefix: str = "") -> Path:
    """Where the cache keeps what depends on `value`, which holds a version number that counts up with the recipe."""
    return cache_dir() / folder / f"{prefix}{cache_key(value)[:32]}{suffix}"


def make_file_once(path: Path, write: Callable[[Path], None]) -> Path:
    """Write a file of the cache where it is not there yet; `write` gets the temporary file to write to."""
    if not path.exists():
        with make_lock(path):
            if not path.exists():
                with atomic_write(path, fix=CACHE_FIX) as part:
                    write(part)
    return path


def make_folder_once(path: Path, write: Callable[[Path], None]) -> Path:
    """Write a folder of the cache where it is not there yet; `write` gets the temporary folder to write into."""
    if not path.is_dir():
        with make_lock(path):
            if not path.is_dir():
                with atomic_folder(path, fix=CACHE_FIX) as draft:
                    write(draft)
    return path


def make_lock(path: Path) -> Any:
    """A lock that one process at a time holds while it makes `path`; the lock file is next to it."""
    from filelock import FileLock

    with write_errors(path, CACHE_FIX):
        path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{path}.lock")
