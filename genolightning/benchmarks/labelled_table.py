"""Labelled sequence tables: GUE, and a user's own csv, tsv or parquet."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Rows
from genolightning.benchmarks.files import existing, missing_file, shown
from genolightning.benchmarks.label_columns import (
    canonical,
    class_ids,
    class_strings,
    first_fraction,
    in_order,
    label_sets,
    numbers,
    refuse_missing,
    split_names,
    strand_permutation,
    yes_or_no,
)
from genolightning.benchmarks.labelled_fasta import read_labelled_fasta
from genolightning.benchmarks.text_table import TextTable, column, first_names, read_delimited, read_parquet
from genolightning.errors import BadTable, DatasetMissing, Setting, UserError, check_integer
from genolightning.genome.codes import encode
from genolightning.paths import data_root, in_data_root
from genolightning.storage.checksums import sha256
from genolightning.storage.text_files import open_decompressed

KINDS = ("binary", "multiclass", "multilabel", "regression")


class LabelledTable:
    """A benchmark whose splits are tables with a column of sequences and a column of labels.

    Paths are absolute, or relative to the current folder or the data root; `x.csv` also finds `x.csv.gz`. What is left
    open is read from the training file: its sorted labels are the classes; two are binary, more are multiclass.
    Numbers are regression only with `kind="regression"`. 1, "1" and 1.0 are one label. A list of columns as
    `label`, or `kind="multilabel"` with cells such as "1,2,5", is multilabel. With `resolution_bp` a cell holds one
    character a base (1) or a bin of n bases. `reverse_complement` maps each class that has a strand to its class on the
    other strand, `{"plus_cds": "minus_cds", "minus_cds": "plus_cds"}`.
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
        reverse_complement: Mapping[str, str] | None = None,
    ) -> None:
        if kind not in (None, *KINDS):
            raise UserError(f"{Setting('dataset.kind', kind)}: a table takes {', '.join(KINDS)}")
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
        self._other_strand = reverse_complement
        self._label = label if isinstance(label, str) else list(label)
        self._kind = kind
        self._classes = None if classes is None else [canonical(str(one)) for one in classes]

    @cached_property
    def kind(self) -> str:
        """binary, multiclass, multilabel or regression: as declared, else by the number of classes."""
        if self._kind == "binary" and len(self.classes) != 2:
            raise UserError(f"dataset.kind=binary takes two classes, {self.name} has {first_names(self.classes)}")
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

    @cached_property
    def reverse_complement(self) -> list[int] | None:
        """What class i becomes on the other strand, [classes]; None where classes have no strand."""
        return strand_permutation(self.classes, self._other_strand)

    def prepare(self) -> None:
        """Check that every file is there, and that the classes of the other strand are classes."""
        _ = self.reverse_complement
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
        strands = {} if self._other_strand is None else {"reverse_complement": self.reverse_complement}
        return strands | {
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

    def table_files(self, split: str) -> None:
        """None: its rows have no published intervals."""

    def published_intervals(self, split: str) -> None:
        """None: its rows have no published intervals."""

    def _target(self, table: TextTable, lengths: NDArray[np.int64], split: str) -> NDArray[Any]:
        if isinstance(self._label, list):
            return np.stack([yes_or_no(table, column(table, name, "label"), name) for name in self._label], axis=1)
        cells = column(table, self._label, "label")
        if self.kind == "multilabel":
            return label_sets(table, cells, self.classes)
        refuse_missing(table, cells, self._classes or ())
        if self.kind == "regression":
            return numbers(table, cells)
        if self.resolution_bp is None:
            target = class_ids(table, cells, self.classes)
        else:
            target = class_strings(table, cells, self.classes, -(-lengths // self.resolution_bp))
        self._refuse_absent_class(table, target, split)
        return target

    def _refuse_absent_class(self, table: TextTable, target: NDArray[np.int64], split: str) -> None:
        # a test file may lack a declared class; an undeclared one is more likely to be the wrong file
        if split != "train" and self._classes is not None:
            return
        absent = [name for i, name in enumerate(self.classes) if not (target == i).any()]
        if absent and split == "train":
            raise BadTable(
                f"{table.source}: no row of class {first_names(absent)}; add rows, or leave it out of dataset.classes"
            )
        if absent:
            raise BadTable(
                f"{table.source}: no row of class {first_names(absent)}, which the training file has; "
                f"add rows, or say dataset.classes=[{first_names(self.classes)}] if it is meant to have none"
            )

    def _classes_in_training_file(self, name: str) -> list[str]:
        table = read_table(self._file("train"))
        cells = column(table, name, "label")
        if self._kind == "multilabel":
            return in_order({canonical(name) for cell in set(cells) for name in split_names(cell)})
        refuse_missing(table, cells, self._classes or ())
        if self.resolution_bp is not None:
            found = in_order(set().union(*cells))
        else:
            found = in_order({canonical(cell) for cell in set(cells)})
        if self._kind is None and self.resolution_bp is None and (fraction := first_fraction(found)):
            raise BadTable(
                f"{table.source}: labels such as {fraction} are numbers",
                f"say {Setting('dataset.kind', 'regression')} (or multiclass)",
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


def read_table(path: Path) -> TextTable:
    """Read csv, tsv, parquet or FASTA with labels in its headers, gzipped or not, by its content; cells are stripped.

    Raises BadTable for a file that is empty, has a header only, is ragged or is no table.
    """
    with open_decompressed(path) as stream:
        start = stream.read(4)
        if start[:1] == b">":
            table = read_labelled_fasta(path)
        else:
            table = read_parquet(path, start + stream.read()) if start == b"PAR1" else read_delimited(path)
    if not len(table.row):
        raise BadTable(f"{path}: a header and no rows; write one row a sequence below it")
    return table
