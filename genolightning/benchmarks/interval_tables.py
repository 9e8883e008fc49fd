"""Interval tables and the genomes they point into: the nine Genomic Benchmarks (Gresova et al. 2023)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Rows
from genolightning.benchmarks.files import existing, missing_file, shown
from genolightning.benchmarks.precomputed_sequences import read_ready
from genolightning.errors import GenomeMissing, OutOfChromosome, UserError
from genolightning.facts import target_kind
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals, read_gb_table
from genolightning.genome.reference import ABSENT, INSIDE, PAST_END, Genome
from genolightning.paths import data_root, in_data_root
from genolightning.storage.checksums import sha256

REASONS = {ABSENT: "chromosome absent", PAST_END: "past the end"}


class IntervalTables:
    """A benchmark of one interval table a class and split, `<folder>/{train,test}/<class>.csv.gz`.

    `folder` lies in the data root's `genomic_benchmarks`, unless it is absolute. A class is read from the genome its
    `assembly` names, `genomes/<assembly>.fa[.gz]` in the data root; `genomes` points one class, `genome` all others,
    to another FASTA. Rows come in the order of `classes`, then of the file. Where the data root lacks a genome that
    nobody named, a split's ready sequences, `sequences/<folder>/<split>.tsv.gz`, stand in for it. With
    `missing="drop"` rows that the genome does not hold are left out and counted by reason; `warnings` then says what
    else the last reading found.
    """

    resolution_bp: int | None = None

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
            raise UserError(f"dataset.missing={missing}: wanted error or drop")
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
                    self._table(split, label)
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
            return {shown(path): sha256(path) for path in [ready, *(self._found_tables(split) or {}).values()]}
        tables = [self._table(split, label) for label in self.tables]
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
        genomes = {path: Genome(path) for path in self.references()}
        tables = [read_gb_table(self._table(split, label)) for label in self.tables]
        kept, dropped = [], dict.fromkeys(REASONS.values(), 0)
        for label, table in zip(self.tables, tables, strict=True):
            verdict = genomes[self._fasta(label)].placement(table.intervals)
            if self._missing == "error":
                verdict[:] = INSIDE  # gather names the first such row
            for code, reason in REASONS.items():
                dropped[reason] += int((verdict == code).sum())
            kept.append(np.flatnonzero(verdict == INSIDE))
        self._weigh_losses(split, kept)
        parts = [
            genomes[self._fasta(label)].gather(table.intervals[rows])
            for label, table, rows in zip(self.tables, tables, kept, strict=True)
        ]
        first = np.cumsum([0] + [len(table.ids) for table in tables])
        return Rows(
            Codes.concat(parts),
            self._target([table.intervals[rows] for table, rows in zip(tables, kept, strict=True)]),
            np.concatenate(
                [_named(label, table.ids[rows]) for label, table, rows in zip(self.tables, tables, kept, strict=True)]
            ),
            np.concatenate([start + rows for start, rows in zip(first, kept, strict=False)]),
            {reason: count for reason, count in dropped.items() if count},
        )

    def _from_ready(self, split: str, ready: Path) -> Rows:
        found = self._found_tables(split)
        tables = None if found is None else {label: read_gb_table(path) for label, path in found.items()}
        self.warnings.append(f"{self.name}: {split} rows were read from {shown(ready)}, for want of their genome")
        return read_ready(ready, self.classes, tables)

    def _found_tables(self, split: str) -> dict[str, Path] | None:
        within = data_root() / "genomic_benchmarks" / self._folder / split
        found = {label: existing(within / f"{label}.csv.gz") for label in self.tables}
        return {label: path for label, path in found.items() if path} if all(found.values()) else None

    def _target(self, intervals: list[Intervals]) -> NDArray[Any]:
        """Labels of all rows, given the intervals of each class."""
        return np.repeat(np.arange(len(intervals)), [len(rows) for rows in intervals])

    def _weigh_losses(self, split: str, kept: list[NDArray[np.int64]]) -> None:
        if not sum(map(len, kept)):
            genomes = ", ".join(sorted({str(self._fasta(label)) for label in self.tables}))
            raise OutOfChromosome(
                f"{self.name}: no {split} row lies inside {genomes}; name another genome: dataset.genome=FILE"
            )
        for label, rows in zip(self.tables, kept, strict=True):
            if not len(rows):
                self.warnings.append(f"{self.name}: class {label} has no {split} row inside {self._fasta(label)}")

    def _table(self, split: str, label: str) -> Path:
        within = Path("genomic_benchmarks", self._folder, split, f"{label}.csv.gz")
        path = data_root() / within
        return existing(path) or missing_file(self.name, within)

    def _wanted(self, label: str) -> Path:
        """The FASTA that a class is read from, whether it is there or not."""
        given = self._genomes.get(label) or self._genome
        return existing(in_data_root(given)) or in_data_root(given) if given else self._assembled(label)

    def _assembled(self, label: str) -> Path:
        assembly = self._assembly if isinstance(self._assembly, str) else self._assembly[label]
        wanted = data_root() / "genomes" / f"{assembly}.fa"
        return existing(wanted) or wanted

    def _fasta(self, label: str) -> Path:
        path = self._wanted(label)
        if path.is_file():
            return path
        if self._genomes.get(label) or self._genome:
            raise GenomeMissing(f"{self.name}: no genome {path} for class {label}; name one: dataset.genome=FILE")
        raise GenomeMissing(
            f"{self.name}: class {label} needs genomes/{path.name} or {path.name}.gz in {data_root()}; put it there, "
            f"or name the file: dataset.genome=FILE (with dataset.missing=drop where it holds only a part)"
        )


def _named(label: str, ids: NDArray[Any]) -> NDArray[Any]:
    return np.array([f"{label}/{one}" for one in ids], dtype=str)
