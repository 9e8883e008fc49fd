"""The encoded store of a split: read, checked and encoded once, then memory-mapped by every run and every process."""

import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from genolightning.batch import Batch, Tokens
from genolightning.benchmarks.rows import Benchmark, Rows
from genolightning.genome.alphabet import Codes, Packed
from genolightning.paths import cache_dir

__all__ = ["Batch", "Store", "Tokens", "open_store", "store_key"]

LAYOUT = 1  # of the files of a store; another number is another store


class Store(NamedTuple):
    """One split on disk, in table order; every array is a read-only memory map."""

    key: str  # sha256 of the tables, references and options it was made from
    codes: Codes
    target: NDArray[Any]
    ids: NDArray[Any]
    index: NDArray[np.int64]  # type: ignore[assignment]  # tuple.index is no use here
    dropped: dict[str, int]
    warnings: list[str]

    def lengths(self) -> NDArray[np.int64]:
        """True length of every row in bases, int64 (rows,)."""
        if isinstance(self.codes, Packed):
            return np.diff(self.codes.offsets)
        return np.full(len(self.codes), self.codes.shape[1], np.int64)


def store_key(benchmark: Benchmark, split: str) -> str:
    """One name for (tables, references, options, split): anything else that changes is another store."""
    parts = {"layout": LAYOUT, "split": split, "files": benchmark.sha256(split), "options": benchmark.options()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def open_store(benchmark: Benchmark, split: str) -> Store:
    """Open the store of a split, and build it first where the cache has none.

    Built in a folder of another name and renamed, under a lock: a store that has its name is whole.
    """
    key = store_key(benchmark, split)
    folder = cache_dir() / "stores" / key[:32]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                _build(folder, benchmark, split)
    return _open(folder, key)


def _build(folder: Path, benchmark: Benchmark, split: str) -> None:
    rows = benchmark.rows(split)
    draft = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.draft")
    draft.mkdir()
    try:
        for name, array in _arrays(rows).items():
            np.save(draft / f"{name}.npy", array, allow_pickle=False)
        notes = {"dropped": rows.dropped, "warnings": list(getattr(benchmark, "warnings", []))}
        (draft / "notes.json").write_text(json.dumps(notes))
        os.replace(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _arrays(rows: Rows) -> dict[str, NDArray[Any]]:
    arrays = {"target": rows.target, "ids": np.asarray(rows.ids, str), "index": rows.index}
    if isinstance(rows.codes, Packed):
        return arrays | {"codes": rows.codes.values, "offsets": rows.codes.offsets}
    return arrays | {"codes": rows.codes}


def _open(folder: Path, key: str) -> Store:
    def load(name: str) -> NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))

    notes = json.loads((folder / "notes.json").read_text())
    codes: Codes = load("codes")
    if (folder / "offsets.npy").exists():
        codes = Packed(load("codes"), load("offsets"))
    return Store(key, codes, load("target"), load("ids"), load("index"), notes["dropped"], notes["warnings"])
