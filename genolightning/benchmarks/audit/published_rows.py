"""A benchmark's published rows as an audit and a re-split see them: train, then test, in file order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Benchmark
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.benchmarks.motifs import Motifs
from genolightning.errors import GenomeMissing, OutOfChromosome, UserError
from genolightning.genome.chromosome_names import common_name
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals, IntervalTable, read_gb_table
from genolightning.storage.checksums import sha256

PUBLISHED = ("train", "test")


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


def read_published_rows(benchmark: Benchmark, splits: Sequence[str] = PUBLISHED) -> PublishedRows:
    """Read train and test. Of interval tables a genome is read where it is there and holds every row, else noted.

    Raises UserError for a benchmark without a test file of its own, unless it is not asked for.
    """
    if absent := set(splits) - set(benchmark.splits()):
        name = absent.pop()
        raise UserError(f"{benchmark.name} has no {name} file, so no split to look at; name one: dataset.{name}=FILE")
    if isinstance(benchmark, IntervalTables) and _has_tables(benchmark, splits):
        return _of_intervals(benchmark, splits)
    return _of_sequences(benchmark, splits)


def _has_tables(benchmark: IntervalTables, splits: Sequence[str]) -> bool:
    """Whether a benchmark is read by its intervals: always, unless it has ready sequences and no tables."""
    return not any(benchmark.ready(split) and benchmark._found_tables(split) is None for split in splits)


def _of_sequences(benchmark: Benchmark, splits: Sequence[str]) -> PublishedRows:
    rows = [benchmark.rows(split) for split in splits]
    codes = Codes.concat([one.codes for one in rows])
    counts = [len(one.index) for one in rows]
    test = np.repeat([split == "test" for split in splits], counts)
    target = _single_class(benchmark, [one.target for one in rows])
    classes = list(benchmark.classes) if target is not None else []
    return PublishedRows(classes, target, counts, test, codes.lengths, None, codes, [])


def _of_intervals(benchmark: IntervalTables, splits: Sequence[str]) -> PublishedRows:
    if isinstance(benchmark, Motifs):
        benchmark.prepare()
    tables = [read_tables(benchmark, split) for split in splits]
    parts = [scoped(benchmark, label, table.intervals) for split in tables for label, table in split.items()]
    intervals = Intervals.concat(parts)
    counts = [sum(len(table.ids) for table in split.values()) for split in tables]
    test = np.repeat([split == "test" for split in splits], counts)
    codes, notes = _bases(benchmark, splits, tables)
    if benchmark.kind not in ("binary", "multiclass") or benchmark.resolution_bp is not None:
        return PublishedRows([], None, counts, test, intervals.lengths, intervals, codes, notes)
    target = np.concatenate(
        [np.repeat(np.arange(len(split)), [len(t.ids) for t in split.values()]) for split in tables]
    )
    return PublishedRows(list(benchmark.classes), target, counts, test, intervals.lengths, intervals, codes, notes)


def _bases(
    benchmark: IntervalTables, splits: Sequence[str], tables: list[dict[str, IntervalTable]]
) -> tuple[Codes | None, list[str]]:
    """The bases of all rows, row by row those of the tables; None, and a note why, where they are not all there."""
    try:
        rows = [benchmark.rows(split) for split in splits]
    except (GenomeMissing, OutOfChromosome) as error:
        return None, [f"no bases were read, intervals only: {str(error).partition(';')[0]}"]
    if any(one.dropped for one in rows):
        return None, [f"no bases were read, intervals only: {benchmark.name}: the genome lacks some rows"]
    ids = [f"{label}/{one}" for split in tables for label, table in split.items() for one in table.ids]
    if np.concatenate([one.ids for one in rows]).tolist() != ids:
        return None, [f"no bases were read, intervals only: the ready sequences of {benchmark.name} have no column id"]
    return Codes.concat([one.codes for one in rows]), []


def read_tables(benchmark: IntervalTables, split: str) -> dict[str, IntervalTable]:
    """A split's interval tables by class, in the order of its rows; no genome is opened."""
    return {label: read_gb_table(benchmark._table(split, label)) for label in benchmark.tables}


def scoped(benchmark: IntervalTables, label: str, intervals: Intervals) -> Intervals:
    """A class's intervals with `assembly:chromosome` as names: chrX of two species differ, chrX and X do not."""
    assembly = benchmark._assembly if isinstance(benchmark._assembly, str) else benchmark._assembly[label]
    names, place = np.unique(intervals.chrom.astype(str), return_inverse=True)
    spelled = np.array([f"{assembly}:{common_name(name)}" for name in names.tolist()])
    return Intervals(spelled[place], intervals.start, intervals.end, intervals.strand)


def _single_class(benchmark: Benchmark, targets: list[NDArray[Any]]) -> NDArray[np.int64] | None:
    target = np.concatenate(targets) if targets[0].ndim == 1 else None
    if benchmark.kind not in ("binary", "multiclass") or target is None or target.min(initial=0) < 0:
        return None
    return target.astype(np.int64)


def fingerprint(benchmark: Benchmark, splits: Sequence[str] = PUBLISHED) -> dict[str, str]:
    """File -> sha256 of the published tables; of interval tables the genome is left out, for it may not be there."""
    if not isinstance(benchmark, IntervalTables) or not _has_tables(benchmark, splits):
        return {name: key for split in splits for name, key in benchmark.sha256(split).items()}
    return {
        f"{split}/{label}": sha256(benchmark._table(split, label)) for split in splits for label in benchmark.tables
    }
