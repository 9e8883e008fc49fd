"""Labelled sequence tables: GUE, and a user's own csv, tsv or parquet."""

import csv
import io
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Rows
from genolightning.benchmarks.files import existing, missing_file, shown
from genolightning.errors import BadTable, DatasetMissing, UserError, check_integer
from genolightning.facts import NO_LABEL
from genolightning.genome.codes import encode
from genolightning.paths import data_root, in_data_root
from genolightning.storage.checksums import sha256
from genolightning.storage.text_files import open_decompressed, read_text

KINDS = ("binary", "multiclass", "multilabel", "regression")
MISSING = ("", "nan", "na", "n/a", "null")  # labels that say there is none, unless dataset.classes names them
LARGEST = 1e18  # of a regression target: squares of these are numbers in float32
SYNONYMS = {"sequence": ("sequence", "seq"), "label": ("label",)}  # what the default column names also accept


class Table(NamedTuple):
    """A text table as columns of stripped strings, and where each row stands in its file."""

    columns: dict[str, list[str]]
    row: NDArray[np.int64]  # (rows,) line in the file, the header being line 1; in parquet the row, from 1
    source: str  # the file, for errors
    unit: str = "line"  # what `row` counts

    def at(self, i: int) -> str:
        """File and line of the i-th row, counted from 0, for an error."""
        return f"{self.source} {self.unit} {self.row[i]}"


class LabelledTable:
    """A benchmark whose splits are tables with a column of sequences and a column of labels.

    Paths are absolute, or relative to the current folder or the data root; `x.csv` also finds `x.csv.gz`. What is left
    open is read from the training file: its sorted labels are the classes; two are binary, more are multiclass.
    Numbers are regression only where `kind="regression"` says so. 1, "1" and 1.0 are one label. A list of columns as
    `label`, or `kind="multilabel"` with cells such as "1,2,5", is multilabel. With `resolution_bp` a cell holds one
    character a base (1) or a bin of n bases.
    """

    def __init__(
        self,
        *,
        train: str | Path,
        name: str = "table",
        validation: str | Path | None = None,
        test: str | Path | None = None,
        sequence: str = "sequence",
        label: str | Sequence[str] = "label",
        id: str | None = None,
        kind: str | None = None,
        classes: Sequence[Any] | None = None,
        resolution_bp: int | None = None,
    ) -> None:
        if kind not in (None, *KINDS):
            raise UserError(f"dataset.kind={kind}: a table takes {', '.join(KINDS)}")
        if resolution_bp is not None and (kind in ("multilabel", "regression") or not isinstance(label, str)):
            raise UserError("dataset.resolution_bp on a table takes binary or multiclass labels, one character a base")
        if not isinstance(label, str) and (kind not in (None, "multilabel") or len(classes or label) != len(label)):
            raise UserError(
                "dataset.label: several columns are multilabel, one label a column; leave kind and classes out"
            )
        if resolution_bp is not None:
            check_integer("dataset.resolution_bp", resolution_bp)
        if not label:
            raise UserError("dataset.label names no column; name one, or several as dataset.label=[a,b]")
        self.name = name
        self.resolution_bp = resolution_bp
        self._paths = {"train": train, "validation": validation, "test": test}
        self._sequence, self._id = sequence, id
        self._label = label if isinstance(label, str) else list(label)
        self._kind = kind
        self._classes = None if classes is None else [canonical(str(one)) for one in classes]

    @cached_property
    def kind(self) -> str:
        """binary, multiclass, multilabel or regression: as declared, else by the number of classes."""
        if self._kind == "binary" and len(self.classes) != 2:
            raise UserError(f"dataset.kind=binary takes two classes, {self.name} has {_few(self.classes)}")
        if isinstance(self._label, list):
            return "multilabel"
        return self._kind or ("binary" if len(self.classes) == 2 else "multiclass")

    @cached_property
    def classes(self) -> list[str]:
        """Class names as declared, else the sorted labels of the training file; none for regression."""
        if self._kind == "regression":
            return []
        if self._classes is not None:
            return self._classes
        if isinstance(self._label, list):
            return self._label
        return self._classes_in_training_file(self._label)

    def prepare(self) -> None:
        """Check that every file is there."""
        for split in self.splits():
            self._file(split)

    def splits(self) -> list[str]:
        """Which of train, validation, test have their own file."""
        return [split for split, path in self._paths.items() if path is not None]

    def sha256(self, split: str) -> dict[str, str]:
        """The split's file -> its sha256."""
        path = self._file(split)
        return {shown(path): sha256(path)}

    def options(self) -> dict[str, Any]:
        """Columns, kind and classes: what else the rows depend on."""
        return {
            "sequence": self._sequence,
            "label": self._label,
            "id": self._id,
            "kind": self.kind,
            "classes": self.classes,
            "resolution_bp": self.resolution_bp,
        }

    def rows(self, split: str) -> Rows:
        """Read, check and encode one split; BadTable names the file and row of the first fault."""
        table = read_table(self._file(split))
        sequences = column(table, self._sequence, "sequence")
        codes = encode(sequences, describe=table.at)
        target = self._target(table, codes.lengths, split)
        count = len(sequences)
        ids = np.arange(count).astype(str) if self._id is None else np.array(column(table, self._id, "id"))
        return Rows(codes, target, ids, np.arange(count), {})

    def _target(self, table: Table, lengths: NDArray[np.int64], split: str) -> NDArray[Any]:
        if isinstance(self._label, list):
            return np.stack([_yes_or_no(table, column(table, name, "label"), name) for name in self._label], axis=1)
        cells = column(table, self._label, "label")
        if self.kind == "multilabel":
            return _label_sets(table, cells, self.classes)
        _refuse_missing(table, cells, self._classes or ())
        if self.kind == "regression":
            return _numbers(table, cells)
        if self.resolution_bp is None:
            target = _class_ids(table, cells, self.classes)
        else:
            target = _class_strings(table, cells, self.classes, -(-lengths // self.resolution_bp))
        self._refuse_absent_class(table, target, split)
        return target

    def _refuse_absent_class(self, table: Table, target: NDArray[np.int64], split: str) -> None:
        # a test file may lack a declared class; an undeclared one is more likely to be the wrong file
        if split != "train" and self._classes is not None:
            return
        absent = [name for i, name in enumerate(self.classes) if not (target == i).any()]
        if absent and split == "train":
            raise BadTable(
                f"{table.source}: no row of class {_few(absent)}; add rows, or leave it out of dataset.classes"
            )
        if absent:
            raise BadTable(
                f"{table.source}: no row of class {_few(absent)}, which the training file has; "
                f"add rows, or say dataset.classes=[{_few(self.classes)}] if it is meant to have none"
            )

    def _classes_in_training_file(self, name: str) -> list[str]:
        table = read_table(self._file("train"))
        cells = column(table, name, "label")
        if self._kind == "multilabel":
            return _in_order({canonical(name) for cell in set(cells) for name in _names(cell)})
        _refuse_missing(table, cells, self._classes or ())
        if self.resolution_bp is not None:
            found = _in_order(set().union(*cells))
        else:
            found = _in_order({canonical(cell) for cell in set(cells)})
        if self._kind is None and self.resolution_bp is None and (fraction := _fraction(found)):
            raise BadTable(
                f"{table.source}: labels such as {fraction} are numbers; say dataset.kind=regression (or multiclass)"
            )
        if len(found) < 2:
            raise BadTable(f"{table.source}: every label is {found[0]!r}; a classifier needs rows of two classes")
        return found

    def _file(self, split: str) -> Path:
        given = self._paths[split]
        if given is None:
            raise UserError(f"{self.name} has no {split} file; name one: dataset.{split}=FILE")
        path = in_data_root(given)
        if found := existing(path):
            return found
        if self.name == "table" or not path.is_relative_to(data_root()):
            raise DatasetMissing(f"{self.name}: there is no file {path}; name another: dataset.{split}=FILE")
        return missing_file(self.name, given)


def read_table(path: Path) -> Table:
    """Read csv, tsv, parquet or FASTA with labels in its headers, gzipped or not, told by content; cells are stripped.

    Raises BadTable for a file that is empty, has a header only, is ragged or is no table.
    """
    with open_decompressed(path) as stream:
        start = stream.read(4)
        if start[:1] == b">":
            from genolightning.benchmarks.labelled_fasta import read_labelled_fasta

            table = read_labelled_fasta(path)
        else:
            table = _read_parquet(path, start + stream.read()) if start == b"PAR1" else _read_delimited(path)
    if not len(table.row):
        raise BadTable(f"{path}: a header and no rows; write one row a sequence below it")
    return table


def _read_delimited(path: Path) -> Table:
    text = read_text(path).decode()
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    csv.field_size_limit(2**31 - 1)  # a chromosome may stand in one cell; the default stops at 131,072
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    line: list[int] = []
    try:
        header = [name.strip() for name in next(reader)]
        for row in reader:
            if len(row) == len(header):
                rows.append(row)
                line.append(reader.line_num)
            elif any(cell.strip() for cell in row):
                raise BadTable(
                    f"{path} line {reader.line_num}: {len(row)} fields where the header has {len(header)}; "
                    "quote a cell that holds a separator"
                )
    except csv.Error as error:
        raise BadTable(f"{path} line {reader.line_num}: {error}; close every quote") from None
    cells = zip(*rows, strict=True) if rows else ([] for _ in header)
    columns = [[cell.strip() for cell in column] for column in cells]
    for name in header:
        if name and header.count(name) > 1:
            raise BadTable(f"{path} line 1: two columns are called {name!r}; rename one")
    return Table(dict(zip(header, columns, strict=True)), np.array(line, np.int64), str(path))


def _read_parquet(path: Path, data: bytes) -> Table:
    import polars as pl

    try:
        frame = pl.read_parquet(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadTable(f"{path}: not a whole parquet file ({str(error).splitlines()[0]}); write it again") from None
    columns = {}
    for cells in frame:
        try:
            if isinstance(cells.dtype, pl.List):
                cells = cells.cast(pl.List(pl.String)).list.join(",")
            columns[cells.name] = cells.cast(pl.String).fill_null("").str.strip_chars().to_list()
        except pl.exceptions.PolarsError:  # an embedding, an image: no sequence, label or name
            continue
    return Table(columns, np.arange(1, frame.height + 1), str(path), "row")


def canonical(label: str) -> str:
    """One spelling of a label: whole numbers lose their plus sign and `.0`.

    >>> [canonical(one) for one in ("1", "1.0", "+1", "enhancer", "0.5")]
    ['1', '1', '1', 'enhancer', '0.5']
    """
    whole = re.fullmatch(r"\+?(-?\d+)(\.0*)?", label.strip())
    return whole[1] if whole else label.strip()


def column(table: Table, name: str, role: str) -> list[str]:
    found = table.columns
    if name in found:
        return found[name]
    if name == role:  # not named by the user
        alike = [column for column in found if column.lower() in SYNONYMS.get(role, ())]
        if len(alike) == 1:
            return found[alike[0]]
    raise BadTable(
        f"{table.source}: no column {name!r}; it has {_few([column[:24] for column in found])}; "
        "name yours: dataset.sequence=seq dataset.label=y"
    )


def _refuse_missing(table: Table, cells: list[str], named: Sequence[str] = ()) -> None:
    for row, cell in enumerate(cells):
        if cell.lower() in MISSING and cell not in named:
            raise BadTable(
                f"{table.at(row)}: the label is missing{f' ({cell})' if cell else ''}; fill it in or remove the row"
            )


def _class_ids(table: Table, cells: list[str], classes: list[str]) -> NDArray[np.int64]:
    number = {name: i for i, name in enumerate(classes)}
    of_cell = {cell: number.get(canonical(cell)) for cell in set(cells)}
    if None in of_cell.values():
        i = next(i for i, cell in enumerate(cells) if of_cell[cell] is None)
        raise BadTable(f"{table.at(i)}: unknown label {cells[i]!r}; the classes are {_few(classes)}")
    return np.array([of_cell[cell] for cell in cells], np.int64)


def _class_strings(
    table: Table, cells: list[str], classes: list[str], expected: NDArray[np.int64]
) -> NDArray[np.int64]:
    """One character a base or bin -> class ids (rows, longest), padded with NO_LABEL."""
    lengths = np.fromiter(map(len, cells), np.int64, len(cells))
    if (lengths != expected).any():
        i = int(np.argmax(lengths != expected))
        raise BadTable(f"{table.at(i)}: {lengths[i]} labels where {expected[i]} are due; write one character each")
    number = np.full(256, NO_LABEL, np.int64)
    for i, name in enumerate(classes):
        if len(name) != 1 or not name.isascii():
            raise UserError(f"dataset.classes: {name!r} is not one ASCII character, as dataset.resolution_bp asks")
        number[ord(name)] = i
    values = number[np.frombuffer("".join(cells).encode("ascii", "replace"), np.uint8)]
    target = np.full((len(cells), int(lengths.max())), NO_LABEL)
    inside = np.arange(target.shape[1]) < lengths[:, None]
    target[inside] = values
    if (unknown := (target == NO_LABEL) & inside).any():
        i, base = np.argwhere(unknown)[0].tolist()
        raise BadTable(f"{table.at(i)}: unknown label {cells[i][base]!r}; the classes are {_few(classes)}")
    return target


def _label_sets(table: Table, cells: list[str], classes: list[str]) -> NDArray[np.int64]:
    """Cells such as "1,2,5" -> 0 or 1 (rows, labels); an empty cell has none."""
    number = {name: i for i, name in enumerate(classes)}
    target = np.zeros((len(cells), len(classes)), np.int64)
    for i, cell in enumerate(cells):
        for name in _names(cell):
            if canonical(name) not in number:
                raise BadTable(f"{table.at(i)}: unknown label {name!r}; the labels are {_few(classes)}")
            target[i, number[canonical(name)]] = 1
    return target


def _yes_or_no(table: Table, cells: list[str], name: str) -> NDArray[np.int64]:
    meaning = {"0": 0, "1": 1, "false": 0, "true": 1, "": NO_LABEL}
    of_cell = {cell: meaning.get(canonical(cell).lower()) for cell in set(cells)}
    if None in of_cell.values():
        i = next(i for i, cell in enumerate(cells) if of_cell[cell] is None)
        raise BadTable(f"{table.at(i)}: {cells[i]!r} in column {name!r}; a label column holds 0, 1 or nothing")
    return np.array([of_cell[cell] for cell in cells], np.int64)


def _numbers(table: Table, cells: list[str]) -> NDArray[np.float32]:
    values = np.array([_number(cell) for cell in cells])
    if not (finite := np.isfinite(values)).all():
        i = int(np.argmin(finite))
        raise BadTable(f"{table.at(i)}: {cells[i]!r} is not a number; regression needs one, or remove the row")
    if not (small := np.abs(values) < LARGEST).all():
        i = int(np.argmin(small))
        raise BadTable(f"{table.at(i)}: {cells[i]} is too large to be learned; give smaller units, below {LARGEST:g}")
    return values.astype(np.float32)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _names(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(",") if name.strip()]


def _in_order(names: set[str]) -> list[str]:
    """Sorted: as numbers where all are numbers, else as text."""
    numbers = all(np.isfinite(_number(name)) for name in names)
    return sorted(names, key=lambda name: (_number(name) if numbers else 0.0, name))


def _fraction(names: list[str]) -> str | None:
    values = [_number(name) for name in names]
    if not np.isfinite(values).all():
        return None
    return next((name for name, value in zip(names, values, strict=True) if value != round(value)), None)


def _few(names: Sequence[str]) -> str:
    """Names for one line: at most ten."""
    return ", ".join(names[:10]) + (f", ... ({len(names)})" if len(names) > 10 else "")
