"""A benchmark's rows as FASTA, csv, parquet or a folder of text files: for other programs, and to look at."""

import csv
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.audit.published_rows import PUBLISHED
from genolightning.benchmarks.base import Benchmark, Rows
from genolightning.benchmarks.splits import assign
from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, target_kind
from genolightning.genome.alphabet import decode
from genolightning.genome.codes import Codes
from genolightning.storage.atomic import atomic_folder


class Column(NamedTuple):
    """What is written of a split, row by row."""

    id: list[str]
    sequence: list[str]
    label: list[str]  # a class, a number, labels with commas between, or a digit a base


class SplitAgain(NamedTuple):
    """Published rows as a re-split deals them out."""

    id: str  # the kind and a hash
    rows: dict[str, Rows]
    notes: list[str]  # what the split could not keep to


def export(
    benchmark: Benchmark,
    splits: Iterable[str],
    write: Callable[[Path, str, Column], None],
    out: Path,
    *,
    rows_of: Callable[[str], Rows] | None = None,
) -> dict[str, int]:
    """Write splits with one of the writers below into the folder `out`, which appears whole or not at all.

    `rows_of` gives the rows of a split where they are not the published ones. Returns split -> rows. Ambiguous letters
    come out as N, lower case as upper case. Raises UserError where `out` holds anything, or for what the format cannot
    hold.
    """
    counts = {}
    with atomic_folder(out) as draft:
        for split in splits:
            rows = (rows_of or benchmark.rows)(split)
            write(draft, split, columns(rows, benchmark))
            counts[split] = len(rows.index)
    return counts


def split_again(benchmark: Benchmark, kind: str, seed: int) -> SplitAgain:
    """Deal the published rows out again, `clean` or by `chromosome`, as training with `dataset.split` does.

    Ids repeat between published tables, so each names its own: `positive/12` of test becomes `positive/test-12`.
    UserError where there is no such split (see `splits.assign`).
    """
    chosen = assign(benchmark, kind, seed)
    tables = [benchmark.rows(split) for split in PUBLISHED]
    ids = [_of_table(split, table.ids) for split, table in zip(PUBLISHED, tables, strict=True)]
    after = len(tables[0].index) + sum(tables[0].dropped.values())
    both = Rows(
        Codes.concat([table.codes for table in tables]),
        np.concatenate([table.target for table in tables]),
        np.concatenate(ids),
        np.concatenate([tables[0].index, tables[1].index + after]),
        {},
    )
    rows = {"train": _some(both, chosen.train), "test": _some(both, chosen.test)}
    if chosen.validation is not None:
        held = benchmark.rows("validation")
        rows["validation"] = _some(held._replace(ids=_of_table("validation", held.ids)), chosen.validation)
    return SplitAgain(chosen.id, rows, chosen.notes)


def _some(rows: Rows, index: NDArray[np.int64]) -> Rows:
    kept = np.flatnonzero(np.isin(rows.index, index))
    return Rows(rows.codes.take(kept), rows.target[kept], rows.ids[kept], rows.index[kept], {})


def _of_table(split: str, ids: NDArray[Any]) -> NDArray[Any]:
    parts = [one.rpartition("/") for one in ids.tolist()]
    return np.array([f"{label}{slash}{split}-{name}" for label, slash, name in parts], dtype=str)


def columns(rows: Rows, benchmark: Benchmark) -> Column:
    """Ids, letters and labels of a split's rows."""
    return Column(rows.ids.tolist(), letters(rows.codes), labels(rows.target, benchmark, rows.codes))


def letters(codes: Codes) -> list[str]:
    """Rows of codes as DNA strings.

    >>> letters(Codes(np.array([[0, 3], [4, 1]], np.uint8)))
    ['AT', 'NC']
    """
    text, cuts = decode(codes.values), codes.offsets.tolist()
    return [text[start:end] for start, end in pairwise(cuts)]


def labels(target: NDArray[Any], benchmark: Benchmark, codes: Codes) -> list[str]:
    """The label of each row, as a table that we read ourselves writes it.

    Class names; numbers for regression; names with commas between for several labels a row; for labels a base or bin a
    digit each, the number of the class. UserError where those are more than ten.
    """
    names = benchmark.classes
    if benchmark.resolution_bp is not None:
        if len(names) > 10 or target.ndim != 2 or (target[:, :1] == NO_LABEL).any():
            raise UserError(f"{benchmark.name}: its labels along the sequence fit no table of text; nothing is written")
        return ["".join(map(str, row[row != NO_LABEL].tolist())) for row in target]
    if target.ndim == 2:
        if (target == NO_LABEL).any():
            raise UserError(
                f"{benchmark.name}: some labels are unknown, which no list of names can say; nothing is written"
            )
        return [",".join(names[i] for i in np.flatnonzero(row == 1)) for row in target]
    if np.issubdtype(target.dtype, np.floating):
        return [repr(float(value)) for value in target]
    return ["" if value == NO_LABEL else names[value] for value in target.tolist()]


def write_fasta(folder: Path, split: str, rows: Column) -> None:
    """`<split>.fa`, the label at the end of the header: `>id|label`."""
    lines = (f">{id}|{label}\n{sequence}\n" for id, sequence, label in zip(*rows, strict=True))
    (folder / f"{split}.fa").write_text("".join(lines))


def write_csv(folder: Path, split: str, rows: Column) -> None:
    """`<split>.csv` with the columns id, sequence, label."""
    with open(folder / f"{split}.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(rows._fields)
        table.writerows(zip(*rows, strict=True))


def write_parquet(folder: Path, split: str, rows: Column) -> None:
    """`<split>.parquet` with the columns id, sequence, label, all text."""
    import polars as pl

    pl.DataFrame(rows._asdict()).write_parquet(folder / f"{split}.parquet")


def write_texts(folder: Path, split: str, rows: Column) -> None:
    """`<split>/<class>/<id>.txt`, one sequence a file without a line end: what the reference package unpacks.

    Raises UserError for ids that cannot be names of files or occur twice in a class, and rows without one class.
    """
    seen: set[tuple[str, str]] = set()
    for id, sequence, label in zip(*rows, strict=True):
        name = id.removeprefix(f"{label}/")
        for part in (label, name):
            if not part or part in (".", "..") or set(part) & set('/\\:*?"<>|\0') or len(part) > 200:
                raise UserError(f"{split} row {id}: {part[:60]!r} cannot name a file or folder; take --format csv")
        if (label, name.lower()) in seen:
            raise UserError(f"{split} row {id}: another row of class {label} has that id; take --format csv")
        (folder / split / label).mkdir(parents=True, exist_ok=True)
        seen.add((label, name.lower()))
        (folder / split / label / f"{name}.txt").write_text(sequence)


def single_class(benchmark: Benchmark) -> bool:
    """Whether each row is of one class, as class folders need."""
    return target_kind(benchmark.kind).exclusive_classes and benchmark.resolution_bp is None
