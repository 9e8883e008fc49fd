"""Interval tables and the genomes they point into: the nine Genomic Benchmarks (Gresova et al. 2023)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import PublishedIntervals, Rows
from genolightning.benchmarks.files import existing, missing_file, shown
from genolightning.benchmarks.labels import RowLabels
from genolightning.benchmarks.precomputed_sequences import read_ready
from genolightning.errors import GenomeMissing, OutOfChromosome, Setting, UserError
from genolightning.facts import target_kind
from genolightning.genome.chromosome_names import common_name
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals, read_gb_table
from genolightning.genome.reference import ABSENT, INSIDE, PAST_END, Genome
from genolightning.paths import data_root, in_data_root
from genolightning.storage.checksums import sha256

REASONS = {ABSENT: "chromosome absent", PAST_END: "past the end"}


@dataclass(frozen=True, slots=True)
class _Read:
    """A split's tables, without what was left out."""

    kept: list[Intervals]  # one a table
    ids: NDArray[Any]  # str (rows,)
    index: NDArray[np.int64]  # (rows,) row of all tables end to end, before any drop
    dropped: dict[str, int]


class IntervalTables:
    """A benchmark of one interval table a class and split, `<folder>/{train,test}/<class>.csv.gz`.

    `folder` is below the data root's `genomic_benchmarks`, unless it is absolute. A class is read from the genome its
    `assembly` names, `genomes/<assembly>.fa[.gz]` in the data root; `genomes` points one class, `genome` all others,
    to another FASTA. Rows come in the order of `classes`, then of the file. Where the data root lacks a genome and
    none is set, a split's ready sequences, `sequences/<folder>/<split>.tsv.gz`, are read instead. With
    `missing="drop"` rows that the genome does not hold are left out and counted by reason; `warnings` then lists what
    else the last reading found.
    """

    resolution_bp: int | None = None
    reverse_complement: list[int] | None = None

    def __init__(
        self,
        *,
        name: str,
        folder: str | Path,
        kind: str,
        classes: Sequence[str],
        assembly: str | Mapping[str, str],
        genome: str | Path | None = None,
        genomes: Mapping[str, str | Path | None] | None = None,
        missing: str = "error",
    ) -> None:
        if missing not in ("error", "drop"):
            raise UserError(f"{Setting('dataset.missing', missing)}: wanted error or drop")
        self.name, self.kind, self.classes = name, kind, [str(one) for one in classes]
        self.warnings: list[str] = []
        if len(set(self.classes)) < len(self.classes):
            raise UserError(f"dataset.classes: {name} names a class twice: {', '.join(self.classes)}; name each once")
        if target_kind(kind).two_classes and len(self.classes) != 2:
            raise UserError(f"dataset.classes: {name} is binary and takes two classes, not {len(self.classes)}")
        for key, given in (("genomes", genomes), ("assembly", assembly)):
            if isinstance(given, Mapping) and (wrong := set(given) - set(self.classes)):
                raise UserError(f"dataset.{key}: {name} has no class {wrong.pop()!r}, but {', '.join(self.classes)}")
        self.tables = self.classes  # a table a class
        self._folder, self._assembly = folder, assembly
        self._genome, self._genomes = genome, dict(genomes or {})
        self._missing = missing

    def prepare(self) -> None:
        """Check that every table and genome, or ready file, is there."""
        for split in self.splits():
            if self.ready(split) is None:
                for label in self.tables:
                    self.table_file(split, label)
                self.references()

    def ready(self, split: str) -> Path | None:
        """The file of ready sequences that a split is read from for want of a genome; None where it needs none."""
        if self._genome or any(self._genomes.values()):
            return None
        if all(existing(self._assembled(label)) for label in self.tables):
            return None
        return existing(data_root() / "sequences" / self._folder / f"{split}.tsv.gz")

    def references(self) -> list[Path]:
        """The FASTA of every class, each file once; GenomeMissing where one is not there."""
        return list(dict.fromkeys(self._fasta(label) for label in self.tables))

    def there(self) -> list[Path]:
        """Every table that is there, even where others or the genomes are not."""
        within = data_root() / "genomic_benchmarks" / self._folder
        tables = [existing(within / split / f"{label}.csv.gz") for split in self.splits() for label in self.tables]
        return [path for path in tables if path]

    def lacks(self) -> list[str]:
        """Every file that is not there, as the data root should have it."""
        within = data_root() / "genomic_benchmarks" / self._folder
        wanted = []
        for split in self.splits():
            if self.ready(split) is None:
                wanted += [within / split / f"{label}.csv.gz" for label in self.tables]
                wanted += [self._wanted(label) for label in self.tables]
        return [shown(path) for path in dict.fromkeys(wanted) if not existing(path)]

    def splits(self) -> list[str]:
        """Train and test, as published; validation is cut from train."""
        return ["train", "test"]

    def sha256(self, split: str) -> dict[str, str]:
        """The split's tables and the genomes, or its ready sequences -> their sha256."""
        if ready := self.ready(split):
            return {shown(path): sha256(path) for path in [ready, *(self.table_files(split) or {}).values()]}
        tables = [self.table_file(split, label) for label in self.tables]
        return {shown(path): sha256(path) for path in tables} | {
            shown(path): Genome(path).key for path in sorted(self.references())
        }

    def options(self) -> dict[str, Any]:
        """Kind, classes, which genome serves each, and what becomes of rows that it lacks."""
        return {
            "kind": self.kind,
            "classes": self.classes,
            "resolution_bp": self.resolution_bp,
            "genomes": [shown(self._wanted(label)) for label in self.tables],
            "missing": self._missing,
        }

    def rows(self, split: str) -> Rows:
        """Read, check and gather one split.

        Raises BadTable for a faulty table, OutOfChromosome for a row that the genome lacks (unless such rows are
        dropped) or where it lacks them all; each names file and line.
        """
        self.warnings = []
        if ready := self.ready(split):
            return self._from_ready(split, ready)
        read = self._read(split)
        genomes = {path: Genome(path) for path in self.references()}
        parts = [
            genomes[self._fasta(label)].gather(intervals)
            for label, intervals in zip(self.tables, read.kept, strict=True)
        ]
        return Rows(Codes.concat(parts), self._target(read.kept), read.ids, read.index, read.dropped)

    def _read(self, split: str) -> "_Read":
        """Read a split's tables, and leave out what its genomes lack where that is allowed."""
        genomes = {path: Genome(path) for path in self.references()}
        rows, ids, index, dropped, first = [], [], [], dict.fromkeys(REASONS.values(), 0), 0
        kept: list[Intervals] = []
        for label in self.tables:
            table = read_gb_table(self.table_file(split, label))
            placement = genomes[self._fasta(label)].placement(table.intervals)
            if self._missing == "error":
                placement[:] = INSIDE  # gather names the first such row
            for code, reason in REASONS.items():
                dropped[reason] += int((placement == code).sum())
            rows.append(np.flatnonzero(placement == INSIDE))
            kept.append(table.intervals[rows[-1]])
            ids.append(_named(label, table.ids[rows[-1]]))
            index.append(first + rows[-1])
            first += len(table.ids)
        self._check_losses(split, rows)
        counted = {reason: count for reason, count in dropped.items() if count}
        return _Read(kept, np.concatenate(ids), np.concatenate(index), counted)

    def _from_ready(self, split: str, ready: Path) -> Rows:
        found = self.table_files(split)
        tables = None if found is None else {label: read_gb_table(path) for label, path in found.items()}
        self.warnings.append(f"{self.name}: {split} rows were read from {shown(ready)}, for want of their genome")
        return read_ready(ready, self.classes, tables)

    def table_files(self, split: str) -> dict[str, Path] | None:
        """Table -> its file; None where ready sequences are read instead and a table is missing."""
        if self.ready(split) is None:
            return {label: self.table_file(split, label) for label in self.tables}
        within = data_root() / "genomic_benchmarks" / self._folder / split
        files = {label: existing(within / f"{label}.csv.gz") for label in self.tables}
        return {label: path for label, path in files.items() if path} if all(files.values()) else None

    def published_intervals(self, split: str) -> PublishedIntervals | None:
        """Read a split's tables; chromosomes become `assembly:chromosome`, so that chrX of two species differ."""
        files = self.table_files(split)
        if files is None:
            return None
        tables = [read_gb_table(path) for path in files.values()]
        named = [self._with_assembly(label, table.intervals) for label, table in zip(files, tables, strict=True)]
        ids = [_named(label, table.ids) for label, table in zip(files, tables, strict=True)]
        counts = [len(table.ids) for table in tables]
        return PublishedIntervals(
            Intervals.concat(named), np.concatenate(ids), np.repeat(np.arange(len(tables)), counts)
        )

    def _with_assembly(self, label: str, intervals: Intervals) -> Intervals:
        names, place = np.unique(intervals.chrom.astype(str), return_inverse=True)
        spelled = np.array([f"{self.assembly_of(label)}:{common_name(name)}" for name in names.tolist()])
        return Intervals(spelled[place], intervals.start, intervals.end, intervals.strand)

    @property
    def genome(self) -> Genome:
        """The genome of all classes; UserError where they have several."""
        paths = self.references()
        if len(paths) > 1:
            raise UserError(f"{self.name} has {len(paths)} genomes, so no single one to gather windows from")
        return Genome(paths[0])

    def intervals(self, split: str) -> Intervals:
        """The intervals of a split in the order of `rows`, those that the genome lacks left out where rows are."""
        return Intervals.concat(self._read(split).kept)

    def labels(self, split: str) -> RowLabels:
        """The label of each interval of a split, in a narrow type."""
        target = self._target(self._read(split).kept)
        narrow = target if target.dtype.kind == "f" else target.astype(np.int8 if len(self.classes) < 128 else np.int16)
        return RowLabels(self.kind, self.classes, narrow, self.resolution_bp)

    def _target(self, intervals: list[Intervals]) -> NDArray[Any]:
        """Labels of all rows, given the intervals of each class."""
        return np.repeat(np.arange(len(intervals)), [len(rows) for rows in intervals])

    def _check_losses(self, split: str, kept: list[NDArray[np.int64]]) -> None:
        if not sum(map(len, kept)):
            genomes = ", ".join(sorted({str(self._fasta(label)) for label in self.tables}))
            raise OutOfChromosome(
                f"{self.name}: no {split} row lies inside {genomes}",
                f"name another genome: {Setting('dataset.genome', 'FILE')}",
            )
        for label, rows in zip(self.tables, kept, strict=True):
            if not len(rows):
                self.warnings.append(f"{self.name}: class {label} has no {split} row inside {self._fasta(label)}")

    def table_file(self, split: str, label: str) -> Path:
        """The file of a class's intervals; DatasetMissing where it is not there."""
        within = Path("genomic_benchmarks", self._folder, split, f"{label}.csv.gz")
        path = data_root() / within
        return existing(path) or missing_file(self.name, within)

    def _wanted(self, label: str) -> Path:
        """The FASTA that a class is read from, whether it is there or not."""
        given = self._genomes.get(label) or self._genome
        return existing(in_data_root(given)) or in_data_root(given) if given else self._assembled(label)

    def assembly_of(self, label: str) -> str:
        """The name of the genome that a class's intervals point into."""
        return self._assembly if isinstance(self._assembly, str) else self._assembly[label]

    def _assembled(self, label: str) -> Path:
        wanted = data_root() / "genomes" / f"{self.assembly_of(label)}.fa"
        return existing(wanted) or wanted

    def _fasta(self, label: str) -> Path:
        path = self._wanted(label)
        if path.is_file():
            return path
        if self._genomes.get(label) or self._genome:
            raise GenomeMissing(
                f"{self.name}: no genome {path} for class {label}; name one: {Setting('dataset.genome', 'FILE')}"
            )
        raise GenomeMissing(
            f"{self.name}: class {label} needs genomes/{path.name} or {path.name}.gz in {data_root()}; put it there, "
            f"or name the file: {Setting('dataset.genome', 'FILE')} "
            f"(with {Setting('dataset.missing', 'drop')} where it holds only a part)"
        )


def _named(label: str, ids: NDArray[Any]) -> NDArray[Any]:
    return np.array([f"{label}/{one}" for one in ids], dtype=str)
