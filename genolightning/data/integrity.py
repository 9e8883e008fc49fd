"""Check that the files, genomes and encoded rows of a dataset are complete and undamaged."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from genolightning.benchmarks.files import shown
from genolightning.errors import ChecksumMismatch, UserError
from genolightning.genome.reference import Genome
from genolightning.paths import data_root
from genolightning.storage.checksums import sha256
from genolightning.storage.text_files import open_decompressed

if TYPE_CHECKING:
    from genolightning.benchmarks.base import Benchmark
    from genolightning.data.datamodule import SequenceDataModule

Parts = list[dict[str, str]]


def check_files(data: "SequenceDataModule", published: dict[str, str], parts: Parts) -> None:
    """Check files, genomes and encoded rows in turn, adding {part, state} of each to `parts`.

    `published` are file -> sha256. What is damaged in the cache is made anew; UserError for any other fault.
    """
    benchmark = data.benchmark
    parts += [{"part": file, "state": "missing"} for file in getattr(benchmark, "lacks", list)()]
    try:
        benchmark.prepare()
    except UserError:
        there = {shown(path): sha256(path) for path in getattr(benchmark, "there", list)()}
        _check_files(benchmark.name, there, published, parts)
        raise
    found = {file: key for split in benchmark.splits() for file, key in benchmark.sha256(split).items()}
    fault = _check_files(benchmark.name, found, published, parts)
    _check_genomes(benchmark, parts)
    for split, state in data.check().items():
        parts.append({"part": f"encoded {split} rows", "state": state})
    if fault is not None:  # last: an error in a row is more specific
        raise fault


def _check_files(name: str, found: dict[str, str], published: dict[str, str], parts: Parts) -> ChecksumMismatch | None:
    """Compare files (-> sha256) with their published checksums, which may be those of the unpacked file."""
    fault = None
    for file, key in found.items():
        plain = file.removesuffix(".gz")
        direct = next((sha for known, sha in published.items() if f"/{file}".endswith(f"/{known}")), None)
        inside = next((sha for known, sha in published.items() if f"/{plain}".endswith(f"/{known}")), None)
        if direct is None and inside is not None:
            key = _sha256_unpacked(data_root() / file)
        wanted = direct or inside
        state = "there, no published checksum" if wanted is None else "as published" if wanted == key else "changed"
        parts.append({"part": file, "state": state})
        if state == "changed" and fault is None:
            fault = ChecksumMismatch(
                f"{file}: wanted sha256 {wanted}, as published, found {key}; remove it and fetch it again: "
                f"genolightning datasets fetch {name}"
            )
    return fault


def _check_genomes(benchmark: "Benchmark", parts: Parts) -> None:
    from genolightning.data.encoded_split import remove_splits_of

    ready = getattr(benchmark, "ready", None)
    if ready is not None and all(ready(split) for split in benchmark.splits()):
        return
    for path in getattr(benchmark, "references", list)():
        genome = Genome(path)
        whole = genome.check()
        if not whole:
            remove_splits_of(genome.key)  # rows that were gathered from damaged bases
        parts.append({"part": f"encoded {path.name}", "state": "whole" if whole else "rebuilt"})


def _sha256_unpacked(path: Path) -> str:
    digest = hashlib.sha256()
    with open_decompressed(path) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
