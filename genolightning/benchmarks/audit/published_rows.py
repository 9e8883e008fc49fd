"""A benchmark's published rows as an audit and a re-split see them: train, then test, in file order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Benchmark, PublishedIntervals
from genolightning.errors import GenomeMissing, OutOfChromosome, UserError
from genolightning.facts import target_kind
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals
from genolightning.storage.checksums import sha256

PUBLISHED = ("train", "test")
UNORDERED = "have no column id"


class PublishedRows(NamedTuple):
    """Rows of the published splits end to end; those of an interval table that the genome lacks are among them."""

    classes: list[str]  # [] where rows have no single class: regression, multilabel, labels a base
    target: NDArray[np.int64] | None  # (rows,) class numbers, None where there are no classes
    counts: list[int]  # rows of each split
    test: NDArray[np.bool_]  # (rows,)
    lengths: NDArray[np.int64]  # (rows,) in bp
    intervals: Intervals | None  # None for tables of sequences
    codes: Codes | None  # None where the genome is not there, or not whole
    notes: list[str]  # what could not be looked at
    unordered: bool = False  # sequences are there, but not in an order that ties them to their intervals


def read_published_rows(benchmark: Benchmark, splits: Sequence[str] = PUBLISHED) -> PublishedRows:
    """Read the published train and test rows, or those of `splits`, end to end.

    Bases of interval tables are read where the genome is available and holds every row; `notes` records where not.
    Raises UserError where one of `splits` has no file of its own.
    """
    if absent := set(splits) - set(benchmark.splits()):
        name = absent.pop()
        raise UserError(f"{benchmark.name} has no {name} file, so no split to look at; name one: dataset.{name}=FILE")
    tables = [benchmark.published_intervals(split) for split in splits]
    if any(table is None for table in tables):
        return _of_sequences(benchmark, splits)
    return _of_intervals(benchmark, splits, [table for table in tables if table is not None])


def _of_sequences(benchmark: Benchmark, splits: Sequence[str]) -> PublishedRows:
    rows = [benchmark.rows(split) for split in splits]
    codes = Codes.concat([one.codes for one in rows])
    counts = [len(one.index) for one in rows]
    test = np.repeat([split == "test" for split in splits], counts)
    target = _single_class(benchmark, [one.target for one in rows])
    classes = list(benchmark.classes) if target is not None else []
    return PublishedRows(classes, target, counts, test, codes.lengths, None, codes, [])


def _of_intervals(benchmark: Benchmark, splits: Sequence[str], tables: Sequence[PublishedIntervals]) -> PublishedRows:
    intervals = Intervals.concat([table.intervals for table in tables])
    counts = [len(table.ids) for table in tables]
    test = np.repeat([split == "test" for split in splits], counts)
    codes, note = _bases(benchmark, splits, np.concatenate([table.ids for table in tables]))
    rows = PublishedRows(
        [], None, counts, test, intervals.lengths, intervals, codes, [note] if note else [], note.endswith(UNORDERED)
    )
    if not target_kind(benchmark.kind).exclusive_classes or benchmark.resolution_bp is not None:
        return rows
    return rows._replace(classes=list(benchmark.classes), target=np.concatenate([table.table for table in tables]))


def _bases(benchmark: Benchmark, splits: Sequence[str], ids: NDArray[Any]) -> tuple[Codes | None, str]:
    """The bases of all rows, row by row those of the tables; None, and a note why, where they are not all there."""
    try:
        rows = [benchmark.rows(split) for split in splits]
    except (GenomeMissing, OutOfChromosome) as error:
        return None, f"no bases were read, intervals only: {error.message.partition(';')[0]}"
    if any(one.dropped for one in rows):
        return None, f"no bases were read, intervals only: {benchmark.name}: the genome lacks some rows"
    if np.concatenate([one.ids for one in rows]).tolist() != ids.tolist():
        return None, f"no bases were read, intervals only: the ready sequences of {benchmark.name} {UNORDERED}"
    return Codes.concat([one.codes for one in rows]), ""


def _single_class(benchmark: Benchmark, targets: list[NDArray[Any]]) -> NDArray[np.int64] | None:
    target = np.concatenate(targets) if targets[0].ndim == 1 else None
    if not target_kind(benchmark.kind).exclusive_classes or target is None or target.min(initial=0) < 0:
        return None
    return target.astype(np.int64)


def fingerprint(benchmark: Benchmark, splits: Sequence[str] = PUBLISHED) -> dict[str, str]:
    """File -> sha256 of the published tables; of interval tables the genome is left out, for it may not be there."""
    tables = {split: benchmark.table_files(split) for split in splits}
    if any(files is None for files in tables.values()):
        return {name: key for split in splits for name, key in benchmark.sha256(split).items()}
    return {
        f"{split}/{label}": sha256(path) for split, files in tables.items() for label, path in (files or {}).items()
    }
