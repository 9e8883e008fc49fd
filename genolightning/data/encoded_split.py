"""The encoded store of a split: read, checked and encoded once, then memory-mapped by every run and every process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Benchmark, Rows
from genolightning.genome.codes import Codes
from genolightning.paths import cache_dir
from genolightning.storage.atomic import CACHE_FIX, atomic_folder, remove_folder, write_errors
from genolightning.storage.cache import cache_key, make_lock
from genolightning.storage.checksums import crc32

LAYOUT = 2  # of the files of a store; another number is another store


@dataclass(frozen=True, slots=True)
class EncodedSplit:
    """One split on disk, in table order; every array is a read-only memory map."""

    key: str  # sha256 of the tables, references and options it was made from
    codes: Codes
    target: NDArray[Any]
    ids: NDArray[Any]
    index: NDArray[np.int64]
    dropped: dict[str, int]
    warnings: list[str]

    def lengths(self) -> NDArray[np.int64]:
        """True length of every row in bases, int64 (rows,)."""
        return self.codes.lengths


def concatenated(first: EncodedSplit, second: EncodedSplit) -> EncodedSplit:
    """The rows of two stores as one, in memory; `index` goes on after the first table's last row, dropped ones too."""
    offset = len(first.index) + sum(first.dropped.values())
    dropped = {
        reason: first.dropped.get(reason, 0) + second.dropped.get(reason, 0)
        for reason in first.dropped | second.dropped
    }
    return EncodedSplit(
        f"{first.key}+{second.key}",
        Codes.concat([first.codes, second.codes]),
        np.concatenate([first.target, second.target]),
        np.concatenate([first.ids, second.ids]),
        np.concatenate([first.index, second.index + offset]),
        dropped,
        [*first.warnings, *second.warnings],
    )


def split_key(benchmark: Benchmark, split: str) -> str:
    """Key of a split's store: it changes with the tables, references, options and split."""
    values = {"layout": LAYOUT, "split": split, "files": benchmark.sha256(split), "options": benchmark.options()}
    return cache_key(values)


def open_split(benchmark: Benchmark, split: str) -> EncodedSplit:
    """Open the store of a split, and build it first where the cache has none that is whole.

    Built in a folder of another name and renamed, under a lock: a store that has its name was whole when it got it.
    A store whose files differ in size from its notes is built anew; `check_split` looks at every byte.
    """
    key = split_key(benchmark, split)
    folder = _folder(key)
    if (notes := _notes(folder)) is None:
        with make_lock(folder):
            if (notes := _notes(folder)) is None:
                notes = _build(folder, benchmark, split)
    return _open(folder, key, notes)


def check_split(benchmark: Benchmark, split: str) -> str:
    """Look at every byte of a split's store: `whole`, or `rebuilt` (from damage), or `built` where there was none."""
    folder = _folder(split_key(benchmark, split))
    there, notes = folder.exists(), _notes(folder)
    if notes and all(crc32(folder / name) == file["crc32"] for name, file in notes["files"].items()):
        return "whole"
    with make_lock(folder):
        _build(folder, benchmark, split)
    return "rebuilt" if there else "built"


def remove_splits_of(sha256: str) -> int:
    """Remove every store that was made from the file of this checksum, e.g. a genome whose bases were damaged."""
    found = [one for one in _folder("").glob("*/notes.json") if f'"{sha256}"' in one.read_text(errors="replace")]
    for one in found:
        remove_folder(one.parent)
    return len(found)


def _folder(key: str) -> Path:
    return cache_dir() / "stores" / key[:32]


def _notes(folder: Path) -> dict[str, Any] | None:
    """The store's notes; None where a file is missing or has another size."""
    try:
        notes: dict[str, Any] = json.loads((folder / "notes.json").read_text())
        sizes = {name: (folder / name).stat().st_size for name in notes["files"]}
        whole = sizes == {name: file["bytes"] for name, file in notes["files"].items()}
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return notes if whole and "codes.npy" in sizes else None


def _build(folder: Path, benchmark: Benchmark, split: str) -> dict[str, Any]:
    rows = benchmark.rows(split)
    with (
        write_errors(f"the encoded rows of {benchmark.name}", CACHE_FIX),
        atomic_folder(folder, replace=True, fix=CACHE_FIX) as draft,  # whoever has a damaged one open keeps it
    ):
        files = {}
        for name, array in _arrays(rows).items():
            path = draft / f"{name}.npy"
            _save(path, array)
            files[path.name] = {"bytes": path.stat().st_size, "crc32": crc32(path)}
        notes = {
            "dropped": rows.dropped,
            "warnings": list(getattr(benchmark, "warnings", [])),
            "made_from": benchmark.sha256(split),
            "files": files,
        }
        (draft / "notes.json").write_text(json.dumps(notes))
    return notes


def _save(path: Path, array: NDArray[Any]) -> None:
    """Write as np.save does, which loses the error of a full disk (numpy 2.4)."""
    array = np.ascontiguousarray(array)
    with open(path, "wb") as out:
        np.lib.format.write_array_header_1_0(out, np.lib.format.header_data_from_array_1_0(array))
        out.write(array.reshape(-1).view(np.uint8).data)


def _arrays(rows: Rows) -> dict[str, NDArray[Any]]:
    arrays = {"target": rows.target, "ids": np.asarray(rows.ids, str), "index": rows.index}
    if rows.codes.even:
        return arrays | {"codes": rows.codes.padded()}
    return arrays | {"codes": rows.codes.values, "offsets": rows.codes.offsets}


def _open(folder: Path, key: str, notes: dict[str, Any]) -> EncodedSplit:
    def load(name: str) -> NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))

    codes = Codes(load("codes"), load("offsets") if "offsets.npy" in notes["files"] else None)
    return EncodedSplit(key, codes, load("target"), load("ids"), load("index"), notes["dropped"], notes["warnings"])
