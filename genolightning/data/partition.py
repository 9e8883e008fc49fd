"""Which rows of a benchmark's tables are train, validation and test."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import SPLITS, Benchmark
from genolightning.benchmarks.splits import assign
from genolightning.data.encoded_split import EncodedSplit, concatenated, open_split
from genolightning.data.settings import Splitting
from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, Facts, target_kind


@dataclass(frozen=True, slots=True)
class SplitRows:
    """The rows of one split: all rows of a table, or some of them."""

    table: EncodedSplit
    rows: NDArray[np.int64] | None  # (n,) row numbers of the table, in order; None for all
    origin: str  # `original`, a re-split's id, or `random, seed N`

    def __len__(self) -> int:
        return len(self.table.index) if self.rows is None else len(self.rows)

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """The entries of a column of the table, (table rows, ...), that belong to this split, (n, ...)."""
        return values if self.rows is None else values[self.rows]


@dataclass(frozen=True, slots=True)
class Partition:
    """A benchmark's rows divided into splits; `validation` is missing where there is none."""

    splits: dict[str, SplitRows]
    tables: dict[str, EncodedSplit]  # by the name of the split that each table was published as
    notes: list[str] = field(default_factory=list)  # what a reader of the scores should know

    def count(self, split: str) -> int:
        """Rows of a split, 0 where there is none."""
        return len(self.splits[split]) if split in self.splits else 0

    def dropped(self) -> dict[str, dict[str, int]]:
        """Rows left out of each table, by reason."""
        return {name: table.dropped for name, table in self.tables.items() if table.dropped}

    def warnings(self) -> list[str]:
        """Notes on the split, then what was noted when the tables were read."""
        return [*self.notes, *(warning for table in self.tables.values() for warning in table.warnings)]


def training_facts(benchmark: Benchmark, partition: Partition) -> Facts:
    """What a model may know of a divided benchmark; test rows are counted, and never read."""
    train = partition.splits["train"]
    target, lengths = train.of(train.table.target), train.of(train.table.lengths())
    kind = target_kind(benchmark.kind)
    counts, absent = list[int](), list[int]()
    mean, sd = 0.0, 1.0
    if kind.exclusive_classes:
        counts = np.bincount(target[target != NO_LABEL], minlength=len(benchmark.classes)).tolist()
    elif kind.label_axis:
        rows = tuple(range(target.ndim - 1))
        counts, absent = (target == 1).sum(axis=rows).tolist(), (target == 0).sum(axis=rows).tolist()
    elif kind.real_targets:
        mean, sd = float(np.nanmean(target)), float(np.nanstd(target)) or 1.0
    return Facts(
        kind=benchmark.kind,
        classes=list(benchmark.classes),
        length_bp=int(lengths.max()),
        shortest_bp=int(lengths.min()),
        resolution_bp=benchmark.resolution_bp,
        rows={split: partition.count(split) for split in SPLITS},
        class_counts=counts,
        absent_counts=absent,
        target_mean=mean,
        target_sd=sd,
        reverse_complement=benchmark.reverse_complement,
    )


def divide(benchmark: Benchmark, settings: Splitting) -> Partition:
    """Open the encoded tables of a benchmark and divide their rows; UserError where a split is left without a row."""
    tables = {
        split: open_split(benchmark, split)
        for split in benchmark.splits()
        if settings.validates or split != "validation"
    }
    splits: dict[str, SplitRows] = {}
    notes: list[str] = []
    origin = "original"
    rows = np.arange(len(tables["train"].index))
    if settings.split != "original":
        chosen = assign(benchmark, settings.split, settings.seed)
        origin, notes = chosen.id, chosen.notes
        # the published train and test rows, one below the other
        table = tables["train"] = concatenated(tables["train"], tables.pop("test"))
        splits["test"] = SplitRows(table, np.flatnonzero(np.isin(table.index, chosen.test)), origin)
        if chosen.validation is not None and settings.validates:
            held_out = np.flatnonzero(np.isin(tables["validation"].index, chosen.validation))
            splits["validation"] = SplitRows(tables["validation"], held_out, origin)
        rows = np.flatnonzero(np.isin(table.index, chosen.train))
    rows = _cut_missing_splits(splits, tables, rows, settings, origin)
    table = tables["train"]
    whole_table = len(rows) == len(table.index)
    published = whole_table or settings.split != "original"
    splits["train"] = SplitRows(
        table, None if whole_table else rows, origin if published else f"random, seed {settings.seed}"
    )
    if empty := [split for split in splits if not len(splits[split])]:
        raise UserError(f"{benchmark.name}: no row left for {', '.join(empty)}; give a file or a larger share")
    return Partition(splits, tables, notes)


def _cut_missing_splits(
    splits: dict[str, SplitRows],
    tables: dict[str, EncodedSplit],
    rows: NDArray[np.int64],
    settings: Splitting,
    origin: str,
) -> NDArray[np.int64]:
    """Add test and validation where `splits` lacks them, from their table or else from rows of train; returns the rest
    of these rows, int64 (n,), of which `train_fraction` is kept.
    """
    table = tables["train"]
    shares = (("test", settings.test_fraction), ("validation", settings.validation_fraction))
    for number, (split, share) in enumerate(shares):
        if split in splits or not (settings.validates or split == "test"):
            continue
        if split in tables:
            splits[split] = SplitRows(tables[split], None, origin)
        else:
            rows, cut = cut_rows(rows, table.target, share, [settings.seed, number])
            splits[split] = SplitRows(table, cut, f"random, seed {settings.seed}")
    if settings.train_fraction < 1:
        _, rows = cut_rows(rows, table.target, settings.train_fraction, [settings.seed, 2], least=1)
    return rows


def cut_rows(
    rows: NDArray[np.int64], target: NDArray[Any], share: float, seed: list[int], *, least: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut a random share off, class by class where rows have classes: (rows left, rows cut), both in order.

    `rows` is int64 (n,), row numbers of `target`, (rows, ...). At least `least` rows of each class are cut. With the
    same seed a smaller share is a subset of a larger one.
    """
    random = np.random.default_rng(seed)
    classes = target[rows] if target.ndim == 1 and target.dtype.kind == "i" else np.zeros(len(rows), np.int64)
    taken = np.zeros(len(rows), bool)
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        taken[random.permutation(members)[: max(least, round(len(members) * share))]] = True
    return rows[~taken], rows[taken]
