"""What every benchmark family passes to the data layer: rows of one split, in the order of their file."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.labels import LabelSource
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals
from genolightning.genome.reference import Genome

SPLITS = ("train", "validation", "test")


class Rows(NamedTuple):
    """One split's rows in file order, and what was left out of it."""

    codes: Codes  # of every row
    target: NDArray[Any]  # int64 (rows,) | float32 (rows,) | (rows, labels) | (rows, length) | (rows, bins, labels)
    ids: NDArray[Any]  # str (rows,): `<class>/<id>` for interval tables, the row number for tables without ids
    index: NDArray[np.int64]  # type: ignore[assignment]  # tuple.index is no use here  # (rows,) row of the table before any drop, counted from 0
    dropped: dict[str, int]  # reason -> count of rows left out, as the user's settings allow


class PublishedIntervals(NamedTuple):
    """The intervals of a split as published, in the order of its rows; those that a genome lacks are among them."""

    intervals: Intervals  # (rows,), chromosomes named `assembly:chromosome`
    ids: NDArray[Any]  # str (rows,)
    table: NDArray[np.int64]  # (rows,) number of the table that a row is from: its class where each class has one


class Benchmark(Protocol):
    """Facts of a dataset, and its rows. Plain Python and numpy; nothing is read before it is needed."""

    name: str
    resolution_bp: int | None  # None: one label a sequence; 1: one a base; n: one a bin

    @property
    def reverse_complement(self) -> list[int] | None:
        """What class (label) i is on the other strand; None where classes have no strand."""

    @property
    def kind(self) -> str:
        """binary, multiclass, multilabel, regression, causal_lm or masked_lm."""

    @property
    def classes(self) -> list[str]:
        """Names of classes (binary, multiclass) or labels (multilabel); [] for regression."""

    def prepare(self) -> None:
        """Check that every file exists (DatasetMissing names what to fetch) and write generated ones, e.g. motifs."""

    def splits(self) -> list[str]:
        """Which of train, validation, test have their own file; what is not there is cut from train by the seed."""

    def sha256(self, split: str) -> dict[str, str]:
        """File name -> sha256 of everything the split's rows are read from."""

    def options(self) -> dict[str, Any]:
        """What else the rows depend on, plain values: with `sha256` the key of the encoded store."""

    def rows(self, split: str) -> Rows:
        """Read, check and encode one split. Every fault raises a UserError that names file and row."""

    def table_files(self, split: str) -> dict[str, Path] | None:
        """Table -> the file of a split's intervals; None where its rows have no coordinates."""

    def published_intervals(self, split: str) -> PublishedIntervals | None:
        """Read a split's intervals without opening a genome; None where its rows have no coordinates."""


class SequenceBenchmark(Benchmark, Protocol):
    """A benchmark whose rows are read as sequences: tables and FASTA."""


class GenomeBenchmark(Benchmark, Protocol):
    """A benchmark whose rows are intervals of one genome, so that windows can be gathered when they are needed."""

    @property
    def genome(self) -> Genome:
        """The genome, encoded and open."""

    def intervals(self, split: str) -> Intervals:
        """The intervals of a split that the genome holds, in the order of `rows`."""

    def labels(self, split: str) -> LabelSource:
        """The labels of a split's intervals; row i is interval i."""
