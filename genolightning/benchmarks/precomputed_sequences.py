"""Ready sequences of an interval dataset, for a machine that lacks its genome: `sequences/<name>/<split>.tsv.gz`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Rows
from genolightning.benchmarks.label_columns import canonical
from genolightning.benchmarks.labelled_table import read_table
from genolightning.benchmarks.text_table import TextTable, column
from genolightning.errors import BadTable
from genolightning.genome.codes import encode
from genolightning.genome.intervals import IntervalTable


def read_ready(path: Path, classes: Sequence[str], tables: Mapping[str, IntervalTable] | None) -> Rows:
    """Read columns `seq` or `sequence`, `label` (a class, or its number in sorted order), and `id` where there is one.

    With ids and the dataset's interval `tables` rows come in the order of the tables, as they do from a genome; else
    in that of the classes, then of the file. Raises BadTable for a faulty row, and for rows that are not those of the
    tables: another number of a class, an id or a length that the tables do not have.
    """
    table = read_table(path)
    target = _labels(table, classes)
    names = table.columns.get("id")
    ids = np.arange(len(target)).astype(str)
    order = np.argsort(target, kind="stable")
    if names is not None:
        ids = np.array([f"{classes[label]}/{name}" for label, name in zip(target, names, strict=True)])
    if tables is not None:
        _same_counts(table, target, classes, tables)
        order = order if names is None else _order(table, ids.tolist(), tables)
    table, target, ids = _reordered(table, order), target[order], ids[order]
    codes = encode(column(table, "sequence", "sequence"), describe=table.at)
    if tables is not None and names is not None:
        _same_lengths(table, codes.lengths, np.concatenate([one.intervals.lengths for one in tables.values()]))
    return Rows(codes, target, ids, np.arange(len(target)), {})


def _labels(table: TextTable, classes: Sequence[str]) -> NDArray[np.int64]:
    number = {name: i for i, name in enumerate(classes)}
    number |= {str(i): i for i in range(len(classes)) if str(i) not in number}
    cells = [canonical(cell) for cell in column(table, "label", "label")]
    for row, cell in enumerate(cells):
        if cell not in number:
            raise BadTable(f"{table.at(row)}: unknown label {cell!r}; the classes are {', '.join(classes)}")
    return np.array([number[cell] for cell in cells], np.int64)


def _same_counts(
    table: TextTable, target: NDArray[np.int64], classes: Sequence[str], tables: Mapping[str, IntervalTable]
) -> None:
    for label, found in zip(classes, np.bincount(target, minlength=len(classes)).tolist(), strict=True):
        if found != (wanted := len(tables[label].ids)):
            raise BadTable(
                f"{table.source}: {found} rows of class {label} where the interval table has {wanted}; "
                "fetch or write the file again"
            )


def _order(table: TextTable, keys: list[str], tables: Mapping[str, IntervalTable]) -> NDArray[np.int64]:
    """For each row of the tables its row in the file."""
    place = {key: row for row, key in enumerate(keys)}
    known = [f"{label}/{one}" for label, part in tables.items() for one in part.ids]
    if strange := place.keys() - set(known):
        row = min(place[key] for key in strange)
        raise BadTable(f"{table.at(row)}: id {keys[row]} is in no interval table; fetch the file again")
    if len(place) < len(keys):
        twice = next(row for row, key in enumerate(keys) if place[key] != row)
        raise BadTable(f"{table.at(twice)}: id {keys[twice]} occurs twice; fetch the file again")
    return np.array([place[key] for key in known])


def _reordered(table: TextTable, order: NDArray[np.int64]) -> TextTable:
    columns = {name: [cells[row] for row in order.tolist()] for name, cells in table.columns.items()}
    return replace(table, columns=columns, row=table.row[order])


def _same_lengths(table: TextTable, found: NDArray[np.int64], wanted: NDArray[np.int64]) -> None:
    if (wrong := found != wanted).any():
        row = int(np.argmax(wrong))
        raise BadTable(f"{table.at(row)}: {found[row]} bases where its interval has {wanted[row]}; fetch it again")
